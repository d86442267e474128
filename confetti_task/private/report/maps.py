"""Maps on the page: image, model and residual around a find, and images before and after."""

import numpy as np

from .cutouts import PRODUCTS
from .png import png, rounded
from .scales import (
    BLANK,
    DIVERGING,
    LINEAR_LENGTH,
    LINEAR_SIGMA,
    color_table,
    largest,
    linear_part,
    milli,
    symmetric_place,
)
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
LEFT, TOP, RIGHT, BOTTOM = 46, 42, 82, 42  # around the maps
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


def maps_of_find(cutout, noise, description):
    """
    Draw image, model and residual in the channel of a find and in its neighbours.

    Each row of maps has one scale, the same for image and residual. Where the cutout has more channels, the script of
    the page steps through them.

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
        SVG of 3 x 3 maps.
    """
    planes = _as_seen(np.stack([cutout.planes[product] for product in PRODUCTS]), cutout)
    first = planes.shape[1] // 2 - 1
    shown = planes[:, first : first + 3]  # the script steps to the others
    limits = [largest(shown[PRODUCTS.index("model" if product == "model" else "image")]) for product in PRODUCTS]
    units = ["Jy/pixel" if product == "model" else "Jy/beam" for product in PRODUCTS]
    panels, mosaic = _panels(shown, cutout)
    # The linear part is that of the image in the model too: a lone pixel of S Jy restores to S Jy/beam.
    linear = [linear_part(limit, LINEAR_SIGMA * noise) for limit in limits]
    parts = [picture(mosaic, _mosaic(shown, limits, linear))]
    for row, product in enumerate(PRODUCTS):
        for panel in panels[row]:
            parts += _marks(panel, cutout, beam=product != "model")
        parts += _color_bar(panels[row][-1], limits[row], linear[row], units[row], f"{product}, ")
    names = [_name_of_channel(cutout, cutout.channel + offset) for offset in range(-1 - first, 2 + first)]
    for column, panel in enumerate(panels[0]):
        parts.append(_heading(panel, *names[first + column], own=column == 1))
    parts += _axes(panels, cutout)
    pointer = {
        "rows": PRODUCTS,
        "names": names,
        "units": units,
        "limits": limits,
        "linear": linear,
        "length": LINEAR_LENGTH,
        "gap": _gap(planes.shape[3]),
        "colors": {"blank": UNKNOWN, "zero": LOWEST + LEVELS // 2, "most": LEVELS // 2},
    }
    return _finished(panels, parts, pointer, planes, cutout, noise, description)


def maps_before_after(old, new, noise, description):
    """
    Draw the old image, the new image and their difference around a find, with one scale.

    Parameters
    ----------
    old, new : `report.cutouts.Cutout`
        From `report.cutouts.read_both`.
    noise : float
        rms noise of its channel in Jy/beam.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of three maps.
    """
    before, after = (cutout.planes["image"][1] for cutout in (old, new))
    names = ("old image", "new image", "old - new")
    planes = _as_seen(np.stack([before, after, before - after])[np.newaxis], new)
    panels, mosaic = _panels(planes, new)
    limit = largest(planes)
    linear = linear_part(limit, LINEAR_SIGMA * noise)
    parts = [picture(mosaic, _mosaic(planes, [limit], [linear]))]
    for panel, name, cutout in zip(panels[0], names, (old, new, new)):
        parts += _marks(panel, cutout, beam=True)
        parts.append(_heading(panel, name))
    parts += _color_bar(panels[0][-1], limit, linear, "Jy/beam")
    parts += _axes(panels, new)
    pointer = {"names": [[name] for name in names], "units": ["Jy/beam"]}
    return _finished(panels, parts, pointer, planes, new, noise, description)


def _as_seen(planes, cutout):
    """Planes with their first row on top, North up and East to the left, if the axes are aligned with the sky."""
    along_y, along_x = cutout.cell
    return planes[..., :: -1 if along_y > 0 else 1, :: 1 if along_x < 0 else -1]


def _panels(planes, cutout):
    """A panel for each plane, and one around all of them."""
    rows, columns, height, width = planes.shape
    across = SIDE / width
    down = across * abs(cutout.cell[0] / cutout.cell[1])
    gap = _gap(width)
    panels = grid_of(LEFT, TOP, SIDE, down * height, (gap * across, gap * down), columns, rows)
    last = panels[-1][-1]
    return panels, Panel(LEFT, TOP, last.left + last.width - LEFT, last.top + last.height - TOP)


def _gap(width):
    """Distance between maps in their pixels: all maps are one picture, in which the gaps are transparent."""
    return max(1, round(GAP * width))


def _mosaic(planes, limits, linear):
    rows, columns, height, width = planes.shape
    gap = _gap(width)
    pixels = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), NOTHING, dtype=np.uint8)
    for row, column in np.ndindex(rows, columns):
        top, left = row * (height + gap), column * (width + gap)
        level = symmetric_place(planes[row, column], limits[row], linear[row]) * (LEVELS // 2) + LEVELS // 2 + LOWEST
        pixels[top : top + height, left : left + width] = np.where(np.isfinite(level), np.rint(level), UNKNOWN)
    return png(pixels, PALETTE, transparent=NOTHING + 1)


def _name_of_channel(cutout, channel):
    """Channel, and its velocity if known, as two lines."""
    here = np.flatnonzero(cutout.channels == channel)
    if not len(here):
        return ["beyond the cube"]
    velocity = cutout.velocity[here[0]]
    return [f"channel {channel}", f"{velocity:.2f} km/s"] if np.isfinite(velocity) else [f"channel {channel}"]


def _heading(panel, first, second="", own=False):
    """Two lines, or one close to the map."""
    lines = (first, second) if second else ("", first)
    texts = (words(panel.left + panel.width / 2, panel.top - 21 + 14 * row, line) for row, line in enumerate(lines))
    return f'<g class="heading{" own" if own else ""}">{"".join(texts)}</g>'


def _marks(panel, cutout, beam):
    """The edge of a map, the circle around the find, and the restoring beam in the lower left corner."""
    yield box(panel, class_="frame")
    scale = panel.width / _extent(cutout, panel)[0] / 2  # units an arcsec
    major, minor, angle = cutout.beam
    x, y = panel.left + panel.width / 2, panel.top + panel.height / 2
    yield f'<circle class="place" cx="{number(x)}" cy="{number(y)}" r="{number(0.75 * major * scale)}"/>'
    if beam:
        x, y = panel.left + 4 + 0.6 * major * scale, panel.top + panel.height - 4 - 0.6 * major * scale
        # The position angle is measured from North to East, here from up to left, which is against the clock.
        yield (
            f'<ellipse class="beam" cx="{number(x)}" cy="{number(y)}" rx="{number(minor * scale / 2)}" '
            f'ry="{number(major * scale / 2)}" transform="rotate({-angle:.1f} {number(x)} {number(y)})"/>'
        )


def _extent(cutout, panel):
    """Offsets at the left and at the upper edge of a map, in arcsec."""
    along_y, along_x = map(abs, cutout.cell)
    width = cutout.planes["image"].shape[2]
    east = along_x * width / 2
    return east, east * panel.height / panel.width


def _axes(panels, cutout):
    """Ticks at the outer edges of the maps, and the names of the axes."""
    corner = panels[0][0]
    east, north = _extent(cutout, corner)
    # Not at the very edge, where the labels of neighbouring maps would touch.
    across, up = (nice_ticks(-0.85 * end, 0.85 * end, 4) for end in (east, north))
    for panel in panels[-1]:
        yield from ticks_below(panel, panel.left + (1 - across / east) * panel.width / 2, labels_of(across))
    for row in panels:
        panel = row[0]
        yield from ticks_left(panel, panel.top + (1 - up / north) * panel.height / 2, labels_of(up))
    middle, bottom = panels[-1][len(panels[-1]) // 2], panels[-1][0]
    yield words(middle.left + middle.width / 2, middle.top + middle.height + 32, f"{cutout.axes[0]} offset, arcsec")
    centre = (corner.top + bottom.top + bottom.height) / 2
    yield words(12, centre, f"{cutout.axes[1]} offset, arcsec", turned=True)


def _color_bar(panel, limit, linear, unit, name=""):
    scale, unit = milli(limit, unit)
    bar = Panel(panel.left + panel.width + 8, panel.top, 9, panel.height)
    yield box(bar, fill="url(#diverging)", class_="frame")
    values = np.array([limit, linear, 0, -linear, -limit])
    for value, place in zip(values * scale, symmetric_place(values, limit, linear)):
        y = bar.top + (1 - place) * bar.height / 2
        inside = min(max(y, bar.top + 5), bar.top + bar.height - 3)
        yield words(bar.left + bar.width + 3, inside + 4, f"{value:.3g}", "start")
    x = LEFT + 3 * SIDE + 2 * GAP * SIDE + RIGHT
    yield words(x, bar.top + bar.height / 2, name + unit, turned=True)


def _finished(panels, parts, pointer, planes, cutout, noise, description):
    last = panels[-1][-1]
    east, north = _extent(cutout, last)
    pointer.update(
        panels=grid_for_pointer(panels), shape=planes.shape, noise=float(noise), offsets=[east, north, *cutout.axes]
    )
    width, height = LEFT + 3 * SIDE + 2 * GAP * SIDE + RIGHT + 6, last.top + last.height + BOTTOM
    return drawing(width, height, parts, description, "maps", pointer, rounded(planes, noise))
