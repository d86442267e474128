"""Whether image minus residual is the model convolved with the restoring beam, as tclean leaves them."""

import numpy as np
from scipy import fft

from .images import read_beam
from .pixels import read_channels
from .slabs import ROWS_AT_ONCE, strips

# Enough around the brightest component to tell, and little to read.
REACH_PIXELS = 256
# tclean convolves in a circle, so that what is near one edge of the image shows at the other. Three beams further in a
# Gaussian has 1e-11 of its peak: there the difference was 2e-7 in all of 36 cubes of the real tclean.
EDGE_BEAMS = 3


def worst_mismatch(cube, channels):
    """
    Compare image minus residual with the model convolved with the restoring beam, in two channels.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The images.
    channels : structured `~numpy.ndarray`
        What was measured of the channels: the one with most flux in its model is compared, and a middling one.

    Returns
    -------
    part : float
        The larger norm of the difference as a part of that of the restored model; 0 where there is nothing to compare.
    channel : int or None
        Where it is.
    """
    rows = channels[(channels["components"] > 0) & np.isfinite(channels["noise"])]
    rows = rows[np.argsort(np.abs(rows["flux"]))]
    compared = [
        (_mismatch(cube, int(row["polarization"]), int(row["channel"])), int(row["channel"]))
        for row in (*rows[-1:], *rows[len(rows) // 2 :][:1])
    ]
    return max(compared, default=(0.0, None))


def _mismatch(cube, polarization, channel):
    y, x = _brightest(cube, polarization, channel)
    box = [
        (max(place - REACH_PIXELS, 0), min(place + REACH_PIXELS, length))
        for place, length in zip((y, x), cube.lengths[2:])
    ]
    model, image, residual = (
        read_channels(cube, name, polarization, channel, channel, *box)[0] for name in ("model", "image", "residual")
    )
    expected = _convolved(np.nan_to_num(model), _beam(cube, polarization, channel))
    edge = int(np.ceil(EDGE_BEAMS * cube.beam))
    inside = (slice(edge, -edge), slice(edge, -edge))
    expected, found = expected[inside], (image - residual)[inside]
    known = np.isfinite(found)
    norm = np.linalg.norm(expected[known])
    return float(np.linalg.norm((found - expected)[known]) / norm) if norm > 0 else 0.0


def _brightest(cube, polarization, channel):
    """Pixel of the brightest component."""
    peaks = []
    for rows in strips(cube.lengths[2], ROWS_AT_ONCE):
        model = np.abs(np.nan_to_num(read_channels(cube, "model", polarization, channel, channel, rows)[0]))
        y, x = np.unravel_index(np.argmax(model), model.shape)
        peaks.append((model[y, x], int(y) + rows[0], int(x)))
    return max(peaks)[1:]


def _beam(cube, polarization, channel):
    """Fourier transform of the restoring beam of a plane: a function of cycles a pixel along y and x."""
    major, minor, angle = read_beam(cube, polarization, channel)
    cell_y, cell_x = (np.rad2deg(cube.increments[axis]) * 3600 for axis in cube.axes[2:])
    area = np.pi * major * minor / (4 * np.log(2)) / abs(cell_y * cell_x)
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))

    def transform(v, u):
        north, east = v / cell_y, u / cell_x  # cycles an arcsec
        along, across = major * (north * cosine + east * sine), minor * (east * cosine - north * sine)
        return area * np.exp(-(np.pi**2) * (along**2 + across**2) / (4 * np.log(2)))

    return transform


def _convolved(plane, beam):
    """A plane [y, x] convolved with a beam, with nothing beyond its edges."""
    shape = [fft.next_fast_len(2 * length, real=True) for length in plane.shape]
    v, u = fft.fftfreq(shape[0])[:, np.newaxis], fft.rfftfreq(shape[1])
    return fft.irfft2(fft.rfft2(plane, shape) * beam(v, u), shape)[: plane.shape[0], : plane.shape[1]]
