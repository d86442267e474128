"""The noise of the dirty images of a few channels: a deep CLEAN may have lost a part of it in image and residual."""

import numpy as np

from .noise import equally_spaced, is_quiet
from .scatters import RING_RAISES_NOISE, plane_scatters
from .transforms import columns_of, filtered, padded, transform_about_the_centre
from .uv_coverage import has_its_peak

# Components where the image exceeds this multiple of the noise belong to sources, whose sidelobes are left out of the
# dirty image. Nearly all components of the noise are fainter.
SOURCE = 10.0
# Channels whose dirty images are made.
DIRTY_CHANNELS = 3
# The noise of the dirty images is taken instead if it is higher by this factor, or by the second one if the channels
# are not quiet, because emission raises it. A lower one proves nothing: on faint emission, components of noise are
# taken for those of sources.
DIRTY_HIGHER, DIRTY_HIGHER_IN_EMISSION = 1.25, 1.8
# The dirty image is not compared with one whose restoring beam has more than this multiple of the area of the PSF: such
# an image has other noise. The area is counted in pixels above half of the peak: 40 of them for a beam of 7.
SAME_AREA = 1.4


def to_be_compared(scatters):
    """A few channels for `dirty_noise`: quiet ones, spread over all of them, or else those that scatter least."""
    quiet = np.flatnonzero(is_quiet(scatters))
    if len(quiet):
        return equally_spaced(quiet, DIRTY_CHANNELS)
    present = np.flatnonzero(np.isfinite(scatters["image"]))
    return present[np.argsort(scatters["image"][present])][:DIRTY_CHANNELS].tolist()


def dirty_noise(planes, psf, beam, noise):
    """
    Measure the noise of the dirty image of a channel, without the sources in it.

    How much of the noise is lost where its components are restored depends on the array, the weighting, the scales and
    the depth of the clean. The dirty image, which is the residual plus the model convolved with the PSF, has all of it.

    Parameters
    ----------
    planes : dict of 2D float32 `~numpy.ndarray`
        The planes 'model' in Jy/pixel, and 'image' and 'residual' in Jy/beam; NaN where they are blank.
    psf : 2D float32 `~numpy.ndarray`
        PSF of the channel, as large as the planes, with its peak of 1 at the central pixel.
    beam : float
        FWHM of the restoring beam, in pixels.
    noise : float
        Noise of the channel from `core.noise.channel_noise`, in Jy/beam.

    Returns
    -------
    noise : float
        In Jy/beam. NaN if the image was restored with a beam much larger than the PSF, if that has its peak elsewhere,
        or if the planes are blank.
    """
    area_of_beam = np.pi / 4 * beam**2
    if not has_its_peak(psf) or area_of_beam > SAME_AREA * np.count_nonzero(psf > 0.5):
        return np.nan
    lengths = tuple(padded(length) for length in psf.shape)
    kernel = transform_about_the_centre(psf, lengths, columns_of(lengths, beam))
    # The dirty image without the components of sources, blank where the image is.
    of_noise = np.where(np.abs(planes["image"]) < SOURCE * noise, planes["model"], 0)
    dirty = np.nan_to_num(planes["residual"]) + filtered(of_noise, kernel, lengths)
    dirty[np.isnan(planes["image"])] = np.nan
    scatters = plane_scatters(dirty[np.newaxis], planes["residual"][np.newaxis], beam)
    return float(scatters["image"][0] / RING_RAISES_NOISE)


def as_in_dirty_images(noise, ratios, quiet):
    """
    Noise of all channels, raised if the dirty images of some have much more of it.

    Parameters
    ----------
    noise : 1D float32 `~numpy.ndarray`
        From `channel_noise`.
    ratios : sequence of float
        `dirty_noise` of some channels, divided by their ``noise``.
    quiet : bool
        Whether these channels are quiet.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Standard deviation of each channel.
    """
    ratio = np.nanmedian(ratios) if np.isfinite(ratios).any() else 1.0
    higher = DIRTY_HIGHER if quiet else DIRTY_HIGHER_IN_EMISSION
    return noise * np.float32(ratio) if ratio > higher else noise
