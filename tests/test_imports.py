"""What is imported before the first result: only what it needs."""

import json
import subprocess
import sys

from casa_images import write_cube

CHECK = """
import json, sys
import casatasks
before = set(sys.modules)
from confetti_task import confetti_check
confetti_check(imagename="line", report=False)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
# What is for the page, for pictures, for mending and for clusters; none of it takes part in a check without a page.
NOT_NEEDED = (
    "matplotlib",
    "astropy.visualization",
    "astropy.nddata",
    "confetti_task.private.report.page",
    "confetti_task.private.report.figures",
    "confetti_task.private.reclean",
    "confetti_task.private.task_confetti_reclean",
    "dask",
    "distributed",
)


def test_a_check_without_its_page_imports_nothing_that_only_the_page_or_mending_needs(products):
    write_cube("line", products)
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout.splitlines()[-1])
    assert "confetti_task.private.task_confetti_check" in imported
    assert [name for name in imported if name.startswith(NOT_NEEDED)] == []
