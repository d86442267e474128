"""
Judge images by the truth of a simulation: what deconvolution put into them beyond the sky, and the fake sources in it.

It uses numpy and scipy alone, and nothing of the package that it judges. Cubes are [channel, y, x].
"""

from collections import namedtuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

# A fake source is an error of this many sigma, and of this many with the noise of the data taken out, less than half of
# which the neighbouring channels have too, where the residual is low, next to a model pixel that stands out of the sky.
FAKE_SIGMA, STRICT_SIGMA, RESIDUAL_SIGMA, HOT_SIGMA = 5.0, 4.0, 4.0, 3.0
# In fainter sources, what CLEAN makes of the noise is more than a few per cent.
BRIGHT_SIGMA = 10.0
# What was flagged is right where the error is this many sigma, with the noise of the data and without.
RIGHT_SIGMA = 3.0
FAKE_IN_NEIGHBOUR = 0.5

# The local background is the median of a ring, in beams.
RING_INNER_BEAMS, RING_OUTER_BEAMS = 0.9, 1.8

FWHM_TO_SIGMA = 1 / np.sqrt(8 * np.log(2))

# The sky as the antennas see it in Jy/pixel, the same restored, the dirty image of the noise alone, the noise of every
# channel (rms) in Jy/beam, where CLEAN may put components, the width of the beam in pixels, and the compact sources.
Truth = namedtuple("Truth", "model restored noise sigma inside beam sources")

# The error of the image in sigma against its local background, the same with the noise of the data taken out, hot
# pixels of the model [n, 3], the largest error within half a beam of each, and which of them are at a fake source.
Judgement = namedtuple("Judgement", "errors strict hot peaks fake")

# A real compact source: where it is in pixels, the channel of its peak, and its FWHM in channels; the kind "continuum"
# shines in all channels.
Source = namedtuple("Source", "kind channel width x y")


def judge(model, image, residual, truth):
    """
    Find the fake sources in the images of a tclean run. The first and the last channel are not judged.

    Parameters
    ----------
    model, image, residual : 3D `~numpy.ndarray`
        The images.
    truth : `Truth`
        What they should show.

    Returns
    -------
    judgement : `Judgement`
        The errors, and which of them are fake sources.
    """
    sigma = truth.sigma[:, np.newaxis, np.newaxis]
    errors = without_background((image - residual - truth.restored) / sigma, truth.beam)
    strict = without_background((image - truth.restored - truth.noise) / sigma, truth.beam)
    hot = _hot_pixels((model - truth.model) / sigma, truth.inside)
    places = _largest_within(half_beam(truth.beam), errors, hot)
    peaks, others, left = (cube[tuple(places.T)] for cube in (errors, strict, residual / sigma))
    fake = (np.abs(peaks) > FAKE_SIGMA) & (np.sign(peaks) * others > STRICT_SIGMA) & (np.abs(left) < RESIDUAL_SIGMA)
    fake &= in_one_channel(errors, places) & in_one_channel(strict, places)
    fake[fake] = [not _next_to_source(pixel, truth) for pixel in hot[fake]]
    return Judgement(errors, strict, hot, np.abs(peaks), fake)


def without_background(cube, beam):
    """A cube minus the median of the ring around each pixel."""
    reach = int(2 * beam)
    radius = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    ring = (radius >= RING_INNER_BEAMS * beam) & (radius <= RING_OUTER_BEAMS * beam)
    return cube - _local_median(cube, ring)


def _local_median(cube, footprint):
    return np.stack([ndimage.median_filter(plane, footprint=footprint) for plane in cube])


def _hot_pixels(excess, inside):
    surroundings = np.ones((7, 7), dtype=bool)
    surroundings[2:5, 2:5] = False
    contrast = np.abs(excess - _local_median(excess, surroundings))
    hot = (contrast > HOT_SIGMA) & inside & (contrast == ndimage.maximum_filter(contrast, (1, 3, 3)))
    hot[[0, -1]] = False
    return np.argwhere(hot)


def _largest_within(reach, cube, pixels):
    """Where a cube is farthest from zero within ``reach`` of each pixel."""
    offsets = np.argwhere(_disc(reach)) - reach
    size = np.pad(np.abs(cube), ((0, 0), (reach, reach), (reach, reach)), constant_values=-1)
    channel, y, x = pixels.T[:, :, np.newaxis]
    nearby = size[channel, y + offsets[:, 0] + reach, x + offsets[:, 1] + reach]
    places = pixels.copy()
    places[:, 1:] += offsets[nearby.argmax(axis=1)]
    return places


def in_one_channel(cube, places):
    """Whether the channels before and after have less than half of the value at each of some places [n, 3]."""
    channel, y, x = places.T
    here = cube[channel, y, x]
    larger_neighbour = np.maximum(np.sign(here) * cube[channel - 1, y, x], np.sign(here) * cube[channel + 1, y, x])
    return larger_neighbour < FAKE_IN_NEIGHBOUR * np.abs(here)


def _next_to_source(pixel, truth):
    channel, places = pixel[0], pixel[np.newaxis, 1:]
    return any(is_source(source, channel, places, half_beam(truth.beam)) for source in truth.sources)


def is_source(source, channel, pixels, reach):
    """Whether a real compact source shines in a channel within ``reach`` of one of the pixels [n, 2]."""
    return shines(source, channel) and (np.hypot(*(pixels - [source.y, source.x]).T) <= reach).any()


def shines(source, channel):
    """Whether a real compact source shines in a channel."""
    return source.kind == "continuum" or abs(source.channel - channel) <= max(1.0, source.width)


def half_beam(beam):
    """Half the width of the beam in whole pixels."""
    return max(1, round(beam / 2))


def fake_sources(judgement, truth):
    """
    The fake sources in the images that were judged.

    Parameters
    ----------
    judgement : `Judgement`
        From `judge`.
    truth : `Truth`
        By which it was made.

    Returns
    -------
    sources : list of tuple
        Channel and largest error in sigma of each: hot pixels linked within half a beam are one.
    """
    sizes = np.abs(judgement.errors)
    return [(channel, float(sizes[channel][within].max())) for channel, within in _fake_regions(judgement, truth)]


def _fake_regions(judgement, truth):
    """Channel of each fake source, and mask of the plane within half a beam of it."""
    reach, mask = half_beam(truth.beam), fake_pixels(judgement)
    for channel in np.unique(judgement.hot[judgement.fake][:, 0]).tolist():
        for pixels in groups(mask[channel], reach):
            yield channel, near(pixels, reach, mask.shape[1:])


def fake_pixels(judgement):
    """Mask of the hot pixels at fake sources."""
    mask = np.zeros(judgement.errors.shape, dtype=bool)
    mask[tuple(judgement.hot[judgement.fake].T)] = True
    return mask


def only_in(channels, judgement):
    """The same judgement with the fake sources of some channels alone."""
    return judgement._replace(fake=judgement.fake & np.isin(judgement.hot[:, 0], channels))


def largest_error(judgement, old, truth):
    """The largest error in sigma within half a beam of the fake sources of an old image; 0 if it has none."""
    places = ndimage.binary_dilation(fake_pixels(old), _disc(half_beam(truth.beam))[np.newaxis])
    return float(np.abs(judgement.errors[places]).max(initial=0))


def compare(table, judgement, truth):
    """
    Count how the sources of a table compare with the truth.

    Parameters
    ----------
    table : `~astropy.table.Table`
        What `confetti_check` wrote: class, channel, y and x of each.
    judgement : `Judgement`
        Of the images that were checked.
    truth : `Truth`
        By which it was made.

    Returns
    -------
    counts : dict
        right: masked sources at which the image is wrong, with the noise of the data and without; wrong: those at which
        it is wrong with it; found: fake sources with a masked one within half a beam;
        real: compact sources of the sky with a masked one within half a beam at which the image is not wrong.
    """
    masked = table[table["class"] == "confetti"]
    places = np.column_stack([masked[name] for name in ("channel", "y", "x")])
    mask, reach = np.zeros(judgement.errors.shape, dtype=bool), half_beam(truth.beam)
    mask[tuple(places.T)] = True
    errors = [_errors_near(place, judgement, reach) for place in places]
    right = np.array([is_wrong(*near_it) for near_it in errors], dtype=bool)
    wrong = sum(np.abs(with_noise).max() >= RIGHT_SIGMA for with_noise, _ in errors)
    found = sum(mask[channel][within].any() for channel, within in _fake_regions(judgement, truth))
    real = sum(
        any(is_source(source, place[0], place[np.newaxis, 1:], reach) for place in places[~right])
        for source in truth.sources
    )
    return {"right": right.sum(), "wrong": wrong, "found": found, "real": real}


def _errors_near(place, judgement, reach):
    """Errors of the image around a place, with the noise of the data and without."""
    channel, pixels = place[0], place[np.newaxis, 1:]
    within = near(pixels, reach, judgement.errors.shape[1:])
    return judgement.errors[channel][within], judgement.strict[channel][within]


def is_wrong(errors, strict):
    """Whether the largest of some errors makes the image wrong there, with the noise of the data and without."""
    largest = np.argmax(np.abs(errors))
    one, other = errors[largest], strict[largest]
    return abs(one) >= RIGHT_SIGMA and abs(other) >= RIGHT_SIGMA and one * other > 0


def source_change(image, other, truth, channels):
    """
    The largest change of a real compact source from one image to another.

    Parameters
    ----------
    image, other : 3D `~numpy.ndarray`
        The images.
    truth : `Truth`
        With the sources.
    channels : sequence of int
        Channels to compare.

    Returns
    -------
    change : float
        As a fraction of the restored truth, at the pixel of the source, in the channel of its peak, or in all channels
        if it is continuum; sources below 10 sigma are left out. 0 if there is none.
    """
    places = [
        (channel, source.y, source.x)
        for source in truth.sources
        for channel in channels
        if source.kind == "continuum" or channel == round(source.channel)
    ]
    places = [place for place in places if truth.restored[place] >= BRIGHT_SIGMA * truth.sigma[place[0]]]
    return max((abs(float(image[place] - other[place])) / truth.restored[place] for place in places), default=0.0)


def restore(plane, major, minor, angle):
    """
    Convolve a plane in Jy/pixel with a restoring beam of peak 1, as tclean restores.

    Parameters
    ----------
    plane : 2D `~numpy.ndarray`
        The plane [y, x].
    major, minor, angle : float
        FWHM of the beam in pixels, and its position angle in degrees.

    Returns
    -------
    restored : 2D `~numpy.ndarray`
        The plane in Jy/beam.
    """
    height, width = plane.shape
    v, u = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)[np.newaxis]
    angle = np.deg2rad(angle)
    major, minor = FWHM_TO_SIGMA * major, FWHM_TO_SIGMA * minor
    along, across = v * np.cos(angle) - u * np.sin(angle), v * np.sin(angle) + u * np.cos(angle)
    transfer = 2 * np.pi * major * minor * np.exp(-2 * np.pi**2 * ((along * major) ** 2 + (across * minor) ** 2))
    return np.fft.irfft2(np.fft.rfft2(plane) * transfer, plane.shape)


def groups(plane, reach):
    """Pixels [n, 2] of every group of set pixels that are linked within ``reach`` pixels."""
    pixels = np.argwhere(plane)
    if not len(pixels):
        return []
    pairs = cKDTree(pixels).query_pairs(reach + 1e-6, output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), shape=(len(pixels), len(pixels)))
    number, labels = connected_components(links, directed=False)
    order = np.argsort(labels, kind="stable")
    return np.split(pixels[order], np.cumsum(np.bincount(labels, minlength=number))[:-1])


def near(pixels, reach, shape):
    """Mask of a plane within ``reach`` of the pixels [n, 2]."""
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(pixels.T)] = True
    return ndimage.binary_dilation(mask, _disc(reach))


def _disc(reach):
    return np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= reach
