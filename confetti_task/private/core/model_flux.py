"""The flux of the model in each channel: where it is switched on or off, and where it alternates."""

from collections import namedtuple

import numpy as np

# Pixels searched at once, in whole rows, of which empty ones are skipped: 1 MB, which stays in the cache. With a
# quarter of that, one thread is as fast, but two, which wait for each other, take up to a fifth longer.
SEARCHED_AT_ONCE = 2**18

# A model is switched on or off in a channel if its flux differs from that of either neighbour by this factor, more than
# in any good channel, and by the flux of a source of this many sigma: components of the highest noise peaks come and
# go.
SWITCHED, SWITCHED_SIGMA = 3.0, 20.0
# It is off, and not just without emission, if its residual has this fraction of the emission of each neighbour: a CLEAN
# that stopped early leaves most of it, and sources that exist in one channel alone have none there.
LEFT_IN_RESIDUAL = 0.3

# As a fraction of the cube's peak channel flux; smooth lines deviate by 0.03-0.1, alternating ones by about 1.
ALTERNATING_PART = 0.25
# Differences of alternating sign in a row: one odd channel, with a maser, without data or diverged, makes three.
MOST_BY_ONE_CHANNEL = 3
# Least model between two channels, as a fraction of the difference: each channel is cleaned from its own residual, so
# both channels of a pair get components. A real line in every other channel leaves those in between nearly empty.
LEAST_BETWEEN = 0.1
# Least difference, in units of what noise makes: a clean of noise sums peaks of either sign, so its flux scatters by
# the square root of sigma times the sum of |M|.
BEYOND_NOISE = 3.0

# What a plane of a model contains: sums of M and of |M| in each row [y], in Jy; number of components, and of pixels
# that are NaN; and positions (y, x) of the bright components, [n, 2].
Content = namedtuple("Content", "flux total components unknown bright")


def content_of(plane, limit):
    """
    Measure what a plane of a model contains.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel.
    limit : float
        Brightness of the components that are listed; NaN for none.

    Returns
    -------
    content : `Content`
        Sums over the components: pixels that are neither 0 nor NaN.
    """
    flux, total = np.zeros((2, len(plane)))
    components, unknown, bright = 0, 0, [np.zeros((0, 2), dtype=int)]
    at_once = max(1, SEARCHED_AT_ONCE // plane.shape[1])
    for start in range(0, len(plane), at_once):
        part = plane[start : start + at_once]
        number = np.count_nonzero(part != 0)
        if number == 0:  # as in most of an ordinary model
            continue
        # NaN shows in the sums: only then is the part searched for it, and summed again without.
        rows = slice(start, start + len(part))
        flux[rows] = part.sum(axis=1, dtype=float)
        if np.isnan(flux[rows]).any():
            blank = np.isnan(part)
            part = np.where(blank, np.float32(0), part)
            unknown += np.count_nonzero(blank)
            flux[rows] = part.sum(axis=1, dtype=float)
        magnitude = np.abs(part)
        total[rows] = magnitude.sum(axis=1, dtype=float)
        components += number
        y, x = np.divmod(np.flatnonzero(magnitude > limit), plane.shape[1])
        bright.append(np.column_stack([y + start, x]))
    return Content(flux, total, components - unknown, unknown, np.concatenate(bright))


def alternating(fluxes, totals, noise):
    """
    Find channels whose fluxes alternate, as where CLEAN fitted only the mean of each two neighbouring channels.

    Parameters
    ----------
    fluxes : 1D `~numpy.ndarray`
        Model flux of each channel in Jy, in channel order; NaN where it is unknown.
    totals : 1D `~numpy.ndarray`
        Sum of the absolute values of the model of each channel in Jy.
    noise : 1D `~numpy.ndarray`
        rms noise of each channel in Jy/beam.

    Returns
    -------
    channels : list of int
        Runs of more than `MOST_BY_ONE_CHANNEL` channels whose flux differs from the mean of both neighbours by at least
        `ALTERNATING_PART` of the largest flux, and by more than noise makes, with the opposite sign each time.
    """
    differences = fluxes[1:-1] - (fluxes[:-2] + fluxes[2:]) / 2
    variances = noise * totals
    by_noise = np.sqrt(variances[1:-1] + (variances[:-2] + variances[2:]) / 4)
    least = np.maximum(ALTERNATING_PART * np.nanmax(np.abs(fluxes), initial=0), BEYOND_NOISE * by_noise)
    between = totals[1:-1] >= LEAST_BETWEEN * np.abs(differences)
    sign = np.where((np.abs(differences) >= least) & between, np.sign(differences), 0)
    # A run ends where the sign stays the same, or is 0.
    ends = np.flatnonzero(sign[1:] * sign[:-1] >= 0) + 1
    runs = np.split(np.arange(len(sign)), ends)
    return [int(place) + 1 for run in runs if len(run) > MOST_BY_ONE_CHANNEL for place in run]


def switched(totals, before, after, noise):
    """
    Find channels in which the model is switched on or off.

    Parameters
    ----------
    totals, before, after : 2D `~numpy.ndarray`
        Sum of the absolute values of each row of the model in Jy, [channel, y], for each channel and for those on
        either side. Flux that both sides have in the same rows counts: either may have a maser of its own.
    noise : 1D `~numpy.ndarray`
        rms noise of each channel in Jy/beam.

    Returns
    -------
    state : 1D str `~numpy.ndarray`
        'off' where the model has less than 1 / `SWITCHED` of what either neighbour has, 'on' where it has more than
        `SWITCHED` times as much, each time with a difference of at least `SWITCHED_SIGMA` times the noise; else 'no'.
    """
    lower, higher = np.minimum(before, after).sum(axis=1), np.maximum(before, after).sum(axis=1)
    totals = totals.sum(axis=1)
    least = SWITCHED_SIGMA * noise
    off = (SWITCHED * totals < lower) & (lower - totals >= least)
    on = (totals > SWITCHED * higher) & (totals - higher >= least)
    return np.select([off, on], ["off", "on"], "no")


def part_left(model, image, residual):
    """
    Fraction of the emission of one channel that is in the residual of another.

    Parameters
    ----------
    model, image : 2D float32 `~numpy.ndarray`
        Model of the one channel in Jy/pixel, which shows where its emission is, and its image in Jy/beam.
    residual : 2D float32 `~numpy.ndarray`
        Residual of the other channel in Jy/beam; NaN where it is blank.

    Returns
    -------
    part : float
        Mean residual at the components, divided by the mean image there, weighted with the components.
    """
    known = np.isfinite(image + residual)
    weights = np.where(known, np.nan_to_num(model), 0).astype(float)
    return float((weights * np.nan_to_num(residual)).sum() / ((weights * np.nan_to_num(image)).sum() or 1))
