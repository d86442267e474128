"""The story of confetti_check."""

import sys

import numpy as np
from astropy.utils.console import ProgressBar
from casatasks import casalog

from ..version import __version__
from . import report
from .channels import contiguous_ranges, parse_channels
from .decision import Thresholds, is_confetti, severity
from .images import open_cube
from .known import near_known, read_known
from .measure import CANDIDATE, CHANNEL, measure, measure_scatter
from .noise import WINDOW_CHANNELS, channel_noise
from .products import check_outfile, write_products
from .sources import join
from .statistics import REACH_CHANNELS
from .tables import channel_table, source_table

# Model, image, restored model and unsupported image as float32, and what the image tool returns as float64.
BYTES_A_VOXEL = 32
# Ten channels of 2500x2500 pixels, with the three on either side that they are compared with.
SLAB_BYTES = 3 * 2**30


def confetti_check(imagename, outfile, chans, nsigma, narrowness, unsupported, known, cleanmask, writestats, overwrite):
    """Find the fake sources that CLEAN wrote into a cube; `confetti_task.confetti_check` documents the parameters."""
    thresholds = Thresholds(nsigma, narrowness, unsupported)
    real = read_known(known)
    cube = open_cube(imagename)
    selected = parse_channels(chans, cube.channels)
    outfile = outfile or cube.root + ".confetti"
    check_outfile(outfile, overwrite)
    casalog.post(report.describe_inputs(cube, selected))

    channels, candidates = _measure_all(cube, selected, thresholds)
    candidates["known"] = near_known(cube, candidates, real)
    candidates["confetti"] = is_confetti(candidates, thresholds)
    candidates["severity"] = severity(candidates, thresholds)
    warnings = report.warnings_of(cube, channels, candidates)
    for warning in warnings:
        casalog.post(warning, "WARN")

    found = "confetti" if candidates["confetti"].any() else "clean"
    verdict = found if channels["checked"].any() else "not applicable"
    call = f"confetti_check(imagename={imagename!r}, chans={chans!r}, cleanmask={cleanmask!r}) with {thresholds}"
    parameters = {"chans": chans, "nsigma": nsigma, "narrowness": narrowness, "unsupported": unsupported}
    parameters.update(known=np.column_stack([real.ra.deg, real.dec.deg]).tolist(), cleanmask=cleanmask)
    meta = {"version": __version__, "call": call, "parameters": parameters, "verdict": verdict, "warnings": warnings}
    sources = source_table(cube, candidates, *join(candidates, cube.beam), meta)
    tables = sources, channel_table(cube, channels, candidates, sources, meta)
    files = write_products(outfile, cube, candidates, tables, cleanmask, writestats, call)
    result = report.summarize(verdict, candidates, *tables, files, warnings)

    for line in report.describe_channels(*tables):
        casalog.post(line)
    casalog.post(report.describe_verdict(result))
    return result


def _measure_all(cube, selected, thresholds):
    """What was measured of all channels, and of the narrow hot pixels in them."""
    if cube.channels == 1:
        return np.zeros(0, CHANNEL), np.zeros(0, CANDIDATE)
    noise = _measure_noise(cube, selected)
    casalog.post(report.describe_noise(noise[:, selected]))
    slabs = list(_slabs(cube, selected, REACH_CHANNELS))
    measurements = [measure(cube, *slab, noise[slab[0]], thresholds) for slab in _watched(slabs)]
    return tuple(np.concatenate(values) for values in zip(*measurements))


def _measure_noise(cube, selected):
    """Noise [polarization, channel]: that of the selected channels; of those beside them only whether it is known."""
    scatter = np.full(cube.lengths[:2], np.nan, dtype=np.float32)
    window = np.add.outer(selected, np.arange(-WINDOW_CHANNELS, WINDOW_CHANNELS + 1))
    for polarization, first, last in _slabs(cube, np.unique(window.clip(0, cube.channels - 1)), 0):
        scatter[polarization, first : last + 1] = measure_scatter(cube, polarization, first, last)
    return np.array([channel_noise(values) for values in scatter])


def _slabs(cube, selected, reach):
    """Polarization, first and last channel of every piece that is read at once, with ``reach`` more on either side."""
    polarizations, _, height, width = cube.lengths
    size = max(1, SLAB_BYTES // (BYTES_A_VOXEL * height * width) - 2 * reach)
    for polarization in range(polarizations):
        for first, last in contiguous_ranges(selected):
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
