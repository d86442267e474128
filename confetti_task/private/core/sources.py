"""Grouping of hot pixels into sources."""

import numpy as np
from scipy.spatial import cKDTree


def join(candidates, beam):
    """
    Group the pixels within a beam of each other in a channel into sources.

    The worst pixel (the most severe confetti, then the candidate of largest contrast) takes all pixels within a beam of
    itself, then the worst of the remaining ones does, so that a channel full of confetti does not become a single
    source.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields polarization, channel, y, x, confetti, severity and contrast.
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
    plane = np.column_stack([candidates["polarization"], candidates["channel"]])
    sources = []
    for one in np.unique(plane, axis=0):
        members = np.flatnonzero((plane == one).all(axis=1))
        sources += _join_in_plane(candidates, members, beam)
    sources = np.array(sources)
    rows = candidates[sources[:, 0]]
    order = np.lexsort([rows["x"], rows["y"], rows["channel"], ~rows["confetti"]])
    return tuple(sources[order].T)


def _join_in_plane(candidates, members, beam):
    order = np.lexsort([np.abs(candidates["contrast"][members]), candidates["severity"][members]])
    members = members[order[::-1]]
    taken = take_neighbours(np.column_stack([candidates[axis][members] for axis in "yx"]), beam)
    return [(members[place], number) for place, number in taken]


def take_neighbours(places, beam):
    """
    Let each place in turn take all others within a beam that no earlier one has taken.

    Parameters
    ----------
    places : 2D int `~numpy.ndarray`
        Positions (y, x) in a plane, [n, 2], the most important first.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    taken : list of tuple of int
        Index of each place that no other has taken, and the number of places that it took, itself included.
    """
    near = cKDTree(places).query_ball_point(places, beam) if len(places) else []
    free = np.ones(len(places), dtype=bool)
    taken = []
    for place, others in enumerate(near):
        if free[place]:
            taken.append((place, int(np.count_nonzero(free[others]))))
            free[others] = False
    return taken
