"""Conversion between the pixels of a cube and positions and frequencies."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord

from .headers import opened

# Names of CASA's celestial frames in FITS, and in astropy and DS9; others are not used for images.
FITS_FRAMES = {"J2000": "FK5", "ICRS": "ICRS", "B1950": "FK4", "GALACTIC": ""}
FRAMES = {"J2000": "fk5", "ICRS": "icrs", "B1950": "fk4", "GALACTIC": "galactic"}

# Hz. The ionosphere is opaque below. Without a rest frequency, CASA takes the numbers of a velocity axis, in m/s, for
# frequencies; those of galaxies up to 10 000 km/s are below this limit.
LOWEST_FREQUENCY = 1e7


def read_coordinates(path):
    """Coordinate system and shape of an image, for a new image on the same grid."""
    with opened(path) as tool:
        coordinates = tool.coordsys()
        record = coordinates.torecord()
        coordinates.done()
        return record, [int(length) for length in tool.shape()]


def read_sky(cube):
    """
    Celestial projection of a cube.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    sky : `~astropy.wcs.WCS`
        Projection along x and y.
    """
    return cube.images["model"].read_sky()


def read_frames(cube):
    """Reference frames of a cube, as `images.image.Frames`."""
    return cube.images["model"].read_frames(cube.axes)


def lacks_rest_frequency(cube):
    """Whether a cube has a spectral axis and no rest frequency, so that only frequencies or velocities are known."""
    return cube.axes[1] is not None and not read_frames(cube).rest > 0


def is_upright(sky):
    """Whether North is up and East is left or right in the pixels of a projection, without rotation."""
    return np.allclose(sky.wcs.get_pc(), np.eye(2), atol=0.01)


def read_frequencies(cube):
    """Frequencies of all channels in Hz, in the frame of the cube."""
    everywhere = np.arange(cube.channels)
    return world_coordinates(cube, everywhere, 0 * everywhere, 0 * everywhere)[2].to_value("Hz")


def pixel_positions(cube, positions):
    """
    Convert positions on the sky to pixels.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    positions : `~astropy.coordinates.SkyCoord`
        Any number of positions.

    Returns
    -------
    y, x : 1D `~numpy.ndarray`
        Not rounded, and possibly beyond the image. NaN for positions more than 90 degrees away, which a projection
        would map into the field.
    """
    if not len(positions):
        return np.zeros(0), np.zeros(0)
    return cube.images["model"].to_pixels(cube.axes, positions)


def world_coordinates(cube, channel, y, x):
    """
    Convert pixels to positions and frequencies.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channel, y, x : 1D int `~numpy.ndarray`
        Pixels to convert.

    Returns
    -------
    ra, dec, frequency, velocity : `~astropy.units.Quantity`
        Positions in ICRS, the others in the frame of the cube; velocity in the radio convention, or in that of an axis
        of velocities without a rest frequency. NaN for coordinates that the cube does not have.
    """
    world = np.full((4, len(channel)), np.nan)
    first = 0
    for piece in cube.pieces or [cube]:  # a cube in files has the coordinates of its first channel
        here = (channel >= first) & (channel < first + piece.channels)
        if here.any():
            model = piece.images["model"]
            world[:, here] = model.to_world(piece.axes, channel[here] - first, y[here], x[here])
        first += piece.channels
    longitude, latitude, frequency, velocity = world
    ra, dec = to_icrs(longitude * units.rad, latitude * units.rad, read_frames(cube).sky)
    return (
        ra.to("deg") % (360 * units.deg),
        dec.to("deg"),
        (frequency * units.Hz).to("GHz"),
        velocity * units.km / units.s,
    )


def to_icrs(longitude, latitude, frame):
    """RA and Dec (ICRS) of positions in a frame as CASA names it; those in one that viewers do not know stay."""
    if frame == "ICRS" or frame not in FRAMES:
        return longitude, latitude
    beyond = ~(np.abs(latitude) <= 90 * units.deg)  # a corner of an all-sky image, or NaN
    sky = SkyCoord(
        np.where(beyond, 0 * units.deg, longitude), np.where(beyond, 0 * units.deg, latitude), frame=FRAMES[frame]
    )
    return np.where(beyond, np.nan * units.deg, sky.icrs.ra), np.where(beyond, np.nan * units.deg, sky.icrs.dec)


def from_icrs(ra, dec, frame):
    """The reverse of `to_icrs`."""
    if frame == "ICRS" or frame not in FRAMES:
        return ra, dec
    sky = SkyCoord(ra, dec).transform_to(FRAMES[frame]).spherical
    return sky.lon, sky.lat
