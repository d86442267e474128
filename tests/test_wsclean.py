"""Sets of WSClean, one file for each channel, are read as one cube."""

import glob
import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from casa_images import CELL_ARCSEC, read_image, write_cube
from checks import confetti_check, places
from skies import Products
from wsclean_images import FREQUENCY_HZ, GROWTH, WIDTH_HZ, write_wsclean

from confetti_task import confetti_plot, confetti_reclean
from confetti_task.private.images import headers, pieces
from confetti_task.private.images.locks import unchanged
from confetti_task.private.images.pixels import read_channels
from scripts.evaluation.run_wsclean_evaluation import RUNS, image, judge


def mask_of(result):
    """The mask [channel, y, x], whatever the order of its axes."""
    return fits.getdata(result["mask"] + ".fits").squeeze()


def edit(path, **cards):
    """Change cards of a header."""
    with fits.open(path, mode="update") as file:
        file[0].header.update(cards)


def test_channels_in_files_give_what_the_cube_of_casa_gives(products):
    write_wsclean("line", products)
    write_cube("casa", products, beams="per plane", growth=GROWTH)
    one, other = (confetti_check(imagename=name, fitsmask=True) for name in ("line", "casa"))
    assert one["chans"] == other["chans"] == "3"
    assert one["warnings"] == other["warnings"] == []
    np.testing.assert_array_equal(mask_of(one), mask_of(other))
    for kind in ("confetti", "candidate"):
        assert places(one, kind) == places(other, kind)
    sources, others = (QTable.read(result["table"]) for result in (one, other))
    np.testing.assert_allclose(sources["severity"], others["severity"], rtol=1e-4)


@pytest.mark.parametrize("named", ["myline-{:04d}", "myline-{:04d}-image.fits"])
def test_some_channels_of_a_run_are_a_cube_of_these_in_any_order(products, named):
    write_wsclean("myline", products)
    result = confetti_check(imagename=[named.format(channel) for channel in (5, 4, 3, 2)])
    table = QTable.read(result["channeltable"])
    np.testing.assert_allclose(table["frequency"].to_value("Hz"), FREQUENCY_HZ + np.arange(2, 6) * WIDTH_HZ, rtol=1e-12)
    assert result["chans"] == "1"  # channel 3 of the run


def test_a_run_with_a_gap_can_be_checked_on_either_side_of_it(products):
    write_wsclean("line", products)
    for path in glob.glob("line-0001-*.fits"):
        os.remove(path)
    with pytest.raises(ValueError, match="on one side of the gap as a list of names"):
        confetti_check(imagename="line")
    assert confetti_check(imagename=[f"line-{channel:04d}" for channel in range(2, 7)])["chans"] == "1"


def test_a_run_gets_one_set_of_products_for_all_channels(products):
    write_wsclean("line", products)
    result = confetti_check(imagename="line", fitsmask=True)
    assert result["mask"] == "line.confetti.mask"
    assert sorted(name for name in os.listdir(".") if "confetti" in name) == [
        "line.confetti.channels.ecsv",
        "line.confetti.cleanmask",
        "line.confetti.cleanmask.fits",
        "line.confetti.ecsv",
        "line.confetti.mask",
        "line.confetti.mask.fits",
    ]
    table = QTable.read(result["channeltable"])
    assert table["channel"].tolist() == list(range(7))
    np.testing.assert_allclose(table["frequency"].to_value("Hz"), FREQUENCY_HZ + np.arange(7) * WIDTH_HZ, rtol=1e-12)
    header = fits.getheader("line.confetti.mask.fits")
    assert [header[f"NAXIS{axis}"] for axis in range(1, 5)] == [64, 64, 7, 1]
    assert (header["CRVAL3"], header["CDELT3"]) == pytest.approx((FREQUENCY_HZ, WIDTH_HZ))


@pytest.mark.parametrize(
    "name", ["line-0003-image.fits", "line-0000-model.fits", "./line", "line-????-model.fits", "line-0003"]
)
def test_the_name_of_any_channel_means_the_run(products, name):
    write_wsclean("line", products)
    assert os.path.basename(confetti_check(imagename=name)["mask"]) == "line.confetti.mask"


def test_both_readers_give_the_same_pixels(products):
    write_wsclean("line", products)
    cube, through_casa = (pieces.open_pieces("line", reader) for reader in ("auto", "ia"))
    assert cube.mapped
    assert not through_casa.mapped
    for name in ("model", "image", "residual", "psf"):
        for window in ((0, 7, None, None), (1, 4, (5, 61), (63, 64)), (2, 3, (0, 1), None)):
            one, other = (read_channels(which, name, 0, *window) for which in (cube, through_casa))
            np.testing.assert_array_equal(one, other)
    first, *others = (confetti_check(imagename="line", outfile=reader, reader=reader) for reader in ("auto", "ia"))
    np.testing.assert_array_equal(read_image(first["mask"]), read_image(others[0]["mask"]))


def test_the_image_tool_opens_only_one_channel_of_many(products, monkeypatch):
    write_wsclean("line", Products(channels=40))
    opened, real = [], headers.wait_for_writers
    monkeypatch.setattr(headers, "wait_for_writers", lambda path: opened.append(path) or real(path))
    assert pieces.open_pieces("line").channels == 40
    assert {path[:9] for path in opened} == {"line-0000"}


@pytest.mark.parametrize("blank", [(0,), (5,), (0, 1, 6)])
def test_channels_without_data_are_blank(products, blank):
    write_wsclean("line", products, blank=blank)
    result = confetti_check(imagename="line")
    verdicts = QTable.read(result["channeltable"])["verdict"]
    assert {int(channel) for channel in np.flatnonzero(verdicts == "blank")} == set(blank)
    assert result["chans"] == "3"


def test_an_image_that_is_not_as_restored_is_restored_again(products):
    write_wsclean("line", products, blank=(1,))
    for channel in (0, *range(2, 7)):
        edit(f"line-{channel:04d}-image.fits", BMAJ=6.2 * CELL_ARCSEC / 3600, BMIN=6.2 * CELL_ARCSEC / 3600)
    result = confetti_check(imagename="line")
    assert "is not the model convolved with the restoring beam" in result["warnings"][0]
    assert result["chans"] == "3"


def test_a_channel_that_ran_away_is_not_taken_for_one_without_data(products):
    write_wsclean("line", products, blank=(5,))
    with fits.open("line-0005-model.fits", mode="update") as file:
        file[0].data[0, 0, 20:40] = 1e38
    with fits.open("line-0005-residual.fits", mode="update") as file:
        file[0].data[:] = np.nan
    assert confetti_check(imagename="line")["diverged"] == [5]


def test_a_polarization_is_named_and_takes_the_psf_of_all(products):
    write_wsclean("line", products, polarizations=("I", "V"))
    result = confetti_check(imagename="line-V")
    assert (result["mask"], result["chans"]) == ("line-V.confetti.mask", "3")
    assert QTable.read(result["table"])["stokes"][0] == "V"
    assert result["warnings"] == []
    assert confetti_check(imagename="line-0002-I-image.fits")["mask"] == "line-I.confetti.mask"
    with pytest.raises(ValueError, match="there is line-0000-I-model.fits: give the name of one of its images"):
        confetti_check(imagename="line")


@pytest.mark.parametrize("name", ["line*", "line-*", "line-*-V-model.fits", "*"])
def test_the_mean_of_all_channels_does_not_spoil_a_pattern(products, name):
    write_wsclean("line", products, polarizations=("V",))
    assert confetti_check(imagename=name)["mask"] == "line-V.confetti.mask"


def test_brackets_in_a_name_are_no_pattern(products):
    write_wsclean("li[n]e", products)
    assert confetti_check(imagename="li[n]e")["mask"] == "li[n]e.confetti.mask"


def test_an_interval_is_a_run_of_its_own(products):
    write_wsclean("line-t0001", products)
    assert confetti_check(imagename="line-t0001")["chans"] == "3"


def test_channels_beyond_ten_thousand_follow_in_order(products):
    write_wsclean("line", products, start=9996)
    cube = pieces.open_pieces("line")
    assert [file.root for file in cube.files][3:5] == ["line-9999", "line-10000"]
    assert confetti_check(imagename="line-10001-psf.fits")["chans"] == "3"


def test_a_channel_that_changes_during_the_check_is_named(products):
    write_wsclean("line", products)
    cube, message = pieces.open_pieces("line"), "line-0004-model.fits changed during the check"
    with pytest.raises(ValueError, match=message), unchanged(cube):
        os.utime("line-0004-model.fits", (0, 0))


def test_two_runs_in_adjoining_channels_are_one_spectrum(products):
    write_wsclean("line", products)
    for name in ("model", "image", "residual", "psf"):
        for channel in range(3, 7):
            os.rename(f"line-{channel:04d}-{name}.fits", f"upper-{channel - 3:04d}-{name}.fits")
    cube = pieces.open_pieces(["upper", "line"])
    assert [piece.root for piece in cube.pieces] == ["line", "upper"]
    assert len(cube.stored) == cube.channels == 7
    result = confetti_check(imagename=["line", "upper"])
    assert result["mask"] == ["line.confetti.mask", "upper.confetti.mask"]
    assert result["chans"] == "3"
    assert QTable.read(result["table"][1])["channel"][0] == 0


def test_without_psf_the_coverage_is_taken_from_the_residual(products):
    write_wsclean("line", products, skip=["psf"])
    assert "line-0000-psf.fits not found" in confetti_check(imagename="line")["warnings"][0]


@pytest.mark.parametrize("name", ["line-MFS", "line-MFS-image.fits"])
def test_a_continuum_image_has_nothing_to_compare_with(products, name):
    write_wsclean("line", products)
    result = confetti_check(imagename=name)
    assert result["verdict"] == "not applicable"
    assert "the image has one channel" in result["warnings"][0]


def test_images_of_tclean_with_the_same_name_come_first(products):
    write_wsclean("line", Products(channels=3))
    write_cube("line", products)
    assert pieces.open_pieces("line").channels == 7


def test_the_page_and_a_plot_are_drawn(products):
    write_wsclean("line", products)
    result = confetti_check(imagename="line", report=True)
    with open(result["report"], encoding="utf-8") as file:
        page = file.read()
    assert "Image these channels again with WSClean" in page
    assert "confetti_reclean(imagename" in page
    assert os.path.exists("line.confetti.crtf")
    assert confetti_plot("line", source=0).axes


def test_cleaning_again_with_tclean_is_refused_with_what_to_do(products):
    write_wsclean("line", products)
    confetti_check(imagename="line")
    with pytest.raises(ValueError, match="Image these channels again with WSClean"):
        confetti_reclean(imagename="line", method="subcubes")


# Runs that are no cube


def spoil(how):
    """Make the files no cube of equally spaced channels; returns what the error says."""
    if how == "missing product":
        os.remove("line-0004-residual.fits")
        return "line-0004-residual.fits not found; every channel needs model, image, residual, psf"
    if how == "gap":
        for name in ("model", "image", "residual", "psf"):
            os.remove(f"line-0004-{name}.fits")
        return r"line-0005-model.fits should be 4 channels after line-0000-model.fits \(got 5.00\)"
    if how == "truncated":
        os.truncate("line-0004-image.fits", 8000)
        return "line-0004-image.fits is damaged"
    if how == "other size":
        with fits.open("line-0004-image.fits") as file:
            fits.PrimaryHDU(file[0].data[..., :60], file[0].header).writeto("line-0004-image.fits", overwrite=True)
        return "line-0004-image.fits and line-0000-image.fits should have the same NAXIS1"
    cards = {
        "wider": ({"CDELT3": 2 * WIDTH_HZ}, "should have the same channel width"),
        "other place": ({"CRVAL2": -21.63}, "should have the same CRVAL2"),
        "other frequency": ({"CRVAL3": 1.5e9}, "line-0004-image.fits and line-0004-model.fits .* same frequency"),
        "other unit": ({"BUNIT": "JY/PIXEL"}, "should have the same BUNIT"),
    }
    edit("line-0004-image.fits", **cards[how][0])
    return cards[how][1]


@pytest.mark.parametrize(
    "how",
    ["missing product", "gap", "truncated", "other size", "wider", "other place", "other frequency", "other unit"],
)
def test_channels_that_are_no_cube_are_refused_by_name(products, how):
    write_wsclean("line", products)
    message = spoil(how)
    before = sorted(os.listdir("."))
    with pytest.raises(ValueError, match=message):
        confetti_check(imagename="line")
    assert sorted(os.listdir(".")) == before


# The real one


@pytest.mark.tclean
@pytest.mark.long
@pytest.mark.skipif(shutil.which("wsclean") is None, reason="wsclean is not installed")
def test_the_confetti_of_a_careless_wsclean_is_found_and_a_careful_one_has_none(observation):
    runs = {"careful": RUNS["careful: gain 0.1, mgain 0.7"], "careless": RUNS["careless: gain 0.4, mgain 0.99"]}
    for name, parameters in runs.items():
        image(name, parameters, observation.vis)
    careful, careless = (judge(name, "careful") for name in runs)
    assert careful.result["nsources"] == 0
    assert careful.result["warnings"] == []
    assert careless.result["verdict"] == "confetti"
    assert careless.result["nsources"] > 20
    assert careless.right / careless.result["nsources"] > 0.8
