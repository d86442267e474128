"""
Transforms of planes to spatial frequencies [v, u] and back, as far as the restoring beam reaches along u.

They are those of `scipy.fft`, with differences that save most of the time. What has no fine structure is transformed
from some of its rows. v varies fastest in memory, because transforms along a strided axis take three times as long. A
few lines at a time are transformed, in buffers of the length of the transform, so that they are still in the cache for
the next step; to the last bit, each line is transformed as in whole planes.
"""

import numpy as np
from scipy import fft

# Lines transformed at once: 2 MB at 2048 points each. With 32 it takes 3 % longer, with 16 a tenth.
LINES = 128

# Spatial frequencies at which the transform of the restoring beam has less than this fraction of its value at zero are
# left out: a restored model is empty there.
LEAST_OF_BEAM = 1e-5

# Samples across the FWHM of a Gaussian beam that carry all of a restored model. Frequencies beyond half a cycle per
# sample, where the transform of the beam is 4e-3 of that at zero or less, are folded back:
# erfc(pi SUFFICIENT_SAMPLES / sqrt(16 log(2))) = 9e-4 of the height of a component. So no height is wrong by more than
# that: 0.005 sigma if the component has 6 sigma, and 0.09 if it has 100. With three samples it would be 6e-5.
SUFFICIENT_SAMPLES = 2.5


def sampling_step(beam):
    """
    Number of rows from one sample of a plane of restored components to the next, without losing what matters.

    Parameters
    ----------
    beam : float
        Smallest FWHM of the restoring beam, in pixels.

    Returns
    -------
    step : int
        At least 1: every pixel.
    """
    return max(1, int(beam / SUFFICIENT_SAMPLES))


def padded(length):
    """Length of a transform in which emission at one edge of an axis is not aliased to the other."""
    return fft.next_fast_len(2 * length, real=True)


def window_shape(shape, largest):
    """Height and width of the windows of a plane: those of the plane itself, but at most ``largest``."""
    return tuple(min(length, largest) for length in shape)


def columns_of(lengths, beam):
    """
    Number of columns of a half spectrum in which the restoring beam is not negligible.

    Parameters
    ----------
    lengths : tuple of int
        Height and width of the transform.
    beam : float
        FWHM of the restoring beam, in pixels.
    """
    highest = np.sqrt(-4 * np.log(2) * np.log(LEAST_OF_BEAM)) / (np.pi * beam)
    return min(int(highest * lengths[1]) + 1, lengths[1] // 2 + 1)


def spectrum_of(plane, lengths, columns):
    """
    Transform a plane.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        The plane [y, x]; NaN counts as 0.
    lengths : tuple of int
        Height and width of the transform.
    columns : int
        Number of columns of the half spectrum that are wanted.

    Returns
    -------
    spectrum : 2D complex64 `~numpy.ndarray`
        Columns of the half spectrum [v, u].
    """
    return fft.fft(_along_x(plane, lengths[1], columns), lengths[0]).T


def at_samples(passed, lengths, step):
    """
    The part of a filter that applies to every ``step``-th row of a plane, for `filtered`.

    Parameters
    ----------
    passed : 2D float32 `~numpy.ndarray`
        Fraction of each spatial frequency [v, u] of the plane that is passed.
    lengths : tuple of int
        Height and width of the transform of the plane; the height is a multiple of the step.
    step : int
        Number of rows from one sample to the next.

    Returns
    -------
    passed : 2D float32 `~numpy.ndarray`
        The same at frequencies below half a cycle per sample, divided by the response of the samples to them.
    """
    if step == 1:
        return passed
    height = lengths[0] // step
    positive = (height + 1) // 2
    some = np.concatenate([passed[:positive], passed[positive - height :]])
    if height % 2 == 0:
        some[positive] = 0  # half a cycle per sample, where both signs fall together
    # A sample stands for so many rows, and is their mean with the weights of a triangle.
    cycles = fft.fftfreq(height)
    response = (np.sinc(cycles) / np.sinc(cycles / step)) ** 2 / step
    return np.asfortranarray(some / response.astype(np.float32)[:, np.newaxis])


def filtered(plane, passed, lengths, step=1, out=None):
    """
    Filter a plane.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        The plane [y, x]; NaN counts as 0.
    passed : 2D float32 `~numpy.ndarray`
        Fraction of each spatial frequency [v, u] that is passed, from `at_samples`; nothing is beyond its columns.
    lengths : tuple of int
        Height and width of the transform; the height is a multiple of the step.
    step : int
        Number of rows from one sample to the next: more than one if nothing is passed from half a cycle per sample on.
    out : 2D float32 `~numpy.ndarray` or None
        Array to fill, which may be the plane itself; None for a new one.

    Returns
    -------
    filtered : 2D float32 `~numpy.ndarray`
        The plane at the frequencies that are passed, in all rows.
    """
    # Along y and back, column by column of the half spectrum; then back along x, row by row. On the way back the
    # spectrum is that of all rows, which interpolates exactly between the samples.
    (height, width), columns = plane.shape, passed.shape[1]
    samples = sampled(plane, step) if step > 1 else plane
    by_column = _along_x(samples, lengths[1], columns)
    result = np.empty((height, width), dtype=np.float32) if out is None else out
    back = by_column if step == 1 else np.empty((columns, height), dtype=np.complex64)
    for some, lines in _blocks(columns, lengths[0] // step, np.complex64):
        lines[:, : len(samples)] = by_column[some]
        spectrum = fft.fft(lines)
        spectrum *= passed.T[some]
        if step > 1:
            spectrum = _extended(spectrum, lengths[0])
        back[some] = fft.ifft(spectrum, overwrite_x=True)[:, :height]
    for some, lines in _blocks(height, lengths[1] // 2 + 1, np.complex64):
        lines[:, :columns] = back[:, some].T
        result[some] = fft.irfft(lines, lengths[1])[:, :width]
    return result


def sampled(plane, step):
    """Every ``step``-th row of a plane: the mean of the rows around it, with weights that fall to 0 at the next one."""
    number, before = -(-len(plane) // step), step - 1
    rows = np.zeros(((number + 1) * step, plane.shape[1]), dtype=plane.dtype)
    rows[before : before + len(plane)] = plane
    weights = (step - np.abs(np.arange(-before, step, dtype=np.float32))) / step**2
    return sum(weight * rows[first::step][:number] for first, weight in enumerate(weights))


def transform_about_the_centre(plane, lengths, columns):
    """
    Real part of the transform of a plane, with its central pixel as the origin.

    Parameters
    ----------
    plane : 2D float32 `~numpy.ndarray`
        The plane [y, x], centred on the pixel [ny // 2, nx // 2]; NaN counts as 0.
    lengths, columns
        As for `spectrum_of`.

    Returns
    -------
    transform : 2D float32 `~numpy.ndarray`
        Columns of the half spectrum [v, u].
    """
    by_column = _along_x(plane, lengths[1], columns, about_the_centre=True)
    transform = np.empty((len(by_column), lengths[0]), dtype=np.float32)
    for some, lines in _blocks(len(by_column), lengths[0] // 2 + 1, np.complex64):
        # The real part of a transform is that of the Hermitian part, which takes half of the time.
        part = _hermitian_part(by_column[some], lengths[0])
        lines[:, : part.shape[1]] = part
        transform[some] = fft.hfft(lines, lengths[0])
    return transform.T


def _along_x(plane, length, columns, about_the_centre=False):
    """Transform along x, [u, y]."""
    by_column = np.empty((columns, len(plane)), dtype=np.complex64)
    for some, lines in _blocks(len(plane), length, np.float32):
        _write_rows(plane[some], lines, about_the_centre)
        by_column[:, some] = fft.rfft(lines)[:, :columns].T
    return by_column


def _blocks(number, length, kind):
    """Yield slices of at most `LINES` lines, and a buffer for as many of this length, 0 where nothing is written."""
    buffer = np.zeros((min(LINES, number), length), dtype=kind)
    for start in range(0, number, LINES):
        yield slice(start, start + LINES), buffer[: number - start]


def _extended(spectra, length):
    """Lines of spectra, with zeros at the higher frequencies that they have at this length."""
    positive = (spectra.shape[1] + 1) // 2
    extended = np.zeros((len(spectra), length), dtype=spectra.dtype)
    extended[:, :positive] = spectra[:, :positive]
    extended[:, positive - spectra.shape[1] :] = spectra[:, positive:]
    return extended


def _write_rows(rows, lines, about_the_centre):
    """Write rows into longer lines, NaN as 0: from the start, or wrapped, with the central pixel at the start."""
    first = rows.shape[1] // 2 if about_the_centre else 0
    after, before = rows.shape[1] - first, lines.shape[1] - first
    lines[:, :after] = rows[:, first:]
    lines[:, before:] = rows[:, :first]
    lines[np.isnan(lines)] = 0


def _hermitian_part(by_column, length):
    """Mean of y and the conjugate of -y from the centre onwards, [u, y]."""
    centre = by_column.shape[1] // 2
    after, part = by_column[:, centre:], by_column[:, centre::-1].conj()
    part[:, : after.shape[1]] += after
    part /= 2
    if centre == length - centre:  # without padding, y and -y are the same there
        part[:, -1] *= 2
    return part
