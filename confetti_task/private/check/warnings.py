"""
Warnings: what a user should know before trusting the result of a check. No pixels are read here.

Those in `WARNINGS` are functions of a `check.survey.Found` that yield their text, or nothing where all is well; the
docstring is the case.
"""

import numpy as np

from ..core.model_flux import alternating
from ..core.noise import FEW_BEAMS
from ..core.uv_coverage import LEAST_RESPONSE
from ..images.channels import format_channels
from .consistency import CHANGED, CONTRADICTS, TO_BE_RESTORED
from .verdict import has_known_noise, without_neighbour

# The beam changes with frequency, by 2 % over the 2 GHz of the widest spectral window at 93 GHz.
SAME_BEAM = 0.05
# In sigma, about twice the height of a credible source: if the usual limit is this high, most fake sources are missed.
BLIND_SIGMA = 10.5

ONE_CHANNEL = (
    "the image has one channel: confetti is recognized by comparison with neighbouring channels, so it cannot be found "
    "here"
)


def warnings_of(found):
    """
    Warnings that the user should know before trusting the result.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements and decisions.

    Returns
    -------
    warnings : list of str
        In the order of `WARNINGS`.
    """
    if found.cube.channels == 1:
        return [ONE_CHANNEL]
    return [text for warning in WARNINGS for text in warning(found)]


RAN_AWAY = (
    "CLEAN ran away in channels {channels}: {what} there, as after an overflow. The mask marks little or nothing in "
    "these channels"
)


def ran_away(found):
    """CLEAN has left values that are not finite."""
    rows = found.channels[_ran_away(found.channels)]
    if not len(rows):
        return
    number, channel = rows["unknown"].sum(), rows["channel"][0]
    what = f"{found.cube.path('model', channel)} has {number} NaN or infinite pixels"
    if not number:
        image, residual = (found.cube.path(product, channel) for product in ("image", "residual"))
        what = f"{image} or {residual} has no finite pixel"
    yield RAN_AWAY.format(channels=_numbers(rows["channel"]), what=what)


def _ran_away(channels):
    return np.isneginf(channels["convergence"])


DIVERGED = (
    "CLEAN diverged in channels {channels}: the model components do not explain the visibilities (convergence "
    "{least:.2f}; at least 1 where CLEAN converged), and the whole image is wrong there. The mask marks only what "
    "stands out, and severity and flux refer to that alone"
)


def diverged(found):
    """CLEAN diverged as a whole, with finite values."""
    rows = found.channels[found.channels["diverged"] & ~_ran_away(found.channels)]
    if len(rows):
        yield DIVERGED.format(channels=_numbers(rows["channel"]), least=rows["convergence"].min())


ODD_SIZE = (
    "the image has an odd number of pixels along an axis ({width} x {height}): tclean convolves such images with "
    "an offset of one pixel, and goes wrong even at a loop gain of 0.1. Image again with an even imsize"
)


def diverged_at_odd_size(found):
    """Why CLEAN diverged, where the image size explains it."""
    if found.channels["diverged"].any():
        yield from odd_size(*found.cube.shape[:1:-1])


def odd_size(width, height):
    """The warning about an image of odd size, in pixels, or nothing; of the old images too, in a re-clean."""
    if height % 2 or width % 2:
        yield ODD_SIZE.format(height=height, width=width)


NOT_RESTORED = (
    "{image} minus {residual} is not the model convolved with the restoring beam: they differ by {part:.3g} % in "
    "channel {channel}, away from the edges. Was restoringbeam set in tclean, was the image smoothed or corrected for "
    "the primary beam, was it restored without tclean (which samples the beam at the pixels, with its peak of 1 on one "
    "of them), or are the images from different runs? The model convolved with the beam of {beam}, plus the residual, "
    "was checked instead, which is correct if the model and the residual are from the same run"
)
CONTRADICTION = (
    "{image}, {model} and {residual} do not belong together: {image} minus {residual} differs from the model convolved "
    "with the restoring beam by {part:.0f} % where sources are bright, in channel {channel}, and neither another beam "
    "nor a primary-beam correction explains that. Nothing was checked. Is one of them from another run, a copy of "
    "another, or rescaled? Give all three as one run of tclean left them"
)
HOLDS_NOTHING = (
    "{path} is masked, blank or zero in all channels that were cleaned, but {other} is not: nothing could be checked. "
    "Give the one that tclean wrote; in images without noise no fake source can be recognized"
)


def mismatched(found):
    """Images that do not belong together: one text for each kind, about the worst piece; none about edges."""
    cube = found.cube
    ranked = sorted(found.mismatches, key=lambda mismatch: mismatch.part)
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


ALL_BLANK = "the image or the residual is masked, blank or zero in all checked channels: nothing could be checked"
NOTHING_CLEANED = "the model is empty in all checked channels: nothing was cleaned, so there is nothing to find"


def nothing_to_check(found):
    """All channels are blank, unless that is reported as a mismatch, or none was cleaned."""
    channels = found.channels
    blank = np.isnan(channels["noise"]) & ~_ran_away(channels)
    if blank.all() and all(mismatch.kind in TO_BE_RESTORED for mismatch in found.mismatches):
        yield ALL_BLANK
    elif not channels["components"].any():
        yield NOTHING_CLEANED


NO_NUMBERS = "{path} has {number} NaN or infinite pixels in channels {channels}: they were treated as 0 and not checked"


def no_numbers(found):
    """Pixels of the model that are no numbers, in channels that were checked all the same."""
    channels = found.channels
    rows = channels[(channels["unknown"] > 0) & ~np.isnan(channels["noise"]) & ~_ran_away(channels)]
    if len(rows):
        path = found.cube.path("model", rows["channel"][0])
        yield NO_NUMBERS.format(path=path, number=rows["unknown"].sum(), channels=_numbers(rows["channel"]))


LONELY = (
    "channels {channels} could not be checked: they have no valid neighbouring channel to compare with. Those that "
    "were cleaned are suspicious: confetti_reclean cleans them again and lets the data decide"
)


def lonely(found):
    """Channels without a valid neighbour."""
    alone = without_neighbour(found.cube, found.channels, found.mismatches)
    if alone.any():
        yield LONELY.format(channels=_numbers(found.channels["channel"][alone]))


AMBIGUOUS = (
    "the data of channels {channels} do not say where a source is: the PSF exceeds 0.9 of its peak over an area of "
    "{places:.0f} restoring beams (about 1 is usual), as where few visibilities are left. What the image shows there "
    "may belong elsewhere; the check cannot decide, and cleaning again does not help. Compare with the neighbouring "
    "channels, inspect flags and weights (is it the edge of the spectral window?), or leave these channels out"
)
ALL_AMBIGUOUS = (
    "the data do not say where a source is: the PSF exceeds 0.9 of its peak over an area of {places:.0f} restoring "
    "beams in the channels that were cleaned, as in a snapshot with few baselines. What the image shows may belong "
    "elsewhere; the check cannot decide, and cleaning again does not help. More hour angles or baselines would"
)


def ambiguous(found):
    """Channels with too few data, or a cube with too few in all of them."""
    cleaned = found.channels[found.channels["components"] > 0]
    rows = cleaned[cleaned["ambiguous"]]
    if len(rows):
        text = AMBIGUOUS if len(rows) < len(cleaned) else ALL_AMBIGUOUS
        yield text.format(channels=_numbers(rows["channel"]), places=np.median(rows["ambiguity"]))


ALTERNATING = (
    "the flux of the model alternates in channels {channels}: with interpolation='linear' and channels halfway "
    "between those of the data, tclean predicts only the mean of two neighbours, so their difference is arbitrary, and "
    "the residual does not show it. Unless each of these channels has a line of its own, image the channels of the "
    "data, or with interpolation='nearest' or 'cubic'"
)


def alternates(found):
    """Channels whose flux alternates."""
    channels = found.channels
    known = channels[np.isfinite(channels["noise"]) & ~channels["diverged"]]
    spectra = np.full((3, *found.cube.shape[:2]), np.nan)
    spectra[:, known["polarization"], known["channel"]] = known["model_flux"], known["total"], known["noise"]
    places = sorted({channel for of_one in spectra.swapaxes(0, 1) for channel in alternating(*of_one)})
    if places:
        yield ALTERNATING.format(channels=format_channels(places))


NO_PSF = (
    "{path} not found: which spatial frequencies were measured was taken from the power of the residual, which finds "
    "10 to 20 % fewer fake sources than the PSF would. Keep .psf next to .model"
)
NATURAL_WEIGHTING = (
    "{path} not found, and with natural weighting the residual does not show which spatial frequencies were measured: "
    "nothing can be classified as confetti. Keep .psf next to .model, or call confetti_reclean: it cleans suspicious "
    "channels again and lets the data decide"
)
NO_COVERAGE = (
    "{path} not found, and the channels are too few or the images too small for the residual to show which spatial "
    "frequencies were measured: only hot pixels whose surround takes their flux can be classified as confetti. Keep "
    ".psf next to .model, or call confetti_reclean: it cleans suspicious channels again and lets the data decide"
)


def without_psf(found):
    """Channels that were cleaned have no PSF, whose place something else takes."""
    missing = _missing_psfs(found.cube)
    if not missing:
        return
    rows = found.channels[(found.channels["components"] > 0) & found.channels["checked"]]
    rows = rows[[not found.cube.has("psf", channel) for channel in rows["channel"].tolist()]]
    if len(rows):
        response = np.nanmax(rows["response"], initial=-1)
        text = NO_PSF if response >= LEAST_RESPONSE else NATURAL_WEIGHTING if response >= 0 else NO_COVERAGE
        yield text.format(path=" and ".join(missing))


def _missing_psfs(cube):
    return [piece.path("psf") for piece in cube.pieces or [cube] if "psf" not in piece.products]


UNTESTED = (
    "candidates in channels {channels} could not be tested against the visibilities: {path} is blank there or has no "
    "peak of 1 at its central pixel (was it cut out of a larger PSF?), or the image or the residual is masked or blank "
    "around them"
)


def untested(found):
    """Candidates that could not be tested although all pieces have a PSF."""
    channels = found.candidates["channel"][np.isnan(found.candidates["unsupported"])]
    if len(channels) and not _missing_psfs(found.cube):
        yield UNTESTED.format(path=found.cube.path("psf", channels.min()), channels=_numbers(channels))


OTHER_BEAM = (
    "the restoring beam of {image} is {beam:.2f} pixels wide, but that of {psf} is {psf_beam:.2f}: was the image "
    "smoothed? Its sources are compared with data of a different resolution"
)


def other_beam(found):
    """Image and PSF differ in resolution."""
    cube = found.cube
    if cube.psf_beam and abs(cube.psf_beam / cube.beam - 1) > SAME_BEAM:
        paths = {product: cube.path(product) for product in ("image", "psf")}
        yield OTHER_BEAM.format(beam=cube.beam, psf_beam=cube.psf_beam, **paths)


SWITCHED_OFF = (
    "the model is switched off in channels {channels}: it has less than a third of the flux of the channels on either "
    "side, as happens where the clean mask is empty or CLEAN stopped early; emission is left in the residual"
)


def switched_off(found):
    """Channels whose emission is in the residual."""
    rows = found.channels[found.channels["switched"] == "off"]
    if len(rows):
        yield SWITCHED_OFF.format(channels=_numbers(rows["channel"]))


UNKNOWN_NOISE = (
    "the rms noise is not known: {why}. According to the residual it is between {least:.2g} and {noise:.2g} Jy/beam. "
    "Heights in sigma are in units of {noise:.2g} Jy/beam, so a fake source of up to {factor:.1f} times the limit may "
    "be missed, and no channel is called good. Image a larger field and some line-free channels"
)
FULL = "emission fills the image in all channels, and CLEAN has left components everywhere"
SMALL = "the image is only {beams:.1f} restoring beams wide"


def unknown_noise(found):
    """Sigma is not known."""
    rows = found.channels[np.isfinite(found.channels["noise"]) & ~has_known_noise(found.channels)]
    if len(rows):
        noise, least = np.median(rows["noise"]), np.median(rows["least_noise"])
        beams = min(found.cube.shape[2:]) / found.cube.beam
        why = SMALL.format(beams=beams) if beams < FEW_BEAMS else FULL
        yield UNKNOWN_NOISE.format(why=why, noise=noise, least=least, factor=noise / least)


NEARLY_BLIND = (
    "the check is nearly blind here: in half of the cleaned channels it may miss fake sources of up to {limit:.0f} "
    "sigma. confetti_reclean cleans suspicious channels again and lets the data decide"
)


def nearly_blind(found):
    """Most fake sources would be missed."""
    channels = found.channels
    cleaned = channels[(channels["components"] > 0) & channels["checked"] & np.isfinite(channels["limit"])]
    cleaned = cleaned[cleaned["deconvolved"] != "converged"]  # there even faint fake sources are found
    if len(cleaned) and np.median(cleaned["limit"]) >= BLIND_SIGMA:
        yield NEARLY_BLIND.format(limit=np.median(cleaned["limit"]))


def _numbers(channels):
    return format_channels(set(channels.tolist()))


# All warnings, in the order in which they are reported: whether the result can be trusted at all comes first.
WARNINGS = (
    ran_away,
    diverged,
    diverged_at_odd_size,
    mismatched,
    nothing_to_check,
    no_numbers,
    lonely,
    ambiguous,
    alternates,
    without_psf,
    untested,
    other_beam,
    switched_off,
    unknown_noise,
    nearly_blind,
)


# Warnings that need more than what was found.

KNOWN_OUTSIDE = (
    "{outside} of {number} known sources are outside the image, or their velocity is not in the cube, and protect "
    "nothing: positions without a frame are read as RA and Dec (ICRS) in degrees; give a table with units, or another "
    "frame (columns l and b, or SkyCoord)"
)


def known_outside(outside, number):
    """Known sources that are not in the image, as when they are in another frame or unit."""
    if outside:
        yield KNOWN_OUTSIDE.format(outside=outside, number=number)


OUTSIDE_MASK = (
    "up to {part:.0%} of the model is outside the clean mask {path}, in channels {channels} of those examined, and "
    "farther from it than the largest scale ({reach} pixels): it was cleaned with another mask, or with a start model. "
    "If this mask was intended, tclean ignored it; confetti_reclean will use it"
)


def outside_mask(cube, parts, reach):
    """
    Components outside the clean mask.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    parts : dict of float
        For each channel that has much of it outside, the fraction of its model flux.
    reach : float
        Largest scale in pixels.
    """
    if parts:
        channels, path = format_channels(sorted(parts)), cube.path("mask", min(parts))
        yield OUTSIDE_MASK.format(part=max(parts.values()), path=path, channels=channels, reach=int(reach))


NO_REST_FREQUENCY = (
    "the images have no rest frequency, so only {known} are known: the column {missing} is nan. Set it with the "
    "coordinate tool (setrestfrequency) in .model and the others, in FITS as RESTFRQ"
)


def no_rest_frequency(frequencies):
    """
    What the tables lack without a rest frequency.

    Parameters
    ----------
    frequencies : bool
        Whether these are known, else the velocities are.

    Returns
    -------
    text : str
        A warning where frequencies are missing, which everything else needs; else for the log.
    """
    known, missing = ("frequencies", "velocity") if frequencies else ("velocities", "frequency")
    return NO_REST_FREQUENCY.format(known=known, missing=missing)
