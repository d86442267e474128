"""Noise of each channel of a cube."""

import numpy as np

from .statistics import around, at, median, ring

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; its inverse turns it into that deviation.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Pixels at which the noise of a channel is measured: its own scatter is then 2 % where each is a beam of its own.
SAMPLES = 20000

# Where the noise is the same, the lower quartile of 17 channels is that of a channel without confetti, unless confetti
# fills more than 12 of them. Where the noise steps, as at the edge of a spectral window, all channels to one side of a
# channel are noisy, 9 or at the end of the cube 5 at least; the least of them, less what emission and confetti in all
# of them may add, bounds the noise there.
WINDOW_CHANNELS = 8
LEAST_SIDE_CHANNELS = 5
QUARTILE = 0.25
RAISED = 1.5


def plane_noise(image, beam):
    """
    Measure the scatter of every channel against its local background.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Restored image [channel, y, x] in Jy/beam; NaN where it is blank.
    beam : float
        Width of the restoring beam at half maximum, in pixels.

    Returns
    -------
    scatter : 1D float32 `~numpy.ndarray`
        Median magnitude of the pixels above the median of their `~confetti_task.private.statistics.ring`, as the
        standard deviation of a Gaussian, in Jy/beam. NaN for a missing channel, which is blank or zero everywhere as
        flagged channels are.
    """
    return np.array([_noise_of_plane(plane[np.newaxis], beam) for plane in image], dtype=np.float32)


def _noise_of_plane(plane, beam):
    pixels = _samples(plane.shape, beam)
    values = at(plane, pixels)
    pixels = pixels[np.isfinite(values) & (values != 0)]  # 0 is what is left of an image that lost its T/F mask
    if not len(pixels):
        return np.nan
    height = np.abs(at(plane, pixels) - around(plane, pixels, ring(beam), median))
    return GAUSSIAN_SIGMA_PER_MEDIAN * np.nanmedian(height) or np.nan


def _samples(shape, beam):
    """Pixels on a grid of half a beam, or a wider one in a large image."""
    _, height, width = shape
    step = max(1, int(beam / 2), int(np.ceil(np.sqrt(height * width / SAMPLES))))
    y, x = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    return np.column_stack([np.zeros(y.size, dtype=int), y.ravel(), x.ravel()])


def channel_noise(scatter):
    """
    Tell the noise of every channel from its own scatter and that of the channels around it.

    The scatter of a single channel is raised by what is in it: to 1.8 to 2.4 times the noise where it holds confetti,
    which would hide it. (Measured on cubes of the real tclean; of the other estimators the negative pixels have 1.1 to
    1.3 there in single fields, but up to 100 in mosaics, whose bright emission stands in bowls, and the residual has
    0.3 to 1.1, by how deep it was cleaned.)

    Parameters
    ----------
    scatter : 1D float32 `~numpy.ndarray`
        Scatter of all channels from `plane_noise`; NaN for missing channels.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel in the unit of the scatter; NaN for missing channels.
    """
    noise = np.full_like(scatter, np.nan)
    for channel in np.flatnonzero(np.isfinite(scatter)):
        window = np.arange(max(channel - WINDOW_CHANNELS, 0), min(channel + WINDOW_CHANNELS + 1, len(scatter)))
        window = window[np.isfinite(scatter[window])]
        before = window[: max(np.count_nonzero(window <= channel), LEAST_SIDE_CHANNELS)]
        after = window[-max(np.count_nonzero(window >= channel), LEAST_SIDE_CHANNELS) :]
        bound = max(scatter[before].min(), scatter[after].min()) / RAISED
        noise[channel] = max(np.quantile(scatter[window], QUARTILE), bound)
    return noise
