"""The images written by tclean or WSClean: which exist, the order of their axes, and how their pixels are stored."""

import glob
import math
import os
import re
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

import numpy as np
from astropy import units

from .casa_image import FORMATS, FitsImage, image_at
from .fits import is_fits
from .image import Image

NEEDED = ("model", "image", "residual")
OPTIONAL = ("psf", "mask")
READERS = ("auto", "ia")

# Two grids are the same if neither of two reference positions in the cube is off by more than this fraction of a pixel.
SAME_GRID_PIXELS = 0.01

# WSClean has dashes where tclean has dots, and writes no clean mask.
OF_WSCLEAN = ("model", "image", "residual", "psf")

# Name of an image: root name, product and Taylor term.
_IMAGE = re.compile(
    rf"(?P<root>.*)(?:\.(?:{'|'.join(NEEDED + OPTIONAL)})(?P<term>\.tt0)?(?:\.fits)?"
    rf"|-(?:{'|'.join(OF_WSCLEAN)})\.fits)$",
    re.DOTALL,
)

# Name that WSClean was given, with the polarization that it adds if it makes several: 'name-V'.
POLARIZED = re.compile(r"(?P<run>.*)(?P<polarization>-[A-Z]{1,2}i?)$", re.DOTALL)


@dataclass(frozen=True)
class Cube:
    """
    The images that one run of tclean made, or several runs that make up one spectrum. Small and picklable: it holds no
    pixels, unless its images are arrays.

    Attributes
    ----------
    root, taylor_term : str
        Name given to tclean, and '.tt0' if it wrote Taylor terms; both '' for arrays.
    products : tuple of str
        Which of model, image, residual, psf and mask exist.
    images : dict
        `images.image.Image` of each of them. The T/F mask of the image is read with it: tclean's is True where the
        primary beam is above pblimit. A cube in pieces or in files has those of the first.
    shape : tuple of int
        Number of polarizations, number of channels, height and width.
    axes : tuple of int or None
        Image axes of polarization, channel, y and x; None for an axis that the image does not have.
    ndim : int
        Number of axes of the image.
    stokes : tuple of str
        Names of the polarizations.
    beams, psf_beams : tuple of float
        FWHM of the restoring beam of the image and of the PSF in pixels, geometric mean of both axes, for each plane
        that has a beam. Empty if there is no PSF, or none of its planes has a beam.
    narrowest_beam : float
        The smallest minor axis (FWHM) of any of these beams, in units of the longer side of a pixel.
    reference_coordinates, increments : tuple
        World coordinates of a pixel in the first channel, a quarter of the image from two of its edges, and of one in
        the last channel, a quarter from the other two; increments along each axis; in rad and Hz.
    pieces : tuple of `Cube`
        Cubes that are joined along the spectral axis into this one; empty for a cube with one root name.
    files : tuple of `Cube`
        Channels of this cube, one each, if they are in files of their own, as WSClean writes them; else empty.
    empty : float
        Value of model pixels without a component, in Jy/pixel; they are read as 0.
    restored_with : tuple
        Beams [polarization][channel] with which the check itself restores the model, each with its major and minor axis
        in arcsec and position angle in degrees: see `check.consistency.restored_again`. Empty if image minus residual
        is the restored model, as tclean leaves it.
    """

    root: str
    taylor_term: str
    products: Tuple[str, ...]
    images: Dict[str, Image]
    shape: Tuple[int, int, int, int]
    axes: Tuple[Optional[int], Optional[int], int, int]
    ndim: int
    stokes: Tuple[str, ...]
    beams: Tuple[float, ...]
    psf_beams: Tuple[float, ...]
    narrowest_beam: float
    reference_coordinates: Tuple[Tuple[float, ...], Tuple[float, ...]]
    increments: Tuple[float, ...]
    pieces: Tuple["Cube", ...] = ()
    files: Tuple["Cube", ...] = ()
    empty: float = 0.0
    restored_with: Tuple[Tuple[Tuple[float, float, float], ...], ...] = ()

    @property
    def channels(self):
        """Number of channels."""
        return self.shape[1]

    @property
    def beam(self):
        """FWHM of the restoring beam in pixels: median of the channels."""
        return float(np.median(self.beams or self.psf_beams))

    @property
    def psf_beam(self):
        """FWHM of the PSF in pixels: median of the channels; None if unknown."""
        return float(np.median(self.psf_beams)) if self.psf_beams else None

    @property
    def cell(self):
        """Pixel size along y (positive towards North) and along x (positive towards East), in arcsec."""
        return tuple(math.degrees(self.increments[axis]) * 3600 for axis in self.axes[2:])

    @property
    def absolute(self):
        """The cube with absolute paths of its own images; pieces and files keep theirs."""
        images = {name: replace(image, path=os.path.abspath(image.path)) for name, image in self.images.items()}
        return replace(self, root=os.path.abspath(self.root), images=images)

    @property
    def as_stored(self):
        """The cube with its image as stored on disk, whether or not that is what tclean restored."""
        pieces, files = (tuple(part.as_stored for part in parts) for parts in (self.pieces, self.files))
        return replace(self, restored_with=(), pieces=pieces, files=files)

    @property
    def stored(self):
        """The cubes that have files of their own, in channel order: the pieces, or the channels, or this cube."""
        return [part for piece in self.pieces or [self] for part in piece.files or [piece]]

    @property
    def mapped(self):
        """Whether all pixels that are measured can be read without CASA."""
        measured = (name for name in NEEDED + OPTIONAL if name != "mask")
        return all(part.images[name].mapped for name in measured for part in self.stored if name in part.images)

    @property
    def paths(self):
        """Path of each product."""
        return {product: image.path for product, image in self.images.items()}

    @property
    def fits(self):
        """Which products are in FITS files, in any of the pieces."""
        images = (each for part in self.pieces or [self] for each in part.images.items())
        return tuple(dict.fromkeys(product for product, image in images if isinstance(image, FitsImage)))

    @property
    def name(self):
        """Name of the cube in messages."""
        return f"{self.root} and {len(self.pieces) - 1} more" if self.pieces else self.root or "the arrays"

    @property
    def depth(self):
        """Number of channels stored together in a tile."""
        tile = self.images["model"].tile
        return tile[self.axes[1]] if tile and self.axes[1] is not None else 1

    def parts(self, start, end):
        """The `stored` cubes that cover a range of channels, each with the start and end of the range in it."""
        for cube in self.pieces or [self]:
            low, high = max(start, 0), min(end, cube.channels)
            if low < high and cube.files:
                yield from ((file, 0, 1) for file in cube.files[low:high])
            elif low < high:
                yield cube, low, high
            start, end = start - cube.channels, end - cube.channels

    def part_of(self, channel):
        """The one of the `stored` cubes that contains a channel, and the number of the channel in it."""
        cube, start, _ = next(self.parts(channel, channel + 1))
        return cube, start

    def piece_of(self, channels):
        """Number of the piece that contains each channel, and number of the channel in it, as 1D int arrays."""
        starts = np.cumsum([0, *(piece.channels for piece in self.pieces[:-1])])
        piece = np.searchsorted(starts, channels, side="right") - 1
        return piece, channels - starts[piece]

    def has(self, product, channel):
        """Whether a product exists for a channel."""
        cube, _ = self.part_of(channel)
        return product in cube.products

    def path(self, product, channel=0):
        """Path of a product, or the one that it would have."""
        cube, _ = self.part_of(channel)
        if product in cube.images:
            return cube.images[product].path
        return cube.root + cube.images["model"].path[len(cube.root) :].replace("model", product)

    def box(self, polarization, start, end, rows=None, columns=None):
        """First and last pixel along each axis of a range of channels, rows and columns, as `Image.read` takes them."""
        _, _, height, width = self.shape
        rows, columns = rows or (0, height), columns or (0, width)
        bottom, top = [0] * self.ndim, [0] * self.ndim
        lows = (polarization, start, rows[0], columns[0])
        highs = (polarization, end - 1, rows[1] - 1, columns[1] - 1)
        for axis, low, high in zip(self.axes, lows, highs):
            if axis is not None:
                bottom[axis], top[axis] = low, high
        return bottom, top

    def from_image_order(self, pixels):
        """Reorder the pixels of one polarization from the axes of the image to [channel, y, x]."""
        height, width = (pixels.shape[axis] for axis in self.axes[2:])
        return pixels.transpose(self._order()).reshape(-1, height, width)

    def to_image_order(self, planes):
        """Reorder [channel, y, x] to the axes of the image."""
        order = self._order()
        length = dict(zip(self.axes[1:], planes.shape))
        return planes.reshape([length.get(axis, 1) for axis in order]).transpose(np.argsort(order))

    def _order(self):
        wanted = [axis for axis in self.axes[1:] if axis is not None]
        return wanted + [axis for axis in range(self.ndim) if axis not in wanted]


def open_cube(imagename, reader="auto"):
    """
    Find the images that a run of tclean made, and check that they belong together.

    Parameters
    ----------
    imagename : str
        Root name given to tclean, or the name of one of its images.
    reader : {'auto', 'ia'}
        Whether to read pixels from the files of the images where possible, or always through the image tool.

    Returns
    -------
    cube : `Cube`
        The images that exist.

    Raises
    ------
    ValueError
        If an image is missing, unreadable, complex or not on the grid of the model, or if the image is not in Jy/beam
        or has no plausible restoring beam.
    """
    if reader not in READERS:
        raise ValueError(f"reader should be one of {READERS} (got {reader!r})")
    root, term = split_name(imagename)
    paths = _find_images(imagename, root, term)
    stored = {product: image_at(path) for product, path in paths.items()}
    headers = {product: image.read_header() for product, image in stored.items()}
    for product in paths:
        _check_same_grid(product, paths, headers)
    model, image = headers["model"], headers["image"]
    cube = Cube(
        root=root,
        taylor_term=term,
        products=tuple(paths),
        images=_prepared(stored, image["masked"], reader),
        ndim=len(model["stored_shape"]),
        beams=image["beams"],
        psf_beams=headers["psf"]["beams"] if "psf" in headers else (),
        narrowest_beam=min(header["narrowest_beam"] for name, header in headers.items() if name in ("image", "psf")),
        empty=stored["model"].read_empty_value(),
        **{name: model[name] for name in ("shape", "axes", "stokes", "reference_coordinates", "increments")},
    )
    _check_image(cube, image["unit"])
    return cube


def _find_images(imagename, root, term):
    """Paths of the images that exist, by product."""
    found = {}
    for paths in _candidates(root, term):
        found = {**{product: path for product, path in paths.items() if os.path.exists(path)}, **found}
        # FITS files next to a complete set of CASA images may be older, or made for another purpose.
        if set(NEEDED) <= set(found):
            return {product: found[product] for product in NEEDED + OPTIONAL if product in found}
    missing = [_path(root, product, term) for product in NEEDED if product not in found]
    raise ValueError(f"imagename='{imagename}': {' and '.join(missing)} not found; {_where_to_look(root, missing)}")


def _candidates(root, term):
    """Paths that the images may have, in the order of preference."""
    usual = [{product: _path(root, product, term) + each.ending for product in NEEDED + OPTIONAL} for each in FORMATS]
    if os.path.exists(f"{root}-model.fits") and not any(os.path.exists(paths["model"]) for paths in usual):
        return [paths_of_wsclean(root)]
    return usual


def paths_of_wsclean(root):
    """Paths of WSClean's images, by product; one PSF serves all polarizations."""
    paths = {product: f"{root}-{product}.fits" for product in OF_WSCLEAN}
    polarized = POLARIZED.match(root)
    if polarized and not os.path.exists(paths["psf"]):
        paths["psf"] = f"{polarized['run']}-psf.fits"
    return paths


def _where_to_look(root, missing):
    others = sorted(glob.glob(f"{glob.escape(root)}-*-model.fits"))
    if others:
        return (
            f"there is {others[0]}: give the name of one of its images, for all channels of that polarization or time"
        )
    for path in missing:
        if os.path.exists(path + ".fits.gz"):
            return f"decompress it first: gunzip {path}.fits.gz"
    return (
        "give the root name used in tclean, with .model, .image and .residual in the same folder, as CASA images or as "
        ".model.fits, .image.fits and .residual.fits; or the name given to WSClean"
    )


def _is_jansky_per_beam(unit):
    """Whether a unit is Jy/beam, however it is spelled: 'beam-1 Jy', 'Jy beam^-1', 'JY/BEAM'."""
    try:
        return units.Unit(unit.lower().replace("jy", "Jy")) == units.Jy / units.beam
    except ValueError:
        return False


def _check_image(cube, unit):
    if unit and not _is_jansky_per_beam(unit):
        raise ValueError(
            f"{cube.path('image')} is in {unit}, not in Jy/beam; give the image as tclean wrote it, or convert it"
        )
    if not cube.beams and not cube.psf_beams:
        raise ValueError(
            f"{cube.path('image')} has no restoring beam, or one of zero width, as where tclean cannot fit the PSF. If "
            "the beam was lost, set it with ia.setrestoringbeam, in FITS as BMAJ, BMIN and BPA; if the PSF has "
            "stripes, as in a snapshot with few baselines, more hour angles or baselines would help, but not "
            "restoringbeam, with which tclean multiplies the residual by the ratio of the beams"
        )
    if cube.beam < 1:
        raise ValueError(
            f"{cube.path('image')} has a restoring beam of only {cube.beam:.2g} pixels; correct it with "
            "ia.setrestoringbeam"
        )
    if cube.beam > min(cube.shape[2:]):
        raise ValueError(
            f"{cube.path('image')} has a restoring beam of {cube.beam:.0f} pixels, wider than the image; correct it "
            "with ia.setrestoringbeam"
        )


def _prepared(images, masked, reader):
    """The images as they will be read; ``masked``, whether that of the sky has a T/F mask."""
    images = dict(images, image=replace(images["image"], masked=masked))
    return {product: image.map() for product, image in images.items()} if reader == "auto" else images


def _path(root, product, term):
    # tclean writes a single clean mask for all Taylor terms.
    return f"{root}.{product}{'' if product == 'mask' else term}"


def split_name(imagename):
    """Split the name of an image, or a root name, into root name and Taylor term."""
    name = imagename.rstrip("/")
    match = _IMAGE.match(name)
    if match:
        return match["root"], match["term"] or ""
    there = [term for term in ("", ".tt0") for end in ("", ".fits") if os.path.exists(f"{name}.model{term}{end}")]
    return name, there[0] if there else ""


def _check_same_grid(product, paths, headers):
    """Raise an error if a product is not on the grid of the model; a PSF may be that of another polarization."""
    path, header, model_path, model_header = paths[product], headers[product], paths["model"], headers["model"]
    things = {
        "stored_shape": "shape",
        "axes": "order of the axes (polarization, channel, y, x)",
        "frames": "reference frames",
    }
    way_out = "give images from one run of tclean"
    if is_fits(path) != is_fits(model_path):
        way_out += ", either all as CASA images or all as FITS: exportfits changes the order of the axes"
    for name, what in things.items():
        if header[name] != model_header[name]:
            raise ValueError(
                f"{path} and {model_path} should have the same {what} (got {header[name]} and {model_header[name]}); "
                f"{way_out}"
            )
    here, there = (each["reference_coordinates"] for each in (header, model_header))
    offset = np.abs(np.subtract(here, there) / model_header["increments"])
    if product == "psf" and model_header["axes"][0] is not None:
        offset[:, model_header["axes"][0]] = 0
    if offset.max() > SAME_GRID_PIXELS:
        raise ValueError(
            f"{path} and {model_path} should be on the same grid (got world coordinates {here} and {there}); give "
            "images from one run of tclean"
        )


def read_beam(cube, polarization, channel):
    """Restoring beam of a plane: major and minor axis in arcsec, and position angle in degrees."""
    part, channel = cube.part_of(channel)
    if part.restored_with:
        return part.restored_with[polarization][channel]
    return part.images["image" if part.beams else "psf"].read_beam(polarization, channel)


def read_recorded(cube, names):
    """The named parameters of the tclean run that cleaned a cube; {} if its history does not record it."""
    part = cube.stored[0]
    return part.images["image"].read_recorded(part.root, names)
