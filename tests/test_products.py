"""What confetti_check writes: masks, tables and statistics, together or not at all."""

import os

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from casa_images import checksum, read_image, write_cube, write_image
from checks import confetti_check, places
from skies import BEAM, HOT, NOISE, Products, convolve

from confetti_task.private.check.log import describe_channels
from confetti_task.private.check.tables import write_table


def test_the_table_has_units_and_sky_positions(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    row = QTable.read(result["table"])[0]
    assert row["class"] == "confetti"
    assert row["frequency"].to_value("GHz") == pytest.approx(93.17 + 3 * 71.5e-6, abs=1e-9)
    assert row["velocity"].to_value("km/s") == pytest.approx(
        299792.458 * (1 - row["frequency"].value / 93.1734), abs=1e-3
    )
    place = SkyCoord(row["ra"], row["dec"]).fk5  # of the image, J2000
    assert place.dec.deg == pytest.approx(-21.62 - 2 * 0.5 / 3600, abs=1e-6)
    assert place.ra.deg == pytest.approx(271.58 + 6 * 0.5 / 3600 / np.cos(np.deg2rad(21.62)), abs=1e-6)
    assert row["contrast"].to_value("Jy") == pytest.approx(20 * NOISE, rel=0.1)
    assert result["severity"] == pytest.approx(abs(row["unsupported"]))


def test_a_table_is_written_as_astropy_writes_it(tmp_path):
    table = QTable(
        {
            "piece": ["a b", 'say "c"', "", "d"],
            "frequency": [93.17, 93.17, np.nan, 1e-7] * units.GHz,
            "spike": np.array([0.1, -0.0, 0.0, np.inf], dtype=np.float32),
            "channel": [3, 3, 4, 5],
        },
        meta={"verdict": "confetti"},
    )
    write_table(table, str(tmp_path / "ours"))
    table.write(str(tmp_path / "astropy"), format="ascii.ecsv")
    assert (tmp_path / "ours").read_text() == (tmp_path / "astropy").read_text()


def test_the_clean_mask_is_the_old_one_in_bad_channels_and_0_elsewhere(products):
    products.mask = np.zeros_like(products.model)
    products.mask[:, 10:50, 10:50] = 1
    write_cube("line", products)
    cleanmask = read_image(confetti_check(imagename="line")["cleanmask"])
    np.testing.assert_array_equal(cleanmask[3], products.mask[3])
    assert not np.delete(cleanmask, 3, axis=0).any()


def test_without_an_old_clean_mask_the_primary_beam_mask_is_cleaned(products):
    masked = np.ones(products.model.shape, dtype=bool)
    masked[:, :5] = False
    write_cube("line", products, masked=masked)
    cleanmask = read_image(confetti_check(imagename="line")["cleanmask"])
    np.testing.assert_array_equal(cleanmask[3], masked[3])


def test_the_pixel_clean_mask_has_beam_sized_holes_only_at_confetti(products):
    products.mask = np.ones_like(products.model)
    write_cube("line", products)
    cleanmask = read_image(confetti_check(imagename="line", cleanmask="pixel")["cleanmask"])
    holes = np.argwhere(cleanmask == 0)
    assert set(holes[:, 0]) == {3}
    assert np.hypot(*(holes[:, 1:] - HOT[1:]).T).max() == pytest.approx(BEAM / 2)


def test_masks_are_float32_and_record_how_they_were_made(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    from casatools import image

    tool = image()
    for name in (result["mask"], result["cleanmask"]):
        tool.open(name)
        assert tool.pixeltype() == "float"
        assert any("imagename='line'" in line for line in tool.history(list=False))
        tool.done()


def test_the_statistics_are_written_where_asked(products):
    write_cube("line", products)
    confetti_check(imagename="line", writestats=True)
    assert read_image("line.confetti.contrast")[HOT] == pytest.approx(20 * NOISE, rel=0.1)
    assert abs(read_image("line.confetti.unsupported")[HOT]) > 2.5


def test_the_mask_of_the_candidates_has_all_hot_pixels_of_the_table_that_are_neither_confetti_nor_known(products):
    products.add_point(5, 20, 40, 30 * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line", candidatemask=True)
    assert result["candidatemask"] == "line.confetti.candidates.mask"
    marked = {tuple(place) for place in np.argwhere(read_image(result["candidatemask"])).tolist()}
    assert marked == places(result, "candidate") >= {(2, 45, 15), (5, 20, 40)}
    assert not (read_image(result["candidatemask"]) * read_image(result["mask"])).any()

    rows = QTable.read(result["table"])
    maser = rows[(rows["channel"] == 5) & (rows["x"] == 40)][0]
    known = [maser["ra"].value, maser["dec"].value]
    result = confetti_check(imagename="line", candidatemask=True, known=known, overwrite=True)
    assert np.argwhere(read_image(result["candidatemask"])).tolist() == [[2, 45, 15]]


def test_without_being_asked_for_there_is_no_mask_of_candidates_and_an_older_one_goes(products):
    write_cube("line", products)
    confetti_check(imagename="line", candidatemask=True, fitsmask=True)
    np.testing.assert_array_equal(
        fits.getdata("line.confetti.candidates.mask.fits").squeeze(), read_image("line.confetti.candidates.mask")
    )
    with pytest.raises(ValueError, match="exists already"):
        confetti_check(imagename="line", candidatemask=True)
    assert confetti_check(imagename="line", overwrite=True)["candidatemask"] == ""
    assert not [name for name in os.listdir(".") if "candidates" in name]


@pytest.mark.parametrize("candidatemask", [True, False])
def test_a_clean_mask_of_tclean_is_never_taken_for_a_mask_of_candidates(products, candidatemask):
    products.mask = np.ones_like(products.model)
    write_cube("line", products)
    write_cube("line.confetti.candidates", products)
    with pytest.raises(ValueError, match="images made by tclean have that name"):
        confetti_check(imagename="line", candidatemask=candidatemask, overwrite=True)
    assert read_image("line.confetti.candidates.mask").all()


def test_what_another_program_calls_a_mask_of_candidates_is_left_alone(products):
    write_cube("line", products)
    os.mkdir("line.confetti.candidates.mask")
    assert confetti_check(imagename="line", overwrite=True)["candidatemask"] == ""
    assert os.path.isdir("line.confetti.candidates.mask")


def test_inputs_are_never_changed_and_nothing_is_left_behind(products):
    products.mask = np.ones_like(products.model)
    write_cube("line", products)
    inputs = [f"line.{product}" for product in ("model", "image", "residual", "psf", "mask")]
    before = checksum(*inputs)
    confetti_check(imagename="line")
    assert checksum(*inputs) == before
    assert {name for name in os.listdir(".") if name not in inputs} == {
        "line.confetti.mask",
        "line.confetti.cleanmask",
        "line.confetti.ecsv",
        "line.confetti.channels.ecsv",
    }


def test_overwriting_leaves_no_clean_mask_of_an_earlier_verdict(products):
    write_cube("line", products)
    confetti_check(imagename="line")
    confetti_check(imagename="line", chans="0~1", overwrite=True)
    assert not os.path.exists("line.confetti.cleanmask")


def test_older_products_survive_when_the_new_ones_cannot_take_their_place(products, monkeypatch):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    before = checksum(result["mask"], result["cleanmask"])
    rename = os.rename

    def fail_at_the_mask(source, target):
        if target == "line.confetti.mask" and ".partial" in source and "old" not in os.path.basename(source):
            raise OSError("disk full")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_at_the_mask)
    with pytest.raises(OSError, match="disk full"):
        confetti_check(imagename="line", overwrite=True)
    assert checksum(result["mask"], result["cleanmask"]) == before
    assert os.path.exists(result["table"])


def test_a_failure_while_writing_leaves_no_half_product(products, monkeypatch):
    write_cube("line", products)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("confetti_task.private.products.channels_to_clean", fail)
    with pytest.raises(OSError, match="disk full"):
        confetti_check(imagename="line")
    assert not any("confetti" in name for name in os.listdir("."))


def test_the_table_of_channels_shows_the_bad_one_and_what_it_adds(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    channels = QTable.read(result["channeltable"])
    assert channels["verdict"].tolist() == ["good"] * 3 + ["bad"] + ["good"] * 3
    bad, fake = channels[3], QTable.read(result["table"])[0]
    assert bad["severity"] == result["severity"] == result["severities"][0] == abs(fake["unsupported"])
    assert bad["flux"] == fake["flux"]
    assert fake["flux"].to_value("Jy") == pytest.approx(fake["severity"] * fake["noise"].value, rel=1e-5)
    assert channels["noise"].to_value("Jy/beam") == pytest.approx(np.full(7, NOISE), rel=0.3)
    assert channels["positive"].tolist()[2:4] == [3, 3]  # the maser or the confetti, and the continuum sources
    assert channels["model_flux"][0].to_value("Jy") == pytest.approx(120 * NOISE)


@pytest.mark.parametrize(("reach", "said"), [(10, True), (40, False)])
def test_a_model_outside_the_clean_mask_is_reported_as_where_a_mask_was_ignored(reach, said):
    """The source is 38 pixels from a small mask, and the largest usual scale is three beams."""
    products = Products()
    products.mask = np.zeros_like(products.model)
    products.mask[:, :reach, :reach] = 1
    write_cube("line", products)
    result = confetti_check(imagename="line")
    assert any("100% of the model is outside the clean mask line.mask" in text for text in result["warnings"]) == said


def check_with_channel_5(what):
    """Check a cube of emission in whose channel 5 the model or the sky has something else."""
    products = Products()
    products.model[:, 20:30, 10:20] = NOISE
    emission = products.model[5].copy()
    if what == "cleaned by a fifth":  # the rest is left in the residual
        products.model[5] *= 0.2
        products.residual[5] += convolve(0.8 * emission, products.psf[5])
    elif what == "not cleaned":
        products.model[5] = 0
        products.residual[5] += convolve(emission, products.psf[5])
    elif what == "between channels that diverged":  # with components of which the data know nothing
        for channel in (4, 6):
            invented = np.random.default_rng(channel).normal(0, 5 * NOISE, emission.shape).astype(np.float32)
            products.model[channel] += invented
            products.residual[channel] -= convolve(invented, products.psf[channel])
    elif what == "between masers":
        products.model[:] = 0
        products.model[[4, 6], 30, 30] = 100 * NOISE
    elif what == "alone":
        products.model[[0, 1, 2, 3, 4, 6]] = 0
    elif what == "a peak of noise":
        products.model[:] = 0
        products.model[5, 20, 20] = 5 * NOISE
    write_cube("line", products)
    return confetti_check(imagename="line")


@pytest.mark.parametrize("what", ["cleaned by a fifth", "not cleaned"])
def test_a_channel_whose_emission_drops_out_of_the_model_is_suspicious(what):
    result = check_with_channel_5(what)
    table = QTable.read(result["channeltable"])
    assert table["switched"].tolist() == ["no"] * 5 + ["off", "no"]
    assert (table["verdict"][5], result["verdict"]) == ("suspicious", "suspicious")
    assert any("switched off in channels 5" in warning for warning in result["warnings"])


def test_a_channel_between_two_that_diverged_is_not_called_switched_off():
    result = check_with_channel_5("between channels that diverged")
    assert QTable.read(result["channeltable"])["switched"][5] == "no"
    assert result["diverged"] == [4, 6]
    assert not [warning for warning in result["warnings"] if "switched" in warning]


def test_a_channel_that_alone_has_emission_is_switched_on_and_may_have_a_maser():
    result = check_with_channel_5("alone")
    table = QTable.read(result["channeltable"])
    assert table["switched"].tolist() == ["no"] * 5 + ["on", "no"]
    assert result["verdict"] == "clean"
    lines = describe_channels(QTable.read(result["table"]), table)
    assert any(line.startswith("Channels 5: the model is switched on") for line in lines)


@pytest.mark.parametrize("what", ["nothing else", "a peak of noise", "between masers"])
def test_smooth_emission_masers_and_components_of_noise_do_not_switch_a_channel_off(what):
    table = QTable.read(check_with_channel_5(what)["channeltable"])
    assert table["switched"][5] == "no"


def test_a_blank_channel_is_not_switched_off(products):
    image = products.image
    image[5] = products.residual[5] = products.model[5] = 0
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one")
    channels = QTable.read(confetti_check(imagename="line")["channeltable"])
    assert channels["verdict"][5] == "blank"
    assert set(channels["switched"].tolist()) == {"no"}


def test_the_pixel_clean_mask_leaves_alone_what_was_not_cleaned(products):
    products.mask = np.zeros_like(products.model)
    products.mask[3] = 1
    write_cube("line", products)
    cleanmask = read_image(confetti_check(imagename="line", cleanmask="pixel")["cleanmask"])
    assert not np.delete(cleanmask, 3, axis=0).any()


@pytest.mark.parametrize("name", ["old", "lock", "new"])
def test_products_may_have_any_name(products, name):
    write_cube("line", products)
    for _ in range(2):
        assert confetti_check(imagename="line", outfile=name, overwrite=True)["mask"] == name + ".mask"
