"""
Deconvolve channels of a cube again from their own products, and measure what has changed at their hot pixels.

A job is some channels, a pure function of what it reads but for the clock: none starts after the end of the time given.
"""

import time
from collections import namedtuple
from math import prod

import numpy as np

from ..check.clean_mask import channels_to_clean
from ..check.measure import measure_pixels
from ..check.worker_pool import end_if_interrupted
from ..core.before_after import noise_of, residual_scale
from ..core.deconvolution import DEPTH_SIGMA, convolved, deconvolve, difference, measured_kernel, psf_of
from ..core.hot_pixels import hot_pixels
from ..core.quantities import CANDIDATE
from ..core.restore import restore
from ..images.pixels import read_channel
from ..images.windows import WINDOW, read_psf, transform_of
from .casa import DeconvolverError, casa_minor_cycles

# Memory for a pixel of a plane: fifteen planes of float32 and their transforms, which are twice as long.
BYTES_A_PIXEL = 160

# Planes of a channel that was deconvolved again: model in Jy/pixel, image and residual in Jy/beam, and what became of
# it.
Planes = namedtuple("Planes", "model image residual state")

# The state of a channel, and its hot pixels as rows of `CANDIDATE`.
Again = namedtuple("Again", "polarization channel state seconds candidates")

# The channels of a job, and why it ended before the last one; '' if it did not, or for lack of time.
Job = namedtuple("Job", "channels failure")


class OutOfTimeError(Exception):
    """The time given is over."""


def bytes_needed(shape):
    """Memory needed to deconvolve a plane of this height and width."""
    return BYTES_A_PIXEL * prod(shape)


def can_deconvolve(cube, channel):
    """Whether a channel has what it takes: a PSF, and planes that are transformed whole."""
    return cube.has("psf", channel) and max(cube.shape[2:]) <= WINDOW


def deconvolve_channels(cube, places, noises, beams, scales, thresholds, until):
    """
    Deconvolve channels again, and compare them with what they were.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    places : list of tuple of int
        Polarization and channel of each.
    noises : list of float
        rms noise of each, in Jy/beam.
    beams : list of tuple of float
        Restoring beam of each: major and minor axis in arcsec, and position angle in degrees.
    scales : `core.deconvolution.Scales`
        Those of the clean.
    thresholds : `core.decision.Thresholds`
        Thresholds for hot pixels.
    until : float
        Time, as from `time.time`, when the work should end.

    Returns
    -------
    done : `Job`
        One `Again` for each channel that was finished in time. If the deconvolver fails, as where there is no CASA, the
        check goes on without it.
    """
    done = []
    with casa_minor_cycles(scales) as minor_cycle:

        def in_time(*arguments):
            end_if_interrupted()
            if time.time() > until:
                raise OutOfTimeError
            return minor_cycle(*arguments)

        for place, noise, beam in zip(places, noises, beams):
            started = time.time()
            try:
                state, candidates = _compare(cube, *place, noise, beam, thresholds, scales.change, in_time)
            except OutOfTimeError:
                break
            except DeconvolverError as error:
                return Job(done, str(error))
            done.append(Again(*place, state, time.time() - started, candidates))
    return Job(done, "")


def deconvolve_channel(cube, polarization, channel, noise, beam, minor_cycle, clean_mask):
    """
    Deconvolve a channel again.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        Which channel.
    noise : float
        Its rms noise in Jy/beam.
    beam : tuple of float
        Its restoring beam: major and minor axis in arcsec, and position angle in degrees.
    minor_cycle : callable
        As for `core.deconvolution.deconvolve`.
    clean_mask : 2D bool `~numpy.ndarray`
        Where components may be.

    Returns
    -------
    before, after : `Planes`
        As they are in the images, and as they are now. The image is the restored model plus the residual.
    kernel : 2D float32 `~numpy.ndarray` or None
        PSF of the deconvolution, as a transform; None, as ``after``, if the PSF is blank or not centred.
    """
    model, residual = (np.nan_to_num(read_channel(cube, name, polarization, channel)) for name in ("model", "residual"))
    before = Planes(model, read_channel(cube, "image", polarization, channel), residual, "")
    lengths = transform_of(cube.shape[2:])
    kernel = measured_kernel(read_psf(cube, polarization, channel), cube.beam, lengths)
    if kernel is None:
        return before, None, None
    result = deconvolve(residual, model, kernel, lengths, clean_mask, DEPTH_SIGMA * noise, cube.beam, minor_cycle)
    restored = restore(result.model, beam, cube.cell, lengths)
    after = Planes(
        result.model,
        np.where(np.isnan(before.image), np.nan, restored + result.residual),
        result.residual,
        result.state,
    )
    return before, after, kernel


def _compare(cube, polarization, channel, noise, beam, thresholds, change, minor_cycle):
    """State of a channel after it was deconvolved again, and its hot pixels with what changed there."""
    clean_mask = dict(channels_to_clean(cube, [channel]))[polarization, channel]
    before, after, kernel = deconvolve_channel(cube, polarization, channel, noise, beam, minor_cycle, clean_mask)
    if after is None:
        return "no", np.zeros(0, CANDIDATE)
    wider = thresholds.inside_bad_channels()
    hot = hot_pixels(before.model[np.newaxis], np.array([noise], dtype=np.float32), wider.nsigma)[:, 1:]
    # What a start model puts outside the clean mask cannot come back: in a mosaic a continuum source of 30 sigma was
    # called gone in ten channels.
    hot = hot[np.isfinite(before.image[tuple(hot.T)]) & clean_mask[tuple(hot.T)]]
    candidates = measure_pixels(cube, polarization, channel, hot, noise)
    lengths = transform_of(cube.shape[2:])
    scale = residual_scale(psf_of(kernel, lengths, before.model.shape), cube.beam)
    gone = before.model - after.model
    changed = restore(gone, beam, cube.cell, lengths) - scale * convolved(gone, kernel, lengths)
    # Either is too high where emission is everywhere: in mosaics by up to 1.4 and 1.3.
    now = min(noise, noise_of(after._asdict(), noise, DEPTH_SIGMA * noise))
    height, tolerance = difference(changed, before.image, hot, now, change, cube.beam)
    candidates["difference"], candidates["tolerance"] = height / noise, tolerance / noise
    return after.state, candidates
