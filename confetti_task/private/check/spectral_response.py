"""Measure how much neighbouring channels share, and the least that a narrow line has in a channel next to its own."""

from collections import namedtuple

import numpy as np
from astropy import constants, units

from ..core.before_after import NOTHING_CLEANED
from ..core.scatters import middle_box
from ..core.spectral_response import (
    FAR_LAGS,
    INTERPOLATIONS,
    LAGS,
    LARGEST_FLANK,
    LEFTOVERS,
    averaged_channels,
    correlation,
    least_flank,
)
from ..core.surroundings import height_above_ring, ring
from ..images.coordinates import world_coordinates
from ..images.cube import read_recorded
from ..images.pixels import read_channels

# Number of consecutive channels whose noise is compared, and number of such runs.
RUN, RUNS = 6, 4
# Least number of places to compare in a run, a beam apart: with fewer, a correlation is not known to a tenth.
LEAST_PLACES = 100

# Correlation of the noise of adjacent channels, and how many channels of the correlator were averaged, 0 if unknown.
Response = namedtuple("Response", "shared averaged")
UNKNOWN = Response(np.nan, 0)


def runs_to_compare(noise, quiet):
    """
    Choose the channels whose noise is compared.

    Parameters
    ----------
    noise : 1D `~numpy.ndarray`
        rms noise of every channel in Jy/beam; NaN for one that is blank or was not measured.
    quiet : 1D bool `~numpy.ndarray`
        Which channels have negligible emission.

    Returns
    -------
    starts : list of int
        First channels of up to `RUNS` runs of `RUN` channels that do not overlap: those with most quiet channels; among
        equals those nearest to the ends, where a spectral window has least emission.
    """
    known = np.isfinite(noise)
    complete, calm = (np.convolve(which, np.ones(RUN, dtype=int), "valid") for which in (known, quiet & known))
    starts = []
    from_the_ends = np.minimum(np.arange(len(calm)), np.arange(len(calm))[::-1])
    for start in np.lexsort([from_the_ends, -calm]).tolist():
        if complete[start] == RUN and all(abs(start - other) >= RUN for other in starts):
            starts.append(start)
    return starts[:RUNS]


def heights_of_noise(cube, polarization, start, noise):
    """
    Heights of the noise in `RUN` channels, where nothing was cleaned in any of them.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    polarization, start : int
        Polarization, and first channel.
    noise : 1D `~numpy.ndarray`
        rms noise of every channel in Jy/beam.

    Returns
    -------
    heights : 2D float32 `~numpy.ndarray`
        [channel, place] in Jy/beam, at places a beam apart in the middle of the planes.
    """
    box = middle_box(cube.shape[2:])
    image, residual = (
        read_channels(cube, name, polarization, start, start + RUN, *box) for name in ("image", "residual")
    )
    step = max(1, round(cube.beam))
    y, x = np.mgrid[step : image.shape[1] - step : step, step : image.shape[2] - step : step].reshape(2, -1)
    restored = (image - residual)[:, y, x]
    empty = (np.abs(restored) < NOTHING_CLEANED * noise[start : start + RUN, np.newaxis]).all(axis=0)
    y, x = y[empty], x[empty]
    pixels = np.column_stack([np.repeat(np.arange(RUN), len(y)), np.tile(y, RUN), np.tile(x, RUN)])
    return height_above_ring(residual, pixels, ring(cube.beam)).reshape(RUN, -1)


def response_of(heights, interpolations):
    """
    Measure the spectral response of a cube.

    Parameters
    ----------
    heights : list of 2D `~numpy.ndarray`
        From `heights_of_noise`.
    interpolations : sequence of str
        How tclean may have regridded the channels.

    Returns
    -------
    response : `Response`
        `UNKNOWN` without a run of noise, with at least `LEAST_PLACES` places.
    """
    enough = [run for run in heights if run.shape[1] >= LEAST_PLACES]
    noise = [run for run in enough if max(abs(correlation(run, lag)) for lag in FAR_LAGS) <= LEFTOVERS]
    if not noise:
        return UNKNOWN
    measured = [np.mean([correlation(run, lag) for run in noise]) for lag in LAGS]
    pairs = sum((RUN - max(LAGS)) * run.shape[1] for run in noise)
    averaged = averaged_channels(measured, pairs, interpolations)
    return Response(measured[0], averaged) if averaged else UNKNOWN


def interpolations_of(cube):
    """The interpolation in the recorded tclean call, or all that tclean has."""
    recorded = read_recorded(cube, {"interpolation"}).get("interpolation")
    return [recorded] if recorded in INTERPOLATIONS else INTERPOLATIONS


def flank_of_lines(linewidth, cube):
    """
    Fraction of the narrowest line that a user allows which the brighter adjacent channel has at least.

    Parameters
    ----------
    linewidth : str, float or `~astropy.units.Quantity`
        FWHM of the narrowest line, a velocity or a frequency; km/s if it has no unit. '' if any line may be there.
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    flank : float
        At most `LARGEST_FLANK`; 0 if any line may be there, or if there is only one channel.

    Raises
    ------
    ValueError
        If ``linewidth`` is not the width of a line, or if the cube has no frequencies.
    """
    if isinstance(linewidth, str) and not linewidth.strip():
        return 0.0
    try:
        given = units.Quantity(linewidth)
        if given.ndim:
            raise TypeError("one width is enough")
        width = given * units.km / units.s if given.unit == units.dimensionless_unscaled else given
        _, _, frequencies, velocities = world_coordinates(cube, np.arange(2), np.zeros(2, int), np.zeros(2, int))
        if width.unit.is_equivalent("Hz"):
            width = width / frequencies[0] * constants.c
        width = width.to_value("km/s")
    except (TypeError, ValueError, units.UnitsError) as error:
        raise ValueError(f"linewidth={linewidth!r} is no width of a line like '0.5km/s' or '50kHz': {error}") from error
    if not width > 0:
        raise ValueError(f"linewidth={linewidth!r} should be positive")
    if cube.channels == 1:  # there is nothing to compare with
        return 0.0
    spacings = np.diff(frequencies) / frequencies[0] * constants.c, np.diff(velocities)
    spacing = np.fmax(*(abs(each.to_value("km/s")).item() for each in spacings))
    if not np.isfinite(spacing):
        raise ValueError(f"linewidth={linewidth!r} cannot be compared: {cube.name} without frequencies or velocities")
    return min(least_flank(spacing, width), LARGEST_FLANK)
