"""What is generated from the XML is what is committed."""

import inspect
from importlib import import_module

import pytest
from casa_images import write_cube
from checks import assert_documented, confetti_check
from skies import NOISE, Products

import confetti_task
from confetti_task.private.core.decision import Thresholds
from scripts import generate_tasks

TASKS = sorted((generate_tasks.TOP / "xml").glob("*.xml"))
FILES = [pytest.param(*file, id=str(file[0].relative_to(generate_tasks.TOP))) for file in generate_tasks.files()]


@pytest.mark.parametrize(("path", "text"), FILES)
def test_modules_and_reference_pages_are_what_the_xml_says(path, text):
    assert path.read_text(encoding="utf-8") == text, f"run scripts/generate_tasks.py: {path} is another"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_readers_see_every_parameter_and_every_key_with_types_of_python(path):
    task = generate_tasks.read_task(path)
    text = inspect.getdoc(getattr(confetti_task, task.name))
    page = (generate_tasks.REFERENCE / f"{task.name}.md").read_text(encoding="utf-8")
    for parameter in task.parameters:
        assert f"\n{parameter.name} : {parameter.python_type}, default {parameter.default!r}\n" in text
        assert f"\n### `{parameter.name}`\n\n`{parameter.python_type}, default {parameter.default!r}`\n" in page
    for key in task.returns.keys:
        assert f"\n    {key.name} : {key.type}\n" in text
        assert f"\n- `{key.name}` (`{key.type}`): " in page
    assert not any(f": {kind}" in text for kind in ("string", "double", "any", "record"))


@pytest.mark.parametrize("flux", [0, 80 * NOISE])
def test_the_dictionary_that_confetti_check_returns_is_the_documented_one(flux):
    products = Products()
    products.add_confetti(3, 30, 26, flux)
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["verdict"] == ("confetti" if flux else "clean")
    assert_documented(result, generate_tasks.read_task(generate_tasks.TOP / "xml" / "confetti_check.xml").returns.keys)


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_task_has_the_parameters_of_the_xml_in_their_order(path):
    task = getattr(confetti_task, path.stem)
    implementation = getattr(import_module(f"confetti_task.private.task_{path.stem}"), path.stem)
    wanted = generate_tasks.read_task(path).parameters
    assert [(name, value.default) for name, value in inspect.signature(task).parameters.items()] == [
        (parameter.name, parameter.default) for parameter in wanted
    ]
    assert list(inspect.signature(implementation).parameters) == [parameter.name for parameter in wanted]


def test_arrays_and_thresholds_have_the_defaults_of_the_xml():
    """All but one: arrays are not deconvolved again unless asked for, because that needs CASA."""
    wanted = {p.name: p.default for p in confetti_task.confetti_check.__globals__["PARAMETERS"]}
    wanted["deconvolve"] = "none"
    of_arrays = inspect.signature(confetti_task.find_confetti).parameters
    thresholds = Thresholds()
    shared = set(wanted) & set(of_arrays)
    assert {name: of_arrays[name].default for name in shared} == {name: wanted[name] for name in shared}
    assert {"nsigma", "narrowness", "unsupported", "surround"} <= shared
    for name in ("nsigma", "narrowness", "unsupported", "surround"):
        assert getattr(thresholds, name) == wanted[name]


def test_what_the_generator_does_not_know_is_an_error(tmp_path):
    text = TASKS[0].read_text(encoding="utf-8").replace('type="double"', 'type="complex"', 1)
    path = tmp_path / "task.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="nsigma: cannot read .* of type complex"):
        generate_tasks.read_task(path)


def test_the_package_is_imported_without_casa():
    import subprocess
    import sys

    code = (
        "import confetti_task, sys; print([m for m in sys.modules if m.startswith('casa')], confetti_task.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", confetti_task.__version__]


def test_the_check_after_a_reclean_has_every_parameter_that_decides():
    """All but names, the selection of products, and what changes no result."""
    from confetti_task.private.task_confetti_check import INHERITED_PARAMETERS, RECORDED_PARAMETERS

    decides_nothing = {"imagename", "outfile", "writestats", "reader", "parallel", "memory", "overwrite"}
    decides_nothing |= {"fitsmask", "candidatemask"}
    names = {"known", "proof"}
    of_the_old_images = {"record"}
    parameters = {parameter.name for parameter in confetti_task.confetti_check.__globals__["PARAMETERS"]}
    assert {*INHERITED_PARAMETERS, *names} == parameters - decides_nothing - of_the_old_images
    assert set(RECORDED_PARAMETERS) <= parameters
