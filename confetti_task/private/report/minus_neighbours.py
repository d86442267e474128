"""The image minus its neighbouring channels, on which the spike of a find is measured, as maps and as a spectrum."""

import numpy as np

from ..core.spikes import REACH_CHANNELS, spike
from ..core.surroundings import RING_OUTER_BEAMS, height_above_ring, median, reduce_around, ring

# The background changes over the width of the beam: known every third of it, it can be interpolated in between.
BACKGROUND_STEP_BEAMS = 1 / 3


def margin_of(beam):
    """Pixels around a map, or a pixel, that `map_of_spikes` and `spectrum_of_spikes` need for its background."""
    return int(np.ceil((RING_OUTER_BEAMS + BACKGROUND_STEP_BEAMS) * beam)) + 1


def map_of_spikes(image, beam):
    """
    Measure the spike in all pixels of a map.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Image [channel, y, x] in Jy/beam, with an odd number of pixels on a side: those of the map and `margin_of` more
        on all sides, in the channels of the map and one more on either end; NaN where there is nothing.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    spikes : 3D float32 `~numpy.ndarray`
        `core.spikes.spike` in each channel and pixel of the map, in Jy/beam. In the middle it is the spike of the
        table of sources; elsewhere the background is interpolated between pixels a third of a beam apart.
    """
    margin, centre = margin_of(beam), image.shape[1] // 2
    step = max(1, int(BACKGROUND_STEP_BEAMS * beam))
    number = -(-(centre - margin) // step)
    grid = centre + step * np.arange(-number, number + 1)  # through the pixel in the middle
    pixels = np.stack(np.meshgrid(np.arange(len(image)), grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    background = reduce_around(image, pixels, ring(beam), median).reshape(len(image), len(grid), len(grid))

    inner = slice(margin, image.shape[1] - margin)
    places = (np.arange(inner.start, inner.stop) - grid[0]) / step
    heights = image[:, inner, inner] - _interpolated(_interpolated(background, places, 1), places, 2)
    return _spikes(heights.reshape(len(image), -1)).reshape(len(image) - 2, *heights.shape[1:])


def spectrum_of_spikes(image, beam):
    """
    Measure the spike in one pixel in a range of channels.

    Parameters
    ----------
    image : 3D float32 `~numpy.ndarray`
        Image [channel, y, x] in Jy/beam: the pixel and `margin_of` more on all sides, in the channels of the spectrum
        and one more on either end; NaN where there is nothing.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    spikes : 1D float32 `~numpy.ndarray`
        `core.spikes.spike` in each channel of the spectrum, in Jy/beam.
    """
    y, x = np.array(image.shape[1:]) // 2
    pixels = np.array([(channel, y, x) for channel in range(len(image))])
    return _spikes(height_above_ring(image, pixels, ring(beam))[:, np.newaxis])[:, 0]


def _interpolated(values, places, axis):
    """Values at fractional places along an axis; those at a place itself do not depend on the next ones, if blank."""
    first = np.floor(places).astype(int)
    part = (places - first).astype(np.float32).reshape([-1 if number == axis else 1 for number in range(values.ndim)])
    low, high = (np.take(values, number, axis, mode="clip") for number in (first, first + 1))
    return np.where(part == 0, low, (1 - part) * low + part * high)


def _spikes(heights):
    """`core.spikes.spike` of heights [channel, place] in all channels but the first and the last."""
    # It takes as many channels on either side as the other evidence needs, and looks at the next one only.
    beyond = np.full((REACH_CHANNELS - 1, heights.shape[1]), np.nan, dtype=heights.dtype)
    padded = np.concatenate([beyond, heights, beyond])
    windows = (padded[start : start + 2 * REACH_CHANNELS + 1] for start in range(len(heights) - 2))
    return np.stack([spike(window.T) for window in windows])
