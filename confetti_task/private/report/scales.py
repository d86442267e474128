"""Colours and scales of all figures, those on the page and those of matplotlib."""

import numpy as np

INK, ACCENT, FAINT = "#1b1f24", "#c2410c", "#8a939e"
BLANK = "#d0d4d9"
# From the colour-blind-safe palette of Okabe and Ito, like what is drawn over the channels and the sky.
LINES = {"image": "#0072b2", "residual": "#e69f00"}
GREEN, PURPLE, SUSPICIOUS = "#009e73", "#cc79a7", "#56b4e9"

# Colours of the maps from the most negative to the most positive value, at equal distances: RdBu of ColorBrewer, safe
# for colour-blind readers, with white at zero.
DIVERGING = (
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#ffffff",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
)

# Scales are linear up to this many sigma and logarithmic beyond, so that a hot pixel does not hide its surround.
LINEAR_SIGMA = 3
# The linear part on either side of zero has this part of the length of a decade.
LINEAR_LENGTH = 0.7


def color_table(anchors, number):
    """
    Colours at equal distances between those of some anchors.

    Parameters
    ----------
    anchors : sequence of str
        Colours as '#rrggbb'.
    number : int
        Number of colours.

    Returns
    -------
    table : 2D uint8 `~numpy.ndarray`
        Red, green and blue, [colour, 3].
    """
    values = np.array([[int(color[start : start + 2], 16) for start in (1, 3, 5)] for color in anchors])
    places = np.linspace(0, len(anchors) - 1, number)
    return (
        np.stack([np.interp(places, np.arange(len(anchors)), band) for band in values.T], axis=1).round().astype("u1")
    )


def largest(planes):
    """Largest absolute value; more than zero where all values are zero or NaN."""
    return float(np.nanmax(np.abs(planes), initial=1e-30))


def milli(largest_value, unit):
    """Factor and name of the unit in which to show values."""
    return (1e3, "m" + unit) if largest_value < 0.5 else (1, unit)


def linear_part(limit, linear):
    """End of the linear part of a scale, within its range: the rms of a blank channel is zero."""
    return float(np.clip(linear, limit / 1000, limit / 2))


def symmetric_place(values, limit, linear):
    """
    Place of values on a scale that is linear near zero and logarithmic beyond, as in `~matplotlib.colors.SymLogNorm`.

    Parameters
    ----------
    values : float `~numpy.ndarray`
        Values in the unit of the limits.
    limit, linear : float
        Ends of the scale and of its linear part, from `linear_part`.

    Returns
    -------
    place : float `~numpy.ndarray`
        From -1 to 1, with 0 at zero; NaN where a value is.
    """
    length = LINEAR_LENGTH / (1 - 1 / 10)
    size = np.abs(values)
    beyond = length + np.log10(np.maximum(size, linear) / linear)
    place = np.where(size <= linear, size / linear * length, beyond) / (length + np.log10(limit / linear))
    return np.sign(values) * np.minimum(place, 1)


def limits_of_lines(lines, largest_value):
    """Limits of a scale that shows all lines, with room on either side of zero for hot pixels of either sign."""
    low, high = np.nanmin(lines, initial=0), np.nanmax(lines, initial=0)
    return 1.1 * min(low, -0.4 * largest_value), 1.1 * max(high, 0.4 * largest_value)


def stretch_of_model(model, low, high):
    """Factor by which to draw a model that has its own scale with the same zero."""
    return min(high / max(model.max(), 1e-30), low / min(model.min(), -1e-30))
