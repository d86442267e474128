"""
What a bright real source may leave in the unmeasured part of an image: the floor below which nothing is evidence.

At the spatial frequencies that were not measured, a point source is not a point: like the PSF, it has sidelobes. Places
next to a bright source, and components that CLEAN puts there because the source is between pixels, then have
unsupported spikes of some per cent of it.
"""

import numpy as np
from scipy import fft, ndimage

from .sources import take_neighbours
from .spikes import above_neighbours
from .uv_coverage import point_above_ring

# Half width, in beams, of the field in which the sidelobes are measured; those beyond are folded into it.
FIELD_BEAMS = 32
# A source between pixels, a beam that is not round and a PSF that changes with frequency move the sidelobes, and two
# sources add theirs. So the highest within so many beams of a place counts, times this factor.
NEAR_BEAMS, SIDELOBES_RAISED = 1.0, 1.4
# Least sidelobe, as a fraction of the source: CLEAN itself leaves compensated components all over a channel with a very
# bright source, most of them at the edge of the image.
LEAST_LEVEL = 0.01
# Sidelobes where the coverage is unknown, as a fraction of the source: usual ones.
UNKNOWN_LEVEL = np.full((1, 1), 0.05, dtype=np.float32)
# Samples that are grouped into sources, and sources that count, at most: where there are more, as in a channel that
# diverged, the brightest have the highest sidelobes everywhere.
BRIGHTEST_SAMPLES, BRIGHTEST = 4096, 256
# Samples per beam at which bright sources are searched for: one of them has at least 0.7 of the peak.
SAMPLES_A_BEAM, LEAST_SAMPLED = 2, 0.7


def sidelobes(passed, share, beam, lengths):
    """
    Measure the unsupported spikes that a real point source has at and around its place.

    Parameters
    ----------
    passed : 2D float32 `~numpy.ndarray`
        Fraction of each spatial frequency [v, u] that is not measured, from `core.uv_coverage.unmeasured_filter`.
    share : float
        Fraction of the height of a point source at these frequencies.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform.

    Returns
    -------
    levels : 2D float32 `~numpy.ndarray`
        Largest magnitude within a beam of each offset (y, x) from a source of height 1, in pixels; offset 0 is first,
        and negative ones are last.
    """
    weights = point_above_ring(lengths, beam)
    steps = [max(1, int(length / (2 * FIELD_BEAMS * beam))) for length in lengths]
    shape = tuple(length // step for length, step in zip(lengths, steps))
    rows = steps[0] * np.rint(fft.fftfreq(shape[0]) * shape[0]).astype(int)
    columns = np.arange(0, weights.shape[1], steps[1])[: shape[1] // 2 + 1]
    # Conjugate columns have weight 2, which the inverse transform adds itself.
    weights = weights[rows][:, columns] / np.where(columns == 0, 1, 2).astype(np.float32)
    total, unmeasured = (fft.irfft2(part, shape) for part in (weights, weights * passed[rows][:, columns]))
    # As in `unsupported_spike`, what the measured part explains is no spike.
    expected = share / (1 - share) * np.maximum((total - unmeasured) * np.sign(unmeasured), 0)
    spikes = np.maximum(np.abs(unmeasured) - expected, 0) / total[0, 0]
    width = 2 * int(np.ceil(NEAR_BEAMS * beam)) + 1
    return np.maximum(ndimage.maximum_filter(spikes, width, mode="wrap"), LEAST_LEVEL).astype(np.float32)


def step_of_samples(beam):
    """Number of pixels from one sample to the next where bright sources are searched for."""
    return max(1, int(beam / SAMPLES_A_BEAM))


def bright_sources(restored, least, beam):
    """
    Find the bright sources that a channel has and its neighbours do not, or have in another brightness.

    Parameters
    ----------
    restored : sequence of 2D float32 `~numpy.ndarray`
        Restored models of a channel and those around it, [y, x] in Jy/beam, in channel order as for
        `core.spikes.above_neighbours`; NaN for missing channels. Samples suffice.
    least : float
        Brightness from which a source matters, in Jy/beam.
    beam : float
        FWHM of the restoring beam, in pixels or samples.

    Returns
    -------
    places : 2D int `~numpy.ndarray`
        Positions (y, x), [n, 2], at least a beam apart, the brightest first; at most `BRIGHTEST`.
    """
    y, x = np.nonzero(np.logical_or.reduce([np.abs(plane) >= least for plane in restored]))
    changes = np.abs(above_neighbours(np.array([plane[y, x] for plane in restored]).T))
    brightest = np.argsort(-changes)[: min(np.count_nonzero(changes >= least), BRIGHTEST_SAMPLES)]
    places = np.column_stack([y, x])[brightest]
    return places[take_neighbours(places, beam)[0][:BRIGHTEST]]


def floor(places, sources, heights, levels):
    """
    Height below which an unsupported spike may belong to a bright source.

    Parameters
    ----------
    places : 2D int `~numpy.ndarray`
        Positions (y, x) of the spikes, each of which may be half a beam away, [n, 2].
    sources : 2D int `~numpy.ndarray`
        Positions of bright sources, [m, 2].
    heights : 1D float32 `~numpy.ndarray`
        Their heights in Jy/beam.
    levels : 2D float32 `~numpy.ndarray`
        From `sidelobes`, or `UNKNOWN_LEVEL`.

    Returns
    -------
    floor : 1D float32 `~numpy.ndarray`
        In Jy/beam: the sidelobes of the source that has the highest there.
    """
    y, x = (np.subtract.outer(places[:, axis], sources[:, axis]) % levels.shape[axis] for axis in (0, 1))
    return SIDELOBES_RAISED * (np.abs(heights) * levels[y, x]).max(axis=1, initial=0)
