"""A page that summarizes the checks of many cubes."""

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from astropy.table import QTable

from ..check.proof_table import channels_by_outcome, read_proof_of
from ..check.tables import bad_channels, checked_channels, diverged_channels, suspicious_channels
from ..images.channels import format_channels
from .html import fill_page, filters, paragraph, table

COLUMNS = (
    ("cube", "links to its report", "text"),
    ("verdict", "", "text"),
    ("severity", "worst, sigma", ""),
    ("bad channels", "", "text"),
    ("bad", "channels", ""),
    ("diverged", "channels", ""),
    ("suspicious", "channels", ""),
    ("checked", "channels", ""),
    ("confetti", "pixels", ""),
    ("flux", "total, Jy", ""),
    ("proved", "fake sources", ""),
    ("acquitted", "channels", ""),
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
    body = [
        "<h1>Confetti summary</h1>",
        _count([row[1][0] for row in rows]),
        paragraph("Worst cubes first; click on a column heading to sort.", "soft"),
        filters("cubes"),
        table("cubes", "Cubes", COLUMNS, rows),
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write(fill_page("confetti summary", body))
    return len(rows)


def _count(verdicts):
    """How many cubes have confetti, and how many more are suspicious."""
    bad, suspicious = verdicts.count("confetti"), verdicts.count("suspicious")
    more = f", <b>{suspicious}</b> more {'is' if suspicious == 1 else 'are'} suspicious" if suspicious else ""
    kind = "confetti" if bad else "suspicious" if suspicious else ""
    return f'<p class="verdict {kind}"><b>{bad} of {len(verdicts)}</b> cubes have confetti{more}.</p>'


def _how_bad(row):
    """Sort key: cubes with channels that diverged first, then by severity, then by number of suspicious channels."""
    numbers = dict(zip((name for name, *_ in COLUMNS), (value for _, value in row)))
    return not numbers["diverged"] > 0, -numbers["severity"], -numbers["suspicious"]


def _tables_below(folder):
    """Tables of channels in and below a folder, except in hidden folders: killed checks leave partial products."""
    for path in folder.rglob("*" + ENDING):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _row(path, here):
    root = str(path)[: -len(ENDING)]
    name = (_link(root, here), None)
    try:
        channels = QTable.read(str(path), format="ascii.ecsv")
        meta = channels.meta
        proof, fault = _proof(root)
        texts = [meta.get("date", ""), "; ".join([*meta["warnings"], *fault])]
        return [name, (meta["verdict"], None), *_numbers(channels), *proof, *((escape(text), None) for text in texts)]
    except (OSError, ValueError, KeyError) as error:  # a broken table must not hide the others
        nothing = [("", None if kind else -np.inf) for _, _, kind in COLUMNS[2:-1]]
        return [name, ("unreadable", None), *nothing, (escape(str(error)), None)]


def _numbers(channels):
    """Cells from severity to flux."""
    bad = bad_channels(channels)
    severity, flux = channels["severity"].max(initial=0), channels["flux"].value.sum()
    checked, diverged = checked_channels(channels), diverged_channels(channels)
    return [
        (f"{severity:.1f}", severity),
        (escape(format_channels(bad)), None),
        *map(_number, (len(bad), len(diverged), len(suspicious_channels(channels)), len(checked))),
        _number(int(np.sum(channels["confetti"]))),
        (f"{flux:.3g}", flux),
    ]


def _number(value):
    return str(value), value


def _proof(root):
    """Cells of the proof next to the images, empty without one, and what is wrong with its table."""
    nothing = [("", -np.inf)] * 2
    try:
        proof = read_proof_of(_name(root))
    except ValueError as error:
        return nothing, [str(error)]
    if proof is None:
        return nothing, []
    _, acquitted, _ = channels_by_outcome(proof)
    return [_number(int(np.sum(proof["proof"] == "proved"))), _number(len(acquitted))], []


def _name(root):
    """Root name of the images, where the products have their usual name."""
    return root[: -len(".confetti")] if root.endswith(".confetti") else root


def _link(root, here):
    name = escape(os.path.relpath(_name(root), here))
    if not os.path.exists(root + ".html"):
        return name
    return f'<a href="{quote(Path(os.path.relpath(root + ".html", here)).as_posix())}">{name}</a>'
