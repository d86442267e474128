"""Known real sources, as given by the user."""

import os

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from ..images.coordinates import pixel_positions

# A source between pixels has components of its own, of a few per cent of it and of both signs, up to 1.4 beams away.
REACH_BEAMS = 1.5

FORMS = (
    "give the name of a table with columns ra and dec, l and b, or one of SkyCoord, or [[RA, Dec], ...], each pair in "
    "degrees or as text like ['18:06:20', '-21:37:00']"
)

# Columns of longitude and latitude that a table may have, and their frame.
COLUMNS = (
    ("ra", "dec", "icrs"),
    ("raj2000", "dej2000", "fk5"),
    ("_raj2000", "_dej2000", "fk5"),
    ("l", "b", "galactic"),
    ("glon", "glat", "galactic"),
)


def read_known(known):
    """
    Read positions on the sky.

    Parameters
    ----------
    known : str or sequence
        Name of a table that astropy can read, with a column of `~astropy.coordinates.SkyCoord`, or with two of
        `COLUMNS`, upper or lower case (in degrees if they have no unit), or pairs of RA and Dec: numbers in degrees, or
        text in hours and degrees; one pair may stand alone. '' or [] for none.

    Returns
    -------
    positions : `~astropy.coordinates.SkyCoord`
        In ICRS.

    Raises
    ------
    ValueError
        If ``known`` cannot be read as positions.
    """
    try:
        if isinstance(known, str):
            return _read_table(known) if known else _positions([], [], units.deg)
        ra, dec = zip(*_pairs(known)) if len(known) else ([], [])
        hours = any(isinstance(value, str) for value in ra)
        return _positions(ra, dec, units.hourangle if hours else units.deg)
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"known={known!r} cannot be read as positions: {error}; {FORMS}") from error


def _pairs(known):
    """Pairs of RA and Dec; one that stands alone is a position too."""
    pairs = [known] if len(known) == 2 and not np.ndim(known[0]) else known
    for pair in pairs:
        if len(np.atleast_1d(pair)) != 2:
            raise ValueError(f"{pair!r} is no pair of RA and Dec")
    return pairs


def _read_table(path):
    if not os.path.exists(path):
        raise ValueError("no such file")
    binary = path.lower().endswith((".fits", ".fits.gz", ".xml", ".vot", ".votable", ".hdf5"))
    table = Table.read(path) if binary else Table.read(path, format="ascii")
    for column in table.itercols():
        if isinstance(column, SkyCoord):
            return column.icrs
    table.convert_bytestring_to_unicode()
    names = {name.lower(): name for name in table.colnames}
    for longitude, latitude, frame in COLUMNS:
        if {longitude, latitude} <= set(names):
            columns = table[names[longitude]], table[names[latitude]]
            hours = frame != "galactic" and columns[0].dtype.kind == "U" and columns[0].unit is None
            unit = units.hourangle if hours else columns[0].unit or units.deg
            return _positions(*columns, unit, columns[1].unit or units.deg, frame)
    raise ValueError(f"its columns are {', '.join(table.colnames)}")


def _positions(longitudes, latitudes, unit, latitude_unit=units.deg, frame="icrs"):
    return SkyCoord(np.asarray(longitudes), np.asarray(latitudes), unit=(unit, latitude_unit), frame=frame).icrs


def outside(cube, positions):
    """Number of known sources that are not in the image."""
    y, x = pixel_positions(cube, positions)
    height, width = cube.shape[2:]
    return int(np.count_nonzero(~((y >= -0.5) & (y < height - 0.5) & (x >= -0.5) & (x < width - 0.5))))


def near_known(cube, candidates, positions):
    """
    Find the pixels within `REACH_BEAMS` of a known source, in any channel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    candidates : structured `~numpy.ndarray`
        With the fields y and x.
    positions : `~astropy.coordinates.SkyCoord`
        From `read_known`.

    Returns
    -------
    near : 1D bool `~numpy.ndarray`
        One value for each candidate.
    """
    y, x = pixel_positions(cube, positions)
    distance = np.hypot(np.subtract.outer(candidates["y"], y), np.subtract.outer(candidates["x"], x))
    return (distance <= REACH_BEAMS * cube.beam).any(axis=1)
