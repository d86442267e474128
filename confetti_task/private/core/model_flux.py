"""The flux of the model in each channel: where it is switched on or off, and where it alternates."""

from collections import namedtuple

import numpy as np

# Pixels that are searched at once, in whole rows: 1 MB, which stays in the cache; empty ones are passed over. With a
# quarter of them one thread is as fast, but two, which wait for each other, take up to a fifth longer.
SEARCHED_AT_ONCE = 2**18
# Of a plane of a model: sums of M and of |M| in each row [y], in Jy; number of components, and of pixels that are NaN;
# and places (y, x) of the bright components, [n, 2].
Content = namedtuple("Content", "flux total components unknown bright")
# A model is switched on or off in a channel if its flux differs by this factor from either neighbour: in 28 cubes, full
# of confetti in part, it was 0.62 to 2.1 times that of the nearer one, but for a channel with 3.8 times, which was bad.
# And by the flux of a source of so many sigma: components of the highest peaks of noise come and go.
SWITCHED, SWITCHED_SIGMA = 3.0, 20.0
# It is off, and not just without emission, if this part of the emission of either neighbour is in its residual.
LEFT_IN_RESIDUAL = 0.3
# Of the largest flux of a cube: smooth lines are off by 0.03 to 0.1 of it, and where fluxes alternate by 1.
ALTERNATING_PART = 0.25
# One odd channel, with a maser, without data or diverged, makes three differences of alternating sign. In 83 cubes
# there were at most two in a row, three beside a flagged channel.
MOST_BY_ONE_CHANNEL = 3
# Of the difference: each channel is cleaned from its own residual, so that both of a pair get components. A real line
# in every other channel leaves those between nearly empty.
LEAST_BETWEEN = 0.1
# A clean of noise sums peaks of either sign: the flux scatters by 0.86 to 0.99 of the root of sigma times the sum of
# |M|, whether it stops at 3.2 sigma or at 1.5. In 17 cubes of noise no difference was 2.6 times as large.
BEYOND_NOISE = 3.0


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
    Find channels whose fluxes alternate, as those of a spectrum of which only means of two neighbours were fitted.

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
        Consecutive channels, at least `MOST_BY_ONE_CHANNEL` + 1 of them, whose flux is off the mean of both neighbours
        by `ALTERNATING_PART` of the largest flux and more, and by more than noise makes, each time with the other sign.
    """
    differences = fluxes[1:-1] - (fluxes[:-2] + fluxes[2:]) / 2
    variances = noise * totals
    by_noise = np.sqrt(variances[1:-1] + (variances[:-2] + variances[2:]) / 4)
    least = np.maximum(ALTERNATING_PART * np.nanmax(np.abs(fluxes), initial=0), BEYOND_NOISE * by_noise)
    between = totals[1:-1] >= LEAST_BETWEEN * np.abs(differences)
    sign = np.where((np.abs(differences) >= least) & between, np.sign(differences), 0)
    ends = np.flatnonzero(sign[1:] * sign[:-1] >= 0) + 1
    runs = np.split(np.arange(len(sign)), ends)
    return [int(place) + 1 for run in runs if len(run) > MOST_BY_ONE_CHANNEL for place in run]


def switched(totals, before, after, noise):
    """
    Find channels in which the model is switched on or off.

    Parameters
    ----------
    totals, before, after : 2D `~numpy.ndarray`
        Sum of the absolute values of each row [channel, y] of the model, of each channel and of those on either side,
        in Jy. What both have in the same rows counts: either may have a maser of its own.
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
    Part of the emission of a channel that is in the residual of another.

    Parameters
    ----------
    model, image : 2D float32 `~numpy.ndarray`
        Model of the one in Jy/pixel, which says where its emission is, and its image in Jy/beam.
    residual : 2D float32 `~numpy.ndarray`
        Residual of the other in Jy/beam; NaN where it is blank.

    Returns
    -------
    part : float
        Mean residual at the components, divided by the mean image there, weighted with the components.
    """
    known = np.isfinite(image + residual)
    weights = np.where(known, np.nan_to_num(model), 0).astype(float)
    return float((weights * np.nan_to_num(residual)).sum() / ((weights * np.nan_to_num(image)).sum() or 1))
