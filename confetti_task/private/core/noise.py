"""
The rms noise of each channel of a cube.

It is the noise of the dirty image, which neither emission nor CLEAN changes. Emission and errors of CLEAN raise the
scatter of a restored image; a CLEAN down into the noise lowers it, and lowers that of the residual more.
"""

import numpy as np

from .statistics import RING_OUTER_BEAMS, height_above_ring, median, ring
from .transforms import columns_of, filtered, padded, transform_about_the_centre
from .uv_coverage import has_its_peak

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; this is its inverse.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826

# Number of rows and columns at whose crossings a large plane is sampled; this gives the rms to 3 %. Few rows, because
# those in between need not be read.
SAMPLED_ROWS, SAMPLED_COLUMNS = 24, 168
# Pixels per beam width that suffice for the background of a sample.
RING_SAMPLES = 1.5
# The plane is divided into this many by this many patches, of which one counts that has this many samples.
PATCHES, LEAST_SAMPLES = 4, 12

# Heights above their rings scatter more than the noise: by 1.08 to 1.12 in pure noise, measured with four arrays and
# Briggs weighting, and 1.03 with natural weighting. The emission that quiet channels have adds some more.
RING_RAISES, RING_RAISES_NOISE = 1.15, 1.08
# Where CLEAN goes into the noise, it moves noise from the residual into components, and restoring them with a smooth
# beam leaves 1 / (1 + 0.6) of their scatter. Cleaned down to one sigma, the image has 0.75 to 0.85 of the noise and the
# residual 0.35 to 0.5; the sum makes 0.93 to 1.08 of it in nine cubes with three weightings.
LOST_BY_RESTORING = 0.6
# The lower quartile of the scatters of the patches of a plane of noise, as a fraction of the scatter of the plane: 0.90
# with 400 samples, 0.96 with 4000.
QUARTILE_OF_PATCHES = 0.92

# In a plane of noise 5 % of the samples are 2.9 times as high as half of them are; with few samples (600), up to 3.4.
# Emission in 3 % of the plane makes it more, and raises the scatter by less than 5 % then. Where it is less than 2, as
# in an image only two beams wide, there is a slope and no noise.
QUIET_TAIL, SLOPE_TAIL = 3.4, 2.0
# CLEAN leaves at least these fractions of the scatter of the noise in the residual where it stopped at one sigma or
# above, as nearly all observers let it, and in channels whose noise is three times that to which the threshold belongs.
# A quiet image of which even less is left is one of components.
LEAST_IN_RESIDUAL = 0.1
LEFT_AT_ONE_SIGMA, LEFT_WHERE_NOISIER = 0.3, 0.15
# If the image has more than this multiple of the noise that the residual allows, emission hides it, and how deep CLEAN
# went cannot be told: in a small field full of emission of 280 sigma it was 1.5 times, and the bound 1.3 times the
# noise.
HIDDEN = 2.0
# Channels of which it is measured how much CLEAN has left of the noise, where none is quiet.
LEFT_CHANNELS = 8
# Width of an image in beams in which a background can be told from noise: a ring is nearly four beams wide.
FEW_BEAMS = 5
# Nothing was cleaned where the restored model is fainter than this fraction of the scatter of the residual, at a sample
# and at all those next to it. Of 28 cubes the three cleaned to three sigma have 25 to 67 % of such samples, whose
# residual scatters by 1.00 to 1.11 of the noise, and in one of faint extended emission, with which CLEAN took some of
# the noise, by 0.86; those cleaned into the noise have none in most channels. The scatter of so many is known to a
# tenth, if every second is independent. The noise is at most this multiple of it.
NOTHING_CLEANED, LEAST_UNCLEANED, ABOVE_UNCLEANED = 0.1, 100, 1.2
# Largest width and height in which what CLEAN has left, and the dirty image, are measured: to 3 % with five pixels per
# beam.
MIDDLE_PIXELS = 256
# Components where the image is this many times as high as the noise belong to sources: their sidelobes are left out of
# the dirty image. Nearly all components of the noise are below.
SOURCE = 10.0
# Channels whose dirty images are made, and how much more noise than image and residual they must have for it to be
# taken instead: the ratio was at most 1.17 (median of three channels) in 25 cubes, and 1.84 in one that had been
# cleaned so deeply that image and residual have 0.54 of the noise. A lower ratio tells nothing: it was 0.82 where these
# were right to a tenth, because components of noise on faint emission are taken for sources. In channels that are not
# quiet emission raised it by up to 1.61 in fifty cubes; in one cleaned to 0.45 sigma it was 2.23.
DIRTY_CHANNELS, DIRTY_HIGHER, DIRTY_HIGHER_IN_EMISSION = 3, 1.25, 1.8
# The dirty image is not compared with one restored with a beam of an area larger than that of the PSF by more than
# this: its noise is another one. The area is counted in pixels: those at half of the peak are 40 for a beam of 7.
SAME_AREA = 1.4
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

# Of each channel, in Jy/beam: scatter of the image above its background, and of the residual; the noise of the faintest
# quarter of its patches; the scatter of the residual where nothing was cleaned. And the height that 5 % of the samples
# exceed, relative to the one that half of them exceed.
SCATTER = np.dtype([(name, "f4") for name in ("image", "residual", "faintest", "uncleaned", "tail")])


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


def scatters_of(heights, image, residual):
    """
    Measure how each of some channels scatters.

    Parameters
    ----------
    heights : 3D float32 `~numpy.ndarray`
        Heights of the image at all crossings of the sampled rows and columns, from `sample_heights`.
    image, residual : 3D float32 `~numpy.ndarray`
        Image and residual at the same places, in Jy/beam.

    Returns
    -------
    scatters : 1D structured `~numpy.ndarray`
        Of type `SCATTER`. NaN for a missing channel: the image or the residual is blank or zero everywhere, as those of
        flagged channels are.
    """
    scatters = np.full(len(heights), np.nan, dtype=SCATTER)
    scatter_of_image = _scatter_of_each(heights.reshape(len(heights), -1))
    present = (scatter_of_image > 0) & (np.nan_to_num(residual) != 0).any(axis=(1, 2))
    if not present.any():
        return scatters
    found = scatters[present]
    heights, restored = heights[present], np.abs(image[present] - residual[present])
    left = np.where(np.isfinite(heights), np.abs(np.nan_to_num(residual[present])), np.float32(np.nan))
    found["image"] = scatter_of_image[present]
    found["residual"] = np.nan_to_num(_scatter_of_each(left.reshape(len(left), -1)))
    patches, left_of_patches = _scatters_of_patches(heights), np.nan_to_num(_scatters_of_patches(left))
    faintest = _quantile_of_each(_of_dirty_image(patches, left_of_patches), 0.25) / QUARTILE_OF_PATCHES
    found["faintest"] = np.where(np.isnan(faintest), _of_dirty_image(found["image"], found["residual"]), faintest)
    found["uncleaned"] = _scatter_where_nothing_was_cleaned(left, restored, found["residual"])
    tail = _quantile_of_each(heights.reshape(len(heights), -1), 0.95)
    found["tail"] = tail * GAUSSIAN_SIGMA_PER_MEDIAN / found["image"]
    scatters[present] = found
    return scatters


def _scatter_where_nothing_was_cleaned(left, restored, scatters):
    """Scatter of the residual of each channel at the samples around which the restored model is empty, else NaN."""
    empty = restored < NOTHING_CLEANED * scatters[:, np.newaxis, np.newaxis]
    around = np.pad(empty, [(0, 0), (1, 1), (1, 1)])
    rows, columns = empty.shape[1:]
    for y, x in np.ndindex(3, 3):
        empty = empty & around[:, y : y + rows, x : x + columns]
    enough = np.count_nonzero(empty, axis=(1, 2)) >= LEAST_UNCLEANED
    magnitudes = np.where(empty & enough[:, np.newaxis, np.newaxis], left, np.float32(np.nan))
    return _scatter_of_each(magnitudes.reshape(len(left), -1))


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
    heights = sample_heights(image, rows, columns, beam)
    return scatters_of(heights, *(cube[:, rows[:, np.newaxis], columns] for cube in (image, residual)))


def scatter_left(residual, beam):
    """
    Measure how much of the noise CLEAN has left in the residual.

    Of extended emission it leaves much, on which noise is as elsewhere: heights above the local background leave that
    out. In twenty careful cleans of a field full of emission, they scatter by 0.5 to 1.4 of the noise, and the residual
    itself by 1.7 to 7.5.

    Parameters
    ----------
    residual : 3D float32 `~numpy.ndarray`
        Residual [channel, y, x] in Jy/beam.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    left : 1D float32 `~numpy.ndarray`
        In Jy/beam; NaN where the residual is blank.
    """
    return plane_scatters(residual, residual, beam)["image"] / np.float32(RING_RAISES_NOISE)


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
    return (scatters["tail"] <= QUIET_TAIL) & (scatters["tail"] >= SLOPE_TAIL) & noisy


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


def channel_noise(scatters, left=()):
    """
    Estimate the rms of every channel from its own scatter, or from that of the quiet channels on either side.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        Scatter of all channels, of type `SCATTER`; NaN for missing channels.
    left : sequence of float
        `scatter_left` of some channels if none is quiet, in the same unit.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel, in the unit of the scatter; NaN for missing channels.
    """
    noise = np.full(len(scatters), np.nan, dtype=np.float32)
    quiet = np.flatnonzero(is_quiet(scatters))
    noise[quiet] = _smoothed(_of_dirty_image(scatters["image"], scatters["residual"])[quiet])
    faintest = _bounded(scatters)
    for channel in np.setdiff1d(np.flatnonzero(np.isfinite(faintest)), quiet):
        before, after = np.split(noise[quiet], [np.searchsorted(quiet, channel)])
        if len(quiet):
            noise[channel] = _from_quiet(channel, before[-NEAREST_QUIET:], after[:NEAREST_QUIET], faintest)
        else:
            noise[channel] = np.fmin(min(faintest[channel], _level(faintest)), _largest_by_residual(scatters, left))
    return noise


def least_noise(scatters, noise, width, left=()):
    """
    What the noise of a cube is at least.

    Where no channel is quiet, and emission that is brighter than the noise fills all of them, the image does not tell
    the noise. If CLEAN has left no place alone, the residual does not tell it either, but bounds it. Images of a few
    beams do not tell it at all.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        As for `channel_noise`.
    noise : 1D float32 `~numpy.ndarray`
        From `channel_noise`: then it is what the noise is at most.
    width : float
        Width or height of the image, whichever is less, in beams.
    left : sequence of float
        As for `channel_noise`.

    Returns
    -------
    least : 1D float32 `~numpy.ndarray`
        Lowest standard deviation that each channel can have; ``noise`` where that is known.
    """
    told = is_quiet(scatters).any() or np.isfinite(scatters["uncleaned"]).any()
    hidden = _level(scatters["faintest"]) > HIDDEN * _largest_by_residual(scatters, left)
    unknown = width < FEW_BEAMS or (hidden and not told)
    return noise * np.float32(LEFT_AT_ONE_SIGMA) if unknown else noise


def middle_box(shape):
    """First row and column of the middle of a plane of this height and width, and those after the last."""
    sizes = [min(length, MIDDLE_PIXELS) for length in shape]
    return [(length // 2 - size // 2, length // 2 - size // 2 + size) for length, size in zip(shape, sizes)]


def dirty_noise(planes, psf, beam, noise):
    """
    Measure the noise of the dirty image of a channel, without the sources in it.

    How much of the noise is lost where its components are restored depends on the array, the weighting, the scales and
    how deep it was cleaned: a clean of HI data down to 0.45 of the noise lost half of it. The dirty image, which is the
    residual and the model convolved with the PSF, has all of it.

    Parameters
    ----------
    planes : dict of 2D float32 `~numpy.ndarray`
        The planes 'model' in Jy/pixel, and 'image' and 'residual' in Jy/beam; NaN where they are blank.
    psf : 2D float32 `~numpy.ndarray`
        PSF of the channel, as large as the planes, with its peak of 1 at the central pixel.
    beam : float
        FWHM of the restoring beam, in pixels.
    noise : float
        Noise of the channel from `channel_noise`, in Jy/beam.

    Returns
    -------
    noise : float
        In Jy/beam. NaN if the image was restored with a beam much larger than the PSF, if that has its peak elsewhere,
        or if the planes are blank.
    """
    area_of_beam = np.pi / 4 * beam**2
    if not has_its_peak(psf) or area_of_beam > SAME_AREA * np.count_nonzero(psf > 0.5):
        return np.nan
    lengths = tuple(padded(length) for length in psf.shape)
    kernel = transform_about_the_centre(psf, lengths, columns_of(lengths, beam))
    of_noise = np.where(np.abs(planes["image"]) < SOURCE * noise, planes["model"], 0)
    dirty = np.nan_to_num(planes["residual"]) + filtered(of_noise, kernel, lengths)
    dirty[np.isnan(planes["image"])] = np.nan
    scatters = plane_scatters(dirty[np.newaxis], planes["residual"][np.newaxis], beam)
    return float(scatters["image"][0] / RING_RAISES_NOISE)


def to_be_compared(scatters):
    """A few channels for `dirty_noise`: quiet ones, spread over all of them, or else those that scatter least."""
    quiet = np.flatnonzero(is_quiet(scatters))
    if len(quiet):
        return _spread(quiet, DIRTY_CHANNELS)
    present = np.flatnonzero(np.isfinite(scatters["image"]))
    return present[np.argsort(scatters["image"][present])][:DIRTY_CHANNELS].tolist()


def some_channels(scatters):
    """Channels for `scatter_left`, spread over all of them."""
    return _spread(np.flatnonzero(np.isfinite(scatters["image"])), LEFT_CHANNELS)


def _spread(channels, number):
    """Some of the channels, at equal steps, as a list."""
    return channels[np.linspace(0, len(channels) - 1, min(len(channels), number)).astype(int)].tolist()


def as_in_dirty_images(noise, ratios, quiet):
    """
    Noise of all channels, raised if the dirty images of some have much more.

    Parameters
    ----------
    noise : 1D float32 `~numpy.ndarray`
        From `channel_noise`.
    ratios : sequence of float
        `dirty_noise` of some channels, divided by their ``noise``.
    quiet : bool
        Whether these channels are quiet.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel.
    """
    ratio = np.nanmedian(ratios) if np.isfinite(ratios).any() else 1.0
    higher = DIRTY_HIGHER if quiet else DIRTY_HIGHER_IN_EMISSION
    return noise * np.float32(ratio) if ratio > higher else noise


def _level(values):
    """Lower quartile of the channels: in a few of them the emission is faint."""
    return np.nanquantile(values, 0.25) if np.isfinite(values).any() else np.nan


def _bounded(scatters):
    """Noise of the faintest parts of each channel, which emission raises, at most what the residual there allows."""
    by_residual = np.fmin(ABOVE_UNCLEANED * scatters["uncleaned"], scatters["residual"] / LEFT_WHERE_NOISIER)
    return np.fmin(scatters["faintest"], by_residual)


def _largest_by_residual(scatters, left):
    """The largest noise that the residual of a cube allows; all of the noise is left where nothing was cleaned."""
    return np.fmin(ABOVE_UNCLEANED * _level(scatters["uncleaned"]), _level(np.array(left)) / LEFT_AT_ONE_SIGMA)


def _of_dirty_image(image, residual):
    """Noise of the dirty image: the scatter of the image, and what CLEAN took out of it."""
    left = np.minimum(RING_RAISES * residual, image)
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
    may be noisy: their minimum, divided by the factor that emission may add, is a lower limit.
    """
    first = faintest[: max(channel + 1, LEAST_NOISY)]
    last = faintest[min(channel, max(len(faintest) - LEAST_NOISY, 0)) :]
    beyond = [some for some, side in ((first, before), (last, after)) if not len(side)]
    limit = max((np.nanmin(some) for some in beyond), default=0) / RAISED
    levels = [np.median(side) for side in (before, after) if len(side)]
    lowest, highest = min(levels), max(levels)
    if faintest[channel] < LEAST_OF_FAINTEST * highest:
        highest = faintest[channel] if faintest[channel] ** 2 >= lowest * highest else lowest
    return max(highest, limit)
