"""Texts of the HTML report; no pixels are read here."""

from ..check.tables import checked_channels, diverged_channels, suspicious_channels
from ..images.channels import format_channels

WHAT_DIVERGED = (
    "Convergence is how much the model components of a channel improved the fit to the visibilities, divided by the "
    "least that working CLEAN steps must have achieved. It is 2 or more after a careful clean, below 1 where CLEAN "
    "diverged, and below 0 where an empty model would fit better. There the whole channel is wrong, not only what is "
    "listed as a fake source."
)
WHAT_IS_SUSPICIOUS = (
    "A fake source may hide there, though none is certain: clean them again with confetti_reclean, and the data decide."
)
HOW_SUSPICIOUS = (
    "The most suspicious first. Suspicion is how much of the image at a hot pixel of a channel may be fake, in sigma; "
    "the spike of the image there is higher where a real source is in the same place. The limit is the height at which "
    "the check finds 90 % of the fake sources."
)
NEAR = (
    "Narrow hot pixels without enough evidence against them, those closest to the threshold first (masers look the "
    "same), then those that are known or proved to be real."
)
IN_CARTA = (
    "Where CARTA is installed, with its scripting package (carta-python, a version that knows regions), this script "
    "opens image, model and residual with the regions of all fake sources; show(2) then goes to the channel and the "
    "place of fake source 2 of this page. Close the images there before they are cleaned again: CASA waits while CARTA "
    "locks them."
)
LIMITS = (
    "Not every fake source in a bad channel is found, only enough to show that the channel is bad. Severity is the "
    "part that the visibilities do not support; the error of the image is 1.2 to 1.5 times as large."
)
TRIED = "Cleaning again could not decide about channels {chans}: look at their data and their clean mask first."


def verdict_in_words(sources, channels):
    """The verdict in one word, and what it means."""
    verdict = channels.meta["verdict"]
    checked = checked_channels(channels)
    left_out = len(set(channels["channel"].tolist())) - len(checked)
    others = f" {left_out} more could not be checked." if left_out and checked else ""
    if verdict == "not applicable":
        return "Not applicable", "nothing was cleaned." if checked else "no channel could be checked."
    if verdict == "clean":
        return "Clean", f"no fake source was found in {len(checked)} channels.{others}"
    if verdict == "suspicious":
        word, what = "Suspicious", ["no fake source is certain."]
    else:
        word = "Diverged" if diverged_channels(channels) else "Confetti"
        what = [*_diverged_in_words(channels, checked), *_fake_in_words(sources, checked)]
    return word, " ".join([*what, *_suspicious_in_words(channels, checked)]) + others


def _diverged_in_words(channels, checked):
    diverged = diverged_channels(channels)
    if diverged:
        yield f"CLEAN diverged in {len(diverged)} of {len(checked)} channels, where the whole image is wrong."


def _fake_in_words(sources, checked):
    fake = sources[sources["class"] == "confetti"]
    if len(fake):
        worst, number = fake["severity"].max(), len(set(fake["channel"].tolist()))
        yield (
            f"{len(fake)} fake {'source' if len(fake) == 1 else 'sources'} in {number} of {len(checked)} channels. The "
            f"worst is {worst:.0f} sigma, {_how_bad(worst)}."
        )


def _suspicious_in_words(channels, checked):
    suspects = suspicious_channels(channels)
    if suspects:
        yield f"Fake sources may hide in {len(suspects)} of {len(checked)} channels."


def _how_bad(severity):
    # 5 sigma is the usual limit for a detection; a source of 10 sigma is not questioned.
    if severity >= 10:
        return "which would pass for a secure detection"
    return "which would pass for a detection" if severity >= 5 else "at the limit of what would pass for a detection"


def clean_again(bad, suspects):
    """Why one would call confetti_reclean, and what it leaves alone."""
    if not bad:
        return (
            "Clean the suspicious channels again: the data decide, and a channel that shows the same afterwards keeps "
            "its old planes. All other channels keep their model:"
        )
    too = ", and with them the suspicious ones, about which the data decide" if suspects else ""
    return (
        f"If the fake sources above convince you, clean the bad channels again{too}; all other channels keep their "
        "model:"
    )


WHAT_IS_COMPARED = (
    "Old image, new image and their difference, with one scale, linear near zero and logarithmic beyond: the worst "
    "proved fake sources, then changed and open ones, in the channels that have new planes. Both images are of the "
    "same data: what differs is what CLEAN invented and, around bright emission, how deep either clean went, which the "
    "numbers leave out. The ellipse is the restoring beam; the dotted circle marks the find."
)
NOTHING_TO_COMPARE = "The images before and after cannot be shown, only what was measured in them: {error}."
WHAT_FINDS_ARE = {
    "proved": "proved, a fake source",
    "changed": "a source that is still there, but differs",
    "open": "open, because the visibilities do not support what the new image has there",
    "real": "real, still there",
}


def explain_find(row):
    """What the old and the new image show at a place, and what that proves, in one sentence."""
    return (
        f"In the old image {row['old']:+.1f} sigma, in the new one {row['new']:+.1f}: {WHAT_FINDS_ARE[row['proof']]}."
    )


def describe_outcomes(replaced, acquitted, undecided):
    """What became of the channels that were cleaned again, in a few words for each outcome."""
    texts = [f"new planes in channels {format_channels(replaced)}" if replaced else "no channel has new planes"]
    if acquitted:
        texts.append(f"channels {format_channels(acquitted)} are acquitted, because they show the same")
    if undecided:
        texts.append(f"channels {format_channels(undecided)} are undecided, and keep their old planes")
    return f"{'; '.join(texts)}.".capitalize()
