"""The proof by cleaning again: what tclean's images show, compared with the old ones."""

from collections import namedtuple
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from ..check.known_sources import near_known, read_known
from ..check.survey import survey
from ..check.tables import noise_of_channels
from ..check.verdict import judge
from ..check.worker_pool import worker_pool
from ..core.before_after import NO_CHANGE, compare, doubted, noise_of, outcome, residual_scale
from ..core.decision import Thresholds
from ..core.deconvolution import DEPTH_SIGMA
from ..core.quantities import CANDIDATE, FIND
from ..deconvolve.settle import scales_of
from ..images.cube import open_cube
from ..images.pixels import read_channel
from .remedy import stops_at
from .without_data import states_of

# Bytes that the check of the new channels may use.
MEMORY = 1e9

# Rows of `core.quantities.FIND`, the outcome of each channel that was cleaned again, and rows from the first of two
# ways.
Proof = namedtuple("Proof", "finds outcomes earlier")
NOTHING_YET = Proof(np.zeros(0, FIND), {}, np.zeros(0, FIND))


def prove(plan, cube, tables):
    """
    Compare the images of all channels before and after they were cleaned again.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose tclean runs are done.
    cube : `images.cube.Cube`
        The old images.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels of the old images.

    Returns
    -------
    proof : `Proof`
        For these channels, and for those settled in an earlier attempt.
    """
    settled = from_json(plan.settled)
    finds, outcomes = [settled.finds], dict(settled.outcomes)
    for run in plan.runs:
        found = _doubt(
            _compare_run(plan, run, cube, tables), suspicious_again(plan, run, tables), settled.earlier, cube
        )
        finds.append(found)
        for channel in plan.to_clean(run):
            here = found[found["channel"] == channel]
            outcomes[channel] = outcome(here) if channel in plan.suspects else "bad"
    outcomes.update((channel, "undecided") for channel in _not_converged(plan, cube))
    return Proof(np.concatenate(finds), outcomes, settled.earlier)


def _not_converged(plan, cube):
    """Suspicious channels that were deconvolved again, but not as deep as it takes to compare them."""
    if plan.method != "image":
        return []
    states = states_of(plan, cube)
    return [channel for channel in plan.suspects if states[channel] != {"converged"}]


def _compare_run(plan, run, cube, tables):
    """Finds in all channels that a tclean run cleaned again."""
    change = scales_of(cube).change if plan.method == "image" else NO_CHANGE
    new, parameters, found = open_cube(plan.name(run)), tables[0].meta["parameters"], [np.zeros(0, FIND)]
    for polarization, stokes in enumerate(cube.stokes):
        # Each new channel is compared with the old one, and is a neighbour of two others.
        read = lru_cache(maxsize=3)(partial(_planes, new, polarization))
        rms = np.nan_to_num(noise_of_channels(tables[1], stokes, cube.channels))
        for channel in plan.to_clean(run):
            number = channel - run[0]
            now, adjacent = read(number), [read(near) for near in (number - 1, number + 1) if 0 <= near < new.channels]
            noise = noise_of(now, rms[channel], _stops_at(plan, rms[channel]))
            scale = residual_scale(read_channel(new, "psf", polarization, number), cube.beam)
            old = _planes(cube, polarization, channel)
            finds = compare(old, now, adjacent, noise, scale, cube.beam, parameters["nsigma"], change)
            finds["polarization"], finds["channel"] = polarization, channel
            found.append(finds)
    finds = np.concatenate(found)
    known = near_known(cube, finds, read_known(parameters["known"]))
    finds["proof"][known & (finds["proof"] == "proved")] = "changed"  # a known source is never fake
    return finds


def _stops_at(plan, rms):
    """Peak residual in Jy/beam at which the clean of a channel stopped."""
    return DEPTH_SIGMA * rms if plan.method == "image" else stops_at(plan.parameters[0], rms)


def _planes(cube, polarization, channel):
    return {name: read_channel(cube, name, polarization, channel) for name in ("model", "image", "residual")}


def _doubt(finds, unsupported, earlier, cube):
    """`core.before_after.doubted` for each channel and polarization of some finds."""
    parts = [finds[:0]]
    for polarization, channel in np.unique(finds[["polarization", "channel"]]).tolist():
        here, *others = (
            rows[(rows["polarization"] == polarization) & (rows["channel"] == channel)]
            for rows in (finds, unsupported, earlier)
        )
        parts.append(doubted(here, *others, cube.beam))
    return np.concatenate(parts)


def suspicious_again(plan, run, tables):
    """Suspicious candidates of the new images in suspicious channels of a run."""
    suspects = [channel for channel in plan.suspects if run[0] <= channel <= run[1]]
    if not suspects:
        return np.zeros(0, CANDIDATE)
    new, parameters = open_cube(plan.name(run)), tables[0].meta["parameters"]
    thresholds = Thresholds.of(parameters)
    # All channels here may be full of emission, so their noise is taken from the old cube. A spike that is low in units
    # of the new noise may be suspicious in units of the old one, so every spike is measured, and none only estimated.
    measuring_all = replace(thresholds, suspicion=0)
    with worker_pool(False, new.mapped) as workers:
        found = survey(new, [channel - run[0] for channel in suspects], measuring_all, workers, MEMORY)
    noises = np.array([noise_of_channels(tables[1], stokes, run[1] + 1)[run[0] :] for stokes in new.stokes])
    found = judge(found, read_known(parameters["known"]), thresholds, noises=noises)
    candidates = found.candidates[found.candidates["suspicion"] >= thresholds.suspicion]
    candidates["channel"] += run[0]
    return candidates


def undecided(plan, proof):
    """Suspicious channels of a plan for which the proof is in doubt."""
    return [channel for channel in plan.suspects if proof.outcomes[channel] == "undecided"]


def replaced_channels(bad, proof):
    """Channels that get new planes: bad ones, and suspicious ones with a proved fake source."""
    return sorted({*bad, *(channel for channel, outcome in proof.outcomes.items() if outcome == "bad")})


def settle(proof, bad, doubt=()):
    """The part of a proof that the next attempt must not revise, with the finds in doubtful channels as ``earlier``."""
    finds, unsettled = proof.finds, {*bad, *doubt}
    outcomes = {channel: text for channel, text in proof.outcomes.items() if channel not in unsettled}
    kept, doubtful_ones = (np.isin(finds["channel"], list(channels)) for channels in (outcomes, doubt))
    return Proof(finds[kept], outcomes, finds[doubtful_ones])


def to_json(proof):
    """A proof as lists of numbers and texts, for the plan."""
    finds, earlier = ([list(row) for row in rows.tolist()] for rows in (proof.finds, proof.earlier))
    return {"finds": finds, "outcomes": sorted(proof.outcomes.items()), "earlier": earlier}


def from_json(values):
    """Read what `to_json` made."""
    finds, earlier = (np.array([tuple(row) for row in values[name]], dtype=FIND) for name in ("finds", "earlier"))
    return Proof(finds, {int(channel): text for channel, text in values["outcomes"]}, earlier)
