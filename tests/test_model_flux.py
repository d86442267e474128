"""The flux of the model from channel to channel, in spectra whose answer is known."""

import numpy as np
import pytest

from confetti_task.private.core.model_flux import alternating

N = np.nan


@pytest.mark.parametrize(
    ("fluxes", "channels"),
    [
        ([1, 4, 9, 12, 9, 4, 1], []),  # a line
        ([0, 0, 0, 50, 0, 0, 0], []),  # a maser
        ([10, 10, 10, 0, 10, 10, 10], []),  # a channel without components
        ([5, -5, 5, -5, N, 5, -5, 5, -5], []),  # blank between
        ([N] * 7, []),
        ([3], []),
        ([19, 17, 47, -2, 83, -49, 139], [2, 3, 4, 5]),
        ([9, 9, 9, 1, 9, 1, 9, 9, 9], [2, 3, 4, 5, 6]),
    ],
)
def test_fluxes_alternate_where_more_than_one_channel_is_odd(fluxes, channels):
    fluxes = np.array(fluxes, dtype=float)
    assert alternating(fluxes, np.abs(fluxes) + 10, np.full(len(fluxes), 0.01)) == channels
    assert alternating(fluxes, np.abs(fluxes) + 10, np.full(len(fluxes), 100.0)) == []  # by noise
    assert alternating(fluxes, np.where(fluxes > 8, fluxes, 0.1), np.full(len(fluxes), 0.01)) == []  # nothing between
