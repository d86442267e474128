"""
The remedy: which channels to image again, and with which of tclean's parameters. Pure functions.

A start model that is empty in the bad channels, a clean mask that covers only them and a loop gain of 0.1 leave no fake
source; clean masks with holes make more. The remedies that were tried are compared in docs/explanation/method.md.
"""

from collections import namedtuple
from math import ceil

import numpy as np
from astropy import units

from ..images.channels import contiguous_ranges

# If the channels of the image are not those of the visibilities, tclean interpolates the model between channels. The
# residual of the channel next to a bad one then contains part of the bad model (0.1 to 0.2 of it if the grids are off
# by half a channel), and comes out right only if the channel beyond it is imaged with its model too.
MARGIN_CHANNELS = 2
# One more on one side, for comparison: it and its neighbours keep their models, so its residual must not change.
CHECK_CHANNELS = 1
# Overhead of a tclean run, in channels, for reading the visibilities and weights. With 90000 visibilities a channel,
# 200 channels took 54 s, and 10 channels 5 s.
RUN_CHANNELS = 10
# Sub-cubes that cost more than this fraction of the cube are not worth it.
LARGEST_PART = 0.5
# Suspicious channels are cleaned again whatever it costs, up to this fraction of the channels of the cube.
LEAST_SUSPECTS = 0.1

# Threshold, in units of the channel rms, for channels that diverge again: the usual depth.
DEPTH_SIGMA = 3

# tclean counts iterations in 32 bits.
MOST_ITERATIONS = 2**31 - 1
# Peak residual of a channel, in units of the residual at which tclean stops there, above which something other than the
# threshold ended the clean. tclean goes on until the peak is at most 1.01 of it; but with nsigma it uses its own noise,
# which emission in the residual makes larger than ours.
ABOVE_STOP = 2.0
# Number of good channels in which this is measured: it is decided by the majority.
DEPTH_CHANNELS = 16
# Minimum share of a channel, in iterations times loop gain. An iteration takes the loop gain, as a fraction, off the
# peak of a source: 10 make a point source fainter by e^10 = 22000, and 100 do so to ten of them.
LEAST_CLEANING = 100

# Why each parameter differs from the recorded one, for the comments in the script.
REASONS = {
    "imagename": "in the work folder, so that no image is overwritten",
    "startmodel": "the old model, except in the bad channels",
    "mask": "the old clean mask in the bad channels, empty in all others",
    "usemask": "to use this clean mask",
    "pbmask": "already part of the clean mask",
    "gain": "a high loop gain causes confetti",
    "cyclefactor": "below 1 a minor cycle cleans deeper than the sidelobes of the PSF",
    "niter": "multiplied by the ratio of the loop gains",
    "nmajor": "the limit was meant for another loop gain",
    "threshold": "three times the channel rms: below that CLEAN fits noise",
    "nchan": "of the sub-cube",
    "start": "of the sub-cube",
    "width": "channel width of the cube",
    "restoringbeam": "that of the cube: the common beam of the sub-cube would differ",
    "restart": "to start from the start model",
    "calcres": "to compute the residual of the start model",
    "calcpsf": "to compute the PSF of these channels",
    "restoration": "to make the image",
    "interactive": "the script runs unattended",
    "savemodel": "so that the visibilities are not changed",
}
SHARE = (
    "niter, not the threshold, ended the recorded clean: the share of these channels, multiplied by the ratio of the "
    f"loop gains, but at least {LEAST_CLEANING} / gain for each"
)

# How deep the recorded clean went: the number of channels that were cleaned, and for some good ones among them the peak
# residual within the clean mask and the noise, both in Jy/beam.
Reached = namedtuple("Reached", "cleaned peaks noise")


def sub_cubes(bad, channels):
    """
    Ranges of channels to image, so that bad channels can be cleaned again.

    Parameters
    ----------
    bad : sequence of int
        The bad channels, ascending.
    channels : int
        Number of channels of the cube.

    Returns
    -------
    ranges : list of tuple of int
        First and last channel of each range, with the margins that the bad channels need; ranges are joined where that
        costs less.
    """
    ranges = []
    for start, end in contiguous_ranges(bad):
        first = max(start - MARGIN_CHANNELS - CHECK_CHANNELS, 0)
        last = min(end - 1 + MARGIN_CHANNELS, channels - 1)
        if ranges and first - ranges[-1][1] - 1 <= RUN_CHANNELS:
            first, _ = ranges.pop()
        ranges.append((first, last))
    return [_with_check_channel(*run, bad, channels) for run in ranges]


def _with_check_channel(first, last, bad, channels):
    """Add a channel for comparison after the bad ones if, at the start of the cube, there is none before them."""
    if not unaffected((first, last), bad, channels):
        last = min(last + CHECK_CHANNELS, channels - 1)
    return first, last


def cost(ranges):
    """Cost of imaging these ranges of channels, in channels."""
    return sum(last - first + 1 + RUN_CHANNELS for first, last in ranges)


def choose_ranges(method, bad, channels):
    """
    Choose between sub-cubes and the full cube.

    Parameters
    ----------
    method : {'auto', 'subcubes', 'cube', 'image'}
        The requested method; 'auto' chooses sub-cubes if they cost at most half as much as the full cube.
    bad : sequence of int
        The bad channels, ascending.
    channels : int
        Number of channels of the cube.

    Returns
    -------
    ranges : list of tuple of int
        First and last channel of each tclean run.
    """
    ranges, full = sub_cubes(bad, channels), [(0, channels - 1)]
    if method in ("cube", "image") or (method == "auto" and cost(ranges) > LARGEST_PART * cost(full)):
        return full
    return ranges


def within_budget(bad, suspects, channels, method, budget):
    """
    Choose the suspicious channels that are worth their cost.

    Parameters
    ----------
    bad : list of int
        Channels that are cleaned again in any case.
    suspects : list of int
        Suspicious channels, the most suspicious first.
    channels : int
        Number of channels of the cube.
    method : {'auto', 'subcubes', 'cube', 'image'}
        What to image; with 'image' only what is cleaned again costs anything.
    budget : float
        Maximum cost, as a fraction of imaging the full cube.

    Returns
    -------
    chosen : list of int
        As many as cost no more than the budget, or than the bad channels and suspicious ones up to a tenth of the
        channels of the cube.
    """

    def of(number):
        wanted = sorted({*bad, *suspects[:number]})
        if method == "image":
            return len(wanted)
        return cost(choose_ranges(method, wanted, channels)) if wanted else 0

    full = channels if method == "image" else cost([(0, channels - 1)])
    limit = max(budget * full, of(ceil(LEAST_SUSPECTS * channels)))
    return suspects[: max(number for number in range(len(suspects) + 1) if of(number) <= limit)]


def unaffected(run, bad, channels):
    """
    Channels of a tclean run that must not change.

    Parameters
    ----------
    run : tuple of int
        First and last channel.
    bad : sequence of int
        The bad channels.
    channels : int
        Number of channels of the cube.

    Returns
    -------
    unaffected : list of int
        Channels two away from a bad one that keep their model, and whose neighbours keep theirs. Channels farther away
        would add no information.
    """
    first, last = run
    same = set(range(first, last + 1)) - set(bad) | {-1, channels}
    second = {channel + step for channel in bad for step in (-2, 2)} & set(range(first, last + 1))
    return sorted(channel for channel in second if {channel - 1, channel, channel + 1} <= same)


def near(run, bad):
    """Good channels of a tclean run within three of a bad one."""
    steps = range(-MARGIN_CHANNELS - CHECK_CHANNELS, MARGIN_CHANNELS + CHECK_CHANNELS + 1)
    good = {channel + step for channel in bad for step in steps} - set(bad)
    return sorted(channel for channel in good if run[0] <= channel <= run[1])


def adjacent(run, bad):
    """Good channels of a tclean run adjacent to a bad one, whose residual may change with it."""
    first, last = run
    flanks = {channel + step for channel in bad for step in (-1, 1)} - set(bad)
    return sorted(channel for channel in flanks if first <= channel <= last)


def nearest(good, again):
    """Good channels in which it is measured how deep a clean went: the nearest to those that are cleaned again."""
    good = np.array(sorted(good), dtype=int)
    distance = np.abs(np.subtract.outer(good, sorted(again))).min(axis=1)
    return sorted(good[np.argsort(distance, kind="stable")[:DEPTH_CHANNELS]].tolist())


def remedied(recorded, gain, depth=0.0):
    """
    Choose the parameters of the remedy.

    Parameters
    ----------
    recorded : dict
        Parameters with which tclean made the old images.
    gain : float
        Maximum loop gain.
    depth : float
        Minimum threshold in Jy/beam.

    Returns
    -------
    parameters : dict
        All of ``recorded``, changed where the remedy requires it.

    Raises
    ------
    ValueError
        If the recorded parameters are not those of a cube, have niter=0, or have no stopping threshold.
    """
    _check_recorded(recorded)
    old_gain = recorded.get("gain", 0.1)
    gain = min(gain, old_gain)
    changes = {
        "usemask": "user",
        "pbmask": 0.0,
        "gain": gain,
        "cyclefactor": max(1.0, recorded.get("cyclefactor", 1.0)),
        "niter": _all_iterations(recorded, gain),
        "restart": True,
        "calcres": True,
        "calcpsf": True,
        "restoration": True,
        "interactive": False,
        "savemodel": "none",
    }
    if "nmajor" in recorded:
        changes["nmajor"] = -1
    if threshold(recorded) < depth:
        changes["threshold"] = f"{depth:.3g}Jy"
    return dict(recorded, **changes)


def _all_iterations(recorded, gain):
    """Iterations that with another loop gain clean as much as the recorded ones."""
    return min(int(np.ceil(recorded["niter"] * recorded.get("gain", 0.1) / gain)), MOST_ITERATIONS)


def _check_recorded(recorded):
    if not recorded.get("specmode", "mfs").startswith("cube"):
        raise ValueError(
            f"tclean was called with specmode='{recorded.get('specmode', 'mfs')}'; only cubes can be cleaned again"
        )
    if recorded.get("outlierfile"):
        raise ValueError(
            f"tclean was called with outlierfile='{recorded['outlierfile']}', whose images would be cleaned again too; "
            "set parameters={'outlierfile': ''} to leave them out"
        )
    if recorded.get("niter", 0) == 0:
        raise ValueError(
            "tclean was called with niter=0, so the depth of the clean is not recorded; give "
            "parameters={'niter': ..., 'threshold': ...}"
        )
    if threshold(recorded) == 0 and not recorded.get("nsigma", 0):
        raise ValueError(
            "tclean was called without threshold or nsigma: all niter iterations would go into the bad channels, far "
            "into the noise; give parameters={'threshold': ...} or parameters={'nsigma': ...}"
        )


def threshold(parameters):
    """tclean's threshold in Jy/beam; 0 if there is none."""
    given = parameters.get("threshold", 0) or 0
    try:
        # CASA's quantities are dictionaries; a flux is per beam whether stated or not.
        text = "{value}{unit}".format(**given) if isinstance(given, dict) else given
        value = units.Quantity(text)
        if value.unit.is_equivalent("Jy/beam"):
            value = value * units.beam
        return value.value if value.unit.is_equivalent("") else value.to_value("Jy")
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(
            f"threshold={given!r} cannot be read as Jy/beam: {error}; give it as parameters={{'threshold': '10mJy'}}"
        ) from error


def stops_at(parameters, noise):
    """Peak residual in Jy/beam at which tclean stops in a channel of this noise; 0 if only niter stops it."""
    return max(threshold(parameters), parameters.get("nsigma", 0) * noise)


def ended_by_niter(parameters, reached):
    """
    Whether niter ended a clean, because the threshold of these parameters did not.

    If nmajor or a divergence ended it, this is True too: the channels had no more than their share then.

    Parameters
    ----------
    parameters : dict
        tclean's parameters.
    reached : `Reached`
        How deep the clean went.

    Returns
    -------
    ended : bool
        True if most good channels have a peak residual well above that at which tclean stops; False if none was
        measured.
    """
    above = [peak > ABOVE_STOP * stops_at(parameters, noise) for peak, noise in zip(reached.peaks, reached.noise)]
    return 2 * sum(above) > len(above)


def with_share(parameters, number, reached):
    """
    Give a tclean run its share of niter, which tclean counts in all channels together, if it ended the old clean.

    Where the threshold ended it, niter was ample, and may have gone into few channels: a share could end a run early.

    Parameters
    ----------
    parameters : dict
        tclean's parameters, with the iterations of the full cube.
    number : int
        Number of channels that are cleaned in this run.
    reached : `Reached` or None
        How deep the recorded clean went; None if niter is not to be shared.

    Returns
    -------
    parameters : dict
        The parameters with the iterations of the run.
    """
    if reached is None or not ended_by_niter(parameters, reached):
        return parameters
    share, least = parameters["niter"] * number / reached.cleaned, number * LEAST_CLEANING / parameters["gain"]
    # With niter=0, tclean would not write a mask.
    return dict(parameters, niter=min(max(ceil(share), ceil(least), 1), parameters["niter"]))


def is_share(parameters, recorded):
    """Whether a tclean run has fewer iterations than the recorded ones of the full cube."""
    return parameters["niter"] < _all_iterations(recorded, parameters["gain"])


def reason(name, parameters, recorded):
    """Why a parameter of a run differs from the recorded one; '' if it does not."""
    if name in recorded and parameters[name] == recorded[name]:
        return ""
    return SHARE if name == "niter" and is_share(parameters, recorded) else REASONS.get(name, "")


def for_sub_cube(parameters, frequencies, run, beam):
    """
    Choose the parameters for a sub-cube, in the spectral frame of the cube.

    Parameters
    ----------
    parameters : dict
        Parameters for the full cube.
    frequencies : 1D `~numpy.ndarray`
        Frequencies of all channels of the cube in Hz, in its own frame.
    run : tuple of int
        First and last channel.
    beam : list of str or None
        Major axis, minor axis and position angle of the restoring beam of the image; None if every channel has its own
        beam.

    Returns
    -------
    parameters : dict
        Parameters for these channels.
    """
    first, last = run
    width = (frequencies[-1] - frequencies[0]) / (len(frequencies) - 1)
    changes = {"nchan": last - first + 1, "start": f"{float(frequencies[first])!r}Hz", "width": f"{float(width)!r}Hz"}
    if "common" in np.atleast_1d(parameters.get("restoringbeam", "")).tolist():
        changes["restoringbeam"] = beam
    return dict(parameters, **changes)
