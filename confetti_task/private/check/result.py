"""The dictionary that the task returns."""

import numpy as np

from ..core.decision import KINDS
from ..images.channels import format_channels
from .tables import diverged_channels, is_bad, suspicious_channels

NO_PAGE = "the HTML report or the region files could not be written; see the log"


def summarize(candidates, tables, products, report):
    """
    Summarize a check.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    products : `products.Products`
        Names of the products; lists of names for a cube in pieces.
    report : bool
        Whether an HTML report was requested.

    Returns
    -------
    dict
        See `confetti_task.confetti_check`.
    """
    sources, channels = tables
    warnings = list(channels.meta["warnings"])
    pages = zip(np.ravel(products.table), np.ravel(products.report))
    if report and any(table and not page for table, page in pages):
        warnings.append(NO_PAGE)
    bad = channels[is_bad(channels)]
    worst = {}
    for channel, severity in zip(bad["channel"].tolist(), bad["severity"].tolist()):
        worst[channel] = max(severity, worst.get(channel, 0))
    return {
        "verdict": channels.meta["verdict"],
        "npixels": int(np.count_nonzero(candidates["evidence"] != "")),
        "nsources": int(np.count_nonzero(sources["class"] == "confetti")),
        "ncandidates": int(np.count_nonzero(sources["class"] == "candidate")),
        "evidence": {kind: int(np.count_nonzero(sources["evidence"] == kind)) for kind in KINDS},
        "channels": sorted(worst),
        "severities": [worst[channel] for channel in sorted(worst)],
        "chans": format_channels(sorted(worst)),
        "diverged": diverged_channels(channels),
        "suspects": suspicious_channels(channels),
        "suspectchans": format_channels(suspicious_channels(channels)),
        "limit": typical_limit(channels),
        "severity": max(worst.values(), default=0.0),
        "reliability": _mean_reliability(sources),
        "flux": float(bad["flux"].to_value("Jy").sum()),
        **products._asdict(),
        "warnings": warnings,
    }


def _mean_reliability(sources):
    """Mean reliability of the fake sources; None if there are none."""
    fake = sources[sources["class"] == "confetti"]
    return float(np.mean(fake["reliability"])) if len(fake) else None


def typical_limit(channels):
    """Median over the channels of the height of a fake source that is found, in sigma; None if it is unknown."""
    known = channels["limit"][np.isfinite(channels["limit"])]
    return float(np.median(known)) if len(known) else None
