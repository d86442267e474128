"""
What confetti_reclean does with the images that tclean made: whether they are taken, and how they get in place.

tclean is only pretended here: it leaves the start model as it is. test_mending.py has the real one.
"""

import itertools
import os
import shutil
import stat
from copy import deepcopy

import numpy as np
import pytest
from casa_images import CELL_ARCSEC, checksum, copy_here, read_image, working_in, write_cube
from checks import assert_documented, confetti_check
from children import die_before_rename, in_a_child, wait
from skies import BEAM, NOISE, Products, convolve, gaussian
from test_reclean import record

from confetti_task import confetti_reclean, finish_reclean
from confetti_task.private.images.headers import opened
from confetti_task.private.reclean import new_images
from confetti_task.private.reclean.verify import OtherDataError
from confetti_task.private.staging import publish
from scripts import generate_tasks

CHANNELS, BAD, CONTINUUM = 40, 20, 20 * NOISE
FILES = {"imagename": "", "startmodel": ".startmodel", "mask": ".cleanmask"}
INPUTS = ("line.model", "line.image", "line.residual", "line.psf", "line.mask", "line.ms")


class PretendedTclean:
    """Writes the images that tclean would if it had no need to clean: those of the start model."""

    def __init__(self, products):
        self.products, self.beam = products, BEAM

    def __call__(self, imagename, startmodel, mask, **_):
        first, last = map(int, os.path.basename(imagename).split("-"))
        model = read_image(startmodel)
        residual, psf = self.products.residual[first : last + 1], self.products.psf[first : last + 1]
        image = residual + np.stack([convolve(plane, gaussian(self.beam)) for plane in model])
        pixels = {"model": model, "residual": residual, "psf": psf, "image": image, "mask": read_image(mask)}
        for product, cube in dict(pixels, **{"image.pbcor": image}).items():
            shutil.copytree(startmodel, f"{imagename}.{product}")
            with opened(f"{imagename}.{product}") as tool:
                tool.putchunk(cube.T[:, :, np.newaxis].astype(float))
                tool.setbrightnessunit({"model": "Jy/pixel", "image": "Jy/beam"}.get(product, ""))
                if product in ("psf", "image"):
                    size = f"{BEAM * CELL_ARCSEC}arcsec"
                    tool.setrestoringbeam(major=size, minor=size, pa="0deg", log=False)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A folder with a checked cube of a continuum source and confetti."""
    products = Products(channels=CHANNELS, continuum=False)
    products.model[:, 45, 40] = CONTINUUM
    products.add_confetti(BAD, 30, 26, 20 * NOISE)
    products.mask = np.ones_like(products.model)
    with working_in(tmp_path_factory.mktemp("checked")) as folder:
        write_cube("line", products)
        os.mkdir("line.ms")
        record()
        assert confetti_check(imagename="line", deconvolve="none")["channels"] == [BAD]
    return folder, products


@pytest.fixture
def tclean(checked, monkeypatch):
    """The tclean that goes with the checked cube, which is here, and which nothing may change."""
    folder, products = checked
    copy_here(folder)
    before = checksum(*INPUTS)
    pretended = PretendedTclean(deepcopy(products))
    monkeypatch.setattr("confetti_task.private.task_confetti_reclean.tclean", pretended)
    yield pretended
    assert checksum(*INPUTS) == before


@pytest.mark.usefixtures("tclean")
@pytest.mark.parametrize("method", ["subcubes", "cube"])
def test_the_new_set_is_complete_and_only_the_bad_channel_is_another(method):
    result = confetti_reclean(imagename="line", method=method)
    assert result["after"]["verdict"] == "clean"
    assert result["after"]["model_flux"] == pytest.approx(CONTINUUM)
    images = {name for name in os.listdir() if name.startswith("line_reclean.") and ".confetti" not in name}
    # Of an .image.pbcor that the old set does not have a sub-cube is not enough.
    pbcor = ["image.pbcor"] if method == "cube" else []
    expected = ["model", "residual", "image", "psf", "mask", "proof.ecsv", "proof.mask", "reclean.py", *pbcor]
    assert images == {f"line_reclean.{name}" for name in expected}
    for name, changed in (("model", [BAD]), ("image", [BAD]), ("residual", []), ("psf", []), ("mask", [])):
        difference = np.abs(read_image(f"line_reclean.{name}") - read_image(f"line.{name}"))
        limit = 0 if method == "subcubes" else 1e-6  # rounding of what is made anew
        assert np.flatnonzero((difference > limit).any(axis=(1, 2))).tolist() == changed


@pytest.mark.usefixtures("tclean")
def test_the_dictionary_that_confetti_reclean_returns_is_the_documented_one():
    keys = generate_tasks.read_task(generate_tasks.TOP / "xml" / "confetti_reclean.xml").returns.keys
    proof, before, after = (key.keys for key in keys if key.keys)
    prepared = confetti_reclean(imagename="line", dryrun=True)
    assert_documented(prepared, keys)
    assert prepared["proof"] is prepared["before"] is prepared["after"] is None
    result = confetti_reclean(imagename="line", overwrite=True)
    assert_documented(result, keys)
    assert_documented(result["proof"], proof)
    assert_documented(result["before"], before)
    assert_documented(result["after"], before + after)


def test_a_sub_cube_with_another_psf_in_the_bad_channel_alone_is_not_taken(tclean):
    tclean.products.psf = tclean.products.psf.copy()
    tclean.products.psf[BAD, 5, 5] += 0.01
    with pytest.raises(OtherDataError, match="PSF by 0.01 of its peak"):
        confetti_reclean(imagename="line", method="subcubes")
    result = confetti_reclean(imagename="line", overwrite=True)
    assert result["method"] == "cube"
    assert result["warnings"][0].startswith("the full cube was cleaned instead of sub-cubes: where nothing was cleaned")


@pytest.mark.parametrize("method", ["cube", "auto"])
def test_where_all_channels_are_cleaned_again_another_psf_is_reported(tclean, method):
    tclean.products.psf = tclean.products.psf.copy()
    tclean.products.psf[:, 5, 5] += 0.07
    everything = f"0~{CHANNELS - 1}"
    result = confetti_reclean(imagename="line", chans=everything, method=method, suspects=False)
    assert any("PSF by 0.07 of its peak" in warning for warning in result["warnings"])


@pytest.mark.parametrize("other", [np.nan, 0.2 * NOISE])
def test_a_sub_cube_with_another_residual_where_nothing_was_cleaned_is_not_taken(tclean, other):
    tclean.products.residual = tclean.products.residual.copy()
    tclean.products.residual[BAD - 2, 40, 40] += other
    with pytest.raises(OtherDataError, match="residual by (inf|0.2.*) sigma"):
        confetti_reclean(imagename="line", method="subcubes")
    assert not os.path.exists("line_reclean.image")


def test_a_sub_cube_that_was_restored_with_another_beam_is_not_taken(tclean):
    tclean.beam = 1.2 * BEAM
    with pytest.raises(OtherDataError, match="image by"):
        confetti_reclean(imagename="line", method="subcubes")


def test_a_clean_mask_that_tclean_did_not_take_is_an_error(tclean, monkeypatch):
    def without_mask(imagename, mask, **parameters):
        tclean(imagename=imagename, mask=mask, **parameters)
        with opened(imagename + ".mask") as tool:
            tool.putchunk(0 * tool.getchunk())

    monkeypatch.setattr("confetti_task.private.task_confetti_reclean.tclean", without_mask)
    with pytest.raises(ValueError, match="tclean did not use the clean mask"):
        confetti_reclean(imagename="line")


@pytest.mark.usefixtures("tclean")
@pytest.mark.parametrize("method", ["subcubes", "cube"])
def test_what_fails_after_tclean_can_be_finished(method, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("confetti_task.private.reclean.new_images.publish", fail)
        with pytest.raises(OSError, match="disk full"):
            confetti_reclean(imagename="line", method=method)
    assert not os.path.exists("line_reclean.image")
    assert finish_reclean("line_reclean")["after"]["verdict"] == "clean"
    assert not os.path.exists("line_reclean.work")


@pytest.mark.usefixtures("tclean")
def test_a_work_folder_that_was_half_removed_is_not_finished_again(monkeypatch):
    def publish_and_interrupt(*arguments):
        publish(*arguments)
        patched.setattr(shutil, "rmtree", interrupted)

    def interrupted(path, **_):
        os.rename(os.path.join(path, "new"), "elsewhere")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(new_images, "publish", publish_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            confetti_reclean(imagename="line")
    before = new_set()
    with pytest.raises(ValueError, match="nothing was prepared for"):
        finish_reclean("line_reclean")
    assert new_set() == before
    images = ("mask", "psf", "model", "residual", "image", "proof.mask", "proof.ecsv")
    assert set(before) == {f"line_reclean.{name}" for name in images}


def killed_at_move(number):
    """Finish in a copy of this process, which is killed before a rename, and tell whether it came that far."""

    def publish_and_die(*arguments):
        die_before_rename(number + 1)  # the journal itself is renamed too
        publish(*arguments)
        os._exit(0)

    def finish():
        new_images.publish = publish_and_die
        finish_reclean("line_reclean")

    return os.WIFSIGNALED(wait(in_a_child(finish)))


def new_set():
    names = [name for name in os.listdir() if name.startswith("line_reclean.") and not name.endswith((".py", ".work"))]
    return {name: checksum(name) for name in names}


@pytest.mark.kill
@pytest.mark.long
def test_killed_between_any_two_renames_the_older_set_comes_back_or_the_new_one_is_finished(tclean, record_property):
    confetti_reclean(imagename="line", parameters={"threshold": "7mJy"})
    older = new_set()
    for number in itertools.count():
        confetti_reclean(imagename="line", dryrun=True, overwrite=True)
        tclean(**{name: f"line_reclean.work/17-22{suffix}" for name, suffix in FILES.items()})
        if not killed_at_move(number):
            break
        confetti_reclean(imagename="line", dryrun=True, overwrite=True)
        assert new_set() == older
        tclean(**{name: f"line_reclean.work/17-22{suffix}" for name, suffix in FILES.items()})
        assert killed_at_move(number)
        assert finish_reclean("line_reclean")["after"]["verdict"] == "clean"
        assert not os.path.exists("line_reclean.work")
        assert set(new_set()) == set(older)
        older = new_set()
    assert number >= 13
    record_property("times", 2 * number)


def test_images_that_appear_after_a_dry_run_are_not_replaced(tclean):
    confetti_reclean(imagename="line", dryrun=True)
    tclean(**{name: f"line_reclean.work/17-22{suffix}" for name, suffix in FILES.items()})
    shutil.copytree("line.image", "line_reclean.image")
    before = checksum("line_reclean.image")
    with pytest.raises(ValueError, match="line_reclean.image has appeared in the meantime; move it away"):
        finish_reclean("line_reclean")
    assert checksum("line_reclean.image") == before


@pytest.mark.usefixtures("tclean")
def test_a_second_mend_knows_how_the_first_one_cleaned():
    confetti_reclean(imagename="line", parameters={"threshold": "7mJy"})
    result = confetti_reclean(imagename="line_reclean", chans="5", dryrun=True)
    with open(result["script"], encoding="utf-8") as script:
        assert "threshold='7mJy'," in script.read()


@pytest.mark.usefixtures("tclean")
def test_read_only_images_are_copied_so_that_they_can_be_written_to():
    for folder, _, _ in os.walk("line.model"):
        os.chmod(folder, 0o555)
    confetti_reclean(imagename="line")
    modes = [os.stat(folder).st_mode for folder, _, _ in os.walk("line_reclean.model")]
    assert all(mode & stat.S_IWUSR for mode in modes)
