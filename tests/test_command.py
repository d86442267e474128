"""python -m confetti_task, and a session of casashell."""

import json
import subprocess
import sys

import pexpect
import pytest
from casa_images import write_cube
from skies import NOISE, Products

from confetti_task.__main__ import main


@pytest.fixture
def line():
    products = Products()
    products.add_confetti(3, 30, 26, 80 * NOISE)
    write_cube("line", products)


def test_the_command_prints_the_result_and_exits_with_0_though_there_is_confetti(line):
    command = [sys.executable, "-m", "confetti_task", "line", "--chans", "2~4", "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["channels"] == [3]


def test_the_command_exits_with_1_only_where_asked(line):
    assert main(["line", "--fail-on-confetti", "--no-report"]) == 1
    assert main(["line", "--fail-on-confetti", "--chans", "0~1", "--overwrite", "--no-report"]) == 0


def test_the_command_exits_with_2_where_it_could_not_check(capsys):
    assert main(["nothing"]) == 2
    assert "nothing.model" in capsys.readouterr().err


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
    say("import numpy as np; imagename = 'line'; chans = '2~4'; known = np.array([[10.0, 20.0]])")
    say("inp()", r"imagename +=.*'line'", r"chans +=.*'2~4'", r"known +=.*\[\[10.0, 20.0\]\]")
    say("result = go(); print('found', result['channels'])", r"found \[3\]")
    say("default(confetti_check); print('imagename' in globals())", "False")
    say("tget(confetti_check); print('got', imagename, chans, known)", r"got line 2~4 \[\[10.0, 20.0\]\]")
    say("overwrite = True; tput(confetti_check); print(open('confetti_check.last').read())", "overwrite +=.*True")
    say("print('called', confetti_check(imagename='line', overwrite=True)['nsources'])", "called 1")
    say("confetti_check(imagename='nowhere')", "nowhere.model and nowhere.image and nowhere.residual not found")
    say("from confetti_task.gotasks import confetti_reclean; default(confetti_reclean); inp()", "gain +=.*0.1")
    say("imagename = 'line'; go()", "line.image has no run of tclean in its history")
    say("exit()")
    session.expect(pexpect.EOF)
