"""
Cubes with a file for each channel, as WSClean writes them: name-0000-model.fits, name-0001-model.fits, ...

The image tool takes 14 ms to open a file, a minute for a thousand channels. It opens the first channel only; of the
others the headers are compared with those of the first, card by card, except for the frequency and the beam.
"""

import glob
import os
import re
from dataclasses import replace

import numpy as np

from .beams import beam_widths
from .cube import POLARIZED, SAME_GRID_PIXELS, open_cube, paths_of_wsclean
from .fits import number, read_cards, value_of

# Root name of a channel: name given to WSClean, number, and the polarization if WSClean made several.
_CHANNEL = re.compile(r"(?P<run>.*)-\d{4,}(?P<polarization>(?:-[A-Z]{1,2}i?)?)$", re.DOTALL)

# What describes pixels and grid; {} is the number of an axis.
PIXELS = ("BITPIX", "BSCALE", "BZERO", "BUNIT", "NAXIS", "SPECSYS", "RADESYS", "EQUINOX")
AXIS = ("NAXIS{}", "CTYPE{}", "CUNIT{}", "CRPIX{}", "CRVAL{}", "CDELT{}")


def run_of(root):
    """
    Find the run of WSClean to which a root name belongs.

    Parameters
    ----------
    root : str
        Name given to WSClean, also with a polarization ('name-V'), or root name of a channel ('name-0003').

    Returns
    -------
    root : str
        Name given to WSClean, with the polarization if there is one.
    channels : list of str
        Root names of its channels: ['name-0000', 'name-0001', ...]. Empty if there are none, or if tclean's images have
        this root name; the root name is then as given.
    """
    if any(os.path.exists(root + ending) for ending in (".model", ".model.tt0", ".model.fits", ".model.tt0.fits")):
        return root, []
    matches = [pattern.match(root) for pattern in (POLARIZED, _CHANNEL)]
    for run, polarization in [(root, ""), *(match.groups() for match in matches if match)]:
        channels = _channels_of(run, polarization)
        if channels:
            return run + polarization, channels
    return root, []


def _channels_of(run, polarization):
    pattern = re.compile(re.escape(run) + r"-\d{4,}" + re.escape(polarization) + "$")
    paths = glob.glob(f"{glob.escape(run)}-*{polarization}-model.fits")
    roots = (path[: -len("-model.fits")] for path in paths)
    return sorted((root for root in roots if pattern.match(root)), key=lambda root: (len(root), root))


def open_channels(root, channels, reader="auto"):
    """
    Open the channels of a run of WSClean as one cube.

    Parameters
    ----------
    root : str
        Name given to WSClean.
    channels : list of str
        Root names of the channels, from `run_of`.
    reader : {'auto', 'ia'}
        How pixels are read, see `images.cube.open_cube`.

    Returns
    -------
    cube : `images.cube.Cube`
        The cube, with a cube for each channel in ``files``.

    Raises
    ------
    ValueError
        If an image is missing, damaged or not like that of the first channel, or if the channels are not equally
        spaced.
    """
    first = open_cube(_first_with_beam(channels), reader)
    if first.axes[1] is None or first.channels > 1:
        raise ValueError(f"{first.path('model')} should have a frequency axis with one channel, as WSClean writes it")
    expected = {product: read_cards(first.path(product)) for product in first.products}
    files = tuple(_open_channel(channel, first, expected) for channel in channels)
    _check_equally_spaced(files)
    return replace(
        first,
        root=root,
        shape=(first.shape[0], len(files), *first.shape[2:]),
        beams=tuple(width for file in files for width in file.beams),
        psf_beams=tuple(width for file in files for width in file.psf_beams),
        narrowest_beam=min(file.narrowest_beam for file in files),
        reference_coordinates=(files[0].reference_coordinates[0], files[-1].reference_coordinates[1]),
        files=files,
    )


def _first_with_beam(channels):
    """Root name of the first channel that has a restoring beam: one without data has none."""
    for channel in channels:
        path = f"{channel}-image.fits"
        if os.path.exists(path) and number(read_cards(path), "BMAJ") > 0:
            return channel
    return channels[0]


def _open_channel(root, first, expected):
    """Cube of one channel: like that of the first, except for frequency and beams."""
    paths = {product: paths_of_wsclean(root)[product] for product in first.products}
    missing = [path for path in paths.values() if not os.path.exists(path)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} not found; every channel needs {', '.join(first.products)}")
    cards = {product: read_cards(path) for product, path in paths.items()}
    for product, path in paths.items():
        _check_alike(path, cards[product], first.path(product), expected[product], first.axes[1] + 1)
    shift = _shift(paths, cards, expected, first.axes[1] + 1)
    images = {product: image.at(paths[product], cards[product].offset) for product, image in first.images.items()}
    beams = {product: _beam(cards[product], first) for product in ("image", "psf") if product in cards}
    return replace(
        first,
        root=root,
        images=images,
        beams=beams["image"][0],
        psf_beams=beams["psf"][0] if "psf" in beams else (),
        narrowest_beam=min(narrowest for _, narrowest in beams.values()),
        reference_coordinates=tuple(_shifted(place, first.axes[1], shift) for place in first.reference_coordinates),
    )


def _check_alike(path, cards, first_path, expected, spectral):
    axes = range(1, int(number(expected, "NAXIS")) + 1)
    keywords = {*PIXELS, *(name.format(axis) for axis in axes for name in AXIS)}
    for keyword in keywords - {f"CRVAL{spectral}", f"CDELT{spectral}"}:
        here, there = (which.text.get(keyword, "") for which in (cards, expected))
        if here != there and value_of(here) != value_of(there):
            raise ValueError(
                f"{path} and {first_path} should have the same {keyword} (got {value_of(here)} and {value_of(there)}); "
                "give the images of one run of WSClean"
            )
    width, usual = (number(which, f"CDELT{spectral}") for which in (cards, expected))
    if abs(width - usual) > SAME_GRID_PIXELS * abs(usual):
        raise ValueError(
            f"{path} and {first_path} should have the same channel width (got {width} and {usual} Hz); choose "
            "-channels-out so that it divides the number of channels"
        )


def _shift(paths, cards, expected, spectral):
    """Frequency of a channel relative to the first, in Hz."""
    shifts = {
        product: number(cards[product], f"CRVAL{spectral}") - number(expected[product], f"CRVAL{spectral}")
        for product in paths
    }
    width = abs(number(expected["model"], f"CDELT{spectral}"))
    for product, path in paths.items():
        if abs(shifts[product] - shifts["model"]) > SAME_GRID_PIXELS * width:
            raise ValueError(
                f"{path} and {paths['model']} should have the same frequency (they differ by "
                f"{shifts[product] - shifts['model']} Hz); give the images of one run of WSClean"
            )
    return shifts["model"]


def _shifted(place, axis, shift):
    return tuple(value + shift * (number == axis) for number, value in enumerate(place))


def _beam(cards, cube):
    """Widths of the beam, as `beam_widths` gives them."""
    return beam_widths([[3600 * number(cards, axis) for axis in ("BMAJ", "BMIN")]], cube.cell)


def _check_equally_spaced(files):
    axis = files[0].axes[1]
    frequencies = np.array([file.reference_coordinates[0][axis] for file in files])
    steps = (frequencies - frequencies[0]) / files[0].increments[axis]
    off = np.flatnonzero(np.abs(steps - np.arange(len(files))) > SAME_GRID_PIXELS)
    if len(off):
        raise ValueError(
            f"{files[off[0]].path('model')} should be {off[0]} channels after {files[0].path('model')} (got "
            f"{steps[off[0]]:.2f}): channels should be equally spaced, without gaps, as those of the mask are; give "
            "the channels on one side of the gap as a list of names"
        )
