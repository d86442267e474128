"""
Test that image minus residual is the model convolved with the restoring beam; if not, restore the model again, or leave
alone what does not belong together.
"""

from collections import namedtuple
from dataclasses import replace

import numpy as np

from ..core.restore import fast_lengths, margin, restore, unexplained
from ..images.chunks import ROWS_AT_ONCE, strips
from ..images.cube import read_beam
from ..images.pixels import read_channel

# Products of tclean differ by 1e-7 to 4e-7, whatever the beam, the image size and the places of the components; a beam
# that is wrong by a thousandth makes this difference.
SAME_RESTORED = 1e-3
# Axes of up to twice this length are read whole; of longer ones only this far around the brightest component, to save
# reading.
REACH_PIXELS = 256

# Of what is bright, in norm. Corrected images have 0.16 at most, and 0.22 where the primary beam is only seven beams
# wide; those with another beam 0.06 if their header has it, and 0.13 if it hides a tenth. Those of other runs have 0.3
# to 0.9, copies 1, models with a wrong factor as much as they are wrong.
CONTRADICTION = 0.25

# What is wrong in a piece of the cube (0 if it has only one): how large the difference is in its worst channel, as a
# fraction of the restored model, or of what is bright; and its kind. CHANGED is an image that was smoothed or
# corrected, which the restored model replaces, and EDGES one that differs only there; CONTRADICTS, one that does not
# belong to the model and the residual; else it is the name of the one product that holds nothing where it was cleaned.
Mismatch = namedtuple("Mismatch", "piece part channel kind")
CHANGED, EDGES, CONTRADICTS = "changed", "edges", "contradicts"
TO_BE_RESTORED = CHANGED, EDGES


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
    beams = cube.images["psf" if cube.psf_beams else "image"].read_beams(*cube.shape[:2])
    return replace(cube, restored_with=beams, beams=cube.psf_beams or cube.beams)


def mismatches(cube, channels):
    """
    Compare image minus residual with the model convolved with the restoring beam, in two channels of each piece.

    Within 1.5 beams of the edges they may differ without harm: there tclean lets what reaches over an edge come in at
    the other, which others do not, and a box that was cut out lacks what is beyond.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channels : structured `~numpy.ndarray`
        Measurements of the channels: the channels with the highest and with the median model flux are compared.

    Returns
    -------
    differing : list of `Mismatch`
        One for each piece that differs by more than `SAME_RESTORED`, or in which a product holds nothing.
    """
    rows = channels[channels["components"] > 0]
    rows = rows[np.argsort(np.abs(rows["model_flux"]))]
    numbers, _ = cube.piece_of(rows["channel"])
    found = []
    for number in np.unique(numbers).tolist():
        cleaned = rows[numbers == number]
        known = cleaned[np.isfinite(cleaned["noise"])]
        some = known[[-1, len(known) // 2]] if len(known) else cleaned[-1:]
        compared = [_compare(cube, number, row) if len(known) else _look_into(cube, number, row) for row in some]
        worst = max(compared, key=_how_wrong)
        found += [worst] if worst.part > SAME_RESTORED else []
    return found


def _how_wrong(mismatch):
    return mismatch.kind not in TO_BE_RESTORED, mismatch.kind == CHANGED, mismatch.part


def unusable(cube, channels, differing):
    """
    Select channels of pieces whose images do not belong together.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channels : 1D int `~numpy.ndarray`
        Numbers of channels.
    differing : list of `Mismatch`
        From `mismatches`.

    Returns
    -------
    unusable : 1D bool `~numpy.ndarray`
        True where nothing can be said.
    """
    numbers, _ = cube.piece_of(channels)
    return np.isin(numbers, [mismatch.piece for mismatch in differing if mismatch.kind not in TO_BE_RESTORED])


def _look_into(cube, piece, row):
    """The `Mismatch` of a channel whose noise is unknown; none if CLEAN ran away, or where there are no data."""
    place = int(row["polarization"]), int(row["channel"])
    planes = {name: np.nan_to_num(read_channel(cube, name, *place)) for name in ("image", "residual")}
    empty = [name for name, plane in planes.items() if not plane.any()]
    if row["unknown"] or len(empty) == 2:
        return Mismatch(piece, 0.0, place[1], EDGES)
    return Mismatch(piece, 1.0, place[1], *empty) if empty else _compare(cube, piece, row)


def _compare(cube, piece, row):
    """The `Mismatch` of a channel."""
    polarization, channel = int(row["polarization"]), int(row["channel"])
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
    norm = np.linalg.norm(expected.astype(float)) or np.inf
    difference = np.nan_to_num(image - residual - expected).astype(float)
    # Further away a source at an edge has 0.0005 of its norm. Of a small image a half is compared all the same.
    inner = [max(edge, min(margin(beam, cube.cell) // 2, length // 4)) for edge, length in zip(edges, model.shape)]
    everywhere, inside = (
        tuple(slice(low, length - low) for low, length in zip(lows, model.shape)) for lows in (edges, inner)
    )
    part = float(np.linalg.norm(difference[inside]) / norm)
    if part <= SAME_RESTORED:
        return Mismatch(piece, float(np.linalg.norm(difference[everywhere]) / norm), channel, EDGES)
    lacking = unexplained(image, residual, expected, cube.beam, inside)
    if lacking >= CONTRADICTION:
        return Mismatch(piece, lacking, channel, CONTRADICTS)
    return Mismatch(piece, part, channel, CHANGED)


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
