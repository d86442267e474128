"""
Time confetti_reclean in both ways, side by side on the same cube.

    ./scripts/benchmark mending

Simulates and cleans a cube of 200 channels, then cleans some of its channels again, as if they were bad: the seconds do
not depend on whether they are.
"""

import argparse
import os
import time

from casatasks import casalog

from confetti_task import confetti_check, confetti_reclean
from scripts.simulate.simulation import CAREFUL, clean, make_sky, observe, settings

SEED, SIZE, CHANNELS = 3, 256, 200
# 90000 visibilities a channel and polarization: an hour of ALMA, and a tenth of what large programmes image at once.
INTEGRATIONS = 50, 50
BAD = ("98", "96~100", "90~109", "40~44;80~84;120~124;160~164")


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark mending", description="Time confetti_reclean.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    return parser.parse_args()


def main(folder):
    os.makedirs(folder)
    os.chdir(folder)  # tclean keeps its temporary tables where it is started
    casalog.setlogfile("casa.log")
    vis = observe(folder, make_sky(SIZE, CHANNELS, SEED), SEED, INTEGRATIONS, spacing=60)
    started = time.time()
    clean(vis, "line", CAREFUL, settings(SIZE))
    print(f"tclean of {CHANNELS} channels of {SIZE} x {SIZE} pixels: {time.time() - started:.0f} s")
    confetti_check(imagename="line", report=False)
    print("| channels cleaned again | sub-cubes, s | full cube, s | ratio |\n|---|---|---|---|")
    for chans in BAD:
        seconds = [_reclean(chans, method) for method in ("subcubes", "cube")]
        print(f"| {chans} | {seconds[0]:.1f} | {seconds[1]:.1f} | {seconds[1] / seconds[0]:.1f} |", flush=True)


def _reclean(chans, method):
    started = time.time()
    confetti_reclean(imagename="line", outname="mended", chans=chans, method=method, overwrite=True)
    return time.time() - started


if __name__ == "__main__":
    main(**vars(read_arguments()))
