"""The pixels of the images of tclean as float32 cubes [channel, y, x]: the only place that reads them."""

import numpy as np

from .images import opened
from .tiles import read_box


def read_channels(cube, product, polarization, first, last, rows=None, columns=None, out=None):
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
    out : 3D float32 `~numpy.ndarray` or None
        Where to write the pixels; None for a new array.

    Returns
    -------
    planes : 3D float32 `~numpy.ndarray`
        [channel, y, x]. NaN where a pixel is not finite, and in the image where its T/F mask is False.
    """
    if out is None:
        height, width = (end - start for start, end in _window(cube, rows, columns))
        out = np.empty((last - first + 1, height, width), dtype=np.float32)
    start = 0
    for part, low, high in cube.parts(first, last):
        planes = out[start : start + high - low + 1]
        _read(part, product, part.box(polarization, low, high, *_window(cube, rows, columns)), planes)
        start += len(planes)
    return out


def _window(cube, rows, columns):
    return rows or (0, cube.lengths[2]), columns or (0, cube.lengths[3])


def _read(cube, product, box, planes):
    masked = product == "image" and cube.masked
    mask = None
    if product in cube.tiles and not (masked and "image mask" not in cube.tiles):
        read_box(cube.tiles[product], *box, out=cube.to_image_order(planes))
        if masked:
            mask = cube.from_image_order(read_box(cube.tiles["image mask"], *box))
    else:
        with opened(cube.path(product)) as tool:
            planes[...] = cube.from_image_order(tool.getchunk(*box))
            if masked:
                mask = cube.from_image_order(tool.getchunk(*box, getmask=True))
    _blank_where_not_finite(planes)
    if mask is not None and not mask.all():
        np.copyto(planes, np.nan, where=~mask)


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
