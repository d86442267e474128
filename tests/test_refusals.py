"""What confetti_check refuses, by name, before anything is written."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import checksum, write_cube, write_image
from checks import confetti_check

from confetti_task import confetti_plot


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
    with pytest.raises(ValueError, match="line.residual cannot be read as a CASA image"):
        confetti_check(imagename="line")


def test_an_existing_product_is_kept_unless_overwriting(products):
    write_cube("line", products)
    confetti_check(imagename="line")
    before = checksum("line.confetti.mask")
    with pytest.raises(ValueError, match="line.confetti.channels.ecsv exists already; set overwrite=True"):
        confetti_check(imagename="line")
    assert checksum("line.confetti.mask") == before
    assert confetti_check(imagename="line", overwrite=True)["verdict"] == "confetti"


@pytest.mark.parametrize("outfile", ["line", "./line", "other"])
def test_products_never_replace_images_of_tclean(products, outfile):
    products.mask = np.ones_like(products.model)
    write_cube("line", products)
    write_cube("other", products)
    before = checksum("line.mask", "other.mask")
    with pytest.raises(ValueError, match="images made by tclean have that name"):
        confetti_check(imagename="line", outfile=outfile, overwrite=True)
    assert checksum("line.mask", "other.mask") == before


def test_a_dirty_image_of_tclean_is_no_product(products):
    write_cube("line", products)
    write_cube("dirty", products, skip=["model", "image"])
    with pytest.raises(ValueError, match="images made by tclean have that name"):
        confetti_check(imagename="line", outfile="dirty", overwrite=True)


def test_a_folder_is_no_root_name(products):
    write_cube("line", products)
    os.mkdir("results")
    with pytest.raises(ValueError, match="'results/' is a folder"):
        confetti_check(imagename="line", outfile="results/")


def test_a_folder_that_is_not_there_is_named(products):
    write_cube("line", products)
    with pytest.raises(ValueError, match="cannot write in .*nowhere"):
        confetti_check(imagename="line", outfile="nowhere/line")


def test_names_may_be_paths_of_pathlib(products):
    write_cube("line", products)
    Path("masers.csv").write_text("ra,dec\n10,20\n")
    result = confetti_check(imagename=Path("line"), outfile=Path("out"), known=Path("masers.csv"))
    assert (result["verdict"], result["mask"]) == ("confetti", "out.mask")
    assert confetti_check(imagename=[Path("line")])["mask"] == "line.confetti.mask"
    assert confetti_plot(Path("line"), source=0, outfile=Path("out"))


@pytest.mark.parametrize(("chans", "bad"), [(3, [3]), ([3, 4], [3]), (0, [])])
def test_channels_may_be_given_as_numbers(products, chans, bad):
    write_cube("line", products)
    result = confetti_check(imagename="line", chans=chans)
    assert result["channels"] == bad
    assert len(QTable.read(result["channeltable"])) == np.size(chans)


@pytest.mark.parametrize("wrong", [{"imagename": 3}, {"cleanmask": "all"}, {"nsigma": "many"}, {"overwrite": "yes"}])
def test_wrong_types_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        confetti_check(**{"imagename": "line", **wrong})


@pytest.mark.parametrize("name", ["nsigma", "unsupported"])
@pytest.mark.parametrize("value", [np.inf, 1e9, 101, 0, np.nan])
def test_thresholds_with_which_nothing_could_be_found_are_refused_by_name(products, name, value):
    write_cube("line", products)
    with pytest.raises(ValueError, match=f"{name} should be positive and at most 100 sigma"):
        confetti_check(imagename="line", **{name: value})


@pytest.mark.parametrize("name", ["nsigma", "unsupported"])
def test_with_high_thresholds_the_check_is_nearly_blind_and_says_so(products, name):
    write_cube("line", products)
    result = confetti_check(imagename="line", **{name: 50})
    assert result["limit"] >= 50
    assert any("nearly blind" in warning for warning in result["warnings"])
