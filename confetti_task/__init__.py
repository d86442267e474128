"""Find the fake sources that CLEAN writes into the models of spectral cubes, and mend the cubes, as CASA tasks."""

from .confetti_check import confetti_check
from .confetti_plot import confetti_plot
from .confetti_reclean import confetti_reclean
from .find_confetti import find_confetti
from .finish_reclean import finish_reclean
from .rising_channels import rising_channels
from .version import __version__

__all__ = [
    "__version__",
    "confetti_check",
    "confetti_plot",
    "confetti_reclean",
    "find_confetti",
    "finish_reclean",
    "rising_channels",
]
