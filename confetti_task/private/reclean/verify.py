"""Verify that tclean's images agree with the old ones, measure how deep it cleaned, and decide what is still bad."""

import numpy as np

from ...rising_channels import rising_channels
from ..check.clean_mask import channels_to_clean
from ..check.tables import bad_channels, cleaned_channels, noise_of_channels
from ..images.channels import format_channels
from ..images.coordinates import read_frequencies
from ..images.cube import open_cube, read_beam
from ..images.pixels import read_channel, read_plane
from .remedy import Reached, adjacent, near, nearest, threshold, unaffected

# Where nothing was cleaned again, tclean must reproduce the old planes. Measured differences are 1e-6 of the brightest
# emission, from rounded frequencies.
SAME_MODEL = 1e-6  # of its peak
SAME_PSF = 1e-3  # of its peak: a source of 50 sigma is off by 0.05 sigma
SAME_IMAGE = 0.05  # in sigma, for residual and image
SAME_BEAM = 1e-3  # of its width, as the PSF that it is fitted to
SAME_FREQUENCY = 0.01  # channels


class OtherDataError(ValueError):
    """The visibilities or parameters are not those from which the old images were made."""


class UnstableError(Exception):
    """The peak residual rose in minor cycles of some channels, whose images are useless."""

    def __init__(self, channels):
        super().__init__(f"the peak residual rose in a minor cycle of channels {format_channels(channels)}")
        self.channels = channels


def check_stable(plan, run, record):
    """
    Check that the peak residual rose by half in no minor cycle of a tclean run.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    run : tuple of int
        First and last channel.
    record : dict
        What tclean returned.

    Raises
    ------
    UnstableError
        If it did in a channel that was cleaned.
    """
    try:
        rising = {run[0] + channel for channel in rising_channels(record)}
    except ValueError:  # no minor cycle was recorded
        return
    if rising & set(plan.to_clean(run)):
        raise UnstableError(sorted(rising & set(plan.to_clean(run))))


def check_run(plan, run, cube, noise):
    """
    Check that a tclean run did what was asked, with the visibilities of the old images.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    run : tuple of int
        First and last channel.
    cube : `images.cube.Cube`
        The old images.
    noise : 1D `~numpy.ndarray`
        rms noise of every channel of the old image in Jy/beam.

    Returns
    -------
    warnings : list of str
        A warning if a full cube was made from other visibilities than the old one; it is self-consistent.

    Raises
    ------
    ValueError
        If tclean did not use the start model or the clean mask, or made other images than it should.
    OtherDataError
        If a sub-cube was made from other visibilities than the old images, so that it cannot be inserted into them.
    """
    new = open_cube(plan.name(run))
    expected = (cube.shape[0], run[1] - run[0] + 1, *cube.shape[2:])
    if new.shape != expected:
        raise ValueError(
            f"{new.path('model')} should have (polarizations, channels, height, width) {expected} (got {new.shape}): "
            f"the parameters are not those of {cube.root}"
        )
    for channel in plan.to_clean(run):
        _check_clean_mask(plan.name(run), new, channel - run[0])
    good, again = near(run, plan.channels), plan.to_clean(run)
    if _largest("model", new, cube, run, good) > SAME_MODEL:
        raise ValueError(f"tclean did not use the start model {plan.name(run)}.startmodel; its log says why")
    compared = unaffected(run, plan.channels, cube.channels)
    residual, image = (_largest(product, new, cube, run, compared, noise) for product in ("residual", "image"))
    measured = {
        "PSF by {:.2g} of its peak": (_largest_of_psf(new, cube, run, good + again), SAME_PSF),
        "restoring beam by {:.2g} of its width": (_largest_of_beams(new, cube, run, good + again), SAME_BEAM),
        "frequency by {:.2g} channels": (_largest_of_frequencies(new, cube, run), SAME_FREQUENCY),
        "residual by {:.2g} sigma": (residual, SAME_IMAGE),
        "image by {:.2g} sigma": (image, SAME_IMAGE),
    }
    differs = any(value > limit for value, limit in measured.values())
    if not differs and residual <= SAME_IMAGE:
        return []
    known = [text.format(value) for text, (value, _) in measured.items() if not np.isnan(value)]
    text = DIFFERENT.format(root=cube.root, what=", ".join(known))
    if not differs:  # NaN where there was nothing to compare
        text = NOT_COMPARED.format(chans=format_channels(plan.to_clean(run)), root=cube.root)
    if plan.method == "subcubes":
        raise OtherDataError(text)
    return [text] if good or differs else []


DIFFERENT = (
    "where nothing was cleaned again, and in what cleaning does not change, the new images differ from {root}: {what}; "
    "the visibilities, their weights, the parameters or the restoring beam are not the same: give the vis or the "
    "parameters from which it was made, or set method='cube'"
)
NOT_COMPARED = (
    "no channel near channels {chans} is unaffected by the re-clean, so it could not be verified that the visibilities "
    "are those from which {root} was made"
)


def _check_clean_mask(name, new, channel):
    for polarization in range(new.shape[0]):
        wanted, used = (read_plane(name + suffix, new, polarization, channel) > 0 for suffix in (".cleanmask", ".mask"))
        if (wanted != used).any():
            raise ValueError(f"tclean did not use the clean mask {name}.cleanmask; its log says why")


def _largest_of_psf(new, cube, run, channels):
    """Largest difference of the PSFs; NaN if there are none, or all are blank."""
    return _largest("psf", new, cube, run, channels) if "psf" in cube.products else np.nan


def _largest_of_beams(new, cube, run, channels):
    """Largest relative difference of the axes of the restoring beams."""
    beams = [
        (read_beam(cube, polarization, channel)[:2], read_beam(new, polarization, channel - run[0])[:2])
        for polarization in range(cube.shape[0])
        for channel in channels
    ]
    old, now = (np.array(each) for each in zip(*beams))
    with np.errstate(divide="ignore", invalid="ignore"):  # a blank channel has no beam
        relative = np.abs(now - old) / old
    return float(np.max(relative, initial=0, where=np.isfinite(relative)))


def _largest_of_frequencies(new, cube, run):
    """Largest difference of the frequencies, in channels."""
    old, now = read_frequencies(cube), read_frequencies(new)
    return float(np.abs(now - old[run[0] : run[1] + 1]).max() / np.abs(np.diff(old)).mean())


def _largest(product, new, cube, run, channels, noise=None):
    """Largest difference, in units of the rms or, without it, of the old peak; NaN if there are no planes."""
    differences = [
        _difference(product, new, cube, run, polarization, channel, noise)
        for polarization in range(cube.shape[0])
        for channel in channels
    ]
    compared = [difference for difference in differences if not np.isnan(difference)]
    return max(compared, default=np.nan)


def _difference(product, new, cube, run, polarization, channel, noise=None):
    old_plane = read_channel(cube, product, polarization, channel)
    new_plane = read_channel(new, product, polarization, channel - run[0])
    if not np.nan_to_num(old_plane).any() and not np.nan_to_num(new_plane).any():
        return np.nan  # blank in both
    known = np.isfinite(old_plane)
    if (known != np.isfinite(new_plane)).any():
        return np.inf
    scale = np.abs(old_plane[known]).max(initial=0) if noise is None else noise[channel]
    return np.abs(new_plane - old_plane)[known].max(initial=0) / max(scale, np.finfo(np.float32).tiny)


def changed_neighbours(plan, run, cube, noise):
    """Good channels adjacent to bad ones whose residual changed, because it contained part of the bad model."""
    new = open_cube(plan.name(run))
    return [
        channel
        for channel in adjacent(run, plan.channels)
        for polarization in range(cube.shape[0])
        if _difference("residual", new, cube, run, polarization, channel, noise) > SAME_IMAGE
    ]


def state_of_channels(plan, cube):
    """
    Model flux and peak residual within the clean mask, before and after.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan.
    cube : `images.cube.Cube`
        The old images.

    Returns
    -------
    before, after : dict
        model_flux in Jy, and residual, the absolute peak in Jy/beam, over the channels that were cleaned again.
    depth : float
        Median peak residual in the good channels near them; NaN if there are none.
    """
    before, after = ({"model_flux": 0.0, "residual": 0.0} for _ in range(2))
    depth = []
    for run in plan.runs:
        new = open_cube(plan.name(run))
        for polarization in range(cube.shape[0]):
            for channel in plan.to_clean(run):
                cleaned = read_plane(plan.name(run) + ".cleanmask", new, polarization, channel - run[0]) > 0
                for state, images, number in ((before, cube, channel), (after, new, channel - run[0])):
                    state["model_flux"] += _flux(images, polarization, number)
                    state["residual"] = max(state["residual"], _peak(images, polarization, number, cleaned))
        good = channels_to_clean(cube, near(run, plan.channels))
        depth += [_peak(cube, *where, cleaned) for where, cleaned in good]
    return before, after, float(np.median(depth)) if depth else np.nan


def models_of(plan, cube):
    """
    The new models of the channels of a plan, in the form of `check.proof_table`, so that finds apply to no other ones.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose tclean runs are done.
    cube : `images.cube.Cube`
        The old images.

    Returns
    -------
    models : list of list
        Channel, name of the polarization, number of components, and flux in Jy.
    """
    models = []
    for run in plan.runs:
        new = open_cube(plan.name(run))
        for channel in plan.to_clean(run):
            for polarization, stokes in enumerate(cube.stokes):
                model = np.nan_to_num(read_channel(new, "model", polarization, channel - run[0])).astype(float)
                models.append([channel, stokes, np.count_nonzero(model), float(model.sum())])
    return models


def measure_reached(cube, channels, again):
    """
    Measure how deep the recorded clean went.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The old images.
    channels : `~astropy.table.QTable`
        Channels of their check.
    again : sequence of int
        Channels that may be cleaned again.

    Returns
    -------
    reached : `reclean.remedy.Reached`
        Measured in good channels near them. Channels without a clean mask are excluded, because where they were cleaned
        is unknown.
    """
    cleaned, again = {*cleaned_channels(channels), *again}, {*bad_channels(channels), *again}
    noise = [noise_of_channels(channels, stokes, cube.channels) for stokes in cube.stokes]
    peaks, noises = [], []
    for channel in nearest(cleaned - again, again):
        planes = list(_peaks_where_cleaned(cube, channel))
        if planes:
            peak, polarization = max(planes)
            peaks.append(peak)
            noises.append(noise[polarization][channel])
    return Reached(len(cleaned), peaks, noises)


def _peaks_where_cleaned(cube, channel):
    """Peak residual within the clean mask, whose holes were not cleaned, and polarization, for each with a mask."""
    for polarization in range(cube.shape[0] if cube.has("mask", channel) else 0):
        cleaned = read_channel(cube, "mask", polarization, channel) > 0
        if cleaned.any():
            yield _peak(cube, polarization, channel, cleaned), polarization


def _flux(cube, polarization, channel):
    return float(np.nansum(read_channel(cube, "model", polarization, channel), dtype=float))


def _peak(cube, polarization, channel, cleaned):
    residual = read_channel(cube, "residual", polarization, channel)
    return float(np.abs(np.nan_to_num(residual[cleaned])).max(initial=0))


def channel_rms(cube, channels):
    """rms noise of every channel of the first polarization in Jy/beam, from the table of the channels."""
    return noise_of_channels(channels, cube.stokes[0], cube.channels)


def newly_bad(before, after, cleaned):
    """
    Channels that are bad only now.

    Parameters
    ----------
    before, after : dict
        From `reclean.result.summarize_check`, of the old images and of the new ones.
    cleaned : iterable of int
        Channels that were cleaned again.

    Returns
    -------
    channels : list of int
        Those that were not bad before, and were not cleaned again: a bad neighbour had hidden it.
    """
    return sorted(set(after["channels"]) - set(before["channels"]) - set(cleaned))


def worth_a_gentler_clean(plan, bad, after):
    """
    Channels that a gentler clean may improve.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        The plan, whose tclean runs are done.
    bad : sequence of int
        Channels that were bad, and have new planes.
    after : dict
        From `reclean.result.summarize_check`, of the new images, with their noise in Jy/beam.

    Returns
    -------
    channels : list of int
        Those in which CLEAN diverged again; all that are bad again if they were cleaned into the noise.
    """
    into_the_noise = 0 < threshold(plan.parameters[0]) < after["noise"]
    return sorted(set(after["channels" if into_the_noise else "diverged"]) & set(bad))
