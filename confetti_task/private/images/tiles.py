"""
The tiles in which CASA stores an image, read and written without CASA; and FITS files, whose rows serve as tiles.

casacore stores the pixels of an image in tiles of equal size, one after another in a file; tiles at the upper edges are
padded. Tiles are laid out in the file as in memory, so that mapping the file is all that is needed. Axes are in the
order of the image, the first varying fastest.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Tuple

import numpy as np

from .fits import is_fits, is_plain, read_cards, shape_of

# Files in which the two tiled storage managers used by images keep the pixels; {0} is the number of the manager, {1}
# that of the hypercube.
FILES = {"TiledCellStMan": "table.f{0}_TSM0", "TiledShapeStMan": "table.f{0}_TSM{1}"}
BYTE_ORDERS = {"little": "<f4", "big": ">f4"}
BITS = "bits"


@dataclass(frozen=True)
class Tiles:
    """
    Layout of the pixels of an image in a file. Small and picklable: all that a process without CASA needs.

    Attributes
    ----------
    path : str
        Path of the file.
    kind : {'<f4', '>f4', 'bits'}
        Float pixels in either byte order, or a T/F mask.
    shape, tile : tuple of int
        Shape of the image and of a tile.
    bucket : int
        Size of a tile in the file, in bytes.
    offset : int
        Where the first tile begins, in bytes.
    """

    path: str
    kind: str
    shape: Tuple[int, ...]
    tile: Tuple[int, ...]
    bucket: int
    offset: int = 0

    @property
    def counts(self):
        """Number of tiles along each axis."""
        return tuple(-(-length // size) for length, size in zip(self.shape, self.tile))


def find_image_tiles(path, tool):
    """
    Find out how an image is stored, and verify it.

    Parameters
    ----------
    path : str
        Path of the image.
    tool : image tool
        Has the image open: one tile is compared with what it reads.

    Returns
    -------
    pixels, mask : `Tiles` or None
        Layout of the pixels and of the default T/F mask. None for a mask that does not exist, and for anything that
        only the image tool can read.
    """
    shape = tuple(int(length) for length in tool.shape())
    pixels = find_fits_tiles(path) if is_fits(path) else find_tiles(path)
    mask_path = _mask_path(path) if pixels and tool.maskhandler("default")[0] else ""
    mask = find_tiles(mask_path) if mask_path else None
    return tuple(tiles if tiles and _is_right(tiles, shape, tool) else None for tiles in (pixels, mask))


def _mask_path(path):
    with opened_table(path) as tool:
        keywords = tool.getkeywords()
    mask = keywords["masks"][keywords["Image_defaultmask"]]
    return str(mask.get("mask", "")).replace("Table: ", "")


def _is_right(tiles, shape, tool):
    """Whether a tile contains what the image tool reads there."""
    if tiles.shape[: len(shape)] != shape or not _can_be_mapped(tiles):
        return False
    number = _telling_tile(tiles)
    bottom = [place * size for place, size in zip(number, tiles.tile)][: len(shape)]
    top = [min(low + size, length) - 1 for low, size, length in zip(bottom, tiles.tile, shape)]
    expected = tool.getchunk(bottom, top, getmask=tiles.kind == BITS)
    return np.array_equal(read_box(tiles, bottom, top), expected, equal_nan=tiles.kind != BITS)


def _can_be_mapped(tiles):
    """Whether the file can be mapped: some FUSE file systems refuse with "no such device"."""
    try:
        _map(tiles)
    except OSError:
        return False
    return True


def _telling_tile(tiles):
    """Of sixteen tiles across the image, the one whose pixels change most often: an empty one would prove nothing."""
    mapped = _map(tiles)
    numbers = np.unique(np.linspace(0, prod(tiles.counts) - 1, 16).astype(int))
    places = [np.unravel_index(number, tiles.counts, order="F") for number in numbers]
    whole = [slice(0, length) for length in tiles.tile[::-1]]
    found = (_tiles_of(mapped[place[::-1]], tiles, whole).ravel() for place in places)
    changes = [np.count_nonzero(pixels[1:] != pixels[:-1]) for pixels in found]
    return places[int(np.argmax(changes))]


def find_tiles(path):
    """
    Find out how the pixels of an image or of a T/F mask are stored.

    Parameters
    ----------
    path : str
        Path of the image, or of the table of a mask.

    Returns
    -------
    tiles : `Tiles` or None
        None if they are not float32 or bits in plain tiles, or if the length of the file does not match.
    """
    if not os.path.exists(os.path.join(path, "table.dat")):
        return None
    with opened_table(path) as tool:
        column = "map" if "map" in tool.colnames() else tool.colnames()[0]
        value_type, order = tool.getcoldesc(column)["valueType"], tool.endianformat()
        managers = [manager for manager in tool.getdminfo().values() if column in manager["COLUMNS"]]
        rows = tool.nrows()
        shape = _read_shape(tool.getcolshapestring(column, 0, 1)[0]) if rows == 1 else ()
    kind = {"float": BYTE_ORDERS.get(order), "boolean": BITS}.get(value_type)
    if not shape or kind is None or managers[0]["TYPE"] not in FILES:
        return None
    return _first_row(path, kind, shape, managers[0])


def find_fits_tiles(path):
    """
    Find out how the pixels of a FITS image are stored.

    Parameters
    ----------
    path : str
        Path of the file.

    Returns
    -------
    tiles : `Tiles` or None
        A tile for each row, because rows need no padding. None if the pixels are not plain float32.
    """
    cards = read_cards(path)
    if not is_plain(cards):
        return None
    shape = shape_of(cards)
    tile = (shape[0], *[1] * (len(shape) - 1))
    return Tiles(os.path.abspath(path), BYTE_ORDERS["big"], shape, tile, 4 * shape[0], cards.offset)


def _read_shape(text):
    return tuple(int(length) for length in text.strip("[]").split(","))


def _first_row(path, kind, shape, manager):
    name, number = FILES[manager["TYPE"]], manager["SEQNR"]
    for key, cube in manager["SPEC"]["HYPERCUBES"].items():
        if tuple(cube["CellShape"]) != shape:
            continue
        file = os.path.abspath(os.path.join(path, name.format(number, key.lstrip("*"))))
        sizes = (tuple(int(length) for length in cube[what]) for what in ("CubeShape", "TileShape"))
        tiles = Tiles(file, kind, *sizes, int(cube["BucketSize"]))
        if _fits_the_file(tiles):
            return tiles
    return None


def _fits_the_file(tiles):
    needed = -(-prod(tiles.tile) // 8) if tiles.kind == BITS else 4 * prod(tiles.tile)
    if tiles.bucket != needed or not os.path.isfile(tiles.path):
        return False
    return os.path.getsize(tiles.path) == tiles.bucket * prod(tiles.counts)


@contextmanager
def opened_table(path, nomodify=True):
    """Open a table with the table tool, and close it at the end."""
    from casatools import table

    tool = table()
    tool.open(path, nomodify=nomodify)
    try:
        yield tool
    finally:
        tool.done()


def read_box(tiles, bottom, top, out=None):
    """
    Read the pixels of a box.

    Parameters
    ----------
    tiles : `Tiles`
        Layout of the pixels.
    bottom, top : sequence of int
        First and last pixel along each axis.
    out : `~numpy.ndarray` or None
        Array to fill, with the axes of the image; None for a new one.

    Returns
    -------
    pixels : `~numpy.ndarray`
        float32 or bool, with the axes of the image.
    """
    lengths = [high - low + 1 for low, high in zip(bottom, top)]
    if out is None:
        out = np.empty(lengths, dtype=bool if tiles.kind == BITS else np.float32, order="F")
    mapped = _map(tiles)
    # An image in a TiledShapeStMan has one more axis, the rows of the table, of which it uses only the first.
    spare = len(tiles.shape) - len(bottom)
    axes = [_segments(*axis) for axis in zip(tiles.tile, [*bottom, *[0] * spare], [*top, *[0] * spare])]
    target = out.T[(np.newaxis,) * spare]
    for parts in product(*reversed(axes)):
        numbers, inside, outside = zip(*parts)
        if tiles.kind == BITS and _all_true(mapped[numbers], tiles.tile[::-1], inside):
            target[outside] = True  # as in most of a T/F mask; unpacking it would take as long as reading the image
            continue
        pixels = _tiles_of(mapped[numbers], tiles, inside)[(..., *inside)]
        # Each axis as a pair: number of the tile, pixel in the tile.
        order = [axis + step for axis in range(len(parts)) for step in (0, len(parts))]
        pixels = pixels.transpose(order)
        target[outside].reshape(pixels.shape)[...] = pixels
    return out


def write_plane(file, tiles, place, plane):
    """
    Write a plane into an image of zeros.

    casacore rewrites all channels of every tile: 0.15 s for 1024 x 1024 pixels in tiles of sixteen channels, against
    0.01 s here.

    Parameters
    ----------
    file : binary file
        File of the tiles, open for writing. Zeros are not written, so that holes in the file remain.
    tiles : `Tiles`
        Layout of the pixels.
    place : sequence of int
        Pixel along each axis; the first two are ignored.
    plane : 2D `~numpy.ndarray`
        Whole plane [second axis, first axis].
    """
    width, height = tiles.tile[:2]
    columns, rows = tiles.counts[:2]
    place = [0, 0, *place[2:], *[0] * (len(tiles.shape) - len(place))]
    numbers, inside = np.divmod(place, tiles.tile)
    first = np.ravel_multi_index(numbers, tiles.counts, order="F")
    offset = np.ravel_multi_index(inside, tiles.tile, order="F") * np.dtype(tiles.kind).itemsize
    for row in range(rows):
        lines = plane[row * height : (row + 1) * height]
        padded = np.zeros((height, columns * width), dtype=tiles.kind)
        padded[: len(lines), : plane.shape[1]] = lines
        for column, part in enumerate(np.split(padded, columns, axis=1)):
            if part.any():
                file.seek(tiles.offset + (int(first) + row * columns + column) * tiles.bucket + int(offset))
                file.write(part.tobytes())


def _map(tiles):
    dtype, length = (np.uint8, tiles.bucket) if tiles.kind == BITS else (tiles.kind, prod(tiles.tile))
    shape = (*tiles.counts[::-1], length)
    return np.asarray(np.memmap(tiles.path, dtype=dtype, mode="r", offset=tiles.offset, shape=shape))


def _segments(size, low, high):
    """
    Divide an axis of a box into the end of a tile, whole tiles, and the beginning of a tile.

    Each segment consists of the numbers of the tiles, the pixels within each tile, and the pixels of the box.
    """
    first_whole, end_whole = -(-low // size), (high + 1) // size
    if first_whole > end_whole:
        ends = [(low, high + 1)]
    else:
        ends = [(low, first_whole * size), (first_whole * size, end_whole * size), (end_whole * size, high + 1)]
    return [
        (
            slice(start // size, -(-end // size)),
            slice(start % size, (end - 1) % size + 1),
            slice(start - low, end - low),
        )
        for start, end in ends
        if start < end
    ]


def _tiles_of(buckets, tiles, inside):
    """View buckets as pixels, valid only inside a box: axes of the tile numbers, then those of the pixels in a tile."""
    shape = tiles.tile[::-1]
    if tiles.kind == BITS:
        buckets = _unpack(buckets, shape, inside)
    return buckets.reshape(*buckets.shape[:-1], *shape)


def _all_true(buckets, shape, inside):
    """Whether all bits inside a box are set, and those between them."""
    return (buckets[..., _bytes_of(shape, inside)] == 255).all()


def _bytes_of(shape, inside):
    """The bytes of a bucket that hold the bits inside a box."""
    first, last = (
        int(np.ravel_multi_index(ends, shape)) // 8 for ends in zip(*((some.start, some.stop - 1) for some in inside))
    )
    return slice(first, last + 1)


def _unpack(buckets, shape, inside):
    """Unpack only the bits inside a box: for one channel of a tile of sixteen, all would take 2.5 times as long."""
    needed = _bytes_of(shape, inside)
    bits = np.zeros((*buckets.shape[:-1], 8 * buckets.shape[-1]), dtype=bool)
    unpacked = np.unpackbits(buckets[..., needed], axis=-1, bitorder="little")
    bits[..., 8 * needed.start : 8 * needed.stop] = unpacked
    return bits[..., : prod(shape)]
