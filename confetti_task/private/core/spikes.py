"""Spikes: what a channel has and its neighbours do not, from heights above the ring in some channels, [n, channel]."""

import numpy as np

from .surroundings import median

# A channel is compared with the median of three channels on either side: up to two of these six may be bad themselves,
# as neighbours of bad channels often are, and it still stands out.
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
        Height in the channel minus that in the brighter neighbour: minus the mean of both, half of a spike would leak
        into the adjacent channels. 0 if the two differences have different signs, NaN if both neighbours are missing.
    """
    before, here, after = heights[:, REACH_CHANNELS - 1 : REACH_CHANNELS + 2].T
    return smaller(here - before, here - after)


def smaller(first, second):
    """The one of two values nearer to zero: the other where one is NaN, and 0 where their signs differ."""
    first, second = np.where(np.isnan(first), second, first), np.where(np.isnan(second), first, second)
    nearer = np.where(np.abs(first) < np.abs(second), first, second)
    return np.where(np.sign(first) * np.sign(second) < 0, 0, nearer)


def above_neighbours(heights):
    """Height in a channel minus the median of the channels around it, as a 1D array; heights as for `spike`."""
    return heights[:, REACH_CHANNELS] - median(np.delete(heights, REACH_CHANNELS, axis=1))


def above_line(heights):
    """
    Height in a channel minus that of a line through the nearest channels, where one side has fewer than the other.

    At the end of a cube, and next to blank channels, the median of the channels around is that of one side, and
    emission that grows towards the end of the cube exceeds it in the last channel.

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
    missing = np.isnan(heights.T)
    unequal = missing[:REACH_CHANNELS].sum(axis=0) != missing[REACH_CHANNELS + 1 :].sum(axis=0)
    above[unequal] = heights[unequal, REACH_CHANNELS] - _line(before[unequal], after[unequal])
    return above


def _line(before, after):
    """Value in the channel of the line; ``before`` and ``after`` are the sides, [n, 3] in order of distance."""
    (steps_before, low), (steps_after, high) = _known(before, 1), _known(after, 1)
    between = (low * steps_after + high * steps_before) / (steps_before + steps_after)
    return np.where(np.isnan(low), _continued(after), np.where(np.isnan(high), _continued(before), between))


def _continued(side):
    """Value in the channel of a line through the nearest two of one side; that of the nearest if there is only one."""
    (steps, value), (more_steps, other) = _known(side, 1), _known(side, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        continued = value + (value - other) * steps / (more_steps - steps)
    return np.where(np.isnan(other), value, continued)


def _known(side, number):
    """Distance in channels of the first or second known value (``number``) of each row of a side, and that value."""
    known = ~np.isnan(side)
    wanted = known & (np.cumsum(known, axis=1) == number)
    place = np.argmax(wanted, axis=1)
    value = np.where(wanted.any(axis=1), side[np.arange(len(side)), place], np.float32(np.nan))
    return (place + 1).astype(np.float32), value
