"""
The scatter of image and residual in each channel, measured at sampled pixels.

Emission and errors of CLEAN raise the scatter of a restored image; a CLEAN down into the noise lowers it, and lowers
that of the residual more. `core.noise` works out what the noise is.
"""

import numpy as np

from .surroundings import RING_OUTER_BEAMS, height_above_ring, median, ring

# The median of |x| of a Gaussian of unit standard deviation is 0.6745; this is its inverse.
GAUSSIAN_SIGMA_PER_MEDIAN = 1.4826
# Number of rows and columns at whose crossings a large plane is sampled, which gives the rms to 3 %. There are few
# rows, because those in between need not be read.
SAMPLED_ROWS, SAMPLED_COLUMNS = 24, 168
# Pixels per beam width in the ring around a sample, whose median only has to be known to a fraction of the noise.
RING_SAMPLES = 1.5
# A plane is divided into this many by this many patches; one counts if it has at least this many samples, with which
# its scatter is known to a third.
PATCHES, LEAST_SAMPLES = 4, 12
# Largest width and height, in pixels, of the middle of a plane: there what CLEAN has left, and the dirty image, are
# measured, to 3 % with five pixels per beam.
MIDDLE_PIXELS = 256
# Heights above their rings scatter more than the noise, by this factor in pure noise; the first is for channels with
# the little emission that quiet ones have.
RING_RAISES, RING_RAISES_NOISE = 1.15, 1.08
# Where CLEAN goes into the noise, it moves noise from the residual into components, and restoring them with a smooth
# beam leaves 1 / (1 + 0.6) of their scatter.
LOST_BY_RESTORING = 0.6
# In a plane of noise, the lower quartile of the scatters of the patches as a fraction of the scatter of the plane: 0.90
# with 400 samples, 0.96 with 4000.
QUARTILE_OF_PATCHES = 0.92
# Nothing was cleaned where the restored model is fainter than this fraction of the scatter of the residual, at a sample
# and at all those next to it. There the residual is the noise, less what CLEAN may have taken with faint extended
# emission.
EMPTY_MODEL = 0.1
# Such samples in a channel, at least: then their scatter is known to a tenth, if every second is independent.
LEAST_UNCLEANED = 100
# The scatter of a channel, in Jy/beam: that of the image above its background, and of the residual; the noise in the
# faintest quarter of its patches; the scatter of the residual where nothing was cleaned. Last, the height that 5 % of
# the samples exceed, relative to the one that half of them exceed.
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


def middle_box(shape):
    """First row and column of the middle of a plane of this height and width, and those after the last."""
    sizes = [min(length, MIDDLE_PIXELS) for length in shape]
    return [(length // 2 - size // 2, length // 2 - size // 2 + size) for length, size in zip(shape, sizes)]


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
        [channel, row, column]: magnitude above the median of the `core.surroundings.ring`; NaN where the image is
        blank.
    """
    values = image[:, rows[:, np.newaxis], columns]
    valid = np.isfinite(values) & (values != 0)  # 0 where an image that lost its T/F mask was blank
    channel, row, column = np.nonzero(valid)
    pixels = np.column_stack([channel, rows[row], columns[column]])
    heights = np.full(values.shape, np.nan, dtype=np.float32)
    heights[valid] = np.abs(height_above_ring(image, pixels, ring(beam, RING_SAMPLES)))
    return heights


def plane_scatters(image, residual, beam):
    """`scatters_of` channels whose whole planes are at hand, [channel, y, x]."""
    rows, columns = (
        sampled(length, number, beam) for length, number in zip(image.shape[1:], (SAMPLED_ROWS, SAMPLED_COLUMNS))
    )
    heights = sample_heights(image, rows, columns, beam)
    return scatters_of(heights, *(cube[:, rows[:, np.newaxis], columns] for cube in (image, residual)))


def scatters_of(heights, image, residual):
    """
    Measure the scatter of some channels.

    Parameters
    ----------
    heights : 3D float32 `~numpy.ndarray`
        Heights of the image at all crossings of the sampled rows and columns, from `sample_heights`.
    image, residual : 3D float32 `~numpy.ndarray`
        Image and residual at the same places, in Jy/beam.

    Returns
    -------
    scatters : 1D structured `~numpy.ndarray`
        One row of `SCATTER` for each. NaN for a missing channel: the image or the residual is blank or zero everywhere,
        as in flagged channels.
    """
    scatters = np.full(len(heights), np.nan, dtype=SCATTER)
    scatter_of_image = _scatter_of_each(heights.reshape(len(heights), -1))
    present = (scatter_of_image > 0) & (np.nan_to_num(residual) != 0).any(axis=(1, 2))
    if not present.any():
        return scatters
    found = scatters[present]
    # Magnitudes at the samples: of the restored model, and of the residual where the image has a height.
    heights, restored = heights[present], np.abs(image[present] - residual[present])
    left = np.where(np.isfinite(heights), np.abs(np.nan_to_num(residual[present])), np.float32(np.nan))
    found["image"] = scatter_of_image[present]
    found["residual"] = np.nan_to_num(_scatter_of_each(left.reshape(len(left), -1)))
    # Emission is faint in some patches: the lower quartile of their noise, raised to that of the plane.
    patches, left_of_patches = _scatters_of_patches(heights), np.nan_to_num(_scatters_of_patches(left))
    faintest = _quantile_of_each(noise_of_dirty_image(patches, left_of_patches), 0.25) / QUARTILE_OF_PATCHES
    found["faintest"] = np.where(np.isnan(faintest), noise_of_dirty_image(found["image"], found["residual"]), faintest)
    found["uncleaned"] = _scatter_where_nothing_was_cleaned(left, restored, found["residual"])
    tail = _quantile_of_each(heights.reshape(len(heights), -1), 0.95)
    found["tail"] = tail * GAUSSIAN_SIGMA_PER_MEDIAN / found["image"]
    scatters[present] = found
    return scatters


def _scatter_where_nothing_was_cleaned(left, restored, scatters):
    """Scatter of the residual in each channel where the restored model is empty all around; NaN at too few samples."""
    empty = restored < EMPTY_MODEL * scatters[:, np.newaxis, np.newaxis]
    # Empty at the sample and at the eight around it.
    around = np.pad(empty, [(0, 0), (1, 1), (1, 1)])
    rows, columns = empty.shape[1:]
    for y, x in np.ndindex(3, 3):
        empty = empty & around[:, y : y + rows, x : x + columns]
    enough = np.count_nonzero(empty, axis=(1, 2)) >= LEAST_UNCLEANED
    magnitudes = np.where(empty & enough[:, np.newaxis, np.newaxis], left, np.float32(np.nan))
    return _scatter_of_each(magnitudes.reshape(len(left), -1))


def _scatters_of_patches(heights):
    """`scatter` of each patch, [channel, patch]; NaN where there are too few samples."""
    bands = np.array_split(heights, PATCHES, axis=1)
    patches = [patch.reshape(len(patch), -1) for band in bands for patch in np.array_split(band, PATCHES, axis=2)]
    # Patches differ by a row or column: shorter ones are filled up with NaN, so that all are reduced at once.
    longest = max(patch.shape[1] for patch in patches)
    samples = np.full((len(heights), len(patches), longest), np.nan, dtype=np.float32)
    for number, patch in enumerate(patches):
        samples[:, number, : patch.shape[1]] = patch
    scatters = _scatter_of_each(samples.reshape(-1, longest)).reshape(samples.shape[:2])
    enough = np.count_nonzero(np.isfinite(samples), axis=2) >= LEAST_SAMPLES
    return np.where(enough, scatters, np.nan)


def noise_of_dirty_image(image, residual):
    """Noise of the dirty image, from the scatters of image and residual: what CLEAN took from the noise is added."""
    left = np.minimum(RING_RAISES * residual, image)
    return (image + LOST_BY_RESTORING * (image - left)) / RING_RAISES


def scatter(magnitudes):
    """
    Gaussian standard deviation that corresponds to the median of magnitudes; NaN if there are none, or if it is 0.
    """
    return _scatter_of_each(magnitudes[np.newaxis])[0] if len(magnitudes) else np.nan


def _scatter_of_each(magnitudes):
    """`scatter` of each row, ignoring NaN."""
    scatters = GAUSSIAN_SIGMA_PER_MEDIAN * median(magnitudes)
    return np.where(scatters == 0, np.nan, scatters)


def _quantile_of_each(values, fraction):
    """Quantile of each row, ignoring NaN; NaN where a row has nothing else."""
    quantiles = np.full(len(values), np.nan, dtype=values.dtype)
    known = np.isfinite(values).any(axis=1)
    if known.any():
        quantiles[known] = np.nanquantile(values[known], fraction, axis=1)
    return quantiles


def scatter_left(residual, beam):
    """
    Measure how much of the noise CLEAN has left in the residual.

    CLEAN leaves much of extended emission, but the noise on it is the same as elsewhere. Heights above the local
    background, which are measured here, leave that emission out.

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
