"""tclean's own record of its minor cycles: by how much the peak residual rose in each channel."""

import numpy as np

# What tclean records for each minor cycle: the peak residual within the clean mask at the start of the cycle, which
# only fullsummary=True keeps, at its end, and where it was to end.
BEGAN, ENDED, AIM = "startPeakRes", "peakRes", "cycleThresh"

# Rows of the record as an array, as CASA returned it before 6.5.3, with a column for each minor cycle of each channel.
ROWS = {ENDED: 1, AIM: 3, "chan": 5}


def rises(record):
    """
    Measure by how much the peak residual rose in the minor cycles of each channel.

    Parameters
    ----------
    record : dict
        What tclean returned.

    Returns
    -------
    rises : dict
        Largest rise of each channel in any polarization, as a ratio: the peak residual at the end of a minor cycle over
        that at its start. If that is not recorded, the smaller of two ratios: over the lowest peak at the end of an
        earlier cycle, and over the residual at which this cycle was to end. A clean mask that grows takes in higher
        peaks, which only the second ratio allows for.

    Raises
    ------
    ValueError
        If the record has no minor cycles.
    """
    summary = record.get("summaryminor") if isinstance(record, dict) else None
    if summary is None:
        raise ValueError("should be what tclean returned, with its 'summaryminor'")
    if not isinstance(summary, dict):
        return _largest(_of_array(np.asarray(summary)))
    field = summary[min(summary, key=int)] if summary else {}  # the others are outliers
    return _largest(
        (int(channel), {name: np.asarray(values, dtype=float) for name, values in cycles.items()})
        for channel, polarizations in field.items()
        for cycles in polarizations.values()
    )


def _of_array(rows):
    """Channel and minor cycles of each channel in a record that is an array [row, cycle]."""
    channels = rows[ROWS["chan"]].astype(int) if rows.size else np.zeros(0, dtype=int)
    for channel in np.unique(channels).tolist():
        yield channel, {name: rows[ROWS[name], channels == channel] for name in (ENDED, AIM)}


def _largest(channels):
    found = {}
    for channel, cycles in channels:
        found[channel] = max(_rise(cycles), found.get(channel, 0.0))
    return found


def _rise(cycles):
    """Largest rise in the minor cycles of a channel; 0 if there are too few."""
    ended = cycles[ENDED]
    if BEGAN in cycles:
        return float(np.max(_ratio(ended, cycles[BEGAN]), initial=0.0))
    lowest = np.minimum.accumulate(ended)[:-1]
    return float(np.max(np.minimum(_ratio(ended[1:], lowest), _ratio(ended[1:], cycles[AIM][1:])), initial=0.0))


def _ratio(values, others):
    """Ratio of values to others; infinite where a value is no number, 0 where there is nothing to compare with."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(others > 0, values / others, 0.0)
    return np.where(np.isfinite(values), ratios, np.inf)
