"""Spikes: what a channel has and the channels around it do not, from heights above the ring, [n, channel]."""

import numpy as np

from .surroundings import median

# A channel is compared with the median of three channels on either side: up to two of these six may be bad themselves,
# as the neighbours of bad channels often are, without hiding it.
REACH_CHANNELS = 3


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
