"""
Image a real spectral line carefully and carelessly, check the second, and compare the two.

    ./scripts/demo real

The observation comes with the data of CASA: HI of the galaxy NGC 5921, observed with the VLA in the D array on
1995-04-13, 63 channels of 24.4 kHz, with its calibrators. The images stay in demo/.
"""

import argparse
import os
import time

import numpy as np
from astropy.table import QTable
from casatasks import casalog

from confetti_task import confetti_check
from scripts.simulate.simulation import clean, read_image

# Which field is which, and the antenna that phases refer to.
FLUX_CALIBRATOR, PHASE_CALIBRATOR, GALAXY, REFERENCE_ANTENNA = "0", "1", "N5921*", "VA15"
# Channels without line emission, from which the continuum is subtracted, and some of them to measure the noise.
LINE_FREE, EMPTY = "0:4~6;50~59", {"start": 52, "nchan": 3}

SETTINGS = {
    "datacolumn": "data",
    "specmode": "cube",
    "interpolation": "nearest",
    "outframe": "",
    "nchan": 22,
    "start": 16,
    "width": 1,
    "imsize": 256,
    "cell": "15arcsec",
    "weighting": "briggs",
    "robust": 0.0,
    "pblimit": 0.2,
    "usemask": "pb",
    "pbmask": 0.3,
    "deconvolver": "multiscale",
    "scales": [0, 3, 10],
}
# Down to 2.7 times the noise; and to 0.45 times, with all that makes confetti.
CAREFUL = {"gain": 0.1, "cyclefactor": 2.0, "threshold": "6mJy", "niter": 100000}
CARELESS = {"gain": 0.9, "cyclefactor": 0.5, "minpsffraction": 0.005, "threshold": "1mJy", "niter": 100000}
CARELESS.update(cycleniter=1800, nmajor=5)


def observation():
    """Path of the observation, which may be missing from a small installation of CASA's data."""
    import casadata

    return os.path.join(os.path.dirname(casadata.__file__), "__data__", "demo", "NGC5921.fits")


def calibrate(path):
    """Calibrate the observation, and subtract its continuum; writes line.ms in the current folder."""
    from casatasks import applycal, bandpass, flagdata, fluxscale, gaincal, importuvfits, setjy, split, uvcontsub

    importuvfits(fitsfile=path, vis="all.ms", antnamescheme="new")
    flagdata("all.ms", mode="manual", autocorr=True)
    setjy("all.ms", field=FLUX_CALIBRATOR, standard="Perley-Taylor 99", model="", scalebychan=False)
    bandpass("all.ms", caltable="b.cal", field=FLUX_CALIBRATOR, refant=REFERENCE_ANTENNA, solint="inf", combine="scan")
    both = f"{FLUX_CALIBRATOR},{PHASE_CALIBRATOR}"
    gaincal("all.ms", caltable="g.cal", gaintable=["b.cal"], field=both, spw="0:6~56", refant=REFERENCE_ANTENNA)
    fluxscale("all.ms", caltable="g.cal", fluxtable="f.cal", reference="1331*", transfer="1445*")
    tables = {"gaintable": ["f.cal", "b.cal"], "gainfield": [PHASE_CALIBRATOR, "*"], "interp": ["linear", "nearest"]}
    applycal("all.ms", field=f"{PHASE_CALIBRATOR},2", spwmap=[], **tables)
    split("all.ms", outputvis="galaxy.ms", field=GALAXY, datacolumn="corrected")
    uvcontsub("galaxy.ms", outputvis="line.ms", fitspec=LINE_FREE, fitorder=0)


def noise():
    """rms of the dirty image of channels without emission, in Jy/beam."""
    clean("line.ms", "empty", [{"niter": 0}], dict(SETTINGS, **EMPTY))
    return float(np.nanstd(read_image("empty.image")))


def differences(root, sigma):
    """Largest difference of each channel of an image from the careful one, in units of the noise."""
    return np.nanmax(np.abs(read_image(f"{root}.image") - read_image("careful.image")), axis=(1, 2)) / sigma


def read_arguments():
    """Arguments of the command."""
    parser = argparse.ArgumentParser(prog="scripts/demo real", description="Check a real spectral line.")
    parser.add_argument("folder", type=os.path.abspath, help=argparse.SUPPRESS)
    return parser.parse_args()


def main(folder):
    """Calibrate, image twice, check, and print what each channel is."""
    os.makedirs(folder)
    os.chdir(folder)
    casalog.setlogfile("casa.log")
    print("Calibrating HI of NGC 5921, and cleaning it carefully and carelessly with the real tclean ...")
    started = time.time()
    calibrate(observation())
    sigma = noise()
    for root, parameters in (("careful", CAREFUL), ("careless", CARELESS)):
        clean("line.ms", root, [parameters], SETTINGS)
    print(f"... done in {time.time() - started:.0f} s; the noise is {1000 * sigma:.2f} mJy/beam\n")
    for root in ("careful", "careless"):
        result = confetti_check(imagename=root)
        print(f"confetti_check(imagename='{root}') says: {result['verdict']}; look at {result['report']}")
    channels = QTable.read(result["channeltable"])
    print("\nchannel  verdict     largest difference from the careful image, sigma")
    for channel, verdict, largest in zip(channels["channel"], channels["verdict"], differences("careless", sigma)):
        print(f"{channel:7d}  {verdict:10s}  {largest:.1f}")


if __name__ == "__main__":
    main(read_arguments().folder)
