"""Whether what tclean made continues the old images, and how well it cleaned."""

import numpy as np

from ..check.clean_mask import channels_to_clean
from ..images.cube import open_cube
from ..images.pixels import read_channel, read_plane
from .remedy import beside, near, unaffected

# Where nothing was cleaned again tclean must give the old planes. Measured differences are 1e-6 of the brightest
# emission, from frequencies that are rounded.
SAME_MODEL = 1e-6  # of its peak
SAME_PSF = 1e-3  # of its peak: a source of 50 sigma is off by 0.05 sigma
SAME_IMAGE = 0.05  # in noise, residual and image alike


class OtherDataError(ValueError):
    """The data or the parameters are not those that the old images were made with."""


def check_run(plan, run, cube, noise):
    """
    Check that a run of tclean did what it was asked for, with the data of the old images.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        What was to be done.
    run : tuple of int
        First and last channel.
    cube : `images.cube.Cube`
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
    expected = (cube.shape[0], run[1] - run[0] + 1, *cube.shape[2:])
    if new.shape != expected:
        raise ValueError(
            f"{new.path('model')} should have (polarizations, channels, height, width) {expected} (got {new.shape}): "
            f"the parameters are not those of {cube.root}"
        )
    for channel in plan.bad(run):
        _check_clean_mask(plan.name(run), new, channel - run[0])
    good, bad = near(run, plan.channels), plan.bad(run)
    if _largest("model", new, cube, run, good) > SAME_MODEL:
        raise ValueError(f"tclean did not take the start model {plan.name(run)}.startmodel; its log tells why")
    psf = _largest("psf", new, cube, run, good + bad) if "psf" in cube.products else 0.0
    compared = unaffected(run, plan.channels, cube.channels)
    residual, image = (_largest(product, new, cube, run, compared, noise) for product in ("residual", "image"))
    if not psf > SAME_PSF and residual <= SAME_IMAGE and image <= SAME_IMAGE:  # a PSF may be blank everywhere
        return []
    text = DIFFERENT.format(psf=psf, residual=residual, image=image, root=cube.root)
    if np.isnan(residual):
        text = NOT_COMPARED.format(name=plan.name(run), root=cube.root)
    if plan.method == "subcubes":
        raise OtherDataError(text)
    return [text] if good else []


DIFFERENT = (
    "where nothing was cleaned again tclean gave another PSF (by {psf:.2g} of its peak), residual (by {residual:.2g} "
    "sigma) or image (by {image:.2g} sigma) than {root} has: the data, their weights, the parameters or the restoring "
    "beam differ; give the vis or the parameters that it was made with, or take the full cube with method='cube'"
)
NOT_COMPARED = "{name} has no channel, or only blank ones, to tell whether it is of the same data as {root}"


def _check_clean_mask(name, new, channel):
    for polarization in range(new.shape[0]):
        wanted, used = (read_plane(name + suffix, new, polarization, channel) > 0 for suffix in (".cleanmask", ".mask"))
        if (wanted != used).any():
            raise ValueError(f"tclean did not take the clean mask {name}.cleanmask; its log tells why")


def _largest(product, new, cube, run, channels, noise=None):
    """Largest difference in noise, or where that is not given in the peak of the old plane; NaN without any plane."""
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


def changed_beside(plan, run, cube, noise):
    """Good channels beside the bad ones of a run whose residual changed, because it held a part of their model."""
    new = open_cube(plan.name(run))
    return [
        channel
        for channel in beside(run, plan.channels)
        for polarization in range(cube.shape[0])
        if _difference("residual", new, cube, run, polarization, channel, noise) > SAME_IMAGE
    ]


def state_of_channels(plan, cube):
    """
    Flux of the model and peak of the residual within the clean mask, before and after.

    Parameters
    ----------
    plan : `reclean.plan.Plan`
        What was done.
    cube : `images.cube.Cube`
        The old images.

    Returns
    -------
    before, after : dict
        Of the channels that were cleaned again: model_flux in Jy, and residual, a peak of either sign in Jy/beam.
    depth : float
        Median of the peaks of the residual in the good channels near them; NaN where there are none.
    """
    before, after = ({"model_flux": 0.0, "residual": 0.0} for _ in range(2))
    depth = []
    for run in plan.runs:
        new = open_cube(plan.name(run))
        for polarization in range(cube.shape[0]):
            for channel in plan.bad(run):
                cleaned = read_plane(plan.name(run) + ".cleanmask", new, polarization, channel - run[0]) > 0
                for state, images, number in ((before, cube, channel), (after, new, channel - run[0])):
                    state["model_flux"] += _flux(images, polarization, number)
                    state["residual"] = max(state["residual"], _peak(images, polarization, number, cleaned))
        good = channels_to_clean(cube, near(run, plan.channels))
        depth += [_peak(cube, *where, cleaned) for where, cleaned in good]
    return before, after, float(np.median(depth)) if depth else np.nan


def _flux(cube, polarization, channel):
    return float(np.nansum(read_channel(cube, "model", polarization, channel), dtype=float))


def _peak(cube, polarization, channel, cleaned):
    residual = read_channel(cube, "residual", polarization, channel)
    return float(np.abs(np.nan_to_num(residual[cleaned])).max(initial=0))
