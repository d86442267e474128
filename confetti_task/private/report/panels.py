"""
What the pictures of a find show: arrays, limits, labels and marks.

Each picture is prepared here, once, and drawn twice: `maps`, `spectra` and `closeup` draw it for the page, as SVG, and
`figures` for `confetti_plot`, with matplotlib.
"""

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from .scales import LINEAR_SIGMA, LINES, largest, limits_of_lines, linear_part, milli, stretch_of_model

# Rows of the maps of a find: their planes in the cutout, and what they are called.
ROWS = {"image": "image", "spike": "image - neighbours", "model": "model", "residual": "residual"}
# Maps side by side: a channel and its neighbours, or before, after and the difference.
COLUMNS = 3
# The scale of spikes ends at that of the find, but not below 5 sigma, the usual limit for a detection: what is higher
# elsewhere, such as a real line, must not make the find pale.
LEAST_END_OF_SPIKES = 5.0
# Spikes are given in steps of 1/4 sigma: the background of most is interpolated, and finer ones take twice the space.
ROUNDED_AS_NOISE_OF = 8.0

# Channels on either side of a find that the close-up shows.
CLOSE_CHANNELS = 10
# Least range of its image, in sigma: noise alone does not fill it.
LEAST_RANGE_SIGMA = 8


@dataclass(frozen=True)
class MapRow:
    """
    Maps side by side, with one scale.

    Attributes
    ----------
    name : str
        What they show; '' if each map has a heading of its own that says so.
    planes : 3D float32 `~numpy.ndarray`
        The maps [plane, y, x], with the first row on top; North is up and East to the left if the axes are aligned with
        the sky.
    unit : str
        Unit of the maps.
    limit, linear : float
        Ends of the scale, which is symmetric about zero, and of its linear part; the same if all of it is linear.
    with_beam : bool
        Whether to draw the restoring beam.
    noise : float
        Steps in which the values are kept are a small part of this; 0 to keep all their bits.
    """

    name: str
    planes: np.ndarray
    unit: str
    limit: float
    linear: float
    with_beam: bool
    noise: float

    @property
    def label(self):
        """Name and unit at the colour bar, with the prefix that the labels have."""
        _, unit = milli(self.limit, self.unit)
        return f"{self.name}, {unit}" if self.name else unit

    @property
    def ticks(self):
        """Values of the ticks of the colour bar, from its upper end, and their labels."""
        scale, _ = milli(self.limit, self.unit)
        inner = self.linear if self.linear < self.limit else self.limit / 2
        values = np.array([self.limit, inner, 0, -inner, -self.limit])
        return values, [f"{value:.3g}" for value in values * scale]


@dataclass(frozen=True)
class Maps:
    """
    Maps in rows.

    Attributes
    ----------
    rows : tuple of `MapRow`
        From the top.
    headings : list of list of str
        One or two lines for each plane of a row.
    first : int
        The first of the `COLUMNS` planes that are shown; a page can step to the others.
    own : int or None
        Column with the channel of the find.
    beams : tuple of tuple of float
        Restoring beam in each column: major and minor axis in arcsec, and position angle in degrees.
    extent : tuple of float
        Offsets of the left and the upper edge of a map from its middle, in arcsec.
    axes : tuple of str
        Names of the x and y axes.
    noise : float
        rms noise of the channel of the find in Jy/beam.
    """

    rows: Tuple[MapRow, ...]
    headings: List[List[str]]
    first: int
    own: Optional[int]
    beams: Tuple[Tuple[float, float, float], ...]
    extent: Tuple[float, float]
    axes: Tuple[str, str]
    noise: float


@dataclass(frozen=True)
class Spectra:
    """
    Spectra of the 3 x 3 pixels around a find, in Jy/beam.

    Attributes
    ----------
    names : list of list of str
        The pixels, [row][column], with North up and East to the left if the axes are aligned with the sky.
    channels : 1D int `~numpy.ndarray`
        Channels of the spectra.
    channel : int
        The channel of the find.
    velocity : 1D float `~numpy.ndarray`
        Velocity of the channels in km/s; NaN if the cube has no rest frequency.
    lines : dict of 3D float32 `~numpy.ndarray`
        Image and residual, [row, column, channel].
    model : 3D float32 `~numpy.ndarray`
        The model times the pixels per beam.
    ends : tuple of float
        Limits of the scale of the lines.
    stretch : float
        Factor by which the model is drawn higher: it has its own scale, with the same zero.
    noise : float
        rms noise of the channel of the find.
    scale, unit : float, str
        Factor to the unit in which values are labelled, and its name.
    """

    names: List[List[str]]
    channels: np.ndarray
    channel: int
    velocity: np.ndarray
    lines: Dict[str, np.ndarray]
    model: np.ndarray
    ends: Tuple[float, float]
    stretch: float
    noise: float
    scale: float
    unit: str


@dataclass(frozen=True)
class CloseUp:
    """
    Spectra of the pixel of a find in the channels next to it.

    Attributes
    ----------
    name : str
        The pixel.
    channels : 1D int `~numpy.ndarray`
        Channels of the spectra.
    channel : int
        The channel of the find.
    velocity : 1D float `~numpy.ndarray`
        Velocity of the channels in km/s; NaN if the cube has no rest frequency.
    image : 1D float32 `~numpy.ndarray`
        The image in Jy/beam.
    image_ends : tuple of float
        Limits of its scale, which need not include zero.
    scale, unit : float, str
        Factor to the unit in which the image is labelled, and its name.
    lines : dict of 1D float32 `~numpy.ndarray`
        Spike and residual.
    ends : tuple of float
        Limits of their scale.
    lines_unit : str
        Their unit: 'sigma', or 'Jy/beam' where the noise is not known.
    noise : float
        rms noise of the channel of the find in Jy/beam.
    """

    name: str
    channels: np.ndarray
    channel: int
    velocity: np.ndarray
    image: np.ndarray
    image_ends: Tuple[float, float]
    scale: float
    unit: str
    lines: Dict[str, np.ndarray]
    ends: Tuple[float, float]
    lines_unit: str
    noise: float


def maps_of_find(cutout, noise):
    """
    Prepare the maps of image, spike, model and residual in the channel of a find and in its neighbours.

    Each row of maps has one scale, the same for image and residual.

    Parameters
    ----------
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam, 0 if it is not known.

    Returns
    -------
    maps : `Maps`
        Four rows, with as many planes as the cutout has.
    """
    around = len(cutout.planes["image"]) // 2
    shown = slice(around - 1, around + 2)
    in_sigma, unit_of_spike = (1 / noise, "sigma") if noise > 0 else (1, "Jy/beam")
    units = {"spike": unit_of_spike, "model": "Jy/pixel"}
    limits = {name: largest(cutout.planes[name][shown]) for name in ("image", "model")}
    limits["residual"] = limits["image"]
    least = LEAST_END_OF_SPIKES if noise > 0 else 0
    limits["spike"] = max(_highest_spike(cutout, around) * in_sigma, least)
    rows = []
    for name, title in ROWS.items():
        planes = _as_seen(cutout.planes[name], cutout)
        # The linear part is that of the image in the model too: a lone pixel of S Jy restores to S Jy/beam.
        linear, rounding = linear_part(limits[name], LINEAR_SIGMA * noise), noise
        if name == "spike":
            planes, linear, rounding = planes * np.float32(in_sigma), limits[name], ROUNDED_AS_NOISE_OF * (noise > 0)
        unit = units.get(name, "Jy/beam")
        rows.append(MapRow(title, planes, unit, limits[name], linear, name != "model", rounding))
    return Maps(
        rows=tuple(rows),
        headings=[_name_of_channel(cutout, cutout.channel + step) for step in range(-around, around + 1)],
        first=around - 1,
        own=1,
        beams=(cutout.beam,) * COLUMNS,
        extent=_extent(cutout),
        axes=cutout.axes,
        noise=noise,
    )


def maps_before_after(old, new, noise):
    """
    Prepare the maps of the old image, the new image and their difference around a find, with one scale.

    Parameters
    ----------
    old, new : `report.cutouts.Cutout`
        From `report.cutouts.read_both`.
    noise : float
        rms noise of its channel in Jy/beam.

    Returns
    -------
    maps : `Maps`
        One row of the channel of the find.
    """
    before, after = (cutout.planes["image"][len(cutout.planes["image"]) // 2] for cutout in (old, new))
    planes = _as_seen(np.stack([before, after, before - after]), new)
    limit = largest(planes)
    row = MapRow("", planes, "Jy/beam", limit, linear_part(limit, LINEAR_SIGMA * noise), True, noise)
    return Maps(
        rows=(row,),
        headings=[["old image"], ["new image"], ["old - new"]],
        first=0,
        own=None,
        beams=(old.beam, new.beam, new.beam),
        extent=_extent(new),
        axes=new.axes,
        noise=noise,
    )


def spectra_of_find(cutout, noise):
    """
    Prepare the spectra of image, residual and model times pixels per beam in the 3 x 3 pixels around a find.

    Parameters
    ----------
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam.

    Returns
    -------
    spectra : `Spectra`
        In all channels of the cutout.
    """
    lines = {product: _spectra_as_seen(cutout.spectra[product], cutout) for product in LINES}
    model = np.nan_to_num(_spectra_as_seen(cutout.spectra["model"], cutout)) * cutout.pixels_per_beam
    together = np.stack(list(lines.values()))
    limit = max(largest(together), 3 * noise)
    ends = limits_of_lines(together, limit)
    scale, unit = milli(limit, "Jy/beam")
    return Spectra(
        names=_names_of_pixels(cutout),
        channels=cutout.channels,
        channel=cutout.channel,
        velocity=cutout.velocity,
        lines=lines,
        model=model,
        ends=ends,
        stretch=stretch_of_model(model, *ends),
        noise=noise,
        scale=scale,
        unit=unit,
    )


def closeup_of_find(cutout, noise):
    """
    Prepare the spectra of the pixel of a find in the channels next to it: the image, and its spike and residual.

    Parameters
    ----------
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam, 0 if it is not known.

    Returns
    -------
    closeup : `CloseUp`
        In `CLOSE_CHANNELS` on either side of it, with the range of values that the image has there.
    """
    close = np.abs(cutout.channels - cutout.channel) <= CLOSE_CHANNELS
    image, residual = (cutout.spectra[name][close, 1, 1] for name in ("image", "residual"))
    in_sigma, lines_unit = (1 / noise, "sigma") if noise > 0 else (1, "Jy/beam")
    lines = {"spike": cutout.spikes[close] * in_sigma, "residual": residual * in_sigma}
    image_ends = _range_of(image, LEAST_RANGE_SIGMA * noise)
    scale, unit = milli(max(map(abs, image_ends)), "Jy/beam")
    together = np.stack(list(lines.values()))
    return CloseUp(
        name=f"x={cutout.x} y={cutout.y}",
        channels=cutout.channels[close],
        channel=cutout.channel,
        velocity=cutout.velocity[close],
        image=image,
        image_ends=image_ends,
        scale=scale,
        unit=unit,
        lines=lines,
        ends=limits_of_lines(together, max(largest(together), 3 if noise > 0 else 0)),
        lines_unit=lines_unit,
        noise=noise,
    )


def _range_of(values, least):
    """Limits of a scale that shows some values with room on either side, and at least a range of this length."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    middle = (low + high) / 2
    half = max(0.6 * (high - low), least / 2, 1e-3 * abs(middle), 1e-30)
    return middle - half, middle + half


def _highest_spike(cutout, around):
    """The highest spike of either sign within half a beam of the find, in its channel."""
    plane = cutout.planes["spike"][around]
    y, x = (np.arange(length) - length // 2 for length in plane.shape)
    distance = np.hypot(y[:, np.newaxis] * cutout.cell[0], x * cutout.cell[1])
    return largest(plane[distance <= cutout.beam[0] / 2])


def _as_seen(planes, cutout):
    """Planes with their first row on top, North up and East to the left, if the axes are aligned with the sky."""
    along_y, along_x = cutout.cell
    return planes[..., :: -1 if along_y > 0 else 1, :: 1 if along_x < 0 else -1]


def _spectra_as_seen(spectra, cutout):
    """Spectra [row, column, channel] of the pixels as they are seen."""
    return np.moveaxis(_as_seen(spectra, cutout), 0, 2)


def _extent(cutout):
    height, width = cutout.planes["image"].shape[1:]
    along_y, along_x = map(abs, cutout.cell)
    return along_x * width / 2, along_y * height / 2


def _name_of_channel(cutout, channel):
    """Channel, and its velocity if known, as two lines."""
    here = np.flatnonzero(cutout.channels == channel)
    if not len(here):
        return ["beyond the cube"]
    velocity = cutout.velocity[here[0]]
    return [f"channel {channel}", f"{velocity:.2f} km/s"] if np.isfinite(velocity) else [f"channel {channel}"]


def _names_of_pixels(cutout):
    y, x = np.mgrid[cutout.y - 1 : cutout.y + 2, cutout.x - 1 : cutout.x + 2]
    seen = _as_seen(np.stack([x, y]), cutout)
    return [[f"x={x} y={y}" for x, y in row] for row in np.moveaxis(seen, 0, 2).tolist()]
