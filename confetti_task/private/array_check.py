"""Implementation of find_confetti."""

import logging
from collections import namedtuple

import numpy as np

from .check import log
from .check.worker_pool import cores, worker_pool
from .check_cube import Request, check_cube, check_numbers
from .core.decision import THRESHOLD_PARAMETERS
from .deconvolve.settle import WHICH
from .images.array_image import open_arrays
from .images.channels import parse_channels, selection

logger = logging.getLogger(__name__)

# Parameters that the tables keep.
KEPT_PARAMETERS = ("chans", *THRESHOLD_PARAMETERS, "record", "linewidth", "deconvolve", "minutes")

ArrayCheck = namedtuple("ArrayCheck", "verdict mask sources channels warnings")
ArrayCheck.__doc__ = "What `confetti_task.find_confetti` returns; described there."


def check_arrays(
    arrays,
    beam,
    psf_beam,
    wcs,
    clean,
    chans,
    nsigma,
    narrowness,
    unsupported,
    surround,
    known,
    record,
    linewidth,
    deconvolve,
    minutes,
    parallel,
    memory,
):
    """Find the fake sources of a cube of arrays; `confetti_task.find_confetti` documents the parameters."""
    chans = selection(chans)
    arguments = dict(locals())
    check_numbers(memory, minutes)
    if deconvolve not in WHICH:
        raise ValueError(f"deconvolve={deconvolve!r} should be one of {', '.join(WHICH)}")
    cube = open_arrays(arrays, beam, psf_beam, wcs, clean)
    request = Request.of(cube, arguments, KEPT_PARAMETERS)
    selected = parse_channels(chans, cube.channels)
    logger.info(log.describe_inputs(cube, selected))
    # With True, the workers would be those of a cluster, and the arrays would travel with every job.
    with worker_pool(cores() if parallel is True else parallel, cube.mapped) as workers:
        found, tables, warnings = check_cube(cube, selected, request, workers)
    fake = found.candidates[found.candidates["evidence"] != ""]
    mask = np.zeros(cube.shape[1:], dtype=bool)
    mask[fake["channel"], fake["y"], fake["x"]] = True
    return ArrayCheck(tables[0].meta["verdict"], mask, *tables, warnings)
