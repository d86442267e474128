"""Measure the hot pixels of a range of channels: a pure function of what to read, the range and the thresholds."""

from collections import namedtuple

import numpy as np

from .decision import is_confetti, unsupported_scatter
from .images import read_channels
from .noise import channel_noise
from .statistics import at, brightness, contrast, hot_pixels, narrowness, pointlikeness, ring, spike, surround
from .support import unsupported_image

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
        ("unsupported", "f4"),  # spike that the data do not hold, in units of its scatter; NaN without a PSF
        ("confetti", "?"),
    ]
)

Measurement = namedtuple("Measurement", "noise blank checked cleaned candidates")


def measure(cube, polarization, first, last, thresholds):
    """
    Measure the narrow hot pixels of a range of channels.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        What to read.
    polarization, first, last : int
        Polarization, first and last channel of the range.
    thresholds : `~confetti_task.private.decision.Thresholds`
        Thresholds of the decision.

    Returns
    -------
    noise : 1D float32 `~numpy.ndarray`
        Noise of every channel of the range in Jy/beam; NaN for a blank one.
    blank, checked : 1D bool `~numpy.ndarray`
        Whether a channel holds no image, and whether it could be checked: its noise and a neighbour are known.
    cleaned : 1D bool `~numpy.ndarray`
        Whether the model holds anything in a channel.
    candidates : structured `~numpy.ndarray`
        One row of `CANDIDATE` for every narrow hot pixel.
    """
    start, end = max(first - 1, 0), min(last + 1, cube.channels - 1)
    model = read_channels(cube, "model", polarization, start, end)
    image = read_channels(cube, "image", polarization, start, end)
    noise = channel_noise(image)
    cleaned = np.nan_to_num(model[first - start : last - start + 1]).any(axis=(1, 2))
    model[np.isnan(noise)] = np.nan  # a blank channel is a missing neighbour, not an empty one
    inside = slice(first - start, last - start + 1)
    searched = np.full_like(noise, np.nan)
    searched[inside] = noise[inside]
    pixels = hot_pixels(model, searched, thresholds.nsigma)
    pixels = pixels[np.isfinite(at(image, pixels))]
    candidates, pixels = _narrow(model, pixels, thresholds)
    if len(pixels):
        _measure_model(candidates, pixels, model, noise, cube.beam)
        restored, unsupported = _read_around(cube, polarization, start, pixels, model, image, noise)
        _measure_image(candidates, pixels, image, restored, unsupported, cube.beam, thresholds)
        candidates["confetti"] = is_confetti(candidates, thresholds)
    candidates["polarization"] = polarization
    candidates["channel"] += start
    blank = ~np.nan_to_num(image[inside]).any(axis=(1, 2))
    return Measurement(noise[inside], blank, _checkable(noise)[inside], cleaned, candidates)


def _checkable(noise):
    known = np.pad(np.isfinite(noise), 1)
    return known[1:-1] & (known[:-2] | known[2:])


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


def _measure_image(candidates, pixels, image, restored, unsupported, beam, thresholds):
    noise, background = candidates["noise"], ring(beam)
    candidates["restored"] = spike(restored, pixels, background) / candidates["contrast"]
    candidates["spike"] = spike(image, pixels, background) / noise
    candidates["residual"] = (at(image, pixels) - at(restored, pixels)) / noise
    scatter = unsupported_scatter(noise, brightness(restored, pixels, beam), thresholds)
    candidates["unsupported"] = spike(unsupported, pixels, background) / scatter


def _read_around(cube, polarization, start, pixels, model, image, noise):
    """Restored model and unsupported image of the channels of the pixels and of their neighbours, NaN elsewhere."""
    restored, unsupported = np.full_like(image, np.nan), np.full_like(image, np.nan)
    channels = np.unique(pixels[:, 0, np.newaxis] + [-1, 0, 1])
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
            unsupported[channel] = unsupported_image(restored[channel], model[channel], psf[0])
    return restored, unsupported
