"""The sky on the page: all sources on a map of the peak intensity."""

import numpy as np

from .png import png
from .scales import ACCENT, BLANK, GREEN, LINES, color_table
from .sky_axes import ticks_of_edges
from .svg import Panel, box, drawing, grid_for_pointer, labels_of, nice_ticks, number, path, picture, words

SIDE = 560  # largest width and height of the map
LEFT, TOP, RIGHT, BOTTOM = 92, 34, 84, 46  # around it

# Colour, and shape: a circle for confetti, a square for known sources, one on its corner for those proved to be real, a
# point for candidates.
MARKS = {"candidate": LINES["image"], "known": GREEN, "real": GREEN, "confetti": ACCENT}
SHAPES = {
    "known": "m-4.5 -4.5h9v9h-9z",
    "real": "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
    "confetti": "m-3.8 0a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0 -7.6 0",
}
POINT = 2.6
# More points than this are drawn as a picture: 20 kB for 20000 candidates, which take 200 kB as a path.
MANY = 2000

GRID = 17  # points on a side, where the positions on the sky are given to the script

# Greys of the map, few so that it is small: noise does not show the steps. Before them, a blank pixel.
GREYS = 64
PALETTE = np.vstack([color_table([BLANK, BLANK], 1), color_table(["#ffffff", "#000000"], GREYS)])
SOFTENING = 0.05  # of the asinh scale
SHOWN_PERCENT = 99.8


def sky_map(peak, sky, shape, marks, numbered, description):
    """
    Draw all sources over the peak intensity.

    Parameters
    ----------
    peak : `report.cutouts.Peak`
        Peak intensity over the channels.
    sky : `~astropy.wcs.WCS`
        Coordinates of the pixels.
    shape : tuple of int
        Height and width in pixels.
    marks : dict
        x and y of all candidates, known sources and fake sources.
    numbered : sequence of tuple of float
        x and y of the sources to number; the numbers lead to their pictures.
    description : str
        What a screen reader says.

    Returns
    -------
    drawing : str
        SVG of the map, with North up and East to the left if the axes are aligned with the sky.
    """
    view = View(sky, shape)
    limits = _limits(peak.plane)
    parts = [_picture(view, peak, limits), box(view.panel, class_="frame")]
    parts += _axes(view, sky)
    for name, (x, y) in marks.items():
        places = view.to_drawing(x, y)
        many = name not in SHAPES and len(x) > MANY
        parts.append(_picture_of_points(view.panel, name, *places) if many else _mark(name, *places))
    for place, (x, y) in enumerate(numbered, start=1):
        parts.append(_link(place, *view.to_drawing(x, y)))
    parts += _legend({name: len(x) for name, (x, _) in marks.items()})
    parts += _color_bar(view.panel, limits)
    pointer = {
        "panels": grid_for_pointer([[view.panel]]),
        "size": [view.width, view.height],
        "flipped": [view.flip_x, view.flip_y],
        "side": peak.side,
        "shape": peak.plane.shape,
        "greys": _values_of_greys(limits),
        "world": _positions(sky, shape),
    }
    width, height = LEFT + view.panel.width + RIGHT, TOP + view.panel.height + BOTTOM
    return drawing(width, height, parts, description, "sky", pointer, role="group")


class View:
    """
    How pixels of the sky appear in the drawing.

    Parameters
    ----------
    sky : `~astropy.wcs.WCS`
        Coordinates of the pixels.
    shape : tuple of int
        Height and width in pixels.
    """

    def __init__(self, sky, shape):
        self.height, self.width = shape
        self.scale = SIDE / max(shape)
        self.panel = Panel(LEFT, TOP, self.width * self.scale, self.height * self.scale)
        self.flip_x, self.flip_y = bool(sky.wcs.cdelt[0] >= 0), bool(sky.wcs.cdelt[1] > 0)

    def to_drawing(self, x, y):
        """Places of pixels in the drawing."""
        across, down = np.asarray(x) + 0.5, np.asarray(y) + 0.5
        across = self.width - across if self.flip_x else across
        down = self.height - down if self.flip_y else down
        return self.panel.left + across * self.scale, self.panel.top + down * self.scale


def _limits(plane):
    """Lower and upper end of the scale of greys."""
    finite = plane[np.isfinite(plane)]
    low, high = np.percentile(finite, [50 - SHOWN_PERCENT / 2, 50 + SHOWN_PERCENT / 2])
    return float(low), float(high if high > low else low + (abs(low) or 1))


def _darkness(values, limits):
    """Place of values on the scale of greys, from 0 to 1."""
    low, high = limits
    return np.arcsinh(np.clip((values - low) / (high - low), 0, 1) / SOFTENING) / np.arcsinh(1 / SOFTENING)


def _values_of_greys(limits):
    """Value of each grey in Jy/beam, with three digits: the script finds what is under the pointer in the picture."""
    low, high = limits
    values = low + (high - low) * SOFTENING * np.sinh(np.linspace(0, 1, GREYS) * np.arcsinh(1 / SOFTENING))
    return [float(f"{value:.3g}") for value in values]


def _positions(sky, shape):
    """
    Longitude and latitude in degrees on a grid from corner to corner; the script interpolates between them.

    In a field of ten arcmin at a declination of 80 degrees it is right to 5 mas.
    """
    height, width = shape
    y, x = np.meshgrid(np.linspace(-0.5, height - 0.5, GRID), np.linspace(-0.5, width - 0.5, GRID), indexing="ij")
    longitude, latitude = sky.wcs_pix2world(x.ravel(), y.ravel(), 0)
    if not np.isfinite(longitude).all():  # beyond the projection
        return {}
    centre = sky.wcs.crval[0]
    longitude = centre + (longitude - centre + 180) % 360 - 180
    names = ("longitude", "latitude")
    world = {name: np.round(values, 7).tolist() for name, values in zip(names, (longitude, latitude))}
    return {**world, "points": GRID, "degrees": sky.wcs.ctype[0].startswith("GLON")}


def _picture(view, peak, limits):
    pixels = np.where(np.isfinite(peak.plane), 1 + np.rint(_darkness(peak.plane, limits) * (GREYS - 1)), 0)
    seen = pixels.astype(np.uint8)[:: -1 if view.flip_y else 1, :: -1 if view.flip_x else 1]
    height, width = (length * peak.side * view.scale for length in pixels.shape)
    panel = view.panel
    # The last block may reach beyond the image: a drawing in the drawing hides what does.
    left = panel.width - width if view.flip_x else 0
    top = panel.height - height if view.flip_y else 0
    inside = picture(Panel(left, top, width, height), png(seen, PALETTE))
    about = " ".join(f'{name}="{number(value)}"' for name, value in zip(("x", "y", "width", "height"), panel))
    return f"<svg {about}>{inside}</svg>"


def _axes(view, sky):
    """Ticks at all edges; labels below and on the left."""
    (across, up), ticks = ticks_of_edges(sky, (view.height, view.width))
    panel = view.panel
    below, left = ("top" if not view.flip_y else "bottom"), ("right" if view.flip_x else "left")
    for edge in ("bottom", "top"):
        for place, label in ticks[edge]:
            x, _ = view.to_drawing(place - 0.5, 0)
            yield path(_tick(x, panel.top + panel.height if edge == below else panel.top, "v", edge == below))
            if edge == below:
                yield words(x, panel.top + panel.height + 15, label)
    for edge in ("left", "right"):
        for place, label in ticks[edge]:
            _, y = view.to_drawing(0, place - 0.5)
            yield path(_tick(panel.left if edge == left else panel.left + panel.width, y, "h", edge != left))
            if edge == left:
                yield words(panel.left - 6, y + 4, label, "end")
    yield words(panel.left + panel.width / 2, panel.top + panel.height + 36, across)
    yield words(12, panel.top + panel.height / 2, up, turned=True)


def _tick(x, y, direction, backwards):
    return f"M{number(x)} {number(y)}{direction}{-5 if backwards else 5}"


def _mark(name, x, y):
    """All sources of a class as one path."""
    if name in SHAPES:
        commands = "".join(f"M{number(one)} {number(other)}{SHAPES[name]}" for one, other in zip(x, y))
        return path(commands, class_="mark", stroke=MARKS[name])
    commands = "".join(f"M{number(one)} {number(other)}h0" for one, other in zip(x, y))
    return path(commands, class_="points", stroke=MARKS[name], stroke_width=POINT)


def _picture_of_points(panel, name, x, y):
    """The same as a picture, in which a point is a pixel of the size of a unit of the drawing."""
    pixels = np.zeros((round(panel.height), round(panel.width)), dtype=np.uint8)
    down, across = ((place - start).astype(int) for place, start in ((y, panel.top), (x, panel.left)))
    pixels[down.clip(0, len(pixels) - 1), across.clip(0, pixels.shape[1] - 1)] = 1
    return picture(panel, png(pixels, color_table([MARKS[name]] * 2, 2), transparent=1))


def _link(place, x, y):
    label = words(x + 5, y - 4, str(place), "start", "where")
    return f'<a href="#find-{place}" aria-label="fake source {place}">{label}</a>'


def _legend(numbers):
    x = LEFT
    for name, count in numbers.items():
        yield _mark(name, np.array([x + 5.0]), np.array([TOP - 16.0]))
        text = f"{name} ({count})"
        yield words(x + 14, TOP - 12, text, "start")
        x += 40 + 7 * len(text)


def _color_bar(panel, limits):
    bar = Panel(panel.left + panel.width + 12, panel.top, 12, panel.height)
    yield (
        '<linearGradient id="greys" x1="0" y1="1" x2="0" y2="0"><stop offset="0" stop-color="#fff"/>'
        '<stop offset="1" stop-color="#000"/></linearGradient>'
    )
    yield box(bar, fill="url(#greys)", class_="frame")
    last = np.inf
    for value, label in _values_of_bar(limits):
        y = bar.top + (1 - _darkness(value, limits)) * bar.height
        if last - y >= 15:  # labels do not touch
            yield path(f"M{number(bar.left + bar.width)} {number(y)}h-4", class_="axis")
            yield words(bar.left + bar.width + 4, y + 4, label, "start")
            last = y
    text = "peak intensity over the channels, Jy/beam"
    yield words(bar.left + bar.width + 56, bar.top + bar.height / 2, text, turned=True)


def _values_of_bar(limits):
    """Round values on the scale of greys, dense where it is: near its lower end."""
    values = []
    for part in (0.05, 0.2, 1):
        end = limits[0] + part * (limits[1] - limits[0])
        ticks = nice_ticks(limits[0], end, 5)
        values += zip(ticks.tolist(), labels_of(ticks))
    return sorted(dict(values).items())
