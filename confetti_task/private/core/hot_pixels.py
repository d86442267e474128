"""
Hot pixels of a model: where they are, and how they compare with their surroundings in position and in frequency.

Cubes are 3D float32 arrays [channel, y, x], NaN where they are blank. ``pixels`` is a 2D integer array [n, 3] of
(channel, y, x); functions return one value per pixel. A channel that is blank or beyond the ends of the cube is a
missing neighbour and is ignored.
"""

import numpy as np

from .model_flux import content_of
from .surroundings import disc, largest_magnitude, maximum, median, minimum, reduce_around, total, values_at

# Offsets (dy, dx) in pixels. tclean's hot pixels wander by one pixel from channel to channel, so a hot pixel and its
# eight neighbours count as one. Its surroundings are the 7 x 7 pixels without these 3 x 3: 40 pixels, at most 4.2 away.
INNER = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
SURROUNDINGS = np.array([(dy, dx) for dy in range(-3, 4) for dx in range(-3, 4) if max(abs(dy), abs(dx)) > 1])
# Radii within which the flux around a hot pixel is summed: from 2 pixels to 1.5 beams.
SURROUND_INNER_PIXELS = 2.0
SURROUND_OUTER_BEAMS = 1.5


def minimum_contrast(noise, nsigma):
    """Minimum contrast of the hot pixels of each channel in Jy, as float32; parameters as for `hot_pixels`."""
    return (nsigma * noise).astype(np.float32)


def least_brightness(noise, nsigma):
    """
    Brightness in Jy that the hot pixels of each channel exceed, as float32; parameters as for `hot_pixels`.

    A hot pixel is at least as far from zero as its surroundings, so its contrast is at most twice its value: whatever
    exceeds half the minimum contrast includes all hot pixels, and is a few per cent of the voxels even of a deep clean.
    """
    return minimum_contrast(noise, nsigma) / 2


def hot_pixels(model, noise, nsigma):
    """
    Find the hot pixels of a model: single pixels that stand out from their surroundings.

    A lone model pixel of S Jy restores to a peak of S Jy/beam, so the model compares directly with the channel rms.

    Parameters
    ----------
    model : 3D float32 `~numpy.ndarray`
        Model in Jy/pixel.
    noise : 1D float32 `~numpy.ndarray`
        Noise of each channel (rms) in Jy/beam. A channel whose noise is NaN has no hot pixels.
    nsigma : float
        Minimum contrast, in units of the channel rms.

    Returns
    -------
    pixels : 2D int `~numpy.ndarray`
        The hot pixels, [n, 3].
    """
    bright = [content_of(*each).bright for each in zip(model, least_brightness(noise, nsigma))]
    return hot_pixels_among(model, in_channels(range(len(model)), bright), noise, nsigma)


def in_channels(channels, places):
    """Pixels (channel, y, x), [n, 3], from the places (y, x) in each of some channels."""
    pixels = [np.insert(some, 0, channel, axis=1) for channel, some in zip(channels, places)]
    return np.concatenate([np.zeros((0, 3), dtype=int), *pixels])


def hot_pixels_among(model, pixels, noise, nsigma):
    """The hot pixels among some pixels, [n, 3], in the same order; other parameters as for `hot_pixels`."""
    threshold = minimum_contrast(noise, nsigma)
    # A hot pixel is the brightest of its 3 x 3 pixels.
    pixels = pixels[np.abs(values_at(model, pixels)) == reduce_around(model, pixels, INNER, largest_magnitude)]
    contrasts = contrast(model, pixels)
    # It is at least as far from zero as its surroundings: a hole in extended emission is no hot pixel.
    outshines = values_at(model, pixels) * np.sign(contrasts) >= np.abs(contrasts) / 2
    return pixels[outshines & (np.abs(contrasts) >= threshold[pixels[:, 0]])]


def contrast(model, pixels):
    """Height of each pixel above the median of its surroundings, in Jy, as a 1D float32 `~numpy.ndarray`."""
    return values_at(model, pixels) - reduce_around(model, pixels, SURROUNDINGS, median)


def narrowness(model, pixels, contrasts):
    """
    Measure what fraction of a hot pixel the neighbouring channels have too.

    Parameters
    ----------
    model : 3D float32 `~numpy.ndarray`
        Model in Jy/pixel.
    pixels : 2D int `~numpy.ndarray`
        The hot pixels, [n, 3].
    contrasts : 1D float32 `~numpy.ndarray`
        Their contrasts in Jy.

    Returns
    -------
    fraction : 1D float32 `~numpy.ndarray`
        Largest contrast of the same sign within 3 x 3 pixels in the channels before and after, divided by the contrast
        of the hot pixel: 0 if it is alone, 1 if a neighbouring channel has all of it. NaN if both neighbours are
        missing.
    """
    before, after = (_best_contrast(model, near, INNER, contrasts) for near in _neighbours(pixels))
    return np.fmax(before, after) / np.abs(contrasts)


def pair_narrowness(model, pixels, contrasts):
    """
    Measure what fraction of a hot pixel the channels around it and one adjacent channel have too.

    Parameters
    ----------
    model, pixels, contrasts
        As for `narrowness`.

    Returns
    -------
    fraction : 1D float32 `~numpy.ndarray`
        As `narrowness`, but for a pair of channels, this one and the brighter of the two adjacent ones: 0 if no channel
        around the pair has it too. NaN if all channels around are missing.
    """
    steps = np.array([[-2, 0, 0], [-1, 0, 0], [1, 0, 0], [2, 0, 0]])
    far_before, before, after, far_after = (_best_contrast(model, pixels + step, INNER, contrasts) for step in steps)
    # The channels around the pair with the one before are the second before and the one after, and vice versa.
    with_before, with_after = np.fmax(far_before, after), np.fmax(before, far_after)
    return np.where(before > after, with_before, with_after) / np.abs(contrasts)


def pointlikeness(model, pixels, contrasts):
    """1 minus the largest same-sign contrast of the adjacent pixels, as a fraction of its own: 1 for a single pixel."""
    next_to = INNER[np.any(INNER != 0, axis=1)]
    return 1 - _best_contrast(model, pixels, next_to, contrasts) / np.abs(contrasts)


def _best_contrast(model, pixels, offsets, contrasts):
    """Largest contrast at the offsets, of the sign of the given contrasts; 0 if all have the opposite sign."""
    best, positive = np.empty(len(pixels), dtype=np.float32), contrasts > 0
    for some, outermost in ((positive, maximum), (~positive, minimum)):
        best[some] = reduce_around(model, pixels[some], offsets, outermost)
    above = best - reduce_around(model, pixels, SURROUNDINGS, median)
    return np.maximum(np.where(positive, above, -above), 0)


def surround(model, pixels, contrasts, beam):
    """
    Measure the model flux around a hot pixel that the neighbouring channels do not have.

    Parameters
    ----------
    model : 3D float32 `~numpy.ndarray`
        Model in Jy/pixel.
    pixels : 2D int `~numpy.ndarray`
        The hot pixels, [n, 3].
    contrasts : 1D float32 `~numpy.ndarray`
        Their contrasts in Jy.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    fraction : 1D float32 `~numpy.ndarray`
        Flux around the pixel, minus the mean of the two neighbouring channels, divided by the contrast: -1 if the
        surround compensates the hot pixel fully, 0 if there is none. The most negative value within four radii, from 2
        pixels to 1.5 beams.
    """
    radii = np.linspace(SURROUND_INNER_PIXELS, SURROUND_OUTER_BEAMS * beam, 4)
    before, after = (_totals_within(model, neighbours, radii) for neighbours in _neighbours(pixels))
    expected = np.where(np.isnan(before), after, np.where(np.isnan(after), before, (before + after) / 2))
    excess = _totals_within(model, pixels, radii) - expected
    return np.fmin.reduce((excess - contrasts) / contrasts)


def _totals_within(model, pixels, radii):
    """Sums over discs of some radii about each pixel, [disc, n], each ring gathered once; NaN where all is missing."""
    edges = np.sort(radii)
    offsets = disc(edges[-1])
    distance = np.hypot(*offsets.T)
    rings = [offsets[(distance > inner) & (distance <= outer)] for inner, outer in zip([-1, *edges], edges)]
    # A ring without pixels adds nothing: with a beam of two pixels, several radii lie between the same pixels.
    totals = np.array([reduce_around(model, pixels, some, total) for some in rings if len(some)])
    missing = np.logical_and.accumulate(np.isnan(totals))
    return np.where(missing, np.nan, np.nancumsum(totals, axis=0, dtype=np.float32))


def _neighbours(pixels):
    """The same places in the channels before and after."""
    step = np.array([1, 0, 0])
    return pixels - step, pixels + step
