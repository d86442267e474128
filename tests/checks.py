"""The check without its report, whose pictures take longer than the small skies of most tests; test_page.py has it."""

from functools import partial

import confetti_task

confetti_check = partial(confetti_task.confetti_check, report=False)
