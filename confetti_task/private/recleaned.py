"""The files of confetti_reclean: what tclean needs, and the new set of images."""

import os
import shutil

import numpy as np

from ..version import __version__
from .images import opened, read_plane
from .products import channels_to_clean
from .writing import copy_channels, put_plane, replace, write_image

PLAN = "plan.json"
SCRIPT = ".reclean.py"
# What there is of the new set, in the order in which it appears. The script is first: where it is, the rest was written
# by confetti_reclean. The image is last: where it is, the others are too.
IMAGES = (".mask", ".psf", ".pb", ".sumwt", ".weight", ".model", ".residual", ".image.pbcor", ".image")


def check_outname(outname, cube, overwrite):
    """
    Check that the new images can be written, before anything is done.

    Parameters
    ----------
    outname : str
        Root name of the new images.
    cube : `~confetti_task.private.images.Cube`
        The old images.
    overwrite : bool
        Whether images of an earlier run may be replaced.

    Raises
    ------
    ValueError
        If an image would be replaced that must not be, or the folder cannot be written in.
    """
    folder = os.path.dirname(os.path.abspath(outname))
    if not os.path.basename(outname):
        raise ValueError(f"outname='{outname}' is a folder; give the root name of the new images in it")
    if os.path.realpath(outname) == os.path.realpath(cube.root):
        raise ValueError(f"outname='{outname}' is the old cube, which is never changed; choose another outname")
    existing = [outname + suffix for suffix in (".work", *IMAGES) if os.path.lexists(outname + suffix)]
    if existing and not os.path.exists(outname + SCRIPT):
        raise ValueError(f"{existing[-1]} was not written by confetti_reclean; choose another outname")
    existing += [outname + SCRIPT] * os.path.exists(outname + SCRIPT)
    if existing and not overwrite:
        raise ValueError(f"{existing[0]} exists already; set overwrite=True to replace it, or choose another outname")
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outname='{outname}': cannot write in {folder}; choose an outname in another folder")


def write_start(plan, cube, start_plane, clean_mask):
    """
    Write a work folder with all that tclean needs, and the script that runs it.

    Parameters
    ----------
    plan : `~confetti_task.private.plan.Plan`
        What will be done.
    cube : `~confetti_task.private.images.Cube`
        The old images.
    start_plane : callable
        Start model [y, x] in Jy/pixel of a polarization and a bad channel.
    clean_mask : str
        Clean mask of confetti_check; there need be none.
    """
    with open(plan.script_path, "w", encoding="utf-8") as written:
        written.write(plan.script())
    if os.path.exists(plan.work):
        shutil.rmtree(plan.work)
    os.makedirs(plan.work)
    with open(os.path.join(plan.work, PLAN), "w", encoding="utf-8") as written:
        written.write(plan.to_json())
    for run in plan.runs:
        start_model = plan.name(run) + ".startmodel"
        copy_channels(cube, "model", *run, start_model)
        with opened(start_model) as tool:
            for channel in plan.bad(run):
                for polarization in range(cube.lengths[0]):
                    put_plane(tool, cube, polarization, channel - run[0], start_plane(polarization, channel))
        planes = _where_to_clean(plan, run, cube, clean_mask)
        write_image(plan.name(run) + ".cleanmask", cube, planes, plan.call, template=start_model)


def _where_to_clean(plan, run, cube, clean_mask):
    """Clean mask of the check in the bad channels of a run; where it holds nothing, that of the old images."""
    for (polarization, channel), plane in channels_to_clean(cube, plan.bad(run)):
        checked = read_plane(clean_mask, cube, polarization, channel) > 0 if os.path.exists(clean_mask) else np.zeros(1)
        yield (polarization, channel - run[0]), checked if checked.any() else plane


def read_plan(outname):
    """Text of the plan in the work folder of ``outname``; a `ValueError` where there is none."""
    path = os.path.join(outname + ".work", PLAN)
    if not os.path.exists(path):
        raise ValueError(f"{path} not found: nothing is begun for '{outname}'; call confetti_reclean first")
    with open(path, encoding="utf-8") as opened_file:
        return opened_file.read()


def write_new_set(plan, cube, beside):
    """
    Put the new images in place: a complete set, or nothing; then remove the work folder.

    Parameters
    ----------
    plan : `~confetti_task.private.plan.Plan`
        What was done.
    cube : `~confetti_task.private.images.Cube`
        The old images.
    beside : set of int
        Good channels whose residual and image change too.
    """
    staged = os.path.join(plan.work, "new")
    shutil.rmtree(staged, ignore_errors=True)
    os.makedirs(staged)
    staged = os.path.join(staged, "new")
    # tclean's clean mask of this time holds the bad channels only: the old one tells what may be cleaned.
    kept = (".mask",) if plan.method == "cube" else (".mask", ".psf", ".pb", ".sumwt", ".weight")
    for suffix in IMAGES:
        if suffix in kept:
            _copy(cube.root + suffix, staged + suffix)
        elif os.path.exists(plan.name(plan.runs[0]) + suffix):  # an .image.pbcor only where tclean makes it
            if plan.method == "cube":
                os.rename(plan.name(plan.runs[0]) + suffix, staged + suffix)
            elif _copy(cube.root + suffix, staged + suffix):
                _splice(plan, cube, suffix, staged + suffix, set() if suffix == ".model" else beside)
    with opened(staged + ".image") as tool:
        tool.sethistory(origin="confetti_task", history=[f"confetti_task {__version__}", plan.call])
    replace(plan.outname, staged, os.path.join(plan.work, "old"), IMAGES)
    shutil.rmtree(plan.work)


def _copy(path, target):
    """Copy an image, and tell whether there was one."""
    there = os.path.exists(path)
    if there:
        shutil.copytree(path, target)
    return there


def _splice(plan, cube, suffix, path, beside):
    """Put the planes of the sub-cubes into a copy of an old image."""
    for run in plan.runs:
        channels = [channel for channel in range(run[0], run[1] + 1) if channel in plan.channels or channel in beside]
        with opened(path) as tool:
            for channel in channels:
                for polarization in range(cube.lengths[0]):
                    plane = read_plane(plan.name(run) + suffix, cube, polarization, channel - run[0])
                    put_plane(tool, cube, polarization, channel, plane)
