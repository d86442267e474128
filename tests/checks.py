"""
What tests of both tasks share.

The check is without its report, whose pictures take longer than the small skies of most tests; test_page.py has it.
"""

from ast import literal_eval
from functools import partial

from astropy.table import QTable

import confetti_task

confetti_check = partial(confetti_task.confetti_check, report=False)


def assert_documented(result, keys):
    """Fail unless a returned dictionary has the keys that the XML documents, in that order and of those types."""
    assert list(result) == [key.name for key in keys]
    wrong = {key.name: result[key.name] for key in keys if not _is_of(result[key.name], key.type)}
    assert not wrong


def _is_of(value, kind):
    if kind.startswith("{"):
        return value in literal_eval(kind)
    return any(_is_one(value, one) for one in kind.split(" or "))


def _is_one(value, kind):
    if kind.startswith("list of "):
        return isinstance(value, list) and all(_is_one(item, kind[len("list of ") :]) for item in value)
    if kind.startswith("dict of "):
        return isinstance(value, dict) and all(_is_one(item, kind[len("dict of ") :]) for item in value.values())
    return value is None if kind == "None" else type(value).__name__ == kind


def places(result, kind):
    """Channel, y and x of the sources of a class in the table of a result."""
    table = QTable.read(result["table"])
    return {tuple(row) for row in table[table["class"] == kind]["channel", "y", "x"]}
