"""How tclean was called, from what it wrote into the history of an image."""

import pytest

from confetti_task.private.images.history import record_of
from confetti_task.private.images.history import recorded_parameters as read


def recorded_parameters(history, root):
    return read(history, root, {"imagename", "niter", "gain", "robust", "scales", "value"})


def run(**values):
    """Lines of the history as tclean writes them."""
    return ["taskname=tclean", "version: 6.7.0-31 CASAtools:v1.0.0"] + [
        f'{name:<11} = "{value}"' if isinstance(value, str) else f"{name:<11} = {value}"
        for name, value in values.items()
    ]


def test_the_last_run_that_cleaned_counts_and_not_the_one_that_made_the_final_residual():
    history = run(imagename="line", niter=500, gain=0.3) + run(imagename="line", niter=900, gain=0.1)
    history += run(imagename="line", niter=0, gain=0.7)
    assert recorded_parameters(history, "/data/line") == {"imagename": "line", "niter": 900, "gain": 0.1}


def test_where_nothing_was_cleaned_the_last_run_counts():
    history = run(imagename="line", niter=0, robust=0.5) + run(imagename="line", niter=0, robust=-0.5)
    assert recorded_parameters(history, "line")["robust"] == -0.5


def test_runs_of_images_whose_names_begin_alike_are_not_this_ones():
    history = run(imagename="imaging/line", niter=900) + run(imagename="lin", niter=7)
    assert recorded_parameters(history, "/data/imaging/line")["niter"] == 900


def test_in_images_that_were_renamed_the_last_run_counts():
    assert recorded_parameters(run(imagename="old", niter=900), "new")["niter"] == 900


def test_other_tasks_and_notes_are_left_out():
    history = ["almaimf: niter = 3", "taskname=imregrid", "niter       = 5", *run(imagename="line", niter=900)]
    history += ["taskname=impbcor", 'imagename   = "line.image"', "niter       = 1"]
    assert recorded_parameters(history, "line") == {"imagename": "line", "niter": 900}


def test_without_a_run_of_tclean_there_is_nothing():
    assert recorded_parameters(["taskname=imsmooth", "niter       = 5"], "line") == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[np.int64(0), np.int64(5)]", [0, 5]),
        ("[np.str_('0.1arcsec')]", ["0.1arcsec"]),
        ("array([ 0,  5, 15])", [0, 5, 15]),
        ("['/data/print(1)/a.ms']", ["/data/print(1)/a.ms"]),
        ("[b'W43-MM1']", ["W43-MM1"]),
        ("['a b.ms', 'c.ms']", ["a b.ms", "c.ms"]),
        ('"it\'s "quoted""', 'it\'s "quoted"'),
        ('""', ""),
        ("-1", -1),
        ("True", True),
    ],
)
def test_values_are_read_as_python_and_numpy_print_them(text, value):
    assert recorded_parameters(["taskname=tclean", f"value       = {text}"], "line") == {"value": value}


def test_what_cannot_be_read_is_an_error_that_names_the_parameter_and_is_never_run():
    history = ["taskname=tclean", "scales      = __import__('os').getcwd()"]
    with pytest.raises(ValueError, match="scales = __import__.*give it as parameters={'scales'"):
        recorded_parameters(history, "line")


def test_only_what_is_wanted_is_read():
    history = ["taskname=tclean", "scales      = <scales>", "niter       = 5"]
    assert read(history, "line", {"niter"}) == {"niter": 5}


def test_a_last_run_without_iterations_is_recognized_whatever_its_number_is_printed_as():
    history = run(imagename="line", niter=900) + ["taskname=tclean", "niter       = np.int64(0)"]
    assert recorded_parameters(history, "line")["niter"] == 900


def test_how_confetti_reclean_cleaned_its_images_is_read_like_a_run_of_tclean():
    parameters = {"imagename": "/data/line2_reclean", "niter": 900, "scales": [0, 5], "robust": -0.5}
    history = run(imagename="line2", niter=900) + run(imagename="line", niter=7)
    history += record_of("confetti_reclean", parameters)
    assert recorded_parameters(history, "/data/line2_reclean") == parameters
