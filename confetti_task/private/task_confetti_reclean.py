"""Implementation of confetti_reclean."""

import os
import time
from dataclasses import replace

import numpy as np
from casatasks import casalog, tclean

from ..confetti_check import confetti_check
from .check.tables import bad_channels, read_tables
from .images.channels import format_channels, parse_channels
from .images.cube import open_cube
from .reclean import messages
from .reclean.new_images import check_outname, check_room, read_plan, write_new_set, write_start
from .reclean.plan import Job, Plan, make_plan
from .reclean.recorded_call import read_parameters
from .reclean.remedy import DEPTH_SIGMA
from .reclean.start_model import start_from_continuum, start_from_neighbours
from .reclean.verify import OtherDataError, changed_beside, check_run, state_of_channels


def confetti_reclean(
    imagename, confetti, outname, chans, vis, parameters, startmodel, method, gain, rounds, dryrun, overwrite
):
    """Clean the bad channels of a cube again; `confetti_task.confetti_reclean` documents the parameters."""
    arguments, started = dict(locals()), time.time()
    if not gain > 0 or not rounds > 0:
        raise ValueError(f"gain and rounds should be positive (got {gain} and {rounds})")
    cube = _open(imagename)
    confetti = os.path.abspath(confetti or cube.root + ".confetti")
    sources, channels = read_tables(confetti, cube)
    bad = parse_channels(chans, cube.channels) if chans else bad_channels(channels)
    if not bad:
        casalog.post(f"No channel in {confetti}.channels.ecsv is bad: there is nothing to clean again")
        return _result(cube.root)
    outname = outname or cube.root + "_reclean"
    check_outname(outname, cube, confetti, overwrite)

    job = Job(
        cube=cube,
        outname=os.path.abspath(outname),
        confetti=confetti,
        tables=(sources, channels),
        recorded=read_parameters(cube, vis, parameters),
        gain=gain,
        depth=0.0,
        start=start_from_neighbours if startmodel == "interpolate" else start_from_continuum,
        clean_mask=confetti + ".cleanmask" if sources.meta["parameters"]["cleanmask"] == "channel" else "",
        call="confetti_reclean({})".format(", ".join(f"{name}={value!r}" for name, value in arguments.items())),
        overwrite=overwrite,
    )
    if dryrun:
        return _result(job.outname, _prepare(job, bad, method))
    result = _mend(job, bad, method, 1 if chans else rounds)
    return dict(result, seconds=time.time() - started)


def _prepare(job, bad, method):
    plan = make_plan(job, bad, method)
    check_room(plan, job.cube)
    write_start(plan, job.cube, job.start(job.cube, bad), job.clean_mask)
    casalog.post(messages.describe_plan(plan, job.cube.channels))
    return plan


def _mend(job, bad, method, rounds):
    """
    Clean bad channels again, until another run of tclean would not improve the cube.

    A run is repeated with the full cube if sub-cubes turn out to be from other visibilities (once), with a lower loop
    gain if channels are bad again (once), and with more channels if hidden bad channels appear (up to ``rounds``).
    """
    reasons, gentle = [], False
    while True:
        plan = _prepare(job, bad, method)
        try:
            result = _finish(plan, job.cube, job.tables, _run(plan, job.cube, job.tables))
        except OtherDataError as error:
            if method != "auto":
                raise
            why, method = messages.OTHER_DATA.format(error=error), "cube"
        else:
            job = job._replace(overwrite=True)
            again = messages.bad_again(plan, result["after"])
            hidden = messages.newly_bad(result["before"], result["after"], bad)
            if again and not gentle:
                gentle, job = True, _gentler(job, plan, result["after"])
                why = messages.GENTLER.format(chans=format_channels(again), gain=job.gain, depth=job.depth)
            elif hidden and rounds > 1:
                bad, rounds = sorted([*bad, *hidden]), rounds - 1
                why = messages.HIDDEN.format(chans=format_channels(hidden))
            else:
                return dict(result, warnings=[*reasons, *result["warnings"]])
        casalog.post(why, "WARN")
        reasons.append(why)


def _gentler(job, plan, after):
    """The job with half the loop gain, and a threshold of at least the usual multiple of the channel rms."""
    return job._replace(gain=plan.parameters[0]["gain"] / 2, depth=DEPTH_SIGMA * after["noise"])


def finish(outname):
    """Finish a run of the script of confetti_reclean; `confetti_task.finish_reclean` documents it."""
    started = time.time()
    plan = Plan.from_json(read_plan(os.path.abspath(outname)))
    cube = _open(plan.root)
    tables = read_tables(plan.confetti, cube)
    warnings = [text for run in plan.runs for text in check_run(plan, run, cube, _noise(cube, tables))]
    return dict(_finish(plan, cube, tables, warnings), seconds=time.time() - started)


def _open(imagename):
    cube = open_cube(imagename)
    if cube.taylor_term:
        raise ValueError(f"imagename='{imagename}' has Taylor terms; only spectral cubes can be cleaned again")
    return replace(cube, root=os.path.abspath(cube.root))


def _noise(cube, tables):
    """rms of every channel in Jy/beam, interpolated where it is unknown; NaN if it is unknown everywhere."""
    _, channels = tables
    known = channels[np.isfinite(channels["noise"]) & (channels["stokes"] == cube.stokes[0])]
    if not len(known):  # CLEAN ran away in all channels, so there is nothing to compare with anyway
        return np.full(cube.channels, np.nan)
    return np.interp(np.arange(cube.channels), known["channel"], known["noise"].to_value("Jy/beam"))


def _run(plan, cube, tables):
    """Run tclean, stopping at the first run that does not agree with the old images; returns warnings."""
    noise, warnings = _noise(cube, tables), []
    try:
        for run, parameters in zip(plan.runs, plan.parameters):
            _call(tclean, parameters)
            warnings += check_run(plan, run, cube, noise)
    except OtherDataError:
        raise
    except BaseException:
        casalog.post(
            f"Stopped; the old images are unchanged. Unfinished work is in {plan.work}: set overwrite=True next time, "
            "or remove it",
            "WARN",
        )
        raise
    return warnings


def _call(task, parameters):
    """Call another task, and restore the origin of log messages afterwards."""
    try:
        return task(**parameters)
    finally:
        casalog.origin("confetti_reclean")


def _finish(plan, cube, old, warnings):
    noise = _noise(cube, old)
    spread = {channel for run in plan.runs for channel in changed_beside(plan, run, cube, noise)}
    *states, depth = state_of_channels(plan, cube)
    try:
        write_new_set(plan, cube, spread)
    except BaseException:
        casalog.post(f"tclean is done; solve the following problem, and call finish_reclean('{plan.outname}')", "WARN")
        raise

    check = plan.outname + ".confetti"
    parameters = dict(old[0].meta["parameters"], imagename=plan.outname, outfile=check, overwrite=True)
    checked = {*parse_channels(parameters["chans"], cube.channels), *plan.channels}
    _call(confetti_check, dict(parameters, chans=format_channels(checked)))
    new = read_tables(check, open_cube(plan.outname))
    before, after = (dict(messages.summarize_check(*tables), **state) for tables, state in zip((old, new), states))
    after["noise"] = float(np.nanmedian(_noise(cube, new)))
    warnings = [*warnings, *messages.reclean_warnings(plan, before, after, depth, spread)]
    for warning in warnings:
        casalog.post(warning, "WARN")
    casalog.post(messages.describe_reclean(plan.outname, before, after))
    return _result(plan.outname, plan, before, after, warnings)


def _result(imagename, plan=None, before=None, after=None, warnings=()):
    channels = plan.channels if plan else ()
    return {
        "imagename": imagename,
        "method": plan.method if plan else "none",
        "channels": list(channels),
        "chans": format_channels(channels),
        "script": plan.script_path if plan else "",
        "before": before,
        "after": after,
        "seconds": 0.0,
        "warnings": list(warnings),
    }
