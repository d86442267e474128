"""Start models of bad channels: planes [y, x] in Jy/pixel."""

import numpy as np

from ..images.pixels import read_channel

# Number of good channels that are compared: a source whose line is in all of them is as good as continuum.
COMMON_CHANNELS = 16
# What fewer channels have in common may be noise of the same sign; then bad channels start from zero.
LEAST_COMMON_CHANNELS = 4


def start_from_continuum(cube, bad):
    """
    Start bad channels from what good channels all over the cube have in common, the continuum, or else from zero.

    A continuum start model is in all channels. It is taken from there and not from its file, which may be gone, on
    another grid, or the model of an earlier clean with its confetti.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The old images.
    bad : sequence of int
        The bad channels.

    Returns
    -------
    start_plane : callable
        Function of a polarization and a channel that returns its start model.
    """
    good = np.setdiff1d(np.arange(cube.channels), bad)
    enough = len(good) >= LEAST_COMMON_CHANNELS
    sample = np.unique(good[np.linspace(0, len(good) - 1, COMMON_CHANNELS).astype(int)]) if enough else []
    planes = [_common(cube, polarization, sample) for polarization in range(cube.shape[0])]
    return lambda polarization, channel: planes[polarization]


def _common(cube, polarization, channels):
    """For each pixel the model value nearest to zero, if all have the same sign; else 0."""
    low, high = (np.full(cube.shape[2:], value, dtype=np.float32) for value in (np.inf, -np.inf))
    for channel in channels:
        model = _read_model(cube, polarization, channel)
        if model.any():  # flagged or uncleaned channels do not show the continuum
            low, high = np.minimum(low, model), np.maximum(high, model)
    common = np.where(low > 0, low, np.where(high < 0, high, 0))
    return np.where(np.isfinite(common), common, 0)


def start_from_neighbours(cube, bad):
    """
    Start bad channels from a linear interpolation between the nearest good ones on either side.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The old images.
    bad : sequence of int
        The bad channels.

    Returns
    -------
    start_plane : callable
        Function of a polarization and a channel that returns its start model.
    """
    good = np.setdiff1d(np.arange(cube.channels), bad)

    def start_plane(polarization, channel):
        plane = np.zeros(cube.shape[2:], dtype=np.float32)
        for neighbour, weight in _interpolation_weights(channel, good).items():
            plane += weight * _read_model(cube, polarization, neighbour)
        return plane

    return start_plane


def _interpolation_weights(channel, good):
    low, high = good[good < channel], good[good > channel]
    if len(low) and len(high):
        part = (channel - low[-1]) / (high[0] - low[-1])
        return {low[-1]: 1 - part, high[0]: part}
    return dict.fromkeys((*low[-1:], *high[:1]), 1.0)


def _read_model(cube, polarization, channel):
    return np.nan_to_num(read_channel(cube, "model", polarization, channel))
