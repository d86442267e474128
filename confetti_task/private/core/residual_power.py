"""
Which spatial frequencies the visibilities measure, from the residual alone: its power is zero where they measure none.

This takes the place of the PSF where there is none. It needs robust or uniform weighting: with natural weighting the
power of the noise falls off as the number of visibilities does, and has no edge.
"""

import numpy as np
from scipy import fft, ndimage

from .surroundings import ring
from .transforms import columns_of, padded, spectrum_of
from .uv_coverage import LEAST_RESPONSE, beam_transform, point_above_ring

# Side of the windows in which the power is measured, in pixels: with 5 to 14 pixels per beam that is 18 to 50 beams,
# which resolves the gaps between configurations; larger ones would take longer.
POWER_WINDOW = 256
# Least number of planes in the mean: with fewer, the power of noise varies too much.
LEAST_PLANES = 8
# The taper spreads 0.9999 of the power of each frequency over neighbours up to this many cells away.
LEAK = 10
# Steps of the iteration that undoes this, for each plane of the mean and in all: fewer leave leakage that hides what is
# unmeasured, and more fit the noise.
STEPS_A_PLANE, STEPS = 4, 64
# The level of the measured frequencies is the power that a quarter of them exceed, weighted by the restoring beam.
LEVEL = 0.75
# A frequency counts as half measured at this fraction of the level: with a higher one, most of the additional finds in
# mosaics are false. And it counts as one at which CLEAN errs at five times that, which gives the response that the PSF
# gives.
LEAST_POWER, ERRONEOUS_POWER = 0.06, 0.3


def is_resolved(shape, beam):
    """Whether windows of a shape are large enough, compared with the beam, to resolve spatial frequencies."""
    enough = 2 * np.abs(ring(beam)).max() + 1
    return min(shape) >= enough and min(columns_of((padded(length),) * 2, beam) for length in shape) > LEAK


def taper(length):
    """Hann window of a length, with a mean square of 1."""
    window = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return (window / np.sqrt(np.mean(window**2))).astype(np.float32)


def measure_power(plane, beam):
    """
    Power of a residual at all spatial frequencies.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        Window of a residual [y, x] in Jy/beam; NaN where it is blank.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    power : 2D float32 `~numpy.ndarray` or None
        [v, u] of the padded window, in units of its level. None if the window is empty.
    """
    lengths = tuple(padded(length) for length in plane.shape)
    largest = np.nanmax(np.abs(plane), initial=0)
    if not largest > 0:
        return None
    # In Jy/beam, the power of a channel that ran away would exceed float32.
    tapered = plane / largest * np.multiply.outer(*(taper(length) for length in plane.shape))
    spectrum = spectrum_of(tapered, lengths, columns_of(lengths, beam))
    power = spectrum.real**2 + spectrum.imag**2
    return power / _level(power, lengths, beam)


def _level(power, lengths, beam):
    """The quantile `LEVEL` of the power, each frequency weighted by the transform of the restoring beam."""
    order = np.argsort(power, axis=None)
    summed = np.cumsum(beam_transform(lengths, beam).ravel()[order], dtype=float)
    return power.ravel()[order[np.searchsorted(summed, LEVEL * summed[-1])]]


def without_leakage(power, shape, planes):
    """
    Undo what the taper spread from measured to unmeasured frequencies.

    This maximizes the likelihood of the power of Gaussian noise, which is distributed exponentially (the Itakura-Saito
    divergence), with the multiplicative steps of Fevotte and Idier (2011), Neural Computation 23, 2421, and their
    exponent of 1/2, with which the likelihood never falls.

    Parameters
    ----------
    power : 2D float32 `~numpy.ndarray`
        Mean of `measure_power` over some planes.
    shape : tuple of int
        Height and width of the windows.
    planes : int
        Number of planes.

    Returns
    -------
    power : 2D float32 `~numpy.ndarray`
        The power at each frequency.
    """
    kernels = [_leak(length) for length in shape]
    found = power
    for _ in range(min(STEPS_A_PLANE * planes, STEPS)):
        expected = _spread(found, kernels)
        found = found * np.sqrt(_spread(power / expected**2, kernels) / _spread(1 / expected, kernels))
    return found


def _leak(length):
    """Kernel by which the taper spreads the power of one frequency."""
    spread = np.abs(fft.fft(taper(length), padded(length))) ** 2
    kernel = np.concatenate([spread[-LEAK:], spread[: LEAK + 1]])
    return (kernel / kernel.sum()).astype(np.float32)


def _spread(half, kernels):
    """Convolve a half spectrum with the kernels; before its first column lies its conjugate half."""
    conjugate = np.roll(half[::-1], 1, axis=0)[:, LEAK:0:-1]
    whole = np.concatenate([conjugate, half], axis=1)
    along_u = ndimage.convolve1d(whole, kernels[1], axis=1, mode="nearest")[:, LEAK:]
    return ndimage.convolve1d(along_u, kernels[0], axis=0, mode="wrap")


def filter_of_power(power, shape, beam, lengths):
    """
    Make the filter that passes the spatial frequencies without visibilities, as `core.uv_coverage.unmeasured_filter`.

    Parameters
    ----------
    power : 2D float32 `~numpy.ndarray`
        From `without_leakage`.
    shape : tuple of int
        Height and width of the windows in which it was measured.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform that is to be filtered.

    Returns
    -------
    passed : 2D float32 `~numpy.ndarray` or None
        Fraction of each spatial frequency [v, u] that is not measured. None, with a share of NaN, if there is no edge
        between measured and unmeasured frequencies, as with natural weighting.
    share, response : float
        As from `core.uv_coverage.unmeasured_filter`.
    """
    resolution = tuple(padded(length) for length in shape)
    power = _resampled(power / _level(power, resolution, beam), resolution, lengths, columns_of(lengths, beam))
    passed, erroneous = (1 / (1 + (power / limit) ** 2) for limit in (LEAST_POWER, ERRONEOUS_POWER))
    share, all_of_it = (float((part * point_above_ring(lengths, beam)).sum()) for part in (passed, erroneous))
    if share < LEAST_RESPONSE * all_of_it:
        return None, np.nan, share / all_of_it
    return passed.astype(np.float32), share, share / all_of_it


def _resampled(power, old, new, columns):
    """The power at the frequencies of a transform of other lengths."""
    v = np.fft.fftfreq(new[0]) * old[0] % old[0]
    u = np.fft.rfftfreq(new[1])[:columns] * old[1]
    wrapped = np.pad(power, ((0, 1), (0, 0)), mode="wrap")
    return ndimage.map_coordinates(wrapped, np.meshgrid(v, u, indexing="ij"), order=1, mode="nearest")
