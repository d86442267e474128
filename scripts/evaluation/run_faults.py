"""The table in docs/validation/robustness.md: what the tests of faults and odd inputs tried, and what was survived."""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).resolve().parents[2] / "tests"
NEW_SET_TEST = "test_killed_between_any_two_renames_the_older_set_comes_back_or_the_new_one_is_finished"
CHOSEN = ("test_faults.py", "test_inputs.py", f"test_new_set.py::{NEW_SET_TEST}")


def main():
    """Run the tests, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "--quiet", "-n", "auto", f"--junitxml={results}"]
        subprocess.run([*command, *(str(TESTS / name) for name in CHOSEN)], stdout=subprocess.DEVNULL, check=False)
        cases = ElementTree.parse(results).getroot().iter("testcase")
        print(table(list(cases)))


def table(cases):
    """
    Count what was tried and what was survived.

    Parameters
    ----------
    cases : list of `~xml.etree.ElementTree.Element`
        Test cases in the format of JUnit. A test that tries a thing many times has the property "times".

    Returns
    -------
    table : str
        In Markdown, one row a test: what it states, tried, survived.
    """
    tried, survived = Counter(), Counter()
    for case in cases:
        if case.find("skipped") is not None:
            continue
        times = sum(int(item.get("value")) for item in case.iter("property") if item.get("name") == "times") or 1
        statement = case.get("name").split("[")[0].replace("test_", "", 1).replace("_", " ")
        tried[statement] += times
        failed = any(case.find(kind) is not None for kind in ("failure", "error"))
        survived[statement] += 0 if failed else times
    rows = [f"| {statement} | {number} | {survived[statement]} |" for statement, number in tried.items()]
    total = f"| **all** | **{sum(tried.values())}** | **{sum(survived.values())}** |"
    return "\n".join(["| what is tried, and what then holds | tried | survived |", "|---|---|---|", *rows, total])


if __name__ == "__main__":
    argparse.ArgumentParser(prog="scripts/faults", description="Try the faults of the tests, and count.").parse_args()
    main()
