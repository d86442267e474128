"""The story of confetti_check."""

import sys

import numpy as np
from astropy.utils.console import ProgressBar
from casatasks import casalog

from ..version import __version__
from . import report
from .channels import contiguous_ranges, parse_channels
from .decision import Thresholds
from .images import open_cube
from .measure import CANDIDATE, measure
from .products import check_outfile, source_table, write_products
from .sources import join

# Model, image, restored model and unsupported image as float32, and what the image tool returns as float64.
BYTES_A_VOXEL = 32
# A dozen channels of 2500x2500 pixels: their two channels of overlap cost a sixth more reading.
SLAB_BYTES = 2 * 2**30


def confetti_check(imagename, outfile, chans, nsigma, narrowness, unsupported, cleanmask, writestats, overwrite):
    """Find the fake sources that CLEAN wrote into a cube; `confetti_task.confetti_check` documents the parameters."""
    thresholds = Thresholds(nsigma, narrowness, unsupported)
    cube = open_cube(imagename)
    channels = parse_channels(chans, cube.channels)
    outfile = outfile or cube.root + ".confetti"
    check_outfile(outfile, overwrite)
    casalog.post(report.describe_inputs(cube, channels))

    candidates, warnings, applicable = _measure_all(cube, channels, thresholds)
    for warning in warnings:
        casalog.post(warning, "WARN")

    verdict = "not applicable" if not applicable else "confetti" if candidates["confetti"].any() else "clean"
    call = f"confetti_check(imagename={imagename!r}, chans={chans!r}, cleanmask={cleanmask!r}) with {thresholds}"
    meta = {"version": __version__, "call": call, "verdict": verdict, "warnings": warnings}
    table = source_table(cube, candidates, *join(candidates, cube.beam), meta)
    files = write_products(outfile, cube, candidates, table, cleanmask, writestats, call)
    result = report.summarize(verdict, candidates, table, files, warnings)

    for line in report.describe_bad_channels(table, result["channels"]):
        casalog.post(line)
    casalog.post(report.describe_verdict(result))
    return result


def _measure_all(cube, channels, thresholds):
    """Candidates of all channels, warnings, and whether any channel could be checked."""
    if cube.channels == 1:
        return np.zeros(0, CANDIDATE), [report.ONE_CHANNEL], False
    slabs = list(_slabs(cube, channels))
    measurements = [measure(cube, *slab, thresholds) for slab in _watched(slabs)]
    noise, blank, checked, cleaned, candidates = (np.concatenate(values) for values in zip(*measurements))
    casalog.post(report.describe_noise(noise))
    numbers = np.concatenate([range(first, last + 1) for _, first, last in slabs])
    unchecked = numbers[~checked & ~blank]
    return candidates, report.warnings_of(cube, unchecked, blank.all(), cleaned.any(), candidates), checked.any()


def _slabs(cube, channels):
    """Polarization, first and last channel of every piece that is read at once."""
    polarizations, _, height, width = cube.lengths
    size = max(1, SLAB_BYTES // (BYTES_A_VOXEL * height * width) - 2)
    for polarization in range(polarizations):
        for first, last in contiguous_ranges(channels):
            for start in range(first, last + 1, size):
                yield polarization, start, min(start + size - 1, last)


def _watched(slabs):
    """The slabs one by one, with a bar where somebody watches a terminal, else a line in the log each tenth."""
    if sys.stdout.isatty():
        yield from ProgressBar(slabs)
        return
    tenths = 0
    for number, slab in enumerate(slabs):
        yield slab
        if 10 * (number + 1) // len(slabs) > tenths and len(slabs) > 1:
            tenths = 10 * (number + 1) // len(slabs)
            casalog.post(f"{10 * tenths} % of the channels measured")
