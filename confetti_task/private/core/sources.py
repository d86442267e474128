"""Order of hot pixels, and their grouping into sources."""

import numpy as np
from scipy.spatial import cKDTree


def by_place(candidates):
    """Rows of candidates ordered by polarization, channel, y and x, in a third of the time of `numpy.sort`."""
    return candidates[np.lexsort([candidates[name] for name in ("x", "y", "channel", "polarization")])]


def join(candidates, beam):
    """
    Group the pixels within a beam of each other in a channel into sources.

    The worst pixel (the most severe confetti, then the candidate of largest contrast) takes all pixels within a beam of
    itself, then the worst of the remaining ones does, so that a channel full of confetti does not become a single
    source.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields polarization, channel, y, x, evidence, severity and contrast.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    worst : 1D int `~numpy.ndarray`
        Index of the worst pixel of every source: confetti first, then ordered by channel and position.
    npixels : 1D int `~numpy.ndarray`
        Number of pixels of each source.
    """
    if len(candidates) == 0:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    plane = candidates["polarization"].astype(int) * (candidates["channel"].max() + 1) + candidates["channel"]
    order = np.argsort(plane, kind="stable")
    planes = np.split(order, np.flatnonzero(np.diff(plane[order])) + 1)
    sources = np.concatenate([_join_in_plane(candidates, members, beam) for members in planes])
    rows = candidates[sources[:, 0]]
    order = np.lexsort([rows["x"], rows["y"], rows["channel"], rows["evidence"] == ""])
    return tuple(sources[order].T)


def _join_in_plane(candidates, members, beam):
    order = np.lexsort([np.abs(candidates["contrast"][members]), candidates["severity"][members]])
    members = members[order[::-1]]
    place, number = take_neighbours(np.column_stack([candidates[axis][members] for axis in "yx"]), beam)
    return np.column_stack([members[place], number])


def take_neighbours(places, beam):
    """
    Let each place in turn take all others within a beam, unless it, or they, were taken by an earlier one.

    Parameters
    ----------
    places : 2D int `~numpy.ndarray`
        Positions (y, x) in a plane, [n, 2], the most important first.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    place : 1D int `~numpy.ndarray`
        Index of each place that no other has taken.
    number : 1D int `~numpy.ndarray`
        Number of places that each of these took, itself included.
    """
    pairs = _pairs_within(places, beam)
    takes, undecided = np.zeros(len(places), dtype=bool), np.ones(len(places), dtype=bool)
    earlier, later = pairs
    while undecided.any():
        # All at once, those before which nobody nearby is undecided; it takes a few rounds, and a loop over the places
        # five to ten times as long.
        turn = undecided.copy()
        turn[later] = False
        takes |= turn
        undecided[turn] = undecided[later[turn[earlier]]] = False
        both = undecided[earlier] & undecided[later]
        earlier, later = earlier[both], later[both]
    # Each belongs to the first of those nearby that take others, or to itself.
    taker = np.arange(len(places))
    earlier, later = pairs[:, takes[pairs[0]]]
    np.minimum.at(taker, later, earlier)
    place = np.flatnonzero(takes)
    return place, np.bincount(taker, minlength=len(places))[place]


def _pairs_within(places, beam):
    """Indices of all pairs of places within a beam, the smaller ones and the larger ones."""
    if len(places) == 0:
        return np.zeros((2, 0), dtype=int)
    return cKDTree(places).query_pairs(beam, output_type="ndarray").T
