"""Transforms of planes, compared with those of whole planes."""

import numpy as np
import pytest
from scipy import fft

from confetti_task.private.core.transforms import LINES, filtered, spectrum_of, transform_about_the_centre

COLUMNS = 20
SHAPES = [((LINES + 1, 64), (2 * LINES + 8, 128)), ((64, 63), (64, 63)), ((63, 64), (128, 128)), ((48, 48), (48, 48))]


def noise(shape):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("shape", "lengths"), SHAPES)
def test_a_spectrum_is_that_of_the_whole_plane(shape, lengths):
    plane = noise(shape)
    assert np.array_equal(spectrum_of(plane, lengths, COLUMNS), fft.rfft2(plane, lengths)[:, :COLUMNS])


@pytest.mark.parametrize(("shape", "lengths"), SHAPES)
def test_what_is_filtered_is_that_of_the_whole_plane(shape, lengths):
    plane, passed = noise(shape), np.abs(noise((lengths[0], COLUMNS)))
    whole = np.zeros((lengths[0], lengths[1] // 2 + 1), dtype=np.float32)
    whole[:, :COLUMNS] = passed
    expected = fft.irfft2(whole * fft.rfft2(plane, lengths), lengths)[: shape[0], : shape[1]]
    np.testing.assert_allclose(filtered(plane, passed, lengths), expected, atol=1e-5)


@pytest.mark.parametrize(("shape", "lengths"), SHAPES)
def test_the_centre_of_a_psf_is_the_origin_of_its_transform(shape, lengths):
    plane = noise(shape)
    around = np.zeros(lengths, dtype=np.float32)
    around[: shape[0], : shape[1]] = plane
    around = np.roll(around, [-(length // 2) for length in shape], axis=(0, 1))
    expected = fft.rfft2(around)[:, :COLUMNS].real
    np.testing.assert_allclose(transform_about_the_centre(plane, lengths, COLUMNS), expected, atol=1e-3)


def test_blank_pixels_count_as_zero():
    blank, empty = noise((40, 40)), noise((40, 40))
    blank[3:9, 5], empty[3:9, 5] = np.nan, 0
    assert np.array_equal(spectrum_of(blank, (80, 80), COLUMNS), spectrum_of(empty, (80, 80), COLUMNS))
