"""The check without its report, whose pictures take longer than the small skies of most tests; test_page.py has it."""

from functools import partial

from astropy.table import QTable

import confetti_task

confetti_check = partial(confetti_task.confetti_check, report=False)


def places(result, kind):
    """Channel, y and x of the sources of a class in the table of a result."""
    table = QTable.read(result["table"])
    return {tuple(row) for row in table[table["class"] == kind]["channel", "y", "x"]}
