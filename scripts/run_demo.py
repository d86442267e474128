"""
The demo: simulate, image carelessly with the real tclean, check, and compare with the simulated truth.

    python scripts/run_demo.py FOLDER
"""

import os
import sys
import time

import numpy as np
from astropy.table import QTable
from casatasks import casalog
from simulation import CARELESS, clean, compare, make_sky, observe, true_errors

from confetti_task import confetti_check

SEED, SIZE, CHANNELS = 2, 160, 24


def main(folder):
    os.makedirs(folder)
    os.chdir(folder)  # tclean keeps its temporary tables where it is started
    casalog.setlogfile("casa.log")
    started = time.time()
    print(f"Simulating an ALMA observation of {CHANNELS} channels and cleaning it carelessly with the real tclean ...")
    sky = make_sky(SIZE, CHANNELS, SEED)
    clean(observe(folder, sky, SEED), "line", CARELESS, SIZE)
    print(f"... done in {time.time() - started:.0f} s\n")

    started = time.time()
    result = confetti_check(imagename="line")
    seconds = time.time() - started
    errors, fake = true_errors("line", sky)
    truth = compare(QTable.read(result["table"]), errors, fake, sky)
    print(f"confetti_check(imagename='line') took {seconds:.1f} s and says: {result['verdict']}")
    print(f"  bad channels {result['chans']}; the largest fake source has {result['severity']:.1f} sigma in the image")
    print(f"  {result['nsources']} fake sources are masked, {result['ncandidates']} candidates are not\n")
    print("The simulated truth:")
    print(f"  {truth['right']} of the {result['nsources']} are errors of the deconvolution of 3 sigma and more")
    print(f"  {truth['found']} of the {len(fake)} fake sources of 5 sigma and more are masked")
    print(f"  {truth['real']} of the {len(sky.sources)} real compact sources are masked")
    worst = np.unique(fake[:, 0][np.abs(errors[tuple(fake.T)]) >= 6])
    print(f"  channels with a fake source of 6 sigma and more: {', '.join(map(str, worst))}\n")
    print(f"The products, in {folder}:")
    for name in ("mask", "cleanmask", "table", "channeltable"):
        print(f"  {result[name]}")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
