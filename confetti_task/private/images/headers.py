"""CASA's image tool, and the headers that it reads."""

import os
import re
from contextlib import contextmanager
from itertools import product

import numpy as np
from astropy import units

from .beams import beam_widths
from .fits import read_cards, why_refused
from .locks import wait_for_writers


@contextmanager
def opened(path):
    """Open an image with the image tool, and close it at the end: an open image makes writers wait."""
    from casatools import image

    wait_for_writers(path)
    if os.path.isfile(path):
        read_cards(path)  # the image tool opens truncated files, and reads what is left
    tool = image()
    try:
        tool.open(path)
    except RuntimeError as error:
        raise ValueError(f"{path} {_why_not_opened(path, str(error))}") from error
    try:
        yield tool
    finally:
        tool.done()


def _why_not_opened(path, error):
    """Why the image tool could not open an image, and the mend that fits."""
    joined = re.search(r"contains image (\S+) of another data type", error)
    if joined and not os.path.exists(os.path.join(os.path.dirname(path), joined[1])):
        return f"is a concatenation of other images, and {joined[1]} is not found: put it back, or join them again"
    if "acquiring lock" in error:
        return f"cannot be locked: {error}; copy the images to a disk with file locks, or mount it with them (flock)"
    known = why_refused(path) if os.path.isfile(path) else ""
    return known or (
        f"cannot be read as a CASA image or as FITS: {error}; give an image that tclean, exportfits or WSClean wrote"
    )


@contextmanager
def opened_to_read(path):
    """Open an image that may be damaged: any pixels or keywords that cannot be read raise an error that names it."""
    with opened(path) as tool:
        try:
            yield tool
        except RuntimeError as error:
            raise ValueError(f"{path} is damaged: {error}; copy it again, or re-image it with tclean") from error


def read_header(path):
    """
    Read the header of an image, and check that tclean could have written it.

    Parameters
    ----------
    path : str
        Path of the image.

    Returns
    -------
    header : dict
        shape, axes, stokes, reference_coordinates, increments, beams and narrowest_beam as in `images.cube.Cube`; unit
        of the pixels; whether the image is masked; celestial and spectral frame.

    Raises
    ------
    ValueError
        If it cannot be read, or has pixels or axes that tclean never writes.
    """
    with opened_to_read(path) as tool:
        if tool.pixeltype() not in ("float", "double"):
            raise ValueError(f"{path} has {tool.pixeltype()} pixels; give float images, as tclean writes them")
        coordinates = tool.coordsys()
        shape = tuple(int(length) for length in tool.shape())
        types = coordinates.axiscoordinatetypes()
        _check_axes(path, types, shape)
        _set_units(coordinates, types)
        header = _geometry(coordinates, shape, types)
        header["unit"] = tool.brightnessunit()
        header["masked"] = bool(tool.maskhandler("default")[0])
        cell = [header["increments"][axis] for axis in header["axes"][2:]]
        axes = _axes_of_beams(tool.restoringbeam(), header["shape"][1])
        header["beams"], header["narrowest_beam"] = beam_widths(axes, cell)
        coordinates.done()
    return header


def read_empty_value(path):
    """
    Value of the model pixels without a component: that of its corners, if all have the same.

    It is 0 unless the model has been in a FITS file of 16- or 32-bit integers, which cannot express a 0 exactly. A
    millionth of the peak remains then in every pixel.
    """
    with opened_to_read(path) as tool:
        # One by one: with increments, casacore ends the process where the image is joined virtually of others.
        places = product(*({0, int(length) - 1} for length in tool.shape()))
        corners = np.unique([np.float32(tool.getchunk(place, place).item()) for place in map(list, places)])
    return float(corners[0]) if len(corners) == 1 and np.isfinite(corners[0]) else 0.0


def _geometry(coordinates, shape, types):
    """Axes and reference coordinates of an image, from its coordinate system in rad and Hz."""
    x, y = (int(axis) for axis in coordinates.findcoordinate("direction")["pixel"])
    axes = tuple(types.index(kind) if kind in types else None for kind in ("Stokes", "Spectral")) + (y, x)
    return {
        "stored_shape": shape,
        "axes": axes,
        "shape": tuple(1 if axis is None else shape[axis] for axis in axes),
        "stokes": tuple(coordinates.stokes()) if axes[0] is not None else ("I",),
        "reference_coordinates": _reference_coordinates(coordinates, shape, (x, y)),
        "increments": tuple(coordinates.increment()["numeric"].tolist()),
        "frames": tuple(
            coordinates.referencecode(kind.lower())[0] for kind in ("Direction", "Spectral") if kind in types
        ),
    }


def _reference_coordinates(coordinates, shape, sky):
    # The corners of an all-sky image are beyond the sky.
    low = [length // 4 if axis in sky else 0 for axis, length in enumerate(shape)]
    high = [3 * length // 4 if axis in sky else length - 1 for axis, length in enumerate(shape)]
    return tuple(tuple(coordinates.toworld(pixel)["numeric"].tolist()) for pixel in (low, high))


def _check_axes(path, types, shape):
    names = [f"{kind} of {length}" for kind, length in zip(types, shape)]
    if types.count("Direction") != 2 or any(
        length > 1 and kind not in ("Direction", "Stokes", "Spectral") for kind, length in zip(types, shape)
    ):
        known = why_refused(path) if os.path.isfile(path) else ""
        usual = (
            f"should have two celestial axes, and no others longer than 1 but Stokes and frequency (got "
            f"{', '.join(names)}); give the images as tclean wrote them"
        )
        raise ValueError(f"{path} {known or usual}")


def linear_coordinates(tool):
    """Coordinate system of the opened image, converted to rad and Hz."""
    coordinates = tool.coordsys()
    _set_units(coordinates, coordinates.axiscoordinatetypes())
    return coordinates


def _set_units(coordinates, types):
    coordinates.setunits(["rad", "rad"], type="direction")
    if "Spectral" in types:
        coordinates.setunits(["Hz"], type="spectral")


def _axes_of_beams(record, channels):
    """Major and minor axis in rad of the beams of all planes, [n, 2], from a record of the image tool."""
    beams = [plane for channel in record.get("beams", {}).values() for plane in channel.values()]
    beams = beams or ([record] * channels if "major" in record else [])
    return np.transpose([_radians([beam[axis] for beam in beams]) for axis in ("major", "minor")])


def _radians(angles):
    """Convert angles of the image tool to rad, unit by unit: an astropy quantity for each angle would take 0.2 ms."""
    names = [angle["unit"] for angle in angles]
    scale = {name: units.Unit(name).to(units.rad) for name in set(names)}
    return np.array([angle["value"] * scale[name] for angle, name in zip(angles, names)])


def read_history(path):
    """Lines of the history of an image, oldest first."""
    with opened(path) as tool:
        return list(tool.history(list=False))


def read_common_beam(cube):
    """Major axis, minor axis and position angle of the common beam of the image as text; None if channels differ."""
    with opened(cube.path("image")) as tool:
        beam = tool.restoringbeam()
    if "major" not in beam:
        return None
    return [f"{float(beam[name]['value'])!r}{beam[name]['unit']}" for name in ("major", "minor", "positionangle")]


def beam_axes(beam):
    """Major and minor axis in arcsec, and position angle in degrees, of a beam as the image tool gives it."""
    wanted = (("major", units.arcsec), ("minor", units.arcsec), ("positionangle", units.deg))
    return tuple(float(beam[name]["value"]) * units.Unit(beam[name]["unit"]).to(unit) for name, unit in wanted)
