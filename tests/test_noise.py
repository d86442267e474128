"""Noise of the channels."""

import numpy as np
import pytest
from skies import NOISE, Products

from confetti_task.private.noise import channel_noise


def test_the_noise_of_a_field_of_noise_is_its_standard_deviation():
    residual = Products(size=256).residual
    assert channel_noise(residual) == pytest.approx(np.full(len(residual), NOISE), rel=0.1)


def test_emission_does_not_raise_the_noise():
    products = Products(size=256)
    empty = channel_noise(products.image)
    products.model[3, 100:110, 100:110] = 1
    assert channel_noise(products.image)[3] == pytest.approx(empty[3], rel=0.03)


@pytest.mark.parametrize("blank", [0.0, np.nan])
def test_a_blank_channel_has_no_noise(blank):
    image = Products().residual
    image[2] = blank
    assert np.isnan(channel_noise(image)).tolist() == [False, False, True, False, False, False, False]
