"""
A synthetic line in the visibilities of a real observation: its noise, flags, weights, coverage and frames are real.

The observation is one of a calibrator at the phase centre, of a known flux in all channels. What is left of the data
without it is their noise.
"""

import shutil

import numpy as np

from scripts.simulate.simulation import IMAGE_NOISE_JY, opened, read_beams, read_image
from scripts.simulate.truth import Source, Truth, restore


def add_line(vis, sky, brightness, flux, settings):
    """
    Add a sky to the data of a calibrator.

    Parameters
    ----------
    vis : str
        MeasurementSet, with the calibrator in its data. They become calibrator, sky and noise.
    sky : `~simulation.Sky`
        What to add, made for a noise of `~simulation.IMAGE_NOISE_JY`.
    brightness : float
        Factor by which it is brighter in units of the noise.
    flux : float
        Flux of the calibrator in Jy.
    settings : dict
        Parameters for tclean for the images.

    Returns
    -------
    truth : `~truth.Truth`
        What images of the data should show.
    """
    observed = read_data(vis) - flux
    write_data(vis, observed)
    noise, primary_beam, beams = _image_of_noise(vis, settings)
    inside = primary_beam > settings["pbmask"]
    sigma = np.sqrt(np.mean(noise**2, axis=(1, 2), where=inside))
    model = brightness * np.median(sigma) / IMAGE_NOISE_JY * sky.cube * primary_beam
    write_data(vis, observed + flux + _visibilities(vis, model, settings))
    middle = model.shape[1] // 2
    model[:, middle, middle] += flux
    restored = np.stack([restore(plane, *beam) for plane, beam in zip(model, beams)])
    calibrator = Source("continuum", 0, 1.0, middle, middle)
    width = np.sqrt(np.median(beams[:, 0] * beams[:, 1]))
    return Truth(model, restored, noise, sigma, inside, width, [*sky.sources, calibrator])


def _image_of_noise(vis, settings):
    """Dirty image of the data, primary beam, and beams of the channels."""
    from casatasks import tclean

    tclean(vis=vis, imagename="noise", niter=0, **settings)
    return read_image("noise.image"), read_image("noise.pb"), read_beams("noise.image")


def _visibilities(vis, model, settings):
    """Visibilities of a cube in Jy/pixel; ``ft`` does not convert frames, so its channels are those of the data."""
    from casatasks import ft, tclean

    observed = dict(settings, outframe="TOPO")
    tclean(vis=vis, imagename="template", niter=0, restoration=False, **observed)
    shutil.copytree("template.residual", "sky.model")
    with opened("sky.model") as tool:
        tool.setbrightnessunit("Jy/pixel")
        tool.putchunk(model.T[:, :, np.newaxis])
    ft(vis=vis, model="sky.model", usescratch=True)
    return read_data(vis, "MODEL_DATA")


def read_data(vis, column="DATA"):
    """A column of the data of a MeasurementSet."""
    from casatools import table

    tool = table()
    tool.open(vis)
    data = tool.getcol(column)
    tool.close()
    return data


def write_data(vis, data):
    """Put data into a MeasurementSet."""
    from casatools import table

    tool = table()
    tool.open(vis, nomodify=False)
    tool.putcol("DATA", data)
    tool.close()
