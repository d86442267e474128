"""
The ways in which cubes are made: tclean parameters, how the visibilities were prepared, and what was done to the
images afterwards.

Each is carried out by the real tclean and the real tasks. A maker that needs more than parameters has functions, which
work in the current folder.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, Dict, Optional

import numpy as np

from scripts.simulate.simulation import CELL_ARCSEC, CHANNEL_WIDTH_HZ, FIELD, FREQUENCY_HZ

IMAGES = ("model", "image", "residual", "psf", "pb", "mask", "sumwt")
CUBES = ("model", "image", "residual", "psf")
FIRST, CHANNELS = 3, 7
WIDTH_KMS = 299792.458 * CHANNEL_WIDTH_HZ / FREQUENCY_HZ


@dataclass(frozen=True)
class Maker:
    """
    How a set of images is made.

    Attributes
    ----------
    parameters : dict
        Parameters for tclean that differ from those of the plain cube.
    data : callable or None
        Prepares the visibilities: is given the names of the MeasurementSets, and returns those to image.
    run : callable or None
        Calls tclean instead of a single call: is given the task, the root name and all parameters.
    afterwards : callable or None
        Changes the images: is given the root name, and returns what the check is given as imagename.
    """

    parameters: Dict = field(default_factory=dict)
    data: Optional[Callable] = None
    run: Optional[Callable] = None
    afterwards: Optional[Callable] = None


def _copied(vis):
    return [shutil.copytree(path, os.path.basename(path)) for path in vis]


def _flagged(vis, channels):
    from casatasks import flagdata

    copies = _copied(vis)
    for path in copies:
        flagdata(path, spw=f"0:{channels}", flagbackup=False)
    return copies


def _mostly_flagged(vis, channels):
    """Channels that have a tenth of the data: all but thirteen antennas are flagged."""
    from casatasks import flagdata

    copies = _copied(vis)
    for path in copies:
        flagdata(path, spw=f"0:{channels}", antenna="!0~12", flagbackup=False)
    return copies


def _joined(vis):
    from casatasks import concat

    concat(vis=vis, concatvis="joined.ms")
    return ["joined.ms"]


def _with_corrected_data(vis):
    """The data in CORRECTED_DATA, as after a calibration, where datacolumn='corrected' takes them."""
    from casatools import table

    copies, tool = _copied(vis), table()
    for path in copies:
        tool.open(path, nomodify=False)
        tool.putcol("CORRECTED_DATA", tool.getcol("DATA"))
        tool.done()
    return copies


def _moving(vis):
    """The field follows an ephemeris that stands still."""
    from casatools import ms, table

    copies, ephemeris, topocentric = _copied(vis), _make_ephemeris(), 5
    for path in copies:
        tool = ms()
        tool.open(path, nomodify=False)
        tool.addephemeris(0, ephemeris, "standing", 0)
        tool.done()
        tool = table()
        tool.open(path + "/SPECTRAL_WINDOW", nomodify=False)
        tool.putcol("MEAS_FREQ_REF", np.array([topocentric]))  # tclean follows a source only in topocentric data
        tool.done()
    return copies


def _make_ephemeris():
    from casatools import measures, quanta, table

    me, qa, tool = measures(), quanta(), table()
    place = me.direction(*FIELD.split())
    ra, dec = (qa.convert(place[name], "deg")["value"] for name in ("m0", "m1"))
    days = np.arange(58758.0, 58765.0, 0.25)
    columns = {"MJD": days, "RA": 0 * days + ra, "DEC": 0 * days + dec, "Rho": 0 * days + 5, "RadVel": 0 * days}
    units = {"MJD": "d", "RA": "deg", "DEC": "deg", "Rho": "AU", "RadVel": "AU/d"}
    description = {
        name: {
            "valueType": "double",
            "comment": "",
            "dataManagerGroup": "",
            "dataManagerType": "",
            "maxlen": 0,
            "option": 0,
            "keywords": {"UNIT": units[name]},
        }
        for name in columns
    }
    path = os.path.abspath("standing.tab")
    tool.create(path, description)
    tool.addrows(len(days))
    for name, values in columns.items():
        tool.putcol(name, values)
    keywords = {"MJD0": days[0] - 0.25, "dMJD": 0.25, "NAME": "standing", "VS_CREATE": "2019/10/01/00:00"}
    keywords.update(VS_DATE="2019/10/01/00:00", VS_TYPE="Table of comet/planetary positions", VS_VERSION="0001.0001")
    keywords.update(GeoDist=0.0, GeoLat=0.0, GeoLong=0.0, obsloc="GEOCENTRIC", posrefsys="ICRF/J2000.0")
    for name, value in keywords.items():
        tool.putkeyword(name, value)
    tool.putinfo({"type": "IERS", "subType": "Comet", "readme": ""})
    tool.done()
    return path


def _restarted(tclean, root, parameters, times):
    """In several runs that continue each other, as when a long clean is run into the limits of a queue."""
    for _ in range(times):
        tclean(imagename=root, **dict(parameters, niter=parameters["niter"] // times))


def _in_steps(tclean, root, parameters):
    """First without an image, which is made afterwards without iterations, as ALMA-IMF does it."""
    tclean(imagename=root, **dict(parameters, restoration=False))
    tclean(imagename=root, **dict(parameters, calcpsf=False, niter=0))


def _dirty_first(tclean, root, parameters):
    """A dirty cube, then the clean from its PSF and residual."""
    tclean(imagename=root, **dict(parameters, niter=0))
    tclean(imagename=root, **dict(parameters, calcres=False, calcpsf=False))


def _from_start_model(tclean, root, parameters):
    """From the model of another cube, as when a survey starts from an earlier, shallower clean."""
    tclean(imagename=root + "_first", **dict(parameters, niter=300, gain=0.1, restoration=False))
    tclean(imagename=root, **dict(parameters, startmodel=root + "_first.model"))


def _with_outlier(tclean, root, parameters):
    with open("outliers.txt", "w", encoding="utf-8") as file:
        file.write(
            f"imagename={root}_outlier\nimsize=[32,32]\ncell=[{CELL_ARCSEC}arcsec]\n"
            "phasecenter=J2000 18h06m22s -21d37m00s\nusemask=user\nmask=circle[[16pix,16pix],8pix]\n"
        )
    tclean(imagename=root, **dict(parameters, outlierfile="outliers.txt"))


def _by_deconvolve(tclean, root, parameters):
    """One run of minor cycles alone by the task deconvolve, then residual and image by tclean."""
    from casatasks import deconvolve

    tclean(imagename=root, **dict(parameters, niter=0))
    names = ("deconvolver", "scales", "smallscalebias", "niter", "gain", "threshold", "usemask", "mask")
    deconvolve(imagename=root, **{name: parameters[name] for name in names if name in parameters})
    tclean(imagename=root, **dict(parameters, niter=0, calcpsf=False))


def _in_parallel(tclean, root, parameters):
    """By three processes under mpirun."""
    script = "import json, sys; from casatasks import tclean; tclean(**json.load(open(sys.argv[1])))"
    with open(root + ".json", "w", encoding="utf-8") as file:
        json.dump(dict(parameters, imagename=root, parallel=True), file)
    mpirun = shutil.which("mpirun", path=os.path.dirname(sys.executable)) or "mpirun"
    command = [mpirun, "--allow-run-as-root", "--oversubscribe", "--mca", "plm", "isolated", "-n", "3"]
    subprocess.run([*command, sys.executable, "-c", script, root + ".json"], check=True)


def _in_blocks(tclean, root, parameters, length=4):
    """Blocks of channels, each by a run of its own, as ACES does."""
    for number in range(0, CHANNELS, length):
        block = dict(parameters, start=FIRST + number, nchan=length)
        tclean(imagename=f"{root}.{number:04d}.{length:03d}", **block)


def _as_pieces(root):
    return root + ".????.???"


def _blocks(root, product):
    return sorted(name for name in os.listdir() if name.startswith(root + ".0") and name.endswith("." + product))


def _concatenated(root, mode):
    """Blocks joined by the image tool: copied ('paged'), or left where they are ('nomovevirtual')."""
    from casatools import image

    for product in CUBES:
        joined = image().imageconcat(f"{root}.{product}", _blocks(root, product), axis=-1, reorder=True, mode=mode)
        joined.done()
    return root


def _images_of(root):
    return [name for name in IMAGES if os.path.exists(f"{root}.{name}")]


def _renamed(root, name):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    for product in _images_of(root):
        os.rename(f"{root}.{product}", f"{name}.{product}")
    return name


def _exported(root, **options):
    """As FITS files."""
    from casatasks import exportfits

    for product in _images_of(root):
        path = f"{root}.{product}"
        exportfits(imagename=path, fitsimage=path + ".fits", history=True, **options)
        shutil.rmtree(path)
    return root


def _imported(root, ordered=False, **options):
    """To FITS and back; ordered: with the axes in tclean's order."""
    from casatasks import importfits

    _exported(root, **options)
    order = {"defaultaxes": True, "defaultaxesvalues": ["", "", "", "I"]} if ordered else {}
    for path in [name for name in os.listdir() if name.startswith(root + ".") and name.endswith(".fits")]:
        importfits(fitsimage=path, imagename=path[: -len(".fits")], **order)
        os.remove(path)
    return root


def _replace(path, make):
    """Replace an image by what a task makes of it."""
    os.rename(path, path + ".before")
    make(path + ".before", path)
    return path


def _smoothed(root, **how):
    from casatasks import imsmooth

    _replace(root + ".image", lambda old, new: imsmooth(imagename=old, outfile=new, **how))
    return root


def _regridded(root, products):
    """On a grid that is shifted by a third of a pixel."""
    for product in products:
        _replace(f"{root}.{product}", _shifted)
    return root


def _all_regridded(root):
    """Without the PSF, whose beams differ from channel to channel, and the clean mask, which are not regridded."""
    for product in ("psf", "mask"):
        shutil.rmtree(f"{root}.{product}")
    return _regridded(root, ("model", "image", "residual"))


def _shifted(old, new):
    from casatasks import imregrid
    from casatools import image

    tool = image()
    tool.open(old)
    grid, shape = tool.coordsys().torecord(), tool.shape()
    tool.done()
    grid["direction0"]["crpix"] = grid["direction0"]["crpix"] + 1 / 3
    imregrid(imagename=old, template={"csys": grid, "shap": shape}, output=new)


def _cut(root, products=(*CUBES, "mask"), **what):
    from casatasks import imsubimage

    for product in products:
        _replace(f"{root}.{product}", lambda old, new: imsubimage(imagename=old, outfile=new, **what))
    return root


def _calculated(root, expression):
    """The image by immath."""
    from casatasks import immath

    _replace(
        root + ".image",
        lambda old, new: immath(imagename=[old, root + ".pb"], mode="evalexpr", expr=expression, outfile=new),
    )
    return root


def _corrected(root):
    from casatasks import impbcor

    _replace(root + ".image", lambda old, new: impbcor(imagename=old, pbimage=root + ".pb", outfile=new))
    return root


def _trimmed(root):
    """The T/F mask of the image replaced by an empty one."""
    from casatasks import makemask

    makemask(mode="delete", inpmask=f"{root}.image:mask0")
    return root


def _without(root, product):
    shutil.rmtree(f"{root}.{product}")
    return root


def _with_model_of_neighbours(root):
    """The model as the despeckling script of ALMA-IMF leaves it: without its narrow components."""
    from casatools import image

    tool = image()
    tool.open(root + ".model")
    pixels = tool.getchunk()
    middle = np.median(np.stack([pixels[..., :-2], pixels[..., 1:-1], pixels[..., 2:]]), axis=0)
    changed = np.abs(pixels[..., 1:-1] - middle) > 4 * np.abs(middle)
    pixels[..., 1:-1] = np.where(changed, middle, pixels[..., 1:-1])
    tool.putchunk(pixels)
    tool.done()
    return root


# Wider than the primary beam, as the mosaic gridder needs it.
WIDE = {"imsize": 256, "cell": "0.45arcsec", "scales": [0, 3, 6], "pblimit": 0.2, "pbmask": 0.8, "nchan": 5}
MOSAIC = dict(WIDE, gridder="mosaic")
CIRCLE = {"usemask": "user", "pbmask": 0.0, "mask": "circle[[64pix,64pix],45pix]"}
VELOCITY = {"veltype": "radio", "restfreq": f"{FREQUENCY_HZ}Hz", "width": f"{-WIDTH_KMS}km/s"}


def _velocity(channel):
    """Velocity of a channel, to the rest frequency of channel 0."""
    return f"{-channel * WIDTH_KMS}km/s"


# tclean computes no primary beam for a moving source.
SOURCE = dict(CIRCLE, specmode="cubesource", phasecenter="TRACKFIELD", outframe="", pblimit=-0.2, niter=6000)
# It knows no loop gain, and does not converge here: both times the same.
MEM = {"deconvolver": "mem", "niter": 100, "gain": 0.3, "threshold": "30mJy", "cyclefactor": 1.5, "nmajor": -1}
MEM.update(cycleniter=-1, minpsffraction=0.05)
SMOOTHER = {"kernel": "gauss", "major": "1.8arcsec", "minor": "1.8arcsec", "pa": "0deg", "targetres": True}
ONE_BEAM = {"restoringbeam": "common"}

MAKERS = {
    "plain": Maker(),
    "hogbom": Maker({"deconvolver": "hogbom"}),
    "clark": Maker({"deconvolver": "clark"}),
    "clarkstokes": Maker({"deconvolver": "clarkstokes"}),
    "multiscale, smallscalebias 0": Maker({"smallscalebias": 0.0}),
    "multiscale, smallscalebias 0.9": Maker({"smallscalebias": 0.9}),
    "multiscale, many scales": Maker({"scales": [0, 4, 8, 16, 32]}),
    "multiscale, no small scale": Maker({"scales": [5, 15]}),
    "asp": Maker({"deconvolver": "asp", "fusedthreshold": 0.01, "niter": 600}),
    "mtmfs, cube": Maker({"deconvolver": "mtmfs", "nterms": 2}),
    "mtmfs, mfs": Maker({"deconvolver": "mtmfs", "nterms": 2, "specmode": "mfs"}),
    "mem": Maker(MEM),
    "deconvolve": Maker(run=_by_deconvolve),
    "mfs": Maker({"specmode": "mfs", "deconvolver": "hogbom", "niter": 2000}),
    "cubedata": Maker({"specmode": "cubedata", "outframe": ""}),
    "cubesource": Maker(SOURCE, data=_moving),
    "mosaic": Maker(MOSAIC),
    "mosaic, flat sky": Maker(dict(MOSAIC, normtype="flatsky")),
    "wproject": Maker({"gridder": "wproject", "wprojplanes": 4}),
    "widefield": Maker({"gridder": "widefield", "wprojplanes": 2}),
    "awp2": Maker(dict(WIDE, gridder="awp2")),
    "Stokes IQ": Maker({"stokes": "IQ", "deconvolver": "hogbom", "niter": 6000}),
    "Stokes IV": Maker({"stokes": "IV", "deconvolver": "hogbom", "niter": 6000}),
    "Stokes IQUV": Maker({"stokes": "IQUV", "deconvolver": "clarkstokes", "niter": 6000}),
    "Stokes XX": Maker({"stokes": "XX"}),
    "pseudo I": Maker({"stokes": "pseudoI"}),
    "user mask, a region": Maker(CIRCLE),
    "no mask": Maker({"usemask": "user", "pbmask": 0.0}),
    "auto-multithresh": Maker({"usemask": "auto-multithresh", "pbmask": 0.0, "sidelobethreshold": 2.0}),
    "natural": Maker({"weighting": "natural"}),
    "uniform": Maker({"weighting": "uniform"}),
    "superuniform": Maker({"weighting": "superuniform", "npixels": 4}),
    "radial": Maker({"weighting": "radial"}),
    "briggs, robust 2": Maker({"robust": 2.0}),
    "briggs, one density for all channels": Maker({"perchanweightdensity": False}),
    "briggsabs": Maker({"weighting": "briggsabs", "noise": "0.3Jy"}),
    "briggsbwtaper": Maker({"weighting": "briggsbwtaper"}),
    "uvtaper": Maker({"uvtaper": ["1.5arcsec"]}),
    "one beam for all": Maker(ONE_BEAM),
    "given beam": Maker({"restoringbeam": "1.8arcsec"}),
    "given beam, slightly larger": Maker({"restoringbeam": "1.5arcsec"}),
    "pbcor": Maker({"pbcor": True}),
    "phase centre off the pointing": Maker({"phasecenter": "J2000 18h06m20.3s -21d37m04s"}),
    "galactic": Maker({"phasecenter": "GALACTIC 8.67894deg -0.35496deg"}),
    "odd size": Maker({"imsize": [125, 127]}),
    "prime size": Maker({"imsize": [131, 137]}),
    "unequal sides": Maker({"imsize": [128, 160]}),
    "unequal cells": Maker({"cell": ["0.18arcsec", "0.2arcsec"]}),
    "three pixels a beam": Maker({"cell": "0.45arcsec", "imsize": 64, "scales": [0, 3, 6]}),
    "TAN": Maker({"projection": "TAN"}),
    "nearest": Maker({"interpolation": "nearest", "start": f"{FREQUENCY_HZ + 2.3 * CHANNEL_WIDTH_HZ}Hz"}),
    "linear, half a channel off": Maker({"start": f"{FREQUENCY_HZ + 2.5 * CHANNEL_WIDTH_HZ}Hz"}),
    "cubic": Maker({"interpolation": "cubic", "start": f"{FREQUENCY_HZ + 2.3 * CHANNEL_WIDTH_HZ}Hz"}),
    "two channels wide": Maker({"width": 2, "nchan": 5, "start": 1}),
    "half a channel wide": Maker({"width": f"{CHANNEL_WIDTH_HZ / 2}Hz", "start": f"{FREQUENCY_HZ + 3.4e5}Hz"}),
    "reversed": Maker({"start": FIRST + CHANNELS - 1, "width": -1}),
    "velocity, LSRK": Maker(dict(VELOCITY, start=_velocity(FIRST))),
    "velocity, BARY": Maker(dict(VELOCITY, start="-13.3km/s", width=f"{-1.01 * WIDTH_KMS}km/s", outframe="BARY")),
    "velocity, TOPO": Maker({"outframe": "TOPO", "start": FIRST}),
    "optical velocity": Maker(dict(VELOCITY, start=_velocity(FIRST), veltype="optical")),
    "rest frame": Maker({"outframe": "REST"}),
    "more channels than data": Maker({"start": f"{FREQUENCY_HZ - 2 * CHANNEL_WIDTH_HZ}Hz", "nchan": 9}),
    "flagged at both ends": Maker({"start": 0, "nchan": 12}, data=partial(_flagged, channels="0~2;10~11")),
    "flagged in the middle": Maker(data=partial(_flagged, channels="6")),
    "few data in a channel": Maker(data=partial(_mostly_flagged, channels="6")),
    "joined data": Maker(data=_joined),
    "corrected data": Maker({"datacolumn": "corrected"}, data=_with_corrected_data),
    "outlier field": Maker({**CIRCLE}, run=_with_outlier),
    "start model": Maker(run=_from_start_model),
    "nsigma": Maker({"nsigma": 3.0, "threshold": 0.0}),
    "no threshold": Maker({"threshold": 0.0, "niter": 6000}),
    "restart after restart": Maker(run=partial(_restarted, times=3)),
    "niter=0 at the end": Maker(run=_in_steps),
    "dirty cube first": Maker(run=_dirty_first),
    "parallel=True, one process": Maker({"parallel": True}),
    "parallel=True, mpirun": Maker(run=_in_parallel),
    "blocks, as a pattern": Maker(run=_in_blocks, afterwards=_as_pieces),
    "blocks, joined": Maker(run=_in_blocks, afterwards=partial(_concatenated, mode="paged")),
    "blocks, joined virtually": Maker(run=_in_blocks, afterwards=partial(_concatenated, mode="nomovevirtual")),
    "moved": Maker(afterwards=lambda root: _renamed(root, f"elsewhere/{root}")),
    "renamed": Maker(afterwards=lambda root: _renamed(root, f"field_b3_{root}_n2hp")),
    "FITS": Maker(afterwards=_exported),
    "FITS, velocity, no Stokes": Maker(afterwards=partial(_exported, velocity=True, dropstokes=True)),
    "FITS and back": Maker(afterwards=_imported),
    "FITS and back, in order": Maker(afterwards=partial(_imported, ordered=True)),
    "imsmooth": Maker(afterwards=partial(_smoothed, **SMOOTHER)),
    "imsmooth, common beam": Maker(afterwards=partial(_smoothed, kernel="commonbeam")),
    "imregrid, the image": Maker(ONE_BEAM, afterwards=partial(_regridded, products=["image"])),
    "imregrid, all but the PSF": Maker(ONE_BEAM, afterwards=_all_regridded),
    "imsubimage, channels of the image": Maker(afterwards=partial(_cut, products=["image"], chans="1~5")),
    "imsubimage, channels": Maker(afterwards=partial(_cut, chans="1~5")),
    "imsubimage, a box": Maker(afterwards=partial(_cut, box="14,14,113,113")),
    "imsubimage, Stokes dropped": Maker(afterwards=partial(_cut, dropdeg=True)),
    "immath, over the primary beam": Maker(afterwards=partial(_calculated, expression="IM0/IM1")),
    "immath, scaled": Maker(afterwards=partial(_calculated, expression="2*IM0")),
    "impbcor": Maker(afterwards=_corrected),
    "no T/F mask": Maker(afterwards=_trimmed),
    "without .psf": Maker(afterwards=partial(_without, product="psf")),
    "without .residual": Maker(afterwards=partial(_without, product="residual")),
    "despeckled model": Maker(afterwards=_with_model_of_neighbours),
}
