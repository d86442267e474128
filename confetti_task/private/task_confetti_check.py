"""The story of confetti_check."""

import sys
import time
from collections import defaultdict, namedtuple
from contextlib import ExitStack

import numpy as np
from astropy.utils.console import ProgressBar
from casatasks import casalog

from ..version import __version__
from .check import divergence, evidence, messages
from .check.consistency import mismatches, restored_here
from .check.known_sources import near_known, read_known
from .check.measure import BYTES_A_VOXEL, find_candidates, measure_scatter
from .check.tables import channel_table, of_piece, source_table
from .check.worker_pool import hired
from .core.decision import Thresholds, is_confetti, severity
from .core.noise import WINDOW_CHANNELS, channel_noise
from .core.quantities import CANDIDATE, CHANNEL
from .core.sources import join
from .core.statistics import REACH_CHANNELS
from .images.channels import format_channels, parse_channels
from .images.chunks import ranges_of
from .images.locks import check_unchanged, fingerprint
from .images.pieces import open_pieces
from .products import Wanted, checked_outfile, let_appear, stage_products

# Ranges of channels for each worker: enough that none waits long for the last, and few, because the model of a channel
# on either side is read by both.
RANGES_A_WORKER = 4

# Noise of every channel of each polarization, and rows of `CHANNEL` and `CANDIDATE`.
Searched = namedtuple("Searched", "noises channels candidates")

# The cube, as it was looked at in the end, and what was measured of it.
Measured = namedtuple("Measured", "cube channels candidates differing")

# Names of the products of a piece without selected channels.
NOT_WRITTEN = ("",) * 5


def confetti_check(
    imagename,
    outfile,
    chans,
    nsigma,
    narrowness,
    unsupported,
    known,
    cleanmask,
    writestats,
    report,
    npanels,
    reader,
    parallel,
    memory,
    overwrite,
):
    """Find the fake sources that CLEAN wrote into a cube; `confetti_task.confetti_check` documents the parameters."""
    thresholds = Thresholds(nsigma, narrowness, unsupported)
    wanted = Wanted(cleanmask, writestats, report, npanels)
    real = read_known(known)
    _check_numbers(memory, npanels)
    cube = open_pieces(imagename, reader)
    as_found = fingerprint(cube)
    selected = parse_channels(chans, cube.channels)
    outfiles = [outfile] if outfile else [piece.root + ".confetti" for piece in cube.pieces or [cube]]
    with ExitStack() as claims:
        for name in outfiles:
            claims.enter_context(checked_outfile(name, overwrite, report))
        casalog.post(messages.describe_inputs(cube, selected))

        with hired(parallel, cube.mapped) as workers:
            casalog.post(messages.describe_workers(cube, workers))
            measured = _measure(cube, selected, thresholds, workers, memory * 1e9)
        check_unchanged(cube, as_found)
        cube, channels, candidates, differing = measured
        _judge(cube, candidates, real, thresholds)
        warnings = messages.warnings_of(cube, channels, candidates, differing)
        for warning in warnings:
            casalog.post(warning, "WARN")

        verdict = _verdict(channels, candidates)
        given = {"imagename": imagename, "outfile": outfile, "chans": chans, "nsigma": nsigma, "narrowness": narrowness}
        given.update(unsupported=unsupported, known=known, cleanmask=cleanmask)
        meta = _about(given, real, wanted, verdict, warnings)
        sources = source_table(cube, candidates, *join(candidates, cube.beam), meta)
        tables = sources, channel_table(cube, channels, candidates, sources, meta)
        files = _write(outfiles, measured, selected, tables, wanted)
        if report and any(table and not page for table, page in zip(np.ravel(files[2]), np.ravel(files[-1]))):
            warnings.append(messages.NO_PAGE)
        result = messages.summarize(verdict, candidates, *tables, files, warnings)

        for line in messages.describe_channels(*tables):
            casalog.post(line)
        casalog.post(messages.describe_verdict(result))
        return result


def _judge(cube, candidates, real, thresholds):
    """Fill in which candidates are known to be real, which are confetti, and how bad."""
    candidates["known"] = near_known(cube, candidates, real)
    candidates["confetti"] = is_confetti(candidates, thresholds)
    candidates["severity"] = severity(candidates, thresholds)


def _about(given, real, wanted, verdict, warnings):
    """What the headers of the tables tell, and with what parameters confetti_reclean checks the new cube."""
    call = "confetti_check({})".format(", ".join(f"{name}={value!r}" for name, value in given.items()))
    parameters = {name: given[name] for name in ("chans", "nsigma", "narrowness", "unsupported", "cleanmask")}
    parameters.update(known=np.column_stack([real.ra.deg, real.dec.deg]).tolist())
    parameters.update(report=wanted.report, npanels=wanted.npanels)
    date = time.strftime("%Y-%m-%d %H:%M")
    return {
        "version": __version__,
        "date": date,
        "call": call,
        "parameters": parameters,
        "verdict": verdict,
        "warnings": warnings,
    }


def _check_numbers(memory, npanels):
    if not 0 < memory < np.inf:
        raise ValueError(f"memory should be a positive number of GB (got {memory})")
    if npanels < 0:
        raise ValueError(f"npanels should be a number of finds (got {npanels})")


def _verdict(channels, candidates):
    if candidates["confetti"].any() or channels["diverged"].any():
        return "confetti"
    cleaned_and_checked = channels["checked"].any() and channels["components"].any()
    return "clean" if cleaned_and_checked else "not applicable"


def _write(outfiles, measured, selected, tables, wanted):
    """Names of the products; of a cube whose pieces have products of their own a list of each kind."""
    call = tables[0].meta["call"]
    if len(outfiles) == 1:
        parts = [(measured.cube, measured.candidates, tables)]
    else:
        parts = [_piece(measured, number, selected, tables) for number in range(len(measured.cube.pieces))]
    for name, part in zip(outfiles, parts):
        if part:
            stage_products(name, *part, wanted, call)
    written = [let_appear(name, wanted.report) if part else NOT_WRITTEN for name, part in zip(outfiles, parts)]
    return written[0] if len(outfiles) == 1 else [list(names) for names in zip(*written)]


def _piece(measured, number, selected, tables):
    """One of the pieces of a cube, its candidates and its tables, with the channels of the piece; None if none is."""
    cube, channels, candidates, differing = measured
    numbers, local = cube.piece_of(np.array(selected))
    chans = format_channels(local[numbers == number].tolist())
    if not chans:
        return None
    channels, candidates = (rows[cube.piece_of(rows["channel"])[0] == number].copy() for rows in (channels, candidates))
    candidates["channel"] = cube.piece_of(candidates["channel"])[1]
    channels["channel"] = cube.piece_of(channels["channel"])[1]
    differing = [
        mismatch._replace(piece=0, channel=cube.piece_of(mismatch.channel)[1])
        for mismatch in differing
        if mismatch.piece == number
    ]
    tables = [of_piece(table, cube, number) for table in tables]
    for table in tables:
        parameters = dict(table.meta["parameters"], chans=chans if table.meta["parameters"]["chans"] else "")
        warnings = messages.warnings_of(cube.pieces[number], channels, candidates, differing)
        table.meta.update(parameters=parameters, verdict=_verdict(channels, candidates), warnings=warnings)
    return cube.pieces[number], candidates, tables


def _measure(cube, selected, thresholds, workers, memory):
    searched = _search(cube, selected, thresholds, workers, memory)
    differing = mismatches(cube, searched.channels)
    if differing:
        casalog.post("The image is not the model restored with its beam, plus the residual: it is restored again")
        cube = restored_here(cube)
        searched = _search(cube, selected, thresholds, workers, memory)
    _test_convergence(cube, searched.channels, thresholds, workers, memory)
    return Measured(cube, searched.channels, _ask_the_data(cube, searched, workers, memory), differing)


def _search(cube, selected, thresholds, workers, memory):
    """The noise of each polarization, what was measured of all channels, and their narrow hot pixels."""
    noises, channels, candidates = [], [np.zeros(0, CHANNEL)], [np.zeros(0, CANDIDATE)]
    for polarization in range(cube.lengths[0]) if cube.channels > 1 else ():
        voxels = int(memory / workers.threads / BYTES_A_VOXEL)
        noise = _measure_noise(cube, polarization, selected, workers, voxels)
        casalog.post(messages.describe_noise(noise[selected]))
        jobs = [(cube, polarization, *each, noise, thresholds, voxels) for each in _ranges(cube, selected, workers)]
        measured, found = zip(*_watched(workers.in_order(find_candidates, jobs), len(jobs), "models searched"))
        noises.append(noise)
        channels += measured
        candidates += found
    return Searched(noises, np.concatenate(channels), np.concatenate(candidates))


def _ranges(cube, channels, workers):
    return list(ranges_of(channels, cube.depth, RANGES_A_WORKER * workers.processes * workers.threads))


def _measure_noise(cube, polarization, selected, workers, voxels):
    """Noise of the selected channels; of those beside them only whether it is known."""
    window = np.add.outer(selected, np.arange(-WINDOW_CHANNELS, WINDOW_CHANNELS + 1))
    ranges = _ranges(cube, np.unique(window.clip(0, cube.channels - 1)), workers)
    jobs = ((cube, polarization, *each, voxels) for each in ranges)
    scatters = np.full(cube.channels, np.nan, dtype=np.float32)
    for (first, last), values in zip(ranges, workers.in_order(measure_scatter, jobs)):
        scatters[first : last + 1] = values
    return channel_noise(scatters)


def _test_convergence(cube, channels, thresholds, workers, memory):
    """Fill in which channels diverged."""
    rows = np.flatnonzero(divergence.to_be_tested(channels))
    jobs = [(cube, *channels[["polarization", "channel"]][row].item()) for row in rows]
    at_once = max(1, int(memory / evidence.bytes_needed(cube.lengths[2:])))
    measured = workers.in_order(divergence.measure_convergence, jobs, at_once)
    channels["convergence"] = np.nan
    channels["convergence"][rows] = [*_watched(measured, len(jobs), "channels tested for convergence")]
    channels["diverged"] = channels["convergence"] < thresholds.convergence


def _ask_the_data(cube, searched, workers, memory):
    """The candidates, channel by channel, with what image and data say of them."""
    weighed = [np.zeros(0, CANDIDATE)]
    for polarization, noise in enumerate(searched.noises):
        candidates = searched.candidates[searched.candidates["polarization"] == polarization]
        weighed += _weigh(cube, polarization, candidates, noise, workers, memory)
    return np.concatenate(weighed)


def _weigh(cube, polarization, candidates, noise, workers, memory):
    """The candidates of a polarization, those of each channel as soon as all around it were looked at."""
    found = _by_channel(candidates)
    seen_from = {
        channel: [other for other in range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1) if other in found]
        for channel in np.flatnonzero(np.isfinite(noise)).tolist()
    }
    channels = [channel for channel, others in seen_from.items() if others]
    last = {other: channel for channel in channels for other in seen_from[channel]}
    targets, views = {}, defaultdict(dict)

    def jobs():
        for channel in channels:
            for other in set(seen_from[channel]) - set(targets):
                targets[other] = evidence.target_of(other, found[other], cube)
            yield cube, polarization, channel, [targets[other] for other in seen_from[channel]]

    at_once = max(1, int(memory / evidence.bytes_needed(cube.lengths[2:])))
    looks = _watched(workers.in_order(evidence.look, jobs(), at_once), len(channels), "channels compared with the data")
    for channel, seen in zip(channels, looks):
        for other, view in zip(seen_from[channel], seen):
            views[other][channel] = view
        for other in seen_from[channel]:
            if last[other] == channel:
                yield evidence.weigh(found[other], targets.pop(other), views.pop(other), cube)


def _by_channel(candidates):
    """Candidates of each channel in the order in which they lie in it, whatever slabs they were found in."""
    candidates = np.sort(candidates, order=["channel", "y", "x"])
    channels, starts = np.unique(candidates["channel"], return_index=True)
    return dict(zip(channels.tolist(), np.split(candidates, starts[1:])))


def _watched(results, number, what):
    """The results one by one, with a bar where somebody watches a terminal, else a line in the log each tenth."""
    if sys.stdout.isatty() and sys.stderr.isatty():  # mpirun makes a terminal of the first alone
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
            casalog.post(f"{10 * tenths} % of the {what}")
