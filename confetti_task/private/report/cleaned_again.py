"""The part of the page about channels that were cleaned again: their images before and after."""

import numpy as np

from ..check.proof_table import channels_by_outcome
from ..core.before_after import PROOFS
from ..core.quantities import FIND_QUANTITIES
from ..images.pieces import open_pieces
from . import texts
from .cutouts import read_both
from .html import copies, figure, filters, paragraph
from .maps import draw_maps
from .panels import maps_before_after
from .quantity_table import TABLE_ROWS, position_of, table_of


def cleaned_again(proof, frames, npanels):
    """
    Show what cleaning channels again has proved.

    Parameters
    ----------
    proof : `~astropy.table.QTable` or None
        Table of the proof, from `check.proof_table.read_proof`.
    frames : `images.image.Frames`
        Reference frames of the cube.
    npanels : int
        Number of finds to show.

    Yields
    ------
    part : str
        HTML: the outcomes, maps of the worst finds, and a table of all; nothing without a proof.
    """
    if proof is None:
        return
    yield "<h2>Cleaned again: before and after</h2>"
    yield paragraph(texts.describe_outcomes(*channels_by_outcome(proof)))
    yield from _maps(proof, worst_differences(proof, npanels), frames)
    yield from _table(proof, frames)


def worst_differences(proof, number):
    """Rows of the finds to show: proved, changed and open ones, where the new image has new planes."""
    replaced, _, _ = channels_by_outcome(proof)
    shown = np.isin(proof["channel"], replaced) & (np.array(proof["proof"]) != "real")
    return [row for row in _ranked(proof) if shown[row]][:number]


def _ranked(proof):
    """All rows, in the order of `PROOFS`, each with the largest difference first."""
    kind = [PROOFS.index(value) for value in proof["proof"]]
    return np.lexsort([-np.abs(np.array(proof["difference"])), kind]).tolist()


def _maps(proof, rows, frames):
    if not rows or proof.meta["before"] == proof.meta["after"]:
        return
    try:
        before, after = (open_pieces(proof.meta[name]) for name in ("before", "after"))
        articles = [_article(number, proof[row], before, after, frames) for number, row in enumerate(rows, start=1)]
    except (OSError, ValueError, RuntimeError) as error:
        yield paragraph(texts.NOTHING_TO_COMPARE.format(error=error), "warning")
        return
    yield paragraph(texts.WHAT_IS_COMPARED, "soft")
    yield from articles


def _article(number, row, before, after, frames):
    place = tuple(int(row[name]) for name in ("channel", "y", "x"))
    old, new = read_both(before, after, after.stokes.index(row["stokes"]), *place)
    noise = float(np.nan_to_num(row["noise"].to_value("Jy/beam")))
    longitude, latitude = position_of(row, frames)
    stokes = f", Stokes {row['stokes']}" if len(after.stokes) > 1 else ""
    where = f"channel {row['channel']}, x={row['x']} y={row['y']}{stokes}"
    what = f"old image, new image and difference around {where}"
    return "\n".join(
        [
            f'<article class="find" id="again-{number}">',
            f"<h3>Before and after {number}: {where} ({longitude} {latitude} {frames.sky})</h3>",
            paragraph(texts.explain_find(row)),
            copies(position=f"{longitude} {latitude}", channel=row["channel"]),
            figure(draw_maps(maps_before_after(old, new, noise), what)) + "</article>",
        ]
    )


def _table(proof, frames):
    if not len(proof):
        yield paragraph("Nothing stands out in these channels, neither in the old images nor in the new ones.")
        return
    yield "<h3>All finds in the channels that were cleaned again</h3>"
    if len(proof) > TABLE_ROWS:
        yield paragraph(f"The first {TABLE_ROWS} of {len(proof)} rows; all are in the table of the proof.", "soft")
    shown = proof[_ranked(proof)[:TABLE_ROWS]]
    present = set(shown["proof"].tolist())
    yield filters("finds", FIND_QUANTITIES, choices={"proof": [value for value in PROOFS if value in present]})
    yield table_of("finds", "All finds in the channels that were cleaned again", FIND_QUANTITIES, shown, frames)
