"""The measurements of all channels at a glance, on the page."""

import numpy as np

from ..check.tables import bad_channels, diverged_channels, suspicious_channels
from ..images.channels import contiguous_ranges
from .scales import milli
from .svg import (
    Panel,
    box,
    drawing,
    grid_for_pointer,
    grid_of,
    labels_of,
    nice_ticks,
    path,
    steps,
    ticks_below,
    ticks_left,
    words,
)

# Column, the lines of its name, and its unit.
STRIPS = (
    ("severity", ("severity,",), "sigma"),
    ("model_flux", ("model flux,",), "Jy"),
    ("noise", ("channel rms,",), "Jy/beam"),
    ("tail", ("tail of unsup-", "ported spikes,"), "sigma"),
)
# Values that differ by less than this part of the largest are constant for the eye, and so for the scale.
CONSTANT = 0.05
WIDTH, HEIGHT, GAP = 740, 84, 7  # of a strip
LEFT, TOP, RIGHT, BOTTOM = 126, 42, 16, 72  # around the strips

HATCH = (
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="hatch" d="M0 0V7"/></pattern>'
)


def channel_strips(channels, description):
    """
    Draw the measurements of all channels.

    Parameters
    ----------
    channels : `~astropy.table.QTable`
        From `check.tables.make_tables`.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of severity, model flux, rms and tail against channel, with the bad channels shaded and the suspicious
        hatched.
    """
    table, numbers = _by_channel(channels)
    panels = grid_of(LEFT, TOP, WIDTH, HEIGHT, (0, GAP), 1, len(STRIPS))
    ends = numbers[0] - 0.5, numbers[-1] + 0.5
    parts = [HATCH]
    for (panel,), (name, label, unit) in zip(panels, STRIPS):
        parts.append(box(panel, class_="ground"))
        parts += _shades(panel, channels, ends)
        parts += _lines(panel, table[name], label, unit, ends)
        parts.append(box(panel, class_="frame"))
    if len(table["stokes"]) > 1:
        parts += _legend(table["stokes"])
    parts += _scales(panels, channels, table, numbers, ends)
    pointer = {
        "panels": grid_for_pointer(panels),
        "first": int(numbers[0]),
        "stokes": table["stokes"],
        "verdicts": _verdicts(channels),
    }
    # float32 does not resolve the frequencies themselves.
    pointer["frequency"] = float(np.nanmin(table["frequency"]))
    offsets = table["frequency"] - pointer["frequency"]
    quantities = [offsets, *(table[name] for name in ("velocity", *(name for name, *_ in STRIPS)))]
    height = TOP + len(STRIPS) * (HEIGHT + GAP) - GAP + BOTTOM
    return drawing(LEFT + WIDTH + RIGHT, height, parts, description, "strips", pointer, np.stack(quantities))


def _by_channel(channels):
    """Measurements [stokes, channel] by name, NaN where there is none, and the numbers of all channels in between."""
    number = np.array(channels["channel"])
    numbers = np.arange(number.min(), number.max() + 1)
    polarizations, stokes = np.unique(np.array(channels["stokes"]), return_inverse=True)
    unknown = np.array(channels["verdict"]) == "blank"
    unchecked = unknown | (np.array(channels["verdict"]) == "unchecked")
    table = {"stokes": polarizations.tolist()}
    for name in ("frequency", "velocity", *(name for name, *_ in STRIPS)):
        values = np.array(getattr(channels[name], "value", channels[name]), dtype=float)
        if name in ("severity", "tail"):
            values[unchecked] = np.nan
        elif name in ("model_flux", "noise"):
            values[unknown] = np.nan
        values[~np.isfinite(values)] = np.nan
        table[name] = np.full((len(polarizations), len(numbers)), np.nan)
        table[name][stokes, number - numbers[0]] = values
    return table, numbers


def _verdicts(channels):
    """Channels that are not good, by what they are called."""
    diverged = set(diverged_channels(channels))
    bad, suspects = set(bad_channels(channels)) - diverged, set(suspicious_channels(channels))
    return {
        name: sorted(map(int, chosen))
        for name, chosen in (("diverged", diverged), ("bad", bad), ("suspicious", suspects))
    }


def _across(panel, ends, places):
    return panel.left + (np.asarray(places) - ends[0]) / (ends[1] - ends[0]) * panel.width


def _shades(panel, channels, ends):
    """Shade bad channels, those that diverged darker, and hatch suspicious ones: distinct in print too."""
    for name, chosen in _verdicts(channels).items():
        for start, end in contiguous_ranges(chosen):
            left, right = _across(panel, ends, [start - 0.5, end - 0.5])
            # At least as wide as a line: one of thousands of channels must be seen.
            yield box(Panel(left, panel.top, max(right - left, 1), panel.height), class_=f"shade {name}")


def _lines(panel, values, label, unit, ends):
    low, high = limits_of_strip(values)
    edges = _across(panel, ends, np.arange(values.shape[1] + 1) + ends[0]).tolist()
    for place, line in enumerate(values):
        levels = panel.top + (high - line) / (high - low) * panel.height
        yield path(steps(edges, levels.tolist()), class_=f"line stokes{place}")
    if unit == "Jy/beam":
        scale, unit = milli(max(abs(low), abs(high)), unit)
    else:
        scale = 1
    ticks = nice_ticks(low * scale, high * scale, 4)
    yield from ticks_left(panel, panel.top + (high - ticks / scale) / (high - low) * panel.height, labels_of(ticks))
    lines = (*label, unit)
    first = panel.top + panel.height / 2 - 7 * (len(lines) - 1) + 4
    for line, text in enumerate(lines):
        yield words(2, first + 14 * line, text, "start")


def limits_of_strip(values):
    """
    Limits of the scale of a strip.

    Parameters
    ----------
    values : float `~numpy.ndarray`
        All values of the strip; NaN where there is none.

    Returns
    -------
    low, high : float
        With room on either side of the values. From zero on where they come near it, and where they are constant:
        differences in their last digits would look like a signal.
    """
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    if high - low <= CONSTANT * max(abs(low), abs(high)):
        low, high = min(1.2 * low, 0.0), max(1.2 * high, 0.0)
    elif 0 <= low <= 0.5 * high:
        low = 0.0
    if high == low:
        high = low + 1
    room = 0.06 * (high - low)
    return low - room, high + room


def _legend(polarizations):
    for place, name in enumerate(polarizations):
        x = LEFT + WIDTH - 74 * (len(polarizations) - place)
        yield box(Panel(x, TOP - 29, 14, 3), class_=f"key stokes{place}")
        yield words(x + 18, TOP - 24, f"Stokes {name}", "start")


def _scales(panels, channels, table, numbers, ends):
    """Channel and velocity below the strips, frequency above them."""
    (top,), (bottom,) = panels[0], panels[-1]
    ticks = nice_ticks(*ends, 8)
    ticks = ticks[ticks == np.rint(ticks)]
    places = _across(bottom, ends, ticks)
    yield from ticks_below(bottom, places, [f"{tick:.0f}" for tick in ticks])
    verdicts = _verdicts(channels)
    darker = "; darker: diverged" if verdicts["diverged"] else ""
    hatched = "; hatched: suspicious" if verdicts["suspicious"] else ""
    middle = LEFT + WIDTH / 2
    yield words(middle, bottom.top + HEIGHT + 30, f"channel (shaded: bad{darker}{hatched})")
    yield path("".join(f"M{x:.1f} {top.top}v4" for x in places), class_="axis")
    for x, label in zip(places, _values_at(ticks, numbers, table["frequency"])):
        yield words(x, top.top - 6, label)
    yield words(middle, top.top - 24, "GHz")
    if np.isfinite(channels["velocity"].to_value("km/s")).all():
        line = bottom.top + HEIGHT + 38
        yield path(f"M{LEFT} {line}h{WIDTH}" + "".join(f"M{x:.1f} {line}v4" for x in places), class_="axis")
        for x, label in zip(places, _values_at(ticks, numbers, table["velocity"])):
            yield words(x, line + 16, label)
        yield words(middle, line + 31, "km/s, radio convention")


def _values_at(ticks, numbers, values):
    """Text of the frequency or the velocity at ticks."""
    known = np.isfinite(values[0])
    there = np.interp(ticks, numbers[known], values[0][known])
    distance = np.abs(np.diff(there)).min(initial=1)
    # As many decimals as resolve a hundredth of the distance between neighbouring ticks.
    decimals = int(np.clip(2 - np.floor(np.log10(distance or 1)), 0, 9))
    return [f"{value:.{decimals}f}" for value in there]
