"""What the tests share."""

import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    """Every test starts in an empty folder, where CASA and the tests may write."""
    monkeypatch.chdir(tmp_path)
