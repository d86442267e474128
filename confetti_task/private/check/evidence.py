"""Evidence from the image and the PSF about candidates: pure functions of a cube, some channels and candidates."""

from collections import namedtuple
from functools import partial
from math import prod

import numpy as np

from ..core.decision import leaves_spike
from ..core.dynamic_range import (
    LEAST_SAMPLED,
    SIDELOBES_RAISED,
    UNKNOWN_LEVEL,
    bright_sources,
    floor,
    sidelobes,
    step_of_samples,
)
from ..core.quantities import CANDIDATE
from ..core.residual_power import filter_of_power
from ..core.sources import by_place
from ..core.spikes import REACH_CHANNELS, above_line, above_neighbours, smaller, spike
from ..core.surroundings import places_within, positions_within
from ..core.transforms import at_samples, filtered, sampling_step
from ..core.uv_coverage import ambiguity, measured_filter, same_coverage, unmeasured_filter, unsupported_spike
from ..images.windows import read_middle_of_psf, read_psf, read_window, transform_of_samples, window_of, windows
from .plane_stack import CHANNELS_COMPARED, PlaneStack, margin_of
from .worker_pool import end_if_interrupted

# Bytes for each pixel of a window, as measured in planes of 2048 x 2048 pixels with beams of 3 and 5 pixels: 56 are the
# planes of the seven channels that are compared, 8 the samples of these in which bright sources are searched for, and
# most others the filter.
BYTES_A_PIXEL = 93

# The ambiguity of a channel without candidates is measured in the rows within this many beams of the peak of the PSF:
# stripes, and many sidelobes as high as the peak, are in these rows too. One stripe through the peak, as wide as the
# beam, has an ambiguity of 50 there. The whole PSF is read only from twice the usual ambiguity on, which is 1.3 at
# most.
STRIP_BEAMS, SUSPECTED = 8, 2.6

# A spike is measured at 21 places and more, each above the ring around it. First it is estimated with the ring around
# the candidate for all of them, which takes a seventh of the time. It is measured where the estimate is at least this
# fraction of what would be evidence, or would make its channel suspicious.
ESTIMATE_SUFFICES = 1 / 2

# Candidates of a channel that are compared together, in 40 MB: a channel that ran away can have 10**5.
CANDIDATES_AT_ONCE = 1024

# Channels per block that share one filter if their PSFs are the same: making one takes as long as all the rest.
CHANNELS_A_FILTER = 16

# uv sampling of a channel: the filter that passes the measured spatial frequencies of the samples of a plane; the
# shares of a point source, and of a typical error of CLEAN, at all others (share and response); the unsupported
# sidelobes of a point source; and the number of places at which a source would fit nearly as well.
Sampling = namedtuple("Sampling", "measured share response sidelobes ambiguity")

# What else a window of a channel shows: the brightest sample of the restored model in Jy/beam; at the candidates of the
# channels that are compared with this one, as dictionaries by channel, the heights of the image, [n], for both adjacent
# ones only, and those of the restored model and of its unmeasured part, [2, n]; image and residual at its own
# candidates, [n]; and its `Sampling` without the filter.
View = namedtuple("View", "brightest image_heights heights image residual share response sidelobes ambiguity")


def bytes_needed(shape):
    """Memory needed to weigh candidates in planes of this height and width."""
    return BYTES_A_PIXEL * prod(window_of(shape))


def weigh(cube, polarization, found, known, coverage, thresholds):
    """
    Compare candidates with the image and the PSF, in their channels and in those around them.

    Each channel is read and filtered once, and kept as long as a candidate may be compared with it.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization : int
        Number of the polarization.
    found : dict of structured `~numpy.ndarray`
        Narrow hot pixels of some channels, by channel in ascending order.
    known : 1D bool `~numpy.ndarray`
        Whether each channel of the cube can be compared with: it is not blank.
    coverage : `check.coverage.Coverage` or None
        Takes the place of the PSF where there is none.
    thresholds : `core.decision.Thresholds`
        Thresholds of the decision, below which unsupported spikes are only estimated.

    Returns
    -------
    candidates : structured `~numpy.ndarray`
        The same with the fields restored, brightness, height, image_height, spike, residual, unsupported, floor,
        response and ambiguity, in the order of channel, y and x, without those where the image is blank.
    """
    weighed = [np.zeros(0, CANDIDATE)]
    stack = PlaneStack(window_of(cube.shape[2:]), cube.beam)
    for corner, box in windows(cube.shape[2:]):
        inside = {channel: candidates[_is_in(box, candidates)] for channel, candidates in found.items()}
        inside = {channel: candidates for channel, candidates in inside.items() if len(candidates)}
        stack.clear()
        views, first_alike = {}, {}
        for channel, candidates in inside.items():
            around = range(max(channel - REACH_CHANNELS, 0), min(channel + REACH_CHANNELS + 1, cube.channels))
            needed = [other for other in around if known[other]]
            # Channels are in ascending order: what this one does not need, no later one does.
            views = {other: view for other, view in views.items() if other in needed}
            for other in needed:
                end_if_interrupted()
                if other not in views:
                    sampling = _sampling_like_the_first(cube, polarization, other, coverage, first_alike)
                    views[other] = _load_window(cube, polarization, other, corner, inside, sampling, stack)
            if channel in views:
                weighed.append(_weigh_channel(candidates, channel, views, stack, corner, cube, thresholds))
    return by_place(np.concatenate(weighed))


def _is_in(box, candidates):
    (bottom, top), (left, right) = box
    y, x = candidates["y"], candidates["x"]
    return (y >= bottom) & (y < top) & (x >= left) & (x < right)


def _places(candidates, corner):
    """Positions (y, x) of candidates in a window, [n, 2]."""
    return np.column_stack([candidates["y"] - corner[0], candidates["x"] - corner[1]]).astype(int)


def _sampling_like_the_first(cube, polarization, channel, coverage, first):
    """The `Sampling` of a channel; ``first`` keeps PSF and `Sampling` of the first channel of each block."""
    number = channel - channel % CHANNELS_A_FILTER
    if number not in first:
        first.clear()
        psf = read_psf(cube, polarization, number)
        first[number] = psf, _sampling_of(psf, cube, coverage)
    reference, sampling = first[number]
    if channel == number:
        return sampling
    psf = read_psf(cube, polarization, channel)
    if psf is None and reference is None:
        return sampling
    if psf is not None and reference is not None and same_coverage(psf, reference, cube.beam):
        return sampling._replace(ambiguity=ambiguity(psf, cube.beam))
    return _sampling_of(psf, cube, coverage)


def read_sampling(cube, polarization, channel, coverage):
    """The `Sampling` of a channel, from its PSF or, without one, from ``coverage``."""
    return _sampling_of(read_psf(cube, polarization, channel), cube, coverage)


def _sampling_of(psf, cube, coverage):
    (lengths, step), passed, share, response = _transform_of(cube), None, np.nan, np.nan
    if psf is not None:
        passed, share, response = unmeasured_filter(psf, cube.beam, lengths)
    elif coverage:
        passed, share, response = filter_of_power(coverage.power, coverage.shape, cube.beam, lengths)
    levels = UNKNOWN_LEVEL if passed is None else sidelobes(passed, share, cube.beam, lengths)
    measured = None if passed is None else at_samples(measured_filter(passed, cube.beam, lengths), lengths, step)
    return Sampling(measured, share, response, levels, np.nan if psf is None else ambiguity(psf, cube.beam))


def _transform_of(cube):
    """Height and width of the transform in which a window is filtered, and the step between its samples."""
    step = sampling_step(cube.narrowest_beam)
    return transform_of_samples(cube.shape[2:], step, margin_of(cube.beam)), step


def measure_ambiguity(cube, polarization, channel):
    """Ambiguity of a channel without candidates, for which the PSF is not read otherwise; NaN if there is none."""
    middle = read_middle_of_psf(cube, polarization, channel, int(STRIP_BEAMS * cube.beam))
    places = np.nan if middle is None else ambiguity(middle, cube.beam)
    return ambiguity(read_psf(cube, polarization, channel), cube.beam) if places >= SUSPECTED else places


def _load_window(cube, polarization, channel, corner, candidates, sampling, stack):
    """Put a window of a channel into the stack; its `View`, given the candidates of all channels in the window."""
    image, residual = (read_window(cube, name, polarization, channel, corner)[0] for name in ("image", "residual"))
    restored, unmeasured = stack.put(channel, image, residual)

    # All candidates at once: those of both adjacent channels for the image, of all that are compared for the rest.
    around = range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)
    places = {other: _places(candidates[other], corner) for other in around if other in candidates}
    adjacent = {other: some for other, some in places.items() if abs(other - channel) <= 1}
    image_heights = _by_channel(partial(stack.image_heights, channel), adjacent)
    y, x = places.get(channel, np.zeros((0, 2), dtype=int)).T
    image_here, residual_here = image[y, x], residual[y, x]
    del image, residual  # two planes less in memory while the restored model is filtered

    if sampling.measured is None:
        unmeasured[:] = np.nan
    else:
        plane = stack.continued(channel)
        measured = filtered(plane, sampling.measured, *_transform_of(cube), out=plane)
        np.subtract(restored, stack.without_margin(measured), out=unmeasured)
    heights = _by_channel(partial(stack.heights_in, channel), places)
    samples = stack.samples(channel)
    brightest = np.fmax(np.nanmax(samples, initial=0), -np.nanmin(samples, initial=0))
    return View(brightest, image_heights, heights, image_here, residual_here, *sampling[1:])


def _by_channel(measure, places):
    """What is measured at the places of some channels, for all of them at once, as a dictionary by channel."""
    if not places:
        return {}
    ends = np.cumsum([len(some) for some in places.values()])
    return dict(zip(places, np.split(measure(np.concatenate([*places.values()])), ends[:-1], axis=-1)))


def _weigh_channel(candidates, channel, views, stack, corner, cube, thresholds):
    """Candidates of a channel with the evidence about them."""
    here, places, noise = views[channel], _places(candidates, corner), candidates["noise"]

    # Heights of the restored models and of their unmeasured parts, and the unsupported spikes that follow, in Jy/beam.
    # What is less than ``matters`` is no evidence, and does not make its channel suspicious.
    matters = np.fmin(thresholds.unsupported, thresholds.suspicion * here.response) * noise
    heights = _heights_around(views, channel, len(candidates))
    unsupported = np.empty(len(candidates), dtype=np.float32)
    for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
        some = slice(start, start + CANDIDATES_AT_ONCE)
        unsupported[some] = _unsupported(
            stack,
            channel,
            heights=heights[:, some],
            places=places[some],
            corner=corner,
            cube=cube,
            share=here.share,
            least=ESTIMATE_SUFFICES * matters[some],
        )

    of_image = _image_heights(views, channel, len(candidates))
    both_adjacent = np.isfinite(of_image[:, [REACH_CHANNELS - 1, REACH_CHANNELS + 1]]).all(axis=1)
    restored = heights[0]
    candidates = candidates.copy()
    candidates["restored"] = smaller(spike(restored), above_line(restored)) / candidates["contrast"]
    candidates["height"], candidates["brightness"] = restored[:, REACH_CHANNELS], here.image - here.residual
    candidates["image_height"] = np.where(both_adjacent, of_image[:, REACH_CHANNELS], np.nan)
    candidates["spike"], candidates["residual"] = spike(of_image) / noise, here.residual / noise
    candidates["unsupported"] = unsupported / noise
    candidates["response"], candidates["ambiguity"] = here.response, here.ambiguity

    # Where a spike matters, it may still belong to a bright source, whose sidelobes are the floor.
    candidates["floor"] = 0
    high = (np.abs(unsupported) >= matters) | leaves_spike(candidates, thresholds, thresholds.wide_surround)
    # Fainter sources have sidelobes that are no evidence anyway.
    bright_enough = thresholds.unsupported * noise.min() / (SIDELOBES_RAISED * here.sidelobes.max())
    if high.any() and max(view.brightest for view in views.values()) >= LEAST_SAMPLED * bright_enough:
        sources, fluxes = _bright_sources(stack, channel, bright_enough, here.share, cube.beam)
        for some in np.array_split(np.flatnonzero(high), -(-np.count_nonzero(high) // CANDIDATES_AT_ONCE)):
            candidates["floor"][some] = floor(places[some], sources, fluxes, here.sidelobes) / noise[some]
    return candidates[np.isfinite(here.image)]


def _image_heights(views, channel, number):
    """Heights of the image at the candidates, [n, 7]: only their channel and both adjacent ones have any, else NaN."""
    missing = np.full(number, np.nan, dtype=np.float32)
    around = range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)
    return np.column_stack(
        [views[other].image_heights.get(channel, missing) if other in views else missing for other in around]
    )


def _heights_around(views, channel, number):
    """Heights of the restored models and of their unmeasured parts at the candidates, [2, n, 7], NaN where missing."""
    heights = np.full((2, CHANNELS_COMPARED, number), np.nan, dtype=np.float32)
    for place, other in enumerate(range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)):
        if other in views:
            heights[:, place] = views[other].heights[channel]
    return heights.swapaxes(1, 2)


def _unsupported(stack, channel, *, heights, places, corner, cube, share, least):
    """`unsupported_spike` of candidates, whose heights are given: an estimate, or measured if that is not too low."""
    # Positions are made in the image and moved into the window, so that they do not depend on the window.
    near = positions_within(places + corner, cube.beam / 2, cube.shape[2:]) - corner
    of_pixel = np.arange(near[..., 0].size).reshape(near.shape[:2])
    unsupported = unsupported_spike(*stack.estimate_heights(channel, near, heights), share, of_pixel)
    # Where the image is blank at the candidate itself, there is no estimate, but there may be heights next to it.
    high = ~(np.abs(unsupported) < least) & np.isfinite(share)
    positions, of_pixel = places_within(places[high] + corner, cube.beam / 2, cube.shape[2:])
    measured = stack.heights(channel, positions - corner)
    unsupported[high] = unsupported_spike(*measured, share, of_pixel)
    return unsupported


def _bright_sources(stack, channel, least, share, beam):
    """Places of sources at least this bright, and the brightness that measured frequencies support, in Jy/beam."""
    # Sources are searched for at samples, then each is moved to the pixel that varies most from channel to channel.
    step = step_of_samples(beam)
    samples = stack.restored_samples(channel)
    places = step * bright_sources(samples, LEAST_SAMPLED * least, beam / step)
    places = stack.most_variable_near(channel, places, step)
    total, unmeasured = stack.heights(channel, places)
    # The measured part of a point source is all but its share; without a filter, all that is restored counts.
    measured = total if np.isnan(share) else (total - unmeasured) / (1 - share)
    return places, np.nan_to_num(above_neighbours(measured))
