"""
Whether CLEAN converged in a channel, told by its products alone: no noise, no other channel.

Every step of CLEAN takes a component of m Jy where the residual has r Jy/beam, and takes m (2 r - m) off the sum of the
weighted squared residuals of the visibilities: at least m r, as long as m is not larger than r. The residual at the
components does not grow while CLEAN converges, so that all steps together have taken off at least the sum of |m| times
the peak that is left. What they did take off is the sum of M (D + R) over the model M, with the residual R and the
dirty image D, which is R + P * M for the PSF P. The ratio of the two is the convergence: 1 and more where every step
did what it should. Below 0 the model fits the visibilities worse than an empty one.
"""

from collections import namedtuple

import numpy as np

# Of the components of a channel: sum of |M| in Jy, largest |R| at them in Jy/beam, sums of M R and M I over the sum of
# |M| in Jy/beam (the model of a clean that ran away has 1e38 Jy, whose square is no float), and number of those that
# are not finite, in the model or in the images.
Components = namedtuple("Components", "flux peak with_residual with_image unknown")


def measure_components(model, image, residual, valid):
    """
    Measure what a part of a channel holds at the components of its model.

    Parameters
    ----------
    model, image, residual : 2D float32 `~numpy.ndarray`
        Model in Jy/pixel, image and residual in Jy/beam, NaN where they are not finite.
    valid : 2D bool `~numpy.ndarray`
        T/F mask of the image: components elsewhere take no part, nor do those where the residual is 0, which tclean
        leaves where there are no data.

    Returns
    -------
    components : `Components`
        What is there.
    """
    there = (model != 0) & (residual != 0) & valid
    model, image, residual = (plane[there].astype(float) for plane in (model, image, residual))
    finite = np.isfinite(model + image + residual)
    model, image, residual = model[finite], image[finite], residual[finite]
    flux = np.abs(model).sum()
    part = model / (flux or 1)
    return Components(flux, np.abs(residual).max(initial=0), part @ residual, part @ image, np.count_nonzero(~finite))


def join_components(parts):
    """`Components` of a channel from those of its parts."""
    flux, peak, with_residual, with_image, unknown = np.transpose(parts)
    weights = flux / (flux.sum() or 1)
    return Components(flux.sum(), peak.max(), weights @ with_residual, weights @ with_image, int(unknown.sum()))


def convergence(components, power=None):
    """
    Tell how far the clean of a channel converged.

    Parameters
    ----------
    components : `Components`
        Of the channel.
    power : float or None
        Sum of M times P * M over the square of the sum of |M|, from
        `core.uv_coverage.measured_power`; None to take image minus residual for P * M: the
        restoring beam is the PSF where everything is measured.

    Returns
    -------
    convergence : float
        1 and more where the clean converged, with the restoring beam about so. -inf where components are not finite;
        NaN where there are none.
    """
    flux, peak, with_residual, with_image, unknown = components
    if unknown:
        return -np.inf
    if flux == 0:
        return np.nan
    gained = with_residual + with_image if power is None else 2 * with_residual + flux * power
    return gained / peak


def minority(total, flux):
    """Part of the flux of a model that has the sign of the smaller part; of sums of |M| and of M."""
    return (total - np.abs(flux)) / 2 / np.where(total > 0, total, 1)
