"""Maps on the page, around a find, and before and after cleaning again, as `report.panels` prepares them."""

import numpy as np

from .panels import COLUMNS
from .png import png, rounded
from .scales import BLANK, DIVERGING, LINEAR_LENGTH, color_table, symmetric_place
from .svg import (
    Panel,
    box,
    drawing,
    grid_for_pointer,
    grid_of,
    labels_of,
    nice_ticks,
    number,
    picture,
    ticks_below,
    ticks_left,
    words,
)

SIDE = 124  # width of a map
LEFT, TOP, RIGHT, BOTTOM = 46, 42, 84, 42  # around the maps
GAP = 0.05  # between them, as a fraction of their width

# Palette: nothing, a blank pixel, then the colours of the scale, an odd number so that zero has its own: white.
NOTHING, UNKNOWN, LOWEST = 0, 1, 2
LEVELS = 253
PALETTE = np.vstack([color_table(["#ffffff", BLANK], 2), color_table(DIVERGING, LEVELS)])

# The colour bars of all maps refer to this.
DEFINITIONS = (
    '<svg class="definitions" width="0" height="0" aria-hidden="true"><linearGradient id="diverging" x1="0" y1="1" '
    'x2="0" y2="0">'
    + "".join(
        f'<stop offset="{place / (len(DIVERGING) - 1):g}" stop-color="{color}"/>'
        for place, color in enumerate(DIVERGING)
    )
    + "</linearGradient></svg>"
)


def draw_maps(maps, description):
    """
    Draw maps; the script of the page steps through the planes that are not shown.

    Parameters
    ----------
    maps : `report.panels.Maps`
        From `report.panels.maps_of_find` or `report.panels.maps_before_after`.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of the maps, with one picture of all of them.
    """
    panels, mosaic = _panels(maps)
    parts = [picture(mosaic, _mosaic(maps))]
    for row, of_row in zip(maps.rows, panels):
        for panel, beam in zip(of_row, maps.beams):
            parts += _marks(panel, maps, beam, row.with_beam)
        parts += _color_bar(of_row[-1], row)
    for column, panel in enumerate(panels[0]):
        parts.append(_heading(panel, *maps.headings[maps.first + column], own=column == maps.own))
    parts += _axes(panels, maps)
    planes = np.stack([rounded(row.planes, row.noise) for row in maps.rows])
    pointer = {
        "names": maps.headings,
        "units": [row.unit for row in maps.rows],
        "panels": grid_for_pointer(panels),
        "shape": planes.shape,
        "noise": float(maps.noise),
        "offsets": [*maps.extent, *maps.axes],
    }
    if maps.rows[0].name:
        pointer["rows"] = [row.name for row in maps.rows]
    if planes.shape[1] > COLUMNS:  # what the script needs to draw them
        pointer.update(
            limits=[row.limit for row in maps.rows],
            linear=[row.linear for row in maps.rows],
            length=LINEAR_LENGTH,
            gap=_gap(planes.shape[3]),
            colors={"blank": UNKNOWN, "zero": LOWEST + LEVELS // 2, "most": LEVELS // 2},
        )
    last = panels[-1][-1]
    width, height = LEFT + COLUMNS * SIDE + 2 * GAP * SIDE + RIGHT + 6, last.top + last.height + BOTTOM
    return drawing(width, height, parts, description, "maps", pointer, planes)


def _panels(maps):
    """A panel for each plane that is shown, and one around all of them."""
    _, height, width = maps.rows[0].planes.shape
    across = SIDE / width
    down = across * maps.extent[1] / height / (maps.extent[0] / width)
    gap = _gap(width)
    panels = grid_of(LEFT, TOP, SIDE, down * height, (gap * across, gap * down), COLUMNS, len(maps.rows))
    last = panels[-1][-1]
    return panels, Panel(LEFT, TOP, last.left + last.width - LEFT, last.top + last.height - TOP)


def _gap(width):
    """Distance between maps in their pixels: all maps are one picture, in which the gaps are transparent."""
    return max(1, round(GAP * width))


def _mosaic(maps):
    _, height, width = maps.rows[0].planes.shape
    gap = _gap(width)
    lengths = [number * (side + gap) - gap for number, side in ((len(maps.rows), height), (COLUMNS, width))]
    pixels = np.full(lengths, NOTHING, dtype=np.uint8)
    for row, column in np.ndindex(len(maps.rows), COLUMNS):
        about, top, left = maps.rows[row], row * (height + gap), column * (width + gap)
        level = symmetric_place(about.planes[maps.first + column], about.limit, about.linear)
        level = level * (LEVELS // 2) + LEVELS // 2 + LOWEST
        pixels[top : top + height, left : left + width] = np.where(np.isfinite(level), np.rint(level), UNKNOWN)
    return png(pixels, PALETTE, transparent=NOTHING + 1)


def _heading(panel, first, second="", own=False):
    """Two lines, or one close to the map."""
    lines = (first, second) if second else ("", first)
    texts = (words(panel.left + panel.width / 2, panel.top - 21 + 14 * row, line) for row, line in enumerate(lines))
    return f'<g class="heading{" own" if own else ""}">{"".join(texts)}</g>'


def _marks(panel, maps, beam, with_beam):
    """The edge of a map, the circle around the find, and the restoring beam in the lower left corner."""
    yield box(panel, class_="frame")
    scale = panel.width / maps.extent[0] / 2  # units an arcsec
    major, minor, angle = beam
    x, y = panel.left + panel.width / 2, panel.top + panel.height / 2
    yield f'<circle class="place" cx="{number(x)}" cy="{number(y)}" r="{number(0.75 * major * scale)}"/>'
    if with_beam:
        x, y = panel.left + 4 + 0.6 * major * scale, panel.top + panel.height - 4 - 0.6 * major * scale
        # The position angle is measured from North to East, here from up to left, which is against the clock.
        yield (
            f'<ellipse class="beam" cx="{number(x)}" cy="{number(y)}" rx="{number(minor * scale / 2)}" '
            f'ry="{number(major * scale / 2)}" transform="rotate({-angle:.1f} {number(x)} {number(y)})"/>'
        )


def _axes(panels, maps):
    """Ticks at the outer edges of the maps, and the names of the axes."""
    corner, (east, north) = panels[0][0], maps.extent
    # Not at the very edge, where the labels of neighbouring maps would touch.
    across, up = (nice_ticks(-0.85 * end, 0.85 * end, 4) for end in (east, north))
    for panel in panels[-1]:
        yield from ticks_below(panel, panel.left + (1 - across / east) * panel.width / 2, labels_of(across))
    for row in panels:
        panel = row[0]
        yield from ticks_left(panel, panel.top + (1 - up / north) * panel.height / 2, labels_of(up))
    middle, bottom = panels[-1][len(panels[-1]) // 2], panels[-1][0]
    yield words(middle.left + middle.width / 2, middle.top + middle.height + 32, f"{maps.axes[0]} offset, arcsec")
    centre = (corner.top + bottom.top + bottom.height) / 2
    yield words(12, centre, f"{maps.axes[1]} offset, arcsec", turned=True)


def _color_bar(panel, row):
    bar = Panel(panel.left + panel.width + 8, panel.top, 9, panel.height)
    yield box(bar, fill="url(#diverging)", class_="frame")
    values, labels = row.ticks
    for label, place in zip(labels, symmetric_place(values, row.limit, row.linear)):
        y = bar.top + (1 - place) * bar.height / 2
        inside = min(max(y, bar.top + 6), bar.top + bar.height - 6)
        yield words(bar.left + bar.width + 3, inside + 4, label, "start")
    x = LEFT + COLUMNS * SIDE + 2 * GAP * SIDE + RIGHT
    yield words(x, bar.top + bar.height / 2, row.label, turned=True)
