"""Decisions: which candidates are confetti, how bad they are, and the verdict on the cube."""

import numpy as np

from ..core.decision import ALMOST_GONE, comes_back, evidence_of, pointless, reliability, severity
from ..core.sensitivity import completeness_limit, suspicion
from ..core.spectral_response import narrow_flank, narrower_by
from .consistency import unusable
from .known_sources import near_known


def judge(found, real, thresholds, acquitted=(), proved=False, noises=None):
    """
    Fill in which candidates are known real sources, which are confetti, which channels are suspicious, and
    what the check could have missed in them.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements; their channels are changed in place.
    real : `check.known_sources.Known`
        Known real sources.
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision.
    acquitted : sequence of int
        Channels that were cleaned again, with the same result: they are not suspicious.
    proved : 1D bool `~numpy.ndarray` or False
        Whether each candidate is proved to be real, from `check.proof_table.proved_real`: it counts as a known source.
    noises : 2D `~numpy.ndarray` or None
        rms noise [polarization, channel] in Jy/beam, in units of which suspicion is, if it is known better than from
        these channels.

    Returns
    -------
    found : `check.survey.Found`
        The same with decisions, without the marginal candidates that decide nothing.
    """
    candidates = found.candidates
    known = near_known(found.cube, candidates, real)
    candidates["known"] = known
    back = comes_back(candidates)
    back[back] = evidence_of(candidates[back], thresholds) != ""
    proved = proved | back
    candidates["proved"], candidates["known"] = proved & ~known, proved | known
    place = candidates["polarization"], candidates["channel"]
    noise = candidates["noise"] if noises is None else noises[place]
    candidates["suspicion"] = suspicion(candidates, thresholds, noise)
    candidates["narrower"] = _narrower(found, thresholds)
    candidates["evidence"] = evidence_of(candidates, thresholds)
    found = found._replace(candidates=candidates[~pointless(candidates, thresholds, evidence=True)])
    channels, candidates = found.channels, found.candidates
    candidates["severity"] = severity(candidates)
    candidates["reliability"] = reliability(candidates)
    limit = completeness_limit(thresholds.unsupported, channels["response"])
    channels["limit"] = np.maximum(limit, thresholds.nsigma)  # lower ones have no hot pixel
    channels["suspicion"] = _of_the_worst(found)
    channels["ambiguous"] = channels["ambiguity"] >= thresholds.ambiguity
    alone = without_neighbour(found.cube, channels, found.mismatches) & (channels["components"] > 0)
    channels["suspicion"][alone] = np.nan
    suspicious = (channels["suspicion"] >= thresholds.suspicion) | alone | (channels["switched"] == "off")
    suspicious |= channels["rise"] >= thresholds.rise
    converged = channels["deconvolved"] == "converged"
    almost_gone = converged & (channels["gone"] >= ALMOST_GONE)
    # A channel that is switched off has its emission in the residual: it is the same after it was deconvolved again.
    comes_out_the_same = converged & has_known_noise(channels) & ~almost_gone & (channels["switched"] != "off")
    channels["acquitted"] = np.isin(channels["channel"], acquitted) | (suspicious & comes_out_the_same)
    suspicious |= almost_gone
    channels["suspicious"] = suspicious & ~(channels["acquitted"] | channels["ambiguous"])
    return found


def _narrower(found, thresholds):
    """By how much the image is narrower at each candidate than any line, in sigma; NaN where that is not known."""
    channels, candidates = found.channels, found.candidates
    flank = narrow_flank(channels["averaged"].max(initial=0), thresholds.flank)
    if not flank or not len(candidates):
        return np.float32(np.nan)
    shared, height = channels["shared"][0], candidates["image_height"] / candidates["noise"]
    return narrower_by(height, candidates["spike"], flank, shared)


def without_neighbour(cube, channels, differing):
    """Whether each channel could not be checked for lack of a valid channel next to it."""
    return ~channels["checked"] & np.isfinite(channels["noise"]) & ~unusable(cube, channels["channel"], differing)


def has_known_noise(channels):
    """Whether the rms of each channel is known, so that heights in sigma mean what they say."""
    return channels["least_noise"] == channels["noise"]


def _of_the_worst(found):
    """Largest suspicion of the candidates of each channel."""
    channels, candidates = found.channels, found.candidates
    largest = np.zeros(found.cube.shape[:2], dtype=np.float32)
    np.maximum.at(largest, (candidates["polarization"], candidates["channel"]), candidates["suspicion"])
    return largest[channels["polarization"], channels["channel"]]


def _with(candidates, found):
    """Which rows of the channels have any of these candidates."""
    here = np.zeros(found.cube.shape[:2], dtype=bool)
    here[candidates["polarization"], candidates["channel"]] = True
    return here[found.channels["polarization"], found.channels["channel"]]


def verdicts_of_channels(found):
    """The verdict on each channel, as described in `core.quantities`."""
    channels, candidates = found.channels, found.candidates
    verdicts = {
        "diverged": channels["diverged"],
        "bad": _with(candidates[candidates["evidence"] != ""], found),
        "suspicious": channels["suspicious"],
        "acquitted": channels["acquitted"],
        "good": channels["checked"] & ~channels["ambiguous"] & has_known_noise(channels),
        "blank": np.isnan(channels["noise"]),
    }
    return np.select([*verdicts.values()], [*verdicts], "unchecked").astype("U10")


def verdict_of(found):
    """
    'confetti', 'suspicious', 'clean', or 'not applicable' if nothing was cleaned and checked, or if images do not
    belong together in a piece.
    """
    verdicts = verdicts_of_channels(found)
    if np.isin(verdicts, ["bad", "diverged"]).any():
        return "confetti"
    if (verdicts == "suspicious").any():
        return "suspicious"
    checked = np.isin(verdicts, ["good", "acquitted"]).any() and found.channels["components"].any()
    wrong = unusable(found.cube, found.channels["channel"], found.mismatches).any()
    return "clean" if checked and not wrong else "not applicable"
