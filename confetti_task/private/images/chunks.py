"""Division of a cube into the parts that are read at once."""

from .channels import contiguous_ranges

# Rows of a plane: the image tool takes float64, which would be 3.2 GB for 20000 x 20000 pixels.
ROWS_AT_ONCE = 2048
# Upper limit of what is read at once, 32 MB: the buffer fits into the cache and is used again, and allocating a new one
# takes longer than reading into it.
CHUNK_VOXELS = 2**23


def ranges_of(channels, depth, number):
    """
    Divide channels into ranges for the workers.

    Parameters
    ----------
    channels : sequence of int
        Channels in ascending order.
    depth : int
        Number of channels stored together in a tile.
    number : int
        Approximate number of ranges.

    Yields
    ------
    start, end : int
        Ranges of consecutive channels, cut at tile boundaries; ``end`` is exclusive.
    """
    length = -(-len(channels) // (number * depth)) * depth
    for start, end in contiguous_ranges(channels):
        while start < end:
            cut = min(end, (start // depth) * depth + length)
            yield start, cut
            start = cut


def chunks(start, end, depth, plane, voxels, margin=0):
    """
    Divide a range of channels into chunks that are read at once.

    Parameters
    ----------
    start, end : int
        The range; ``end`` is exclusive.
    depth : int
        Number of channels stored together in a tile.
    plane, voxels : int
        Pixels per channel, and maximum number of pixels in memory.
    margin : int
        Number of channels kept in memory from the previous chunk.

    Yields
    ------
    start, end : int
        The chunks, cut at tile boundaries unless they are thinner than a tile.
    """
    length = max(1, voxels // plane - margin)
    length = length // depth * depth or length
    while start < end:
        aligned = start // depth * depth if length >= depth else start
        cut = min(end, aligned + length)
        yield start, cut
        start = cut


def strips(height, rows):
    """First row and the one after the last of each strip of ``rows`` rows."""
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]
