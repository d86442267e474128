"""The made-up cubes of the benchmark are what it says they are."""

import numpy as np
from astropy.table import QTable
from casa_images import read_image
from checks import confetti_check

from scripts.benchmarks.products_of_size import FAINT, NOISE, write_products

CHANNELS = 8


def checked(bad=(5,), **parameters):
    """Non-zero fraction of the model of a small cube, what the check returns, and candidates in each channel."""
    write_products("cube", 256, CHANNELS, bad, **parameters)
    result = confetti_check(imagename="cube")
    channels = np.array(QTable.read(result["table"])["channel"])
    return np.mean(read_image("cube.model") != 0), result, np.bincount(channels, minlength=CHANNELS)


def test_a_deep_clean_has_components_in_a_fifth_of_the_pixels_and_candidates_in_every_channel():
    filled, result, candidates = checked(bad=(), deep=20.0)
    assert 0.2 <= filled <= 0.22
    assert candidates.min() >= 10
    assert result["npixels"] == 0
    assert result["warnings"] == []


def test_faint_components_are_no_candidates_and_leave_those_of_the_bad_channels():
    filled, result, candidates = checked(deep=FAINT)
    assert 0.2 <= filled <= 0.32
    assert np.flatnonzero(candidates).tolist() == result["channels"] == [5]
    assert result["diverged"] == result["warnings"] == []


def test_bright_emission_fills_a_tenth_of_each_plane_and_has_the_height_that_was_asked_for():
    write_products("cube", 256, 2, bright=200.0)
    assert 0.09 <= np.mean(read_image("cube.model") != 0) <= 0.11
    assert 150 <= read_image("cube.image").max() / NOISE <= 210


def test_an_ordinary_clean_has_few_components_and_candidates_in_the_bad_channels_only():
    filled, result, candidates = checked()
    assert 0.02 <= filled <= 0.15
    assert np.flatnonzero(candidates).tolist() == result["channels"] == [5]
    assert result["diverged"] == result["warnings"] == []
