"""Windows in which planes are transformed: whole planes if they are small enough."""

from itertools import product

import numpy as np
from scipy.fft import next_fast_len

from ..core.transforms import padded
from .pixels import read_channels

# Planes up to this length are transformed whole, larger ones in windows. What is used of a window is a quarter of it or
# more from its edges; emission beyond these is ignored: 190 beams away at five pixels per beam.
WINDOW = 4096
# Length of the windows of larger planes, as a fraction of that, and of their transforms, as a fraction of the windows.
# They take no more memory than windows of `WINDOW` would without padding, which makes false heights of bright emission
# 1.4 times as large: it is aliased to the other edge.
#
# The PSF is as long as the transform, and so longer than the window. A truncated PSF blurs the uv tracks, to the
# inverse of its length, and the cells next to them then count as measured: in a plane of 6144 pixels and with full
# tracks, the share of a point source is 0.010 to 0.018 less than in the whole plane, where a PSF of 4096 pixels has
# 0.019 to 0.030 less, padded or not.
WINDOW_LENGTH, PADDING = 15 / 16, 5 / 4


def window_of(shape):
    """Height and width of the windows of a plane."""
    return tuple(length if length <= WINDOW else int(WINDOW_LENGTH * WINDOW) for length in shape)


def transform_of(shape):
    """Height and width of the transform of a window of a plane."""
    return tuple(
        padded(length) if length <= WINDOW else next_fast_len(int(PADDING * window), real=True)
        for length, window in zip(shape, window_of(shape))
    )


def transform_of_samples(shape, step, margin):
    """The same for every ``step``-th row of a window with a margin; the height is a multiple of the step."""
    with_margin = [length + 2 * margin for length in window_of(shape)]
    height, width = (max(lengths) for lengths in zip(transform_of(shape), with_margin))
    return step * next_fast_len(-(-height // step)), next_fast_len(width, real=True)


def windows(shape):
    """First pixel of every window, and the box used of it: up to the middle of its overlap with the next one."""
    for (bottom, rows), (left, columns) in product(*map(_along_an_axis, shape, window_of(shape))):
        yield (bottom, left), (rows, columns)


def _along_an_axis(length, window):
    """First pixel of each window, all of them inside the plane, and the range used of it."""
    steps = -(-(length - window) // max(window // 2, 1))  # half of each window or more is in the next one too
    starts = np.linspace(0, length - window, steps + 1).astype(int).tolist()
    cuts = [0, *((start + window + after) // 2 for start, after in zip(starts, starts[1:])), length]
    return list(zip(starts, zip(cuts, cuts[1:])))


def read_window(cube, product, polarization, channel, corner):
    """Read a window of a channel, as a cube of one channel."""
    box = [(start, start + length) for start, length in zip(corner, window_of(cube.shape[2:]))]
    return read_channels(cube, product, polarization, channel, channel + 1, *box)


def read_psf(cube, polarization, channel):
    """Read the PSF of a channel, as large as a transform, with its peak at the central pixel; None if there is none."""
    if not cube.has("psf", channel):
        return None
    # The peak of the PSF is at pixel length // 2, and stays there in a central part.
    shape = cube.shape[2:]
    sizes = [min(length, transform) for length, transform in zip(shape, transform_of(shape))]
    starts = [length // 2 - size // 2 for length, size in zip(shape, sizes)]
    box = [(start, start + size) for start, size in zip(starts, sizes)]
    return read_channels(cube, "psf", polarization, channel, channel + 1, *box)[0]


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
