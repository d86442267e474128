"""The record of tclean: what it returned, given by the user or read from a file."""

import json
import os

import numpy as np

from ..core.minor_cycles import rises

WHAT_IT_IS = "the dictionary that tclean returned, or the name of a file with it, written by json.dump or numpy.save"


def read_record(record, cube):
    """
    Read by how much the peak residual rose in each channel of a cube.

    Parameters
    ----------
    record : dict, str or list of those
        What tclean returned, or the name of a file with it; '' for none. A list holds those of the pieces of a cube,
        joined or not, in the order of their channels, or those of several runs that made the same channels.
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    rises : 1D float32 `~numpy.ndarray`
        From `core.minor_cycles.rises`, one for each channel; NaN without a record.

    Raises
    ------
    ValueError
        If a record cannot be read, or is of another cube.
    """
    found = np.full(cube.channels, np.nan, dtype=np.float32)
    several = record if isinstance(record, list) else [] if record == "" else [record]
    risen = [_rises(item, name) for item, name in zip(several, _names(several))]
    lengths = [max(each, default=-1) + 1 for each in risen]
    joined = sum(lengths) == cube.channels
    if not joined and max(lengths, default=0) > cube.channels:
        raise ValueError(
            f"record is of a cube with {max(lengths)} channels, but {cube.name} has {cube.channels}; of a cube in "
            "pieces give a list, with what tclean returned for each piece"
        )
    for number, each in enumerate(risen):
        first = sum(lengths[:number]) if joined else 0
        for channel, rise in each.items():
            found[first + channel] = np.fmax(found[first + channel], rise)
    return found


def _names(several):
    """What to call each record in an error."""
    return [f"record={item!r}" if isinstance(item, str) else f"record[{n}]" for n, item in enumerate(several)]


def _rises(record, name):
    try:
        return rises(_read(record))
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def _read(record):
    """A record, from its file if it is a name."""
    if not isinstance(record, str):
        return record
    if not os.path.isfile(record):
        raise ValueError(f"is no file; record should be {WHAT_IT_IS}")
    try:
        if record.endswith(".npy"):
            return np.load(record, allow_pickle=True).item()
        with open(record, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be read ({error}); record should be {WHAT_IT_IS}") from error


def described(record):
    """The record as it appears in the call that the products keep: the names of files, not what is in them."""
    if isinstance(record, list):
        return [described(item) for item in record]
    return record if isinstance(record, str) else "what tclean returned"
