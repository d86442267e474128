"""The decision whether a hot pixel is confetti: every threshold, with its unit and its reason."""

from dataclasses import dataclass, replace

import numpy as np

from .uv_coverage import LEAST_RESPONSE

# Contrast, as a fraction of that elsewhere, and narrowness that do in a bad channel, where the visibilities have shown
# that CLEAN went wrong: elsewhere they would double the candidates.
CONTRAST_WITHIN, NARROWNESS_WITHIN = 0.8, 0.8
# A spike that is less than a third of the source in its place is as likely an error of that source's own flux. It needs
# four thirds of the evidence, and so does a marginal hot pixel. In 14 cubes, 0.93 of the fake sources of 8 sigma and
# more were found with marginal ones, instead of 0.89, and one real source was masked where the image was right, not 3.
SMALL_PART, STRONG_EVIDENCE = 1 / 3, 4 / 3

# Finds at which the image is not wrong by 3 sigma: this fraction of those of 3 sigma, and 1/e of it with each 1.1 sigma
# more. Fitted to 5277 finds in 28 cubes made with the real tclean, of which it was 0.15 at 3.1 sigma, 0.10 at 3.7, 0.07
# at 4.2, 0.03 at 4.7 and 0.005 at 7; of the compensated ones it was 1 of 8, which is put at 0.15.
RIGHT_IMAGE_AT_THREE_SIGMA, FALL_SIGMA, RIGHT_IMAGE_IF_COMPENSATED = 0.175, 1.1, 0.15


@dataclass(frozen=True)
class Thresholds:
    """
    Thresholds of the decision. The first three are parameters of the task.

    Attributes
    ----------
    nsigma : float
        Minimum contrast of a hot pixel, in units of the channel rms. The hot pixel of the published case has 1.6 to 3.
        At 4, a sixth of what is found at 2.5 is lost; at 2, a hundredth is gained.
    narrowness : float
        Maximum fraction of the contrast in the channel before or after: half, as for an unresolved line after ALMA's
        Hanning smoothing. Real sources have more: without this condition 7 % more is found, but twice as many real
        sources are masked.
    unsupported : float
        Minimum unsupported spike, in units of the channel rms. The error of the image is 1.2 to 1.5 times as large,
        because part of it looks like noise in the visibilities. On 14 cubes made with the real tclean, thresholds of
        2.8, 3.0 and 3.5 found 0.72, 0.66 and 0.56 of the fake sources, and the image was wrong at 0.96, 0.975 and 0.99
        of the flags.
    restored_spike : float
        Minimum spike that a compensated hot pixel leaves in the restored model, in units of the channel rms: the usual
        5 sigma of a credible source. Spikes of the residual do not count, because the model did not make them: a maser
        was once masked for one.
    lone : float
        Maximum fraction of a compensated hot pixel that remains in the restored model. A real source keeps all of it;
        real sources on which the model overshot and was compensated kept 0.27 or more.
    surround : float
        Minimum compensation of such a pixel within the model itself, -1 if complete: 10 natural ones had -0.76 or
        beyond. A maser without a surround is not confetti, even if the image is older than the model and does not show
        it.
    response : float
        Minimum response of a channel in which compensation counts. With natural weighting the beam is far wider than
        the smallest scales, and CLEAN compensates hot pixels as a matter of course: 21 were called confetti for it, 4
        of them real sources, and the image was wrong at 12.
    convergence : float
        Minimum convergence of a channel, see `core.convergence`: every CLEAN that converges reaches it. In real data,
        cleaned in 21 ways at five loop gains, all 641 channels that were wrong by 30 sigma stayed below it, 0.98 of the
        1006 that were wrong by 10 sigma, and none of the 304 that were cleaned carefully at even sizes (2.2 or more).
    spread : float
        Minimum number of patches, two beams wide, over which the components of a channel that diverged as a whole are
        spread, unless the residual shows them. A hot pixel on a disc has at most 4, with any radius, and an error at
        the unmeasured frequencies alone up to 8, with its rings.
    left : float
        Minimum of the peak residual that diverged components leave if they are in one place, in units of the channel
        rms: the usual 5 sigma. Cleaned within a circle of two beams, all 16 channels diverged in a single patch, and
        left 10 to 48. Alone it is not enough, because the rms is too large where all channels diverged: of 710 that
        were wrong by 10 sigma, 114 left less, with a spread of 11 and more. Eight had a spread below 10, and left 5.5
        and more.
    suspicion : float
        Minimum height, in units of the noise, of a fake source that may hide in a suspicious channel. On 22 cubes made
        with the real tclean, 4 takes in all 84 bad channels, and 109 of the other 664; 5 misses 2 of 26 in mosaics.
    ambiguity : float
        Minimum number of places at which a source would fit the data of a channel nearly as well: from there on the
        data do not say where it is, and neighbouring channels, with another PSF, are no measure: a maser was called
        confetti where the PSF has stripes. A channel that lost its longest baselines, with a beam three times as wide
        as the others, has 9 in their beams. In 51 cubes of simulated data, 8 of them mosaics, all 1676 channels had 0.4
        to 1.3; a snapshot of the VLA had 0.6, and 1035 in its edge channel, with the weight of three visibilities.
    """

    nsigma: float = 2.5
    narrowness: float = 0.5
    unsupported: float = 3.0
    restored_spike: float = 5.0
    lone: float = 0.2
    surround: float = -0.5
    response: float = LEAST_RESPONSE
    convergence: float = 1.0
    spread: float = 10.0
    left: float = 5.0
    suspicion: float = 4.0
    ambiguity: float = 10.0

    @classmethod
    def of(cls, parameters):
        """Those that are parameters of the task, from a dictionary of its parameters."""
        return cls(*(parameters[name] for name in ("nsigma", "narrowness", "unsupported")))

    def inside_bad_channels(self):
        """Thresholds in a channel that is bad anyway, where less contrast or a brighter neighbour will do."""
        return replace(self, nsigma=CONTRAST_WITHIN * self.nsigma, narrowness=max(self.narrowness, NARROWNESS_WITHIN))

    def __post_init__(self):
        for name in ("nsigma", "unsupported"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} should be positive (got {getattr(self, name)})")
        if not 0 <= self.narrowness < 1:
            raise ValueError(f"narrowness should be a fraction from 0 to less than 1 (got {self.narrowness})")


def is_marginal(candidates, thresholds):
    """Select the candidates that would do in a bad channel only; parameters as for `is_confetti`."""
    faint = np.abs(candidates["contrast"]) < (thresholds.nsigma * candidates["noise"]).astype(np.float32)
    return faint | (candidates["narrowness"] > thresholds.narrowness)


def pointless(candidates, thresholds, evidence):
    """
    Select the marginal candidates that need not be kept: those outside bad channels, and those without evidence.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `is_confetti`, and with the fields ``polarization``, ``channel`` and ``narrowness``.
    thresholds : `Thresholds`
        Thresholds of the decision.
    evidence : bool
        Whether the evidence is known. Before, every channel with a candidate that is not marginal may be bad.

    Returns
    -------
    pointless : 1D bool `~numpy.ndarray`
        True where a candidate is marginal and decides nothing.
    """
    marginal = is_marginal(candidates, thresholds)
    good_enough = is_confetti(candidates, thresholds) if evidence else np.ones(len(candidates), dtype=bool)
    place = candidates["polarization"] * (candidates["channel"].max(initial=0) + 1) + candidates["channel"]
    return marginal & ~(good_enough & np.isin(place, place[good_enough & ~marginal]))


def is_confetti(candidates, thresholds):
    """
    Select the narrow hot pixels with evidence against them.

    Narrowness alone is not enough: after averaging, a real line may occupy one channel. The sign of the hot pixel is no
    evidence either.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields ``unsupported`` (in units of the channel rms, NaN where the coverage is unknown), ``contrast``
        and ``noise``, ``surround`` (model flux around the hot pixel, as a fraction of it), ``restored`` (fraction of
        the hot pixel that remains in the restored model), ``height`` (of the restored model there, Jy/beam),
        ``narrowness``, ``response`` and ``ambiguity`` (NaN if they are unknown), and ``known`` (near a source known to
        be real, and therefore never confetti).
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    confetti : 1D bool `~numpy.ndarray`
        True where the visibilities do not support the spike of the image, or where the hot pixel is compensated but
        still leaves a spike; never where the data do not say where a source is.
    """
    compensated = np.abs(candidates["restored"]) <= thresholds.lone
    compensated &= candidates["surround"] <= thresholds.surround
    compensated &= _restored_spike(candidates) >= thresholds.restored_spike
    compensated &= ~(candidates["response"] < thresholds.response)  # unless it is unknown
    decidable = ~(candidates["ambiguity"] >= thresholds.ambiguity)  # unless it is unknown
    return (is_unsupported(candidates, thresholds) | compensated) & decidable & ~candidates["known"]


def is_unsupported(candidates, thresholds):
    """Select the candidates whose spike the visibilities do not support; parameters as for `is_confetti`."""
    unsupported = np.abs(candidates["unsupported"])
    small = unsupported * candidates["noise"] < SMALL_PART * np.abs(candidates["height"])
    strong = np.where(small | is_marginal(candidates, thresholds), STRONG_EVIDENCE, 1)
    return unsupported >= strong * thresholds.unsupported


def _restored_spike(candidates):
    """Height of the hot pixels in the restored model, in units of the channel rms."""
    return np.abs(candidates["restored"] * candidates["contrast"]) / candidates["noise"]


def severity(candidates, thresholds):
    """
    Measure how much of each fake source the visibilities do not support.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `is_confetti`, and with the field ``confetti``.
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    severity : 1D float32 `~numpy.ndarray`
        In units of the channel rms: the unsupported spike, or the height of a compensated hot pixel in the restored
        model. 0 where there is no confetti.
    """
    unsupported = np.abs(candidates["unsupported"])
    height = np.where(is_unsupported(candidates, thresholds), unsupported, _restored_spike(candidates))
    return np.where(candidates["confetti"], height, 0)


def reliability(candidates, thresholds):
    """
    Share of the finds of the same severity at which the image is wrong by 3 sigma and more.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `severity`.
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    reliability : 1D float32 `~numpy.ndarray`
        From 0 to 1; NaN where there is no confetti.
    """
    right = RIGHT_IMAGE_AT_THREE_SIGMA * np.exp((3 - np.abs(candidates["unsupported"])) / FALL_SIGMA)
    right = np.where(is_unsupported(candidates, thresholds), np.minimum(right, 1), RIGHT_IMAGE_IF_COMPENSATED)
    return np.where(candidates["confetti"], 1 - right, np.nan)
