"""What the log reports about a check; no pixels are read here."""

import numpy as np

from ..images.channels import format_channels
from .result import typical_limit
from .tables import suspicious_channels


def describe_inputs(cube, channels):
    """What is checked, in one line."""
    stored = " in FITS files" if cube.fits else ""
    return (
        f"Checking {format_channels(channels)} of {cube.channels} channels of {cube.name}.[{','.join(cube.products)}]"
        f"{cube.taylor_term}{stored}: {cube.shape[3]} x {cube.shape[2]} pixels, Stokes {','.join(cube.stokes)}, "
        f"beam {cube.beam:.1f} pixels"
    )


def describe_workers(cube, workers):
    """How the pixels are read, and by how many workers or threads."""
    if workers.processes > 1 or "distributed" in type(workers.executor).__module__:
        return f"Using {workers.processes} dask workers with {workers.threads} threads each"
    how = "from the tiles on disk" if cube.mapped else "through the image tool, because not all are in plain tiles"
    return f"Reading pixels {how}; threads: {workers.threads}"


def describe_noise(noise, quiet):
    """Range of the channel rms, and whether it is that of channels without emission."""
    known = noise[np.isfinite(noise)]
    if known.size == 0:
        return "Channel rms: unknown in every channel"
    unknown = f", unknown in {noise.size - known.size} channels" if known.size < noise.size else ""
    text = f"Channel rms: {known.min():.3g} to {known.max():.3g} Jy/beam{unknown}"
    if quiet:
        return text
    return f"{text}; upper limits, because no channel is without emission: they are those of the faintest parts"


UNKNOWN_RESPONSE = "Neighbouring channels: the noise that they share does not show how narrow a line may be"
NOT_AVERAGED = (
    "The noise of neighbouring channels has a correlation of {shared:.2f}: they were not averaged after the "
    "correlator's Hanning window, so the brighter adjacent channel has half of any line"
)
AVERAGED = (
    "The noise of neighbouring channels has a correlation of {shared:.2f}: they are averages of {number} or more after "
    "the correlator's Hanning window, so a line may occupy a single channel"
)


def describe_response(response):
    """What the noise shows of the spectral response, in one line."""
    if not response.averaged:
        return UNKNOWN_RESPONSE
    text = NOT_AVERAGED if response.averaged == 1 else AVERAGED
    return text.format(shared=response.shared, number=response.averaged)


RISEN = "tclean's record shows that the peak residual rose by half in a minor cycle of channels {channels}: suspicious"
NOT_RISEN = (
    "tclean's record shows no minor cycle in which the peak residual rose by half (the largest ratio is {largest:.2f})"
)


def describe_record(rises, thresholds):
    """What tclean's record shows, in one line; nothing if there is no record."""
    if np.isnan(rises).all():
        return
    risen = np.flatnonzero(rises >= thresholds.rise)
    if len(risen):
        yield RISEN.format(channels=format_channels(risen))
    else:
        yield NOT_RISEN.format(largest=np.nanmax(rises))


WHY_CANDIDATES = (
    "Candidates are not masked: there is too little evidence to distinguish what each adds to the image from noise or "
    "a real narrow line. Cleaning its channel again with confetti_reclean(chans=...) shows whether it comes back, and "
    "a known minimum line width whether it can be real"
)
SWITCHED_ON = (
    "Channels {channels}: the model is switched on there, with more than three times the flux of the channels on "
    "either side; either it is a line of one channel, or CLEAN went wrong"
)


def describe_channels(sources, channels):
    """One line for each bad channel; one each for suspicious ones, candidates, completeness, and jumps of the flux."""
    for row in channels[channels["verdict"] == "diverged"]:
        yield f"{_name(row)} diverged: convergence {row['convergence']:.2f}, model flux {row['model_flux']:.3g}"
    confetti = sources[sources["class"] == "confetti"]
    for row in channels[channels["confetti"] > 0]:
        fake = confetti[(confetti["channel"] == row["channel"]) & (confetti["stokes"] == row["stokes"])]
        worst = fake[np.argmax(fake["severity"])]
        yield (
            f"{_name(row)} is bad: {len(fake)} fake sources with a total flux of {row['flux']:.3g}, the worst at "
            f"x={worst['x']} y={worst['y']} with {worst['severity']:.1f} sigma ({worst['flux']:.3g}); hot pixels: "
            f"{row['positive']} positive, {row['negative']} negative"
        )
    suspects = suspicious_channels(channels)
    if suspects:
        worst = channels["suspicion"][channels["channel"] == suspects[0]].max()
        height = ""
        if np.isfinite(worst):  # not so without a neighbouring channel
            height = f", of up to {worst:.1f} sigma in channel {suspects[0]}{_where_suspicious(sources, suspects[0])}"
        yield f"Channels {format_channels(suspects)} are suspicious: a fake source may hide there{height}"
    if (sources["class"] == "candidate").any():
        yield WHY_CANDIDATES
    yield from describe_completeness(channels)
    on = set(channels["channel"][channels["switched"] == "on"].tolist())
    if on:
        yield SWITCHED_ON.format(channels=format_channels(on))


def _name(row):
    return f"Channel {row['channel']} ({row['frequency']:.6f}, {row['velocity']:.2f}, Stokes {row['stokes']})"


def _where_suspicious(sources, channel):
    """Where a channel is suspicious, and what the image shows there: suspicion is only the part that may be fake."""
    here = sources[(sources["channel"] == channel) & np.isfinite(sources["spike"])]
    if not len(here):
        return ""
    row = here[np.argmax(here["suspicion"])]
    return f", at x={row['x']} y={row['y']}, where the image has a spike of {row['spike']:+.1f} sigma"


def describe_completeness(channels):
    """How high a fake source must be to be found, in one sentence; nothing where that is unknown."""
    limit = typical_limit(channels)
    if limit:
        yield (
            f"Completeness: a fake source of {limit:.1f} sigma is found with a probability of 90 % (median of the "
            "channels)"
        )


def describe_verdict(result, cube):
    """The verdict, and what to do next."""
    remedy = "Next: clean these channels again with confetti_reclean"
    if cube.fits:
        remedy = f"Next: {WITHOUT_TCLEAN} {why_not_tclean(cube)}"
    if result["verdict"] == "not applicable":
        return "Verdict: not applicable"
    candidates = (
        f"{result['ncandidates']} candidates, without enough evidence against them, are listed in {result['table']}"
    )
    suspects = f"fake sources may hide in channels {result['suspectchans']}"
    if result["verdict"] == "clean":
        return f"Verdict: clean; {candidates}"
    if result["verdict"] == "suspicious":
        return f"Verdict: suspicious; {suspects}; {candidates}. {remedy}"
    diverged = f"CLEAN diverged in channels {format_channels(result['diverged'])}; " if result["diverged"] else ""
    hidden = f"{suspects} too; " if result["suspects"] else ""
    kinds = ", ".join(f"{number} {kind}" for kind, number in result["evidence"].items())
    return (
        f"Verdict: confetti in channels {result['chans']}; {diverged}{result['nsources']} fake sources ({kinds}), up "
        f"to {result['severity']:.1f} sigma; {hidden}{candidates}. {remedy}"
    )


WITHOUT_TCLEAN = (
    "confetti_reclean deconvolves these channels again from their own images, without visibilities, and writes CASA "
    "images. With the visibilities the new images are better, but"
)
FITS_IMAGES = (
    "the images are FITS files, and tclean continues only CASA images. Import each of them, e.g. importfits(fitsimage="
    "'{path}', imagename='{name}', defaultaxes=True, defaultaxesvalues=['', '', '', 'I']), check the new images, and "
    "clean them again"
)
WSCLEAN_IMAGES = (
    "WSClean made the images, and tclean cannot continue them. Image these channels again with WSClean, more gently "
    "(-gain 0.1, -mgain 0.8 or less) and without -continue"
)


def why_not_tclean(cube):
    """Why tclean cannot continue a cube in FITS files, and what to do; the report and the re-clean state it too."""
    part = next(part for part in cube.stored if part.fits)
    path = part.paths[part.fits[0]]
    if path.endswith(f"-{part.fits[0]}.fits"):
        return WSCLEAN_IMAGES
    return FITS_IMAGES.format(path=path, name=path[: -len(".fits")] if path.endswith(".fits") else path + ".im")
