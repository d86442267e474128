"""The files of confetti_reclean: tclean's inputs, and the new set of images."""

import os
import shutil

import numpy as np

from ..check.clean_mask import channels_to_clean
from ..check.tables import write_table
from ..images.headers import opened
from ..images.pixels import read_plane
from ..images.write import copy_channels, copy_image, files_of, put_plane, write_image
from ..products import SUFFIXES, planes_of
from ..staging import publish, roll_back
from .without_data import write_set

PLAN = "plan.json"
SCRIPT = ".reclean.py"
# The new set, in the order in which it appears. The script comes first: if it exists, the rest was written by
# confetti_reclean. The image comes last: if it exists, the set is complete.
IMAGES = (
    ".proof.mask",
    ".proof.ecsv",
    ".mask",
    ".psf",
    ".pb",
    ".sumwt",
    ".weight",
    ".model",
    ".residual",
    ".image.pbcor",
    ".image",
)

CHECK_SUFFIXES = tuple(".confetti" + suffix for suffix in SUFFIXES)


def check_outname(outname, cube, confetti, overwrite):
    """
    Check that the new images can be written, before anything is done.

    Parameters
    ----------
    outname : str
        Root name of the new images.
    cube : `images.cube.Cube`
        The old images.
    confetti : str
        Root name of the products of the check of the old images.
    overwrite : bool
        Whether images of an earlier run may be replaced.

    Raises
    ------
    ValueError
        If a file would be replaced that must not be, or if the folder is not writable.
    """
    folder = os.path.dirname(os.path.abspath(outname))
    if not os.path.basename(outname):
        raise ValueError(f"outname='{outname}' is a folder; give the root name of the new images in it")
    if os.path.realpath(outname) == os.path.realpath(cube.root):
        raise ValueError(f"outname='{outname}' is the old cube, which is never changed; choose another outname")
    if os.path.realpath(outname + ".confetti") == os.path.realpath(confetti):
        raise ValueError(f"outname='{outname}': {confetti} is the check of the old cube; choose another outname")
    existing = [outname + suffix for suffix in (".work", *IMAGES) if os.path.lexists(outname + suffix)]
    if existing and not os.path.exists(outname + SCRIPT):
        raise ValueError(f"{existing[-1]} was not written by confetti_reclean; choose another outname")
    existing += [outname + suffix for suffix in (SCRIPT, *CHECK_SUFFIXES) if os.path.lexists(outname + suffix)]
    if existing and not overwrite:
        raise ValueError(f"{existing[0]} exists already; set overwrite=True to replace it, or choose another outname")
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(f"outname='{outname}': cannot write in {folder}; choose an outname in another folder")


def check_room(plan, cube):
    """
    Check that the disk has room for the new set and for the work folder.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    cube : `images.cube.Cube`
        The old images.

    Raises
    ------
    ValueError
        If there is not enough room.
    """
    part = sum(last - first + 1 for first, last in plan.runs) / cube.channels
    old_set = sum(_size(path) for suffix in IMAGES for path in files_of(cube, suffix))
    # The new set; tclean's images, start model and clean mask.
    needed = old_set + part * (old_set + 2 * _size_of_model(cube))
    if plan.method == "image":  # the images to compare, and three new planes of each channel
        needed += 3 * len(plan.channels) / cube.channels * _size_of_model(cube)
    folder = os.path.dirname(plan.outname)
    free = shutil.disk_usage(folder).free + _size(plan.work)  # what an earlier attempt left there will go
    if needed > free:
        raise ValueError(
            f"outname='{plan.outname}': {folder} has {free / 1e9:.1f} GB free, but the new images need "
            f"{needed / 1e9:.1f}; make room, or choose an outname on another disk"
        )


def _size(path):
    """Size of an image or of a file on disk, in bytes."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def _size_of_model(cube):
    return sum(map(_size, files_of(cube, ".model")))


def write_start(plan, cube, start_plane, clean_mask):
    """
    Write the work folder with all of tclean's inputs, and the script that runs it.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    cube : `images.cube.Cube`
        The old images.
    start_plane : callable
        Function of a polarization and a bad channel that returns its start model [y, x] in Jy/pixel.
    clean_mask : str
        Clean mask of confetti_check; it need not exist.
    """
    _write_plan(plan, cube)
    for run in plan.runs:
        start_model = plan.name(run) + ".startmodel"
        copy_channels(cube, "model", run[0], run[1] + 1, start_model)
        with opened(start_model) as tool:
            for channel in plan.to_clean(run):
                for polarization in range(cube.shape[0]):
                    made = _made(plan, polarization, channel)
                    plane = np.load(made) if channel in plan.done else start_plane(polarization, channel)
                    put_plane(tool, cube, polarization, channel - run[0], plane)
        planes = _where_to_clean(plan, run, cube, clean_mask)
        write_image(plan.name(run) + ".cleanmask", cube, planes, plan.call, template=start_model)


def write_clean_mask(plan, cube, clean_mask):
    """
    Write the work folder for channels that are deconvolved again, and the script that goes on with it.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    cube : `images.cube.Cube`
        The old images.
    clean_mask : str
        Clean mask of confetti_check; it need not exist.
    """
    _write_plan(plan, cube)
    (run,) = plan.runs
    write_image(plan.name(run) + ".cleanmask", cube, _where_to_clean(plan, run, cube, clean_mask), plan.call)


def _write_plan(plan, cube):
    texts = {plan.script_path: plan.script(), os.path.join(plan.work, PLAN): plan.to_json()}
    roll_back(_staging(plan))
    _clear(plan, cube)
    for path, text in texts.items():
        with open(path, "w", encoding="utf-8") as written:
            written.write(text)


def keep_models(plan, cube, channels):
    """
    Keep the models that an attempt made, as start models of the next one: there is nothing left to clean in them.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan of the attempt.
    cube : `images.cube.Cube`
        The old images.
    channels : list of int
        The channels.
    """
    for run in plan.runs:
        for channel in set(plan.to_clean(run)) & set(channels):
            for polarization in range(cube.shape[0]):
                plane = read_plane(plan.name(run) + ".model", cube, polarization, channel - run[0])
                np.save(_made(plan, polarization, channel), plane)


def _made(plan, polarization, channel):
    """Name of the file with the model of a channel that is done."""
    return os.path.join(plan.work, f"done-{polarization}-{channel}.npy")


def _clear(plan, cube):
    """Make the work folder empty, except for models of an earlier attempt."""
    os.makedirs(plan.work, exist_ok=True)
    kept = {_made(plan, number, channel) for channel in plan.done for number in range(cube.shape[0])}
    for path in {os.path.join(plan.work, name) for name in os.listdir(plan.work)} - kept:
        remove = shutil.rmtree if os.path.isdir(path) else os.remove
        remove(path)


def _where_to_clean(plan, run, cube, clean_mask):
    """Clean mask of the check in the channels to clean; where it is empty, that of the old images."""
    again = plan.to_clean(run)
    drawn = [channel for channel in again if os.path.exists(clean_mask) and _holds_anything(clean_mask, cube, channel)]
    for (polarization, channel), plane in channels_to_clean(cube, again):
        if channel in drawn:
            plane = read_plane(clean_mask, cube, polarization, channel) > 0
        yield (polarization, channel - run[0]), plane


def _holds_anything(path, cube, channel):
    return any((read_plane(path, cube, polarization, channel) > 0).any() for polarization in range(cube.shape[0]))


def _staging(plan):
    """Folder of the new set until it is complete."""
    return os.path.join(plan.work, "new")


def read_plan(outname):
    """Read the text of the plan in the work folder of ``outname``; raises `ValueError` if there is none."""
    path = os.path.join(outname + ".work", PLAN)
    if not os.path.exists(path):
        raise ValueError(f"{path} not found: nothing was prepared for '{outname}'; call confetti_reclean first")
    with open(path, encoding="utf-8") as opened_file:
        return opened_file.read()


def write_new_set(plan, cube, replaced, adjacent, finds, table):
    """
    Put the new images and the proof in place, all or none, and remove the work folder.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    cube : `images.cube.Cube`
        The old images.
    replaced : list of int
        Channels that get new planes. Without any, only the proof is written: the old images are good.
    adjacent : set of int
        Good channels whose residual and image are renewed too.
    finds : structured `~numpy.ndarray`
        Rows of `core.quantities.FIND`, for the mask.
    table : `~astropy.table.QTable`
        Table of the proof.
    """
    folder = _staging(plan)
    roll_back(folder)
    existing = [plan.outname + suffix for suffix in IMAGES if os.path.lexists(plan.outname + suffix)]
    if existing and not plan.overwrite:
        raise ValueError(
            f"{existing[0]} has appeared in the meantime; move it away, and call finish_reclean('{plan.outname}')"
        )
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    staged = os.path.join(folder, "new")
    if replaced:
        if plan.method == "image":
            write_set(plan, cube, staged, replaced)
        else:
            _stage_images(plan, cube, staged, replaced, adjacent)
        _finish_images(plan, cube, staged, replaced)
    write_table(table, staged + ".proof.ecsv")
    proved = finds[finds["proof"] == "proved"]
    write_image(staged + ".proof.mask", cube, planes_of(cube, proved, np.ones(len(proved), dtype=bool)), plan.call)
    publish(plan.outname, staged, plan.old, (*CHECK_SUFFIXES, *IMAGES))
    os.remove(os.path.join(plan.work, PLAN))  # first, so that a half-removed folder is never finished again
    shutil.rmtree(plan.work, ignore_errors=True)


def _stage_images(plan, cube, staged, replaced, adjacent):
    """Write all images of the new set to a hidden folder."""
    for suffix in (".mask", ".psf", ".pb", ".sumwt", ".weight"):
        # The clean mask of this run covers only the bad channels: the new set gets the old one.
        made = plan.method == "cube" and suffix != ".mask"
        _copy((plan.name(plan.runs[0]) if made else cube.root) + suffix, staged + suffix)
    for suffix in (".model", ".residual", ".image.pbcor", ".image"):
        made = plan.name(plan.runs[0]) + suffix
        if not os.path.exists(made):  # tclean makes .image.pbcor only on request
            continue
        if plan.method == "cube":
            _copy(made, staged + suffix)
            if os.path.exists(cube.root + suffix):
                _put_back(cube, suffix, staged + suffix, set(plan.channels) - set(replaced))
        elif _copy(cube.root + suffix, staged + suffix):
            _splice(plan, cube, suffix, staged + suffix, [*replaced, *(adjacent if suffix != ".model" else ())])


def _finish_images(plan, cube, staged, replaced):
    """Record in the new set where channels were cleaned again, and how."""
    if os.path.exists(staged + ".mask"):
        _splice(plan, cube, ".cleanmask", staged + ".mask", replaced)
    with opened(staged + ".image") as tool:
        tool.sethistory(origin="confetti_reclean", history=plan.record())


def _put_back(cube, suffix, path, channels):
    """Restore the old planes of some channels of a new image."""
    with opened(path) as tool:
        for channel in sorted(channels):
            for polarization in range(cube.shape[0]):
                put_plane(
                    tool, cube, polarization, channel, read_plane(cube.root + suffix, cube, polarization, channel)
                )


def _copy(path, target):
    """Copy an image, and return whether there was one."""
    if not os.path.exists(path):
        return False
    copy_image(path, target)
    return True


def _splice(plan, cube, suffix, path, channels):
    """Insert planes of the sub-cubes into a copy of an old image."""
    for first, last in plan.runs:
        with opened(path) as tool:
            for channel in sorted(channel for channel in channels if first <= channel <= last):
                for polarization in range(cube.shape[0]):
                    plane = read_plane(plan.name((first, last)) + suffix, cube, polarization, channel - first)
                    put_plane(tool, cube, polarization, channel, plane)
