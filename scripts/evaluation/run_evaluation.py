"""
Evaluate confetti_check and two peers on cases with known truth.

    ./scripts/evaluate FOLDER [--without-psf] [task parameters, like unsupported=3]

A case is a file NAME.npz with the images of one tclean run as arrays (x, y, channel): model, image, residual, psf,
pb, mask (where it cleaned), their T/F masks tf_image and so on; csys_json, the coordinate system as a CASA record;
products_json, units, mask names and beams of the images; and with the truth: label, 2 at a fake source and 3 at one
next to a real source, which is not counted; Dh and Xh, the error of the image in sigma against its local background,
with the noise in it and without; sources_json, the real compact sources; meta_json with beam_pix, the width of the beam
in pixels, mosaic, the number of pointings (0 or left out for a single field), and scales, those of a multiscale clean
in pixels. With psf and sigma_chan, the true noise of each channel (rms) in Jy/beam, a case has a ceiling: what an
oracle finds that knows the error of the image at the spatial frequencies that were not measured. A mean leaves out the
cases that have nothing to count in a column.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict, namedtuple
from pathlib import Path

import numpy as np
from astropy.table import QTable
from casatasks import casalog
from casatools import coordsys, image

from confetti_task import confetti_check
from confetti_task.private.core.decision import KINDS, Thresholds
from confetti_task.private.core.hot_pixels import contrast, hot_pixels, narrowness
from confetti_task.private.core.noise import channel_noise
from confetti_task.private.core.scatters import plane_scatters, scatter_left
from confetti_task.private.core.transforms import filtered, padded
from confetti_task.private.core.uv_coverage import unmeasured_filter
from confetti_task.private.images.history import record_of
from scripts.simulate.simulation import read_image
from scripts.simulate.truth import RIGHT_SIGMA, Source, groups, half_beam, in_one_channel, is_source, is_wrong, near

# A channel is truly bad with a fake source of 6 sigma. With weaker ones only, or with those next to a real source, it
# counts neither way, nor does a first or last channel without any.
BAD_SIGMA, LARGE_SIGMA = 6.0, 8.0

# Reported over true noise that is good enough: with it, thresholds mean what they say to a tenth.
GOOD_NOISE = (0.9, 1.15)

# Bounds of the bins of the reliability diagram.
CLAIMS = (0, 0.86, 0.9, 0.95, 0.99, np.inf)

# Verdicts of the check on a channel.
VERDICTS = ("diverged", "bad", "suspicious", "acquitted", "good", "unchecked")

# Name of the rows of the check that does not deconvolve channels again.
NOT_DECONVOLVED = "not deconvolved again"

# The earlier script of ALMA-IMF: model pixels further from the median of three channels than four times that median.
DESPECKLE_FACTOR = 4.0

# What the oracle takes for an error, in sigma: as much as the task takes for an unsupported spike.
ORACLE_SIGMA = 3.0

TO_FIND = ("fake", "found", "large", "large_found", "bad", "bad_found")
COUNTS = (*TO_FIND, "right", "wrong", "image_wrong", "real", "real_right", "bad_wrong")

# What a find says of itself, and whether the image is wrong by 3 sigma there.
Claim = namedtuple("Claim", "reliability evidence wrong")

# Columns of the table: what is counted, and the counts that it is a fraction of.
COLUMNS = {
    "fake sources found": ("found", "fake"),
    "ceiling": ("ceiling_found", "ceiling_fake"),
    "of 8 sigma and more": ("large_found", "large"),
    "flagged groups right": ("right", "right", "wrong"),
    "image wrong at flagged groups": ("image_wrong", "right", "wrong"),
    "real sources masked": ("real",),
    "real sources masked where the image is right": ("real_right",),
    "bad channels found": ("bad_found", "bad"),
    "channels called bad that are": ("bad_found", "bad_found", "bad_wrong"),
}


def read_case(path):
    """The arrays of a case as [channel, y, x], its truth, its width of the beam and number of pointings."""
    with np.load(path) as archive:
        case = {name: archive[name] for name in archive.files}
    for name, values in case.items():
        if values.ndim == 3:
            case[name] = values.transpose(2, 1, 0)
    case["sources"] = [_read_source(entry) for entry in json.loads(str(case["sources_json"]))]
    meta = json.loads(str(case["meta_json"]))
    case["beam"], case["mosaic"] = meta["beam_pix"], meta.get("mosaic", 0)
    case["clean"] = (
        {"deconvolver": "multiscale", "smallscalebias": 0.5, "scales": meta["scales"]} if "scales" in meta else {}
    )
    case["reach"] = half_beam(case["beam"])
    return case


def _read_source(entry):
    kind = "continuum" if entry["kind"] == "cont" else entry["kind"]
    return Source(kind, entry["chan"], entry["fwhm_chan"], entry["x"], entry["y"])


def write_images(case, root, products):
    """Write the CASA images of a case."""
    headers = json.loads(str(case["products_json"]))
    system = coordsys()
    system.fromrecord(_decode(json.loads(str(case["csys_json"]))))
    for product in products:
        _write_image(f"{root}.{product}", case[product], case.get(f"tf_{product}"), headers[product], system.torecord())
        if case["clean"]:
            _write_history(f"{root}.{product}", dict(case["clean"], imagename=root, niter=1000))
    system.done()


def _write_image(path, cube, inside, header, system):
    tool = image()
    tool.fromshape(outfile=path, shape=[*cube.T.shape[:2], 1, len(cube)], csys=system, log=False, type="f")
    tool.putchunk(cube.T[:, :, np.newaxis].astype(float))
    tool.setbrightnessunit(header["unit"])
    if header["mask"]:
        tool.calcmask(mask="T", name=header["mask"], asdefault=True)
        tool.putregion(pixelmask=inside.T[:, :, np.newaxis].astype(bool), usemask=False)
    for number, (major, minor, angle) in enumerate(header["beams"]):
        plane = {"channel": number, "polarization": 0} if header["perplane"] else {}
        tool.setrestoringbeam(major=f"{major}arcsec", minor=f"{minor}arcsec", pa=f"{angle}deg", log=False, **plane)
    tool.done()


def _write_history(path, parameters):
    """Record a clean as tclean does."""
    tool = image()
    tool.open(path)
    tool.sethistory(origin="tclean", history=record_of("tclean", parameters))
    tool.done()


def _decode(value):
    """A CASA record from JSON: arrays are kept as {'__nd__': kind, 'shape': ..., 'data': ...}."""
    if isinstance(value, dict) and "__nd__" in value:
        dtype = {"f": float, "i": np.int64, "u": np.int64, "b": bool}.get(value["__nd__"])
        return np.array(value["data"], dtype=dtype).reshape(value["shape"])
    if isinstance(value, dict):
        return {name: _decode(entry) for name, entry in value.items()}
    return [_decode(entry) for entry in value] if isinstance(value, list) else value


def check(path, case, without, parameters):
    """Mask, bad channels and finds of confetti_check, and its table of the channels."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, path.stem)
        products = [name for name in ("model", "image", "residual", "psf", "mask") if name in case and name != without]
        write_images(case, root, products)
        result = confetti_check(imagename=root, report=False, **parameters)
        sources = QTable.read(result["table"])
        finds = sources[sources["class"] == "confetti"]["channel", "y", "x", "reliability", "evidence"]
        channels = QTable.read(result["channeltable"])
        return read_image(result["mask"]) > 0, result["channels"], finds.as_array(), channels


def despeckle(case):
    """Mask and channels of the earlier script of ALMA-IMF."""
    model = case["model"]
    median = np.median([model[:-2], model[1:-1], model[2:]], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        speckle = np.abs(model[1:-1] - median) / median > DESPECKLE_FACTOR
    mask = np.pad(speckle, ((1, 1), (0, 0), (0, 0)))
    return mask, np.flatnonzero(mask.any(axis=(1, 2)))


def narrow_hot_pixels(case, noise=None):
    """Mask and channels of all narrow hot pixels, whatever the data say; the noise is measured unless it is given."""
    thresholds = Thresholds()
    model = np.ascontiguousarray(case["model"])
    inside = case["tf_image"] > 0
    if noise is None:
        image, residual = (np.where(inside, case[name], np.nan).astype(np.float32) for name in ("image", "residual"))
        noise = channel_noise(plane_scatters(image, residual, case["beam"]), scatter_left(residual, case["beam"]))
    pixels = hot_pixels(model, noise, thresholds.nsigma)
    pixels = pixels[narrowness(model, pixels, contrast(model, pixels)) <= thresholds.narrowness]
    mask = np.zeros(model.shape, dtype=bool)
    mask[tuple(pixels.T)] = True
    mask &= inside
    return mask, np.flatnonzero(mask.any(axis=(1, 2)))


def oracle(case):
    """Mask and channels of the narrow hot pixels where the true error shows at the frequencies not measured."""
    mask = narrow_hot_pixels(case, case["sigma_chan"])[0] & near_lone(unmeasured_errors(case), case["reach"])
    return mask, np.flatnonzero(mask.any(axis=(1, 2)))


def unmeasured_errors(case):
    """Error of the image in sigma at the spatial frequencies that were not measured; 0 where these are not known."""
    errors = np.zeros(case["Dh"].shape, dtype=np.float32)
    lengths = tuple(map(padded, errors.shape[1:]))
    for plane, error, psf in zip(errors, case["Dh"], case["psf"]):
        passed, _, _ = unmeasured_filter(psf, case["beam"], lengths)
        if passed is not None:
            plane[:] = filtered(error.astype(np.float32), passed, lengths)
    return errors


def near_lone(errors, reach):
    """Mask of what is within ``reach`` of an error that one channel alone has; the first and last one are left out."""
    places = np.argwhere(np.abs(errors[1:-1]) >= ORACLE_SIGMA) + [1, 0, 0]
    places = places[in_one_channel(errors, places)]
    return np.stack(
        [near(places[places[:, 0] == channel, 1:], reach, errors[0].shape) for channel in range(len(errors))]
    )


def evaluate(path, case, without, parameters):
    """Counts of confetti_check, its peers, and the ceiling if it is known; claims of finds, verdicts, noise ratios."""
    with contextlib.redirect_stdout(sys.stderr):
        *masked, finds, channels = check(path, case, without, parameters)
        *alone, _, _ = check(path, case, without, dict(parameters, deconvolve="none"))
    found = {"confetti_check": masked, NOT_DECONVOLVED: alone}
    found.update({"despeckle": despeckle(case), "narrow hot pixels": narrow_hot_pixels(case)})
    counts = {name: score(case, *masked) for name, masked in found.items()}
    if "psf" in case and "sigma_chan" in case:
        ceiling = score(case, *oracle(case))
        counts["confetti_check"].update({f"ceiling_{name}": ceiling[name] for name in ("found", "fake")})
        counts["ceiling"] = {name: ceiling[name] for name in TO_FIND}
    ratios = channels["noise"].to_value("Jy/beam") / case.get("sigma_chan", np.nan)
    return counts, claims(case, finds), verdicts(case, channels["verdict"]), ratios[np.isfinite(ratios)]


def verdicts(case, given):
    """How many truly bad channels, and how many without any fake source, got each verdict, as a Counter of pairs."""
    sides = zip(("bad", "good"), bad_and_good(case))
    return Counter((side, str(given[channel])) for side, channels in sides for channel in channels)


def verdicts_table(counted):
    """The verdicts on truly bad and good channels, as lines of Markdown."""
    yield f"| channels | {' | '.join(VERDICTS)} |\n|---|{'---|' * len(VERDICTS)}"
    for side, name in (("bad", "with a fake source of 6 sigma"), ("good", "without any of 5 sigma")):
        yield f"| {name} | {' | '.join(str(counted[side, verdict]) for verdict in VERDICTS)} |"


def claims(case, finds):
    """The `Claim` of each find; without those that count neither way."""
    claimed = []
    for channel, y, x, reliability, evidence in finds.tolist():
        within = near(np.array([[y, x]]), case["reach"], case["Dh"][channel].shape)
        next_to_real = (case["label"][channel][within] == 3).any() and not (case["label"][channel][within] == 2).any()
        if not next_to_real:
            claimed.append(Claim(reliability, evidence, np.abs(case["Dh"][channel][within]).max() >= RIGHT_SIGMA))
    return claimed


def noise_table(ratios):
    """Reported over true noise of the channels of each case, as lines of Markdown."""
    low, high = GOOD_NOISE
    yield f"| case | reported / true noise: least | median | largest | channels with {low} to {high} |"
    yield "|---|---|---|---|---|"
    for name, ratio in {**ratios, "**all**": np.concatenate([*ratios.values()])}.items():
        if not len(ratio):
            continue
        good = np.count_nonzero((ratio >= low) & (ratio <= high))
        yield f"| {name} | {ratio.min():.2f} | {np.median(ratio):.2f} | {ratio.max():.2f} | {part(good, len(ratio))} |"


def diagram(claimed):
    """Reliability diagram: what the finds claim, and what is so, as lines of Markdown."""
    yield "| reliability | finds | claimed, mean | image wrong |\n|---|---|---|---|"
    for low, high in zip(CLAIMS, CLAIMS[1:]):
        here = [claim for claim in claimed if low <= claim.reliability < high]
        if here:
            mean, so = (np.mean([getattr(claim, name) for claim in here]) for name in ("reliability", "wrong"))
            yield f"| {low:.3g} to {min(high, 1):.3g} | {len(here)} | {mean:.3f} | {so:.3f} |"


def kinds_table(claimed):
    """At how many of the finds with each kind of evidence the image is wrong, as lines of Markdown."""
    yield "| evidence | finds | image wrong |\n|---|---|---|"
    for kind in KINDS:
        here = [claim.wrong for claim in claimed if claim.evidence == kind]
        yield f"| {kind} | {len(here)} | {part(sum(here), len(here))} |"


def score(case, mask, channels):
    """Count what a mask and a list of bad channels find, and what they get wrong."""
    counts = dict.fromkeys(COUNTS, 0)
    for channel in range(len(mask)):
        _score_fake(case, channel, mask[channel], counts)
        _score_groups(case, channel, mask[channel], counts)
    (bad, good), listed = bad_and_good(case), {int(channel) for channel in channels}
    counts.update(bad=len(bad), bad_found=len(bad & listed), bad_wrong=len(good & listed))
    return counts


def bad_and_good(case):
    """Truly bad channels, and those without any fake source; the others count neither way."""
    channels = range(len(case["label"]))
    worst = {channel: max((peak for _, peak in fake_sources(case, channel)), default=0) for channel in channels}
    bad = {channel for channel in channels if worst[channel] >= BAD_SIGMA}
    doubtful = {*np.flatnonzero((case["label"] == 3).any(axis=(1, 2))).tolist(), channels[0], channels[-1]}
    return bad, {channel for channel in channels if not worst[channel]} - doubtful


def fake_sources(case, channel):
    """Where each fake source of a channel is, and its largest error in sigma."""
    for pixels in groups(case["label"][channel] == 2, case["reach"]):
        within = near(pixels, case["reach"], case["Dh"][channel].shape)
        yield within, np.abs(case["Dh"][channel][within]).max()


def _score_fake(case, channel, plane, counts):
    for within, peak in fake_sources(case, channel):
        found, large = bool(plane[within].any()), peak >= LARGE_SIGMA
        counts["fake"] += 1
        counts["found"] += found
        counts["large"] += large
        counts["large_found"] += found and large


def _score_groups(case, channel, plane, counts):
    label, error, strict = (case[name][channel] for name in ("label", "Dh", "Xh"))
    for pixels in groups(plane, case["reach"]):
        within = near(pixels, case["reach"], plane.shape)
        if (label[within] == 3).any() and not (label[within] == 2).any():
            continue
        right = is_wrong(error[within], strict[within])
        image_wrong = np.abs(error[within]).max() >= RIGHT_SIGMA
        real = not right and any(is_source(source, channel, pixels, case["reach"]) for source in case["sources"])
        counts["right"] += right
        counts["wrong"] += not right
        counts["image_wrong"] += image_wrong
        counts["real"] += real
        counts["real_right"] += real and not image_wrong


def head():
    """Head of the table, as Markdown."""
    return f"| case | {' | '.join(COLUMNS)} |\n|---|" + "---|" * len(COLUMNS)


def row(name, counts):
    """One line of the table, as Markdown; empty where something was not counted."""
    return _line(name, [_cell(counts, *column) for column in COLUMNS.values()])


def _cell(counts, one, *of):
    if not {one, *of} <= counts.keys():
        return ""
    return part(counts[one], _total(counts, of)) if of else counts[one]


def mean_row(name, cases):
    """One line of the table with the means of the fractions over some cases."""
    return _line(name, [_mean(cases, *column) for column in COLUMNS.values()])


def _mean(cases, one, *of):
    fractions = [counts[one] / _total(counts, of) for counts in cases if one in counts and _total(counts, of)]
    return f"{np.mean(fractions):.2f}" if fractions else ""


def _total(counts, names):
    return sum(counts[name] for name in names)


def _line(name, cells):
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


def part(one, of):
    """A fraction, with its value where it has one."""
    return f"{one}/{of}" + (f" = {one / of:.2f}" if of else "")


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="scripts/evaluate", description="Score confetti_check on cases with known truth."
    )
    parser.add_argument("folder", help="folder with the cases, NAME.npz")
    parser.add_argument(
        "parameters", nargs="*", type=_read_parameter, help="parameters of the task, like unsupported=2.5"
    )
    parser.add_argument("--without-psf", action="store_true", help="leave the PSF out")
    return parser.parse_args()


def _read_parameter(text):
    name, _, value = text.partition("=")
    try:
        return name, value if value.isalpha() else float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be like unsupported=2.5") from None


def main(folder, parameters, without_psf):
    without, parameters = "psf" if without_psf else None, dict(parameters)
    casalog.setlogfile(os.devnull)
    print(head(), flush=True)
    totals, kinds, claimed, ratios = defaultdict(Counter), {"single fields": [], "mosaics": []}, [], {}
    judged = Counter()
    for path in sorted(Path(folder).glob("*.npz")):
        case = read_case(path)
        counts, claims_here, verdicts_here, ratios[path.stem] = evaluate(path, case, without, parameters)
        claimed += claims_here
        judged += verdicts_here
        kind, checked = "mosaics" if case["mosaic"] else "single fields", counts["confetti_check"]
        for name in counts:
            totals[name].update(counts[name])
        for name in ("confetti_check", NOT_DECONVOLVED):
            totals[f"{name}, {kind}"].update(counts[name])
        print(row(path.stem, checked), flush=True)
        print(row(f"{path.stem}, {NOT_DECONVOLVED}", counts[NOT_DECONVOLVED]), flush=True)
        if checked["fake"]:
            kinds[kind].append(checked)
    for name, counts in totals.items():
        print(row(f"**all, {name}**", counts))
    for kind, cases in kinds.items():
        if cases:
            print(mean_row(f"**mean of {len(cases)} {kind}**", cases))
    tables = kinds_table(claimed), verdicts_table(judged), diagram(claimed), noise_table(ratios)
    for table in tables:
        print("", *table, sep="\n")


if __name__ == "__main__":
    main(**vars(read_arguments()))
