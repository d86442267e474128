"""The HTML report of a check."""

import os
from html import escape

import numpy as np

from ..check import log
from ..check.proof_table import channels_by_outcome
from ..check.tables import bad_channels, suspicious_channels
from ..core.quantities import CANDIDATE_QUANTITIES, CHANNEL_QUANTITIES
from ..images.channels import contiguous_ranges, format_channels
from ..images.coordinates import is_upright, read_frames, read_sky
from . import texts
from .carta import carta_script
from .channel_strips import channel_strips
from .cleaned_again import cleaned_again
from .closeup import draw_closeup
from .cutouts import read_cutout, read_peak, read_scales
from .evidence_list import WHAT_EVIDENCE_IS, as_list, as_text, evidence_list, why_not_masked
from .html import copies, copyable, figure, fill_page, filters, paragraph
from .maps import DEFINITIONS, draw_maps
from .panels import closeup_of_find, maps_of_find, spectra_of_find
from .quantity_table import TABLE_ROWS, positions_of, table_of
from .sky import MARKS, sky_map
from .spectra import draw_spectra

# Number of fake sources shown for each candidate that is shown.
CANDIDATES_A_FIND = 4
# Channels on either side of a find that its maps can show; their values are most of the size of the page.
CHANNELS_AROUND = 3

WHAT_IS_SHOWN = (
    "Maps: image, image minus neighbours, model and residual, in the channel of the find (bold) and those next to it. "
    "Image minus neighbours is what a spike is measured on, in sigma: the height above the background around each "
    "pixel, minus that in the adjacent channel that leaves less. Its scale is linear and ends at the find, or at 5 "
    "sigma, so that the find stands out in bright emission too, unless an adjacent channel has the same error. The "
    "other scales are linear near zero and logarithmic beyond; image and residual share one. The ellipse is the "
    "restoring beam; the dotted circle marks the find.",
    "Spectra: first a close-up of its pixel, then the 3 x 3 pixels around it. The horizontal gray band is +/- 1 sigma. "
    "On a screen, the slider steps through the channels around, and the pointer reads the values.",
    WHAT_EVIDENCE_IS,
)

NEXT = """from confetti_task import confetti_reclean

mended = confetti_reclean(imagename={imagename!r}{confetti})
print(mended["imagename"], mended["after"]["verdict"])"""


def write_page(path, cube, outfile, tables, npanels, proof):
    """
    Write the HTML report of a check.

    Parameters
    ----------
    path : str
        Name of the file.
    cube : `images.cube.Cube`
        The images.
    outfile : str
        Root name of the products.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    npanels : int
        Number of fake sources to show.
    proof : `~astropy.table.QTable` or None
        Table of the proof, from `check.proof_table.read_proof`.
    """
    page = _page(cube, outfile, tables, npanels, proof)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _page(cube, outfile, tables, npanels, proof):
    sources, channels = tables
    shown = worst_finds(sources, npanels)
    near = nearest_candidates(sources, -(-npanels // CANDIDATES_A_FIND))
    name, frames = os.path.basename(cube.name), read_frames(cube)
    body = [
        DEFINITIONS,
        *_head(name, frames, sources, channels),
        *_channels(channels),
        *_diverged(channels, frames),
        *_suspicious(channels, frames),
        *_sky(cube, frames, sources, shown),
        *_finds(cube, "Fake sources", "find", frames, sources, shown, WHAT_IS_SHOWN),
        *_table("confetti", "All fake sources", frames, sources, outfile),
        *_in_carta(cube, outfile, frames, sources[shown]),
        *cleaned_again(proof, frames, npanels),
        *_finds(cube, "Not masked", "candidate", frames, sources, near, [_why_not_masked(sources)]),
        *_table("candidate", "All candidates and real sources", frames, sources, outfile),
        *_next(cube, outfile, channels, proof),
        *_about(cube, channels),
    ]
    return fill_page(f"confetti in {name}", body)


def worst_finds(sources, number):
    """Rows of the fake sources to show: first the worst of each bad channel, then the others."""
    rows = np.flatnonzero(sources["class"] == "confetti")
    rows = rows[np.argsort(-sources["severity"][rows], kind="stable")]
    _, first = np.unique(np.array(sources["channel"][rows]), return_index=True)
    others = np.delete(np.arange(len(rows)), first)
    return rows[np.concatenate([np.sort(first), others])][:number]


def nearest_candidates(sources, number):
    """Rows of the candidates closest to the threshold, then of the known and the proved sources."""
    rows = np.flatnonzero(sources["class"] != "confetti")
    lacking = np.nan_to_num(np.abs(sources["unsupported"][rows]))
    return rows[np.lexsort([-lacking, sources["class"][rows] != "candidate"])][:number]


def _head(name, frames, sources, channels):
    meta = channels.meta
    verdict, meaning = texts.verdict_in_words(sources, channels)
    yield f"<h1>{escape(name)}</h1>"
    yield f'<p class="verdict {meta["verdict"]}"><b>{verdict}</b>: {escape(meaning)}</p>'
    for warning in meta["warnings"]:
        yield paragraph(warning, "warning")
    bad, suspects = bad_channels(channels), suspicious_channels(channels)
    if bad:
        yield paragraph("Bad channels, in the notation of the parameter chans of imstat and confetti_reclean:")
        yield from _copyable_ranges(channels, bad, frames)
    if suspects:
        yield paragraph(f"Suspicious channels, in the same notation. {texts.WHAT_IS_SUSPICIOUS}")
        yield from _copyable_ranges(channels, sorted(suspects), frames)


def _copyable_ranges(channels, chosen, frames):
    """Some of the channels, and their velocities if these are known."""
    yield copyable(format_channels(chosen))
    velocities = velocity_ranges(channels, chosen)
    if velocities:
        rest = f"rest frequency {frames.rest / 1e9:.6g} GHz"
        yield paragraph(f"The same in km/s, from edge to edge (radio convention, {frames.spectral}, {rest}):")
        yield copyable(str(velocities))


def velocity_ranges(channels, chosen):
    """
    Velocity ranges of channels, from edge to edge.

    Parameters
    ----------
    channels : `~astropy.table.QTable`
        All channels that were checked.
    chosen : sequence of int
        Some of them, in ascending order.

    Returns
    -------
    ranges : list of list of float
        Minimum and maximum velocity in km/s of each range of channels; empty if velocities are unknown.
    """
    number, first = np.unique(np.array(channels["channel"]), return_index=True)
    velocity = channels["velocity"].to_value("km/s")[first]
    if len(number) < 2 or not np.isfinite(velocity).all():
        return []
    half = np.gradient(velocity, number) / 2
    at = {channel: (velocity[place], half[place]) for place, channel in enumerate(number.tolist())}
    runs = [(at[start], at[end - 1]) for start, end in contiguous_ranges(chosen)]
    ends = [(low - half_low, high + half_high) for (low, half_low), (high, half_high) in runs]
    return [[round(float(value), 3) for value in sorted(pair)] for pair in ends]


def _channels(channels):
    if not len(channels):
        return
    yield "<h2>Channels</h2>"
    what = "Severity, model flux, rms and tail of all channels"
    yield figure(channel_strips(channels, what), wide=True)


def _diverged(channels, frames):
    rows = channels[channels["verdict"] == "diverged"]
    if not len(rows):
        return
    yield "<h2>Channels that diverged</h2>"
    yield paragraph(texts.WHAT_DIVERGED, "soft")
    worst_first = rows[np.argsort(rows["convergence"], kind="stable")]
    yield table_of("diverged", "Channels that diverged", CHANNEL_QUANTITIES, worst_first, frames)


def _suspicious(channels, frames):
    suspects = suspicious_channels(channels)
    if not suspects:
        return
    yield "<h2>Suspicious channels</h2>"
    yield paragraph(texts.HOW_SUSPICIOUS, "soft")
    rows = channels[(channels["verdict"] == "suspicious") & np.isin(channels["channel"], suspects)]
    most_first = rows[np.argsort(-np.array(rows["suspicion"]), kind="stable")]
    yield table_of("suspicious", "Suspicious channels", CHANNEL_QUANTITIES, most_first, frames)


def _sky(cube, frames, sources, shown):
    polarization = cube.stokes.index(sources["stokes"][shown[0]]) if len(shown) else 0
    peak, sky = read_peak(cube, polarization, sources["channel"][shown].tolist()), read_sky(cube)
    if not np.isfinite(peak.plane).any():
        return
    marks = {name: (sources["x"][rows], sources["y"][rows]) for name, rows in _classes(sources)}
    places = [(sources["x"][row], sources["y"][row]) for row in shown]
    what = "All sources on a map of the peak intensity"
    yield "<h2>Sky</h2>"
    yield figure(sky_map(peak, sky, cube.shape[2:], marks, places, what), wide=True)
    which = " (at equal distances, and those shown below)" if len(peak.channels) < cube.channels else ""
    text = f"Peak intensity over {len(peak.channels)} of {cube.channels} channels{which}, "
    text += f"Stokes {cube.stokes[polarization]}, {frames.sky}." + (
        " North is up and East is left." if is_upright(sky) else ""
    )
    yield paragraph(text + (" The numbers refer to the fake sources shown below." if len(shown) else ""), "soft")


def _classes(sources):
    return [(name, sources["class"] == name) for name in MARKS if (sources["class"] == name).any()]


def _finds(cube, title, kind, frames, sources, rows, texts):
    if not len(rows):
        return
    yield f"<h2>{title}</h2>"
    for text in texts:
        yield paragraph(text, "soft")
    scales = read_scales(cube)
    positions = zip(*positions_of(sources[rows], frames))  # at once: each by itself takes a fifth of the time of a find
    for number, (row, (longitude, latitude)) in enumerate(zip(sources[rows], positions), start=1):
        polarization = cube.stokes.index(row["stokes"])
        place = (int(row[name]) for name in ("channel", "y", "x"))
        cutout = read_cutout(cube, polarization, *place, around=CHANNELS_AROUND, scales=scales)
        noise = float(np.nan_to_num(row["noise"].value))
        stokes = f", Stokes {row['stokes']}" if len(cube.stokes) > 1 else ""
        yield f'<article class="find" id="{kind}-{number}">'
        place = f"channel {row['channel']}, x={row['x']} y={row['y']}{stokes} ({longitude} {latitude} {frames.sky})"
        yield f"<h3>{title[:-1] if kind == 'find' else 'Candidate'} {number}: {place}</h3>"
        yield as_list(evidence_list(row, sources.meta["parameters"]))
        yield copies(position=f"{longitude} {latitude}", channel=row["channel"])
        where = f"around channel {row['channel']} x={row['x']} y={row['y']}"
        yield '<div class="pictures">'
        yield figure(draw_maps(maps_of_find(cutout, noise), f"maps {where}"))
        yield "<div>"
        yield figure(draw_closeup(closeup_of_find(cutout, noise), f"close-up of the spectra {where}"))
        yield figure(draw_spectra(spectra_of_find(cutout, noise), f"spectra {where}"))
        yield "</div></div></article>"


def _why_not_masked(sources):
    if not (sources["class"] == "candidate").any():
        return texts.NEAR
    return f"{texts.NEAR} {log.WHY_CANDIDATES}."


def _in_carta(cube, outfile, frames, finds):
    if not len(finds) or len(cube.stored) > 1:  # viewers do not join pieces, nor channels in files of their own
        return
    yield "<h2>Open the fake sources in CARTA</h2>"
    yield paragraph(texts.IN_CARTA)
    script = copyable(carta_script(cube, outfile, frames, finds), "script for CARTA")
    yield f"<details><summary>The script</summary>{script}</details>"


def _table(kind, title, frames, sources, outfile):
    rows = np.flatnonzero((sources["class"] == "confetti") == (kind == "confetti"))
    if not len(rows):
        return
    worst = sources["severity" if kind == "confetti" else "unsupported"][rows]
    order = np.argsort(-np.nan_to_num(np.abs(worst)), kind="stable")
    chosen = sources[rows[order[:TABLE_ROWS]]]
    yield f"<h2>{title}</h2>"
    if len(rows) > TABLE_ROWS:
        yield paragraph(
            f"The first {TABLE_ROWS} of {len(rows)} rows; all are in {os.path.basename(outfile)}.ecsv.", "soft"
        )
    column = "evidence" if kind == "confetti" else "class"
    yield filters(kind, CANDIDATE_QUANTITIES, choices={column: sorted(set(chosen[column].tolist()))})
    why = None
    if kind != "confetti":
        parameters = sources.meta["parameters"]
        why = [(escape(as_text([why_not_masked(row, parameters)])), None) for row in chosen]
    yield table_of(kind, title, CANDIDATE_QUANTITIES, chosen, frames, why)


def _next(cube, outfile, channels, proof):
    yield "<h2>Next</h2>"
    bad, suspects = bad_channels(channels), suspicious_channels(channels)
    if not bad and not suspects:
        yield paragraph("No channel needs to be cleaned again.")
        return
    if cube.fits:
        yield paragraph(f"Here {log.WITHOUT_TCLEAN} {log.why_not_tclean(cube)}.")
    if cube.taylor_term:
        yield paragraph("confetti_reclean cannot clean images with Taylor terms again, only spectral cubes.")
        return
    if cube.pieces:
        yield paragraph(
            "Pieces are cleaned again one by one: call confetti_check without outfile, which writes products next to "
            "each piece, then call confetti_reclean for each."
        )
        return
    tried = set(suspects) & set(() if proof is None else channels_by_outcome(proof)[2])
    if tried:
        yield paragraph(texts.TRIED.format(chans=format_channels(tried)))
    yield paragraph(texts.clean_again(bad, suspects))
    confetti = "" if outfile == cube.root + ".confetti" else f", confetti={outfile!r}"
    yield copyable(NEXT.format(imagename=cube.root, confetti=confetti))


def _about(cube, channels):
    meta = channels.meta
    yield "<h2>What was checked</h2>"
    selected = sorted(set(channels["channel"].tolist())) or range(cube.channels)
    yield paragraph(log.describe_inputs(cube, selected))
    yield copyable(meta["call"])
    for sentence in log.describe_completeness(channels):
        yield paragraph(sentence)
    yield paragraph(f"confetti_task {meta['version']}, {meta['date']}. {texts.LIMITS}", "soft")
