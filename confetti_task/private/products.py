"""The products of confetti_check."""

import errno
import os
from collections import namedtuple
from contextlib import ExitStack, contextmanager

import numpy as np
from casatasks import casalog

from .check.by_piece import Part, split
from .check.clean_mask import channels_to_clean, pixels_to_clean
from .check.tables import bad_channels
from .core.quantities import CANDIDATE_QUANTITIES
from .images.write import write_image
from .report.regions import write_regions
from .staging import exclusive, publish, staged_root

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
Options = namedtuple("Options", "cleanmask writestats report npanels")

# Names of the products of an outfile, '' for what was not written; for a cube in pieces a list of each.
Products = namedtuple("Products", "mask cleanmask table channeltable report")
NOT_WRITTEN = Products("", "", "", "", "")


@contextmanager
def reserved(outfile, cube, overwrite, report):
    """
    Make sure, before anything is measured, that the products can be written, by this run alone.

    Parameters
    ----------
    outfile : str
        Root name of the products; '' for '.confetti' after the root name of the cube, or of each of its pieces.
    cube : `images.cube.Cube`
        The inputs.
    overwrite : bool
        Whether products of an earlier run may be replaced.
    report : bool
        Whether page and regions are among them.

    Yields
    ------
    outfiles : list of str
        Root names of the products: one, or one for each piece.

    Raises
    ------
    ValueError
        If a product would replace an image of tclean, or exists and may not be replaced, or the folder cannot be
        written in, or another run is writing them.
    """
    outfiles = [outfile] if outfile else [piece.root + ".confetti" for piece in cube.pieces or [cube]]
    with ExitStack() as claims:
        for name in outfiles:
            claims.enter_context(_reserved(name, overwrite, report))
        yield outfiles


@contextmanager
def _reserved(outfile, overwrite, report):
    if not os.path.basename(outfile):
        raise ValueError(f"outfile='{outfile}' is a folder; give the root name of the products in it")
    for path in (outfile + suffix + term for suffix in OF_TCLEAN for term in ("", ".tt0")):
        if os.path.lexists(path):
            raise ValueError(f"outfile='{outfile}': there are images of tclean of that name; choose another outfile")
    folder = os.path.dirname(os.path.abspath(outfile))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outfile='{outfile}': cannot write in {folder}; choose an outfile in another folder")
    with exclusive(outfile):
        for path in (outfile + suffix for suffix in _suffixes(outfile, report)):
            if os.path.lexists(path) and not overwrite:
                raise ValueError(f"{path} exists already; set overwrite=True to replace it, or choose another outfile")
        yield


def _suffixes(outfile, report):
    """Of the products that are written or replaced."""
    ours = report or os.path.exists(outfile + ".ecsv")
    return [suffix for suffix in SUFFIXES if ours or suffix not in REPORT]


def write_products(outfiles, found, tables, selected, options):
    """
    Write the products of a check: all are complete before the first appears.

    Parameters
    ----------
    outfiles : list of str
        From `reserved`.
    found : `check.survey.Found`
        What was found.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    selected : sequence of int
        Channels that were checked.
    options : `Options`
        What to write beside the mask and the tables.

    Returns
    -------
    products : `Products`
        Their names.
    """
    whole = len(outfiles) == 1
    parts = [Part(found.cube, found.candidates, tables)] if whole else split(found, tables, selected)
    for outfile, part in zip(outfiles, parts):
        if part:
            _stage(outfile, part, options)
    names = [_publish(outfile, options.report) if part else NOT_WRITTEN for outfile, part in zip(outfiles, parts)]
    return names[0] if whole else Products(*(list(of_pieces) for of_pieces in zip(*names)))


def _stage(outfile, part, options):
    """Write all products of an outfile in its hidden folder."""
    cube, candidates, tables = part
    call = tables[0].meta["call"]
    confetti, bad = candidates[candidates["confetti"]], bad_channels(tables[1])
    staged = staged_root(outfile)
    for table, suffix in zip(tables, (".ecsv", ".channels.ecsv")):
        table.write(staged + suffix, format="ascii.ecsv")
    if options.report:
        _write_report(staged, cube, outfile, tables, options.npanels)
    if options.writestats:
        for name in STATISTICS:
            write_image(f"{staged}.{name}", cube, _planes_of(cube, candidates, candidates[name]), call)
    if bad and options.cleanmask == "channel":
        write_image(staged + ".cleanmask", cube, channels_to_clean(cube, bad), call)
    elif len(confetti) and options.cleanmask == "pixel":
        write_image(staged + ".cleanmask", cube, pixels_to_clean(cube, confetti), call)
    write_image(staged + ".mask", cube, _planes_of(cube, confetti, np.ones(len(confetti), dtype=bool)), call)


def _publish(outfile, report):
    """Let the products of an outfile appear under their names, all or none, and return the names."""
    staged, ours = staged_root(outfile), _suffixes(outfile, report)
    publish(outfile, staged, os.path.join(os.path.dirname(staged), "old"), ours)
    suffixes = (".mask", ".cleanmask", ".ecsv", ".channels.ecsv", ".html")
    return Products(*(outfile + end if end in ours and os.path.exists(outfile + end) else "" for end in suffixes))


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
        plane = np.zeros(cube.shape[2:], dtype=values.dtype)
        plane[candidates["y"][here], candidates["x"][here]] = values[here]
        yield (polarization, channel), plane


def _channels_of(candidates):
    return sorted({(int(row["polarization"]), int(row["channel"])) for row in candidates})
