"""Deconvolving a channel again from its own products: pure functions, with minor cycles after Hogbom."""

import numpy as np
import pytest
from skies import BEAM, HOT, NOISE, SIZE, Products, gaussian

from confetti_task.private.core import deconvolution
from confetti_task.private.core.deconvolution import (
    CHANGE_OF_POINTS,
    CHANGE_OF_SAME_SCALES,
    convolved,
    deconvolve,
    difference,
    measured_kernel,
    psf_of,
    tiles_of,
)
from confetti_task.private.core.transforms import padded

CHANNEL, Y, X = HOT
LENGTHS = (padded(SIZE), padded(SIZE))


def hogbom(residuals, psf, masks, depth, gain):
    """Minor cycles as they are in a textbook."""
    components = np.zeros_like(residuals)
    centre = np.array(psf.shape) // 2
    for residual, mask, plane in zip(residuals.copy(), masks, components):
        for _ in range(2000):
            place = np.unravel_index(np.argmax(np.abs(residual) * mask), residual.shape)
            if np.abs(residual[place]) <= depth:
                break
            plane[place] += gain * residual[place]
            residual -= gain * residual[place] * np.roll(psf, np.array(place) - centre, axis=(0, 1))
    return components


def again(products, minor_cycle=hogbom, threshold=3 * NOISE):
    """The channel of the fake source, deconvolved again."""
    kernel = measured_kernel(products.psf[CHANNEL], BEAM, LENGTHS)
    planes = products.residual[CHANNEL], products.model[CHANNEL]
    mask = np.ones((SIZE, SIZE), dtype=bool)
    return deconvolve(*planes, kernel, LENGTHS, mask, threshold, BEAM, minor_cycle), kernel


def changed(products, result, kernel, change=CHANGE_OF_SAME_SCALES):
    """Old image minus the new one, and what may differ, at the place of the fake source."""
    gone = products.model[CHANNEL] - result.model
    beam = np.fft.rfft2(np.fft.ifftshift(gaussian(BEAM)))
    restored = np.fft.irfft2(np.fft.rfft2(gone) * beam, gone.shape)
    plane = (restored - convolved(gone, kernel, LENGTHS)).astype(np.float32)
    height, tolerance = difference(plane, products.image[CHANNEL], np.array([[Y, X]]), NOISE, change, BEAM)
    return height.item(), tolerance.item()


def test_a_fake_source_does_not_come_back():
    products = Products()
    products.add_confetti(*HOT, 30 * NOISE)
    result, kernel = again(products)
    height, tolerance = changed(products, result, kernel)
    assert result.state == "converged"
    assert height > 10 * NOISE > tolerance


def test_a_maser_comes_back():
    products = Products()
    products.add_point(*HOT, 30 * NOISE)
    result, kernel = again(products)
    height, tolerance = changed(products, result, kernel)
    assert result.state == "converged"
    assert abs(height) < 0.75 * tolerance


def test_what_may_differ_grows_with_the_brightness_nearby():
    products = Products()
    products.add_point(CHANNEL, Y, X + 3, 2000 * NOISE)
    _, tolerance = changed(products, *again(products))
    assert tolerance > CHANGE_OF_SAME_SCALES.locally * 1900 * NOISE


def test_extended_emission_that_is_made_of_points_may_come_out_differently():
    products = Products()
    products.add_point(CHANNEL, Y, X + 3, 2000 * NOISE)
    _, smooth = changed(products, *again(products))
    _, of_points = changed(products, *again(products), CHANGE_OF_POINTS)
    assert of_points > 0.025 * 1900 * NOISE > smooth


def test_a_clean_that_runs_away_is_tried_more_gently_and_keeps_the_best_model():
    gains = []

    def runaway(residuals, psf, masks, depth, gain):
        gains.append(gain)
        return 10 * residuals

    products = Products()
    products.add_point(*HOT, 30 * NOISE)
    result, _ = again(products, runaway)
    assert result.state == "diverged"
    assert set(gains) == {deconvolution.GAIN, deconvolution.GENTLER_GAIN}
    assert not result.model.any()


def test_a_clean_that_gets_nowhere_has_stopped():
    products = Products()
    products.add_point(*HOT, 30 * NOISE)
    result, _ = again(products, lambda residuals, *_: np.zeros_like(residuals))
    assert result.state == "stopped"
    assert result.peak > 20 * NOISE


def test_frequencies_of_low_coverage_are_left_out():
    kernel = measured_kernel(Products().psf[CHANNEL], BEAM, LENGTHS)
    invented = Products(continuum=False)
    invented.add_confetti(*HOT, 30 * NOISE)
    assert np.abs(convolved(invented.model[CHANNEL], kernel, LENGTHS)).max() < 0.1 * 30 * NOISE
    assert psf_of(kernel, LENGTHS, (SIZE, SIZE)).argmax() == SIZE // 2 * SIZE + SIZE // 2


def test_a_blank_psf_has_no_kernel():
    assert measured_kernel(np.zeros((SIZE, SIZE), dtype=np.float32), BEAM, LENGTHS) is None


@pytest.mark.parametrize("shape", [(64, 64), (400, 300), (1024, 130)])
def test_tiles_keep_every_pixel_once(shape):
    times = np.zeros(shape, dtype=int)
    for box, kept in tiles_of(shape, BEAM):
        times[tuple(slice(max(low, 0), high) for low, high in kept)] += 1
        assert all(low <= first and last <= high for (low, high), (first, last) in zip(box, kept))
    assert (times == 1).all()


def test_a_plane_cleaned_in_tiles_is_that_cleaned_whole(monkeypatch):
    """Also a source at the border of two tiles, whose other half is next to it."""
    products = Products()
    for y, x in ((32, 32), (31, 20), (47, 50)):
        products.add_point(CHANNEL, y, x, 40 * NOISE)
    whole, kernel = again(products)
    monkeypatch.setattr(deconvolution, "SMALLEST_TILE", 32)
    monkeypatch.setattr(deconvolution, "TILE_BEAMS", 5)
    tiled, _ = again(products)
    assert len(tiles_of((SIZE, SIZE), BEAM)) > 1
    assert tiled.state == "converged"
    beam = np.fft.rfft2(np.fft.ifftshift(gaussian(BEAM)))
    images = [np.fft.irfft2(np.fft.rfft2(one.model) * beam, (SIZE, SIZE)) + one.residual for one in (whole, tiled)]
    assert np.abs(images[0] - images[1]).max() < 2 * NOISE
