"""
The spectral response of the channels: how much of the noise and of a line neighbouring channels share. Pure functions.

ALMA's correlator applies a Hanning window to the lags, after which a channel has half of its own signal and a quarter
of either neighbour's, and then averages N channels. That holds for noise and lines alike: the correlation of the noise
shows N, and from N follows what a line narrower than a channel has, at least, in the brighter adjacent channel: half if
N is 1.
"""

import numpy as np

# Numbers of averaged channels that are distinguished; from 8 on, channels share next to nothing.
AVERAGED = (1, 2, 4, 8)
# Lags, in channels, at which correlations are compared, and those at which no response has any.
LAGS, FAR_LAGS = (1, 2), (4, 5)

# How tclean may have regridded the channels of the data.
INTERPOLATIONS = ("nearest", "linear", "cubic")

# Fraction of an unresolved line that the brighter adjacent channel has at least, with N = 1: 0.50, also after tclean
# has regridded it, 'nearest', 'linear' or 'cubic', to channels of up to 1.16 times the width. A tenth less is assumed,
# because the restoring beams of neighbouring channels differ, and CLEAN errs next to bright sources.
LEAST_FLANK = 0.45

# The same fraction for the narrowest line that a user allows is at most this, as for a line 2.8 channels wide: broader
# emission that moves with velocity looks narrower at any one place than it is.
LARGEST_FLANK = 0.7

# Measured correlations match a response if they differ from it by less than this many standard deviations, and match no
# other if all others differ by one more. The standard deviation includes a systematic difference, because channels of
# the image may be wider than those of the data, and frequencies drift during an observation.
ALIKE, SYSTEMATIC = 3.0, 0.03
# Correlation at the far lags above which emission is left, which many channels have in common.
LEFTOVERS = 0.12


def correlation(heights, lag):
    """
    Measure how the noise of channels that are ``lag`` apart is correlated.

    Parameters
    ----------
    heights : 2D `~numpy.ndarray`
        Heights of the noise in consecutive channels, at the same places, [channel, place]; NaN where they are unknown.
    lag : int
        Distance in channels.

    Returns
    -------
    correlation : float
        Mean product of both over the mean square; NaN without any.
    """
    first, second = heights[:-lag], heights[lag:]
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any():
        return np.nan
    first, second = first[known].astype(float), second[known].astype(float)
    power = (np.mean(first**2) + np.mean(second**2)) / 2
    return float(np.mean(first * second) / power) if power > 0 else np.nan


def noise_correlation(averaged):
    """Correlation of the noise of channels 0, 1, 2 and 3 apart, each the average of this many channels."""
    kernel = np.convolve([0.25, 0.5, 0.25], np.ones(averaged) / averaged)
    shared = np.correlate(kernel, kernel, "full")[len(kernel) - 1 :]
    shared = np.append(shared, np.zeros(3 * averaged + 1))[: 3 * averaged + 1 : averaged]
    return shared / shared[0]


def regridded(correlations, weights):
    """Correlations of channels that are sums of consecutive ones with these weights."""
    both = np.concatenate([correlations[:0:-1], correlations])
    shared = np.convolve(np.correlate(weights, weights, "full"), both)
    middle = len(shared) // 2
    return shared[middle : middle + len(correlations)] / shared[middle]


def weights_of(interpolation, offset):
    """Weights with which tclean interpolates between channels, ``offset`` channels after one of them."""
    if interpolation == "linear":
        return np.array([1 - offset, offset])
    if interpolation == "cubic":  # Lagrange's polynomial through four channels
        t = offset
        return np.array(
            [
                -t * (t - 1) * (t - 2) / 6,
                (t + 1) * (t - 1) * (t - 2) / 2,
                -(t + 1) * t * (t - 2) / 2,
                t * (t * t - 1) / 6,
            ]
        )
    return np.ones(1)


def averaged_channels(measured, places, interpolations):
    """
    Find out how many channels of the correlator were averaged into one channel of the data.

    Parameters
    ----------
    measured : sequence of float
        Correlation of the noise at the `LAGS`.
    places : int
        Number of independent pairs that were compared.
    interpolations : sequence of str
        Those of `INTERPOLATIONS` with which tclean may have regridded the channels.

    Returns
    -------
    averaged : int
        1, 2, 4 or 8, which stands for more too; 0 if it is not known, because several match, or none.
    """
    error = np.hypot(1 / np.sqrt(max(places, 1)), SYSTEMATIC)
    distances = [_distance(measured, noise_correlation(number), interpolations) for number in AVERAGED]
    best = min(distances)
    matching = [number for number, distance in zip(AVERAGED, distances) if distance < best + error]
    return matching[0] if len(matching) == 1 and best < ALIKE * error else 0


def _distance(measured, correlations, interpolations):
    """How far measured correlations are from those of a response, with the interpolation and offset that fit best."""
    return min(
        np.hypot(*(regridded(correlations, weights_of(interpolation, offset))[list(LAGS)] - measured))
        for interpolation in interpolations
        for offset in np.linspace(0, 0.5, 26)
    )


def narrow_flank(averaged, flank):
    """
    Fraction of any line that the brighter adjacent channel has at least.

    Parameters
    ----------
    averaged : int
        From `averaged_channels`.
    flank : float
        The fraction for the narrowest line that a user allows; 0 if any line may be there.

    Returns
    -------
    flank : float
        0 if it is not known.
    """
    return max(LEAST_FLANK if averaged == 1 else 0.0, flank)


def least_flank(width, linewidth):
    """
    Fraction of a line that the brighter adjacent channel has at least.

    Parameters
    ----------
    width : float
        Width of the channels in km/s.
    linewidth : float
        FWHM of the narrowest line in km/s.

    Returns
    -------
    flank : float
        The fraction for a Gaussian line in the middle of a channel; the response of the channels only adds to it.
    """
    return float(np.exp(-4 * np.log(2) * (width / linewidth) ** 2))


def narrower_by(height, spike, flank, shared):
    """
    Measure by how much the image is narrower in frequency than any line may be.

    Parameters
    ----------
    height : 1D `~numpy.ndarray`
        Height of the image above its surroundings, in units of the noise; NaN where an adjacent channel is missing.
    spike : 1D `~numpy.ndarray`
        Height minus that in the brighter adjacent channel, from `core.spikes.spike`, in the same unit.
    flank : float
        Fraction of a line that the brighter adjacent channel has at least.
    shared : float
        Correlation of the noise of adjacent channels; NaN counts as 0.

    Returns
    -------
    narrower : 1D float32 `~numpy.ndarray`
        What the adjacent channel lacks, scaled so that its scatter is that of a height.
    """
    adjacent = np.abs(height) - spike * np.sign(height)
    scatter = np.sqrt(1 + flank**2 - 2 * flank * np.nan_to_num(shared))
    return ((flank * np.abs(height) - adjacent) / scatter).astype(np.float32)
