"""
The table about bright real sources in docs/validation/accuracy.md: none of them may be masked, with a PSF or without.

    ./scripts/masers

Each row is a simulated ALMA observation of seven masers, of 50 to 5000 times the noise, each in one channel and all
between the same pixels, or of four lines of 1.5 to 3.5 channels; cleaned carefully by the real tclean. Sources and
noise are put into the visibilities without any image in between.
"""

import os
import shutil
import tempfile
from collections import namedtuple

import numpy as np
from astropy.table import QTable
from casatasks import casalog, tclean

from confetti_task import confetti_check
from scripts.simulate.simulation import FREQUENCY_HZ, VISIBILITY_NOISE_JY, read_image

CHANNELS, SIZE = 16, 128
SPEED_OF_LIGHT = 299792458.0

# Name of an array of ALMA, pixel in arcsec, hour angles in hours, declination, offset from the pixels in x and y,
# deconvolver, loop gain, threshold in sigma, and 'masers' or 'lines'.
Run = namedtuple("Run", "array cell hours declination offset deconvolver gain threshold sources")
ZENITH, SHORT = "-21d37m00s", (-0.15, 0.15)
RUNS = (
    Run("cycle3.1", 0.6, (-4.0, -3.8), "20d00m00s", (0.4, 0.1), "multiscale", 0.1, 4, "masers"),
    Run("cycle3.2", 0.45, SHORT, ZENITH, (0.5, 0.5), "hogbom", 0.1, 4, "masers"),
    Run("cycle3.3", 0.33, SHORT, ZENITH, (0.5, 0.5), "hogbom", 0.1, 4, "masers"),
    Run("cycle3.4", 0.22, SHORT, ZENITH, (0.5, 0.2), "multiscale", 0.1, 4, "masers"),
    Run("cycle3.5", 0.16, (1.0, 1.2), "-30d00m00s", (0.3, 0.5), "hogbom", 0.1, 4, "masers"),
    Run("cycle4.1", 0.65, (-4.2, -4.0), "0d00m00s", (0.5, 0.1), "hogbom", 0.1, 4, "masers"),
    Run("cycle4.2", 0.4, (-3.0, -2.8), ZENITH, (0.5, 0.5), "clark", 0.1, 4, "masers"),
    Run("cycle4.3", 0.32, (-0.1, 0.1), "-45d00m00s", (0.4, 0.4), "hogbom", 0.1, 3, "masers"),
    Run("cycle4.4", 0.22, SHORT, ZENITH, (0.25, 0.25), "hogbom", 0.2, 4, "lines"),
    Run("cycle4.5", 0.14, SHORT, "10d00m00s", (0.5, 0.5), "multiscale", 0.1, 4, "masers"),
    Run("cycle5.1", 0.6, SHORT, ZENITH, (0.5, 0.5), "hogbom", 0.05, 4, "masers"),
    Run("cycle5.2", 0.42, SHORT, ZENITH, (0.5, 0.25), "multiscale", 0.1, 4, "lines"),
    Run("cycle5.3", 0.3, SHORT, ZENITH, (0.2, 0.5), "multiscale", 0.1, 4, "masers"),
    Run("cycle5.4", 0.2, (3.0, 3.1), ZENITH, (0.5, 0.5), "hogbom", 0.1, 4, "masers"),
    Run("cycle5.5", 0.13, SHORT, ZENITH, (0.45, 0.3), "hogbom", 0.1, 4, "masers"),
    Run("cycle6.1", 0.7, (-1.0, 1.0), ZENITH, (0.5, 0.5), "hogbom", 0.1, 3, "masers"),
    Run("cycle6.2", 0.45, (-3.5, -3.4), "15d00m00s", (0.1, 0.5), "multiscale", 0.1, 4, "masers"),
    Run("cycle6.3", 0.33, SHORT, ZENITH, (0.5, 0.5), "hogbom", 0.1, 4, "masers"),
    Run("cycle6.4", 0.24, (-2.0, 2.0), ZENITH, (0.5, 0.5), "multiscale", 0.1, 4, "masers"),
    Run("cycle6.5", 0.15, (-0.05, 0.05), "-70d00m00s", (0.5, 0.4), "hogbom", 0.1, 4, "masers"),
)

# Channel and width in channels, height in units of the noise of the whole array, and place in pixels from the centre.
MASERS = tuple(
    (1 + 2 * number, 0.1, height, (-10, 5)) for number, height in enumerate((5000, 50, 100, 200, 500, 1000, 2000))
)
LINES = ((4, 2.5, 2000, (-10, 5)), (9.5, 3.5, 1000, (20, 9)), (11, 1.5, 500, (-22, -20)), (3, 2, 300, (25, 25)))


def main():
    """Simulate, image and check, and print the table."""
    casalog.setlogfile(os.devnull)
    columns = "masked pixels | bad channels | suspicious channels | largest unsupported spike"
    print(f"| array | hour angle, declination | offset | deconvolver | sources | {columns} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for run in RUNS:
        folder = tempfile.mkdtemp()
        try:
            os.chdir(folder)
            clean(run, "line")
            print(row(run, [judge("line", "with"), judge("line", "without", psf=False)]), flush=True)
        finally:
            os.chdir("/")
            shutil.rmtree(folder)


def clean(run, imagename):
    """Observe the sources of a run, and image them carefully."""
    noise = observe(run, "data.ms")
    tclean(
        vis="data.ms",
        imagename=imagename,
        specmode="cube",
        interpolation="nearest",
        imsize=SIZE,
        cell=f"{run.cell}arcsec",
        weighting="briggs",
        robust=0.5,
        perchanweightdensity=True,
        deconvolver=run.deconvolver,
        scales=[0, 5, 15] if run.deconvolver == "multiscale" else [],
        gain=run.gain,
        threshold=f"{run.threshold * noise}Jy",
        niter=60000,
        datacolumn="data",
    )


def observe(run, path):
    """Write a MeasurementSet with the sources of a run; returns the noise with natural weighting, in Jy/beam."""
    from casatools import ctsys, measures, simulator, table

    x, y, z, dish = _antennas(ctsys.resolve(f"alma/simmos/alma.{run.array}.cfg"))
    me, sm, tb = measures(), simulator(), table()
    sm.open(path)
    place = {"coordsystem": "local", "referencelocation": me.observatory("ALMA"), "mount": "alt-az"}
    names = [f"A{number:02d}" for number in range(len(x))]
    sm.setconfig("ALMA", x=x, y=y, z=z, dishdiameter=dish, antname=names, **place)
    width = {
        "deltafreq": "70kHz",
        "freqresolution": "70kHz",
        "nchannels": CHANNELS,
        "stokes": "XX YY",
        "refcode": "TOPO",
    }
    sm.setspwindow("line", freq=f"{FREQUENCY_HZ}Hz", **width)
    sm.setfeed("perfect X Y")
    sm.setfield("field", me.direction("J2000", "18h06m20s", run.declination))
    sm.setlimits(0.001, "10deg")
    sm.setauto(0.0)
    sm.settimes("30s", True, me.epoch("UTC", "2020/01/01/00:00:00"))
    start, stop = (f"{hour}h" for hour in run.hours)
    sm.observe("field", "line", starttime=start, stoptime=stop)
    sm.close()

    tb.open(path, nomodify=False)
    u, v, _ = tb.getcol("UVW") * FREQUENCY_HZ / SPEED_OF_LIGHT
    random = np.random.default_rng(7)
    shape = 2, CHANNELS, len(u)
    data = VISIBILITY_NOISE_JY * (random.normal(size=shape) + 1j * random.normal(size=shape))
    noise = VISIBILITY_NOISE_JY / np.sqrt(2 * len(u))
    radian = np.deg2rad(run.cell / 3600)
    for channel, line, height, (right, up) in MASERS if run.sources == "masers" else LINES:
        profile = np.exp(-4 * np.log(2) * ((np.arange(CHANNELS) - channel) / line) ** 2)
        east, north = -(right + run.offset[0]) * radian, (up + run.offset[1]) * radian
        data += height * noise * profile[:, np.newaxis] * np.exp(2j * np.pi * (u * east + v * north))
    tb.putcol("DATA", data)
    tb.close()
    return noise


def _antennas(path):
    with open(path) as file:
        lines = [line.split()[:4] for line in file if not line.startswith("#")]
    return np.array(lines, dtype=float).T


def judge(imagename, outfile, psf=True):
    """What the check says: masked pixels, bad and suspicious channels, and the largest unsupported spike in sigma."""
    if not psf:
        shutil.rmtree(f"{imagename}.psf")
    result = confetti_check(imagename=imagename, outfile=outfile, report=False)
    spikes = np.abs(QTable.read(result["table"])["unsupported"])
    mask = np.count_nonzero(read_image(result["mask"]))
    return mask, len(result["channels"]), len(result["suspects"]), np.nanmax(spikes, initial=0)


def row(run, judged):
    """A row of the table: with a PSF, and without."""
    hours = " to ".join(f"{hour:g}h" for hour in run.hours)
    offset = ", ".join(f"{part:g}" for part in run.offset)
    cells = [", ".join(f"{value:.0f}" for value in values) for values in zip(*judged)]
    gain = "" if run.gain == 0.1 else f", gain {run.gain}"
    degrees, *_ = run.declination.split("d")
    about = (run.array, f"{hours}, {degrees} deg", offset, run.deconvolver + gain, run.sources)
    return "| " + " | ".join([*about, *cells]) + " |"


if __name__ == "__main__":
    main()
