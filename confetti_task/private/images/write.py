"""Writing of images."""

import errno
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from math import prod

import numpy as np

from ...version import __version__
from .chunks import ROWS_AT_ONCE, strips
from .coordinates import read_coordinates
from .cube import read_beam
from .fits import lengthen
from .headers import opened
from .pixels import read_channel, read_plane
from .tiles import find_fits_tiles, find_tiles, opened_table, write_plane

# Bytes that CASA writes for an image in addition to pixels and header: 0.1 MB measured.
ROOM = 2**19

UNITS = {"model": "Jy/pixel", "image": "Jy/beam", "residual": "Jy/beam", "psf": "Jy/beam"}
# What tclean gives planes without data: a beam of zero is refused.
NO_BEAM_ARCSEC = 1e-6


def write_image(path, cube, planes, call, template=None):
    """
    Write a float32 image that is zero except for some planes.

    Parameters
    ----------
    path : str
        Path of the image.
    cube : `images.cube.Cube`
        The cube, for the order of the axes.
    planes : iterable
        Pairs of (polarization, channel) and plane [y, x].
    call : str
        The call of the task, for the history of the image.
    template : str or None
        Image that provides the grid; None for the model.

    Returns
    -------
    places : list of tuple
        Polarization and channel of each plane.
    """
    template = template or cube.path("model")
    lengths = {cube.axes[1]: cube.channels} if cube.pieces or cube.files else {}
    copied = not lengths and _is_plain(template)
    _make_sure_of_room(path, template, 0 if copied else prod(cube.shape))
    if copied:
        _make_empty(path, template)
    else:
        _make_from_shape(path, template, lengths)
    with opened(path) as tool:
        tool.sethistory(origin="confetti_task", history=[f"confetti_task {__version__}", call])
    return _write_planes(path, cube, planes)


def write_fits(path, cube, places):
    """
    Write an image as a FITS file too.

    Parameters
    ----------
    path : str
        Path of the image; the file has the same name with '.fits'.
    cube : `images.cube.Cube`
        The cube, for the order of the axes.
    places : list of tuple
        Polarization and channel of each plane that is not zero, from `write_image`. The others become a hole in the
        file.
    """
    file = path + ".fits"
    whole = cube.axes[2:] != (1, 0)  # only planes x, y are contiguous
    _make_sure_of_room(file, path, prod(cube.shape) if whole else 0)
    if whole:
        with opened(path) as tool, _plain_name(file) as plain:
            tool.tofits(plain, stokeslast=False)
        return
    lengthen(file, _write_first_pixel(file, path))
    tiles = find_fits_tiles(file)
    with open(file, "r+b") as planes:
        for place in places:
            write_plane(planes, tiles, cube.box(*place, place[1] + 1)[0], read_plane(path, cube, *place))


def _write_first_pixel(file, path):
    """Write the first pixel of an image as FITS, with the header of the whole; returns the shape of the whole."""
    from casatools import regionmanager

    tools = regionmanager()
    with opened(path) as tool, _plain_name(file) as plain:
        shape = tuple(int(length) for length in tool.shape())
        pixel = tools.box(blc=[0] * len(shape), trc=[0] * len(shape))
        tool.tofits(plain, region=pixel, stokeslast=False)
    tools.done()
    return shape


@contextmanager
def _plain_name(file):
    """Another name for a new file: cfitsio reads syntax of its own in parentheses and brackets, as of CO(2-1)."""
    with tempfile.TemporaryDirectory(prefix="confetti-") as folder:
        alias = os.path.join(folder, "folder")
        os.symlink(os.path.dirname(os.path.abspath(file)), alias)
        name = f"{os.path.basename(folder)}.fits"
        yield os.path.join(alias, name)
        os.rename(os.path.join(alias, name), file)


def _make_sure_of_room(path, template, voxels):
    """
    Raise an error if the disk has no room for what CASA will write.

    If casacore cannot write, it terminates the whole process ("terminate called"), and the user's session with it.
    """
    folder = os.path.dirname(path)
    table = os.path.join(template, "table.dat")  # not in a FITS file, nor where images are joined virtually
    header = os.path.getsize(table) if os.path.exists(table) else 0
    if shutil.disk_usage(folder).free < 4 * voxels:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)
    reserve = os.path.join(folder, "room")
    try:
        with open(reserve, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM + 2 * header)
    finally:
        os.remove(reserve)


def _write_planes(path, cube, planes):
    """Write planes into an image of zeros, and return their places."""
    tiles, places = find_tiles(path), []
    if tiles and cube.axes[2:] == (1, 0):
        with open(tiles.path, "r+b") as file:
            for (polarization, channel), plane in planes:
                write_plane(file, tiles, cube.box(polarization, channel, channel + 1)[0], plane)
                places.append((polarization, channel))
    else:
        with opened(path) as tool:
            for (polarization, channel), plane in planes:
                put_plane(tool, cube, polarization, channel, plane)
                places.append((polarization, channel))
    return places


def _is_plain(template):
    """Whether all files of an image are known, and the file of the pixels contains nothing else."""
    plain = {"table.dat", "table.info", "table.f0", "table.f0_TSM0", "logtable"}
    return find_tiles(template) is not None and set(os.listdir(template)) - {"table.lock"} == plain


def _make_empty(path, template):
    """Make an image of zeros on the grid of another."""
    # A hole in a file reads as zeros and costs nothing; an empty image written by CASA costs 0.3 to 2 s per GiB.
    # Contents are copied without permissions, because the template may be write-protected.
    for folder, _, names in os.walk(template):
        copy = os.path.join(path, os.path.relpath(folder, template))
        os.makedirs(copy, exist_ok=True)
        for name in {*names} - {"table.lock", "table.f0_TSM0" if folder == template else ""}:
            shutil.copyfile(os.path.join(folder, name), os.path.join(copy, name))
    with open(os.path.join(path, "table.f0_TSM0"), "wb") as file:
        file.truncate(os.path.getsize(os.path.join(template, "table.f0_TSM0")))
    _forget_the_template(path)


def _make_from_shape(path, template, lengths):
    from casatools import image

    coordinates, shape = read_coordinates(template)
    shape = [lengths.get(axis, length) for axis, length in enumerate(shape)]
    tool = image()
    tool.fromshape(outfile=path, shape=shape, csys=coordinates, overwrite=False, log=False, type="f")
    tool.done()


def _forget_the_template(path):
    """Remove the history, the unit and the beams that came with the header of the template."""
    with opened_table(os.path.join(path, "logtable"), nomodify=False) as tool:
        tool.removerows(list(range(tool.nrows())))
    with opened(path) as tool:
        tool.setbrightnessunit("")
        tool.setrestoringbeam(remove=True, log=False)
        tool.setmiscinfo({})


def put_plane(tool, cube, polarization, channel, plane):
    """Write one plane [y, x] into an open image that has the axes of the cube."""
    for rows in strips(len(plane), ROWS_AT_ONCE):
        bottom, _ = cube.box(polarization, channel, channel + 1, rows)
        tool.putchunk(cube.to_image_order(plane[np.newaxis, slice(*rows)]).astype(float), blc=bottom)


def copy_channels(cube, product, start, end, path):
    """Write a range of channels of a product as a separate image."""
    from casatools import regionmanager

    box = regionmanager()
    region = box.box(blc=cube.box(0, start, end)[0], trc=cube.box(cube.shape[0] - 1, start, end)[1])
    with opened(cube.path(product)) as tool:
        tool.subimage(outfile=path, region=region, dropdeg=False).done()
    box.done()


def copy_image(path, target):
    """Copy a CASA image, and make the copy writable."""
    shutil.copytree(path, target, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, os.stat(folder).st_mode | stat.S_IWUSR)


def copy_as_casa_image(cube, suffix, path, call):
    """
    Write an image of a set as a CASA image, with the same pixels, whether the set is of CASA, FITS or WSClean.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The set; it is not one in pieces.
    suffix : str
        Which image: '.model', '.pb', ...
    path : str
        Name of the CASA image; one of this name is replaced.
    call : str
        The call of the task, for the history of the image.

    Returns
    -------
    written : bool
        Whether the set has such an image.
    """
    shutil.rmtree(path, ignore_errors=True)
    product = suffix[1:]
    if cube.files:
        if product in cube.products:
            _join_files(cube, product, path, call)
        return product in cube.products
    source = cube.paths.get(product) or next(filter(os.path.exists, files_of(cube, suffix)), None)
    if source is None:
        return False
    if os.path.isdir(source):
        copy_image(source, path)
    else:
        _import_fits(source, path)
    return True


def files_of(cube, suffix):
    """Names that an image of a set may have: those of CASA images, FITS files or WSClean's images."""
    files = [file.paths[suffix[1:]] for file in cube.files if suffix[1:] in file.paths]
    return files or [cube.root + suffix, cube.root + suffix + ".fits"]


def _import_fits(file, path):
    from casatools import image

    tool = image()
    tool.fromfits(path, file)
    tool.done()


def _join_files(cube, product, path, call):
    """Write WSClean's channels as one image."""
    planes = (
        ((polarization, channel), read_channel(cube, product, polarization, channel))
        for channel in range(cube.channels)
        for polarization in range(cube.shape[0])
    )
    places = write_image(path, cube, planes, call)
    with opened(path) as tool:
        tool.setbrightnessunit(UNITS.get(product, ""))
        for polarization, channel in places if product in ("image", "psf") else ():
            major, minor, angle = read_beam(cube, polarization, channel)
            tool.setrestoringbeam(
                major=f"{major or NO_BEAM_ARCSEC}arcsec",
                minor=f"{minor or NO_BEAM_ARCSEC}arcsec",
                pa=f"{angle}deg",
                channel=channel,
                polarization=polarization,
                log=False,
            )
