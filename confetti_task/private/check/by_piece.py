"""Split the result of a check of a cube in pieces by piece."""

from collections import namedtuple

import numpy as np

from ..images.channels import format_channels
from .verdict import verdict_of
from .warnings import warnings_of

# Cube of one root name, its rows of `CANDIDATE`, and its tables of the sources and of the channels.
Part = namedtuple("Part", "cube candidates tables")


def split(found, tables, selected):
    """
    Split the result for a joined cube into one for each piece.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements of the joined cube.
    tables : tuple of `~astropy.table.QTable`
        The sources and the channels.
    selected : sequence of int
        Channels that were checked.

    Returns
    -------
    parts : list of `Part` or None
        One for each piece, with channels counted from its own start; None if none of its channels was checked.
    """
    return [_part(found, number, tables, selected) for number in range(len(found.cube.pieces))]


def _part(found, number, tables, selected):
    cube = found.cube
    pieces, local = cube.piece_of(np.array(selected))
    chans = format_channels(local[pieces == number].tolist())
    if not chans:
        return None
    found = found._replace(
        cube=cube.pieces[number],
        channels=_of_piece(cube, found.channels, number),
        candidates=_of_piece(cube, found.candidates, number),
        mismatches=[
            mismatch._replace(piece=0, channel=cube.piece_of(mismatch.channel)[1])
            for mismatch in found.mismatches
            if mismatch.piece == number
        ],
    )
    tables = tuple(_table_of_piece(table, cube, number) for table in tables)
    for table in tables:
        parameters = dict(table.meta["parameters"], chans=chans if table.meta["parameters"]["chans"] else "")
        table.meta.update(parameters=parameters, verdict=verdict_of(found), warnings=warnings_of(found))
    return Part(found.cube, found.candidates, tables)


def _of_piece(cube, rows, number):
    pieces, local = cube.piece_of(rows["channel"])
    rows = rows.copy()
    rows["channel"] = local
    return rows[pieces == number]


def _table_of_piece(table, cube, number):
    """Rows of a piece: 'channel' counts from the start of the piece, 'spectrum_channel' from that of the cube."""
    part = table[table["piece"] == cube.pieces[number].root]
    part.rename_column("channel", "spectrum_channel")
    part.rename_column("piece_channel", "channel")
    part.remove_column("piece")
    return part
