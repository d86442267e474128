"""Whether CLEAN converged in the channels of a cube: pure functions of what to read and a channel."""

import numpy as np

from ..core.convergence import convergence, join_components, measure_components, minority
from ..core.uv_coverage import measured_power
from ..images.chunks import strips
from ..images.pixels import read_channel, read_valid
from ..images.windows import read_psf, read_window, transform_of, windows

# A clean that runs away overshoots, and writes components of both signs: 0.064 and more of their flux had the rarer one
# in 846 channels that were wrong by 10 sigma. An ordinary clean above the noise has less than 0.02 and need not be
# looked at; absorption alone has one sign too.
BOTH_SIGNS = 0.03
# With the restoring beam for the PSF the convergence was at most 2.7 where with the PSF it is below 1.
SURELY_CONVERGED = 3.0

# Of a channel: 50 bytes a component, so that 4096 columns take 52 MB where all pixels are set.
COMPONENT_ROWS = 256


def to_be_tested(channels):
    """
    Tell in which channels it is to be measured whether CLEAN converged.

    Parameters
    ----------
    channels : structured `~numpy.ndarray`
        What was measured of the channels.

    Returns
    -------
    tested : 1D bool `~numpy.ndarray`
        Those whose model has components of both signs, or some that are not finite, or whose image is blank though
        they were cleaned.
    """
    both = minority(channels["total"], channels["model_flux"]) >= BOTH_SIGNS
    cleaned = channels["components"] > 0
    return both | (channels["unknown"] > 0) | (cleaned & np.isnan(channels["noise"]))


def measure_convergence(cube, polarization, channel):
    """
    Measure whether CLEAN converged in a channel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        What to read.
    polarization, channel : int
        The channel.

    Returns
    -------
    convergence : float
        See `core.convergence.convergence`. Without a PSF, and where that is enough to tell, it is
        measured with the restoring beam in its place.
    """
    parts = [_components(cube, polarization, channel, rows) for rows in strips(cube.shape[2], COMPONENT_ROWS)]
    components = join_components(parts)
    estimate = convergence(components)
    if not np.isfinite(estimate) or estimate >= SURELY_CONVERGED:
        return estimate
    psf = read_psf(cube, polarization, channel)
    if psf is None or not psf.any():
        return estimate
    return convergence(components, _power(cube, polarization, channel, psf, components.flux))


def _components(cube, polarization, channel, rows):
    model, image, residual = (
        read_channel(cube, product, polarization, channel, rows) for product in ("model", "image", "residual")
    )
    valid = np.ones(model.shape, dtype=bool)
    if np.isnan(image[model != 0]).any():  # not finite, or masked
        valid = read_valid(cube, polarization, channel, rows)
    return measure_components(model, image, residual, valid)


def _power(cube, polarization, channel, psf, flux):
    """`measured_power` of the model over the square of its flux, window by window."""
    total = 0.0
    for corner, box in windows(cube.shape[2:]):
        model, image = (read_window(cube, name, polarization, channel, corner)[0] for name in ("model", "image"))
        model = np.where(np.isnan(image), 0, model / np.float32(flux))
        inside = tuple(slice(low - start, high - start) for (low, high), start in zip(box, corner))
        total += measured_power(model, inside, psf, cube.beam, transform_of(cube.shape[2:]))
    return total
