"""The page that a team looks at before it trusts a mask."""

import os
from html import escape

import numpy as np
from astropy import units
from astropy.coordinates import Angle

from . import pictures, words
from .channels import contiguous_ranges, format_channels
from .coordinates import read_sky
from .markup import copyable, fill_page, paragraph, picture, table
from .stamps import read_peak, read_stamp
from .tables import bad_channels

# A table of more rows is slow in a browser; the ECSV has all.
ROWS = 2000
# Of candidates that are not masked, so many times fewer are shown in pictures than of confetti.
CANDIDATES_A_FIND = 4

NEXT = """from confetti_task import confetti_reclean

mended = confetti_reclean(imagename={imagename!r}{confetti})
print(mended["imagename"], mended["after"]["verdict"])"""

COLUMNS = (
    ("class", "", "text"),
    ("channel", "", ""),
    ("velocity", "km/s", ""),
    ("frequency", "GHz", ""),
    ("stokes", "", "text"),
    ("RA", "", ""),
    ("Dec", "", ""),
    ("x", "pixel", ""),
    ("y", "pixel", ""),
    ("severity", "sigma", ""),
    ("flux", "mJy", ""),
    ("hot pixel", "sigma", ""),
    ("narrowness", "in a neighbour", ""),
    ("surround", "-1: compensated", ""),
    ("spike", "image, sigma", ""),
    ("residual", "sigma", ""),
    ("unsupported", "sigma", ""),
)


def write_page(path, cube, outfile, tables, npanels):
    """
    Write the page of a check.

    Parameters
    ----------
    path : str
        Where.
    cube : `~confetti_task.private.images.Cube`
        The images.
    outfile : str
        Root name of the products.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    npanels : int
        Number of finds to show.
    """
    sources, channels = tables
    shown = worst_finds(sources, npanels)
    near = nearest_candidates(sources, -(-npanels // CANDIDATES_A_FIND))
    name = os.path.basename(cube.root)
    body = [
        *_head(name, sources, channels),
        *_channels(channels),
        *_sky(cube, sources, shown),
        *_finds(cube, "Fake sources", "find", sources, shown, WHAT_IS_SHOWN),
        *_table("confetti", "All fake sources", sources, "confetti", outfile),
        *_finds(cube, "Not masked", "candidate", sources, near, NEAR),
        *_table("candidates", "All that is not masked", sources, "candidate", outfile),
        *_next(cube, outfile, channels),
        *_about(cube, channels),
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write(fill_page(f"confetti in {name}", body))


def worst_finds(sources, number):
    """Rows of the finds to show: the worst of each bad channel first, then the others."""
    rows = np.flatnonzero(sources["class"] == "confetti")
    rows = rows[np.argsort(-sources["severity"][rows], kind="stable")]
    _, first = np.unique(np.array(sources["channel"][rows]), return_index=True)
    others = np.delete(np.arange(len(rows)), first)
    return rows[np.concatenate([np.sort(first), others])][:number]


def nearest_candidates(sources, number):
    """Rows of the candidates that are nearest to being called confetti."""
    rows = np.flatnonzero(sources["class"] != "confetti")
    return rows[np.argsort(-np.nan_to_num(np.abs(sources["unsupported"][rows])), kind="stable")][:number]


def _head(name, sources, channels):
    meta = channels.meta
    yield f"<h1>{escape(name)}</h1>"
    yield f'<p class="verdict {meta["verdict"]}">{words.verdict_in_words(sources, channels)}</p>'
    for warning in meta["warnings"]:
        yield paragraph(warning, "warning")
    bad = bad_channels(channels)
    if bad:
        yield paragraph("Bad channels, as tclean and imstat take them in chans:")
        yield copyable(format_channels(bad))
        velocities = velocity_ranges(channels, bad)
        if velocities:
            yield paragraph("The same as ranges of velocity in km/s (radio convention), edge to edge:")
            yield copyable(str(velocities))


def velocity_ranges(channels, bad):
    """
    Velocities of channels from edge to edge.

    Parameters
    ----------
    channels : `~astropy.table.QTable`
        All channels that were checked.
    bad : sequence of int
        Some of them, in ascending order.

    Returns
    -------
    ranges : list of list of float
        Least and largest velocity in km/s of every run of neighbours; nothing where velocities are unknown.
    """
    number, first = np.unique(np.array(channels["channel"]), return_index=True)
    velocity = channels["velocity"].to_value("km/s")[first]
    if len(number) < 2 or not np.isfinite(velocity).all():
        return []
    half = np.gradient(velocity, number) / 2
    at = {channel: (velocity[place], half[place]) for place, channel in enumerate(number.tolist())}
    ends = [(at[low][0] - at[low][1], at[high][0] + at[high][1]) for low, high in contiguous_ranges(bad)]
    return [[round(float(value), 3) for value in sorted(pair)] for pair in ends]


def _channels(channels):
    if not len(channels):
        return
    yield "<h2>Channels</h2>"
    what = "Severity, model flux, noise and tail of all channels"
    yield f"<figure>{picture(pictures.draw_channels(channels), what)}</figure>"


def _sky(cube, sources, shown):
    peak = read_peak(cube)
    marks = {name: (sources["x"][rows], sources["y"][rows]) for name, rows in _classes(sources)}
    places = [(sources["x"][row], sources["y"][row]) for row in shown]
    figure = pictures.draw_sky(peak, read_sky(cube), cube.lengths[2:], marks, places)
    yield "<h2>Sky</h2>"
    yield f"<figure>{picture(figure, 'All finds over the peak intensity')}</figure>"
    over = f"Peak intensity over {len(peak.channels)} of {cube.channels} channels"
    yield paragraph(f"{over}. North is up and East is left. The numbers are those of the finds below.", "soft")


def _classes(sources):
    return [(name, sources["class"] == name) for name in pictures.MARKS if (sources["class"] == name).any()]


def _finds(cube, title, kind, sources, rows, text):
    if not len(rows):
        return
    yield f"<h2>{title}</h2>"
    yield paragraph(text, "soft")
    for number, row in enumerate(sources[rows], start=1):
        polarization = cube.stokes.index(row["stokes"])
        stamp = read_stamp(cube, polarization, *(int(row[name]) for name in ("channel", "y", "x")))
        noise = row["noise"].value
        place = f"{_hours(row['ra'])} {_degrees(row['dec'])}"
        yield f'<article class="find" id="{kind}-{number}">'
        yield f"<h3>{number}. Channel {row['channel']}, x={row['x']} y={row['y']} ({place})</h3>"
        yield paragraph(words.explain(row, sources.meta["parameters"]))
        yield '<div class="pictures">'
        for draw, what in ((pictures.draw_maps, "maps"), (pictures.draw_spectra, "spectra")):
            figure = pictures.new_figure(6.2, 6)
            draw(figure, stamp, noise)
            yield picture(figure, f"{what} around channel {row['channel']} x={row['x']} y={row['y']}")
        yield "</div></article>"


def _table(name, title, sources, kind, outfile):
    rows = np.flatnonzero((sources["class"] == "confetti") == (kind == "confetti"))
    if not len(rows):
        return
    order = np.argsort(-np.nan_to_num(np.abs(sources["unsupported"][rows])), kind="stable")
    chosen = sources[rows[order[:ROWS]]]
    yield f"<h2>{title}</h2>"
    if len(rows) > ROWS:
        yield paragraph(f"The first {ROWS} of {len(rows)}; all are in {os.path.basename(outfile)}.ecsv.", "soft")
    classes = "".join(f"<option>{value}</option>" for value in sorted(set(chosen["class"])))
    yield (
        f'<div class="filters"><label>Find <input type="search" data-filters="{name}" placeholder="any text"></label>'
        f'<label>Channel <input type="search" size="5" data-filters="{name}" data-column="1"></label>'
        f'<label>Class <select data-filters="{name}" data-column="0">'
        f'<option value="">all</option>{classes}</select></label>'
        f'<span class="soft" data-counts="{name}"></span></div>'
    )
    columns, parameters = COLUMNS, sources.meta["parameters"]
    if kind != "confetti":
        columns = (*COLUMNS, ("why not", "", "why"))
    yield table(name, columns, (_cells(row, kind, parameters) for row in chosen))


def _cells(row, kind, parameters):
    numbers = (
        (row["velocity"].to_value("km/s"), ".2f"),
        (row["frequency"].to_value("GHz"), ".6f"),
    )
    measured = (
        (row["severity"], ".1f"),
        (row["flux"].to_value("mJy"), ".3g"),
        (row["significance"], ".1f"),
        (row["narrowness"], ".2f"),
        (row["surround"], ".2f"),
        (row["spike"], ".1f"),
        (row["residual"], ".1f"),
        (row["unsupported"], ".1f"),
    )
    cells = [(row["class"], None), (str(row["channel"]), row["channel"])]
    cells += [_number(*number) for number in numbers]
    cells += [(row["stokes"], None), (_hours(row["ra"]), row["ra"].value), (_degrees(row["dec"]), row["dec"].value)]
    cells += [(str(row[name]), row[name]) for name in "xy"]
    cells += [_number(*number) for number in measured]
    return cells + ([(escape(words.explain(row, parameters)), None)] if kind != "confetti" else [])


def _number(value, form):
    return (f"{value:{form}}", value) if np.isfinite(value) else ("", -np.inf)


def _hours(angle):
    return Angle(angle).to_string(unit=units.hourangle, sep=":", precision=2, pad=True) if np.isfinite(angle) else ""


def _degrees(angle):
    return (
        Angle(angle).to_string(unit=units.deg, sep=":", precision=1, pad=True, alwayssign=True)
        if np.isfinite(angle)
        else ""
    )


def _next(cube, outfile, channels):
    yield "<h2>Next</h2>"
    if channels.meta["verdict"] != "confetti":
        yield paragraph("There is nothing to clean again.")
        return
    if cube.pieces:
        yield paragraph(
            "Pieces are cleaned again one by one: call confetti_check without outfile, which writes products beside "
            "each of them, then confetti_reclean for each."
        )
        return
    yield paragraph(
        "If the fake sources above convince you, clean the bad channels again; all others stay as they are:"
    )
    confetti = "" if outfile == cube.root + ".confetti" else f", confetti={outfile!r}"
    yield copyable(NEXT.format(imagename=cube.root, confetti=confetti))


def _about(cube, channels):
    meta = channels.meta
    yield "<h2>What was checked</h2>"
    yield paragraph(words.describe_inputs(cube, sorted(set(channels["channel"].tolist()))))
    yield copyable(meta["call"])
    yield paragraph(f"confetti_task {meta['version']}, {meta['date']}. {LIMITS}", "soft")


WHAT_IS_SHOWN = (
    "Maps: image, model and residual in the channel (bold) and those beside it; each row has one scale, image and "
    "residual the same, linear near zero and logarithmic beyond; the ellipse is the restoring beam, the dotted circle "
    "is around the find. Spectra: of 3 x 3 pixels around it; the gray band is the noise."
)
NEAR = "Narrow hot pixels without evidence against them, the nearest to it first: masers look like that too."
LIMITS = (
    "Not every fake source of a bad channel is found, only enough to tell that it is bad. Severity is what the data do "
    "not hold; the image is wrong by 1.2 to 1.5 times as much."
)
