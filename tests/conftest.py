"""What the tests share, and how they are dealt out to processes."""

import fcntl
import os
import pickle
import shutil
import sys
from collections import Counter, namedtuple
from importlib import import_module
from pathlib import Path

import pytest
import yaml
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

# Markers of pyproject.toml by which the times are summed up.
KINDS = ("long", "tclean", "inputs", "kill", "deconvolves")

# Files whose tests are dealt out one by one, those that take longest first: they share nothing but what is `made_once`.
# A file that is not here stays in one process, with the fixtures of its module.
ONE_BY_ONE = (
    "test_mending.py",
    "test_real_line.py",
    "test_twins.py",
    "test_makers.py",
    "test_runaway.py",
    "test_tclean.py",
)

# Of these nothing is repeated with the oldest CASA: they ask the same of the same arrays and texts, whatever reads and
# writes them, and other tests import all that they use.
ANYWHERE = (
    "test_benchmark.py",
    "test_convergence.py",
    "test_coverage.py",
    "test_decision.py",
    "test_docs.py",
    "test_dynamic_range.py",
    "test_evaluation.py",
    "test_examples.py",
    "test_generated.py",
    "test_makers.py",
    "test_noise.py",
    "test_page_browser.py",
    "test_page_cleaned_again.py",
    "test_page_evidence.py",
    "test_proof.py",
    "test_refusals.py",
    "test_remedy.py",
    "test_restored_image.py",
    "test_rooms.py",
    "test_spectral_response.py",
    "test_summary.py",
    "test_support.py",
    "test_suspects.py",
    "test_twins.py",
    "test_wsclean.py",
)


def pytest_configure(config):
    """Tests are dealt out to processes in the order in which they come."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With '--dist loadfile', tests of some files are dealt out one by one."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return nodeid if os.path.basename(file) in ONE_BY_ONE else file

    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what is repeated; tests that run tclean come first: they take longest, and others run meanwhile."""
    for item in items:
        if item.path.name not in ANYWHERE and not item.get_closest_marker("long"):
            item.add_marker("oldest")
    items.sort(key=_turn)


def _turn(item):
    if not item.get_closest_marker("tclean"):
        return 2, 0
    file = item.path.name
    # While one process makes the cubes of test_mending.py, others should have something else to do.
    waits = file == "test_mending.py" and "natural_confetti" not in item.name
    return int(waits), ONE_BY_ONE.index(file) if file in ONE_BY_ONE else -1


def pytest_terminal_summary(terminalreporter):
    """Print how long tests of each kind took, and all of them, in minutes of one processor."""
    minutes = Counter()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if hasattr(report, "duration"):
            kinds = [kind for kind in KINDS if kind in report.keywords]
            minutes[" ".join(kinds) or "unmarked"] += report.duration / 60
    if minutes:
        each = ", ".join(f"{spent:.1f} {kinds}" for kinds, spent in minutes.most_common())
        terminalreporter.write_line(f"Minutes in all processes: {sum(minutes.values()):.1f} ({each})")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads past the first line of an ECSV file, a directive that libyaml does not know."""

    def __init__(self, stream):
        super().__init__(stream.split("\n", 1)[1] if stream.startswith("%ECSV") else stream)


def _let_astropy_use_libyaml():
    """
    A tenth of a check of a small sky is PyYAML, in the headers of its tables: libyaml reads and writes the same text.

    In processes that tests start, as for users, it is PyYAML.
    """
    plain = yaml.SafeLoader, yaml.SafeDumper
    if yaml.__with_libyaml__:
        yaml.SafeLoader, yaml.SafeDumper = _Loader, yaml.CSafeDumper
    import_module("astropy.io.misc.yaml")  # its classes are made of those
    yaml.SafeLoader, yaml.SafeDumper = plain


_let_astropy_use_libyaml()


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
def made_once(tmp_path_factory):
    """
    Let one process make what all use: ``made_once(name, make)`` returns what ``make`` does, called in a new folder.

    Others wait until it is there, and get a copy of what it returns. Nobody may change the folder.
    """
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent

    def made(name, make):
        folder, result = top / f"once_{name}", top / f"once_{name}.pickle"
        with open(top / f"once_{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one who failed
                folder.mkdir()
                with working_in(folder):
                    returned = make()
                result.write_bytes(pickle.dumps(returned))
        return pickle.loads(result.read_bytes())

    return made


@pytest.fixture(scope="session")
def observation(made_once):
    """A simulated observation: the true sky, its MeasurementSets, and the size that images of it should have."""
    from scripts.simulate.simulation import make_sky, observe

    def make(seed=2, size=160, channels=24):
        sky = make_sky(size, channels, seed)
        return Observation(sky, observe(os.getcwd(), sky, seed), size, Path.cwd())

    return made_once("observation", make)
