"""Noise of each channel of a cube."""

import numpy as np

from .statistics import RING_OUTER_BEAMS, height_above_ring, ring, values_at

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; its inverse turns it into that deviation.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Rows and columns at whose crossings the noise of a channel is measured, of large planes: its own scatter is then 3 %.
# Few rows, because those in between need not be read.
SAMPLED_ROWS, SAMPLED_COLUMNS = 24, 168
# The background of a sample needs no more than this many pixels along a beam.
RING_SAMPLES = 1.5

# Where the noise is the same, the lower quartile of 17 channels is that of a channel without confetti, unless confetti
# fills more than 12 of them. Where the noise steps, as at the edge of a spectral window, all channels to one side of a
# channel are noisy, 9 or at the end of the cube 5 at least; the least of them, less what emission and confetti in all
# of them may add, bounds the noise there.
WINDOW_CHANNELS = 8
LEAST_SIDE_CHANNELS = 5
QUARTILE = 0.25
RAISED = 1.5


def sampled(length, number, beam):
    """
    Tell which rows (columns) of a plane are sampled for the noise.

    Parameters
    ----------
    length, number : int
        How many rows there are, and about how many to sample.
    beam : float
        Width of the restoring beam at half maximum, in pixels.

    Returns
    -------
    lines : 1D int `~numpy.ndarray`
        At least half a beam apart.
    """
    step = max(1, int(beam / 2), -(-length // number))
    return np.arange(step // 2, length, step)


def reach_of_samples(beam):
    """How many pixels around it a sample needs."""
    return int(np.ceil(RING_OUTER_BEAMS * beam))


def sample_heights(image, rows, columns, beam):
    """
    Measure how far an image is from its local background.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Restored image [channel, y, x] in Jy/beam; NaN where it is blank.
    rows, columns : 1D int `~numpy.ndarray`
        Where to sample it: at all crossings.
    beam : float
        Width of the restoring beam at half maximum, in pixels.

    Returns
    -------
    heights : list of 1D float32 `~numpy.ndarray`
        Of each channel: magnitude of the pixels above the median of their `core.statistics.ring`, of
        those that are not blank.
    """
    y, x = (places.ravel() for places in np.meshgrid(rows, columns, indexing="ij"))
    return [_heights_of(image, np.column_stack([np.full_like(y, number), y, x]), beam) for number in range(len(image))]


def _heights_of(image, pixels, beam):
    values = values_at(image, pixels)
    pixels = pixels[np.isfinite(values) & (values != 0)]  # 0 is what is left of an image that lost its T/F mask
    heights = np.abs(height_above_ring(image, pixels, ring(beam, RING_SAMPLES)))
    return heights[np.isfinite(heights)]


def scatter(heights):
    """
    Scatter of a channel against its local background.

    Parameters
    ----------
    heights : 1D float32 `~numpy.ndarray`
        All its heights from `sample_heights`.

    Returns
    -------
    scatter : float
        Their median, as the standard deviation of a Gaussian, in Jy/beam. NaN for a missing channel, which is blank or
        zero everywhere as flagged channels are.
    """
    return (GAUSSIAN_SIGMA_PER_MEDIAN * np.median(heights) or np.nan) if len(heights) else np.nan


def plane_noise(image, beam):
    """`scatter` of every channel of a whole image [channel, y, x], as a 1D float32 `~numpy.ndarray`."""
    height, width = image.shape[1:]
    heights = sample_heights(image, sampled(height, SAMPLED_ROWS, beam), sampled(width, SAMPLED_COLUMNS, beam), beam)
    return np.array([scatter(values) for values in heights], dtype=np.float32)


def channel_noise(scatters):
    """
    Tell the noise of every channel from its own scatter and that of the channels around it.

    The scatter of a single channel is raised by what is in it: to 1.8 to 2.4 times the noise where it holds confetti,
    which would hide it. (Measured on cubes of the real tclean; of the other estimators the negative pixels have 1.1 to
    1.3 there in single fields, but up to 100 in mosaics, whose bright emission stands in bowls, and the residual has
    0.3 to 1.1, by how deep it was cleaned.)

    Parameters
    ----------
    scatters : 1D float32 `~numpy.ndarray`
        Scatter of all channels from `scatter`; NaN for missing channels.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel in the unit of the scatter; NaN for missing channels.
    """
    noise = np.full_like(scatters, np.nan)
    for channel in np.flatnonzero(np.isfinite(scatters)):
        window = np.arange(max(channel - WINDOW_CHANNELS, 0), min(channel + WINDOW_CHANNELS + 1, len(scatters)))
        window = window[np.isfinite(scatters[window])]
        before = window[: max(np.count_nonzero(window <= channel), LEAST_SIDE_CHANNELS)]
        after = window[-max(np.count_nonzero(window >= channel), LEAST_SIDE_CHANNELS) :]
        bound = max(scatters[before].min(), scatters[after].min()) / RAISED
        noise[channel] = max(np.quantile(scatters[window], QUARTILE), bound)
    return noise
