"""Parameters of tests that ask the same of all pairs of two things."""

import pytest


def grid(rows, columns):
    """
    All pairs: enough of them that each row and each column occurs, and the others marked 'long'.

    Parameters
    ----------
    rows, columns : iterable
        What is combined.

    Returns
    -------
    pairs : list
        For ``pytest.mark.parametrize``.
    """
    rows, columns = list(rows), list(columns)
    fewer = min(len(rows), len(columns))
    return [
        (row, column) if y % fewer == x % fewer else pytest.param(row, column, marks=pytest.mark.long)
        for y, row in enumerate(rows)
        for x, column in enumerate(columns)
    ]
