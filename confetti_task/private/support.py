"""What the data hold of an image, and what deconvolution had to invent."""

import numpy as np

from .statistics import above_neighbours, heights, largest, ring, within

# A spatial frequency counts as measured where the PSF has more than this part of what the restoring beam has at zero
# frequency; at this part, half. 0.015, 0.05 and 0.15 find and miss the same in single fields; in bright emission, which
# leaks through where there is some coverage, 0.015 finds more.
LEAST_COVERAGE = 0.015

# Integral of a Gaussian of unit peak, in squares of its width at half maximum.
GAUSSIAN_AREA = np.pi / (4 * np.log(2))


def unmeasured_image(restored, psf, beam):
    """
    Filter out of a restored model all that the data hold.

    An interferometer measures some spatial frequencies and not the others: the Fourier transform of the PSF tells
    which. Where it measures, the residual keeps the model right. Where it does not, the residual is zero whatever the
    model holds, and there CLEAN can be wrong without a trace.

    Parameters
    ----------
    restored : 2D float32 `~numpy.ndarray`
        Restored model [y, x] in Jy/beam: image minus residual. NaN where it is blank.
    psf : 2D float32 `~numpy.ndarray`
        PSF of this channel with its peak of 1 at the central pixel [ny // 2, nx // 2], where tclean puts it.
    beam : float
        Width of the restoring beam at half maximum, in pixels.

    Returns
    -------
    unmeasured : 2D float32 `~numpy.ndarray`
        The restored model at the spatial frequencies that are not measured, in Jy/beam. NaN everywhere when the PSF is
        blank, as it is in flagged channels.
    share : float
        Part of the height of a point source, above the median of its `~confetti_task.private.statistics.ring`, that is
        in it.
    """
    if not np.nanmax(np.abs(psf), initial=0) > 0:
        return np.full_like(restored, np.nan), np.nan
    # At twice the size the emission at one edge does not wrap round to the other.
    shape = [2 * length for length in restored.shape]
    area = GAUSSIAN_AREA * beam**2
    passed = LEAST_COVERAGE * area / (LEAST_COVERAGE * area + _coverage(psf, shape))
    spectrum = np.fft.rfft2(_zero_where_blank(restored), shape)
    spectrum *= passed
    unmeasured = np.fft.irfft2(spectrum, shape)[: restored.shape[0], : restored.shape[1]].astype(np.float32)
    return unmeasured, _share_of_a_point(passed, shape, beam)


def _coverage(psf, shape):
    """How much is measured at every spatial frequency: the real part of the transform of the PSF about its centre."""
    padded = np.zeros(shape, dtype=np.float32)
    padded[: psf.shape[0], : psf.shape[1]] = _zero_where_blank(psf)
    centred = np.roll(padded, [-(length // 2) for length in psf.shape], axis=(0, 1))
    return np.maximum(np.fft.rfft2(centred).real, 0)


def _share_of_a_point(passed, shape, beam):
    v, u = np.fft.fftfreq(shape[0])[:, np.newaxis], np.fft.rfftfreq(shape[1])
    transform = GAUSSIAN_AREA * beam**2 * np.exp(-((np.pi * beam) ** 2) / (4 * np.log(2)) * (u**2 + v**2))
    offsets = ring(beam)
    gaussian = np.exp(-4 * np.log(2) * (offsets**2).sum(axis=1) / beam**2)
    point = np.fft.irfft2(passed * transform, shape)
    height = point[0, 0] - np.median(point[tuple(offsets.T)])
    return height / (1 - np.median(gaussian))


def _zero_where_blank(plane):
    return np.where(np.isnan(plane), np.float32(0), plane)


def unsupported_spike(restored, unmeasured, share, pixels, beam):
    """
    Measure the point source near each pixel that a channel has, its neighbours have not, and the data do not hold.

    A point source that the data hold puts ``share`` of its height into the unmeasured part of the image; what is there
    beyond that, deconvolution invented.

    Parameters
    ----------
    restored, unmeasured : 3D float32 `~numpy.ndarray`
        Restored model [channel, y, x] and its unmeasured part, from `unmeasured_image`, in Jy/beam.
    share : 1D `~numpy.ndarray`
        Part of a point source that is in the unmeasured part, for each channel.
    pixels : 2D int `~numpy.ndarray`
        Where to measure, [n, 3].
    beam : float
        Width of the restoring beam at half maximum, in pixels.

    Returns
    -------
    unsupported : 1D float32 `~numpy.ndarray`
        Largest height within half a beam, with its sign, in Jy/beam. NaN where it could not be measured.
    """
    places, of_pixel = within(pixels, beam / 2, restored.shape)
    invented = _invented(restored, unmeasured, share, places, ring(beam))
    return largest(invented, of_pixel)


def _invented(restored, unmeasured, share, places, background):
    total, unknown = (heights(cube, places, background) for cube in (restored, unmeasured))
    here, held = above_neighbours(unknown), above_neighbours(total - unknown)
    # Only what the data hold of the same sign excuses a spike: emission that is missing beside it does not.
    share = share[places[:, 0]]
    expected = share / (1 - share) * np.maximum(held * np.sign(here), 0)
    return np.sign(here) * np.maximum(np.abs(here) - expected, 0)
