"""The decision, and the joining of pixels to sources."""

import numpy as np
import pytest

from confetti_task.private.core.decision import KINDS, Thresholds, evidence_of, pointless, reliability, severity
from confetti_task.private.core.quantities import CANDIDATE
from confetti_task.private.core.sources import join

THRESHOLDS = Thresholds()


def candidate(**fields):
    row = np.zeros(1, dtype=CANDIDATE)
    for name, value in fields.items():
        row[name] = value
    return row


def is_confetti(rows, thresholds):
    return evidence_of(rows, thresholds) != ""


def test_a_spike_that_the_visibilities_support_is_no_confetti():
    assert not is_confetti(candidate(contrast=40, noise=1, restored=1, unsupported=1), THRESHOLDS)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_spike_that_the_data_do_not_hold_is_confetti_with_either_sign(sign):
    assert is_confetti(candidate(contrast=6 * sign, noise=1, restored=1, unsupported=6 * sign), THRESHOLDS)


def test_nothing_condemns_a_pixel_near_a_known_source():
    assert not is_confetti(candidate(contrast=40, noise=1, restored=1, unsupported=20, known=True), THRESHOLDS)


# A hot pixel of 10 sigma on a disc that takes its flux and leaves 8 sigma in the image, and nothing else in its place.
SURROUNDED = {
    "contrast": 10,
    "noise": 1,
    "restored": 0.8,
    "brightness": 8,
    "spike": 8,
    "surround": -1,
    "unsupported": np.nan,
    "response": np.nan,
}


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_surround_that_takes_the_flux_but_leaves_a_spike_is_evidence_with_either_sign(sign):
    turned = {name: sign * SURROUNDED[name] for name in ("contrast", "brightness", "spike")}
    assert evidence_of(candidate(**{**SURROUNDED, **turned}), THRESHOLDS) == "surround"
    assert evidence_of(candidate(**{**SURROUNDED, "unsupported": 1, "response": 0.4}), THRESHOLDS) == "surround"


@pytest.mark.parametrize(
    "otherwise",
    [
        {"surround": -0.7},  # a maser has its flux in the model
        {"restored": 0.4, "brightness": 4},  # no credible source is left
        {"restored": 1.0, "brightness": 10},  # the surround is too wide to have lowered the spike
        {"spike": -8},  # the residual has taken it back
        {"spike": 3},
        {"narrowness": 0.7},  # an adjacent channel has it too
        {"contrast": 2.2, "restored": 4},  # the spike is not made by the hot pixel
        {"brightness": 40},  # on emission, which may change from channel to channel
        {"surround": -3},  # emission that fades
        {"floor": 9},  # a bright source in the channel may make it
        {"response": 0.24},  # natural weighting
        {"ambiguity": 100},
        {"known": True},
    ],
)
def test_a_surround_is_no_evidence_where_a_real_source_may_have_it(otherwise):
    assert evidence_of(candidate(**{**SURROUNDED, **otherwise}), THRESHOLDS) == ""


def test_with_a_surround_of_0_it_is_no_evidence():
    assert not is_confetti(candidate(**SURROUNDED), Thresholds(surround=0))
    assert not is_confetti(candidate(**{**SURROUNDED, "surround": -0.7}), Thresholds(surround=-0.8))
    assert is_confetti(candidate(**{**SURROUNDED, "surround": -0.7}), Thresholds(surround=-0.6))


def test_a_spike_that_a_bright_real_source_in_the_channel_may_have_is_no_evidence():
    spike = {"contrast": 40, "noise": 1, "restored": 1, "unsupported": -30}
    assert is_confetti(candidate(**spike, floor=29), THRESHOLDS)
    assert not is_confetti(candidate(**spike, floor=31), THRESHOLDS)


def test_what_an_adjacent_channel_has_too_is_never_confetti():
    spike = {"contrast": 40, "noise": 1, "restored": 1, "unsupported": 30}
    assert is_confetti(candidate(**spike, narrowness=0.7, paired=True), THRESHOLDS)
    assert not is_confetti(candidate(**spike, narrowness=0.9, paired=True), THRESHOLDS)


@pytest.mark.parametrize("wrong", [{"nsigma": 0}, {"unsupported": -1}, {"narrowness": 1.5}, {"surround": 0.5}])
def test_thresholds_without_a_meaning_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Thresholds(**wrong)


def test_pixels_within_a_beam_are_one_source_named_after_its_confetti():
    rows = np.zeros(4, dtype=CANDIDATE)
    rows["x"] = [10, 13, 30, 11]
    rows["channel"] = [5, 5, 5, 6]
    rows["contrast"] = [9, 4, 1, 1]
    rows["severity"] = [0, 3, 0, 0]
    rows["evidence"][rows["severity"] > 0] = "unsupported"
    worst, npixels = join(rows, beam=6.0)
    assert worst.tolist() == [1, 2, 3]
    assert npixels.tolist() == [2, 1, 1]


def test_a_chain_of_pixels_does_not_become_one_source():
    rows = np.zeros(5, dtype=CANDIDATE)
    rows["x"] = [0, 5, 10, 15, 20]
    rows["contrast"] = [5, 1, 4, 1, 3]
    worst, npixels = join(rows, beam=6.0)
    assert worst.tolist() == [0, 2, 4]
    assert npixels.tolist() == [2, 2, 1]


def test_a_small_part_of_a_bright_source_needs_strong_evidence():
    """It is as likely an error of the flux of that source."""
    spike = {"contrast": 40, "noise": 1, "restored": 1, "unsupported": 3.5}
    assert is_confetti(candidate(**spike, height=10), THRESHOLDS)
    assert not is_confetti(candidate(**spike, height=11), THRESHOLDS)
    assert not is_confetti(candidate(**spike, height=-11), THRESHOLDS)
    assert is_confetti(candidate(**{**spike, "unsupported": 4.1}, height=100), THRESHOLDS)


@pytest.mark.parametrize("marginal", [{"contrast": 2.2}, {"narrowness": 0.7}])
def test_a_marginal_hot_pixel_needs_strong_evidence(marginal):
    spike = {"contrast": 6, "noise": 1, "restored": 1, **marginal}
    assert not is_confetti(candidate(**spike, unsupported=3.5), THRESHOLDS)
    assert is_confetti(candidate(**spike, unsupported=4.1), THRESHOLDS)


def test_a_marginal_hot_pixel_counts_only_in_a_channel_that_is_bad_without_it():
    good, bad = candidate(channel=1, contrast=6, noise=1), candidate(channel=2, contrast=6, noise=1, unsupported=6)
    marginal = [candidate(channel=number, contrast=2.2, noise=1, unsupported=9) for number in (1, 2, 3)]
    rows = np.concatenate([good, bad, *marginal])
    rows["evidence"] = evidence_of(rows, THRESHOLDS)
    assert pointless(rows, THRESHOLDS, evidence=True).tolist() == [False, False, True, False, True]
    assert pointless(rows, THRESHOLDS, evidence=False).tolist() == [False, False, False, False, True]


def test_a_hot_pixel_in_a_pair_of_channels_is_kept_if_it_makes_its_channel_suspicious():
    pair = {"contrast": 20, "noise": 1, "narrowness": 1, "paired": True}
    rows = np.concatenate([candidate(**pair, suspicion=height) for height in (3.9, 4.1)])
    assert pointless(rows, THRESHOLDS, evidence=True).tolist() == [True, False]
    assert not pointless(rows, THRESHOLDS, evidence=False).any()


def test_the_reliability_grows_with_an_unsupported_spike_and_is_that_of_finds_alone():
    rows = np.concatenate([candidate(unsupported=height, evidence="unsupported") for height in (3, 4, 6, -6)])
    assert reliability(rows) == pytest.approx([0.825, 0.929, 0.989, 0.989], abs=1e-3)
    assert np.isnan(reliability(candidate(unsupported=6))).all()


def test_each_kind_of_evidence_has_its_own_severity_and_reliability():
    row = candidate(**{**SURROUNDED, "unsupported": 3.5}, evidence="surround")
    assert severity(row) == pytest.approx(8)
    assert reliability(row) == pytest.approx(0.85)


def test_the_table_has_room_for_the_name_of_every_kind_of_evidence():
    assert max(map(len, KINDS)) <= CANDIDATE["evidence"].itemsize // 4
