"""Small PNG pictures, and packed numbers, as text that fits into a page."""

import base64
import struct
import zlib

import numpy as np


def png(pixels, colors, transparent=0):
    """
    Encode a picture with a palette.

    Parameters
    ----------
    pixels : 2D uint8 `~numpy.ndarray`
        Number of the colour of each pixel, [row, column], from the top left.
    colors : 2D uint8 `~numpy.ndarray`
        Red, green and blue of up to 256 colours, [colour, 3].
    transparent : int
        The first so many colours are transparent.

    Returns
    -------
    address : str
        The picture as an address of the kind 'data:', for an image of a page.
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with the number of its filter: none
    rows[:, 1:] = pixels
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.asarray(colors, dtype=np.uint8).tobytes()),
            _chunk(b"tRNS", bytes(transparent)) if transparent else b"",
            _chunk(b"IDAT", zlib.compress(rows.tobytes())),
            _chunk(b"IEND", b""),
        ]
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(values):
    """
    Pack numbers for the script of the page, which reads them back as float32.

    The bytes are sorted by their significance before they are deflated, which halves what noise takes.

    Parameters
    ----------
    values : float `~numpy.ndarray`
        Any number of values.

    Returns
    -------
    text : str
        In base64.
    """
    number = np.ascontiguousarray(values, dtype="<f4").reshape(-1, 1).view(np.uint8)
    # Level 5 takes two thirds of the time of the usual 6, most of that of a find, and is 1 % larger.
    return base64.b64encode(zlib.compress(number.T.tobytes(), 5)).decode()


def rounded(values, noise):
    """
    Values in steps of at most 1/32 of the noise: their last bits are zero, and they take a third when packed.

    Parameters
    ----------
    values : float `~numpy.ndarray`
        Values in the unit of the noise.
    noise : float
        rms; values are left as they are where it is zero.
    """
    if not noise > 0:
        return values
    step = 2.0 ** np.floor(np.log2(noise / 32))
    return np.round(values / step) * step
