"""Images that are arrays: of numpy, memory maps, or anything that numpy can read slices of, such as dask's."""

from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

import numpy as np
from astropy import constants, units
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from .beams import beam_widths
from .coordinates import FRAMES
from .cube import Cube
from .image import Frames, World

# Without celestial coordinates a pixel is an arcsecond wide, so that beams are in pixels.
PIXEL = (-1.0, 1.0)
AXES = (None, 0, 1, 2)


@dataclass(frozen=True)
class ArrayImage:
    """
    An array [channel, y, x]; see `images.image.Image`.

    Attributes
    ----------
    path : str
        What the array is called in messages.
    array : array-like
        The pixels in Jy/beam, the model in Jy/pixel; blank ones are NaN, or masked.
    beams : tuple of tuple of float
        Restoring beam of each channel, as from `images.image.Image.read_beam`; empty if unknown.
    wcs : `~astropy.wcs.WCS` or None
        World coordinates; None if unknown.
    recorded : dict
        Parameters of tclean, as far as they are known.
    """

    path: str
    array: Any = field(repr=False)
    beams: Tuple[Tuple[float, float, float], ...] = ()
    wcs: Any = None
    recorded: Dict[str, Any] = field(default_factory=dict)

    masked = False
    nan_is_blank = True
    mapped = True

    @property
    def tile(self):
        return getattr(self.array, "chunksize", None)

    def read(self, bottom, top, out):
        box = tuple(slice(low, high + 1) for low, high in zip(bottom, top))
        pixels = self.array[box]
        out[...] = pixels
        if isinstance(pixels, np.ma.MaskedArray):
            out[np.ma.getmaskarray(pixels)] = np.nan

    def read_mask(self, bottom, top):
        return np.ones([high - low + 1 for low, high in zip(bottom, top)], dtype=bool)

    def read_beam(self, polarization, channel):
        return self.beams[channel]

    def read_beams(self, polarizations, channels):
        return (self.beams,) * polarizations

    def read_recorded(self, root, names):
        return {name: value for name, value in self.recorded.items() if name in names}

    def read_sky(self):
        return self.wcs.celestial

    def read_frames(self, axes):
        if self.wcs is None:
            return Frames("ICRS", "", 0.0)
        frame = wcs_to_celestial_frame(self.wcs).name
        system = next((casa for casa, name in FRAMES.items() if name == frame), "ICRS")
        return Frames(system, self.wcs.wcs.specsys.strip(), _rest_frequency(self.wcs))

    def to_world(self, axes, channel, y, x):
        unknown = np.full(len(channel), np.nan)
        if self.wcs is None:
            return World(unknown, unknown, unknown, unknown)
        longitude, latitude = np.deg2rad(self.wcs.celestial.wcs_pix2world(np.transpose([x, y]), 0)).T
        return World(longitude, latitude, *_spectrum_of(self.wcs, channel))

    def to_pixels(self, axes, positions):
        if self.wcs is None:
            raise ValueError("known sources have positions in the sky, and the arrays have none: give their wcs too")
        x, y = np.array(self.wcs.celestial.world_to_pixel(positions))
        # Positions more than 90 degrees away would be projected into the field.
        centre = self.wcs.celestial.pixel_to_world(*(self.wcs.celestial.wcs.crpix - 1))
        far = positions.separation(centre) > 90 * units.deg
        return np.where(far, np.nan, y), np.where(far, np.nan, x)


def _rest_frequency(wcs):
    """Rest frequency in Hz; 0 if there is none."""
    return float(wcs.wcs.restfrq) or float(constants.c.value / wcs.wcs.restwav if wcs.wcs.restwav else 0.0)


def _spectrum_of(wcs, channel):
    """Frequency in Hz and radio velocity in km/s of channels; NaN if unknown."""
    unknown = np.full(len(channel), np.nan)
    if not wcs.has_spectral:
        return unknown, unknown
    axis, rest = wcs.spectral, _rest_frequency(wcs) * units.Hz
    values = axis.wcs_pix2world(channel[:, np.newaxis], 0)[:, 0] * units.Unit(axis.wcs.cunit[0])
    is_velocity = values.unit.is_equivalent("km/s")
    if not rest.value:
        return (unknown, values.to_value("km/s")) if is_velocity else (values.to_value("Hz", units.spectral()), unknown)
    optical = axis.wcs.ctype[0].startswith(("VOPT", "FELO"))
    doppler = units.doppler_optical(rest) if optical else units.doppler_radio(rest)
    frequency = values.to("Hz", doppler if is_velocity else units.spectral())
    return frequency.value, frequency.to_value("km/s", units.doppler_radio(rest))


def open_arrays(arrays, beam, psf_beam=None, wcs=None, recorded=None):
    """
    Make a cube of arrays.

    Parameters
    ----------
    arrays : dict of array-like
        'model', 'image' and 'residual', each [channel, y, x]; and 'psf' and 'mask' unless they are None. Those of one
        plane [y, x] apply to all channels.
    beam, psf_beam
        Restoring beam of the image, and of the PSF if it is another: see `confetti_task.find_confetti`.
    wcs : `~astropy.wcs.WCS` or None
        World coordinates.
    recorded : dict or None
        Parameters of tclean, as far as they are known.

    Returns
    -------
    cube : `images.cube.Cube`
        The cube; reading it copies no more than is asked for.

    Raises
    ------
    ValueError
        If the arrays differ in shape, are not real or not in Jy/beam, or if the beam is invalid.
    """
    shape = _shape_of(arrays["model"], "model")
    arrays = {name: _checked(array, name, shape) for name, array in arrays.items() if array is not None}
    cell = _cell_of(wcs)
    beams = {"image": _beams_of(beam, "beam", shape[0], cell, wcs)}
    beams["psf"] = beams["image"] if psf_beam is None else _beams_of(psf_beam, "psf_beam", shape[0], cell, wcs)
    widths, narrowest = zip(*(beam_widths([axes[:2] for axes in each], cell) for each in beams.values()))
    widths = dict(zip(beams, widths))
    _check_width(widths["image"], shape)
    images = {
        name: ArrayImage(name, array, beams.get(name, ()), wcs, dict(recorded or {})) for name, array in arrays.items()
    }
    return Cube(
        root="",
        taylor_term="",
        products=tuple(images),
        images=images,
        shape=(1, *shape),
        axes=AXES,
        ndim=3,
        stokes=("I",),
        beams=widths["image"],
        psf_beams=widths["psf"] if "psf" in images else (),
        narrowest_beam=min(narrowest),
        reference_coordinates=((0.0, 0.0, 0.0), (float(shape[0] - 1), 0.0, 0.0)),
        increments=(1.0, *np.deg2rad(np.array(cell[::-1]) / 3600).tolist()),
    )


def _shape_of(array, name):
    shape = tuple(np.shape(array))
    if len(shape) != 3:
        raise ValueError(f"{name} should be [channel, y, x] (got an array of shape {shape}); take one polarization")
    return shape


def _checked(array, name, shape):
    """Check an array, and return something to slice with the model's shape; a plane is repeated without copying it."""
    given, unit = tuple(np.shape(array)), getattr(array, "unit", None)
    if given == shape[1:]:
        array, given = np.broadcast_to(np.asarray(array), shape), shape
    if given != shape:
        raise ValueError(f"{name} and model should have the same shape (got {given} and {shape})")
    if name in ("image", "residual") and unit not in (None, units.dimensionless_unscaled, units.Jy / units.beam):
        raise ValueError(f"{name} is in {unit}, not in Jy/beam; convert it first")
    # Cubes of spectral-cube have their pixels, NaN where they are masked, under this name; quantities, under the other.
    pixels = getattr(array, "unitless_filled_data", getattr(array, "value", array))
    pixels = pixels if hasattr(pixels, "__getitem__") and not isinstance(pixels, list) else np.asarray(pixels)
    kind = np.asarray(pixels[:1, :1, :1]).dtype
    if kind.kind not in "fiub":
        raise ValueError(f"{name} has {kind} pixels; give real numbers")
    return pixels


def _cell_of(wcs):
    """Pixel size along x (negative where East is left) and along y, in arcsec."""
    if wcs is None:
        return PIXEL
    celestial = wcs.celestial
    sizes = proj_plane_pixel_scales(celestial) * 3600
    return tuple(float(size * (np.sign(step) or 1)) for size, step in zip(sizes, np.diag(celestial.pixel_scale_matrix)))


def _beams_of(beam, name, channels, cell, wcs):
    """Beam of each channel: major and minor axis in arcsec, and position angle in degrees."""
    pixel = np.sqrt(abs(cell[0] * cell[1]))
    try:
        if all(hasattr(beam, axis) for axis in ("major", "minor", "pa")):
            if wcs is None:
                raise ValueError("a beam in angles needs a wcs")
            axes = (("major", "arcsec"), ("minor", "arcsec"), ("pa", "deg"))
            values = np.stack([np.array(getattr(beam, axis).to_value(unit)) for axis, unit in axes], axis=-1)
        else:
            values = np.array(beam, dtype=float)
            values = np.array([values, values, 0.0]) if not values.ndim else values
            if values.shape not in ((3,), (channels, 3)):
                raise ValueError(f"got an array of shape {values.shape}")
            values = values * [pixel, pixel, 1.0]
        return tuple(map(tuple, np.broadcast_to(values, (channels, 3)).tolist()))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}={beam!r} should be the FWHM in pixels, (major, minor, position angle) in pixels and degrees, or a "
            f"radio_beam.Beam with the wcs; or one of these for each channel ({error})"
        ) from error


def _check_width(widths, shape):
    if not widths:
        raise ValueError("beam should be larger than 0")
    if not 1 <= np.median(widths) <= min(shape[1:]):
        raise ValueError(
            f"beam should be at least one pixel wide, and no wider than the image (got {np.median(widths):.3g} pixels)"
        )
