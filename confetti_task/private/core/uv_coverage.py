"""What of an image the visibilities support, and what deconvolution had to extrapolate."""

from functools import lru_cache

import numpy as np
from scipy import fft

from .spikes import above_line, above_neighbours, smaller
from .surroundings import largest, ring
from .transforms import columns_of, spectrum_of, transform_about_the_centre

# A spatial frequency counts as half measured where the transform of the PSF has this fraction of that of the restoring
# beam at zero frequency, and as measured where it has more. In bright emission, which leaks through where there is some
# coverage, higher limits find less.
LEAST_COVERAGE = 0.015

# The errors of CLEAN reach up to about this coverage, as the same fraction; above it the residual keeps the model
# right.
ERRONEOUS_COVERAGE = 0.15

# With natural weighting there is no edge between measured and unmeasured frequencies, and only this fraction of the
# height of a typical error or less shows; with robust weighting, more does.
LEAST_RESPONSE = 0.28

# Two PSFs count as the same if their transforms differ by less than this fraction of `LEAST_COVERAGE`, in the rms over
# all spatial frequencies. If the difference is spread over all of them, the share of a point source then changes by
# 0.001; if all of it is in the gaps of the coverage, by 0.02.
SAME_COVERAGE = 0.01

# Columns of spatial frequencies which together have no more than this fraction of the height of a point source are left
# out: 0.006 sigma of a source of 6 sigma.
NEGLIGIBLE = 1e-3

# Integral of a Gaussian of unit peak, in units of its FWHM squared.
GAUSSIAN_AREA = float(np.pi / (4 * np.log(2)))

# Where the PSF has at least this fraction of its peak, a source fits the data nearly as well as at its own place. Noise
# decides between two places at which the dirty image of a source of S sigma is S and 0.9 S: their difference has a
# noise of sqrt(2 (1 - 0.9)) sigma, because the noise has the PSF as its correlation. A source of 10 sigma appears at
# the wrong place in 1 % of the cases, one of 5 sigma in 13 %.
NEARLY_THE_PEAK = 0.9

# Tolerance on the unit peak of the PSF, which tclean normalizes to 1 to the last digit.
PEAK_ERROR = 0.01


def unmeasured_filter(psf, beam, lengths):
    """
    Make the filter that passes the spatial frequencies without visibilities.

    An interferometer measures some spatial frequencies and not others; the Fourier transform of the PSF shows which.
    Where it does, the residual keeps the model right. Where it does not, the residual is zero whatever the model
    contains, and CLEAN can go wrong without a trace.

    Parameters
    ----------
    psf : 2D float32 `~numpy.ndarray`
        PSF of a channel with its peak of 1 at the central pixel [ny // 2, nx // 2], as made by tclean.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform, from `core.transforms.padded`, or at least those of the PSF.

    Returns
    -------
    passed : 2D float32 `~numpy.ndarray` or None
        Fraction of each spatial frequency [v, u] that is not measured. None if the PSF is blank, as in flagged
        channels, if its peak is elsewhere or not 1, or if it is smaller than the ring around a point source.
    share : float
        Fraction of the height of a point source, above the mean of its `core.surroundings.ring`, at these frequencies.
    response : float
        The same fraction of a typical error of CLEAN, which is confined to a coverage of less than
        `ERRONEOUS_COVERAGE`.
    """
    if not has_its_peak(psf) or min(lengths) < 2 * np.abs(ring(beam)).max() + 1:
        return None, np.nan, np.nan
    coverage, weights = _coverage(psf, lengths, columns_of(lengths, beam)), point_above_ring(lengths, beam)
    passed = _below(LEAST_COVERAGE, coverage, beam)
    share = float((passed * weights).sum())
    erroneous = _below(ERRONEOUS_COVERAGE, coverage, beam)
    erroneous *= weights
    return passed, share, share / float(erroneous.sum())


def measured_filter(passed, beam, lengths):
    """
    Make the filter that passes the spatial frequencies with visibilities.

    Parameters
    ----------
    passed : 2D float32 `~numpy.ndarray`
        Fraction of each spatial frequency [v, u] that is not measured, from `unmeasured_filter`.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform.

    Returns
    -------
    passed : 2D float32 `~numpy.ndarray`
        Fraction of each spatial frequency [v, u] that is measured, as far as the visibilities reach along u.
    """
    measured = 1 - passed
    of_point = (measured * point_above_ring(lengths, beam)).sum(axis=0, dtype=float)
    beyond = np.cumsum(of_point[::-1])[::-1]
    return measured[:, : max(1, np.count_nonzero(beyond > NEGLIGIBLE))]


def _below(limit, coverage, beam):
    """1 where the coverage is far below a limit, one half at the limit, and 0 far above it."""
    area = np.float32(limit * GAUSSIAN_AREA * beam**2)
    total = area + coverage
    return np.divide(area, total, out=total)


def same_coverage(psf, other, beam):
    """Whether two PSFs, as for `unmeasured_filter`, are the same to `SAME_COVERAGE`; a blank one never is."""
    with np.errstate(over="ignore"):  # a PSF of garbage
        difference = np.linalg.norm(psf - other)  # the rms of the difference of their transforms
    return difference <= SAME_COVERAGE * LEAST_COVERAGE * GAUSSIAN_AREA * beam**2


def ambiguity(psf, beam):
    """
    Count the places at which a source would fit the data nearly as well as at its own.

    Parameters
    ----------
    psf : 2D float32 `~numpy.ndarray`
        PSF of a channel, or the rows around its peak, with the peak of 1 at the central pixel.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    places : float
        Area where the PSF reaches `NEARLY_THE_PEAK`, in units of the area where the restoring beam does, or of a pixel
        if that is larger: about 1 with enough data, many where the PSF has stripes or sidelobes as high as its peak.
        NaN if the PSF is blank, or if its peak is elsewhere or not 1.
    """
    if not has_its_peak(psf):
        return np.nan
    of_beam = -np.log(NEARLY_THE_PEAK) * GAUSSIAN_AREA * beam**2
    return float(np.count_nonzero(psf >= NEARLY_THE_PEAK) / max(of_beam, 1.0))


def has_its_peak(psf):
    """Whether a PSF has its peak of 1 at the central pixel; False if it is blank."""
    centre = psf[psf.shape[0] // 2, psf.shape[1] // 2]
    return abs(centre - 1) <= PEAK_ERROR and np.nanmax(np.abs(psf)) <= 1 + PEAK_ERROR


def measured_power(model, core, psf, beam, lengths):
    """
    Sum of the components of a model, each times the dirty image of the model: its power in the visibilities.

    Parameters
    ----------
    model : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel.
    core : tuple of slice
        Part of the model whose components are summed; the dirty image is that of the whole model.
    psf : 2D float32 `~numpy.ndarray`
        PSF as for `unmeasured_filter`.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform.

    Returns
    -------
    power : float
        In Jy**2/beam.
    """
    columns = columns_of(lengths, beam)
    coverage = transform_about_the_centre(psf, lengths, columns)
    middle = np.zeros_like(model)
    middle[core] = model[core]
    one = other = spectrum_of(model, lengths, columns)
    if (middle != model).any():
        other = spectrum_of(middle, lengths, columns)
    power = np.sum((one * np.conj(other)).real * coverage, axis=0, dtype=float)
    power[1:] *= 2  # the conjugate half of the spectrum has the same power
    return float(power.sum() / (lengths[0] * lengths[1]))


def _coverage(psf, shape, columns):
    """Transform of the PSF: the weight of every spatial frequency, at least 0."""
    return np.maximum(transform_about_the_centre(psf, shape, columns), 0)


@lru_cache(maxsize=2)  # the same for all channels of a cube
def point_above_ring(shape, beam):
    """Weights of the spatial frequencies in the height of a restored point source above the mean of its ring."""
    weights = beam_transform(shape, beam)
    offsets = ring(beam)
    reach = np.abs(offsets).max()
    # A point source less the mean of its ring: the transform of the beam times that of the peak less the ring.
    background = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    background[tuple((offsets + reach).T)] = 1 / len(offsets)
    weights *= 1 - transform_about_the_centre(background, shape, weights.shape[1])
    return np.asfortranarray(weights / weights.sum())  # the order of all transforms


def beam_transform(shape, beam):
    """Transform of the restoring beam, 1 at zero frequency; conjugate columns have weight 2."""
    width = (np.pi * beam) ** 2 / (4 * np.log(2))
    cycles = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])[: columns_of(shape, beam)]
    weights = np.multiply.outer(*(np.exp(-width * along**2).astype(np.float32) for along in cycles))
    weights[:, 1:] *= 2
    return weights


def unsupported_spike(total, unmeasured, share, of_pixel):
    """
    Measure the point source near each pixel that only this channel has, and that the visibilities do not support.

    A supported point source has ``share`` of its height in the unmeasured part of the image; anything beyond that was
    invented by deconvolution.

    Parameters
    ----------
    total, unmeasured : 2D float32 `~numpy.ndarray`
        Heights of the restored model and of its unmeasured part, in Jy/beam, at some positions in the channel and in
        those around it, as for `core.spikes.above_neighbours`.
    share : float
        Fraction of the height of a point source in the unmeasured part.
    of_pixel : 2D int `~numpy.ndarray`
        Indices of the positions within half a beam of each pixel, [n, k], from `core.surroundings.places_within`.

    Returns
    -------
    unsupported : 1D float32 `~numpy.ndarray`
        Largest height within half a beam, with its sign, in Jy/beam. NaN where it could not be measured.
    """
    # What only this channel has, of the unmeasured and of the measured part.
    here, measured = above_neighbours(unmeasured), above_neighbours(total - unmeasured)
    here = smaller(here, above_line(unmeasured))
    # Only measured emission of the same sign excuses a spike; emission missing next to it does not.
    expected = share / (1 - share) * np.maximum(measured * np.sign(here), 0)
    return largest(np.sign(here) * np.maximum(np.abs(here) - expected, 0), of_pixel)
