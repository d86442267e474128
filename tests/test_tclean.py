"""On what the real tclean leaves of a simulated observation, with the true sky known."""

import os
import shutil

import numpy as np
import pytest
from alma_imf_example import image_line
from astropy.table import QTable
from casa_images import read_image
from simulation import CAREFUL, CARELESS, IMAGE_NOISE_JY, clean, compare, make_sky, observe, settings, true_errors

from confetti_task import confetti_check

pytestmark = pytest.mark.tclean

SEED, SIZE, CHANNELS = 2, 160, 24


@pytest.fixture(scope="module")
def observation(tmp_path_factory):
    """The true sky, the MeasurementSets, and the folder where they are imaged."""
    folder = tmp_path_factory.mktemp("observation")
    before = os.getcwd()
    os.chdir(folder)
    sky = make_sky(SIZE, CHANNELS, SEED)
    vis = observe(str(folder), sky, SEED)
    clean(vis, "careless", CARELESS, SIZE)
    clean(vis, "careful", CAREFUL, SIZE)
    os.chdir(before)
    return sky, vis, folder


@pytest.fixture
def sky(observation, monkeypatch):
    monkeypatch.chdir(observation[2])
    return observation[0]


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


def test_tclean_takes_the_clean_mask_and_cleans_only_the_bad_channels(sky, observation):
    from casatasks import tclean
    from casatools import image

    result = confetti_check(imagename="careless", overwrite=True)
    start = "start.model"
    shutil.copytree("careless.model", start)
    tool = image()
    tool.open(start)
    pixels = tool.getchunk()
    pixels[..., result["channels"]] = 0
    tool.putchunk(pixels)
    tool.done()
    parameters = dict(settings(SIZE), usemask="user", mask=result["cleanmask"], gain=0.1, niter=100000)
    parameters.pop("pbmask")
    tclean(vis=observation[1], imagename="mended", startmodel=start, threshold=4 * IMAGE_NOISE_JY, **parameters)

    good = np.setdiff1d(np.arange(CHANNELS), result["channels"])
    before, after = read_image("careless.model"), read_image("mended.model")
    np.testing.assert_array_equal(after[good], before[good])
    assert all(after[channel].any() for channel in result["channels"])
    left = np.isin(true_errors("mended", sky)[1][:, 0], result["channels"])
    were = np.isin(true_errors("careless", sky)[1][:, 0], result["channels"])
    assert np.count_nonzero(left) <= 0.02 * np.count_nonzero(were)


def test_the_example_of_an_imaging_script_delivers_a_checked_cube(observation, sky):
    result = image_line(observation[1], "delivered", dict(settings(SIZE), gain=0.1, threshold="30mJy"), "release", 200)
    assert result["verdict"] == "clean"
    assert {"delivered.image.pbcor.fits", "delivered.confetti.mask", "delivered.model"} <= set(os.listdir("release"))
