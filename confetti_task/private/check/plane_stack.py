"""The planes of the channels that are compared with each other, in one buffer that is used again and again."""

import numpy as np

from ..core.spikes import REACH_CHANNELS
from ..core.surroundings import disc, height_above_ring, ring

CHANNELS_COMPARED = 2 * REACH_CHANNELS + 1
# Plane number of a channel that is blank or beyond the ends of the cube. It must not be in the stack: there
# `height_above_ring` gives NaN, but as an index, -1 is the last plane.
MISSING = -1


class PlaneStack:
    """
    The restored models of a channel and of its neighbours, and the unmeasured parts of these models, in one window.

    A channel is compared with three on either side, so the stack has 2 x 7 planes: a pair for each channel, which the
    channel seven later takes over. Before and after channel 17 is put::

        channel       10   11   12   13   14   15   16         11   12   13   14   15   16   17
        restored       3    4    5    6    0    1    2          4    5    6    0    1    2    3
        unmeasured    10   11   12   13    7    8    9         11   12   13    7    8    9   10
        compared       <---------- with 13 ---------->          <---------- with 14 ---------->

    A channel that was not put, because it is blank or beyond the ends of the cube, counts as missing.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the window.
    beam : float
        FWHM of the restoring beam, in pixels.
    """

    def __init__(self, shape, beam):
        self._planes = np.empty((2 * CHANNELS_COMPARED, *shape), dtype=np.float32)
        self._beam = beam
        self.clear()

    def clear(self):
        """Forget all channels, before another window is looked at."""
        self._channels = [None] * CHANNELS_COMPARED

    def put(self, channel):
        """Give a channel its planes, which the caller fills: the restored model, and the unmeasured part of it."""
        place = channel % CHANNELS_COMPARED
        self._channels[place] = channel
        return self._planes[place], self._planes[place + CHANNELS_COMPARED]

    def _compared(self, channel):
        """Numbers of the planes with which a channel is compared, in channel order, [2, 7]."""
        around = range(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)
        places = [other % CHANNELS_COMPARED for other in around]
        restored = np.array(
            [place if self._channels[place] == other else MISSING for place, other in zip(places, around)]
        )
        return np.stack([restored, np.where(restored == MISSING, MISSING, restored + CHANNELS_COMPARED)])

    def heights(self, channel, places):
        """
        Measure the height of each place above the ring around it.

        Parameters
        ----------
        channel : int
            The channel that is compared with its neighbours.
        places : 2D int `~numpy.ndarray`
            Positions (y, x) in the window, [n, 2].

        Returns
        -------
        heights : 3D float32 `~numpy.ndarray`
            Of the restored models and of their unmeasured parts in Jy/beam, [2, n, 7], in channel order; NaN where a
            channel is missing.
        """
        compared = self._compared(channel)
        pixels = np.empty((*compared.shape, len(places), 3), dtype=int)
        pixels[..., 0], pixels[..., 1:] = compared[..., np.newaxis], places
        heights = height_above_ring(self._planes, pixels.reshape(-1, 3), ring(self._beam))
        return heights.reshape(pixels.shape[:-1]).swapaxes(1, 2)

    def estimate_heights(self, channel, places, of_pixel, heights):
        """
        Estimate the heights of the places near some pixels, above the ring around the pixel instead of their own.

        Parameters
        ----------
        channel, places
            As for `heights`.
        of_pixel : 2D int `~numpy.ndarray`
            Rows of ``places`` near each pixel, [n, k], from `core.surroundings.places_within`.
        heights : 3D float32 `~numpy.ndarray`
            `heights` of the pixels, [2, n, 7].

        Returns
        -------
        estimates : 3D float32 `~numpy.ndarray`
            As from `heights`, [2, n * k, 7].
        """
        compared = self._compared(channel)
        flat = np.ravel_multi_index(tuple(places.T), self._planes.shape[1:])
        values = self._planes.reshape(len(self._planes), -1).take(flat, axis=1)[compared]
        values[compared == MISSING] = np.nan
        values = values[..., of_pixel]
        # The pixel itself is in the middle of its places: its value less its height is the level of its ring.
        background = values[..., of_pixel.shape[1] // 2] - heights.swapaxes(1, 2)
        return (values - background[..., np.newaxis]).reshape(*compared.shape, -1).swapaxes(1, 2)

    def restored_samples(self, channel, step):
        """Every ``step``-th pixel of the restored models in y and x, [7, y, x] in channel order; NaN where missing."""
        restored, _ = self._compared(channel)
        samples = self._planes[:, ::step, ::step][restored]
        samples[restored == MISSING] = np.nan
        return samples

    def most_variable_near(self, channel, places, radius):
        """The pixel (y, x) near each place at which the restored models vary most from channel to channel, [n, 2]."""
        restored, _ = self._compared(channel)
        present = restored[restored != MISSING]
        near = (places[:, np.newaxis] + disc(radius)).clip(0, np.array(self._planes.shape[1:]) - 1)
        values = self._planes[present[:, np.newaxis, np.newaxis], near[..., 0], near[..., 1]]
        ranges = np.nanmax(values, axis=0, initial=-np.inf) - np.nanmin(values, axis=0, initial=np.inf)
        return near[np.arange(len(places)), ranges.argmax(axis=1)]
