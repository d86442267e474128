"""What happens when the check is killed, twice at work, or out of room: nothing is lost, nothing is half."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import checksum, join_virtually, read_image, write_cube
from checks import confetti_check
from children import die_before_rename, in_a_child, wait
from skies import NOISE, Products

import confetti_task
from confetti_task.private import check_cube
from confetti_task.private.images import locks
from confetti_task.private.products import reserved
from confetti_task.private.staging import exclusive, publish

INPUTS = ("line.model", "line.image", "line.residual", "line.psf")
HOT = (3, 30, 26)  # channel, y, x of the confetti


@pytest.fixture
def line():
    products = Products()
    products.add_confetti(*HOT, 20 * NOISE)
    write_cube("line", products)
    return checksum(*INPUTS)


def products_of(outfile="line.confetti"):
    return sorted(name for name in os.listdir() if name.startswith(outfile))


def assert_none_is_half(outfile="line.confetti"):
    """Whatever has a final name can be read, and the mask stands only beside tables."""
    found = products_of(outfile)
    for name in found:
        if name.endswith("mask"):
            assert read_image(name).any()
        elif name.endswith(".ecsv"):
            assert len(QTable.read(name))
    if f"{outfile}.mask" in found:
        assert {f"{outfile}.ecsv", f"{outfile}.channels.ecsv", f"{outfile}.cleanmask"} <= set(found)


def assert_the_next_run_succeeds(inputs, overwrite):
    assert wait(in_a_child(lambda: confetti_check(imagename="line", overwrite=overwrite))) == 0
    assert np.argwhere(read_image("line.confetti.mask")).tolist() == [list(HOT)]
    assert not [name for name in os.listdir() if name.startswith(".")]
    assert checksum(*INPUTS) == inputs


@pytest.mark.kill
@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_at_any_moment_it_loses_nothing_and_the_next_run_succeeds(line, end, overwrite, record_property):
    """Ten random moments for each signal, with older products and without: sixty."""
    moments = random.Random(int(end) + 100 * overwrite)
    started = time.time()
    confetti_check(imagename="line")
    duration = time.time() - started
    for _ in range(10):
        if not overwrite:
            for name in products_of():
                shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        child = in_a_child(lambda: confetti_check(imagename="line", overwrite=overwrite))
        time.sleep(moments.uniform(0, duration))
        os.kill(child, end)
        wait(child)
        assert_none_is_half()
        complete = os.path.exists("line.confetti.mask")
        assert_the_next_run_succeeds(line, overwrite or complete)
    record_property("times", 10)


@pytest.mark.kill
@pytest.mark.parametrize("older", [False, pytest.param(True, marks=pytest.mark.long)])
def test_killed_between_any_two_renames_the_next_run_finds_what_was_there_before(line, older, record_property):
    moves = 0
    while True:
        for name in products_of():
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        if older:
            confetti_check(imagename="line", chans="0~5")

        def check(killed_at=moves):
            die_before_rename(killed_at)
            confetti_check(imagename="line", overwrite=older)

        if wait(in_a_child(check)) == 0:
            break
        assert_none_is_half()
        with pytest.raises(ValueError, match="chans='99'"):
            confetti_check(imagename="line", chans="99")  # refused before anything is touched
        assert wait(in_a_child(lambda: confetti_check(imagename="line", chans="0~4", overwrite=older))) == 0
        assert QTable.read("line.confetti.channels.ecsv")["channel"].max() == 4
        assert not [name for name in os.listdir() if name.startswith(".")]
        moves += 1
    assert moves >= (9 if older else 5)
    record_property("times", moves)
    assert checksum(*INPUTS) == line


def test_two_runs_at_once_are_one_run_and_an_error(line, record_property):
    """The second is refused while the first is at work, and both leave complete products."""
    statuses = []
    for _ in range(5):
        children = [in_a_child(lambda: confetti_check(imagename="line", overwrite=True)) for _ in range(3)]
        statuses += [wait(child) == 0 for child in children]
        assert_none_is_half()
        assert len(products_of()) == 4
    assert statuses.count(True) >= 5
    record_property("times", len(statuses))
    assert checksum(*INPUTS) == line


def test_a_run_beside_another_says_so(line):
    with exclusive("line.confetti"), pytest.raises(
        ValueError, match="another confetti_check is writing these products"
    ):
        confetti_check(imagename="line")
    assert confetti_check(imagename="line")["channels"] == [3]


def test_older_products_survive_though_taking_back_is_interrupted_too(line, monkeypatch):
    before = checksum(confetti_check(imagename="line")["mask"])
    rename, interrupts = os.rename, []

    def interrupted(source, target):
        placing = target == "line.confetti.mask" and "partial" in source and "old" not in os.path.basename(source)
        if placing or len(interrupts) == 1:
            interrupts.append(target)
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        confetti_check(imagename="line", overwrite=True, chans="0~1")
    assert len(interrupts) == 2
    assert checksum("line.confetti.mask") == before
    assert QTable.read("line.confetti.channels.ecsv")["channel"].max() == 6


def test_a_journal_that_cannot_be_read_is_named_and_nothing_is_cleared(line):
    os.makedirs(".line.confetti.partial/old.mask")
    open(".line.confetti.partial/moves.json", "w").close()
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"line.confetti.partial/moves.json cannot be read: .*; move back what you"
        ):
            confetti_check(imagename="line")
        assert os.path.isdir(".line.confetti.partial/old.mask")
    shutil.rmtree(".line.confetti.partial")
    assert confetti_check(imagename="line")["channels"] == [3]


def test_products_of_a_folder_behind_a_link_are_taken_back_to_where_they_were(tmp_path):
    products, partial = tmp_path / "products", tmp_path / "products" / ".line.partial"
    (tmp_path / "far" / "away").mkdir(parents=True)
    products.symlink_to("far/away")
    partial.mkdir()
    for name in ("line.mask", "line.ecsv"):
        (products / name).write_text("older")
        (partial / name).write_text("new")

    def move():
        die_before_rename(4)  # the journal, the older ones, and one of the new
        publish("products/line", "products/.line.partial/line", "products/.line.partial/old", (".ecsv", ".mask"))

    assert os.WIFSIGNALED(wait(in_a_child(move)))
    assert (products / "line.ecsv").read_text() == "new"
    with exclusive("products/line"):
        pass
    assert sorted(os.listdir(products)) == ["line.ecsv", "line.mask"]
    assert {(products / name).read_text() for name in os.listdir(products)} == {"older"}


def test_older_products_that_are_links_are_replaced_and_what_they_point_to_stays(line):
    result = confetti_check(imagename="line")
    os.mkdir("elsewhere")
    for path in (result["mask"], result["table"]):
        os.rename(path, f"elsewhere/{path}")
        os.symlink(f"elsewhere/{path}", path)
    elsewhere = checksum("elsewhere")
    confetti_check(imagename="line", overwrite=True)
    assert not os.path.islink(result["mask"])
    assert checksum("elsewhere") == elsewhere
    assert not [name for name in os.listdir() if name.startswith(".")]


STEPS = ("task_confetti_check.open_pieces", "check_cube.make_tables", "products.write_image", "products.publish")


@pytest.mark.parametrize("name", STEPS)
def test_out_of_memory_leaves_nothing(line, name, monkeypatch):
    def fail(*_args, **_named):
        raise MemoryError

    monkeypatch.setattr(f"confetti_task.private.{name}", fail)
    with pytest.raises(MemoryError):
        confetti_check(imagename="line")
    assert products_of() == []
    assert not [name for name in os.listdir() if name.startswith(".")]
    assert checksum(*INPUTS) == line


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB, where this machine lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("report", [False, True])
def test_a_full_disk_is_an_error_and_leaves_what_was_there(line, small_disk, report):
    keep = small_disk / "keep"
    keep.write_bytes(b"x" * 2_900_000)
    with pytest.raises((OSError, RuntimeError)):
        confetti_task.confetti_check(imagename="line", outfile=str(small_disk / "line"), report=report, npanels=3)
    assert os.listdir(small_disk) == ["keep"]
    assert checksum(*INPUTS) == line


def test_a_full_disk_does_not_end_the_session_wherever_the_room_ends(line, small_disk, record_property):
    """The room that is left decides where it fails: at the tables, at the masks, or between."""
    for room in range(50_000, 2_900_000, 50_000):
        (small_disk / "keep").write_bytes(b"x" * (3_000_000 - room))
        child = in_a_child(lambda: confetti_check(imagename="line", outfile=str(small_disk / "line")))
        status = wait(child)
        assert not os.WIFSIGNALED(status)
        if status:
            assert os.listdir(small_disk) == ["keep"]
        else:
            assert read_image(str(small_disk / "line.mask")).sum() == 1
            break
    record_property("times", room // 50_000)
    assert checksum(*INPUTS) == line


@pytest.fixture(params=["", pytest.param("direct_io", marks=pytest.mark.long)])
def slow_disk(tmp_path, request):
    """The folder of the images as a slow file system shows it, which with direct_io does not let files be mapped."""
    mount = tmp_path / "slow"
    mount.mkdir()
    script = os.path.join(os.path.dirname(__file__), "slow_disk.py")
    command = [sys.executable, script, str(tmp_path), str(mount), "0.0005", *request.param.split()]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not os.path.ismount(mount):
        if server.poll() is not None:
            pytest.skip("needs FUSE and the right to mount a file system")
        time.sleep(0.05)
    yield mount
    subprocess.run(["fusermount", "-u", str(mount)], check=True)
    server.wait()


def test_a_slow_disk_or_one_that_maps_no_files_changes_nothing(line, slow_disk):
    result = confetti_check(imagename=f"{slow_disk}/line")
    assert np.argwhere(read_image(result["mask"])).tolist() == [list(HOT)]
    assert not [name for name in os.listdir() if name.startswith(".")]
    assert checksum(*INPUTS) == line


def test_an_unwritable_folder_is_named_before_anything_is_measured(line, tmp_path):
    os.chmod(tmp_path, 0o555)

    def check_as_nobody():
        if os.getuid() == 0:
            os.setuid(65534)  # root may write everywhere
        with pytest.raises(ValueError, match="cannot write in"), reserved("line.confetti", None, False, False):
            pass

    assert wait(in_a_child(check_as_nobody)) == 0
    os.chmod(tmp_path, 0o755)
    assert checksum(*INPUTS) == line


HOLD = """
import time
from casatools import image
tool = image()
tool.open("line.model")
tool.putchunk(tool.getchunk([0, 0, 0, 0], [0, 0, 0, 0]), [0, 0, 0, 0])
print("held", flush=True)
time.sleep(SECONDS)
"""


@pytest.fixture
def hold():
    """Another process that writes the model and keeps it for some seconds."""
    processes = []

    def start(seconds):
        code = HOLD.replace("SECONDS", str(seconds))
        processes.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE))
        assert processes[-1].stdout.readline() == b"held\n"
        return processes[-1].pid

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.skipif(not os.path.exists(locks.LOCKS), reason="only Linux tells who has a lock")
def test_an_image_that_is_being_written_is_waited_for_and_not_for_ever(line, hold, monkeypatch):
    pid = hold(300)
    monkeypatch.setattr(locks, "LIMIT_SECONDS", 1)
    with pytest.raises(ValueError, match=f"line.model is being written by process {pid}; call again"):
        confetti_check(imagename="line")
    assert products_of() == []
    monkeypatch.setattr(locks, "LIMIT_SECONDS", 60)
    os.kill(pid, signal.SIGKILL)
    hold(2)
    assert confetti_check(imagename="line")["channels"] == [HOT[0]]


@pytest.mark.parametrize("pixels", ["line.residual", "line.residual.part1"])
def test_images_that_change_while_they_are_checked_give_no_mask(line, pixels, monkeypatch):
    """Those that are joined virtually out of others too."""
    measure = check_cube.survey
    if pixels != "line.residual":
        join_virtually("line.residual", 3)

    def write_meanwhile(*given):
        found = measure(*given)
        with open(f"{pixels}/table.f0_TSM0", "r+b") as file:
            file.write(b"1234")
        return found

    monkeypatch.setattr(check_cube, "survey", write_meanwhile)
    with pytest.raises(ValueError, match="line.residual changed during the check"):
        confetti_check(imagename="line")
    assert products_of() == []


def test_images_that_are_joined_virtually_get_the_same_mask(line):
    expected = read_image(confetti_check(imagename="line")["mask"])
    for product in INPUTS:
        join_virtually(product, 3)
    mask = read_image(confetti_check(imagename="line", overwrite=True)["mask"])
    assert mask.any()
    np.testing.assert_array_equal(mask, expected)


def test_a_session_that_has_the_images_open_itself_can_check_them(line):
    from casatools import image

    tool = image()
    tool.open("line.image")
    assert confetti_check(imagename="line")["channels"] == [HOT[0]]
    tool.done()
