"""
The process that does minor cycles with CASA's task deconvolve; `deconvolve.casa` starts it, and imports nothing of it.

Requests come on standard input, and components leave on standard output, as pickled tuples and arrays.
"""

import os
import pickle
import sys

import numpy as np

NAME = "tile"
# Limit for a minor cycle in one tile, which takes a few seconds. Careful cycles need hundreds of iterations, those on
# the brightest emission thousands; more means that CLEAN runs away.
MOST_ITERATIONS = 10000


def main():
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # CASA prints to standard output
    from casatasks import casalog

    casalog.setlogfile(os.devnull)
    casalog.filter("SEVERE")
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(clean(*request), answers, protocol=4)
        answers.flush()


def clean(residuals, psf, masks, depth, gain, scales):
    """Components [tile, y, x] of one minor cycle; parameters as for `core.deconvolution.deconvolve`."""
    from casatasks import deconvolve

    for suffix, planes in (("psf", np.broadcast_to(psf, residuals.shape)), ("residual", residuals), ("mask", masks)):
        _write(f"{NAME}.{suffix}", planes)
    _write(f"{NAME}.model", np.zeros_like(residuals))
    deconvolver, sizes, bias = scales
    deconvolve(
        imagename=NAME,
        deconvolver=deconvolver,
        scales=list(sizes),
        smallscalebias=bias,
        niter=MOST_ITERATIONS * len(residuals),
        gain=gain,
        threshold=f"{depth}Jy",
        usemask="user",
        restoration=False,
        interactive=False,
    )
    return _read(f"{NAME}.model")


def _write(path, planes):
    from casatools import image

    tool = image()
    if os.path.exists(path):
        tool.open(path)
        same = list(tool.shape()) == [*planes.shape[:0:-1], 1, len(planes)]
        if not same:
            tool.remove(done=True)
    if not os.path.exists(path):
        tool.fromshape(path, [*planes.shape[:0:-1], 1, len(planes)], type="f", log=False)
        tool.setbrightnessunit("Jy/pixel" if path.endswith("model") else "Jy/beam")
        # The task requires a beam of the PSF, and does not use it here.
        tool.setrestoringbeam(major="5arcmin", minor="5arcmin", pa="0deg", log=False)
    tool.putchunk(planes.T[:, :, np.newaxis].astype(float))
    tool.done()


def _read(path):
    from casatools import image

    tool = image()
    tool.open(path)
    planes = tool.getchunk()[:, :, 0].T.astype(np.float32)
    tool.done()
    return planes


if __name__ == "__main__":
    main()
