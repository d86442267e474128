"""Read what the figures show: maps and spectra around a find, and the peak intensity."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Dict, List, Tuple

import numpy as np

from ..core.uv_coverage import GAUSSIAN_AREA
from ..images.channels import contiguous_ranges
from ..images.chunks import CHUNK_VOXELS, chunks, strips
from ..images.coordinates import is_upright, read_sky, world_coordinates
from ..images.cube import read_beam
from ..images.pixels import read_channels
from .minus_neighbours import map_of_spikes, margin_of, spectrum_of_spikes

# The surround of confetti is one or two beams wide: this shows as much again around it.
SHOWN_BEAMS = 4
# Channels on either side, enough to distinguish a spike from a line.
SHOWN_CHANNELS = 20

# Largest height and width of the picture of the sky.
PICTURE_PIXELS = 640
# Limits of what is read for it in addition to the channels that are shown: 0.4 s from tiles in the page cache, 0.8 s
# through the image tool.
PEAK_VOXELS = 2**26
PEAK_VOXELS_BY_TOOL = 2**25


# Names of the x and y axes; velocity of all channels in km/s, NaN if the cube has no rest frequency; and the restoring
# beams read so far, by polarization and channel: opening the image for one takes longer than reading the pixels.
Scales = namedtuple("Scales", "axes velocity beams")


@dataclass(frozen=True)
class Cutout:
    """
    Surroundings of one pixel.

    Attributes
    ----------
    channel, y, x : int
        The pixel.
    planes : dict of 3D float32 `~numpy.ndarray`
        Maps of image, model and residual in its channel and as many on either side, by default one, [channel, y, x],
        centred on the pixel; NaN beyond the edges of the cube. As 'spike', the image minus its neighbouring channels,
        from `report.minus_neighbours.map_of_spikes`.
    spectra : dict of 3D float32 `~numpy.ndarray`
        Spectra of image, model and residual in the 3 x 3 pixels around it, [channel, y, x].
    spikes : 1D float32 `~numpy.ndarray`
        Spike in the pixel itself in each of these channels, in Jy/beam.
    channels : 1D int `~numpy.ndarray`
        Channels of the spectra.
    velocity : 1D float `~numpy.ndarray`
        Velocity of these channels in km/s; NaN if the cube has no rest frequency.
    cell : tuple of float
        Pixel size along y and x in arcsec, negative where the coordinate decreases.
    beam : tuple of float
        Major and minor axis of the restoring beam in arcsec, and its position angle in degrees.
    pixels_per_beam : float
        Area of the restoring beam in pixels.
    axes : tuple of str
        Names of the x and y axes.
    """

    channel: int
    y: int
    x: int
    planes: Dict[str, np.ndarray]
    spectra: Dict[str, np.ndarray]
    spikes: np.ndarray
    channels: np.ndarray
    velocity: np.ndarray
    cell: Tuple[float, float]
    beam: Tuple[float, float, float]
    pixels_per_beam: float
    axes: Tuple[str, str]


def read_scales(cube):
    """
    Read what all cutouts of a cube have in common.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    scales : `Scales`
        Names of the axes, velocities, and no beams yet.
    """
    everywhere = np.arange(cube.channels)
    velocity = world_coordinates(cube, everywhere, 0 * everywhere, 0 * everywhere)[3].to_value("km/s")
    return Scales(_names_of_axes(read_sky(cube)), velocity, {})


def read_cutout(cube, polarization, channel, y, x, reach=None, around=1, scales=None):
    """
    Read the surroundings of a pixel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel, y, x : int
        The pixel.
    reach : int, optional
        Pixels on either side of it in the maps, by default some beams.
    around : int
        Channels on either side of it in the maps.
    scales : `Scales`, optional
        From `read_scales`: to read them once is a third of the time of fifty cutouts. Beams are added to it.

    Returns
    -------
    cutout : `Cutout`
        Maps and spectra around it.
    """
    reach = reach or int(np.ceil(SHOWN_BEAMS * cube.beam))
    channels = np.arange(max(channel - SHOWN_CHANNELS, 0), min(channel + SHOWN_CHANNELS + 1, cube.channels))
    axes, velocity, beams = scales or read_scales(cube)
    if (polarization, channel) not in beams:
        beams[polarization, channel] = read_beam(cube, polarization, channel)
    beam = beams[polarization, channel]
    ends, of_spectra = (channel - around, channel + around + 1), (channels[0], channels[-1] + 1)
    planes, spectra = (
        {name: _read(cube, name, polarization, *some, y, x, pixels) for name in ("model", "residual")}
        for some, pixels in ((ends, reach), (of_spectra, 1))
    )
    # The image is read once, with what its spikes are measured on: a channel more on either end, and pixels around.
    margin = margin_of(cube.beam)
    wide, along = (
        _read(cube, "image", polarization, start - 1, end + 1, y, x, pixels)
        for (start, end), pixels in ((ends, reach + margin), (of_spectra, margin))
    )
    planes.update(image=_inner(wide, reach), spike=map_of_spikes(wide, cube.beam))
    spectra.update(image=_inner(along, 1))
    return Cutout(
        channel=channel,
        y=y,
        x=x,
        planes=planes,
        spectra=spectra,
        spikes=spectrum_of_spikes(along, cube.beam),
        channels=channels,
        velocity=velocity[channels],
        cell=cube.cell,
        beam=beam,
        pixels_per_beam=GAUSSIAN_AREA * beam[0] * beam[1] / abs(cube.cell[0] * cube.cell[1]),
        axes=axes,
    )


def read_both(before, after, polarization, channel, y, x):
    """
    Read the surroundings of a pixel in two cubes.

    Parameters
    ----------
    before, after : `images.cube.Cube`
        The old and the new images.
    polarization, channel, y, x : int
        The pixel.

    Returns
    -------
    old, new : `Cutout`
        Maps of the same size around it.

    Raises
    ------
    ValueError
        If the cubes differ in shape.
    """
    if before.shape != after.shape:
        raise ValueError(f"{before.name} and {after.name} differ in shape ({before.shape} and {after.shape})")
    new = read_cutout(after, polarization, channel, y, x)
    reach = new.planes["image"].shape[1] // 2  # the median beam may differ a little
    return read_cutout(before, polarization, channel, y, x, reach), new


def _names_of_axes(sky):
    if not is_upright(sky):
        return "x", "y"
    return ("l", "b") if sky.wcs.ctype[0].startswith("GLON") else ("RA", "Dec")


def _read(cube, product, polarization, start, end, y, x, reach):
    """Pixels around a pixel, NaN beyond the edges of the cube."""
    height, width = cube.shape[2:]
    box = np.full((end - start, 2 * reach + 1, 2 * reach + 1), np.nan, dtype=np.float32)
    starts = np.array([start, y - reach, x - reach])
    low = np.maximum(starts, 0)
    high = np.minimum(starts + box.shape, [cube.channels, height, width])
    inside = tuple(slice(*ends) for ends in zip(low - starts, high - starts))
    box[inside] = read_channels(
        cube, product, polarization, low[0], high[0], rows=(low[1], high[1]), columns=(low[2], high[2])
    )
    return box


def _inner(image, reach):
    """All channels but the first and the last, and some pixels on either side of the middle."""
    y, x = np.array(image.shape[1:]) // 2
    return image[1:-1, y - reach : y + reach + 1, x - reach : x + reach + 1]


@dataclass(frozen=True)
class Peak:
    """
    The peak intensity over the channels.

    Attributes
    ----------
    plane : 2D float32 `~numpy.ndarray`
        Maximum of the image in each block of pixels, in Jy/beam; NaN for a blank block.
    side : int
        Side of a block in pixels.
    channels : list of int
        Channels over which it was taken.
    """

    plane: np.ndarray
    side: int
    channels: List[int]


def read_peak(cube, polarization=0, shown=()):
    """
    Read the peak intensity of a cube, or of a part of it if the cube is large.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization : int
        Number of the polarization.
    shown : sequence of int
        Channels that count in any case.

    Returns
    -------
    peak : `Peak`
        Peak over all channels or, in a large cube, over some at equal distances and those shown.
    """
    _, number, height, width = cube.shape
    limit = PEAK_VOXELS if cube.mapped else PEAK_VOXELS_BY_TOOL
    channels = sorted({*range(0, number, -(-number * height * width // limit)), *shown})
    side = -(-max(height, width) // PICTURE_PIXELS)
    planes = [
        _peak_of_rows(cube.as_stored, polarization, channels, rows, side)
        for rows in strips(height, max(1, CHUNK_VOXELS // (width * side)) * side)
    ]
    return Peak(np.concatenate(planes), side, channels)


def _peak_of_rows(cube, polarization, channels, rows, side):
    peak = np.full((rows[1] - rows[0], cube.shape[3]), np.nan, dtype=np.float32)
    # All into the same array: new memory for each would take a quarter of the time.
    image = np.empty((min(max(1, CHUNK_VOXELS // peak.size), len(channels)), *peak.shape), dtype=np.float32)
    for start, end in contiguous_ranges(channels):
        for low, high in chunks(start, end, cube.depth, peak.size, CHUNK_VOXELS):
            for plane in read_channels(cube, "image", polarization, low, high, rows, out=image[: high - low]):
                np.fmax(peak, plane, out=peak)
    for axis in (0, 1):
        peak = np.fmax.reduceat(peak, np.arange(0, peak.shape[axis], side), axis=axis)
    return peak
