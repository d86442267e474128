"""Whether image minus residual is the model convolved with the restoring beam, as tclean leaves them; and if not."""

from dataclasses import replace

import numpy as np

from .headers import read_beam, read_beams
from .pieces import piece_of
from .pixels import read_channels
from .restored import margin, restore
from .slabs import ROWS_AT_ONCE, strips

# Enough around the brightest component to tell, and little to read.
REACH_PIXELS = 256


def restored_here(cube):
    """
    Have the check restore the model itself, because the image was changed after tclean.

    An image that was smoothed to a common beam, or corrected for the primary beam, does not tell what tclean restored;
    model and residual still do.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The images.

    Returns
    -------
    cube : `~confetti_task.private.images.Cube`
        The same with ``restored_with`` and ``beams`` of the PSF, which tclean fitted to the data, or where it has none
        of the image.
    """
    if cube.pieces:
        pieces = tuple(restored_here(piece) for piece in cube.pieces)
        return replace(cube, pieces=pieces, beams=tuple(width for piece in pieces for width in piece.beams))
    beams = read_beams(cube, "psf" if cube.psf_beams else "image")
    return replace(cube, restored_with=beams, beams=cube.psf_beams or cube.beams)


def worst_mismatch(cube, channels):
    """
    Compare image minus residual with the model convolved with the restoring beam, in two channels of each piece.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The images.
    channels : structured `~numpy.ndarray`
        What was measured of the channels: the one with most flux in its model is compared, and a middling one.

    Returns
    -------
    part : float
        The larger norm of the difference as a part of that of the restored model; 0 where there is nothing to compare.
    channel : int or None
        Where it is.
    """
    cube = cube.as_stored
    rows = channels[(channels["components"] > 0) & np.isfinite(channels["noise"])]
    rows = rows[np.argsort(np.abs(rows["flux"]))]
    numbers, _ = piece_of(cube, rows["channel"])
    pieces = [rows[numbers == number] for number in np.unique(numbers)]
    compared = [
        (_mismatch(cube, int(row["polarization"]), int(row["channel"])), int(row["channel"]))
        for piece in pieces
        for row in (piece[-1], piece[len(piece) // 2])
    ]
    return max(compared, default=(0.0, None))


def _mismatch(cube, polarization, channel):
    y, x = _brightest(cube, polarization, channel)
    box = [
        (max(place - REACH_PIXELS, 0), min(place + REACH_PIXELS, length))
        for place, length in zip((y, x), cube.lengths[2:])
    ]
    model, image, residual = (
        read_channels(cube, name, polarization, channel, channel, *box)[0] for name in ("model", "image", "residual")
    )
    beam = read_beam(cube, polarization, channel)
    expected = restore(model, beam, cube.cell)
    # tclean convolves in a circle too, but not in that of the box. Away from the edges image - residual differed from
    # the restored model by 2e-7 in all of 36 cubes of the real tclean.
    edge = margin(beam, cube.cell)
    inside = (slice(edge, -edge), slice(edge, -edge))
    expected, found = expected[inside], (image - residual)[inside]
    known = np.isfinite(found)
    norm = np.linalg.norm(expected)
    return float(np.linalg.norm((found - expected)[known]) / norm) if norm > 0 else 0.0


def _brightest(cube, polarization, channel):
    """Pixel of the brightest component."""
    peaks = []
    for rows in strips(cube.lengths[2], ROWS_AT_ONCE):
        model = np.abs(np.nan_to_num(read_channels(cube, "model", polarization, channel, channel, rows)[0]))
        y, x = np.unravel_index(np.argmax(model), model.shape)
        peaks.append((model[y, x], int(y) + rows[0], int(x)))
    return max(peaks)[1:]
