"""
Statistics of the surroundings of a hot pixel, in position and in frequency.

Cubes are 3D float32 arrays [channel, y, x], NaN where they are blank. ``pixels`` is a 2D integer array [n, 3] of
(channel, y, x); functions return one value per pixel. A channel that is blank or beyond the ends of the cube is a
missing neighbour and is ignored.
"""

from collections import namedtuple

import numpy as np

# tclean's hot pixels wander by one pixel from channel to channel, so a hot pixel and its eight neighbours count as one.
# Its surroundings are the 7 x 7 pixels without these 3 x 3: 40 pixels, at most 4.2 pixels away.
INNER = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
SURROUNDINGS = np.array([(dy, dx) for dy in range(-3, 4) for dx in range(-3, 4) if max(abs(dy), abs(dx)) > 1])
CENTRE = np.array([(0, 0)])

# Ring around a beam, in units of its FWHM: close enough to follow extended emission, far enough that a Gaussian beam at
# its centre adds no more than 0.106 of its peak at the inner edge and 0.0001 at the outer one.
RING_INNER_BEAMS = 0.9
RING_OUTER_BEAMS = 1.8

# A channel is compared with the median of three channels on either side: up to two of these six may be bad themselves,
# as the neighbours of bad channels often are, without hiding it.
REACH_CHANNELS = 3

# Radii within which a surround is searched: from 2 pixels to 1.5 beams.
SURROUND_INNER_PIXELS = 2.0
SURROUND_OUTER_BEAMS = 1.5

# Values gathered at once, however many hot pixels a channel has: 0.5 MB of float32 and 1 MB of indices, which stay in
# the cache. With a quarter of them one thread is as fast, but two, which wait for each other in between, take a third
# longer.
GATHERED_AT_ONCE = 2**17

# Pixels that are searched at once, in whole rows: 1 MB, which stays in the cache; empty ones are passed over. With a
# quarter of them one thread is as fast, but two, which wait for each other, take up to a fifth longer.
SEARCHED_AT_ONCE = 2**18

# A model is switched on or off in a channel if its flux differs by this factor from either neighbour: in 28 cubes, full
# of confetti in part, it was 0.62 to 2.1 times that of the nearer one, but for a channel with 3.8 times, which was bad.
# And by the flux of a source of so many sigma: components of the highest peaks of noise come and go.
SWITCHED, SWITCHED_SIGMA = 3.0, 20.0
# It is off, and not just without emission, if this part of the emission of either neighbour is in its residual.
LEFT_IN_RESIDUAL = 0.3
# Of the largest flux of a cube: smooth lines are off by 0.03 to 0.1 of it, and where fluxes alternate by 1.
ALTERNATING_PART = 0.25
# One odd channel, with a maser, without data or diverged, makes three differences of alternating sign. In 83 cubes
# there were at most two in a row, three beside a flagged channel.
MOST_BY_ONE_CHANNEL = 3
# Of the difference: each channel is cleaned from its own residual, so that both of a pair get components. A real line
# in every other channel leaves those between nearly empty.
LEAST_BETWEEN = 0.1
# A clean of noise sums peaks of either sign: the flux scatters by 0.86 to 0.99 of the root of sigma times the sum of
# |M|, whether it stops at 3.2 sigma or at 1.5. In 17 cubes of noise no difference was 2.6 times as large.
BEYOND_NOISE = 3.0

# Of a plane of a model: sums of M and of |M| in each row [y], in Jy; number of components, and of pixels that are NaN;
# and places (y, x) of the bright components, [n, 2].
Content = namedtuple("Content", "flux total components unknown bright")


def disc(radius, step=1.0):
    """Offsets (dy, dx) of the pixels within ``radius`` pixels, ``step`` pixels apart, as a 2D integer array [m, 2]."""
    return _annulus(0.0, radius, step)


def ring(beam, samples=3):
    """
    Offsets of the pixels in the ring around a beam.

    Parameters
    ----------
    beam : float
        FWHM of the restoring beam, in pixels.
    samples : float
        Pixels per beam width. An image has no structure finer than half a beam: more than three cost time and add
        nothing.

    Returns
    -------
    offsets : 2D int `~numpy.ndarray`
        (dy, dx) of the pixels of the ring, [m, 2].
    """
    return _annulus(RING_INNER_BEAMS * beam, RING_OUTER_BEAMS * beam, beam / samples)


def _annulus(inner, outer, step):
    step = max(step, 1.0)
    reach = int(outer / step)
    y, x = np.rint(step * np.mgrid[-reach : reach + 1, -reach : reach + 1]).astype(int)
    radius = np.hypot(y, x)
    inside = (radius >= inner) & (radius <= outer)
    return np.column_stack([y[inside], x[inside]])


def content_of(plane, limit):
    """
    Measure what a plane of a model contains.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel.
    limit : float
        Brightness of the components that are listed; NaN for none.

    Returns
    -------
    content : `Content`
        Sums over the components: pixels that are neither 0 nor NaN.
    """
    flux, total = np.zeros((2, len(plane)))
    components, unknown, bright = 0, 0, [np.zeros((0, 2), dtype=int)]
    at_once = max(1, SEARCHED_AT_ONCE // plane.shape[1])
    for start in range(0, len(plane), at_once):
        part = plane[start : start + at_once]
        number = np.count_nonzero(part != 0)
        if number == 0:  # as in most of an ordinary model
            continue
        rows = slice(start, start + len(part))
        flux[rows] = part.sum(axis=1, dtype=float)
        if np.isnan(flux[rows]).any():
            blank = np.isnan(part)
            part = np.where(blank, np.float32(0), part)
            unknown += np.count_nonzero(blank)
            flux[rows] = part.sum(axis=1, dtype=float)
        magnitude = np.abs(part)
        total[rows] = magnitude.sum(axis=1, dtype=float)
        components += number
        y, x = np.divmod(np.flatnonzero(magnitude > limit), plane.shape[1])
        bright.append(np.column_stack([y + start, x]))
    return Content(flux, total, components - unknown, unknown, np.concatenate(bright))


def minimum_contrast(noise, nsigma):
    """Minimum contrast of the hot pixels of each channel in Jy, as float32; parameters as for `hot_pixels`."""
    return (nsigma * noise).astype(np.float32)


def least_brightness(noise, nsigma):
    """
    Brightness in Jy that the hot pixels of each channel exceed, as float32; parameters as for `hot_pixels`.

    A hot pixel is at least as far from zero as its surroundings, so its contrast is at most twice its value. Half the
    minimum contrast leaves 2 % of the voxels of a deep clean, and 0.6 % of an ordinary one, to be searched.
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
    pixels = pixels[np.abs(values_at(model, pixels)) == reduce_around(model, pixels, INNER, _largest_magnitude)]
    contrasts = contrast(model, pixels)
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
        As `narrowness`, of the two channels together: 0 if no channel but the brighter one of the adjacent two has it
        too. NaN if all channels around are missing.
    """
    steps = np.array([[-2, 0, 0], [-1, 0, 0], [1, 0, 0], [2, 0, 0]])
    far_before, before, after, far_after = (_best_contrast(model, pixels + step, INNER, contrasts) for step in steps)
    with_before, with_after = np.fmax(far_before, after), np.fmax(before, far_after)
    return np.where(before > after, with_before, with_after) / np.abs(contrasts)


def pointlikeness(model, pixels, contrasts):
    """1 minus the largest same-sign contrast of the adjacent pixels, as a fraction of its own: 1 for a single pixel."""
    next_to = INNER[np.any(INNER != 0, axis=1)]
    return 1 - _best_contrast(model, pixels, next_to, contrasts) / np.abs(contrasts)


def _best_contrast(model, pixels, offsets, contrasts):
    """Largest contrast at the offsets, of the sign of the given contrasts; 0 if all have the opposite sign."""
    best, positive = np.empty(len(pixels), dtype=np.float32), contrasts > 0
    for some, outermost in ((positive, _largest), (~positive, _smallest)):
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
        surround compensates the hot pixel fully, 0 if there is none. Of four radii from 2 pixels to 1.5 beams, the one
        that compensates most.
    """
    radii = np.linspace(SURROUND_INNER_PIXELS, SURROUND_OUTER_BEAMS * beam, 4)
    before, after = (_totals_within(model, neighbours, radii) for neighbours in _neighbours(pixels))
    beside = np.where(np.isnan(before), after, np.where(np.isnan(after), before, (before + after) / 2))
    excess = _totals_within(model, pixels, radii) - beside
    return np.fmin.reduce((excess - contrasts) / contrasts)


def _totals_within(model, pixels, radii):
    """Sums over the discs of some radii about each pixel, once for each disc, [disc, n]; NaN where all is missing."""
    edges = np.sort(radii)
    offsets = disc(edges[-1])
    distance = np.hypot(*offsets.T)
    rings = [offsets[(distance > inner) & (distance <= outer)] for inner, outer in zip([-1, *edges], edges)]
    # A beam of two pixels has several of the radii between the same pixels.
    totals = np.array([reduce_around(model, pixels, some, _total) for some in rings if len(some)])
    missing = np.logical_and.accumulate(np.isnan(totals))
    return np.where(missing, np.nan, np.nancumsum(totals, axis=0, dtype=np.float32))


def height_above_ring(cube, pixels, ring_offsets):
    """
    Height of each pixel above its local background.

    Parameters
    ----------
    cube : 3D float32 `~numpy.ndarray`
        Image in Jy/beam.
    pixels : 2D int `~numpy.ndarray`
        Pixels to measure, [n, 3].
    ring_offsets : 2D int `~numpy.ndarray`
        Offsets of the background pixels, from `ring`: their median is the background.

    Returns
    -------
    height : 1D float32 `~numpy.ndarray`
        In Jy/beam. NaN for missing channels and blank pixels.
    """
    return reduce_around(cube, pixels, CENTRE, _largest) - reduce_around(cube, pixels, ring_offsets, median)


def spike(heights):
    """
    Measure the point source that a channel has and its neighbours do not.

    Parameters
    ----------
    heights : 2D float32 `~numpy.ndarray`
        `height_above_ring` of some positions in a channel and in `REACH_CHANNELS` on either side of it, in channel
        order, [n, 7].

    Returns
    -------
    spike : 1D float32 `~numpy.ndarray`
        Height in the channel minus that in the neighbour that leaves less: the mean of both would leak half of a spike
        into the adjacent channels. 0 if the two disagree about the sign, NaN if both neighbours are missing.
    """
    before, here, after = heights[:, REACH_CHANNELS - 1 : REACH_CHANNELS + 2].T
    return smaller(here - before, here - after)


def smaller(first, second):
    """Of two values the one nearer to zero: the other where one is NaN, and 0 where they disagree about the sign."""
    first, second = np.where(np.isnan(first), second, first), np.where(np.isnan(second), first, second)
    nearer = np.where(np.abs(first) < np.abs(second), first, second)
    return np.where(np.sign(first) * np.sign(second) < 0, 0, nearer)


def above_neighbours(heights):
    """Height in a channel minus the median of the channels around it, as a 1D array; heights as for `spike`."""
    return heights[:, REACH_CHANNELS] - median(np.delete(heights, REACH_CHANNELS, axis=1))


def above_line(heights):
    """
    Height in a channel minus that of a line through the nearest channels, where one side has fewer than the other.

    At the end of a cube, and beside blank channels, the median of the channels around is that of one side, and emission
    that grows towards the end of a cube is above it in the last channel.

    Parameters
    ----------
    heights : 2D float32 `~numpy.ndarray`
        As for `spike`, NaN where there is no channel.

    Returns
    -------
    above : 1D float32 `~numpy.ndarray`
        Height above the line through the nearest channel on either side, or through the nearest two if there are none
        on the other side. NaN where both sides have the same number of channels.
    """
    before, after = heights[:, REACH_CHANNELS - 1 :: -1], heights[:, REACH_CHANNELS + 1 :]
    above = np.full(len(heights), np.nan, dtype=np.float32)
    unequal = np.isnan(before).sum(axis=1) != np.isnan(after).sum(axis=1)
    above[unequal] = heights[unequal, REACH_CHANNELS] - _line(before[unequal], after[unequal])
    return above


def _line(before, after):
    (steps_before, low), (steps_after, high) = _known(before, 1), _known(after, 1)
    between = (low * steps_after + high * steps_before) / (steps_before + steps_after)
    return np.where(np.isnan(low), _continued(after), np.where(np.isnan(high), _continued(before), between))


def _continued(side):
    """Value in the channel of a line through the nearest two of one side; that of the nearest one if it is alone."""
    (steps, value), (more_steps, other) = _known(side, 1), _known(side, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        continued = value + (value - other) * steps / (more_steps - steps)
    return np.where(np.isnan(other), value, continued)


def _known(side, number):
    """How many channels away the first or second known value of each row is, [n, 3] in order of distance; its value."""
    known = ~np.isnan(side)
    wanted = known & (np.cumsum(known, axis=1) == number)
    place = np.argmax(wanted, axis=1)
    value = np.where(wanted.any(axis=1), side[np.arange(len(side)), place], np.float32(np.nan))
    return (place + 1).astype(np.float32), value


def alternating(fluxes, totals, noise):
    """
    Find channels whose fluxes alternate, as those of a spectrum of which only means of two neighbours were fitted.

    Parameters
    ----------
    fluxes : 1D `~numpy.ndarray`
        Model flux of each channel in Jy, in channel order; NaN where it is unknown.
    totals : 1D `~numpy.ndarray`
        Sum of the absolute values of the model of each channel in Jy.
    noise : 1D `~numpy.ndarray`
        rms noise of each channel in Jy/beam.

    Returns
    -------
    channels : list of int
        Consecutive channels, at least `MOST_BY_ONE_CHANNEL` + 1 of them, whose flux is off the mean of both neighbours
        by `ALTERNATING_PART` of the largest flux and more, and by more than noise makes, each time with the other sign.
    """
    differences = fluxes[1:-1] - (fluxes[:-2] + fluxes[2:]) / 2
    variances = noise * totals
    by_noise = np.sqrt(variances[1:-1] + (variances[:-2] + variances[2:]) / 4)
    least = np.maximum(ALTERNATING_PART * np.nanmax(np.abs(fluxes), initial=0), BEYOND_NOISE * by_noise)
    between = totals[1:-1] >= LEAST_BETWEEN * np.abs(differences)
    sign = np.where((np.abs(differences) >= least) & between, np.sign(differences), 0)
    ends = np.flatnonzero(sign[1:] * sign[:-1] >= 0) + 1
    runs = np.split(np.arange(len(sign)), ends)
    return [int(place) + 1 for run in runs if len(run) > MOST_BY_ONE_CHANNEL for place in run]


def switched(totals, before, after, noise):
    """
    Find channels in which the model is switched on or off.

    Parameters
    ----------
    totals, before, after : 2D `~numpy.ndarray`
        Sum of the absolute values of each row [channel, y] of the model, of each channel and of those on either side,
        in Jy. What both have in the same rows counts: either may have a maser of its own.
    noise : 1D `~numpy.ndarray`
        rms noise of each channel in Jy/beam.

    Returns
    -------
    state : 1D str `~numpy.ndarray`
        'off' where the model has less than 1 / `SWITCHED` of what either neighbour has, 'on' where it has more than
        `SWITCHED` times as much, each time with a difference of at least `SWITCHED_SIGMA` times the noise; else 'no'.
    """
    lower, higher = np.minimum(before, after).sum(axis=1), np.maximum(before, after).sum(axis=1)
    totals = totals.sum(axis=1)
    least = SWITCHED_SIGMA * noise
    off = (SWITCHED * totals < lower) & (lower - totals >= least)
    on = (totals > SWITCHED * higher) & (totals - higher >= least)
    return np.select([off, on], ["off", "on"], "no")


def part_left(model, image, residual):
    """
    Part of the emission of a channel that is in the residual of another.

    Parameters
    ----------
    model, image : 2D float32 `~numpy.ndarray`
        Model of the one in Jy/pixel, which says where its emission is, and its image in Jy/beam.
    residual : 2D float32 `~numpy.ndarray`
        Residual of the other in Jy/beam; NaN where it is blank.

    Returns
    -------
    part : float
        Mean residual at the components, divided by the mean image there, weighted with the components.
    """
    known = np.isfinite(image + residual)
    weights = np.where(known, np.nan_to_num(model), 0).astype(float)
    return float((weights * np.nan_to_num(residual)).sum() / ((weights * np.nan_to_num(image)).sum() or 1))


def places_within(pixels, radius, shape):
    """
    Find all positions near some pixels, each of them once.

    Parameters
    ----------
    pixels : 2D int `~numpy.ndarray`
        Pixels (y, x) of a plane, [n, 2].
    radius : float
        Search radius in pixels. Five positions across the diameter are enough, so a large radius is sampled more
        coarsely.
    shape : tuple of int
        Shape of the plane.

    Returns
    -------
    places : 2D int `~numpy.ndarray`
        Positions (y, x) near any of the pixels, [m, 2].
    of_pixel : 2D int `~numpy.ndarray`
        Rows of ``places`` near each pixel, [n, k]; the pixel itself is in the middle.
    """
    # Positions beyond the image are moved to its edge, which is nearer still.
    near = np.clip(pixels[:, np.newaxis] + disc(radius, radius / 2.5), 0, np.array(shape) - 1)
    places, of_pixel = np.unique(np.ravel_multi_index(tuple(near.T), shape), return_inverse=True)
    return np.column_stack(np.unravel_index(places, shape)), of_pixel.reshape(near.shape[1::-1]).T


def largest(values, rows):
    """Value of largest magnitude among the ``rows`` of each pixel, [n, k], with its sign; NaN where all are NaN."""
    chosen = values[rows]
    best = np.argmax(np.where(np.isnan(chosen), -1, np.abs(chosen)), axis=1)
    return chosen[np.arange(len(rows)), best]


def _neighbours(pixels):
    step = np.array([1, 0, 0])
    return pixels - step, pixels + step


def values_at(cube, pixels):
    """Value of the cube at each pixel."""
    return cube[tuple(pixels.T)]


def reduce_around(cube, pixels, offsets, reduce):
    """
    Reduce the values around each pixel to one.

    Parameters
    ----------
    cube : 3D float32 `~numpy.ndarray`
        Any cube.
    pixels : 2D int `~numpy.ndarray`
        Central pixels, [n, 3]; channels beyond the cube are missing.
    offsets : 2D int `~numpy.ndarray`
        (dy, dx) of the values relative to the central pixel, [m, 2].
    reduce : callable
        Takes a 2D array [n, m], NaN where a pixel is blank or beyond the cube, and returns a 1D array [n].

    Returns
    -------
    reduced : 1D float32 `~numpy.ndarray`
        One value per pixel; NaN where everything around it is missing.
    """
    reduced = np.empty(len(pixels), dtype=np.float32)
    batch = max(1, GATHERED_AT_ONCE // len(offsets))
    inside = _surrounded(cube.shape, pixels, offsets)
    edge = np.flatnonzero(~inside)
    for start in range(0, len(edge), batch):
        some = edge[start : start + batch]
        reduced[some] = reduce(_gather_at_the_edge(cube, pixels[some], offsets))
    inside = np.flatnonzero(inside) if len(edge) else slice(None)
    reduced[inside] = _reduce_inside(cube, pixels[inside], offsets, reduce, batch)
    return reduced


def _surrounded(shape, pixels, offsets):
    """Whether the offsets of each pixel are all within the cube."""
    reach = np.abs(offsets).max(axis=0)
    low, high = np.array([0, *reach]), np.array(shape) - [0, *reach]
    return ((pixels >= low) & (pixels < high)).all(axis=1)


def _reduce_inside(cube, pixels, offsets, reduce, batch):
    """Reduce the values around pixels whose offsets are all within the cube, in two buffers that are used again."""
    places, steps = np.ravel_multi_index(tuple(pixels.T), cube.shape), offsets @ [cube.shape[2], 1]
    reduced = np.empty(len(pixels), dtype=np.float32)
    around = np.empty((min(batch, len(pixels)), len(offsets)), dtype=np.intp)
    values = np.empty(around.shape, dtype=cube.dtype)
    flat = cube.ravel()
    for start in range(0, len(pixels), batch):
        some = places[start : start + batch]
        number = len(some)
        np.add(some[:, np.newaxis], steps, out=around[:number])
        # Any other mode than 'raise' lets numpy write into the buffer without a copy.
        reduced[start : start + batch] = reduce(np.take(flat, around[:number], out=values[:number], mode="clip"))
    return reduced


def _gather_at_the_edge(cube, pixels, offsets):
    channel = pixels[:, 0, np.newaxis]
    y = pixels[:, 1, np.newaxis] + offsets[:, 0]
    x = pixels[:, 2, np.newaxis] + offsets[:, 1]
    number, height, width = cube.shape
    inside = (channel >= 0) & (channel < number) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    values = cube[channel.clip(0, number - 1), y.clip(0, height - 1), x.clip(0, width - 1)]
    values[~inside] = np.nan
    return values


def median(values):
    """Median of each row, ignoring NaN: a faster `numpy.nanmedian`."""
    ordered = np.sort(values, axis=1)  # NaN last
    number = ordered.shape[1]
    with_nan = np.isnan(ordered[:, -1])
    if not with_nan.any():
        return (ordered[:, (number - 1) // 2] + ordered[:, number // 2]) / 2
    number = np.full(len(ordered), number)
    number[with_nan] = np.count_nonzero(~np.isnan(ordered[with_nan]), axis=1)
    rows = np.arange(len(ordered))
    return (ordered[rows, (number - 1) // 2] + ordered[rows, number // 2]) / 2


def _largest(values):
    return np.fmax.reduce(values, axis=1)


def _smallest(values):
    return np.fmin.reduce(values, axis=1)


def _largest_magnitude(values):
    return np.fmax.reduce(np.abs(values), axis=1)


def _total(values):
    blank = np.isnan(values)
    if not blank.any():  # as nearly always; the rest takes twice as long
        return values.sum(axis=1)
    return np.where(blank.all(axis=1), np.nan, np.nansum(values, axis=1))
