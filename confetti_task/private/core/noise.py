"""
The rms noise of each channel of a cube.

It is the noise of the dirty image, which neither emission nor CLEAN changes, and is worked out from the scatters of all
channels (`core.scatters`).
"""

import numpy as np

from .scatters import noise_of_dirty_image

# Height that 5 % of the samples exceed, as a multiple of the one that half of them exceed: 2.9 in a plane of noise, and
# up to 3.4 if samples are few (600). Emission in 3 % of the plane makes it more, although it then raises the scatter by
# less than 5 %. Where it is less than 2, as in an image only two beams wide, there is a slope and no noise.
QUIET_TAIL, SLOPE_TAIL = 3.4, 2.0
# What CLEAN leaves of the scatter of the noise in the residual, at least: where it stopped at one sigma or above, as
# nearly all observers let it, and in channels whose noise is three times that to which the threshold belongs.
LEFT_AT_ONE_SIGMA, LEFT_WHERE_NOISIER = 0.3, 0.15
# An image with a residual of less than this fraction of its own scatter shows CLEAN components, and no noise.
LEAST_IN_RESIDUAL = 0.1
# The noise is at most this multiple of the scatter of the residual where nothing was cleaned: with faint extended
# emission CLEAN takes some of the noise too.
ABOVE_UNCLEANED = 1.2
# If the image has more than this multiple of the noise that the residual allows, emission hides the noise, and the
# depth of the clean is not known.
HIDDEN = 2.0
# Channels in which what CLEAN left of the noise is measured if none is quiet.
LEFT_CHANNELS = 8
# Width of an image in beams from which on background and noise can be separated: a ring is nearly four beams wide.
FEW_BEAMS = 5
# A quiet channel with more than 1.5 times the noise of most of the five quiet ones around it is treated as full of
# confetti, but three or more adjacent ones as genuinely noisy. A smaller difference of more than a fifth is real: the
# noise of a plane of 250 beams is known to 5 %.
RAISED = 1.5
SAME_NOISE = 0.2
QUIET_AROUND = 2
# Channels full of emission at either end of the cube that may be noisy; runs shorter than this are compared with
# neighbouring channels.
LEAST_NOISY = 5
# Quiet channels on either side from which the noise of the others is taken: their median is known to 3 %.
NEAREST_QUIET = 8
# As a fraction of the noise of a side: the faintest parts of a channel as noisy are lower by chance, as the faintest of
# many, but not by more than this.
LEAST_OF_FAINTEST = 0.8


def is_quiet(scatters):
    """
    Select the channels that look like noise.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        One row of `SCATTER` for each channel of the cube; NaN for missing ones.

    Returns
    -------
    quiet : 1D bool `~numpy.ndarray`
        True if a channel has negligible emission, and the image is not dominated by CLEAN components.
    """
    noisy = scatters["residual"] >= LEAST_IN_RESIDUAL * scatters["image"]
    return (scatters["tail"] <= QUIET_TAIL) & (scatters["tail"] >= SLOPE_TAIL) & noisy


def settled(quiet, channels, reach):
    """
    Whether the noise of some channels is known if no channel further away than ``reach`` has been measured.

    Parameters
    ----------
    quiet : 1D bool `~numpy.ndarray`
        From `is_quiet`.
    channels : sequence of int
        The channels.
    reach : int
        Number of channels on either side that have been measured.
    """
    # On either side there are enough quiet channels, those that smooth the furthest one included, or no more channels.
    needed = NEAREST_QUIET + 2 * QUIET_AROUND
    return all(
        (channel - reach <= 0 or np.count_nonzero(quiet[channel - reach : channel]) >= needed)
        and (channel + reach + 1 >= len(quiet) or np.count_nonzero(quiet[channel + 1 : channel + reach + 1]) >= needed)
        for channel in channels
    )


def some_channels(scatters):
    """Channels for `core.scatters.scatter_left`, spread over all of them."""
    return equally_spaced(np.flatnonzero(np.isfinite(scatters["image"])), LEFT_CHANNELS)


def equally_spaced(channels, number):
    """At most so many of the channels, at equal steps, as a list."""
    return channels[np.linspace(0, len(channels) - 1, min(len(channels), number)).astype(int)].tolist()


def channel_noise(scatters, left=()):
    """
    Estimate the rms of every channel from its own scatter, or from that of the quiet channels on either side.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        As for `is_quiet`.
    left : sequence of float
        `core.scatters.scatter_left` of `some_channels` if none is quiet, in the same unit.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel, in the unit of the scatter; NaN for missing channels.
    """
    noise = np.full(len(scatters), np.nan, dtype=np.float32)
    quiet = np.flatnonzero(is_quiet(scatters))
    noise[quiet] = _smoothed(noise_of_dirty_image(scatters["image"], scatters["residual"])[quiet])
    faintest = _bounded(scatters)
    for channel in np.setdiff1d(np.flatnonzero(np.isfinite(faintest)), quiet):
        if len(quiet):
            before, after = np.split(noise[quiet], [np.searchsorted(quiet, channel)])
            noise[channel] = _from_quiet(channel, before[-NEAREST_QUIET:], after[:NEAREST_QUIET], faintest)
        else:
            noise[channel] = np.fmin(min(faintest[channel], _level(faintest)), _largest_by_residual(scatters, left))
    return noise


def _smoothed(noise):
    """Noise of quiet channels: the median of five, unless the channel clearly has more or less."""
    last = max(len(noise) - 2 * QUIET_AROUND - 1, 0)
    starts = np.clip(np.arange(len(noise)) - QUIET_AROUND, 0, last)
    around = np.array([np.median(noise[start : start + 2 * QUIET_AROUND + 1]) for start in starts])
    # More than RAISED times as much is no noise.
    differs = np.abs(noise - around) > SAME_NOISE * around
    return np.where(differs & (noise <= RAISED * around), noise, around)


def _from_quiet(channel, before, after, faintest):
    """
    Noise of a channel that is not quiet itself.

    The noise may step between the quiet channels on either side, as at the edge of a spectral window. It is that of the
    noisier side if the faintest parts of the channel are as noisy. If they are nearer to that than to the quieter side,
    as where tclean interpolates across the step, it is their own. Without quiet channels on a side, all channels there
    may be noisy: their minimum, divided by the factor by which emission may raise it, is a lower limit.
    """
    # Lower limit from a side without quiet channels: from here to that end of the cube, at least LEAST_NOISY channels.
    first = faintest[: max(channel + 1, LEAST_NOISY)]
    last = faintest[min(channel, max(len(faintest) - LEAST_NOISY, 0)) :]
    beyond = [some for some, side in ((first, before), (last, after)) if not len(side)]
    limit = max((np.nanmin(some) for some in beyond), default=0) / RAISED
    levels = [np.median(side) for side in (before, after) if len(side)]
    lowest, highest = min(levels), max(levels)
    found = highest
    if faintest[channel] < LEAST_OF_FAINTEST * highest:
        # Nearer to the higher level, in the ratio.
        found = faintest[channel] if faintest[channel] ** 2 >= lowest * highest else lowest
    return max(found, limit)


def _level(values):
    """Lower quartile of the channels: in a few of them the emission is faint."""
    return np.nanquantile(values, 0.25) if np.isfinite(values).any() else np.nan


def _bounded(scatters):
    """Noise of the faintest parts of each channel, which emission raises, at most what the residual there allows."""
    by_residual = np.fmin(ABOVE_UNCLEANED * scatters["uncleaned"], scatters["residual"] / LEFT_WHERE_NOISIER)
    return np.fmin(scatters["faintest"], by_residual)


def _largest_by_residual(scatters, left):
    """Largest noise that the residual of a cube allows; where nothing was cleaned, all of the noise is left."""
    return np.fmin(ABOVE_UNCLEANED * _level(scatters["uncleaned"]), _level(np.array(left)) / LEFT_AT_ONE_SIGMA)


def least_noise(scatters, noise, width, left=()):
    """
    Lower limit of the noise of each channel.

    Where no channel is quiet, and emission brighter than the noise fills all of them, the noise cannot be measured in
    the image. If CLEAN has left no place alone, the residual does not show it either, but bounds it. In images of a few
    beams it cannot be measured at all.

    Parameters
    ----------
    scatters : 1D structured `~numpy.ndarray`
        As for `channel_noise`.
    noise : 1D float32 `~numpy.ndarray`
        From `channel_noise`, which is an upper limit then.
    width : float
        Width or height of the image, whichever is less, in beams.
    left : sequence of float
        As for `channel_noise`.

    Returns
    -------
    least : 1D float32 `~numpy.ndarray`
        Lowest standard deviation that each channel can have; ``noise`` where that is known.
    """
    measured = is_quiet(scatters).any() or np.isfinite(scatters["uncleaned"]).any()
    hidden = _level(scatters["faintest"]) > HIDDEN * _largest_by_residual(scatters, left)
    unknown = width < FEW_BEAMS or (hidden and not measured)
    return noise * np.float32(LEFT_AT_ONE_SIGMA) if unknown else noise
