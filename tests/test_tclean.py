"""The images of the real tclean are those that it restored, whatever its habits."""

import numpy as np
import pytest
from checks import confetti_check

from confetti_task.private.check.consistency import mismatches
from confetti_task.private.core.quantities import CHANNEL
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.pixels import read_channel
from scripts.simulate.simulation import settings

pytestmark = pytest.mark.tclean


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
def test_what_tclean_wrote_is_what_it_restored(observation, habit):
    """Image minus residual is the model convolved with the restoring beam, however tclean was called."""
    from casatasks import tclean

    parameters = dict(settings(observation.size), niter=200, nchan=5, start=8, **HABITS[habit])
    tclean(vis=observation.vis, imagename="line", gain=0.1, **parameters)
    cube = open_cube("line")
    channels = np.zeros(cube.channels, CHANNEL)
    channels["channel"] = np.arange(cube.channels)
    channels["components"] = [read_channel(cube, "model", 0, number).any() for number in channels["channel"]]
    assert channels["components"].any()
    assert mismatches(cube, channels) == []


def test_of_an_image_that_tclean_smoothed_the_model_is_restored_again(observation):
    from casatasks import tclean

    parameters = dict(settings(observation.size), nchan=5, start=8, restoringbeam="8arcsec")
    tclean(vis=observation.vis, imagename="line", gain=0.1, niter=3000, **parameters)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "clean"
    assert len(result["warnings"]) == 1
    assert "Was restoringbeam set in tclean" in result["warnings"][0]


def test_bright_masers_between_pixels_are_not_masked_and_make_no_channel_bad():
    """Components of some per cent of a maser, of both signs and next to it, are those of a real source."""
    from scripts.evaluation.run_masers import RUNS, clean, judge

    (run,) = (run for run in RUNS if run.array == "cycle6.3")
    clean(run, "line")
    for psf in (True, False):
        masked, bad, suspicious, spike = judge("line", f"psf_{psf}", psf)
        assert (masked, bad, suspicious) == (0, 0, 0)
        assert spike > 100  # the largest unsupported spike, in sigma
