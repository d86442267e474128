"""
The rms noise of each channel of a cube.

It is the noise of the dirty image, which neither emission nor CLEAN changes. Emission and errors of CLEAN raise the
scatter of a restored image; a CLEAN down into the noise lowers it, and lowers that of the residual more.
"""

import numpy as np

from .statistics import RING_OUTER_BEAMS, height_above_ring, median, ring

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; this is its inverse.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Number of rows and columns at whose crossings a large plane is sampled; this gives the rms to 3 %. Few rows, because
# those in between need not be read.
SAMPLED_ROWS, SAMPLED_COLUMNS = 24, 168
# Pixels per beam width that suffice for the background of a sample.
RING_SAMPLES = 1.5
# The plane is divided into this many by this many patches, of which one counts that has this many samples.
PATCHES, LEAST_SAMPLES = 4, 12

# The heights of pure noise above their rings scatter by 1.08 to 1.12 times as much as the noise, measured with four
# arrays and Briggs weighting, and by 1.03 with natural weighting. The emission that quiet channels have adds some more.
RING_RAISES = 1.15
# Where CLEAN goes into the noise, it moves noise from the residual into components, and restoring them with a smooth
# beam leaves 1 / (1 + 0.6) of their scatter. Cleaned down to one sigma, the image has 0.75 to 0.85 of the noise and the
# residual 0.35 to 0.5; the sum makes 0.93 to 1.08 of it in nine cubes with three weightings.
LOST_BY_RESTORING = 0.6
# The lower quartile of the scatters of the patches of a plane of noise, as a fraction of the scatter of the plane: 0.90
# with 400 samples, 0.96 with 4000.
QUARTILE_OF_PATCHES = 0.92

# In a plane of noise 5 % of the samples are 2.9 times as high as half of them are; with few samples (600), up to 3.4.
# Emission in 3 % of the plane makes it more, and raises the scatter by less than 5 % then.
QUIET_TAIL = 3.4
# CLEAN leaves at least this fraction of the scatter of the noise in the residual (0.3 and more were measured, 0.15
# where the noise is three times that to which the threshold belongs). A quiet image of less is one of components.
LEAST_IN_RESIDUAL = 0.1
# A channel can be so full of errors of CLEAN that they look like noise (2.1 and 60 times the noise were seen). A quiet
# channel of more than 1.5 times the noise of most of the five quiet ones about it is such a channel; three together are
# noisy. Otherwise a difference of more than a fifth is real: the noise of a plane of 250 beams is known to 5 %.
RAISED = 1.5
SAME_NOISE = 0.2
QUIET_AROUND = 2
# Channels full of emission at either end of the cube that may be noisy ones: fewer are compared with those beside them.
LEAST_NOISY = 5
# Quiet channels on either side from which the noise of the others is taken: their median is known to 3 %.
NEAREST_QUIET = 8
# The faintest parts of a channel have at least this fraction of its noise.
LEAST_OF_FAINTEST = 0.8

# Of each channel: scatter of the image above its background, in the whole plane and in its faintest quarter, that of
# the residual, in Jy/beam; and the height that 5 % of the samples exceed, relative to the one that half of them exceed.
SCATTER = np.dtype([("image", "f4"), ("faintest", "f4"), ("residual", "f4"), ("tail", "f4")])


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
    heights : 3D float32 `~numpy.ndarray`
        [channel, row, column]: magnitude above the median of the `core.statistics.ring`. NaN where the image is blank.
    """
    values = image[:, rows[:, np.newaxis], columns]
    valid = np.isfinite(values) & (values != 0)  # 0 where an image that lost its T/F mask was blank
    channel, row, column = np.nonzero(valid)
    pixels = np.column_stack([channel, rows[row], columns[column]])
    heights = np.full(values.shape, np.nan, dtype=np.float32)
    heights[valid] = np.abs(height_above_ring(image, pixels, ring(beam, RING_SAMPLES)))
    return heights


def scatters_of(heights, residual):
    """
    Measure how each of some channels scatters.

    Parameters
    ----------
    heights : 3D float32 `~numpy.ndarray`
        Heights of the image at all crossings of the sampled rows and columns, from `sample_heights`.
    residual : 3D float32 `~numpy.ndarray`
        Residual at the same places, in Jy/beam.

    Returns
    -------
    scatters : 1D structured `~numpy.ndarray`
        Of type `SCATTER`. NaN for a missing channel: the image or the residual is blank or zero everywhere, as those of
        flagged channels are.
    """
    scatters = np.full(len(heights), np.nan, dtype=SCATTER)
    image = _scatter_of_each(heights.reshape(len(heights), -1))
    present = (image > 0) & (np.nan_to_num(residual) != 0).any(axis=(1, 2))
    if not present.any():
        return scatters
    image, heights, residual = image[present], heights[present], residual[present]
    faintest = _quantile_of_each(_scatters_of_patches(heights), 0.25)
    left = np.where(np.isfinite(heights), np.abs(np.nan_to_num(residual)), np.float32(np.nan))
    tail = _quantile_of_each(heights.reshape(len(heights), -1), 0.95)
    scatters["image"][present] = image
    scatters["faintest"][present] = np.where(np.isnan(faintest), image * QUARTILE_OF_PATCHES, faintest)
    scatters["residual"][present] = np.nan_to_num(_scatter_of_each(left.reshape(len(left), -1)))
    scatters["tail"][present] = tail * GAUSSIAN_SIGMA_PER_MEDIAN / image
    return scatters


def scatter(magnitudes):
    """
    Gaussian standard deviation that corresponds to the median of some magnitudes; NaN if there are none, or if it is 0.
    """
    return _scatter_of_each(magnitudes[np.newaxis])[0] if len(magnitudes) else np.nan


def _scatter_of_each(magnitudes):
    """`scatter` of each row, ignoring NaN."""
    scatters = GAUSSIAN_SIGMA_PER_MEDIAN * median(magnitudes)
    return np.where(scatters == 0, np.nan, scatters)


def _quantile_of_each(values, fraction):
    """Quantile of each row, ignoring NaN; NaN where there is nothing else."""
    quantiles = np.full(len(values), np.nan, dtype=values.dtype)
    known = np.isfinite(values).any(axis=1)
    if known.any():
        quantiles[known] = np.nanquantile(values[known], fraction, axis=1)
    return quantiles


def _scatters_of_patches(heights):
    """`scatter` of each patch that counts, NaN for the others, [channel, patch]."""
    bands = np.array_split(heights, PATCHES, axis=1)
    patches = [patch.reshape(len(patch), -1) for band in bands for patch in np.array_split(band, PATCHES, axis=2)]
    longest = max(patch.shape[1] for patch in patches)
    samples = np.full((len(heights), len(patches), longest), np.nan, dtype=np.float32)
    for number, patch in enumerate(patches):
        samples[:, number, : patch.shape[1]] = patch
    scatters = _scatter_of_each(samples.reshape(-1, longest)).reshape(samples.shape[:2])
    enough = np.count_nonzero(np.isfinite(samples), axis=2) >= LEAST_SAMPLES
    return np.where(enough, scatters, np.nan)


def plane_scatters(image, residual, beam):
    """`scatters_of` whole cubes [channel, y, x]."""
    rows, columns = (
        sampled(length, number, beam) for length, number in zip(image.shape[1:], (SAMPLED_ROWS, SAMPLED_COLUMNS))
    )
    return scatters_of(sample_heights(image, rows, columns, beam), residual[:, rows[:, np.newaxis], columns])


def is_quiet(scatters):
    """
    Select the channels that look like noise.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        Of type `SCATTER`, for all channels; NaN for missing ones.

    Returns
    -------
    quiet : 1D bool `~numpy.ndarray`
        True where there is no emission worth mentioning, and no more of components than noise.
    """
    noisy = scatters["residual"] >= LEAST_IN_RESIDUAL * scatters["image"]
    return (scatters["tail"] <= QUIET_TAIL) & noisy


def settled(quiet, channels, reach):
    """
    Whether the noise of some channels is known when no channel further away than ``reach`` has been measured.

    Parameters
    ----------
    quiet : 1D bool `~numpy.ndarray`
        From `is_quiet`.
    channels : sequence of int
        The channels.
    reach : int
        Number of channels on either side that have been measured.
    """
    needed = NEAREST_QUIET + 2 * QUIET_AROUND
    return all(
        (channel - reach <= 0 or np.count_nonzero(quiet[channel - reach : channel]) >= needed)
        and (channel + reach + 1 >= len(quiet) or np.count_nonzero(quiet[channel + 1 : channel + reach + 1]) >= needed)
        for channel in channels
    )


def channel_noise(scatters):
    """
    Estimate the rms of every channel from its own scatter, or from that of the quiet channels on either side.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        Scatter of all channels, of type `SCATTER`; NaN for missing channels.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel, in the unit of the scatter; NaN for missing channels.
    """
    noise = np.full(len(scatters), np.nan, dtype=np.float32)
    quiet = np.flatnonzero(is_quiet(scatters))
    noise[quiet] = _smoothed(_of_dirty_image(scatters["image"], scatters)[quiet])
    faintest = _of_dirty_image(scatters["faintest"] / QUARTILE_OF_PATCHES, scatters)
    for channel in np.setdiff1d(np.flatnonzero(np.isfinite(faintest)), quiet):
        before, after = np.split(noise[quiet], [np.searchsorted(quiet, channel)])
        noise[channel] = _from_quiet(channel, before[-NEAREST_QUIET:], after[:NEAREST_QUIET], faintest)
    return noise


def _of_dirty_image(image, scatters):
    """Noise of the dirty image: the scatter of the image, and what CLEAN took out of it."""
    left = np.minimum(RING_RAISES * scatters["residual"], image)
    return (image + LOST_BY_RESTORING * (image - left)) / RING_RAISES


def _smoothed(noise):
    """Noise of quiet channels: the median of five, unless the channel is noisier or less noisy beyond doubt."""
    last = max(len(noise) - 2 * QUIET_AROUND - 1, 0)
    starts = np.clip(np.arange(len(noise)) - QUIET_AROUND, 0, last)
    around = np.array([np.median(noise[start : start + 2 * QUIET_AROUND + 1]) for start in starts])
    differs = np.abs(noise - around) > SAME_NOISE * around
    return np.where(differs & (noise <= RAISED * around), noise, around)


def _from_quiet(channel, before, after, faintest):
    """
    Noise of a channel that is not quiet itself.

    The noise may step between the quiet channels on either side, as at the edge of a spectral window: it is the higher
    one if the faintest parts of the channel are as noisy as that, and their own if they are nearer to it than to the
    lower one, as where tclean interpolates across the step. Without quiet channels on a side all channels there
    may be noisy: their minimum, divided by the factor that emission may add, is a lower limit. Without any, the
    faintest parts are all there is.
    """
    first = faintest[: max(channel + 1, LEAST_NOISY)]
    last = faintest[min(channel, max(len(faintest) - LEAST_NOISY, 0)) :]
    beyond = [some for some, side in ((first, before), (last, after)) if not len(side)]
    limit = max((np.nanmin(some) for some in beyond), default=0) / RAISED
    levels = [np.median(side) for side in (before, after) if len(side)]
    levels = levels or [min(faintest[channel], np.nanquantile(faintest, 0.25))]
    lowest, highest = min(levels), max(levels)
    if faintest[channel] < LEAST_OF_FAINTEST * highest:
        highest = faintest[channel] if faintest[channel] ** 2 >= lowest * highest else lowest
    return max(highest, limit)
