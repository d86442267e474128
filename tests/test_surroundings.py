"""Values around pixels, on arrays whose answer is known."""

import numpy as np

from confetti_task.private.core.surroundings import disc, median, reduce_around, ring


def test_the_ring_does_not_reach_the_middle_and_is_sampled_three_times_a_beam():
    for beam in (3.0, 7.6, 25.0):
        radius = np.hypot(*ring(beam).T)
        assert radius.min() >= 0.9 * beam
        assert radius.max() <= 1.8 * beam
        assert np.diff(np.unique(ring(beam)[:, 0])).max() <= np.ceil(beam / 3)


def test_the_median_is_that_of_numpy():
    values = np.random.default_rng(5).normal(size=(200, 40)).astype(np.float32)
    values[::3, 7:19] = np.nan
    values[::5, 0] = np.nan
    np.testing.assert_array_equal(median(values), np.nanmedian(values, axis=1))


def test_what_is_gathered_does_not_depend_on_the_batches(monkeypatch):
    cube = np.random.default_rng(6).normal(size=(3, 20, 20)).astype(np.float32)
    pixels = np.argwhere(np.ones(cube.shape))
    whole = reduce_around(cube, pixels, disc(3), median)
    monkeypatch.setattr("confetti_task.private.core.surroundings.GATHERED_AT_ONCE", 1000)
    np.testing.assert_array_equal(reduce_around(cube, pixels, disc(3), median), whole)
