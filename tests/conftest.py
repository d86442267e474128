"""What the tests share."""

import os
import sys
from collections import namedtuple
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))

Observation = namedtuple("Observation", "sky vis size folder")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    """Every test starts in an empty folder, where CASA and the tests may write."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def observation(tmp_path_factory):
    """A simulated observation, and in its folder the cubes 'careless' and 'careful' by the real tclean."""
    from simulation import CAREFUL, CARELESS, clean, make_sky, observe

    seed, size, channels = 2, 160, 24
    folder = tmp_path_factory.mktemp("observation")
    before = os.getcwd()
    os.chdir(folder)
    sky = make_sky(size, channels, seed)
    vis = observe(str(folder), sky, seed)
    clean(vis, "careless", CARELESS, size)
    clean(vis, "careful", CAREFUL, size)
    os.chdir(before)
    return Observation(sky, vis, size, folder)
