"""Implementation of confetti_check."""

import logging
import time
from dataclasses import replace

import numpy as np

from ..version import __version__
from .check import log
from .check.known_sources import read_known
from .check.proof_table import read_proof
from .check.record import described, read_record
from .check.result import summarize
from .check.spectral_response import flank_of_lines
from .check.warnings import no_rest_frequency
from .check.worker_pool import worker_pool
from .check_cube import Request, check_cube, check_numbers
from .core.decision import Thresholds
from .images.channels import parse_channels, selection
from .images.coordinates import lacks_rest_frequency, world_coordinates
from .images.locks import unchanged
from .images.pieces import open_pieces
from .products import Options, reserved, write_products

logger = logging.getLogger(__name__)

# Parameters that affect the result; they make up the call that is recorded in the products.
RECORDED_PARAMETERS = (
    "imagename",
    "outfile",
    "chans",
    "nsigma",
    "narrowness",
    "unsupported",
    "surround",
    "known",
    "cleanmask",
    "proof",
    "deconvolve",
    "minutes",
    "record",
    "linewidth",
)
# Parameters with which confetti_reclean checks the new cube.
INHERITED_PARAMETERS = (
    "chans",
    "nsigma",
    "narrowness",
    "unsupported",
    "surround",
    "cleanmask",
    "report",
    "npanels",
    "deconvolve",
    "minutes",
    "linewidth",
)


def confetti_check(
    imagename,
    outfile,
    chans,
    nsigma,
    narrowness,
    unsupported,
    surround,
    known,
    cleanmask,
    writestats,
    report,
    npanels,
    reader,
    parallel,
    memory,
    overwrite,
    proof,
    fitsmask,
    candidatemask,
    deconvolve,
    minutes,
    record,
    linewidth,
):
    """Find the fake sources that CLEAN wrote into a cube; `confetti_task.confetti_check` documents the parameters."""
    chans = selection(chans)
    arguments = dict(locals(), record=described(record))
    thresholds = Thresholds(nsigma, narrowness, unsupported, surround)
    real = read_known(known)
    check_numbers(memory, minutes)
    if npanels < 0:
        raise ValueError(f"npanels should be a number of finds (got {npanels})")
    cube = open_pieces(imagename, reader)
    thresholds = replace(thresholds, flank=flank_of_lines(linewidth, cube))
    proved, rises = read_proof(proof, cube), read_record(record, cube)
    options = Options(cleanmask, writestats, report, npanels, proved, fitsmask, candidatemask)
    selected = parse_channels(chans, cube.channels)

    request = Request(
        thresholds=thresholds,
        real=real,
        proved=proved,
        rises=rises,
        deconvolve=deconvolve,
        minutes=minutes,
        memory=memory * 1e9,
        meta=_about(arguments, real),
    )

    with reserved(outfile, cube, overwrite, options) as outfiles:
        logger.info(log.describe_inputs(cube, selected))
        with unchanged(cube), worker_pool(parallel, cube.mapped) as workers:
            logger.info(log.describe_workers(cube, workers))
            found, tables, _ = check_cube(cube, selected, request, workers, _without_frequencies(cube))
        products = write_products(outfiles, found, tables, selected, options)

    result = summarize(found.candidates, tables, products, report)
    for line in log.describe_channels(*tables):
        logger.info(line)
    logger.info(log.describe_verdict(result, cube))
    return result


def _without_frequencies(cube):
    """A warning if the cube has only velocities; if it has only frequencies, as WSClean's cubes do, that is logged."""
    if not lacks_rest_frequency(cube):
        return []
    first = np.zeros(1, dtype=int)
    _, _, frequency, _ = world_coordinates(cube, first, first, first)
    text = no_rest_frequency(np.isfinite(frequency).all())
    if np.isnan(frequency).any():
        return [text]
    logger.info(text)
    return []


def _about(arguments, real):
    """Metadata of the check for the headers of the tables."""
    given = ", ".join(f"{name}={arguments[name]!r}" for name in RECORDED_PARAMETERS)
    return {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "call": f"confetti_check({given})",
        "parameters": dict({name: arguments[name] for name in INHERITED_PARAMETERS}, known=real.as_rows()),
    }
