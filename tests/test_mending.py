"""What is found in cubes by the real tclean, and how they are mended, with the true sky known."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from alma_imf import image_line
from astropy.io import fits
from astropy.table import QTable
from casa_images import checksum, copy_here, read_image
from checks import confetti_check

from confetti_task import confetti_reclean
from confetti_task.private.images.headers import opened
from confetti_task.private.reclean.verify import OtherDataError
from scripts.simulate.simulation import CARELESS, IMAGE_NOISE_JY, clean, read_images, settings, true_images
from scripts.simulate.truth import FAKE_SIGMA, compare, fake_sources, judge, largest_error, only_in

pytestmark = pytest.mark.tclean

SET = ("model", "residual", "image", "psf", "pb", "mask", "sumwt")
CHANNELS = 24


@pytest.fixture(scope="session")
def cubes(observation, made_once):
    """A folder with the cubes 'careless' and 'careful', which is cleaned from scratch as the last careless pass was."""

    def make():
        clean(observation.vis, "careless", CARELESS, settings(observation.size))
        clean(observation.vis, "careful", CARELESS[1:], settings(observation.size))
        return Path.cwd()

    return made_once("cubes", make)


@pytest.fixture(scope="session")
def truth(observation, made_once):
    """What images of the observation should show."""
    return made_once("truth", lambda: true_images(observation.vis, "noise", observation.sky))


@pytest.fixture(scope="session")
def check_of_careless(cubes, made_once):
    """A folder with what the check writes of the careless cube, and what it returns."""

    def make():
        return Path.cwd(), confetti_check(imagename=str(cubes / "careless"), outfile="careless.confetti")

    return made_once("check_of_careless", make)


@pytest.fixture
def careless_cube(observation, cubes):
    """Root name of the careless cube; nothing below it may change."""
    root = str(cubes / "careless")
    inputs = [f"{root}.{name}" for name in SET] + observation.vis
    before = checksum(*inputs)
    yield root
    assert checksum(*inputs) == before


@pytest.fixture
def careless(careless_cube, check_of_careless):
    """Root name of the careless cube, and the result of its check, whose products are here."""
    folder, result = check_of_careless
    copy_here(folder)
    return careless_cube, result


@pytest.fixture
def briefly_checked(careless_cube):
    """
    Root name of the careless cube; the products of its check are here.

    It did not deconvolve channels again, nor does the check after a re-clean: where only the new images matter, that
    takes most of the time.
    """
    confetti_check(imagename=careless_cube, outfile="careless.confetti", deconvolve="none")
    return careless_cube


def test_the_image_of_the_true_sky_is_the_restored_sky_and_the_noise(truth, observation):
    """The truth that all is judged by is what tclean makes of the true sky as its model."""
    from casatasks import tclean

    tclean(vis=observation.vis, imagename="grid", niter=0, restoration=False, **settings(observation.size))
    write_like("grid.residual", "sky.model", truth.model)
    tclean(vis=observation.vis, imagename="line", niter=0, startmodel="sky.model", **settings(observation.size))
    expected = truth.model, truth.restored + truth.noise, truth.noise
    for found, should_be in zip(read_images("line"), expected):
        np.testing.assert_allclose(found, should_be, atol=0.1 * IMAGE_NOISE_JY)
    np.testing.assert_allclose(truth.sigma, IMAGE_NOISE_JY, rtol=0.15)


@pytest.mark.long
def test_natural_confetti_is_found_and_no_real_source_is_masked(careless, truth):
    root, result = careless
    judgement = judge(*read_images(root), truth)
    counts, fake = compare(QTable.read(result["table"]), judgement, truth), fake_sources(judgement, truth)
    assert result["verdict"] == "confetti"
    assert result["warnings"] == []
    assert counts["real"] == 0
    assert counts["right"] >= 0.85 * result["nsources"]
    assert counts["found"] >= 0.45 * len(fake)
    worst = np.bincount([channel for channel, _ in fake]).argmax()
    assert worst in result["channels"]


@pytest.mark.long
def test_a_careful_clean_of_the_same_data_is_clean(cubes, truth):
    root = str(cubes / "careful")
    result = confetti_check(imagename=root, outfile="careful.confetti")
    assert result["verdict"] == "clean"
    assert not read_image(result["mask"]).any()
    assert len(fake_sources(judge(*read_images(root), truth), truth)) <= 1


@pytest.fixture
def exported(careless_cube):
    """The careless cube as FITS files called 'line', as exportfits writes them."""
    from casatasks import exportfits

    for name in ("model", "image", "residual", "psf", "pb", "mask"):
        exportfits(imagename=f"{careless_cube}.{name}", fitsimage=f"line.{name}.fits")


@pytest.mark.long
@pytest.mark.usefixtures("exported")
def test_fits_files_give_the_same_finds_and_the_same_masks(cubes):
    result = confetti_check(imagename="line", fitsmask=True, deconvolve="none")
    expected = confetti_check(imagename=str(cubes / "careless"), outfile="expected", deconvolve="none")
    different = {"mask", "cleanmask", "table", "channeltable", "report", "flux"}
    assert {key: result[key] for key in set(result) - different} == {
        key: expected[key] for key in set(expected) - different
    }
    assert result["flux"] == pytest.approx(expected["flux"], rel=1e-5)
    for key in ("mask", "cleanmask"):
        with fits.open(result[key] + ".fits") as file:
            np.testing.assert_array_equal(file[0].data[0], read_image(expected[key]))


def beams(root):
    with opened(root + ".image") as tool:
        return tool.restoringbeam()


def history(root):
    with opened(root + ".image") as tool:
        return "\n".join(tool.history(list=False))


@pytest.fixture
def imported(exported):
    """Root name of the careless cube, exported to FITS and imported again, and the result of its check."""
    from casatasks import importfits

    for path in glob.glob("line.*.fits"):
        name = path[: -len(".fits")]
        importfits(fitsimage=path, imagename=name, defaultaxes=True, defaultaxesvalues=["", "", "", "I"])
    return "line", confetti_check(imagename="line", outfile="careless.confetti")


@pytest.mark.long
@pytest.mark.parametrize(("method", "images"), [("subcubes", "careless"), ("cube", "imported")])
def test_no_fake_source_is_left_no_real_one_is_lost_and_good_channels_stay(
    method, images, request, observation, cubes, truth, check_of_careless
):
    """The full cube is cleaned from images through FITS, which rounds their grid: tclean regrids the start model."""
    root, check = request.getfixturevalue(images)
    vis = observation.vis if images == "imported" else ""
    result = confetti_reclean(imagename=root, confetti="careless.confetti", outname="mended", vis=vis, method=method)
    kept = result["proof"]["acquitted"]
    bad = np.setdiff1d(result["channels"], kept)
    good = np.setdiff1d(np.arange(CHANNELS), bad)
    assert result["method"] == method
    assert check["nsources"] == check_of_careless[1]["nsources"]
    assert set(check["channels"]) <= set(bad)  # more where some showed only when those beside them were mended
    assert sorted(name for name in os.listdir() if name.startswith("mended.") and "confetti" not in name) == sorted(
        [f"mended.{name}" for name in (*SET, "proof.ecsv", "proof.mask", "reclean.py")]
    )

    for name in ("model", "residual", "image"):
        changed = np.abs(read_image(f"mended.{name}") - read_image(f"{root}.{name}"))[good].max()
        assert changed <= (0 if method == "subcubes" else 1e-6)
    for name in ("residual", "image"):
        np.testing.assert_array_equal(read_image(f"mended.{name}")[kept], read_image(f"{root}.{name}")[kept])
    for name in ("psf", "pb", "mask"):
        np.testing.assert_array_equal(read_image(f"mended.{name}"), read_image(f"{root}.{name}"))
    assert beams("mended") == beams(root)
    assert "confetti_reclean(" in history("mended")

    before, now = (only_in(bad, judge(*read_images(name), truth)) for name in (root, "mended"))
    assert len(fake_sources(before, truth)) > 100
    assert fake_sources(now, truth) == []
    assert largest_error(now, before, truth) < FAKE_SIGMA
    image, expected = read_image("mended.image"), read_image(f"{cubes}/careful.image")
    for source in truth.sources:
        at = bad, source.y, source.x
        np.testing.assert_allclose(image[at], expected[at], rtol=0.02, atol=IMAGE_NOISE_JY / 2)

    assert result["before"]["nsources"] == check["nsources"]
    assert result["after"]["channels"] == []
    assert set(result["after"]["suspects"]) <= set(result["proof"]["leftover"])
    assert result["after"]["residual"] <= 1.1 * 3 * IMAGE_NOISE_JY  # the threshold of tclean


@pytest.fixture
def without_data(cubes, observation):
    """The careless cube is here, checked; its MeasurementSets are not where tclean read them."""
    copy_here(cubes, "careless.")
    with opened("careless.image") as tool:
        lines = [line.replace(str(observation.folder), "/away") for line in tool.history(list=False)]
        tool.sethistory(origin="tclean", history=lines)
    confetti_check(imagename="careless", deconvolve="none")


@pytest.mark.long
@pytest.mark.usefixtures("without_data")
def test_without_the_measurement_sets_bad_channels_are_deconvolved_again(truth):
    root, arguments = "careless", {"imagename": "careless", "outname": "mended", "chans": "18;20"}
    with pytest.raises(ValueError, match="gone.ms not found"):
        confetti_reclean(vis="gone.ms", **arguments)
    result = confetti_reclean(**arguments)
    assert result["method"] == "image"
    assert "alma.cycle5.3.ms not found" in result["warnings"][0]
    assert not {18, 20} & set(result["after"]["channels"])
    good = np.setdiff1d(np.arange(CHANNELS), [18, 20])
    for name in SET[:3]:
        np.testing.assert_array_equal(read_image(f"mended.{name}")[good], read_image(f"{root}.{name}")[good])
    before, now = (only_in([18, 20], judge(*read_images(name), truth)) for name in (root, "mended"))
    assert len(fake_sources(now, truth)) <= 0.02 * len(fake_sources(before, truth))
    assert largest_error(now, before, truth) < largest_error(before, before, truth) / 3


def image_as_scripts_do(vis, size):
    """
    Image a cube with what is usual in scripts, and return the parameters.

    A start model of the continuum, a clean mask of the user, one beam for all, a correction for the primary beam, and a
    last tclean without iterations. The channels are in velocity, with falling frequency, and 1.4 times as wide as the
    data's: tclean interpolates, so that good channels hold a part of bad models.
    """
    from casatasks import tclean

    imaging = dict(settings(size), start="6.2km/s", width="0.32km/s", nchan=14, restfreq="93.1734GHz")
    imaging.update(restoringbeam="common", pbcor=True)
    tclean(vis=vis, imagename="dirty", niter=0, **imaging)
    continuum, mask = np.zeros((2, imaging["nchan"], size, size))
    continuum[:, 60, 100], mask[:, 30:130, 30:130] = 0.05, 1
    write_like("dirty.residual", "continuum.model", continuum)
    write_like("dirty.residual", "user.mask", mask)
    imaging.update(usemask="user", pbmask=0.0, gain=0.2)
    first = dict(imaging, mask="user.mask", startmodel="continuum.model", niter=50000, threshold="20mJy")
    tclean(vis=vis, imagename="line", **first)
    tclean(vis=vis, imagename="line", niter=0, calcpsf=False, **imaging)
    return imaging


def write_like(template, path, cube):
    """Write a cube [channel, y, x] as an image in Jy/pixel that is otherwise like another."""
    shutil.copytree(template, path)
    with opened(path) as tool:
        tool.maskhandler("set", [""])
        tool.setbrightnessunit("Jy/pixel")
        tool.putchunk(cube.T[:, :, np.newaxis])


@pytest.mark.long
def test_the_habits_of_imaging_scripts_are_kept(observation):
    from casatasks import tclean

    imaging = image_as_scripts_do(observation.vis, observation.size)
    confetti_check(imagename="line", deconvolve="none")
    result = confetti_reclean(imagename="line", chans="8", method="subcubes")
    model, old = read_image("line_reclean.model"), read_image("line.model")
    assert np.flatnonzero((model != old).any(axis=(1, 2))).tolist() == [8]
    assert not model[8, :15].any()  # a component of the largest scale reaches 15 pixels beyond the mask
    assert model[8, 60, 100] >= 0.04
    changed = np.flatnonzero((read_image("line_reclean.image") != read_image("line.image")).any(axis=(1, 2)))
    assert changed.tolist() == [7, 8, 9]
    assert any("channels 7;9, next to bad ones" in warning for warning in result["warnings"])
    assert beams("line_reclean") == beams("line")

    # Residual and image are those that tclean makes of the new model.
    imaging.update(usemask="pb", startmodel="line_reclean.model")
    tclean(vis=observation.vis, imagename="again", niter=0, **imaging)
    for name in ("residual", "image", "image.pbcor"):
        difference = np.abs(read_image(f"again.{name}") - read_image(f"line_reclean.{name}"))
        assert difference.max() <= 0.01 * IMAGE_NOISE_JY


@pytest.mark.long
def test_other_weights_than_the_old_images_have_are_noticed(briefly_checked):
    root = briefly_checked
    arguments = {"imagename": root, "confetti": "careless.confetti", "chans": "20", "parameters": {"robust": 2.0}}
    with pytest.raises(OtherDataError, match="PSF by .* the visibilities, their weights, the parameters"):
        confetti_reclean(outname="spliced", method="subcubes", **arguments)
    assert not os.path.exists("spliced.image")
    result = confetti_reclean(outname="mended", **arguments)
    assert result["method"] == "cube"
    same = read_image("mended.model") == read_image(root + ".model")
    assert np.flatnonzero(~same.all(axis=(1, 2))).tolist() == [20]
    assert result["warnings"][0].startswith("the full cube was cleaned instead of sub-cubes: where nothing was")


@pytest.mark.long
def test_a_tclean_that_fails_loses_nothing_and_the_next_run_succeeds(briefly_checked):
    root = briefly_checked
    arguments = {"imagename": root, "confetti": "careless.confetti", "chans": "20", "outname": "mended"}
    with pytest.raises(RuntimeError, match="."):
        confetti_reclean(parameters={"phasecenter": "J2000 nowhere"}, **arguments)
    assert os.listdir("mended.work")
    assert not os.path.exists("mended.image")
    assert confetti_reclean(overwrite=True, **arguments)["method"] == "subcubes"
    assert not os.path.exists("mended.work")


@pytest.mark.long
def test_a_run_that_is_killed_loses_nothing_and_the_next_run_succeeds(briefly_checked):
    root = briefly_checked
    arguments = f"imagename={root!r}, confetti='careless.confetti', chans='20', outname='mended', overwrite=True"
    code = f"from confetti_task import confetti_reclean; confetti_reclean({arguments})"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not glob.glob("mended.work/*.residual") and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not os.path.exists("mended.image")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.path.exists("mended.image")


@pytest.mark.long
def test_the_script_of_a_dry_run_does_the_same_later(briefly_checked):
    root = briefly_checked
    result = confetti_reclean(imagename=root, confetti="careless.confetti", outname="mended", chans="20", dryrun=True)
    os.mkdir("elsewhere")
    done = subprocess.run(
        [sys.executable, result["script"]], capture_output=True, text=True, check=False, cwd="elsewhere"
    )
    assert done.returncode == 0, done.stderr
    assert "'method': 'subcubes', 'channels': [20]" in done.stdout
    same = read_image("mended.model") == read_image(root + ".model")
    assert np.flatnonzero(~same.all(axis=(1, 2))).tolist() == [20]
    assert not os.path.exists("mended.work")


@pytest.mark.long
@pytest.mark.oldest
def test_an_imaging_script_delivers_a_mended_cube(observation):
    """Of the channels in which confetti appears."""
    imaging = dict(settings(observation.size), nchan=9, start=13, **dict(CARELESS[0], threshold=3 * IMAGE_NOISE_JY))
    result = image_line(observation.vis, "line", imaging, "release", imaging.pop("niter"))
    assert result["before"]["verdict"] == "confetti"
    assert result["after"]["severity"] < result["before"]["severity"]
    assert {"line_reclean.image.pbcor.fits", "line_reclean.model", "line_reclean.confetti.mask"} <= set(
        os.listdir("release")
    )
