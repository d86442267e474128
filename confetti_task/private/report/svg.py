"""Building blocks of the drawings of the page: panels with axes, ticks, lines and texts, as SVG."""

import json
from collections import namedtuple
from html import escape

import numpy as np

from .png import packed

# A rectangle in the units of a drawing, from its left upper corner.
Panel = namedtuple("Panel", "left top width height")

TICK = 4  # length
FEWEST = 3  # ticks of an axis, if possible


def number(value):
    """A coordinate with one decimal, as short as possible: paths consist of thousands of them."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def drawing(width, height, parts, description, kind, pointer, values=None, role="img"):
    """
    A drawing that scales with the page.

    Parameters
    ----------
    width, height : float
        Its size, in units of about a pixel.
    parts : iterable of str
        SVG of what is in it.
    description : str
        What a screen reader says.
    kind : str
        Class for the style.
    pointer : dict
        What the script needs to say what is under the pointer.
    values : float `~numpy.ndarray`, optional
        The numbers for that.
    role : str
        'group' if there are links in it: the content of an image is hidden from screen readers.

    Returns
    -------
    drawing : str
        SVG.
    """
    about = f' data-pointer="{escape(json.dumps(pointer))}"'
    about += "" if values is None else f' data-values="{packed(values)}"'
    return (
        f'<svg class="{kind}" viewBox="0 0 {number(width)} {number(height)}" role="{role}" '
        f'aria-label="{escape(description)}"{about}>\n' + "\n".join(parts) + "\n</svg>"
    )


def words(x, y, text, anchor="middle", kind="", turned=False):
    """A line of text; turned by a quarter, it reads upwards."""
    about = f' class="{kind}"' if kind else ""
    about += f' text-anchor="{anchor}"' if anchor != "start" else ""
    about += f' transform="rotate(-90 {number(x)} {number(y)})"' if turned else ""
    return f'<text x="{number(x)}" y="{number(y)}"{about}>{escape(text)}</text>'


def box(panel, **style):
    """A rectangle; underscores in the names of its attributes stand for dashes."""
    left, top, width, height = map(number, panel)
    return f'<rect x="{left}" y="{top}" width="{width}" height="{height}"{_attributes(style)}/>'


def path(commands, **style):
    """A path; underscores in the names of its attributes stand for dashes."""
    return f'<path d="{commands}"{_attributes(style)}/>'


def _attributes(style):
    return "".join(f' {name.rstrip("_").replace("_", "-")}="{value}"' for name, value in style.items())


def picture(panel, address):
    """A picture that fills a panel, with its pixels sharp."""
    left, top, width, height = map(number, panel)
    return (
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" href="{address}"/>'
    )


def steps(edges, levels):
    """
    Commands of a histogram-style line, with gaps where a level is NaN.

    Parameters
    ----------
    edges : sequence of float
        Edges of the bins; one more than levels.
    levels : sequence of float
        Height of each bin, from the top.
    """
    commands, drawn = [], False
    for start, end, level in zip(edges[:-1], edges[1:], levels):
        if level != level:  # NaN
            drawn = False
            continue
        commands.append(f"{'V' if drawn else f'M{number(start)} '}{number(level)}H{number(end)}")
        drawn = True
    return "".join(commands)


def nice_ticks(low, high, most):
    """
    Round numbers between two limits, at equal distances.

    Parameters
    ----------
    low, high : float
        The limits.
    most : int
        Largest number of ticks.

    Returns
    -------
    ticks : 1D float `~numpy.ndarray`
        Multiples of 1, 2 or 5 times a power of ten, or of 4 where these would leave fewer than three.
    """
    if not (np.isfinite(high - low) and high > low):
        return np.zeros(0)
    power = 10.0 ** np.floor(np.log10((high - low) / most))
    choices = [_multiples(factor * power, low, high) for factor in (1, 2, 5, 4, 10, 20)]
    fitting = [ticks for ticks in choices if len(ticks) <= most]
    return next((ticks for ticks in fitting if len(ticks) >= FEWEST), fitting[0])


def _multiples(step, low, high):
    first, last = np.ceil(low / step - 1e-6), np.floor(high / step + 1e-6)
    return np.arange(first, last + 1) * step + 0.0  # not -0


def labels_of(ticks):
    """Texts of ticks at equal distances, with the decimals that they need."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else max(abs(float(np.sum(ticks))), 1e-30)
    size = np.abs(ticks).max(initial=step)
    if size >= 1e5 or size < 1e-3:
        first, last = (np.floor(np.log10(value) + 1e-6) for value in (size, step))
        digits = int(max(0, first - last)) + 1
        return [f"{tick:.{digits}g}" for tick in ticks]
    decimals = int(max(0, -np.floor(np.log10(step) + 1e-6)))
    return [f"{tick:.{decimals}f}" for tick in ticks]


def ticks_below(panel, places, labels):
    """Ticks at the lower edge of a panel, with their labels."""
    bottom = panel.top + panel.height
    yield path("".join(f"M{number(x)} {number(bottom)}v{-TICK}" for x in places), class_="axis")
    for x, label in zip(places, labels):
        yield words(x, bottom + 14, label)


def ticks_left(panel, places, labels):
    """Ticks at the left edge of a panel, with their labels."""
    yield path("".join(f"M{number(panel.left)} {number(y)}h{TICK}" for y in places), class_="axis")
    for y, label in zip(places, labels):
        yield words(panel.left - 5, y + 4, label, "end")


def ticks_right(panel, places, labels):
    """Ticks at the right edge of a panel, with their labels."""
    right = panel.left + panel.width
    yield path("".join(f"M{number(right)} {number(y)}h{-TICK}" for y in places), class_="axis")
    for y, label in zip(places, labels):
        yield words(right + 5, y + 4, label, "start")


def grid_of(left, top, width, height, gap, columns, rows):
    """Panels of equal size, [row][column], with gaps between them along x and y."""
    return [
        [
            Panel(left + column * (width + gap[0]), top + row * (height + gap[1]), width, height)
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def grid_for_pointer(panels):
    """Where the panels of a grid are, for the script: left, top, size, distances, and numbers of columns and rows."""
    first = panels[0][0]
    right = panels[0][1].left - first.left if len(panels[0]) > 1 else first.width
    down = panels[1][0].top - first.top if len(panels) > 1 else first.height
    return [*(round(value, 2) for value in (*first, right, down)), len(panels[0]), len(panels)]
