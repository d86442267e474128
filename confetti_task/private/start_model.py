"""What bad channels start from when they are cleaned again."""

import os
from functools import partial

import numpy as np

from .images import read_channels, read_start_model
from .remedy import interpolation_weights, is_continuum


def zero_start(cube, recorded):
    """
    Start bad channels from nothing, or from the continuum.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The old images.
    recorded : list of str
        Start models that tclean was given.

    Returns
    -------
    start_plane : callable
        Plane [y, x] in Jy/pixel of a polarization and a channel.
    what : str
        What it is, in words.
    """
    if not recorded:
        return _empty_plane(cube), "nothing"
    reason = _why_not(cube, recorded)
    if reason:
        return _empty_plane(cube), f"nothing, because the start model {' and '.join(recorded)} of tclean {reason}"
    return partial(read_start_model, recorded[0], cube), f"the continuum of {recorded[0]}"


def _why_not(cube, recorded):
    if len(recorded) > 1:
        return "is more than one image"
    if not os.path.exists(recorded[0]):
        return "is no longer there"
    middle, last = cube.channels // 2, cube.channels - 1
    planes = [read_start_model(recorded[0], cube, 0, channel) for channel in (0, middle, last)]
    if any(plane is None for plane in planes):
        return "is on another grid"
    if not is_continuum(planes, middle / last):
        return "is not of the continuum alone"
    return None


def _empty_plane(cube):
    return lambda polarization, channel: np.zeros(cube.lengths[2:], dtype=np.float32)


def interpolated_start(cube, bad):
    """
    Start bad channels from the nearest good ones on either side.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The old images.
    bad : sequence of int
        The bad channels.

    Returns
    -------
    start_plane : callable
        Plane [y, x] in Jy/pixel of a polarization and a channel.
    what : str
        What it is, in words.
    """
    good = np.setdiff1d(np.arange(cube.channels), bad)

    def start_plane(polarization, channel):
        plane = np.zeros(cube.lengths[2:], dtype=np.float32)
        for neighbour, weight in interpolation_weights(channel, good).items():
            plane += weight * np.nan_to_num(read_channels(cube, "model", polarization, neighbour, neighbour)[0])
        return plane

    return start_plane, "the nearest good channels"
