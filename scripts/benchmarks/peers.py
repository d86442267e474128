"""Hot-pixel statistics of CASA cubes as people write them, with spectral-cube and dask.

Each function takes the root name of the images of one run (``root + '.model'`` and so on), streams through the
cubes block by block, and returns the number of flagged voxels.  Channels beyond the cube count as zero contrast, and
pixels beyond the edge of a channel mirror those inside (as in scipy.ndimage, mode 'reflect').
"""

import warnings

import dask.array
import numpy as np
from astropy.stats import mad_std
from scipy import ndimage
from spectral_cube import SpectralCube

ANNULUS = np.pad(np.zeros((3, 3), dtype=bool), 2, constant_values=True)
"""The 40 pixels of 7 x 7 without the inner 3 x 3."""

READ_VOXELS = 2**22
"""Maximum number of voxels that spectral-cube reads at once."""

BLOCK_BYTES = 2**24
"""Size of the blocks of whole channels, in bytes."""

COUNT = np.empty((0, 0, 0), dtype=int)
"""Type to which dask reduces a block."""


def read_cube(path):
    """Open a CASA image as a lazy cube.

    Parameters
    ----------
    path : str
        Name of the image.

    Returns
    -------
    spectral_cube.DaskSpectralCube
        The cube (Stokes I).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model has no beam
        return SpectralCube.read(path, format="casa_image", use_dask=True, target_chunksize=READ_VOXELS)


def whole_channels(cube):
    """Chunk a cube into blocks of whole channels.

    Parameters
    ----------
    cube : spectral_cube.DaskSpectralCube
        A cube.

    Returns
    -------
    dask.array.Array
        Its values, NaN where masked.
    """
    values = cube._data if cube.mask is None else dask.array.where(cube.mask.include(), cube._data, np.nan)
    return values.rechunk(("auto", -1, -1), block_size_limit=BLOCK_BYTES)


def count_flagged(counts, workers):
    """Add up the counts of all blocks.

    Parameters
    ----------
    counts : dask.array.Array
        Number of flagged voxels of each block.
    workers : int
        Number of threads.

    Returns
    -------
    int
        Number of flagged voxels.
    """
    scheduler = {"scheduler": "threads", "num_workers": workers} if workers > 1 else {"scheduler": "synchronous"}
    return int(counts.sum().compute(**scheduler))


def median_of_all(values, axis=None, overwrite_input=False):
    """Take the median of all values; numpy.median with its several pivots takes nine times as long.

    Parameters
    ----------
    values : numpy.ndarray
        Values without NaN.
    axis : None
        Not used, for astropy.
    overwrite_input : bool
        Not used, for astropy.

    Returns
    -------
    float
        The median; NaN if there are no values.
    """
    if values.size == 0:
        return np.nan
    middle = values.size // 2
    ordered = np.partition(values, middle, axis=None)
    return ordered[middle] if values.size % 2 else (ordered[:middle].max() + ordered[middle]) / 2


def channel_noise(block):
    """Estimate the noise of each channel.

    Parameters
    ----------
    block : numpy.ndarray
        Channels, rows and columns.

    Returns
    -------
    numpy.ndarray
        The noise, with one row and one column.
    """
    noise = [mad_std(channel[~np.isnan(channel)], func=median_of_all) for channel in block]
    return np.array(noise, dtype=block.dtype).reshape(-1, 1, 1)


def mean_contrast(block):
    """Subtract from each pixel the mean of the 7 x 7 pixels around it.

    Parameters
    ----------
    block : numpy.ndarray
        Channels, rows and columns.

    Returns
    -------
    numpy.ndarray
        The contrasts.
    """
    contrast = np.empty_like(block)
    for index, channel in enumerate(block):
        padded = np.pad(channel, 3, mode="symmetric")
        pairs = padded[:-1] + padded[1:]
        rows = pairs[:-5] + pairs[2:-3]
        rows += pairs[4:-1]
        rows += padded[6:]
        pairs = rows[:, :-1] + rows[:, 1:]
        box = pairs[:, :-5] + pairs[:, 2:-3]
        box += pairs[:, 4:-1]
        box += rows[:, 6:]
        box /= 49
        np.subtract(channel, box, out=contrast[index])
    return contrast


def median_contrast(block):
    """Subtract from each pixel the median of the annulus around it (the upper of the two middle values).

    Parameters
    ----------
    block : numpy.ndarray
        Channels, rows and columns.

    Returns
    -------
    numpy.ndarray
        The contrasts.
    """
    contrast = np.empty_like(block)
    for index, channel in enumerate(block):
        np.subtract(channel, ndimage.median_filter(channel, footprint=ANNULUS), out=contrast[index])
    return contrast


def count_narrow(contrast, noise, nsigma):
    """Count hot pixels with less than half of their contrast in both neighbouring channels.

    Parameters
    ----------
    contrast : numpy.ndarray
        Contrasts of a block and of the channels before and after it.
    noise : numpy.ndarray
        Noise of the channels of the block.
    nsigma : float
        Minimum contrast, in units of the noise.

    Returns
    -------
    numpy.ndarray
        The count, as a cube of one voxel.
    """
    before, centre, after = contrast[:-2].ravel(), contrast[1:-1].ravel(), contrast[2:].ravel()
    hot = np.flatnonzero(contrast[1:-1] >= (nsigma * noise).astype(contrast.dtype))
    half = centre[hot] / 2
    return np.array(np.count_nonzero((before[hot] < half) & (after[hot] < half)), ndmin=3)


def narrow_pixels(root, nsigma, contrast_of, workers):
    """Count the narrow hot pixels of a model.

    Parameters
    ----------
    root : str
        Name of the images without extension.
    nsigma : float
        Minimum contrast, in units of the channel noise.
    contrast_of : callable
        Computes the contrasts of a block of channels.
    workers : int
        Number of threads.

    Returns
    -------
    int
        Number of narrow hot pixels.
    """
    image = whole_channels(read_cube(root + ".image"))
    noise = image.map_blocks(channel_noise, chunks=(image.chunks[0], 1, 1), meta=image._meta)
    model = whole_channels(read_cube(root + ".model"))
    contrast = model.map_blocks(contrast_of, meta=model._meta)
    counts = dask.array.map_overlap(
        count_narrow, contrast, noise.rechunk((contrast.chunks[0], 1, 1)), depth=[{0: 1}, 0], trim=False,
        boundary=[{0: 0}, "none"], align_arrays=False, chunks=(1, 1, 1), meta=COUNT, nsigma=nsigma,
    )  # fmt: skip
    return count_flagged(counts, workers)


def local_mean(root, nsigma, workers=1):
    """Count narrow hot pixels of the model by their contrast with the mean of 7 x 7 pixels.

    Parameters
    ----------
    root : str
        Name of the images without extension.
    nsigma : float
        Minimum contrast, in units of the channel noise (mad_std of the image).
    workers : int, default: 1
        Number of threads.

    Returns
    -------
    int
        Number of narrow hot pixels.
    """
    return narrow_pixels(root, nsigma, mean_contrast, workers)


def annulus_median(root, nsigma, workers=1):
    """Count narrow hot pixels of the model by their contrast with the median of a 40-pixel annulus.

    Parameters
    ----------
    root : str
        Name of the images without extension.
    nsigma : float
        Minimum contrast, in units of the channel noise (mad_std of the image).
    workers : int, default: 1
        Number of threads.

    Returns
    -------
    int
        Number of narrow hot pixels.
    """
    return narrow_pixels(root, nsigma, median_contrast, workers)


def count_speckles(block):
    """Count pixels that differ from the median of three channels by more than four times that median.

    Parameters
    ----------
    block : numpy.ndarray
        Channels, rows and columns, with one channel before and one after.

    Returns
    -------
    numpy.ndarray
        The count, as a cube of one voxel.
    """
    count = 0
    for index in range(1, len(block) - 1):
        before, channel, after = block[index - 1 : index + 2]
        median = np.minimum(before, after)
        np.maximum(median, channel, out=median)
        np.minimum(median, np.maximum(before, after), out=median)
        deviation = np.abs(channel - median)
        count += np.count_nonzero(deviation > 4 * np.abs(median, out=median))
    return np.array(count, ndmin=3)


def despeckle(root, workers=1):
    """Count speckles of the model by the rule of ALMA-IMF.

    A speckle differs from the median of its channel and the channels before and after it by more than four times that
    median.  The first and the last channel are repeated beyond the ends of the cube.

    Parameters
    ----------
    root : str
        Name of the images without extension.
    workers : int, default: 1
        Number of threads.

    Returns
    -------
    int
        Number of speckles.
    """
    model = read_cube(root + ".model")._data
    counts = model.map_overlap(
        count_speckles, depth={0: 1}, boundary={0: "nearest"}, trim=False, chunks=(1, 1, 1), meta=COUNT
    )
    return count_flagged(counts, workers)
