"""What a channel has and its neighbours do not, on arrays whose answer is known."""

import numpy as np
import pytest
from skies import BEAM, Products

from confetti_task.private.core.spikes import REACH_CHANNELS, above_line, spike
from confetti_task.private.core.surroundings import height_above_ring, ring

N = np.nan


def heights_around(cube, pixels):
    """Heights [n, 7] of pixels in their channel and in those around it."""
    steps = range(-REACH_CHANNELS, REACH_CHANNELS + 1)
    return np.column_stack([height_above_ring(cube, pixels + [step, 0, 0], ring(BEAM)) for step in steps])


def test_the_spike_of_a_point_source_is_its_peak_less_the_ring():
    products = Products(seed=3)
    products.residual[:] = 0
    products.add_point(3, 32, 32, 1.0)
    assert spike(heights_around(products.image, np.array([[3, 32, 32]]))) == pytest.approx(1, abs=0.03)


def test_a_spike_does_not_leak_into_the_adjacent_channels():
    products = Products(seed=3)
    products.residual[:] = 0
    products.add_point(3, 32, 32, 1.0)
    adjacent = np.array([[2, 32, 32], [4, 32, 32]])
    assert spike(heights_around(products.image, adjacent)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("heights", "above"),
    [
        ([1, 2, 3, 4, 5, 6, 7], N),  # as many channels on either side
        ([N, N, N, 9, 5, 6, 7], 9 - 4),  # the first channel: a line through the next two
        ([7, 6, 5, 9, N, N, N], 9 - 4),
        ([N, N, N, 9, N, 6, 7], 9 - 4),  # a blank one between
        ([N, N, N, 9, 5, N, N], 9 - 5),  # a single neighbour
        ([N, N, 2, 9, 4, 50, 50], 9 - 3),  # the second channel: half way between its neighbours
        ([1, N, N, 9, 5, 6, 7], 9 - 4),  # three channels away on one side, one on the other
        ([N, N, N, 9, N, N, N], N),
    ],
)
def test_where_one_side_has_fewer_channels_a_line_through_the_nearest_is_compared(heights, above):
    result = above_line(np.array([heights, heights], dtype=np.float32))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, above)
