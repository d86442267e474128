"""
Deconvolve a channel again from its own products: pure functions of planes [y, x].

The dirty image D = R + P * M, with residual R, PSF P and model M, does not depend on what CLEAN did. So a channel can
be deconvolved again, and gently, without its visibilities. A fake source does not come back, a real one does.
"""

from collections import namedtuple
from functools import partial

import numpy as np

from .before_after import Change, tolerance
from .surroundings import height_above_ring, largest, places_within, ring
from .transforms import columns_of, filtered, transform_about_the_centre
from .uv_coverage import ERRONEOUS_COVERAGE, GAUSSIAN_AREA, LEAST_RESPONSE, has_its_peak, unmeasured_filter

# Depth to which a channel is cleaned, in units of its noise: as deep as careful observers do. The residual is known
# exactly only after the components have been subtracted, so this multiple of the depth counts as reached, and the
# second one as converged if the residual does not fall any further.
DEPTH_SIGMA, REACHED, CONVERGED = 3.0, 1.05, 4 / 3

# A minor cycle stops at the peak residual at its start times twice the highest sidelobe of the PSF, as in tclean with a
# cycle factor of 2, but between these fractions of that peak. The main lobe of the PSF is within so many beams of its
# peak.
CYCLE_FACTOR, LEAST_FRACTION, LARGEST_FRACTION, MAIN_LOBE_BEAMS = 2.0, 0.05, 0.8, 1.2

# A clean whose peak residual rises to this multiple of the lowest one has diverged. One whose peak residual stays above
# this fraction of itself for five cycles, some of which CASA may break off, has stopped, and so has one after the
# largest number of cycles: going on, it would fit the errors of the old model that have leaked into the dirty image,
# and the flux of its components would double.
DIVERGED, STILL_FALLING, MOST_CYCLES = 1.5, 0.8, 20

# Loop gain; then the gain, and the fraction of the peak to which a minor cycle cleans, with which a channel that
# diverged is tried again.
GAIN, GENTLER_GAIN, GENTLER_FRACTION = 0.1, 0.05, 0.5

# By how much two careful deconvolutions may differ, as fractions of what is within a beam and of the brightest source:
# with the scales of the recorded clean, with other scales, which make all extended emission a little different, and
# with Hogbom, which makes extended emission of points, and of other points each time.
CHANGE_OF_SAME_SCALES, CHANGE_OF_OTHER_SCALES = Change(0.005, 0.001), Change(0.02, 0.001)
CHANGE_OF_POINTS = Change(0.025, 0.005)

# Side of a tile in beams, rounded up to a power of two in pixels, and at least in pixels. The time for a component
# grows with the area that is cleaned at once, so planes of more than two tiles are cleaned tile by tile. Components are
# kept in the middle half of a tile; those in the eighth around it only remove what leaks in from there.
TILE_BEAMS, SMALLEST_TILE = 16, 128

# Deconvolvers whose models consist of points.
POINT_DECONVOLVERS = ("hogbom", "clark", "clarkstokes")

# What minor cycles need: tclean's deconvolver, its scales in pixels and its bias towards small ones; and the
# `core.before_after.Change` of a channel that was cleaned well.
Scales = namedtuple("Scales", "deconvolver scales bias change")

# Result for a channel: model in Jy/pixel, residual in Jy/beam, state ('converged', 'stopped' or 'diverged'), and peak
# residual within its clean mask in Jy/beam.
Deconvolved = namedtuple("Deconvolved", "model residual state peak")


def usual_scales(beam):
    """The `Scales` assumed where none are recorded: a point, one beam and three beams."""
    return Scales("multiscale", (0, round(beam), round(3 * beam)), 0.5, CHANGE_OF_OTHER_SCALES)


def measured_kernel(psf, beam, lengths):
    """
    Transform of a PSF without the spatial frequencies at which CLEAN can go wrong.

    A PSF ends at the edge of the image, which changes its transform. Where the coverage is low, it is even negative in
    places, so that CLEAN would diverge, and the errors of the old model would leak into the dirty image.

    Parameters
    ----------
    psf : 2D float32 `~numpy.ndarray`
        PSF of a channel with its peak of 1 at the central pixel.
    beam : float
        FWHM of the restoring beam, in pixels.
    lengths : tuple of int
        Height and width of the transform, from `core.transforms.padded`.

    Returns
    -------
    kernel : 2D float32 `~numpy.ndarray` or None
        Columns of the half spectrum [v, u], 0 where the coverage, in units of the transform of the beam at zero, is
        below `ERRONEOUS_COVERAGE`: a lower limit would leave more of the errors of the old model, a higher one would
        lose more of the masers too. None if the PSF is blank, or has its peak elsewhere; and with natural weighting,
        where a real source has much of its height at low coverage and does not come back as it was.
    """
    _, _, response = unmeasured_filter(psf, beam, lengths) if has_its_peak(psf) else (None, None, np.nan)
    if not response >= LEAST_RESPONSE:
        return None
    kernel = transform_about_the_centre(psf, lengths, columns_of(lengths, beam))
    kernel[kernel < ERRONEOUS_COVERAGE * GAUSSIAN_AREA * beam**2] = 0
    return kernel


def convolved(model, kernel, lengths):
    """A model as the visibilities see it, in Jy/beam, with a kernel from `measured_kernel`."""
    return filtered(model, kernel, lengths)


def psf_of(kernel, lengths, shape):
    """The PSF of a kernel, with its peak at the central pixel of a plane of this height and width."""
    impulse = np.zeros(shape, dtype=np.float32)
    impulse[shape[0] // 2, shape[1] // 2] = 1
    return filtered(impulse, kernel, lengths)


def highest_sidelobe(psf, beam):
    """Largest magnitude of a PSF beyond its main lobe."""
    y, x = (np.arange(length) - length // 2 for length in psf.shape)
    return float(np.abs(psf[np.hypot.outer(y, x) > MAIN_LOBE_BEAMS * beam]).max(initial=0))


def deconvolve(residual, model, kernel, lengths, clean_mask, threshold, beam, minor_cycle):
    """
    Deconvolve a channel from its own products, from nothing.

    Parameters
    ----------
    residual, model : 2D float32 `~numpy.ndarray`
        What CLEAN left, in Jy/beam, and its model, in Jy/pixel; NaN counts as 0.
    kernel : 2D float32 `~numpy.ndarray`
        From `measured_kernel`.
    lengths : tuple of int
        Height and width of its transform.
    clean_mask : 2D bool `~numpy.ndarray`
        Where components may be.
    threshold : float
        Peak residual down to which it is cleaned, in Jy/beam.
    beam : float
        FWHM of the restoring beam, in pixels.
    minor_cycle : callable
        Function of residuals [tile, y, x] in Jy/beam, their PSF [y, x], clean masks [tile, y, x], the peak residual in
        Jy/beam where it stops, and the loop gain, that returns components [tile, y, x] in Jy/pixel.

    Returns
    -------
    result : `Deconvolved`
        The best state that was reached; a channel that diverged was tried again with half the loop gain.
    """
    dirty = np.nan_to_num(residual) + convolved(model, kernel, lengths)
    psf = psf_of(kernel, lengths, dirty.shape)
    clean = partial(
        _clean,
        dirty=dirty,
        psf=psf,
        kernel=kernel,
        lengths=lengths,
        clean_mask=clean_mask,
        threshold=threshold,
        beam=beam,
        minor_cycle=minor_cycle,
    )
    result = clean(gain=GAIN, least_fraction=LEAST_FRACTION)
    if result.state == "diverged":
        again = clean(gain=GENTLER_GAIN, least_fraction=GENTLER_FRACTION)
        result = min(result, again, key=lambda each: (each.state == "diverged", each.peak))
    return result


def _clean(*, dirty, psf, kernel, lengths, clean_mask, threshold, beam, minor_cycle, gain, least_fraction):
    """One clean from nothing, as for `deconvolve`; ``least_fraction`` of the peak is left by a minor cycle at least."""
    fraction = float(np.clip(CYCLE_FACTOR * highest_sidelobe(psf, beam), least_fraction, LARGEST_FRACTION))
    tiles = tiles_of(dirty.shape, beam)
    model, residual, peaks, best = np.zeros_like(dirty), dirty, [], None
    while True:
        # Every state is kept that is better than all before.
        peaks.append(float(np.abs(residual[clean_mask]).max(initial=0)))
        if best is None or peaks[-1] < best.peak:
            best = Deconvolved(model.copy(), residual, "stopped", peaks[-1])
        if not peaks[-1] <= DIVERGED * best.peak:
            return best._replace(state="diverged")
        if best.peak <= REACHED * threshold:
            return best._replace(state="converged")
        if len(peaks) > MOST_CYCLES or (len(peaks) > 5 and peaks[-1] > STILL_FALLING * peaks[-6]):
            return best._replace(state="converged" if best.peak <= CONVERGED * threshold else "stopped")
        # Minor cycles in tiles, then a major cycle for the whole plane.
        depth = max(threshold, fraction * peaks[-1])
        _add_components(model, residual, psf, clean_mask, depth, tiles, lambda *each: minor_cycle(*each, gain))
        residual = dirty - convolved(model, kernel, lengths)


def tiles_of(shape, beam):
    """
    Tiles in which a plane is cleaned.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the plane.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    tiles : list of tuple of tuple
        Ranges of rows and columns of each tile, and the ranges in it whose components are kept; both may reach beyond
        the plane. A single tile if the plane is hardly larger than one.
    """
    size = max(SMALLEST_TILE, 2 ** int(np.ceil(np.log2(TILE_BEAMS * beam))))
    if shape[0] * shape[1] <= 2 * size**2:
        whole = tuple((0, length) for length in shape)
        return [(whole, whole)]
    axes = [[(start, start + size // 2) for start in range(0, length, size // 2)] for length in shape]
    around = size // 4
    return [(tuple((low - around, high + around) for low, high in kept), kept) for kept in _pairs(*axes)]


def _pairs(rows, columns):
    return [(row, column) for row in rows for column in columns]


def _add_components(model, residual, psf, clean_mask, depth, tiles, minor_cycle):
    """Clean all tiles that have a residual above a depth, and add their components to the model."""
    high = clean_mask & (np.abs(residual) > depth)
    chosen = [tile for tile in tiles if high[_inside(tile[1], high.shape)].any()]
    if not chosen:
        return
    size = tuple(stop - start for start, stop in chosen[0][0])
    residuals = np.stack([_cut(residual, box) for box, _ in chosen])
    masks = np.stack([_where_cleaned(clean_mask, *tile) for tile in chosen])
    components = minor_cycle(residuals, _centre_of(psf, size), masks, depth)
    for (box, kept), plane in zip(chosen, components):
        inside = _inside(kept, model.shape)
        model[inside] += plane[tuple(slice(s.start - low, s.stop - low) for s, (low, _) in zip(inside, box))]


def _inside(ranges, shape):
    return tuple(slice(max(low, 0), min(high, length)) for (low, high), length in zip(ranges, shape))


def _cut(plane, box):
    """Part of a plane, 0 beyond its edges."""
    part = np.zeros([high - low for low, high in box], dtype=plane.dtype)
    inside = _inside(box, plane.shape)
    part[tuple(slice(s.start - low, s.stop - low) for s, (low, _) in zip(inside, box))] = plane[inside]
    return part


def _where_cleaned(clean_mask, box, kept):
    """Clean mask of a tile: of what is kept, and of a margin half as wide as the tile extends beyond that."""
    part = _cut(clean_mask, box)
    for axis, ((low, high), (first, last)) in enumerate(zip(box, kept)):
        place = np.arange(low, high)
        beyond = (place < first - (first - low) // 2) | (place >= last + (high - last) // 2)
        part[(slice(None),) * axis + (beyond,)] = False
    return part


def _centre_of(psf, size):
    """Central part of a PSF, which stays at pixel length // 2."""
    starts = [length // 2 - part // 2 for length, part in zip(psf.shape, size)]
    return psf[tuple(slice(start, start + part) for start, part in zip(starts, size))]


def difference(changed, image, pixels, noise, change, beam):
    """
    Measure what is gone at hot pixels of the old model after a channel was deconvolved again.

    Parameters
    ----------
    changed : 2D float32 `~numpy.ndarray`
        Old image minus the new one, in Jy/beam.
    image : 2D float32 `~numpy.ndarray`
        The old image in Jy/beam; NaN where it is blank.
    pixels : 2D int `~numpy.ndarray`
        Pixels (y, x), [n, 2].
    noise : float
        From `core.before_after.noise_of`, in Jy/beam.
    change : `core.before_after.Change`
        By how much a good channel may change, of the `Scales`.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    height : 1D float32 `~numpy.ndarray`
        Largest point source within half a beam that the old image has and the new one does not, with its sign, in
        Jy/beam.
    allowed : 1D float32 `~numpy.ndarray`
        From `core.before_after.tolerance`, in Jy/beam.
    """
    places, of_pixel = places_within(pixels, beam / 2, image.shape)
    heights = height_above_ring(changed[np.newaxis], np.insert(places, 0, 0, axis=1), ring(beam))
    return largest(heights, of_pixel), tolerance(image, pixels, noise, change, beam)
