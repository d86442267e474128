"""
How bad channels are cleaned again: which channels are imaged, and with which parameters of tclean.

Pure functions. Measured with the real tclean: a model that starts from nothing in the bad channels, a clean mask that
holds nothing but them and a loop gain of 0.1 leave none of 110 to 1500 fake sources; clean masks with holes make more.
"""

import numpy as np
from astropy import units

from ..images.channels import contiguous_ranges

# tclean interpolates models between channels where the channels of the data are not those of the image. The residual
# beside a bad channel then holds a part of its model, 0.1 to 0.2 of it on grids that are off by half a channel, and
# comes out right only if the channel after that has its model too.
MARGIN_CHANNELS = 2
# One more on one side: the models within one channel of the one before it stay as they were, so its residual must too.
CHECK_CHANNELS = 1
# What a run of tclean costs beyond its channels, in channels: reading the data and their weights. With 90000
# visibilities a channel 200 channels took 54 s, and 10 of them 5 s.
RUN_CHANNELS = 10
# Sub-cubes that cost more than this part of the cube are not worth being put together again.
LARGEST_PART = 0.5

# How deep a clean that diverges again is cleaned, in noise: the usual depth.
DEPTH_SIGMA = 3

# tclean counts iterations in 32 bits.
MOST_ITERATIONS = 2**31 - 1

# Why each parameter is not as it was recorded.
REASONS = {
    "imagename": "in the work folder, so that nothing is overwritten",
    "startmodel": "the old model, but for the bad channels",
    "mask": "the old clean mask in the bad channels, nothing in the others",
    "usemask": "takes this clean mask",
    "pbmask": "the clean mask has it already",
    "gain": "a high loop gain is what makes confetti",
    "cyclefactor": "below 1 a minor cycle goes deeper than the sidelobes of the PSF",
    "niter": "as many more as the loop gain is smaller",
    "nmajor": "a limit for another gain",
    "threshold": "three times the noise: farther down CLEAN fits noise",
    "nchan": "of the sub-cube",
    "start": "of the sub-cube",
    "width": "of the cube",
    "restoringbeam": "of the cube: the sub-cube's common beam would be another",
    "restart": "from the start model",
    "calcres": "the residual of the start model",
    "calcpsf": "of these channels",
    "restoration": "makes the image",
    "interactive": "nobody watches",
    "savemodel": "the data are never changed",
}


def sub_cubes(bad, channels):
    """
    Ranges of channels to image for cleaning bad channels again.

    Parameters
    ----------
    bad : sequence of int
        The bad channels, ascending.
    channels : int
        Number of channels of the cube.

    Returns
    -------
    ranges : list of tuple of int
        First and last channel of each, with the channels beside the bad ones that are needed; ranges that cost less as
        one are one.
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
    """At the beginning of the cube there may be none to compare before the bad channels: then there is one after."""
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
    method : {'auto', 'subcubes', 'cube'}
        The way that was asked for; 'auto' takes sub-cubes where they cost at most half of the cube.
    bad : sequence of int
        The bad channels, ascending.
    channels : int
        Number of channels of the cube.

    Returns
    -------
    ranges : list of tuple of int
        First and last channel of each run of tclean.
    """
    ranges, full = sub_cubes(bad, channels), [(0, channels - 1)]
    if method == "cube" or (method == "auto" and cost(ranges) > LARGEST_PART * cost(full)):
        return full
    return ranges


def unaffected(run, bad, channels):
    """
    Channels of a run of tclean that must come out as they were.

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
        Those two channels away from a bad one whose model, and the models on both sides of it, stay as they were. Those
        farther away would tell nothing new.
    """
    first, last = run
    same = set(range(first, last + 1)) - set(bad) | {-1, channels}
    second = {channel + step for channel in bad for step in (-2, 2)} & set(range(first, last + 1))
    return sorted(channel for channel in second if {channel - 1, channel, channel + 1} <= same)


def near(run, bad):
    """Good channels of a run of tclean within three of a bad one."""
    steps = range(-MARGIN_CHANNELS - CHECK_CHANNELS, MARGIN_CHANNELS + CHECK_CHANNELS + 1)
    good = {channel + step for channel in bad for step in steps} - set(bad)
    return sorted(channel for channel in good if run[0] <= channel <= run[1])


def beside(run, bad):
    """Good channels of a run of tclean next to a bad one: their residual may change with it."""
    first, last = run
    flanks = {channel + step for channel in bad for step in (-1, 1)} - set(bad)
    return sorted(channel for channel in flanks if first <= channel <= last)


def remedied(recorded, gain, depth=0.0):
    """
    Parameters of tclean as the remedy needs them.

    Parameters
    ----------
    recorded : dict
        As tclean was called.
    gain : float
        Largest loop gain.
    depth : float
        Least threshold in Jy/beam.

    Returns
    -------
    parameters : dict
        All of ``recorded``, changed where the remedy needs it.

    Raises
    ------
    ValueError
        If the recorded parameters are of no cube, never cleaned, or clean without a threshold.
    """
    _check_recorded(recorded)
    old_gain = recorded.get("gain", 0.1)
    gain = min(gain, old_gain)
    changes = {
        "usemask": "user",
        "pbmask": 0.0,
        "gain": gain,
        "cyclefactor": max(1.0, recorded.get("cyclefactor", 1.0)),
        "niter": min(int(np.ceil(recorded["niter"] * old_gain / gain)), MOST_ITERATIONS),
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


def _check_recorded(recorded):
    if not recorded.get("specmode", "mfs").startswith("cube"):
        raise ValueError(f"tclean was called with specmode='{recorded.get('specmode', 'mfs')}'; only cubes are mended")
    if recorded.get("outlierfile"):
        raise ValueError(
            f"tclean was called with outlierfile='{recorded['outlierfile']}', whose images would be cleaned again too; "
            "set parameters={'outlierfile': ''} if they may be left out"
        )
    if recorded.get("niter", 0) == 0:
        raise ValueError(
            "tclean was called with niter=0: how far to clean is not recorded; give "
            "parameters={'niter': ..., 'threshold': ...}"
        )
    if threshold(recorded) == 0 and not recorded.get("nsigma", 0):
        raise ValueError(
            "tclean was called without threshold and nsigma: all niter iterations would go into the bad channels, far "
            "into the noise; give parameters={'threshold': ...} or parameters={'nsigma': ...}"
        )


def threshold(parameters):
    """Threshold of tclean in Jy/beam; 0 where there is none."""
    value = units.Quantity(parameters.get("threshold", 0) or 0)
    return value.value if value.unit.is_equivalent("") else value.to_value("Jy")


def for_sub_cube(parameters, frequencies, run, beam):
    """
    Parameters of tclean for a sub-cube in the frame of the cube.

    Parameters
    ----------
    parameters : dict
        For the full cube.
    frequencies : 1D `~numpy.ndarray`
        Of all channels of the cube, in Hz, in its own frame.
    run : tuple of int
        First and last channel.
    beam : list of str or None
        Major axis, minor axis and position angle of the one restoring beam of the image; None where every channel has
        its own.

    Returns
    -------
    parameters : dict
        For these channels.
    """
    first, last = run
    width = (frequencies[-1] - frequencies[0]) / (len(frequencies) - 1)
    changes = {"nchan": last - first + 1, "start": f"{float(frequencies[first])!r}Hz", "width": f"{float(width)!r}Hz"}
    if "common" in np.atleast_1d(parameters.get("restoringbeam", "")).tolist():
        changes["restoringbeam"] = beam
    return dict(parameters, **changes)
