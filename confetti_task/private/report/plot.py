"""Implementation of confetti_plot."""

import os

import numpy as np
from astropy.table import QTable

from ..check.survey import measure_noise
from ..check.worker_pool import worker_pool
from ..images.chunks import CHUNK_VOXELS
from ..images.pieces import open_pieces
from .cutouts import read_both, read_cutout
from .evidence_list import as_text, evidence_list
from .figures import draw_both, draw_find


def plot_source(imagename, source, outfile, before):
    """Draw one find; `confetti_task.confetti_plot` documents the parameters."""
    cube = open_pieces(imagename)
    by_row = isinstance(source, (int, np.integer))
    place, noise, title = _find_row(cube, source, outfile, bool(before)) if by_row else _find_pixel(cube, source)
    if before:
        return draw_both(*read_both(open_pieces(before), cube, *place), noise, title)
    return draw_find(read_cutout(cube, *place), noise, title)


def _find_row(cube, source, outfile, brief):
    """Polarization, channel, y and x of a row of the table, its noise in Jy/beam, and its evidence or only its kind."""
    if cube.pieces and not outfile:
        raise ValueError("each piece has its own table: give outfile, or the imagename and a row of one piece")
    path = (outfile or cube.root + ".confetti") + ".ecsv"
    if not os.path.exists(path):
        raise ValueError(f"{path} not found; call confetti_check first, or give source=(channel, x, y)")
    sources = QTable.read(path, format="ascii.ecsv")
    if cube.pieces and "spectrum_channel" in sources.colnames:
        raise ValueError(f"{path} belongs to one piece: give the name of that piece as imagename")
    if not -len(sources) <= source < len(sources):
        raise ValueError(f"source={source}: {path} has {len(sources)} rows")
    row = sources[source]
    place = cube.stokes.index(row["stokes"]), *(int(row[name]) for name in ("channel", "y", "x"))
    evidence = evidence_list(row, sources.meta["parameters"])
    return place, row["noise"].to_value("Jy/beam"), as_text(evidence[:1] if brief else evidence)


def _find_pixel(cube, source):
    """The same for a pixel, in the first polarization."""
    _, *lengths = cube.shape
    try:
        channel, x, y = map(int, source)
    except (TypeError, ValueError) as error:
        raise ValueError(f"source should be the row of a source, or (channel, x, y) (got {source!r})") from error
    if not all(0 <= place < length for place, length in zip((channel, y, x), lengths)):
        raise ValueError(f"source={source!r} (channel, x, y) is not in {cube.name}, which has {lengths[0]} channels")
    with worker_pool(False, cube.mapped) as workers:
        noise = measure_noise(cube, 0, [channel], workers, CHUNK_VOXELS)[0][channel]
    return (0, channel, y, x), float(np.nan_to_num(noise)), f"{cube.name}, x={x} y={y}"
