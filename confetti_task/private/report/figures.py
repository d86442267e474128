"""Figures of a find for `confetti_plot`, with matplotlib; they are neither displayed nor saved here."""

import textwrap

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from .cutouts import PRODUCTS
from .scales import (
    ACCENT,
    BLANK,
    DIVERGING,
    FAINT,
    INK,
    LINEAR_LENGTH,
    LINEAR_SIGMA,
    LINES,
    largest,
    limits_of_lines,
    linear_part,
    milli,
    stretch_of_model,
)

COLORS = LinearSegmentedColormap.from_list("diverging", DIVERGING)
SMALL, LARGE = 7.5, 9  # points
CHARACTERS_AN_INCH = 12.4  # of a title, at the larger size
SPACING = {"bottom": 0.09, "wspace": 0.06, "hspace": 0.06}  # of 3 x 3 panels


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
    limits = {"model": largest(cutout.planes["model"]), "image": largest(cutout.planes["image"])}
    limits["residual"] = limits["image"]
    linear = LINEAR_SIGMA * noise  # for the model too: a lone pixel of S Jy restores to S Jy/beam
    for row, product in enumerate(PRODUCTS):
        scale, unit = milli(limits[product], "Jy/pixel" if product == "model" else "Jy/beam")
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


def _plain_ticks(bar, limit, linear):
    linear = linear_part(limit, linear)
    ticks = np.array([-limit, -linear, 0, linear, limit])
    bar.set_ticks(ticks)
    bar.ax.set_yticklabels([f"{tick:.3g}" for tick in ticks], fontsize=SMALL)
    bar.ax.minorticks_off()


def _draw_map(axes, cutout, plane, limit, linear):
    height, width = ((length / 2) * cell for length, cell in zip(plane.shape, cutout.cell))
    norm = SymLogNorm(linthresh=linear_part(limit, linear), linscale=LINEAR_LENGTH, vmin=-limit, vmax=limit, base=10)
    picture = axes.imshow(
        plane,
        origin="lower",
        cmap=COLORS,
        norm=norm,
        extent=(-width, width, -height, height),
        interpolation="nearest",
    )
    axes.set_facecolor(BLANK)
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
    limit = max(map(largest, maps.values()))
    scale, unit = milli(limit, "Jy/beam")
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
    limit = max(largest(np.stack(list(lines.values()))), 3 * noise)
    scale, unit = milli(limit, "Jy/beam")
    low, high = limits_of_lines(np.stack(list(lines.values())) * scale, limit * scale)
    model = np.nan_to_num(cutout.spectra["model"]) * cutout.pixels_per_beam * scale
    # The model has its own scale, on the right, with the same zero.
    stretch = stretch_of_model(model, low, high)
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


def _label_spectra(figure, left, right, top, unit):
    texts = [(f"{product}, {unit}", color) for product, color in LINES.items()]
    texts.append((f"model x pixels per beam, {unit}, right scale", FAINT))
    for (text, color), place in zip(texts, (0, 0.24, 0.52)):
        figure.text(left + place * (right - left), top + 0.015, text, color=color, fontsize=SMALL, weight="bold")
    figure.text((left + right) / 2, 0.03, "channel", fontsize=SMALL, ha="center")
