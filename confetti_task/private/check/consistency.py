"""Test that image minus residual is the model convolved with the restoring beam; if not, restore the model again."""

from collections import namedtuple
from dataclasses import replace

import numpy as np

from ..core.restore import fast_lengths, margin, restore
from ..images.chunks import ROWS_AT_ONCE, strips
from ..images.headers import read_beam, read_beams
from ..images.pixels import read_channel

# Products of tclean differ by 1e-7 to 4e-7, whatever the beam, the image size and the places of the components; a beam
# that is wrong by a thousandth makes this difference.
SAME_RESTORED = 1e-3
# Axes of up to twice this length are read whole; of longer ones only this far around the brightest component, to save
# reading.
REACH_PIXELS = 256

# The largest difference in a piece of the cube (0 if it has only one), as a fraction of the restored model, and
# its channel.
Mismatch = namedtuple("Mismatch", "piece part channel")


def restored_again(cube):
    """
    Make the check restore the model itself, because the image is not the model restored with the beam in its header.

    An image that was smoothed to a common beam (by tclean itself or later) or corrected for the primary beam no longer
    shows what tclean restored; the model and the residual still do.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    cube : `images.cube.Cube`
        The same with ``restored_with`` and ``beams`` taken from the PSF, to which tclean fitted them, or from the image
        if the PSF has none.
    """
    if cube.pieces or cube.files:
        pieces, files = (tuple(restored_again(part) for part in parts) for parts in (cube.pieces, cube.files))
        return replace(
            cube, pieces=pieces, files=files, beams=tuple(width for part in pieces or files for width in part.beams)
        )
    if not cube.psf_beams and not cube.beams:  # a channel without data, in a file of its own
        return cube
    beams = read_beams(cube, "psf" if cube.psf_beams else "image")
    return replace(cube, restored_with=beams, beams=cube.psf_beams or cube.beams)


def mismatches(cube, channels):
    """
    Compare image minus residual with the model convolved with the restoring beam, in two channels of each piece.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channels : structured `~numpy.ndarray`
        Measurements of the channels: the channels with the highest and with the median model flux are compared.

    Returns
    -------
    differing : list of `Mismatch`
        One for each piece that differs by more than `SAME_RESTORED`.
    """
    rows = channels[(channels["components"] > 0) & np.isfinite(channels["noise"])]
    rows = rows[np.argsort(np.abs(rows["model_flux"]))]
    numbers, _ = cube.piece_of(rows["channel"])
    worst = []
    for number in np.unique(numbers).tolist():
        piece = rows[numbers == number]
        places = [(int(row["polarization"]), int(row["channel"])) for row in (piece[-1], piece[len(piece) // 2])]
        worst.append(max(Mismatch(number, _difference(cube, *place), place[1]) for place in places))
    return [mismatch for mismatch in worst if mismatch.part > SAME_RESTORED]


def _difference(cube, polarization, channel):
    """Norm of the difference in a channel, as a fraction of the norm of the restored model."""
    beam = read_beam(cube, polarization, channel)
    reach = max(REACH_PIXELS, 2 * margin(beam, cube.cell))
    # tclean uses periodic convolution, and so does this along an axis that is read whole.
    whole = [length <= 2 * reach for length in cube.shape[2:]]
    edges = [0 if one else margin(beam, cube.cell) for one in whole]
    box = _box(cube, polarization, channel, edges, [None if one else reach for one in whole])
    model, image, residual = (
        read_channel(cube, name, polarization, channel, *box) for name in ("model", "image", "residual")
    )
    lengths = [length if one else fast for length, one, fast in zip(model.shape, whole, fast_lengths(model.shape))]
    expected = restore(model, beam, cube.cell, lengths)
    # tclean shifts the restored model by one pixel along an axis of odd length.
    expected = np.roll(expected, [-(length % 2) for length in cube.shape[2:]], axis=(0, 1))
    difference = np.nan_to_num(image - residual - expected).astype(float)
    inside = tuple(slice(edge, length - edge) for edge, length in zip(edges, model.shape))
    norm = np.linalg.norm(expected.astype(float))
    return float(np.linalg.norm(difference[inside]) / norm) if norm > 0 else 0.0


def _box(cube, polarization, channel, edges, reaches):
    """Rows and columns around the brightest component away from the edges; the whole axis if its reach is None."""
    (top, left), (height, width) = edges, cube.shape[2:]
    peaks = []
    for low, high in strips(height - 2 * top, ROWS_AT_ONCE):
        box = (low + top, high + top), (left, width - left)
        model = np.abs(np.nan_to_num(read_channel(cube, "model", polarization, channel, *box)))
        y, x = np.unravel_index(np.argmax(model), model.shape)
        peaks.append((model[y, x], int(y) + low + top, int(x) + left))
    return [
        (max(place - reach, 0), min(place + reach, length)) if reach else (0, length)
        for place, reach, length in zip(max(peaks)[1:], reaches, (height, width))
    ]
