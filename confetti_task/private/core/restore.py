"""The image that tclean restores from a model, and what another image has that this one does not: planes [y, x]."""

import math

import numpy as np
from scipy import fft

from .scatters import GAUSSIAN_SIGMA_PER_MEDIAN

# Reach of a beam in units of its FWHM: there a Gaussian has 1e-11 of its peak.
REACH_BEAMS = 3

# Pixels at least this bright, in units of the noise, belong to sources: smoothing the noise cannot hide more than a
# sixth of them.
BRIGHT_SIGMA = 10
# Distance from a source, in beams, within which the correction for the primary beam is taken as constant. With the most
# compact of ALMA's arrays, the primary beam is seven beams wide.
AROUND_BEAMS = 2
# Largest correction for the primary beam: tclean and its users cut images off where it falls to a tenth of its peak.
LARGEST_CORRECTION = 10


def margin(beam, cell):
    """
    Number of pixels over which a beam extends.

    Parameters
    ----------
    beam, cell : tuple of float
        As for `restore`.

    Returns
    -------
    pixels : int
        On each side of its centre.
    """
    return math.ceil(REACH_BEAMS * beam[0] / min(abs(length) for length in cell))


def restore(model, beam, cell, lengths):
    """
    Convolve a model with a restoring beam.

    Parameters
    ----------
    model : 2D float32 `~numpy.ndarray`
        Model [y, x] in Jy/pixel. NaN counts as 0.
    beam : tuple of float
        Major and minor axis (FWHM) in arcsec, and position angle in degrees, North through East.
    cell : tuple of float
        Pixel size along y (positive towards North) and along x (positive towards East), in arcsec.
    lengths : tuple of int
        Height and width of the transform, at least those of the model. The convolution is periodic: within `margin` of
        an edge the result is right only if the model is empty at the opposite edge.

    Returns
    -------
    restored : 2D float32 `~numpy.ndarray`
        In Jy/beam.
    """
    spectrum = fft.rfft2(np.nan_to_num(model), lengths)
    # tclean samples the beam too: below a width of 2.5 pixels its analytic transform differs by 1e-3.
    spectrum *= fft.rfft2(_sampled_beam(beam, cell, lengths))
    return fft.irfft2(spectrum, lengths)[: model.shape[0], : model.shape[1]]


def _sampled_beam(beam, cell, lengths):
    """Beam with its unit peak at the first pixel [y, x], 0 beyond its `margin`."""
    major, minor, angle = beam
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    reach = margin(beam, cell)
    y, x = (np.arange(-min(reach, length // 2), min(reach, (length - 1) // 2) + 1) for length in lengths)
    north, east = y[:, np.newaxis] * cell[0], x * cell[1]
    along, across = (north * cosine + east * sine) / major, (east * cosine - north * sine) / minor
    sampled = np.zeros(lengths, dtype=np.float32)
    sampled[np.ix_(y, x)] = np.exp(-4 * math.log(2) * (along**2 + across**2))
    return sampled


def fast_lengths(shape):
    """Height and width of a fast transform that is at least as large as a plane."""
    return tuple(fft.next_fast_len(length, real=True) for length in shape)


def unexplained(image, residual, restored, beam, inside):
    """
    Measure how much of the sources in an image is explained neither by model and residual nor by a known change of
    them.

    There are two known changes. With another beam, the sources are those that are ``restored`` with it, and the noise
    is hardly as bright. A factor that is the same for sources and noise, like the correction for the primary beam,
    changes slowly across the plane.

    Parameters
    ----------
    image, residual : 2D float32 `~numpy.ndarray`
        In Jy/beam; NaN where they are blank.
    restored : 2D float32 `~numpy.ndarray`
        Model convolved with the beam of the image, in Jy/beam.
    beam : float
        FWHM of the beam in pixels.
    inside : tuple of slice
        Rows and columns in which sources are looked at.

    Returns
    -------
    part : float
        Norm of the unexplained difference, where image or restored model are bright, as a fraction of their norm. 1 if
        image and residual are the same.
    """
    if not np.nan_to_num(image - residual)[inside].any():
        return 1.0
    known = np.isfinite(image + residual)
    image, residual, restored = (np.where(known, plane, 0).astype(float) for plane in (image, residual, restored))
    noise, sources = GAUSSIAN_SIGMA_PER_MEDIAN * _median_of(residual), image - residual
    bright = np.zeros(image.shape, dtype=bool)
    bright[inside] = (np.maximum(np.abs(restored), np.abs(sources)) >= BRIGHT_SIGMA * noise)[inside]
    faint = (np.abs(restored) < noise) & (residual != 0)
    # Beam by beam: whether the sources there are smoothed, or multiplied by a factor that the faint pixels around show.
    step, reach, total, lacking = max(round(beam), 1), round(AROUND_BEAMS * beam), 0.0, 0.0
    for y, x in np.argwhere(_any_in_each(bright, step)) * step:
        here = tuple(slice(low, low + step) for low in (y, x))
        around = tuple(slice(max(low - reach, 0), low + step + reach) for low in (y, x))
        some, empty = bright[here], faint[around]
        seen, right, left = (plane[here][some] for plane in (sources, restored, residual))
        if np.count_nonzero(empty) >= beam**2:
            seen = seen - np.median(sources[around][empty])  # a background, as of continuum, is no source
            gain = _median_of(image[around][empty]) / _median_of((restored + residual)[around][empty])
        else:  # emission everywhere
            gain = np.clip((seen @ right) / (right @ right or 1), 1, LARGEST_CORRECTION)
        smoothed, corrected = seen - right, (seen + left) / (gain or 1) - left - right
        total += max(seen @ seen, right @ right)
        lacking += min(smoothed @ smoothed, corrected @ corrected)
    return math.sqrt(lacking / total) if total else 0.0


def _any_in_each(plane, step):
    """Whether any pixel of each square of a plane is True; squares at the end may be smaller."""
    padded = np.pad(plane, [(0, -length % step) for length in plane.shape])
    rows, columns = (length // step for length in padded.shape)
    return padded.reshape(rows, step, columns, step).any(axis=(1, 3))


def _median_of(plane):
    """Median of the magnitudes of a plane, without the pixels that are blank or 0; 0 if all are."""
    magnitudes = np.abs(plane[np.isfinite(plane) & (plane != 0)])
    return float(np.median(magnitudes)) if magnitudes.size else 0.0
