"""Evidence from the image and the PSF about candidates: pure functions of a cube, a channel and its candidates."""

from collections import namedtuple
from math import prod

import numpy as np

from ..core.residual_power import filter_of_power
from ..core.statistics import REACH_CHANNELS, height_above_ring, places_within, ring, spike, values_at
from ..core.transforms import filtered
from ..core.uv_coverage import ambiguity, unmeasured_filter, unsupported_spike
from ..images.windows import read_middle_of_psf, read_psf, read_window, transform_of, window_of, windows

# Measured: 47 bytes a pixel in a window of 4096 x 4096, and 53 in a whole plane of 4000 x 4000, whose transform has
# four times as many frequencies.
BYTES_A_PIXEL, BYTES_A_FREQUENCY = 48, 4

# A PSF with stripes, or with many sidelobes as high as its peak, has them within so many beams of the central row too:
# one stripe through the peak, as wide as the beam, has an ambiguity of 50 there. The whole PSF is read only if these
# rows have more than twice the usual ambiguity, of 1.3 at most.
STRIP_BEAMS, SUSPECTED = 8, 2.6

# Where the candidates of a channel are measured: pixels (y, x) [n, 2], all places near any of them [m, 2], and the
# rows of the places near each pixel [n, k].
Target = namedtuple("Target", "channel pixels places of_pixel")

# What a channel shows at a target: heights of the restored model and of its unmeasured part at the places [m]; height
# of the image, its value and that of the residual at the pixels [n]; and what `Sampling` has.
View = namedtuple("View", "total unmeasured height image residual share response ambiguity")

# What is known of the spatial frequencies that were measured in a channel: filter of those that were not; the share of
# a point source, and of a typical error of CLEAN, at these; and the places at which a source would fit nearly as well.
Sampling = namedtuple("Sampling", "passed share response ambiguity")


def places_near(channel, candidates, cube):
    """
    Places at which to measure the candidates of a channel: all within half a beam of them.

    Parameters
    ----------
    channel : int
        The channel.
    candidates : structured `~numpy.ndarray`
        Its narrow hot pixels.
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    target : `Target`
        For this channel and those around it.
    """
    pixels = np.column_stack([candidates["y"], candidates["x"]]).astype(int)
    return Target(channel, pixels, *places_within(pixels, cube.beam / 2, cube.shape[2:]))


def bytes_needed(shape):
    """Memory needed to measure a channel of this height and width."""
    return BYTES_A_PIXEL * prod(window_of(shape)) + BYTES_A_FREQUENCY * prod(transform_of(shape))


def measure_channel(cube, polarization, channel, targets, coverage):
    """
    Measure a channel; it is read and filtered once, for the candidates of all channels around it.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, channel : int
        The channel.
    targets : list of `Target`
        Where to measure.
    coverage : `check.coverage.Coverage` or None
        Takes the place of the PSF where there is none.

    Returns
    -------
    views : list of `View`
        One for each target. NaN where the images are blank, and for the unmeasured part if the coverage is unknown.
    """
    views = [
        [np.full(len(where), np.nan, np.float32) for where in (*[target.places] * 2, *[target.pixels] * 3)]
        for target in targets
    ]
    sampling = read_sampling(cube, polarization, channel, coverage)
    background = ring(cube.beam)
    for corner, core in windows(cube.shape[2:]):
        inside = [[_within_box(where, core) for where in (target.places, target.pixels)] for target in targets]
        if not any(places.any() for places, _ in inside):
            continue
        restored, unmeasured, image, residual = _read_window(cube, polarization, channel, corner, sampling.passed)
        for target, view, (places, pixels) in zip(targets, views, inside):
            at_places, at_pixels = (
                np.insert(where - corner, 0, 0, axis=1) for where in (target.places[places], target.pixels[pixels])
            )
            view[0][places], view[1][places] = (
                height_above_ring(plane, at_places, background) for plane in (restored, unmeasured)
            )
            view[2][pixels] = height_above_ring(image, at_pixels, background)
            view[3][pixels], view[4][pixels] = values_at(image, at_pixels), values_at(residual, at_pixels)
    return [View(*view, *sampling[1:]) for view in views]


def _within_box(pixels, box):
    (bottom, top), (left, right) = box
    y, x = pixels.T
    return (y >= bottom) & (y < top) & (x >= left) & (x < right)


def read_sampling(cube, polarization, channel, coverage):
    """The `Sampling` of a channel, from `unmeasured_filter` and `ambiguity`; parameters as for `measure_channel`."""
    psf, lengths = read_psf(cube, polarization, channel), transform_of(cube.shape[2:])
    if psf is not None:
        return Sampling(*unmeasured_filter(psf, cube.beam, lengths), ambiguity(psf, cube.beam))
    known = filter_of_power(*coverage, cube.beam, lengths) if coverage else (None, np.nan, np.nan)
    return Sampling(*known, np.nan)


def measure_ambiguity(cube, polarization, channel):
    """Ambiguity of a channel without candidates, for which the PSF is not read otherwise; NaN if there is none."""
    middle = read_middle_of_psf(cube, polarization, channel, int(STRIP_BEAMS * cube.beam))
    places = np.nan if middle is None else ambiguity(middle, cube.beam)
    return ambiguity(read_psf(cube, polarization, channel), cube.beam) if places >= SUSPECTED else places


def _read_window(cube, polarization, channel, corner, passed):
    """Restored model, its unmeasured part, image and residual, each as a cube with one channel."""
    image, residual = (read_window(cube, name, polarization, channel, corner) for name in ("image", "residual"))
    restored = image - residual
    unmeasured = np.full_like(restored, np.nan)
    if passed is not None:
        unmeasured[0] = filtered(restored[0], passed, transform_of(cube.shape[2:]))
    return restored, unmeasured, image, residual


def combine_channels(candidates, target, views, cube):
    """
    Compare the candidates of a channel with the channels around it.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels of the channel.
    target : `Target`
        Where they were measured.
    views : dict
        View of each channel, from `measure_channel`, without channels that are blank or beyond the cube.
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    candidates : structured `~numpy.ndarray`
        The same with the fields restored, height, spike, residual, unsupported, response and ambiguity, without those
        where the image is blank.
    """
    around = range(target.channel - REACH_CHANNELS, target.channel + REACH_CHANNELS + 1)
    missing = View(*(np.full(len(what), np.nan, dtype=np.float32) for what in views[target.channel][:5]), *[np.nan] * 3)
    total, unmeasured, heights = (
        np.column_stack([getattr(views.get(channel, missing), name) for channel in around]) for name in View._fields[:3]
    )
    here = views[target.channel]
    middle = target.of_pixel[:, target.of_pixel.shape[1] // 2]
    candidates = candidates.copy()
    candidates["restored"] = spike(total[middle]) / candidates["contrast"]
    candidates["height"] = total[middle][:, REACH_CHANNELS]
    candidates["spike"] = spike(heights) / candidates["noise"]
    candidates["residual"] = here.residual / candidates["noise"]
    unsupported = unsupported_spike(total, unmeasured, here.share, target.of_pixel)
    candidates["unsupported"] = unsupported / candidates["noise"]
    candidates["response"], candidates["ambiguity"] = here.response, here.ambiguity
    return candidates[np.isfinite(here.image)]
