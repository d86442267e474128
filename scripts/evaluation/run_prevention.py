"""
What prevents confetti: clean simulated observations carelessly, with one tclean parameter changed at a time.

    ./scripts/prevention

Prints a table in Markdown: the channels whose image is wrong by 10 sigma, the largest error, and the time.
"""

import argparse
import glob
import os
import shutil
import time

import numpy as np
from casatasks import casalog, tclean

from scripts.simulate.simulation import CARELESS, IMAGE_NOISE_JY, make_sky, observe, read_images, settings, true_images
from scripts.simulate.truth import judge

SEEDS, SIZE, CHANNELS = (101, 105), 128, 24
# Image channels wrong by as much are bad.
WRONG_SIGMA = 10
SMOOTH = {"gain": 0.1, "cyclefactor": 2.0, "minpsffraction": 0.05, "cycleniter": -1, "nmajor": -1, "niter": 400000}

CHANGES = {
    "nothing changed": {},
    "gain 0.3": {"gain": 0.3},
    "gain 0.1": {"gain": 0.1, "niter": 400000, "cycleniter": 10800},
    "cyclefactor 1": {"cyclefactor": 1.0},
    "cyclefactor 3": {"cyclefactor": 3.0},
    "minpsffraction 0.05": {"minpsffraction": 0.05},
    "minpsffraction 0.2": {"minpsffraction": 0.2},
    "cycleniter 500": {"cycleniter": 500},
    "nmajor 2": {"nmajor": 2},
    "nmajor 10": {"nmajor": 10},
    "threshold of 3 sigma": {"threshold": 3 * IMAGE_NOISE_JY},
    "smallscalebias 0": {"smallscalebias": 0.0},
    "smallscalebias 0.9": {"smallscalebias": 0.9},
    "scales 0, 5": {"scales": [0, 5]},
    "scales 0, 5, 15, 40": {"scales": [0, 5, 15, 40]},
    "hogbom": {"deconvolver": "hogbom"},
    "gain 0.1, cyclefactor 2, minpsffraction 0.05, 3 sigma": dict(SMOOTH, threshold=3 * IMAGE_NOISE_JY),
    "the same, scales 0, 5, 15, 40": dict(SMOOTH, threshold=3 * IMAGE_NOISE_JY, scales=[0, 5, 15, 40]),
    "the same, smallscalebias 0": dict(SMOOTH, threshold=3 * IMAGE_NOISE_JY, smallscalebias=0.0),
    "the same, hogbom": dict(SMOOTH, threshold=3 * IMAGE_NOISE_JY, deconvolver="hogbom"),
}

HEAD = """\
| one careless clean, but with | channels wrong by 10 sigma | largest error, sigma | seconds |
|---|---|---|---|"""


def make_observations(folder):
    """Simulate the observations: their MeasurementSets, and what images of them should show."""
    for seed in SEEDS:
        place = os.path.join(folder, str(seed))
        os.makedirs(place)
        sky = make_sky(SIZE, CHANNELS, seed)
        vis = observe(place, sky, seed)
        yield vis, true_images(vis, os.path.join(place, "noise"), sky)


def errors(vis, truth, changes):
    """Largest error of each channel in sigma after a careless clean with some parameters changed, and the seconds."""
    started = time.time()
    tclean(vis=vis, imagename="line", **{**settings(SIZE), **CARELESS[0], **changes})
    seconds = time.time() - started
    judgement = judge(*read_images("line"), truth)
    for path in glob.glob("line.*"):
        shutil.rmtree(path)
    return np.abs(judgement.strict * truth.inside).max(axis=(1, 2)), seconds


def main(folder):
    """Print the table."""
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    casalog.setlogfile("casa.log")
    observations = list(make_observations(folder))
    print(HEAD)
    for name, changes in CHANGES.items():
        found, seconds = zip(*(errors(*observation, changes) for observation in observations))
        found = np.concatenate(found)
        wrong = np.count_nonzero(found >= WRONG_SIGMA)
        print(f"| {name} | {wrong} of {len(found)} | {found.max():.0f} | {sum(seconds):.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/prevention", description="What prevents confetti.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    main(parser.parse_args().folder)
