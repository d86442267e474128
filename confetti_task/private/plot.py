"""The story of confetti_plot."""

import os

import numpy as np
from astropy.table import QTable

from .noise import plane_noise
from .pictures import draw_find
from .pieces import open_pieces
from .pixels import read_channels
from .stamps import read_stamp
from .words import explain


def plot_source(imagename, source, outfile):
    """Draw one find; `confetti_task.confetti_plot` documents the parameters."""
    cube = open_pieces(imagename)
    if not isinstance(source, (int, np.integer)):
        return _plot_pixel(cube, source)
    path = (outfile or cube.root + ".confetti") + ".ecsv"
    if not os.path.exists(path):
        raise ValueError(f"{path} not found; call confetti_check first, or give source=(channel, x, y)")
    sources = QTable.read(path, format="ascii.ecsv")
    if not -len(sources) <= source < len(sources):
        raise ValueError(f"source={source}: {path} has {len(sources)} rows")
    row = sources[source]
    stamp = read_stamp(cube, cube.stokes.index(row["stokes"]), *(int(row[name]) for name in ("channel", "y", "x")))
    return draw_find(stamp, row["noise"].to_value("Jy/beam"), explain(row, sources.meta["parameters"]))


def _plot_pixel(cube, source):
    _, *lengths = cube.lengths
    try:
        channel, x, y = map(int, source)
    except (TypeError, ValueError) as error:
        raise ValueError(f"source should be the row of a source, or (channel, x, y) (got {source!r})") from error
    if not all(0 <= place < length for place, length in zip((channel, y, x), lengths)):
        raise ValueError(f"source={source!r} (channel, x, y) is not in {cube.name} of {lengths[0]} channels")
    noise = plane_noise(read_channels(cube, "image", 0, channel, channel), cube.beam)[0]
    return draw_find(read_stamp(cube, 0, channel, y, x), float(np.nan_to_num(noise)), f"{cube.name}, x={x} y={y}")
