"""On what the real tclean leaves of a simulated observation, with the true sky known."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import read_image
from checks import confetti_check
from simulation import compare, true_errors

pytestmark = pytest.mark.tclean


@pytest.fixture
def sky(observation, monkeypatch):
    monkeypatch.chdir(observation.folder)
    return observation.sky


def test_natural_confetti_is_found_and_no_real_source_is_masked(sky):
    result = confetti_check(imagename="careless", overwrite=True)
    errors, fake = true_errors("careless", sky)
    truth = compare(QTable.read(result["table"]), errors, fake, sky)
    assert result["verdict"] == "confetti"
    assert result["warnings"] == []
    assert truth["real"] == 0
    assert truth["right"] >= 0.9 * result["nsources"]
    assert truth["found"] >= 0.5 * len(fake)
    worst = np.bincount(fake[:, 0]).argmax()
    assert worst in result["channels"]


def test_a_careful_clean_of_the_same_data_is_clean(sky):
    result = confetti_check(imagename="careful", overwrite=True)
    assert result["verdict"] == "clean"
    assert not read_image(result["mask"]).any()
    assert len(true_errors("careful", sky)[1]) <= 1
