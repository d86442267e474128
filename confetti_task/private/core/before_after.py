"""The proof of a fake source: it is gone after its channel was cleaned again. Pure functions of heights and planes."""

from collections import namedtuple

import numpy as np

from .hot_pixels import hot_pixels
from .quantities import FIND
from .scatters import scatter
from .sources import take_neighbours
from .surroundings import disc, height_above_ring, places_within, reduce_around, ring

# Height of a proved fake source, in units of the noise: that which makes a channel suspicious, see
# `core.decision.Thresholds`. Bad channels, cleaned again, differ by more, and good ones by less.
PROOF_SIGMA = 4.0
# How far from the central pixel the peak of a PSF may be.
PEAK_NEAR_CENTRE = 2
# Kinds of finds, see `core.quantities`, in the order in which they are shown.
PROOFS = ("proved", "changed", "open", "real")
# Where the restored model is fainter than this, in units of the noise, nothing was cleaned.
NOTHING_CLEANED = 0.5
# Pixels from which a scatter is known to some per cent.
LEAST_PIXELS = 1000
# A clean that stops below this multiple of the rms takes the peaks of the noise away: stopped at one
# sigma, the scatter of the residual was down to 0.31 of the noise, and stopped at three, it was 0.83 to 1.24.
INTO_THE_NOISE = 1.5

# Fractions by which two deconvolutions of the same data differ: at a place, relative to the brightness within a beam of
# it, and anywhere, relative to the brightest source of the channel.
Change = namedtuple("Change", "locally anywhere")
NO_CHANGE = Change(0.0, 0.0)


def noise_of(new, rms, threshold):
    """
    Noise of a channel that was cleaned again: the scatter of its residual where nothing was cleaned.

    It is measured again, because the old rms may be that of other channels, and in mosaics up to 1.3 times the noise.

    Parameters
    ----------
    new : dict of 2D float32 `~numpy.ndarray`
        The new planes 'image' and 'residual' in Jy/beam; NaN where they are blank.
    rms : float
        rms of the channel in the old image, in Jy/beam; 0 if it is unknown, because the channel is blank: then the
        whole residual is taken.
    threshold : float
        tclean's threshold in Jy/beam, 0 if unknown. A clean into the noise takes its peaks away: then ``rms`` is the
        minimum.

    Returns
    -------
    noise : float
        In Jy/beam: 0.83 to 1.24 times the true noise, in single fields and in mosaics.
    """
    known = new["residual"] != 0  # tclean's residual is 0 only where there are no data
    left = known & (np.abs(new["image"] - new["residual"]) < NOTHING_CLEANED * rms)
    if not rms > 0:
        return _about_the_median(new["residual"][known & np.isfinite(new["residual"])])
    if np.count_nonzero(left) < LEAST_PIXELS:
        return rms
    noise = _about_the_median(new["residual"][left])
    return noise if threshold >= INTO_THE_NOISE * rms else max(noise, rms)


def _about_the_median(values):
    return float(scatter(np.abs(values - np.median(values)))) if len(values) else np.nan


def residual_scale(psf, beam):
    """
    Factor by which a residual is scaled, so that a source shows the same whether it was cleaned or not.

    Parameters
    ----------
    psf : 2D float32 `~numpy.ndarray`
        PSF of the channel, with its peak at the central pixel or next to it.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    scale : float
        Height of the restoring beam above the median of its ring, divided by that of the PSF, whose sidelobes are in
        the ring. 1 if the PSF is blank, or smaller than the ring.
    """
    offsets = ring(beam)
    if np.abs(offsets).max() + PEAK_NEAR_CENTRE >= min(psf.shape) // 2 or not np.nanmax(psf, initial=0) > 0:
        return 1.0
    centre = _peak_near_centre(psf)
    restored = 1 - np.median(np.exp(-4 * np.log(2) * (offsets**2).sum(axis=1) / beam**2))
    dirty = 1 - np.median(psf[tuple((centre + offsets).T)]) / psf[tuple(centre)]
    return float(restored / dirty) if dirty > 0 else 1.0


def _peak_near_centre(psf):
    """Peak of a PSF; in images of odd size tclean lays it a pixel off."""
    start = np.array(psf.shape) // 2 - PEAK_NEAR_CENTRE
    size = 2 * PEAK_NEAR_CENTRE + 1
    near = np.nan_to_num(psf[start[0] : start[0] + size, start[1] : start[1] + size])
    return start + np.unravel_index(near.argmax(), near.shape)


def compare(old, new, adjacent, noise, scale, beam, nsigma, change=NO_CHANGE):
    """
    Compare the images of a channel before and after it was cleaned again, around the hot pixels of either model.

    How deep either clean went makes no difference: image minus residual is the restored model, and what was not cleaned
    is in the residual, scaled so that a source has the same height in both. Both images are of the same data, so any
    difference was invented by CLEAN.

    Parameters
    ----------
    old, new : dict of 2D float32 `~numpy.ndarray`
        The planes 'model' in Jy/pixel, and 'image' and 'residual' in Jy/beam; NaN where they are blank.
    adjacent : list of dict of 2D float32 `~numpy.ndarray`
        The same for the adjacent channels, after.
    noise : float
        From `noise_of`, in Jy/beam.
    scale : float
        From `residual_scale`.
    beam : float
        FWHM of the restoring beam, in pixels.
    nsigma : float
        Minimum contrast of a hot pixel, in units of the noise.
    change : `Change`
        How much the two deconvolutions may differ; not at all if the second one had the visibilities.

    Returns
    -------
    finds : structured `~numpy.ndarray`
        Rows of `core.quantities.FIND`, one for each place where the old or the new image has a spike of `PROOF_SIGMA`,
        or where they differ by as much.
    """
    before, after, *others = (_with_scaled_residual(planes, scale) for planes in (old, new, *adjacent))
    pixels = np.concatenate([_hot(planes["model"], noise, nsigma) for planes in (old, new)])
    places, of_pixel = places_within(pixels, beam / 2, old["image"].shape)
    planes = [before, after, before - after, new["residual"], *others]
    heights = [_heights(plane, places, beam) / noise for plane in planes]
    where = _of_largest(heights[2], of_pixel)
    finds = np.zeros(len(where), dtype=FIND)
    finds["y"], finds["x"] = places[where].T
    finds["noise"] = noise
    for name, height in zip(("old", "new", "difference", "residual"), heights):
        finds[name] = height[where]
    finds["beside"] = _mean_of_known([height[where] for height in heights[4:]])
    finds = finds[np.isfinite(finds["difference"])]
    pixels = np.column_stack([finds["y"], finds["x"]])
    finds["proof"] = _judge(finds, tolerance(old["image"], pixels, noise, change, beam) / noise)
    return _one_of_each(finds[finds["proof"] != ""], beam)


def tolerance(image, pixels, noise, change, beam):
    """
    Measure by how much two images of the same data may differ.

    Parameters
    ----------
    image : 2D float32 `~numpy.ndarray`
        The first image in Jy/beam; NaN where it is blank.
    pixels : 2D int `~numpy.ndarray`
        Pixels (y, x), [n, 2].
    noise : float
        From `noise_of`, in Jy/beam.
    change : `Change`
        How much the deconvolutions may differ.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    tolerance : 1D float32 `~numpy.ndarray`
        In Jy/beam: `PROOF_SIGMA` of the noise and both changes, added in quadrature.
    """
    brightness = np.abs(np.nan_to_num(image))[np.newaxis]
    around = np.insert(pixels, 0, 0, axis=1)
    bright = reduce_around(brightness, around, disc(beam), lambda values: np.nanmax(values, axis=1))
    anywhere = np.hypot(PROOF_SIGMA * noise, change.anywhere * brightness.max())
    return np.hypot(anywhere, change.locally * bright)


def _mean_of_known(heights):
    """Mean of one or two channels, one of which may be blank; 0 where nothing is known."""
    known = np.isfinite(heights)
    return np.where(known, heights, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _with_scaled_residual(planes, scale):
    return planes["image"] + np.float32(scale - 1) * planes["residual"]


def _hot(model, noise, nsigma):
    cube = np.nan_to_num(model)[np.newaxis]
    return hot_pixels(cube, np.array([noise], dtype=np.float32), nsigma)[:, 1:]


def _heights(plane, places, beam):
    return height_above_ring(plane[np.newaxis], np.insert(places, 0, 0, axis=1), ring(beam))


def _of_largest(heights, rows):
    """The place of largest magnitude among those of each pixel, each place once."""
    magnitude = np.where(np.isnan(heights), -1, np.abs(heights))[rows]
    return np.unique(rows[np.arange(len(rows)), magnitude.argmax(axis=1)])


def _judge(finds, allowed):
    """
    'proved' where a source has gone, 'changed' where the images differ and the new one has a source, 'real' where both
    have the same.

    '' where neither image has a source above the neighbouring channels, and they agree.
    """
    differ = np.abs(finds["difference"]) >= allowed
    old, new = np.abs(finds["old"]), np.abs(finds["new"])
    spike = np.minimum(*(np.abs(finds[name] - finds["beside"]) for name in ("old", "new"))) >= PROOF_SIGMA
    gone = (new < PROOF_SIGMA) & (old > new)
    return np.select([differ & gone, differ, spike], ["proved", "changed", "real"], "")


def _differ(finds):
    return np.abs(finds["difference"]) >= PROOF_SIGMA


def _one_of_each(finds, beam):
    """The find with the largest difference among those within a beam of each other, proved ones first."""
    finds = finds[np.lexsort([np.abs(finds["difference"]), finds["proof"] == "proved"])[::-1]]
    return finds[take_neighbours(np.column_stack([finds["y"], finds["x"]]), beam)[0]]


def doubted(finds, unsupported, earlier, beam):
    """
    Doubt finds where the new image has a source that the visibilities do not support: it may be fake itself.

    After a second clean in another way, a result that both cleans agree on is accepted: that the images differ, or that
    they do not.

    Parameters
    ----------
    finds : structured `~numpy.ndarray`
        Rows of `core.quantities.FIND`, of a channel.
    unsupported : structured `~numpy.ndarray`
        Suspicious candidates of the new image in this channel.
    earlier : structured `~numpy.ndarray`
        Finds of the first clean in this channel; empty if this is the first.
    beam : float
        FWHM of the restoring beam, in pixels.

    Returns
    -------
    finds : structured `~numpy.ndarray`
        The same, with the proof 'open' where they are in doubt.
    """
    doubt = _any_near(finds, unsupported, beam)
    for differ in (True, False):
        found_before = _any_near(finds, earlier[_differ(earlier) == differ], beam)
        doubt &= ~((_differ(finds) == differ) & found_before)
    finds = finds.copy()
    finds["proof"][doubt] = "open"
    return finds


def _any_near(finds, others, beam):
    """Whether each find has one of some others within a beam."""
    y, x = (np.subtract.outer(finds[axis].astype(float), others[axis]) for axis in "yx")
    return (np.hypot(y, x) <= beam).any(axis=1)


def outcome(finds):
    """Outcome for a channel with these finds: 'bad', 'undecided' or 'acquitted'."""
    proofs = set(finds["proof"].tolist())
    if proofs & {"proved", "changed"}:
        return "bad"
    return "undecided" if "open" in proofs else "acquitted"
