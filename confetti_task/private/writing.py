"""How images are written, and how products appear under their names."""

import os
import shutil

import numpy as np

from ..version import __version__
from .coordinates import read_coordinates
from .images import opened
from .slabs import strips
from .tiles import find_tiles, opened_table, write_plane

# The image tool takes float64: of a plane of 20000 rows that would be 3.2 GB.
ROWS_AT_ONCE = 2048


def replace(outfile, staged, old, suffixes):
    """
    Let complete products appear under their names, together.

    Parameters
    ----------
    outfile, staged, old : str
        Root names of the products, of the new ones until now, and of older ones afterwards.
    suffixes : sequence of str
        Of the products, in the order in which they appear. Where a rename fails, all are taken back.
    """
    moves = [(outfile + suffix, old + suffix) for suffix in reversed(suffixes) if os.path.lexists(outfile + suffix)]
    moves += [(staged + suffix, outfile + suffix) for suffix in suffixes if os.path.exists(staged + suffix)]
    done = []
    try:
        for source, target in moves:
            os.rename(source, target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            os.rename(target, source)
        raise


def write_image(path, cube, planes, call, template=None):
    """
    Write a float32 image that is zero but for some planes.

    Parameters
    ----------
    path : str
        Its name.
    cube : `~confetti_task.private.images.Cube`
        The cube, for the order of the axes.
    planes : iterable
        Of ((polarization, channel), plane [y, x]).
    call : str
        The call of the task, for the history of the image.
    template : str or None
        Image whose grid to take; None for that of the model.
    """
    if cube.pieces:
        _make_from_shape(path, cube.path("model"), {cube.axes[1]: cube.channels})
    else:
        _make_empty(path, template or cube.path("model"))
    tiles = find_tiles(path)
    if tiles and cube.axes[2:] == (1, 0):
        with open(tiles.path, "r+b") as file:
            for (polarization, channel), plane in planes:
                write_plane(file, tiles, cube.box(polarization, channel, channel)[0], plane)
    else:
        with opened(path) as tool:
            for (polarization, channel), plane in planes:
                put_plane(tool, cube, polarization, channel, plane)
    with opened(path) as tool:
        tool.sethistory(origin="confetti_task", history=[f"confetti_task {__version__}", call])


def _make_empty(path, template):
    """Make an image of zeros on the grid of another."""
    tiles = find_tiles(template)
    plain = {"table.dat", "table.info", "table.f0", "table.f0_TSM0", "logtable"}
    if tiles is None or set(os.listdir(template)) - {"table.lock"} != plain:
        _make_from_shape(path, template, {})
        return
    # A hole in a file reads as zeros and costs nothing; what CASA writes for an empty image costs 0.3 to 2 s per GiB.
    # Bytes alone: the images may be write-protected.
    for folder, _, names in os.walk(template):
        copy = os.path.join(path, os.path.relpath(folder, template))
        os.makedirs(copy, exist_ok=True)
        for name in {*names} - {"table.lock", "table.f0_TSM0" if folder == template else ""}:
            shutil.copyfile(os.path.join(folder, name), os.path.join(copy, name))
    with open(os.path.join(path, "table.f0_TSM0"), "wb") as file:
        file.truncate(os.path.getsize(tiles.path))
    _forget_the_template(path)


def _make_from_shape(path, template, lengths):
    from casatools import image

    coordinates, shape = read_coordinates(template)
    shape = [lengths.get(axis, length) for axis, length in enumerate(shape)]
    tool = image()
    tool.fromshape(outfile=path, shape=shape, csys=coordinates, overwrite=False, log=False, type="f")
    tool.done()


def _forget_the_template(path):
    """Remove the history, the unit and the beams that came with the header of another image."""
    with opened_table(os.path.join(path, "logtable"), nomodify=False) as tool:
        tool.removerows(list(range(tool.nrows())))
    with opened(path) as tool:
        tool.setbrightnessunit("")
        tool.setrestoringbeam(remove=True, log=False)
        tool.setmiscinfo({})


def put_plane(tool, cube, polarization, channel, plane):
    """Write one plane [y, x] into an opened image whose axes are those of the cube."""
    for rows in strips(len(plane), ROWS_AT_ONCE):
        bottom, _ = cube.box(polarization, channel, channel, rows)
        tool.putchunk(cube.to_image_order(plane[np.newaxis, slice(*rows)]).astype(float), blc=bottom)


def copy_channels(cube, product, first, last, path):
    """Write a range of channels of one of the images as an image of its own."""
    from casatools import regionmanager

    box = regionmanager()
    region = box.box(blc=cube.box(0, first, last)[0], trc=cube.box(cube.lengths[0] - 1, first, last)[1])
    with opened(cube.path(product)) as tool:
        tool.subimage(outfile=path, region=region, dropdeg=False).done()
    box.done()
