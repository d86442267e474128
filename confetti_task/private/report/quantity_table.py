"""Tables of measured quantities on a page: headings, units, and positions on the sky."""

import numpy as np

from ..images.coordinates import from_icrs
from .angles import sexagesimal
from .html import table

# Longer tables are slow in a browser; the ECSV has all rows.
TABLE_ROWS = 2000


def table_of(name, title, quantities, rows, frames, why=None):
    """
    A table of the quantities that have a heading.

    Parameters
    ----------
    name, title : str
        Identifier of the table, and what a screen reader calls it.
    quantities : tuple of `core.quantities.Quantity`
        Quantities of the rows.
    rows : `~astropy.table.QTable`
        The rows, in the order in which to show them.
    frames : `images.image.Frames`
        Reference frames of the cube.
    why : list of tuple, optional
        Cell of each row that says why it is not masked.

    Returns
    -------
    table : str
        HTML of the table.
    """
    shown = [quantity for quantity in quantities if quantity.heading]
    headings = [_heading(quantity, frames) for quantity in shown]
    # By columns: to take 20 values from each of 2000 rows of a table with units lasts seconds.
    columns = [_cells(rows, quantity, frames) for quantity in shown]
    if why is not None:
        headings.append(("why not masked", "", "why"))
        columns.append(why)
    return table(name, title, headings, zip(*columns))


def _heading(quantity, frames):
    galactic = {"RA": "l", "Dec": "b"} if frames.sky == "GALACTIC" else {}
    units_of = {"RA": frames.sky, "Dec": frames.sky, "velocity": f"km/s, {frames.spectral}"}
    heading = quantity.heading
    kind = "text" if quantity.name in ("class", "evidence", "proof", "stokes") else ""
    return galactic.get(heading, heading), units_of.get(heading, quantity.shown_in), kind


def _cells(rows, quantity, frames):
    """Text of each cell of a column, and the number to sort by where the text is none."""
    values = rows[quantity.name]
    if quantity.name in ("ra", "dec"):
        texts = positions_of(rows, frames)[quantity.name == "dec"]
        return list(zip(texts, values.value.tolist()))
    numbers = values.to_value(quantity.shown_in) if quantity.unit else np.asarray(values)
    if numbers.dtype.kind == "U":
        return [(text, None) for text in numbers.tolist()]
    return [_number(number, quantity.form) for number in numbers.tolist()]


def _number(number, form):
    # Where the text is a number, the page sorts by it: with another copy of each, it would be a third larger.
    if np.isfinite(number):
        return f"{number:{form}}", None
    return ("not finite", -np.inf) if np.isneginf(number) else ("", None)


def position_of(row, frames):
    """
    Position of a row on the sky as text.

    Parameters
    ----------
    row : `~astropy.table.Row`
        With the columns ``ra`` and ``dec``.
    frames : `images.image.Frames`
        Reference frames of the cube.

    Returns
    -------
    longitude, latitude : str
        RA in hours and Dec in degrees, or Galactic coordinates in degrees.
    """
    longitudes, latitudes = positions_of({name: row[name][np.newaxis] for name in ("ra", "dec")}, frames)
    return longitudes[0], latitudes[0]


def positions_of(rows, frames):
    """The same for each row of a table, as two lists."""
    positions = from_icrs(rows["ra"], rows["dec"], frames.sky)
    longitudes, latitudes = (angles.to_value("deg").tolist() for angles in positions)
    if frames.sky == "GALACTIC":
        return [f"{value:.6f}" for value in longitudes], [f"{value:+.6f}" for value in latitudes]
    return (
        [sexagesimal(240 * value, 2, signed=False) for value in longitudes],
        [sexagesimal(3600 * value, 1, signed=True) for value in latitudes],
    )
