"""Pixels of the images as float32 cubes [channel, y, x]: all measurements and pictures read them here."""

import numpy as np

from ..core.restore import fast_lengths, margin, restore
from .chunks import ROWS_AT_ONCE, strips
from .headers import opened_to_read


def read_channels(cube, product, polarization, start, end, rows=None, columns=None, out=None):
    """
    Read a range of channels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    product : str
        Name of the product: 'model', 'image', ...
    polarization, start, end : int
        Number of the polarization, and range of channels; ``end`` is exclusive.
    rows, columns : tuple of int or None
        First row (column) and the one after the last; None for all.
    out : 3D float32 `~numpy.ndarray` or None
        Array to fill; None for a new one.

    Returns
    -------
    planes : 3D float32 `~numpy.ndarray`
        [channel, y, x]. NaN where a pixel is not finite and, in the image, where its T/F mask is False; in the model,
        0 where there is no component.
    """
    if out is None:
        height, width = (end - start for start, end in _window(cube, rows, columns))
        out = np.empty((end - start, height, width), dtype=np.float32)
    done = 0
    for part, low, high in cube.parts(start, end):
        planes = out[done : done + high - low]
        window = _window(cube, rows, columns)
        if product == "image" and part.restored_with:
            _restore(part, polarization, low, high, window, planes)
        else:
            _read(part, product, part.box(polarization, low, high, *window), planes)
        done += len(planes)
    return out


def read_channel(cube, product, polarization, channel, rows=None, columns=None):
    """Read one channel as `read_channels` does, as a plane [y, x]."""
    return read_channels(cube, product, polarization, channel, channel + 1, rows, columns)[0]


def _window(cube, rows, columns):
    return rows or (0, cube.shape[2]), columns or (0, cube.shape[3])


def _restore(cube, polarization, start, end, window, planes):
    """Fill planes with the image as tclean restored it, from model and residual; blank where the image is."""
    box = cube.box(polarization, start, end, *window)
    _read(cube, "image", box, planes)
    blank = np.isnan(planes)
    _read(cube, "residual", box, planes)
    planes[blank | (planes == 0)] = np.nan  # tclean's residual is 0 only where there are no data
    for channel, plane in enumerate(planes, start=start):
        beam = cube.restored_with[polarization][channel]
        reach = margin(beam, cube.cell)
        model = _model_around(cube, polarization, channel, window, reach)
        if model.any():
            restored = restore(model, beam, cube.cell, fast_lengths(model.shape))
            plane += restored[tuple(slice(reach, reach + length) for length in plane.shape)]


def _model_around(cube, polarization, channel, window, reach):
    """Model in a window of a channel and in a margin around it, 0 beyond the edges of the image."""
    model = np.zeros([end - start + 2 * reach for start, end in window], dtype=np.float32)
    box = [(max(start - reach, 0), min(end + reach, length)) for (start, end), length in zip(window, cube.shape[2:])]
    inside = tuple(slice(low - start + reach, high - start + reach) for (low, high), (start, _) in zip(box, window))
    _read(cube, "model", cube.box(polarization, channel, channel + 1, *box), model[(np.newaxis, *inside)])
    return model


def _read(cube, product, box, planes):
    image = cube.images[product]
    image.read(*box, out=cube.to_image_order(planes))
    _blank_where_not_finite(planes)
    if product == "model" and cube.empty:
        planes[planes == np.float32(cube.empty)] = 0
    if image.masked:
        mask = cube.from_image_order(image.read_mask(*box))
        if not mask.all():
            np.copyto(planes, np.nan, where=~mask)


def read_valid(cube, polarization, channel, rows=None):
    """
    Read the T/F mask [y, x] of a channel of the image; all True if it has none.

    FITS has NaN where the mask is False. Where CLEAN ran away it has NaN too, but then in the whole channel.
    """
    part, channel = cube.part_of(channel)
    window = _window(cube, rows, None)
    image = part.images["image"]
    if image.nan_is_blank:
        valid = np.isfinite(read_channel(part, "image", polarization, channel, *window))
        if valid.any() or _has_pixels(part, polarization, channel):
            return valid
    if not image.masked:
        return np.ones([end - start for start, end in window], dtype=bool)
    box = part.box(polarization, channel, channel + 1, *window)
    return part.from_image_order(image.read_mask(*box))[0]


def _has_pixels(cube, polarization, channel):
    parts = (read_channel(cube, "image", polarization, channel, rows) for rows in strips(cube.shape[2], ROWS_AT_ONCE))
    return any(np.isfinite(part).any() for part in parts)


def _blank_where_not_finite(planes):
    # A finite sum has only finite terms: this takes a third of the time of testing each pixel.
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(planes.sum())
    if not finite:
        planes[~np.isfinite(planes)] = np.nan


def read_plane(path, cube, polarization, channel):
    """Read one channel [y, x] of any image that has the axes of a cube."""
    with opened_to_read(path) as tool:
        return cube.from_image_order(tool.getchunk(*cube.box(polarization, channel, channel + 1)))[0]
