"""
The survey of a cube: all measurements of its channels and of their narrow hot pixels.

There are three passes: the rms of every channel, the hot pixels of the model, and the evidence of the image and the PSF
about the candidates. Each consists of many small jobs, pure functions of what they read, so that the result depends
neither on the number of workers nor on the order in which they do the jobs.
"""

import logging
import sys
from collections import namedtuple
from functools import partial

import numpy as np
from astropy.utils.console import ProgressBar

from ..core.convergence import has_diverged
from ..core.dirty_noise import as_in_dirty_images, to_be_compared
from ..core.noise import channel_noise, is_quiet, least_noise, settled, some_channels
from ..core.quantities import CANDIDATE, CHANNEL
from ..core.scatters import SCATTER
from ..core.sources import by_place
from ..images.chunks import ranges_of
from . import divergence, evidence, log
from .consistency import TO_BE_RESTORED, mismatches, restored_again, unusable
from .coverage import channels_to_measure, coverage_of, measure_channel_power
from .measure import (
    BYTES_A_VOXEL,
    find_candidates,
    is_switched_off,
    measure_dirty_noise,
    measure_left,
    measure_scatters,
)
from .spectral_response import heights_of_noise, interpolations_of, response_of, runs_to_compare

logger = logging.getLogger(__name__)


# Ranges of channels for each worker: enough that no worker waits long for the last one, but few, because adjacent
# ranges both read the model of the channels at their border.
RANGES_A_WORKER = 4

# Channels in which one job compares candidates with the data: it filters three more on either side, a tenth in all.
CHANNELS_A_JOB = 64

# Channels on either side of the selected ones that are measured at first.
LEAST_REACH = 16

# What a survey found: the cube as it was finally measured, rows of `CHANNEL` and `CANDIDATE`, and where the images do
# not belong together, from `check.consistency.mismatches`.
Found = namedtuple("Found", "cube channels candidates mismatches")

# rms noise of every channel of each polarization, and rows of `CHANNEL` and `CANDIDATE`.
Searched = namedtuple("Searched", "noises channels candidates")


def survey(cube, selected, thresholds, workers, memory):
    """
    Measure the channels of a cube and their narrow hot pixels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    selected : sequence of int
        Channels to check, ascending; those around them are read for comparison.
    thresholds : `core.decision.Thresholds`
        Thresholds for hot pixels, for narrow ones, and for convergence.
    workers : `check.worker_pool.Workers`
        Workers that do the jobs.
    memory : float
        Bytes that each process may use.

    Returns
    -------
    found : `Found`
        The measurements. Which channels diverged is decided here, everything else later.
    """
    searched = _search(cube, selected, thresholds, workers, memory)
    differing = mismatches(cube, searched.channels)
    if any(mismatch.kind in TO_BE_RESTORED for mismatch in differing):
        logger.info("The image is not the model restored with its beam plus the residual: restoring the model again")
        cube = restored_again(cube)
        searched = _search(cube, selected, thresholds, workers, memory)
    searched = _without_mismatches(searched, cube, differing)
    _confirm_switched_off(cube, searched.channels, workers, memory)
    _test_convergence(cube, searched.channels, differing, thresholds, workers, memory)
    coverages = [_measure_coverage(cube, polarization, workers) for polarization in range(len(searched.noises))]
    candidates = _compare_with_data(cube, searched, coverages, thresholds, workers, memory)
    _fill_in_sampling(cube, searched.channels, candidates, coverages, workers, memory)
    return Found(cube, searched.channels, candidates, differing)


def _search(cube, selected, thresholds, workers, memory):
    """rms noise of each polarization, measurements of all channels, and their narrow hot pixels."""
    noises, channels, candidates = [], [np.zeros(0, CHANNEL)], [np.zeros(0, CANDIDATE)]
    for polarization in range(cube.shape[0]) if cube.channels > 1 else ():
        voxels = int(memory / workers.threads / BYTES_A_VOXEL)
        noise, least, quiet = measure_noise(cube, polarization, selected, workers, voxels)
        logger.info(log.describe_noise(noise[selected], quiet.any()))
        search = partial(find_candidates, cube, polarization, noise=noise, thresholds=thresholds, voxels=voxels)
        ranges = _ranges(cube, selected, workers)
        measured, found = zip(*watched(workers.in_order(search, ranges), len(ranges), "models searched"))
        if not polarization:
            response = _measure_response(cube, polarization, noise, quiet, workers)
            logger.info(log.describe_response(response))
        for rows in measured:
            rows["least_noise"] = least[rows["channel"]]
            rows["shared"], rows["averaged"] = response
        noises.append(noise)
        channels += measured
        candidates += found
    return Searched(noises, np.concatenate(channels), np.concatenate(candidates))


def _measure_response(cube, polarization, noise, quiet, workers):
    """The `Response` of the channels, from the noise of one polarization."""
    measure = partial(heights_of_noise, cube, polarization, noise=noise)
    starts = [(start,) for start in runs_to_compare(noise, quiet)]
    return response_of([*workers.in_order(measure, starts)], interpolations_of(cube))


def _without_mismatches(searched, cube, differing):
    """Drop what was found in pieces whose images do not belong together; no channel there counts as checked."""
    channels, candidates = searched.channels, searched.candidates
    channels["checked"] &= ~unusable(cube, channels["channel"], differing)
    return searched._replace(candidates=candidates[~unusable(cube, candidates["channel"], differing)])


def _ranges(cube, channels, workers):
    """Ranges of channels, (start, end), for the workers."""
    return list(ranges_of(channels, cube.depth, RANGES_A_WORKER * workers.processes * workers.threads))


def measure_noise(cube, polarization, selected, workers, voxels):
    """
    Measure the noise of the selected channels; for their neighbours it only matters whether it is known.

    Channels around them are measured until enough quiet ones are found on either side, so that the noise does not
    depend on the selection.

    Returns
    -------
    noise, least : 1D float32 `~numpy.ndarray`
        rms noise of every channel in Jy/beam, NaN for a blank one, and its lower limit, which is less where the noise
        is not known.
    quiet : 1D bool `~numpy.ndarray`
        Which of the channels that were measured have negligible emission.
    """
    # The scatter of the selected channels, and of as many around them as it takes to know their noise.
    scatters = np.full(cube.channels, np.nan, dtype=SCATTER)
    measured, reach = np.zeros(cube.channels, dtype=bool), LEAST_REACH
    while not measured.all():
        wanted = np.unique(np.add.outer(selected, np.arange(-reach, reach + 1)).clip(0, cube.channels - 1))
        ranges = _ranges(cube, wanted[~measured[wanted]], workers)
        measure = partial(measure_scatters, cube, polarization, voxels=voxels)
        for (start, end), values in zip(ranges, workers.in_order(measure, ranges)):
            scatters[start:end], measured[start:end] = values, True
        if settled(is_quiet(scatters), selected, reach):
            break
        reach *= 2
    # Without a quiet channel, what CLEAN left in the residual bounds the noise.
    quiet = is_quiet(scatters)
    jobs = [] if quiet.any() else [(cube, polarization, channel) for channel in some_channels(scatters)]
    left = [*workers.in_order(measure_left, jobs)]
    noise = channel_noise(scatters, left)
    # A deep clean loses a part of the noise: the dirty images of a few channels have all of it.
    compared = to_be_compared(scatters)
    jobs = [(cube, polarization, channel, noise[channel]) for channel in compared]
    ratios = np.array([*workers.in_order(measure_dirty_noise, jobs)]) / noise[compared]
    noise = as_in_dirty_images(noise, ratios, quiet.any())
    return noise, least_noise(scatters, noise, min(cube.shape[2:]) / cube.beam, left), quiet


def _test_convergence(cube, channels, differing, thresholds, workers, memory):
    """Fill in the convergence of channels, and which of them diverged, except where a product is blank throughout."""
    missing = np.isnan(channels["noise"]) & unusable(cube, channels["channel"], differing)
    rows = np.flatnonzero(divergence.to_be_tested(channels) & ~missing)
    jobs = [(cube, *channels[["polarization", "channel"]][row].item()) for row in rows]
    measured = workers.in_order(divergence.measure_convergence, jobs, _planes_at_once(cube, memory))
    found = np.full((3, len(channels)), np.nan)  # convergence, spread and peak residual
    found[:, rows] = np.reshape([*watched(measured, len(jobs), "channels tested for convergence")], (-1, 3)).T
    channels["convergence"] = found[0]
    channels["diverged"] = has_diverged(found, channels["noise"], thresholds)


def _confirm_switched_off(cube, channels, workers, memory):
    """Take back that a channel is switched off if it just has no emission: sources may be in one channel each."""
    rows = np.flatnonzero(channels["switched"] == "off")
    jobs = [(cube, *channels[["polarization", "channel"]][row].item()) for row in rows]
    off = np.array([*workers.in_order(is_switched_off, jobs, _planes_at_once(cube, memory))], dtype=bool)
    channels["switched"][rows[~off]] = "no"


def _planes_at_once(cube, memory):
    """Number of jobs on whole planes that fit into the memory of a process."""
    return max(1, int(memory / evidence.bytes_needed(cube.shape[2:])))


def _measure_coverage(cube, polarization, workers):
    """The uv coverage of a polarization as its residual shows it; None if there are PSFs, or if it shows none."""
    if all("psf" in piece.products for piece in cube.pieces or [cube]):
        return None
    jobs = [(cube, polarization, channel) for channel in channels_to_measure(cube)]
    return coverage_of([*workers.in_order(measure_channel_power, jobs)], cube.shape[2:])


def _compare_with_data(cube, searched, coverages, thresholds, workers, memory):
    """Candidates, ordered by channel, with the evidence from the image and the PSF."""
    weighed = [np.zeros(0, CANDIDATE)]
    for polarization, (noise, coverage) in enumerate(zip(searched.noises, coverages)):
        candidates = searched.candidates[searched.candidates["polarization"] == polarization]
        weigh = partial(
            evidence.weigh, cube, polarization, known=np.isfinite(noise), coverage=coverage, thresholds=thresholds
        )
        jobs = [(found,) for found in _shared_out(candidates, workers)]
        results = workers.in_order(weigh, jobs, _planes_at_once(cube, memory))
        weighed += watched(results, len(jobs), "channels compared with the data")
    return np.concatenate(weighed)


def _shared_out(candidates, workers):
    """Candidates of consecutive channels for each job, as a dictionary by channel."""
    candidates = by_place(candidates)  # so that their order does not depend on the chunks in which they were found
    channels, starts = np.unique(candidates["channel"], return_index=True)
    found = dict(zip(channels.tolist(), np.split(candidates, starts[1:])))
    number = max(workers.processes * workers.threads, -(-len(found) // CHANNELS_A_JOB))
    jobs = np.array_split(channels, min(number, len(found))) if found else []
    return [{channel: found[channel] for channel in some.tolist()} for some in jobs]


def _fill_in_sampling(cube, channels, candidates, coverages, workers, memory):
    """Response and ambiguity of the channels: those at their candidates; else a typical response, and the PSF's own."""
    # Candidates of a channel have the same values.
    for name in ("response", "ambiguity"):
        measured = np.full(cube.shape[:2], np.nan, dtype=np.float32)
        measured[candidates["polarization"], candidates["channel"]] = candidates[name]
        channels[name] = measured[channels["polarization"], channels["channel"]]
    # A filter takes long to make: channels without candidates have the median response of those with or without a PSF.
    with_psf = np.array([cube.has("psf", channel) for channel in channels["channel"].tolist()], dtype=bool)
    for alike in (with_psf, ~with_psf):
        typical = _typical_response(cube, channels[alike], coverages)
        channels["response"][alike & np.isnan(channels["response"])] = typical
    # The ambiguity is quickly measured, and one channel may have lost its data: wherever CLEAN worked.
    rows = np.flatnonzero((channels["components"] > 0) & channels["checked"] & np.isnan(channels["ambiguity"]))
    jobs = [(cube, *channels[["polarization", "channel"]][row].item()) for row in rows]
    channels["ambiguity"][rows] = [*workers.in_order(evidence.measure_ambiguity, jobs, _planes_at_once(cube, memory))]


def _typical_response(cube, channels, coverages):
    """Median of the known responses; without any, that of a channel that was cleaned."""
    cleaned = channels[(channels["components"] > 0) & channels["checked"]]
    if np.isfinite(channels["response"]).any():
        return np.nanmedian(channels["response"])
    if not len(cleaned):
        return np.nan
    polarization, channel = (int(cleaned[len(cleaned) // 2][name]) for name in ("polarization", "channel"))
    return evidence.read_sampling(cube, polarization, channel, coverages[polarization]).response


def watched(results, number, what):
    """Pass results on, with a progress bar in a terminal, else with a log line for every 10 %."""
    if sys.stdout.isatty() and sys.stderr.isatty():  # under mpirun only stdout is a terminal
        with ProgressBar(number) as bar:
            for result in results:
                yield result
                bar.update()
        return
    tenths = 0
    for done, result in enumerate(results, start=1):
        yield result
        if 10 * done // number > tenths and number > 1:
            tenths = 10 * done // number
            logger.info(f"{10 * tenths} % of the {what}")
