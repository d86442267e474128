"""The pixels of the images of tclean as float32 cubes [channel, y, x]: the only place that reads them."""

import numpy as np

from .images import opened
from .tiles import read_box


def read_channels(cube, product, polarization, first, last, rows=None, columns=None):
    """
    Read a range of channels.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The images.
    product : str
        Which of them.
    polarization, first, last : int
        Number of the polarization, first and last channel.
    rows, columns : tuple of int or None
        First row (column) and the one after the last; None for all.

    Returns
    -------
    planes : 3D float32 `~numpy.ndarray`
        [channel, y, x]. NaN where a pixel is not finite, and in the image where its T/F mask is False.
    """
    parts = [
        _read(part, product, part.box(polarization, low, high, rows, columns))
        for part, low, high in cube.parts(first, last)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _read(cube, product, box):
    masked = product == "image" and cube.masked
    if product in cube.tiles and not (masked and "image mask" not in cube.tiles):
        pixels = read_box(cube.tiles[product], *box)
        mask = read_box(cube.tiles["image mask"], *box) if masked else None
    else:
        with opened(cube.path(product)) as tool:
            pixels = tool.getchunk(*box).astype(np.float32)
            mask = tool.getchunk(*box, getmask=True) if masked else None
    planes = np.ascontiguousarray(cube.from_image_order(pixels))
    _blank_where_not_finite(planes)
    if mask is not None and not mask.all():
        np.copyto(planes, np.nan, where=~cube.from_image_order(mask))
    return planes


def _blank_where_not_finite(planes):
    # A sum that is finite has only finite terms: a third of the time of looking at each.
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(planes.sum())
    if not finite:
        planes[~np.isfinite(planes)] = np.nan


def read_plane(path, cube, polarization, channel):
    """Pixels [y, x] of one channel of an image whose axes are those of a cube."""
    with opened(path) as tool:
        return cube.from_image_order(tool.getchunk(*cube.box(polarization, channel, channel)))[0]
