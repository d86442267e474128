"""CASA images, and FITS files, whose headers CASA's image tool reads too."""

import os
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
from astropy import units
from astropy.wcs import WCS

from .coordinates import FITS_FRAMES, FRAMES, LOWEST_FREQUENCY
from .fits import is_fits
from .headers import (
    beam_axes,
    linear_coordinates,
    opened,
    opened_to_read,
    read_empty_value,
    read_header,
    read_history,
)
from .history import recorded_parameters
from .image import Frames, World
from .tiles import Tiles, find_image_tiles, read_box


@dataclass(frozen=True)
class CasaImage:
    """
    A CASA image; see `images.image.StoredImage`.

    Attributes
    ----------
    tiles, mask_tiles : `images.tiles.Tiles` or None
        Where its file has the pixels and its T/F mask; None if they have to be read through the image tool.
    """

    path: str
    masked: bool = False
    tiles: Optional[Tiles] = None
    mask_tiles: Optional[Tiles] = None

    ending = ""
    nan_is_blank = False

    @staticmethod
    def recognizes(path):
        """Whether an image is stored in this format."""
        return os.path.isdir(path)

    @property
    def mapped(self):
        return self.tiles is not None and (self.mask_tiles is not None or not self.masked)

    @property
    def tile(self):
        return self.tiles and self.tiles.tile

    def read_header(self):
        return read_header(self.path)

    def read_empty_value(self):
        return read_empty_value(self.path)

    def map(self):
        with opened_to_read(self.path) as tool:
            tiles, mask_tiles = find_image_tiles(self.path, tool)
        return replace(self, tiles=tiles, mask_tiles=mask_tiles)

    def read(self, bottom, top, out):
        if self.tiles:
            read_box(self.tiles, bottom, top, out=out)
            return
        with opened_to_read(self.path) as tool:
            out[...] = tool.getchunk(bottom, top)

    def read_mask(self, bottom, top):
        if self.mask_tiles:
            return read_box(self.mask_tiles, bottom, top)
        with opened_to_read(self.path) as tool:
            return tool.getchunk(bottom, top, getmask=True)

    def read_beam(self, polarization, channel):
        with opened(self.path) as tool:
            beam = tool.restoringbeam()
            if "major" not in beam:
                beam = tool.restoringbeam(channel=int(channel), polarization=polarization)
        return beam_axes(beam)

    def read_beams(self, polarizations, channels):
        with opened(self.path) as tool:
            record = tool.restoringbeam()
        if "major" in record:
            return ((beam_axes(record),) * channels,) * polarizations
        # Not in the order of the record, which is sorted as text: *1, *10, *11, *2.
        return tuple(
            tuple(beam_axes(record["beams"][f"*{channel}"][f"*{polarization}"]) for channel in range(channels))
            for polarization in range(polarizations)
        )

    def read_recorded(self, root, names):
        return recorded_parameters(read_history(self.path), root, names)

    def read_frames(self, axes):
        with opened(self.path) as tool:
            coordinates = tool.coordsys()
            sky = coordinates.referencecode("direction")[0]
            spectral, rest = "", 0.0
            if axes[1] is not None:
                spectral = coordinates.referencecode("spectral")[0]
                rest = units.Quantity(*(coordinates.restfrequency()[name] for name in ("value", "unit"))).to_value("Hz")
            coordinates.done()
        return Frames(sky, spectral, float(np.ravel(rest)[0]))

    def to_world(self, axes, channel, y, x):
        with opened(self.path) as tool:
            coordinates = linear_coordinates(tool)
            pixels = np.zeros((len(coordinates.increment()["numeric"]), len(channel)))
            for axis, values in zip(axes[1:], (channel, y, x)):
                if axis is not None:
                    pixels[axis] = values
            world = coordinates.toworldmany(pixels)["numeric"]
            unknown = np.full(len(channel), np.nan)
            _, frequency, latitude, longitude = (unknown if axis is None else world[axis] for axis in axes)
            velocity = unknown
            if axes[1] is not None and coordinates.restfrequency()["value"][0] > 0:
                velocity = coordinates.frequencytovelocity(frequency, frequnit="Hz", doppler="radio", velunit="km/s")
            elif (np.abs(frequency) < LOWEST_FREQUENCY).all():
                frequency, velocity = unknown, frequency / 1000
            coordinates.done()
        return World(longitude, latitude, frequency, velocity)

    def to_pixels(self, axes, positions):
        with opened(self.path) as tool:
            coordinates = linear_coordinates(tool)
            frame = FRAMES.get(coordinates.referencecode("direction")[0], "fk5")
            sky = positions.transform_to(frame).spherical
            centre = np.array(coordinates.referencevalue()["numeric"])
            world = np.repeat(centre[:, np.newaxis], len(positions), axis=1)
            world[axes[3]], world[axes[2]] = sky.lon.rad, sky.lat.rad
            pixels = coordinates.topixelmany(world)["numeric"]
            coordinates.done()
        lon, lat = centre[axes[3]], centre[axes[2]]
        # Positions more than 90 degrees away would be projected into the field.
        apart = np.sin(sky.lat.rad) * np.sin(lat) + np.cos(sky.lat.rad) * np.cos(lat) * np.cos(sky.lon.rad - lon)
        pixels[:, apart <= 0] = np.nan
        return pixels[axes[2]], pixels[axes[3]]

    def read_sky(self):
        with opened(self.path) as tool:
            coordinates = linear_coordinates(tool)
            record = coordinates.torecord()
            coordinates.done()
        direction = next(record[name] for name in sorted(record) if name.startswith("direction"))
        names = ("GLON-{}", "GLAT-{}") if direction["system"] == "GALACTIC" else ("RA---{}", "DEC--{}")
        sky = WCS(naxis=2)
        sky.wcs.ctype = [name.format(direction["projection"]) for name in names]
        sky.wcs.crpix = direction["crpix"] + 1
        sky.wcs.cdelt, sky.wcs.crval = np.rad2deg(direction["cdelt"]), np.rad2deg(direction["crval"])
        sky.wcs.pc = direction["pc"].T  # casatools returns it transposed
        sky.wcs.lonpole, sky.wcs.latpole = direction["longpole"], direction["latpole"]
        sky.wcs.radesys = FITS_FRAMES.get(direction["system"], "")
        sky.wcs.set_pv([(2, number, value) for number, value in enumerate(direction["projection_parameters"], start=1)])
        return sky


@dataclass(frozen=True)
class FitsImage(CasaImage):
    """An image in a FITS file; blank pixels are NaN, and its history is not trusted: no tclean parameters are read."""

    ending = ".fits"
    nan_is_blank = True

    @staticmethod
    def recognizes(path):
        return is_fits(path)

    def at(self, path, offset):
        """The same image in another file that has the same layout and begins its pixels at ``offset`` bytes."""
        tiles = self.tiles and replace(self.tiles, path=os.path.abspath(path), offset=offset)
        return replace(self, path=path, tiles=tiles)

    def read_recorded(self, root, names):
        return {}


# Formats of images in files, in the order in which they are looked for.
FORMATS = CasaImage, FitsImage


def image_at(path):
    """Image at a path, in the format in which it is stored."""
    return next((each for each in FORMATS if each.recognizes(path)), CasaImage)(path)
