"""What surrounds a hot pixel, on arrays whose answer is known."""

import numpy as np
import pytest
from skies import BEAM, NOISE, Products

from confetti_task.private.core.statistics import (
    REACH_CHANNELS,
    above_line,
    alternating,
    contrast,
    disc,
    height_above_ring,
    hot_pixels,
    median,
    narrowness,
    pointlikeness,
    reduce_around,
    ring,
    spike,
    surround,
)

NOISES = np.full(5, NOISE, dtype=np.float32)
CENTRE = np.array([[2, 16, 16]])


def heights_around(cube, pixels):
    """Heights [n, 7] of pixels in their channel and in those around it."""
    steps = range(-REACH_CHANNELS, REACH_CHANNELS + 1)
    return np.column_stack([height_above_ring(cube, pixels + [step, 0, 0], ring(BEAM)) for step in steps])


@pytest.fixture
def model():
    return np.zeros((5, 33, 33), dtype=np.float32)


def test_contrast_is_the_height_over_the_surroundings(model):
    model[2] = 0.25
    model[2, 16, 16] = 1.0
    assert contrast(model, CENTRE) == pytest.approx(0.75)


def test_a_hot_pixel_is_found_where_it_is_and_nowhere_else(model):
    model[2, 16, 16], model[3, 5, 7] = 3 * NOISE, -4 * NOISE
    assert hot_pixels(model, NOISES, 2.9).tolist() == [[2, 16, 16], [3, 5, 7]]
    assert hot_pixels(model, NOISES, 3.5).tolist() == [[3, 5, 7]]


def test_a_hot_pixel_in_the_corner_of_the_image_is_found(model):
    model[0, 0, 32] = 5 * NOISE
    assert hot_pixels(model, NOISES, 3).tolist() == [[0, 0, 32]]


def test_a_hole_in_extended_emission_is_no_hot_pixel(model):
    model[2] = 10 * NOISE
    model[2, 16, 16] = 5 * NOISE
    assert len(hot_pixels(model, NOISES, 3)) == 0


def test_a_channel_without_noise_has_no_hot_pixels(model):
    model[2, 16, 16] = 1
    noises = NOISES.copy()
    noises[2] = np.nan
    assert len(hot_pixels(model, noises, 3)) == 0


def test_nan_in_the_model_is_neither_hot_nor_surroundings(model):
    model[2, 16, 16], model[2, 14, 14], model[2, 16, 17] = 1, np.nan, np.nan
    assert hot_pixels(model, NOISES, 3).tolist() == CENTRE.tolist()
    assert contrast(model, CENTRE) == pytest.approx(1)


def test_a_pixel_alone_in_its_channel_has_narrowness_0(model):
    model[2, 16, 16] = 1
    assert narrowness(model, CENTRE, np.array([1.0])) == 0


@pytest.mark.parametrize("place", [(1, 16, 16), (3, 17, 15)])
def test_a_neighbour_that_wandered_by_one_pixel_counts(model, place):
    model[2, 16, 16] = 1
    model[place] = 0.6
    assert narrowness(model, CENTRE, np.array([1.0])) == pytest.approx(0.6)


def test_a_neighbour_of_the_other_sign_does_not_count(model):
    model[2, 16, 16], model[1, 16, 16] = 1, -1
    assert narrowness(model, CENTRE, np.array([1.0])) == 0


def test_the_first_channel_is_compared_with_its_one_neighbour(model):
    model[0, 16, 16], model[1, 16, 16] = 1, 0.3
    assert narrowness(model, np.array([[0, 16, 16]]), np.array([1.0])) == pytest.approx(0.3)


def test_without_any_neighbour_narrowness_is_unknown(model):
    model[2, 16, 16] = 1
    model[[1, 3]] = np.nan
    assert np.isnan(narrowness(model, CENTRE, np.array([1.0]))).all()


def test_a_single_pixel_is_pointlike_and_a_pair_is_not(model):
    model[2, 16, 16] = 1
    assert pointlikeness(model, CENTRE, np.array([1.0])) == 1
    model[2, 16, 17] = 0.75
    assert pointlikeness(model, CENTRE, np.array([1.0])) == pytest.approx(0.25)


def test_a_surround_that_cancels_the_hot_pixel_is_minus_1(model):
    around_it = disc(2) + [16, 16]
    model[2, around_it[:, 0], around_it[:, 1]] -= 1 / len(around_it)
    model[2, 16, 16] += 1
    hot = contrast(model, CENTRE)
    assert surround(model, CENTRE, hot, BEAM) == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize("beam", [1.0, 1.3, 2.0, 2.1, BEAM])
def test_a_surround_is_summed_within_four_radii_however_few_pixels_are_between_them(model, beam):
    model[2] = np.random.default_rng(3).normal(size=model.shape[1:])
    discs = [disc(radius) + [16, 16] for radius in np.linspace(2, 1.5 * beam, 4)]
    expected = min(model[2, y, x].sum() for y, x in (places.T for places in discs)) / 5 - 1
    assert surround(model, CENTRE, np.array([5.0]), beam) == pytest.approx(expected, abs=1e-5)


def test_emission_in_all_channels_is_no_surround(model):
    model[:] = 0.1
    model[2, 16, 16] = 1.1
    assert surround(model, CENTRE, np.array([1.0]), BEAM) == pytest.approx(0, abs=1e-5)


def test_the_spike_of_a_point_source_is_its_peak_less_the_ring():
    products = Products(seed=3)
    products.residual[:] = 0
    products.add_point(3, 32, 32, 1.0)
    assert spike(heights_around(products.image, np.array([[3, 32, 32]]))) == pytest.approx(1, abs=0.03)


def test_a_spike_does_not_leak_into_the_channels_beside_it():
    products = Products(seed=3)
    products.residual[:] = 0
    products.add_point(3, 32, 32, 1.0)
    beside = np.array([[2, 32, 32], [4, 32, 32]])
    assert spike(heights_around(products.image, beside)) == pytest.approx(0, abs=1e-5)


def test_the_ring_does_not_reach_the_middle_and_is_sampled_three_times_a_beam():
    for beam in (3.0, 7.6, 25.0):
        radius = np.hypot(*ring(beam).T)
        assert radius.min() >= 0.9 * beam
        assert radius.max() <= 1.8 * beam
        assert np.diff(np.unique(ring(beam)[:, 0])).max() <= np.ceil(beam / 3)


def test_the_median_is_that_of_numpy():
    values = np.random.default_rng(5).normal(size=(200, 40)).astype(np.float32)
    values[::3, 7:19] = np.nan
    values[::5, 0] = np.nan
    np.testing.assert_array_equal(median(values), np.nanmedian(values, axis=1))


def test_what_is_gathered_does_not_depend_on_the_batches(monkeypatch):
    cube = np.random.default_rng(6).normal(size=(3, 20, 20)).astype(np.float32)
    pixels = np.argwhere(np.ones(cube.shape))
    whole = reduce_around(cube, pixels, disc(3), median)
    monkeypatch.setattr("confetti_task.private.core.statistics.GATHERED_AT_ONCE", 1000)
    np.testing.assert_array_equal(reduce_around(cube, pixels, disc(3), median), whole)


N = np.nan


@pytest.mark.parametrize(
    ("heights", "above"),
    [
        ([1, 2, 3, 4, 5, 6, 7], N),  # as many channels on either side
        ([N, N, N, 9, 5, 6, 7], 9 - 4),  # the first channel: a line through the next two
        ([7, 6, 5, 9, N, N, N], 9 - 4),
        ([N, N, N, 9, N, 6, 7], 9 - 4),  # a blank one between
        ([N, N, N, 9, 5, N, N], 9 - 5),  # a single neighbour
        ([N, N, 2, 9, 4, 50, 50], 9 - 3),  # the second channel: half way between its neighbours
        ([1, N, N, 9, 5, 6, 7], 9 - 4),  # three channels away on one side, one on the other
        ([N, N, N, 9, N, N, N], N),
    ],
)
def test_where_one_side_has_fewer_channels_a_line_through_the_nearest_is_compared(heights, above):
    result = above_line(np.array([heights, heights], dtype=np.float32))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, above)


@pytest.mark.parametrize(
    ("fluxes", "channels"),
    [
        ([1, 4, 9, 12, 9, 4, 1], []),  # a line
        ([0, 0, 0, 50, 0, 0, 0], []),  # a maser
        ([10, 10, 10, 0, 10, 10, 10], []),  # a channel without components
        ([5, -5, 5, -5, N, 5, -5, 5, -5], []),  # blank between
        ([N] * 7, []),
        ([3], []),
        ([19, 17, 47, -2, 83, -49, 139], [2, 3, 4, 5]),
        ([9, 9, 9, 1, 9, 1, 9, 9, 9], [2, 3, 4, 5, 6]),
    ],
)
def test_fluxes_alternate_where_more_than_one_channel_is_odd(fluxes, channels):
    fluxes = np.array(fluxes, dtype=float)
    assert alternating(fluxes, np.abs(fluxes) + 10, np.full(len(fluxes), 0.01)) == channels
    assert alternating(fluxes, np.abs(fluxes) + 10, np.full(len(fluxes), 100.0)) == []  # by noise
    assert alternating(fluxes, np.where(fluxes > 8, fluxes, 0.1), np.full(len(fluxes), 0.01)) == []  # nothing between
