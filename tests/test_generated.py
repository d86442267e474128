"""What is generated from the XML is what is committed."""

import inspect
from importlib import import_module

import generate_tasks
import pytest

import confetti_task

TASKS = sorted((generate_tasks.TOP / "xml").glob("*.xml"))


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_modules_are_what_the_xml_says(path):
    for module, text in generate_tasks.modules(generate_tasks.read_task(path)).items():
        assert module.read_text(encoding="utf-8") == text, f"run scripts/generate_tasks.py: {module} is not of {path}"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_task_has_the_parameters_of_the_xml_in_their_order(path):
    task = getattr(confetti_task, path.stem)
    implementation = getattr(import_module(f"confetti_task.private.task_{path.stem}"), path.stem)
    wanted = generate_tasks.read_task(path).parameters
    assert [(name, value.default) for name, value in inspect.signature(task).parameters.items()] == [
        (parameter.name, parameter.default) for parameter in wanted
    ]
    assert list(inspect.signature(implementation).parameters) == [parameter.name for parameter in wanted]


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
