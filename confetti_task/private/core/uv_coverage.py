"""What the data hold of an image, and what deconvolution had to invent."""

from functools import lru_cache

import numpy as np
from scipy import fft

from .statistics import above_neighbours, largest, ring

# A spatial frequency counts as measured where the PSF has more than this part of what the restoring beam has at zero
# frequency; at this part, half. 0.015, 0.05 and 0.15 find and miss the same in single fields; in bright emission, which
# leaks through where there is some coverage, 0.015 finds more.
LEAST_COVERAGE = 0.015

# Integral of a Gaussian of unit peak, in squares of its width at half maximum.
GAUSSIAN_AREA = float(np.pi / (4 * np.log(2)))

# The peak of the PSF was 1 to the last digit in 41 cubes of the real tclean.
PEAK_ERROR = 0.01

# Spatial frequencies at which the restoring beam has less than this part of what it has at zero frequency are left out:
# a restored model holds nothing there.
LEAST_OF_BEAM = 1e-5


def unmeasured_filter(psf, beam, lengths):
    """
    Tell which spatial frequencies the data do not hold.

    An interferometer measures some spatial frequencies and not the others: the Fourier transform of the PSF tells
    which. Where it measures, the residual keeps the model right. Where it does not, the residual is zero whatever the
    model holds, and there CLEAN can be wrong without a trace.

    Parameters
    ----------
    psf : 2D float32 `~numpy.ndarray`
        PSF of a channel with its peak of 1 at the central pixel [ny // 2, nx // 2], where tclean puts it.
    beam : float
        Width of the restoring beam at half maximum, in pixels.
    lengths : tuple of int
        Height and width of the transform, from `padded` or no less than the PSF has.

    Returns
    -------
    passed : 2D float32 `~numpy.ndarray` or None
        Part of each spatial frequency [v, u] that is not measured, for `unmeasured_image`. None when the PSF is blank,
        as it is in flagged channels, has its peak elsewhere or not of 1, or is smaller than the ring around a point
        source.
    share : float
        Part of the height of a point source, above the mean of its `core.statistics.ring`, that is at
        these frequencies.
    """
    if not _has_its_peak(psf) or min(lengths) < 2 * np.abs(ring(beam)).max() + 1:
        return None, np.nan
    area = np.float32(LEAST_COVERAGE * GAUSSIAN_AREA * beam**2)
    passed = area / (area + _coverage(psf, lengths, _columns(lengths, beam)))
    return passed, float((passed * _point_above_ring(lengths, beam)).sum())


def _has_its_peak(psf):
    centre = psf[psf.shape[0] // 2, psf.shape[1] // 2]
    return abs(centre - 1) <= PEAK_ERROR and np.nanmax(np.abs(psf)) <= 1 + PEAK_ERROR


def unmeasured_image(restored, passed, lengths):
    """
    Filter out of a restored model all that the data hold.

    Parameters
    ----------
    restored : 2D float32 `~numpy.ndarray`
        Restored model [y, x] in Jy/beam: image minus residual. NaN where it is blank.
    passed : 2D float32 `~numpy.ndarray`
        From `unmeasured_filter`.
    lengths : tuple of int
        As they were given to it.

    Returns
    -------
    unmeasured : 2D float32 `~numpy.ndarray`
        The restored model at the spatial frequencies that are not measured, in Jy/beam.
    """
    (height, width), length = restored.shape, lengths[1]
    spectrum = _spectrum(restored, lengths, passed.shape[1])
    spectrum *= passed
    return fft.irfft(fft.ifft(spectrum, axis=0, overwrite_x=True)[:height], length)[:, :width]


def measured_power(model, core, psf, beam, lengths):
    """
    Measure how much of a model the data hold: the sum over its components of their flux times the dirty image of all.

    Parameters
    ----------
    model : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel.
    core : tuple of slice
        The part of it whose components are summed over; the dirty image is that of all.
    psf : 2D float32 `~numpy.ndarray`
        PSF as large as the model, as `unmeasured_filter` takes it.
    beam : float
        Width of the restoring beam at half maximum, in pixels.
    lengths : tuple of int
        Height and width of the transform.

    Returns
    -------
    power : float
        In Jy**2/beam.
    """
    columns = _columns(lengths, beam)
    coverage = _transform_about_the_centre(_zero_where_blank(psf), lengths, columns)
    middle = np.zeros_like(model)
    middle[core] = model[core]
    one = other = _spectrum(model, lengths, columns)
    if (middle != model).any():
        other = _spectrum(middle, lengths, columns)
    power = np.sum((one * np.conj(other)).real * coverage, axis=0, dtype=float)
    power[1:] *= 2  # the other half of the spectrum
    return float(power.sum() / (lengths[0] * lengths[1]))


def padded(length):
    """Length of a transform at which the emission at one edge of an axis does not wrap round to the other."""
    return fft.next_fast_len(2 * length, real=True)


def _spectrum(plane, lengths, columns):
    rows, length = lengths
    return fft.fft(fft.rfft(_zero_where_blank(plane), length)[:, :columns], rows, axis=0, overwrite_x=True)


def _columns(shape, beam):
    """Number of columns of a half spectrum in which the restoring beam has anything."""
    highest = np.sqrt(-4 * np.log(2) * np.log(LEAST_OF_BEAM)) / (np.pi * beam)
    return min(int(highest * shape[1]) + 1, shape[1] // 2 + 1)


def _coverage(psf, shape, columns):
    """How much is measured at every spatial frequency."""
    return np.maximum(_transform_about_the_centre(_zero_where_blank(psf), shape, columns), 0)


def _transform_about_the_centre(plane, shape, columns):
    """Real part of the transform of a plane about its central pixel."""
    rows = fft.rfft(_about_the_centre(plane, shape[1], axis=1))[:, :columns]
    return fft.fft(_about_the_centre(rows, shape[0], axis=0), axis=0, overwrite_x=True).real


def _about_the_centre(plane, length, axis):
    """Pad an axis to a length, with its central pixel first and what is before that at the end."""
    centre = plane.shape[axis] // 2
    before, after = np.split(plane, [centre], axis=axis)
    shape = [length if number == axis else size for number, size in enumerate(plane.shape)]
    shape[axis] -= before.shape[axis] + after.shape[axis]
    return np.concatenate([after, np.zeros(shape, dtype=plane.dtype), before], axis=axis)


@lru_cache(maxsize=2)  # the same for all channels of a cube
def _point_above_ring(shape, beam):
    """Weights of the spatial frequencies in the height of a restored point source above the mean of its ring."""
    columns = _columns(shape, beam)
    width = (np.pi * beam) ** 2 / (4 * np.log(2))
    v, u = (np.exp(-width * cycles**2) for cycles in (fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])[:columns]))
    weights = np.multiply.outer(v.astype(np.float32), u.astype(np.float32))
    offsets = ring(beam)
    reach = np.abs(offsets).max()
    background = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    background[tuple((offsets + reach).T)] = 1 / len(offsets)
    weights *= 1 - _transform_about_the_centre(background, shape, columns)
    weights[:, 1:] *= 2  # the other half of the spectrum
    return weights / weights.sum()


def _zero_where_blank(plane):
    return np.where(np.isnan(plane), np.float32(0), plane)


def unsupported_spike(total, unmeasured, share, of_pixel):
    """
    Measure the point source near each pixel that a channel has, its neighbours have not, and the data do not hold.

    A point source that the data hold puts ``share`` of its height into the unmeasured part of the image; what is there
    beyond that, deconvolution invented.

    Parameters
    ----------
    total, unmeasured : 2D float32 `~numpy.ndarray`
        Heights of the restored model and of its unmeasured part, from `unmeasured_image`, in Jy/beam: of some places in
        the channels around, as `core.statistics.above_neighbours` takes them.
    share : float
        Part of a point source that is in the unmeasured part.
    of_pixel : 2D int `~numpy.ndarray`
        The places within half a beam of each pixel, [n, k], from `core.statistics.places_within`.

    Returns
    -------
    unsupported : 1D float32 `~numpy.ndarray`
        Largest height within half a beam, with its sign, in Jy/beam. NaN where it could not be measured.
    """
    here, held = above_neighbours(unmeasured), above_neighbours(total - unmeasured)
    # Only what the data hold of the same sign excuses a spike: emission that is missing beside it does not.
    expected = share / (1 - share) * np.maximum(held * np.sign(here), 0)
    return largest(np.sign(here) * np.maximum(np.abs(here) - expected, 0), of_pixel)
