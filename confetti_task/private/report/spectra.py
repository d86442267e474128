"""Spectra on the page: image, residual and model in the 3 x 3 pixels around a find."""

import numpy as np

from .png import rounded
from .scales import LINES, largest, limits_of_lines, milli, stretch_of_model
from .svg import (
    Panel,
    box,
    drawing,
    grid_for_pointer,
    grid_of,
    labels_of,
    nice_ticks,
    number,
    path,
    steps,
    ticks_below,
    ticks_left,
    ticks_right,
    words,
)

WIDTH, HEIGHT, GAP = 128, 124, 8  # of a panel
LEFT, TOP, RIGHT, BOTTOM = 46, 42, 44, 42  # around the panels


def spectra_of_find(cutout, noise, description):
    """
    Draw the spectra of image, residual and model times pixels per beam in the 3 x 3 pixels around a find.

    Parameters
    ----------
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of 3 x 3 panels, with North up.
    """
    lines = {product: _as_seen(cutout.spectra[product], cutout) for product in LINES}
    model = np.nan_to_num(_as_seen(cutout.spectra["model"], cutout)) * cutout.pixels_per_beam
    together = np.stack(list(lines.values()))
    limit = max(largest(together), 3 * noise)
    scale, unit = milli(limit, "Jy/beam")
    ends = limits_of_lines(together, limit)
    stretch = stretch_of_model(model, *ends)
    panels = grid_of(LEFT, TOP, WIDTH, HEIGHT, (GAP, GAP), 3, 3)
    names = _names_of_pixels(cutout)
    parts = list(_legend(unit))
    for row, column in np.ndindex(3, 3):
        panel = panels[row][column]
        spectra = {name: line[row, column] for name, line in lines.items()}
        parts += _panel(panel, cutout, noise, ends, spectra, model[row, column] * stretch)
        parts.append(words(panel.left + 6, panel.top + 14, names[row][column], "start"))
    parts += _axes(panels, cutout, ends, scale)
    if model.any():
        parts += _axis_of_model(panels, ends, scale, stretch)
    pointer = {
        "panels": grid_for_pointer(panels),
        "names": names,
        "channels": [int(cutout.channels[0]), len(cutout.channels)],
        "velocity": [round(float(value), 3) for value in cutout.velocity] if np.isfinite(cutout.velocity).all() else [],
        "noise": float(noise),
    }
    values = rounded(np.stack([*lines.values(), model], axis=2), noise)  # [row, column, line, channel]
    width, height = LEFT + 3 * WIDTH + 2 * GAP + RIGHT + 10, TOP + 3 * HEIGHT + 2 * GAP + BOTTOM
    return drawing(width, height, parts, description, "spectra", pointer, values)


def _as_seen(spectra, cutout):
    """Spectra [row, column, channel], with North up and East to the left if the axes are aligned with the sky."""
    return np.moveaxis(spectra, 0, 2)[:: -1 if cutout.cell[0] > 0 else 1, :: 1 if cutout.cell[1] < 0 else -1]


def _names_of_pixels(cutout):
    y, x = np.mgrid[cutout.y - 1 : cutout.y + 2, cutout.x - 1 : cutout.x + 2]
    seen = _as_seen(np.stack([x, y]), cutout)
    return [[f"x={x} y={y}" for x, y in row] for row in seen.tolist()]


def _legend(unit):
    """Names of the lines, in two rows: the letters are larger on a phone."""
    texts = {
        "image": f"image, {unit}",
        "residual": f"residual, {unit}",
        "model": "model x pixels per beam, right scale",
    }
    for (name, text), x, y in zip(texts.items(), (LEFT, LEFT + 150, LEFT), (TOP - 24, TOP - 24, TOP - 8)):
        yield box(Panel(x, y - 8, 14, 8) if name == "model" else Panel(x, y - 5, 14, 3), class_=f"key {name}")
        yield words(x + 18, y, text, "start")


def _panel(panel, cutout, noise, ends, spectra, model):
    """What is in a panel: the channel of the find, the noise, the model, and the lines."""
    low, high = ends

    def down_to(values):
        return panel.top + (high - values) / (high - low) * panel.height

    first = cutout.channels[0]
    width = panel.width / len(cutout.channels)
    edges = (panel.left + width * np.arange(len(cutout.channels) + 1)).tolist()
    yield box(panel, class_="ground")
    yield box(Panel(edges[cutout.channel - first], panel.top, width, panel.height), class_="channel")
    band = down_to(noise), down_to(-noise)
    yield box(Panel(panel.left, band[0], panel.width, band[1] - band[0]), class_="noise")
    if model.any():
        zero = number(down_to(0))
        yield path(f"{steps(edges, down_to(model).tolist())}V{zero}H{number(edges[0])}Z", class_="model")
    for name, line in spectra.items():
        yield path(steps(edges, down_to(line).tolist()), class_=f"line {name}")
    yield box(panel, class_="frame")


def _axes(panels, cutout, ends, scale):
    first, last = int(cutout.channels[0]), int(cutout.channels[-1])
    channels = nice_ticks(first - 0.5, last + 0.5, 4)
    channels = channels[channels == np.rint(channels)]
    places = (channels - first + 0.5) / (last - first + 1) * WIDTH
    for panel in panels[-1]:
        yield from ticks_below(panel, panel.left + places, [f"{channel:.0f}" for channel in channels])
    low, high = (end * scale for end in ends)
    values = nice_ticks(low, high, 5)
    for row in panels:
        yield from ticks_left(row[0], row[0].top + (high - values) / (high - low) * HEIGHT, labels_of(values))
    middle = panels[-1][1]
    yield words(middle.left + WIDTH / 2, middle.top + HEIGHT + 32, "channel")


def _axis_of_model(panels, ends, scale, stretch):
    low, high = (end * scale / stretch for end in ends)
    values = nice_ticks(low, high, 4)
    for row in panels:
        yield from ticks_right(row[-1], row[-1].top + (high - values) / (high - low) * HEIGHT, labels_of(values))
