"""Texts about the result of a check, for the CASA log and the warnings; no pixels are read here."""

import numpy as np

from ..core.decision import KINDS
from ..core.model_flux import alternating
from ..core.noise import FEW_BEAMS
from ..core.uv_coverage import LEAST_RESPONSE
from ..images.channels import format_channels
from .consistency import CHANGED, CONTRADICTS, TO_BE_RESTORED
from .tables import diverged_channels, is_bad, suspicious_channels
from .verdict import has_known_noise, without_neighbour

NO_PSF = (
    "{path} not found: which spatial frequencies were measured was taken from the power of the residual, which finds "
    "a tenth to a fifth less than the PSF would. Keep .psf next to .model"
)
NATURAL_WEIGHTING = (
    "{path} not found, and with natural weighting the residual does not show which spatial frequencies were measured: "
    "nothing can be classified as confetti. Keep .psf next to .model, or call confetti_reclean: it cleans suspicious "
    "channels again, and the data decide"
)
NO_COVERAGE = (
    "{path} not found, and the channels are too few or the images too small for the residual to show which spatial "
    "frequencies were measured: only hot pixels with a surround that takes their flux can be confetti. Keep "
    ".psf next to .model, or call confetti_reclean: it cleans suspicious channels again, and the data decide"
)
NOTHING_CLEANED = "the model is empty in all checked channels: nothing was cleaned, so there is nothing to find"
ALL_BLANK = "the image or the residual is masked, blank or zero in all checked channels: nothing could be checked"
NO_NUMBERS = (
    "{path} has {number} NaN or infinite pixels in channels {channels}: they are treated as 0 and were not checked"
)
DIVERGED = (
    "CLEAN diverged in channels {channels}: the model components do not explain the visibilities (convergence "
    "{least:.2f}; at least 1 where CLEAN converged), and the image is wrong all over. The mask marks only what stands "
    "out there, and severity and flux refer to that alone"
)
RAN_AWAY = (
    "CLEAN ran away in channels {channels}: {what} there, as after an overflow. The mask marks little or nothing in "
    "these channels"
)
ODD_SIZE = (
    "the image has an odd number of pixels along an axis ({width} x {height}): tclean convolves such images with "
    "an offset of one pixel, and goes wrong even at a loop gain of 0.1. Image again with an even imsize"
)
LONELY = (
    "channels {channels} could not be checked: they have no valid neighbouring channel to compare with. Those that "
    "were cleaned are suspicious: confetti_reclean cleans them again, and the data decide"
)
AMBIGUOUS = (
    "the data of channels {channels} do not say where a source is: the PSF has 0.9 of its peak and more over an area "
    "of {places:.0f} restoring beams (about 1 is usual), as where only few visibilities are left. "
    "What the image shows there may belong elsewhere, the check cannot tell, and cleaning again does not help. Compare "
    "with the neighbouring channels, look at flags and weights (is it the edge of the spectral window?), or leave "
    "these channels out"
)
ALL_AMBIGUOUS = (
    "the data do not say where a source is: the PSF has 0.9 of its peak and more over an area of {places:.0f} "
    "restoring beams in the channels that were cleaned, as in a snapshot with few baselines. What the image shows may "
    "belong elsewhere, the check cannot tell, and cleaning again does not help. More hour angles or baselines would"
)
ALTERNATING = (
    "the flux of the model alternates in channels {channels}: with interpolation='linear' and channels half way "
    "between those of the data, tclean predicts only the mean of two neighbours, so that their difference may be "
    "anything, and the residual does not show it. Unless each of these channels has a line of its own, image the "
    "channels of the data, or with interpolation='nearest' or 'cubic'"
)
UNTESTED = (
    "candidates in channels {channels} could not be tested against the visibilities: {path} is blank there or has no "
    "peak of 1 at its central pixel (was it cut out of a larger PSF?), or the image or the residual is masked or blank "
    "around them"
)
UNKNOWN_NOISE = (
    "the rms noise is not known: {why}. By the residual it is between {least:.2g} and {noise:.2g} Jy/beam. Heights in "
    "sigma are in units of {noise:.2g} Jy/beam, so that a fake source of up to {factor:.1f} times the limit may be "
    "missed, and no channel is called good. Image channels without emission, and places without sources, too"
)
SWITCHED_OFF = (
    "the model is switched off in channels {channels}: it has less than a third of the flux of the channels on either "
    "side, as where the clean mask is empty or CLEAN stopped early, so that emission is left in the residual"
)
SWITCHED_ON = (
    "Channels {channels}: the model is switched on there: it has more than three times the flux of the channels on "
    "either side; a line that only one channel has, or one in which CLEAN went wrong"
)
RISEN = "By the record of tclean the peak residual rose by half in a minor cycle of channels {channels}: suspicious"
NOT_RISEN = "By the record of tclean the peak residual rose by half in no minor cycle (at most to {largest:.2f} of it)"
OUTSIDE = (
    "in channels {channels}, of those that were looked at, up to {part:.0%} of the model is outside the clean mask "
    "{path}, and farther from it than the largest scale ({reach} pixels): it was cleaned with another mask, or with a "
    "start model. If the mask was meant, tclean ignored it; confetti_reclean will take it"
)
UNKNOWN_RESPONSE = "Neighbouring channels: what they share of the noise does not tell how narrow a line may be"
NOT_AVERAGED = (
    "The noise of neighbouring channels has a correlation of {shared:.2f}: they were not averaged after the Hanning "
    "window of the correlator, so that of any line the brighter channel beside has half"
)
AVERAGED = (
    "The noise of neighbouring channels has a correlation of {shared:.2f}: they are averages of {number} or more after "
    "the Hanning window of the correlator, so that a line may be in one channel"
)
FULL = "emission fills the image in all channels, and CLEAN has left components everywhere"
SMALL = "the image is only {beams:.1f} restoring beams wide"
OTHER_BEAM = (
    "the restoring beam of {image} is {beam:.2f} pixels wide, but that of {psf} is {psf_beam:.2f}: was the image "
    "smoothed? Its sources are compared with data of a different resolution"
)
# The beam changes with frequency, by 2 % over the 2 GHz of the widest spectral window at 93 GHz.
SAME_BEAM = 0.05
HOLDS_NOTHING = (
    "{path} is masked, blank or zero in all channels that were cleaned, and {other} is not: nothing could be checked. "
    "Give the one that tclean wrote; of images without noise no fake source can be judged"
)
CONTRADICTION = (
    "{image}, {model} and {residual} do not belong together: {image} minus {residual} differs from the model convolved "
    "with the restoring beam by {part:.0f} % where sources are bright, in channel {channel}, and neither another beam "
    "nor a correction for the primary beam explains that. Nothing was checked. Is one of them from another run, a copy "
    "of another, or scaled? Give all three as one run of tclean left them"
)
NOT_RESTORED = (
    "{image} minus {residual} is not the model convolved with the restoring beam: they differ by {part:.3g} % in "
    "channel {channel}, away from the edges. Was restoringbeam set in tclean, was the image smoothed or corrected for "
    "the primary beam, was it made without tclean (which samples the beam at the pixels, with its peak of 1 at one of "
    "them), or are they from different runs? Checked instead is the model convolved with the beam of {beam}, plus the "
    "residual; this is correct if the model and the residual are from the same run"
)
NEARLY_BLIND = (
    "the check is nearly blind here: in half of the cleaned channels it may miss fake sources of up to {limit:.0f} "
    "sigma. confetti_reclean cleans suspicious channels again, and the data decide"
)
# About twice the height of a credible source. In pedestals, with limits of up to 10.3, 0.95 of the fake sources were
# found, in mosaics, with 10.9 and more, one in ten.
BLIND_SIGMA = 10.5
ONE_CHANNEL = (
    "the image has one channel: confetti is recognized by comparison with neighbouring channels, so it cannot be found "
    "here"
)


def warnings_of(cube, channels, candidates, differing):
    """
    Warnings that the user should know before trusting the result.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channels, candidates : structured `~numpy.ndarray`
        Measurements of the channels, and of their narrow hot pixels.
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
            least, what = rows["convergence"].min(), _not_finite(cube, rows)
            warnings.append(text.format(channels=_numbers(rows["channel"]), least=least, what=what))
    if channels["diverged"].any():
        warnings += odd_size(*cube.shape[:1:-1])
    warnings += _of_mismatches(cube, differing)
    if (blank & ~ran_away).all() and all(mismatch.kind in TO_BE_RESTORED for mismatch in differing):
        warnings.append(ALL_BLANK)
    elif not channels["components"].any():
        warnings.append(NOTHING_CLEANED)
    unknown = channels[(channels["unknown"] > 0) & ~blank & ~ran_away]
    if len(unknown):
        where = {"path": cube.path("model", unknown["channel"][0]), "channels": _numbers(unknown["channel"])}
        warnings.append(NO_NUMBERS.format(number=unknown["unknown"].sum(), **where))
    lonely = channels["channel"][without_neighbour(cube, channels, differing)]
    if len(lonely):
        warnings.append(LONELY.format(channels=_numbers(lonely)))
    warnings += [*_ambiguous(channels), *_alternating(cube, channels)]
    without = [piece.path("psf") for piece in cube.pieces or [cube] if "psf" not in piece.products]
    if without:
        warnings += [text.format(path=" and ".join(without)) for text in _without_psf(cube, channels)]
    elif np.isnan(candidates["unsupported"]).any():
        untested = candidates["channel"][np.isnan(candidates["unsupported"])]
        path = cube.path("psf", untested.min())
        warnings.append(UNTESTED.format(path=path, channels=_numbers(untested)))
    if cube.psf_beam and abs(cube.psf_beam / cube.beam - 1) > SAME_BEAM:
        paths = {"image": cube.path("image"), "psf": cube.path("psf")}
        warnings.append(OTHER_BEAM.format(beam=cube.beam, psf_beam=cube.psf_beam, **paths))
    return [*warnings, *_switched_off(channels), *_unknown_noise(cube, channels), *_nearly_blind(channels)]


def _of_mismatches(cube, differing):
    """One warning for each kind of images that do not belong together, about the worst piece; none about edges."""
    ranked = sorted(differing, key=lambda mismatch: mismatch.part)
    for kind, mismatch in {mismatch.kind: mismatch for mismatch in ranked}.items():
        paths = {product: cube.path(product, mismatch.channel) for product in ("image", "model", "residual")}
        about = dict(paths, part=100 * mismatch.part, channel=mismatch.channel)
        if kind == CHANGED:
            psf = (cube.pieces or [cube])[mismatch.piece].psf_beams
            yield NOT_RESTORED.format(beam=cube.path("psf" if psf else "image", mismatch.channel), **about)
        elif kind == CONTRADICTS:
            yield CONTRADICTION.format(**about)
        elif kind in paths:
            other = paths["residual" if kind == "image" else "image"]
            yield HOLDS_NOTHING.format(path=paths[kind], other=other)


def _not_finite(cube, rows):
    """Which images are not finite where CLEAN ran away."""
    number, channel = rows["unknown"].sum(), rows["channel"][0]
    if number:
        return f"{cube.path('model', channel)} has {number} NaN or infinite pixels"
    return f"{cube.path('image', channel)} or {cube.path('residual', channel)} has no finite pixel"


def _ambiguous(channels):
    """The warning about channels with too few data, or about a cube with too few in all of them; or nothing."""
    cleaned = channels[channels["components"] > 0]
    rows = cleaned[cleaned["ambiguous"]]
    if len(rows):
        text = AMBIGUOUS if len(rows) < len(cleaned) else ALL_AMBIGUOUS
        yield text.format(channels=_numbers(rows["channel"]), places=np.median(rows["ambiguity"]))


def _alternating(cube, channels):
    """The warning about channels whose flux alternates, or nothing."""
    known = channels[np.isfinite(channels["noise"]) & ~channels["diverged"]]
    spectra = np.full((3, *cube.shape[:2]), np.nan)
    spectra[:, known["polarization"], known["channel"]] = known["model_flux"], known["total"], known["noise"]
    places = sorted({channel for of_one in spectra.swapaxes(0, 1) for channel in alternating(*of_one)})
    if places:
        yield ALTERNATING.format(channels=format_channels(places))


def _without_psf(cube, channels):
    """What takes the place of the PSF in the channels that have none; nothing if nothing was cleaned there."""
    rows = channels[(channels["components"] > 0) & channels["checked"]]
    rows = rows[[not cube.has("psf", channel) for channel in rows["channel"].tolist()]]
    if len(rows):
        response = np.nanmax(rows["response"], initial=-1)
        yield NO_PSF if response >= LEAST_RESPONSE else NATURAL_WEIGHTING if response >= 0 else NO_COVERAGE


def _switched_off(channels):
    """The warning about channels in which the model is switched off, or nothing."""
    rows = channels[channels["switched"] == "off"]
    if len(rows):
        yield SWITCHED_OFF.format(channels=_numbers(rows["channel"]))


def _unknown_noise(cube, channels):
    """The warning that sigma is not known, or nothing."""
    rows = channels[np.isfinite(channels["noise"]) & ~has_known_noise(channels)]
    if len(rows):
        noise, least = np.median(rows["noise"]), np.median(rows["least_noise"])
        beams = min(cube.shape[2:]) / cube.beam
        why = SMALL.format(beams=beams) if beams < FEW_BEAMS else FULL
        yield UNKNOWN_NOISE.format(why=why, noise=noise, least=least, factor=noise / least)


def _nearly_blind(channels):
    """The warning that most fake sources would be missed, or nothing."""
    cleaned = channels[(channels["components"] > 0) & channels["checked"] & np.isfinite(channels["limit"])]
    cleaned = cleaned[cleaned["deconvolved"] != "converged"]  # there even low fake sources are found
    if len(cleaned):
        limit = np.median(cleaned["limit"])
        if limit >= BLIND_SIGMA:
            yield NEARLY_BLIND.format(limit=limit)


def odd_size(width, height):
    """The warning about an image of odd size, or nothing."""
    if height % 2 or width % 2:
        yield ODD_SIZE.format(height=height, width=width)


def _numbers(channels):
    return format_channels(set(channels.tolist()))


def describe_inputs(cube, channels):
    """What is checked, in one line."""
    stored = " in FITS files" if cube.fits else ""
    return (
        f"Checking {format_channels(channels)} of {cube.channels} channels of {cube.name}.[{','.join(cube.products)}]"
        f"{cube.taylor_term}{stored}: {cube.shape[3]} x {cube.shape[2]} pixels, Stokes {','.join(cube.stokes)}, "
        f"beam {cube.beam:.1f} pixels"
    )


def describe_known(outside, number):
    """A warning if known sources are not in the image, as when they are in another frame or unit."""
    if not outside:
        return []
    return [
        f"{outside} of {number} known sources are outside the image, or their velocity is not in the cube, and protect "
        "nothing: positions without a frame are taken for RA and Dec (ICRS) in degrees; give a table with units, or in "
        "another frame (columns l and b, or SkyCoord)"
    ]


def describe_spectral_axis(frequencies):
    """
    What the tables lack without a rest frequency.

    Parameters
    ----------
    frequencies : bool
        Whether these are known, else the velocities are.

    Returns
    -------
    text : str
        One sentence.
    """
    known, missing = ("frequencies", "velocity") if frequencies else ("velocities", "frequency")
    return (
        f"The images have no rest frequency, so that only {known} are known: the column {missing} is nan. Set it with "
        "the coordinate tool (setrestfrequency) in .model and the others, in FITS as RESTFRQ"
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
    return text if quiet else f"{text}; at most that: no channel is without emission, and the faintest parts were taken"


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
        Names of the products; lists of names for a cube in pieces.
    report : bool
        Whether an HTML report was requested.

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
        "npixels": int(np.count_nonzero(candidates["evidence"] != "")),
        "nsources": int(np.count_nonzero(sources["class"] == "confetti")),
        "ncandidates": int(np.count_nonzero(sources["class"] == "candidate")),
        "evidence": {kind: int(np.count_nonzero(sources["evidence"] == kind)) for kind in KINDS},
        "channels": sorted(worst),
        "severities": [worst[channel] for channel in sorted(worst)],
        "chans": format_channels(sorted(worst)),
        "diverged": diverged_channels(channels),
        "suspects": suspicious_channels(channels),
        "suspectchans": format_channels(suspicious_channels(channels)),
        "limit": _typical_limit(channels),
        "severity": max(worst.values(), default=0.0),
        "reliability": _mean_reliability(sources),
        "flux": float(bad["flux"].to_value("Jy").sum()),
        **products._asdict(),
        "warnings": warnings,
    }


def _mean_reliability(sources):
    """Mean reliability of the fake sources; None if there are none."""
    fake = sources[sources["class"] == "confetti"]
    return float(np.mean(fake["reliability"])) if len(fake) else None


def _typical_limit(channels):
    """Median of the limits of all channels; None if they are unknown."""
    known = channels["limit"][np.isfinite(channels["limit"])]
    return float(np.median(known)) if len(known) else None


def describe_channels(sources, channels):
    """One line for each bad channel; one each for suspicious ones, candidates, completeness, and jumps of the flux."""
    for row in channels[channels["verdict"] == "diverged"]:
        yield f"{_name(row)} diverged: convergence {row['convergence']:.2f}, model flux {row['model_flux']:.3g}"
    for row in channels[channels["confetti"] > 0]:
        same = (sources["channel"] == row["channel"]) & (sources["stokes"] == row["stokes"])
        fake = sources[same & (sources["class"] == "confetti")]
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


def describe_outside(cube, parts, reach):
    """The warning about components outside the clean mask; ``parts`` of the flux by channel."""
    path = cube.path("mask", min(parts))
    return OUTSIDE.format(
        channels=format_channels(sorted(parts)), part=max(parts.values()), path=path, reach=int(reach)
    )


def describe_response(response):
    """One line about what the noise tells of the spectral response."""
    if not response.averaged:
        return UNKNOWN_RESPONSE
    text = NOT_AVERAGED if response.averaged == 1 else AVERAGED
    return text.format(shared=response.shared, number=response.averaged)


def describe_record(rises, thresholds):
    """One line about what the record of tclean says; none if there is no record."""
    if np.isnan(rises).all():
        return []
    risen = np.flatnonzero(rises >= thresholds.rise)
    return [RISEN.format(channels=format_channels(risen)) if len(risen) else NOT_RISEN.format(largest=np.nanmax(rises))]


def _where_suspicious(sources, channel):
    """Where a channel is suspicious, and what the image shows there: suspicion is only the part that may be fake."""
    here = sources[(sources["channel"] == channel) & np.isfinite(sources["spike"])]
    if not len(here):
        return ""
    row = here[np.argmax(here["suspicion"])]
    return f", at x={row['x']} y={row['y']}, where the image has a spike of {row['spike']:+.1f} sigma"


def describe_completeness(channels):
    """How high a fake source must be to be found, in one sentence; nothing where that is unknown."""
    limit = _typical_limit(channels)
    if limit:
        yield (
            f"Completeness: a fake source of {limit:.1f} sigma is found with a probability of 90 % (median of the "
            "channels)"
        )


def _name(row):
    return f"Channel {row['channel']} ({row['frequency']:.6f}, {row['velocity']:.2f}, Stokes {row['stokes']})"


def describe_verdict(result, cube):
    """The verdict, and what to do next."""
    remedy = "Next: clean these channels again with confetti_reclean"
    if cube.fits:
        remedy = f"Next: {WITHOUT_TCLEAN} {not_of_tclean(cube)}"
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
    return (
        f"Verdict: confetti in channels {result['chans']}; {diverged}{result['nsources']} fake sources "
        f"({_count_kinds(result['evidence'])}), up to {result['severity']:.1f} sigma; {hidden}{candidates}. {remedy}"
    )


def _count_kinds(numbers):
    """Number of fake sources with each kind of evidence, in a few words."""
    return ", ".join(f"{number} {kind}" for kind, number in numbers.items())


WHY_CANDIDATES = (
    "Candidates are not masked, because there is too little evidence to distinguish what each adds to the image from "
    "noise or a real narrow line; cleaning its channel again with confetti_reclean(chans=...) shows whether it comes "
    "back, and a known minimum line width whether it can be real"
)
NO_PAGE = "the HTML report or the region files could not be written: the log says why"

WITHOUT_TCLEAN = (
    "confetti_reclean deconvolves these channels again from their own images, without visibilities, and writes CASA "
    "images. With the visibilities the new images are better, but"
)
IMPORT = (
    "its images are FITS files, and tclean continues CASA images only. Import each of them, e.g. importfits(fitsimage="
    "'{path}', imagename='{name}', defaultaxes=True, defaultaxesvalues=['', '', '', 'I']), check the new images, and "
    "clean them again"
)
OF_WSCLEAN = (
    "its images are those of WSClean, which tclean cannot continue. Image these channels again with WSClean, more "
    "gently (-gain 0.1, -mgain 0.8 or less) and without -continue"
)


def not_of_tclean(cube):
    """Why confetti_reclean cannot mend a cube in FITS files, and what to do."""
    part = next(part for part in cube.stored if part.fits)
    path = part.paths[part.fits[0]]
    if path.endswith(f"-{part.fits[0]}.fits"):
        return OF_WSCLEAN
    return IMPORT.format(path=path, name=_path_of_casa(path))


def _path_of_casa(path):
    return path[: -len(".fits")] if path.endswith(".fits") else path + ".im"
