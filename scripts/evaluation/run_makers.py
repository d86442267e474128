"""
Try the check and the re-clean on cubes that were made in many ways, and judge them by careful cleans of the same data.

    ./scripts/makers [NAME ...]

Each maker in scripts/simulate/product_makers.py makes a cube twice, with a loop gain of 0.1 and carelessly. What the
check marks in the second is right where the two differ. Every row is a process of its own: one that CASA ends is a row
too.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from astropy.table import QTable
from casatasks import casalog, tclean
from scipy import ndimage

from confetti_task import confetti_check, confetti_reclean
from scripts.simulate.product_makers import CHANNELS, FIRST, MAKERS
from scripts.simulate.simulation import Sky, make_sky, observe, settings

# Emission in the middle of the image, of up to 280 sigma, that a careful clean takes down to 5 sigma.
SEED, SIZE, SKY_SIZE, SKY_CHANNELS, BRIGHTNESS = 3, 128, 96, 12, 0.6
INTEGRATIONS = (1, 2)
BEAM_PIXELS = 8
# A find is where the images differ if they do within half a beam, where it was looked for.
REACH_PIXELS = BEAM_PIXELS // 2

CAREFUL = {"gain": 0.1, "cyclefactor": 1.5, "threshold": "30mJy", "niter": 400000}
CARELESS = {"gain": 0.6, "cyclefactor": 0.5, "minpsffraction": 0.005, "threshold": "7mJy", "niter": 60000}
CARELESS.update(cycleniter=1800, nmajor=3)

# Two images differ at a place, and a channel is wrong, in units of the noise.
RIGHT_SIGMA, WRONG_SIGMA = 3.0, 10.0
# This part of what is marked has to be right, or all but one: single marks lie next to a fake source, not on it.
RIGHT_PART = 0.85

HEAD = """\
| maker | careful clean | careless clean | marked places where both differ | wrong channels named | what is said \
| re-clean | seconds | judgement |
|---|---|---|---|---|---|---|---|---|"""


def make_data(folder):
    """Simulate the visibilities that all makers image, and return their names."""
    sky, edge = make_sky(SKY_SIZE, SKY_CHANNELS, SEED), (SIZE - SKY_SIZE) // 2
    cube = np.pad(BRIGHTNESS * sky.cube, ((0, 0), (edge, edge), (edge, edge)))
    return observe(folder, Sky(cube, []), SEED, INTEGRATIONS, polarizations="XX XY YX YY")


def try_maker(name, vis):
    """
    Make a cube carefully and carelessly, check both, and clean the second again.

    Parameters
    ----------
    name : str
        Key of `product_makers.MAKERS`.
    vis : list of str
        MeasurementSets.

    Returns
    -------
    outcome : dict
        What a row of the table shows; only 'maker' and 'not made' if tclean or a task refuses to make the cube.
    """
    maker, started = MAKERS[name], time.time()
    outcome = {"maker": name, "seconds": 0.0}
    try:
        vis = maker.data(vis) if maker.data else vis
        careful = make(maker, vis, "careful", CAREFUL)
        careless = make(maker, vis, "careless", CARELESS)
        sigma = noise_of(maker, vis)
    except Exception as error:
        return dict(outcome, **{"not made": _sentence(error)})
    outcome.update(_check(careful, "careful"))
    outcome.update(_check(careless, "careless"))
    if "careless" in outcome:
        outcome.update(compare(outcome["careless"], heights(careless, careful) / sigma))
        outcome.update(_clean_again(careless, careful, sigma))
    return dict(outcome, seconds=time.time() - started)


def make(maker, vis, root, parameters):
    """Image the visibilities; returns what the check is given as imagename."""
    parameters = _parameters(maker, vis, **parameters)
    if maker.run:
        maker.run(tclean, root, parameters)
    else:
        tclean(imagename=root, **parameters)
    if not glob.glob(root + "*.model*"):
        raise RuntimeError("tclean made no images: its log says why")
    return maker.afterwards(root) if maker.afterwards else root


def _parameters(maker, vis, **more):
    return {**settings(SIZE), "pbmask": 0.3, "vis": vis, "start": FIRST, "nchan": CHANNELS, **more, **maker.parameters}


def noise_of(maker, vis):
    """Noise in Jy/beam: rms of Stokes Q, because the simulated sky is not polarized."""
    parameters = dict(_parameters(maker, vis), stokes="Q", niter=0, parallel=False, restoration=False)
    tclean(imagename="noise", **parameters)
    return float(np.nanstd(read_planes(sorted(glob.glob("noise.residual*"))[0])))


def _check(imagename, which):
    try:
        result = confetti_check(imagename=imagename, outfile=which + "_check", report=False, cleanmask="channel")
    except ValueError as error:
        return {f"{which} refused": _sentence(error)}
    return {which: result}


def _sentence(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


def read_planes(path):
    """Pixels [polarization, channel, y, x] of an image, or of the images that match a pattern, one after another."""
    return np.concatenate([_read_planes(name) for name in sorted(glob.glob(path)) or [path]], axis=1)


def _read_planes(path):
    from casatools import image

    tool = image()
    tool.open(path)
    names = [name[0] for name in tool.coordsys().names()]
    pixels = tool.getchunk()
    pixels[~tool.getchunk(getmask=True)] = np.nan
    tool.done()
    order = [names.index(letter) for letter in ("S", "F") if letter in names]
    sky = [axis for axis in range(pixels.ndim) if axis not in order]
    planes = pixels.transpose(order + sky[::-1])
    missing = tuple(place for place, letter in enumerate(("S", "F")) if letter not in names)
    return np.expand_dims(planes, missing)


def heights(imagename, other):
    """
    Height of the difference of two images above its surroundings, in Jy/beam.

    Emission larger than the beam that one of them has recovered more of is left out, and pixels that are masked.
    """
    image, expected = (read_planes(_image_of(name)) for name in (imagename, other))
    difference, masked = image - expected, ~np.isfinite(expected)
    difference = np.where(masked, 0.0, np.nan_to_num(difference, nan=1e9, posinf=1e9, neginf=-1e9))
    difference = np.clip(difference, -1e9, 1e9)
    return difference - ndimage.uniform_filter(difference, (1, 1, 4 * BEAM_PIXELS, 4 * BEAM_PIXELS))


def _image_of(name):
    return next((name + end for end in (".image.tt0", ".image.fits") if os.path.exists(name + end)), name + ".image")


def compare(result, differences):
    """
    Compare what the check says with where the images differ.

    Parameters
    ----------
    result : dict
        Of `confetti_check`.
    differences : 4D `~numpy.ndarray`
        From `heights`, in units of the noise.

    Returns
    -------
    counts : dict
        finds, and right of them; wrong, the channels that are wrong; unnamed of them.
    """
    largest = np.abs(differences).max(axis=0)
    table = QTable.read(result["table"])
    finds = table[table["class"] == "confetti"]
    right = sum(_largest_near(largest[row["channel"]], row["y"], row["x"]) >= RIGHT_SIGMA for row in finds)
    wrong = np.flatnonzero(largest.max(axis=(1, 2)) >= WRONG_SIGMA).tolist()
    named = {*result["channels"], *result["suspects"]}
    return {
        "finds": len(finds),
        "right": int(right),
        "wrong": wrong,
        "unnamed": [channel for channel in wrong if channel not in named],
    }


def _largest_near(plane, y, x):
    rows, columns = (slice(max(place - REACH_PIXELS, 0), place + REACH_PIXELS + 1) for place in (y, x))
    return plane[rows, columns].max()


def _clean_again(careless, careful, sigma):
    try:
        result = confetti_reclean(imagename=careless, confetti="careless_check", outname="again")
    except (ValueError, RuntimeError) as error:
        return {"reclean refused": _sentence(error)}
    if not result["channels"]:
        return {"reclean": "nothing to clean", "reclean warnings": []}
    before, after = (
        np.abs(heights(name, careful) / sigma).max(axis=(0, 2, 3)) for name in (careless, result["imagename"])
    )
    channels = result["channels"]
    left = {*result["after"]["channels"], *result["after"]["suspects"], *result["proof"]["leftover"]}
    wrong = [channel for channel in channels if after[channel] >= WRONG_SIGMA and channel not in left]
    return {
        "reclean": f"{before[channels].max():.0f} -> {after[channels].max():.1f}",
        "reclean unnamed": wrong,
        "reclean warnings": result["warnings"],
    }


def judge(outcome):
    """'right'; 'said' where it is not, but the tasks say so; 'SILENT' where they do not; or 'not made'."""
    if "not made" in outcome:
        return "not made"
    missed = _check_is_wrong(outcome) and not said_by_the_check(outcome)
    missed |= bool(outcome.get("reclean unnamed")) and not outcome["reclean warnings"]
    if missed:
        return "SILENT"
    return "said" if _check_is_wrong(outcome) or outcome.get("reclean unnamed") else "right"


def _check_is_wrong(outcome):
    """Whether a careful cube has confetti, the check was not applicable, or it marked or missed what it should not."""
    if outcome.get("careless", {}).get("verdict", "not applicable") == "not applicable":
        return True
    confetti = outcome.get("careful", {}).get("verdict") == "confetti"
    return confetti or outcome["right"] < RIGHT_PART * outcome["finds"] - 1 or bool(outcome["unnamed"])


def said_by_the_check(outcome):
    """What the check refused or warned of, without repetition."""
    texts = [outcome[name] for name in ("careful refused", "careless refused") if name in outcome]
    for which in ("careful", "careless"):
        texts += outcome.get(which, {}).get("warnings", [])
    return list(dict.fromkeys(texts))


def _texts(outcome):
    """All that the tasks refused or warned of, without repetition."""
    again = [outcome["reclean refused"]] if "reclean refused" in outcome else outcome.get("reclean warnings", [])
    return list(dict.fromkeys([*said_by_the_check(outcome), *again]))


def row(outcome):
    """A row of the table, in Markdown."""
    if "not made" in outcome:
        return f"| {outcome['maker']} | {_shortened(outcome['not made'])} | | | | | | | not made |"
    verdicts = [outcome[which]["verdict"] if which in outcome else "refused" for which in ("careful", "careless")]
    marked = f"{outcome['right']} of {outcome['finds']}" if "finds" in outcome else ""
    named = (
        f"{len(outcome['wrong']) - len(outcome['unnamed'])} of {len(outcome['wrong'])}" if "wrong" in outcome else ""
    )
    again = outcome.get("reclean", "refused" if "reclean refused" in outcome else "")
    said = "<br>".join(map(_shortened, _texts(outcome)))
    cells = [outcome["maker"], *verdicts, marked, named, said, again, f"{outcome['seconds']:.0f}", judge(outcome)]
    return f"| {' | '.join(cells)} |"


def _shortened(text):
    return textwrap.shorten(text.replace("|", "\\|"), 110, placeholder=" ...")


def _try_alone(name, folder):
    """Try a maker in a process and a folder of its own."""
    place = os.path.join(folder, name.replace(" ", "_").replace(",", "").replace("=", "_"))
    os.makedirs(place)
    command = [sys.executable, "-m", "scripts.evaluation.run_makers", folder, name, "--alone"]
    with open(os.path.join(place, "log"), "w", encoding="utf-8") as log:
        ended = subprocess.run(command, cwd=place, stdout=log, stderr=log, check=False)
    if os.path.exists(os.path.join(place, "outcome.json")):
        with open(os.path.join(place, "outcome.json"), encoding="utf-8") as file:
            return json.load(file)
    return {"maker": name, "not made": f"CASA ended the process with {ended.returncode}"}


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(prog="scripts/makers", description="Try cubes that were made in many ways.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="makers to try (default: all)")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="how many at a time (default: %(default)s)"
    )
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main(folder, names, processes):
    """Try makers, and print the table."""
    unknown = sorted(set(names) - set(MAKERS))
    if unknown:
        sys.exit(f"no maker is called {', '.join(unknown)}; there are {', '.join(MAKERS)}")
    vis = os.path.join(folder, "visibilities")
    if not os.path.isdir(vis):
        os.makedirs(vis)
        make_data(vis)
    print(HEAD)
    judgements = []
    with ThreadPoolExecutor(processes) as pool:
        for outcome in pool.map(lambda name: _try_alone(name, folder), names or MAKERS):
            print(row(outcome), flush=True)
            judgements.append(judge(outcome))
    print("\n" + ", ".join(f"{judgements.count(word)} {word}" for word in ("right", "said", "SILENT", "not made")))


def alone(folder, name):
    """Try one maker here, and write what came of it."""
    casalog.setlogfile("casa.log")
    outcome = try_maker(name, sorted(glob.glob(os.path.join(folder, "visibilities", "*.ms"))))
    with open("outcome.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(outcome, default=str).replace(os.getcwd() + os.sep, ""))


if __name__ == "__main__":
    arguments = read_arguments()
    if arguments.alone:
        alone(arguments.folder, arguments.names[0])
    else:
        main(arguments.folder, arguments.names, arguments.processes)
