"""Planes that are too large to be transformed at once: what their windows cover, and what is measured in them."""

from types import SimpleNamespace

import numpy as np
import pytest
from skies import BEAM, NOISE, convolve, dirty_beam, gaussian

from confetti_task.private.core.surroundings import height_above_ring, ring
from confetti_task.private.core.transforms import filtered, padded
from confetti_task.private.core.uv_coverage import unmeasured_filter
from confetti_task.private.images import windows

LARGEST = 512
SHAPE = (768, 768)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Planes of more than 512 pixels are too large."""
    monkeypatch.setattr(windows, "WINDOW", LARGEST)


def psf_of_tracks(antennas, starts, duration, seed=4):
    """PSF of an array that observes at some hour angles, in hours: the sum of the fringes of its baselines."""
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, antennas)) * random.uniform(0.2, 1, antennas)
    angles = np.concatenate([start + np.linspace(0, duration, 1 + int(10 * duration)) for start in starts]) * np.pi / 12
    first, second = np.triu_indices(antennas, 1)
    east, north = np.subtract(x[first], x[second]), np.subtract(y[first], y[second])
    u = np.outer(np.cos(angles), east) - np.outer(np.sin(angles), north)
    v = 0.6 * (np.outer(np.sin(angles), east) + np.outer(np.cos(angles), north))
    u, v = (2.3 / BEAM * along.ravel() / np.abs(u).max() / 2 for along in (u, v))
    rows, columns = (np.exp(2j * np.pi * np.outer(np.arange(n) - n // 2, w)) for n, w in zip(SHAPE, (v, u)))
    return ((rows @ columns.T).real / u.size).astype(np.float32)


def cube_of(**planes):
    """A cube of one channel with these products."""
    return SimpleNamespace(shape=(1, 1, *SHAPE), has=lambda product, channel: product in planes, planes=planes)


@pytest.fixture(autouse=True)
def planes_in_memory(monkeypatch):
    def read(cube, product, polarization, first, end, rows, columns):
        return cube.planes[product][np.newaxis, slice(*rows), slice(*columns)]

    monkeypatch.setattr(windows, "read_channels", read)


@pytest.mark.parametrize("length", [1, 511, 512, 513, 719, 720, 721, 768, 1000, 1024, 5000])
def test_each_pixel_is_used_once_with_at_least_a_quarter_of_a_window_around_it_or_all_of_the_plane(length):
    window, _ = windows.window_of((length, 100))
    used = 0
    for (start, _), ((bottom, top), columns) in windows.windows((length, 100)):
        assert columns == (0, 100)
        assert 0 <= start <= start + window <= length
        assert bottom == used
        used = top
        assert start == 0 or bottom - start >= window // 4
        assert start + window == length or start + window - top >= window // 4
    assert used == length


# Antennas, and the hour angles at which they begin to observe and for how long.
SNAPSHOTS = [(8, (-1.5, 1.5), 0.1), (10, (-2, 0, 2), 0.2)]
TRACKS = [(12, (-3,), 6), (16, (-2,), 4)]


@pytest.mark.parametrize("observed", SNAPSHOTS)
def test_with_snapshots_the_share_of_a_source_and_the_response_are_those_of_the_whole_plane(observed):
    whole, window, _ = share_and_response(psf_of_tracks(*observed))
    np.testing.assert_allclose(window, whole, atol=0.02)


@pytest.mark.parametrize("observed", TRACKS)
def test_with_full_tracks_they_are_nearer_to_those_than_with_a_psf_as_small_as_a_window(observed):
    whole, window, small = share_and_response(psf_of_tracks(*observed))
    assert (np.abs(window - whole) < 0.7 * np.abs(small - whole)).all()


def share_and_response(psf):
    """In the padded whole plane, in its windows, and in these with a PSF as small as they are."""
    cube, lengths = cube_of(psf=psf), windows.transform_of(SHAPE)
    middle = tuple(slice((n - window) // 2, (n + window) // 2) for n, window in zip(SHAPE, windows.window_of(SHAPE)))
    whole = unmeasured_filter(psf, BEAM, tuple(padded(length) for length in SHAPE))
    others = (unmeasured_filter(part, BEAM, lengths) for part in (windows.read_psf(cube, 0, 0), psf[middle]))
    return [np.array(some[1:]) for some in (whole, *others)]


def test_heights_of_what_is_unmeasured_in_bright_emission_are_those_in_the_whole_plane_up_to_its_edges():
    """With sources of 100 sigma everywhere; the difference is inversely proportional to the length of the windows."""
    random, psf = np.random.default_rng(3), dirty_beam(SHAPE[0])
    model = np.zeros(SHAPE, dtype=np.float32)
    model[tuple(random.integers(0, SHAPE[0], (2, 300)))] = 100 * NOISE
    image = convolve(model, gaussian(BEAM, SHAPE[0]))
    cube = cube_of(image=image, psf=psf)
    whole = unmeasured(image, psf, tuple(padded(length) for length in SHAPE))
    for corner, ((bottom, top), (left, right)) in windows.windows(SHAPE):
        window = windows.read_window(cube, "image", 0, 0, corner)[0]
        part = unmeasured(window, windows.read_psf(cube, 0, 0), windows.transform_of(SHAPE))
        places = np.column_stack([random.integers(bottom, top, 400), random.integers(left, right, 400)])
        np.testing.assert_allclose(heights(part, places - corner), heights(whole, places), atol=0.2 * NOISE)


def unmeasured(plane, psf, lengths):
    passed, *_ = unmeasured_filter(psf, BEAM, lengths)
    return filtered(plane, passed, lengths)


def heights(plane, places):
    return height_above_ring(plane[np.newaxis], np.insert(places, 0, 0, axis=1), ring(BEAM))
