"""python -m confetti_task, which the command confetti_check is too."""

import json
import subprocess
import sys

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
    command = [sys.executable, "-m", "confetti_task", "line", "--chans", "2~4", "--deconvolve", "none", "--overwrite"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["channels"] == [3]


def test_a_module_that_is_called_says_so_in_its_help():
    command = [sys.executable, "-m", "confetti_task", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m confetti_task [-h]")


def test_the_command_exits_with_1_only_where_asked(line):
    assert main(["line", "--fail-on-confetti", "--no-report"]) == 1
    assert main(["line", "--fail-on-confetti", "--chans", "0~1", "--overwrite", "--no-report"]) == 0


def test_the_command_exits_with_2_where_it_could_not_check(capsys):
    assert main(["nothing"]) == 2
    assert "nothing.model" in capsys.readouterr().err


def test_a_suspicious_cube_never_stops_a_chain_of_jobs(capsys):
    products = Products()
    products.add_confetti(1, 20, 40, 10.4 * NOISE)
    write_cube("line", products)
    assert main(["line", "--fail-on-confetti", "--no-report", "--surround", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "suspicious"


def test_the_help_says_which_cubes_give_0(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "a cube that is only suspicious gives 0 as well" in " ".join(capsys.readouterr().out.split())
