"""Decisions: which candidates are confetti, how bad they are, and the verdict on the cube."""

from ..core.decision import is_confetti, severity
from .known_sources import near_known


def judge(found, real, thresholds):
    """
    Fill in which candidates are known real sources, which are confetti, and the severity of these.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements; their candidates are changed in place.
    real : `~astropy.coordinates.SkyCoord`
        Positions of known real sources, from `check.known_sources.read_known`.
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision.
    """
    candidates = found.candidates
    candidates["known"] = near_known(found.cube, candidates, real)
    candidates["confetti"] = is_confetti(candidates, thresholds)
    candidates["severity"] = severity(candidates, thresholds)


def verdict_of(found):
    """'confetti' if a channel is bad; else 'clean', or 'not applicable' if nothing was cleaned and checked."""
    if found.candidates["confetti"].any() or found.channels["diverged"].any():
        return "confetti"
    cleaned_and_checked = found.channels["checked"].any() and found.channels["components"].any()
    return "clean" if cleaned_and_checked else "not applicable"
