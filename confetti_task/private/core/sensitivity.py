"""How high a fake source must be to be found in a channel, and how high one may hide there: pure functions."""

import numpy as np

from .decision import is_below_floor, is_suspicious_surround

# Scatter of the unsupported spikes of channels without confetti, in units of their rms.
SPIKE_SCATTER = 0.5
# 90 % of a normal distribution is above its mean minus this many standard deviations.
NINETY_PERCENT = 1.28


def completeness_limit(unsupported, response):
    """
    Height of a fake source that is found with a probability of 90 %.

    Parameters
    ----------
    unsupported : float
        Threshold of the unsupported spike, in units of the channel rms.
    response : `~numpy.ndarray`
        Fraction of the height of a typical CLEAN error that is not supported, from
        `core.uv_coverage.unmeasured_filter`.

    Returns
    -------
    limit : `~numpy.ndarray`
        In units of the channel rms; NaN where the response is unknown.
    """
    return (unsupported + NINETY_PERCENT * SPIKE_SCATTER) / response


def suspicion(candidates, thresholds, noise):
    """
    Height of the fake sources that may hide behind narrow hot pixels.

    90 % of the fake sources of this height have at least as large an unsupported spike. Divided by the response, single
    fields and mosaics compare.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields of `core.decision.evidence_of`.
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision.
    noise : `~numpy.ndarray`
        rms of the channel of each, in Jy/beam.

    Returns
    -------
    height : 1D float32 `~numpy.ndarray`
        In units of the noise. The whole spike of the restored model where it could not be tested against the
        visibilities, or where a surround takes the flux of the hot pixel but is no evidence; 0 at known real sources,
        and where the spike may belong to a bright one.
    """
    unsupported = np.abs(candidates["unsupported"] * candidates["noise"]) / candidates["response"]
    untested = np.abs(candidates["restored"] * candidates["contrast"])
    height = np.nan_to_num(np.where(np.isnan(unsupported), untested, unsupported))
    height[is_below_floor(candidates)] = 0
    surrounded = is_suspicious_surround(candidates, thresholds)
    height = np.where(surrounded, np.maximum(height, untested), height)
    return np.where(candidates["known"], 0, height) / noise
