"""Noise of the channels."""

import numpy as np
import pytest
from skies import BEAM, NOISE, Products, convolve, gaussian

from confetti_task.private.core.dirty_noise import as_in_dirty_images, dirty_noise
from confetti_task.private.core.noise import channel_noise, is_quiet, least_noise, settled
from confetti_task.private.core.scatters import SCATTER, plane_scatters, scatter_left

SIZE = 256
RAISED = 1.15  # the heights of noise above their rings scatter more than the noise


def noise_of_an_array(channels=7, size=SIZE, seed=1):
    """A cube without any source, whose noise has the spatial frequencies that an array of antennas measures."""
    products = Products(channels, size, continuum=False)
    cycles = BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
    measured = (cycles > 0.05) * np.sqrt(np.maximum(1 - cycles / 0.9, 0))  # from the shortest to the longest baseline
    white = np.random.default_rng(seed).normal(size=products.model.shape)
    noise = np.fft.irfft2(np.fft.rfft2(white) * measured, (size, size))
    products.residual = (NOISE * noise / noise.std()).astype(np.float32)
    return products


def noise_of(products):
    left = scatter_left(products.residual, BEAM)
    return channel_noise(plane_scatters(products.image, products.residual, BEAM), left)


def scatters(image, tail=2.9, residual=None, faintest=None):
    """Scatters of channels: those of a plane of noise that was not cleaned, unless given."""
    found = np.zeros(len(image), dtype=SCATTER)
    found["image"], found["tail"] = image, tail
    found["residual"] = found["image"] / RAISED if residual is None else residual
    found["faintest"] = found["image"] / RAISED if faintest is None else faintest
    found["uncleaned"] = np.nan
    return found


def emission(size, width, peak, seed=3):
    """A field full of clumps of a width in pixels."""
    random = np.random.default_rng(seed)
    clumps = convolve((random.random((size, size)) < 0.5 / width**2).astype(float), gaussian(width, size))
    return peak * clumps / clumps.max()


def test_the_noise_of_a_field_of_noise_is_its_standard_deviation():
    products = noise_of_an_array()
    assert noise_of(products) == pytest.approx(np.full(len(products.model), NOISE), rel=0.15)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("width", [10, 40])
def test_emission_everywhere_in_some_channels_does_not_raise_their_noise(sign, width):
    products = noise_of_an_array(channels=12)
    for channel in (4, 5, 6, 7):
        products.model[channel] = sign * emission(SIZE, width, 300 * NOISE / BEAM**2, seed=channel)
    assert noise_of(products) == pytest.approx(np.full(12, NOISE), rel=0.16)


def test_a_source_in_all_channels_does_not_raise_the_noise():
    products = noise_of_an_array()
    products.model[:, 60:120, 60:120] = emission(60, 8, 200 * NOISE / BEAM**2)
    assert noise_of(products) == pytest.approx(np.full(len(products.model), NOISE), rel=0.15)


def test_a_clean_down_into_the_noise_does_not_lower_the_noise():
    """Most of the noise has moved from the residual into components, and is restored with a smooth beam."""
    deep = scatters([0.86 * NOISE] * 9, residual=0.4 * NOISE)
    assert channel_noise(deep) == pytest.approx(np.full(9, NOISE), rel=0.08)


@pytest.mark.parametrize("blank", [0.0, np.nan])
def test_a_blank_channel_has_no_noise(blank):
    products = Products()
    products.residual[2] = products.model[2] = blank
    image = products.image
    image[2] = blank
    noise = channel_noise(plane_scatters(image, products.residual, BEAM))
    assert np.isnan(noise).tolist() == [False, False, True, False, False, False, False]


def test_channels_full_of_emission_or_confetti_have_the_noise_of_quiet_ones_however_many_they_are():
    found = scatters(np.full(60, RAISED * NOISE))
    found[10:50]["image"] *= 4
    found[10:50]["faintest"] *= 3
    found[10:50]["tail"] = 9
    assert channel_noise(found) == pytest.approx(np.full(60, NOISE))


@pytest.mark.parametrize("noisy", [slice(0, 6), slice(37, 40)])
def test_noisy_channels_at_the_edge_of_the_band_are_noisy_up_to_the_step(noisy):
    found = scatters(np.full(40, RAISED * NOISE))
    expected = np.full(40, NOISE)
    for name in ("image", "residual"):
        found[name][noisy] *= 3
    expected[noisy] *= 3
    assert channel_noise(found) == pytest.approx(expected)


def test_emission_next_to_a_step_of_the_noise_has_the_noise_of_its_side():
    found, factor = scatters(np.full(40, RAISED * NOISE)), np.where(np.arange(40) < 20, 1, 3)
    for name in ("image", "residual", "faintest"):
        found[name] *= factor
    found["tail"][15:25] = 9
    found["image"][15:25] *= 2
    assert channel_noise(found) == pytest.approx(factor * NOISE)


def test_a_channel_full_of_emission_at_the_very_step_has_the_noise_in_between():
    factor = np.select([np.arange(40) < 20, np.arange(40) > 20], [1, 3], 2.2)
    found = scatters(RAISED * NOISE * factor)
    found["tail"][19:22] = 9
    assert channel_noise(found) == pytest.approx(factor * NOISE)


def test_channels_at_the_end_of_the_cube_without_quiet_ones_beyond_may_be_noisy():
    found = scatters(np.full(40, RAISED * NOISE))
    found["tail"][30:] = 9
    for name in ("image", "residual", "faintest"):
        found[name][30:] *= 3
    assert channel_noise(found)[30:] == pytest.approx(np.full(10, 2 * NOISE))


def test_a_channel_so_full_of_errors_of_clean_that_it_looks_like_noise_is_not_noisy():
    found = scatters(np.full(40, RAISED * NOISE))
    found["image"][[12, 25, 39]] *= [2.1, 60, 3]
    found["residual"][12] *= 2.1
    assert channel_noise(found) == pytest.approx(np.full(40, NOISE))


def test_without_any_quiet_channel_the_faintest_parts_are_taken():
    found = scatters(np.full(3, 3 * NOISE), tail=9, residual=NOISE, faintest=NOISE)
    assert channel_noise(found) == pytest.approx(np.full(3, NOISE))
    assert least_noise(found, channel_noise(found), width=40) == pytest.approx(np.full(3, NOISE))


def test_in_an_image_of_a_few_beams_the_noise_is_not_known():
    found = scatters(np.full(9, NOISE))
    assert least_noise(found, channel_noise(found), width=2) == pytest.approx(0.3 * channel_noise(found))


def full_of_emission(depth, channels=8):
    """A field full of clumps in all channels, cleaned down to that many sigma, as by an ideal CLEAN."""
    products = noise_of_an_array(channels)
    for channel in range(channels):
        products.model[channel] = emission(SIZE, 12, 300 * NOISE / BEAM**2, seed=channel)
    if depth < 3:
        products.residual *= np.float32(0.4)
    return products


def test_where_emission_fills_all_channels_the_noise_is_what_the_residual_has_where_nothing_was_cleaned():
    products = full_of_emission(depth=3)
    products.model[:, :, :60] = 0
    assert noise_of(products) == pytest.approx(np.full(8, NOISE), rel=0.25)


def test_extended_emission_that_clean_has_left_is_no_noise():
    products = noise_of_an_array(3)
    products.residual += emission(SIZE, 60, 20 * NOISE, seed=5)
    assert scatter_left(products.residual, BEAM) == pytest.approx(np.full(3, NOISE), rel=0.15)


@pytest.mark.parametrize("depth", [1, 3])
def test_where_emission_fills_all_channels_and_no_place_was_left_alone_the_noise_is_bounded_and_reported_as_unknown(
    depth,
):
    products = full_of_emission(depth)
    found = plane_scatters(products.image, products.residual, BEAM)
    left = scatter_left(products.residual, BEAM)
    noise = channel_noise(found, left)
    assert (noise >= 0.95 * NOISE).all()
    assert (noise <= 3.5 * NOISE).all()
    assert (least_noise(found, noise, SIZE / BEAM, left) <= 1.05 * NOISE).all()


def test_emission_up_to_the_end_of_the_cube_does_not_raise_the_noise_there_beyond_what_the_residual_allows():
    found = scatters(np.full(40, RAISED * NOISE))
    found["tail"][30:], found["image"][30:], found["faintest"][30:] = 9, 40 * NOISE, 20 * NOISE
    found["uncleaned"][32:] = NOISE
    assert channel_noise(found) == pytest.approx(np.full(40, NOISE), rel=0.2)
    found["uncleaned"] = np.nan
    assert (channel_noise(found)[30:] <= 5 * NOISE).all()


def deeply_cleaned(lost):
    """Noise of which CLEAN has taken a part out of the residual, and restored less: planes, and their PSF."""
    products = noise_of_an_array(1, SIZE)
    noise, psf = products.residual[0], gaussian(BEAM, SIZE)
    model = np.zeros_like(noise)
    model[SIZE // 2 - 60 :: 10, ::10] = 20 * NOISE  # with what is lost in the restored image
    return {"model": model, "image": noise * (1 - lost), "residual": noise - convolve(model, psf)}, psf


def test_the_dirty_image_shows_how_much_of_the_noise_a_deep_clean_has_lost():
    planes, psf = deeply_cleaned(lost=0.5)
    assert dirty_noise(planes, psf, BEAM, NOISE / 2) == pytest.approx(NOISE, rel=0.1)


def test_the_sidelobes_of_a_bright_source_are_no_noise_of_the_dirty_image():
    products = Products()
    planes = {name: getattr(products, name)[0] for name in ("model", "image", "residual")}
    assert dirty_noise(planes, products.psf[0], BEAM, NOISE) == pytest.approx(NOISE, rel=0.15)


def test_a_dirty_image_is_not_compared_with_one_of_a_much_larger_beam():
    planes, psf = deeply_cleaned(lost=0)
    assert np.isnan(dirty_noise(planes, psf, 1.4 * BEAM, NOISE))


def test_dirty_images_raise_the_noise_only_beyond_what_faint_emission_does():
    noise = np.full(5, NOISE, dtype=np.float32)
    assert as_in_dirty_images(noise, [1.15, 1.18, 3], quiet=True) == pytest.approx(noise)
    assert as_in_dirty_images(noise, [1.9, 1.8, np.nan], quiet=True) == pytest.approx(1.85 * noise)
    assert as_in_dirty_images(noise, [0.6, 0.8], quiet=True) == pytest.approx(noise)
    assert as_in_dirty_images(noise, [1.5, 1.6, 1.7], quiet=False) == pytest.approx(noise)
    assert as_in_dirty_images(noise, [2.2, 2.2, 2.5], quiet=False) == pytest.approx(2.2 * noise)
    assert as_in_dirty_images(noise, [], quiet=True) == pytest.approx(noise)


def test_the_noise_is_settled_with_twelve_quiet_channels_on_either_side_or_at_the_end_of_the_cube():
    quiet = is_quiet(scatters(np.full(100, NOISE)))
    quiet[45:56] = False
    assert not settled(quiet, [50], 16)
    assert settled(quiet, [50], 17)
    assert settled(quiet, [0, 50], 17)
    quiet[:45] = False
    assert not settled(quiet, [50], 49)
    assert settled(quiet, [50], 50)


def test_an_image_that_is_0_where_it_should_be_masked_has_its_noise():
    products = noise_of_an_array()
    empty = noise_of(products)
    products.residual[:, :, :200] = 0
    assert noise_of(products) == pytest.approx(empty, rel=0.2)


def test_the_chance_in_a_small_plane_is_averaged_but_a_channel_that_is_noisier_beyond_doubt_is_not():
    found = scatters(RAISED * NOISE * np.array([1, 1.1, 0.9, 1, 1.05, 1, 1.3, 1, 0.95, 1]))
    noise = channel_noise(found)
    assert noise[6] == pytest.approx(1.3 * NOISE)
    assert np.delete(noise, 6) == pytest.approx(np.full(9, NOISE), rel=0.051)
