"""The close-up of the spectra on the page: a find and the channels next to it, as `report.panels` prepares it."""

import numpy as np

from .panels import ROWS
from .png import rounded
from .spectra import about_channels, draw_lines, ground, key, ticks_of_channels, ticks_of_values
from .svg import drawing, grid_for_pointer, grid_of, words

WIDTH, HEIGHT, GAP = 400, 74, 8  # of a panel: as wide as the other spectra together
LEFT, TOP, RIGHT, BOTTOM = 46, 42, 54, 42  # around the panels


def draw_closeup(closeup, description):
    """
    Draw the spectra of the pixel of a find in the channels next to it.

    Parameters
    ----------
    closeup : `report.panels.CloseUp`
        From `report.panels.closeup_of_find`.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of the image above its spike and residual.
    """
    panels = grid_of(LEFT, TOP, WIDTH, HEIGHT, (0, GAP), 1, 2)
    (upper,), (lower,) = panels
    sigma = 1 if closeup.lines_unit == "sigma" else closeup.noise
    first, last = closeup.channels[0], closeup.channels[-1]
    parts = [
        words(LEFT, TOP - 24, f"{closeup.name}, channels {first} to {last}", "start"),
        key("image", LEFT + 236, TOP - 24, f"image, {closeup.unit}"),
        key("spike", LEFT, TOP - 8, f"{ROWS['spike']}, {closeup.lines_unit}"),
        key("residual", LEFT + 236, TOP - 8, f"residual, {closeup.lines_unit}"),
        *ground(upper, closeup, closeup.image_ends, closeup.noise),
        *draw_lines(upper, closeup, {"image": closeup.image}, closeup.image_ends),
        *ground(lower, closeup, closeup.ends, sigma),
        *draw_lines(lower, closeup, closeup.lines, closeup.ends),
        *ticks_of_values(upper, closeup.image_ends, closeup.scale, 4),
        *ticks_of_values(lower, closeup.ends, 1, 4),
        *ticks_of_channels(lower, closeup, 8),
        words(LEFT + WIDTH / 2, lower.top + HEIGHT + 32, "channel"),
    ]
    pointer = {
        "panels": grid_for_pointer(panels),
        "name": closeup.name,
        "lines": [ROWS["spike"], "residual"],
        "unit": closeup.lines_unit,
        **about_channels(closeup),
    }
    values = np.stack(
        [rounded(closeup.image, closeup.noise), *(rounded(line, sigma) for line in closeup.lines.values())]
    )
    width, height = LEFT + WIDTH + RIGHT, lower.top + HEIGHT + BOTTOM
    return drawing(width, height, parts, description, "closeup", pointer, values)
