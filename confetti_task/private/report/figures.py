"""Figures of a find for `confetti_plot`, with matplotlib; they are neither displayed nor saved here."""

import textwrap

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from .panels import COLUMNS, ROWS, closeup_of_find, maps_before_after, maps_of_find, spectra_of_find
from .scales import ACCENT, BLANK, DIVERGING, FAINT, INK, LINEAR_LENGTH, LINES

COLORS = LinearSegmentedColormap.from_list("diverging", DIVERGING)
COLORS_OF_LINES = {**LINES, "spike": INK}
SMALL, LARGE = 7.5, 9  # points
CHARACTERS_AN_INCH = 12.4  # of a title, at the larger size
SPACING = {"wspace": 0.06, "hspace": 0.06}


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
        4 x 3 maps on the left; on the right a close-up of the spectra, and 3 x 3 spectra.
    """
    with style.context("default"):
        figure = _titled_figure(13, 8.6, title)
        draw_maps(figure, maps_of_find(cutout, noise), left=0.05, right=0.43, bottom=0.06, top=0.84)
        draw_closeup(figure, closeup_of_find(cutout, noise), left=0.56, right=0.95, bottom=0.61, top=0.84)
        draw_spectra(figure, spectra_of_find(cutout, noise), left=0.56, right=0.95, bottom=0.06, top=0.52)
    return figure


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
    with style.context("default"):
        figure = _titled_figure(9.5, 3.9 if title else 3.3, title)
        maps = maps_before_after(old, new, noise)
        draw_maps(figure, maps, left=0.08, right=0.88, bottom=0.14, top=0.77 if title else 0.9)
    return figure


def draw_maps(figure, maps, left=0.12, right=0.86, bottom=0.09, top=0.9):
    """
    Draw maps in rows, each with one scale.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Figure to draw in.
    maps : `report.panels.Maps`
        From `report.panels.maps_of_find` or `report.panels.maps_before_after`.
    left, right, bottom, top : float
        Edges of the maps, as fractions of the figure.
    """
    rows = len(maps.rows)
    grid = figure.add_gridspec(rows, COLUMNS, left=left, right=right, bottom=bottom, top=top, **SPACING)
    for place, row in enumerate(maps.rows):
        for column in range(COLUMNS):
            axes = figure.add_subplot(grid[place, column])
            picture = _draw_map(axes, row.planes[maps.first + column], row, maps.extent)
            _draw_marks(axes, maps.beams[column], row.with_beam)
            _ticks_outside(axes, bottom=place == rows - 1, left=column == 0)
            if place == 0:
                color, weight = (ACCENT, "bold") if column == maps.own else (INK, "normal")
                heading = "\n".join(maps.headings[maps.first + column])
                # Without y, matplotlib would draw all labels once more to place the title.
                axes.set_title(heading, y=1, fontsize=LARGE, color=color, weight=weight)
            if place == rows - 1 and column == 1:
                axes.set_xlabel(f"{maps.axes[0]} offset, arcsec", fontsize=SMALL)
            if place == rows // 2 and column == 0:
                axes.set_ylabel(f"{maps.axes[1]} offset, arcsec", fontsize=SMALL)
        box = axes.get_position()
        bar = figure.colorbar(picture, cax=figure.add_axes([box.x1 + 0.012, box.y0, 0.014, box.height]))
        bar.set_label(row.label, fontsize=SMALL)
        values, labels = row.ticks
        bar.set_ticks(values)
        bar.ax.set_yticklabels(labels, fontsize=SMALL)
        bar.ax.minorticks_off()


def _draw_map(axes, plane, row, extent):
    ends = {"vmin": -row.limit, "vmax": row.limit}
    if row.linear < row.limit:
        norm = SymLogNorm(linthresh=row.linear, linscale=LINEAR_LENGTH, base=10, **ends)
    else:
        norm = Normalize(**ends)
    east, north = extent
    picture = axes.imshow(
        plane, origin="upper", cmap=COLORS, norm=norm, extent=(east, -east, -north, north), interpolation="nearest"
    )
    axes.set_facecolor(BLANK)
    return picture


def _draw_marks(axes, beam, with_beam):
    """The circle around the find, and the restoring beam in the lower left corner."""
    major, minor, angle = beam
    east, south = axes.get_xlim()[0], axes.get_ylim()[0]
    size = 1.5 * major
    axes.add_patch(Ellipse((0, 0), size, size, facecolor="none", edgecolor=INK, linewidth=0.6, linestyle=":"))
    if with_beam:
        # The position angle is measured from North to East, here from +y to +x; that of matplotlib from +x to +y.
        place = 0.98 * east - 0.6 * major, 0.98 * south + 0.6 * major
        axes.add_patch(Ellipse(place, minor, major, angle=-angle, facecolor="none", edgecolor=INK, linewidth=0.8))


def _ticks_outside(axes, bottom, left):
    """Ticks only at the outer edges of the panels; inner ticks would take half of the drawing time."""
    axes.tick_params(labelsize=SMALL, direction="in")
    for axis, outside in ((axes.xaxis, bottom), (axes.yaxis, left)):
        if outside:
            axis.set_major_locator(MaxNLocator(4))
        else:
            axis.set_ticks([])


def draw_closeup(figure, closeup, left=0.1, right=0.91, bottom=0.09, top=0.9):
    """
    Draw the image in the pixel of a find and the channels next to it, and below that its spike and residual.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Figure to draw in.
    closeup : `report.panels.CloseUp`
        From `report.panels.closeup_of_find`.
    left, right, bottom, top : float
        Edges of the spectra, as fractions of the figure.
    """
    grid = figure.add_gridspec(2, 1, left=left, right=right, bottom=bottom, top=top, **SPACING)
    upper, lower = (figure.add_subplot(grid[place, 0]) for place in (0, 1))
    image = {"image": closeup.image * closeup.scale}
    _draw_lines(
        upper, closeup, image, [end * closeup.scale for end in closeup.image_ends], closeup.noise * closeup.scale
    )
    _draw_lines(lower, closeup, closeup.lines, closeup.ends, 1 if closeup.lines_unit == "sigma" else closeup.noise)
    _ticks_outside(upper, bottom=False, left=True)
    lower.tick_params(labelsize=SMALL, direction="in")
    lower.set_xlabel("channel", fontsize=SMALL)
    texts = [(f"{closeup.name}: image, {closeup.unit}", COLORS_OF_LINES["image"])]
    texts.append((f"{ROWS['spike']}, {closeup.lines_unit}", COLORS_OF_LINES["spike"]))
    texts.append((f"residual, {closeup.lines_unit}", COLORS_OF_LINES["residual"]))
    _write_legend(figure, texts, (0, 0.42, 0.76), left, right, top)


def draw_spectra(figure, spectra, left=0.1, right=0.91, bottom=0.09, top=0.9):
    """
    Draw the spectra of image, residual and model times pixels per beam in the 3 x 3 pixels around a find.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        Figure to draw in.
    spectra : `report.panels.Spectra`
        From `report.panels.spectra_of_find`.
    left, right, bottom, top : float
        Edges of the spectra, as fractions of the figure.
    """
    grid = figure.add_gridspec(3, 3, left=left, right=right, bottom=bottom, top=top, **SPACING)
    scale, ends = spectra.scale, [end * spectra.scale for end in spectra.ends]
    model = spectra.model * spectra.stretch * scale
    for row, column in np.ndindex(3, 3):
        axes = figure.add_subplot(grid[row, column])
        axes.fill_between(spectra.channels, model[row, column], step="mid", color=FAINT, linewidth=0)
        lines = {name: line[row, column] * scale for name, line in spectra.lines.items()}
        _draw_lines(axes, spectra, lines, ends, spectra.noise * scale)
        _ticks_outside(axes, bottom=row == 2, left=column == 0)
        axes.text(0.04, 0.94, spectra.names[row][column], transform=axes.transAxes, fontsize=SMALL, va="top")
        if row == 2 and column == 1:
            axes.set_xlabel("channel", fontsize=SMALL)
        if column == 2:
            other = axes.twinx()
            other.set_ylim(*(end / spectra.stretch for end in ends))
            other.tick_params(labelsize=SMALL, direction="in")
            other.locator_params(nbins=4)
    texts = [(f"{name}, {spectra.unit}", COLORS_OF_LINES[name]) for name in spectra.lines]
    texts.append((f"model x pixels per beam, {spectra.unit}, right scale", FAINT))
    _write_legend(figure, texts, (0, 0.24, 0.52), left, right, top)


def _draw_lines(axes, spectra, lines, ends, noise):
    """The channel of the find, the noise, and histogram-style lines."""
    axes.axvspan(spectra.channel - 0.5, spectra.channel + 0.5, color=ACCENT, alpha=0.12, linewidth=0)
    axes.axhspan(-noise, noise, color=FAINT, alpha=0.2, linewidth=0)
    edges = np.append(spectra.channels - 0.5, spectra.channels[-1] + 0.5)
    for name, line in lines.items():
        axes.step(edges, np.append(line, line[-1:]), where="post", linewidth=1, color=COLORS_OF_LINES[name])
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(*ends)


def _write_legend(figure, texts, places, left, right, top):
    for (text, color), place in zip(texts, places):
        figure.text(left + place * (right - left), top + 0.012, text, color=color, fontsize=SMALL, weight="bold")
