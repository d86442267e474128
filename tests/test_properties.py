"""What is true of any sky: properties of the numerical core, looked for by hypothesis."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skies import BEAM, dirty_beam

from confetti_task.private.core.decision import Thresholds, evidence_of, severity
from confetti_task.private.core.hot_pixels import contrast, hot_pixels, narrowness
from confetti_task.private.core.model_flux import content_of
from confetti_task.private.core.noise import channel_noise
from confetti_task.private.core.quantities import CANDIDATE
from confetti_task.private.core.restore import fast_lengths, margin, restore
from confetti_task.private.core.scatters import SCATTER, scatter
from confetti_task.private.core.sources import join, take_neighbours
from confetti_task.private.core.spikes import REACH_CHANNELS, above_neighbours, spike
from confetti_task.private.core.surroundings import median, places_within
from confetti_task.private.core.transforms import filtered, padded
from confetti_task.private.core.uv_coverage import unmeasured_filter, unsupported_spike
from confetti_task.private.images.channels import format_channels, parse_channels
from confetti_task.private.images.chunks import chunks, ranges_of, strips

settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("quick")

# Values that are products of a power of two and a small number: scaled by such powers they stay exact.
VALUES = st.integers(-64, 64).map(lambda value: value / 16) | st.just(np.nan)
MODELS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)), elements=VALUES
)
SCALES = st.integers(-20, 20).map(lambda power: 2.0**power)
HEIGHTS = arrays.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(2 * REACH_CHANNELS + 1)), elements=VALUES)


def found(model, noise, nsigma=2.5):
    pixels = hot_pixels(model, np.full(len(model), noise, np.float32), nsigma)
    contrasts = contrast(model, pixels)
    return pixels, contrasts, narrowness(model, pixels, contrasts)


@given(MODELS, SCALES, st.sampled_from([-1, 1]))
def test_neither_the_unit_nor_the_sign_of_a_model_matters(model, scale, sign):
    pixels, contrasts, fractions = found(model, 0.25)
    scaled, scaled_contrasts, scaled_fractions = found((sign * scale * model).astype(np.float32), 0.25 * scale)
    np.testing.assert_array_equal(pixels, scaled)
    np.testing.assert_array_equal(sign * scale * contrasts, scaled_contrasts)
    np.testing.assert_array_equal(fractions, scaled_fractions)


@given(MODELS)
def test_a_mirrored_or_turned_model_has_the_same_hot_pixels_there(model):
    size = np.array(model.shape) - 1
    here = {tuple(pixel) for pixel in found(model, 0.25)[0].tolist()}
    for axis in range(3):
        there = found(np.ascontiguousarray(np.flip(model, axis)), 0.25)[0]
        there[:, axis] = size[axis] - there[:, axis]
        assert {tuple(pixel) for pixel in there.tolist()} == here
    turned = found(np.ascontiguousarray(model.transpose(0, 2, 1)), 0.25)[0]
    assert {tuple(pixel) for pixel in turned[:, [0, 2, 1]].tolist()} == here


@given(MODELS)
def test_components_and_unknown_pixels_are_all_that_is_not_zero(model):
    for plane in model:
        content, known = content_of(plane, 0), np.nan_to_num(plane)
        assert content.components == len(content.bright) == np.count_nonzero(known)
        assert content.unknown == np.count_nonzero(np.isnan(plane))
        np.testing.assert_allclose(content.flux, known.sum(axis=1))
        np.testing.assert_allclose(content.total, np.abs(known).sum(axis=1))


@given(MODELS)
def test_a_hot_pixel_that_two_channels_share_is_in_neither_narrow(model):
    twice = np.repeat(model, 2, axis=0)
    fractions = found(twice, 0.25)[2]
    assert (fractions >= 1).all()


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=VALUES))
def test_the_median_is_that_of_numpy(values):
    with np.errstate(all="ignore"):
        expected = [np.nan if np.isnan(row).all() else np.nanmedian(row) for row in values]
    np.testing.assert_array_equal(median(values), expected)


@given(HEIGHTS, VALUES.filter(np.isfinite))
def test_what_all_channels_have_is_no_spike(heights, background):
    heights = np.nan_to_num(heights)
    np.testing.assert_array_equal(spike(heights + np.float32(background)), spike(heights))
    np.testing.assert_array_equal(above_neighbours(heights + np.float32(background)), above_neighbours(heights))


@given(HEIGHTS)
def test_a_spike_is_never_higher_than_above_either_neighbour(heights):
    before, here, after = heights[:, REACH_CHANNELS - 1 : REACH_CHANNELS + 2].T
    spikes = np.abs(spike(heights))
    for neighbour in (before, after):
        known = ~np.isnan(here - neighbour)
        assert (spikes[known] <= np.abs(here - neighbour)[known]).all()


PIXELS = arrays.arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 39))


@given(PIXELS, st.floats(0.5, 10))
def test_places_near_a_pixel_are_near_and_have_it_in_the_middle(pixels, radius):
    places, of_pixel = places_within(pixels, radius, (40, 40))
    distance = np.linalg.norm(places[of_pixel] - pixels[:, np.newaxis], axis=2)
    assert (distance <= radius).all()
    np.testing.assert_array_equal(places[of_pixel[:, of_pixel.shape[1] // 2]], pixels)
    assert len(np.unique(places, axis=0)) == len(places)


@given(PIXELS, st.floats(0.5, 10))
def test_a_source_is_what_a_place_finds_free_when_its_turn_comes(places, beam):
    free, sources = set(range(len(places))), {}
    for turn in range(len(places)):
        if turn in free:
            near = {other for other in free if np.hypot(*(places[other] - places[turn])) <= beam}
            sources[turn], free = len(near), free - near
    place, number = take_neighbours(places, beam)
    assert dict(zip(place.tolist(), number.tolist())) == sources


# Restoring, and what the visibilities support

SIZE = 32
PSF = dirty_beam(SIZE)
LENGTHS = (padded(SIZE), padded(SIZE))
PASSED, SHARE, _ = unmeasured_filter(PSF, BEAM, LENGTHS)
PLANES = arrays.arrays(np.float32, (SIZE, SIZE), elements=st.integers(-8, 8), fill=st.just(0))


@given(PLANES, PLANES, st.integers(-4, 4))
def test_what_is_unmeasured_of_a_sum_is_the_sum(one, other, factor):
    parts = [filtered(plane, PASSED, LENGTHS) for plane in (one, other, one + factor * other)]
    np.testing.assert_allclose(parts[2], parts[0] + factor * parts[1], atol=1e-4)


@given(HEIGHTS, st.floats(0.01, 0.9))
def test_sources_that_the_data_hold_are_never_unsupported(heights, share):
    """Whatever its spectrum: a source has its share in the unmeasured part, and no more."""
    heights = np.nan_to_num(heights)
    rows = np.arange(len(heights))[:, np.newaxis]
    assert np.abs(unsupported_spike(heights, (share * heights).astype(np.float32), share, rows)).max() < 1e-5


@given(HEIGHTS, st.floats(0.01, 0.9), st.floats(-50, 50))
def test_what_the_data_do_not_hold_is_unsupported_by_all_of_its_height(heights, share, invented):
    heights = np.nan_to_num(heights)
    total, unmeasured = heights.copy(), (share * heights).astype(np.float32)
    total[:, REACH_CHANNELS] += np.float32(invented)
    unmeasured[:, REACH_CHANNELS] += np.float32(invented)
    spikes = unsupported_spike(total, unmeasured, share, np.arange(len(heights))[:, np.newaxis])
    assert (np.abs(spikes) <= abs(invented) + 1e-4).all()
    alone = above_neighbours(heights) == 0
    np.testing.assert_allclose(spikes[alone], invented, atol=1e-4)


BEAMS = st.tuples(st.floats(2, 4), st.floats(0.5, 2), st.floats(-180, 180))
CELL = (0.5, -0.5)  # arcsec, to the North and to the East


@given(BEAMS, st.integers(-5, 5), st.floats(0.1, 100))
def test_a_component_restores_to_its_flux_as_peak_of_the_beam(beam, offset, flux):
    """And to a Gaussian of the beam around it, of which the major axis is at the position angle."""
    reach = margin(beam, CELL)
    size = 2 * reach + 11
    model = np.zeros((size, size), dtype=np.float32)
    model[size // 2, size // 2 + offset] = flux
    restored = restore(model, beam, CELL, fast_lengths(model.shape))
    major, minor, angle = beam[0], beam[1], np.deg2rad(beam[2])
    y, x = np.mgrid[:size, :size] - np.array([size // 2, size // 2 + offset])[:, np.newaxis, np.newaxis]
    north, east = CELL[0] * y, CELL[1] * x
    along, across = north * np.cos(angle) + east * np.sin(angle), east * np.cos(angle) - north * np.sin(angle)
    expected = flux * np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))
    np.testing.assert_allclose(restored, expected, atol=1e-5 * flux)


# Noise and decision


@st.composite
def scatters_of_channels(draw):
    values = arrays.arrays(np.float32, draw(st.integers(1, 40)), elements=st.floats(0.5, 2, width=32))
    scatters = np.array([*zip(*(draw(values) for _ in SCATTER.names))], dtype=SCATTER)
    scatters["faintest"] = np.minimum(scatters["faintest"], scatters["image"])
    scatters["tail"] *= 3
    return scatters


@given(scatters_of_channels(), SCALES, st.data())
def test_the_noise_scales_with_the_image_and_is_never_far_above_its_scatter(scatters, scale, data):
    noise = channel_noise(scatters)
    scaled = scatters.copy()
    for name in set(SCATTER.names) - {"tail"}:
        scaled[name] = (scale * scatters[name]).astype(np.float32)
    np.testing.assert_allclose(channel_noise(scaled), scale * noise, rtol=1e-5)
    lowest = np.min([scatters["faintest"], scatters["uncleaned"]])
    assert (noise >= 0.4 * lowest).all()
    assert (noise <= 1.6 * scatters["image"].max()).all()
    missing = data.draw(st.integers(0, len(scatters) - 1))
    scatters[missing] = np.nan
    assert np.isnan(channel_noise(scatters)).tolist() == np.isnan(scatters["image"]).tolist()


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_the_scatter_of_noise_is_its_standard_deviation(seed, sigma):
    heights = np.abs(np.random.default_rng(seed).normal(scale=sigma, size=5000)).astype(np.float32)
    assert 0.93 * sigma < scatter(heights) < 1.07 * sigma


def candidates_of(random, number):
    candidates = np.zeros(number, dtype=CANDIDATE)
    for name in ("unsupported", "contrast", "surround", "restored", "spike"):
        candidates[name] = random.normal(scale=5, size=number)
    candidates["unsupported"][random.random(number) < 0.2] = np.nan
    candidates["noise"] = random.uniform(0.5, 2, number)
    candidates["known"] = random.random(number) < 0.3
    candidates["channel"] = random.integers(0, 3, number)
    for axis in "yx":
        candidates[axis] = random.integers(0, 40, number)
    return candidates


RANDOM = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(RANDOM, st.floats(0.5, 10), st.floats(1, 3))
def test_a_stricter_threshold_never_condemns_more_and_a_known_source_never(random, unsupported, stricter):
    candidates = candidates_of(random, 50)
    loose, strict = (
        evidence_of(candidates, Thresholds(unsupported=value)) for value in (unsupported, unsupported * stricter)
    )
    assert not ((strict != "") & (loose == "")).any()
    assert not (candidates["known"] & (loose != "")).any()
    candidates["evidence"] = loose
    heights = severity(candidates)
    assert (heights[loose != ""] >= min(unsupported, Thresholds().spike)).all()
    assert not heights[loose == ""].any()


@given(RANDOM, st.integers(0, 80), st.floats(1, 20))
def test_every_pixel_belongs_to_one_source_within_a_beam_of_its_worst(random, number, beam):
    candidates = candidates_of(random, number)
    worst, npixels = join(candidates, beam)
    assert npixels.sum() == number
    for one, other in zip(*np.triu_indices(len(worst), 1)):
        first, second = candidates[worst[one]], candidates[worst[other]]
        if first["channel"] == second["channel"]:
            assert np.hypot(*(float(first[axis]) - second[axis] for axis in "yx")) > beam


# Channels and chunks

CHANNELS = st.sets(st.integers(0, 300), min_size=1).map(sorted)


@given(CHANNELS)
def test_channels_are_read_as_they_are_written(channels):
    assert parse_channels(format_channels(channels), 301) == channels


@given(CHANNELS, st.integers(1, 40), st.integers(1, 20))
def test_ranges_for_workers_hold_every_channel_once(channels, depth, number):
    held = [channel for start, end in ranges_of(channels, depth, number) for channel in range(start, end)]
    assert held == channels


@given(st.integers(0, 50), st.integers(1, 200), st.integers(1, 40), st.integers(1, 500), st.integers(1, 10**5))
def test_chunks_hold_every_channel_once_and_what_memory_allows(start, length, depth, plane, voxels):
    ranges = list(chunks(start, start + length, depth, plane, voxels))
    assert [channel for low, high in ranges for channel in range(low, high)] == list(range(start, start + length))
    assume(plane <= voxels)
    assert all((high - low) * plane <= voxels for low, high in ranges)


@given(st.integers(1, 5000), st.integers(1, 3000))
def test_strips_hold_every_row_once(height, rows):
    assert [row for low, high in strips(height, rows) for row in range(low, high)] == list(range(height))
