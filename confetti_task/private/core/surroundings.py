"""
Values around pixels of a cube, and what they are reduced to.

Cubes are 3D float32 arrays [channel, y, x], NaN where they are blank. ``pixels`` is a 2D integer array [n, 3] of
(channel, y, x); functions return one value per pixel. A channel that is blank or beyond the ends of the cube is a
missing neighbour and is ignored.
"""

import numpy as np

# Offset (dy, dx) of a pixel itself.
CENTRE = np.array([(0, 0)])
# Radii of the ring around a beam, in units of its FWHM: close enough to follow extended emission, and far enough that a
# Gaussian beam at its centre adds no more than 0.106 of its peak at the inner edge, and 0.0001 at the outer one.
RING_INNER_BEAMS = 0.9
RING_OUTER_BEAMS = 1.8
# Values gathered at once, however many hot pixels a channel has: 0.5 MB of float32 and 1 MB of indices, which stay in
# the cache. With a quarter of that, one thread is as fast, but two, which wait for each other, take a third longer.
GATHERED_AT_ONCE = 2**17


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
        Pixels per beam width. An image has no structure finer than half a beam, so more than three cost time and add
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
    return reduce_around(cube, pixels, CENTRE, maximum) - reduce_around(cube, pixels, ring_offsets, median)


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
    near = positions_within(pixels, radius, shape)
    places, of_pixel = np.unique(np.ravel_multi_index(tuple(near.T), shape), return_inverse=True)
    return np.column_stack(np.unravel_index(places, shape)), of_pixel.reshape(near.shape[1::-1]).T


def positions_within(pixels, radius, shape):
    """All positions (y, x) near each of some pixels, [n, k, 2], as for `places_within`."""
    # Positions beyond the image are moved to its edge, which is nearer still.
    return np.clip(pixels[:, np.newaxis] + disc(radius, radius / 2.5), 0, np.array(shape) - 1)


def largest(values, rows):
    """Value of largest magnitude among the ``rows`` of each pixel, [n, k], with its sign; NaN where all are NaN."""
    chosen = values[rows]
    best = np.argmax(np.where(np.isnan(chosen), -1, np.abs(chosen)), axis=1)
    return chosen[np.arange(len(rows)), best]


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
    inside = np.ones(len(pixels), dtype=bool)
    # Axis by axis: three long columns are compared faster than many short rows.
    for along, length, reach in zip(pixels.T, shape, (0, *np.abs(offsets).max(axis=0))):
        inside &= (along >= reach) & (along < length - reach)
    return inside


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
    middle = _middle(ordered, ordered.shape[1])
    with_nan = np.isnan(ordered[:, -1])
    if with_nan.any():
        ordered = ordered[with_nan]
        middle[with_nan] = _middle(ordered, np.count_nonzero(~np.isnan(ordered), axis=1))
    return middle


def _middle(ordered, number):
    """Median of the first ``number`` values of each row, in ascending order."""
    rows = np.arange(len(ordered))
    return (ordered[rows, (number - 1) // 2] + ordered[rows, number // 2]) / 2


def maximum(values):
    """Maximum of each row, ignoring NaN."""
    return np.fmax.reduce(values, axis=1)


def minimum(values):
    """Minimum of each row, ignoring NaN."""
    return np.fmin.reduce(values, axis=1)


def largest_magnitude(values):
    """Largest magnitude in each row, ignoring NaN."""
    return np.fmax.reduce(np.abs(values), axis=1)


def total(values):
    """Sum of each row, ignoring NaN; NaN where there is nothing else."""
    sums = values.sum(axis=1)
    blank = np.isnan(sums)
    if blank.any():
        some = values[blank]
        sums[blank] = np.where(np.isnan(some).all(axis=1), np.nan, np.nansum(some, axis=1))
    return sums
