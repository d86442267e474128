"""What an attempt to clean channels again consists of, and what has to follow it."""

from collections import namedtuple

import numpy as np

from ..check.tables import diverged_channels
from ..images.channels import format_channels
from .messages import HIDDEN
from .new_images import keep_models
from .proof import replaced_channels, settle, to_json, undecided
from .remedy import DEPTH_SIGMA
from .start_model import start_from_continuum, start_from_neighbours
from .verify import changed_neighbours, channel_rms, newly_bad, worth_a_gentler_clean

START_MODELS = {"zero": start_from_continuum, "interpolate": start_from_neighbours}

# What one attempt cleans: bad channels, suspicious ones, those beyond the budget, and how; and what may follow it: more
# rounds, a second way for doubtful channels, a gentler attempt at bad ones.
Todo = namedtuple("Todo", "bad suspects leftover method rounds second_way gentler")

# One attempt: the reason for it, which becomes a warning; the job, with which all later attempts go on; the job as it
# is done now; and what is cleaned. The two jobs differ where doubtful channels are cleaned in a second way, and where
# nothing is cleaned but channels are imaged with other models.
Step = namedtuple("Step", "why job job_now todo")


OTHER_DATA = "the full cube was cleaned instead of sub-cubes: {error}"


def with_the_full_cube(step, error):
    """Image the full cube instead of sub-cubes, which cannot be inserted into the old images."""
    return step._replace(why=OTHER_DATA.format(error=error), todo=step.todo._replace(method="cube"))


UNSTABLE = (
    "the peak residual rose by half in a minor cycle of channels {chans}: cleaning once more, with a loop gain of "
    "{gain:g} and a threshold of at least {depth:.3g} Jy"
)


def gently_from_the_start(step, channels):
    """Begin again more gently, because CLEAN went wrong in some channels."""
    job, todo = _more_gently(step.job, step.todo, usual_noise(step.job.cube, step.job.tables[1]))
    why = UNSTABLE.format(chans=format_channels(channels), gain=job.gain, depth=job.depth)
    return Step(why, job, job, todo)


SECOND_WAY = (
    "the new images of channels {chans} have sources that the visibilities do not support: cleaning once more, with a "
    "loop gain of {gain:g} and from another start model"
)
KEPT_MODELS = (
    "tclean spreads models over neighbouring channels: imaging once more, with the old models of channels {chans}"
)


def before_new_images(plan, step, proof):
    """
    Decide whether another attempt must precede the new images; if so, put the models to keep into the work folder.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan of an attempt, whose tclean runs are done.
    step : `Step`
        The attempt.
    proof : `reclean.proof.Proof`
        What it proved.

    Returns
    -------
    following : `Step` or None
        The next attempt; None if the images are ready.
    """
    job, todo = step.job, step.todo
    # Doubtful channels are cleaned a second time, with half the loop gain and from the other start model: what both
    # cleans agree on is accepted.
    doubt = undecided(plan, proof) if todo.second_way else []
    if doubt:
        bad = replaced_channels(todo.bad, proof)
        keep_models(plan, job.cube, bad)
        other = next(start for start in START_MODELS.values() if start is not job.start)
        settled = to_json(settle(proof, bad, doubt))
        attempt = job._replace(gain=job.gain / 2, start=other, done=tuple(bad), settled=settled)
        why = SECOND_WAY.format(chans=format_channels(doubt), gain=attempt.gain)
        return Step(why, job, attempt, todo._replace(bad=bad, suspects=doubt, second_way=False))
    # Channels that keep their old planes had another model in this run, which tclean may have spread into the residuals
    # of their neighbours: image once more, with the old models there; nothing is cleaned.
    if _spread_into_kept(plan, job, proof):
        bad = replaced_channels(todo.bad, proof)
        keep_models(plan, job.cube, bad)
        kept = sorted(set(plan.channels) - set(bad))
        attempt = job._replace(done=tuple(bad), settled=to_json(settle(proof, bad)))
        why = KEPT_MODELS.format(chans=format_channels(kept))
        return Step(why, job, attempt, todo._replace(bad=bad, suspects=[]))
    return None


def _spread_into_kept(plan, job, proof):
    """Whether discarded models have spread over channels that matter: next to replaced ones, or all of a full cube."""
    replaced = {*replaced_channels(set(plan.channels) - set(plan.suspects), proof)}
    kept = set(plan.channels) - replaced
    # A full cube is taken as it was imaged, so leakage from models given up also affects the neighbours of kept
    # channels; sub-cubes give only the replaced channels.
    concerned = (
        kept if plan.method == "cube" else {channel for channel in kept if {channel - 1, channel + 1} & replaced}
    )
    noise = channel_rms(job.cube, job.tables[1])
    return bool(replaced and concerned) and any(changed_neighbours(plan, run, job.cube, noise) for run in plan.runs)


GENTLER = (
    "channels {chans} are still bad: cleaning once more, with a loop gain of {gain:g} and a threshold of at least "
    "{depth:.3g} Jy"
)


def after_new_images(plan, step, proof, result):
    """
    What to do after the new images have been checked.

    Parameters
    ----------
    plan, step, proof
        As for `before_new_images`.
    result : dict
        What the task would return.

    Returns
    -------
    following : `Step` or None
        The next attempt; None if it would not improve the cube.
    """
    todo, after = step.todo, result["after"]
    bad = replaced_channels(todo.bad, proof)
    again, hidden = worth_a_gentler_clean(plan, bad, after), newly_bad(result["before"], after, bad)
    job = step.job._replace(overwrite=True, settled=to_json(settle(proof, [*bad, *hidden])))
    # Channels that a gentler clean may improve: once more, with half the loop gain, and no deeper than usual.
    if again and todo.gentler:
        job, todo = _more_gently(job, todo, after["noise"])
        why = GENTLER.format(chans=format_channels(again), gain=job.gain, depth=job.depth)
        return Step(why, job, job, todo._replace(bad=bad, suspects=[]))
    # Channels that are bad only now, because a bad neighbour had hidden it: another round, with them.
    if hidden and todo.rounds > 1:
        leftover = [channel for channel in todo.leftover if channel not in hidden]
        todo = todo._replace(bad=sorted([*bad, *hidden]), suspects=[], leftover=leftover, rounds=todo.rounds - 1)
        return Step(HIDDEN.format(chans=format_channels(hidden)), job, job, todo)
    return None


def _more_gently(job, todo, noise):
    """The job and what to do once more, with half the loop gain and no deeper than the usual multiple of the noise."""
    job = job._replace(gain=job.gain / 2, depth=DEPTH_SIGMA * noise, overwrite=True)
    return job, todo._replace(gentler=False)


def least_depth(cube, channels, bad):
    """Minimum threshold in Jy/beam: the usual one if CLEAN diverged in a channel, however deep the recorded one was."""
    return DEPTH_SIGMA * usual_noise(cube, channels) if set(bad) & set(diverged_channels(channels)) else 0.0


def usual_noise(cube, channels):
    """Median rms in Jy/beam of the channels in which CLEAN converged, first polarization; 0 if it converged in none."""
    # The residual of a channel that diverged is no noise: 1e29 Jy/beam have been seen.
    converged = np.setdiff1d(np.arange(cube.channels), diverged_channels(channels))
    noise = channel_rms(cube, channels)[converged]
    return float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0
