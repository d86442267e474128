"""The tasks for an interactive CASA session: ``from confetti_task.gotasks import confetti_check``."""

from .confetti_check import confetti_check
from .confetti_reclean import confetti_reclean

__all__ = ["confetti_check", "confetti_reclean"]
