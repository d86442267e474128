"""CASA as people start it: a session, a script, a start-up file, several processes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from casa_images import working_in, write_cube
from conftest import TOP
from skies import NOISE, Products

# The longest that a test waits for a process that hangs.
LONG_SECONDS = 120


def write_line():
    products = Products()
    products.add_confetti(3, 30, 26, 80 * NOISE)
    write_cube("line", products)


@pytest.fixture
def line():
    """A cube with confetti in channel 3."""
    write_line()


def casa(script, home=None, before=(), **preload):
    """Run a script as 'casa -c' does, and return what it printed."""
    Path("script.py").write_text(script, encoding="utf-8")
    options = ["--nogui", "--nologger", "--nologfile", "--agg", "--colors=NoColor"]
    command = [*before, sys.executable, "-m", "casashell", *options, "-c", "script.py"]
    environment = dict(os.environ, HOME=str(home or os.environ["HOME"]), **preload)
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=environment, timeout=LONG_SECONDS, check=False
    ).stdout


@pytest.mark.usefixtures("line")
def test_a_session_can_inp_go_default_tget_and_tput(monkeypatch):
    monkeypatch.setenv("IPY_TEST_SIMPLE_PROMPT", "1")
    monkeypatch.setenv("TERM", "dumb")
    options = ["-m", "casashell", "--nologger", "--nologfile", "--colors=NoColor"]
    session = pexpect.spawn(sys.executable, options, encoding="utf-8", timeout=60, dimensions=(60, 200))

    def say(command, *expected):
        session.expect(r"CASA <\d+>: ")
        session.sendline(command)
        for pattern in expected:
            session.expect(pattern)

    say("from confetti_task.gotasks import confetti_check")
    say("inp(confetti_check)", "# confetti_check -- Find the fake sources", "imagename +=.*Root name", "nsigma +=.*2.5")
    say("import numpy as np; from pathlib import Path; imagename = Path('line')")
    say("chans = '2~4'; known = np.array([[10.0, 20.0]])")
    say("report = False; minutes = 1e-6")  # a page and deconvolving again take seconds; deconvolve is a task of CASA
    say("inp()", r"imagename +=.*'line'", r"chans +=.*'2~4'", r"known +=.*\[\[10.0, 20.0\]\]")
    say("result = go(); print('found', result['channels'])", r"found \[3\]")
    say("default(confetti_check); print('imagename' in globals())", "False")
    say("tget(confetti_check); print('got', imagename, chans, known)", r"got line 2~4 \[\[10.0, 20.0\]\]")
    say("overwrite = True; tput(confetti_check); print(open('confetti_check.last').read())", "overwrite +=.*True")
    options = "report=False, deconvolve='none', overwrite=True"
    say(f"print('called', confetti_check(imagename='line', {options})['nsources'])", "called 1")
    say("confetti_check(imagename='nowhere')", "nowhere.model and nowhere.image and nowhere.residual not found")
    say("from confetti_task.gotasks import confetti_reclean; default(confetti_reclean); inp()", "gain +=.*0.1")
    say("imagename = 'line'; go()", "line.image and its model have no tclean run")
    say("default(confetti_check); print('still a task', callable(deconvolve))", "still a task True")  # that of CASA
    say("exit()")
    session.expect(pexpect.EOF)


# One script that does several things after each other: CASA takes seconds to start.
SCRIPT = """
chans = '0~1'  # of the script, not for the task
from confetti_task import confetti_check
print('found', confetti_check(imagename='line', report=False, deconvolve='none')['chans'], chans)
execfile('inner.py')
{readme}
inp(confetti_check); inp(confetti_reclean)
confetti_check.tget()
print('got', imagename)
try:
    confetti_check.tget('other.saved')
except ValueError as error:
    print(error)
"""
INNER = """
from confetti_task import confetti_check
print('inside', confetti_check(imagename='line', outfile='inside', report=False, deconvolve='none')['chans'])
"""
SAVED = """
import os
os.mkdir('run')
imagename = 'line'
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """What the script printed, and the folder where it ran."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    (imports,) = re.findall(r"`(from confetti_task\.gotasks import [^`]*)`", readme)
    with working_in(tmp_path_factory.mktemp("script")) as folder:
        write_line()
        Path("inner.py").write_text(INNER, encoding="utf-8")
        Path("confetti_check.last").write_text(SAVED, encoding="utf-8")
        Path("other.saved").write_text("imagename = os.mkdir('run')", encoding="utf-8")
        return casa(SCRIPT.format(readme=imports)), folder


def test_a_script_of_casa_calls_it_with_keywords_and_finds_nothing_of_it_in_its_own_names(script):
    assert "found 3 0~1" in script[0]


def test_a_script_may_come_through_execfile(script):
    assert "inside 3" in script[0]


def test_the_import_that_the_readme_gives_for_a_session_makes_tasks_of_it(script):
    assert "# confetti_check -- Find the fake sources" in script[0]
    assert "# confetti_reclean -- " in script[0]


def test_saved_parameters_are_read_and_not_run(script):
    printed, folder = script
    assert "got line" in printed
    assert "other.saved contains more than assigned values; correct it, or remove it" in printed
    assert not (folder / "run").exists()


@pytest.mark.usefixtures("line")
def test_a_start_up_file_makes_it_a_task_of_every_session(tmp_path):
    start_up = tmp_path / "home" / ".casa" / "startup.py"
    start_up.parent.mkdir(parents=True)
    start_up.write_text("from confetti_task.gotasks import confetti_check, confetti_reclean\n", encoding="utf-8")
    script = """
inp(confetti_check)
print('found', confetti_check(imagename='line', report=False, deconvolve='none')['chans'])
"""
    printed = casa(script, tmp_path / "home")
    assert "# confetti_check -- Find the fake sources" in printed
    assert "found 3" in printed


MPIRUN = shutil.which("mpirun", path=os.path.dirname(sys.executable)) or shutil.which("mpirun")
THREE_PROCESSES = (MPIRUN, "--allow-run-as-root", "--oversubscribe", "--mca", "plm", "isolated", "-n", "3")


# CASA 6.5 from pip brings an MPI library that does not find its parts: the first one to be loaded serves.
MPI_LIBRARY = Path(sys.prefix) / "lib" / "libmpi.so.40"


@pytest.mark.skipif(not MPIRUN, reason="there is no mpirun")
@pytest.mark.usefixtures("line")
@pytest.mark.parametrize("shell", [False, pytest.param(True, marks=pytest.mark.long)])
def test_of_several_processes_one_does_the_work_and_none_waits_for_ever(shell):
    pytest.importorskip("casampi")
    script = """
from confetti_task import confetti_check
result = confetti_check(imagename='line', report=False, deconvolve='none')
try:
    confetti_check(imagename='line', report=False, deconvolve='none')
except ValueError as error:
    print('refused:', error)
print('found', result['chans'])
"""
    preload = {"LD_PRELOAD": str(MPI_LIBRARY)} if MPI_LIBRARY.exists() else {}
    if shell:
        printed = casa(script, before=THREE_PROCESSES, **preload)
    else:
        command, environment = [*THREE_PROCESSES, sys.executable, "-c", script], dict(os.environ, **preload)
        printed = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=environment, timeout=LONG_SECONDS, check=False
        ).stdout
    assert printed.count("found 3") == 1
    assert printed.count("refused: line.confetti") == 1
