"""Whether CLEAN converged in a channel, told by its products alone."""

import numpy as np
import pytest
from casa_images import read_image, write_cube, write_image
from checks import confetti_check, places
from hypothesis import given, settings
from hypothesis import strategies as st
from skies import BEAM, HOT, NOISE, SIZE, Products, convolve, dirty_beam, maser_continuum_and_confetti
from test_inputs import edit

from confetti_task.private.check.divergence import measure_convergence
from confetti_task.private.core.convergence import (
    convergence,
    has_diverged,
    join_components,
    measure_components,
    patch_side,
    spread,
)
from confetti_task.private.core.decision import Thresholds
from confetti_task.private.core.uv_coverage import measured_power
from confetti_task.private.images import windows
from confetti_task.private.images.cube import open_cube

EVERYWHERE = np.ones((SIZE, SIZE), dtype=bool)
ALL = (slice(None), slice(None))
PATCH = patch_side(BEAM)


def measure(model, residual, image=None):
    """Convergence of a plane with the PSF of the small skies, or with the restoring beam where there is an image."""
    components = measure_components(model, residual if image is None else image, residual, EVERYWHERE, PATCH)
    if image is not None or components.unknown or not components.flux:
        return convergence(components)
    part = (model / components.flux).astype(np.float32)
    return convergence(components, measured_power(part, ALL, dirty_beam(), BEAM, (SIZE, SIZE)))


def clean(dirty, gain, steps):
    """Model and residual of Hogbom's CLEAN."""
    model, residual, psf = np.zeros_like(dirty), dirty.copy(), dirty_beam()
    for _ in range(steps):
        y, x = np.unravel_index(np.abs(residual).argmax(), residual.shape)
        component = np.float32(gain * residual[y, x])
        model[y, x] += component
        residual -= component * np.roll(psf, (y - SIZE // 2, x - SIZE // 2), axis=(0, 1))
    return model, residual


def dirty_image(seed):
    """Of a dozen sources of either sign, a hundred times as bright as the noise at most."""
    random = np.random.default_rng(seed)
    sky = np.zeros((SIZE, SIZE), dtype=np.float32)
    sky[tuple(random.integers(10, 54, (2, 12)))] = random.normal(size=12) * 50 * NOISE
    return convolve(sky, dirty_beam()) + Products(channels=1, seed=seed).residual[0]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16), gain=st.floats(0.02, 0.9), steps=st.integers(1, 300))
def test_every_clean_that_works_has_a_convergence_of_at_least_1(seed, gain, steps):
    """However early it stops, and however far down it goes."""
    assert measure(*clean(dirty_image(seed), gain, steps)) >= 1


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_that_overshoots_diverges_until_the_empty_model_would_fit_better(seed):
    model, residual = clean(dirty_image(seed), 2.3, 300)
    assert measure(model, residual) < 0


@pytest.mark.parametrize("factor", [-1, 1e-9, 1e30])
def test_neither_sign_nor_unit_changes_the_convergence(factor):
    model, residual = clean(dirty_image(1), 0.5, 100)
    scaled = (plane.astype(float) * factor for plane in (model, residual))
    assert measure(*scaled) == pytest.approx(measure(model, residual), rel=1e-4)


def test_with_the_restoring_beam_for_the_psf_it_tells_the_same():
    for gain, steps in ((0.1, 300), (2.3, 300)):
        model, residual = clean(dirty_image(2), gain, steps)
        image = residual + convolve(model, Products(channels=1).psf[0])
        assert measure(model, residual, image) == pytest.approx(measure(model, residual), rel=0.01)


def test_it_does_not_depend_on_how_the_plane_is_cut():
    model, residual = clean(dirty_image(3), 0.5, 100)
    parts = [
        measure_components(*(plane[rows] for plane in (model, residual, residual, EVERYWHERE)), PATCH)
        for rows in (slice(0, 12), slice(12, 36), slice(36, 64))  # whole patches
    ]
    whole = measure_components(model, residual, residual, EVERYWHERE, PATCH)
    np.testing.assert_allclose(join_components(parts), whole, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_component_that_is_no_number_or_has_none_in_the_residual_is_the_worst(value):
    model, residual = clean(dirty_image(4), 0.1, 50)
    broken = residual.copy()
    broken[np.unravel_index(np.abs(model).argmax(), model.shape)] = value
    assert np.isfinite(measure(model, broken))  # a blank pixel: what CLEAN overflows is not finite anywhere
    broken[:] = value
    assert measure(model, broken) == -np.inf
    model[5, 5] = value
    assert measure(model, residual) == -np.inf


def test_an_empty_model_has_none():
    assert np.isnan(measure(np.zeros((SIZE, SIZE), np.float32), dirty_image(5)))


def disc(radius, sigma):
    """A hot pixel on a negative disc that cancels it, with a spike of so many sigma left in the image."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    inside = np.hypot(y, x) <= radius
    model = -inside.astype(float) / np.count_nonzero(inside)
    model[SIZE // 2, SIZE // 2] += 1
    return (sigma * NOISE * model / convolve(model, Products(channels=1).psf[0]).max()).astype(np.float32)


def diverged(model, residual, psf):
    """Whether a plane diverged, if this is the PSF and the rms is that of the small skies."""
    components = measure_components(model, residual + convolve(model, psf), residual, EVERYWHERE, PATCH)
    measured = convergence(components), spread(components), components.peak
    return has_diverged(np.reshape(measured, (3, 1)), np.array([NOISE]), Thresholds()).item()


@pytest.mark.parametrize("sigma", [3, 5, 12, 50, 200])
@pytest.mark.parametrize("radius", [2, 4, 6, 10])
@pytest.mark.parametrize("beam", ["measured", "not measured"])
def test_one_fake_source_with_nothing_in_the_residual_is_no_divergence(radius, sigma, beam):
    residual = Products(channels=1, seed=3).residual[0]
    psf = Products(channels=1).psf[0] if beam == "measured" else np.zeros((SIZE, SIZE), np.float32)
    for sign in (1, -1):
        assert not diverged(sign * disc(radius, sigma), residual, psf)


@pytest.mark.parametrize("sigma", [5, 20, 50])
def test_nor_is_one_of_which_the_visibilities_hold_nothing(sigma):
    products = Products(channels=1, continuum=False)
    products.add_confetti(0, 30, 26, sigma * NOISE)
    assert not diverged(products.model[0], products.residual[0], dirty_beam())


def test_components_in_one_place_that_the_residual_shows_have_diverged():
    """As within a tight clean mask: the sidelobes of what is wrong are all over the image."""
    model, noise = disc(2, 50), Products(channels=1, seed=3).residual[0]
    assert diverged(model, noise - convolve(model, dirty_beam()), dirty_beam())


def test_components_all_over_the_plane_have_diverged_though_the_residual_shows_little():
    """The noise of a cube that diverged in all channels is too large by far."""
    random = np.random.default_rng(1)
    model = (random.normal(size=(SIZE, SIZE)) * NOISE).astype(np.float32)
    residual = Products(channels=1, seed=3).residual[0]
    assert diverged(model, residual, np.zeros((SIZE, SIZE), np.float32))


# In a cube


def let_diverge(products, channels, seed=7):
    """Add to some channels what a clean that ran away leaves: components of both signs, and their dirty image."""
    random = np.random.default_rng(seed)
    for channel in channels:
        wrong = np.zeros((SIZE, SIZE), dtype=np.float32)
        wrong[tuple(random.integers(4, 60, (2, 400)))] = random.normal(size=400) * 50 * NOISE
        products.model[channel] += wrong
        products.residual[channel] -= convolve(wrong, dirty_beam())


@pytest.mark.parametrize("channels", [[3], [0, 2, 4], list(range(7))], ids=["one", "half", "all"])
@pytest.mark.parametrize("skip", [[], ["psf"], ["mask"]], ids=["complete", "no PSF", "no clean mask"])
def test_channels_that_diverged_are_named_and_cleaned_again(channels, skip):
    products = Products()
    let_diverge(products, channels)
    write_cube("line", products, skip=skip)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "confetti"
    assert result["diverged"] == channels
    assert set(channels) <= set(result["channels"])
    assert result["warnings"][0].startswith("CLEAN diverged in channels")
    cleaned = read_image(result["cleanmask"]).any(axis=(1, 2))
    assert np.flatnonzero(cleaned).tolist() == result["channels"]


def test_of_large_planes_it_is_measured_in_windows(monkeypatch):
    products = Products(channels=3)
    let_diverge(products, [1])
    write_cube("line", products)
    whole, *_ = measure_convergence(open_cube("line"), 0, 1)
    monkeypatch.setattr(windows, "WINDOW", 48)
    assert measure_convergence(open_cube("line"), 0, 1)[0] == pytest.approx(whole, abs=0.2)


@pytest.mark.parametrize("sigma", [4, 20])
def test_a_channel_with_one_fake_source_is_not_called_wrong_all_over(sigma):
    products = Products(continuum=False)
    products.model[3] += disc(2, sigma)
    write_cube("line", products, skip=["psf"])
    result = confetti_check(imagename="line")
    assert result["diverged"] == []
    assert "diverged" not in " ".join(result["warnings"])


@pytest.mark.parametrize("products", [["model"], ["image"], ["image", "residual"], ["model", "image", "residual"]])
def test_a_channel_that_was_cleaned_and_holds_no_numbers_is_not_blank(products):
    write_cube("line", Products())
    for product in products:
        edit(f"line.{product}", "xysf", (3, slice(None), slice(None)), np.nan)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "confetti"
    assert result["diverged"] == [3]
    assert "CLEAN ran away in channels 3" in result["warnings"][0]


@pytest.mark.parametrize("place", [HOT, (HOT[0], 48, 48)], ids=["fake source", "continuum"])
@pytest.mark.parametrize("products", [["image"], ["image", "residual"]])
def test_a_pixel_that_is_no_number_at_a_component_is_a_blank_one(place, products):
    sky = maser_continuum_and_confetti()
    sky.model[:, 20, 50] += 100 * NOISE  # without a real source there, a clean has diverged
    sky.add_confetti(HOT[0], 10, 10, 20 * NOISE)
    write_cube("line", sky)
    for product in products:
        edit(f"line.{product}", "xysf", place, np.nan)
    result = confetti_check(imagename="line")
    assert (result["chans"], result["diverged"]) == (str(HOT[0]), [])
    assert (HOT[0], 10, 10) in places(result, "confetti")
    assert not any("ran away" in text for text in result["warnings"])


def test_where_clean_ran_away_in_all_channels_the_cube_is_not_called_not_applicable():
    write_cube("line", Products())
    for product in ("image", "residual"):
        edit(f"line.{product}", "xysf", (slice(None), slice(None), slice(None)), np.nan)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "confetti"
    assert result["diverged"] == list(range(7))


@pytest.mark.parametrize("flagged", ["zero", "masked"])
def test_flagged_and_masked_channels_are_blank_and_have_not_diverged(flagged):
    products = Products()
    image, valid = products.image, np.ones(products.model.shape, dtype=bool)
    if flagged == "zero":
        image[3] = products.residual[3] = 0
    else:
        image[3] = products.residual[3] = np.nan
        valid[3] = False
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one", masked=valid)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "clean"
    assert result["diverged"] == []


def noisy():
    products = Products()
    products.residual[3] *= 3
    return products


def strong_continuum():
    products = Products()
    products.model[:, 30, 30] += 10000 * NOISE
    return products


def absorption():
    products = Products()
    products.model[2:5, 20:28, 20:28] -= 3 * NOISE
    return products


def shallow():
    """Of a source of 200 sigma half is left in the residual."""
    products = Products()
    products.model[3, 30, 30] += 100 * NOISE
    products.residual[3] += 100 * NOISE * np.roll(dirty_beam(), (-2, -2), axis=(0, 1))
    return products


def noise_fitted():
    """All channels cleaned to the noise and below it."""
    products = Products()
    for channel in range(7):
        noise = convolve(products.residual[channel], dirty_beam()) / 50  # only where there are visibilities
        dirty = noise + convolve(products.model[channel], dirty_beam())
        products.model[channel], products.residual[channel] = clean(dirty, 0.1, 3000)
    return products


@pytest.mark.parametrize("sky", [noisy, strong_continuum, absorption, shallow])
def test_what_is_odd_and_yet_right_has_not_diverged(sky):
    write_cube("line", sky())
    result = confetti_check(imagename="line")
    assert result["diverged"] == []
    assert result["verdict"] == "clean"


def test_noise_that_was_fitted_far_below_itself_has_not_diverged_and_is_not_called_right():
    """The image has 18 times the noise of the data, at the frequencies that these do not have."""
    write_cube("line", noise_fitted())
    result = confetti_check(imagename="line")
    assert result["diverged"] == []
    assert result["verdict"] != "clean"
    assert result["warnings"][0].startswith("the rms noise is not known")
