"""Skies, checks and browsers that the tests of the page share."""

import json
import os
import re
import shutil
import subprocess
from functools import partial
from html import unescape
from pathlib import Path

import numpy as np
from astropy.table import QTable
from casa_images import write_cube
from conftest import TOP
from skies import NOISE, Products

import confetti_task
from confetti_task.private.check.proof_table import make_proof_table
from confetti_task.private.core.quantities import FIND
from confetti_task.private.images.cube import open_cube

# One find is as good as eight.
confetti_check = partial(confetti_task.confetti_check, npanels=1)

HOT = (3, 30, 26)  # channel, y, x of the confetti
MASER = (2, 45, 15)


def confetti_and_maser():
    """A sky with confetti and a maser."""
    products = Products()
    products.add_confetti(*HOT, 20 * NOISE)
    products.add_point(*MASER, 30 * NOISE)
    return products


def suspicious_sky():
    """A sky without confetti, where fake sources may hide in channels 5 and, less likely, 1."""
    products = Products()
    products.add_confetti(1, 20, 40, 9.9 * NOISE)
    products.add_confetti(5, 36, 20, 11.4 * NOISE)
    return products


# Proof, channel, y, x, and heights in the old and the new image in sigma.
FINDS = (
    ("real", *MASER, 30.0, 30.5),
    ("open", 5, 20, 40, 0.5, 6.0),
    ("open", 3, 50, 20, 0.2, 4.4),
    ("proved", *HOT, 12.3, 0.4),
)
OUTCOMES = {1: "acquitted", 2: "acquitted", 3: "bad", 5: "undecided"}


def write_proof(path, before, after, finds=FINDS, outcomes=None, **about):
    """The proof as confetti_reclean writes it; by default, channel 3 has new planes."""
    rows = np.zeros(len(finds), dtype=FIND)
    for row, (proof, channel, y, x, old, new) in zip(rows, finds):
        row["proof"], row["channel"], row["y"], row["x"] = proof, channel, y, x
        row["old"], row["new"], row["difference"], row["noise"] = old, new, old - new, NOISE
    channels = QTable.read(
        confetti_check(imagename=before, outfile="for_the_proof", report=False, overwrite=True)["channeltable"]
    )
    about = {"before": os.path.abspath(before), "after": os.path.abspath(after), **about}
    table = make_proof_table(open_cube(before), rows, outcomes or OUTCOMES, channels, about)
    table.write(path, format="ascii.ecsv")
    return table


def write_cleaned_again(products):
    """Write a cube with confetti, what re-cleaning its channel made of it, and the proof next to that."""
    write_cube("line", products)
    products.model[3] = products.model[4]
    write_cube("line_reclean", products)
    return write_proof("line_reclean.proof.ecsv", "line", "line_reclean", replaced=[3])


def page_of(imagename, **parameters):
    return Path(confetti_check(imagename=imagename, **parameters)["report"]).read_text(encoding="utf-8")


def change_sky(path, unit, frame, projection, rotated=True):
    from casatools import image

    tool = image()
    tool.open(path)
    system = tool.coordsys()
    system.setunits([unit, unit], type="direction")
    system.setprojection(projection)
    system.setreferencecode(frame, type="direction", adjust=False)
    if rotated:
        system.setlineartransform("direction", np.array([[0.8, -0.6], [0.6, 0.8]]))
    tool.setcoordsys(system.torecord())
    system.done()
    tool.done()


def write_survey(products):
    """Write and check a bad and a clean cube in folders of their own; the table of a third is broken."""
    for name in ("a", "b", "c"):
        os.makedirs(f"survey/{name}")
    write_cube("survey/a/one", products)
    write_cube("survey/b/two", Products())
    confetti_check(imagename="survey/a/one")
    confetti_check(imagename="survey/b/two", report=False)
    Path("survey/c/three.confetti.channels.ecsv").write_text("broken", encoding="utf-8")


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"  # where 'npm install' puts it


BEFORE = "<script>window.faults = []; addEventListener('error', (event) => faults.push(event.message));</script>"


# Runs a script in the page, and writes what it returns to where the test can read it.
AFTER = """<script>
(async () => {SCRIPT})().catch((error) => ({faults: [String(error)]})).then((seen) => {
  document.documentElement.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(seen);
});
</script>"""


def run_in_browser(path, script, width=1200, options=()):
    """What a script returns that a browser runs in a page."""
    page = Path(path).read_text(encoding="utf-8")
    after = AFTER.replace("SCRIPT", script)
    Path("seen.html").write_text(page.replace("<head>", "<head>" + BEFORE).replace("</body>", after + "</body>"))
    options = [*options, "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--enable-logging=stderr"]
    address = Path("seen.html").resolve().as_uri()
    command = [BROWSER, "--headless", *options, "--virtual-time-budget=20000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    return json.loads(unescape(re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)[1]))
