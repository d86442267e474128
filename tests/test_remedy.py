"""Which channels are imaged for cleaning bad ones again, and how tclean is called."""

import ast
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from confetti_task.private.reclean.messages import reclean_warnings
from confetti_task.private.reclean.plan import Plan
from confetti_task.private.reclean.remedy import (
    Reached,
    adjacent,
    choose_ranges,
    ended_by_niter,
    for_sub_cube,
    nearest,
    reason,
    remedied,
    sub_cubes,
    threshold,
    unaffected,
    with_share,
)

RECORDED = {"specmode": "cube", "niter": 1000, "gain": 0.6, "threshold": "15mJy", "cyclefactor": 0.5, "usemask": "pb"}
# An observation with the VLA: 64 channels, a residual of 90 mJy, a noise of 20 mJy, and a threshold far below it.
OBSERVED = {"specmode": "cube", "niter": 20000, "gain": 0.8, "threshold": "0.1mJy"}
REACHED = Reached(64, [0.09, 0.1, 0.08], [0.02, 0.02, 0.02])


@pytest.mark.parametrize(
    "given", ["10mJy", "10mJy/beam", "0.01Jy", 0.01, "0.01", {"value": 10.0, "unit": "mJy"}], ids=str
)
def test_a_threshold_may_have_every_form_that_tclean_takes_and_records(given):
    assert threshold({"threshold": given}) == pytest.approx(0.01)


@pytest.mark.parametrize("given", ["10km", "deep", ["10mJy", "20mJy"], {"unit": "mJy"}], ids=str)
def test_a_threshold_that_cannot_be_read_is_named(given):
    with pytest.raises(ValueError, match="threshold=.* cannot be read as Jy/beam"):
        threshold({"threshold": given})


def test_a_sub_cube_has_two_channels_on_either_side_of_the_bad_ones_and_one_more_to_compare():
    assert sub_cubes([50], 200) == [(47, 52)]
    assert unaffected((47, 52), [50], 200) == [48]
    assert adjacent((47, 52), [50]) == [49, 51]


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


def shared(number, recorded=OBSERVED, reached=REACHED):
    return with_share(remedied(recorded, 0.1), number, reached)["niter"]


def test_if_niter_ended_the_clean_each_run_gets_the_share_of_its_channels():
    assert shared(1) == 2500  # 20000 iterations of 64 channels, at an eighth of the loop gain
    assert shared(3) == 7500
    assert shared(1, reached=REACHED._replace(cleaned=63)) == 2540  # rounded up
    assert shared(64) == 160000


def test_if_the_threshold_ended_the_clean_each_run_gets_all_of_niter():
    assert shared(1, dict(OBSERVED, threshold="90mJy")) == 160000
    assert shared(1, dict(OBSERVED, nsigma=4.5)) == 160000


def test_a_gentler_clean_to_a_threshold_that_the_good_channels_had_reached_gets_all_of_niter():
    gentler = remedied(OBSERVED, 0.05, depth=0.06)
    assert with_share(gentler, 1, REACHED)["niter"] == 320000
    assert with_share(gentler, 1, REACHED._replace(peaks=[0.2] * 3))["niter"] == 5000


def test_only_a_residual_of_twice_that_at_which_tclean_stops_shows_that_something_else_ended_the_clean():
    for stop in ({"threshold": 0.02, "nsigma": 1.0}, {"threshold": 0.01, "nsigma": 2.0}, {"nsigma": 2.0}):
        assert ended_by_niter(stop, Reached(64, [0.041], [0.01]))
        assert not ended_by_niter(stop, Reached(64, [0.039], [0.01]))


def test_what_ended_the_clean_is_decided_by_the_majority_of_the_channels():
    assert ended_by_niter(OBSERVED, Reached(64, [0.09, 0.09, 0.0001], [0.02] * 3))
    assert not ended_by_niter(OBSERVED, Reached(64, [0.09, 0.0001, 0.0001], [0.02] * 3))
    assert not ended_by_niter(OBSERVED, Reached(64, [0.09, 0.0001], [0.02] * 2))


def test_where_nothing_shows_what_ended_the_clean_each_run_gets_all_of_niter():
    assert shared(1, reached=Reached(64, [], [])) == 160000
    assert shared(1, reached=None) == 160000


def test_a_share_suffices_for_ten_point_sources_in_each_channel_but_is_never_more_than_all():
    few = dict(OBSERVED, niter=2000)  # 16000 at the low loop gain, 250 for each channel
    assert shared(1, few) == 1000
    assert shared(5, few) == 5000
    assert shared(1, dict(OBSERVED, niter=100)) == 800
    assert with_share(remedied(few, 0.05), 1, REACHED)["niter"] == 2000


def test_a_run_in_which_all_is_done_has_an_iteration_because_tclean_writes_no_mask_without():
    assert shared(0) == 1


def test_the_script_says_why_niter_is_another_one():
    whole = remedied(OBSERVED, 0.1)
    assert reason("niter", whole, OBSERVED) == "multiplied by the ratio of the loop gains"
    assert "the share of these channels" in reason("niter", with_share(whole, 1, REACHED), OBSERVED)
    assert reason("niter", remedied(OBSERVED, 0.8), OBSERVED) == ""
    assert "the share of these channels" in reason("niter", with_share(remedied(OBSERVED, 0.8), 1, REACHED), OBSERVED)


def test_how_deep_a_clean_went_is_measured_in_the_sixteen_channels_nearest_to_those_that_are_cleaned_again():
    good = set(range(200)) - {0, 100, 101}
    assert nearest(good, [100, 101]) == [*range(92, 100), *range(102, 110)]
    assert nearest(good, [0]) == list(range(1, 17))
    assert nearest({5, 150}, [100]) == [5, 150]
    assert nearest(set(), [100]) == []


def depth_warnings(number, after, before=0.09, depth=0.09, diverged=(23,), recorded=OBSERVED):
    """Warnings on the depth of a re-clean of a channel."""
    plan = Plan(
        root="line",
        outname="line_reclean",
        confetti="line.confetti",
        method="subcubes",
        channels=(23,),
        runs=((20, 25),),
        recorded=recorded,
        parameters=(with_share(remedied(recorded, 0.1), number, REACHED),),
        call="confetti_reclean()",
        overwrite=False,
    )
    before = {"channels": [23], "diverged": list(diverged), "residual": before}
    after = {"channels": [], "diverged": [], "residual": after, "noise": 0.02}
    proof = {"undecided": [], "leftover": []}
    return [text for text in reclean_warnings(plan, before, after, depth, [], proof) if "the peak residual" in text]


@pytest.mark.parametrize("diverged", [(), (23,)])
def test_a_share_that_ends_before_the_channel_is_as_deep_as_its_neighbours_is_reported_with_the_way_out(diverged):
    (text,) = depth_warnings(1, after=0.15, diverged=diverged)
    assert "is 0.15 Jy/beam, but 0.09 in the good channels nearby" in text
    assert "call again with parameters={'niter': 20000, 'threshold': '0.09Jy'} and overwrite=True" in text
    assert depth_warnings(1, after=0.1, diverged=diverged) == []
    assert shared(1, dict(OBSERVED, threshold="0.09Jy")) == 160000  # the way out


def test_after_a_divergence_with_a_threshold_in_the_noise_no_warning_asks_to_go_there_again():
    recorded = dict(OBSERVED, threshold="0.001Jy")
    plan = SimpleNamespace(
        channels=(23,), method="cube", recorded=recorded, parameters=(dict(remedied(recorded, 0.1, depth=0.06)),)
    )
    before = {"channels": [23], "diverged": [23], "residual": 0.09}
    after = {"channels": [], "diverged": [], "residual": 0.07, "noise": 0.02}
    texts = reclean_warnings(plan, before, after, 0.005, [], {"undecided": [], "leftover": []})
    assert any("were cleaned down to 0.06Jy now" in text for text in texts)
    assert not any("call again" in text for text in texts)


@pytest.mark.parametrize(
    ("deconvolver", "still_bad", "reported"),
    [("hogbom", [23], True), ("clark", [23], True), ("hogbom", [], False), ("multiscale", [23], False)],
)
def test_that_points_make_no_extended_emission_is_reported_where_cleaning_again_did_not_help(
    deconvolver, still_bad, reported
):
    recorded = dict(OBSERVED, deconvolver=deconvolver)
    plan = SimpleNamespace(channels=(23,), method="cube", recorded=recorded, parameters=(remedied(recorded, 0.1),))
    before = {"channels": [23], "diverged": [], "residual": 0.09}
    after = {"channels": still_bad, "diverged": [], "residual": 0.09, "noise": 0.02}
    texts = reclean_warnings(plan, before, after, 0.09, [], {"undecided": [], "leftover": []})
    assert any("models extended emission as points" in text for text in texts) == reported


def test_without_a_share_a_clean_that_stopped_early_is_reported_as_before():
    assert depth_warnings(64, after=0.15) == []  # how deep a diverged clean went says nothing
    (text,) = depth_warnings(64, after=0.15, diverged=())
    assert "tclean stopped early" in text
    (text,) = depth_warnings(1, after=0.15, depth=np.nan, diverged=())  # no good channels nearby
    assert "tclean stopped early" in text
    deeper = dict(OBSERVED, threshold="0.2Jy")
    (text,) = depth_warnings(1, after=0.19, before=0.19, recorded=deeper)
    assert "which were cleaned deeper than recorded" in text


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
def test_what_was_recorded_must_show_how_to_clean(change, message):
    with pytest.raises(ValueError, match=message):
        remedied(dict(RECORDED, **change), 0.1)
    if "threshold" in change:
        assert remedied(dict(RECORDED, nsigma=3.0, **change), 0.1)["nsigma"] == 3.0


def test_a_sub_cube_is_given_by_the_frequencies_of_the_cube_and_restored_with_its_common_beam():
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
