"""Which channels are imaged for cleaning bad ones again, and how tclean is called."""

import ast
from itertools import combinations

import numpy as np
import pytest

from confetti_task.private.reclean.plan import Plan
from confetti_task.private.reclean.remedy import beside, choose_ranges, for_sub_cube, remedied, sub_cubes, unaffected

RECORDED = {"specmode": "cube", "niter": 1000, "gain": 0.6, "threshold": "15mJy", "cyclefactor": 0.5, "usemask": "pb"}


def test_a_sub_cube_has_two_channels_beside_the_bad_ones_and_one_more_to_compare():
    assert sub_cubes([50], 200) == [(47, 52)]
    assert unaffected((47, 52), [50], 200) == [48]
    assert beside((47, 52), [50]) == [49, 51]


def test_bad_channels_near_each_other_share_a_sub_cube():
    assert sub_cubes([50, 52, 60], 200) == [(47, 62)]
    assert sub_cubes([50, 150], 200) == [(47, 52), (147, 152)]


def test_at_the_ends_of_the_cube_a_sub_cube_ends_too():
    assert sub_cubes([0, 199], 200) == [(0, 3), (196, 199)]
    assert unaffected((0, 3), [0, 199], 200) == [2]
    assert unaffected((196, 199), [0, 199], 200) == [197]


def test_wherever_bad_channels_are_there_is_a_good_one_to_compare():
    for number in (1, 2, 3):
        for bad in combinations(range(13), number):
            assert all(unaffected(run, bad, 40) for run in sub_cubes(bad, 40)), bad


@pytest.mark.parametrize("seed", range(5))
def test_every_bad_channel_is_in_one_sub_cube_with_its_neighbours(seed):
    random = np.random.default_rng(seed)
    bad = sorted(random.choice(100, 12, replace=False).tolist())
    ranges = sub_cubes(bad, 100)
    covered = [channel for first, last in ranges for channel in range(first, last + 1)]
    assert len(covered) == len(set(covered))
    assert {max(0, min(99, channel + step)) for channel in bad for step in (-2, -1, 0, 1, 2)} <= set(covered)
    assert all(unaffected(run, bad, 100) for run in ranges)


def test_the_full_cube_is_imaged_where_sub_cubes_would_cost_more_than_half_of_it():
    assert choose_ranges("auto", [50], 200) == [(47, 52)]
    assert choose_ranges("auto", list(range(0, 200, 10)), 200) == [(0, 199)]
    assert choose_ranges("cube", [50], 200) == [(0, 199)]
    assert choose_ranges("subcubes", [5], 12) == [(2, 7)]


def test_nothing_else_is_changed_than_the_remedy_needs():
    parameters = remedied(dict(RECORDED, robust=-0.5, scales=[0, 5]), 0.1)
    assert parameters["gain"] == 0.1
    assert parameters["niter"] == 6000
    assert parameters["cyclefactor"] == 1.0
    assert parameters["usemask"] == "user"
    assert parameters["savemodel"] == "none"
    assert {name: parameters[name] for name in ("robust", "scales", "threshold", "specmode")} == {
        "robust": -0.5,
        "scales": [0, 5],
        "threshold": "15mJy",
        "specmode": "cube",
    }


def test_more_iterations_than_tclean_can_count_are_never_asked_for():
    assert remedied(dict(RECORDED, niter=10**9), 0.1)["niter"] == 2**31 - 1


def test_a_gain_and_a_cyclefactor_that_are_safe_already_are_kept():
    parameters = remedied(dict(RECORDED, gain=0.06, cyclefactor=5.0), 0.1)
    assert (parameters["gain"], parameters["cyclefactor"], parameters["niter"]) == (0.06, 5.0, 1000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"specmode": "mfs"}, "specmode='mfs'; only cubes"),
        ({"niter": 0}, "niter=0, so the depth of the clean is not recorded"),
        ({"threshold": "0.0mJy"}, "without threshold or nsigma"),
        ({"threshold": 0.0}, "without threshold or nsigma"),
        ({"outlierfile": "outliers.txt"}, "outlierfile='outliers.txt'"),
    ],
)
def test_what_was_recorded_must_tell_how_to_clean(change, message):
    with pytest.raises(ValueError, match=message):
        remedied(dict(RECORDED, **change), 0.1)
    if "threshold" in change:
        assert remedied(dict(RECORDED, nsigma=3.0, **change), 0.1)["nsigma"] == 3.0


def test_a_sub_cube_is_told_by_the_frequencies_of_the_cube_and_restored_with_its_common_beam():
    frequencies = 93.17e9 - 71.5e3 * np.arange(10)
    beam = ["1.5arcsec", "1.2arcsec", "83.0deg"]
    parameters = for_sub_cube({"start": "5km/s", "restoringbeam": "common"}, frequencies, (3, 6), beam)
    assert parameters == {"start": "93169785500.0Hz", "width": "-71500.0Hz", "nchan": 4, "restoringbeam": beam}
    assert for_sub_cube({"restoringbeam": []}, frequencies, (3, 6), None)["restoringbeam"] == []


def test_the_script_holds_names_that_could_end_a_line_or_a_string_as_text():
    hostile = '/data/li\'n"e\n"""\nimport os\\'
    plan = Plan(
        root=hostile,
        outname=hostile + "_reclean",
        confetti=hostile + ".confetti",
        method="cube",
        channels=(3,),
        runs=((0, 9),),
        recorded=dict(RECORDED, field=hostile),
        parameters=(dict(RECORDED, gain=0.1, field=hostile, mask=hostile),),
        call=f"confetti_reclean(imagename={hostile!r})",
        overwrite=False,
    )
    kinds = [type(node).__name__ for node in ast.parse(plan.script()).body]
    assert kinds == ["ImportFrom", "ImportFrom", "Expr", "Expr"]
    assert Plan.from_json(plan.to_json()) == plan
