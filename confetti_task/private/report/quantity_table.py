"""Tables of measured quantities on a page: headings, units, and positions on the sky."""

import numpy as np
from astropy import units
from astropy.coordinates import Angle

from .html import table

# Longer tables are slow in a browser; the ECSV has all rows.
TABLE_ROWS = 2000


def table_of(name, quantities, rows, frames, why=None):
    """
    A table of the quantities that have a heading.

    Parameters
    ----------
    name : str
        Identifier of the table.
    quantities : tuple of `core.quantities.Quantity`
        Quantities of the rows.
    rows : `~astropy.table.QTable`
        The rows, in the order in which to show them.
    frames : `images.coordinates.Frames`
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
    cells = [[_cell(row, quantity, frames) for quantity in shown] for row in rows]
    if why is not None:
        headings.append(("why not masked", "", "why"))
        cells = [[*row, reason] for row, reason in zip(cells, why)]
    return table(name, headings, cells)


def _heading(quantity, frames):
    galactic = {"RA": "l", "Dec": "b"} if frames.sky == "GALACTIC" else {}
    units_of = {"RA": frames.sky, "Dec": frames.sky, "velocity": f"km/s, {frames.spectral}"}
    heading = quantity.heading
    kind = "text" if quantity.name in ("class", "proof", "stokes") else ""
    return galactic.get(heading, heading), units_of.get(heading, quantity.shown_in), kind


def _cell(row, quantity, frames):
    """Text of a cell, and the number to sort by."""
    value = row[quantity.name]
    if quantity.name in ("ra", "dec"):
        return position_of(row, frames)[quantity.name == "dec"], value.value
    if isinstance(value, str):
        return value, None
    number = value.to_value(quantity.shown_in) if quantity.unit else value
    if np.isfinite(number):
        return f"{number:{quantity.form}}", number
    return "not finite" if np.isneginf(number) else "", -np.inf


def position_of(row, frames):
    """
    Position of a row on the sky as text.

    Parameters
    ----------
    row : `~astropy.table.Row`
        With the columns ``ra`` and ``dec``.
    frames : `images.coordinates.Frames`
        Reference frames of the cube.

    Returns
    -------
    longitude, latitude : str
        RA in hours and Dec in degrees, or Galactic coordinates in degrees.
    """
    longitude, latitude = Angle(row["ra"]), Angle(row["dec"])
    if frames.sky == "GALACTIC":
        return f"{longitude.deg:.6f}", f"{latitude.deg:+.6f}"
    return (
        longitude.to_string(unit=units.hourangle, sep=":", precision=2, pad=True),
        latitude.to_string(unit=units.deg, sep=":", precision=1, pad=True, alwayssign=True),
    )
