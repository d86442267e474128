"""
Image two real observations carefully and carelessly, check and mend them, and print what is found, as tables.

    ./scripts/real FOLDER [PART ...] [--pictures FOLDER]

FOLDER holds two MeasurementSets as archives, and nothing is written there:

- vla_36ghz_j1008.ms.tar.gz: VLA, D array, 2010-04-26, the calibrator J1008+0730 at 36.3 GHz; two minutes, 64 channels;
- atca_3ghz_1934.ms.tar.gz: ATCA, the calibrator 1934-638 from 3.12 GHz down; one integration, 2049 channels.

The parts are: observed (the VLA data as they are, with their edge channel), line (a synthetic line added to them, whose
truth is known) and snapshot (the ATCA data).
"""

import argparse
import contextlib
import os
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from astropy.table import QTable
from casatasks import casalog

from confetti_task import confetti_check, confetti_reclean
from confetti_task.private.images.channels import format_channels
from scripts.evaluation.real_pictures import draw_diverged, draw_edge
from scripts.simulate.real_sky import add_line, read_data, write_data
from scripts.simulate.simulation import clean, make_sky, read_image, read_images
from scripts.simulate.truth import compare, fake_sources, judge

VLA, ATCA = "vla_36ghz_j1008.ms.tar.gz", "atca_3ghz_1934.ms.tar.gz"
PARTS = ("observed", "line", "snapshot")

# The calibrator of the VLA data, in Jy; all fluxes are in units of it.
CALIBRATOR_JY = 1.0

OF_THE_VLA = {
    "datacolumn": "data",
    "specmode": "cube",
    "outframe": "LSRK",
    "deconvolver": "multiscale",
    "scales": [0, 5, 15],
    "weighting": "briggs",
    "robust": 0,
    "usemask": "pb",
    "pbmask": 0.3,
}
WHOLE = dict(OF_THE_VLA, imsize=256, cell="0.6arcsec")
DEEP = {
    "gain 0.1": {"gain": 0.1, "cyclefactor": 2, "threshold": "3mJy", "niter": 20000},
    "gain 0.8": {
        "gain": 0.8,
        "cyclefactor": 0.3,
        "minpsffraction": 0.005,
        "threshold": "0.1mJy",
        "cycleniter": 3000,
        "niter": 20000,
    },
}

# The line is in channels that have all data; smaller pixels, so that its structures are as wide in beams as in
# the simulation.
CHANNELS, SIZE, SEED, BRIGHTNESS = 24, 192, 3, 0.15
WITH_LINE = dict(OF_THE_VLA, imsize=SIZE, cell="0.3arcsec", smallscalebias=0.5, nchan=CHANNELS, start=20)

# A channel whose image is as wrong as this is bad.
BAD_SIGMA = 6.0

# One integration along one line of antennas: its PSF is made of stripes, to which tclean fits no beam.
SNAPSHOT = dict(OF_THE_VLA, imsize=64, cell="2arcsec", deconvolver="hogbom", weighting="natural", nchan=8, start=500)
SNAPSHOT_BEAM = "6arcsec"

OBSERVED_COLUMNS = (
    "clean",
    "verdict",
    "bad channels",
    "diverged",
    "finds",
    "candidates",
    "noise, reported / true",
    "largest difference from gain 0.1 in the channel that diverged, sigma",
    "in the others",
)
EDGE_COLUMNS = (
    "channel",
    "weight, as a fraction of that of channel 31",
    "ambiguity",
    "verdict",
    "true noise, Jy/beam",
    "reported",
    "peak of the residual, gain 0.1, Jy/beam",
    "brightest pixel, gain 0.1",
    "gain 0.8",
)
LINE_COLUMNS = (
    "clean",
    "verdict",
    "bad channels",
    "of these, wrong by 6 sigma",
    "diverged",
    "finds",
    "image wrong at these by 3 sigma",
    "with the noise of the data taken out too",
    "fake sources found",
    "real sources masked where the image is right",
    "noise, reported / true",
    "fake sources after cleaning again",
    "largest error before / after, sigma",
)
SNAPSHOT_COLUMNS = ("clean", "verdict, and what is said")


def head(columns):
    """Head of a table, as lines of Markdown."""
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"


def ways_to_clean(sigma):
    """tclean passes for each way to clean the line, with thresholds for a noise in Jy/beam."""
    careless = {"minpsffraction": 0.005, "threshold": sigma, "niter": 60000}
    mending = {"gain": 0.1, "cyclefactor": 2.0, "threshold": 3 * sigma, "niter": 120000}
    return {
        "gain 0.1": [{"gain": 0.1, "cyclefactor": 2.0, "threshold": 4 * sigma, "niter": 400000}],
        "gain 0.3": [dict(careless, gain=0.3, cyclefactor=0.5, cycleniter=3000)],
        "gain 0.6, restarted": [dict(careless, gain=0.6, cyclefactor=0.5, cycleniter=1800, nmajor=5), mending],
        "gain 0.8": [dict(careless, gain=0.8, cyclefactor=0.3, cycleniter=3000)],
    }


def calibrate(archive, vis, flux, refant, gains):
    """Unpack an observation of a calibrator of known flux in Jy, and calibrate it on itself; writes ``vis``."""
    from casatasks import applycal, bandpass, gaincal, setjy, split

    with tarfile.open(archive) as packed:
        packed.extractall()
        raw = packed.getnames()[0].split("/")[0]
    setjy(raw, fluxdensity=[flux, 0, 0, 0], standard="manual", usescratch=True)
    bandpass(raw, caltable="b.cal", refant=refant, solint="inf", minsnr=2)
    tables = ["b.cal"]
    if gains:
        gaincal(raw, caltable="g.cal", refant=refant, solint="int", calmode="ap", gaintable=tables, minsnr=2)
        tables.append("g.cal")
    applycal(raw, gaintable=tables)
    split(raw, vis, datacolumn="corrected")


def check(root):
    """Result of confetti_check, and the table of the channels."""
    result = confetti_check(imagename=root, report=False, overwrite=True)
    return result, QTable.read(result["channeltable"])


def noise_of(vis, flux, settings):
    """rms of every channel of the dirty image of the data without the calibrator, where CLEAN may put components."""
    from casatasks import tclean

    data = read_data(vis)
    write_data(vis, data - flux)
    tclean(vis=vis, imagename="noise", niter=0, **settings)
    write_data(vis, data)
    noise, primary_beam = read_image("noise.image"), read_image("noise.pb")
    return np.sqrt(np.mean(noise**2, axis=(1, 2), where=primary_beam > settings["pbmask"]))


def observed(archive):
    """Tables of the VLA data as they are, as lines of Markdown."""
    calibrate(archive, "cal.ms", CALIBRATOR_JY, "4", gains=True)
    noise = noise_of("cal.ms", CALIBRATOR_JY, WHOLE)
    checked = {}
    for name, parameters in DEEP.items():
        root = name.replace(" ", "_")
        clean("cal.ms", root, [parameters], WHOLE)
        checked[root] = check(root)
    mended = confetti_reclean(imagename="gain_0.8")
    checked["gain_0.8_reclean"] = check(mended["imagename"])
    yield from head(OBSERVED_COLUMNS)
    for root, (result, channels) in checked.items():
        differences, others = differences_from("gain_0.1", root, mended["channels"])
        ratio = np.nanmedian(channels["noise"].to_value("Jy/beam")[1:] / noise[1:])
        yield (
            f"| {root.replace('_', ' ')} | {result['verdict']} | {result['chans'] or 'none'} | "
            f"{format_channels(result['diverged']) or 'none'} | {result['nsources']} | {result['ncandidates']} | "
            f"{ratio:.2f} | {differences:.1f} sigma | {others:.1f} sigma |"
        )
    yield ""
    yield from edge(checked, noise)


def draw(folder):
    """Draw what the documentation shows of the VLA data."""
    channels = QTable.read("gain_0.8.confetti.channels.ecsv")
    (channel,) = channels["channel"][channels["verdict"] == "diverged"]
    roots = {name: name.replace(" ", "_") for name in DEEP}
    mended = {"gain 0.8": "gain_0.8", "gain 0.8, cleaned again": "gain_0.8_reclean", "gain 0.1": "gain_0.1"}
    draw_diverged(folder, channel, mended, "gain_0.8.confetti.mask")
    draw_edge(folder, roots)


def differences_from(careful, root, bad):
    """Largest difference from the careful image, in units of its scatter, in bad channels and in the others but 0."""
    expected = read_image(careful + ".image")
    sigma = 1.4826 * np.median(np.abs(expected), axis=(1, 2))
    differences = np.abs(read_image(root + ".image") - expected).max(axis=(1, 2)) / sigma
    return differences[bad].max(), np.delete(differences, [0, *bad]).max()


def edge(checked, noise):
    """Table of the first channels, as lines of Markdown."""
    weight = read_image("gain_0.1.sumwt").ravel()
    roots = [name.replace(" ", "_") for name in DEEP]
    images = [read_image(root + ".image") for root in roots]
    left = np.abs(read_image(roots[0] + ".residual")).max(axis=(1, 2))
    _, channels = checked[roots[-1]]
    yield from head(EDGE_COLUMNS)
    for number in (0, 1, 2, 31):
        row, brightest = channels[number], [describe_peak(image[number]) for image in images]
        yield (
            f"| {number} | {weight[number] / weight[31]:.4f} | {row['ambiguity']:.1f} | {row['verdict']} | "
            f"{noise[number]:.3f} | {row['noise'].value:.3f} | {left[number]:.3f} | "
            f"{' | '.join(brightest)} |"
        )


def describe_peak(plane):
    """Height and place of the brightest pixel of a plane."""
    y, x = np.unravel_index(np.argmax(plane), plane.shape)
    return f"{plane[y, x]:.2f} Jy/beam at x={x} y={y}"


def line(archive):
    """Table of the VLA data with a line added, as lines of Markdown."""
    calibrate(archive, "cal.ms", CALIBRATOR_JY, "4", gains=True)
    truth = add_line("cal.ms", make_sky(SIZE, CHANNELS, SEED), BRIGHTNESS, CALIBRATOR_JY, WITH_LINE)
    yield from head(LINE_COLUMNS)
    for name, passes in ways_to_clean(float(np.median(truth.sigma))).items():
        root = name.replace(" ", "_").replace(",", "")
        clean("cal.ms", root, passes, WITH_LINE)
        yield line_row(name, root, truth)


def line_row(name, root, truth):
    """One line of the table: what the check finds, and what the re-clean makes of it, by the truth."""
    judgement, (result, channels) = judge(*read_images(root), truth), check(root)
    fake, counts = fake_sources(judgement, truth), compare(QTable.read(result["table"]), judgement, truth)
    after = judgement
    if result["channels"] or result["suspects"]:
        after = judge(*read_images(confetti_reclean(imagename=root)["imagename"]), truth)
    ratio = np.nanmedian(channels["noise"].to_value("Jy/beam") / truth.sigma)
    before, now = (largest_errors(one, truth) for one in (judgement, after))
    cells = [
        name,
        result["verdict"],
        result["chans"] or "none",
        f"{np.count_nonzero(before[result['channels']] >= BAD_SIGMA)} of {len(result['channels'])}",
        format_channels(result["diverged"]) or "none",
        result["nsources"],
        counts["wrong"],
        counts["right"],
        f"{counts['found']} of {len(fake)}",
        f"{counts['real']} of {len(truth.sources)}",
        f"{ratio:.2f}",
        len(fake_sources(after, truth)),
        f"{before.max():.1f} / {now.max():.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def largest_errors(judgement, truth):
    """Largest error of each channel in sigma, where CLEAN may put components."""
    return np.abs(np.where(truth.inside, judgement.errors, 0)).max(axis=(1, 2))


def snapshot(archive):
    """Table of the ATCA data, as lines of Markdown."""
    calibrate(archive, "cal.ms", 10.0, "1", gains=False)
    careful, careless = {"gain": 0.1, "threshold": "0.1Jy", "niter": 20000}, DEEP["gain 0.8"]
    runs = {
        "gain 0.1": (SNAPSHOT, careful),
        f"gain 0.1, restoringbeam='{SNAPSHOT_BEAM}'": (dict(SNAPSHOT, restoringbeam=SNAPSHOT_BEAM), careful),
        f"gain 0.8, restoringbeam='{SNAPSHOT_BEAM}'": (dict(SNAPSHOT, restoringbeam=SNAPSHOT_BEAM), careless),
    }
    yield from head(SNAPSHOT_COLUMNS)
    for number, (name, (settings, parameters)) in enumerate(runs.items()):
        clean("cal.ms", f"snapshot{number}", [parameters], settings)
        yield f"| {name} | {what_is_said(f'snapshot{number}')} |"


def what_is_said(root):
    """Verdict and warnings of the check, or why it refuses."""
    try:
        result, _ = check(root)
    except ValueError as error:
        return f"refused: {error}"
    return "; ".join([result["verdict"], *result["warnings"]])


@contextlib.contextmanager
def said_elsewhere():
    """What CASA prints, from C++ too, goes to the standard error."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(output, 1)
        os.close(output)


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(prog="scripts/real", description="Check two real observations.")
    parser.add_argument("folder", type=Path, help="folder with the two archives")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=PARTS, help="what to do (default: all)")
    parser.add_argument("--pictures", type=Path, help="folder in which to write the pictures of the documentation")
    return parser.parse_args()


def main(folder, parts, pictures):
    casalog.setlogfile(os.devnull)
    tables = {"observed": (observed, VLA), "line": (line, VLA), "snapshot": (snapshot, ATCA)}
    start = Path.cwd()
    for part in parts or PARTS:
        table, archive = tables[part]
        with tempfile.TemporaryDirectory() as work:
            os.chdir(work)  # tclean keeps its temporary tables where it is started
            with said_elsewhere():
                lines = list(table((start / folder / archive).resolve()))
            print(*lines, "", sep="\n", flush=True)
            if pictures and part == "observed":
                draw(start / pictures)
            os.chdir(start)


if __name__ == "__main__":
    main(**vars(read_arguments()))
