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
from .verify import bad_again, changed_neighbours, channel_rms, newly_bad

START_MODELS = {"zero": start_from_continuum, "interpolate": start_from_neighbours}

# What one attempt cleans: bad channels, suspicious ones, those beyond the budget, and how; and what may follow it: more
# rounds, a second way for doubtful channels, a gentler attempt at bad ones.
Todo = namedtuple("Todo", "bad suspects leftover method rounds second_way gentler")

# An attempt: the reason for it, which becomes a warning; the job; the job as this attempt does it; and what it cleans.
# ``attempt`` differs from ``job``, with which all later rounds go on, where doubtful channels are cleaned in a second
# way for once, and where nothing is cleaned but channels are imaged with other models.
Next = namedtuple("Next", "why job attempt todo")


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
    return Next(why, job, job, todo)


SECOND_WAY = (
    "the new images of channels {chans} have sources that the visibilities do not support: cleaning once more, with a "
    "loop gain of {gain:g} and from another start model"
)
KEPT_MODELS = (
    "tclean spreads models over neighbouring channels: imaging once more, with the old models of channels {chans}"
)


def before_new_images(plan, step, proof):
    """
    What to do before the new images are put in place.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan of an attempt, whose tclean runs are done.
    step : `Next`
        The attempt.
    proof : `reclean.proof.Proof`
        What it proved.

    Returns
    -------
    following : `Next` or None
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
        return Next(why, job, attempt, todo._replace(bad=bad, suspects=doubt, second_way=False))
    # Channels that keep their old planes had another model in this run, which tclean may have spread into the residuals
    # of their neighbours: image once more, with the old models there; nothing is cleaned.
    if spreads_into_kept(plan, job, proof):
        bad = replaced_channels(todo.bad, proof)
        keep_models(plan, job.cube, bad)
        kept = sorted(set(plan.channels) - set(bad))
        attempt = job._replace(done=tuple(bad), settled=to_json(settle(proof, bad)))
        why = KEPT_MODELS.format(chans=format_channels(kept))
        return Next(why, job, attempt, todo._replace(bad=bad, suspects=[]))
    return None


def spreads_into_kept(plan, job, proof):
    """Whether tclean spreads models over neighbouring channels, and models that were given up over some."""
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
    following : `Next` or None
        The next attempt; None if it would not improve the cube.
    """
    todo, after = step.todo, result["after"]
    bad = replaced_channels(todo.bad, proof)
    again, hidden = bad_again(plan, bad, after), newly_bad(result["before"], after, bad)
    job = step.job._replace(overwrite=True, settled=to_json(settle(proof, [*bad, *hidden])))
    # Channels that are bad again: once more, with half the loop gain and no deeper than the usual multiple of the rms.
    if again and todo.gentler:
        job, todo = _more_gently(job, todo, after["noise"])
        why = GENTLER.format(chans=format_channels(again), gain=job.gain, depth=job.depth)
        return Next(why, job, job, todo._replace(bad=bad, suspects=[]))
    # Channels that are bad only now, because a bad neighbour had hidden it: another round, with them.
    if hidden and todo.rounds > 1:
        leftover = [channel for channel in todo.leftover if channel not in hidden]
        todo = todo._replace(bad=sorted([*bad, *hidden]), suspects=[], leftover=leftover, rounds=todo.rounds - 1)
        return Next(HIDDEN.format(chans=format_channels(hidden)), job, job, todo)
    return None


def _more_gently(job, todo, noise):
    """The job and what to do once more, with half the loop gain and no deeper than the usual multiple of the noise."""
    job = job._replace(gain=job.gain / 2, depth=DEPTH_SIGMA * noise, overwrite=True)
    return job, todo._replace(gentler=False)


def least_depth(cube, channels, bad):
    """Minimum threshold in Jy/beam: the usual one if CLEAN diverged in a channel, however deep the recorded one was."""
    return DEPTH_SIGMA * usual_noise(cube, channels) if set(bad) & set(diverged_channels(channels)) else 0.0


def usual_noise(cube, channels):
    """Median rms in Jy/beam of the channels in which CLEAN converged; 0 if it did in none, and the rms is unknown."""
    # The residual of a channel that diverged is no noise: 1e29 Jy/beam have been seen.
    converged = np.setdiff1d(np.arange(cube.channels), diverged_channels(channels))
    noise = channel_rms(cube, channels)[converged]
    return float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0
