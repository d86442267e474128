"""Figures of a check and of its finds; they are neither displayed nor saved here."""

import textwrap

import numpy as np
from astropy.visualization import AsinhStretch, ImageNormalize, PercentileInterval
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import SymLogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ..check.tables import bad_channels, diverged_channels, suspicious_channels
from ..images.channels import contiguous_ranges
from .cutouts import PRODUCTS

# Colour map of the maps: blue is negative, red positive, white zero; safe for colour-blind readers.
DIVERGING = "RdBu_r"
INK, ACCENT, FAINT = "#1b1f24", "#c2410c", "#8a939e"
SUSPICIOUS = "#56b4e9"  # from the same palette as the lines
LINES = {"image": "#0072b2", "residual": "#e69f00"}  # from the colour-blind-safe palette of Okabe and Ito
SMALL, LARGE = 7.5, 9  # points
CHARACTERS_AN_INCH = 12.4  # of a title, at the larger size
SPACING = {"bottom": 0.09, "wspace": 0.06, "hspace": 0.06}  # of 3 x 3 panels

# Scales are linear up to this many sigma and logarithmic beyond, so that a hot pixel does not hide its surround.
LINEAR_SIGMA = 3


def new_figure(width, height):
    """An empty figure, with width and height in inches, that is not attached to any window."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _titled_figure(width, height, title):
    figure = new_figure(width, height)
    figure.suptitle("\n".join(textwrap.wrap(title, int(CHARACTERS_AN_INCH * width))), fontsize=LARGE)
    return figure


def draw_find(cutout, noise, title=""):
    """
    Draw the maps and the spectra of a find side by side.

    Parameters
    ----------
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam.
    title : str
        Title of the figure.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        3 x 3 maps on the left and 3 x 3 spectra on the right.
    """
    with style.context("default"):
        return _draw_both(cutout, noise, title)


def _draw_both(cutout, noise, title):
    figure = _titled_figure(13, 6.6, title)
    draw_maps(figure, cutout, noise, left=0.05, right=0.43, top=0.83)
    draw_spectra(figure, cutout, noise, left=0.55, right=0.95, top=0.83)
    return figure


def draw_maps(figure, cutout, noise, left=0.12, right=0.86, top=0.9):
    """
    Draw image, model and residual in the channel of a find and in its neighbours.

    Each row of maps has one scale, the same for image and residual.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Figure to draw in.
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam.
    left, right, top : float
        Edges of the maps, as fractions of the figure.
    """
    grid = figure.add_gridspec(3, 3, left=left, right=right, top=top, **SPACING)
    limits = {"model": _largest(cutout.planes["model"]), "image": _largest(cutout.planes["image"])}
    limits["residual"] = limits["image"]
    linear = LINEAR_SIGMA * noise  # for the model too: a lone pixel of S Jy restores to S Jy/beam
    for row, product in enumerate(PRODUCTS):
        scale, unit = _milli(limits[product], "Jy/pixel" if product == "model" else "Jy/beam")
        for column, offset in enumerate((-1, 0, 1)):
            axes = figure.add_subplot(grid[row, column])
            picture = _draw_map(
                axes, cutout, cutout.planes[product][column] * scale, limits[product] * scale, linear * scale
            )
            _label_map(axes, cutout, product, row, column, offset)
        box = axes.get_position()
        bar = figure.colorbar(picture, cax=figure.add_axes([box.x1 + 0.012, box.y0, 0.014, box.height]))
        bar.set_label(f"{product}, {unit}", fontsize=SMALL)
        _plain_ticks(bar, limits[product] * scale, linear * scale)


def _largest(planes):
    return float(np.nanmax(np.abs(planes), initial=1e-30))


def _milli(largest, unit):
    return (1e3, "m" + unit) if largest < 0.5 else (1, unit)


def _plain_ticks(bar, limit, linear):
    linear = _linear(limit, linear)
    ticks = np.array([-limit, -linear, 0, linear, limit])
    bar.set_ticks(ticks)
    bar.ax.set_yticklabels([f"{tick:.3g}" for tick in ticks], fontsize=SMALL)
    bar.ax.minorticks_off()


def _linear(limit, linear):
    # Within the range of the colour scale; the rms of a blank channel is zero.
    return float(np.clip(linear, limit / 1000, limit / 2))


def _draw_map(axes, cutout, plane, limit, linear):
    height, width = ((length / 2) * cell for length, cell in zip(plane.shape, cutout.cell))
    norm = SymLogNorm(linthresh=_linear(limit, linear), linscale=0.7, vmin=-limit, vmax=limit, base=10)
    picture = axes.imshow(
        plane,
        origin="lower",
        cmap=DIVERGING,
        norm=norm,
        extent=(-width, width, -height, height),
        interpolation="nearest",
    )
    axes.set_facecolor("#d0d4d9")
    east, north = abs(width), abs(height)
    axes.set_xlim(east, -east)
    axes.set_ylim(-north, north)
    return picture


def _label_map(axes, cutout, product, row, column, offset):
    if product != "model":
        _draw_beam(axes, cutout.beam)
    _draw_circle(axes, cutout.beam)
    _ticks_outside(axes, row, column)
    if row == 0:
        channel = cutout.channel + offset
        here = np.flatnonzero(cutout.channels == channel)
        velocity = (
            f"\n{cutout.velocity[here[0]]:.2f} km/s" if len(here) and np.isfinite(cutout.velocity[here[0]]) else ""
        )
        text = f"channel {channel}{velocity}" if len(here) else "beyond the cube"
        color, weight = (ACCENT, "bold") if offset == 0 else (INK, "normal")
        # Without y, matplotlib would draw all labels once more to place the title.
        axes.set_title(text, y=1, fontsize=LARGE, color=color, weight=weight)
    if row == 2 and column == 1:
        axes.set_xlabel(f"{cutout.axes[0]} offset, arcsec", fontsize=SMALL)
    if row == 1 and column == 0:
        axes.set_ylabel(f"{cutout.axes[1]} offset, arcsec", fontsize=SMALL)


def _draw_beam(axes, beam):
    major, minor, angle = beam
    east, _ = axes.get_xlim()
    # The position angle is measured from North to East, here from +y to +x; that of matplotlib from +x to +y.
    place = 0.98 * east - 0.6 * major, -0.98 * east + 0.6 * major
    axes.add_patch(Ellipse(place, minor, major, angle=-angle, facecolor="none", edgecolor=INK, linewidth=0.8))


def _draw_circle(axes, beam):
    size = 1.5 * beam[0]
    axes.add_patch(Ellipse((0, 0), size, size, facecolor="none", edgecolor=INK, linewidth=0.6, linestyle=":"))


def _ticks_outside(axes, row, column):
    """Ticks only at the outer edges of 3 x 3 panels; inner ticks would take half of the drawing time."""
    axes.tick_params(labelsize=SMALL, direction="in")
    for axis, outside in ((axes.xaxis, row == 2), (axes.yaxis, column == 0)):
        if outside:
            axis.set_major_locator(MaxNLocator(4))
        else:
            axis.set_ticks([])


def draw_both(old, new, noise, title=""):
    """
    Draw the old image, the new image and their difference around a find, with one scale.

    Parameters
    ----------
    old, new : `report.cutouts.Cutout`
        From `report.cutouts.read_both`.
    noise : float
        rms noise of its channel in Jy/beam.
    title : str
        Title of the figure.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        Three maps of the channel of the find.
    """
    before, after = (cutout.planes["image"][1] for cutout in (old, new))
    maps = {"old image": before, "new image": after, "old - new": before - after}
    with style.context("default"):
        figure = _titled_figure(9.5, 3.9 if title else 3.3, title)
        _draw_row(figure, maps, (old, new, new), noise, top=0.77 if title else 0.9)
    return figure


def _draw_row(figure, maps, cutouts, noise, top):
    """Draw maps side by side, each with the beam and the axes of its cutout."""
    grid = figure.add_gridspec(1, len(maps), left=0.08, right=0.88, bottom=0.14, top=top, wspace=0.06)
    limit = max(map(_largest, maps.values()))
    scale, unit = _milli(limit, "Jy/beam")
    limit, linear = limit * scale, LINEAR_SIGMA * noise * scale
    for column, ((name, plane), cutout) in enumerate(zip(maps.items(), cutouts)):
        axes = figure.add_subplot(grid[0, column])
        picture = _draw_map(axes, cutout, plane * scale, limit, linear)
        _draw_beam(axes, cutout.beam)
        _draw_circle(axes, cutout.beam)
        _ticks_outside(axes, 2, column)
        axes.set_title(name, y=1, fontsize=LARGE)
        axes.set_xlabel(f"{cutout.axes[0]} offset, arcsec", fontsize=SMALL)
        if column == 0:
            axes.set_ylabel(f"{cutout.axes[1]} offset, arcsec", fontsize=SMALL)
    box = axes.get_position()
    bar = figure.colorbar(picture, cax=figure.add_axes([box.x1 + 0.012, box.y0, 0.014, box.height]))
    bar.set_label(unit, fontsize=SMALL)
    _plain_ticks(bar, limit, linear)


def draw_spectra(figure, cutout, noise, left=0.1, right=0.91, top=0.9):
    """
    Draw the spectra of image, residual and model times pixels per beam in the 3 x 3 pixels around a find.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Figure to draw in.
    cutout : `report.cutouts.Cutout`
        Surroundings of the find.
    noise : float
        rms noise of its channel in Jy/beam.
    left, right, top : float
        Edges of the spectra, as fractions of the figure.
    """
    grid = figure.add_gridspec(3, 3, left=left, right=right, top=top, **SPACING)
    lines = {product: cutout.spectra[product] for product in LINES}
    largest = max(_largest(np.stack(list(lines.values()))), 3 * noise)
    scale, unit = _milli(largest, "Jy/beam")
    low, high = _limits(np.stack(list(lines.values())) * scale, largest * scale)
    model = np.nan_to_num(cutout.spectra["model"]) * cutout.pixels_per_beam * scale
    # The model has its own scale, on the right, with the same zero.
    stretch = min(high / max(model.max(), 1e-30), low / min(model.min(), -1e-30))
    for row, column in np.ndindex(3, 3):
        axes = figure.add_subplot(grid[row, column])
        y = 2 - row if cutout.cell[0] > 0 else row
        x = column if cutout.cell[1] < 0 else 2 - column
        axes.axvspan(cutout.channel - 0.5, cutout.channel + 0.5, color=ACCENT, alpha=0.12, linewidth=0)
        axes.axhspan(-noise * scale, noise * scale, color=FAINT, alpha=0.2, linewidth=0)
        axes.fill_between(cutout.channels, model[:, y, x] * stretch, step="mid", color=FAINT, linewidth=0)
        for product, color in LINES.items():
            _draw_steps(axes, cutout.channels, lines[product][:, y, x] * scale, color=color)
        axes.set_xlim(cutout.channels[0] - 0.5, cutout.channels[-1] + 0.5)
        axes.set_ylim(low, high)
        _ticks_outside(axes, row, column)
        place = f"x={cutout.x + x - 1} y={cutout.y + y - 1}"
        axes.text(0.04, 0.94, place, transform=axes.transAxes, fontsize=SMALL, va="top")
        if column == 2:
            other = axes.twinx()
            other.set_ylim(low / stretch, high / stretch)
            other.tick_params(labelsize=SMALL, direction="in")
            other.locator_params(nbins=4)
    _label_spectra(figure, left, right, top, unit)


def _draw_steps(axes, channels, values, **style):
    """Draw a histogram-style line, with gaps where there are no channels."""
    first = int(np.min(channels))
    levels = np.full(int(np.max(channels)) - first + 2, np.nan)
    levels[np.asarray(channels, dtype=int) - first] = values
    levels[-1] = levels[-2]
    axes.step(np.arange(len(levels)) + first - 0.5, levels, where="post", linewidth=1, **style)


def _limits(lines, largest):
    """Limits of a scale that shows all lines, with room on either side of zero for hot pixels of either sign."""
    return 1.1 * min(np.nanmin(lines), -0.4 * largest), 1.1 * max(np.nanmax(lines), 0.4 * largest)


def _label_spectra(figure, left, right, top, unit):
    texts = [(f"{product}, {unit}", color) for product, color in LINES.items()]
    texts.append((f"model x pixels per beam, {unit}, right scale", FAINT))
    for (text, color), place in zip(texts, (0, 0.24, 0.52)):
        figure.text(left + place * (right - left), top + 0.015, text, color=color, fontsize=SMALL, weight="bold")
    figure.text((left + right) / 2, 0.03, "channel", fontsize=SMALL, ha="center")


def draw_sky(peak, sky, shape, marks, numbered=()):
    """
    Draw all finds over the peak intensity.

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
        x and y of the sources to number.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        The map, with North up and East to the left if the axes are aligned with the sky.
    """
    figure = new_figure(8.2, 7)
    axes = figure.add_axes([0.14, 0.09, 0.7, 0.84], projection=sky)
    height, width = shape
    norm = ImageNormalize(peak.plane, interval=PercentileInterval(99.8), stretch=AsinhStretch(0.05))
    top, right = (length * peak.side - 0.5 for length in peak.plane.shape)
    extent = (-0.5, right, -0.5, top)
    picture = axes.imshow(peak.plane, origin="lower", cmap="gray_r", norm=norm, extent=extent, interpolation="nearest")
    for name, (x, y) in marks.items():
        color, marker, size = MARKS[name]
        filled = {"facecolors": color} if marker == "." else {"facecolors": "none", "edgecolors": color}
        axes.scatter(x, y, s=size, marker=marker, linewidths=1.1, label=f"{name} ({len(x)})", **filled)
    for number, (x, y) in enumerate(numbered, start=1):
        text = axes.annotate(str(number), (x, y), (4, 4), textcoords="offset points", color=ACCENT, weight="bold")
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axes.set_xlim((-0.5, width - 0.5) if sky.wcs.cdelt[0] < 0 else (width - 0.5, -0.5))
    axes.set_ylim((-0.5, height - 0.5) if sky.wcs.cdelt[1] > 0 else (height - 0.5, -0.5))
    for coordinate, name in zip(
        axes.coords, ("longitude", "latitude") if "GLON" in sky.wcs.ctype[0] else ("RA", "Dec")
    ):
        coordinate.set_axislabel(name, fontsize=LARGE)
        coordinate.set_ticklabel(size=SMALL + 1)
    if marks:
        figure.legend(loc="upper center", ncol=len(marks), fontsize=LARGE, frameon=False)
    bar = figure.colorbar(picture, cax=figure.add_axes([0.86, 0.1, 0.02, 0.8]))
    bar.set_label("peak intensity over the channels, Jy/beam", fontsize=LARGE)
    bar.ax.tick_params(labelsize=SMALL + 1)
    return figure


# Colour, marker and size of each class on the map of the sky.
MARKS = {"candidate": (LINES["image"], ".", 5), "known": ("#009e73", "s", 40), "confetti": (ACCENT, "o", 30)}

STRIPS = (
    ("severity", "severity, sigma"),
    ("model_flux", "model flux, Jy"),
    ("noise", "channel rms, Jy/beam"),
    ("tail", "tail of unsupported\nspikes, sigma"),
)


def draw_channels(channels):
    """
    Draw the measurements of all channels.

    Parameters
    ----------
    channels : `~astropy.table.QTable`
        From `check.tables.channel_table`.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        Severity, model flux, rms and tail against channel, with the bad channels shaded and the suspicious hatched.
    """
    figure = new_figure(9, 6)
    panels = figure.subplots(len(STRIPS), 1, sharex=True)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.16, top=0.92, hspace=0.08)
    number = np.array(channels["channel"])
    for axes, (name, label) in zip(panels, STRIPS):
        _shade(axes, channels)
        for stokes in np.unique(channels["stokes"]):
            here = channels["stokes"] == stokes
            unknown = channels["verdict"] == "blank"
            if name in ("severity", "tail"):
                unknown |= channels["verdict"] == "unchecked"
            values = np.where(unknown, np.nan, getattr(channels[name], "value", channels[name]))
            _draw_steps(axes, number[here], values[here], label=f"Stokes {stokes}")
        axes.set_ylabel(label, fontsize=SMALL)
        axes.tick_params(labelsize=SMALL, direction="in")
        axes.locator_params(axis="y", nbins=4)
    darker = "; darker: diverged" if diverged_channels(channels) else ""
    hatched = "; hatched: suspicious" if suspicious_channels(channels) else ""
    panels[-1].set_xlabel(f"channel (shaded: bad{darker}{hatched})", fontsize=LARGE)
    panels[-1].set_xlim(number.min() - 0.5, number.max() + 0.5)
    panels[-1].xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if len(np.unique(channels["stokes"])) > 1:
        panels[0].legend(fontsize=SMALL, frameon=False)
    _add_scale(panels[0], number, channels["frequency"].value, "GHz", 1.02)
    if np.isfinite(channels["velocity"].to_value("km/s")).all():
        _add_scale(panels[-1], number, channels["velocity"].value, "km/s, radio convention", -0.42)
    return figure


def _shade(axes, channels):
    """Shade bad channels, those that diverged darker, and hatch suspicious ones: distinct in print too."""
    diverged = diverged_channels(channels)
    for channel in bad_channels(channels):
        alpha = 0.5 if channel in diverged else 0.2
        axes.axvspan(channel - 0.5, channel + 0.5, color=ACCENT, alpha=alpha, linewidth=0)
    for start, end in contiguous_ranges(sorted(suspicious_channels(channels))):
        colors = {"facecolor": to_rgba(SUSPICIOUS, 0.15), "edgecolor": to_rgba(SUSPICIOUS, 0.6)}
        axes.axvspan(start - 0.5, end - 0.5, hatch="////", linewidth=0, **colors)


def _add_scale(axes, number, values, unit, place):
    """Add a second scale with the values at the channel ticks."""
    order = np.argsort(number)
    scale = axes.twiny()
    ticks = axes.get_xticks()
    ticks = ticks[(ticks >= number.min()) & (ticks <= number.max())]
    scale.set_xlim(axes.get_xlim())
    scale.set_xticks(ticks)
    values = np.interp(ticks, number[order], values[order])
    digits = _digits(values)
    scale.set_xticklabels([f"{value:.{digits}f}" for value in values])
    scale.tick_params(labelsize=SMALL, direction="in")
    scale.set_xlabel(unit, fontsize=SMALL)
    if place < 0:
        scale.xaxis.set_ticks_position("bottom")
        scale.xaxis.set_label_position("bottom")
        scale.spines["bottom"].set_position(("axes", place))


def _digits(values):
    """Number of decimals that resolves a hundredth of the distance between neighbouring values."""
    distance = np.abs(np.diff(values)).min(initial=1)
    return int(np.clip(2 - np.floor(np.log10(distance or 1)), 0, 9))
