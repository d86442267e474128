"""How a cube is cut into what is read at once."""

from .channels import contiguous_ranges

# Of one plane: the image tool takes float64, which of 20000 rows would be 3.2 GB.
ROWS_AT_ONCE = 2048


def ranges_of(channels, depth, number):
    """
    Cut channels into ranges for workers.

    Parameters
    ----------
    channels : sequence of int
        Channels in ascending order.
    depth : int
        Channels that are stored together.
    number : int
        About how many ranges there should be.

    Yields
    ------
    start, end : int
        Ranges of neighbours, cut where the tiles are; ``end`` is exclusive.
    """
    length = -(-len(channels) // (number * depth)) * depth
    for start, end in contiguous_ranges(channels):
        while start < end:
            cut = min(end, (start // depth) * depth + length)
            yield start, cut
            start = cut


def chunks(start, end, depth, plane, voxels, beside=0):
    """
    Cut a range of channels into chunks that are read at once.

    Parameters
    ----------
    start, end : int
        The range; ``end`` is exclusive.
    depth : int
        Channels that are stored together.
    plane, voxels : int
        Pixels of a channel, and how many may be in memory.
    beside : int
        Channels that are kept from the chunk before.

    Yields
    ------
    start, end : int
        The chunks, cut where the tiles are if they are not thinner than those.
    """
    length = max(1, voxels // plane - beside)
    length = length // depth * depth or length
    while start < end:
        aligned = start // depth * depth if length >= depth else start
        cut = min(end, aligned + length)
        yield start, cut
        start = cut


def strips(height, rows):
    """First row and the one after the last of strips of so many rows."""
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]
