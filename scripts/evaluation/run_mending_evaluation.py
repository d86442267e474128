"""
Evaluate confetti_reclean on cases with visibilities and known truth, with and without them, and compare with a clean
of everything from scratch.

    ./scripts/evaluate FOLDER --mend [parameters of confetti_reclean, like budget=1]

Each case is checked, mended and judged by the truth. It is a file NAME.npz as run_evaluation.py describes it,
with the images pb and mask too; with cell, the size of a pixel in arcsec; sigma_chan, the noise of each channel (rms)
in Jy/beam; and in meta_json, mosaic, the number of pointings (0 for a single field), and contstart, above 0 if the
first run of tclean began with a continuum start model. Next to it, a folder NAME has

- sim*.ms, the MeasurementSets;
- tclean.json, {"base": {...}, "passes": [{...}, ...]}: the parameters of all tclean runs, usemask='pb' and pbmask
  among them, and what each run had in addition. confetti_reclean gets those of the last one;
- truth.npz, with the arrays (x, y, channel) sky in Jy/pixel, before the primary beam, and noise, the dirty image of the
  noise alone in Jy/beam;
- contstart.model, the continuum start model if there was one.

Nothing is written there.
"""

import argparse
import contextlib
import inspect
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from casatasks import casalog, tclean

from confetti_task import confetti_check, confetti_reclean
from confetti_task.private.reclean.remedy import remedied
from scripts.evaluation.run_evaluation import BAD_SIGMA, LARGE_SIGMA, part, read_case, write_images
from scripts.simulate.simulation import read_images
from scripts.simulate.truth import Truth, fake_sources, judge, largest_error, restore, source_change

GAIN = 0.1

# A channel is condemned wrongly if its old image is nowhere wrong by this much next to a hot pixel.
WRONG_SIGMA = 4.0

SUMMED = ("bad", "caught", "suspects", "wrong", "fake", "large", "cleaned", "seconds")
LARGEST = ("error", "change")

HEAD = """\
| case | bad channels before / now / without visibilities / from scratch | of the former, cured or still called bad \
| suspects condemned / acquitted / undecided / left over | condemned wrongly \
| fake sources before / now / without visibilities / from scratch | of 8 sigma and more \
| largest error in their places, sigma \
| real sources differ from scratch by at most | channels cleaned again | seconds / without visibilities / from scratch |
|---|---|---|---|---|---|---|---|---|---|---|"""
FATES = ("condemned", "acquitted", "undecided", "leftover")


def evaluate(path, parameters):
    """
    Check and mend a case, clean it from scratch, and count by the truth.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file of the case.
    parameters : dict
        Parameters of confetti_reclean.

    Returns
    -------
    counts : dict
        What `row` prints.
    """
    case = read_case(path)
    folder = path.with_suffix("")
    vis, recorded = sorted(map(str, folder.glob("sim*.ms"))), read_recorded(folder)
    with _temporary_folder():
        result = mend(case, vis, recorded, parameters)
        mended = read_images(result["imagename"])
        without = confetti_reclean(imagename="line", outname="without", method="image", rounds=1)
        mended_without = read_images(without["imagename"])
        scratch, seconds = clean_from_scratch(vis, recorded, _start_model(case, folder))
    counts = count(case, read_truth(case, folder, recorded), mended, mended_without, scratch, result)
    return dict(counts, seconds=np.array([result["seconds"], without["seconds"], seconds]))


@contextlib.contextmanager
def _temporary_folder():
    """Work in a folder of its own, as tclean keeps its temporary tables where it is started."""
    start = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(start)


def read_recorded(folder):
    """Parameters of the last tclean run."""
    runs = json.loads((folder / "tclean.json").read_text())
    return dict(runs["base"], **runs["passes"][-1])


def read_truth(case, folder, recorded):
    """The truth of a case."""
    with np.load(folder / "truth.npz") as archive:
        sky, noise = (archive[name].transpose(2, 1, 0).astype(float) for name in ("sky", "noise"))
    primary_beam = np.nan_to_num(case["pb"].astype(float))
    model = sky * primary_beam
    beams = np.broadcast_to(json.loads(str(case["products_json"]))["image"]["beams"], (len(sky), 3))
    restored = [
        restore(plane, major / case["cell"], minor / case["cell"], angle)
        for plane, (major, minor, angle) in zip(model, beams)
    ]
    inside = primary_beam > recorded["pbmask"]
    return Truth(model, np.stack(restored), noise, case["sigma_chan"], inside, case["beam"], case["sources"])


def mend(case, vis, recorded, parameters):
    """Check a case, and clean its bad channels again; returns the result of confetti_reclean."""
    write_images(case, "line", json.loads(str(case["products_json"])))
    confetti_check(imagename="line", report=False)
    return confetti_reclean(imagename="line", vis=vis, parameters=recorded, **parameters)


def clean_from_scratch(vis, recorded, start):
    """Clean all channels with the remedy of confetti_reclean; returns the images, and how long it took in s."""
    mask = {name: recorded[name] for name in ("usemask", "pbmask")}
    parameters = dict(remedied(recorded, GAIN), **mask, vis=vis, startmodel=start)
    started = time.time()
    tclean(imagename="scratch", **parameters)
    return read_images("scratch"), time.time() - started


def _start_model(case, folder):
    if not json.loads(str(case["meta_json"])).get("contstart"):
        return ""
    return shutil.copytree(folder / "contstart.model", os.path.abspath("contstart.model"))


def count(case, truth, mended, mended_without, scratch, result):
    """
    Count what mending changed.

    Parameters
    ----------
    case : dict
        From `read_case`, with the old images.
    truth : `Truth`
        What they should show.
    mended, mended_without, scratch : sequence of 3D `~numpy.ndarray`
        Model, image and residual of the mended cube, of the one mended without visibilities, and of the one cleaned
        from scratch.
    result : dict
        Return value of confetti_reclean.

    Returns
    -------
    counts : dict
        bad: channels with a fake source of 6 sigma before, now, without visibilities and from scratch; caught: those
        before that are cured or still called bad; suspects: how many met each of the `FATES`; wrong: channels condemned
        wrongly; fake, large: fake sources, and those of 8 sigma; error: the largest in the places of the old ones;
        change: of real sources in channels with new planes, as a fraction; cleaned: channels cleaned again.
    """
    old = [np.nan_to_num(case[name].astype(float)) for name in ("model", "image", "residual")]
    judged = [judge(*images, truth) for images in (old, mended, mended_without, scratch)]
    found = [fake_sources(judgement, truth) for judgement in judged]
    bad = [bad_channels(sources) for sources in found]
    before, now, *_ = bad
    called = result["after"]["channels"] if result["after"] else []
    proof = result["proof"] or dict.fromkeys(FATES, [])
    replaced = set(result["channels"]) - set(proof["acquitted"]) - set(proof["undecided"])
    return {
        "bad": np.array([*map(len, bad)]),
        "caught": len(before - (now - set(called))),
        "suspects": np.array([len(proof[fate]) for fate in FATES]),
        "wrong": len(condemned_wrongly(proof["condemned"], judged[0])),
        "fake": np.array([len(sources) for sources in found]),
        "large": np.array([sum(error >= LARGE_SIGMA for _, error in sources) for sources in found]),
        "error": np.array([largest_error(judgement, judged[0], truth) for judgement in judged]),
        "change": source_change(mended[1], scratch[1], truth, sorted(replaced)),
        "cleaned": len(result["channels"]),
    }


def bad_channels(sources):
    """Channels of those fake sources that make a channel bad."""
    return {channel for channel, error in sources if error >= BAD_SIGMA}


def condemned_wrongly(condemned, old):
    """Condemned channels in which nothing was wrong; the first and last one cannot be judged."""
    wrong = set(old.hot[old.peaks >= WRONG_SIGMA][:, 0].tolist())
    return set(condemned) - wrong - {0, len(old.errors) - 1}


def add(total, counts):
    """Counts of several cases together: sums, and the largest error and change."""
    sums = {name: total[name] + counts[name] for name in SUMMED}
    return dict(sums, **{name: np.maximum(total[name], counts[name]) for name in LARGEST})


def row(name, counts):
    """One line of the table, as Markdown."""
    cells = (
        _side_by_side(counts["bad"]),
        part(counts["caught"], counts["bad"][0]),
        _side_by_side(counts["suspects"]),
        counts["wrong"],
        _side_by_side(counts["fake"]),
        _side_by_side(counts["large"]),
        _side_by_side(counts["error"], ".1f"),
        f"{100 * counts['change']:.1f} %",
        counts["cleaned"],
        _side_by_side(counts["seconds"], ".0f"),
    )
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def _side_by_side(values, spec="d"):
    return " / ".join(format(value, spec) for value in values.tolist())


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(
        usage="scripts/evaluate FOLDER --mend [parameter=value ...]",
        description="Score confetti_reclean on cases with known truth.",
    )
    parser.add_argument("folder", type=os.path.abspath, help="folder with the cases, NAME.npz and NAME/")
    parser.add_argument(
        "parameters", nargs="*", type=_read_parameter, help="parameters of confetti_reclean, like budget=1"
    )
    return parser.parse_args()


def _read_parameter(text):
    name, _, value = text.partition("=")
    try:
        default = inspect.signature(confetti_reclean).parameters[name].default
        return name, value if isinstance(default, str) else type(default)(float(value))
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} should be a parameter of confetti_reclean, like budget=1") from None


def main(folder, parameters):
    casalog.setlogfile(os.devnull)
    print(HEAD, flush=True)
    totals = {}
    for path in sorted(Path(folder).glob("*.npz")):
        if not (path.with_suffix("") / "tclean.json").exists():
            continue
        with contextlib.redirect_stdout(sys.stderr):
            counts = evaluate(path, dict(parameters))
        print(row(path.stem, counts), flush=True)
        with np.load(path) as archive:
            kind = "mosaics" if json.loads(str(archive["meta_json"]))["mosaic"] else "single fields"
        totals[kind] = add(totals[kind], counts) if kind in totals else counts
    for kind, counts in totals.items():
        print(row(f"**all {kind}**", counts))


if __name__ == "__main__":
    main(**vars(read_arguments()))
