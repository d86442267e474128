"""What an installation brings: metadata, every file of the package, and a command."""

import subprocess
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest
from conftest import TOP

import confetti_task


def test_the_metadata_say_what_it_is_and_what_it_needs():
    metadata = distribution("confetti_task").metadata
    assert metadata["Version"] == confetti_task.__version__
    assert metadata["Summary"].startswith("Find the fake sources that CLEAN writes")
    assert metadata["License"] == "BSD-3-Clause"
    assert metadata["Author"] == "the confetti_task developers"
    assert metadata["Requires-Python"] == ">=3.8"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert set(metadata.get_all("Provides-Extra")) == {"casa", "dask", "benchmark", "docs", "test"}


def test_an_installation_never_replaces_casa():
    needed = [name for name in distribution("confetti_task").requires if "extra ==" not in name]
    assert sorted(needed) == ["astropy", "numpy", "scipy"]


def files_below(folder):
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if "__pycache__" not in path.parts}


def test_every_file_of_the_package_is_installed_style_and_script_of_the_page_too():
    installed = files_below(Path(confetti_task.__file__).parent)
    assert installed == files_below(TOP / "confetti_task")
    assert "private/report/templates/style.css" in installed


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--version"], confetti_task.__version__),
        (["--help"], "usage: confetti_check [-h]"),
        (["summary", "--help"], "usage: confetti_check summary [-h]"),
    ],
)
def test_the_command_answers_under_its_own_name(arguments, printed):
    command = Path(sysconfig.get_path("scripts")) / "confetti_check"
    done = subprocess.run([str(command), *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(printed)
