"""confetti_check on CASA images of small skies: what is confetti, what is not, and what cannot be decided."""

import os
import shutil
from inspect import isfunction, signature
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import read_image, write_cube, write_image
from checks import confetti_check, places
from skies import BEAM, HOT, NOISE, SIZE, Products, gaussian

import confetti_task
from confetti_task.private.check import warnings
from confetti_task.private.check.evidence import measure_ambiguity
from confetti_task.private.check.known_sources import read_known
from confetti_task.private.check.log import WHY_CANDIDATES, describe_channels, describe_verdict
from confetti_task.private.check.survey import survey
from confetti_task.private.check.verdict import judge
from confetti_task.private.check.worker_pool import worker_pool
from confetti_task.private.core.decision import Thresholds
from confetti_task.private.core.uv_coverage import ambiguity
from confetti_task.private.images.coordinates import world_coordinates
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.pieces import open_pieces


def said_of_channels(result):
    """What the log reports about the channels, line by line."""
    return [*describe_channels(*(QTable.read(result[name]) for name in ("table", "channeltable")))]


def test_confetti_is_masked_and_a_maser_in_one_channel_never_is(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "confetti"
    assert result["chans"] == "3"
    assert result["channels"] == [3]
    assert np.argwhere(read_image(result["mask"])).tolist() == [list(HOT)]
    assert (2, 45, 15) in places(result, "candidate")
    assert result["warnings"] == []


def test_a_continuum_source_in_all_channels_is_not_even_a_candidate(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert not any((y, x) == (12, 50) for _, y, x in places(result, "candidate") | places(result, "confetti"))


@pytest.mark.parametrize("channel", [0, 6])
def test_confetti_in_an_edge_channel_is_found(channel):
    products = Products()
    products.add_confetti(channel, 30, 26, 20 * NOISE)
    write_cube("line", products)
    assert confetti_check(imagename="line")["channels"] == [channel]


@pytest.mark.parametrize("blank", ["zero", "masked"])
def test_the_model_of_a_blank_channel_is_no_neighbour(blank):
    products = Products()
    products.add_confetti(4, 30, 26, 20 * NOISE)
    image, valid = products.image, np.ones(products.model.shape, dtype=bool)
    products.model[3] = products.model[4]
    if blank == "zero":
        image[3] = products.residual[3] = 0
    else:
        image[3], valid[3] = np.nan, False
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one", masked=valid)
    assert confetti_check(imagename="line")["channels"] == [4]


def test_the_published_case_is_a_candidate_and_its_two_harmless_relatives_are_not_even_that():
    """
    The numbers of G008.67 N2H+, channel 98: 0.065 Jy/beam in the image, 0.035 in the residual, 0.009 of noise.

    The hot pixel alone is 1.6 to 3 sigma, on a disc of the same sign; contrast 50 in the model, 2 in the image.
    """
    products = Products(seed=11)
    y, x = np.mgrid[:64, :64]
    disc = np.hypot(y - 32, x - 32) <= 4
    products.model[:, disc] += 0.01 / 40.6
    products.model[3, disc] += 0.035 / 40.6
    products.model[3, 32, 32] += 3.2 * 0.009
    products.model[:, 12, 50] += 0.1  # hot in every channel, from a continuum start model
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert (3, 32, 32) in places(result, "candidate")
    assert WHY_CANDIDATES in said_of_channels(result)
    assert not any((y, x) == (12, 50) for _, y, x in places(result, "candidate") | places(result, "confetti"))

    products.model = products.model[3:4]
    products.residual, products.psf = products.residual[3:4], products.psf[3:4]
    write_cube("continuum", products, term=".tt0")
    result = confetti_check(imagename="continuum")
    assert result["verdict"] == "not applicable"
    assert "one channel" in result["warnings"][0]
    assert not read_image(result["mask"]).any()
    assert result["cleanmask"] == ""


def test_a_cube_without_confetti_gets_a_zero_mask_and_no_clean_mask():
    products = Products()
    products.add_point(2, 45, 15, 30 * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "clean"
    assert not read_image("line.confetti.mask").any()
    assert not os.path.exists("line.confetti.cleanmask")
    assert result["cleanmask"] == ""


def test_where_nothing_was_cleaned_there_is_nothing_to_find():
    write_cube("line", Products(continuum=False))
    result = confetti_check(imagename="line")
    assert result["verdict"] == "not applicable"
    assert "nothing was cleaned" in result["warnings"][0]


def test_without_a_psf_a_compensated_hot_pixel_is_confetti_and_a_maser_is_not(products):
    products.add_compensated(5, 20, 40, 100 * NOISE)
    write_cube("line", products, skip=["psf"])
    result = confetti_check(imagename="line")
    assert "line.psf not found" in result["warnings"][0]
    assert (5, 20, 40) in places(result, "confetti")
    assert (2, 45, 15) in places(result, "candidate")


@pytest.mark.parametrize("skip", [[], ["psf"]])
@pytest.mark.parametrize("stale", ["older model", "dirty"])
def test_a_maser_that_an_old_image_does_not_restore_is_not_masked(skip, stale):
    products = Products()
    products.add_point(2, 45, 15, 30 * NOISE)
    image = products.image
    write_cube("line", products, skip=["residual", "image", *skip])
    write_image("line.image", image, unit="Jy/beam", beams="one")
    write_image("line.residual", image)  # as before the maser was cleaned
    if stale == "older model":
        shutil.rmtree("line.image")
        products.model[2, 45, 15] = 0
        products.add_point(5, 20, 20, 30 * NOISE)
        write_image("line.image", image + products.image - products.residual, unit="Jy/beam", beams="one")
    result = confetti_check(imagename="line")
    assert result["verdict"] == "not applicable"
    assert "do not belong together" in result["warnings"][0]
    assert not read_image(result["mask"]).any()


@pytest.mark.parametrize("factor", [-1, 1e-6, 1e6])
def test_units_and_sign_change_nothing(products, factor):
    write_cube("line", products)
    before = confetti_check(imagename="line")
    scaled = Products()
    scaled.model, scaled.residual = products.model * np.float32(factor), products.residual * np.float32(factor)
    write_cube("scaled", scaled)
    after = confetti_check(imagename="scaled")
    np.testing.assert_array_equal(read_image(after["mask"]), read_image(before["mask"]))
    assert places(after, "candidate") == places(before, "candidate")
    assert places(after, "confetti") == places(before, "confetti") == {HOT}
    signs = [np.sign(QTable.read(result["table"])["unsupported"][0]) for result in (before, after)]
    assert signs[1] == np.sign(factor) * signs[0]


def test_chunks_and_selections_of_channels_change_nothing(products):
    write_cube("line", products)
    whole = QTable.read(confetti_check(imagename="line", outfile="whole")["table"])
    single = QTable.read(confetti_check(imagename="line", outfile="single", memory=1e-9)["table"])
    selected = QTable.read(confetti_check(imagename="line", outfile="selected", chans="3;2")["table"])
    for name in whole.colnames:
        np.testing.assert_array_equal(single[name], whole[name])
        np.testing.assert_array_equal(selected[name], whole[np.isin(whole["channel"], [2, 3])][name])
    whole, single, selected = (QTable.read(f"{name}.channels.ecsv") for name in ("whole", "single", "selected"))
    for name in whole.colnames:
        np.testing.assert_array_equal(single[name], whole[name])
        np.testing.assert_array_equal(selected[name], whole[2:4][name])


@pytest.mark.parametrize("order", ["xysf", "xyfs", "fsxy", "yxsf", "xyf"])
@pytest.mark.parametrize("beams", ["one", "per plane"])
def test_the_order_of_the_axes_and_the_beams_change_nothing(products, order, beams):
    write_cube("line", products, order=order, beams=beams)
    result = confetti_check(imagename="line")
    assert places(result, "confetti") == {HOT}
    from casatools import image

    tool = image()
    tool.open(result["mask"])
    mask, shape = tool.getchunk(), list(tool.shape())
    tool.open("line.model")
    assert shape == list(tool.shape())
    tool.done()
    hot = dict(zip("fyx", HOT), s=0)
    assert np.argwhere(mask).tolist() == [[hot[axis] for axis in order]]


def test_confetti_in_one_polarization_is_found_there_and_all_are_cleaned_again(products):
    write_cube("line", products, polarizations=("I", "Q"), holds="Q")
    result = confetti_check(imagename="line")
    table = QTable.read(result["table"])
    assert set(table["stokes"]) == {"Q"}
    assert read_image(result["mask"], polarization=1)[HOT] == 1
    assert not read_image(result["mask"], polarization=0).any()
    for polarization in (0, 1):
        assert read_image(result["cleanmask"], polarization=polarization)[3].all()


@pytest.mark.parametrize(("channel", "blank"), [(3, [2, 4]), (0, [1]), (6, [5])])
def test_a_channel_that_was_cleaned_and_has_no_valid_neighbour_is_suspicious(products, channel, blank):
    image = products.image
    image[blank] = 0
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one")
    result = confetti_check(imagename="line", chans=str(channel))
    assert result["verdict"] == "suspicious"
    assert result["suspects"] == [channel]
    assert f"channels {channel} could not be checked" in result["warnings"][0]
    page = confetti_task.confetti_check(imagename="line", outfile="whole")["report"]
    assert "Suspicious channels" in Path(page).read_text(encoding="utf-8")
    write_cube("empty", Products(continuum=False), skip=["image"])
    write_image("empty.image", image, unit="Jy/beam", beams="one")
    assert confetti_check(imagename="empty", chans=str(channel))["suspects"] == []


def masked(images):
    return dict(images, valid=np.zeros(images["image"].shape, dtype=bool)), "line.image"


def not_a_number(images):
    return dict(images, image=images["image"] * np.nan), "line.image"


def without_noise(images):
    return dict(images, image=images["image"] - images["residual"], residual=0 * images["residual"]), "line.residual"


def without_residual(images):
    return dict(images, residual=0 * images["residual"]), "line.residual"


@pytest.mark.parametrize("made", [masked, not_a_number, without_noise, without_residual])
@pytest.mark.parametrize("bright", [False, True])
def test_an_image_that_holds_nothing_is_named_and_nothing_else_is_reported(made, bright):
    products = Products()
    products.add_point(2, 30, 26, (1000 if bright else 20) * NOISE)
    images, empty = made({"image": products.image, "residual": products.residual})
    write_cube("line", products, skip=["image", "residual"])
    write_image("line.image", images["image"], unit="Jy/beam", beams="one", masked=images.get("valid"))
    write_image("line.residual", images["residual"])
    result = confetti_check(imagename="line")
    assert (result["verdict"], result["channels"], result["ncandidates"]) == ("not applicable", [], 0)
    (warning,) = result["warnings"]
    assert warning.startswith(f"{empty} is masked, blank or zero")


def test_a_background_of_continuum_changes_nothing(products):
    write_cube("line", products, skip=["image"])
    write_image("line.image", products.image + 10 * NOISE, unit="Jy/beam", beams="one")
    assert places(confetti_check(imagename="line"), "confetti") == {HOT}


def stripes(size=SIZE):
    """PSF of three visibilities on a line: it has its peak all along a stripe."""
    _, x = np.mgrid[:size, :size] - size // 2
    return np.mean([np.cos(2 * np.pi * x / period) for period in (9, 12, 16)], axis=0).astype(np.float32)


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_whose_data_do_not_say_where_a_source_is_is_named_and_not_called_good(channel):
    products = Products()
    products.add_point(channel, 45, 15, 30 * NOISE)
    products.psf[channel] = stripes()
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "clean"
    (warning,) = result["warnings"]
    assert f"the data of channels {channel} do not say where a source is" in warning
    assert (channel, 45, 15) in places(result, "candidate")
    channels = QTable.read(result["channeltable"])
    assert (channels["verdict"] == np.where(channels["channel"] == channel, "unchecked", "good")).all()
    assert channels["ambiguity"][channel] > 10
    assert (np.delete(channels["ambiguity"], channel) < 2).all()


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_with_few_data_is_named_without_candidates_too_and_the_others_are_good(channel):
    products = Products()
    products.psf[channel] = stripes()
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert (result["verdict"], result["ncandidates"]) == ("clean", 0)
    assert f"the data of channels {channel} do not say where a source is" in result["warnings"][0]
    assert QTable.read(result["channeltable"])["verdict"].tolist() == [
        "unchecked" if number == channel else "good" for number in range(7)
    ]


def test_the_middle_of_a_psf_shows_the_ambiguity_of_the_whole():
    products = Products(size=128)
    products.psf[2] = stripes(128)
    products.psf[4] = np.nan
    write_cube("line", products)
    cube = open_cube("line")
    for channel, psf in enumerate(products.psf):
        assert measure_ambiguity(cube, 0, channel) == pytest.approx(ambiguity(psf, cube.beam), nan_ok=True)


def test_confetti_is_masked_where_the_data_of_another_channel_are_few(products):
    products.psf[6] = stripes()
    products.add_point(6, 45, 15, 30 * NOISE)
    write_cube("line", products)
    assert places(confetti_check(imagename="line"), "confetti") == {HOT}


def test_a_cube_in_which_no_channel_says_where_a_source_is_cannot_be_checked():
    products = Products()
    products.psf[:] = stripes()
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "not applicable"
    assert any(warning.startswith("the data do not say where a source is") for warning in result["warnings"])


def test_a_blank_psf_is_reported(products):
    products.psf[:] = 0
    write_cube("line", products)
    assert "candidates in channels 2~3 could not be tested" in confetti_check(imagename="line")["warnings"][0]


def test_pixels_outside_the_primary_beam_are_not_checked(products):
    masked = np.ones(products.model.shape, dtype=bool)
    masked[:, 25:35, 20:32] = False
    write_cube("line", products, masked=masked)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "clean"


def test_a_size_that_does_not_divide_the_tiles_is_read_right():
    products = Products(channels=5, size=97)
    products.add_confetti(2, 90, 7, 20 * NOISE)
    write_cube("line", products)
    assert places(confetti_check(imagename="line"), "confetti") == {(2, 90, 7)}


def test_a_casa_newer_than_any_tested_is_reported_and_works(products, monkeypatch, capfd):
    import casatools

    write_cube("line", products)
    confetti_check(imagename="line")
    assert "was tested with" not in capfd.readouterr().err
    monkeypatch.setattr(casatools, "version", lambda: [6, 10, 0, 1])
    assert confetti_check(imagename="line", overwrite=True)["channels"] == [3]
    assert "this is 6.10.0.1" in capfd.readouterr().err


def test_a_last_channel_full_of_confetti_is_bad():
    products = Products(channels=12)
    for y in range(6, 60, 9):
        for x in range(6, 60, 9):
            products.add_confetti(11, y, x, 15 * NOISE)
    write_cube("line", products)
    assert confetti_check(imagename="line")["channels"] == [11]


def test_a_hot_pixel_whose_surroundings_are_masked_stays_a_candidate_and_that_is_reported(products):
    masked = np.ones(products.model.shape, dtype=bool)
    masked[3] = False
    masked[3][HOT[1:]] = masked[3, :20, :20] = True
    write_cube("line", products, masked=masked)
    result = confetti_check(imagename="line")
    assert HOT in places(result, "candidate")
    assert "could not be tested" in result["warnings"][0]


def test_a_channel_in_which_a_fake_source_may_hide_is_suspicious_and_ranked():
    products = Products()
    products.add_confetti(1, 20, 40, 9.9 * NOISE)
    products.add_confetti(5, 36, 20, 11.4 * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line", surround=0)
    assert result["verdict"] == "suspicious"
    assert result["suspects"] == [5, 1]
    assert result["suspectchans"] == "1;5"
    assert not result["channels"]
    assert not read_image(result["mask"]).any()


def test_the_log_distinguishes_the_suspicion_of_a_channel_from_the_spike_of_its_image():
    products = Products()
    products.add_point(5, 36, 20, 32 * NOISE)
    products.add_confetti(5, 36, 20, 40 * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line", unsupported=20, surround=0)
    (row,) = QTable.read(result["table"])
    assert row["spike"] > 60 > 3 * row["suspicion"]
    (line,) = (text for text in said_of_channels(result) if "are suspicious" in text)
    assert f"up to {row['suspicion']:.1f} sigma in channel 5, at x=20 y=36" in line
    assert f"the image has a spike of {row['spike']:+.1f} sigma" in line


@pytest.mark.parametrize("skip", [[], ["psf"]])
@pytest.mark.parametrize("radius", [2, 4, 6, 8])
def test_a_hot_pixel_on_a_disc_that_takes_its_flux_is_confetti_from_6_sigma_on(radius, skip):
    """The words of the notebook: a very bright pointlike model peak on a slightly extended negative background."""
    _, *place = HOT
    heights = dict(zip((4, 7, 10, 13), (6, 12, 50, 200)))  # in units of the noise, by channel
    products = Products(channels=17, seed=8)
    for channel in (1, *heights):
        products.add_disc(channel, *place, heights.get(channel, 0) * NOISE, radius)
    products.add_point(15, 45, 15, 30 * NOISE)
    write_cube("line", products, skip=skip)
    result = confetti_check(imagename="line")
    assert {(channel, *place) for channel in heights} <= places(result, "confetti")
    assert (1, *place) not in places(result, "confetti")
    assert (15, 45, 15) in places(result, "candidate")
    assert result["diverged"] == []


def test_on_a_disc_of_two_beams_it_makes_its_channel_suspicious():
    products = Products(seed=8)
    products.add_disc(*HOT, 8 * NOISE, 12)
    write_cube("line", products, skip=["psf"])
    result = confetti_check(imagename="line")
    assert (result["verdict"], result["suspects"]) == ("suspicious", [HOT[0]])


def test_a_hot_pixel_on_a_disc_on_emission_makes_its_channel_suspicious():
    products = Products(seed=8)
    products.model += 40 * NOISE / 40.6 * gaussian(4 * BEAM)  # Jy/pixel: a beam has 40.6 pixels
    products.add_disc(3, 32, 30, 12 * NOISE, 5)
    write_cube("line", products, skip=["psf"])
    result = confetti_check(imagename="line")
    assert (result["verdict"], result["suspects"]) == ("suspicious", [3])


@pytest.mark.parametrize("second", [1.0, 0.6])
def test_the_same_fake_source_in_two_adjacent_channels_makes_both_suspicious_and_a_narrow_line_does_not(second):
    fake, real = Products(channels=9), Products(channels=9)
    for channel, part in ((4, 1.0), (5, second)):
        fake.add_confetti(channel, 30, 26, 20 * part * NOISE)
        real.add_point(channel, 30, 26, 20 * part * NOISE)
    for name, products in (("fake", fake), ("real", real)):
        write_cube(name, products)
    result = confetti_check(imagename="fake")
    assert sorted([*result["channels"], *result["suspects"]]) == [4, 5]
    assert confetti_check(imagename="real")["verdict"] == "clean"


@pytest.mark.parametrize("flux", [8, 30])
def test_of_candidates_it_is_not_claimed_that_nothing_speaks_against_them(flux):
    products = Products()
    products.add_point(2, 45, 15, flux * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert result["ncandidates"] == 1
    said = describe_verdict(result, open_cube("line"))
    assert "1 candidates, without enough evidence against them, are listed in" in said


def test_without_a_psf_the_check_cannot_say_what_it_would_find(products):
    write_cube("line", products, skip=["psf"])
    assert confetti_check(imagename="line")["limit"] is None


def test_next_to_a_known_source_alone_a_marginal_hot_pixel_does_not_make_a_channel_bad(products):
    write_cube("line", products)
    cube = open_pieces("line")
    with worker_pool(False, cube.mapped) as workers:
        found = survey(cube, range(cube.channels), Thresholds(), workers, memory=1e9)
    marginal = found.candidates[found.candidates["channel"] == HOT[0]][:1].copy()
    marginal["x"], marginal["narrowness"], marginal["unsupported"] = 5, 0.7, 9
    found = found._replace(candidates=np.concatenate([found.candidates, marginal]))
    ra, dec, _, _ = world_coordinates(cube, *np.array(HOT)[:, np.newaxis])
    nowhere, here = read_known([]), read_known([[ra[0].value, dec[0].value]])
    assert (judge(found, nowhere, Thresholds()).candidates["evidence"] != "").sum() == 2
    assert not (judge(found, here, Thresholds()).candidates["evidence"] != "").any()


@pytest.mark.parametrize("part", [0.0, 0.9])
def test_emission_that_alternates_from_channel_to_channel_is_reported_and_a_steady_one_is_not(part):
    products = Products(channels=9)
    for channel in range(9):
        products.add_point(channel, 30, 26, 40 * NOISE * (1 + part * (-1) ** channel))
    write_cube("line", products)
    said = [text for text in confetti_check(imagename="line")["warnings"] if "alternates in channels 1~7" in text]
    assert len(said) == (part > 0)


def cleaned_noise(products):
    """Components of a clean to 3.2 sigma: in each channel a peak, of either sign as it happens."""
    random = np.random.default_rng(4)
    for channel, plane in enumerate(products.model):
        plane[tuple(random.integers(8, 56, 2))] = (-1) ** channel * random.uniform(0.4, 1) * NOISE


def masers(products):
    """In every other channel one, in the same place, each twice as bright as the one before."""
    for channel in range(1, len(products.model), 2):
        products.add_point(channel, 30, 26, 50 * 2 ** (channel / 2) * NOISE)


@pytest.mark.parametrize("sky", [cleaned_noise, masers])
def test_neither_components_of_noise_nor_masers_in_every_other_channel_are_reported_to_alternate(sky):
    products = Products(channels=13, continuum=False)
    sky(products)
    flux = products.model.sum(axis=(1, 2))
    assert (np.diff(np.sign(np.diff(flux))) != 0).all()  # they do
    write_cube("line", products)
    assert not any("alternates" in text for text in confetti_check(imagename="line")["warnings"])


def test_every_warning_about_what_was_found_has_its_place_among_those_that_are_reported():
    of_what_was_found = {
        function
        for function in vars(warnings).values()
        if isfunction(function)
        and [*signature(function).parameters] == ["found"]
        and function is not warnings.warnings_of
    }
    assert of_what_was_found == set(warnings.WARNINGS)
    assert len(warnings.WARNINGS) == len(of_what_was_found)
