"""What the tests share."""

import os
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from casa_images import working_in
from skies import maser_continuum_and_confetti

TOP = Path(__file__).resolve().parent.parent
# The examples are files for users; the scripts are imported as scripts.ROOM.MODULE. The top comes last, so that the
# package under test is the installed one.
sys.path[:0] = [str(TOP / "examples")]
sys.path.append(str(TOP))

# Folder of the two observations of docs/validation/real_observations.md; what needs them is skipped where it is not.
REAL = Path(os.environ.get("REAL_OBSERVATIONS", TOP / "real")).absolute()

Observation = namedtuple("Observation", "sky vis size folder")


def pytest_configure(config):
    """Files of tests are dealt out to processes in the order in which they come."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """The tests that run tclean come first: they take longest, and others run meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("tclean") is None)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    """Every test starts in an empty folder, where CASA and the tests may write."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _without_deconvolving_again(request, monkeypatch):
    """Starting CASA once more takes three seconds: only the tests that are marked so, and those of tclean, do it."""
    if not (request.node.get_closest_marker("deconvolves") or request.node.get_closest_marker("tclean")):
        monkeypatch.setattr("confetti_task.private.check_cube.settle", lambda found, *_: found)


@pytest.fixture
def products():
    """A maser in one channel, a continuum source in all, and confetti."""
    return maser_continuum_and_confetti()


@pytest.fixture(scope="session")
def observation(tmp_path_factory):
    """A simulated observation: the true sky, its MeasurementSets, and the size that images of it should have."""
    from scripts.simulate.simulation import make_sky, observe

    seed, size, channels = 2, 160, 24
    folder = tmp_path_factory.mktemp("observation")
    sky = make_sky(size, channels, seed)
    with working_in(folder):
        return Observation(sky, observe(str(folder), sky, seed), size, folder)
