"""
How a plane goes on beyond its edges, and into its blank pixels, so that a transform sees no step there.

A plane that ends where it is not zero has power at all spatial frequencies, as if something had been invented at the
edge; and where an edge is between two samples, they put it at one of them.
"""

from collections import namedtuple

import numpy as np
from scipy import ndimage

# Flat indices of blank pixels near an edge, of the pixels whose values they take, and the weights of these.
Continuation = namedtuple("Continuation", "blank mirrored weights")


def continuation(blank, reach):
    """
    Find how a plane goes on beyond its edges: as its mirror image, which fades within a distance.

    Parameters
    ----------
    blank : 2D bool `~numpy.ndarray`
        The blank pixels [y, x], among them a margin around the plane.
    reach : float
        Distance from the edge at which nothing is left, in pixels: at least a beam, so that a beam does not end there.

    Returns
    -------
    continuation : `Continuation`
        For `continued`.
    """
    if not blank.any() or blank.all():
        return Continuation(*np.zeros((2, 0), dtype=int), np.zeros(0, dtype=np.float32))
    # The nearest pixel that is not blank; without distances, which would take twice the memory.
    nearest = ndimage.distance_transform_edt(blank, return_distances=False, return_indices=True)
    places = np.array(np.nonzero(blank))
    nearest = nearest[(slice(None), *places)]
    distances = np.hypot(*(nearest - places))
    near = distances < reach
    places, nearest, distances = places[:, near], nearest[:, near], distances[near]
    # The edge is half a pixel beyond the nearest pixel: the first one beyond it mirrors that one itself.
    steps = np.rint((nearest - places) * (1 - 1 / distances)).astype(int)
    mirrored = np.clip(nearest + steps, 0, np.array(blank.shape)[:, np.newaxis] - 1)
    mirrored = np.where(blank[tuple(mirrored)], nearest, mirrored)
    weights = np.cos(np.pi / 2 * distances / reach).astype(np.float32) ** 2
    return Continuation(*(np.ravel_multi_index(tuple(some), blank.shape) for some in (places, mirrored)), weights)


def continued(plane, blank, beyond):
    """The plane [y, x] with its blank pixels filled by its `Continuation`, and 0 where that ends."""
    filled = plane.copy()
    np.copyto(filled, 0, where=blank)
    filled.flat[beyond.blank] = beyond.weights * plane.flat[beyond.mirrored]
    return filled
