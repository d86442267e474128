"""The check deconvolves channels again with the real CASA, and decides by what comes back."""

import os

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import checksum, read_image, working_in, write_cube
from casatasks import casalog
from checks import confetti_check
from skies import HOT, NOISE, Products, maser_continuum_and_confetti

from confetti_task.private.check.survey import survey
from confetti_task.private.check.verdict import judge
from confetti_task.private.check.worker_pool import worker_pool
from confetti_task.private.core.decision import Thresholds
from confetti_task.private.deconvolve import casa
from confetti_task.private.images.cube import open_cube

pytestmark = pytest.mark.deconvolves
CHANNEL, Y, X = HOT
PRODUCTS = ("model", "image", "residual", "psf")


@pytest.fixture
def suspicious(products):
    """A cube with a fake source that nothing else counts as evidence against, with the parameters of UNDECIDED."""
    write_cube("line", products)


# Thresholds with which the fake source is only suspicious.
UNDECIDED = {"unsupported": 90.0, "surround": 0.0}


def rows_at_the_fake_source(result):
    sources = QTable.read(result["table"])
    return sources[(sources["channel"] == CHANNEL) & (np.hypot(sources["y"] - Y, sources["x"] - X) < 3)]


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A folder with such a cube, the result of its check by one thread, and what is left in the temporary folder."""
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patched, working_in(tmp_path_factory.mktemp("checked")) as folder:
        patched.setattr("tempfile.tempdir", str(temporary))
        write_cube("line", maser_continuum_and_confetti())
        before = checksum(*(f"line.{product}" for product in PRODUCTS))
        result = confetti_check(imagename=os.path.abspath("line"), parallel=1, **UNDECIDED)
        assert checksum(*(f"line.{product}" for product in PRODUCTS)) == before
    return folder, result, os.listdir(temporary)


def test_what_does_not_come_back_is_confetti(checked):
    _, result, _ = checked
    assert result["verdict"] == "confetti"
    assert (result["channels"], result["suspects"]) == ([CHANNEL], [])
    assert result["evidence"]["gone"] == 1
    assert read_image(result["mask"])[CHANNEL, Y, X] == 1
    (row,) = rows_at_the_fake_source(result)
    assert row["severity"] == pytest.approx(abs(row["difference"]))
    assert row["difference"] > row["tolerance"]


def test_without_it_the_channel_stays_suspicious(suspicious):
    result = confetti_check(imagename="line", report=False, deconvolve="none", **UNDECIDED)
    assert (result["verdict"], result["suspects"]) == ("suspicious", [CHANNEL])


def test_nothing_is_said_of_what_a_start_model_put_outside_the_clean_mask(products):
    """It cannot come back where nothing may be cleaned; neither could a fake source, but CLEAN makes none there."""
    products.mask = np.zeros_like(products.model)
    products.mask[:, 36:, :40] = 1  # with the maser, without the source at (30, 26)
    write_cube("line", products)
    result = confetti_check(imagename="line", report=False, deconvolve="all", parallel=1, **UNDECIDED)
    (row,) = rows_at_the_fake_source(result)
    assert row["class"] == "candidate"
    assert np.isnan(row["difference"])


def test_the_threads_make_no_difference(checked):
    folder, by_one, _ = checked
    by_two = confetti_check(imagename=str(folder / "line"), outfile="by_two", parallel=2, **UNDECIDED)
    first, second = (QTable.read(result["table"]) for result in (by_one, by_two))
    assert str(first.as_array().tolist()) == str(second.as_array().tolist())


def test_channels_for_which_the_time_is_too_short_stay_suspicious(suspicious):
    result = confetti_check(imagename="line", report=False, minutes=1e-6, **UNDECIDED)
    assert (result["verdict"], result["suspects"]) == ("suspicious", [CHANNEL])


def test_without_a_psf_nothing_is_deconvolved(products):
    write_cube("line", products, skip=("psf",))
    result = confetti_check(imagename="line", report=False, **UNDECIDED)
    assert result["verdict"] == "suspicious"
    assert set(QTable.read(result["channeltable"])["deconvolved"]) == {"no"}


def test_a_deconvolver_that_fails_does_not_cost_the_check(suspicious, monkeypatch, tmp_path):
    program = tmp_path / "no_casa.py"
    program.write_text("raise ImportError('no CASA here')")
    monkeypatch.setattr(casa, "PROGRAM", str(program))
    posted = []
    monkeypatch.setattr(casalog, "post", lambda message, *_, **__: posted.append(message))
    result = confetti_check(imagename="line", report=False, **UNDECIDED)
    assert result["verdict"] == "suspicious"
    assert any("no CASA here" in message for message in posted)


def test_a_find_that_comes_back_is_real(suspicious):
    cube, thresholds, nobody = open_cube("line"), Thresholds(), SkyCoord([], [], unit="deg")
    with worker_pool(False, cube.mapped) as workers:
        found = survey(cube, range(cube.channels), thresholds, workers, 1e9)
    assert np.count_nonzero(judge(found, nobody, thresholds).candidates["evidence"]) == 1
    for part, evidence in ((0.49, 0), (0.51, 1)):
        found.candidates["tolerance"], found.candidates["difference"] = 4, 4 * part
        judged = judge(found, nobody, thresholds).candidates
        assert np.count_nonzero(judged["evidence"]) == evidence
        assert np.count_nonzero(judged["proved"]) == 1 - evidence


@pytest.mark.parametrize(("part", "suspects"), [(0.7, []), (0.8, [CHANNEL])])
def test_a_channel_with_a_source_that_is_almost_gone_is_suspicious_whatever_else_it_has(suspicious, part, suspects):
    cube, thresholds, nobody = open_cube("line"), Thresholds(), SkyCoord([], [], unit="deg")
    with worker_pool(False, cube.mapped) as workers:
        found = survey(cube, range(cube.channels), thresholds, workers, 1e9)
    found.candidates["unsupported"] = 0
    found.channels["deconvolved"] = "converged"
    found.channels["gone"][CHANNEL] = part
    channels = judge(found, nobody, thresholds).channels
    assert channels["channel"][channels["suspicious"]].tolist() == suspects


def test_a_cleaned_channel_without_neighbours_is_acquitted():
    products = Products(continuum=False)
    products.add_point(*HOT, 30 * NOISE)
    for channel in (CHANNEL - 1, CHANNEL + 1):
        products.residual[channel] = 0
    write_cube("line", products)
    result = confetti_check(imagename="line", report=False)
    assert result["verdict"] == "clean"
    verdicts = QTable.read(result["channeltable"])["verdict"].tolist()
    assert verdicts[CHANNEL] == "acquitted"


def test_nothing_is_left_behind(checked):
    _, _, left = checked
    assert left == []
