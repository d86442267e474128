"""
FITS files: how their header says that the pixels are stored.

What the header says of the sky, CASA's image tool reads. The few cards that are needed here are read directly: for a
cube in a thousand files for each product, astropy's headers would take ten times as long.
"""

import os
import re
from collections import namedtuple
from contextlib import suppress
from math import prod

from .channels import format_channels

# A header consists of cards, and it fills blocks.
CARD, BLOCK = 80, 2880
BEGINNING, GZIP = b"SIMPLE  =", b"\x1f\x8b"
# Names of axes of velocities begin with these.
VELOCITIES = ("VRAD", "VOPT", "VELO", "FELO")
QUOTED = re.compile(r"\s*'(?P<text>[^']*)'")

# Text of the values in a header by keyword, with the comments, and the offset of the data in bytes.
Cards = namedtuple("Cards", "text offset")


def is_fits(path):
    """Whether a file claims to be FITS."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(BEGINNING)) == BEGINNING


def read_cards(path):
    """
    Read the first header of a FITS file.

    Parameters
    ----------
    path : str
        Path of the file.

    Returns
    -------
    cards : `Cards`
        Only the first card of a keyword that occurs more than once, such as HISTORY.

    Raises
    ------
    ValueError
        If it is no FITS file, if header or data are shorter than they should be, or if float pixels have a scale.
    """
    text, blocks = {}, 0
    with open(path, "rb") as file:
        while "END" not in text:
            block = file.read(BLOCK)
            if not blocks and not block.startswith(BEGINNING):
                raise ValueError(f"{path} {_what_else(block)}")
            if len(block) < BLOCK:
                raise ValueError(f"{path} is damaged: its header has no end; copy it again, or export it again")
            cards = (block[start : start + CARD].decode("latin1") for start in range(0, BLOCK, CARD))
            text = {**{card[:8].rstrip(): card[10:] for card in reversed([*cards])}, **text}
            blocks += 1
    cards = Cards(text, blocks * BLOCK)
    _check_length(path, cards)
    if number(cards, "BITPIX") < 0 and (number(cards, "BSCALE", 1.0), number(cards, "BZERO")) != (1, 0):
        raise ValueError(f"{path} has a scale for float pixels, which CASA ignores; write the scaled pixels")
    return cards


def why_refused(path):
    """What is wrong with a FITS file that CASA refuses, and the mend; '' if that is not known."""
    from astropy.io import fits

    with suppress(OSError, KeyError), fits.open(path) as file:
        header = file[0].header
        kind = next((header[name] for name in header["CTYPE*"] if str(header[name])[:4] in VELOCITIES), None)
        if kind and not header.get("RESTFRQ", header.get("RESTFREQ", 0)):
            return (
                f"has an axis of velocities ({kind}) and no rest frequency, so that CASA cannot read it; set RESTFRQ "
                "in its header, in Hz"
            )
        if any(isinstance(unit, fits.CompImageHDU) for unit in file):
            return "is compressed in tiles; decompress it first, with funpack"
        beams = [row for unit in file if unit.name == "BEAMS" for row in unit.data]
        channels = {int(row["CHAN"]) for row in beams if not row["BMAJ"] >= row["BMIN"] > 0}  # NaN, zero or swapped
        if channels:
            return (
                f"has no valid beam in channels {format_channels(channels)} of its table of beams; give them the beam "
                "of an adjacent channel, or export the image again"
            )
    return ""


def _what_else(beginning):
    if beginning.startswith(GZIP):
        return "is compressed; decompress it first, with gunzip"
    return "cannot be read as a CASA image or as FITS; give an image that tclean, exportfits or WSClean wrote"


def _check_length(path, cards):
    needed = cards.offset + abs(int(number(cards, "BITPIX"))) // 8 * prod(shape_of(cards) or (0,))
    length = os.path.getsize(path)
    if length < needed:
        raise ValueError(
            f"{path} is damaged: {length} bytes long, and its header says {needed}; copy it again, or wait until it is "
            "written"
        )


def value_of(text):
    """The value in the text of a card, without the comment; quoted text may contain a slash, as 'Jy/beam' does."""
    quoted = QUOTED.match(text)
    return quoted["text"].rstrip() if quoted else text.split("/")[0].strip()


def number(cards, keyword, default=0.0):
    """Number that a keyword has, or the default if it does not occur."""
    text = value_of(cards.text.get(keyword, "")).replace("D", "E")
    return float(text) if text else default


def shape_of(cards):
    """Lengths of the axes, the first varying fastest; empty if the image is not in the first part of the file."""
    return tuple(int(number(cards, f"NAXIS{axis}")) for axis in range(1, int(number(cards, "NAXIS")) + 1))


def is_plain(cards):
    """Whether the pixels are float32, big-endian and one after another."""
    return number(cards, "BITPIX") == -32 and prod(shape_of(cards) or (0,)) > 0


def lengthen(path, shape):
    """
    Give an image of one pixel in a FITS file another shape; its other pixels are then 0, and a hole in the file.

    Parameters
    ----------
    path : str
        Path of a file that contains nothing else.
    shape : tuple of int
        Lengths of the axes, the first varying fastest.
    """
    offset = read_cards(path).offset
    with open(path, "r+b") as file:
        header = file.read(offset)
        for axis, length in enumerate(shape, start=1):
            start = header.index(f"NAXIS{axis}  = ".encode())
            file.seek(start)
            file.write(f"NAXIS{axis}  = {length:20d}".ljust(CARD).encode())
        file.truncate(offset + -(-4 * prod(shape) // BLOCK) * BLOCK)
