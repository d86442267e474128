"""On what the real tclean leaves of a simulated observation, with the true sky known."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import read_image
from checks import confetti_check
from simulation import compare, settings, true_errors

from confetti_task.private.check.consistency import mismatches
from confetti_task.private.core.quantities import CHANNEL
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.pixels import read_channel

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


HABITS = {
    "odd sides": {"imsize": [161, 155]},
    "few pixels a beam": {"imsize": [80, 80], "cell": "1.6arcsec"},
    "a mask at the edge": {"usemask": "user", "mask": "circle[[6pix, 80pix], 5pix]"},
    "one beam for all": {"restoringbeam": "common"},
    "no primary beam mask": {"pblimit": -0.2},
    "fixed frame": {"outframe": "TOPO"},
    "several scales": {"deconvolver": "multiscale", "scales": [0, 6, 15]},
}


@pytest.mark.parametrize("habit", HABITS)
def test_what_tclean_wrote_is_what_it_restored(sky, observation, tmp_path, habit):
    """Image minus residual is the model convolved with the restoring beam, however tclean was called."""
    from casatasks import tclean

    imagename = str(tmp_path / "line")
    parameters = dict(settings(observation.size), niter=200, nchan=5, start=8, **HABITS[habit])
    tclean(vis=observation.vis, imagename=imagename, gain=0.1, **parameters)
    cube = open_cube(imagename)
    channels = np.zeros(cube.channels, CHANNEL)
    channels["channel"] = np.arange(cube.channels)
    channels["components"] = [read_channel(cube, "model", 0, number).any() for number in channels["channel"]]
    assert channels["components"].any()
    assert mismatches(cube, channels) == []


def test_of_an_image_that_tclean_smoothed_the_model_is_restored_again(sky, observation, tmp_path):
    from casatasks import tclean

    imagename = str(tmp_path / "line")
    parameters = dict(settings(observation.size), nchan=5, start=8, restoringbeam="8arcsec")
    tclean(vis=observation.vis, imagename=imagename, gain=0.1, niter=3000, **parameters)
    result = confetti_check(imagename=imagename)
    assert result["verdict"] == "clean"
    assert len(result["warnings"]) == 1
    assert "Was restoringbeam set in tclean" in result["warnings"][0]
