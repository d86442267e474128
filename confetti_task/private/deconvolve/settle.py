"""Deconvolve the channels again that matter, the most suspicious first, as far as the time goes."""

import logging
import time

import numpy as np

from ..check.evidence import bytes_needed as bytes_to_weigh
from ..check.evidence import weigh
from ..check.survey import watched
from ..check.verdict import verdicts_of_channels
from ..core.decision import is_gone, part_gone
from ..core.deconvolution import (
    CHANGE_OF_POINTS,
    CHANGE_OF_SAME_SCALES,
    POINT_DECONVOLVERS,
    Scales,
    usual_scales,
)
from ..core.sources import by_place
from ..core.uv_coverage import LEAST_RESPONSE
from ..images.cube import read_beam, read_recorded
from ..images.history import as_number
from . import messages
from .again import bytes_needed, can_deconvolve, deconvolve_channels

logger = logging.getLogger(__name__)

WHICH = ("suspicious", "all", "none")

# Starting a process with CASA takes three seconds, so that one deconvolves this many channels, but fewer if there are
# not as many for each worker.
CHANNELS_A_JOB = 8

# Seconds for each component of the old model, on one core: 0.4 to 0.6 times as many in tclean's cubes of 128 x 128 to
# 224 x 224 pixels, 2 to 5 times where smooth emission of 30 to 200 sigma fills a tenth of the plane.
SECONDS_A_COMPONENT = 3e-4


def settle(found, which, minutes, thresholds, workers, memory):
    """
    Deconvolve channels again, and measure what is gone at their hot pixels.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements with the decisions so far; its channels are changed in place.
    which : {'suspicious', 'all', 'none'}
        'suspicious': none if no channel is suspicious or bad; else those first, and as many others, in the order of
        their suspicion, as the time allows. 'all': all that were cleaned, however long it takes.
    minutes : float
        The time; a channel that was begun before its end is given up.
    thresholds : `core.decision.Thresholds`
        Thresholds for hot pixels.
    workers : `check.worker_pool.Workers`
        Workers that do the jobs.
    memory : float
        Bytes that each process may use.

    Returns
    -------
    found : `check.survey.Found`
        The same with what changed, and with hot pixels that were no candidates.
    """
    ranked = _ranked(found, which)
    possible = [row for row in ranked if can_deconvolve(found.cube, int(row["channel"]))]
    if not possible:
        logger.info(messages.describe_none(ranked))
        return found
    until = np.inf if which == "all" else time.time() + 60 * minutes
    number, jobs = _jobs(found.cube, possible, thresholds, until, workers)
    logger.info(messages.describe_start(len(possible), _predicted(possible), workers, minutes, until))
    at_once = max(1, int(memory / bytes_needed(found.cube.shape[2:])))
    finished = [
        *watched(workers.in_order(deconvolve_channels, jobs, at_once), number, "groups of channels deconvolved")
    ]
    done = [again for job in finished for again in job.channels]
    logger.info(messages.describe_end(done, possible))
    for failure in {job.failure for job in finished} - {""}:
        logger.warning(messages.FAILED.format(failure=failure))
    return _with_changes(found, done, thresholds, workers, memory)


def _ranked(found, which):
    """Channels to deconvolve again, those first that matter most."""
    channels = found.channels
    verdicts = verdicts_of_channels(found)
    urgent = np.isin(verdicts, ["suspicious", "bad"])
    wanted = (channels["components"] > 0) & np.isfinite(channels["noise"])
    wanted &= ~(channels["ambiguous"] | channels["diverged"] | (channels["response"] < LEAST_RESPONSE))
    if which == "none" or (which == "suspicious" and not urgent.any()):
        return channels[:0]
    suspicion = np.nan_to_num(channels["suspicion"], nan=np.inf)  # without a neighbour to compare with
    order = np.lexsort([-suspicion, verdicts != "bad", verdicts != "suspicious"])
    return channels[order][wanted[order]]


def _jobs(cube, rows, thresholds, until, workers):
    """Number of jobs, and their arguments; none follows after the end of the time."""
    size = max(1, min(CHANNELS_A_JOB, -(-len(rows) // (workers.processes * workers.threads))))
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    scales = scales_of(cube)

    def jobs():
        for part in parts:
            if time.time() < until:
                places = [row[["polarization", "channel"]].item() for row in part]
                noises, beams = [float(row["noise"]) for row in part], [read_beam(cube, *place) for place in places]
                yield cube, places, noises, beams, scales, thresholds, until

    return len(parts), jobs()


def scales_of(cube):
    """Deconvolver and scales of the recorded clean; else the usual ones."""
    recorded = read_recorded(cube, {"deconvolver", "scales", "smallscalebias"})
    if recorded.get("deconvolver") in POINT_DECONVOLVERS:
        return Scales("hogbom", (0,), 0.0, CHANGE_OF_POINTS)
    if not recorded.get("scales"):
        return usual_scales(cube.beam)
    scales = tuple(int(scale) for scale in np.ravel(as_number("scales", recorded["scales"])))
    bias = float(as_number("smallscalebias", recorded.get("smallscalebias", 0)))
    return Scales("multiscale", scales, bias, CHANGE_OF_SAME_SCALES)


def _predicted(rows):
    """Seconds that channels will take on one core."""
    return SECONDS_A_COMPONENT * sum(row["components"] for row in rows)


def _with_changes(found, done, thresholds, workers, memory):
    """The measurements, with what is gone in the channels that were deconvolved again."""
    channels, candidates = found.channels, found.candidates.copy()
    extras = {}
    for again in done:
        here = (channels["polarization"] == again.polarization) & (channels["channel"] == again.channel)
        channels["deconvolved"][here] = again.state
        channels["gone"][here] = part_gone(again.candidates).max(initial=0) if again.state != "no" else np.nan
        rows = np.flatnonzero(
            (candidates["polarization"] == again.polarization) & (candidates["channel"] == again.channel)
        )
        known, first, second = _same_place(again.candidates, candidates[rows])
        for name in ("difference", "tolerance"):
            candidates[name][rows[second]] = again.candidates[name][first]
        extra = again.candidates[~known & is_gone(again.candidates)]
        if len(extra):
            extras.setdefault(again.polarization, {})[again.channel] = np.sort(extra, order=["y", "x"])
    weighed = [candidates]
    for polarization, by_channel in extras.items():
        weighed += _weigh(found, polarization, by_channel, thresholds, workers, memory)
    return found._replace(candidates=by_place(np.concatenate(weighed)))


def _weigh(found, polarization, by_channel, thresholds, workers, memory):
    """Compare hot pixels that were no candidates with the data."""
    known = np.zeros(found.cube.channels, dtype=bool)
    here = found.channels[found.channels["polarization"] == polarization]
    known[here["channel"]] = np.isfinite(here["noise"])
    jobs = [
        (found.cube, polarization, {channel: rows}, known, None, thresholds)
        for channel, rows in sorted(by_channel.items())
    ]
    at_once = max(1, int(memory / bytes_to_weigh(found.cube.shape[2:])))
    return [*workers.in_order(weigh, jobs, at_once)]


def _same_place(rows, others):
    """Whether each row is at the place of one of the others; and the numbers of both."""
    width = max(rows["x"].max(initial=0), others["x"].max(initial=0)) + 1
    places = [each["y"].astype(int) * width + each["x"] for each in (rows, others)]
    _, first, second = np.intersect1d(*places, return_indices=True)
    known = np.zeros(len(rows), dtype=bool)
    known[first] = True
    return known, first, second
