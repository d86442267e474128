"""Clean masks for cleaning bad channels again."""

import numpy as np
from scipy.ndimage import binary_fill_holes, maximum_filter1d

from ..core.surroundings import disc
from ..images.chunks import ROWS_AT_ONCE, strips
from ..images.pixels import read_channel

# Channels in which the clean mask is compared with the model: reading it in all would take as long as the model.
LOOKED_AT = 16
# Part of the flux outside the clean mask from which that is worth a warning: 0.02 where a start model had a continuum
# source there, and all of it may be where a mask was ignored.
MUCH_OUTSIDE = 0.05


def channels_to_clean(cube, bad):
    """
    Clean mask of the bad channels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    bad : sequence of int
        The bad channels.

    Yields
    ------
    where : tuple of int
        Polarization and channel: all polarizations, because a bad channel is cleaned from zero in each.
    plane : 2D bool `~numpy.ndarray`
        True where tclean was allowed to clean in this channel, with holes filled: around emission that it must not
        touch, tclean invents fake sources even with a loop gain of 0.1. With beam-sized holes 11 were left where a
        filled clean mask left none.
    """
    for channel in bad:
        for polarization in range(cube.shape[0]):
            yield (polarization, int(channel)), binary_fill_holes(_old_clean_mask(cube, polarization, int(channel)))


def pixels_to_clean(cube, confetti):
    """
    Clean mask with a hole at each confetti pixel; kept for comparison, because it makes confetti worse.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    confetti : structured `~numpy.ndarray`
        The confetti pixels.

    Yields
    ------
    where : tuple of int
        Polarization and channel.
    plane : 2D bool `~numpy.ndarray`
        The old clean mask with holes one beam across, as in the measurements.
    """
    hole = disc(cube.beam / 2)
    height, width = cube.shape[2:]
    for polarization in range(cube.shape[0]):
        for channel in range(cube.channels):
            here = (confetti["polarization"] == polarization) & (confetti["channel"] == channel)
            plane = _old_clean_mask(cube, polarization, channel, here.any())
            y = np.add.outer(confetti["y"][here], hole[:, 0]).ravel()
            x = np.add.outer(confetti["x"][here], hole[:, 1]).ravel()
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            plane[y[inside], x[inside]] = False
            yield (polarization, channel), plane


def channels_to_look_at(channels, cube):
    """Some of the rows of `CHANNEL` that were cleaned and have a clean mask, all over the cube."""
    rows = [row for row in channels[channels["components"] > 0] if cube.has("mask", int(row["channel"]))]
    return [rows[number] for number in np.unique(np.linspace(0, len(rows) - 1, LOOKED_AT).astype(int))] if rows else []


def part_outside(cube, polarization, channel, reach):
    """
    Measure how much of a model is outside the clean mask.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images, with a clean mask.
    polarization, channel : int
        Polarization and channel.
    reach : int
        How far components may be from the mask, in pixels: multiscale puts scales where their centres are in it.

    Returns
    -------
    part : float
        Of the absolute flux; 0 if there is none.
    """
    height, total, beyond = cube.shape[2], 0.0, 0.0
    for top, bottom in strips(height, ROWS_AT_ONCE):
        around = max(top - reach, 0), min(bottom + reach, height)
        allowed = read_channel(cube, "mask", polarization, channel, around) > 0
        for axis in (0, 1):
            allowed = maximum_filter1d(allowed, 2 * reach + 1, axis=axis)
        flux = np.abs(np.nan_to_num(read_channel(cube, "model", polarization, channel, (top, bottom))))
        total += flux.sum(dtype=float)
        beyond += flux[~allowed[top - around[0] : bottom - around[0]]].sum(dtype=float)
    return beyond / total if total else 0.0


def _old_clean_mask(cube, polarization, channel, bad=True):
    """Clean mask of a channel; all of the primary-beam mask if there is none, or if it is empty in a bad channel."""
    if cube.has("mask", channel):
        plane = _where(lambda mask: mask > 0, cube, "mask", polarization, channel)
        if plane.any() or not bad:
            return plane
    return _where(np.isfinite, cube, "image", polarization, channel)


def _where(condition, cube, product, polarization, channel):
    """Pixels of a plane that meet a condition, read in strips: this takes a quarter of the memory for a large plane."""
    plane = np.empty(cube.shape[2:], dtype=bool)
    for rows in strips(len(plane), ROWS_AT_ONCE):
        plane[slice(*rows)] = condition(read_channel(cube, product, polarization, channel, rows))
    return plane
