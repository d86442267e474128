"""Evidence from the image and the PSF about candidates: pure functions of a cube, some channels and candidates."""

from collections import namedtuple
from math import prod

import numpy as np

from ..core.decision import leaves_spike
from ..core.dynamic_range import (
    LEAST_SAMPLED,
    RAISED,
    UNKNOWN_LEVEL,
    bright_sources,
    floor,
    sidelobes,
    step_of_samples,
)
from ..core.quantities import CANDIDATE
from ..core.residual_power import filter_of_power
from ..core.spikes import REACH_CHANNELS, above_line, above_neighbours, smaller, spike
from ..core.surroundings import disc, height_above_ring, places_within, ring, values_at
from ..core.transforms import filtered
from ..core.uv_coverage import ambiguity, same_coverage, unmeasured_filter, unsupported_spike
from ..images.windows import read_middle_of_psf, read_psf, read_window, transform_of, window_of, windows
from .worker_pool import end_if_interrupted

# Measured: 89 bytes a pixel in planes of 1024 x 1024 and of 2048 x 2048, whose transforms have four times as many
# frequencies, and 72 in windows. 56 of them are of the seven channels that are compared.
BYTES_A_PIXEL, BYTES_A_FREQUENCY = 67, 6

# A PSF with stripes, or with many sidelobes as high as its peak, has them within so many beams of the central row too:
# one stripe through the peak, as wide as the beam, has an ambiguity of 50 there. The whole PSF is read only if these
# rows have more than twice the usual ambiguity, of 1.3 at most.
STRIP_BEAMS, SUSPECTED = 8, 2.6

# A spike is measured at 21 places and more, each above the ring around it. First it is estimated with the ring around
# the candidate for all of them, which takes a seventh of the time. It is measured where the estimate is at least this
# fraction of what would be evidence, or would make its channel suspicious. In seven cubes made with the real tclean,
# spikes of 3 sigma and more were estimated at 2.05 and more, and those of 1.1 at 0.64; where nothing is measured, 98 of
# 100 estimates are right to 0.3 sigma.
ESTIMATE_SUFFICES = 1 / 2

# Candidates of a channel that are compared together, in 40 MB: a channel that ran away can have 10**5.
CANDIDATES_AT_ONCE = 1024

# Channels that have the filter of the first of them, if their PSFs are the same: a filter takes as long as the rest.
CHANNELS_ALIKE = 8

# What is known of the spatial frequencies that were measured in a channel: filter of those that were not; the share of
# a point source, and of a typical error of CLEAN, at these; the unsupported sidelobes of a point source; and the places
# at which a source would fit nearly as well.
Sampling = namedtuple("Sampling", "passed share response sidelobes ambiguity")

# Restored models and their unmeasured parts in a window of the channels that are compared, in a cube of 2 x 7 planes,
# each of which is used again for the channel that comes seven later.
CHANNELS_COMPARED = 2 * REACH_CHANNELS + 1
MISSING = -1  # number of the planes of a channel that is blank or beyond the ends of the cube

# What else a window of a channel shows: the brightest sample of the restored model; heights of the image at the
# candidates of this channel and of those beside it, by channel; image and residual at its own candidates, [n]; and its
# `Sampling` without the filter.
View = namedtuple("View", "brightest heights image residual share response sidelobes ambiguity")


def bytes_needed(shape):
    """Memory needed to weigh candidates in planes of this height and width."""
    return BYTES_A_PIXEL * prod(window_of(shape)) + BYTES_A_FREQUENCY * prod(transform_of(shape))


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
    planes = np.empty((2 * CHANNELS_COMPARED, *window_of(cube.shape[2:])), dtype=np.float32)
    for corner, core in windows(cube.shape[2:]):
        inside = {channel: candidates[_within(candidates, core)] for channel, candidates in found.items()}
        inside = {channel: candidates for channel, candidates in inside.items() if len(candidates)}
        views, first = {}, {}
        for channel, candidates in inside.items():
            around = range(max(channel - REACH_CHANNELS, 0), min(channel + REACH_CHANNELS + 1, cube.channels))
            needed = [other for other in around if known[other]]
            views = {other: view for other, view in views.items() if other in needed}
            for other in needed:
                end_if_interrupted()
                if other not in views:
                    sampling = _sampling_like_the_first(cube, polarization, other, coverage, first)
                    views[other] = _view(cube, polarization, other, corner, inside, sampling, planes)
            if channel in views:
                weighed.append(_weigh_channel(candidates, channel, views, planes, corner, cube, thresholds))
    return np.sort(np.concatenate(weighed), order=["channel", "y", "x"])


def _within(candidates, box):
    (bottom, top), (left, right) = box
    y, x = candidates["y"], candidates["x"]
    return (y >= bottom) & (y < top) & (x >= left) & (x < right)


def _sampling_like_the_first(cube, polarization, channel, coverage, first):
    """The `Sampling` of a channel; ``first`` keeps PSF and `Sampling` of the first of `CHANNELS_ALIKE`, by channel."""
    number = channel - channel % CHANNELS_ALIKE
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


def _view(cube, polarization, channel, corner, candidates, sampling, planes):
    """The `View` of a window of a channel, given the candidates of all channels there; writes the planes to compare."""
    restored, unmeasured = (planes[place] for place in _places_of_planes(channel))
    seen = _see_image(cube, polarization, channel, corner, candidates, restored)
    if sampling.passed is None:
        unmeasured[:] = np.nan
    else:
        filtered(restored, sampling.passed, transform_of(cube.shape[2:]), out=unmeasured)
    step = step_of_samples(cube.beam)
    samples = restored[::step, ::step]
    brightest = np.fmax(np.nanmax(samples, initial=0), -np.nanmin(samples, initial=0))
    return View(brightest, *seen, *sampling[1:])


def _see_image(cube, polarization, channel, corner, candidates, restored):
    """Heights, image and residual for the `View`; writes the restored model."""
    image, residual = (read_window(cube, name, polarization, channel, corner) for name in ("image", "residual"))
    np.subtract(image[0], residual[0], out=restored)
    beside = {
        other: _pixels(candidates.get(other, np.zeros(0, CANDIDATE)), corner)
        for other in range(channel - 1, channel + 2)
    }
    heights = height_above_ring(image, np.concatenate([*beside.values()]), ring(cube.beam))
    heights = np.split(heights, np.cumsum([len(pixels) for pixels in beside.values()])[:-1])
    return dict(zip(beside, heights)), *(values_at(plane, beside[channel]) for plane in (image, residual))


def _places_of_planes(channel):
    """Numbers of the planes of a channel in the cube of those that are compared."""
    place = channel % CHANNELS_COMPARED
    return place, place + CHANNELS_COMPARED


def _pixels(candidates, corner):
    """Pixels (0, y, x) of candidates in a window."""
    return np.column_stack([np.zeros(len(candidates), int), candidates["y"] - corner[0], candidates["x"] - corner[1]])


def read_sampling(cube, polarization, channel, coverage):
    """The `Sampling` of a channel, from `unmeasured_filter` and `ambiguity`; parameters as for `weigh`."""
    return _sampling_of(read_psf(cube, polarization, channel), cube, coverage)


def _sampling_of(psf, cube, coverage):
    lengths, passed, share, response = transform_of(cube.shape[2:]), None, np.nan, np.nan
    if psf is not None:
        passed, share, response = unmeasured_filter(psf, cube.beam, lengths)
    elif coverage:
        passed, share, response = filter_of_power(*coverage, cube.beam, lengths)
    levels = UNKNOWN_LEVEL if passed is None else sidelobes(passed, share, cube.beam, lengths)
    return Sampling(passed, share, response, levels, np.nan if psf is None else ambiguity(psf, cube.beam))


def measure_ambiguity(cube, polarization, channel):
    """Ambiguity of a channel without candidates, for which the PSF is not read otherwise; NaN if there is none."""
    middle = read_middle_of_psf(cube, polarization, channel, int(STRIP_BEAMS * cube.beam))
    places = np.nan if middle is None else ambiguity(middle, cube.beam)
    return ambiguity(read_psf(cube, polarization, channel), cube.beam) if places >= SUSPECTED else places


def _weigh_channel(candidates, channel, views, planes, corner, cube, thresholds):
    """Candidates of a channel with the evidence about them."""
    around = range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)
    compared = np.transpose([_places_of_planes(other) if other in views else (MISSING, MISSING) for other in around])
    here, pixels = views[channel], _pixels(candidates, corner)
    missing = np.full(len(candidates), np.nan, dtype=np.float32)
    of_image = [views[other].heights.get(channel, missing) if other in views else missing for other in around]
    matters = np.fmin(thresholds.unsupported, thresholds.suspicion * here.response) * candidates["noise"]
    heights = np.empty((2, len(candidates), CHANNELS_COMPARED), dtype=np.float32)
    unsupported = np.empty(len(candidates), dtype=np.float32)
    for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
        some = slice(start, start + CANDIDATES_AT_ONCE)
        heights[:, some] = _above_rings(planes, compared, pixels[some], cube.beam)
        least = ESTIMATE_SUFFICES * matters[some]
        unsupported[some] = _unsupported(planes, compared, heights[:, some], pixels[some], corner, cube, here, least)

    candidates = candidates.copy()
    candidates["restored"] = smaller(spike(heights[0]), above_line(heights[0])) / candidates["contrast"]
    candidates["height"], candidates["brightness"] = heights[0][:, REACH_CHANNELS], here.image - here.residual
    of_image = np.column_stack(of_image)
    beside_known = np.isfinite(of_image[:, [REACH_CHANNELS - 1, REACH_CHANNELS + 1]]).all(axis=1)
    candidates["image_height"] = np.where(beside_known, of_image[:, REACH_CHANNELS], np.nan)
    of_image = spike(of_image)
    for name, values in (("spike", of_image), ("residual", here.residual), ("unsupported", unsupported)):
        candidates[name] = values / candidates["noise"]
    candidates["response"], candidates["ambiguity"] = here.response, here.ambiguity
    candidates["floor"] = 0
    high = (np.abs(unsupported) >= matters) | leaves_spike(candidates, thresholds, thresholds.wide_surround)
    # Fainter sources have sidelobes that are no evidence anyway.
    bright_enough = thresholds.unsupported * candidates["noise"].min() / (RAISED * here.sidelobes.max())
    if high.any() and max(view.brightest for view in views.values()) >= LEAST_SAMPLED * bright_enough:
        sources, bright = _bright_sources(planes, compared, bright_enough, here, cube.beam)
        for some in np.array_split(np.flatnonzero(high), -(-np.count_nonzero(high) // CANDIDATES_AT_ONCE)):
            floors = floor(pixels[some, 1:], sources, bright, here.sidelobes)
            candidates["floor"][some] = floors / candidates["noise"][some]
    return candidates[np.isfinite(here.image)]


def _unsupported(planes, compared, heights, pixels, corner, cube, here, least):
    """`unsupported_spike` at each pixel, whose heights are given: estimated, and measured if that is not too low."""
    places, of_pixel = places_within(pixels[:, 1:] + corner, cube.beam / 2, cube.shape[2:])
    places = np.insert(places - corner, 0, 0, axis=1)
    estimated = _above_the_ring_of_each(planes, compared, heights, places, of_pixel)
    unsupported = unsupported_spike(*estimated, here.share, np.arange(of_pixel.size).reshape(of_pixel.shape))
    # Where the image is blank at the candidate itself, there is no estimate, but there may be heights beside it.
    high = ~(np.abs(unsupported) < least) & np.isfinite(here.share)
    some, rows = np.unique(of_pixel[high], return_inverse=True)
    measured = _above_rings(planes, compared, places[some], cube.beam)
    unsupported[high] = unsupported_spike(*measured, here.share, rows.reshape(-1, of_pixel.shape[1]))
    return unsupported


def _bright_sources(planes, compared, least, here, beam):
    """Places of the sources that are at least this bright, and how bright the data have them, in Jy/beam."""
    step = step_of_samples(beam)
    restored = planes[:, ::step, ::step][compared[0]]
    restored[compared[0] == MISSING] = np.nan
    places = step * bright_sources(restored, LEAST_SAMPLED * least, beam / step)
    places = _peaks_near(planes, compared[0][compared[0] != MISSING], places, step)
    total, unmeasured = _above_rings(planes, compared, np.insert(places, 0, 0, axis=1), beam)
    # Of a point source the data hold all but its share; without a filter, all that is restored counts.
    held = total if np.isnan(here.share) else (total - unmeasured) / (1 - here.share)
    return places, np.nan_to_num(above_neighbours(held))


def _peaks_near(planes, channels, places, radius):
    """The pixel within a radius of each place that differs most among the planes of some channels."""
    near = (places[:, np.newaxis] + disc(radius)).clip(0, np.array(planes.shape[1:]) - 1)
    values = planes[channels[:, np.newaxis, np.newaxis], near[..., 0], near[..., 1]]
    highest = (np.nanmax(values, axis=0, initial=-np.inf) - np.nanmin(values, axis=0, initial=np.inf)).argmax(axis=1)
    return near[np.arange(len(places)), highest]


def _above_rings(planes, compared, places, beam):
    """Height of each place above the ring around it, in the planes that are compared, [2, place, channel]."""
    pixels = np.empty((*compared.shape, len(places), 3), dtype=int)
    pixels[..., 0], pixels[..., 1:] = compared[..., np.newaxis], places[:, 1:]
    return height_above_ring(planes, pixels.reshape(-1, 3), ring(beam)).reshape(pixels.shape[:-1]).swapaxes(1, 2)


def _above_the_ring_of_each(planes, compared, heights, places, of_pixel):
    """Height of each place of each pixel above the ring around the pixel, as `_above_rings`."""
    flat = np.ravel_multi_index(tuple(places[:, 1:].T), planes.shape[1:])
    values = planes.reshape(len(planes), -1).take(flat, axis=1)[compared]
    values[compared == MISSING] = np.nan
    values = values[..., of_pixel]
    background = values[..., of_pixel.shape[1] // 2] - heights.swapaxes(1, 2)
    return (values - background[..., np.newaxis]).reshape(*compared.shape, -1).swapaxes(1, 2)
