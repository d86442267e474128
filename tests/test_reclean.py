"""confetti_reclean up to where tclean begins: what is refused, and what tclean is given. No tclean runs here."""

import os
import re
import shutil
from copy import deepcopy
from runpy import run_path

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable
from casa_images import checksum, copy_here, read_image, working_in, write_cube, write_image
from checks import confetti_check
from skies import NOISE, Products

from confetti_task import confetti_reclean, finish_reclean
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.headers import opened
from confetti_task.private.reclean.plan import Job, make_plan
from confetti_task.private.reclean.remedy import Reached

CHANNELS, BAD = 14, 6
INPUTS = ("line.model", "line.image", "line.residual", "line.psf", "line.mask", "line.ms")


def record(path="line.image", **values):
    """Write a run of tclean into the history of an image."""
    values = dict(
        {
            "vis": "line.ms",
            "imagename": "line",
            "imsize": 64,
            "nchan": -1,
            "specmode": "cube",
            "niter": 900,
            "gain": 0.4,
            "threshold": 0.02,
        },
        **values,
    )
    lines = [f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in values.items()]
    with opened(path) as tool:
        tool.sethistory(origin="tclean", history=["taskname=tclean", *lines])


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A folder with a checked cube: confetti in channel 6, a continuum source in all, and a line in channels 5 to 7."""
    products = Products(channels=CHANNELS)
    products.model[:, 12, 50] += 20 * NOISE
    products.model[5:8, 40, 20] += 15 * NOISE
    products.add_confetti(BAD, 30, 26, 20 * NOISE)
    products.mask = np.ones_like(products.model)
    products.mask[:, :10] = 0
    with working_in(tmp_path_factory.mktemp("checked")) as folder:
        write_cube("line", products)
        record()
        os.mkdir("line.ms")
        assert confetti_check(imagename="line", deconvolve="none")["channels"] == [BAD]
    return folder, products


@pytest.fixture
def cube(checked):
    """The arrays of the checked cube, which is here."""
    folder, products = checked
    copy_here(folder)
    return deepcopy(products)


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def prepared(**arguments):
    return confetti_reclean(imagename="line", dryrun=True, **arguments)


@pytest.mark.usefixtures("cube")
def test_a_dry_run_prepares_everything_and_changes_no_input():
    before = checksum(*INPUTS)
    result = prepared()
    assert checksum(*INPUTS) == before
    assert result["method"] == "cube"  # of 14 channels 6 are more than half, with what a run costs
    assert result["chans"] == str(BAD)
    assert sorted(os.listdir("line_reclean.work")) == ["0-13.cleanmask", "0-13.startmodel", "plan.json"]
    assert "gain=0.1,  # 0.4; a high loop gain causes confetti" in read(result["script"])


@pytest.mark.usefixtures("cube")
def test_bad_channels_start_from_the_continuum_and_only_they_are_cleaned(cube):
    prepared(method="subcubes")
    start, clean = (read_image(f"line_reclean.work/3-8.{name}") for name in ("startmodel", "cleanmask"))
    expected = cube.model[3:9].copy()
    expected[BAD - 3] = cube.model[0]
    np.testing.assert_array_equal(start, expected)
    expected = np.zeros_like(start)
    expected[BAD - 3] = cube.mask[BAD]
    np.testing.assert_array_equal(clean, expected)
    with opened("line_reclean.work/3-8.startmodel") as tool:
        assert tool.brightnessunit() == "Jy/pixel"


def test_all_polarizations_start_afresh():
    products = Products(channels=CHANNELS)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_confetti(BAD, 30, 26, 20 * NOISE)
    write_cube("stokes", products, polarizations=("I", "V"), holds="V")
    record("stokes.image", imagename="stokes")
    os.mkdir("line.ms")
    assert confetti_check(imagename="stokes")["channels"] == [BAD]
    confetti_reclean(imagename="stokes", method="subcubes", dryrun=True)

    def pixels(name):
        with opened(f"stokes_reclean.work/3-8.{name}") as tool:
            return tool.getchunk().transpose(2, 3, 1, 0)

    expected = np.array([0 * products.model, products.model])[:, 3:9]
    expected[:, BAD - 3] = 0
    expected[1, BAD - 3] = products.model[0]
    np.testing.assert_array_equal(pixels("startmodel"), expected)
    expected = np.zeros_like(expected)
    expected[:, BAD - 3] = 1
    np.testing.assert_array_equal(pixels("cleanmask"), expected)


@pytest.mark.parametrize("order", ["xyfs", "fsxy", "xyf"])
def test_images_with_their_axes_in_another_order_than_that_of_tclean_are_refused_with_the_way_out(products, order):
    write_cube("line", products, order=order)
    confetti_check(imagename="line")
    with pytest.raises(ValueError, match="line.model has its axes in another order .* defaultaxes=True"):
        confetti_reclean(imagename="line")
    assert not any("reclean" in name for name in os.listdir("."))


def test_bad_channels_can_start_from_the_channels_next_to_them(cube):
    prepared(method="subcubes", startmodel="interpolate")
    start = read_image("line_reclean.work/3-8.startmodel")
    np.testing.assert_allclose(start[BAD - 3], (cube.model[5] + cube.model[7]) / 2, rtol=1e-6)


def test_a_clean_mask_that_was_drawn_by_hand_is_taken(cube):
    with opened("line.confetti.cleanmask") as tool:
        pixels = 0 * tool.getchunk()
        pixels[20:30, 20:30, 0, BAD] = 1
        tool.putchunk(pixels)
    prepared(method="subcubes")
    clean = read_image("line_reclean.work/3-8.cleanmask")
    assert clean.sum() == 100
    assert clean[BAD - 3, 25, 25] == 1


@pytest.mark.parametrize("cleanmask", ["channel", "pixel", "none"])
def test_a_clean_mask_with_holes_is_filled(cube, cleanmask):
    expected = cube.mask[BAD].copy()
    cube.mask[:, 20:24, 30:34] = 0
    shutil.rmtree("line.mask")
    write_image("line.mask", cube.mask)
    confetti_check(imagename="line", cleanmask=cleanmask, overwrite=True)
    prepared(method="subcubes")
    np.testing.assert_array_equal(read_image("line_reclean.work/3-8.cleanmask")[BAD - 3], expected)


def test_a_channel_that_nobody_cleaned_does_not_show_the_continuum(cube):
    cube.model[[0, CHANNELS - 1]] = 0
    shutil.rmtree("line.model")
    write_image("line.model", cube.model, unit="Jy/pixel")
    prepared(method="subcubes")
    assert read_image("line_reclean.work/3-8.startmodel")[BAD - 3, 12, 50] == cube.model[1, 12, 50]


@pytest.mark.usefixtures("cube")
def test_where_nothing_is_bad_the_old_cube_is_the_good_one():
    confetti_check(imagename="line", chans="0~2", overwrite=True)
    result = confetti_reclean(imagename="line")
    assert (result["method"], result["imagename"], result["channels"]) == ("none", os.path.abspath("line"), [])
    assert not os.path.exists("line_reclean.work")


@pytest.mark.usefixtures("cube")
def test_channels_can_be_chosen():
    confetti_check(imagename="line", chans="0~2", overwrite=True)
    assert prepared(chans=[6, 7], method="subcubes")["channels"] == [6, 7]


@pytest.mark.usefixtures("cube")
def test_parameters_can_be_given_and_must_be_those_of_tclean():
    script = read(prepared(parameters={"threshold": "5mJy", "robust": -1.0})["script"])
    assert "threshold='5mJy'," in script
    assert "robust=-1.0," in script
    with pytest.raises(ValueError, match="tclean has no treshold"):
        prepared(parameters={"treshold": 1}, overwrite=True)
    with pytest.raises(ValueError, match="should be a dictionary"):
        prepared(parameters="threshold", overwrite=True)
    script = read(prepared(parameters={"scales": np.array([0, 5])}, overwrite=True)["script"])
    assert "scales=[0, 5]," in script


AS_GIVEN = [
    ("threshold", "5mJy/beam", "'5mJy/beam'"),
    ("threshold", {"value": 5.0, "unit": "mJy"}, "{'value': 5.0, 'unit': 'mJy'}"),
    ("cycleniter", "400", "400"),
    ("cyclefactor", "2.5", "2.5"),
    ("nsigma", "3", "3"),
    ("scales", ["0", "5"], "[0, 5]"),
]


def record_alone(cube, **values):
    """Write a run of tclean into the history of the image, as its only one."""
    shutil.rmtree("line.image")
    write_image("line.image", cube.image, unit="Jy/beam", beams="one")
    record(**values)


@pytest.mark.parametrize(("name", "value", "text"), AS_GIVEN, ids=str)
@pytest.mark.parametrize("recorded", [False, True])
def test_values_are_taken_as_tclean_takes_them(cube, name, value, text, recorded):
    if recorded:
        record_alone(cube, **{name: value})
    given = {} if recorded else {"parameters": {name: value}}
    assert f"{name}={text}," in read(prepared(**given)["script"])


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("threshold", 5 * units.mJy / units.beam, "'5.0mJy/beam'"),
        ("cell", [0.5, 0.5] * units.arcsec, "['0.5arcsec', '0.5arcsec']"),
        ("scales", {5, 0}, "[0, 5]"),
        ("cycleniter", np.int64(400), "400"),
    ],
    ids=["a quantity", "quantities", "a set", "an integer of numpy"],
)
def test_values_are_taken_as_python_has_them(name, value, text):
    assert f"{name}={text}," in read(prepared(parameters={name: value})["script"])


@pytest.mark.parametrize(
    ("name", "value"), [("niter", "many"), ("nsigma", "3 sigma"), ("scales", "small"), ("threshold", "deep")]
)
def test_a_value_that_cannot_be_read_is_named_with_its_parameter(cube, name, value):
    with pytest.raises(ValueError, match=f"{name}='{value}' cannot be read"):
        prepared(parameters={name: value})
    record_alone(cube, **{name: value})
    with pytest.raises(ValueError, match=f"{name}='{value}' cannot be read"):
        prepared()


def test_without_a_history_the_parameters_must_be_given(cube):
    shutil.rmtree("line.image")
    write_image("line.image", cube.image, unit="Jy/beam", beams="one")
    with pytest.raises(ValueError, match="line.image and its model have no tclean run .*give vis=... and parameters"):
        prepared(vis="line.ms")
    assert not os.path.exists("line_reclean.work")
    given = {"specmode": "cube", "niter": 100, "threshold": 0.01, "imsize": [64, 64], "gridder": "mosaic"}
    script = read(prepared(vis="line.ms", parameters=given)["script"])
    assert "gridder='mosaic'," in script
    assert "nchan=14," in script  # a cube that was put together is wider than a piece
    assert "start='93170000000.0Hz'," in script
    with pytest.raises(ValueError, match=r"imsize=\[32\] should be the size of .*line.image \(got \[32, 32\]"):
        prepared(vis="line.ms", parameters=dict(given, imsize=[32]), overwrite=True)


@pytest.mark.parametrize("last", ["without iterations", "not of tclean"])
def test_where_the_image_was_made_anew_after_the_clean_the_model_records_how_it_was_cleaned(cube, last):
    """By tclean, first with restoration=False and then with niter=0, or by immath."""
    shutil.rmtree("line.image")
    write_image("line.image", cube.image, unit="Jy/beam", beams="one")
    if last == "without iterations":
        record(niter=0, gain=0.7)
    record("line.model", gain=0.3, niter=900)
    assert "gain=0.1,  # 0.3;" in read(prepared()["script"])
    assert "gain=0.1,  # 0.3;" in read(prepared(parameters={"niter": 400}, overwrite=True)["script"])


@pytest.mark.usefixtures("cube")
def test_images_that_were_exported_to_fits_and_imported_again_keep_their_history():
    from casatasks import exportfits, importfits

    script = read(prepared()["script"]).splitlines()
    names = [name for name in INPUTS if name != "line.ms"]
    for name in names:
        exportfits(imagename=name, fitsimage=name + ".fits")
        shutil.rmtree(name)
    with pytest.raises(ValueError, match="importfits"):
        prepared(method="cube", overwrite=True)
    for name in names:
        importfits(fitsimage=name + ".fits", imagename=name, defaultaxes=True, defaultaxesvalues=["", "", "", "I"])
    confetti_check(imagename="line", overwrite=True)
    again = read(prepared(overwrite=True)["script"]).splitlines()
    assert [line for line in again if line[:1] != "#"] == [line for line in script if line[:1] != "#"]


@pytest.mark.usefixtures("cube")
def test_a_measurement_set_that_has_gone_is_named():
    os.rename("line.ms", "moved.ms")
    with pytest.raises(ValueError, match="/line.ms not found; give the name of the MeasurementSet as vis"):
        prepared(method="cube")
    assert prepared(vis=["moved.ms"])["method"] == "cube"


@pytest.mark.usefixtures("cube")
def test_a_measurement_set_next_to_the_images_comes_before_one_of_that_name_here(monkeypatch, tmp_path):
    os.makedirs("elsewhere/line.ms")
    monkeypatch.chdir("elsewhere")
    script = read(confetti_reclean(imagename="../line", dryrun=True)["script"])
    assert f"vis=['{tmp_path}/line.ms']," in script
    script = read(confetti_reclean(imagename="../line", vis="line.ms", dryrun=True, overwrite=True)["script"])
    assert f"vis=['{tmp_path}/elsewhere/line.ms']," in script


@pytest.mark.usefixtures("cube")
def test_a_measurement_set_is_found_from_another_folder(monkeypatch, tmp_path):
    os.mkdir("elsewhere")
    monkeypatch.chdir("elsewhere")
    script = read(confetti_reclean(imagename="../line", dryrun=True)["script"])
    assert f"vis=['{tmp_path}/line.ms']," in script


def write_history(path, *runs, through=""):
    """Replace the history of an image by runs of tclean, and by a program that it went through."""
    from casatools import table

    old = table()
    old.open(os.path.join(path, "logtable"), nomodify=False)
    old.removerows(list(range(old.nrows())))
    old.close()
    for run in runs:
        record(path, **run)
    with opened(path) as tool:
        tool.sethistory(origin="test", history=[through])


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize(
    ("first", "then", "named"),
    [
        ({"deconvolver": "multiscale"}, {"deconvolver": "hogbom"}, "deconvolver: multiscale, then hogbom"),
        ({"imagename": "low", "vis": "a.ms"}, {"imagename": "high", "vis": "b.ms"}, "vis: a.ms, then b.ms"),
    ],
    ids=["another deconvolver on top", "joined chunks"],
)
def test_a_model_that_several_runs_have_made_is_asked_about(first, then, named):
    write_history("line.image", first, then)
    with pytest.raises(ValueError, match=re.escape(named)):
        prepared()


@pytest.mark.usefixtures("cube")
def test_parameters_that_fits_may_have_damaged_are_asked_for_by_name():
    scan = ",".join(map(str, range(3, 121, 2)))
    write_history("line.image", {"scan": scan}, through='importfits(fitsimage="line.image.fits")')
    with pytest.raises(ValueError, match="loses characters of long lines: give scan again"):
        prepared()
    assert f"scan='{scan}'" in read(prepared(parameters={"scan": scan})["script"])


def test_a_cube_that_was_not_checked_is_refused(cube):
    write_cube("other", cube)
    with pytest.raises(ValueError, match="other.confetti.ecsv .*not found; call confetti_check first"):
        confetti_reclean(imagename="other")


def test_a_check_of_another_model_is_refused(cube):
    cube.model[BAD, 5, 5] = 1
    shutil.rmtree("line.model")
    write_image("line.model", cube.model, unit="Jy/pixel")
    with pytest.raises(ValueError, match="line.model is not the model that .*line.confetti.channels.ecsv describes"):
        prepared()


@pytest.mark.usefixtures("cube")
def test_images_that_confetti_reclean_did_not_write_are_never_replaced():
    shutil.copytree("line.image", "mine.image")
    for suffix in (".ecsv", ".channels.ecsv"):
        shutil.copy("line.confetti" + suffix, "other.confetti" + suffix)
    with pytest.raises(ValueError, match="mine.image was not written by confetti_reclean"):
        prepared(outname="mine", overwrite=True)
    with pytest.raises(ValueError, match="is the old cube, which is never changed"):
        prepared(outname="./line", overwrite=True)
    with pytest.raises(ValueError, match="is the check of the old cube"):
        confetti_reclean(imagename="line", confetti="other.confetti", outname="other", dryrun=True)
    with pytest.raises(ValueError, match="is a folder"):
        prepared(outname="./", overwrite=True)
    with pytest.raises(ValueError, match="cannot write in"):
        prepared(outname="nowhere/line")


@pytest.mark.usefixtures("cube")
def test_a_disk_without_room_is_noticed_before_anything_is_done(monkeypatch):
    usage = shutil.disk_usage(".")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(ValueError, match="0.0 GB free, but the new images need"):
        prepared()
    assert not os.path.exists("line_reclean.work")


@pytest.mark.usefixtures("cube")
def test_what_an_earlier_run_left_is_replaced_only_where_asked():
    prepared()
    with pytest.raises(ValueError, match="line_reclean.work exists already; set overwrite=True"):
        prepared()
    open("line_reclean.work/left.over", "w").close()
    prepared(overwrite=True)
    assert not os.path.exists("line_reclean.work/left.over")


@pytest.mark.usefixtures("cube")
def test_the_script_calls_tclean_with_what_was_prepared_and_finishes(monkeypatch):
    result = prepared(method="subcubes", outname="it's mended")
    calls = []
    monkeypatch.setattr("casatasks.tclean", lambda **parameters: calls.append(parameters))
    monkeypatch.setattr("confetti_task.finish_reclean", lambda outname: calls.append(outname))
    run_path(result["script"])
    assert [calls[0]["nchan"], calls[0]["niter"], calls[0]["usemask"]] == [6, 3600, "user"]
    assert calls[0]["mask"] == os.path.abspath("it's mended.work/3-8.cleanmask")
    assert calls[1] == os.path.abspath("it's mended")


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize(("verdict", "depth"), [("bad", 0.001), ("diverged", 3 * NOISE)])
def test_channels_that_diverged_are_not_cleaned_into_the_noise_again(verdict, depth):
    record(threshold=0.001)
    table = QTable.read("line.confetti.channels.ecsv")
    table["verdict"] = table["verdict"].astype("U10")
    table["verdict"][BAD] = verdict
    table.write("line.confetti.channels.ecsv", overwrite=True)

    def threshold(**parameters):
        script = read(confetti_reclean(imagename="line", dryrun=True, overwrite=True, **parameters)["script"])
        (line,) = [line for line in script.splitlines() if line.startswith("    threshold=")]
        given = line.split("=")[1].split(",")[0].strip("'")
        return float(given[:-2] if given.endswith("Jy") else given)

    assert threshold() == pytest.approx(depth, rel=0.2)
    assert threshold(parameters={"threshold": "0.002Jy"}) == 0.002  # what a user asks for


def iterations(imagename="line", **arguments):
    """niter of the calls in the script, and whether it says that this is a share."""
    script = read(confetti_reclean(imagename=imagename, dryrun=True, overwrite=True, **arguments)["script"])
    lines = [line for line in script.splitlines() if line.startswith("    niter=")]
    return [(int(line.split("=")[1].split(",")[0]), "the share of these channels" in line) for line in lines]


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize("method", ["subcubes", "cube"])
def test_if_niter_ended_the_clean_a_bad_channel_gets_its_share_of_it(method):
    record(niter=9000, threshold=0.001)
    assert iterations(method=method) == [(2572, True)]  # 36000 iterations of 14 channels
    assert iterations(method=method, chans="5~7") == [(7715, True)]
    assert iterations(method=method, chans="0~13") == [(36000, False)]


@pytest.mark.usefixtures("cube")
def test_the_niter_and_the_threshold_that_the_user_gives_are_taken_as_they_are():
    record(niter=9000, threshold=0.001)
    assert iterations(parameters={"niter": 9000}) == [(36000, False)]
    assert iterations(parameters={"threshold": 0.03}) == [(36000, False)]
    assert iterations(parameters={"threshold": 0.002}) == [(2572, True)]


def replace_image(path, pixels, **others):
    shutil.rmtree(path)
    write_image(path, pixels, **others)


def test_a_residual_where_nothing_was_cleaned_does_not_say_what_ended_the_clean(cube):
    record(niter=9000)
    cube.residual[:, 5, 30] = cube.residual[:, 40, 40] = 1.0
    cube.mask[:, 40, 40] = 0  # a hole, which is filled only now; row 5 is outside the clean mask
    replace_image("line.mask", cube.mask)
    replace_image("line.residual", cube.residual, unit="Jy/beam")
    assert iterations() == [(36000, False)]
    cube.residual[:, 30, 30] = -1.0
    replace_image("line.residual", cube.residual, unit="Jy/beam")
    assert iterations() == [(2572, True)]
    shutil.rmtree("line.mask")
    assert iterations() == [(36000, False)]


def test_the_residual_of_bad_channels_does_not_say_what_ended_the_clean(cube):
    record(niter=9000)
    cube.residual[2:, 30, 30] = 1.0
    replace_image("line.residual", cube.residual, unit="Jy/beam")
    assert iterations(chans="2~13") == [(36000, False)]
    assert iterations(chans="6") == [(2572, True)]


def test_one_polarization_with_a_high_residual_says_that_niter_ended_the_clean():
    products = Products(channels=CHANNELS)
    products.add_confetti(BAD, 30, 26, 20 * NOISE)
    products.mask = np.ones_like(products.model)
    write_cube("stokes", products, polarizations=("I", "V"), holds="V")
    record("stokes.image", imagename="stokes", niter=9000)
    os.mkdir("line.ms")
    confetti_check(imagename="stokes")
    assert iterations("stokes") == [(36000, False)]
    residuals = np.array([products.residual, 3 * products.residual])
    replace_image("stokes.residual", residuals, unit="Jy/beam", polarizations=("I", "V"))
    assert iterations("stokes") == [(2572, True)]


@pytest.mark.usefixtures("cube")
def test_channels_that_an_earlier_attempt_has_done_have_had_their_share():
    job = Job(
        cube=open_cube("line"),
        outname="line_reclean",
        confetti="line.confetti",
        tables=(),
        recorded={"specmode": "cube", "niter": 9000, "gain": 0.4, "threshold": 0.001},
        reached=Reached(CHANNELS, [0.03], [NOISE]),
        gain=0.1,
        depth=0.0,
        start=None,
        clean_mask="",
        call="confetti_reclean()",
        overwrite=False,
        done=(5, BAD),
        settled={},
    )
    assert [run["niter"] for run in make_plan(job, [5, BAD], [7], (), "subcubes").parameters] == [2572]


def test_channels_in_which_nothing_was_cleaned_have_no_share(cube):
    record(niter=9000, threshold=0.001)
    cube.model[10:] = 0
    replace_image("line.model", cube.model, unit="Jy/pixel")
    cube.mask[10:] = 0
    replace_image("line.mask", cube.mask)
    confetti_check(imagename="line", overwrite=True)
    assert iterations(suspects=False, chans=str(BAD)) == [(3600, True)]  # 36000 iterations of 10 channels


@pytest.mark.usefixtures("cube")
def test_a_script_that_was_not_run_cannot_be_finished():
    prepared(method="subcubes")
    with pytest.raises(ValueError, match="3-8.model and .*3-8.image and .*3-8.residual not found"):
        finish_reclean("line_reclean")
    with pytest.raises(ValueError, match="nothing was prepared for '.*other'"):
        finish_reclean("other")


@pytest.mark.usefixtures("cube")
@pytest.mark.parametrize("gain", [0.0, -0.1])
def test_a_gain_that_cleans_nothing_is_refused(gain):
    with pytest.raises(ValueError, match="gain and rounds should be positive"):
        prepared(gain=gain)
