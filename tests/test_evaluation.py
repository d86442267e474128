"""The evaluation counts what it says, on a case of three fake sources and a maser."""

from xml.etree import ElementTree

import numpy as np
import pytest
from astropy.table import Table

from scripts.evaluation.run_evaluation import (
    Claim,
    despeckle,
    diagram,
    kinds_table,
    mean_row,
    near_lone,
    noise_table,
    oracle,
    score,
    verdicts,
    verdicts_table,
)
from scripts.evaluation.run_evaluation import row as row_of_case
from scripts.evaluation.run_faults import table
from scripts.evaluation.run_mending_evaluation import condemned_wrongly, count, row
from scripts.simulate.truth import (
    Source,
    Truth,
    compare,
    fake_sources,
    judge,
    largest_error,
    only_in,
    restore,
    source_change,
)

SHAPE = (7, 40, 40)
FAKE = [(2, 10, 10), (2, 30, 30), (4, 20, 10)]
MASER = (4, 30, 20)
SPIKE = (2, 10, 10)


@pytest.fixture
def case():
    case = {"label": np.zeros(SHAPE, dtype=int), "beam": 6.0, "reach": 3}
    case["Dh"] = np.zeros(SHAPE)
    for place, sigma in zip(FAKE, (9, -6, 7)):
        case["label"][place], case["Dh"][place] = 2, sigma
    case["Xh"] = case["Dh"].copy()
    case["sources"] = [Source("maser", 4.0, 0.4, x=MASER[2], y=MASER[1])]
    return case


def mask(*places):
    flagged = np.zeros(SHAPE, dtype=bool)
    for place in places:
        flagged[place] = True
    return flagged


def test_a_perfect_mask_finds_all_and_is_right(case):
    counts = score(case, mask(*FAKE), [2, 4])
    assert (counts["found"], counts["large_found"], counts["right"]) == (3, 1, 3)
    assert (counts["wrong"], counts["real"], counts["bad_found"], counts["bad_wrong"]) == (0, 0, 2, 0)


def test_a_pixel_within_half_a_beam_finds_and_one_beyond_is_wrong(case):
    counts = score(case, mask((2, 10, 13), (2, 30, 34)), [2])
    assert (counts["found"], counts["right"], counts["wrong"], counts["bad_found"]) == (1, 1, 1, 1)


def test_a_masked_maser_is_counted_as_real(case):
    assert score(case, mask(MASER), [4])["real"] == 1
    assert score(case, mask((3, 10, 10)), [3])["real"] == 0


def test_where_the_noise_was_fitted_the_image_is_wrong_but_the_flag_is_not_right(case):
    case["Dh"][3, 20, 20], case["Dh"][5, 20, 20] = 3, 2.9
    counts = score(case, mask(FAKE[0], (3, 20, 23), (5, 20, 20)), [])
    assert (counts["right"], counts["wrong"], counts["image_wrong"]) == (1, 2, 2)


@pytest.mark.parametrize(("error", "right"), [(2.9, 1), (-3, 0)])
def test_a_masked_maser_is_counted_apart_where_the_image_is_right(case, error, right):
    case["Dh"][MASER] = error
    counts = score(case, mask(MASER), [])
    assert (counts["real"], counts["real_right"]) == (1, right)


@pytest.mark.parametrize(("beside", "lone"), [(1.9, True), (2.1, False), (-4, True)])
def test_an_error_of_one_channel_alone_is_twice_that_of_its_neighbours(beside, lone):
    errors = np.zeros(SHAPE)
    errors[2, 10, 10], errors[3, 10, 10], errors[0, 30, 30] = 4, beside, 9
    found = near_lone(errors, 3)
    assert found[2, 10, 13] == lone
    assert not found[2, 10, 14]
    assert not found[0].any()


@pytest.mark.parametrize(("measured", "found"), [(18, 3), (3, 0)])
def test_the_ceiling_is_what_was_not_measured(case, measured, found):
    """With a PSF three beams wide most of a point source is not measured, with one of half a beam all of it is."""
    case.update(model=np.zeros(SHAPE, dtype=np.float32), tf_image=np.ones(SHAPE), sigma_chan=np.ones(SHAPE[0]))
    for place in FAKE:
        case["model"][place] = 2 * case["Dh"][place]
    case["Dh"] = case["Xh"] = restored(case["model"])
    delta = np.zeros(SHAPE[1:])
    delta[20, 20] = 1
    case["psf"] = np.broadcast_to(restore(delta, measured, measured, 0).astype(np.float32), SHAPE)
    assert score(case, *oracle(case))["found"] == found


def test_the_table_leaves_out_what_was_not_counted_and_the_means_what_has_no_value():
    one = {"fake": 4, "found": 3, "large": 0, "large_found": 0, "bad": 2, "bad_found": 1, "bad_wrong": 0}
    one.update(right=1, wrong=1, image_wrong=2, real=1, real_right=0)
    other = dict(one, found=1, large=2, large_found=1, ceiling_found=4, ceiling_fake=4)
    parts = "3/4 = 0.75 |  | 0/0 | 1/2 = 0.50 | 2/2 = 1.00 | 1 | 0 | 1/2 = 0.50 | 1/1 = 1.00"
    assert row_of_case("one", one) == f"| one | {parts} |"
    assert row_of_case("ceiling", {"bad": 2, "bad_found": 1}) == "| ceiling |  |  |  |  |  |  |  | 1/2 = 0.50 |  |"
    assert mean_row("both", [one, other]) == "| both | 0.50 | 1.00 | 0.50 | 0.50 | 1.00 |  |  | 0.50 | 1.00 |"


def test_a_good_channel_called_bad_is_wrong_but_for_the_first_and_last(case):
    assert score(case, mask(), [0, 2, 3, 6])["bad_wrong"] == 1


def test_a_fake_source_beside_a_real_one_counts_neither_way(case):
    case["label"][3, 5, 5] = 3
    counts = score(case, mask((3, 5, 6)), [3])
    assert (counts["right"], counts["wrong"], counts["bad_wrong"]) == (0, 0, 0)


def test_despeckling_flags_what_is_four_times_from_the_median_of_three_channels(case):
    case["model"] = np.ones(SHAPE)
    case["model"][MASER], case["model"][2, 5, 5] = 5.1, 4.9
    assert np.argwhere(despeckle(case)[0]).tolist() == [list(MASER)]


@pytest.fixture
def truth(case):
    """A sky of a maser of 20 sigma, without noise."""
    model = np.zeros(SHAPE)
    model[MASER] = 20
    return Truth(model, restored(model), np.zeros(SHAPE), np.ones(len(model)), model >= 0, 6.0, case["sources"])


def restored(model):
    return np.stack([restore(plane, 6, 6, 0) for plane in model])


def cleaned(truth, *places, factor=1.0):
    """Model, image and residual of a clean that adds model pixels of 10 sigma to the sky."""
    model = factor * truth.model
    for place in places:
        model[place] += 10
    return model, restored(model), np.zeros(SHAPE)


def test_a_fake_source_is_counted_before_and_not_after_and_a_maser_never(truth):
    before, after = judge(*cleaned(truth, SPIKE), truth), judge(*cleaned(truth), truth)
    assert fake_sources(before, truth) == [(2, pytest.approx(10, abs=0.1))]
    assert fake_sources(after, truth) == []
    assert [largest_error(one, before, truth) for one in (before, after)] == pytest.approx([10, 0], abs=0.1)


@pytest.mark.parametrize(
    "places",
    [
        [(0, 10, 10)],  # in the first channel
        [(4, 30, 22)],  # beside the maser
        [(2, 10, 10), (3, 10, 10)],  # also in the next channel
    ],
)
def test_what_is_no_fake_source(truth, places):
    assert fake_sources(judge(*cleaned(truth, *places), truth), truth) == []


def test_noise_and_what_the_residual_takes_back_are_no_fake_sources(truth):
    model, image, residual = cleaned(truth, SPIKE)
    noisy = truth._replace(noise=image - truth.restored)
    assert fake_sources(judge(model, image, residual, noisy), noisy) == []
    assert fake_sources(judge(model, image + 5, residual + 5, truth), truth) == []


def masked(*places, others=()):
    """A table of sources that are masked, and of others that are not."""
    kinds = ["confetti"] * len(places) + ["candidate"] * len(others)
    return Table([kinds, *np.array([*places, *others]).T], names=("class", "channel", "y", "x"))


def test_masked_sources_are_compared_with_the_fake_and_the_real_ones(truth):
    judgement = judge(*cleaned(truth, *FAKE), truth)
    one_found = {"right": 1, "wrong": 1, "found": 1, "real": 0}
    assert compare(masked((2, 10, 13), others=[FAKE[1], MASER]), judgement, truth) == one_found
    assert compare(masked((2, 10, 13), (2, 5, 30)), judgement, truth) == one_found
    assert compare(masked(*FAKE, MASER), judgement, truth) == {"right": 3, "wrong": 3, "found": 3, "real": 1}


def test_what_is_masked_in_the_noise_is_not_right(truth):
    model, image, residual = cleaned(truth, SPIKE)
    judgement = judge(model, image, residual, truth._replace(noise=image - truth.restored))
    assert compare(masked(SPIKE), judgement, truth)["right"] == 0


def test_fake_sources_of_some_channels_alone(truth):
    judgement = judge(*cleaned(truth, *FAKE), truth)
    assert [channel for channel, _ in fake_sources(only_in([3, 4], judgement), truth)] == [4]


def test_a_channel_without_errors_is_condemned_wrongly(truth):
    assert condemned_wrongly([0, 2, 3, 6], judge(*cleaned(truth, SPIKE), truth)) == {3}


def test_the_change_of_a_maser_is_that_in_its_channel(truth):
    mended, scratch = (cleaned(truth, factor=factor)[1] for factor in (0.9, 1.0))
    assert source_change(mended, scratch, truth, [3, 4]) == pytest.approx(0.1)
    assert source_change(mended, scratch, truth, [2, 3]) == 0


def test_a_cured_channel_and_one_still_called_bad_are_caught_and_a_silent_one_is_not(case, truth):
    spikes = [(2, 10, 10), (4, 10, 10), (5, 30, 30)]
    case.update(zip(("model", "image", "residual"), cleaned(truth, *spikes)))
    proof = {"condemned": [2, 4], "acquitted": [], "undecided": [], "leftover": []}
    result = {"channels": [2, 4], "after": {"channels": [4]}, "proof": proof}
    mended, without, scratch = cleaned(truth, *spikes[1:]), cleaned(truth, *spikes[2:]), cleaned(truth)
    counts = count(case, truth, mended, without, scratch, result)
    assert (counts["caught"], counts["wrong"], counts["cleaned"]) == (2, 0, 2)
    assert counts["bad"].tolist() == counts["fake"].tolist() == counts["large"].tolist() == [3, 2, 1, 0]
    line = row("1", dict(counts, seconds=np.array([1.2, 2.3, 3.4])))
    assert line == (
        "| 1 | 3 / 2 / 1 / 0 | 2/3 = 0.67 | 2 / 0 / 0 / 0 | 0 | 3 / 2 / 1 / 0 | 3 / 2 / 1 / 0 "
        "| 10.0 / 10.0 / 10.0 / 0.0 | 0.0 % | 2 | 1 / 2 / 3 |"
    )


def test_the_table_of_faults_counts_every_time_and_what_failed():
    cases = """<suite>
        <testcase name="test_killed_it_goes_on[0]"><property name="times" value="10"/></testcase>
        <testcase name="test_killed_it_goes_on[1]"><failure/></testcase>
        <testcase name="test_a_full_disk_is_said"/>
        <testcase name="test_a_slow_disk_is_slow"><skipped/></testcase>
    </suite>"""
    printed = table(list(ElementTree.fromstring(cases).iter("testcase"))).splitlines()
    assert printed[2:] == [
        "| killed it goes on | 11 | 10 |",
        "| a full disk is said | 1 | 1 |",
        "| **all** | **12** | **11** |",
    ]


def test_verdicts_are_counted_for_bad_channels_and_for_those_without_fake_sources():
    label, error = np.zeros(SHAPE, dtype=int), np.zeros(SHAPE)
    for place, height in (((2, 10, 10), 7), ((4, 10, 10), 5.5)):
        label[place], error[place] = 2, height
    given = ["good", "good", "suspicious", "acquitted", "bad", "bad", "good"]
    counted = verdicts({"label": label, "Dh": error, "reach": 3}, given)
    assert counted == {("bad", "suspicious"): 1, ("good", "good"): 1, ("good", "acquitted"): 1, ("good", "bad"): 1}
    *_, bad, good = "\n".join(verdicts_table(counted)).split("\n")
    assert bad == "| with a fake source of 6 sigma | 0 | 0 | 1 | 0 | 0 | 0 |"
    assert good == "| without any of 5 sigma | 0 | 1 | 0 | 1 | 1 | 0 |"


def test_finds_are_counted_by_their_evidence():
    claimed = [Claim(0.9, "unsupported", True), Claim(0.85, "surround", True), Claim(0.85, "surround", False)]
    lines = "\n".join(kinds_table(claimed)).split("\n")
    rows = ["| gone | 0 | 0/0 |", "| unsupported | 1 | 1/1 = 1.00 |", "| narrow | 0 | 0/0 |"]
    assert lines[2:] == [*rows, "| surround | 2 | 1/2 = 0.50 |"]


def test_the_reliability_diagram_has_what_is_claimed_beside_what_is_so():
    head, _, line = "\n".join(diagram([Claim(0.88, "surround", wrong) for wrong in (True, False)])).split("\n")
    assert head.startswith("| reliability")
    assert line == "| 0.86 to 0.9 | 2 | 0.880 | 0.500 |"


def test_the_noise_table_counts_the_channels_whose_noise_is_right():
    *_, one, every = noise_table({"one": np.array([0.8, 1.0, 1.1]), "other": np.array([])})
    assert one == "| one | 0.80 | 1.00 | 1.10 | 2/3 = 0.67 |"
    assert every == "| **all** | 0.80 | 1.00 | 1.10 | 2/3 = 0.67 |"
