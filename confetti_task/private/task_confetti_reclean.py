"""Implementation of confetti_reclean."""

import os
import time
from collections import namedtuple
from contextlib import contextmanager

import numpy as np
from casatasks import casalog, tclean

from ..confetti_check import confetti_check
from .casa_log import logged_by_casa
from .check.log import why_not_tclean
from .check.proof_table import ENDING, make_proof_table
from .check.tables import bad_channels, diverged_channels, noise_of_channels, read_tables, suspicious_channels
from .core.before_after import PROOFS, outcome
from .images.channels import format_channels, parse_channels, selection
from .images.cube import open_cube
from .images.pieces import open_pieces
from .reclean import messages
from .reclean.new_images import (
    check_outname,
    check_room,
    keep_models,
    read_plan,
    write_clean_mask,
    write_new_set,
    write_start,
)
from .reclean.plan import Job, Plan, make_plan
from .reclean.proof import NOTHING_YET, prove, replaced_channels, settle, to_json, undecided
from .reclean.recorded_call import NoVisibilitiesError, read_parameters
from .reclean.remedy import DEPTH_SIGMA, within_budget
from .reclean.start_model import start_from_continuum, start_from_neighbours
from .reclean.verify import (
    OtherDataError,
    UnstableError,
    changed_beside,
    check_run,
    check_stable,
    measure_reached,
    models_of,
    state_of_channels,
)
from .reclean.without_data import check_images, deconvolve_again, predicted_seconds

# Axes of polarization, channel, y and x in all that tclean writes, and in start models and clean masks that it reads.
TCLEAN_AXES = (2, 3, 1, 0)

START = {"zero": start_from_continuum, "interpolate": start_from_neighbours}

# What one attempt cleans: bad channels, suspicious ones, those beyond the budget, and how; and what may follow it: more
# rounds, a second way for doubtful channels, a gentler attempt at bad ones.
Todo = namedtuple("Todo", "bad suspects leftover method rounds second_way gentler")


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
        return _result(cube.root)
    outname = outname or cube.root + "_reclean"
    check_outname(outname, cube, confetti, overwrite)

    recorded, why_not = _how_recorded(cube, channels, vis, parameters, method)
    method = method if recorded else "image"
    # The user's own niter is taken as it is.
    share = recorded and "niter" not in (parameters or {})
    job = Job(
        cube=cube,
        outname=os.path.abspath(outname),
        confetti=confetti,
        tables=(sources, channels),
        recorded=recorded,
        reached=measure_reached(cube, channels, [*bad, *suspicious]) if share else None,
        gain=min(gain, recorded.get("gain", gain)),
        depth=0.0 if "threshold" in (parameters or {}) else _least_depth(cube, channels, bad),
        start=START[startmodel],
        clean_mask=confetti + ".cleanmask" if sources.meta["parameters"]["cleanmask"] == "channel" else "",
        call="confetti_reclean({})".format(", ".join(f"{name}={value!r}" for name, value in arguments.items())),
        overwrite=overwrite,
        done=(),
        settled=to_json(NOTHING_YET),
    )
    chosen = within_budget(bad, suspicious, cube.channels, method, budget)
    again = method != "image"  # whoever deconvolves the same images again gets the same
    todo = Todo(bad, chosen, suspicious[len(chosen) :], method, 1 if chans else rounds, again, again)
    reasons = [messages.WITHOUT_DATA.format(reason=why_not)] if why_not else []
    for why in reasons:
        casalog.post(why, "WARN")
    if dryrun:
        return _result(job.outname, _prepare(job, todo, dryrun), warnings=reasons)
    return dict(_mend(job, todo, reasons), seconds=time.time() - started)


def _least_depth(cube, channels, bad):
    """Minimum threshold in Jy/beam: the usual one if CLEAN diverged in a channel, however deep the recorded one was."""
    return DEPTH_SIGMA * _usual_noise(cube, channels) if set(bad) & set(diverged_channels(channels)) else 0.0


def _usual_noise(cube, channels):
    """Median rms in Jy/beam of the channels in which CLEAN converged; 0 if it did in none, and the rms is unknown."""
    # The residual of a channel that diverged is no noise: 1e29 Jy/beam have been seen.
    converged = np.setdiff1d(np.arange(cube.channels), diverged_channels(channels))
    noise = _noise(cube, (None, channels))[converged]
    return float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0


def _how_recorded(cube, channels, vis, parameters, method):
    """Parameters of tclean, and ''; or {} and why it cannot be run again, if channels are to be deconvolved instead."""
    if method == "image":
        check_images(cube, channels)
        return {}, ""
    try:
        _check_of_tclean(cube)
        return read_parameters(cube, vis, parameters), ""
    except NoVisibilitiesError as error:
        if method != "auto" or vis or parameters:
            raise
        why_not = error
    try:
        check_images(cube, channels)
    except ValueError:
        raise why_not from None
    return {}, str(why_not)


def _check_numbers(gain, rounds, budget):
    if not gain > 0 or not rounds > 0:
        raise ValueError(f"gain and rounds should be positive (got {gain} and {rounds})")
    if not budget >= 0:
        raise ValueError(f"budget should be a fraction of a full clean, at least 0 (got {budget})")


def _prepare(job, todo, dryrun=False):
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
    reasons, attempt = [*reasons], job
    while True:
        plan = _prepare(attempt, todo)
        try:
            warnings = _run(plan, job.cube, job.tables, stop_if_unstable=todo.gentler and attempt is job)
        except OtherDataError as error:
            if todo.method != "auto":
                raise
            why, todo = messages.OTHER_DATA.format(error=error), todo._replace(method="cube")
        except UnstableError as error:
            job, todo = _more_gently(job, todo, _usual_noise(job.cube, job.tables[1]))
            why = messages.UNSTABLE.format(chans=format_channels(error.channels), gain=job.gain, depth=job.depth)
            attempt = job
        else:
            with _finishable(plan):
                proof = prove(plan, job.cube, job.tables)
            doubt = undecided(plan, proof) if todo.second_way else []
            if doubt:
                why, attempt, todo = _in_a_second_way(plan, job, todo, proof, doubt)
            elif _spreads_into_kept(plan, job, proof):
                why, attempt, todo = _with_the_kept_models(plan, job, todo, proof)
            else:
                result = _finish(plan, job.cube, job.tables, proof, warnings)
                once_more = _once_more(plan, job, todo, proof, result)
                if once_more is None:
                    return dict(result, warnings=[*reasons, *result["warnings"]])
                why, job, todo = once_more
                attempt = job
        casalog.post(why, "WARN")
        reasons.append(why)


def _in_a_second_way(plan, job, todo, proof, doubt):
    """Why and how to clean doubtful channels again, with half the loop gain and from the other start model."""
    bad = replaced_channels(todo.bad, proof)
    keep_models(plan, job.cube, bad)
    other = next(start for start in START.values() if start is not job.start)
    settled = to_json(settle(proof, bad, doubt))
    attempt = job._replace(gain=job.gain / 2, start=other, done=tuple(bad), settled=settled)
    why = messages.SECOND_WAY.format(chans=format_channels(doubt), gain=attempt.gain)
    return why, attempt, todo._replace(bad=bad, suspects=doubt, second_way=False)


def _spreads_into_kept(plan, job, proof):
    """Whether tclean spreads models over neighbouring channels, and models that were given up over some."""
    replaced = {*replaced_channels(set(plan.channels) - set(plan.suspects), proof)}
    kept = set(plan.channels) - replaced
    # A full cube is taken as it was imaged, so that all channels next to kept ones hold a part of models given up.
    concerned = (
        kept if plan.method == "cube" else {channel for channel in kept if {channel - 1, channel + 1} & replaced}
    )
    noise = _noise(job.cube, job.tables)
    return bool(replaced and concerned) and any(changed_beside(plan, run, job.cube, noise) for run in plan.runs)


def _with_the_kept_models(plan, job, todo, proof):
    """Why and how to image once more, with the old models of the channels that keep them; nothing is cleaned."""
    bad = replaced_channels(todo.bad, proof)
    keep_models(plan, job.cube, bad)
    kept = sorted(set(plan.channels) - set(bad))
    attempt = job._replace(done=tuple(bad), settled=to_json(settle(proof, bad)))
    return messages.KEPT_MODELS.format(chans=format_channels(kept)), attempt, todo._replace(bad=bad, suspects=[])


def _once_more(plan, job, todo, proof, result):
    """
    Why and how to clean the bad channels again; None if another attempt would not improve the cube.

    Once with half the loop gain, and a threshold of at least the usual multiple of the channel rms, if channels are bad
    again, and with more channels if hidden bad ones have appeared.
    """
    bad, after = replaced_channels(todo.bad, proof), result["after"]
    again, hidden = messages.bad_again(plan, bad, after), messages.newly_bad(result["before"], after, bad)
    job = job._replace(overwrite=True, settled=to_json(settle(proof, [*bad, *hidden])))
    if again and todo.gentler:
        job, todo = _more_gently(job, todo, after["noise"])
        why = messages.GENTLER.format(chans=format_channels(again), gain=job.gain, depth=job.depth)
        return why, job, todo._replace(bad=bad, suspects=[])
    if hidden and todo.rounds > 1:
        leftover = [channel for channel in todo.leftover if channel not in hidden]
        todo = todo._replace(bad=sorted([*bad, *hidden]), suspects=[], leftover=leftover, rounds=todo.rounds - 1)
        return messages.HIDDEN.format(chans=format_channels(hidden)), job, todo
    return None


def _more_gently(job, todo, noise):
    """The job and what to do once more, with half the loop gain and no deeper than the usual multiple of the noise."""
    job = job._replace(gain=job.gain / 2, depth=DEPTH_SIGMA * noise, overwrite=True)
    return job, todo._replace(gentler=False)


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
        warnings = [text for run in plan.runs for text in check_run(plan, run, cube, _noise(cube, tables))]
    proof = prove(plan, cube, tables)
    return dict(_finish(plan, cube, tables, proof, warnings), seconds=time.time() - started)


def _open(imagename):
    cube = open_pieces(imagename)
    if cube.pieces:
        raise ValueError(f"imagename='{imagename}' should be one piece: pieces are cleaned again one by one")
    if cube.taylor_term:
        raise ValueError(f"imagename='{imagename}' has Taylor terms; only spectral cubes can be cleaned again")
    return cube.absolute


def _check_of_tclean(cube):
    """Raise an error if tclean cannot continue the images."""
    if cube.fits:
        raise NoVisibilitiesError(f"imagename='{cube.root}': {why_not_tclean(cube)}")
    if cube.axes != TCLEAN_AXES:
        raise ValueError(messages.OTHER_AXES.format(path=cube.path("model"), root=cube.root))


def _noise(cube, tables):
    return noise_of_channels(tables[1], cube.stokes[0], cube.channels)


def _run(plan, cube, tables, stop_if_unstable=False):
    """Run tclean, up to the first run that does not agree with the old images, or is unstable; returns warnings."""
    noise, warnings = _noise(cube, tables), []
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
    """Put the new images in place and check them, or the old ones if they are good."""
    final = plan.only(replaced_channels(set(plan.channels) - set(plan.suspects), proof))
    good = plan.outname if final.channels else plan.root
    with _finishable(plan):
        spread, *states, depth = _put_in_place(plan, final, cube, old, proof, good)

    check, table = plan.outname + ".confetti", plan.outname + ENDING
    parameters = dict(old[0].meta["parameters"], imagename=good, outfile=check, proof=table, overwrite=True)
    checked = {*parse_channels(parameters["chans"], cube.channels), *proof.outcomes}
    _call(confetti_check, dict(parameters, chans=format_channels(checked)))
    new = read_tables(check, open_cube(good))
    before, after = (dict(messages.summarize_check(*tables), **state) for tables, state in zip((old, new), states))
    after["noise"] = float(np.nanmedian(_noise(cube, new)))
    judged = _summarize_proof(plan, proof, final.channels, old)
    warnings = [*warnings, *messages.reclean_warnings(final, before, after, depth, spread, judged)]
    for warning in warnings:
        casalog.post(warning, "WARN")
    casalog.post(messages.describe_reclean(good, before, after, judged))
    return _result(good, plan, judged, before, after, warnings)


def _put_in_place(plan, final, cube, old, proof, good):
    """Write the new set and the proof; returns which channels were renewed beside, and the state before and after."""
    noise = _noise(cube, old)
    spread = {channel for run in final.runs for channel in changed_beside(final, run, cube, noise)} - {*plan.channels}
    states = state_of_channels(final, cube)
    about = {"before": plan.root, "after": good, "replaced": list(final.channels), "renewed": models_of(final, cube)}
    table = make_proof_table(cube, proof.finds, proof.outcomes, old[1], about)
    write_new_set(plan, cube, final.channels, spread, proof.finds, table)
    return spread, *states


@contextmanager
def _finishable(plan):
    """Say how to go on if something fails that needs no tclean."""
    try:
        yield
    except BaseException:
        what = "deconvolution" if plan.method == "image" else "tclean"
        casalog.post(f"{what} is done; solve the following problem, and call finish_reclean('{plan.outname}')", "WARN")
        raise


def _summarize_proof(plan, proof, replaced, old):
    """What the proof showed, for the returned dictionary."""
    suspects = suspicious_channels(old[1])
    kept = {
        fate: sorted(channel for channel in set(proof.outcomes) - set(replaced) if proof.outcomes[channel] == fate)
        for fate in ("acquitted", "undecided")
    }
    return {
        "table": plan.outname + ENDING,
        "mask": plan.outname + ".proof.mask",
        **{name: int(np.count_nonzero(proof.finds["proof"] == name)) for name in PROOFS},
        "condemned": [
            channel
            for channel in replaced
            if channel in suspects and outcome(proof.finds[proof.finds["channel"] == channel]) == "bad"
        ],
        **kept,
        "leftover": sorted(plan.leftover),
    }


def _result(imagename, plan=None, proof=None, before=None, after=None, warnings=()):
    channels = sorted({*plan.channels, *(channel for channel, _ in plan.settled["outcomes"])}) if plan else ()
    return {
        "imagename": imagename,
        "method": plan.method if plan else "none",
        "channels": list(channels),
        "chans": format_channels(channels),
        "script": plan.script_path if plan and os.path.exists(plan.script_path) else "",
        "proof": proof,
        "before": before,
        "after": after,
        "seconds": 0.0,
        "warnings": list(warnings),
    }
