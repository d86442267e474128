"""The real tclean, driven until it diverges, and mended."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from casa_images import copy_here, read_image
from checks import confetti_check

from confetti_task import confetti_reclean
from confetti_task.private.images.headers import opened
from scripts.simulate.simulation import IMAGE_NOISE_JY, settings

pytestmark = pytest.mark.tclean

CHANNELS = 6
PRODUCTS = ("model", "image", "residual")
CARELESS = {"gain": 1.5, "cyclefactor": 0.3, "minpsffraction": 0.005, "threshold": "10mJy", "niter": 20000}
CARELESS["cycleniter"] = 3000
CAREFUL = {"gain": 0.1, "cyclefactor": 2.0, "threshold": "15mJy", "niter": 100000}
MOSAIC = {"gridder": "mosaic", "pblimit": 0.2}
WAYS = {
    "multiscale": {},
    "hogbom": {"deconvolver": "hogbom"},
    "clark": {"deconvolver": "clark"},
    "odd sizes": {"imsize": [125, 155]},
    "mosaic, flat noise": MOSAIC,
    "mosaic, flat sky": dict(MOSAIC, normtype="flatsky"),
    "Stokes IQ": {"deconvolver": "hogbom", "stokes": "IQ"},
}
QUICK = ("multiscale", "hogbom", "odd sizes", "Stokes IQ")


def image(observation, root, channels=CHANNELS, **parameters):
    """Image the channels in the middle of the line, and return the root name."""
    from casatasks import tclean

    parameters = dict(settings(observation.size), nchan=channels, start=9, **parameters)
    tclean(vis=observation.vis, imagename=str(root), **parameters)
    return str(root)


@pytest.fixture(scope="session")
def careful(observation, made_once):
    """Root name of a careful clean."""
    return made_once("careful", lambda: image(observation, Path.cwd() / "line", **CAREFUL))


@pytest.fixture(scope="session")
def diverged(observation, made_once):
    """The folder with the images of a careless clean in some way."""

    def folder_of(way):
        def make():
            image(observation, "line", **dict(CARELESS, **WAYS[way]))
            return Path.cwd()

        return made_once(f"diverged_{list(WAYS).index(way)}", make)

    return folder_of


@pytest.mark.parametrize("way", [way if way in QUICK else pytest.param(way, marks=pytest.mark.long) for way in WAYS])
def test_a_clean_that_diverged_in_all_channels_is_never_called_clean(way, diverged):
    copy_here(diverged(way))
    result = confetti_check(imagename="line")
    assert result["verdict"] == "confetti"
    wrong = ~(np.abs(read_image("line.image")) < 300 * IMAGE_NOISE_JY).all(axis=(1, 2))  # what is no number is wrong
    assert wrong.sum() >= CHANNELS / 2
    assert set(np.flatnonzero(wrong)) <= set(result["diverged"])
    assert any("even imsize" in text for text in result["warnings"]) == (way == "odd sizes")


@pytest.mark.long
def test_images_of_odd_sizes_are_reported_as_the_cause(diverged):
    """By the re-clean, after the check."""
    copy_here(diverged("odd sizes"))
    confetti_check(imagename="line", deconvolve="none")
    result = confetti_reclean(imagename="line")
    assert any("even imsize" in text for text in result["warnings"])


@pytest.mark.parametrize("channels", [[2], [0, 2, 4]], ids=["one", "half"])
def test_channels_that_diverged_are_distinguished_from_those_that_did_not(channels, careful, diverged):
    careless = diverged("multiscale")
    for product in PRODUCTS:
        shutil.copytree(f"{careful}.{product}", f"line.{product}")
        pixels = read_image(f"{careful}.{product}")
        pixels[channels] = read_image(f"{careless}/line.{product}")[channels]
        with opened(f"line.{product}") as tool:
            tool.putchunk(pixels.T[:, :, np.newaxis])
    shutil.copytree(careful + ".psf", "line.psf")
    assert confetti_check(imagename="line")["diverged"] == channels


LESS = {
    "far into the noise": dict(CAREFUL, threshold=IMAGE_NOISE_JY / 5, niter=15000, channels=CHANNELS // 2),
    "stopped early": dict(CAREFUL, niter=200),
}


def test_a_careful_clean_converges(careful):
    result = confetti_check(imagename=careful, outfile="careful")
    assert result["diverged"] == []
    assert result["verdict"] == "clean"


@pytest.mark.parametrize("way", ["stopped early", pytest.param("far into the noise", marks=pytest.mark.long)])
def test_a_clean_with_a_low_gain_converges_wherever_it_stops(way, observation):
    image(observation, "line", **LESS[way])
    result = confetti_check(imagename="line")
    assert result["diverged"] == result["channels"] == []
    if way == "stopped early":  # noise that was fitted may be suspicious
        assert result["verdict"] == "clean"


def errors(root, careful):
    """Largest difference from the careful image in each channel, in noise."""
    difference = np.abs(read_image(root + ".image") - read_image(careful + ".image"))
    return difference.max(axis=(1, 2)) / IMAGE_NOISE_JY


@pytest.mark.parametrize("way", [pytest.param("multiscale", marks=pytest.mark.long), "hogbom"])
def test_a_cube_whose_channels_all_diverged_is_mended_by_a_full_clean(way, diverged, careful):
    copy_here(diverged(way))
    confetti_check(imagename="line", deconvolve="none")
    result = confetti_reclean(imagename="line")
    assert result["before"]["diverged"] == list(range(CHANNELS))
    assert result["after"]["diverged"] == []
    assert any("had diverged with the recorded loop gain of 1.5" in text for text in result["warnings"])
    assert (errors("line_reclean", careful) < 15).all()  # of emission of 90 sigma, which each deconvolver sees its way


@pytest.mark.long
def test_a_clean_that_diverges_again_is_cleaned_once_more_and_then_it_is_reported(diverged, monkeypatch):
    """Gentler the second time, and no third time."""
    from casatasks import tclean

    from confetti_task.private import task_confetti_reclean as task

    gains = []

    def careless_again(**parameters):
        gains.append(parameters["gain"])
        return tclean(**{**parameters, **CARELESS})

    copy_here(diverged("multiscale"))
    confetti_check(imagename="line", deconvolve="none")
    monkeypatch.setattr(task, "tclean", careless_again)
    result = confetti_reclean(imagename="line")
    assert gains == [0.1, 0.05]
    assert result["after"]["diverged"]
    assert any("diverged again in channels" in text for text in result["warnings"])
