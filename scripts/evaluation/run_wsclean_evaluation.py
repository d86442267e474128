"""
The table about WSClean in docs/validation/accuracy.md: what the check says of careful and careless runs of it.

    ./scripts/wsclean

It needs the program wsclean (3.1 was used). The observation is simulated; each run is compared with the careful one, in
units of the noise of that, which is the noise of the data.
"""

import os
import shutil
import subprocess
import tempfile
from collections import namedtuple

import numpy as np
from astropy.io import fits
from astropy.table import QTable

from confetti_task import confetti_check
from scripts.simulate.simulation import CELL_ARCSEC, make_sky, observe

SEED, SIZE, CHANNELS = 2, 160, 24
CAREFUL = {"niter": 100000, "mgain": 0.7, "gain": 0.1, "threshold": 0.02}
# Five minor cycles far below the noise.
CARELESS = {"niter": 1500, "nmiter": 5, "mgain": 0.99, "threshold": 0.005}
RUNS = {
    "careful: gain 0.1, mgain 0.7": CAREFUL,
    **{
        f"careless: gain {gain}, mgain 0.99": {**CARELESS, "gain": gain, "multiscale-gain": gain}
        for gain in (0.2, 0.3, 0.4, 0.6)
    },
}
# An image is wrong where it differs by this many sigma from the careful one, a channel where it does anywhere.
WRONG_SIGMA, BAD_SIGMA = 3.0, 10.0

Judged = namedtuple("Judged", "result right wrong bad")


def main():
    """Simulate, image and check, and print the table."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    try:
        vis = observe(folder, make_sky(SIZE, CHANNELS, SEED), SEED)
        print("| run | verdict | bad channels | wrong channels that are bad | fake sources | image wrong there |")
        print("|---|---|---|---|---|---|")
        for number, (name, parameters) in enumerate(RUNS.items()):
            image(f"run{number}", parameters, vis)
            print(row(name, judge(f"run{number}", "run0")), flush=True)
    finally:
        shutil.rmtree(folder)


def image(name, parameters, vis):
    """Image with WSClean, each channel by itself; the data stay as they are."""
    grid = ["-size", SIZE, SIZE, "-scale", f"{CELL_ARCSEC}asec", "-weight", "briggs", 0, "-channels-out", CHANNELS]
    how = [part for key, value in parameters.items() for part in (f"-{key}", value)]
    rest = ["-multiscale", "-data-column", "DATA", "-no-update-model-required", "-temp-dir", ".", "-name", name, *vis]
    subprocess.run(["wsclean", *map(str, [*grid, *how, *rest])], check=True, stdout=subprocess.DEVNULL)


def judge(name, careful):
    """Check a run, and compare it with the careful one."""
    result = confetti_check(imagename=name, report=False)
    noise = QTable.read(f"{careful}.confetti.channels.ecsv")["noise"].to_value("Jy/beam")
    error = np.abs(read(name) - read(careful)) / noise[:, np.newaxis, np.newaxis]
    table = QTable.read(result["table"])
    fake = table[table["class"] == "confetti"]
    wrong = np.flatnonzero(~(error.max(axis=(1, 2)) < BAD_SIGMA))
    right = error[fake["channel"], fake["y"], fake["x"]] > WRONG_SIGMA
    return Judged(result, np.count_nonzero(right), wrong, set(wrong.tolist()) & set(result["channels"]))


def read(name):
    """Image [channel, y, x] in Jy/beam."""
    return np.stack([fits.getdata(f"{name}-{channel:04d}-image.fits")[0, 0] for channel in range(CHANNELS)])


def row(name, judged):
    """A row of the table."""
    result = judged.result
    part = f"{judged.right}/{result['nsources']}" if result["nsources"] else ""
    cells = name, result["verdict"], len(result["channels"]), f"{len(judged.bad)}/{len(judged.wrong)}"
    return "| " + " | ".join(map(str, (*cells, result["nsources"], part))) + " |"


if __name__ == "__main__":
    main()
