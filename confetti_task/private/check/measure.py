"""Measure the scatter and the narrow hot pixels of a range of channels: pure functions of a cube and the range."""

from typing import NamedTuple, Tuple

import numpy as np

from ..core.decision import pointless
from ..core.dirty_noise import dirty_noise
from ..core.hot_pixels import (
    SURROUND_OUTER_BEAMS,
    SURROUNDINGS,
    contrast,
    hot_pixels_among,
    in_channels,
    least_brightness,
    minimum_contrast,
    narrowness,
    pair_narrowness,
    pointlikeness,
    surround,
)
from ..core.model_flux import LEFT_IN_RESIDUAL, content_of, part_left, switched
from ..core.quantities import CANDIDATE, CHANNEL
from ..core.scatters import (
    SAMPLED_COLUMNS,
    SAMPLED_ROWS,
    middle_box,
    reach_of_samples,
    sample_heights,
    sampled,
    scatter_left,
    scatters_of,
)
from ..core.surroundings import values_at
from ..images.chunks import CHUNK_VOXELS, chunks, strips
from ..images.pixels import read_channels

# Worst-case bytes per voxel: the model, and the list of its bright components if all pixels are.
BYTES_A_VOXEL = 64
# Fields of a candidate that are known only after its channel was deconvolved again.
NOT_DECONVOLVED = ("difference", "tolerance")

# Channels on either side with which hot pixels are compared: the adjacent one, and the next where that has them too.
REACH = 2


class Chunk(NamedTuple):
    """
    The model of some rows in consecutive channels, as it is searched for hot pixels.

    Attributes
    ----------
    model : 3D float32 `~numpy.ndarray`
        The model [channel, y, x] in Jy/pixel, in a buffer that the next chunk overwrites.
    first : int
        Number of its first channel.
    known : int
        Number of its first channels that the previous chunk had too.
    rows : tuple of int
        Rows that it covers, with margins for the surroundings of hot pixels: the first, and the one after the last.
    searched_rows : tuple of int
        Rows without these margins.
    searched : range
        Numbers of the channels to search: their neighbours on either side are in this chunk.
    """

    model: np.ndarray
    first: int
    known: int
    rows: Tuple[int, int]
    searched_rows: Tuple[int, int]
    searched: range


def measure_scatters(cube, polarization, start, end, voxels):
    """
    Measure the scatter of a range of channels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, start, end : int
        Polarization, first channel of the range and the one after the last.
    voxels : int
        Number of voxels that may be in memory.

    Returns
    -------
    scatters : 1D structured `~numpy.ndarray`
        From `core.scatters.scatters_of`; NaN for a blank channel.
    """
    height, width = cube.shape[2:]
    rows, columns = sampled(height, SAMPLED_ROWS, cube.beam), sampled(width, SAMPLED_COLUMNS, cube.beam)
    whole = not cube.mapped and height * width <= voxels  # opening an image takes longer than reading more of it
    around = [(0, height)] if whole else _rows_around(rows, reach_of_samples(cube.beam), height)
    alone = [(0, height)] if whole else [(row, row + 1) for row in rows.tolist()]
    scatters = []
    # Only the rows that are needed are read: the sampled ones, and in the image those around them too.
    for low, high in chunks(start, end, cube.depth, _number_of_rows(around) * width, min(voxels, CHUNK_VOXELS)):
        heights, sampled_image, residual = [], [], []
        for some in _together(around, voxels // width):
            image, lines = _read_strips(cube, "image", polarization, low, high, some, rows)
            heights.append(sample_heights(image, lines, columns, cube.beam))
            sampled_image.append(image[:, lines][:, :, columns])
        for some in _together(alone, voxels // width):
            left, lines = _read_strips(cube, "residual", polarization, low, high, some, rows)
            residual.append(left[:, lines][:, :, columns])
        scatters.append(
            scatters_of(*(np.concatenate(rows_of, axis=1) for rows_of in (heights, sampled_image, residual)))
        )
    return np.concatenate(scatters)


def is_switched_off(cube, polarization, channel):
    """Whether a channel with little in its model has the emission of both adjacent channels in its residual."""
    residual = read_channels(cube, "residual", polarization, channel, channel + 1)[0]
    parts = []
    for other in (channel - 1, channel + 1):
        model, image = (read_channels(cube, name, polarization, other, other + 1)[0] for name in ("model", "image"))
        parts.append(part_left(model, image, residual))
    return min(parts) >= LEFT_IN_RESIDUAL


def measure_left(cube, polarization, channel):
    """How much of the noise CLEAN has left in a channel: `core.scatters.scatter_left` of the middle of the residual."""
    return float(scatter_left(_middle_of(cube, "residual", polarization, channel)[np.newaxis], cube.beam)[0])


def measure_dirty_noise(cube, polarization, channel, noise):
    """
    Measure the noise of the dirty image of a channel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        Polarization and channel.
    noise : float
        Noise of the channel from its image and residual, in Jy/beam.

    Returns
    -------
    noise : float
        From `core.dirty_noise.dirty_noise`, for the middle of the planes, in Jy/beam; NaN without a PSF.
    """
    if not cube.has("psf", channel):
        return np.nan
    products = ("model", "image", "residual", "psf")
    planes = {product: _middle_of(cube, product, polarization, channel) for product in products}
    return dirty_noise(planes, planes.pop("psf"), cube.beam, noise)


def _middle_of(cube, product, polarization, channel):
    """The middle of a plane, which suffices for the noise."""
    return read_channels(cube, product, polarization, channel, channel + 1, *middle_box(cube.shape[2:]))[0]


def _number_of_rows(some):
    return sum(end - start for start, end in some)


def _together(all_strips, limit):
    """Group strips, with at most ``limit`` rows in a group, or a single strip."""
    groups = [[]]
    for strip in all_strips:
        if groups[-1] and _number_of_rows([*groups[-1], strip]) > limit:
            groups.append([])
        groups[-1].append(strip)
    return groups


def _read_strips(cube, product, polarization, start, end, some, rows):
    """Some strips of a product, one below the other, and where the sampled rows are in them."""
    joined = np.empty((end - start, _number_of_rows(some), cube.shape[3]), dtype=np.float32)
    place, lines = 0, []
    for top, bottom in some:
        strip = joined[:, place : place + bottom - top]
        read_channels(cube, product, polarization, start, end, (top, bottom), out=strip)
        lines.append(rows[(rows >= top) & (rows < bottom)] - top + place)
        place += bottom - top
    return joined, np.concatenate(lines)


def _rows_around(rows, reach, height):
    """Strips that contain the rows and their surroundings: first row and the one after the last."""
    strips = []
    for row in rows.tolist():
        start, end = max(row - reach, 0), min(row + reach + 1, height)
        if strips and start <= strips[-1][1]:
            start = strips.pop()[0]
        strips.append((start, end))
    return strips


def find_candidates(cube, polarization, start, end, noise, thresholds, voxels):
    """
    Find the narrow hot pixels in the model of a range of channels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, start, end : int
        Polarization, first channel of the range and the one after the last.
    noise : 1D float32 `~numpy.ndarray`
        rms noise of every channel of the cube, in Jy/beam; NaN for a blank channel.
    thresholds : `core.decision.Thresholds`
        Thresholds for hot pixels and for narrow ones.
    voxels : int
        Number of voxels that may be in memory.

    Returns
    -------
    channels : structured `~numpy.ndarray`
        One row of `CHANNEL` for each channel of the range.
    candidates : structured `~numpy.ndarray`
        One row of `CANDIDATE` for each narrow hot pixel, and for each that one adjacent channel has too, with the
        fields that are measured in the model; marginal ones only in channels that have others.
    """
    begin, stop = max(start - REACH, 0), min(end + REACH, cube.channels)
    channels = np.zeros(stop - begin, dtype=CHANNEL)
    channels["polarization"], channels["channel"] = polarization, np.arange(begin, stop)
    channels["noise"], channels["deconvolved"], channels["gone"] = noise[begin:stop], "no", np.nan
    channels["rise"] = np.nan
    limits = least_brightness(channels["noise"], thresholds.inside_bad_channels().nsigma)
    # Sums are taken row by row so that they do not depend on how the cube is divided.
    sums = np.zeros((2, len(channels), cube.shape[2]))
    bright = {}  # places (y, x) of the bright components of the channels that are still to be searched, by channel
    found = [np.zeros(0, dtype=CANDIDATE)]
    for chunk in _read_chunks(cube, polarization, start, end, voxels):
        # Channels that are new in this chunk: what they contain, and where hot pixels may be.
        margin = chunk.searched_rows[0] - chunk.rows[0]
        inside = slice(margin, chunk.searched_rows[1] - chunk.rows[0])
        for number in range(chunk.known, len(chunk.model)):
            row = chunk.first - begin + number
            content = content_of(chunk.model[number, inside], limits[row])
            sums[:, row, slice(*chunk.searched_rows)] = content.flux, content.total
            channels["components"][row] += content.components
            channels["unknown"][row] += content.unknown
            bright[chunk.first + number] = content.bright + [margin, 0]

        # Channels whose neighbours are in this chunk: which of the bright components are narrow hot pixels.
        places = [bright.pop(channel) for channel in chunk.searched]
        pixels = in_channels(chunk.searched, places) - [chunk.first, 0, 0]
        here = slice(chunk.first - begin, chunk.first - begin + len(chunk.model))
        candidates, signs = _search(chunk.model, pixels, channels["noise"][here], thresholds, cube.beam)
        for sign, name in ((1, "positive"), (-1, "negative")):
            channels[name][here] += signs[sign]

        # From numbers in the chunk to those in the cube.
        candidates["polarization"] = polarization
        candidates["channel"] += chunk.first
        candidates["y"] += chunk.rows[0]
        found.append(candidates)
    channels["model_flux"], channels["total"] = sums.sum(axis=2)
    _compare_with_neighbours(channels, sums[1])
    candidates = np.concatenate(found)
    candidates = candidates[~pointless(candidates, thresholds, evidence=False)]
    return channels[start - begin : end - begin], candidates


def _read_chunks(cube, polarization, start, end, voxels):
    """Read the model of a range of channels, and yield it in `Chunk`s; planes that two chunks share are read once."""
    begin, stop = max(start - REACH, 0), min(end + REACH, cube.channels)
    height, width = cube.shape[2:]
    reach = max(np.abs(SURROUNDINGS).max(), int(np.ceil(SURROUND_OUTER_BEAMS * cube.beam)))
    # The margins of a strip are read twice, so strips are at least eight times as high if memory allows it.
    preferred = max(8 * reach, CHUNK_VOXELS // ((cube.depth + 2 * REACH) * width) - 2 * reach)
    possible = voxels // ((2 * REACH + 1) * width) - 2 * reach
    for searched_rows in strips(height, max(reach, min(preferred, possible))):
        rows = max(searched_rows[0] - reach, 0), min(searched_rows[1] + reach, height)
        plane = (rows[1] - rows[0]) * width
        at_once = min(voxels, max(CHUNK_VOXELS, (2 * REACH + 1) * plane))
        ranges = list(chunks(begin, stop, cube.depth, plane, at_once, margin=2 * REACH))
        # The chunks share one buffer: allocating it anew takes longer than reading them.
        longest = max(high - low for low, high in ranges)
        planes = np.empty((longest + 2 * REACH, rows[1] - rows[0], width), dtype=np.float32)
        known, next_searched = 0, start
        for low, high in ranges:
            # New channels are read behind those that were moved to the start of the buffer.
            model = planes[: known + high - low]
            read_channels(cube, "model", polarization, low, high, rows=rows, out=model[known:])
            # The last channels wait for the next chunk, which has their neighbours, unless there are no more.
            until = min(end, high if high == stop else high - REACH)
            yield Chunk(model, low - known, known, rows, searched_rows, searched=range(next_searched, until))
            # They and the neighbours before them are the first channels of the next chunk.
            known, next_searched = min(2 * REACH, len(model)), max(until, start)
            planes[:known] = model[-known:].copy()


def _search(model, pixels, noise, thresholds, beam):
    """Narrow hot pixels among the pixels, and the number of hot pixels of each sign in each channel."""
    if np.isnan(noise).any():  # a blank channel is a missing neighbour
        model = np.where(np.isnan(noise)[:, np.newaxis, np.newaxis], np.float32(np.nan), model)
    # Hot pixels with the contrast that suffices in bad channels; only those with the usual one are counted.
    wider = thresholds.inside_bad_channels()
    pixels = hot_pixels_among(model, pixels, noise, wider.nsigma)
    contrasts = contrast(model, pixels)
    bright = np.abs(contrasts) >= minimum_contrast(noise, thresholds.nsigma)[pixels[:, 0]]
    sign = np.where(bright, np.sign(values_at(model, pixels)), 0)
    signs = {value: np.bincount(pixels[sign == value, 0], minlength=len(model)) for value in (1, -1)}

    # Those that are narrow, or would be but for one adjacent channel.
    fractions = narrowness(model, pixels, contrasts)
    paired = np.zeros(len(pixels), dtype=bool)
    wide = np.flatnonzero(bright & (fractions > thresholds.narrowness))
    paired[wide] = pair_narrowness(model, pixels[wide], contrasts[wide]) <= thresholds.narrowness
    narrow = paired | (fractions <= wider.narrowness)
    candidates = _measure(model, pixels[narrow], contrasts[narrow], noise, beam)
    candidates["narrowness"], candidates["paired"] = fractions[narrow], paired[narrow]
    return candidates, signs


def _measure(model, pixels, contrasts, noise, beam):
    """Rows of `CANDIDATE` for hot pixels of a model, whose contrasts are known, without the comparison of channels."""
    candidates = np.zeros(len(pixels), dtype=CANDIDATE)
    candidates["channel"], candidates["y"], candidates["x"] = pixels.T
    candidates["noise"] = noise[pixels[:, 0]]
    candidates["contrast"] = contrasts
    candidates["pointlikeness"] = pointlikeness(model, pixels, contrasts)
    candidates["surround"] = surround(model, pixels, contrasts, beam)
    for name in NOT_DECONVOLVED:
        candidates[name] = np.nan
    return candidates


def measure_pixels(cube, polarization, channel, places, noise):
    """
    Measure pixels of the model of a channel, whether narrow or not.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        Which channel.
    places : 2D int `~numpy.ndarray`
        Pixels (y, x), [n, 2].
    noise : float
        rms noise of the channel, in Jy/beam.

    Returns
    -------
    candidates : structured `~numpy.ndarray`
        One row of `CANDIDATE` for each, with the fields that are measured in the model.
    """
    begin, end = max(channel - 1, 0), min(channel + 2, cube.channels)
    model = read_channels(cube, "model", polarization, begin, end)
    pixels = np.insert(places, 0, channel - begin, axis=1)
    contrasts = contrast(model, pixels)
    candidates = _measure(model, pixels, contrasts, np.full(len(model), noise, dtype=np.float32), cube.beam)
    candidates["narrowness"] = narrowness(model, pixels, contrasts)
    candidates["polarization"], candidates["channel"] = polarization, channel
    return candidates


def _compare_with_neighbours(channels, totals):
    """Fill in which channels can be compared with a neighbour, and where the model is switched on or off."""
    known, totals = np.pad(np.isfinite(channels["noise"]), 1), np.pad(totals, [(1, 1), (0, 0)])
    before, here, after = (slice(None, -2), slice(1, -1), slice(2, None))
    channels["checked"] = known[here] & (known[before] | known[after])
    state = switched(totals[here], totals[before], totals[after], channels["noise"])
    channels["switched"] = np.where(known[before] & known[here] & known[after], state, "no")
