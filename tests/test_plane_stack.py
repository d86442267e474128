"""The stack of planes gives the heights of a whole cube, channel by channel."""

import numpy as np
import pytest
from skies import BEAM

from confetti_task.private.check.plane_stack import PlaneStack
from confetti_task.private.core.spikes import REACH_CHANNELS
from confetti_task.private.core.surroundings import height_above_ring, positions_within, ring

PLACES = np.array([[20, 21], [5, 40]])
CHANNELS = 20


@pytest.fixture
def cubes():
    """Restored models and their unmeasured parts, [2, channel, y, x]."""
    return np.random.default_rng(8).normal(size=(2, CHANNELS, 48, 48)).astype(np.float32)


def heights_in(cubes, channel, missing=()):
    """Heights of the places in a channel and its neighbours, from the whole cubes."""
    heights = np.full((2, len(PLACES), 2 * REACH_CHANNELS + 1), np.nan, dtype=np.float32)
    for number, other in enumerate(range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)):
        if 0 <= other < CHANNELS and other not in missing:
            for cube, found in zip(cubes, heights):
                found[:, number] = height_above_ring(cube, np.insert(PLACES, 0, other, axis=1), ring(BEAM))
    return heights


def put(stack, cubes, channel):
    restored, unmeasured = cubes[:, channel]
    _, plane = stack.put(channel, restored, np.zeros_like(restored))
    plane[:] = unmeasured


@pytest.mark.parametrize("missing", [(), (0, 9, 10)])
def test_each_channel_is_compared_with_three_on_either_side_and_what_was_not_put_is_missing(cubes, missing):
    stack = PlaneStack(cubes.shape[2:], BEAM)
    for last in range(CHANNELS + REACH_CHANNELS):
        if last < CHANNELS and last not in missing:
            put(stack, cubes, last)
        channel = last - REACH_CHANNELS
        if channel >= 0:
            np.testing.assert_array_equal(stack.heights(channel, PLACES), heights_in(cubes, channel, missing))


def test_after_another_window_was_begun_no_channel_of_the_last_one_is_left(cubes):
    stack = PlaneStack(cubes.shape[2:], BEAM)
    for channel in range(7):
        put(stack, cubes, channel)
    stack.clear()
    assert np.isnan(stack.heights(3, PLACES)).all()
    assert np.isnan(stack.restored_samples(3)).all()


def test_the_estimate_is_exact_at_the_pixel_itself(cubes):
    stack = PlaneStack(cubes.shape[2:], BEAM)
    for channel in range(6):  # the last one is missing
        put(stack, cubes, channel)
    near = positions_within(PLACES, BEAM / 2, cubes.shape[2:])
    heights = stack.heights(3, PLACES)
    estimates = stack.estimate_heights(3, near, heights).reshape(2, *near.shape[:2], 7)
    np.testing.assert_allclose(estimates[:, :, near.shape[1] // 2], heights, atol=1e-5)


def test_a_source_is_moved_to_the_pixel_at_which_the_channels_differ_most(cubes):
    stack = PlaneStack(cubes.shape[2:], BEAM)
    cubes[0, 3, 20, 23], cubes[0, 4, 6, 40] = 30, -30
    for channel in range(7):
        put(stack, cubes, channel)
    assert stack.most_variable_near(3, PLACES, 3).tolist() == [[20, 23], [6, 40]]
