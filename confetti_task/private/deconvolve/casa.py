"""
Minor cycles by CASA's task deconvolve, in a process of its own: CASA's tools are not thread-safe.

The task is tclean's minor cycle: a channel that was cleaned well comes out the same. Deconvolved again, careful
mosaics with emission of 800 sigma differed from what tclean had made by at most 1.4 sigma. WSClean's (Radler) is ten
times as fast, but its scales have other shapes: they differed by up to 13.
"""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress

# Under mpicasa a process that sees these variables takes itself for one of the servers.
OF_MPI = ("OMPI_", "PMIX_", "PMI_")

PROGRAM = os.path.join(os.path.dirname(__file__), "casa_process.py")


class DeconvolverError(RuntimeError):
    """CASA is missing, has no task deconvolve (before 6.5.2), or failed."""


@contextmanager
def casa_minor_cycles(scales):
    """
    Start a process for minor cycles, and end it afterwards.

    Parameters
    ----------
    scales : `core.deconvolution.Scales`
        Deconvolver, scales in pixels, and bias towards small ones.

    Yields
    ------
    minor_cycle : callable
        As `core.deconvolution.deconvolve` needs it.
    """
    folder = tempfile.mkdtemp(prefix="confetti-deconvolve-")
    with open(os.path.join(folder, "errors"), "w+b") as errors:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OF_MPI)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        process = subprocess.Popen([sys.executable, PROGRAM], cwd=folder, env=environment, **pipes)

        def minor_cycle(residuals, psf, masks, depth, gain):
            try:
                pickle.dump((residuals, psf, masks, depth, gain, tuple(scales)[:3]), process.stdin, protocol=4)
                process.stdin.flush()
                return pickle.load(process.stdout)
            except (BrokenPipeError, EOFError):
                errors.seek(0)
                text = errors.read().decode(errors="replace").strip()
                what = text.splitlines()[-1] if text else "it was killed"
                raise DeconvolverError(f"the process that deconvolves with CASA ended: {what}") from None

        try:
            yield minor_cycle
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            with suppress(BrokenPipeError):
                process.stdin.close()
            shutil.rmtree(folder, ignore_errors=True)
