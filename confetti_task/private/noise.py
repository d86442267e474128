"""Noise of each channel of a cube."""

import numpy as np

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; its inverse turns it into that deviation.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Half of a field of noise is negative, a tenth of one full of emission. With fewer than this part of the pixels they
# are bowls and not noise: the continuum was not subtracted, say.
LEAST_NEGATIVE = 0.01


def channel_noise(image):
    """
    Measure the noise of every channel from its negative pixels.

    Emission is positive, so the negative half of the image holds the noise alone. Against real tclean output this
    gave the fewest false alarms: the median deviation of the residual is biased low by cleaning, that of the whole
    image is biased high by emission.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Restored image [channel, y, x] in Jy/beam; NaN where it is blank.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel in Jy/beam. NaN for a missing channel, which is blank or zero everywhere as
        flagged channels are, and where too few pixels are negative to tell.
    """
    return np.array([_noise_from_negatives(plane) for plane in image], dtype=np.float32)


def _noise_from_negatives(plane):
    negative = plane[plane < 0]
    if negative.size <= LEAST_NEGATIVE * np.count_nonzero(np.isfinite(plane)):
        return np.nan
    return GAUSSIAN_SIGMA_PER_MEDIAN * -np.median(negative)
