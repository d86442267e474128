"""The decision, and the joining of pixels to sources."""

import numpy as np
import pytest

from confetti_task.private.core.decision import Thresholds, is_confetti, pointless, reliability, severity
from confetti_task.private.core.quantities import CANDIDATE
from confetti_task.private.core.sources import join

THRESHOLDS = Thresholds()


def candidate(**fields):
    row = np.zeros(1, dtype=CANDIDATE)
    for name, value in fields.items():
        row[name] = value
    return row


def test_a_spike_that_the_data_hold_is_no_confetti():
    assert not is_confetti(candidate(contrast=40, noise=1, restored=1, unsupported=1), THRESHOLDS)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_spike_that_the_data_do_not_hold_is_confetti_with_either_sign(sign):
    assert is_confetti(candidate(contrast=6 * sign, noise=1, restored=1, unsupported=6 * sign), THRESHOLDS)


def test_nothing_condemns_a_pixel_near_a_known_source():
    assert not is_confetti(candidate(contrast=40, noise=1, restored=1, unsupported=20, known=True), THRESHOLDS)


COMPENSATED = {
    "contrast": 80,
    "noise": 1,
    "restored": 0.1,
    "surround": -1,
    "unsupported": np.nan,
    "response": np.nan,
}


def test_without_a_psf_only_a_compensated_hot_pixel_that_leaves_a_spike_is_confetti():
    assert is_confetti(candidate(**COMPENSATED), THRESHOLDS)
    assert not is_confetti(candidate(**{**COMPENSATED, "restored": 0.4}), THRESHOLDS)
    assert not is_confetti(candidate(**{**COMPENSATED, "restored": 0.05}), THRESHOLDS)


def test_a_hot_pixel_that_the_image_lacks_but_nothing_surrounds_is_no_confetti():
    assert not is_confetti(candidate(**{**COMPENSATED, "surround": 0}), THRESHOLDS)


def test_a_maser_in_the_residual_beside_a_compensated_hot_pixel_is_no_confetti():
    assert not is_confetti(candidate(**{**COMPENSATED, "contrast": 6, "unsupported": 1, "spike": 20}), THRESHOLDS)


@pytest.mark.parametrize("wrong", [{"nsigma": 0}, {"unsupported": -1}, {"narrowness": 1.5}])
def test_thresholds_without_a_meaning_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Thresholds(**wrong)


def test_pixels_within_a_beam_are_one_source_named_after_its_confetti():
    rows = np.zeros(4, dtype=CANDIDATE)
    rows["x"] = [10, 13, 30, 11]
    rows["channel"] = [5, 5, 5, 6]
    rows["contrast"] = [9, 4, 1, 1]
    rows["severity"] = [0, 3, 0, 0]
    rows["confetti"] = rows["severity"] > 0
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
    assert pointless(rows, THRESHOLDS, evidence=True).tolist() == [False, False, True, False, True]
    assert pointless(rows, THRESHOLDS, evidence=False).tolist() == [False, False, False, False, True]


def test_compensation_is_no_evidence_with_natural_weighting():
    assert is_confetti(candidate(**{**COMPENSATED, "response": 0.4}), THRESHOLDS)
    assert not is_confetti(candidate(**{**COMPENSATED, "response": 0.24}), THRESHOLDS)


def test_the_reliability_grows_with_the_evidence_and_is_that_of_confetti_alone():
    rows = np.concatenate([candidate(unsupported=height, confetti=True) for height in (3, 4, 6, -6)])
    assert reliability(rows, THRESHOLDS) == pytest.approx([0.825, 0.929, 0.989, 0.989], abs=1e-3)
    assert np.isnan(reliability(candidate(unsupported=6), THRESHOLDS)).all()
    assert reliability(candidate(unsupported=np.nan, confetti=True), THRESHOLDS) == pytest.approx(0.85)


def test_a_compensated_hot_pixel_has_the_severity_and_the_reliability_of_one():
    """Its unsupported spike is no evidence, being a small part of the source in its place."""
    row = candidate(**{**COMPENSATED, "unsupported": 3.5}, height=20, confetti=True)
    assert is_confetti(row, THRESHOLDS)
    assert severity(row, THRESHOLDS) == pytest.approx(8)
    assert reliability(row, THRESHOLDS) == pytest.approx(0.85)
