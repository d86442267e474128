"""
Image twins of ACES and ALMA-IMF carefully and carelessly, check and mend them, and compare with the truth.

    ./scripts/twins [NAME ...] [--seeds 1 2]

Prints two tables in Markdown.
"""

import argparse
import os
import time
from collections import Counter

import numpy as np
from astropy.table import QTable
from casatasks import casalog
from scipy import ndimage

from confetti_task import confetti_check, confetti_reclean, rising_channels
from scripts.simulate.simulation import read_beams
from scripts.simulate.survey_twins import (
    SPARE_CHANNELS,
    TWINS,
    clean_twin,
    errors,
    make_reference,
    observe_twin,
    prepare,
)

CHANNELS = 32
# Channels are wrong, and finds are right, where the image is wrong by as much.
WRONG_SIGMA, RIGHT_SIGMA = 10.0, 3.0

HEAD = """\
| twin, seed, clean | seconds | wrong channels | largest error | check: verdict, seconds | groups, by evidence | image \
wrong at them | wrong channels bad / suspicious / neither | other channels bad | tclean names, wrong | noise tells |
|---|---|---|---|---|---|---|---|---|---|---|"""
MENDED = """\
| twin, seed | channels cleaned | largest error there, before and after | wrong channels there, before and \
after | seconds | verdict |
|---|---|---|---|---|---|"""


def judge(root, wrong, result, records):
    """Cells of a row: what the check says of a cube, and what is true."""
    sources, channels = (QTable.read(result[name]) for name in ("table", "channeltable"))
    fake = sources[sources["class"] == "confetti"]
    reach = int(read_beams("truth_cleaned.image")[:, :2].mean() / 2)
    near = ndimage.maximum_filter(np.abs(wrong), (1, 2 * reach + 1, 2 * reach + 1))
    right = near[fake["channel"], fake["y"], fake["x"]] >= RIGHT_SIGMA
    largest = np.abs(wrong).max(axis=(1, 2))
    truly = set(np.flatnonzero(largest >= WRONG_SIGMA).tolist())
    bad, suspects = set(result["channels"]), set(result["suspects"])
    starts = np.cumsum([0] + [len(record["summaryminor"][0]) for record in records[:-1]])
    named = {int(first) + channel for first, record in zip(starts, records) for channel in rising_channels(record)}
    kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(fake["evidence"]).items())
    return [
        f"{len(truly)} of {len(largest)}",
        f"{largest.max():.0f}",
        f"{result['verdict']}, {result['seconds']:.0f}",
        f"{len(fake)}: {kinds}" if len(fake) else "0",
        f"{right.mean():.2f}" if len(fake) else "",
        f"{len(truly & bad)} / {len(truly & suspects)} / {len(truly - bad - suspects)}",
        str(len(bad - truly)),
        f"{len(named)}, {len(named & truly)}",
        str(channels["averaged"][0]),
    ]


def mend(root, sigma):
    """Cells of a row: what becomes of a careless cube without its visibilities, as after it was joined of pieces."""
    result = confetti_reclean(imagename=root, method="image")
    channels = result["channels"]
    before, after = (np.abs(errors(name, sigma))[channels].max(axis=(1, 2)) for name in (root, result["imagename"]))
    return [
        str(len(channels)),
        f"{before.max():.0f} -> {after.max():.0f}",
        f"{np.count_nonzero(before >= WRONG_SIGMA)} -> {np.count_nonzero(after >= WRONG_SIGMA)}",
        f"{result['seconds']:.0f}",
        result["after"]["verdict"],
    ]


def main(folder, names, seeds):
    """Print the tables."""
    mended = []
    print(HEAD)
    for name in names or TWINS:
        twin = TWINS[name]
        data_channels = int(np.ceil(CHANNELS * twin.width)) + 2 * SPARE_CHANNELS
        for seed in seeds:
            place = os.path.join(folder, f"{name}-{seed}")
            os.makedirs(place)
            os.chdir(place)
            casalog.setlogfile("casa.log")
            vis, sky = observe_twin(place, twin, data_channels, seed)
            common, sigma = prepare(twin, vis, sky, CHANNELS)
            make_reference(twin, common, sigma)
            for root in ("careful", "careless"):
                started = time.time()
                records = clean_twin(twin, root, common, getattr(twin, root), sigma)
                cleaned = time.time()
                result = confetti_check(imagename=root, report=False)
                result["seconds"] = time.time() - cleaned
                cells = judge(root, errors(root, sigma), result, records)
                print(f"| {name}, {seed}, {root} | {cleaned - started:.0f} | {' | '.join(cells)} |", flush=True)
            mended.append(f"| {name}, {seed} | {' | '.join(mend('careless', sigma))} |")
    print("\n" + MENDED + "\n" + "\n".join(mended))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/twins", description="Try twins of ACES and ALMA-IMF.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TWINS)} (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2], help="skies (default: %(default)s)")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.names, arguments.seeds)
