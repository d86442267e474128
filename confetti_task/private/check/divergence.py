"""Test whether CLEAN converged in a channel: pure functions of a cube and a channel."""

import numpy as np

from ..core.convergence import convergence, join_components, measure_components, minority, patch_side, spread
from ..core.uv_coverage import measured_power
from ..images.chunks import strips
from ..images.pixels import read_channel, read_valid
from ..images.windows import read_psf, read_window, transform_of, windows

# Least fraction of the model flux in components of the rarer sign: a diverging CLEAN overshoots, and writes components
# of both signs. An ordinary CLEAN above the noise has less than 0.02 and need not be tested; pure absorption has one
# sign too.
BOTH_SIGNS = 0.03
# Convergence with the restoring beam in place of the PSF from which on it need not be measured with the PSF: it is
# above 1 then, too.
SURELY_CONVERGED = 3.0

# Rows read at once, at most: with 70 bytes per component, 4096 columns take 73 MB if all pixels are components.
COMPONENT_ROWS = 256


def to_be_tested(channels):
    """
    Select the channels whose convergence is to be measured.

    Parameters
    ----------
    channels : structured `~numpy.ndarray`
        Measurements of the channels.

    Returns
    -------
    tested : 1D bool `~numpy.ndarray`
        True if the model has components of both signs, or some that are not finite, or if the image is blank although
        the channel was cleaned.
    """
    both = minority(channels["total"], channels["model_flux"]) >= BOTH_SIGNS
    cleaned = channels["components"] > 0
    return both | (channels["unknown"] > 0) | (cleaned & np.isnan(channels["noise"]))


def measure_convergence(cube, polarization, channel):
    """
    Measure the convergence of CLEAN in a channel.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        The channel.

    Returns
    -------
    convergence, spread, left : float
        What `core.convergence.has_diverged` needs. The convergence is measured with the restoring beam in place of the
        PSF if there is no PSF, or if that suffices to decide.
    """
    patch = patch_side(cube.beam)
    height = max(1, COMPONENT_ROWS // patch) * patch  # whole patches
    components = join_components(
        [_components(cube, polarization, channel, rows, patch) for rows in strips(cube.shape[2], height)]
    )
    return _convergence(cube, polarization, channel, components), spread(components), components.peak


def _components(cube, polarization, channel, rows, patch):
    """`Components` of some rows of a channel."""
    model, image, residual = (
        read_channel(cube, product, polarization, channel, rows) for product in ("model", "image", "residual")
    )
    valid = np.ones(model.shape, dtype=bool)
    # Where the image is NaN at a component it is either masked, which the T/F mask shows, or not finite.
    if np.isnan(image[model != 0]).any():
        valid = read_valid(cube, polarization, channel, rows)
    return measure_components(model, image, residual, valid, patch)


def _convergence(cube, polarization, channel, components):
    """Convergence of a channel: with the restoring beam if that decides or there is no PSF, else with the PSF."""
    estimate = convergence(components)
    if not np.isfinite(estimate) or estimate >= SURELY_CONVERGED:
        return estimate
    psf = read_psf(cube, polarization, channel)
    if psf is None or not psf.any():
        return estimate
    # The power of the model in the visibilities, window by window, divided by its flux squared.
    power = 0.0
    for corner, box in windows(cube.shape[2:]):
        model, image = (read_window(cube, name, polarization, channel, corner)[0] for name in ("model", "image"))
        model = np.where(np.isnan(image), 0, model / np.float32(components.flux))
        inside = tuple(slice(low - start, high - start) for (low, high), start in zip(box, corner))
        power += measured_power(model, inside, psf, cube.beam, transform_of(cube.shape[2:]))
    return convergence(components, power)
