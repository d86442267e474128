"""
Evaluate confetti_check on cases with known truth, beside two peers.

    python scripts/run_evaluation.py FOLDER [--without-psf] [task parameters, like unsupported=3]

A case is a file NAME.npz with the images of one run of tclean as arrays (x, y, channel): model, image, residual, psf,
pb, their T/F masks tf_image and so on; csys_json, the coordinate system as a CASA record; products_json, units, mask
names and beams of the images; and with the truth: label, 2 at a fake source and 3 at one beside a real source, which is
not counted; Dh and Xh, the error of the image in sigma against its local background, with the noise in it and without;
sources_json, the real compact sources; meta_json with beam_pix, the width of the beam in pixels.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from casatasks import casalog
from casatools import coordsys, image
from simulation import read_image
from truth import Source, groups, half_beam, is_source, is_wrong, near

from confetti_task import confetti_check
from confetti_task.private.core.decision import Thresholds
from confetti_task.private.core.noise import channel_noise, plane_scatters
from confetti_task.private.core.statistics import components, contrast, hot_pixels, narrowness

# A channel is truly bad with a fake source of 6 sigma. With weaker ones only, or with those beside a real source, it
# counts neither way, nor does a first or last channel without any.
BAD_SIGMA, LARGE_SIGMA = 6.0, 8.0

# The earlier script of ALMA-IMF: model pixels further from the median of three channels than four times that median.
DESPECKLE_FACTOR = 4.0

COUNTS = ("fake", "found", "large", "large_found", "right", "wrong", "real", "bad", "bad_found", "bad_wrong")


def read_case(path):
    """The arrays of a case as [channel, y, x], its truth and its width of the beam."""
    with np.load(path) as archive:
        case = {name: archive[name] for name in archive.files}
    for name, values in case.items():
        if values.ndim == 3:
            case[name] = values.transpose(2, 1, 0)
    case["sources"] = [_read_source(entry) for entry in json.loads(str(case["sources_json"]))]
    case["beam"] = json.loads(str(case["meta_json"]))["beam_pix"]
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


def _decode(value):
    """A CASA record from JSON: arrays are kept as {'__nd__': kind, 'shape': ..., 'data': ...}."""
    if isinstance(value, dict) and "__nd__" in value:
        dtype = {"f": float, "i": np.int64, "u": np.int64, "b": bool}.get(value["__nd__"])
        return np.array(value["data"], dtype=dtype).reshape(value["shape"])
    if isinstance(value, dict):
        return {name: _decode(entry) for name, entry in value.items()}
    return [_decode(entry) for entry in value] if isinstance(value, list) else value


def check(path, case, without, parameters):
    """Mask and bad channels of confetti_check."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, path.stem)
        write_images(case, root, [name for name in ("model", "image", "residual", "psf") if name != without])
        result = confetti_check(imagename=root, report=False, **parameters)
        return read_image(result["mask"]) > 0, result["channels"]


def despeckle(case):
    """Mask and channels of the earlier script of ALMA-IMF."""
    model = case["model"]
    median = np.median([model[:-2], model[1:-1], model[2:]], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        speckle = np.abs(model[1:-1] - median) / median > DESPECKLE_FACTOR
    mask = np.pad(speckle, ((1, 1), (0, 0), (0, 0)))
    return mask, np.flatnonzero(mask.any(axis=(1, 2)))


def narrow_hot_pixels(case):
    """Mask and channels of all narrow hot pixels, whatever the data say."""
    thresholds = Thresholds()
    model = np.ascontiguousarray(case["model"])
    inside = case["tf_image"] > 0
    image, residual = (np.where(inside, case[name], np.nan).astype(np.float32) for name in ("image", "residual"))
    noise = channel_noise(plane_scatters(image, residual, case["beam"]))
    pixels = hot_pixels(model, components(model)[0], noise, thresholds.nsigma)
    pixels = pixels[narrowness(model, pixels, contrast(model, pixels)) <= thresholds.narrowness]
    mask = np.zeros(model.shape, dtype=bool)
    mask[tuple(pixels.T)] = True
    mask &= inside
    return mask, np.flatnonzero(mask.any(axis=(1, 2)))


def score(case, mask, channels):
    """Count what a mask and a list of bad channels find, and what they get wrong."""
    counts = dict.fromkeys(COUNTS, 0)
    worst = {}
    for channel in range(len(mask)):
        peaks = _score_fake(case, channel, mask[channel], counts)
        if peaks:
            worst[channel] = max(peaks)
        _score_groups(case, channel, mask[channel], counts)
    bad = {channel for channel, peak in worst.items() if peak >= BAD_SIGMA}
    beside_real = np.flatnonzero((case["label"] == 3).any(axis=(1, 2))).tolist()
    neither = ({*worst, *beside_real, 0, len(mask) - 1}) - bad
    listed = {int(channel) for channel in channels} - neither
    counts.update(bad=len(bad), bad_found=len(bad & listed), bad_wrong=len(listed - bad))
    return counts


def _score_fake(case, channel, plane, counts):
    peaks = []
    for pixels in groups(case["label"][channel] == 2, case["reach"]):
        within = near(pixels, case["reach"], plane.shape)
        peaks.append(np.abs(case["Dh"][channel][within]).max())
        found, large = bool(plane[within].any()), peaks[-1] >= LARGE_SIGMA
        counts["fake"] += 1
        counts["found"] += found
        counts["large"] += large
        counts["large_found"] += found and large
    return peaks


def _score_groups(case, channel, plane, counts):
    label, error, strict = (case[name][channel] for name in ("label", "Dh", "Xh"))
    for pixels in groups(plane, case["reach"]):
        within = near(pixels, case["reach"], plane.shape)
        if (label[within] == 3).any() and not (label[within] == 2).any():
            continue
        right = is_wrong(error[within], strict[within])
        counts["right"] += right
        counts["wrong"] += not right
        counts["real"] += not right and any(
            is_source(source, channel, pixels, case["reach"]) for source in case["sources"]
        )


def row(name, counts):
    """One line of the table, as Markdown."""
    cells = (
        part(counts["found"], counts["fake"]),
        part(counts["large_found"], counts["large"]),
        part(counts["right"], counts["right"] + counts["wrong"]),
        counts["real"],
        part(counts["bad_found"], counts["bad"]),
        part(counts["bad_found"], counts["bad_found"] + counts["bad_wrong"]),
    )
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
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be like unsupported=2.5") from None


def main(folder, parameters, without_psf):
    without, parameters = "psf" if without_psf else None, dict(parameters)
    casalog.setlogfile(os.devnull)
    print("| case | fake sources found | of 8 sigma and more | flagged groups right | real sources masked ", end="")
    print("| bad channels found | channels called bad that are |\n|---|---|---|---|---|---|---|")
    finders = {"confetti_check": check, "despeckle": despeckle, "narrow hot pixels": narrow_hot_pixels}
    totals = {name: dict.fromkeys(COUNTS, 0) for name in finders}
    for path in sorted(Path(folder).glob("*.npz")):
        case = read_case(path)
        for name, finder in finders.items():
            with contextlib.redirect_stdout(sys.stderr):
                found = check(path, case, without, parameters) if finder is check else finder(case)
            counts = score(case, *found)
            for count in COUNTS:
                totals[name][count] += counts[count]
            if finder is check:
                print(row(path.stem, counts), flush=True)
    for name, counts in totals.items():
        print(row(f"**all, {name}**", counts))


if __name__ == "__main__":
    main(**vars(read_arguments()))
