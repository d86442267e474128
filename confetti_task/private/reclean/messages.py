"""Texts of confetti_reclean, for the CASA log and the returned warnings; no pixels are read here."""

import numpy as np

from ..check.warnings import odd_size
from ..core.deconvolution import POINT_DECONVOLVERS
from ..images.channels import format_channels
from .remedy import DEPTH_SIGMA, is_share, threshold
from .verify import newly_bad

# How well method='image' does, compared with a re-clean from the visibilities.
WORTH_WITHOUT_DATA = (
    "what does not come back when a channel is deconvolved again is fake, but around bright emission the new images "
    "are less accurate than tclean's, which uses the visibilities: errors of up to 6.5 to 8 sigma remained, compared "
    "with 4.5 to 6.5"
)
WITHOUT_DATA = (
    "channels are deconvolved again from their own images, without visibilities, because {reason}. "
    f"{WORTH_WITHOUT_DATA[0].upper()}{WORTH_WITHOUT_DATA[1:]}"
)


def describe_plan(plan, channels, seconds):
    """What will be done: tclean's full calls, or without tclean the time in ``seconds`` of one core."""
    if plan.method == "image":
        return (
            f"Deconvolving channels {format_channels(plan.channels)} of {channels} again from their own images, "
            f"without visibilities: about {seconds / 60:.1f} minutes of one core; {WORTH_WITHOUT_DATA}"
        )
    ranges = format_channels(channel for first, last in plan.runs for channel in range(first, last + 1))
    what = f"sub-cubes of channels {ranges}" if plan.method == "subcubes" else "the full cube"
    full = " (all of them: a full clean)" if len(plan.channels) == channels else ""
    return (
        f"Cleaning channels {format_channels(plan.channels)} of {channels} again{full}, by imaging {what}:\n"
        + "\n".join(plan.calls())
        + f"\nScript: {plan.script_path}"
    )


HIGH_GAIN = (
    "channels {chans} had diverged with the recorded loop gain of {recorded:g}, and were now cleaned with {gain:g}: "
    "use at most 0.1 in tclean"
)
INTO_THE_NOISE = (
    "the recorded threshold of {threshold} is {part:.2g} times the channel rms: at that depth CLEAN fits noise, which "
    "makes it diverge and leaves small fake sources; {what}"
)
RAISED = (
    "the channels were cleaned down to {raised} now, 3 times the rms: fainter emission, which other channels have in "
    "their models, is left in their residuals"
)
SET_IT = "for 3 times the rms set parameters={{'threshold': '{depth:.3g}Jy'}}"


def _causes(plan, before, after):
    """Why CLEAN diverged, where the recorded parameters explain it; one sentence each."""
    diverged = set(before["diverged"]) & set(plan.channels)
    recorded, gain = plan.recorded, plan.parameters[0]["gain"]
    if diverged and recorded.get("gain", 0.1) > gain:
        yield HIGH_GAIN.format(chans=format_channels(diverged), recorded=recorded["gain"], gain=gain)
    if diverged:
        yield from odd_size(*np.resize(recorded.get("imsize", 100), 2))  # a single length stands for both
    depth, noise = threshold(recorded), after["noise"]
    if diverged and 0 < depth < noise:
        raised = plan.parameters[0]["threshold"]
        what = RAISED.format(raised=raised) if _is_raised(plan) else SET_IT.format(depth=DEPTH_SIGMA * noise)
        yield INTO_THE_NOISE.format(threshold=recorded["threshold"], part=depth / noise, what=what)


def _is_raised(plan):
    """Whether the channels were cleaned less deep than recorded, because they had diverged."""
    return threshold(plan.parameters[0]) > threshold(plan.recorded)


REMAINING = (
    "fake sources remain in channels {chans}: check that the clean mask covers all emission there, and clean them "
    "again with the same call and gain={gain:g}, overwrite=True"
)
DIVERGED_AGAIN = (
    "CLEAN diverged again in channels {chans}, even with a loop gain of {used:g}: the images are wrong there. Check "
    "the visibilities of these channels (flags, weights, calibration), or leave them out"
)
BAD_WITHOUT_DATA = (
    "channels {chans} are still bad, and their own images cannot improve them. Clean them again with the visibilities, "
    "vis=..., parameters={{...}} and overwrite=True"
)
LEFT_OUT = "channels {chans} were bad before but were not selected: they are still bad"
HIDDEN = "channels {chans} are bad too, which showed only after their neighbours had been cleaned again"
CLEAN_TOO = HIDDEN + "; clean them as well with chans={all_chans!r}, overwrite=True"
UNDECIDED = (
    "the data could not decide about channels {chans}: cleaned again in two ways, they have sources that the "
    "visibilities do not support, but different ones each time. They keep their old planes and remain suspicious"
)
UNDECIDED_WITHOUT_DATA = (
    "their own images could not decide about channels {chans}, which did not converge, or have sources that the PSF "
    "does not support: they keep their old planes and remain suspicious. The visibilities would decide"
)
LEFTOVER = (
    "suspicious channels {chans} were not cleaned again because of the budget: set a larger one, e.g. budget=1, and "
    "overwrite=True"
)
POINT_MODEL = (
    "tclean was called with deconvolver='{deconvolver}', which models extended emission as points, in a way that the "
    "data do not constrain: it is wrong at any loop gain. Where emission is larger than the beam, call again with "
    "parameters={{'deconvolver': 'multiscale', 'scales': [0, ...]}}, with scales of one and three beams in pixels, and "
    "overwrite=True"
)
SPREAD = (
    "channels {chans}, next to bad ones, kept their model, but their residual and image changed, because tclean had "
    "spread part of the bad model over them"
)


def reclean_warnings(plan, before, after, depth, spread, proof):
    """
    Warnings that the user should know before trusting the new cube, and what to do next.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, with the channels that have new planes.
    before, after : dict
        From `reclean.result.summarize_check`, with the state from `reclean.verify.state_of_channels`, of the old images
        and of the new ones; ``after`` with their noise in Jy/beam.
    depth : float
        Median peak residual in Jy/beam in the good channels nearby; NaN if there are none.
    spread : set of int
        Good channels whose residual changed too.
    proof : dict
        From `reclean.result.summarize_proof`.

    Returns
    -------
    warnings : list of str
        One sentence each.
    """
    warnings = [*_causes(plan, before, after)]
    cleaned, bad, with_data = set(plan.channels), set(after["channels"]), plan.method != "image"
    used, all_chans = plan.parameters[0]["gain"], format_channels(cleaned | bad)
    for text, channels in (
        (REMAINING if with_data else BAD_WITHOUT_DATA, (bad & cleaned) - set(after["diverged"])),
        (DIVERGED_AGAIN if with_data else BAD_WITHOUT_DATA, set(after["diverged"]) & cleaned),
        (LEFT_OUT, (bad & set(before["channels"])) - cleaned),
        (CLEAN_TOO, newly_bad(before, after, cleaned)),
        (UNDECIDED if with_data else UNDECIDED_WITHOUT_DATA, proof["undecided"]),
        (LEFTOVER, proof["leftover"]),
    ):
        if channels:
            about = {"used": used, "gain": used / 2, "all_chans": all_chans}
            warnings.append(text.format(chans=format_channels(channels), **about))
    deconvolver = plan.recorded.get("deconvolver", "hogbom")  # tclean's default
    if with_data and bad & cleaned and deconvolver in POINT_DECONVOLVERS:
        warnings.append(POINT_MODEL.format(deconvolver=deconvolver))
    if with_data:
        warnings += _too_shallow(plan, before, after, depth)
    if spread:
        warnings.append(SPREAD.format(chans=format_channels(spread)))
    return warnings


# The peak of pure noise alone varies by a tenth from channel to channel.
RESIDUAL_ABOVE = 1.25
STOPPED_EARLY = (
    "the peak residual within the clean mask is {after:.3g} Jy/beam, and was {before:.3g} before: tclean stopped "
    "early; call again with a lower gain or more iterations, parameters={{'niter': ...}}, and overwrite=True"
)
LESS_DEEP = (
    "the peak residual within the clean mask is {after:.3g} Jy/beam, but {depth:.3g} in the good channels nearby, "
    "which were cleaned deeper than recorded; for the same depth call again with "
    "parameters={{'threshold': '{depth:.3g}Jy'}} and overwrite=True"
)
SHARE_ENDED = (
    "the peak residual within the clean mask is {after:.3g} Jy/beam, but {depth:.3g} in the good channels nearby: "
    "niter, not the threshold, ended the recorded clean, and these channels' share of it ended this one; for the same "
    "depth call again with parameters={{'niter': {niter}, 'threshold': '{depth:.3g}Jy'}} and overwrite=True"
)


def _too_shallow(plan, before, after, depth):
    """Whether tclean stopped before it was as deep as in the old images or in the good channels; one sentence."""
    limit = threshold(plan.parameters[0])  # tclean does not clean below it, however deep it did before
    known = not before["diverged"]  # the residual of a diverged clean says nothing about its depth
    shared = any(is_share(parameters, plan.recorded) for parameters in plan.parameters)
    if shared and after["residual"] > RESIDUAL_ABOVE * np.maximum(depth, limit):  # NaN: no good channels nearby
        yield SHARE_ENDED.format(after=after["residual"], depth=depth, niter=plan.recorded["niter"])
    elif known and after["residual"] > RESIDUAL_ABOVE * max(before["residual"], limit):
        yield STOPPED_EARLY.format(before=before["residual"], after=after["residual"])
    elif min(after["residual"], limit) > RESIDUAL_ABOVE * depth and not _is_raised(plan):
        yield LESS_DEEP.format(after=after["residual"], depth=depth)


def describe_reclean(outname, before, after, proof):
    """Before, after, and what was proved."""
    acquitted = f"; acquitted: channels {format_channels(proof['acquitted'])}" if proof["acquitted"] else ""
    condemned = f" in suspicious channels {format_channels(proof['condemned'])} too" if proof["condemned"] else ""
    return (
        f"The good cube is {outname}. Cleaning again proved {proof['proved']} fake sources{condemned}; still there: "
        f"{proof['real']} sources{acquitted}. The check found {before['nsources']} fake sources before, and "
        f"{after['nsources']} after; the worst: {before['severity']:.1f} sigma before, {after['severity']:.1f} after; "
        f"model flux of the new planes: {before['model_flux']:.4g} Jy before, {after['model_flux']:.4g} after"
    )
