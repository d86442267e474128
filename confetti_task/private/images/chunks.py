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
    first, last : int
        Ranges of neighbours, cut where the tiles are.
    """
    length = -(-len(channels) // (number * depth)) * depth
    for first, last in contiguous_ranges(channels):
        start = first
        while start <= last:
            end = min(last, (start // depth) * depth + length - 1)
            yield start, end
            start = end + 1


def chunks(first, last, depth, plane, voxels, beside=0):
    """
    Cut a range of channels into chunks that are read at once.

    Parameters
    ----------
    first, last : int
        The range.
    depth : int
        Channels that are stored together.
    plane, voxels : int
        Pixels of a channel, and how many may be in memory.
    beside : int
        Channels that are kept from the chunk before.

    Yields
    ------
    first, last : int
        The chunks, cut where the tiles are if they are not thinner than those.
    """
    length = max(1, voxels // plane - beside)
    length = length // depth * depth or length
    start = first
    while start <= last:
        aligned = start // depth * depth if length >= depth else start
        end = min(last, aligned + length - 1)
        yield start, end
        start = end + 1


def strips(height, rows):
    """First row and the one after the last of strips of so many rows."""
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]
