"""Known real sources, as given by the user."""

import os
from dataclasses import dataclass

import numpy as np
from astropy import constants, units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from ..images.coordinates import pixel_positions, read_frames, world_coordinates

# A source between pixels has components of its own, of a few per cent of it and of both signs, up to 1.4 beams away.
REACH_BEAMS = 1.5
# Velocities of known sources are in this frame; cubes in others are protected in all channels.
FRAME = "LSRK"
# km/s. Width of a source whose velocity is known and its width is not: masers have components over a few km/s.
USUAL_WIDTH = 5.0

FORMS = (
    "give the name of a table with columns ra and dec, l and b, or one of SkyCoord, and vlsr if only the channels of "
    "that velocity are to be protected; or [[RA, Dec], ...], each pair in degrees or as text like ['18:06:20', "
    "'-21:37:00'], which a velocity like '17.5km/s' and a width may follow"
)

# Columns of longitude and latitude that a table may have, and their frame.
COLUMNS = (
    ("ra", "dec", "icrs"),
    ("ra_deg", "dec_deg", "icrs"),
    ("radeg", "decdeg", "icrs"),
    ("raj2000", "dej2000", "fk5"),
    ("_raj2000", "_dej2000", "fk5"),
    ("l", "b", "galactic"),
    ("glon", "glat", "galactic"),
)
# Columns of velocity, frequency and width, with the unit where the column has none; a velocity goes before a frequency.
SPECTRAL = (
    (("vlsr", "v_lsr", "velocity"), "km/s"),
    (("frequency", "freq"), "GHz"),
    (("width", "fwhm", "linewidth"), "km/s"),
)


@dataclass(frozen=True)
class Known:
    """
    Known real sources.

    Attributes
    ----------
    positions : `~astropy.coordinates.SkyCoord`
        In ICRS.
    velocity, frequency, width : 1D `~numpy.ndarray`
        Radio velocity (LSRK) and width in km/s, and frequency in GHz; NaN if unknown. A source without velocity and
        frequency is protected in all channels.
    """

    positions: SkyCoord
    velocity: np.ndarray
    frequency: np.ndarray
    width: np.ndarray

    def __len__(self):
        return len(self.positions)

    def as_rows(self):
        """The sources as lists of RA and Dec in degrees, and velocity or frequency and width as text if known."""
        spectral = zip(self.velocity.tolist(), self.frequency.tolist(), self.width.tolist())
        places = zip(self.positions.ra.deg.tolist(), self.positions.dec.deg.tolist())
        return [[*place, *_as_text(*each)] for place, each in zip(places, spectral)]


def _as_text(velocity, frequency, width):
    known = [f"{velocity!r}km/s"] if np.isfinite(velocity) else [f"{frequency!r}GHz"] if np.isfinite(frequency) else []
    return [*known, f"{width!r}km/s"] if known and np.isfinite(width) else known


def read_known(known):
    """
    Read known sources.

    Parameters
    ----------
    known : str or sequence
        Name of a table that astropy can read, with a column of `~astropy.coordinates.SkyCoord`, or with two of
        `COLUMNS`, upper or lower case (in degrees if they have no unit), and those of `SPECTRAL` that are known;
        or pairs of RA and Dec: numbers in degrees, or text in hours and degrees, which the text of a velocity or a
        frequency may follow, and that of a width; one pair may stand alone. '' or [] for none.

    Returns
    -------
    known : `Known`
        The sources.

    Raises
    ------
    ValueError
        If ``known`` cannot be read as sources.
    """
    try:
        if isinstance(known, str):
            return _read_table(known) if known else _sources([], [], units.deg)
        rows = _rows(known)
        ra, dec = zip(*(row[:2] for row in rows)) if rows else ([], [])
        hours = any(isinstance(value, str) for value in ra)
        return _sources(ra, dec, units.hourangle if hours else units.deg, spectral=[row[2:] for row in rows])
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"known={known!r} cannot be read as positions: {error}; {FORMS}") from error


def _rows(known):
    """Rows of RA and Dec, and what follows them; one that stands alone is a row too."""
    rows = [known] if len(known) == 2 and not np.ndim(known[0]) else known
    for row in rows:
        if not 2 <= len(np.atleast_1d(row)) <= 4 or not all(isinstance(text, str) for text in row[2:]):
            raise ValueError(f"{row!r} is no pair of RA and Dec")
    return [list(row) for row in rows]


def _read_table(path):
    if not os.path.exists(path):
        raise ValueError("no such file")
    binary = path.lower().endswith((".fits", ".fits.gz", ".xml", ".vot", ".votable", ".hdf5"))
    table = Table.read(path) if binary else Table.read(path, format="ascii")
    names = {name.lower(): name for name in table.colnames}
    spectral = _spectral_columns(table, names)
    for column in table.itercols():
        if isinstance(column, SkyCoord):
            return Known(column.icrs, *spectral)
    table.convert_bytestring_to_unicode()
    for longitude, latitude, frame in COLUMNS:
        if {longitude, latitude} <= set(names):
            columns = table[names[longitude]], table[names[latitude]]
            hours = frame != "galactic" and columns[0].dtype.kind == "U" and columns[0].unit is None
            unit = units.hourangle if hours else columns[0].unit or units.deg
            return Known(_positions(*columns, unit, columns[1].unit or units.deg, frame), *spectral)
    raise ValueError(f"its columns are {', '.join(table.colnames)}")


def _spectral_columns(table, names):
    """Velocity, frequency and width of each row of a table, in km/s and GHz; NaN where they are missing."""
    there = ([table[names[name]] for name in kinds if name in names] for kinds, _ in SPECTRAL)
    return [_first_column(columns, table, unit) for columns, (_, unit) in zip(there, SPECTRAL)]


def _first_column(columns, table, unit):
    """Values of the first of some columns that has this unit, or none: a width may be one in arcsec."""
    for column in columns:
        given = units.Unit(column.unit or unit)
        if given.is_equivalent(unit):
            return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan) * given.to(unit)
    return np.full(len(table), np.nan)


def _sources(longitudes, latitudes, unit, spectral=()):
    """Sources from positions, and from lists of text: nothing, or velocity or frequency, and width."""
    velocity, frequency, width = np.full((3, len(longitudes)), np.nan)
    for number, texts in enumerate(spectral):
        if not texts:
            continue
        where, *widths = map(units.Quantity, texts)
        if where.unit.is_equivalent("GHz"):
            frequency[number] = where.to_value("GHz")
        else:
            velocity[number] = where.to_value("km/s")
        width[number] = widths[0].to_value("km/s") if widths else np.nan
    return Known(_positions(longitudes, latitudes, unit), velocity, frequency, width)


def _positions(longitudes, latitudes, unit, latitude_unit=units.deg, frame="icrs"):
    return SkyCoord(np.asarray(longitudes), np.asarray(latitudes), unit=(unit, latitude_unit), frame=frame).icrs


def outside(cube, known):
    """Number of known sources that are not in the image, or in none of its channels."""
    if not len(known):
        return 0
    y, x = pixel_positions(cube, known.positions)
    height, width = cube.shape[2:]
    inside = (y >= -0.5) & (y < height - 0.5) & (x >= -0.5) & (x < width - 0.5)
    return int(np.count_nonzero(~(inside & _in_channels(cube, known).any(axis=1))))


def _in_channels(cube, known):
    """Which channels each source is in, [source, channel]: all if its velocity, or that of the cube, is unknown."""
    channels = np.arange(cube.channels)
    if read_frames(cube).spectral != FRAME:
        return np.ones((len(known), cube.channels), dtype=bool)
    _, _, frequency, velocity = world_coordinates(cube, channels, 0 * channels, 0 * channels)
    frequency, velocity = frequency.to_value("GHz"), velocity.to_value("km/s")
    light = constants.c.to_value("km/s")
    by_frequency = np.abs(known.frequency[:, np.newaxis] / frequency - 1) * light
    by_velocity = np.abs(known.velocity[:, np.newaxis] - velocity)
    apart = np.where(np.isnan(by_velocity), by_frequency, by_velocity)
    width = np.where(np.isnan(known.width), USUAL_WIDTH, known.width)[:, np.newaxis]
    channel_width = np.abs(cube.increments[cube.axes[1]]) / 1e9 / frequency * light
    return np.isnan(apart) | (apart <= width / 2 + channel_width)


def near_known(cube, candidates, known):
    """
    Find the pixels within `REACH_BEAMS` of a known source, in the channels that it is in.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    candidates : structured `~numpy.ndarray`
        With the fields channel, y and x.
    known : `Known`
        From `read_known`.

    Returns
    -------
    near : 1D bool `~numpy.ndarray`
        One value for each candidate.
    """
    near = np.zeros(len(candidates), dtype=bool)
    if not len(known):
        return near
    places, reach = np.column_stack(pixel_positions(cube, known.positions)), REACH_BEAMS * cube.beam
    in_channels = _in_channels(cube, known)
    margin, size = reach + 1, np.array(cube.shape[2:])
    in_image = ((places > -margin) & (places < size + margin)).all(axis=1)  # False for NaN
    for (y, x), channels in zip(places[in_image], in_channels[in_image]):
        near |= (np.hypot(candidates["y"] - y, candidates["x"] - x) <= reach) & channels[candidates["channel"]]
    return near
