"""
Whether CLEAN converged in a channel, judged by the products of that channel alone: no rms, no other channel.

A step of CLEAN takes a component of m Jy where the residual is r Jy/beam, and lowers the sum of the weighted squared
residual visibilities by m (2 r - m): by at least m r, as long as m does not exceed r. While CLEAN converges, the
residual at the components does not grow, so all steps together must have lowered the sum by at least the sum of |m|
times the peak residual left at the components. What they did lower it by is the sum of M (D + R) over the model M, with
the residual R and the dirty image D = R + P * M, where P is the PSF. The ratio of the two is the convergence: 1 or more
if every step did its part. Below 0, the model fits the visibilities worse than an empty one.

A single fake source has a convergence below 1 too: its components of both signs cancel in the dirty image, and gained
next to nothing. But they are in one place, and the residual there is noise. Where CLEAN diverged in a channel as a
whole, they are all over the plane, or the residual shows them, with the sidelobes of the PSF all over it.
"""

from collections import namedtuple

import numpy as np

# Sums over the components of a channel: |M| in Jy; the peak |R| at them in Jy/beam; M R and M I, divided by the sum of
# |M|, in Jy/beam (a runaway model reaches 1e38 Jy, whose square overflows); the squared fractions of the sum of |M| in
# each patch of the plane; the number of components that are not finite in the model, and of finite ones where the image
# or the residual is not; the number of pixels in which both are.
Components = namedtuple("Components", "flux peak with_residual with_image concentration unknown blank seen")

# Side of a patch, in restoring beams: a hot pixel and a surround 2 beams in radius lie within nine patches.
PATCH_BEAMS = 2


def patch_side(beam):
    """Side of a patch in pixels, for a restoring beam with this FWHM in pixels."""
    return max(1, round(PATCH_BEAMS * beam))


def measure_components(model, image, residual, valid, patch):
    """
    Measure the components of the model in a part of a channel.

    Parameters
    ----------
    model, image, residual : 2D float32 `~numpy.ndarray`
        Model in Jy/pixel, image and residual in Jy/beam, NaN where they are not finite.
    valid : 2D bool `~numpy.ndarray`
        T/F mask of the image. Components outside it are ignored, and so are those where the residual is 0, as tclean
        leaves it where there are no data.
    patch : int
        Side of a patch in pixels, from `patch_side`; the part begins with the first row of a patch.

    Returns
    -------
    components : `Components`
        Sums over the finite components, and the number of the others. ``seen`` is only exact in whether it is 0.
    """
    there = (model != 0) & (residual != 0) & valid
    planes = image, residual
    model, image, residual = (plane[there].astype(float) for plane in (model, image, residual))
    finite = np.isfinite(model + image + residual)
    unknown, seen = np.count_nonzero(~np.isfinite(model)), np.count_nonzero(finite)
    blank = len(finite) - seen - unknown
    if blank and not seen:  # no component has both: whether any pixel has
        seen = np.count_nonzero(np.isfinite(np.add(*planes)))
    model, image, residual = model[finite], image[finite], residual[finite]
    flux = np.abs(model).sum()
    part = model / (flux or 1)
    y, x = (axis[finite] // patch for axis in np.nonzero(there))
    shares = np.bincount(y * there.shape[1] + x, np.abs(part))
    peak = np.abs(residual).max(initial=0)
    return Components(flux, peak, part @ residual, part @ image, shares @ shares, unknown, blank, seen)


def join_components(parts):
    """Combine the `Components` of the parts of a channel."""
    flux, peak, with_residual, with_image, concentration, *numbers = np.transpose(parts)
    weights = flux / (flux.sum() or 1)
    means = (weights @ with_residual, weights @ with_image, weights**2 @ concentration)
    return Components(flux.sum(), peak.max(), *means, *(int(number.sum()) for number in numbers))


def convergence(components, power=None):
    """
    Measure how far CLEAN converged in a channel.

    Parameters
    ----------
    components : `Components`
        Components of the whole channel.
    power : float or None
        Sum of M times P * M, from `core.uv_coverage.measured_power`, divided by the square of the sum of |M|. None to
        use image minus residual in place of P * M: the restoring beam equals the PSF if everything is measured.

    Returns
    -------
    convergence : float
        1 or more if CLEAN converged, approximately so with the restoring beam. -inf if components are not finite, or
        if image and residual have no finite pixel in common; NaN if there are no components.
    """
    flux, peak, with_residual, with_image, _, unknown, blank, seen = components
    # Values that are not finite spread over the whole plane, because tclean transforms it: a few are just blank pixels.
    if unknown or (blank and not seen):
        return -np.inf
    if flux == 0:
        return np.nan
    gained = with_residual + with_image if power is None else 2 * with_residual + flux * power
    return gained / peak


def spread(components):
    """Number of patches over which the components are spread: n if n patches have the same sum of |M|."""
    return 1 / components.concentration if components.concentration else np.nan


def has_diverged(measured, noise, thresholds):
    """
    Decide in which channels CLEAN diverged as a whole.

    Parameters
    ----------
    measured : 2D `~numpy.ndarray`
        Convergence, spread, and peak |R| left at the components in Jy/beam, of each channel, [3, n]. NaN where they
        were not measured.
    noise : 1D `~numpy.ndarray`
        rms noise of the channels in Jy/beam, NaN if they are blank.
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision.

    Returns
    -------
    diverged : 1D bool `~numpy.ndarray`
        True where CLEAN did not converge, except if all components are in one place, where the residual has nothing but
        noise: such a channel contains a fake source at most.
    """
    converged, patches, left = measured
    hidden = (patches < thresholds.spread) & (left < thresholds.left * noise)
    return (converged < thresholds.convergence) & ~(hidden & np.isfinite(converged))


def minority(total, flux):
    """Fraction of the model flux in components of the rarer sign, from the sums of |M| and of M."""
    return (total - np.abs(flux)) / 2 / np.where(total > 0, total, 1)
