"""confetti_reclean without visibilities: channels are deconvolved again from their own images."""

import os
import shutil
from functools import partial

import numpy as np
import pytest
from casa_images import CELL_ARCSEC, checksum, copy_here, read_image, working_in, write_cube
from checks import confetti_check as check_with_deconvolution
from skies import BEAM, NOISE, Products
from wsclean_images import write_wsclean

from confetti_task import confetti_reclean, finish_reclean
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.headers import opened
from confetti_task.private.images.history import record_of
from confetti_task.private.images.pieces import open_pieces
from confetti_task.private.images.pixels import read_channel
from confetti_task.private.reclean import without_data
from confetti_task.private.reclean.remedy import within_budget

# The confetti here is found without.
confetti_check = partial(check_with_deconvolution, deconvolve="none")

CHANNELS, BAD, MASER = 7, 3, 30 * NOISE
PRODUCTS = ("model", "image", "residual", "psf", "mask", "pb")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A folder with a checked cube of tclean's without a history: a maser next to confetti, and a continuum source."""
    products = Products(channels=CHANNELS)
    products.add_point(BAD, 45, 15, MASER)
    products.add_confetti(BAD, 30, 26, 20 * NOISE)
    products.mask = np.ones_like(products.model)
    with working_in(tmp_path_factory.mktemp("checked")) as folder:
        write_cube("line", products)
        write_wsclean("channels", products)
        shutil.copytree("line.mask", "line.pb")
        shutil.copytree("line.image", "line.image.pbcor")
        with opened("line.pb") as tool:
            tool.putchunk(0 * tool.getchunk() + 0.5)
        assert confetti_check(imagename="line", deconvolve="none")["channels"] == [BAD]
    return folder


@pytest.fixture
def cube(checked):
    """The checked cube, which is here, and which nothing may change."""
    copy_here(checked)
    names = sorted(name for name in os.listdir() if name.startswith(("line", "channels")))
    before = checksum(*names)
    yield
    assert checksum(*names) == before


def assert_mended(result, old):
    """Fail unless the fake source alone has gone, and all other channels are as they were, bit by bit."""
    assert result["method"] == "image"
    assert result["channels"] == [BAD]
    assert result["after"]["verdict"] == "clean"
    assert result["proof"]["proved"] == 1
    new = open_cube(result["imagename"])
    for product in old.products:
        for channel in range(CHANNELS):
            was, now = (read_channel(each, product, 0, channel) for each in (old, new))
            if channel != BAD or product in ("psf", "mask"):
                np.testing.assert_array_equal(now, was)
    image = read_channel(new, "image", 0, BAD)
    assert abs(image[30, 26]) < 4 * NOISE
    assert image[45, 15] == pytest.approx(read_channel(old, "image", 0, BAD)[45, 15], abs=NOISE)


@pytest.mark.usefixtures("cube")
def test_where_tclean_cannot_run_the_default_deconvolves_and_says_why():
    result = confetti_reclean(imagename="line")
    assert "without visibilities, because" in result["warnings"][0]
    assert "have no tclean run in their history" in result["warnings"][0]
    assert_mended(result, open_cube("line"))
    primary_beam, image = read_image("line_reclean.image.pbcor"), read_image("line_reclean.image")
    np.testing.assert_allclose(primary_beam[BAD], image[BAD] / 0.5, rtol=1e-6)
    assert not os.path.exists("line_reclean.work")


@pytest.mark.parametrize(("deconvolver", "said"), [("hogbom", True), ("multiscale", False)])
def test_what_points_leave_wrong_in_extended_emission_is_reported(checked, deconvolver, said):
    copy_here(checked)
    with opened("line.image") as tool:
        parameters = {"imagename": "line", "niter": 1000, "deconvolver": deconvolver, "scales": [0, 6]}
        tool.sethistory(origin="tclean", history=record_of("tclean", parameters))
    warnings = confetti_reclean(imagename="line", method="image")["warnings"]
    assert any("deconvolved again with points" in text for text in warnings) == said


@pytest.mark.long
@pytest.mark.usefixtures("cube")
def test_fits_files_are_mended_into_casa_images():
    from casatasks import exportfits

    for name in PRODUCTS:
        exportfits(imagename=f"line.{name}", fitsimage=f"set.{name}.fits")
    confetti_check(imagename="set")
    result = confetti_reclean(imagename="set")
    assert "the images are FITS files" in result["warnings"][0]
    assert_mended(result, open_cube("set"))
    assert os.path.isdir("set_reclean.pb")


@pytest.mark.usefixtures("cube")
def test_the_channels_of_wsclean_are_mended_into_casa_images():
    confetti_check(imagename="channels")
    result = confetti_reclean(imagename="channels", method="image")
    assert_mended(result, open_pieces("channels"))
    with opened("channels_reclean.image") as tool:
        assert tool.restoringbeam(channel=0, polarization=0)["major"]["value"] == pytest.approx(BEAM * CELL_ARCSEC)


@pytest.mark.usefixtures("cube")
def test_a_dry_run_writes_nothing():
    before = sorted(os.listdir())
    result = confetti_reclean(imagename="line", dryrun=True)
    assert (result["method"], result["chans"], result["script"]) == ("image", str(BAD), "")
    assert sorted(os.listdir()) == before


@pytest.mark.usefixtures("cube")
def test_whoever_asks_for_tclean_gets_its_errors():
    with pytest.raises(ValueError, match="have no tclean run"):
        confetti_reclean(imagename="line", vis="elsewhere.ms")
    with pytest.raises(ValueError, match="elsewhere.ms not found"):
        confetti_reclean(imagename="line", vis="elsewhere.ms", parameters={"imsize": 64})
    with pytest.raises(ValueError, match="have no tclean run"):
        confetti_reclean(imagename="line", method="cube")


@pytest.mark.usefixtures("cube")
def test_without_a_psf_there_is_no_way():
    os.rename("line.psf", "elsewhere.psf")
    with pytest.raises(ValueError, match="that needs .psf"):
        confetti_reclean(imagename="line", method="image")
    with pytest.raises(ValueError, match="have no tclean run"):
        confetti_reclean(imagename="line")
    os.rename("elsewhere.psf", "line.psf")


@pytest.mark.usefixtures("cube")
def test_an_image_that_was_corrected_for_the_primary_beam_is_refused():
    for name in ("model", "residual", "psf"):
        shutil.copytree(f"line.{name}", f"corrected.{name}")
    shutil.copytree("line.image", "corrected.image")
    with opened("corrected.image") as tool:
        tool.putchunk(2 * tool.getchunk())
    confetti_check(imagename="corrected")
    with pytest.raises(ValueError, match="corrected.image is not the model restored with its beam"):
        confetti_reclean(imagename="corrected", method="image", chans=str(BAD))


@pytest.mark.usefixtures("cube")
def test_what_was_stopped_goes_on_without_deconvolving_again(monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("confetti_task.private.reclean.new_images.publish", fail)
        with pytest.raises(OSError, match="disk full"):
            confetti_reclean(imagename="line", method="image")
    assert not os.path.exists("line_reclean.image")
    monkeypatch.setattr(without_data, "deconvolve_channel", None)
    assert_mended(finish_reclean("line_reclean"), open_cube("line"))
    assert not os.path.exists("line_reclean.work")


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize(("state", "fate"), [("converged", "condemned"), ("stopped", "undecided")])
def test_a_suspicious_channel_gets_new_planes_only_if_its_deconvolution_converged(state, fate, monkeypatch):
    original = without_data.deconvolve_channel

    def with_state(*arguments):
        before, after, kernel = original(*arguments)
        return before, after._replace(state=state), kernel

    monkeypatch.setattr(without_data, "deconvolve_channel", with_state)
    monkeypatch.setattr("confetti_task.private.task_confetti_reclean.bad_channels", lambda channels: [])
    for module in ("task_confetti_reclean", "reclean.result", "check.tables"):
        monkeypatch.setattr(f"confetti_task.private.{module}.suspicious_channels", lambda channels: [BAD])
    result = confetti_reclean(imagename="line", method="image")
    assert result["proof"][fate] == [BAD]
    assert (result["imagename"] == os.path.abspath("line")) == (fate == "undecided")


def test_suspicious_channels_cost_what_is_deconvolved_alone():
    bad, suspects = [0, 1], list(range(10, 100))
    assert len(within_budget(bad, suspects, 100, "image", 0.5)) == 48
    assert len(within_budget(bad, suspects, 100, "image", 0.0)) == 10
