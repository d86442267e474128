"""A page that summarizes the checks of many cubes."""

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from astropy.table import QTable

from ..check.tables import bad_channels, checked_channels, diverged_channels
from ..images.channels import format_channels
from .html import fill_page, paragraph, table

COLUMNS = (
    ("cube", "links to its report", "text"),
    ("verdict", "", "text"),
    ("severity", "worst, sigma", ""),
    ("bad channels", "", "text"),
    ("bad", "channels", ""),
    ("diverged", "channels", ""),
    ("checked", "channels", ""),
    ("confetti", "pixels", ""),
    ("flux", "total, Jy", ""),
    ("checked on", "", "text"),
    ("warnings", "", "why"),
)
ENDING = ".channels.ecsv"


def write_summary(folders, path):
    """
    Write a page with one row for each cube that was checked.

    Parameters
    ----------
    folders : list of str
        Folders to search, with all folders below.
    path : str
        Name of the page, which links to the reports next to the tables.

    Returns
    -------
    rows : int
        Number of cubes.

    Raises
    ------
    ValueError
        If a folder does not exist, or if none of them has products of confetti_check.
    """
    missing = [folder for folder in folders if not os.path.isdir(folder)]
    if missing:
        raise ValueError(f"{' and '.join(missing)}: no such folder; give folders with products of confetti_check")
    found = sorted({table for folder in folders for table in _tables_below(Path(folder).resolve())})
    if not found:
        raise ValueError(f"no *{ENDING} found in or below {' or '.join(folders)}; call confetti_check first")
    here = Path(path).resolve().parent
    rows = sorted((_row(table, here) for table in found), key=_how_bad)
    bad = sum(row[1][0] == "confetti" for row in rows)
    body = [
        "<h1>Confetti summary</h1>",
        f'<p class="verdict {"confetti" if bad else ""}"><b>{bad} of {len(rows)}</b> cubes have confetti.</p>',
        paragraph("Worst cubes first; click on a column heading to sort.", "soft"),
        '<div class="filters"><label>Find <input type="search" data-filters="cubes"></label>'
        '<span class="soft" data-counts="cubes"></span></div>',
        table("cubes", COLUMNS, rows),
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write(fill_page("confetti summary", body))
    return len(rows)


def _how_bad(row):
    """Sort key: cubes with channels that diverged first, then by severity."""
    numbers = dict(zip((name for name, *_ in COLUMNS), (value for _, value in row)))
    return not numbers["diverged"] > 0, -numbers["severity"]


def _tables_below(folder):
    """Tables of channels in and below a folder, except in hidden folders: killed checks leave partial products."""
    for path in folder.rglob("*" + ENDING):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _row(path, here):
    root = str(path)[: -len(ENDING)]
    name = _link(root, here)
    try:
        channels = QTable.read(str(path), format="ascii.ecsv")
        meta = channels.meta
        bad = bad_channels(channels)
        checked, diverged = checked_channels(channels), diverged_channels(channels)
        severity, flux = channels["severity"].max(initial=0), channels["flux"].value.sum()
        pixels = int(np.sum(channels["confetti"]))
        numbers = [
            (f"{severity:.1f}", severity),
            (escape(format_channels(bad)), None),
            (str(len(bad)), len(bad)),
            (str(len(diverged)), len(diverged)),
            (str(len(checked)), len(checked)),
            (str(pixels), pixels),
            (f"{flux:.3g}", flux),
        ]
        texts = [meta.get("date", ""), "; ".join(meta["warnings"])]
        return [(name, None), (meta["verdict"], None), *numbers, *((escape(text), None) for text in texts)]
    except (OSError, ValueError, KeyError) as error:  # a broken table must not hide the others
        nothing = [("", -np.inf), ("", None), *[("", -np.inf)] * 5, ("", None)]
        return [(name, None), ("unreadable", None), *nothing, (escape(str(error)), None)]


def _link(root, here):
    name = root[: -len(".confetti")] if root.endswith(".confetti") else root
    name = escape(os.path.relpath(name, here))
    if not os.path.exists(root + ".html"):
        return name
    return f'<a href="{quote(Path(os.path.relpath(root + ".html", here)).as_posix())}">{name}</a>'
