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
    places = np.column_stack([candidates[axis][members] for axis in "yx"])
    near = cKDTree(places).query_ball_point(places, beam)
    taken = np.zeros(len(members), dtype=bool)
    sources = []
    for number, (member, others) in enumerate(zip(members, near)):
        if not taken[number]:
            free = [other for other in others if not taken[other]]
            sources.append((member, len(free)))
            taken[free] = True
    return sources
