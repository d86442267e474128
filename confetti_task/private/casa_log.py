"""What the package logs, in the log of CASA."""

import logging
from contextlib import contextmanager

PACKAGE = logging.getLogger(__name__.split(".")[0])


class CasaLog(logging.Handler):
    """Hands messages to the log of CASA."""

    def emit(self, record):
        from casatasks import casalog

        casalog.post(record.getMessage(), "WARN" if record.levelno >= logging.WARNING else "INFO")


@contextmanager
def logged_by_casa():
    """Hand all messages of the package to the log of CASA, each once, also where one task calls another."""
    if any(isinstance(handler, CasaLog) for handler in PACKAGE.handlers):
        yield
        return
    handler, level = CasaLog(), PACKAGE.level
    PACKAGE.addHandler(handler)
    PACKAGE.setLevel(logging.INFO)
    try:
        yield
    finally:
        PACKAGE.removeHandler(handler)
        PACKAGE.setLevel(level)
