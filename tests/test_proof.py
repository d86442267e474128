"""The comparison of a channel before and after it was cleaned again, on skies that are known."""

import numpy as np
import pytest
from skies import BEAM, NOISE, Products, convolve, dirty_beam, gaussian

from confetti_task.private.core.before_after import (
    NO_CHANGE,
    Change,
    compare,
    doubted,
    noise_of,
    outcome,
    residual_scale,
)

CHANNEL, PLACE = 3, (30, 26)
SCALE = residual_scale(dirty_beam(), BEAM)


def planes(products, channel=CHANNEL):
    cubes = {"model": products.model, "image": products.image, "residual": products.residual}
    return {name: cube[channel] for name, cube in cubes.items()}


def beside(products):
    return [planes(products, channel) for channel in (CHANNEL - 1, CHANNEL + 1)]


def judged(old, new, change=NO_CHANGE):
    return compare(planes(old), planes(new), beside(new), NOISE, SCALE, BEAM, 2.5, change)


def at_place(finds):
    """The finds within half a beam of the place."""
    return finds[np.hypot(finds["y"] - PLACE[0], finds["x"] - PLACE[1]) <= BEAM / 2]


def test_a_source_that_is_gone_after_cleaning_again_is_proved():
    old = Products()
    old.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    finds = judged(old, Products())
    assert at_place(finds)["proof"].tolist() == ["proved"]
    assert outcome(finds) == "bad"


@pytest.mark.parametrize("flux", [-20, 20])
def test_a_maser_that_is_still_there_is_real(flux):
    old, new = Products(), Products()
    for products in (old, new):
        products.add_point(CHANNEL, *PLACE, flux * NOISE)
    finds = judged(old, new)
    assert at_place(finds)["proof"].tolist() == ["real"]
    assert outcome(finds) == "acquitted"


def test_a_maser_whose_height_was_wrong_has_changed_and_is_not_fake():
    old, new = Products(), Products()
    for products in (old, new):
        products.add_point(CHANNEL, *PLACE, 20 * NOISE)
    old.add_confetti(CHANNEL, *PLACE, 15 * NOISE)
    finds = judged(old, new)
    assert at_place(finds)["proof"].tolist() == ["changed"]
    assert outcome(finds) == "bad"


@pytest.mark.parametrize(("change", "proof"), [(NO_CHANGE, "changed"), (Change(0.02, 0.0), "real")])
def test_a_bright_maser_may_differ_by_a_part_of_its_brightness(change, proof):
    """By 6 sigma of 500."""
    old, new = Products(), Products()
    old.add_point(CHANNEL, *PLACE, 506 * NOISE)
    new.add_point(CHANNEL, *PLACE, 500 * NOISE)
    assert at_place(judged(old, new, change))["proof"].tolist() == [proof]


@pytest.mark.parametrize("deeper", ["old", "new"])
def test_a_source_that_only_one_clean_went_deep_enough_for_is_real(deeper):
    """Where it was not cleaned the residual holds it, as the dirty image does."""
    cleaned, not_cleaned = Products(), Products()
    cleaned.add_point(CHANNEL, *PLACE, 20 * NOISE)
    not_cleaned.residual[CHANNEL] += 20 * NOISE * np.roll(dirty_beam(), np.subtract(PLACE, 32), axis=(0, 1))
    finds = judged(cleaned, not_cleaned) if deeper == "old" else judged(not_cleaned, cleaned)
    assert at_place(finds)["proof"].tolist() == ["real"]
    assert outcome(finds) == "acquitted"


def test_a_line_that_the_old_clean_lost_has_changed():
    old, new = Products(), Products()
    for products in (old, new):
        products.model[:, PLACE[0], PLACE[1]] = 20 * NOISE
    old.add_confetti(CHANNEL, *PLACE, -20 * NOISE)
    finds = judged(old, new)
    assert at_place(finds)["proof"].tolist() == ["changed"]
    assert outcome(finds) == "bad"


def test_emission_does_not_raise_the_noise_and_a_deep_clean_does_not_lower_it():
    new = Products()
    new.model[CHANNEL, 20:40, 20:40] = 5 * NOISE
    emission = 8 * NOISE * gaussian(4 * BEAM)  # not cleaned: fainter than the threshold, but where some was
    new.residual[CHANNEL] += np.where(convolve(new.model[CHANNEL], gaussian(BEAM)) > NOISE, emission, 0)
    assert noise_of(planes(new), 1.3 * NOISE, 3 * NOISE) == pytest.approx(NOISE, rel=0.15)
    new.residual *= 0.3
    assert noise_of(planes(new), 0.01, 0.01) == 0.01


def test_where_the_noise_is_unknown_it_is_measured_in_the_whole_residual():
    assert noise_of(planes(Products()), 0, 3 * NOISE) == pytest.approx(NOISE, rel=0.15)


def test_a_psf_that_lies_a_pixel_off_or_is_small_scales_the_residual_all_the_same():
    assert residual_scale(np.roll(dirty_beam(), (1, -1), axis=(0, 1)), BEAM) == pytest.approx(SCALE)
    assert residual_scale(gaussian(12, 40), 12) == 1


def test_a_channel_that_ran_away_proves_nothing_and_stops_nothing():
    old = Products()
    old.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    old.model[CHANNEL, 10:20] = np.nan
    image = convolve(np.nan_to_num(old.model[CHANNEL]), gaussian(BEAM))
    image[5:25] = np.nan
    before = {"model": old.model[CHANNEL], "image": image, "residual": old.residual[CHANNEL]}
    finds = compare(before, planes(Products()), beside(Products()), NOISE, SCALE, BEAM, 2.5)
    assert np.isfinite(finds["difference"]).all()


UNSUPPORTED = np.array([PLACE], dtype=[("y", int), ("x", int)])
NONE = UNSUPPORTED[:0]


def test_where_the_new_image_has_an_unsupported_source_nothing_is_decided():
    new = Products()
    new.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    finds = judged(Products(), new)
    assert at_place(doubted(finds, NONE, finds[:0], BEAM))["proof"].tolist() == ["changed"]
    finds = doubted(finds, UNSUPPORTED, finds[:0], BEAM)
    assert at_place(finds)["proof"].tolist() == ["open"]
    assert outcome(finds) == "undecided"


@pytest.mark.parametrize(("old", "proof"), [(0, "changed"), (20, "real")])
def test_what_two_ways_of_cleaning_say_is_believed(old, proof):
    before, after = Products(), Products()
    before.add_confetti(CHANNEL, *PLACE, old * NOISE)
    after.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    finds = judged(before, after)
    assert at_place(doubted(finds, UNSUPPORTED, finds, BEAM))["proof"].tolist() == [proof]


@pytest.mark.parametrize("flux", [-20, 20])
def test_a_source_that_only_the_new_image_has_is_not_proved_to_be_fake_in_the_old_one(flux):
    new = Products()
    new.add_point(CHANNEL, *PLACE, flux * NOISE)
    assert at_place(judged(Products(), new))["proof"].tolist() == ["changed"]


def test_where_two_ways_of_cleaning_say_different_things_nothing_is_decided():
    before, first = Products(), Products()
    before.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    first.add_confetti(CHANNEL, *PLACE, 20 * NOISE)
    came_back, went_away = judged(before, first), judged(before, Products())
    assert at_place(doubted(went_away, UNSUPPORTED, came_back, BEAM))["proof"].tolist() == ["open"]
    assert at_place(doubted(went_away, NONE, came_back, BEAM))["proof"].tolist() == ["proved"]
