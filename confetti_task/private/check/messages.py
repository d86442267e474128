"""The result of a check in words: pure text, for CASA's log and for the page."""

import numpy as np

from ..images.channels import format_channels
from .tables import checked_channels, diverged_channels, is_bad

NO_PSF = (
    "{path} not found: without the PSF the data cannot be asked whether they hold a spike, so only hot pixels that the "
    "model itself compensates are called confetti. Most fake sources stay candidates: keep .psf beside .model"
)
NOTHING_CLEANED = "the model is empty in all checked channels: nothing was cleaned, so there is nothing to find"
ALL_BLANK = "the image or the residual is masked, blank or zero in all checked channels: nothing could be checked"
NO_NUMBERS = (
    "{path} has {number} pixels that are NaN or infinite, in channels {channels}: they are taken for 0, and what was "
    "there was not checked"
)
DIVERGED = (
    "CLEAN diverged in channels {channels}: its components do not explain the data (convergence {least:.2f}, and every "
    "clean that works has 1 or more), so that the image is wrong all over. The mask marks only what stands out there, "
    "and severity and flux are of that alone"
)
RAN_AWAY = (
    "CLEAN ran away in channels {channels}: {path} has {number} pixels there that are NaN or infinite, or image or "
    "residual are so at its components. Nothing can be marked in the mask there"
)
ODD_SIZE = (
    "the image has an odd number of pixels along an axis ({width} x {height}): tclean cleans such images with a PSF "
    "that lies a pixel off, and diverges at any loop gain. Image it with an even imsize"
)
LONELY = "channels {channels} could not be checked: there is no channel beside them to compare with"
UNTESTED = (
    "candidates in channels {channels} could not be tested against the data: {path} is blank there or has no peak of 1 "
    "at its central pixel (was it cut out of a larger one?), or image or residual are masked or blank around them"
)
OTHER_BEAM = (
    "the restoring beam of {image} is {beam:.2f} pixels wide, that of {psf} {psf_beam:.2f}: was the image smoothed? "
    "Its sources are compared with data of another beam"
)
# Beams change with frequency: by 2 % over the 2 GHz of the widest spectral window at 93 GHz.
SAME_BEAM = 0.05
NOT_RESTORED = (
    "{image} minus {residual} is not the model convolved with the restoring beam: they differ by {part:.1f} % in "
    "channel {channel}. Was restoringbeam given to tclean, the image smoothed or corrected for the primary beam, or "
    "are they of different runs? What was looked at instead is the model convolved with the beam of {beam}, plus the "
    "residual: that is right where model and residual are of one run"
)
ONE_CHANNEL = (
    "the image has one channel: confetti is told by its neighbouring channels, so it cannot be looked for here"
)


def warnings_of(cube, channels, candidates, differing):
    """
    What the user should know before trusting the result.

    Parameters
    ----------
    cube : `images.cube.Cube`
        What was read.
    channels, candidates : structured `~numpy.ndarray`
        What was measured of the channels, and of their narrow hot pixels.
    differing : list
        From `check.consistency.mismatches`.

    Returns
    -------
    warnings : list of str
        One sentence each.
    """
    if cube.channels == 1:
        return [ONE_CHANNEL]
    warnings = []
    blank, ran_away = np.isnan(channels["noise"]), np.isneginf(channels["convergence"])
    for text, rows in ((RAN_AWAY, channels[ran_away]), (DIVERGED, channels[channels["diverged"] & ~ran_away])):
        if len(rows):
            about = {"path": cube.path("model", rows["channel"][0]), "number": rows["unknown"].sum()}
            least = rows["convergence"].min()
            warnings.append(text.format(channels=_numbers(rows["channel"]), least=least, **about))
    if channels["diverged"].any():
        warnings += odd_size(*cube.shape[:1:-1])
    if (blank & ~ran_away).all():
        warnings.append(ALL_BLANK)
    elif not channels["components"].any():
        warnings.append(NOTHING_CLEANED)
    if differing:
        worst = max(differing, key=lambda mismatch: mismatch.part)
        paths = {product: cube.path(product, worst.channel) for product in ("image", "residual")}
        beam = cube.path("psf" if (cube.pieces or [cube])[worst.piece].psf_beams else "image", worst.channel)
        warnings.append(NOT_RESTORED.format(part=100 * worst.part, channel=worst.channel, beam=beam, **paths))
    unknown = channels[(channels["unknown"] > 0) & ~blank & ~ran_away]
    if len(unknown):
        where = {"path": cube.path("model", unknown["channel"][0]), "channels": _numbers(unknown["channel"])}
        warnings.append(NO_NUMBERS.format(number=unknown["unknown"].sum(), **where))
    lonely = channels["channel"][~channels["checked"] & ~blank]
    if len(lonely):
        warnings.append(LONELY.format(channels=_numbers(lonely)))
    without = [piece.path("psf") for piece in cube.pieces or [cube] if "psf" not in piece.products]
    if without:
        warnings.append(NO_PSF.format(path=" and ".join(without)))
    elif np.isnan(candidates["unsupported"]).any():
        untested = candidates["channel"][np.isnan(candidates["unsupported"])]
        path = cube.path("psf", untested.min())
        warnings.append(UNTESTED.format(path=path, channels=_numbers(untested)))
    if cube.psf_beam and abs(cube.psf_beam / cube.beam - 1) > SAME_BEAM:
        paths = {"image": cube.path("image"), "psf": cube.path("psf")}
        warnings.append(OTHER_BEAM.format(beam=cube.beam, psf_beam=cube.psf_beam, **paths))
    return warnings


def odd_size(width, height):
    """What to know of images of an odd size, one sentence or none."""
    if height % 2 or width % 2:
        yield ODD_SIZE.format(height=height, width=width)


def _numbers(channels):
    return format_channels(set(channels.tolist()))


def describe_inputs(cube, channels):
    """What is read, in one line."""
    return (
        f"Checking {format_channels(channels)} of {cube.channels} channels of {cube.name}.[{','.join(cube.products)}]"
        f"{cube.taylor_term}: {cube.shape[3]} x {cube.shape[2]} pixels, Stokes {','.join(cube.stokes)}, "
        f"beam {cube.beam:.1f} pixels"
    )


def describe_workers(cube, workers):
    """Who reads the pixels, and how."""
    if workers.processes > 1 or "distributed" in type(workers.executor).__module__:
        return f"The work is done by {workers.processes} workers of dask with {workers.threads} threads each"
    how = "from the tiles on disk" if cube.mapped else "through the image tool, because they are not all in plain tiles"
    return f"Pixels are read {how}; threads: {workers.threads}"


def describe_noise(noise):
    """Range of the noise over the channels."""
    known = noise[np.isfinite(noise)]
    if known.size == 0:
        return "Noise: unknown in every channel"
    unknown = f", unknown in {noise.size - known.size} channels" if known.size < noise.size else ""
    return f"Noise: {known.min():.3g} to {known.max():.3g} Jy/beam{unknown}"


def summarize(candidates, tables, products, report):
    """
    The dictionary that the task returns.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    products : `products.Products`
        Names of the products; a list of each for the pieces of a cube.
    report : bool
        Whether a page is expected among them.

    Returns
    -------
    dict
        See `confetti_task.confetti_check`.
    """
    sources, channels = tables
    warnings = list(channels.meta["warnings"])
    pages = zip(np.ravel(products.table), np.ravel(products.report))
    if report and any(table and not page for table, page in pages):
        warnings.append(NO_PAGE)
    bad = channels[is_bad(channels)]
    worst = {}
    for channel, severity in zip(bad["channel"].tolist(), bad["severity"].tolist()):
        worst[channel] = max(severity, worst.get(channel, 0))
    return {
        "verdict": channels.meta["verdict"],
        "npixels": int(np.count_nonzero(candidates["confetti"])),
        "nsources": int(np.count_nonzero(sources["class"] == "confetti")),
        "ncandidates": int(np.count_nonzero(sources["class"] == "candidate")),
        "channels": sorted(worst),
        "severities": [worst[channel] for channel in sorted(worst)],
        "chans": format_channels(sorted(worst)),
        "diverged": diverged_channels(channels),
        "severity": max(worst.values(), default=0.0),
        "flux": float(bad["flux"].to_value("Jy").sum()),
        **products._asdict(),
        "warnings": warnings,
    }


def describe_channels(sources, channels):
    """One line for every bad channel, and one for the channels whose model is switched on or off alone."""
    for row in channels[channels["verdict"] == "diverged"]:
        yield f"{_name(row)} diverged: convergence {row['convergence']:.2f}, model flux {row['model_flux']:.3g}"
    for row in channels[channels["confetti"] > 0]:
        same = (sources["channel"] == row["channel"]) & (sources["stokes"] == row["stokes"])
        fake = sources[same & (sources["class"] == "confetti")]
        worst = fake[np.argmax(fake["severity"])]
        yield (
            f"{_name(row)} is bad: {len(fake)} fake sources of together {row['flux']:.3g}, the worst at "
            f"x={worst['x']} y={worst['y']} with {worst['severity']:.1f} sigma ({worst['flux']:.3g}); hot pixels "
            f"{row['positive']} positive, {row['negative']} negative"
        )
    switched = set(channels["channel"][channels["switched"]].tolist())
    if switched:
        yield (
            f"Channels {format_channels(switched)}: the model is empty there and not on both sides, or the other way "
            "round; flux jumps between these channels"
        )


def _name(row):
    return f"Channel {row['channel']} ({row['frequency']:.6f}, {row['velocity']:.2f}, Stokes {row['stokes']})"


def describe_verdict(result):
    """The verdict, and what to do next."""
    if result["verdict"] == "not applicable":
        return "Verdict: not applicable"
    candidates = f"{result['ncandidates']} candidates without evidence against them are in {result['table']}"
    if result["verdict"] == "clean":
        return f"Verdict: clean; {candidates}"
    diverged = f"CLEAN diverged in channels {format_channels(result['diverged'])}; " if result["diverged"] else ""
    return (
        f"Verdict: confetti in channels {result['chans']}; {diverged}{result['nsources']} fake sources, up to "
        f"{result['severity']:.1f} sigma; {candidates}. Next: confetti_reclean cleans these channels again"
    )


def verdict_in_words(sources, channels):
    """The verdict in a word, and what it means."""
    verdict = channels.meta["verdict"]
    checked = checked_channels(channels)
    left_out = len(set(channels["channel"].tolist())) - len(checked)
    others = f" {left_out} more could not be checked." if left_out and checked else ""
    if verdict == "not applicable":
        return "Not applicable", "nothing was cleaned." if checked else "no channel could be checked."
    if verdict == "clean":
        return "Clean", f"no fake source was found in {len(checked)} channels.{others}"
    word = "Diverged" if diverged_channels(channels) else "Confetti"
    return word, " ".join([*_diverged_in_words(channels, checked), *_fake_in_words(sources, checked)]) + others


def _diverged_in_words(channels, checked):
    diverged = diverged_channels(channels)
    if diverged:
        yield f"CLEAN diverged in {len(diverged)} of {len(checked)} channels, where the image is wrong all over."


def _fake_in_words(sources, checked):
    fake = sources[sources["class"] == "confetti"]
    if len(fake):
        worst, number = fake["severity"].max(), len(set(fake["channel"].tolist()))
        yield (
            f"{len(fake)} fake {'source' if len(fake) == 1 else 'sources'} in {number} of {len(checked)} channels. The "
            f"worst is {worst:.0f} times the noise, {_how_bad(worst)}."
        )


def _how_bad(severity):
    # Somebody would believe in a source of 5 sigma; at 10 nobody would doubt it.
    if severity >= 10:
        return "which nobody would doubt to be a source"
    return "which would pass for a source" if severity >= 5 else "at the limit of what would pass for a source"


def explain(row, parameters):
    """
    Why a source is called what it is.

    Parameters
    ----------
    row : `~astropy.table.Row`
        Of the table of sources.
    parameters : dict
        Of the check.

    Returns
    -------
    sentence : str
        In the words of the evidence.
    """
    hot = (
        f"the model has a hot pixel of {row['significance']:.0f} sigma, of which a neighbouring channel has "
        f"{100 * max(row['narrowness'], 0):.0f} % and its surroundings {100 * row['surround']:+.0f} %"
    )
    seen = [("the image has a spike of {:+.1f} sigma in this channel alone", row["spike"])]
    seen.append(("the residual has {:+.1f} sigma", row["residual"]))
    image = "at this pixel " + (
        ", ".join(text.format(value) for text, value in seen if np.isfinite(value)) or "the images are blank around"
    )
    unsupported, threshold = row["unsupported"], parameters["unsupported"]
    if row["class"] == "known":
        return f"Near a source that you know to be real; {image}; {hot}."
    if row["class"] == "confetti" and abs(unsupported) >= threshold:
        return f"Within half a beam the data do not hold a point source of {unsupported:+.1f} sigma; {image}; {hot}."
    if row["class"] == "confetti":
        return (
            f"The surroundings of the hot pixel cancel it but for {100 * row['restored']:.0f} %, which is a spike of "
            f"{row['severity']:.1f} sigma; a real source keeps its flux; {image}; {hot}."
        )
    if np.isnan(unsupported):
        return f"Nobody knows whether the data hold it, without a PSF or with too little around it; {image}; {hot}."
    lacking = f"Within half a beam the data do not hold {unsupported:+.2f} sigma, and {threshold:g} would be evidence"
    return f"{lacking}; {image}; {hot}."


WHAT_IS_SHOWN = (
    "Maps: image, model and residual in the channel (bold) and those beside it; each row has one scale, image and "
    "residual the same, linear near zero and logarithmic beyond; the ellipse is the restoring beam, the dotted circle "
    "is around the find. Spectra: of 3 x 3 pixels around it; the gray band is the noise."
)
WHAT_DIVERGED = (
    "Every step of CLEAN brings the model nearer to the visibilities. Convergence compares how far all steps together "
    "brought it with the least that working steps must have done: it is 2 or more after a careful clean, below 1 where "
    "CLEAN diverged, and below 0 where the model fits the data worse than an empty one. The whole channel is wrong "
    "there, not only what is listed as a fake source."
)
NEAR = (
    "Narrow hot pixels without evidence against them, the nearest to it first (masers look like that too), and those "
    "near sources that you know to be real."
)
LIMITS = (
    "Not every fake source of a bad channel is found, only enough to tell that it is bad. Severity is what the data do "
    "not hold; the image is wrong by 1.2 to 1.5 times as much."
)
NO_PAGE = "there is no page to look at, or there are no regions: the log says why they could not be made"
