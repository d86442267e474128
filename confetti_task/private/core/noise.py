"""The rms noise of each channel of a cube."""

import numpy as np

from .statistics import RING_OUTER_BEAMS, height_above_ring, ring, values_at

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; this is its inverse.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Number of rows and columns at whose crossings a large plane is sampled; this gives the rms to 3 %. Few rows, because
# those in between need not be read.
SAMPLED_ROWS, SAMPLED_COLUMNS = 24, 168
# Pixels per beam width that suffice for the background of a sample.
RING_SAMPLES = 1.5

# Where the rms is constant, the lower quartile of 17 channels is that of a channel without confetti, unless confetti
# fills more than 12 of them. Where the rms steps, as at the edge of a spectral window, all channels on one side of a
# channel are noisy: 9 of them, or at least 5 at the end of the cube. Their minimum, divided by the factor that emission
# and confetti in all of them may add, is a lower limit on the rms there.
WINDOW_CHANNELS = 8
LEAST_SIDE_CHANNELS = 5
QUARTILE = 0.25
RAISED = 1.5


def sampled(length, number, beam):
    """
    Select the rows (columns) of a plane at which the rms is sampled.

    Parameters
    ----------
    length, number : int
        Number of rows, and approximately how many of them to sample.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    lines : 1D int `~numpy.ndarray`
        Row numbers, at least half a beam apart.
    """
    step = max(1, int(beam / 2), -(-length // number))
    return np.arange(step // 2, length, step)


def reach_of_samples(beam):
    """Number of pixels on each side that the background of a sample needs."""
    return int(np.ceil(RING_OUTER_BEAMS * beam))


def sample_heights(image, rows, columns, beam):
    """
    Measure the height of an image above its local background at sampled pixels.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Restored image [channel, y, x] in Jy/beam; NaN where it is blank.
    rows, columns : 1D int `~numpy.ndarray`
        Sampled rows and columns: all their crossings are used.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    heights : list of 1D float32 `~numpy.ndarray`
        For each channel: magnitude of the valid pixels above the median of their `core.statistics.ring`.
    """
    y, x = (places.ravel() for places in np.meshgrid(rows, columns, indexing="ij"))
    return [_heights_of(image, np.column_stack([np.full_like(y, number), y, x]), beam) for number in range(len(image))]


def _heights_of(image, pixels, beam):
    values = values_at(image, pixels)
    pixels = pixels[np.isfinite(values) & (values != 0)]  # 0 where an image that lost its T/F mask was blank
    heights = np.abs(height_above_ring(image, pixels, ring(beam, RING_SAMPLES)))
    return heights[np.isfinite(heights)]


def scatter(heights):
    """
    Scatter of a channel about its local background.

    Parameters
    ----------
    heights : 1D float32 `~numpy.ndarray`
        All heights of the channel, from `sample_heights`.

    Returns
    -------
    scatter : float
        Gaussian standard deviation that corresponds to their median, in Jy/beam. NaN for a missing channel: blank or
        zero everywhere, as flagged channels are.
    """
    return (GAUSSIAN_SIGMA_PER_MEDIAN * np.median(heights) or np.nan) if len(heights) else np.nan


def plane_noise(image, beam):
    """`scatter` of every channel of a whole image [channel, y, x], as a 1D float32 `~numpy.ndarray`."""
    height, width = image.shape[1:]
    heights = sample_heights(image, sampled(height, SAMPLED_ROWS, beam), sampled(width, SAMPLED_COLUMNS, beam), beam)
    return np.array([scatter(values) for values in heights], dtype=np.float32)


def channel_noise(scatters):
    """
    Estimate the rms of every channel from its own scatter and that of the channels around it.

    The scatter of a channel alone is raised by what is in it: confetti raises it to 1.8 to 2.4 times the rms, and would
    hide itself. (Measured on cubes made with the real tclean. Of the other estimators, the negative pixels give 1.1 to
    1.3 times the rms there in single fields, but up to 100 in mosaics, whose bright emission sits in negative bowls;
    the residual gives 0.3 to 1.1, depending on how deeply it was cleaned.)

    Parameters
    ----------
    scatters : 1D float32 `~numpy.ndarray`
        Scatter of all channels from `scatter`; NaN for missing channels.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel, in the unit of the scatter; NaN for missing channels.
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
