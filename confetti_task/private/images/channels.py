"""Channel selections in CASA's syntax: '3~20;25'."""

import re

import numpy as np

_RANGE = re.compile(r"\s*(?:(?P<first>\d+)\s*(?:~\s*(?P<last>\d+))?|(?P<side>[<>])\s*(?P<edge>\d+))\s*$")


def selection(chans):
    """
    Write a selection of channels as text.

    Parameters
    ----------
    chans : str, int or sequence of int
        Text as for `parse_channels`, which is returned as it is; or channels, 0-based.

    Returns
    -------
    text : str
        The selection in CASA's syntax.

    Raises
    ------
    ValueError
        If these are not channels.
    """
    if isinstance(chans, str):
        return chans
    numbers = np.ravel(chans).tolist()
    # CASA's type checker makes floats of integers of numpy.
    if not numbers or not all(type(number) in (int, float) and float(number).is_integer() for number in numbers):
        raise ValueError(f"chans={chans!r} should be text like '3~20;25', a channel, or a list of channels")
    return format_channels(map(int, numbers))


def parse_channels(text, number):
    """
    Parse a channel selection.

    Parameters
    ----------
    text : str
        Ranges separated by ';' or ',': '3', '3~20', '<40', '>7'. Empty for all channels.
    number : int
        Number of channels of the cube.

    Returns
    -------
    channels : list of int
        The selected channels, 0-based, in ascending order.

    Raises
    ------
    ValueError
        If the text is not a selection, or selects a channel beyond the cube.
    """
    if not text.strip():
        return list(range(number))
    selected = set()
    for part in re.split("[;,]", text):
        selected.update(_parse_range(part, text, number))
    return sorted(selected)


def _parse_range(part, text, number):
    match = _RANGE.match(part)
    if match is None:
        raise ValueError(f"chans='{text}': cannot read '{part}'; write ranges like '3~20;25', '>7' or '<40'")
    if match["side"] == "<":
        first, last = 0, int(match["edge"]) - 1
    elif match["side"] == ">":
        first, last = int(match["edge"]) + 1, number - 1
    else:
        first, last = int(match["first"]), int(match["last"] or match["first"])
    if match["last"] and last < first:
        raise ValueError(f"chans='{text}': '{part}' ends before it begins; write '{last}~{first}'")
    if not 0 <= first <= last < number:
        raise ValueError(f"chans='{text}': '{part}' is outside the cube; select from its channels 0~{number - 1}")
    return range(first, last + 1)


def format_channels(channels):
    """Format channels in CASA's syntax: [17, 18, 20] as '17~18;20'."""
    return ";".join(
        str(start) if end == start + 1 else f"{start}~{end - 1}" for start, end in contiguous_ranges(sorted(channels))
    )


def contiguous_ranges(channels):
    """Start and end (exclusive) of every run of consecutive numbers in an ascending sequence, as a list of tuples."""
    ranges = []
    for channel in channels:
        if ranges and channel == ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], channel + 1)
        else:
            ranges.append((channel, channel + 1))
    return ranges
