"""CASA images of the small skies, and what a test wants to know of an image."""

import hashlib
import os
import shutil
from contextlib import contextmanager

import numpy as np
from skies import BEAM

UNITS = {"model": "Jy/pixel", "image": "Jy/beam", "psf": "Jy/beam"}
CELL_ARCSEC = 0.5


def write_cube(
    root,
    products,
    order="xysf",
    masked=None,
    term="",
    beams="one",
    polarizations=("I",),
    holds="I",
    skip=(),
    growth=0.02,
):
    """
    Write the images of a cube as tclean would.

    ``order`` is that of the axes (x, y, stokes, frequency), 'xyf' has no Stokes axis; ``masked`` is a T/F mask
    [channel, y, x] of the image; ``beams`` is 'one', 'per plane' (which grow with the channel by ``growth``) or 'none';
    ``holds`` is the polarization that holds the sky, the others have its residual and an empty model.
    """
    for product in ("model", "image", "residual", "psf", "mask"):
        if product in skip or not hasattr(products, product):
            continue
        path = f"{root}.{product}{'' if product == 'mask' else term}"
        has_beam = product in ("image", "psf") and beams != "none"
        empty = {"model": 0 * products.model, "image": products.residual}
        planes = [
            getattr(products, product) if name == holds else empty.get(product, getattr(products, product))
            for name in polarizations
        ]
        mask = masked if product == "image" else None
        write_image(
            path,
            np.array(planes),
            order,
            UNITS.get(product, ""),
            polarizations,
            has_beam and beams,
            masked=mask,
            growth=growth,
        )


def write_image(
    path, cube, order="xysf", unit="", polarizations=("I",), beams=False, masked=None, beam=BEAM, growth=0.02
):
    """Write one cube [channel, y, x], or one for each polarization; per plane the beam grows by ``growth``."""
    from casatools import coordsys, image

    coordinates, tool = coordsys(), image()
    system = coordinates.newcoordsys(direction=True, stokes=list(polarizations), spectral=True)
    cubes = cube if cube.ndim == 4 else cube[np.newaxis]
    _place(system, cubes.shape[1:])
    pixels = cubes.transpose(3, 2, 0, 1).astype(float)
    # Other orders are made of this one, which takes as long again.
    written = path if order == "xysf" else path + ".xysf"
    tool.fromshape(outfile=written, shape=list(pixels.shape), csys=system.torecord(), log=False, type="f")
    tool.putchunk(pixels)
    tool.setbrightnessunit(unit)
    for channel in range(cubes.shape[1]) if beams == "per plane" else [-1] if beams else []:
        for polarization in range(len(polarizations)) if beams == "per plane" else [-1]:
            size = f"{(beam + growth * max(channel, 0)) * CELL_ARCSEC}arcsec"
            tool.setrestoringbeam(
                major=size, minor=size, pa="0deg", channel=channel, polarization=polarization, log=False
            )
    if not beams:
        tool.setrestoringbeam(remove=True, log=False)  # writes that there is none, as tclean does
    tool.done()
    if written != path:
        _reorder(written, path, order)
    if masked is not None:
        _set_mask(path, masked)


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


def read_image(path, polarization=0):
    """Pixels [channel, y, x] of one polarization of an image with axes x, y, stokes, frequency."""
    from casatools import image

    tool = image()
    tool.open(path)
    pixels = tool.getchunk()
    tool.done()
    return pixels[:, :, polarization].T


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


@contextmanager
def working_in(folder):
    """Images are written into a folder, by fixtures that more than one test uses."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def copy_here(folder, prefix=""):
    """Copy what is in a folder, where the names begin so, for a test to do with it what it likes."""
    for name in os.listdir(folder):
        if name.startswith(prefix):
            path = os.path.join(folder, name)
            shutil.copytree(path, name) if os.path.isdir(path) else shutil.copy2(path, name)


def join_virtually(path, second):
    """Replace an image by a virtual one of two parts, of which the second begins with a channel."""
    from casatools import image, regionmanager

    tool, parts = image(), [f"{path}.part0", f"{path}.part1"]
    tool.open(path)
    *sky, _, channels = tool.shape() - 1
    for part, first, last in zip(parts, (0, second), (second - 1, int(channels))):
        box = regionmanager().box(blc=[0, 0, 0, first], trc=[*map(int, sky), 0, last])
        tool.subimage(part, region=box, dropdeg=False).done()
    tool.done()
    shutil.rmtree(path)
    tool.imageconcat(path, parts, mode="nomovevirtual").done()
