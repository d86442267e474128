"""Windows in which planes are transformed: whole planes if they are small enough."""

from itertools import product

import numpy as np
from scipy.fft import next_fast_len

from ..core.transforms import padded, window_shape
from .pixels import read_channels

# Planes up to this length are transformed whole, larger ones in windows of this length, whose middle half is used.
# Emission more than a quarter of the window away is then ignored: 200 beams at five pixels per beam, which is the
# primary beam if the longest baseline is 2 km. For the same reason aliasing does no harm there, and windows are not
# padded.
WINDOW = 4096


def window_of(shape):
    """Height and width of the windows of a plane."""
    return window_shape(shape, WINDOW)


def transform_of(shape):
    """Height and width of the transform of a window of a plane."""
    return tuple(padded(length) if length <= WINDOW else WINDOW for length in shape)


def transform_of_samples(shape, step, margin):
    """The same for every ``step``-th row of a window with a margin; the height is a multiple of the step."""
    with_margin = [length + 2 * margin for length in window_of(shape)]
    height, width = (max(lengths) for lengths in zip(transform_of(shape), with_margin))
    return step * next_fast_len(-(-height // step)), next_fast_len(width, real=True)


def windows(shape):
    """First pixel of every window, and the box used of it: its middle if there is more than one window."""
    axes = [
        [(0, (0, length))]
        if length <= WINDOW
        else [(start - WINDOW // 4, (start, start + WINDOW // 2)) for start in range(0, length, WINDOW // 2)]
        for length in shape
    ]
    for (bottom, rows), (left, columns) in product(*axes):
        yield (bottom, left), (rows, columns)


def read_window(cube, product, polarization, channel, corner):
    """Read a window of a channel, as a cube of one channel; NaN beyond the edges of the image."""
    size = window_of(cube.shape[2:])
    box = [(max(start, 0), min(start + length, end)) for start, length, end in zip(corner, size, cube.shape[2:])]
    planes = read_channels(cube, product, polarization, channel, channel + 1, *box)
    if planes.shape[1:] == size:
        return planes
    window = np.full((1, *size), np.nan, dtype=np.float32)
    inside = tuple(slice(low - start, high - start) for (low, high), start in zip(box, corner))
    window[(slice(None), *inside)] = planes
    return window


def read_psf(cube, polarization, channel):
    """Read the PSF of a channel, as large as a window, with its peak at the central pixel; None if there is none."""
    if not cube.has("psf", channel):
        return None
    # The peak of the PSF is at pixel length // 2, and stays there in a central part as large as a window.
    shape = cube.shape[2:]
    starts = [length // 2 - size // 2 for length, size in zip(shape, window_of(shape))]
    return read_window(cube, "psf", polarization, channel, starts)[0]


def read_middle_of_psf(cube, polarization, channel, reach):
    """Read as many rows of the PSF on either side of its peak, which is at the central pixel; None if there is none."""
    if not cube.has("psf", channel):
        return None
    height, width = cube.shape[2:]
    _, used = window_of((height, width))
    middle, left = height // 2, width // 2 - used // 2
    reach = min(reach, height - 1 - middle)
    rows, columns = (middle - reach, middle + reach + 1), (left, left + used)
    return read_channels(cube, "psf", polarization, channel, channel + 1, rows, columns)[0]
