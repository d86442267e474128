"""Small skies as tclean would leave them: model, image, residual and PSF as arrays [channel, y, x]."""

import numpy as np

from confetti_task.private.support import _convolve

BEAM = 6.0  # pixels
NOISE = 0.01  # Jy/beam
SIZE, CHANNELS = 64, 7


def gaussian(width, size=SIZE):
    """Gaussian of peak 1 at the central pixel."""
    y, x = np.mgrid[:size, :size] - size // 2
    return np.exp(-4 * np.log(2) * (x**2 + y**2) / width**2).astype(np.float32)


# The dirty beam of two combined configurations: a core like the restoring beam on a broad plateau.
RESTORING_BEAM = gaussian(BEAM)
DIRTY_BEAM = 0.8 * RESTORING_BEAM + 0.2 * gaussian(3 * BEAM)


class Products:
    """Model, image, residual and PSF of a cube: an empty model, and noise on the scale of the beam as residual."""

    def __init__(self, channels=CHANNELS, size=SIZE, seed=1):
        random = np.random.default_rng(seed)
        self.model = np.zeros((channels, size, size), dtype=np.float32)
        white = random.normal(size=self.model.shape)
        noise = np.stack([_convolve(plane, gaussian(BEAM, size)) for plane in white])
        self.residual = (NOISE * noise / noise.std()).astype(np.float32)
        self.psf = np.repeat(
            (0.8 * gaussian(BEAM, size) + 0.2 * gaussian(3 * BEAM, size))[np.newaxis], channels, axis=0
        )

    @property
    def image(self):
        """The restored image."""
        beam = gaussian(BEAM, self.model.shape[1])
        return self.residual + np.stack([_convolve(np.nan_to_num(plane), beam) for plane in self.model])

    def add_point(self, channel, y, x, flux):
        """A real source: the data hold what the model has, in this channel alone."""
        self.model[channel, y, x] += flux

    def add_confetti(self, channel, y, x, flux):
        """A hot pixel on a broad surround of the other sign, so that the data hold nothing: P * M is 0 at the pixel."""
        self._add_surrounded(channel, y, x, flux, 2.5 * BEAM, self.psf[channel])

    def add_compensated(self, channel, y, x, flux):
        """A hot pixel that a narrow surround cancels by nine tenths in the restored image."""
        self._add_surrounded(channel, y, x, flux, 0.7 * BEAM, gaussian(BEAM, self.model.shape[1]) / 0.9)

    def _add_surrounded(self, channel, y, x, flux, width, beam):
        size = self.model.shape[1]
        surround = np.roll(gaussian(width, size), (y - size // 2, x - size // 2), axis=(0, 1))
        self.model[channel] -= flux * surround / _convolve(surround, beam)[y, x]
        self.model[channel, y, x] += flux
