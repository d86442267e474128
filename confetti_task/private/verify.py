"""Whether what tclean made continues the old images, and how well it cleaned."""

import numpy as np

from .images import open_cube, read_channels, read_plane
from .products import channels_to_clean
from .remedy import MARGIN_CHANNELS, beside, unaffected

# Where nothing was cleaned again the PSF and the residual must be those of the old images. Measured differences are
# 1e-6 of the brightest emission, from frequencies that are rounded.
SAME_PSF = 1e-3  # of its peak: a source of 50 sigma is off by 0.05 sigma
SAME_RESIDUAL = 0.05  # in noise


class OtherDataError(ValueError):
    """The data or the parameters are not those that the old images were made with."""


def check_run(plan, run, cube, noise):
    """
    Check that a run of tclean did what it was asked for, with the data of the old images.

    Parameters
    ----------
    plan : `~confetti_task.private.plan.Plan`
        What was to be done.
    run : tuple of int
        First and last channel.
    cube : `~confetti_task.private.images.Cube`
        The old images.
    noise : 1D `~numpy.ndarray`
        Noise of every channel of the old image in Jy/beam.

    Returns
    -------
    warnings : list of str
        That the full cube is of other data than the old one: it can be taken as a whole.

    Raises
    ------
    ValueError
        If tclean did not take the start model or the clean mask, or made other images than asked for.
    OtherDataError
        If a sub-cube is of other data than the old images, so that it cannot be put into them.
    """
    new = open_cube(plan.name(run))
    expected = (cube.lengths[0], run[1] - run[0] + 1, *cube.lengths[2:])
    if new.lengths != expected:
        raise ValueError(
            f"{new.path('model')} should have (polarizations, channels, height, width) {expected} (got {new.lengths}): "
            f"the parameters are not those of {cube.root}"
        )
    for channel in plan.bad(run):
        _check_clean_mask(plan.name(run), new, channel - run[0])
    differences = [
        _differences(new, cube, run, polarization, channel, noise[channel])
        for polarization in range(cube.lengths[0])
        for channel in unaffected(run, plan.channels, cube.channels)
    ]
    model, psf, residual = np.max(differences, axis=0) if differences else (0, 0, 0)
    if model > 0:
        raise ValueError(f"tclean did not take the start model {plan.name(run)}.startmodel; its log tells why")
    if psf <= SAME_PSF and residual <= SAME_RESIDUAL:
        return []
    text = (
        f"channels that were not cleaned again came out of tclean with another PSF (by {psf:.2g} of its peak) or "
        f"residual (by {residual:.2g} sigma) than in {cube.root}: the data, their weights or the parameters differ"
    )
    if plan.method == "subcubes":
        raise OtherDataError(text)
    return [text]


def _check_clean_mask(name, new, channel):
    for polarization in range(new.lengths[0]):
        wanted, used = (read_plane(name + suffix, new, polarization, channel) > 0 for suffix in (".cleanmask", ".mask"))
        if (wanted != used).any():
            raise ValueError(f"tclean did not take the clean mask {name}.cleanmask; its log tells why")


def _differences(new, cube, run, polarization, channel, noise):
    """Largest difference of model in Jy, PSF in its peak, and residual in noise."""
    model, psf, residual = (
        _difference(product, new, cube, run, polarization, channel) if product in cube.products else 0.0
        for product in ("model", "psf", "residual")
    )
    return model, psf, residual / noise


def _difference(product, new, cube, run, polarization, channel):
    old_plane = read_channels(cube, product, polarization, channel, channel)
    new_plane = read_channels(new, product, polarization, channel - run[0], channel - run[0])
    return np.nan_to_num(np.abs(new_plane - old_plane)).max()


def changed_beside(plan, run, cube, noise):
    """Good channels beside the bad ones of a run whose residual changed, because it held a part of their model."""
    new = open_cube(plan.name(run))
    return [
        channel
        for channel in beside(run, plan.channels)
        for polarization in range(cube.lengths[0])
        if _difference("residual", new, cube, run, polarization, channel) > SAME_RESIDUAL * noise[channel]
    ]


def residual_peaks(plan, cube):
    """
    How deep was cleaned: peaks of the residual within the clean mask.

    Parameters
    ----------
    plan : `~confetti_task.private.plan.Plan`
        What was done.
    cube : `~confetti_task.private.images.Cube`
        The old images.

    Returns
    -------
    before, after : float
        Of the channels that were cleaned again, in Jy/beam and of either sign: in the old images and in the new ones.
    beside : float
        Of the good channels near them: the median. NaN where there are none.
    """
    new = {channel: (open_cube(plan.name(run)), run) for run in plan.runs for channel in plan.bad(run)}
    before, after = [], []
    for (polarization, channel), cleaned in channels_to_clean(cube, plan.channels):
        mended, run = new[channel]
        before.append(_peak(cube, polarization, channel, cleaned))
        after.append(_peak(mended, polarization, channel - run[0], cleaned))
    near = {channel + step for channel in plan.channels for step in range(-MARGIN_CHANNELS, MARGIN_CHANNELS + 1)}
    near = sorted(near & set(range(cube.channels)) - set(plan.channels))
    peaks = [_peak(cube, *where, cleaned) for where, cleaned in channels_to_clean(cube, near)]
    return max(before), max(after), float(np.median(peaks)) if peaks else np.nan


def _peak(cube, polarization, channel, cleaned):
    residual = read_channels(cube, "residual", polarization, channel, channel)[0]
    return float(np.abs(np.nan_to_num(residual[cleaned > 0])).max(initial=0))
