"""What the log reports about channels that are deconvolved again."""

from ..images.channels import format_channels

FAILED = (
    "Not all channels could be deconvolved again; the remaining ones are unchanged: {failure}. Wherever the work is "
    "done, it needs the task deconvolve, of CASA 6.5.2 or later"
)


def describe_none(rows):
    """Why nothing is deconvolved again."""
    if not len(rows):
        return "No channel is deconvolved again: none is suspicious or bad"
    channels = format_channels(set(rows["channel"].tolist()))
    return f"Channels {channels} cannot be deconvolved again, which needs .psf and planes of up to 4096 pixels"


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
    left = f"; no time was left for channels {format_channels(late)}: raise minutes" if late else ""
    text = f"Deconvolved {len(done)} channels again in {sum(again.seconds for again in done):.0f} s of one core{left}"
    for states, why in (
        ({"stopped", "diverged"}, "did not converge, as where the old model is wrong everywhere"),
        ({"no"}, "could not be deconvolved: their PSF is blank, not centred, or that of natural weighting"),
    ):
        short = {again.channel for again in done if again.state in states}
        text += f"; channels {format_channels(short)} {why}" if short else ""
    return text
