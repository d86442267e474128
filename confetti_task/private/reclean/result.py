"""The dictionary that confetti_reclean returns."""

import os

import numpy as np

from ..check.proof_table import ENDING
from ..check.tables import bad_channels, diverged_channels, suspicious_channels
from ..core.before_after import PROOFS, outcome
from ..images.channels import format_channels


def make_result(imagename, plan=None, proof=None, before=None, after=None, warnings=()):
    """
    Make the dictionary.

    Parameters
    ----------
    imagename : str
        Root name of the good images.
    plan : `reclean.plan.Plan` or None
        The plan; None if there was nothing to clean.
    proof, before, after : dict or None
        From `summarize_proof`, and from `summarize_check` of the old images and of the new ones; None after a dry run.
    warnings : sequence of str
        What to know before trusting the new images.

    Returns
    -------
    dict
        See `confetti_task.confetti_reclean`.
    """
    channels = sorted({*plan.channels, *(channel for channel, _ in plan.settled["outcomes"])}) if plan else ()
    return {
        "imagename": imagename,
        "method": plan.method if plan else "none",
        "channels": list(channels),
        "chans": format_channels(channels),
        "script": plan.script_path if plan and os.path.exists(plan.script_path) else "",
        "proof": proof,
        "before": before,
        "after": after,
        "seconds": 0.0,
        "warnings": list(warnings),
    }


def summarize_proof(plan, proof, replaced, channels):
    """
    Summarize what cleaning again proved.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    proof : `reclean.proof.Proof`
        The finds and the outcomes.
    replaced : sequence of int
        Channels that have new planes.
    channels : `~astropy.table.QTable`
        Channels of the check of the old images.

    Returns
    -------
    dict
        See `confetti_task.confetti_reclean`.
    """
    suspects = suspicious_channels(channels)
    kept = {
        fate: sorted(channel for channel in set(proof.outcomes) - set(replaced) if proof.outcomes[channel] == fate)
        for fate in ("acquitted", "undecided")
    }
    return {
        "table": plan.outname + ENDING,
        "mask": plan.outname + ".proof.mask",
        **{name: int(np.count_nonzero(proof.finds["proof"] == name)) for name in PROOFS},
        "condemned": [
            channel
            for channel in replaced
            if channel in suspects and outcome(proof.finds[proof.finds["channel"] == channel]) == "bad"
        ],
        **kept,
        "leftover": sorted(plan.leftover),
    }


def summarize_check(sources, channels):
    """
    Summarize a check from its tables.

    Parameters
    ----------
    sources, channels : `~astropy.table.QTable`
        Tables of the check.

    Returns
    -------
    dict
        See `confetti_task.confetti_reclean`.
    """
    bad = bad_channels(channels)
    return {
        "verdict": channels.meta["verdict"],
        "nsources": int(np.count_nonzero(sources["class"] == "confetti")),
        "channels": bad,
        "chans": format_channels(bad),
        "diverged": diverged_channels(channels),
        "suspects": suspicious_channels(channels),
        "severity": float(channels["severity"].max()) if bad else 0.0,
        "flux": float(channels["flux"].to_value("Jy").sum()),
    }
