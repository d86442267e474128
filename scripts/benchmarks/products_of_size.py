"""Simulated tclean products of any size, to measure how long it takes to check them."""

from contextlib import ExitStack, contextmanager

import numpy as np
from casatools import coordsys, image
from scipy import fft

from confetti_task.private.images.tiles import find_tiles, write_plane

BEAM = 5.0  # pixels
NOISE = 0.01  # Jy/beam
PRODUCTS = ("model", "image", "residual", "psf")
# A real source in every channel: a disc of this fraction of a plane, whose components have this mean, in units of the
# noise, and are the same in all channels. Restored it has 42 sigma, or 20 if its components are FAINT.
EMISSION, EMISSION_MEAN = 0.02, 1.5
# Limit in units of the noise below which the check need not look at a component: less than half of its threshold.
FAINT = 1.0
# Components of a deep clean. Five cubes that the real tclean cleaned down to 1 to 4 sigma have components in 0.22 to
# 0.44 of their pixels, in 0.52 to 0.74 of the fullest channel; half of them are below 0.08 to 0.13 of the noise, nine
# tenths below 0.6 to 1; 0.01 to 0.03 of all pixels, most of them in emission, are above half of the threshold of the
# check; 0.002 to 0.03 are negative. Of 10000 components 24 to 34 are narrow hot pixels, or 1 with a threshold of
# 4 sigma. Here these are 0.22, 0.09, 0.63, 0.01 and 0.01, and 20 of 10000.
DEEP_PART, DEEP_MEDIAN, DEEP_SCATTER, DEEP_NEGATIVE = 0.2, 0.09, 1.2, 0.01


# Bright emission: FWHM to which it is smooth, in beams, and the fraction of a plane that it covers.
SMOOTH_BEAMS, BRIGHT_PART = 3, 0.1


def write_products(root, size, channels, bad=(), hot=0, deep=0.0, bright=0.0, seed=1):
    """
    Write .model, .image, .residual and .psf.

    Parameters
    ----------
    root : str
        Root name of the images.
    size, channels : int
        Side length in pixels, and number of channels.
    bad : sequence of int
        Channels with thirty fake sources each.
    hot : int
        Number of harmless hot pixels of 4 sigma, spread over the cube.
    deep : float
        Of a deep clean, with components in a fifth of all pixels, the largest component in units of the noise: up to
        `FAINT` none of them is a hot pixel, and from 10 on every channel has harmless ones. 0 for an ordinary clean.
    seed : int
        Seed of the random numbers.
    """
    planes = _planes(np.random.default_rng(seed), size, channels, bad, hot, deep, bright)
    with ExitStack() as files:
        opened = [files.enter_context(_new_image(f"{root}.{product}", size, channels)) for product in PRODUCTS]
        for channel, of_products in enumerate(planes):
            for (file, tiles), plane in zip(opened, of_products):
                write_plane(file, tiles, (0, 0, 0, channel), plane)


def _planes(random, size, channels, bad, hot, deep, bright):
    """Model, image, residual and PSF of every channel."""
    unmeasured = _unmeasured(size)
    beam = np.exp(-((np.pi * _cycles(size)) ** 2) / (4 * np.log(2))) * np.pi * BEAM**2 / (4 * np.log(2))
    beam = beam.astype(np.float32)
    psf = np.fft.fftshift(fft.irfft2(beam * np.maximum(1 - unmeasured, 0), (size, size)))
    noises = [_noise(random, beam, size) for _ in range(8)]
    invented = fft.irfft2(unmeasured, (size, size))
    emission = _bright_emission(random, size, bright) if bright else _emission(random, size, deep or FAINT)
    for channel in range(channels):
        model = emission + _deep_components(random, size, deep) if deep else emission.copy()
        for _ in range(30 if channel in bad else 0):
            shift = random.integers(0, size, 2)
            model += random.choice([-1, 1]) * 20 * NOISE * np.roll(invented, shift, (0, 1)) / invented[0, 0]
        number = hot * (channel + 1) // channels - hot * channel // channels
        model[tuple(random.integers(0, size, (2, number)))] += 4 * NOISE * random.choice([-1, 1], number)
        residual = np.roll(noises[channel % 8], random.integers(0, size, 2), (0, 1))
        yield model, residual + fft.irfft2(fft.rfft2(model) * beam, (size, size)), residual, psf / psf.max()


def _emission(random, size, largest):
    y, x = np.indices((size, size)) - size // 2
    inside = y**2 + x**2 < EMISSION * size**2 / np.pi
    strengths = np.minimum(random.exponential(EMISSION_MEAN, (size, size)), largest)
    return (inside * NOISE * strengths).astype(np.float32)


def _bright_emission(random, size, peak):
    """Clouds where smooth noise is highest; a component of 1 Jy/pixel has as many Jy/beam as a beam has pixels."""
    smooth = fft.irfft2(
        fft.rfft2(random.normal(size=(size, size)))
        * np.exp(-((np.pi * SMOOTH_BEAMS * _cycles(size)) ** 2) / (4 * np.log(2))),
        (size, size),
    )
    clouds = np.maximum(smooth - np.quantile(smooth, 1 - BRIGHT_PART), 0)
    pixels_of_beam = np.pi * BEAM**2 / (4 * np.log(2))
    return (clouds / clouds.max() * peak * NOISE / pixels_of_beam).astype(np.float32)


def _deep_components(random, size, largest):
    """Components over the emission and over the noise alike, which no other channel has."""
    components = np.zeros(size**2, dtype=np.float32)
    places = np.flatnonzero(random.random(size**2, dtype=np.float32) < DEEP_PART)
    strengths = DEEP_MEDIAN * np.exp(DEEP_SCATTER * random.standard_normal(len(places), dtype=np.float32))
    signs = np.where(random.random(len(places)) < DEEP_NEGATIVE, -1, 1)
    components[places] = NOISE * signs * np.minimum(strengths, largest)
    return components.reshape(size, size)


def _cycles(size):
    """Spatial frequencies in cycles per beam."""
    return BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))


def _unmeasured(size):
    """Gap between the longest baselines of one configuration and the shortest of another, and all beyond both."""
    cycles = _cycles(size)
    return np.exp(-(((cycles - 0.55) / 0.2) ** 12)) + 1 / (1 + np.exp((1.3 - cycles) / 0.05))


def _noise(random, beam, size):
    noise = fft.irfft2(fft.rfft2(random.normal(size=(size, size)).astype(np.float32)) * beam, (size, size))
    return NOISE * noise / noise.std()


@contextmanager
def _new_image(path, size, channels):
    """Open file of the pixels of a new image, and their layout."""
    system, tool = coordsys(), image()
    system = system.newcoordsys(direction=True, stokes=["I"], spectral=True)
    system.setrestfrequency(93.1734e9)
    increment = system.increment()["numeric"]  # in arcmin
    increment[:2] = [-1 / 60, 1 / 60]
    system.setincrement(list(increment))
    tool.fromshape(path, [size, size, 1, channels], csys=system.torecord(), log=False, type="f")
    width = {"unit": "arcsec", "value": BEAM}
    tool.setrestoringbeam(major=width, minor=width, pa="0deg", log=False)
    if path.endswith("model"):  # spectral-cube wants the record that a removed beam leaves
        tool.setrestoringbeam(remove=True, log=False)
    tool.setbrightnessunit("Jy/pixel" if path.endswith("model") else "Jy/beam")
    if path.endswith("image"):
        tool.calcmask("T", name="mask0", asdefault=True)
    tool.done()
    tiles = find_tiles(path)
    with open(tiles.path, "r+b") as file:
        yield file, tiles
