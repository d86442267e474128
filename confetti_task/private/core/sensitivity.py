"""How high a fake source must be to be found in a channel, and how high one may hide there: pure functions."""

import numpy as np

# Scatter of the unsupported spikes of channels without confetti, in units of their rms (measured: 0.3 to 0.7).
SCATTER = 0.5
# 90 % of a normal distribution is above its mean minus this many standard deviations.
NINETY_PERCENT = 1.28


def quiet_noise(noise):
    """
    The rms noise of channels that emission does not raise.

    Parameters
    ----------
    noise : 1D float32 `~numpy.ndarray`
        rms noise of the channels in Jy/beam; NaN where it is unknown.

    Returns
    -------
    quiet : float
        Their lower quartile in Jy/beam: 0.8 to 1.1 of the true noise in 22 cubes, where the rms of channels full of
        emission was up to 2.6 times as large. NaN if nothing is known.
    """
    known = noise[np.isfinite(noise)]
    return float(np.quantile(known, 0.25)) if len(known) else np.nan


def completeness_limit(unsupported, response):
    """
    Height of a fake source that is found with a probability of 90 %.

    Parameters
    ----------
    unsupported : float
        Threshold of the unsupported spike, in units of the channel rms.
    response : `~numpy.ndarray`
        Fraction of the height of a typical error of CLEAN that is not supported, from
        `core.uv_coverage.unmeasured_filter`.

    Returns
    -------
    limit : `~numpy.ndarray`
        In units of the channel rms; NaN where the response is unknown.
    """
    return (unsupported + NINETY_PERCENT * SCATTER) / response


def suspicion(candidates, quiet):
    """
    Height of the fake sources that may hide behind narrow hot pixels.

    90 % of the fake sources of this height have at least as large an unsupported spike. In units of the quiet noise,
    which emission does not raise, and divided by the response, channels with and without emission, single fields and
    mosaics compare.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields of `core.decision.is_confetti`, and ``response``.
    quiet : `~numpy.ndarray`
        Quiet noise of the polarization of each, from `quiet_noise`.

    Returns
    -------
    height : 1D float32 `~numpy.ndarray`
        In units of the quiet noise, or of the channel rms where that is smaller. The whole spike of the restored model
        where it could not be tested against the visibilities; 0 at known real sources.
    """
    unsupported = np.abs(candidates["unsupported"] * candidates["noise"]) / candidates["response"]
    untested = np.abs(candidates["restored"] * candidates["contrast"])
    height = np.where(np.isnan(unsupported), untested, unsupported)
    return np.where(candidates["known"], 0, np.nan_to_num(height)) / np.minimum(quiet, candidates["noise"])
