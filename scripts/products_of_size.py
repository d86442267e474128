"""Simulated tclean products of any size, to measure how long it takes to check them."""

import numpy as np
from casatools import coordsys, image
from scipy import fft

BEAM = 5.0  # pixels
NOISE = 0.01  # Jy/beam
PRODUCTS = ("model", "image", "residual", "psf")
# Emission of 8 sigma in a disc that covers this fraction of a plane, in the half of the channels that has a line; its
# components are too faint to be hot pixels.
EMISSION, FAINTNESS = 0.01, 0.3


def write_products(root, size, channels, bad=(), hot=0, seed=1):
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
    seed : int
        Seed of the random numbers.
    """
    random = np.random.default_rng(seed)
    unmeasured = _unmeasured(size)
    beam = np.exp(-((np.pi * _cycles(size)) ** 2) / (4 * np.log(2))) * np.pi * BEAM**2 / (4 * np.log(2))
    psf = np.fft.fftshift(fft.irfft2(beam * np.maximum(1 - unmeasured, 0), (size, size)))
    noises = [_noise(random, beam, size) for _ in range(8)]
    invented = fft.irfft2(unmeasured, (size, size))
    line = np.exp(-(((np.arange(channels) - channels / 2) / (channels / 4)) ** 2))
    faint = np.where(_disc(size), random.exponential(size=(size, size)), 0) * NOISE * FAINTNESS
    tools = {product: _new_image(f"{root}.{product}", size, channels) for product in PRODUCTS}
    for channel in range(channels):
        model = faint * line[channel] if line[channel] > 0.5 else np.zeros((size, size))
        for _ in range(30 if channel in bad else 0):
            shift = random.integers(0, size, 2)
            model = model + random.choice([-1, 1]) * 20 * NOISE * np.roll(invented, shift, (0, 1)) / invented[0, 0]
        number = hot * (channel + 1) // channels - hot * channel // channels
        model[tuple(random.integers(0, size, (2, number)))] += 4 * NOISE * random.choice([-1, 1], number)
        residual = np.roll(noises[channel % 8], random.integers(0, size, 2), (0, 1))
        restored = fft.irfft2(fft.rfft2(model) * beam, (size, size)) if model.any() else 0
        for product, plane in zip(PRODUCTS, (model, residual + restored, residual, psf / psf.max())):
            tools[product].putchunk(plane.T[:, :, np.newaxis, np.newaxis], blc=[0, 0, 0, channel])
    for tool in tools.values():
        tool.done()


def _disc(size):
    y, x = np.indices((size, size)) - size // 2
    return y**2 + x**2 < EMISSION * size**2 / np.pi


def _cycles(size):
    """Spatial frequencies in cycles per beam."""
    return BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))


def _unmeasured(size):
    """Gap between the longest baselines of one configuration and the shortest of another, and all beyond both."""
    cycles = _cycles(size)
    return np.exp(-(((cycles - 0.55) / 0.2) ** 12)) + 1 / (1 + np.exp((1.3 - cycles) / 0.05))


def _noise(random, beam, size):
    noise = fft.irfft2(fft.rfft2(random.normal(size=(size, size))) * beam, (size, size))
    return NOISE * noise / noise.std()


def _new_image(path, size, channels):
    system, tool = coordsys(), image()
    system = system.newcoordsys(direction=True, stokes=["I"], spectral=True)
    system.setrestfrequency(93.1734e9)
    increment = system.increment()["numeric"]  # in arcmin
    increment[:2] = [-1 / 60, 1 / 60]
    system.setincrement(list(increment))
    tool.fromshape(path, [size, size, 1, channels], csys=system.torecord(), log=False, type="f")
    width = {"unit": "arcsec", "value": BEAM}
    tool.setrestoringbeam(major=width, minor=width, pa="0deg", log=False)
    if path.endswith("model"):
        tool.setrestoringbeam(remove=True, log=False)
    tool.setbrightnessunit("Jy/pixel" if path.endswith("model") else "Jy/beam")
    if path.endswith("image"):
        tool.calcmask("T", name="mask0", asdefault=True)
    return tool
