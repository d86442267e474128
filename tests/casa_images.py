"""CASA images of the small skies, and what a test wants to know of an image."""

import hashlib
import os
import shutil

import numpy as np
from skies import BEAM

UNITS = {"model": "Jy/pixel", "image": "Jy/beam", "psf": "Jy/beam"}
CELL_ARCSEC = 0.5


def write_cube(root, products, order="xysf", masked=None, term="", beams="one", polarizations=("I",), skip=()):
    """
    Write the images of a cube as tclean would.

    ``order`` is that of the axes (x, y, stokes, frequency), 'xyf' has no Stokes axis; ``masked`` is a T/F mask
    [channel, y, x] of the image; ``beams`` is 'one', 'per plane' or 'none'; polarizations after the first hold noise.
    """
    for product in ("model", "image", "residual", "psf", "mask"):
        if product in skip or not hasattr(products, product):
            continue
        path = f"{root}.{product}{'' if product == 'mask' else term}"
        has_beam = product in ("image", "psf") and beams != "none"
        write_image(path, getattr(products, product), order, UNITS.get(product, ""), polarizations, has_beam and beams)
        if product == "image" and masked is not None:
            _set_mask(path, masked)


def write_image(path, cube, order="xysf", unit="", polarizations=("I",), beams=False):
    """Write one cube [channel, y, x]."""
    from casatools import coordsys, image

    coordinates, tool = coordsys(), image()
    system = coordinates.newcoordsys(direction=True, stokes=list(polarizations), spectral=True)
    _place(system, cube.shape)
    pixels = np.repeat(cube.T[:, :, np.newaxis].astype(float), len(polarizations), axis=2)
    pixels[:, :, 1:] *= 0
    temporary = path + ".xysf"
    tool.fromshape(outfile=temporary, shape=list(pixels.shape), csys=system.torecord(), log=False, type="f")
    tool.putchunk(pixels)
    tool.setbrightnessunit(unit)
    for channel in range(len(cube)) if beams == "per plane" else [-1] if beams else []:
        for polarization in range(len(polarizations)) if beams == "per plane" else [-1]:
            size = f"{(BEAM + 0.02 * max(channel, 0)) * CELL_ARCSEC}arcsec"
            tool.setrestoringbeam(
                major=size, minor=size, pa="0deg", channel=channel, polarization=polarization, log=False
            )
    tool.done()
    _reorder(temporary, path, order)


def _place(system, shape):
    system.setunits(["rad", "rad"], type="direction")
    system.setunits(["Hz"], type="spectral")
    increment = system.increment()["numeric"]
    increment[:2] = np.deg2rad(CELL_ARCSEC / 3600) * np.array([-1, 1])
    increment[3] = 71.5e3
    reference = system.referencevalue()["numeric"]
    reference[:2], reference[3] = np.deg2rad([271.58, -21.62]), 93.17e9
    pixel = system.referencepixel()["numeric"]
    pixel[:2], pixel[3] = [shape[2] // 2, shape[1] // 2], 0
    system.setincrement(list(increment))
    system.setreferencevalue(list(reference))
    system.setreferencepixel(list(pixel))
    system.setrestfrequency(93.1734e9)


def _reorder(temporary, path, order):
    from casatools import image

    tool = image()
    tool.open(temporary)
    if "s" in order:
        tool.transpose(outfile=path, order="".join(str("xysf".index(axis)) for axis in order)).done()
        tool.done()
    else:
        tool.subimage(outfile=path, dropdeg=True).done()
        tool.done()
    shutil.rmtree(temporary)


def _set_mask(path, masked):
    from casatools import image

    tool = image()
    tool.open(path)
    tool.calcmask(mask="T", name="mask0", asdefault=True)
    tool.putregion(pixelmask=masked.T[:, :, np.newaxis], usemask=False)
    tool.done()


def read_image(path):
    """Pixels of an image [channel, y, x] with axes x, y, stokes, frequency; the first polarization."""
    from casatools import image

    tool = image()
    tool.open(path)
    pixels = tool.getchunk()
    tool.done()
    return pixels[:, :, 0].T


def checksum(*paths):
    """One number for all bytes below some folders."""
    digest = hashlib.sha256()
    for path in paths:
        for folder, _, names in sorted(os.walk(path)):
            for name in sorted(names):
                if name != "table.lock":  # readers leave their locks in it
                    with open(os.path.join(folder, name), "rb") as opened:
                        digest.update(name.encode() + opened.read())
    return digest.hexdigest()
