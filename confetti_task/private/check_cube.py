"""The check of a cube, whatever its images are stored in: what confetti_check and find_confetti have in common."""

import logging
import time
from collections import namedtuple
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..version import __version__
from .check import log
from .check.clean_mask import MUCH_OUTSIDE, channels_to_look_at, part_outside
from .check.known_sources import Known, outside, read_known
from .check.proof_table import acquitted, proved_real
from .check.record import described, read_record
from .check.spectral_response import flank_of_lines
from .check.survey import survey
from .check.tables import make_tables
from .check.verdict import judge, verdict_of
from .check.warnings import known_outside, outside_mask, warnings_of
from .core.decision import Thresholds
from .deconvolve.settle import scales_of, settle

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """
    What to look for, and what is known already.

    Attributes
    ----------
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision.
    real : `check.known_sources.Known`
        Known real sources.
    proved : `~astropy.table.QTable` or None
        What an earlier re-clean has proved, from `check.proof_table.read_proof`.
    rises : 1D `~numpy.ndarray`
        Largest rise of the peak residual in each channel, from `check.record.read_record`.
    deconvolve : {'suspicious', 'all', 'none'}
        Which channels to deconvolve again.
    minutes, memory : float
        Time for that, and bytes that each process may use.
    meta : dict
        Metadata for the tables, with the 'parameters'; verdict and warnings are added.
    """

    thresholds: Thresholds
    real: Known
    proved: Any
    rises: np.ndarray
    deconvolve: str
    minutes: float
    memory: float
    meta: dict

    @classmethod
    def of(cls, cube, arguments, inherited, proved=None, **about):
        """
        Read the parameters that confetti_check and find_confetti share.

        Parameters
        ----------
        cube : `images.cube.Cube`
            The images.
        arguments : dict
            Parameters of the call.
        inherited : sequence of str
            Those that the tables keep.
        proved : `~astropy.table.QTable` or None
            As in the attributes.
        **about
            Further metadata for the tables.

        Raises
        ------
        ValueError
            If a parameter makes no sense.
        """
        real = read_known(arguments["known"])
        shown = dict(arguments, record=described(arguments["record"]))
        parameters = dict({name: shown[name] for name in inherited}, known=real.as_rows())
        return cls(
            thresholds=replace(Thresholds.of(arguments), flank=flank_of_lines(arguments["linewidth"], cube)),
            real=real,
            proved=proved,
            rises=read_record(arguments["record"], cube),
            deconvolve=arguments["deconvolve"],
            minutes=arguments["minutes"],
            memory=arguments["memory"] * 1e9,
            meta={"version": __version__, "date": time.strftime("%Y-%m-%d %H:%M"), **about, "parameters": parameters},
        )


# Measurements and decisions, the tables of sources and channels, and what to know before trusting them.
Checked = namedtuple("Checked", "found tables warnings")


def check_cube(cube, selected, request, workers, warnings=()):
    """
    Find the fake sources of a cube.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    selected : sequence of int
        Channels to check, ascending.
    request : `Request`
        What to look for.
    workers : `check.worker_pool.Workers`
        Workers that do the jobs.
    warnings : sequence of str
        Further warnings about the images.

    Returns
    -------
    checked : `Checked`
        The result; warnings are logged too.
    """
    thresholds, rises = request.thresholds, request.rises
    found = survey(cube, selected, thresholds, workers, request.memory)
    found.channels["rise"] = rises[found.channels["channel"]]
    for line in log.describe_record(rises, thresholds):
        logger.info(line)
    # A first verdict ranks the channels to deconvolve again; the second includes what that has shown.
    found = _judge(found, request)
    settled = settle(found, request.deconvolve, request.minutes, thresholds, workers, request.memory)
    found = found if settled is found else _judge(settled, request)

    warnings = [
        *warnings_of(found),
        *known_outside(outside(cube, request.real), len(request.real)),
        *warnings,
        *_outside_the_clean_mask(found, workers),
    ]
    for warning in warnings:
        logger.warning(warning)
    tables = make_tables(found, dict(request.meta, verdict=verdict_of(found), warnings=warnings))
    return Checked(found, tables, warnings)


def check_numbers(memory, minutes):
    """
    Check the numbers that confetti_check and find_confetti share.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """
    if not 0 < memory < np.inf:
        raise ValueError(f"memory should be a positive number of GB (got {memory})")
    if not minutes > 0:
        raise ValueError(f"minutes should be positive (got {minutes}); deconvolve='none' takes no time")


def _judge(found, request):
    innocent = acquitted(request.proved, found.channels, found.cube.stokes), proved_real(request.proved, found)
    return judge(found, request.real, request.thresholds, *innocent)


def _outside_the_clean_mask(found, workers):
    """Warnings, none or one, if much of the model is outside the clean mask, farther than its scales reach."""
    cube, reach = found.cube, max(scales_of(found.cube).scales)
    rows = channels_to_look_at(found.channels, cube)
    jobs = [(cube, *row[["polarization", "channel"]].item(), reach) for row in rows]
    parts = [*workers.in_order(part_outside, jobs)]
    much = {int(row["channel"]): part for row, part in zip(rows, parts) if part >= MUCH_OUTSIDE}
    return [*outside_mask(cube, much, reach)]
