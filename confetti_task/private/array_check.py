"""Implementation of find_confetti."""

import logging
import time
from collections import namedtuple

import numpy as np

from ..version import __version__
from .check import log
from .check.known_sources import read_known
from .check.record import described, read_record
from .check.spectral_response import flank_of_lines
from .check.worker_pool import cores, worker_pool
from .check_cube import Request, check_cube, check_numbers
from .core.decision import Thresholds
from .deconvolve.settle import WHICH
from .images.array_image import open_arrays
from .images.channels import parse_channels, selection

logger = logging.getLogger(__name__)

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
    check_numbers(memory, minutes)
    if deconvolve not in WHICH:
        raise ValueError(f"deconvolve={deconvolve!r} should be one of {', '.join(WHICH)}")
    cube = open_arrays(arrays, beam, psf_beam, wcs, clean)
    thresholds = Thresholds(nsigma, narrowness, unsupported, surround, flank=flank_of_lines(linewidth, cube))
    chans, real = selection(chans), read_known(known)
    selected = parse_channels(chans, cube.channels)
    parameters = {
        "chans": chans,
        "nsigma": nsigma,
        "narrowness": narrowness,
        "unsupported": unsupported,
        "surround": surround,
        "known": real.as_rows(),
        "record": described(record),
        "linewidth": str(linewidth),
        "deconvolve": deconvolve,
        "minutes": minutes,
    }
    about = {"version": __version__, "date": time.strftime("%Y-%m-%d %H:%M"), "parameters": parameters}
    request = Request(
        thresholds=thresholds,
        real=real,
        proved=None,
        rises=read_record(record, cube),
        deconvolve=deconvolve,
        minutes=minutes,
        memory=memory * 1e9,
        meta=about,
    )
    logger.info(log.describe_inputs(cube, selected))
    # With True, the workers would be those of a cluster, and the arrays would travel with every job.
    with worker_pool(cores() if parallel is True else parallel, cube.mapped) as workers:
        found, tables, warnings = check_cube(cube, selected, request, workers)
    fake = found.candidates[found.candidates["evidence"] != ""]
    mask = np.zeros(cube.shape[1:], dtype=bool)
    mask[fake["channel"], fake["y"], fake["x"]] = True
    return ArrayCheck(tables[0].meta["verdict"], mask, *tables, warnings)
