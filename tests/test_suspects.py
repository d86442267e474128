"""
Suspicious channels are cleaned again, and the data decide: what is proved, what is acquitted, and what is written.

tclean is only pretended here: it finds what a test puts into the data. test_mending.py has the real one.
"""

import itertools
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import checksum, copy_here, read_image, working_in, write_cube
from checks import confetti_check
from skies import BEAM, NOISE, Products, convolve, gaussian
from test_new_set import FILES, INPUTS, PretendedTclean, killed_at_move, new_set
from test_reclean import record

import confetti_task
from confetti_task import confetti_reclean, finish_reclean
from confetti_task.private.reclean import new_images
from confetti_task.private.reclean.proof import suspicious_again
from confetti_task.private.report.evidence_list import as_text, why_not_masked

CHANNELS, BAD, SUSPECT = 40, 20, 30
PLACE = (26, 24)
PRODUCTS = ("model", "residual", "image")


class SecondTclean(PretendedTclean):
    """Finds in a channel what its old model has, a given number of times: it is in the data, or CLEAN errs again."""

    def __init__(self, products, times=99):
        super().__init__(products)
        self.times, self.gains, self.stops_at, self.part = times, [], None, 1.0

    def __call__(self, imagename, startmodel, mask, gain, **_):
        self.gains.append(gain)
        if len(self.gains) == self.stops_at:
            raise KeyboardInterrupt
        first, last = map(int, os.path.basename(imagename).split("-"))
        if first <= SUSPECT <= last and self.times >= len(self.gains):
            put_channel(startmodel, SUSPECT - first, self.part * self.products.model[SUSPECT])
        super().__call__(imagename, startmodel, mask)


class SpreadingTclean(SecondTclean):
    """Also spreads a fifth of each model over the neighbouring channels, as on a grid that is not that of the data."""

    def __call__(self, imagename, startmodel, **others):
        super().__call__(imagename=imagename, startmodel=startmodel, **others)
        first, last = map(int, os.path.basename(imagename).split("-"))
        missing = self.products.model[first : last + 1] - read_image(imagename + ".model")
        for number in range(last - first + 1):
            near = [other for other in (number - 1, number + 1) if 0 <= other <= last - first]
            spread = 0.2 * convolve(missing[near].sum(axis=0), gaussian(BEAM))
            for product in ("residual", "image"):
                put_channel(f"{imagename}.{product}", number, read_image(f"{imagename}.{product}")[number] + spread)


def put_channel(path, channel, plane):
    from confetti_task.private.images.headers import opened

    with opened(path) as tool:
        pixels = tool.getchunk()
        pixels[:, :, 0, channel] = plane.T
        tool.putchunk(pixels)


def make(folder, bad):
    products = Products(channels=CHANNELS, continuum=False)
    products.model[:, 45, 40] = 100 * NOISE
    products.add_confetti(SUSPECT, *PLACE, 14 * NOISE)
    if bad:
        products.add_confetti(bad, 12, 48, 40 * NOISE)
    products.mask = np.ones_like(products.model)
    with working_in(folder):
        write_cube("line", products)
        os.mkdir("line.ms")
        record()
        result = confetti_check(imagename="line", unsupported=5, surround=0, deconvolve="none")
        assert (result["channels"], result["suspects"]) == ([bad] if bad else [], [SUSPECT])
    return folder, products


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A folder with a checked cube, with a bad channel and a suspicious one."""
    return make(tmp_path_factory.mktemp("both"), bad=BAD)


@pytest.fixture(scope="module")
def suspicious(tmp_path_factory):
    """A folder with a checked cube, with a suspicious channel."""
    return make(tmp_path_factory.mktemp("suspicious"), bad=None)


@pytest.fixture
def pretend(monkeypatch):
    """Go to a folder, with a pretended tclean; nothing may change the inputs."""
    from confetti_task.private import task_confetti_reclean as task

    inputs = {}

    def in_folder(checked, *times, kind=SecondTclean):
        folder, products = checked
        copy_here(folder)
        inputs.update(before=checksum(*INPUTS))
        tclean = kind(products, *times)
        monkeypatch.setattr(task, "tclean", tclean)
        return tclean

    yield in_folder
    assert checksum(*INPUTS) == inputs["before"]


def changed_channels(root):
    planes = [(read_image(f"line.{name}") != read_image(f"{root}.{name}")).any(axis=(1, 2)) for name in PRODUCTS]
    return np.flatnonzero(np.any(planes, axis=0)).tolist()


@pytest.mark.parametrize("method", ["subcubes", "cube"])
def test_a_fake_source_that_is_gone_is_proved_and_its_channel_gets_the_new_planes(pretend, suspicious, method):
    pretend(suspicious, 0)
    result = confetti_reclean(imagename="line", method=method)
    proof = result["proof"]
    assert (proof["condemned"], proof["acquitted"], proof["undecided"]) == ([SUSPECT], [], [])
    assert SUSPECT in changed_channels("line_reclean")
    np.testing.assert_array_equal(read_image("line_reclean.model")[SUSPECT], read_image("line.model")[0])
    assert result["after"]["verdict"] == "clean"
    find = QTable.read(proof["table"])[0]
    assert (find["proof"], find["channel"], find["y"], find["x"]) == ("proved", SUSPECT, *PLACE)
    assert find["old"] > 5 > 2 > abs(find["new"])
    mask = read_image(proof["mask"])
    assert mask.sum() == proof["proved"]
    assert mask[(SUSPECT, *PLACE)]


@pytest.mark.parametrize("method", ["subcubes", "cube"])
def test_a_channel_that_comes_out_the_same_is_acquitted_and_keeps_its_old_planes_bit_for_bit(pretend, both, method):
    pretend(both)
    result = confetti_reclean(imagename="line", method=method)
    proof = result["proof"]
    assert (result["channels"], proof["condemned"], proof["acquitted"]) == ([BAD, SUSPECT], [], [SUSPECT])
    for name in PRODUCTS:
        old, new = (read_image(f"{root}.{name}")[SUSPECT] for root in ("line", "line_reclean"))
        np.testing.assert_array_equal(new, old)
    assert result["after"]["verdict"] == "clean"
    channels = QTable.read("line_reclean.confetti.channels.ecsv")
    assert channels["verdict"][SUSPECT] == "acquitted"


def test_a_source_that_is_known_to_be_real_is_never_proved_to_be_fake(pretend, suspicious):
    pretend(suspicious, 0)
    row = QTable.read("line.confetti.ecsv")[0]
    known = [(row["ra"].value, row["dec"].value)]
    confetti_check(imagename="line", unsupported=5, surround=0, known=known, overwrite=True)
    result = confetti_reclean(imagename="line", chans=str(SUSPECT))
    assert result["proof"]["proved"] == 0
    assert result["proof"]["changed"] == 1
    assert not read_image(result["proof"]["mask"]).any()


def test_where_all_are_acquitted_the_old_cube_is_the_good_one_and_no_other_is_written(pretend, suspicious):
    pretend(suspicious)
    result = confetti_reclean(imagename="line")
    assert os.path.basename(result["imagename"]) == "line"
    assert result["proof"]["acquitted"] == [SUSPECT]
    assert result["after"]["verdict"] == "clean"
    assert not os.path.exists("line_reclean.image")
    assert not os.path.exists("line_reclean.work")
    assert os.path.exists("line_reclean.proof.ecsv")


def test_where_all_are_acquitted_nothing_is_imaged_once_more_though_models_are_spread(pretend, suspicious):
    """The adjacent channels have a little of what the new model lacks, but it is the old one that stays."""
    tclean = pretend(suspicious, kind=SpreadingTclean)
    tclean.part = 0.97
    result = confetti_reclean(imagename="line", method="cube")
    assert result["proof"]["acquitted"] == [SUSPECT]
    assert tclean.gains == [0.1, 0.05]  # the second way, and no third run
    assert not os.path.exists("line_reclean.image")


def test_the_check_takes_the_acquittal_from_the_table_while_the_model_is_the_same(pretend, suspicious):
    pretend(suspicious)
    table = confetti_reclean(imagename="line")["proof"]["table"]
    again = {"imagename": "line", "unsupported": 5, "surround": 0, "overwrite": True}
    assert confetti_check(**again)["verdict"] == "suspicious"
    assert confetti_check(**again, proof=table)["verdict"] == "clean"
    products = suspicious[1]
    write_cube("other", products)
    put_channel("other.model", SUSPECT, 1.01 * products.model[SUSPECT])
    put_channel("other.image", SUSPECT, products.image[SUSPECT] * 1.01 - 0.01 * products.residual[SUSPECT])
    assert confetti_check(imagename="other", unsupported=5, surround=0, proof=table)["verdict"] == "suspicious"


def test_a_channel_in_which_nothing_stands_out_is_acquitted_too(pretend, suspicious):
    pretend(suspicious)
    table = confetti_reclean(imagename="line")["proof"]["table"]
    proof = QTable.read(table)
    proof[:0].write(table, format="ascii.ecsv", overwrite=True)
    again = confetti_check(imagename="line", unsupported=5, surround=0, proof=table, overwrite=True)
    assert again["verdict"] == "clean"


def test_a_source_that_comes_back_without_support_is_cleaned_in_a_second_way_before_it_is_believed(pretend, suspicious):
    tclean = pretend(suspicious, 1)
    result = confetti_reclean(imagename="line")
    assert tclean.gains == [0.1, 0.05]
    assert result["proof"]["condemned"] == [SUSPECT]
    assert any("cleaning once more" in warning for warning in result["warnings"])


def test_where_models_are_spread_an_acquitted_channel_next_to_a_bad_one_loses_its_part_of_the_bad_model(
    pretend, tmp_path_factory
):
    beside = make(tmp_path_factory.mktemp("beside"), bad=SUSPECT - 1)
    pretend(beside, kind=SpreadingTclean)
    result = confetti_reclean(imagename="line", method="subcubes")
    assert result["proof"]["acquitted"] == [SUSPECT]
    np.testing.assert_array_equal(read_image("line_reclean.model")[SUSPECT], read_image("line.model")[SUSPECT])
    part = (read_image("line_reclean.residual") - read_image("line.residual"))[SUSPECT]
    assert abs(part[12, 48]) > 3 * NOISE
    assert any(f"{SUSPECT}" in text and "next to bad ones" in text for text in result["warnings"])


def test_without_suspects_only_bad_channels_are_cleaned_again(pretend, both):
    pretend(both, 0)
    result = confetti_reclean(imagename="line", suspects=False)
    assert result["channels"] == [BAD]
    assert result["after"]["suspects"] == [SUSPECT]


def test_chosen_channels_get_new_planes_and_no_others_do(pretend, both):
    pretend(both)
    result = confetti_reclean(imagename="line", chans=str(SUSPECT))
    assert result["channels"] == [SUSPECT]
    assert result["proof"]["acquitted"] == []
    assert "channels 20 were bad before but were not selected" in " ".join(result["warnings"])


def test_the_script_of_a_dry_run_decides_about_suspects_too(pretend, both):
    tclean = pretend(both)
    prepared = confetti_reclean(imagename="line", dryrun=True, method="subcubes")
    for name in sorted({name.split(".")[0] for name in os.listdir("line_reclean.work") if "-" in name}):
        root = os.path.abspath(f"line_reclean.work/{name}")
        tclean(imagename=root, startmodel=root + ".startmodel", mask=root + ".cleanmask", gain=0.1)
    result = finish_reclean("line_reclean")
    assert prepared["channels"] == result["channels"] == [BAD, SUSPECT]
    assert result["proof"]["undecided"] == [SUSPECT]  # it came back: a second way would decide


def test_the_proof_names_the_channels_with_new_planes_and_the_page_shows_them_before_and_after(pretend, both):
    pretend(both)
    proof = QTable.read(confetti_reclean(imagename="line")["proof"]["table"])
    assert proof.meta["replaced"] == [BAD]
    checked = confetti_task.confetti_check(
        imagename="line_reclean", unsupported=5, surround=0, npanels=1, overwrite=True
    )
    page = Path(checked["report"]).read_text(encoding="utf-8")
    assert f"New planes in channels {BAD}; channels {SUSPECT} are acquitted" in page
    assert f"Before and after 1: channel {BAD}, " in page
    assert "proved, a fake source" in page


def test_what_fails_after_the_second_way_can_be_finished(pretend, both, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    pretend(both, 1)
    with monkeypatch.context() as patched:
        patched.setattr(new_images, "publish", fail)
        with pytest.raises(OSError, match="disk full"):
            confetti_reclean(imagename="line")
    assert not os.path.exists("line_reclean.image")
    result = finish_reclean("line_reclean")
    assert (result["channels"], result["proof"]["condemned"]) == ([BAD, SUSPECT], [SUSPECT])
    assert not os.path.exists("line_reclean.work")


def test_a_run_that_is_stopped_in_the_second_way_loses_nothing_and_the_next_one_starts_over(pretend, both):
    tclean = pretend(both, 1)
    tclean.stops_at = 2
    with pytest.raises(KeyboardInterrupt):
        confetti_reclean(imagename="line")
    assert not os.path.exists("line_reclean.image")
    tclean.gains, tclean.stops_at = [], None
    result = confetti_reclean(imagename="line", overwrite=True)
    assert tclean.gains == [0.1, 0.05]
    assert result["proof"]["condemned"] == [SUSPECT]
    assert not os.path.exists("line_reclean.work")


@pytest.mark.kill
@pytest.mark.long
def test_killed_between_any_two_renames_the_older_set_comes_back_or_the_acquittal_is_finished(pretend, suspicious):
    """The older set has new images; where nothing is replaced there are none."""
    tclean = pretend(suspicious, 0)
    confetti_reclean(imagename="line")
    older = new_set()
    tclean.times = 99
    work = {name: f"line_reclean.work/27-32{suffix}" for name, suffix in FILES.items()}
    for number in itertools.count():
        confetti_reclean(imagename="line", dryrun=True, overwrite=True)
        tclean(**work, gain=0.1)
        if not killed_at_move(number):
            break
        confetti_reclean(imagename="line", dryrun=True, overwrite=True)
        assert new_set() == older
    assert number >= 10
    assert not any(name.endswith((".image", ".model")) for name in new_set())
    assert "line_reclean.proof.ecsv" in new_set()


def test_a_table_that_is_no_proof_is_named(suspicious):
    copy_here(suspicious[0])
    for table in ("nowhere.ecsv", "line.confetti.ecsv"):
        with pytest.raises(ValueError, match=f"proof='{table}' is not a table that confetti_reclean wrote"):
            confetti_check(imagename="line", proof=table, overwrite=True)


def test_what_is_suspicious_again_is_measured_however_high_the_noise_of_the_new_images_is(monkeypatch):
    old, new = Products(), Products()
    new.residual *= 4
    random = np.random.default_rng(6)
    for channel in range(len(new.model)):
        for y, x in random.integers(8, 56, (6, 2)):
            new.add_confetti(channel, y, x, 20 * NOISE)
    write_cube("old", old)
    write_cube("new", new)
    result = confetti_check(imagename="old")
    tables = [QTable.read(result[name]) for name in ("table", "channeltable")]
    plan = SimpleNamespace(suspects=[2, 3, 4], name=lambda run: "new")
    usual = suspicious_again(plan, (0, 6), tables)
    monkeypatch.setattr("confetti_task.private.check.evidence.ESTIMATE_SUFFICES", 0)
    assert len(usual) > 5
    where = ["channel", "y", "x", "suspicion"]
    assert usual[where].tolist() == suspicious_again(plan, (0, 6), tables)[where].tolist()


# In bad channels

REAL, FAKE = (26, 24), (12, 48)


class FindsItAgain(SecondTclean):
    """Finds in the bad channel nearly what its old model has at one of two places, and nothing at the other."""

    def __call__(self, imagename, startmodel, **others):
        first, last = map(int, os.path.basename(imagename).split("-"))
        if first <= BAD <= last:
            put_channel(startmodel, BAD - first, self.again)
        super().__call__(imagename=imagename, startmodel=startmodel, **others)


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A folder with a checked cube in which two sources of a channel are masked, and the model of one of them."""
    folder, products = tmp_path_factory.mktemp("masked"), Products(channels=CHANNELS, continuum=False)
    products.add_confetti(BAD, *REAL, 40 * NOISE)
    again = 0.98 * products.model[BAD]
    products.add_confetti(BAD, *FAKE, 40 * NOISE)
    products.model[:, 45, 40] += 100 * NOISE
    again[45, 40] += 100 * NOISE
    products.mask = np.ones_like(products.model)
    with working_in(folder):
        write_cube("line", products)
        os.mkdir("line.ms")
        record()
        confetti_check(imagename="line", deconvolve="none")
        mask = read_image("line.confetti.mask")
        assert [mask[(BAD, *place)] for place in (REAL, FAKE)] == [1, 1]
    return folder, products, again


@pytest.fixture
def proved(pretend, masked):
    """The result of cleaning it again, and the loop gains with which this was done."""
    *checked, again = masked
    tclean = pretend(checked, 0, kind=FindsItAgain)
    tclean.again = again
    return confetti_reclean(imagename="line"), tclean.gains


def class_at(table, y, x):
    """Class of the source of the bad channel within a beam of a place."""
    sources = QTable.read(table)
    here = (np.hypot(sources["y"] - y, sources["x"] - x) <= BEAM) & (sources["channel"] == BAD)
    return sorted(set(sources["class"][here]))


def test_what_was_proved_real_is_not_confetti_in_the_check_that_follows(proved):
    result, gains = proved
    proof = QTable.read(result["proof"]["table"])
    assert sorted(set(proof["proof"])) == ["proved", "real"]
    assert result["after"]["verdict"] == "clean"
    assert len(gains) == 1
    assert not [text for text in result["warnings"] if "remain" in text or "still bad" in text]
    assert not read_image("line_reclean.confetti.mask").any()
    assert class_at("line_reclean.confetti.ecsv", *REAL) == ["real"]
    (source,) = [row for row in QTable.read("line_reclean.confetti.ecsv") if row["class"] == "real"]
    assert as_text([why_not_masked(source, {})]).startswith("Proved real: still there, and the same")


def test_nor_in_a_later_check_with_that_proof_of_the_new_images_or_of_the_old_ones(proved):
    again = confetti_check(imagename="line_reclean", outfile="again")  # with the proof next to the images
    assert again["verdict"] == "clean"
    old = confetti_check(imagename="line", outfile="old", proof="line_reclean.proof.ecsv")
    assert class_at(old["table"], *REAL) == ["real"]
    assert class_at(old["table"], *FAKE) == ["confetti"]  # that one has gone, and was fake
    assert old["channels"] == [BAD]


def test_a_channel_that_has_another_model_since_is_judged_anew(proved, masked):
    _, products, _ = masked
    for product in ("model", "image", "residual", "psf"):
        shutil.copytree(f"line.{product}", f"other.{product}")
    model = 1.1 * products.model[BAD]
    put_channel("other.model", BAD, model)
    put_channel("other.image", BAD, products.residual[BAD] + convolve(model, gaussian(BEAM)))
    other = confetti_check(imagename="other", proof="line_reclean.proof.ecsv")
    assert class_at(other["table"], *REAL) == ["confetti"]
