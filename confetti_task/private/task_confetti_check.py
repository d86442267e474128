"""Implementation of confetti_check."""

import logging

import numpy as np

from .check import log
from .check.proof_table import read_proof
from .check.record import described
from .check.result import summarize
from .check.warnings import no_rest_frequency
from .check.worker_pool import worker_pool
from .check_cube import Request, check_cube, check_numbers
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
    arguments = dict(locals())
    check_numbers(memory, minutes)
    if npanels < 0:
        raise ValueError(f"npanels should be a number of finds (got {npanels})")
    cube = open_pieces(imagename, reader)
    proved = read_proof(proof, cube)
    request = Request.of(cube, arguments, INHERITED_PARAMETERS, proved, call=_call_of(arguments))
    options = Options(cleanmask, writestats, report, npanels, proved, fitsmask, candidatemask)
    selected = parse_channels(chans, cube.channels)

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


def _call_of(arguments):
    """The call as the products record it; of the record of tclean, the name of its file."""
    shown = dict(arguments, record=described(arguments["record"]))
    return "confetti_check({})".format(", ".join(f"{name}={shown[name]!r}" for name in RECORDED_PARAMETERS))
