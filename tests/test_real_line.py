"""A real spectral line, HI of NGC 5921 observed with the VLA, imaged with the real tclean: wrong channels are named."""

import os

import numpy as np
import pytest
from checks import confetti_check

from scripts.evaluation import real_line
from scripts.simulate.simulation import clean

pytestmark = [
    pytest.mark.tclean,
    pytest.mark.long,
    pytest.mark.skipif(not os.path.exists(real_line.observation()), reason="CASA's data are without NGC 5921"),
]


def test_of_a_real_line_every_channel_that_is_wrong_is_named_and_none_that_is_right():
    real_line.calibrate(real_line.observation())
    sigma = real_line.noise()
    clean("line.ms", "careful", [real_line.CAREFUL], real_line.SETTINGS)
    clean("line.ms", "careless", [real_line.CARELESS], real_line.SETTINGS)
    assert confetti_check(imagename="careful")["verdict"] == "clean"
    result = confetti_check(imagename="careless")
    wrong = real_line.differences("careless", sigma)
    assert np.count_nonzero(wrong >= 7) >= 5
    assert set(np.flatnonzero(wrong >= 7)) <= set(result["channels"])
    assert not set(np.flatnonzero(wrong <= 4.4)) & set(result["channels"])
