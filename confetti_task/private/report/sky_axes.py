"""Ticks of the sky: where lines of constant longitude or latitude meet the edges of a map, and their labels."""

import numpy as np

from .angles import sexagesimal

# Distances of ticks: in seconds of time or of arc, and in degrees.
SEXAGESIMAL = (
    *(factor * 10.0**power for power in range(-5, 0) for factor in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 5, 10, 15, 30)),
)
DECIMAL = tuple(factor * 10.0**power for power in range(-8, 2) for factor in (1, 2, 5))
SAMPLES = 201  # of an edge


class Coordinate:
    """
    A celestial coordinate along the edges of a map.

    Parameters
    ----------
    sky : `~astropy.wcs.WCS`
        Coordinates of the pixels.
    number : int
        0 for the longitude, 1 for the latitude.
    """

    def __init__(self, sky, number):
        self.sky, self.number = sky, number
        galactic = sky.wcs.ctype[0].startswith("GLON")
        self.name = (("longitude", "latitude") if galactic else ("RA", "Dec"))[number]
        self.degrees = galactic
        # Seconds of time, of arc, or degrees in a degree.
        self.factor = 1 if galactic else 3600 / (15, 1)[number]
        self.steps = DECIMAL if galactic else SEXAGESIMAL

    def along(self, start, end):
        """Values, in the unit of the ticks, along a line between two pixels (x, y); NaN beyond the projection."""
        x, y = (np.linspace(*ends, SAMPLES) for ends in zip(start, end))
        world = np.array(self.sky.wcs_pix2world(x, y, 0))[self.number]
        if self.number == 0:  # continuous across 0h
            centre = self.sky.wcs.crval[0]
            world = centre + (world - centre + 180) % 360 - 180
        return world * self.factor

    def step(self, values, most):
        """Distance between ticks so that there are no more than some."""
        finite = values[np.isfinite(values)]
        span = np.ptp(finite) if len(finite) else 0
        return next((step for step in self.steps if span < most * step), self.steps[-1])

    def crossings(self, values, step):
        """Where values along a line cross multiples of a step, as fractions of it, and these multiples."""
        for place, (one, other) in enumerate(zip(values[:-1], values[1:])):
            # A jump is no crossing: it is where the longitude goes around a pole.
            if not abs(other - one) < 180 * self.factor or one == other:
                continue
            low, high = sorted((one, other))
            for multiple in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1):
                if multiple * step != other or place == len(values) - 2:
                    yield (place + (multiple * step - one) / (other - one)) / (len(values) - 1), multiple * step

    def label(self, value, step):
        """Text of a tick: hours or degrees, minutes and seconds with colons, or decimal degrees."""
        decimals = max(0, int(np.ceil(-np.log10(step) - 1e-6)))
        if self.degrees:
            return f"{value % 360 if self.number == 0 else value:.{decimals}f}\N{DEGREE SIGN}"
        text = sexagesimal(value, decimals, signed=self.number == 1)
        return text[:-3] if step % 60 == 0 else text


def ticks_of_edges(sky, shape, most=(5, 8)):
    """
    Ticks at the edges of a map, each edge with the coordinate that changes most along it.

    Parameters
    ----------
    sky : `~astropy.wcs.WCS`
        Coordinates of the pixels.
    shape : tuple of int
        Height and width in pixels.
    most : tuple of int
        Largest number of ticks along x and along y.

    Returns
    -------
    names : tuple of str
        Coordinates along x and along y.
    ticks : dict of list of tuple
        For 'bottom', 'top', 'left' and 'right' the place of each tick, in pixels from the edge of the first pixel, and
        its label. 'bottom' is the first row, 'left' the first column.
    """
    height, width = shape
    corners = {"bottom": ((0, 0), (1, 0)), "top": ((0, 1), (1, 1)), "left": ((0, 0), (0, 1)), "right": ((1, 0), (1, 1))}
    ends = {edge: [(x * width - 0.5, y * height - 0.5) for x, y in pair] for edge, pair in corners.items()}
    longitude, latitude = Coordinate(sky, 0), Coordinate(sky, 1)
    along_x, along_y = (longitude, latitude) if _mostly(longitude, latitude, ends) else (latitude, longitude)
    ticks = {}
    for coordinate, edges, number, length in (
        (along_x, ("bottom", "top"), most[0], width),
        (along_y, ("left", "right"), most[1], height),
    ):
        step = coordinate.step(coordinate.along(*ends[edges[0]]), number)
        for edge in edges:
            crossings = coordinate.crossings(coordinate.along(*ends[edge]), step)
            ticks[edge] = [(place * length, coordinate.label(value, step)) for place, value in crossings]
    return (along_x.name, along_y.name), ticks


def _mostly(longitude, latitude, ends):
    """Whether the longitude changes more along x, on the sky, than the latitude does."""
    spans = []
    for coordinate in (longitude, latitude):
        values = coordinate.along(*ends["bottom"]) / coordinate.factor
        spans.append(np.ptp(values[np.isfinite(values)]) if np.isfinite(values).any() else 0)
    return spans[0] * np.cos(np.deg2rad(longitude.sky.wcs.crval[1])) >= spans[1]
