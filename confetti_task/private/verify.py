"""Whether what tclean made continues the old images, and how well it cleaned."""

import numpy as np

from .images import open_cube, read_channels, read_plane
from .remedy import beside, unaffected

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
    Peak of the residual within the clean masks of the channels that were cleaned again.

    Parameters
    ----------
    plan : `~confetti_task.private.plan.Plan`
        What was done.
    cube : `~confetti_task.private.images.Cube`
        The old images.

    Returns
    -------
    before, after : float
        Of either sign, in Jy/beam.
    """
    peaks = [(0.0, 0.0)]
    for run in plan.runs:
        new = open_cube(plan.name(run))
        for polarization in range(cube.lengths[0]):
            for channel in plan.bad(run):
                cleaned = read_plane(plan.name(run) + ".cleanmask", new, polarization, channel - run[0]) > 0
                old_plane = read_channels(cube, "residual", polarization, channel, channel)[0]
                new_plane = read_channels(new, "residual", polarization, channel - run[0], channel - run[0])[0]
                peaks.append([np.abs(np.nan_to_num(plane[cleaned])).max(initial=0) for plane in (old_plane, new_plane)])
    return tuple(np.max(peaks, axis=0).tolist())
