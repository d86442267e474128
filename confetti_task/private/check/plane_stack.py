"""The planes of the channels that are compared with each other, in one buffer that is used again and again."""

import numpy as np

from ..core.dynamic_range import step_of_samples
from ..core.edges import continuation, continued
from ..core.spikes import REACH_CHANNELS
from ..core.surroundings import GATHERED_AT_ONCE, disc, median, ring

CHANNELS_COMPARED = 2 * REACH_CHANNELS + 1


def margin_of(beam):
    """Width of the margin around the planes of a stack, in pixels: no ring around a place reaches beyond it."""
    return int(np.abs(ring(beam)).max())


class PlaneStack:
    """
    The restored models of a channel and of its neighbours, and the unmeasured parts of these models, in one window.

    A channel is compared with three on either side, so the stack has 2 x 7 planes: a pair for each channel, which the
    channel seven later takes over. Before and after channel 17 is put::

        channel       10   11   12   13   14   15   16         11   12   13   14   15   16   17
        restored       3    4    5    6    0    1    2          4    5    6    0    1    2    3
        unmeasured    10   11   12   13    7    8    9         11   12   13    7    8    9   10
        compared       <---------- with 13 ---------->          <---------- with 14 ---------->

    A channel that was not put, because it is blank or beyond the ends of the cube, counts as missing. Around each plane
    is a margin of NaN, as wide as the ring around a beam, so that no place is too near to an edge.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the window.
    beam : float
        FWHM of the restoring beam, in pixels.
    """

    def __init__(self, shape, beam):
        self._beam, self._ring = beam, ring(beam)
        self._margin = margin = margin_of(beam)
        with_margin = [length + 2 * margin for length in shape]
        self._with_margin = np.full((2 * CHANNELS_COMPARED, *with_margin), np.nan, dtype=np.float32)
        self._planes = self._with_margin[:, margin:-margin, margin:-margin]
        self._step = step_of_samples(beam)
        samples = self._planes[:CHANNELS_COMPARED, :: self._step, :: self._step]
        self._samples = samples if self._step == 1 else np.empty(samples.shape, dtype=np.float32)
        self._missing = np.broadcast_to(np.float32(np.nan), samples.shape[1:])
        self._blank = self._beyond = None
        self.clear()

    def clear(self):
        """Forget all channels, before another window is looked at."""
        self._channels = [None] * CHANNELS_COMPARED

    def put(self, channel, image, residual):
        """
        Put a channel into the stack.

        Parameters
        ----------
        channel : int
            Number of the channel.
        image, residual : 2D float32 `~numpy.ndarray`
            The window of its image and residual, in Jy/beam.

        Returns
        -------
        restored, unmeasured : 2D float32 `~numpy.ndarray`
            The restored model [y, x], and a plane for the unmeasured part of it, which the caller fills.
        """
        place = channel % CHANNELS_COMPARED
        restored, unmeasured = self._planes[place], self._planes[place + CHANNELS_COMPARED]
        np.subtract(image, residual, out=restored)
        unmeasured[:] = image  # for `image_heights`, as long as the caller has not filled it
        self._samples[place] = restored[:: self._step, :: self._step]
        self._channels[place] = channel
        return restored, unmeasured

    def without_margin(self, plane):
        """The window in a plane with a margin."""
        return plane[self._margin : -self._margin, self._margin : -self._margin]

    def continued(self, channel):
        """The restored model of a channel with a margin, in which it goes on beyond its edges; see `core.edges`."""
        plane = self._with_margin[channel % CHANNELS_COMPARED]
        blank = np.isnan(plane)
        # Nearly always the same as in the channel before; finding it takes as long as all the rest.
        if self._blank is None or not np.array_equal(blank, self._blank):
            self._blank, self._beyond = blank, continuation(blank, self._beam)
        return continued(plane, blank, self._beyond)

    def _compared(self, channel):
        """Planes that are compared with those of a channel, [2, 7] in channel order, and which are missing, [7]."""
        around = np.arange(channel - REACH_CHANNELS, channel + REACH_CHANNELS + 1)
        places = around % CHANNELS_COMPARED
        missing = [self._channels[place] != other for place, other in zip(places, around)]
        return np.stack([places, places + CHANNELS_COMPARED]), np.array(missing)

    def _at(self, places):
        """Index of places (y, x) in a flat plane."""
        return (places[..., 0] + self._margin) * self._with_margin.shape[2] + places[..., 1] + self._margin

    def _heights(self, planes, places):
        """Heights above the ring of places in some planes, [plane, n]."""
        heights = np.empty((len(planes), len(places)), dtype=np.float32)
        steps = self._ring @ [self._with_margin.shape[2], 1]
        batch = GATHERED_AT_ONCE // len(steps)
        for start in range(0, len(places), batch):
            some = slice(start, start + batch)
            at = self._at(places[some])
            around = at[:, np.newaxis] + steps
            for plane, found in zip(planes, heights):
                flat = self._with_margin[plane].ravel()
                # Any other mode than 'raise' spares numpy a copy.
                found[some] = flat.take(at) - median(flat.take(around, mode="clip"))
        return heights

    def image_heights(self, channel, places):
        """Heights of the image of a channel that was just put, in Jy/beam, [n]; ``places`` as for `heights`."""
        return self._heights([channel % CHANNELS_COMPARED + CHANNELS_COMPARED], places)[0]

    def heights_in(self, channel, places):
        """Heights of the restored model of a channel and its unmeasured part, [2, n]; ``places`` as for `heights`."""
        place = channel % CHANNELS_COMPARED
        return self._heights([place, place + CHANNELS_COMPARED], places)

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
        compared, missing = self._compared(channel)
        heights = np.full((*compared.shape, len(places)), np.nan, dtype=np.float32)
        for planes, found in zip(compared, heights):
            found[~missing] = self._heights(planes[~missing], places)
        return heights.swapaxes(1, 2)

    def estimate_heights(self, channel, near, heights):
        """
        Estimate the heights of the places near some pixels, above the ring around the pixel instead of their own.

        Parameters
        ----------
        channel : int
            As for `heights`.
        near : 3D int `~numpy.ndarray`
            Positions (y, x) near each pixel, which is in their middle, [n, k, 2], from
            `core.surroundings.positions_within`.
        heights : 3D float32 `~numpy.ndarray`
            `heights` of the pixels, [2, n, 7].

        Returns
        -------
        estimates : 3D float32 `~numpy.ndarray`
            As from `heights`, [2, n * k, 7].
        """
        compared, missing = self._compared(channel)
        flat = self._with_margin.reshape(len(self._with_margin), -1)
        values = flat.take(self._at(near), axis=1)[compared]
        values[:, missing] = np.nan
        # The value of the pixel less its height is the level of its ring.
        background = values[..., near.shape[1] // 2] - heights.swapaxes(1, 2)
        values -= background[..., np.newaxis]
        return values.reshape(*compared.shape, -1).swapaxes(1, 2)

    def samples(self, channel):
        """The restored model [y, x] of a channel in the stack, every `step_of_samples`."""
        return self._samples[channel % CHANNELS_COMPARED]

    def restored_samples(self, channel):
        """The restored models [y, x] around a channel, in channel order, every `step_of_samples`; NaN where missing."""
        (restored, _), missing = self._compared(channel)
        return [self._missing if absent else self._samples[place] for place, absent in zip(restored, missing)]

    def most_variable_near(self, channel, places, radius):
        """The pixel (y, x) near each place at which the restored models vary most from channel to channel, [n, 2]."""
        (restored, _), missing = self._compared(channel)
        present = restored[~missing]
        near = (places[:, np.newaxis] + disc(radius)).clip(0, np.array(self._planes.shape[1:]) - 1)
        values = self._planes[present[:, np.newaxis, np.newaxis], near[..., 0], near[..., 1]]
        ranges = np.nanmax(values, axis=0, initial=-np.inf) - np.nanmin(values, axis=0, initial=np.inf)
        return near[np.arange(len(places)), ranges.argmax(axis=1)]
