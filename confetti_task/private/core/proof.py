"""The proof of a fake source: it is gone after its channel was cleaned again. Pure functions of heights and planes."""

import numpy as np

from .quantities import FIND
from .sources import take_neighbours
from .statistics import components, height_above_ring, hot_pixels, places_within, ring

# Height of a proved fake source, in units of the noise: that for which a channel is suspicious, see
# `core.decision.Thresholds`. In channels without fake sources, cleaned carelessly and again carefully, the images
# differed by at most 3.5 where nothing was wrong, and by 4 to 5 where the old image was wrong by as much.
PROOF_SIGMA = 4.0


def noise_of(residual, quiet):
    """
    Noise of a channel that was cleaned again.

    Parameters
    ----------
    residual : 2D float32 `~numpy.ndarray`
        Its new residual in Jy/beam, NaN where it is blank. The emission, which raises the channel rms, has been
        cleaned away.
    quiet : float
        Noise of quiet channels in Jy/beam, which is the least: a residual that was cleaned into the noise has less.

    Returns
    -------
    noise : float
        In Jy/beam.
    """
    known = residual[np.isfinite(residual) & (residual != 0)]
    scatter = 1.4826 * np.median(np.abs(known - np.median(known))) if len(known) else np.nan
    return float(np.fmax(scatter, quiet))


def compare(old, new, beside, noise, beam, nsigma):
    """
    Compare the images of a channel before and after it was cleaned again, around the hot pixels of either model.

    Image and residual together hold the same data, so that the difference of the images is (B - P) * (M_old - M_new)
    with the restoring beam B, the PSF P and the models M, whatever the depth of either clean: at a source that only one
    of them has cleaned it is zero, since B and P both have a peak of 1, and the other image shows the source in its
    residual. What remains is what CLEAN invented.

    Parameters
    ----------
    old, new : dict of 2D float32 `~numpy.ndarray`
        The planes 'model' in Jy/pixel, and 'image' and 'residual' in Jy/beam; NaN where they are blank.
    beside : list of 2D float32 `~numpy.ndarray`
        The new images of the neighbouring channels.
    noise : float
        From `noise_of`, in Jy/beam.
    beam : float
        FWHM of the restoring beam, in pixels.
    nsigma : float
        Minimum contrast of a hot pixel, in units of the noise.

    Returns
    -------
    finds : structured `~numpy.ndarray`
        Rows of `core.quantities.FIND`, one for each place where the old or the new image has a spike of `PROOF_SIGMA`,
        or where they differ by as much.
    """
    pixels = np.concatenate([_hot(planes["model"], noise, nsigma) for planes in (old, new)])
    places, of_pixel = places_within(pixels, beam / 2, old["image"].shape)
    planes = [old["image"], new["image"], old["image"] - new["image"], new["residual"], *beside]
    heights = [_heights(plane, places, beam) / noise for plane in planes]
    where = _of_largest(heights[2], of_pixel)
    finds = np.zeros(len(where), dtype=FIND)
    finds["y"], finds["x"] = places[where].T
    finds["noise"] = noise
    for name, height in zip(("old", "new", "difference", "residual"), heights):
        finds[name] = height[where]
    finds["beside"] = np.mean([height[where] for height in heights[4:]], axis=0) if beside else 0
    finds = finds[np.isfinite(finds["difference"])]
    finds["proof"] = _judge(finds)
    return _one_of_each(finds[finds["proof"] != ""], beam)


def _hot(model, noise, nsigma):
    cube = np.nan_to_num(model)[np.newaxis]
    return hot_pixels(cube, components(cube)[0], np.array([noise], dtype=np.float32), nsigma)[:, 1:]


def _heights(plane, places, beam):
    return height_above_ring(plane[np.newaxis], np.insert(places, 0, 0, axis=1), ring(beam))


def _of_largest(heights, rows):
    """The place of largest magnitude among those of each pixel, each place once."""
    magnitude = np.where(np.isnan(heights), -1, np.abs(heights))[rows]
    return np.unique(rows[np.arange(len(rows)), magnitude.argmax(axis=1)])


def _judge(finds):
    """
    'proved', 'real' or 'open'; '' where neither image has a spike and they agree.

    Which of two images that differ is wrong, the neighbouring channels tell: it has the larger spike above them.
    """
    old, new = (np.abs(finds[name] - np.nan_to_num(finds["beside"])) for name in ("old", "new"))
    differ, spike = np.abs(finds["difference"]) >= PROOF_SIGMA, np.maximum(old, new) >= PROOF_SIGMA
    return np.select([differ & (old > new), differ, spike], ["proved", "open", "real"], "")


def _one_of_each(finds, beam):
    """Of all finds within a beam of each other the one with the largest difference, or a proved one."""
    finds = finds[np.lexsort([np.abs(finds["difference"]), finds["proof"] == "proved"])[::-1]]
    return finds[[place for place, _ in take_neighbours(np.column_stack([finds["y"], finds["x"]]), beam)]]


def outcome(finds):
    """'bad', 'undecided' or 'acquitted': the outcome for a channel with these finds."""
    proofs = set(finds["proof"].tolist())
    return "bad" if "proved" in proofs else "undecided" if "open" in proofs else "acquitted"
