"""What the log says about channels that are deconvolved again."""

from ..images.channels import format_channels

FAILED = (
    "Not all channels could be deconvolved again, and those left stay as they were: {failure}. It needs the task "
    "deconvolve, of CASA 6.5.2 or later, where the work is done"
)


def describe_none(rows):
    """Why nothing is deconvolved again."""
    if not len(rows):
        return "No channel is deconvolved again: none is suspicious or bad"
    channels = format_channels(set(rows["channel"].tolist()))
    return f"Channels {channels} cannot be deconvolved again: that needs .psf, and planes of up to 4096 pixels"


def describe_start(number, seconds, workers, minutes, until):
    """What will be done, and how long it will take."""
    cores = workers.processes * workers.threads
    limit = "" if until == float("inf") else f", at most {minutes:g}"
    return (
        f"Deconvolving up to {number} channels again from their own products, the most suspicious first: about "
        f"{seconds / 60 / cores:.1f} minutes on {cores} cores{limit}"
    )


def describe_end(done, rows):
    """What was done, and what is left."""
    late = sorted({int(row["channel"]) for row in rows} - {again.channel for again in done})
    left = f"; not in time: channels {format_channels(late)}; raise minutes" if late else ""
    text = f"Deconvolved {len(done)} channels again in {sum(again.seconds for again in done):.0f} s of one core{left}"
    for states, why in (
        ({"stopped", "diverged"}, "did not converge, as where the old model is wrong all over"),
        ({"no"}, "could not be: their PSF is blank, has its peak elsewhere, or is that of natural weighting"),
    ):
        short = {again.channel for again in done if again.state in states}
        text += f"; channels {format_channels(short)} {why}" if short else ""
    return text
