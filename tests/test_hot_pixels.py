"""Hot pixels and what surrounds them, on arrays whose answer is known."""

import numpy as np
import pytest
from skies import BEAM, NOISE

from confetti_task.private.core.hot_pixels import contrast, hot_pixels, narrowness, pointlikeness, surround
from confetti_task.private.core.surroundings import disc

NOISES = np.full(5, NOISE, dtype=np.float32)
CENTRE = np.array([[2, 16, 16]])


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
