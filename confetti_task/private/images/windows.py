"""Windows in which planes are transformed: whole planes where they are small enough."""

from itertools import product

import numpy as np

from ..core.uv_coverage import padded
from .pixels import read_channels

# Planes are transformed whole up to this length, beyond it in windows of it, of which the middle half is used. What is
# more than a quarter of it away then counts for nothing: 200 beams at five pixels a beam, the primary beam where the
# longest baseline has 2 km. That is also why what wraps round does no harm there, and windows are not padded.
WINDOW = 4096


def window_of(shape):
    """Height and width of the windows of a plane."""
    return tuple(min(length, WINDOW) for length in shape)


def transform_of(shape):
    """Height and width of the transform of a window of a plane."""
    return tuple(padded(length) if length <= WINDOW else WINDOW for length in shape)


def windows(shape):
    """First pixel of every window, and the box that is looked at in it: its middle, where there is more than one."""
    axes = [
        [(0, (0, length))]
        if length <= WINDOW
        else [(start - WINDOW // 4, (start, start + WINDOW // 2)) for start in range(0, length, WINDOW // 2)]
        for length in shape
    ]
    for (bottom, rows), (left, columns) in product(*axes):
        yield (bottom, left), (rows, columns)


def read_window(cube, product, polarization, channel, corner):
    """A window of a channel, as a cube of one channel; NaN beyond the edges of the image."""
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
    """The PSF of a channel with its peak at the central pixel, as large as a window; None where there is none."""
    if not cube.has("psf", channel):
        return None
    # The PSF has its peak at the pixel length // 2, and so has the part of it that is as large as a window.
    shape = cube.shape[2:]
    starts = [length // 2 - size // 2 for length, size in zip(shape, window_of(shape))]
    return read_window(cube, "psf", polarization, channel, starts)[0]
