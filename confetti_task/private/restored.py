"""A model convolved with the restoring beam, as tclean restores it: numpy on planes [y, x]."""

import math

import numpy as np
from scipy import fft

from .support import GAUSSIAN_AREA

# Three widths from its centre a Gaussian has 1e-11 of its peak.
REACH_BEAMS = 3


def margin(beam, cell):
    """
    Number of pixels that a beam reaches.

    Parameters
    ----------
    beam, cell : tuple of float
        As for `restore`.

    Returns
    -------
    pixels : int
        To each side.
    """
    return math.ceil(REACH_BEAMS * beam[0] / min(abs(length) for length in cell))


def restore(model, beam, cell):
    """
    Convolve a model with a restoring beam.

    Parameters
    ----------
    model : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel, with a `margin` on every side: what is restored nearer to the edges is not right,
        because the transform wraps round. NaN is taken for 0.
    beam : tuple of float
        Major and minor axis in arcsec, and position angle in degrees from North to East.
    cell : tuple of float
        Length of a pixel along y to the North and along x to the East, in arcsec.

    Returns
    -------
    restored : 2D float32 `~numpy.ndarray`
        In Jy/beam.
    """
    major, minor, angle = beam
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    lengths = [fft.next_fast_len(length, real=True) for length in model.shape]
    v, u = fft.fftfreq(lengths[0])[:, np.newaxis].astype(np.float32), fft.rfftfreq(lengths[1]).astype(np.float32)
    north, east = v / cell[0], u / cell[1]  # cycles an arcsec
    along, across = major * (north * cosine + east * sine), minor * (east * cosine - north * sine)
    area = GAUSSIAN_AREA * major * minor / abs(cell[0] * cell[1])
    spectrum = fft.rfft2(np.nan_to_num(model), lengths)
    spectrum *= area * np.exp(-math.pi * GAUSSIAN_AREA * (along**2 + across**2))
    return fft.irfft2(spectrum, lengths)[: model.shape[0], : model.shape[1]]
