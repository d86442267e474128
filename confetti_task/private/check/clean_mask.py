"""Where bad channels are to be cleaned again."""

import numpy as np
from scipy.ndimage import binary_fill_holes

from ..core.statistics import disc
from ..images.chunks import ROWS_AT_ONCE, strips
from ..images.pixels import read_channel


def channels_to_clean(cube, bad):
    """
    Where to clean bad channels again.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The inputs.
    bad : sequence of int
        The bad channels.

    Yields
    ------
    where : tuple of int
        Polarization and channel: all polarizations, because they share the model that is cleaned again from zero.
    plane : 2D bool `~numpy.ndarray`
        True where tclean was allowed to clean in this channel. Holes are filled: around emission that it must
        not touch tclean invents fake sources even at gain 0.1. With beam-sized holes 11 were left where a filled clean
        mask left none.
    """
    for channel in bad:
        for polarization in range(cube.shape[0]):
            yield (polarization, int(channel)), binary_fill_holes(_old_clean_mask(cube, polarization, int(channel)))


def pixels_to_clean(cube, confetti):
    """
    Where to clean again with a hole around each confetti pixel: kept for comparison, because it makes confetti worse.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The inputs.
    confetti : structured `~numpy.ndarray`
        The confetti pixels.

    Yields
    ------
    where : tuple of int
        Polarization and channel.
    plane : 2D bool `~numpy.ndarray`
        The old clean mask with holes one beam across, the size that was measured.
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


def _old_clean_mask(cube, polarization, channel, bad=True):
    """What tclean cleaned in a channel; all of the primary-beam mask where that is unknown, or nothing and yet bad."""
    if cube.has("mask", channel):
        plane = _where(lambda mask: mask > 0, cube, "mask", polarization, channel)
        if plane.any() or not bad:
            return plane
    return _where(np.isfinite, cube, "image", polarization, channel)


def _where(condition, cube, product, polarization, channel):
    """Where the pixels of a plane fulfil a condition, read in strips: a quarter of the memory for a large plane."""
    plane = np.empty(cube.shape[2:], dtype=bool)
    for rows in strips(len(plane), ROWS_AT_ONCE):
        plane[slice(*rows)] = condition(read_channel(cube, product, polarization, channel, rows))
    return plane
