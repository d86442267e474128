"""The proof by cleaning again: what the images of a run of tclean show, beside the old ones."""

from collections import namedtuple

import numpy as np

from ..check.known_sources import near_known, read_known
from ..check.survey import survey
from ..check.verdict import judge
from ..check.worker_pool import worker_pool
from ..core.decision import Thresholds
from ..core.proof import compare, doubted, noise_of, outcome, residual_scale
from ..core.quantities import CANDIDATE, FIND
from ..core.sensitivity import quiet_noise
from ..images.cube import open_cube
from ..images.pixels import read_channel
from .remedy import stops_at

# The model is not needed of neighbouring channels.
PRODUCTS = ("image", "residual", "model")
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
        The plan, whose runs of tclean are done.
    cube : `images.cube.Cube`
        The old images.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels of the old images.

    Returns
    -------
    proof : `Proof`
        Of these channels, and of those settled in an earlier attempt.
    """
    settled = from_json(plan.settled)
    finds, outcomes = [settled.finds], dict(settled.outcomes)
    for run in plan.runs:
        unsupported = _suspicious_again(plan, run, tables)
        for channel in plan.bad(run):
            found = []
            for polarization in range(cube.shape[0]):
                others = (
                    rows[(rows["polarization"] == polarization) & (rows["channel"] == channel)]
                    for rows in (unsupported, settled.earlier)
                )
                compared = _compare(plan, run, cube, polarization, channel, tables)
                found.append(doubted(compared, *others, cube.beam))
            finds += found
            outcomes[channel] = outcome(np.concatenate(found)) if channel in plan.suspects else "bad"
    return Proof(np.concatenate(finds), outcomes, settled.earlier)


def _suspicious_again(plan, run, tables):
    """Suspicious candidates of the new images in suspicious channels of a run."""
    suspects = [channel for channel in plan.suspects if run[0] <= channel <= run[1]]
    parameters = tables[0].meta["parameters"]
    thresholds = Thresholds(parameters["nsigma"], parameters["narrowness"], parameters["unsupported"])
    if not suspects:
        return np.zeros(0, CANDIDATE)
    new = open_cube(plan.name(run))
    with worker_pool(False, new.mapped) as workers:
        found = survey(new, [channel - run[0] for channel in suspects], thresholds, workers, MEMORY)
    quiet = [_quiet(tables, stokes) for stokes in new.stokes]  # all channels here may be full of emission
    judge(found, read_known(parameters["known"]), thresholds, quiet=quiet)
    candidates = found.candidates[found.candidates["suspicion"] >= thresholds.suspicion]
    candidates["channel"] += run[0]
    return candidates


def _compare(plan, run, cube, polarization, channel, tables):
    new, number = open_cube(plan.name(run)), channel - run[0]
    old, now = (_planes(images, polarization, at, PRODUCTS) for images, at in ((cube, channel), (new, number)))
    neighbours = [near for near in (number - 1, number + 1) if 0 <= near < new.channels]
    beside = [_planes(new, polarization, near, PRODUCTS[:2]) for near in neighbours]
    quiet, nsigma = _quiet(tables, cube.stokes[polarization]), tables[0].meta["parameters"]["nsigma"]
    noise = noise_of(now, quiet, stops_at(plan.parameters[0], quiet))
    scale = residual_scale(read_channel(new, "psf", polarization, number), cube.beam)
    finds = compare(old, now, beside, noise, scale, cube.beam, nsigma)
    finds["polarization"], finds["channel"] = polarization, channel
    known = near_known(cube, finds, read_known(tables[0].meta["parameters"]["known"]))
    finds["proof"][known & (finds["proof"] == "proved")] = "changed"  # a known source is never fake
    return finds


def _planes(cube, polarization, channel, products):
    return {name: read_channel(cube, name, polarization, channel) for name in products}


def _quiet(tables, stokes):
    """rms of quiet channels of a polarization in Jy/beam; 0 if nothing is known."""
    _, channels = tables
    return float(np.nan_to_num(quiet_noise(channels["noise"][channels["stokes"] == stokes].to_value("Jy/beam"))))


def undecided(plan, proof):
    """Suspicious channels of a plan about which the proof is in doubt."""
    return [channel for channel in plan.suspects if proof.outcomes[channel] == "undecided"]


def replaced_channels(bad, proof):
    """Channels that get new planes: bad ones, and suspicious ones with a proved fake source."""
    return sorted({*bad, *(channel for channel, outcome in proof.outcomes.items() if outcome == "bad")})


def settle(proof, bad, doubt=()):
    """What another attempt leaves as it is of a proof, and what the first one said about doubtful channels."""
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
