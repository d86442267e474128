"""
The seam between a cube and the formats of its images: one more format is one more class with these methods.

All that is asked of an opened image is in `Image`; `StoredImage` is what opening images in files needs in addition.
"""

from collections import namedtuple
from typing import Optional, Protocol, Tuple

# Celestial and spectral frame as CASA names them, and rest frequency in Hz (0 if there is none).
Frames = namedtuple("Frames", "sky spectral rest")

# World coordinates of pixels: longitude and latitude in rad, frequency in Hz and radio velocity in km/s. NaN where an
# image has none.
World = namedtuple("World", "longitude latitude frequency velocity")


class Image(Protocol):
    """
    One image of a cube: where its pixels are, and what its header says.

    Boxes and pixels have the axes of the image; `images.cube.Cube` knows their order, and gives it as its ``axes``. An
    image in files is small and picklable, and travels with every job.

    Attributes
    ----------
    path : str
        Path, or what the image is called in messages.
    masked : bool
        Whether a T/F mask must be read to know which pixels are blank.
    nan_is_blank : bool
        Whether blank pixels are NaN, because the format has no T/F mask.
    mapped : bool
        Whether pixels are read without CASA, so that several threads or processes can do so at once.
    tile : tuple of int or None
        Number of pixels along each axis that are stored together; None if unknown.
    """

    path: str
    masked: bool
    nan_is_blank: bool
    mapped: bool
    tile: Optional[Tuple[int, ...]]

    def read(self, bottom, top, out):
        """Fill a float32 array with a box of pixels, given by the first and the last along each axis."""

    def read_mask(self, bottom, top):
        """T/F mask of a box: True where pixels are valid."""

    def read_beam(self, polarization, channel):
        """Restoring beam of a plane: major and minor axis in arcsec, and position angle in degrees."""

    def read_beams(self, polarizations, channels):
        """Restoring beams of all planes, [polarization][channel], each as from `read_beam`."""

    def read_recorded(self, root, names):
        """The named parameters of the tclean run that made the image; {} if none is recorded."""

    def read_frames(self, axes):
        """Reference frames, as `Frames`."""

    def to_world(self, axes, channel, y, x):
        """`World` coordinates of pixels."""

    def to_pixels(self, axes, positions):
        """
        Pixels y and x, not rounded, of positions in the sky (`~astropy.coordinates.SkyCoord`).

        Raises ValueError if the image has no celestial coordinates.
        """

    def read_sky(self):
        """Celestial projection along x and y (`~astropy.wcs.WCS`)."""


class StoredImage(Image, Protocol):
    """
    An image in a file or folder.

    Attributes
    ----------
    ending : str
        What follows '.model' and so on in its name.
    """

    ending: str

    @staticmethod
    def recognizes(path):
        """Whether what is at a path is in this format."""

    def read_header(self):
        """
        Header of the image.

        Returns
        -------
        header : dict
            shape, axes, stokes, reference_coordinates, increments, beams and narrowest_beam as in `images.cube.Cube`;
            stored_shape and frames, to compare with those of the other images; unit of the pixels, and whether the
            image is masked.

        Raises
        ------
        ValueError
            If it cannot be read, or has pixels or axes that tclean never writes.
        """

    def read_empty_value(self):
        """Value of the model pixels without a component."""

    def map(self):
        """The same image with its pixels found in its files, where that is possible."""
