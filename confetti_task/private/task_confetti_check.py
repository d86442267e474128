"""Implementation of confetti_check."""

import time
from dataclasses import replace

import numpy as np
from casatasks import casalog

from ..version import __version__
from .check import messages
from .check.clean_mask import MUCH_OUTSIDE, channels_to_look_at, part_outside
from .check.known_sources import outside, read_known
from .check.proof import acquitted, proved_real, read_proof
from .check.record import described, read_record
from .check.spectral_response import flank_of_lines
from .check.survey import survey
from .check.tables import make_tables
from .check.verdict import judge, verdict_of
from .check.worker_pool import worker_pool
from .core.decision import Thresholds
from .deconvolve.settle import scales_of, settle
from .images.channels import parse_channels, selection
from .images.coordinates import lacks_rest_frequency, world_coordinates
from .images.locks import unchanged
from .images.pieces import open_pieces
from .products import Options, reserved, write_products

# Parameters that affect the result; they make up the call that is recorded in the products.
OF_THE_CALL = (
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
OF_THE_NEXT_CHECK = (
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
    _check_numbers(memory, npanels, minutes)
    cube = open_pieces(imagename, reader)
    thresholds = replace(thresholds, flank=flank_of_lines(linewidth, cube))
    proved, rises = read_proof(proof, cube), read_record(record, cube)
    options = Options(cleanmask, writestats, report, npanels, proved, fitsmask, candidatemask)
    selected = parse_channels(chans, cube.channels)

    with reserved(outfile, cube, overwrite, options) as outfiles:
        casalog.post(messages.describe_inputs(cube, selected))
        with unchanged(cube), worker_pool(parallel, cube.mapped) as workers:
            casalog.post(messages.describe_workers(cube, workers))
            found = survey(cube, selected, thresholds, workers, memory * 1e9)
            found.channels["rise"] = rises[found.channels["channel"]]
            for line in messages.describe_record(rises, thresholds):
                casalog.post(line)
            found = _judge(found, real, thresholds, proved)
            ignored_mask = _outside_the_clean_mask(found, workers)
            found = settle(found, deconvolve, minutes, thresholds, workers, memory * 1e9)
        found = _judge(found, real, thresholds, proved)

        warnings = messages.warnings_of(*found) + messages.describe_known(outside(cube, real), len(real))
        warnings += _without_frequencies(cube) + ignored_mask
        for warning in warnings:
            casalog.post(warning, "WARN")
        tables = make_tables(found, _about(arguments, real, verdict_of(found), warnings))
        products = write_products(outfiles, found, tables, selected, options)

    result = messages.summarize(found.candidates, tables, products, report)
    for line in messages.describe_channels(*tables):
        casalog.post(line)
    casalog.post(messages.describe_verdict(result, cube))
    return result


def _judge(found, real, thresholds, proved):
    innocent = acquitted(proved, found.channels, found.cube.stokes), proved_real(proved, found)
    return judge(found, real, thresholds, *innocent)


def _outside_the_clean_mask(found, workers):
    """A warning if much of the model is outside the clean mask, farther than its scales reach."""
    cube, reach = found.cube, max(scales_of(found.cube).scales)
    rows = channels_to_look_at(found.channels, cube)
    jobs = [(cube, *row[["polarization", "channel"]].item(), reach) for row in rows]
    parts = [*workers.in_order(part_outside, jobs)]
    much = {int(row["channel"]): part for row, part in zip(rows, parts) if part >= MUCH_OUTSIDE}
    return [messages.describe_outside(cube, much, reach)] if much else []


def _without_frequencies(cube):
    """A warning if the cube has velocities alone; that it has frequencies alone, as those of WSClean, is logged."""
    if not lacks_rest_frequency(cube):
        return []
    first = np.zeros(1, dtype=int)
    _, _, frequency, _ = world_coordinates(cube, first, first, first)
    text = messages.describe_spectral_axis(np.isfinite(frequency).all())
    if np.isnan(frequency).any():
        return [text]
    casalog.post(text)
    return []


def _check_numbers(memory, npanels, minutes):
    if not 0 < memory < np.inf:
        raise ValueError(f"memory should be a positive number of GB (got {memory})")
    if not minutes > 0:
        raise ValueError(f"minutes should be positive (got {minutes}); deconvolve='none' takes no time")
    if npanels < 0:
        raise ValueError(f"npanels should be a number of finds (got {npanels})")


def _about(arguments, real, verdict, warnings):
    """Metadata of the check for the headers of the tables."""
    given = ", ".join(f"{name}={arguments[name]!r}" for name in OF_THE_CALL)
    return {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "call": f"confetti_check({given})",
        "parameters": dict({name: arguments[name] for name in OF_THE_NEXT_CHECK}, known=real.as_rows()),
        "verdict": verdict,
        "warnings": warnings,
    }
