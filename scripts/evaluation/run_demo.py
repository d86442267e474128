"""
The demo: simulate, image carelessly with the real tclean, check, clean again, and compare with the simulated truth.

    ./scripts/demo [SEED]
"""

import argparse
import os
import time

import numpy as np
from astropy.table import QTable
from casatasks import casalog

from confetti_task import confetti_check, confetti_reclean
from confetti_task.private.images.channels import format_channels
from scripts.simulate.simulation import CARELESS, clean, make_sky, observe, read_images, settings, true_images
from scripts.simulate.truth import compare, fake_sources, judge, largest_error, only_in

SEED, SIZE, CHANNELS = 2, 160, 24


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Simulate, clean carelessly, check and mend.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    parser.add_argument("seed", nargs="?", type=int, default=SEED, help="seed of the sky (default: %(default)s)")
    return parser.parse_args()


def main(folder, seed):
    os.makedirs(folder)
    os.chdir(folder)  # tclean keeps its temporary tables where it is started
    casalog.setlogfile("casa.log")
    started = time.time()
    print(f"Simulating an ALMA observation of {CHANNELS} channels and cleaning it carelessly with the real tclean ...")
    sky = make_sky(SIZE, CHANNELS, seed)
    vis = observe(folder, sky, seed)
    clean(vis, "line", CARELESS, settings(SIZE))
    print(f"... done in {time.time() - started:.0f} s\n")
    truth = true_images(vis, "noise", sky)
    judgement = judge(*read_images("line"), truth)
    result = check(judgement, truth)
    if result["channels"] or result["suspects"]:
        mend(judgement, truth, vis)
    print(f"The products are in {folder}.")


def check(judgement, truth):
    """Check the cube, and compare what is found with the truth."""
    started = time.time()
    result = confetti_check(imagename="line")
    seconds = time.time() - started
    counts, fake = compare(QTable.read(result["table"]), judgement, truth), fake_sources(judgement, truth)
    print(f"confetti_check(imagename='line') took {seconds:.1f} s and says: {result['verdict']}")
    print(f"  bad channels {result['chans']}; the worst fake source has a severity of {result['severity']:.1f} sigma")
    print(f"  {result['nsources']} fake sources are masked, {result['ncandidates']} candidates are not")
    print(f"  suspicious channels, where fake sources may hide: {result['suspectchans'] or 'none'}")
    print(f"  a fake source of {result['limit']:.1f} sigma is found with a probability of 90 %")
    print(f"  look at them in {result['report']}\n")
    print("The simulated truth:")
    print(f"  {counts['right']} of the {result['nsources']} are errors of the deconvolution of 3 sigma and more")
    print(f"  {counts['found']} of the {len(fake)} fake sources of 5 sigma and more are masked")
    print(f"  {counts['real']} of the {len(truth.sources)} real compact sources are masked")
    worst = sorted({channel for channel, error in fake if error >= 6})
    print(f"  channels with a fake source of 6 sigma and more: {', '.join(map(str, worst))}\n")
    return result


def mend(judgement, truth, vis):
    """Clean bad and suspicious channels again, and compare with the truth, and with a careful clean of everything."""
    result = confetti_reclean(imagename="line")
    proof = result["proof"]
    condemned, acquitted, undecided = (proof[fate] for fate in ("condemned", "acquitted", "undecided"))
    print(f"confetti_reclean(imagename='line') took {result['seconds']:.0f} s (method: {result['method']})")
    print(f"  channels {result['chans']} were cleaned again; verdict of the good cube: {result['after']['verdict']}")
    print(
        f"  {proof['proved']} fake sources have gone, {proof['changed']} sources changed, {proof['real']} are the same"
    )
    print(f"  suspicious channels with proved fake sources: {format_channels(condemned) or 'none'}")
    print(f"  acquitted, with their old planes: {format_channels(acquitted) or 'none'}")
    print(f"  undecided: {format_channels(undecided) or 'none'}\n")
    clean(vis, "scratch", CARELESS[1:], settings(SIZE))
    replaced = np.setdiff1d(result["channels"], [*acquitted, *undecided])
    mended, scratch = (read_images(root) for root in (result["imagename"], "scratch"))
    judged = [only_in(replaced, one) for one in (judgement, judge(*mended, truth), judge(*scratch, truth))]
    flux = result["before"]["model_flux"], result["after"]["model_flux"], scratch[0][replaced].sum()
    print(f"The simulated truth in the channels with new planes, {format_channels(replaced)}:")
    print_truth(judged, (*flux, truth.model[replaced].sum()), truth)


def print_truth(judged, flux, truth):
    """Compare the old image, the new one and the one from scratch."""
    before, now, _ = (len(fake_sources(one, truth)) for one in judged)
    largest = [largest_error(one, judged[0], truth) for one in judged]
    print(f"  fake sources of 5 sigma and more: {before} before, {now} now")
    print("  largest error in their places: {:.1f} sigma before, {:.1f} now, {:.1f} from scratch".format(*largest))
    print("  flux of the model: {:.0f} Jy before, {:.0f} now, {:.0f} from scratch; {:.0f} in the sky\n".format(*flux))


if __name__ == "__main__":
    main(**vars(read_arguments()))
