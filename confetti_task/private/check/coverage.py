"""The coverage of a cube without a PSF, from its residual: pure functions of a cube and a channel."""

from collections import namedtuple
from itertools import product

import numpy as np

from ..core.residual_power import LEAST_PLANES, POWER_WINDOW, is_resolved, measure_power, taper, without_leakage
from ..core.transforms import window_shape
from ..images.pixels import read_channel

# Channels, spread over the cube, and windows along each axis, spread over the plane: their mean is known to 3 %.
CHANNELS, WINDOWS = 64, 4
# Windows with less than this fraction of the data of the fullest one are left out: their power is too low.
FULL = 0.9

# Power of the residual at all spatial frequencies, from `core.residual_power.without_leakage`, and height and width of
# the windows. Small, so that it travels with every job.
Coverage = namedtuple("Coverage", "power shape")


def channels_to_measure(cube):
    """The channels in which the coverage is measured: none if the images are too small."""
    if not is_resolved(window_shape(cube.shape[2:], POWER_WINDOW), cube.beam):
        return []
    return np.unique(np.linspace(0, cube.channels - 1, CHANNELS).astype(int)).tolist()


def measure_channel_power(cube, polarization, channel):
    """
    Measure the power of the residual of a channel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        The channel.

    Returns
    -------
    power : 2D float32 `~numpy.ndarray` or float
        Sum over its windows, from `core.residual_power.measure_power`; 0 if all are blank.
    planes : int
        Number of windows.
    """
    boxes = product(*(_places(length) for length in cube.shape[2:]))
    planes = [read_channel(cube, "residual", polarization, channel, *box) for box in boxes]
    data = [_data_in(plane) for plane in planes]
    powers = [measure_power(plane, cube.beam) for plane, here in zip(planes, data) if here >= FULL * max(data)]
    powers = [power for power in powers if power is not None]
    return sum(powers), len(powers)


def _places(length):
    """First and end pixel of the windows along an axis."""
    size = min(length, POWER_WINDOW)
    number = min(WINDOWS, length // size)
    if number == 1:
        return [((length - size) // 2, (length + size) // 2)]
    return [(start, start + size) for start in np.linspace(0, length - size, number).astype(int).tolist()]


def _data_in(plane):
    """Fraction of the squared taper in which there are data; tclean's residual is 0 where there are none."""
    weights = np.multiply.outer(*(taper(length) ** 2 for length in plane.shape))
    return float(np.mean(weights * (np.isfinite(plane) & (plane != 0))))


def coverage_of(parts, shape):
    """
    The coverage of a cube.

    Parameters
    ----------
    parts : list of tuple
        What `measure_channel_power` returned for some channels.
    shape : tuple of int
        Height and width of the images.

    Returns
    -------
    coverage : `Coverage` or None
        None if there are too few planes.
    """
    number = sum(planes for _, planes in parts)
    if number < LEAST_PLANES:
        return None
    windows = window_shape(shape, POWER_WINDOW)
    return Coverage(without_leakage(sum(power for power, _ in parts) / number, windows, number), windows)
