"""Channels deconvolved again from their own images, without visibilities, and the new set of images that they make."""

import os

import numpy as np

from ..check.consistency import EDGES, mismatches
from ..check.survey import watched
from ..check.tables import noise_of_channels
from ..check.worker_pool import end_if_interrupted, worker_pool
from ..core.quantities import CHANNEL
from ..deconvolve.again import bytes_needed, can_deconvolve, deconvolve_channel
from ..deconvolve.casa import casa_minor_cycles
from ..deconvolve.settle import CHANNELS_A_JOB, SECONDS_A_COMPONENT, scales_of
from ..images.channels import format_channels
from ..images.cube import read_beam
from ..images.headers import opened
from ..images.pixels import read_channel, read_plane
from ..images.write import copy_as_casa_image, put_plane

# Bytes that all processes together may use.
MEMORY = 2e9

# Products of a set, in the order in which they are written: the corrected image needs the image and the primary beam.
SUFFIXES = (".mask", ".psf", ".pb", ".sumwt", ".weight", ".model", ".residual", ".image", ".image.pbcor")
WITH_NEW_PLANES = (".model", ".residual", ".image")
# What the proof reads.
COMPARED = (".psf", *WITH_NEW_PLANES)

# State of a plane that cannot be computed, because the old one or the PSF is blank or not finite.
IMPOSSIBLE = "impossible"


CANNOT_DECONVOLVE = (
    "channels of {root} cannot be deconvolved again from their own images: that needs .psf, and planes of up to 4096 "
    "pixels"
)
NOT_AS_RESTORED = (
    "{path} is not the model restored with its beam plus the residual, as after smoothing or a correction for the "
    "primary beam: planes that are deconvolved again would not match the others; give the image as it was restored"
)


def check_images(cube, channels):
    """
    Check that channels of a cube can be deconvolved again from their own images.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The old images.
    channels : `~astropy.table.QTable`
        Channels of their check.

    Raises
    ------
    ValueError
        If there is no PSF, if the planes are too large, or if the image was smoothed or corrected after tclean: new
        planes would not be like the others.
    """
    if not can_deconvolve(cube, 0):
        raise ValueError(CANNOT_DECONVOLVE.format(root=cube.root))
    if any(mismatch.kind != EDGES for mismatch in mismatches(cube, _measured(cube, channels))):
        raise ValueError(NOT_AS_RESTORED.format(path=cube.path("image")))


def _measured(cube, channels):
    """Rows of `CHANNEL` from the table of the channels, as far as `mismatches` needs them."""
    rows = np.zeros(len(channels), CHANNEL)
    rows["polarization"] = [cube.stokes.index(stokes) for stokes in channels["stokes"]]
    rows["channel"], rows["components"] = channels["channel"], channels["components"]
    rows["model_flux"], rows["noise"] = channels["model_flux"].to_value("Jy"), channels["noise"].to_value("Jy/beam")
    return rows


def predicted_seconds(channels, chosen):
    """Time that it will take to deconvolve channels, on one core, from the table of the channels."""
    return SECONDS_A_COMPONENT * float(channels["components"][np.isin(channels["channel"], chosen)].sum())


def deconvolve_again(plan, cube, tables):
    """
    Deconvolve the channels of a plan, and write what the proof compares into its work folder.

    Planes that an interrupted attempt has finished are taken from there.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose work folder has been prepared.
    cube : `images.cube.Cube`
        The old images.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels of the old images.

    Returns
    -------
    warnings : list of str
        Which bad channels are not as good as they should be.
    """
    missing = [place for place in _places(plan, cube) if not os.path.exists(_file_of(plan, *place))]
    parallel = tables[0].meta["parameters"].get("parallel", True)  # as the check was called
    with worker_pool(parallel, cube.mapped) as workers:
        cores = workers.processes * workers.threads
        size = max(1, min(CHANNELS_A_JOB, -(-len(missing) // cores)))
        parts = [missing[start : start + size] for start in range(0, len(missing), size)]
        jobs = _jobs(plan, cube, tables[1], parts)
        at_once = max(1, int(MEMORY / bytes_needed(cube.shape[2:])))
        for _ in watched(workers.in_order(_deconvolve, jobs, at_once), len(parts), "channels deconvolved again"):
            pass
    write_set(plan, cube, plan.name(plan.runs[0]), plan.channels, COMPARED)
    return _warnings(plan, cube)


def _places(plan, cube):
    return [(polarization, channel) for channel in plan.channels for polarization in range(cube.shape[0])]


def _file_of(plan, polarization, channel):
    """Name of the file with the new planes of a channel."""
    return os.path.join(plan.work, f"deconvolved-{polarization}-{channel}.npz")


def _jobs(plan, cube, channels, parts):
    """Arguments of the jobs, each for some planes."""
    scales, clean_mask = scales_of(cube), plan.name(plan.runs[0]) + ".cleanmask"
    noise = [noise_of_channels(channels, stokes, cube.channels) for stokes in cube.stokes]

    def plane(place):
        where_to_clean = read_plane(clean_mask, cube, *place) > 0
        beam = read_beam(cube, *place)  # here, and not in a thread: the image tool reads it
        return place, float(noise[place[0]][place[1]]), beam, where_to_clean, _file_of(plan, *place)

    for part in parts:
        yield cube, scales, [plane(place) for place in part]


def _deconvolve(cube, scales, planes):
    """Deconvolve some planes again, and keep each in a file that is complete or does not exist."""
    with casa_minor_cycles(scales) as minor_cycle:

        def unless_interrupted(*arguments):
            end_if_interrupted()
            return minor_cycle(*arguments)

        for place, noise, beam, clean_mask, file in planes:
            new = {"state": IMPOSSIBLE}
            if np.isfinite(noise) and _is_finite(cube, *place):
                _, after, _ = deconvolve_channel(cube, *place, noise, beam, unless_interrupted, clean_mask)
                new = new if after is None else after._asdict()
            with open(file + ".part", "wb") as opened_file:
                np.savez(opened_file, **new)
            os.replace(file + ".part", file)


def _is_finite(cube, polarization, channel):
    """Whether the image is not blank, and the model finite: where CLEAN ran away the dirty image is lost."""
    model, image = (read_channel(cube, name, polarization, channel) for name in ("model", "image"))
    return bool(np.isfinite(model).all() and np.isfinite(image).any())


def states_of(plan, cube):
    """
    Find out how the channels of a plan converged.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose channels have been deconvolved again.
    cube : `images.cube.Cube`
        The old images.

    Returns
    -------
    states : dict
        For each channel the states of its polarizations, a set: 'converged', 'stopped', 'diverged' or 'impossible'.
    """
    states = {channel: set() for channel in plan.channels}
    for place in _places(plan, cube):
        with np.load(_file_of(plan, *place)) as new:
            states[place[1]].add(str(new["state"]))
    return states


POINTS_WITHOUT_DATA = (
    "deconvolved again with points, as with deconvolver='hogbom': extended emission may still be wrong by a few per "
    "cent, which the check of the new images does not see. The visibilities and deconvolver='multiscale' do better"
)
NOT_DECONVOLVED = (
    "channels {chans} could not be deconvolved again, because the model has NaN or infinite pixels, or the image is "
    "blank, or the PSF is blank or not centred: they keep their old planes"
)
NOT_CONVERGED = (
    "channels {chans} could not be deconvolved down to three times the channel rms: the old model may be wrong "
    "everywhere, or the PSF may not be that of the data; the new planes are the best that was reached, and may have as "
    "many fake sources as the old ones"
)


def _warnings(plan, cube):
    bad = {channel: states for channel, states in states_of(plan, cube).items() if channel not in plan.suspects}
    impossible = [channel for channel, states in bad.items() if IMPOSSIBLE in states]
    short = [channel for channel, states in bad.items() if states - {IMPOSSIBLE, "converged"}]
    point_model = [POINTS_WITHOUT_DATA] if scales_of(cube).deconvolver == "hogbom" else []
    return point_model + [
        text.format(chans=format_channels(channels))
        for text, channels in ((NOT_DECONVOLVED, impossible), (NOT_CONVERGED, short))
        if channels
    ]


def write_set(plan, cube, root, channels, suffixes=SUFFIXES):
    """
    Write a set of CASA images: the old ones with new planes.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose channels have been deconvolved again.
    cube : `images.cube.Cube`
        The old images, of CASA, FITS or WSClean.
    root : str
        Root name of the set; images of this name are replaced.
    channels : sequence of int
        Channels of the plan that get their new planes. All others are copied bit for bit.
    suffixes : sequence of str
        Which images.
    """
    places = [place for place in _places(plan, cube) if place[1] in channels]
    for suffix in suffixes:
        if suffix == ".image.pbcor" and not os.path.exists(root + ".pb"):
            continue  # without it no new plane can be made
        written = copy_as_casa_image(cube, suffix, root + suffix, plan.call)
        if written and suffix in (*WITH_NEW_PLANES, ".image.pbcor"):
            _put_new_planes(plan, cube, root, suffix, places)


def _put_new_planes(plan, cube, root, suffix, places):
    with opened(root + suffix) as tool:
        for place in places:
            with np.load(_file_of(plan, *place)) as new:
                if str(new["state"]) == IMPOSSIBLE:
                    continue
                plane, blank = new[suffix.split(".")[1]], np.isnan(new["image"])
            if suffix == ".image.pbcor":
                primary_beam = read_plane(root + ".pb", cube, *place)
                blank |= ~(primary_beam > 0)
                plane = plane / np.where(blank, 1, primary_beam)
            if suffix != ".model":  # pixels under the mask of the old image keep their values
                box = cube.box(*place, place[1] + 1)
                plane = np.where(blank, cube.from_image_order(tool.getchunk(*box))[0], plane)
            put_plane(tool, cube, *place, plane)
