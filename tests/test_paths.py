"""No result depends on the way to it: readers, threads, memory, clusters and pieces give the same tables and masks."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import checksum, copy_here, read_image, working_in, write_cube
from checks import confetti_check
from skies import NOISE, Products, gaussian

from confetti_task.private.check import evidence, survey
from confetti_task.private.images import windows

HOT = (3, 30, 26)  # channel, y, x
PIECES = ["piece.0000.004", "piece.0004.004", "piece.0008.003"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """
    A folder with a cube and its check, and the same cube in pieces of 4, 4 and 3 channels; the result of the check.

    The cube has confetti in two channels, hot pixels in all, and a hole in its T/F mask.
    """
    products = Products(channels=11, size=70)
    random = np.random.default_rng(9)
    for place in zip(random.integers(0, 11, 60), *random.integers(0, 70, (2, 60))):
        products.model[place] += random.choice([-1, 1]) * random.exponential() * 5 * NOISE
    products.add_confetti(*HOT, 20 * NOISE)
    products.add_confetti(8, 60, 66, -30 * NOISE)
    products.model[5] = 0
    masked = np.ones(products.model.shape, dtype=bool)
    masked[:, :12, :15] = False
    with working_in(tmp_path_factory.mktemp("made")) as folder:
        write_cube("line", products, masked=masked)
        cut_in_pieces("line")
        return folder, confetti_check(imagename="line", outfile="reference", parallel=1, deconvolve="none")


def cut_in_pieces(root):
    from casatools import image, regionmanager

    tool = image()
    for name, first, last in zip(PIECES, (0, 4, 8), (3, 7, 10)):
        for product in ("model", "image", "residual", "psf"):
            tool.open(f"{root}.{product}")
            region = regionmanager().box(blc=[0, 0, 0, first], trc=[69, 69, 0, last])
            tool.subimage(f"{name}.{product}", region=region, dropdeg=False).done()
            tool.done()


@pytest.fixture
def line(made):
    """The result of a check of the cube with one thread."""
    folder, result = made
    copy_here(folder, "line")
    copy_here(folder, "reference")
    return result


def assert_same(result, reference):
    np.testing.assert_array_equal(read_image(result["mask"]), read_image(reference["mask"]))
    np.testing.assert_array_equal(read_image(result["cleanmask"]), read_image(reference["cleanmask"]))
    for kind in ("table", "channeltable"):
        one, other = (QTable.read(which[kind]) for which in (result, reference))
        for name in other.colnames:
            np.testing.assert_array_equal(one[name], other[name])
    names = ("verdict", "npixels", "nsources", "channels", "severities", "flux", "warnings")
    assert [result[name] for name in names] == [reference[name] for name in names]


@pytest.mark.parametrize(
    "way",
    [{"reader": "ia"}, {"parallel": 2}, {"parallel": 7}, {"memory": 1e-9}, {"memory": 1e-3, "parallel": 3}],
    ids=str,
)
def test_reader_threads_and_memory_change_nothing(line, way):
    assert line["channels"] == [3, 8]
    assert line["ncandidates"] > 20
    assert_same(confetti_check(imagename="line", **way), line)


@pytest.mark.parametrize("way", [{"memory": 1e-9}, {"parallel": 4}, {"reader": "ia"}], ids=str)
def test_selected_channels_are_the_same_in_every_way(line, way):
    whole = confetti_check(imagename="line", outfile="whole", chans="4~10", parallel=1)
    result = confetti_check(imagename="line", chans="4~10", **way)
    assert result["channels"] == [8]
    assert_same(result, whole)
    reference = QTable.read(line["table"])
    selected = reference[reference["channel"] >= 4]
    np.testing.assert_array_equal(QTable.read(result["table"])["unsupported"], selected["unsupported"])


@pytest.mark.parametrize("chunk", [1, 30000, 100000])
@pytest.mark.parametrize("parallel", [1, 3])
def test_chunks_and_ranges_at_the_joints_of_tiles_change_nothing(line, chunk, parallel, monkeypatch):
    from confetti_task.private.check import measure
    from confetti_task.private.images.cube import Cube

    monkeypatch.setattr(Cube, "depth", 2)
    monkeypatch.setattr(measure, "CHUNK_VOXELS", chunk)
    assert_same(confetti_check(imagename="line", parallel=parallel), line)


def vector_instructions():
    """What numpy may use of the processor, beyond what all processors have."""
    for core in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            return import_module(core).__cpu_dispatch__
        except ImportError:
            continue
    return []


SETTINGS = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    "eight threads": {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8", "MKL_NUM_THREADS": "8"},
    "another BLAS kernel": {"OPENBLAS_CORETYPE": "Prescott"},
    "an old processor": {"NPY_DISABLE_CPU_FEATURES": ",".join(vector_instructions())},
    "another order of sets": {"PYTHONHASHSEED": "7"},
}
QUICK = ("another BLAS kernel",)


@pytest.mark.parametrize(
    "setting", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in SETTINGS]
)
def test_neither_the_processor_nor_its_libraries_change_a_bit(line, setting):
    options = ["--outfile", "other", "--no-report", "--deconvolve", "none"]
    command = [sys.executable, "-m", "confetti_task", "line", *options]
    environment = dict(os.environ, **SETTINGS[setting])
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True).stdout
    assert_same(json.loads(printed[printed.index("{") :]), line)


def test_write_protected_images_are_checked_too(line):
    for folder, _, names in os.walk("line.model"):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
    result = confetti_check(imagename="line")
    for folder, _, names in os.walk(result["mask"]):
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o200 for name in names)


def test_an_image_that_only_casa_reads_changes_nothing(line):
    from casatools import image

    tool = image()
    tool.open("line.residual")
    tool.tofits("residual.fits", stokeslast=False)
    tool.done()
    shutil.rmtree("line.residual")
    os.rename("residual.fits", "line.residual")
    assert_same(confetti_check(imagename="line", parallel=4), line)


@pytest.mark.parametrize(("name", "value"), [("parallel", "many"), ("parallel", -1), ("memory", 0), ("reader", "fits")])
def test_wrong_ways_are_refused(line, name, value):
    with pytest.raises((ValueError, AssertionError), match=name):
        confetti_check(imagename="line", **{name: value})


def test_a_plane_that_is_too_large_to_be_transformed_at_once_is_looked_at_in_windows(line, monkeypatch):
    monkeypatch.setattr(windows, "WINDOW", 48)
    result = confetti_check(imagename="line", outfile="windows")
    for place in (HOT, (8, 60, 66)):
        assert read_image(result["mask"])[place] == 1


def test_each_window_of_a_channel_is_read_and_filtered_once(line, monkeypatch):
    monkeypatch.setattr(windows, "WINDOW", 48)
    seen, view = [], evidence._load_window
    monkeypatch.setattr(evidence, "_load_window", lambda *given: seen.append(given[2:4]) or view(*given))
    confetti_check(imagename="line", outfile="windows", parallel=1)
    assert len(seen) == len(set(seen)) > 11


# Pieces


@pytest.fixture
def pieces(made):
    """Root names of the pieces."""
    copy_here(made[0], "piece")
    return PIECES


@pytest.mark.parametrize("form", ["list", "other order", "pattern", "pattern of images"])
def test_pieces_are_one_spectrum(line, pieces, form):
    given = {"list": pieces, "other order": pieces[::-1], "pattern": "piece.????.*", "pattern of images": "p*.model"}
    result = confetti_check(imagename=given[form], outfile="whole")
    assert_same(result, line)
    table = QTable.read(result["table"])
    assert table["piece"][table["channel"] == 8][0] == "piece.0008.003"
    assert table["piece_channel"][table["channel"] == 8][0] == 0


def test_each_piece_gets_its_own_products_that_tclean_can_use(line, pieces):
    result = confetti_check(imagename="piece.????.*")
    assert result["channels"] == [3, 8]
    assert result["mask"] == [f"{name}.confetti.mask" for name in pieces]
    assert result["cleanmask"] == ["piece.0000.004.confetti.cleanmask", "", "piece.0008.003.confetti.cleanmask"]
    masks = [read_image(name) for name in result["mask"]]
    np.testing.assert_array_equal(np.concatenate(masks), read_image(line["mask"]))
    whole = QTable.read(line["channeltable"])
    tables = [QTable.read(name) for name in result["channeltable"]]
    for name in set(whole.colnames) - {"channel"}:
        np.testing.assert_array_equal(np.concatenate([table[name] for table in tables]), whole[name])
    assert tables[1]["channel"].tolist() == [0, 1, 2, 3]
    assert tables[1]["spectrum_channel"].tolist() == [4, 5, 6, 7]
    assert [table.meta["verdict"] for table in tables] == ["confetti", "clean", "confetti"]


def test_the_masks_of_the_candidates_of_all_pieces_make_up_that_of_the_whole(pieces):
    of_pieces = confetti_check(imagename="piece.????.*", candidatemask=True)["candidatemask"]
    whole = confetti_check(imagename="piece.????.*", candidatemask=True, outfile="whole")["candidatemask"]
    assert of_pieces == [f"{name}.confetti.candidates.mask" for name in pieces]
    assert read_image(whole).any()
    np.testing.assert_array_equal(np.concatenate([read_image(name) for name in of_pieces]), read_image(whole))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["piece.0000.004", "piece.0008.003"], "one channel after"),
        (["piece.0000.004", "piece.0000.004"], "one channel after"),
        (["piece.0000.004", "piece.0004.999"], "not found"),
        ("nothing.*", "no .model"),
        ([], "imagename"),
    ],
)
def test_pieces_that_are_no_spectrum_are_refused_and_nothing_is_written(pieces, names, message):
    before = sorted(os.listdir("."))
    with pytest.raises(ValueError, match=message):
        confetti_check(imagename=names, outfile="whole")
    assert sorted(os.listdir(".")) == before


def test_when_one_piece_cannot_be_written_none_is(pieces, monkeypatch):
    from confetti_task.private import products

    write_image = products.write_image

    def fail(path, *arguments):
        if "piece.0008" in path:
            raise OSError("No space left on device")
        write_image(path, *arguments)

    monkeypatch.setattr(products, "write_image", fail)
    before = sorted(os.listdir("."))
    with pytest.raises(OSError, match="No space left"):
        confetti_check(imagename="piece.????.*")
    assert sorted(os.listdir(".")) == before


def test_a_piece_without_selected_channels_gets_no_products(pieces):
    result = confetti_check(imagename="piece.????.*", chans="0~3")
    assert result["channels"] == [3]
    assert result["mask"] == ["piece.0000.004.confetti.mask", "", ""]
    assert QTable.read(result["table"][0]).meta["parameters"]["chans"] == "0~3"
    assert not os.path.exists("piece.0004.004.confetti.ecsv")


def test_a_blank_piece_is_not_called_clean(pieces):
    from casatools import image

    tool = image()
    tool.open("piece.0004.004.image")
    tool.set(0)
    tool.done()
    tables = confetti_check(imagename="piece.????.*")["table"]
    assert [QTable.read(name).meta["verdict"] for name in tables] == ["confetti", "not applicable", "confetti"]


def test_a_piece_without_a_psf_is_named_and_the_others_are_tested(pieces):
    shutil.rmtree("piece.0008.003.psf")
    result = confetti_check(imagename="piece.????.*")
    assert 3 in result["channels"]
    assert result["warnings"][0].startswith("piece.0008.003.psf not found")


def test_a_piece_that_was_corrected_for_the_primary_beam_is_named_and_changes_nothing(line, pieces):
    from casatools import image

    tool = image()
    tool.open("piece.0004.004.image")
    tool.putchunk(tool.getchunk() / gaussian(100, 70).T[:, :, np.newaxis, np.newaxis])
    tool.done()
    whole = confetti_check(imagename="piece.????.*", outfile="whole")
    assert len(whole["warnings"]) == 1
    assert whole["warnings"][0].startswith("piece.0004.004.image minus piece.0004.004.residual is not the model")
    places = [tuple(row) for row in QTable.read(whole["table"])["class", "channel", "y", "x"]]
    assert places == [tuple(row) for row in QTable.read(line["table"])["class", "channel", "y", "x"]]
    tables = confetti_check(imagename="piece.????.*")["table"]
    assert [len(QTable.read(name).meta["warnings"]) for name in tables] == [0, 1, 0]


def test_a_piece_without_a_clean_mask_does_not_change_those_of_the_others(pieces):
    from casatools import image

    tool = image()
    tool.open("piece.0000.004.model")
    tool.subimage("piece.0000.004.mask", dropdeg=False).done()
    tool.done()
    tool.open("piece.0000.004.mask")
    tool.set(0)
    tool.putchunk(np.ones((20, 20, 1, 4)), blc=[20, 20, 0, 0])
    tool.done()
    result = confetti_check(imagename="piece.????.*", outfile="whole")
    cleaned = read_image(result["cleanmask"])
    assert cleaned[3].sum() == 400
    assert cleaned[8].sum() == 70 * 70 - 12 * 15


# A cluster


@pytest.fixture(scope="module")
def cluster():
    """Two workers in processes of their own."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster) as client:
        yield client


def test_the_workers_of_a_cluster_give_the_same_and_never_import_casa(line, client):
    before = checksum("line.model", "line.image", "line.residual", "line.psf")
    assert_same(confetti_check(imagename="line"), line)
    assert checksum("line.model", "line.image", "line.residual", "line.psf") == before
    imported = client.run(
        lambda: sorted(set(__import__("sys").modules) & {"casatools", "confetti_task.private.check.evidence"})
    )
    assert list(imported.values()) == [["confetti_task.private.check.evidence"]] * 2


def test_a_cluster_whose_workers_are_still_in_the_queue_is_waited_for_and_that_is_said(line, monkeypatch):
    from casatasks import casalog
    from distributed import Client, LocalCluster

    posted = []
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as empty, Client(empty):

        def post(message, *_, **__):
            posted.append(message)
            if "no workers yet" in message:
                empty.scale(1)

        monkeypatch.setattr(casalog, "post", post)
        assert_same(confetti_check(imagename="line"), line)
    assert any("no workers yet: waiting" in message for message in posted)


def test_the_work_of_a_lost_worker_is_done_again(line, client, monkeypatch):
    find, marker = survey.find_candidates, os.path.abspath("killed")

    def die_once(*arguments, **named):
        if not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), 9)
        return find(*arguments, **named)

    die_once.__module__ = "__main__"  # so that it is sent to the workers as a whole
    monkeypatch.setattr(survey, "find_candidates", die_once)
    assert_same(confetti_check(imagename="line"), line)
    assert os.path.exists(marker)


# A process of its own: in one of pytest, the key may be pressed while that deals out tests.
PRESS_CTRL_C = """
import os, signal, time
from confetti_task import confetti_check
from confetti_task.private.check import evidence

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, it would be ignored
begun, view = [], evidence._load_window

def slow_view(*arguments):
    begun.append(arguments)
    if len(begun) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.3)
    return view(*arguments)

evidence._load_window = slow_view
try:
    confetti_check(imagename="line", outfile="other", parallel=2)
except KeyboardInterrupt:
    print("windows begun:", len(begun))
"""


def test_after_ctrl_c_no_thread_goes_on_with_the_next_channel(line):
    printed = subprocess.run([sys.executable, "-c", PRESS_CTRL_C], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert int(printed.split("windows begun:")[1]) < 6  # of 14
    assert_same(confetti_check(imagename="line", outfile="other", parallel=False), line)


def test_workers_of_another_version_are_refused(line, client, monkeypatch):
    monkeypatch.setattr("confetti_task.private.check.worker_pool.__version__", "0.0")
    with pytest.raises(ValueError, match="the dask workers have confetti_task .*this session 0.0"):
        confetti_check(imagename="line", outfile="other")
    assert not os.path.exists("other.mask")
