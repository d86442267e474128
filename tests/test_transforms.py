"""Transforms of planes, compared with those of whole planes."""

import numpy as np
import pytest
from scipy import fft

from confetti_task.private.core.transforms import (
    LINES,
    at_samples,
    filtered,
    sampling_step,
    spectrum_of,
    transform_about_the_centre,
)
from confetti_task.private.core.transforms import sampled as sampled_rows
from confetti_task.private.core.uv_coverage import GAUSSIAN_AREA

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


def restored_points(size, beam, seed=3):
    """Components of 1 Jy, restored with a beam, and where they are."""
    random = np.random.default_rng(seed)
    model = np.zeros((size, size), dtype=np.float32)
    model[tuple(random.integers(3 * beam, size - 3 * beam, (2, 40)))] = 1
    cycles = np.hypot(fft.fftfreq(size)[:, np.newaxis], fft.rfftfreq(size))
    beams = np.exp(-((np.pi * beam * cycles) ** 2) / (4 * np.log(2))) * GAUSSIAN_AREA * beam**2
    return fft.irfft2(fft.rfft2(model) * beams, (size, size)).astype(np.float32)


@pytest.mark.parametrize(("beam", "step"), [(5.0, 2), (6.3, 2), (7.5, 3), (10.0, 4), (4.9, 1)])
def test_what_is_measured_of_a_restored_model_is_the_same_from_every_second_row(beam, step):
    size = 12 * 16
    restored = restored_points(size, beam)
    lengths = (size, size)
    radius = beam * np.hypot(fft.fftfreq(size)[:, np.newaxis], fft.rfftfreq(size))
    measured = (((radius > 0.1) & (radius < 0.5)) | ((radius > 0.7) & (radius < 1.1))).astype(np.float32)
    assert sampling_step(beam) == step
    sampled = filtered(restored, at_samples(measured, lengths, step), lengths, step)
    np.testing.assert_allclose(sampled, filtered(restored, measured, lengths), atol=9e-4)


@pytest.mark.parametrize("step", [2, 3])
def test_samples_are_means_over_the_rows_around_them_whatever_their_number(step):
    for rows in range(step * 5, step * 6 + 1):
        plane = noise((rows, 4))
        expected = np.zeros((-(-rows // step), 4))
        for row, sample in np.ndindex(rows, len(expected)):
            expected[sample] += max(0, step - abs(row - sample * step)) / step**2 * plane[row]
        np.testing.assert_allclose(sampled_rows(plane, step), expected, atol=1e-6)
