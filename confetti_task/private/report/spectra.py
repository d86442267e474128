"""Spectra on the page, in the 3 x 3 pixels around a find, as `report.panels` prepares them."""

import numpy as np

from .png import rounded
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

WIDTH, HEIGHT, GAP = 128, 90, 8  # of a panel
LEFT, TOP, RIGHT, BOTTOM = 46, 42, 54, 42  # around the panels


def draw_spectra(spectra, description):
    """
    Draw the spectra of image, residual and model times pixels per beam in the 3 x 3 pixels around a find.

    Parameters
    ----------
    spectra : `report.panels.Spectra`
        From `report.panels.spectra_of_find`.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of 3 x 3 panels, with North up.
    """
    panels = grid_of(LEFT, TOP, WIDTH, HEIGHT, (GAP, GAP), 3, 3)
    model = spectra.model * spectra.stretch
    parts = list(_legend(spectra.unit))
    for row, column in np.ndindex(3, 3):
        panel = panels[row][column]
        lines = {name: line[row, column] for name, line in spectra.lines.items()}
        parts += _panel(panel, spectra, lines, model[row, column])
        parts.append(words(panel.left + 6, panel.top + 14, spectra.names[row][column], "start"))
    parts += _axes(panels, spectra)
    if spectra.model.any():
        parts += _axis_of_model(panels, spectra)
    pointer = {"panels": grid_for_pointer(panels), "names": spectra.names, **about_channels(spectra)}
    # [row, column, line, channel]
    values = rounded(np.stack([*spectra.lines.values(), spectra.model], axis=2), spectra.noise)
    width, height = LEFT + 3 * WIDTH + 2 * GAP + RIGHT, TOP + 3 * HEIGHT + 2 * GAP + BOTTOM
    return drawing(width, height, parts, description, "spectra", pointer, values)


def about_channels(spectra):
    """What the script of the page needs to know of the channels of a drawing, and the noise."""
    known = np.isfinite(spectra.velocity).all()
    return {
        "channels": [int(spectra.channels[0]), len(spectra.channels)],
        "velocity": [round(float(value), 3) for value in spectra.velocity] if known else [],
        "noise": float(spectra.noise),
    }


def _legend(unit):
    """Names of the lines, in two rows: the letters are larger on a phone."""
    texts = {
        "image": f"image, {unit}",
        "residual": f"residual, {unit}",
        "model": "model x pixels per beam, right scale",
    }
    for (name, text), x, y in zip(texts.items(), (LEFT, LEFT + 150, LEFT), (TOP - 24, TOP - 24, TOP - 8)):
        yield key(name, x, y, text)


def key(name, x, y, text):
    """A short line in the colour of a spectrum, or a bar in that of the model, and its name."""
    mark = Panel(x, y - 8, 14, 8) if name == "model" else Panel(x, y - 5, 14, 3)
    return box(mark, class_=f"key {name}") + words(x + 18, y, text, "start")


def _panel(panel, spectra, lines, model):
    """What is in a panel: the channel of the find, the noise, the model, and the lines."""
    yield from ground(panel, spectra, spectra.ends, spectra.noise)
    if model.any():
        edges, zero = edges_of_channels(panel, spectra), number(down_to(panel, spectra.ends, 0))
        levels = down_to(panel, spectra.ends, model).tolist()
        yield path(f"{steps(edges, levels)}V{zero}H{number(edges[0])}Z", class_="model")
    yield from draw_lines(panel, spectra, lines, spectra.ends)


def ground(panel, spectra, ends, noise):
    """The ground of a panel, the channel of the find, and the noise where the scale has it."""
    edges = edges_of_channels(panel, spectra)
    own = spectra.channel - spectra.channels[0]
    yield box(panel, class_="ground")
    yield box(Panel(edges[own], panel.top, edges[own + 1] - edges[own], panel.height), class_="channel")
    top, bottom = (float(down_to(panel, ends, np.clip(value, *ends))) for value in (noise, -noise))
    yield box(Panel(panel.left, top, panel.width, bottom - top), class_="noise")


def draw_lines(panel, spectra, lines, ends):
    """Lines by name, and the frame of their panel."""
    edges = edges_of_channels(panel, spectra)
    for name, line in lines.items():
        yield path(steps(edges, down_to(panel, ends, line).tolist()), class_=f"line {name}")
    yield box(panel, class_="frame")


def down_to(panel, ends, values):
    """Heights of values in a drawing, given the limits of the scale of the panel."""
    low, high = ends
    return panel.top + (high - values) / (high - low) * panel.height


def edges_of_channels(panel, spectra):
    """Edges of the channels in a drawing, from the left edge of a panel to its right one."""
    number_of_channels = len(spectra.channels)
    return (panel.left + panel.width / number_of_channels * np.arange(number_of_channels + 1)).tolist()


def ticks_of_channels(panel, spectra, most):
    """Round channel numbers below a panel."""
    first, last = int(spectra.channels[0]), int(spectra.channels[-1])
    channels = nice_ticks(first - 0.5, last + 0.5, most)
    channels = channels[channels == np.rint(channels)]
    places = (channels - first + 0.5) / (last - first + 1) * panel.width
    yield from ticks_below(panel, panel.left + places, [f"{channel:.0f}" for channel in channels])


def ticks_of_values(panel, ends, scale, most):
    """Round values at the left edge of a panel."""
    values = nice_ticks(*(end * scale for end in ends), most)
    yield from ticks_left(panel, down_to(panel, ends, values / scale), labels_of(values))


def _axes(panels, spectra):
    for panel in panels[-1]:
        yield from ticks_of_channels(panel, spectra, 4)
    for row in panels:
        yield from ticks_of_values(row[0], spectra.ends, spectra.scale, 4)
    middle = panels[-1][1]
    yield words(middle.left + WIDTH / 2, middle.top + HEIGHT + 32, "channel")


def _axis_of_model(panels, spectra):
    ends = [end / spectra.stretch for end in spectra.ends]
    values = nice_ticks(*(end * spectra.scale for end in ends), 4)
    for row in panels:
        yield from ticks_right(row[-1], down_to(row[-1], ends, values / spectra.scale), labels_of(values))
