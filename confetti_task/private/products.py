"""The products of confetti_check."""

import errno
import os
from collections import namedtuple
from contextlib import ExitStack, contextmanager

import numpy as np
from casatasks import casalog

from .check.by_piece import Part, split
from .check.clean_mask import channels_to_clean, pixels_to_clean
from .check.tables import bad_channels, write_table
from .core.quantities import CANDIDATE_QUANTITIES
from .images.write import write_fits, write_image
from .report.regions import write_regions
from .staging import exclusive, publish, staged_root

STATISTICS = tuple(quantity.name for quantity in CANDIDATE_QUANTITIES if quantity.image)
# In the order in which they appear. The mask comes last: if it exists, the others are complete.
SUFFIXES = (
    *(f".{name}" for name in STATISTICS),
    ".html",
    ".crtf",
    ".reg",
    ".channels.ecsv",
    ".ecsv",
    ".candidates.mask.fits",
    ".cleanmask.fits",
    ".mask.fits",
    ".candidates.mask",
    ".cleanmask",
    ".mask",
)

# If one of these has the root name of the products, a .mask or .residual with that name is tclean's too.
TCLEAN_SUFFIXES = (".model", ".image", ".psf", ".pb", ".sumwt", ".weight")

# Other programs write files with these suffixes too.
REPORT = (".html", ".crtf", ".reg")
FITS = (".candidates.mask.fits", ".cleanmask.fits", ".mask.fits")
CANDIDATES = (".candidates.mask", ".candidates.mask.fits")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

# The task's parameters for its products: which clean mask, whether to write statistics and a report, how many finds it
# shows, the table of the proof or None, and whether to write the masks as FITS too, and a mask of the candidates.
Options = namedtuple("Options", "cleanmask writestats report npanels proof fitsmask candidatemask")

# Names of the products of an outfile, '' for those not written; for a cube in pieces, lists of names.
Products = namedtuple("Products", "mask cleanmask candidatemask table channeltable report")
NOT_WRITTEN = Products("", "", "", "", "", "")


@contextmanager
def reserved(outfile, cube, overwrite, options):
    """
    Check, before anything is measured, that this run can write the products, and lock them against other runs.

    Parameters
    ----------
    outfile : str
        Root name of the products; '' for the root name of the cube, or of each of its pieces, with '.confetti'.
    cube : `images.cube.Cube`
        The images.
    overwrite : bool
        Whether products of an earlier run may be replaced.
    options : `Options`
        What is to be written in addition to the mask and the tables.

    Yields
    ------
    outfiles : list of str
        Root names of the products: one, or one for each piece.

    Raises
    ------
    ValueError
        If a product would replace one of tclean's images, or exists and may not be replaced; if the folder is not
        writable; or if another run is writing the products.
    """
    outfiles = [outfile] if outfile else [piece.root + ".confetti" for piece in cube.pieces or [cube]]
    with ExitStack() as claims:
        for name in outfiles:
            claims.enter_context(_reserved(name, overwrite, options))
        yield outfiles


@contextmanager
def _reserved(outfile, overwrite, options):
    if not os.path.basename(outfile):
        raise ValueError(f"outfile='{outfile}' is a folder; give the root name of the products in it")
    roots = outfile, outfile + ".candidates"  # both with a .mask
    endings = ("", ".tt0", ".fits", ".tt0.fits")
    for path in (root + suffix + ending for root in roots for suffix in TCLEAN_SUFFIXES for ending in endings):
        if os.path.lexists(path):
            raise ValueError(f"outfile='{outfile}': images made by tclean have that name; choose another outfile")
    folder = os.path.dirname(os.path.abspath(outfile))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outfile='{outfile}': cannot write in {folder}; choose an outfile in another folder")
    with exclusive(outfile):
        for path in (outfile + suffix for suffix in _suffixes(outfile, options)):
            if os.path.lexists(path) and not overwrite:
                raise ValueError(f"{path} exists already; set overwrite=True to replace it, or choose another outfile")
        yield


def _suffixes(outfile, options):
    """Suffixes of the products that are written or replaced."""
    ours = os.path.exists(outfile + ".ecsv")
    asked = ((REPORT, options.report), (FITS, options.fitsmask), (CANDIDATES, options.candidatemask))
    others = {suffix for suffixes, wanted in asked if not (ours or wanted) for suffix in suffixes}
    return [suffix for suffix in SUFFIXES if suffix not in others]


def write_products(outfiles, found, tables, selected, options):
    """
    Write the products of a check: all are complete before the first appears.

    Parameters
    ----------
    outfiles : list of str
        From `reserved`.
    found : `check.survey.Found`
        The measurements and decisions.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    selected : sequence of int
        Channels that were checked.
    options : `Options`
        What to write in addition to the mask and the tables.

    Returns
    -------
    products : `Products`
        Names of the products.
    """
    whole = len(outfiles) == 1
    parts = [Part(found.cube, found.candidates, tables)] if whole else split(found, tables, selected)
    for outfile, part in zip(outfiles, parts):
        if part:
            _stage(outfile, part, options)
    names = [_publish(outfile, options) if part else NOT_WRITTEN for outfile, part in zip(outfiles, parts)]
    return names[0] if whole else Products(*(list(of_pieces) for of_pieces in zip(*names)))


def _stage(outfile, part, options):
    """Write all products of an outfile to its hidden folder."""
    cube, candidates, tables = part
    call = tables[0].meta["call"]
    staged = staged_root(outfile)
    for table, suffix in zip(tables, (".ecsv", ".channels.ecsv")):
        write_table(table, staged + suffix)
    if options.report:
        _write_report(staged, cube, outfile, tables, options)
    if options.writestats:
        for name in STATISTICS:
            write_image(f"{staged}.{name}", cube, planes_of(cube, candidates, candidates[name]), call)
    for suffix, planes in _masks(part, options):
        written = write_image(staged + suffix, cube, planes, call)
        if options.fitsmask:
            write_fits(staged + suffix, cube, written)


def _masks(part, options):
    """Suffix and planes of each mask."""
    cube, candidates, tables = part
    is_fake = candidates["evidence"] != ""
    if options.candidatemask:
        others = candidates[~(is_fake | candidates["known"])]
        yield ".candidates.mask", planes_of(cube, others, np.ones(len(others), dtype=bool))
    confetti, bad = candidates[is_fake], bad_channels(tables[1])
    if bad and options.cleanmask == "channel":
        yield ".cleanmask", channels_to_clean(cube, bad)
    elif len(confetti) and options.cleanmask == "pixel":
        yield ".cleanmask", pixels_to_clean(cube, confetti)
    yield ".mask", planes_of(cube, confetti, np.ones(len(confetti), dtype=bool))


def _publish(outfile, options):
    """Rename the products of an outfile into place, all or none, and return their names."""
    staged, ours = staged_root(outfile), _suffixes(outfile, options)
    publish(outfile, staged, staged + ".old", ours)
    suffixes = (".mask", ".cleanmask", ".candidates.mask", ".ecsv", ".channels.ecsv", ".html")
    return Products(*(outfile + end if end in ours and os.path.exists(outfile + end) else "" for end in suffixes))


def _write_report(staged, cube, outfile, tables, options):
    """Write the report and the regions, or log why not: a failing picture must not cost the mask."""
    try:
        from .report.page import write_page  # imported here, because a check without a report does not need it

        write_page(staged + ".html", cube, outfile, tables, options.npanels, options.proof)
        write_regions(staged, cube, tables[0])
    except Exception as error:
        if getattr(error, "errno", None) in DISK_FULL:  # then no product can be written
            raise
        casalog.post(f"The report could not be written, or not completely: {error!r}", "WARN")


def planes_of(cube, candidates, values):
    """Planes, for `images.write.write_image`, with the values at the pixels of the candidates, and 0 elsewhere."""
    place = np.ravel_multi_index((candidates["polarization"], candidates["channel"]), cube.shape[:2])
    order = np.argsort(place, kind="stable")
    places, starts = np.unique(place[order], return_index=True)
    for number, here in zip(places.tolist(), np.split(order, starts[1:])):
        plane = np.zeros(cube.shape[2:], dtype=values.dtype)
        plane[candidates["y"][here], candidates["x"][here]] = values[here]
        yield divmod(number, cube.channels), plane
