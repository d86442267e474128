"""
The spectral response of the channels: what neighbouring channels share, of the noise and of a line. Pure functions.

ALMA's correlator applies a Hanning window to the lags, which gives a channel half of its own and a quarter of either
neighbour, and then averages N channels. Noise and lines go the same way. So the noise tells N, and N tells what a line
that is narrower than a channel has in the brighter channel beside it at least: half, if N is 1.
"""

import numpy as np

# Numbers of averaged channels that are told apart; from 8 on, channels share next to nothing.
AVERAGED = (1, 2, 4, 8)
# Lags in channels of the correlations that are compared, and those at which no response has any.
LAGS, FAR_LAGS = (1, 2), (4, 5)

# How tclean may have regridded the channels of the data.
INTERPOLATIONS = ("nearest", "linear", "cubic")

# Part of an unresolved line that the brighter channel beside it has at least, with N = 1: 0.50, also after tclean has
# regridded it, 'nearest', 'linear' or 'cubic', to channels of up to 1.16 times the width. A tenth less is taken, for
# the difference of the restoring beams of neighbouring channels and for errors of CLEAN next to bright sources.
LEAST_FLANK = 0.45

# The same of the narrowest line that a user allows is at most this, which a line of 2.8 channels has: broader emission
# that moves with velocity looks narrower at a place than it is. Of what was narrower by 3 sigma in five cubes with
# known truth, masers left out, the image was right at 2 of 87 places, and with 0.85 (four channels) at 8 of 124.
LARGEST_FLANK = 0.7

# Correlations are those of a response if they differ from them by less than so many standard deviations, and are those
# of that alone if all others differ by one more. Channels of the image that are wider than those of the data, by up to
# 1.16, and frequencies that drift during an observation make systematic differences.
ALIKE, SYSTEMATIC = 3.0, 0.03
# Correlation at the far lags above which it is that of what is left of the emission, in many channels the same.
LEFTOVERS = 0.12


def correlation(heights, lag):
    """
    Measure how the noise of channels that are ``lag`` apart is correlated.

    Parameters
    ----------
    heights : 2D `~numpy.ndarray`
        Heights of the noise at some places in consecutive channels, [channel, place]; NaN where they are unknown.
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
    """Correlation of the noise of channels 0, 1, 2 and 3 apart, of which each is an average of so many."""
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
    if interpolation == "cubic":  # of Lagrange, through four channels
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
    Tell how many channels of the correlator were averaged to one of the data.

    Parameters
    ----------
    measured : sequence of float
        Correlation of the noise at the `LAGS`.
    places : int
        Number of independent pairs that were compared.
    interpolations : sequence of str
        How tclean may have regridded the channels, of `INTERPOLATIONS`.

    Returns
    -------
    averaged : int
        1, 2, 4 or 8, which stands for more too; 0 if that is not known, because several would do, or none.
    """
    error = np.hypot(1 / np.sqrt(max(places, 1)), SYSTEMATIC)
    distances = [_distance(measured, noise_correlation(number), interpolations) for number in AVERAGED]
    best = min(distances)
    would_do = [number for number, distance in zip(AVERAGED, distances) if distance < best + error]
    return would_do[0] if len(would_do) == 1 and best < ALIKE * error else 0


def _distance(measured, correlations, interpolations):
    """How far correlations are from those of a response, at the offset that fits best."""
    return min(
        np.hypot(*(regridded(correlations, weights_of(interpolation, offset))[list(LAGS)] - measured))
        for interpolation in interpolations
        for offset in np.linspace(0, 0.5, 26)
    )


def narrow_flank(averaged, flank):
    """
    Part of any line that the brighter channel beside it has at least.

    Parameters
    ----------
    averaged : int
        From `averaged_channels`.
    flank : float
        That of the narrowest line that a user allows; 0 if any line may be there.

    Returns
    -------
    flank : float
        0 if it is not known.
    """
    return max(LEAST_FLANK if averaged == 1 else 0.0, flank)


def least_flank(width, linewidth):
    """
    Part of a line that the brighter channel beside it has at least.

    Parameters
    ----------
    width : float
        Width of the channels in km/s.
    linewidth : float
        FWHM of the narrowest line in km/s.

    Returns
    -------
    flank : float
        That of a Gaussian line in the middle of a channel; the response of the channels only adds to it.
    """
    return float(np.exp(-4 * np.log(2) * (width / linewidth) ** 2))


def narrower_by(height, spike, flank, shared):
    """
    Measure by how much the image is narrower in frequency than any line may be.

    Parameters
    ----------
    height : 1D `~numpy.ndarray`
        Height of the image above its surroundings, in units of the noise; NaN where a channel beside is missing.
    spike : 1D `~numpy.ndarray`
        Height minus that in the brighter channel beside, from `core.spikes.spike`, in the same unit.
    flank : float
        Part of a line that the brighter channel beside it has at least.
    shared : float
        Correlation of the noise of adjacent channels; NaN counts as 0.

    Returns
    -------
    narrower : 1D float32 `~numpy.ndarray`
        What the channel beside lacks, scaled so that its scatter is that of a height.
    """
    beside = np.abs(height) - spike * np.sign(height)
    scatter = np.sqrt(1 + flank**2 - 2 * flank * np.nan_to_num(shared))
    return ((flank * np.abs(height) - beside) / scatter).astype(np.float32)
