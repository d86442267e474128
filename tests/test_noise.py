"""Noise of the channels."""

import numpy as np
import pytest
from skies import BEAM, NOISE, Products

from confetti_task.private.core.noise import channel_noise, plane_noise


def test_the_scatter_of_a_field_of_noise_is_its_standard_deviation():
    residual = Products(size=256).residual
    assert plane_noise(residual, BEAM) == pytest.approx(np.full(len(residual), NOISE), rel=0.1)


@pytest.mark.parametrize("sign", [-1, 1])
def test_neither_extended_emission_nor_its_sign_raise_the_scatter(sign):
    products = Products(size=256)
    empty = plane_noise(products.image, BEAM)
    products.model[3, 50:200, 50:200] = 0.01
    assert plane_noise(sign * products.image, BEAM)[3] == pytest.approx(empty[3], rel=0.15)


@pytest.mark.parametrize("blank", [0.0, np.nan])
def test_a_blank_channel_has_no_noise(blank):
    image = Products().residual
    image[2] = blank
    noise = channel_noise(plane_noise(image, BEAM))
    assert np.isnan(noise).tolist() == [False, False, True, False, False, False, False]


def test_channels_full_of_confetti_have_the_noise_of_those_around():
    scatter = np.full(30, NOISE, dtype=np.float32)
    scatter[10:18] *= 2
    assert channel_noise(scatter) == pytest.approx(np.full(30, NOISE))


def test_noisy_channels_at_the_edge_of_the_band_are_noisy_up_to_the_step():
    scatter = np.full(40, NOISE, dtype=np.float32)
    scatter[:6] *= 3
    noise = channel_noise(scatter)
    assert noise[:6].min() == pytest.approx(2 * NOISE)
    assert noise[6:] == pytest.approx(np.full(34, NOISE))


@pytest.mark.parametrize("full", [slice(0, 2), slice(28, 30), slice(8, 10)])
def test_channels_full_of_confetti_at_the_end_of_the_cube_or_beside_blank_ones_are_not_noisy(full):
    scatter = np.full(30, NOISE, dtype=np.float32)
    scatter[full] *= 2
    scatter[10:14] = np.nan
    assert channel_noise(scatter)[full] == pytest.approx(np.full(2, NOISE))


def test_an_image_that_is_0_where_it_should_be_masked_has_its_noise():
    residual = Products(size=256).residual
    empty = plane_noise(residual, BEAM)
    residual[:, :, :200] = 0
    assert plane_noise(residual, BEAM) == pytest.approx(empty, rel=0.2)
