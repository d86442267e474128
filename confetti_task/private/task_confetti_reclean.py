"""Implementation of confetti_reclean."""

import os
import time
from contextlib import contextmanager

import numpy as np
from casatasks import casalog, tclean

from ..confetti_check import confetti_check
from .casa_log import logged_by_casa
from .check.proof_table import ENDING, make_proof_table
from .check.tables import bad_channels, read_tables, suspicious_channels
from .images.channels import format_channels, parse_channels, selection
from .images.cube import open_cube
from .images.pieces import open_pieces
from .reclean import messages
from .reclean.attempts import (
    START_MODELS,
    Step,
    Todo,
    after_new_images,
    before_new_images,
    gently_from_the_start,
    least_depth,
    with_the_full_cube,
)
from .reclean.new_images import (
    check_outname,
    check_room,
    read_plan,
    write_clean_mask,
    write_new_set,
    write_start,
)
from .reclean.plan import Job, Plan, make_plan
from .reclean.proof import NOTHING_YET, prove, replaced_channels, to_json
from .reclean.recorded_call import how_recorded
from .reclean.remedy import within_budget
from .reclean.result import make_result, summarize_check, summarize_proof
from .reclean.verify import (
    OtherDataError,
    UnstableError,
    changed_neighbours,
    channel_rms,
    check_run,
    check_stable,
    measure_reached,
    models_of,
    state_of_channels,
)
from .reclean.without_data import deconvolve_again, predicted_seconds


def confetti_reclean(
    imagename,
    confetti,
    outname,
    chans,
    vis,
    parameters,
    startmodel,
    method,
    gain,
    rounds,
    dryrun,
    overwrite,
    suspects,
    budget,
):
    """Clean bad and suspicious channels again; `confetti_task.confetti_reclean` documents the parameters."""
    chans = selection(chans)
    arguments, started = dict(locals()), time.time()
    _check_numbers(gain, rounds, budget)
    cube = _open(imagename)
    confetti = os.path.abspath(confetti or cube.root + ".confetti")
    sources, channels = read_tables(confetti, cube)
    bad = parse_channels(chans, cube.channels) if chans else bad_channels(channels)
    suspicious = suspicious_channels(channels) if suspects and not chans else []
    if not bad and not suspicious:
        casalog.post(f"No channel in {confetti}.channels.ecsv is bad or suspicious: there is nothing to clean again")
        return make_result(cube.root)
    outname = outname or cube.root + "_reclean"
    check_outname(outname, cube, confetti, overwrite)

    # The recorded clean, with the user's changes; without one, channels are deconvolved again from their own images.
    recorded, why_not = how_recorded(cube, channels, vis, parameters, method)
    method = method if recorded else "image"
    # A niter from the user is not divided among the channels.
    divide_niter = recorded and "niter" not in (parameters or {})
    job = Job(
        cube=cube,
        outname=os.path.abspath(outname),
        confetti=confetti,
        tables=(sources, channels),
        recorded=recorded,
        reached=measure_reached(cube, channels, [*bad, *suspicious]) if divide_niter else None,
        gain=min(gain, recorded.get("gain", gain)),
        depth=0.0 if "threshold" in (parameters or {}) else least_depth(cube, channels, bad),
        start=START_MODELS[startmodel],
        clean_mask=confetti + ".cleanmask" if sources.meta["parameters"]["cleanmask"] == "channel" else "",
        call="confetti_reclean({})".format(", ".join(f"{name}={value!r}" for name, value in arguments.items())),
        overwrite=overwrite,
        done=(),
        settled=to_json(NOTHING_YET),
    )
    chosen = within_budget(bad, suspicious, cube.channels, method, budget)
    other_result = method != "image"  # deconvolving the same images once more gives the same again
    todo = Todo(
        bad=bad,
        suspects=chosen,
        leftover=suspicious[len(chosen) :],
        method=method,
        rounds=1 if chans else rounds,
        second_way=other_result,
        gentler=other_result,
    )
    reasons = [messages.WITHOUT_DATA.format(reason=why_not)] if why_not else []
    for why in reasons:
        casalog.post(why, "WARN")
    if dryrun:
        return make_result(job.outname, _prepare(job, todo, dryrun), warnings=reasons)
    return dict(_mend(job, todo, reasons), seconds=time.time() - started)


def _check_numbers(gain, rounds, budget):
    if not gain > 0 or not rounds > 0:
        raise ValueError(f"gain and rounds should be positive (got {gain} and {rounds})")
    if not budget >= 0:
        raise ValueError(f"budget should be a fraction of a full clean, at least 0 (got {budget})")


def _prepare(job, todo, dryrun=False):
    """Plan an attempt, and write what its runs start from into the work folder."""
    plan = make_plan(job, todo.bad, todo.suspects, todo.leftover, todo.method)
    check_room(plan, job.cube)
    if plan.method != "image":
        write_start(plan, job.cube, job.start(job.cube, [*plan.channels, *plan.leftover]), job.clean_mask)
    elif not dryrun:
        write_clean_mask(plan, job.cube, job.clean_mask)
    seconds = predicted_seconds(job.tables[1], plan.channels)
    casalog.post(messages.describe_plan(plan, job.cube.channels, seconds))
    return plan


def _mend(job, todo, reasons):
    """Clean channels again, until another attempt would not improve the cube; ``reasons`` are the first warnings."""
    reasons, step = [*reasons], Step(why="", job=job, job_now=job, todo=todo)
    while True:
        plan = _prepare(step.job_now, step.todo)
        # A run in which CLEAN goes wrong is stopped, unless it is a second opinion, or gentle already.
        stop_if_unstable = step.todo.gentler and step.job_now is step.job
        try:
            warnings = _run(plan, job.cube, job.tables, stop_if_unstable)
        except OtherDataError as error:
            if step.todo.method != "auto":
                raise
            step = with_the_full_cube(step, error)
        except UnstableError as error:
            step = gently_from_the_start(step, error.channels)
        else:
            # What tclean made is compared with the old images, and put in place only once nothing is in doubt.
            with _finishable(plan):
                proof = prove(plan, job.cube, job.tables)
            following = before_new_images(plan, step, proof)
            if following is None:
                result = _finish(plan, job.cube, job.tables, proof, warnings)
                following = after_new_images(plan, step, proof, result)
            if following is None:
                return dict(result, warnings=[*reasons, *result["warnings"]])
            step = following
        casalog.post(step.why, "WARN")
        reasons.append(step.why)


@logged_by_casa()
def finish(outname):
    """Finish a run of the script of confetti_reclean; `confetti_task.finish_reclean` documents it."""
    started = time.time()
    plan = Plan.from_json(read_plan(os.path.abspath(outname)))
    cube = _open(plan.root)
    tables = read_tables(plan.confetti, cube)
    if plan.method == "image":
        warnings = _run(plan, cube, tables)  # what an interrupted run has left to do
    else:
        warnings = [text for run in plan.runs for text in check_run(plan, run, cube, channel_rms(cube, tables[1]))]
    proof = prove(plan, cube, tables)
    return dict(_finish(plan, cube, tables, proof, warnings), seconds=time.time() - started)


def _open(imagename):
    """Open a cube that can be cleaned again: one piece, without Taylor terms."""
    cube = open_pieces(imagename)
    if cube.pieces:
        raise ValueError(f"imagename='{imagename}' should be one piece: pieces are cleaned again one by one")
    if cube.taylor_term:
        raise ValueError(f"imagename='{imagename}' has Taylor terms; only spectral cubes can be cleaned again")
    return cube.absolute


def _run(plan, cube, tables, stop_if_unstable=False):
    """
    Run tclean, or deconvolve the channels from their own images, and return the warnings.

    Raises
    ------
    OtherDataError, UnstableError
        After the first run that does not agree with the old images, or is unstable.
    """
    noise, warnings = channel_rms(cube, tables[1]), []
    try:
        if plan.method == "image":
            return deconvolve_again(plan, cube, tables)
        for run, parameters in zip(plan.runs, plan.parameters):
            record = _call(tclean, parameters)
            warnings += check_run(plan, run, cube, noise)
            if stop_if_unstable:
                check_stable(plan, run, record)
    except (OtherDataError, UnstableError):
        raise
    except BaseException:
        go_on = f"call finish_reclean('{plan.outname}') to go on, " if plan.method == "image" else ""
        casalog.post(
            f"Stopped; the old images are unchanged. Unfinished work is in {plan.work}: {go_on}set overwrite=True next "
            "time, or remove it",
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


def _finish(plan, cube, old, proof, warnings):
    """Put the new images in place and check the cube: the new one, or the old one if no plane was replaced."""
    final = plan.only(replaced_channels(set(plan.channels) - set(plan.suspects), proof))
    checked_root = plan.outname if final.channels else plan.root
    with _finishable(plan):
        # Whatever is measured in the work folder comes first: with the new set in place, the folder is gone.
        noise = channel_rms(cube, old[1])
        changed = {channel for run in final.runs for channel in changed_neighbours(final, run, cube, noise)}
        spread = changed - {*plan.channels}
        state_before, state_after, depth = state_of_channels(final, cube)
        models = models_of(final, cube)
        about = {"before": plan.root, "after": checked_root, "replaced": list(final.channels), "renewed": models}
        proof_table = make_proof_table(cube, proof.finds, proof.outcomes, old[1], about)
        write_new_set(plan, cube, final.channels, spread, proof.finds, proof_table)

    # The new set is checked as the old one was, and in all channels that were cleaned again.
    check, table = plan.outname + ".confetti", plan.outname + ENDING
    parameters = dict(old[0].meta["parameters"], imagename=checked_root, outfile=check, proof=table, overwrite=True)
    checked = {*parse_channels(parameters["chans"], cube.channels), *proof.outcomes}
    _call(confetti_check, dict(parameters, chans=format_channels(checked)))
    new = read_tables(check, open_cube(checked_root))

    before = dict(summarize_check(*old), **state_before)
    noise = float(np.nanmedian(channel_rms(cube, new[1])))
    after = dict(summarize_check(*new), **state_after, noise=noise)
    judged = summarize_proof(plan, proof, final.channels, old[1])
    warnings = [*warnings, *messages.reclean_warnings(final, before, after, depth, spread, judged)]
    for warning in warnings:
        casalog.post(warning, "WARN")
    casalog.post(messages.describe_reclean(checked_root, before, after, judged))
    return make_result(checked_root, plan, judged, before, after, warnings)


@contextmanager
def _finishable(plan):
    """Log how to go on if something fails after tclean has done its work."""
    try:
        yield
    except BaseException:
        what = "deconvolution" if plan.method == "image" else "tclean"
        casalog.post(f"{what} is done; solve the following problem, and call finish_reclean('{plan.outname}')", "WARN")
        raise
