"""Find the fake sources that CLEAN writes into the models of spectral cubes, as a CASA task."""

from .confetti_check import confetti_check
from .version import __version__

__all__ = ["__version__", "confetti_check"]
