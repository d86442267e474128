"""Measure the hot pixels of a range of channels: a pure function of what to read, the range and the thresholds."""

from collections import namedtuple

import numpy as np

from .noise import plane_noise
from .pixels import read_channels
from .statistics import (
    REACH_CHANNELS,
    at,
    contrast,
    hot_pixels,
    narrowness,
    pointlikeness,
    ring,
    spike,
    surround,
)
from .support import unmeasured_image, unsupported_spike

CANDIDATE = np.dtype(
    [
        ("polarization", "i4"),
        ("channel", "i4"),
        ("y", "i4"),
        ("x", "i4"),
        ("noise", "f4"),  # of the channel, Jy/beam
        ("contrast", "f4"),  # of the hot pixel over its surroundings, Jy
        ("pointlikeness", "f4"),  # 1 for a single pixel
        ("narrowness", "f4"),  # part of the contrast in a neighbouring channel
        ("surround", "f4"),  # flux around the hot pixel as a part of it, from the model
        ("restored", "f4"),  # part of the hot pixel that remains in image - residual
        ("spike", "f4"),  # point source in this channel of the image alone, in noise
        ("residual", "f4"),  # at the hot pixel, in noise
        ("unsupported", "f4"),  # spike that the data do not hold, in noise; NaN without a PSF
        ("confetti", "?"),
        ("severity", "f4"),  # of confetti: height of the fake source in noise
        ("known", "?"),  # near a source that the user knows to be real
    ]
)

Measurement = namedtuple("Measurement", "channels candidates")

CHANNEL = np.dtype(
    [
        ("polarization", "i4"),
        ("channel", "i4"),
        ("noise", "f4"),  # Jy/beam, NaN where there is no image
        ("checked", "?"),  # whether the noise and a neighbour are known
        ("flux", "f8"),  # of the model, Jy
        ("components", "i8"),  # pixels of the model that are not zero
        ("switched", "?"),  # the model is empty and those of both neighbours are not, or the other way round
        ("positive", "i4"),  # hot pixels, narrow or not
        ("negative", "i4"),
    ]
)


def measure_scatter(cube, polarization, first, last):
    """
    Measure the scatter of a range of channels.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        What to read.
    polarization, first, last : int
        Polarization, first and last channel of the range.

    Returns
    -------
    scatter : 1D float32 `~numpy.ndarray`
        From `~confetti_task.private.noise.plane_noise`, in Jy/beam; NaN for a blank channel.
    """
    return plane_noise(read_channels(cube, "image", polarization, first, last), cube.beam)


def measure(cube, polarization, first, last, noise, thresholds):
    """
    Measure the narrow hot pixels of a range of channels.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        What to read.
    polarization, first, last : int
        Polarization, first and last channel of the range.
    noise : 1D float32 `~numpy.ndarray`
        Noise of every channel of the cube in Jy/beam; NaN for a blank one.
    thresholds : `~confetti_task.private.decision.Thresholds`
        For what is a hot pixel and what is narrow.

    Returns
    -------
    channels : structured `~numpy.ndarray`
        One row of `CHANNEL` for every channel of the range.
    candidates : structured `~numpy.ndarray`
        One row of `CANDIDATE` for every narrow hot pixel; known, confetti and severity are not decided yet.
    """
    start, end = max(first - REACH_CHANNELS, 0), min(last + REACH_CHANNELS, cube.channels - 1)
    inside = slice(first - start, last - start + 1)
    model = read_channels(cube, "model", polarization, start, end)
    image = read_channels(cube, "image", polarization, start, end)
    noise = noise[start : end + 1]
    channels = _measure_channels(model, noise, start, polarization)

    model[np.isnan(noise)] = np.nan  # a blank channel is a missing neighbour, not an empty one
    searched = np.full_like(noise, np.nan)
    searched[inside] = noise[inside]
    pixels = hot_pixels(model, searched, thresholds.nsigma)
    pixels = pixels[np.isfinite(at(image, pixels))]
    for sign, name in ((1, "positive"), (-1, "negative")):
        hot = pixels[np.sign(at(model, pixels)) == sign, 0]
        channels[name] = np.bincount(hot, minlength=len(channels))

    candidates, pixels = _narrow(model, pixels, thresholds)
    if len(pixels):
        _measure_model(candidates, pixels, model, noise, cube.beam)
        restored, *unmeasured = _read_around(cube, polarization, start, pixels, image, noise)
        _measure_image(candidates, pixels, image, restored, cube.beam)
        candidates["unsupported"] = unsupported_spike(restored, *unmeasured, pixels, cube.beam) / candidates["noise"]
    candidates["polarization"] = polarization
    candidates["channel"] += start
    return Measurement(channels[inside], candidates)


def _measure_channels(model, noise, start, polarization):
    channels = np.zeros(len(model), dtype=CHANNEL)
    channels["polarization"], channels["channel"] = polarization, start + np.arange(len(model))
    channels["noise"], channels["checked"] = noise, _checkable(noise)
    channels["flux"] = np.nansum(model, axis=(1, 2), dtype=float)
    channels["components"] = np.count_nonzero(np.nan_to_num(model), axis=(1, 2))
    channels["switched"] = _switched(channels["components"] > 0, noise)
    return channels


def _checkable(noise):
    known = np.pad(np.isfinite(noise), 1)
    return known[1:-1] & (known[:-2] | known[2:])


def _switched(cleaned, noise):
    switched = np.zeros(len(cleaned), dtype=bool)
    known = np.isfinite(noise)
    switched[1:-1] = (cleaned[1:-1] != cleaned[:-2]) & (cleaned[1:-1] != cleaned[2:])
    switched[1:-1] &= known[:-2] & known[1:-1] & known[2:]
    return switched


def _narrow(model, pixels, thresholds):
    contrasts = contrast(model, pixels)
    fractions = narrowness(model, pixels, contrasts)
    narrow = fractions <= thresholds.narrowness
    candidates = np.zeros(np.count_nonzero(narrow), dtype=CANDIDATE)
    candidates["contrast"], candidates["narrowness"] = contrasts[narrow], fractions[narrow]
    return candidates, pixels[narrow]


def _measure_model(candidates, pixels, model, noise, beam):
    candidates["channel"], candidates["y"], candidates["x"] = pixels.T
    candidates["noise"] = noise[pixels[:, 0]]
    candidates["pointlikeness"] = pointlikeness(model, pixels, candidates["contrast"])
    candidates["surround"] = surround(model, pixels, candidates["contrast"], beam)


def _measure_image(candidates, pixels, image, restored, beam):
    noise, background = candidates["noise"], ring(beam)
    candidates["restored"] = spike(restored, pixels, background) / candidates["contrast"]
    candidates["spike"] = spike(image, pixels, background) / noise
    candidates["residual"] = (at(image, pixels) - at(restored, pixels)) / noise


def _read_around(cube, polarization, start, pixels, image, noise):
    """Restored model, its unmeasured part and the share of a point source in it, NaN where no pixel needs them."""
    restored, unmeasured = np.full_like(image, np.nan), np.full_like(image, np.nan)
    share = np.full(len(image), np.nan)
    channels = np.unique(pixels[:, 0, np.newaxis] + np.arange(-REACH_CHANNELS, REACH_CHANNELS + 1))
    for channel in channels[(channels >= 0) & (channels < len(image))]:
        if np.isnan(noise[channel]):
            continue
        residual, *psf = (
            read_channels(cube, product, polarization, start + channel, start + channel)[0]
            for product in ("residual", "psf")
            if product in cube.products
        )
        restored[channel] = image[channel] - residual
        if psf:
            unmeasured[channel], share[channel] = unmeasured_image(restored[channel], psf[0], cube.beam)
    return restored, unmeasured, share
