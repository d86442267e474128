"""The images of tclean as float32 cubes [channel, y, x]: the only place that reads pixels."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from astropy import units

NEEDED = ("model", "image", "residual")
OPTIONAL = ("psf", "mask")

# Two grids are the same when no corner of the cube is off by more than this part of a pixel.
SAME_GRID_PIXELS = 0.01


@dataclass(frozen=True)
class Cube:
    """
    The images of one run of tclean, and the order of their axes. Small and picklable: it holds no pixels.

    Attributes
    ----------
    root, term : str
        Name given to tclean, and '.tt0' where it wrote Taylor terms.
    products : tuple of str
        Which of model, image, residual, psf and mask there are.
    masked : bool
        Whether the image has a T/F mask: tclean's is True where the primary beam is above pblimit.
    lengths : tuple of int
        Number of polarizations and of channels, height and width.
    axes : tuple of int or None
        Which axes of the image are polarization, channel, y and x; None for one that it does not have.
    ndim : int
        Number of axes of the image.
    stokes : tuple of str
        Names of the polarizations.
    beam, psf_beam : float
        Width of the restoring beam of the image and of the PSF at half maximum in pixels: geometric mean of both axes,
        median of the channels. None for a PSF that is not there or has none.
    """

    root: str
    term: str
    products: Tuple[str, ...]
    masked: bool
    lengths: Tuple[int, int, int, int]
    axes: Tuple[Optional[int], Optional[int], int, int]
    ndim: int
    stokes: Tuple[str, ...]
    beam: float
    psf_beam: Optional[float]

    @property
    def channels(self):
        """Number of channels."""
        return self.lengths[1]

    def path(self, product):
        """Name of one of the images."""
        return _path(self.root, product, self.term)

    def corners(self, polarization, first, last):
        """Bottom left and top right corner of a range of channels, as the image tool takes them."""
        _, _, height, width = self.lengths
        bottom, top = [0] * self.ndim, [0] * self.ndim
        for axis, low, high in zip(self.axes, (polarization, first, 0, 0), (polarization, last, height - 1, width - 1)):
            if axis is not None:
                bottom[axis], top[axis] = low, high
        return bottom, top

    def from_image_order(self, pixels):
        """Reorder what the image tool returns for one polarization to [channel, y, x]."""
        return pixels.transpose(self._order()).reshape(-1, *self.lengths[2:])

    def to_image_order(self, planes):
        """Reorder [channel, y, x] to what the image tool takes."""
        order = self._order()
        length = dict(zip(self.axes[1:], planes.shape))
        return planes.reshape([length.get(axis, 1) for axis in order]).transpose(np.argsort(order))

    def _order(self):
        wanted = [axis for axis in self.axes[1:] if axis is not None]
        return wanted + [axis for axis in range(self.ndim) if axis not in wanted]


def open_cube(imagename):
    """
    Find the images of one run of tclean, and check that they belong together.

    Parameters
    ----------
    imagename : str
        Root name given to tclean, or the name of one of its images.

    Returns
    -------
    cube : `Cube`
        What is there.

    Raises
    ------
    ValueError
        If an image is missing, unreadable, complex or on another grid than the model, or if the image is not in
        Jy/beam or has no restoring beam that fits it.
    """
    root, term = _split_name(imagename)
    paths = {product: _path(root, product, term) for product in NEEDED}
    missing = [path for path in paths.values() if not os.path.exists(path)]
    if missing:
        raise ValueError(
            f"imagename='{imagename}': {' and '.join(missing)} not found; give the root name that tclean was given, "
            "with .model, .image and .residual in one folder"
        )
    optional = {product: _path(root, product, term) for product in OPTIONAL}
    paths.update({product: path for product, path in optional.items() if os.path.exists(path)})
    headers = {product: _read_header(path) for product, path in paths.items()}
    for product, header in headers.items():
        _check_same_grid(paths[product], header, paths["model"], headers["model"])
    if headers["image"]["unit"] not in ("Jy/beam", ""):
        raise ValueError(f"{paths['image']} is in {headers['image']['unit']}; Jy/beam is needed, as tclean writes it")
    psf_beam = headers["psf"]["beam"] if "psf" in headers else None
    beam = headers["image"]["beam"] or psf_beam
    if beam is None:
        raise ValueError(f"{paths['image']} has no restoring beam; give it one with ia.setrestoringbeam")
    if beam > min(headers["model"]["lengths"][2:]):
        raise ValueError(f"{paths['image']} has a restoring beam {beam:.0f} pixels wide, wider than itself; correct it")
    return Cube(
        root=root,
        term=term,
        products=tuple(paths),
        masked=headers["image"]["masked"],
        lengths=headers["model"]["lengths"],
        axes=headers["model"]["axes"],
        ndim=len(headers["model"]["shape"]),
        stokes=headers["model"]["stokes"],
        beam=beam,
        psf_beam=psf_beam,
    )


def _path(root, product, term):
    # tclean writes one clean mask for all Taylor terms.
    return f"{root}.{product}{'' if product == 'mask' else term}"


def _split_name(imagename):
    name = imagename.rstrip("/")
    for term in (".tt0", ""):
        for product in NEEDED + OPTIONAL:
            if name.endswith(f".{product}{term}"):
                return name[: -len(f".{product}{term}")], term
    taylor = not os.path.exists(f"{name}.model") and os.path.exists(f"{name}.model.tt0")
    return name, ".tt0" if taylor else ""


@contextmanager
def opened(path):
    """The image tool with an image opened, closed again at the end: an image held open makes writers wait."""
    from casatools import image

    tool = image()
    try:
        tool.open(path)
    except RuntimeError as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    try:
        yield tool
    finally:
        tool.done()


def _read_header(path):
    with opened(path) as tool:
        if tool.pixeltype() not in ("float", "double"):
            raise ValueError(f"{path} has {tool.pixeltype()} pixels; the images of tclean have float pixels")
        coordinates = _coordinates(tool)
        shape = tuple(int(length) for length in tool.shape())
        types = coordinates.axiscoordinatetypes()
        x, y = (int(axis) for axis in coordinates.findcoordinate("direction")["pixel"])
        axes = tuple(types.index(kind) if kind in types else None for kind in ("Stokes", "Spectral")) + (y, x)
        stokes = tuple(coordinates.stokes()) if axes[0] is not None else ("I",)
        header = {
            "shape": shape,
            "axes": axes,
            "lengths": tuple(1 if axis is None else shape[axis] for axis in axes),
            "stokes": stokes,
            "unit": tool.brightnessunit(),
            "masked": bool(tool.maskhandler("default")[0]),
            "corners": [coordinates.toworld(pixel)["numeric"] for pixel in ([0] * len(shape), [n - 1 for n in shape])],
            "increment": coordinates.increment()["numeric"],
        }
        cell = np.sqrt(np.prod([abs(header["increment"][axis]) for axis in (x, y)]))
        header["beam"] = _beam_width(tool.restoringbeam(), cell * units.rad)
        coordinates.done()
    return header


def _coordinates(tool):
    """Coordinate system of the opened image, in rad and Hz whatever it was written in."""
    coordinates = tool.coordsys()
    coordinates.setunits(["rad", "rad"], type="direction")
    if "Spectral" in coordinates.axiscoordinatetypes():
        coordinates.setunits(["Hz"], type="spectral")
    return coordinates


def _beam_width(record, cell):
    """Width of the beam in pixels from a record of the image tool, None when there is none."""
    beams = [plane for channel in record.get("beams", {}).values() for plane in channel.values()]
    beams = beams or ([record] if "major" in record else [])
    axes = [[units.Quantity(beam[axis]["value"], beam[axis]["unit"]) for axis in ("major", "minor")] for beam in beams]
    widths = [float(np.sqrt(major * minor) / cell) for major, minor in axes]
    # Flagged channels have beams of zero size.
    widths = [width for width in widths if width > 0]
    return float(np.median(widths)) if widths else None


def _check_same_grid(path, header, model_path, model_header):
    for name, what in (("shape", "shape"), ("axes", "order of the axes (polarization, channel, y, x)")):
        if header[name] != model_header[name]:
            raise ValueError(
                f"{path} and {model_path} should have the same {what} (got {header[name]} and {model_header[name]}); "
                "are they of one run of tclean?"
            )
    offset = np.abs(np.subtract(header["corners"], model_header["corners"]) / model_header["increment"])
    if offset.max() > SAME_GRID_PIXELS:
        raise ValueError(
            f"{path} and {model_path} should be on the same grid (got corners {header['corners']} and "
            f"{model_header['corners']}); are they of one run of tclean?"
        )


def read_channels(cube, product, polarization, first, last):
    """
    Read a range of channels.

    Parameters
    ----------
    cube : `Cube`
        The images.
    product : str
        Which of them.
    polarization, first, last : int
        Number of the polarization, first and last channel.

    Returns
    -------
    planes : 3D float32 `~numpy.ndarray`
        [channel, y, x]. NaN where a pixel is not finite, and in the image where its T/F mask is False.
    """
    bottom, top = cube.corners(polarization, first, last)
    with opened(cube.path(product)) as tool:
        pixels = tool.getchunk(bottom, top).astype(np.float32)
        if product == "image" and cube.masked:
            pixels[~tool.getchunk(bottom, top, getmask=True)] = np.nan
    pixels[~np.isfinite(pixels)] = np.nan
    return np.ascontiguousarray(cube.from_image_order(pixels))


def read_history(cube):
    """Lines of the history of the image, in the order in which they were written."""
    with opened(cube.path("image")) as tool:
        return list(tool.history(list=False))


def read_frequencies(cube):
    """Frequencies of all channels in Hz, in the frame of the cube."""
    everywhere = np.arange(cube.channels)
    return world_coordinates(cube, everywhere, 0 * everywhere, 0 * everywhere)[2].to_value("Hz")


def read_common_beam(cube):
    """Major axis, minor axis and position angle of the one beam of the image as text; None where channels differ."""
    with opened(cube.path("image")) as tool:
        beam = tool.restoringbeam()
    if "major" not in beam:
        return None
    return [f"{float(beam[name]['value'])!r}{beam[name]['unit']}" for name in ("major", "minor", "positionangle")]


def read_plane(path, cube, polarization, channel):
    """Pixels [y, x] of one channel of an image whose axes are those of a cube."""
    with opened(path) as tool:
        return cube.from_image_order(tool.getchunk(*cube.corners(polarization, channel, channel)))[0]


def read_coordinates(path):
    """Coordinate system and shape of an image, for a new one on its grid."""
    with opened(path) as tool:
        coordinates = tool.coordsys()
        record = coordinates.torecord()
        coordinates.done()
        return record, [int(length) for length in tool.shape()]


def pixel_positions(cube, positions):
    """
    Pixels of positions on the sky.

    Parameters
    ----------
    cube : `Cube`
        The images.
    positions : `~astropy.coordinates.SkyCoord`
        Any number of them.

    Returns
    -------
    y, x : 1D `~numpy.ndarray`
        Not rounded; beyond the image too. NaN for positions more than 90 degrees away, which a projection would take
        into the field.
    """
    if not len(positions):
        return np.zeros(0), np.zeros(0)
    with opened(cube.path("model")) as tool:
        coordinates = _coordinates(tool)
        frame = {"ICRS": "icrs", "GALACTIC": "galactic", "B1950": "fk4"}.get(coordinates.referencecode("direction")[0])
        sky = positions.transform_to(frame or "fk5").spherical
        world = np.repeat(np.array(coordinates.referencevalue()["numeric"])[:, np.newaxis], len(positions), axis=1)
        world[cube.axes[3]], world[cube.axes[2]] = sky.lon.rad, sky.lat.rad
        pixels = coordinates.topixelmany(world)["numeric"]
        lon, lat = (coordinates.referencevalue()["numeric"][axis] for axis in (cube.axes[3], cube.axes[2]))
        coordinates.done()
    apart = np.sin(sky.lat.rad) * np.sin(lat) + np.cos(sky.lat.rad) * np.cos(lat) * np.cos(sky.lon.rad - lon)
    pixels[:, apart <= 0] = np.nan
    return pixels[cube.axes[2]], pixels[cube.axes[3]]


def world_coordinates(cube, channel, y, x):
    """
    Position and frequency of pixels.

    Parameters
    ----------
    cube : `Cube`
        The images.
    channel, y, x : 1D int `~numpy.ndarray`
        The pixels.

    Returns
    -------
    ra, dec, frequency, velocity : `~astropy.units.Quantity`
        In the frames of the cube; velocity in the radio convention. NaN for what the cube does not have.
    """
    pixels = np.zeros((cube.ndim, len(channel)))
    for axis, values in zip(cube.axes[1:], (channel, y, x)):
        if axis is not None:
            pixels[axis] = values
    with opened(cube.path("model")) as tool:
        coordinates = _coordinates(tool)
        world = coordinates.toworldmany(pixels)["numeric"] if len(channel) else pixels
        unknown = np.full(len(channel), np.nan)
        _, frequency, dec, ra = (unknown if axis is None else world[axis] for axis in cube.axes)
        velocity = unknown
        if cube.axes[1] is not None and len(channel) and coordinates.restfrequency()["value"][0] > 0:
            velocity = coordinates.frequencytovelocity(frequency, frequnit="Hz", doppler="radio", velunit="km/s")
        coordinates.done()
    return (
        (ra * units.rad).to("deg") % (360 * units.deg),
        (dec * units.rad).to("deg"),
        (frequency * units.Hz).to("GHz"),
        velocity * units.km / units.s,
    )
