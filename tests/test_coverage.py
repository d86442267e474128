"""The coverage of the visibilities without a PSF: from the power of the residual."""

import numpy as np
import pytest
from casa_images import write_cube
from checks import confetti_check
from skies import BEAM, NOISE, Products

from confetti_task.private.core.residual_power import filter_of_power, measure_power, without_leakage
from confetti_task.private.core.transforms import padded

SIZE, CHANNELS = 128, 16


def cycles(size=SIZE):
    return BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))


def two_configurations(size=SIZE):
    """Fraction of the visibilities at each spatial frequency: none between 0.35 and 0.6 cycles a beam, or beyond 1."""
    return ((cycles(size) < 0.35) | ((cycles(size) > 0.6) & (cycles(size) < 1))).astype(float)


def natural_weighting(size=SIZE):
    """Ever fewer visibilities towards the longest baselines, and no gap."""
    return np.exp(-((np.pi * cycles(size)) ** 2) / (4 * np.log(2)))


def noise_with(measured, channels=CHANNELS, seed=2):
    size = len(measured)
    white = np.random.default_rng(seed).normal(size=(channels, size, size))
    noise = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(measured), (size, size))
    return (NOISE * noise / noise.std()).astype(np.float32)


def filter_of(residual, lengths=None):
    size = residual.shape[1]
    power = np.mean([measure_power(plane, BEAM) for plane in residual], axis=0)
    power = without_leakage(power, (size, size), len(residual))
    return filter_of_power(power, (size, size), BEAM, lengths or (padded(size), padded(size)))


def part_passed(passed, lowest, highest, lengths):
    """Mean of a filter over a range of spatial frequencies, in cycles a beam."""
    radius = BEAM * np.hypot(np.fft.fftfreq(lengths)[:, np.newaxis], np.fft.rfftfreq(lengths)[: passed.shape[1]])
    return passed[(radius > lowest) & (radius < highest)].mean()


@pytest.mark.parametrize("lengths", [256, 300, 512])
def test_the_residual_shows_the_gap_between_two_configurations(lengths):
    passed, share, response = filter_of(noise_with(two_configurations()), (lengths, lengths))
    in_the_gap = part_passed(passed, 0.42, 0.52, lengths)
    assert in_the_gap > 0.9
    assert part_passed(passed, 0.1, 0.3, lengths) < 0.5 * in_the_gap
    assert part_passed(passed, 0.68, 0.9, lengths) < 0.5 * in_the_gap
    assert share < 0.8
    assert response > 0.5


def test_natural_weighting_has_no_edge_and_that_is_noticed():
    passed, share, response = filter_of(noise_with(natural_weighting()))
    assert passed is None
    assert np.isnan(share)
    assert response < 0.28


def test_the_filter_does_not_depend_on_the_unit():
    residual = noise_with(two_configurations())
    one, other = filter_of(residual), filter_of(1000 * residual)
    np.testing.assert_allclose(one[0], other[0], atol=0.02)


def test_a_blank_residual_has_no_power():
    assert measure_power(np.full((SIZE, SIZE), np.nan, dtype=np.float32), BEAM) is None


def observed(measured, confetti=True, channels=CHANNELS):
    """A cube with a maser, and with something invented that the visibilities do not measure."""
    products = Products(channels, SIZE)
    products.residual = noise_with(measured, channels)
    products.model[4, 40, 80] = 40 * NOISE
    if confetti:
        invented = np.fft.irfft2(1 - two_configurations(), (SIZE, SIZE))
        products.model[9] += (60 * NOISE * np.roll(invented, (70, 50), axis=(0, 1)) / invented[0, 0]).astype(np.float32)
    return products


def test_without_a_psf_confetti_is_found_and_a_maser_is_not_masked():
    write_cube("line", observed(two_configurations()), skip=["psf"])
    result = confetti_check(imagename="line")
    assert result["channels"] == [9]
    assert "taken from the power of the residual" in result["warnings"][0]
    assert result["limit"] > 0


def test_without_a_psf_and_without_confetti_nothing_is_found():
    write_cube("line", observed(two_configurations(), confetti=False), skip=["psf"])
    assert confetti_check(imagename="line")["channels"] == []


def test_without_a_psf_and_with_natural_weighting_the_check_says_that_it_cannot_see():
    write_cube("line", observed(natural_weighting()), skip=["psf"])
    result = confetti_check(imagename="line")
    assert result["channels"] == []
    assert "natural weighting" in result["warnings"][0]
    assert "nearly blind" in result["warnings"][1]


def test_the_coverage_does_not_depend_on_what_is_checked():
    write_cube("line", observed(two_configurations(), channels=80), skip=["psf"])
    whole = confetti_check(imagename="line")
    part = confetti_check(imagename="line", outfile="part", chans="9")
    assert part["severity"] == whole["severity"]


def test_a_channel_that_ran_away_does_not_spoil_the_coverage():
    products = observed(two_configurations())
    products.residual[13] *= 1e22
    write_cube("line", products, skip=["psf"])
    result = confetti_check(imagename="line")
    assert result["channels"] == [9]
    assert "taken from the power of the residual" in " ".join(result["warnings"])


@pytest.mark.parametrize("size", [12, 16])
def test_images_of_a_few_beams_do_not_show_the_coverage_and_that_is_said(size):
    products = Products(CHANNELS, size, continuum=False)
    products.model[:, 5, 5] = 10 * NOISE
    write_cube("line", products, skip=["psf"])
    assert "images too small" in confetti_check(imagename="line")["warnings"][0]


def test_without_components_nothing_is_said_about_the_coverage():
    write_cube("line", Products(CHANNELS, SIZE, continuum=False), skip=["psf"])
    assert "psf" not in " ".join(confetti_check(imagename="line")["warnings"])
