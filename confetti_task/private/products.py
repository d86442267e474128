"""The products of confetti_check: nothing else writes files."""

import os
import shutil
import tempfile
from contextlib import contextmanager

import numpy as np
from astropy import units
from astropy.table import QTable

from ..version import __version__
from .images import opened, read_channels, read_coordinates, world_coordinates
from .statistics import disc

STATISTICS = ("contrast", "narrowness", "surround", "unsupported", "spike", "residual")
# In the order in which they appear: the mask comes last, so that where it is, the others are too.
SUFFIXES = (*(f".{name}" for name in STATISTICS), ".channels.ecsv", ".ecsv", ".cleanmask", ".mask")

# One of these beside a product of the same root name tells that the product is tclean's.
OF_TCLEAN = (".model", ".image", ".psf", ".pb", ".sumwt", ".weight")


def check_outfile(outfile, overwrite):
    """
    Check that the products can be written, before anything is measured.

    Parameters
    ----------
    outfile : str
        Root name of the products.
    overwrite : bool
        Whether products of an earlier run may be replaced.

    Raises
    ------
    ValueError
        If a product would replace an image of tclean, or exists and may not be replaced, or the folder cannot be
        written in.
    """
    if not os.path.basename(outfile):
        raise ValueError(f"outfile='{outfile}' is a folder; give the root name of the products in it")
    for path in (outfile + suffix + term for suffix in OF_TCLEAN for term in ("", ".tt0")):
        if os.path.lexists(path):
            raise ValueError(f"outfile='{outfile}': there are images of tclean of that name; choose another outfile")
    for path in (outfile + suffix for suffix in SUFFIXES):
        if os.path.lexists(path) and not overwrite:
            raise ValueError(f"{path} exists already; set overwrite=True to replace it, or choose another outfile")
    folder = os.path.dirname(os.path.abspath(outfile))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outfile='{outfile}': cannot write in {folder}; choose an outfile in another folder")


def write_products(outfile, cube, candidates, tables, cleanmask, writestats, call):
    """
    Write all products, or none.

    Parameters
    ----------
    outfile : str
        Root name of the products.
    cube : `~confetti_task.private.images.Cube`
        The inputs.
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    cleanmask : {'channel', 'pixel', 'none'}
        Which clean mask to write where there is confetti.
    writestats : bool
        Whether to write the statistics as images.
    call : str
        The call of the task, for the history of the images.

    Returns
    -------
    mask, cleanmask, table, channeltable : str
        Names of the products; '' for a clean mask that was not written.
    """
    confetti = candidates[candidates["confetti"]]
    with _staged(outfile) as staged:
        for table, suffix in zip(tables, (".ecsv", ".channels.ecsv")):
            table.write(staged + suffix, format="ascii.ecsv")
        if writestats:
            for name in STATISTICS:
                _write_image(f"{staged}.{name}", cube, _planes_of(cube, candidates, candidates[name]), call)
        if len(confetti) and cleanmask == "channel":
            _write_image(staged + ".cleanmask", cube, _bad_channels_to_clean(cube, confetti), call)
        elif len(confetti) and cleanmask == "pixel":
            _write_image(staged + ".cleanmask", cube, _pixels_to_clean(cube, confetti), call)
        _write_image(staged + ".mask", cube, _planes_of(cube, confetti, np.ones(len(confetti))), call)
    suffixes = (".mask", ".cleanmask", ".ecsv", ".channels.ecsv")
    return tuple(outfile + suffix if os.path.exists(outfile + suffix) else "" for suffix in suffixes)


@contextmanager
def _staged(outfile):
    """A root name in a folder beside the products, which replace older ones together when all are complete."""
    parent, name = os.path.split(os.path.abspath(outfile))
    folder = tempfile.mkdtemp(prefix=f".{name}.", suffix=".partial", dir=parent)
    try:
        yield os.path.join(folder, name)
        _replace(outfile, os.path.join(folder, name), os.path.join(folder, "old"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(outfile, staged, old):
    """Move older products to ``old`` and the staged ones to their names; back again where that fails."""
    moves = [(outfile + suffix, old + suffix) for suffix in reversed(SUFFIXES) if os.path.lexists(outfile + suffix)]
    moves += [(staged + suffix, outfile + suffix) for suffix in SUFFIXES if os.path.exists(staged + suffix)]
    done = []
    try:
        for source, target in moves:
            os.rename(source, target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            os.rename(target, source)
        raise


def _write_image(path, cube, planes, call):
    """Write a float32 image on the grid of the model: zero but for the planes that are given."""
    from casatools import image

    coordinates, shape = read_coordinates(cube)
    tool = image()
    tool.fromshape(outfile=path, shape=shape, csys=coordinates, overwrite=False, log=False, type="f")
    tool.done()
    with opened(path) as tool:
        for (polarization, channel), plane in planes:
            bottom, _ = cube.corners(polarization, channel, channel)
            tool.putchunk(cube.to_image_order(plane[np.newaxis]).astype(float), blc=bottom)
        tool.sethistory(origin="confetti_check", history=[f"confetti_task {__version__}", call])


def _planes_of(cube, candidates, values):
    """Planes that hold the values at the pixels of the candidates, and 0 elsewhere."""
    for polarization, channel in _channels_of(candidates):
        here = (candidates["polarization"] == polarization) & (candidates["channel"] == channel)
        plane = np.zeros(cube.lengths[2:], dtype=np.float32)
        plane[candidates["y"][here], candidates["x"][here]] = values[here]
        yield (polarization, channel), plane


def _channels_of(candidates):
    return sorted({(int(row["polarization"]), int(row["channel"])) for row in candidates})


def _bad_channels_to_clean(cube, confetti):
    # In all polarizations: they share the model that is cleaned again from zero.
    for channel in np.unique(confetti["channel"]):
        for polarization in range(cube.lengths[0]):
            yield (polarization, int(channel)), _old_clean_mask(cube, polarization, int(channel))


def _pixels_to_clean(cube, confetti):
    # Holes one beam across, the size that was measured.
    hole = disc(cube.beam / 2)
    height, width = cube.lengths[2:]
    for polarization in range(cube.lengths[0]):
        for channel in range(cube.channels):
            here = (confetti["polarization"] == polarization) & (confetti["channel"] == channel)
            plane = _old_clean_mask(cube, polarization, channel, here.any())
            y = np.add.outer(confetti["y"][here], hole[:, 0]).ravel()
            x = np.add.outer(confetti["x"][here], hole[:, 1]).ravel()
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            plane[y[inside], x[inside]] = 0
            yield (polarization, channel), plane


def _old_clean_mask(cube, polarization, channel, bad=True):
    """What tclean cleaned in a channel; all of the primary-beam mask where that is unknown, or nothing and yet bad."""
    if "mask" in cube.products:
        plane = read_channels(cube, "mask", polarization, channel, channel)[0] > 0
        if plane.any() or not bad:
            return plane.astype(np.float32)
    return np.isfinite(read_channels(cube, "image", polarization, channel, channel)[0]).astype(np.float32)


def source_table(cube, candidates, worst, npixels, meta):
    """
    The sources with their units and their places on the sky.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The inputs.
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    worst, npixels : 1D int `~numpy.ndarray`
        Worst pixel and number of pixels of every source, from `~confetti_task.private.sources.join`.
    meta : dict
        What the table is about, kept in its header.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row for every source.
    """
    rows = candidates[worst]
    ra, dec, frequency, velocity = world_coordinates(cube, rows["channel"], rows["y"], rows["x"])
    table = QTable(meta=dict(meta))
    kinds = np.select([rows["known"], rows["confetti"]], ["known", "confetti"], "candidate")
    table["class"] = kinds.astype("U9")
    table["channel"] = rows["channel"]
    table["frequency"], table["velocity"] = frequency, velocity
    table["stokes"] = np.array([cube.stokes[number] for number in rows["polarization"]], dtype="U4")
    table["x"], table["y"] = rows["x"], rows["y"]
    table["ra"], table["dec"] = ra, dec
    table["npixels"] = npixels
    table["severity"] = rows["severity"]
    table["flux"] = rows["severity"] * rows["noise"] * units.Jy
    table["noise"] = rows["noise"] * units.Jy / units.beam
    table["contrast"] = rows["contrast"] * units.Jy
    table["significance"] = rows["contrast"] / rows["noise"]
    for name in ("pointlikeness", "narrowness", "surround", "restored", "spike", "residual", "unsupported"):
        table[name] = rows[name]
    return _described(table, DESCRIPTIONS)


def channel_table(cube, channels, candidates, sources, meta):
    """
    The channels with their units, one row each.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The inputs.
    channels, candidates : structured `~numpy.ndarray`
        What was measured of the channels, and of their narrow hot pixels.
    sources : `~astropy.table.QTable`
        From `source_table`.
    meta : dict
        What the table is about, kept in its header.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row for every channel and polarization.
    """
    centre = np.full(len(channels), cube.lengths[2] // 2), np.full(len(channels), cube.lengths[3] // 2)
    _, _, frequency, velocity = world_coordinates(cube, channels["channel"], *centre)
    table = QTable(meta=dict(meta))
    table["channel"], table["frequency"], table["velocity"] = channels["channel"], frequency, velocity
    table["stokes"] = np.array([cube.stokes[number] for number in channels["polarization"]], dtype="U4")
    table["noise"] = channels["noise"] * units.Jy / units.beam
    table["model_flux"] = channels["flux"] * units.Jy
    for name in ("components", "positive", "negative", "switched"):
        table[name] = channels[name]
    here = [candidates[_in_channel(candidates, row)] for row in channels]
    table["confetti"] = [np.count_nonzero(rows["confetti"]) for rows in here]
    table["tail"] = [_tail(rows["unsupported"]) for rows in here]
    table["severity"] = [rows["severity"].max(initial=0) for rows in here]
    fake = sources[sources["class"] == "confetti"]
    same = [
        (fake["channel"] == row["channel"]) & (fake["stokes"] == cube.stokes[row["polarization"]]) for row in channels
    ]
    table["flux"] = [fake["flux"].value[rows].sum() for rows in same] * units.Jy
    conditions = [table["confetti"] > 0, channels["checked"], np.isnan(channels["noise"])]
    table["verdict"] = np.select(conditions, ["bad", "good", "blank"], "unchecked").astype("U9")
    return _described(table, CHANNEL_DESCRIPTIONS)


def _in_channel(candidates, row):
    return (candidates["polarization"] == row["polarization"]) & (candidates["channel"] == row["channel"])


def _tail(unsupported):
    tested = np.abs(unsupported[np.isfinite(unsupported)])
    if len(unsupported) and not len(tested):
        return np.nan
    return np.quantile(tested, TAIL) if len(tested) else 0.0


def _described(table, descriptions):
    for name, description in descriptions.items():
        table[name].info.description = description
    return table


# Of the narrow hot pixels of a channel that many have a smaller unsupported spike than its tail.
TAIL = 0.95

CHANNEL_DESCRIPTIONS = {
    "channel": "0-based",
    "frequency": "in the frame of the cube",
    "velocity": "radio convention",
    "stokes": "polarization",
    "noise": "of the channels around",
    "model_flux": "sum of the model",
    "components": "pixels of the model that are not zero",
    "positive": "positive hot pixels, narrow or not",
    "negative": "negative hot pixels, narrow or not",
    "switched": "the model is empty and those of both neighbouring channels are not, or the other way round",
    "confetti": "confetti pixels",
    "tail": "unsupported spike that 5 % of the narrow hot pixels exceed, in noise; nan without a PSF",
    "severity": "of the worst fake source, in noise",
    "flux": "sum over the fake sources, each counted positive",
    "verdict": "bad: has confetti; good: none was found; blank; unchecked: nothing to compare with",
}

DESCRIPTIONS = {
    "class": "confetti: in the mask; candidate: without evidence against it; known: near a known real source",
    "severity": "of confetti: height that the data do not hold, in noise; the image is wrong by 1.2 to 1.5 times it",
    "flux": "of confetti: flux of a point source of that height",
    "channel": "0-based",
    "frequency": "of the channel, in the frame of the cube",
    "stokes": "polarization",
    "ra": "of the worst pixel, in the frame of the cube",
    "dec": "of the worst pixel, in the frame of the cube",
    "noise": "of the channel",
    "x": "0-based pixel of the worst pixel of the source",
    "y": "0-based pixel of the worst pixel of the source",
    "npixels": "hot pixels within a beam",
    "velocity": "radio convention",
    "contrast": "of the hot pixel over its surroundings in the model",
    "significance": "contrast in noise of the channel",
    "pointlikeness": "1 for a single pixel",
    "narrowness": "part of the contrast in a neighbouring channel",
    "surround": "flux around the hot pixel as a part of it; -1 compensates it",
    "restored": "part of the hot pixel that image minus residual keeps; 1 for a real source",
    "spike": "point source in this channel of the image alone, in noise",
    "residual": "residual at the hot pixel, in noise",
    "unsupported": "spike that the data do not hold, in noise; nan without a PSF",
}
