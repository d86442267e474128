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
    "give the name of a table with columns ra and dec, or [[RA, Dec], ...], each pair in degrees or as text like "
    "['18:06:20', '-21:37:00']"
)


def read_known(known):
    """
    Read positions on the sky.

    Parameters
    ----------
    known : str or sequence
        Name of a table that astropy can read, with columns ra and dec, upper or lower case (in degrees if they have no
        unit), or pairs of RA and Dec: numbers in degrees, or text in hours and degrees; one pair may stand alone. '' or
        [] for none.

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
    table.convert_bytestring_to_unicode()
    names = {name.lower(): name for name in table.colnames}
    if not {"ra", "dec"} <= set(names):
        raise ValueError(f"its columns are {', '.join(table.colnames)}")
    ra, dec = (table[names[name]] for name in ("ra", "dec"))
    hours = ra.dtype.kind == "U" and ra.unit is None
    return _positions(ra, dec, units.hourangle if hours else ra.unit or units.deg, dec.unit or units.deg)


def _positions(ra, dec, unit, dec_unit=units.deg):
    return SkyCoord(np.asarray(ra), np.asarray(dec), unit=(unit, dec_unit))


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
