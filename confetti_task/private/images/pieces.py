"""Cubes that were imaged in pieces, joined into one spectrum."""

import glob
import re
from dataclasses import replace

import numpy as np

from .channel_files import open_channels, run_of
from .cube import NEEDED, OPTIONAL, SAME_GRID_PIXELS, open_cube, split_name

# WSClean's mean of all channels, 'name-MFS' or 'name-MFS-V'.
_MEAN = re.compile(r"-MFS(?=$|-[A-Z]{1,2}i?$)")

# How names of models end.
MODELS = (".model", ".model.tt0", ".model.fits", ".model.tt0.fits", "-model.fits")


def open_pieces(imagename, reader="auto"):
    """
    Open the images that one or several runs of tclean made.

    Parameters
    ----------
    imagename : str or sequence of str
        Root name given to tclean or WSClean, or the name of one of its images; a pattern like 'name.????.128'; or a
        list of names. Several names are the pieces of one spectrum, in any order; for a WSClean run
        they may be some of its channels.
    reader : {'auto', 'ia'}
        How pixels are read, see `images.cube.open_cube`.

    Returns
    -------
    cube : `images.cube.Cube`
        The cube, in channel order.

    Raises
    ------
    ValueError
        If no image matches, or the pieces are not one spectrum: different positions, polarizations or channel widths, a
        gap, or a channel that occurs twice.
    """
    cubes = [_open(names, reader) for names in _by_run(_expand(imagename))]
    return _join(cubes) if len(cubes) > 1 else cubes[0]


def _by_run(names):
    """The names of each run; a WSClean run may have several, one for each of its channels."""
    runs = {}
    for number, name in enumerate(names):
        root, channels = run_of(split_name(name)[0])
        runs.setdefault(root if channels else number, []).append(name)
    return list(runs.values())


def _open(names, reader):
    root, channels = run_of(split_name(names[0])[0])
    if not channels:
        return open_cube(names[0], reader)
    given = {split_name(name)[0] for name in names}
    some = [channel for channel in channels if channel in given] if len(names) > 1 else []
    return open_channels(root, some or channels, reader)


def _expand(imagename):
    names = [imagename] if isinstance(imagename, str) else imagename
    if not names or not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"imagename={imagename!r} should be the root name used in tclean, or a list of root names")
    return [found for name in names for found in _matching(name)]


def _matching(name):
    if not glob.has_magic(name) or glob.glob(glob.escape(name) + ".model*") or run_of(split_name(name)[0])[1]:
        return [name]
    models = {path for ending in ("", *MODELS) for path in glob.glob(name + ending)}
    roots = {run_of(split_name(path)[0])[0] for path in models if path.rstrip("/").endswith(MODELS)}
    if not roots:
        raise ValueError(f"imagename='{name}': no .model matches; give a pattern that matches root names")
    return sorted(root for root in roots if not _MEAN.search(root) or _MEAN.sub("", root) not in roots)


def _join(cubes):
    first = cubes[0]
    axis = first.axes[1]
    for cube in cubes:
        _check_alike(cube, first)
    cubes = sorted(cubes, key=lambda cube: cube.reference_coordinates[0][axis] * np.sign(first.increments[axis]))
    for cube, following in zip(cubes, cubes[1:]):
        _check_follows(following, cube, axis)
    channels = sum(cube.channels for cube in cubes)
    return replace(
        cubes[0],
        products=tuple(product for product in NEEDED + OPTIONAL if any(product in cube.products for cube in cubes)),
        shape=(first.shape[0], channels, *first.shape[2:]),
        beams=tuple(width for cube in cubes for width in cube.beams),
        psf_beams=tuple(width for cube in cubes for width in cube.psf_beams),
        narrowest_beam=min(cube.narrowest_beam for cube in cubes),
        reference_coordinates=(cubes[0].reference_coordinates[0], cubes[-1].reference_coordinates[1]),
        pieces=tuple(cubes),
        files=(),
    )


def _check_alike(cube, first):
    for name, what in (("axes", "order of the axes"), ("stokes", "polarizations"), ("taylor_term", "Taylor terms")):
        if getattr(cube, name) != getattr(first, name):
            raise ValueError(
                f"{cube.path('model')} and {first.path('model')} should have the same {what} "
                f"(got {getattr(cube, name)} and {getattr(first, name)}); give pieces of one cube"
            )
    if cube.axes[1] is None:
        raise ValueError(f"{cube.path('model')} has no spectral axis; give it alone, not in a list of pieces")
    steps = np.abs(first.increments)
    sky = [axis for axis in range(cube.ndim) if axis != cube.axes[1]]
    places = np.abs(np.subtract(cube.reference_coordinates, first.reference_coordinates) / steps)[:, sky]
    widths = np.abs(np.subtract(cube.increments, first.increments) / steps)[[cube.axes[1]]] * cube.channels
    if cube.shape[2:] != first.shape[2:] or max(places.max(), widths.max()) > SAME_GRID_PIXELS:
        raise ValueError(
            f"{cube.path('model')} and {first.path('model')} should be on the same grid; give pieces of one cube"
        )


def _check_follows(following, cube, axis):
    step = (following.reference_coordinates[0][axis] - cube.reference_coordinates[1][axis]) / cube.increments[axis]
    if abs(step - 1) > SAME_GRID_PIXELS:
        raise ValueError(
            f"{following.path('model')} should start one channel after {cube.path('model')} ends (got {step:.2f}); "
            "give all pieces of the cube, each once"
        )
