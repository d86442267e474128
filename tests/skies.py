"""Small skies as tclean would leave them: model, image, residual and PSF as arrays [channel, y, x]."""

import numpy as np

BEAM = 6.0  # pixels
NOISE = 0.01  # Jy/beam
SIZE, CHANNELS = 64, 7
HOT = (3, 30, 26)  # channel, y, x of the confetti


def gaussian(width, size=SIZE):
    """Gaussian of peak 1 at the central pixel."""
    y, x = np.mgrid[:size, :size] - size // 2
    return np.exp(-4 * np.log(2) * (x**2 + y**2) / width**2).astype(np.float32)


def convolve(plane, kernel):
    """Convolution with a kernel about its centre as tclean does it: in a circle, odd lengths moved by a pixel."""
    product = np.fft.rfft2(plane) * np.fft.rfft2(np.fft.ifftshift(kernel))
    moved = [-(length % 2) for length in plane.shape]
    return np.roll(np.fft.irfft2(product, plane.shape), moved, axis=(0, 1)).astype(np.float32)


def unmeasured(size=SIZE):
    """
    How much of each spatial frequency two configurations leave unmeasured.

    All from 0.35 to 0.75 cycles a beam, between the longest baselines of the one and the shortest of the other, and all
    beyond 1.3 cycles a beam.
    """
    cycles = BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
    return np.exp(-(((cycles - 0.55) / 0.2) ** 12)) + 1 / (1 + np.exp((1.3 - cycles) / 0.05))


def dirty_beam(size=SIZE):
    """PSF of peak 1 that holds nothing of what is unmeasured."""
    beam = np.fft.rfft2(np.fft.ifftshift(gaussian(BEAM, size)))
    psf = np.fft.fftshift(np.fft.irfft2(beam * np.maximum(1 - unmeasured(size), 0), (size, size)))
    return (psf / psf.max()).astype(np.float32)


class Products:
    """Model, image, residual and PSF of a cube: a continuum source, and noise on the scale of the beam as residual."""

    def __init__(self, channels=CHANNELS, size=SIZE, seed=1, continuum=True):
        random = np.random.default_rng(seed)
        self.model = np.zeros((channels, size, size), dtype=np.float32)
        white = random.normal(size=self.model.shape)
        noise = np.stack([convolve(plane, gaussian(BEAM, size)) for plane in white])
        self.residual = (NOISE * noise / noise.std()).astype(np.float32)
        self.psf = np.repeat(dirty_beam(size)[np.newaxis], channels, axis=0)
        if continuum:
            self.model[:, 3 * size // 4, 3 * size // 4] = 100 * NOISE

    @property
    def image(self):
        """The restored image."""
        beam = gaussian(BEAM, self.model.shape[1])
        return self.residual + np.stack([convolve(np.nan_to_num(plane), beam) for plane in self.model])

    def add_point(self, channel, y, x, flux):
        """A real source: the data hold what the model has, in this channel alone."""
        self.model[channel, y, x] += flux

    def add_confetti(self, channel, y, x, flux):
        """A hot pixel on a surround of the other sign: a point source of which the data hold nothing at all."""
        size = self.model.shape[1]
        invented = np.fft.irfft2(unmeasured(size), (size, size))
        self.model[channel] += (flux / invented[0, 0] * np.roll(invented, (y, x), axis=(0, 1))).astype(np.float32)

    def add_maser_between_pixels(self, channel, y, x, flux, gain=0.1, iterations=2000):
        """
        A real source half a pixel off in y and x, cleaned after Hogbom down to 4 times the noise.

        Its components are of both signs: some per cent of it next to it.
        """
        size = self.model.shape[1]
        psf, peak = self.psf[channel], size // 2
        cycles = np.fft.fftfreq(size)[:, np.newaxis] + np.fft.rfftfreq(size)
        half = np.fft.irfft2(np.fft.rfft2(psf) * np.exp(-1j * np.pi * cycles), psf.shape)
        dirty = self.residual[channel] + flux * np.roll(half, (y - peak, x - peak), axis=(0, 1))
        for _ in range(iterations):
            place = np.unravel_index(np.abs(dirty).argmax(), dirty.shape)
            component = gain * dirty[place]
            if abs(component) < gain * 4 * NOISE:
                break
            self.model[channel][place] += component
            dirty -= component * np.roll(psf, (place[0] - peak, place[1] - peak), axis=(0, 1))
        self.residual[channel] = dirty

    def add_disc(self, channel, y, x, spike, radius):
        """A hot pixel on a disc that takes its flux: a spike is left in the image, and nothing in the residual."""
        size = self.model.shape[1]
        along_y, along_x = np.mgrid[:size, :size]
        disc = np.hypot(along_y - y, along_x - x) <= radius
        compensated = np.where(disc, -1 / disc.sum(), 0).astype(np.float32)
        compensated[y, x] += 1
        self.model[channel] += spike * compensated / convolve(compensated, gaussian(BEAM, size)).max()

    def add_compensated(self, channel, y, x, flux):
        """A hot pixel that a narrow surround cancels by nine tenths in the restored image."""
        size = self.model.shape[1]
        surround = np.roll(gaussian(0.7 * BEAM, size), (y - size // 2, x - size // 2), axis=(0, 1))
        restored = convolve(surround, gaussian(BEAM, size))[y, x]
        self.model[channel] -= 0.9 * flux * surround / restored
        self.model[channel, y, x] += flux


def maser_continuum_and_confetti():
    """A maser in one channel, a continuum source in all, and confetti."""
    products = Products()
    products.add_point(2, 45, 15, 30 * NOISE)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_confetti(*HOT, 20 * NOISE)
    return products
