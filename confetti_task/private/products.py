"""The products of confetti_check."""

import errno
import os
from collections import namedtuple
from contextlib import contextmanager

import numpy as np
from casatasks import casalog

from .check.clean_mask import channels_to_clean, pixels_to_clean
from .check.tables import bad_channels
from .core.quantities import CANDIDATE_QUANTITIES
from .images.write import write_image
from .report.regions import write_regions
from .staging import claimed, replace, staged_root

STATISTICS = tuple(quantity.name for quantity in CANDIDATE_QUANTITIES if quantity.image)
# In the order in which they appear: the mask comes last, so that where it is, the others are too.
SUFFIXES = (
    *(f".{name}" for name in STATISTICS),
    ".html",
    ".crtf",
    ".reg",
    ".channels.ecsv",
    ".ecsv",
    ".cleanmask",
    ".mask",
)

# One of these beside a product of the same root name tells that the product is tclean's.
OF_TCLEAN = (".model", ".image", ".psf", ".pb", ".sumwt", ".weight")

# Others than this task write files that end like these.
REPORT = (".html", ".crtf", ".reg")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

# Which clean mask to write, whether statistics and a report, and how many finds it shows: as the task takes them.
Wanted = namedtuple("Wanted", "cleanmask writestats report npanels")


@contextmanager
def checked_outfile(outfile, overwrite, report):
    """
    Make sure, before anything is measured, that the products can be written, by this run alone.

    Parameters
    ----------
    outfile : str
        Root name of the products.
    overwrite : bool
        Whether products of an earlier run may be replaced.
    report : bool
        Whether page and regions are among them.

    Raises
    ------
    ValueError
        If a product would replace an image of tclean, or exists and may not be replaced, or the folder cannot be
        written in, or another run is writing them.
    """
    if not os.path.basename(outfile):
        raise ValueError(f"outfile='{outfile}' is a folder; give the root name of the products in it")
    for path in (outfile + suffix + term for suffix in OF_TCLEAN for term in ("", ".tt0")):
        if os.path.lexists(path):
            raise ValueError(f"outfile='{outfile}': there are images of tclean of that name; choose another outfile")
    folder = os.path.dirname(os.path.abspath(outfile))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outfile='{outfile}': cannot write in {folder}; choose an outfile in another folder")
    with claimed(outfile):
        for path in (outfile + suffix for suffix in _suffixes(outfile, report)):
            if os.path.lexists(path) and not overwrite:
                raise ValueError(f"{path} exists already; set overwrite=True to replace it, or choose another outfile")
        yield


def _suffixes(outfile, report):
    """Of the products that are written or replaced."""
    ours = report or os.path.exists(outfile + ".ecsv")
    return [suffix for suffix in SUFFIXES if ours or suffix not in REPORT]


def stage_products(outfile, cube, candidates, tables, wanted, call):
    """
    Write all products of an outfile from `checked_outfile`, where nobody sees them yet.

    Parameters
    ----------
    outfile : str
        Root name of the products.
    cube : `images.cube.Cube`
        The inputs.
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    wanted : `Wanted`
        What to write beside the mask and the tables.
    call : str
        The call of the task, for the history of the images.
    """
    confetti, bad = candidates[candidates["confetti"]], bad_channels(tables[1])
    staged = staged_root(outfile)
    for table, suffix in zip(tables, (".ecsv", ".channels.ecsv")):
        table.write(staged + suffix, format="ascii.ecsv")
    if wanted.report:
        _write_report(staged, cube, outfile, tables, wanted.npanels)
    if wanted.writestats:
        for name in STATISTICS:
            write_image(f"{staged}.{name}", cube, _planes_of(cube, candidates, candidates[name]), call)
    if bad and wanted.cleanmask == "channel":
        write_image(staged + ".cleanmask", cube, channels_to_clean(cube, bad), call)
    elif len(confetti) and wanted.cleanmask == "pixel":
        write_image(staged + ".cleanmask", cube, pixels_to_clean(cube, confetti), call)
    write_image(staged + ".mask", cube, _planes_of(cube, confetti, np.ones(len(confetti), dtype=bool)), call)


def let_appear(outfile, report):
    """
    Let the products from `stage_products` appear under their names, all or none.

    Parameters
    ----------
    outfile : str
        Root name of the products.
    report : bool
        Whether page and regions are among them.

    Returns
    -------
    mask, cleanmask, table, channeltable, report : str
        Names of the products; '' for what was not written.
    """
    staged, ours = staged_root(outfile), _suffixes(outfile, report)
    replace(outfile, staged, os.path.join(os.path.dirname(staged), "old"), ours)
    suffixes = (".mask", ".cleanmask", ".ecsv", ".channels.ecsv", ".html")
    return tuple(outfile + end if end in ours and os.path.exists(outfile + end) else "" for end in suffixes)


def _write_report(staged, cube, outfile, tables, npanels):
    """Write page and regions, or tell why not: no picture is worth a mask."""
    try:
        from .report.page import write_page  # only here: matplotlib takes half a second to import

        write_page(staged + ".html", cube, outfile, tables, npanels)
        write_regions(staged, cube, tables[0])
    except Exception as error:
        if getattr(error, "errno", None) in DISK_FULL:  # that concerns all products
            raise
        casalog.post(f"The report could not be made or not all of it: {error!r}", "WARN")


def _planes_of(cube, candidates, values):
    """Planes that hold the values at the pixels of the candidates, and 0 elsewhere."""
    for polarization, channel in _channels_of(candidates):
        here = (candidates["polarization"] == polarization) & (candidates["channel"] == channel)
        plane = np.zeros(cube.lengths[2:], dtype=values.dtype)
        plane[candidates["y"][here], candidates["x"][here]] = values[here]
        yield (polarization, channel), plane


def _channels_of(candidates):
    return sorted({(int(row["polarization"]), int(row["channel"])) for row in candidates})
