"""What confetti_reclean says: pure text, for CASA's log and the returned warnings."""

import numpy as np

from ..check.messages import odd_size
from ..check.tables import bad_channels, diverged_channels
from ..images.channels import format_channels
from .remedy import DEPTH_SIGMA, threshold

REMAINING = (
    "fake sources remain in channels {chans}: look whether the clean mask leaves emission out there, and clean them "
    "again with the same call and gain={gain:g}, overwrite=True"
)
DIVERGED_AGAIN = (
    "CLEAN diverged in channels {chans} again, with a loop gain of {used:g} too: the images are wrong there. Look at "
    "the data of these channels (flags, weights, calibration), or leave them out"
)
GENTLER = (
    "channels {chans} are bad again: they are cleaned once more, with a loop gain of {gain:g} and to {depth:.3g} Jy"
)
HIGH_GAIN = (
    "channels {chans} had diverged with the recorded loop gain of {recorded:g}; it was {gain:g} now: give tclean 0.1 "
    "at most"
)
INTO_THE_NOISE = (
    "the recorded threshold of {threshold} is {part:.2g} of the noise: so far down CLEAN fits noise, which makes it "
    "diverge and leaves small fake sources; for 3 times the noise set parameters={{'threshold': '{depth:.3g}Jy'}}"
)
LEFT_OUT = "channels {chans} were bad before and were not chosen: they still are"
HIDDEN = "channels {chans} are bad too, which showed only when those beside them were good"
CLEAN_TOO = HIDDEN + "; clean them too with chans={all_chans!r}, overwrite=True"
OTHER_DATA = "the full cube was cleaned instead of sub-cubes: {error}"
STOPPED_EARLY = (
    "within the clean mask the residual reaches {after:.3g} Jy/beam, {before:.3g} before: tclean stopped early; call "
    "again with a smaller gain or more iterations, parameters={{'niter': ...}}, and overwrite=True"
)
LESS_DEEP = (
    "within the clean mask the residual reaches {after:.3g} Jy/beam, and {depth:.3g} in the good channels near, "
    "which were cleaned deeper than was recorded; for the same depth call again with "
    "parameters={{'threshold': '{depth:.3g}Jy'}} and overwrite=True"
)
SPREAD = (
    "channels {chans}, beside the bad ones, kept their model; their residual and image changed, because tclean had "
    "spread the bad model over them"
)
# The peak of pure noise alone differs by a tenth between channels.
RESIDUAL_ABOVE = 1.25


def describe_plan(plan, channels):
    """What will be done, with the full call of tclean."""
    ranges = format_channels(channel for first, last in plan.runs for channel in range(first, last + 1))
    what = f"sub-cubes of channels {ranges}" if plan.method == "subcubes" else "the full cube"
    full = ": all of them, a full clean" if len(plan.channels) == channels else ""
    return (
        f"Cleaning channels {format_channels(plan.channels)} of {channels} again{full}, by imaging {what}:\n"
        + "\n".join(plan.calls())
        + f"\nAs a script: {plan.script_path}"
    )


def summarize_check(sources, channels):
    """
    What a check found, from its tables.

    Parameters
    ----------
    sources, channels : `~astropy.table.QTable`
        Of the check.

    Returns
    -------
    dict
        See `confetti_task.confetti_reclean`.
    """
    bad = bad_channels(channels)
    return {
        "verdict": channels.meta["verdict"],
        "nsources": int(np.count_nonzero(sources["class"] == "confetti")),
        "channels": bad,
        "chans": format_channels(bad),
        "diverged": diverged_channels(channels),
        "severity": float(channels["severity"].max()) if bad else 0.0,
        "flux": float(channels["flux"].to_value("Jy").sum()),
    }


def newly_bad(before, after, cleaned):
    """Channels that are bad now, and were neither before nor cleaned."""
    return sorted(set(after["channels"]) - set(before["channels"]) - set(cleaned))


def bad_again(plan, after):
    """Channels that were cleaned again and diverged again, or are bad because they were cleaned far into the noise."""
    into_the_noise = 0 < threshold(plan.parameters[0]) < after["noise"]
    return sorted(set(after["channels" if into_the_noise else "diverged"]) & set(plan.channels))


def _causes(plan, before, after):
    """What in the recorded parameters made CLEAN diverge, one sentence each."""
    diverged = set(before["diverged"]) & set(plan.channels)
    recorded, gain = plan.recorded, plan.parameters[0]["gain"]
    if diverged and recorded.get("gain", 0.1) > gain:
        yield HIGH_GAIN.format(chans=format_channels(diverged), recorded=recorded["gain"], gain=gain)
    if diverged:
        yield from odd_size(*np.resize(recorded.get("imsize", 100), 2))  # tclean takes one length for both
    depth, noise = threshold(recorded), after["noise"]
    if diverged and 0 < depth < noise:
        part, lowest = depth / noise, DEPTH_SIGMA * noise
        yield INTO_THE_NOISE.format(threshold=recorded["threshold"], part=part, depth=lowest)


def reclean_warnings(plan, before, after, depth, spread):
    """What the user should know before trusting the new cube, and what to do next; one sentence each."""
    warnings = [*_causes(plan, before, after)]
    cleaned, bad = set(plan.channels), set(after["channels"])
    used, all_chans = plan.parameters[0]["gain"], format_channels(cleaned | bad)
    for text, channels in (
        (REMAINING, (bad & cleaned) - set(after["diverged"])),
        (DIVERGED_AGAIN, set(after["diverged"]) & cleaned),
        (LEFT_OUT, (bad & set(before["channels"])) - cleaned),
        (CLEAN_TOO, newly_bad(before, after, cleaned)),
    ):
        if channels:
            about = {"used": used, "gain": used / 2, "all_chans": all_chans}
            warnings.append(text.format(chans=format_channels(channels), **about))
    limit = threshold(plan.parameters[0])  # below it tclean has no reason to clean, whatever it did before
    known = not before["diverged"]  # the residual of a clean that diverged tells nothing of the depth
    if known and after["residual"] > RESIDUAL_ABOVE * max(before["residual"], limit):
        warnings.append(STOPPED_EARLY.format(before=before["residual"], after=after["residual"]))
    elif min(after["residual"], limit) > RESIDUAL_ABOVE * depth:
        warnings.append(LESS_DEEP.format(after=after["residual"], depth=depth))
    if spread:
        warnings.append(SPREAD.format(chans=format_channels(spread)))
    return warnings


def describe_reclean(outname, before, after):
    """Before and after in one line."""
    return (
        f"{outname} holds the new cube. Fake sources: {before['nsources']} before, {after['nsources']} after, the "
        f"worst of {before['severity']:.1f} and {after['severity']:.1f} sigma; model flux of these channels "
        f"{before['model_flux']:.4g} and {after['model_flux']:.4g} Jy"
    )
