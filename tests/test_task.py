"""confetti_check on CASA images of small skies: what is found, what is written, what is refused."""

import os
import shutil

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import checksum, read_image, write_cube, write_image
from checks import confetti_check
from skies import BEAM, NOISE, SIZE, Products, convolve, gaussian

from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.headers import read_beam, read_beams

HOT = (3, 30, 26)  # channel, y, x of the confetti


@pytest.fixture
def products():
    """A maser in one channel, a continuum source in all, and confetti."""
    products = Products()
    products.add_point(2, 45, 15, 30 * NOISE)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_confetti(*HOT, 20 * NOISE)
    return products


def places(result, kind):
    table = QTable.read(result["table"])
    return {tuple(row) for row in table[table["class"] == kind]["channel", "y", "x"]}


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
    assert result["verdict"] == "clean"


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


@pytest.mark.parametrize(("trouble", "verdict"), [("lonely", "clean"), ("masked", "not applicable")])
def test_what_could_not_be_checked_is_said(products, trouble, verdict):
    image = products.image
    if trouble == "lonely":
        image[[2, 4]] = 0
    masked = np.zeros(image.shape, dtype=bool) if trouble == "masked" else None
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one", masked=masked)
    result = confetti_check(imagename="line")
    assert result["verdict"] == verdict
    said = {"lonely": "channels 3 could not", "masked": "masked, blank or zero"}
    assert said[trouble] in result["warnings"][0]


def test_a_background_of_continuum_changes_nothing(products):
    write_cube("line", products, skip=["image"])
    write_image("line.image", products.image + 10 * NOISE, unit="Jy/beam", beams="one")
    assert places(confetti_check(imagename="line"), "confetti") == {HOT}


def test_a_blank_psf_is_said(products):
    products.psf[:] = 0
    write_cube("line", products)
    assert "candidates in channels 2~3 could not be tested" in confetti_check(imagename="line")["warnings"][0]


WIDER = 1.3 * BEAM


def smoothed(image):
    """As imsmooth would, in Jy/beam of the wider beam."""
    kernel = gaussian(np.sqrt(WIDER**2 - BEAM**2))
    return (WIDER / BEAM) ** 2 / kernel.sum() * np.stack([convolve(plane, kernel) for plane in image])


CHANGED = {
    "smoothed": (smoothed, WIDER),
    "primary beam": (lambda image: image / gaussian(1.5 * SIZE), BEAM),
}


@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("order", ["xysf", "yxsf"])
def test_of_an_image_that_was_changed_after_tclean_the_model_is_restored_again(products, change, order):
    change, beam = CHANGED[change]
    write_cube("right", products, order=order)
    right = QTable.read(confetti_check(imagename="right")["table"])
    write_cube("line", products, order=order, skip=["image"])
    write_image("line.image", change(products.image), order, "Jy/beam", beams="one", beam=beam)
    result = confetti_check(imagename="line")
    assert [text for text in result["warnings"] if "convolved with the beam of line.psf" in text] == result["warnings"]
    table = QTable.read(result["table"])
    assert places(result, "confetti") == {HOT}
    assert list(table["class", "channel", "y", "x"]) == list(right["class", "channel", "y", "x"])
    for name in ("noise", "spike", "unsupported"):
        # The continuum source of 100 sigma is restored to 3e-4 of it.
        np.testing.assert_allclose(table[name].value, right[name].value, rtol=1e-3, atol=0.03)


@pytest.mark.parametrize("shape", [(24, 560), (560, 25), (521, 530)])
@pytest.mark.parametrize("changed", [False, True])
def test_images_of_any_shape_are_compared_with_the_restored_model(shape, changed):
    random = np.random.default_rng(1)
    model = np.zeros((3, *shape), dtype=np.float32)
    model[:, 3, 5] = 50 * NOISE
    model[:, shape[0] // 2, shape[1] // 3] = 20 * NOISE
    model[1, random.integers(0, shape[0], 40), random.integers(0, shape[1], 40)] = 5 * NOISE
    y, x = (np.arange(length) - length // 2 for length in shape)
    beam = np.exp(-4 * np.log(2) * np.add.outer(y**2, x**2) / BEAM**2)
    residual = NOISE * random.normal(size=model.shape)
    image = residual + np.stack([convolve(plane, beam) for plane in model])
    write_image("line.model", model)
    write_image("line.image", 1.01 * image if changed else image, unit="Jy/beam", beams="one")
    write_image("line.residual", residual)
    warnings = confetti_check(imagename="line")["warnings"]
    assert [text for text in warnings if "is not the model convolved" in text] == (warnings[:1] if changed else [])


def test_every_channel_is_restored_with_its_own_beam():
    """Of more than ten channels, in whose names CASA sorts 10 before 2."""
    products = Products(channels=13)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_point(2, 45, 15, 30 * NOISE)
    products.add_confetti(6, 30, 26, 20 * NOISE)
    beams = [gaussian(BEAM + 0.1 * channel) for channel in range(13)]
    image = products.residual + np.stack([convolve(*planes) for planes in zip(products.model, beams)])
    for root, pixels in (("right", image), ("changed", image / gaussian(1.5 * SIZE))):
        write_cube(root, products, skip=["image"], beams="per plane", growth=0.1)
        write_image(f"{root}.image", pixels, unit="Jy/beam", beams="per plane", growth=0.1)
    right, result = (confetti_check(imagename=root) for root in ("right", "changed"))
    assert [len(one["warnings"]) for one in (right, result)] == [0, 1]
    for kind in ("table", "channeltable"):
        tables = [QTable.read(one[kind]) for one in (right, result)]
        assert len(tables[0]) == len(tables[1])
        for name in {"noise", "unsupported", "spike"} & set(tables[0].colnames):
            # tclean lets what reaches over an edge come in at the other.
            np.testing.assert_allclose(tables[0][name].value, tables[1][name].value, rtol=1e-2, atol=1e-2)
    cube = open_cube("right")
    assert list(read_beams(cube, "psf")[0]) == [read_beam(cube, 0, channel) for channel in range(13)]


def test_without_a_psf_the_model_of_a_corrected_image_is_restored_with_the_beam_of_the_image(products):
    products.add_compensated(5, 20, 40, 100 * NOISE)
    write_cube("line", products, skip=["image", "psf"])
    write_image("line.image", products.image / gaussian(1.5 * SIZE), unit="Jy/beam", beams="per plane", growth=0)
    result = confetti_check(imagename="line")
    assert "convolved with the beam of line.image" in result["warnings"][0]
    assert places(result, "confetti") == {(5, 20, 40)}


def test_an_image_of_another_run_is_said(products):
    write_cube("line", products, skip=["residual"])
    write_image("line.residual", 1.5 * products.residual)
    assert "of different runs?" in confetti_check(imagename="line")["warnings"][0]


@pytest.mark.parametrize("order", ["xysf", "yxsf", "xyf"])
@pytest.mark.parametrize("beams", ["one", "per plane"])
def test_images_that_belong_together_give_no_warning(products, order, beams):
    write_cube("line", products, order=order, skip=["image"])
    write_image("line.image", products.image, order, "Jy/beam", beams=beams, growth=0)
    assert confetti_check(imagename="line")["warnings"] == []


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


def test_the_table_has_units_and_sky_positions(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    row = QTable.read(result["table"])[0]
    assert row["class"] == "confetti"
    assert row["frequency"].to_value("GHz") == pytest.approx(93.17 + 3 * 71.5e-6, abs=1e-9)
    assert row["velocity"].to_value("km/s") == pytest.approx(
        299792.458 * (1 - row["frequency"].value / 93.1734), abs=1e-3
    )
    assert row["dec"].to_value("deg") == pytest.approx(-21.62 - 2 * 0.5 / 3600, abs=1e-6)
    assert row["ra"].to_value("deg") == pytest.approx(271.58 + 6 * 0.5 / 3600 / np.cos(np.deg2rad(21.62)), abs=1e-6)
    assert row["contrast"].to_value("Jy") == pytest.approx(20 * NOISE, rel=0.1)
    assert result["severity"] == pytest.approx(abs(row["unsupported"]))


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


def test_masks_are_float32_and_tell_how_they_were_made(products):
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


def test_a_casa_newer_than_any_tested_is_said_and_works(products, monkeypatch, capfd):
    import casatools

    write_cube("line", products)
    confetti_check(imagename="line")
    assert "was tested with" not in capfd.readouterr().err
    monkeypatch.setattr(casatools, "version", lambda: [6, 10, 0, 1])
    assert confetti_check(imagename="line", overwrite=True)["channels"] == [3]
    assert "this is 6.10.0.1" in capfd.readouterr().err


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


@pytest.mark.parametrize("name", ["line", "line.image", "line.model/", "./line.residual"])
def test_the_name_of_any_image_will_do(products, name):
    write_cube("line", products)
    assert confetti_check(imagename=name)["mask"].endswith("line.confetti.mask")


@pytest.mark.parametrize("product", ["model", "image", "residual"])
def test_a_missing_image_is_named(products, product):
    write_cube("line", products, skip=[product])
    with pytest.raises(ValueError, match=f"line.{product} not found; give the root name"):
        confetti_check(imagename="line")
    assert not any("confetti" in name for name in os.listdir("."))


def test_images_of_different_shape_are_refused_with_both_shapes(products):
    write_cube("line", products, skip=["residual"])
    write_image("line.residual", products.residual[:5])
    with pytest.raises(ValueError, match=r"line.residual and line.model .* \(64, 64, 1, 5\) and \(64, 64, 1, 7\)"):
        confetti_check(imagename="line")


def test_images_on_different_grids_are_refused(products):
    write_cube("line", products)
    from casatools import image

    tool = image()
    tool.open("line.image")
    system = tool.coordsys()
    system.setreferencevalue(list(system.referencevalue()["numeric"] * [1, 1, 1, 1.001]))
    tool.setcoordsys(system.torecord())
    tool.done()
    with pytest.raises(ValueError, match="line.image and line.model should be on the same grid"):
        confetti_check(imagename="line")


def test_an_image_without_beam_is_refused(products):
    write_cube("line", products, beams="none")
    with pytest.raises(ValueError, match="line.image has no restoring beam"):
        confetti_check(imagename="line")


def test_an_image_that_is_a_text_file_is_refused(products):
    write_cube("line", products, skip=["residual"])
    with open("line.residual", "w") as text:
        text.write("no image")
    with pytest.raises(ValueError, match="line.residual cannot be read as an image"):
        confetti_check(imagename="line")


def test_an_existing_product_is_kept_unless_overwriting(products):
    write_cube("line", products)
    confetti_check(imagename="line")
    before = checksum("line.confetti.mask")
    with pytest.raises(ValueError, match="line.confetti.channels.ecsv exists already; set overwrite=True"):
        confetti_check(imagename="line")
    assert checksum("line.confetti.mask") == before
    assert confetti_check(imagename="line", overwrite=True)["verdict"] == "confetti"


def test_overwriting_leaves_no_clean_mask_of_an_earlier_verdict(products):
    write_cube("line", products)
    confetti_check(imagename="line")
    confetti_check(imagename="line", chans="0~1", overwrite=True)
    assert not os.path.exists("line.confetti.cleanmask")


@pytest.mark.parametrize("outfile", ["line", "./line", "other"])
def test_products_never_replace_images_of_tclean(products, outfile):
    products.mask = np.ones_like(products.model)
    write_cube("line", products)
    write_cube("other", products)
    before = checksum("line.mask", "other.mask")
    with pytest.raises(ValueError, match="there are images of tclean of that name"):
        confetti_check(imagename="line", outfile=outfile, overwrite=True)
    assert checksum("line.mask", "other.mask") == before


def test_a_dirty_image_of_tclean_is_no_product(products):
    write_cube("line", products)
    write_cube("dirty", products, skip=["model", "image"])
    with pytest.raises(ValueError, match="there are images of tclean of that name"):
        confetti_check(imagename="line", outfile="dirty", overwrite=True)


def test_a_folder_is_no_root_name(products):
    write_cube("line", products)
    os.mkdir("results")
    with pytest.raises(ValueError, match="'results/' is a folder"):
        confetti_check(imagename="line", outfile="results/")


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


def test_a_folder_that_is_not_there_is_named(products):
    write_cube("line", products)
    with pytest.raises(ValueError, match="cannot write in .*nowhere"):
        confetti_check(imagename="line", outfile="nowhere/line")


@pytest.mark.parametrize("wrong", [{"imagename": 3}, {"cleanmask": "all"}, {"nsigma": "many"}, {"overwrite": "yes"}])
def test_wrong_types_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        confetti_check(**{"imagename": "line", **wrong})


def test_a_failure_while_writing_leaves_no_half_product(products, monkeypatch):
    write_cube("line", products)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("confetti_task.private.products.channels_to_clean", fail)
    with pytest.raises(OSError, match="disk full"):
        confetti_check(imagename="line")
    assert not any("confetti" in name for name in os.listdir("."))


MASER_LIKE = [271.58 + 6 * 0.5 / 3600 / np.cos(np.deg2rad(21.62)), -21.62 - 2 * 0.5 / 3600]


@pytest.mark.parametrize("form", ["degrees", "text", "array", "ecsv", "csv", "fits", "text in fits", "radian"])
def test_a_known_source_is_never_masked(products, form):
    write_cube("line", products)
    position = SkyCoord(*MASER_LIKE, unit="deg", frame="fk5").icrs
    known = [[position.ra.deg, position.dec.deg], [10.0, 20.0]]
    if form == "text":
        known = [[position.ra.to_string("hour", sep=":"), position.dec.to_string(sep=":")]]
    elif form == "array":
        known = np.array(known)
    elif form == "text in fits":
        known = "masers.fits"
        text = [position.ra.to_string("hour", sep=":")], [position.dec.to_string("deg", sep=":")]
        QTable(dict(zip(("ra", "dec"), text))).write(known)
    elif form == "radian":
        known = "masers.ecsv"
        QTable({"ra": [position.ra.rad] * units.rad, "dec": [position.dec.rad] * units.rad}).write(known)
    elif form in ("ecsv", "csv", "fits"):
        table = QTable({"RA": [position.ra.deg] * units.deg, "DEC": [position.dec.deg] * units.deg, "flux": [1.0]})
        known = f"masers.{form}"
        table.write(known, format={"ecsv": "ascii.ecsv", "csv": "ascii.csv"}.get(form))
    result = confetti_check(imagename="line", known=known)
    assert result["verdict"] == "clean"
    assert places(result, "known") == {HOT}


def test_known_sources_elsewhere_protect_nothing_not_even_on_the_opposite_side_of_the_sky(products):
    write_cube("line", products)
    elsewhere = [[MASER_LIKE[0], MASER_LIKE[1] + 0.002], [MASER_LIKE[0] - 180, -MASER_LIKE[1]]]
    assert confetti_check(imagename="line", known=elsewhere)["channels"] == [3]


@pytest.mark.parametrize("known", ["nowhere.txt", [[1, 2, 3]], [["here", "there"]], 5])
def test_known_sources_that_cannot_be_read_are_refused(products, known):
    write_cube("line", products)
    with pytest.raises(ValueError, match="known=.* cannot be read as positions"):
        confetti_check(imagename="line", known=known)


def test_a_table_without_positions_is_refused_with_its_columns(products):
    write_cube("line", products)
    QTable({"l": [1.0], "b": [2.0]}).write("masers.ecsv")
    with pytest.raises(ValueError, match="its columns are l, b"):
        confetti_check(imagename="line", known="masers.ecsv")


def test_the_table_of_channels_tells_the_bad_one_and_what_it_adds(products):
    write_cube("line", products)
    result = confetti_check(imagename="line")
    channels = QTable.read(result["channeltable"])
    assert channels["verdict"].tolist() == ["good"] * 3 + ["bad"] + ["good"] * 3
    bad, fake = channels[3], QTable.read(result["table"])[0]
    assert bad["severity"] == result["severity"] == result["severities"][0] == abs(fake["unsupported"])
    assert bad["flux"] == fake["flux"]
    assert fake["flux"].to_value("Jy") == pytest.approx(fake["severity"] * fake["noise"].value, rel=1e-5)
    assert channels["noise"].to_value("Jy/beam") == pytest.approx(np.full(7, NOISE), rel=0.2)
    assert channels["positive"].tolist()[2:4] == [3, 3]  # the maser or the confetti, and the continuum sources
    assert channels["model_flux"][0].to_value("Jy") == pytest.approx(120 * NOISE)


def test_a_channel_whose_model_is_switched_off_is_told(products):
    products.model[5] = 0
    write_cube("line", products)
    assert QTable.read(confetti_check(imagename="line")["channeltable"])["switched"].tolist() == [False] * 5 + [
        True,
        False,
    ]


def test_a_blank_channel_is_not_switched_off(products):
    image = products.image
    image[5] = products.residual[5] = products.model[5] = 0
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one")
    channels = QTable.read(confetti_check(imagename="line")["channeltable"])
    assert channels["verdict"][5] == "blank"
    assert not channels["switched"].any()


def test_the_pixel_clean_mask_leaves_alone_what_was_not_cleaned(products):
    products.mask = np.zeros_like(products.model)
    products.mask[3] = 1
    write_cube("line", products)
    cleanmask = read_image(confetti_check(imagename="line", cleanmask="pixel")["cleanmask"])
    assert not np.delete(cleanmask, 3, axis=0).any()


def test_a_last_channel_full_of_confetti_is_bad():
    products = Products(channels=12)
    for y in range(6, 60, 9):
        for x in range(6, 60, 9):
            products.add_confetti(11, y, x, 15 * NOISE)
    write_cube("line", products)
    assert confetti_check(imagename="line")["channels"] == [11]


def test_a_hot_pixel_whose_surroundings_are_masked_stays_a_candidate_and_that_is_said(products):
    masked = np.ones(products.model.shape, dtype=bool)
    masked[3] = False
    masked[3][HOT[1:]] = masked[3, :20, :20] = True
    write_cube("line", products, masked=masked)
    result = confetti_check(imagename="line")
    assert HOT in places(result, "candidate")
    assert "could not be tested" in result["warnings"][0]
