"""The decision whether a hot pixel is confetti: every threshold, with its unit and its reason."""

from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np

from .uv_coverage import LEAST_RESPONSE

# Relaxed limits used inside bad channels, where the visibilities have shown that CLEAN went wrong: the contrast as a
# fraction of that elsewhere, and the narrowness. Elsewhere they would double the candidates.
CONTRAST_WITHIN, NARROWNESS_WITHIN = 0.8, 0.8
# A spike that is less than a third of the source in its place is as likely an error of that source's own flux. It needs
# four thirds of the evidence, and so does a marginal hot pixel, which only the relaxed limits let through.
SMALL_PART, STRONG_EVIDENCE = 1 / 3, 4 / 3

# Share of the unsupported finds at which the image is not wrong by 3 sigma: this fraction at 3 sigma, which falls by a
# factor of e with each 1.1 sigma more. A fit, see "Reliability" in docs/explanation/method.md.
RIGHT_IMAGE_AT_THREE_SIGMA, FALL_SIGMA = 0.175, 1.1
# The same share for the evidence of a surround, whatever its height, because there are too few finds for a fit.
RIGHT_IMAGE_IF_SURROUNDED = 0.15
# The same for sources that were gone after their channel was deconvolved again: it is less in single fields, and more
# in mosaics.
RIGHT_IMAGE_IF_GONE = 0.05
# The same for spikes narrower than any line, as in careful cleans.
RIGHT_IMAGE_IF_NARROW = 0.05

# What differs by less than this fraction of the tolerance, 2 sigma of 4, is the same in both deconvolutions. A larger
# fraction would acquit wrong places: a second deconvolution makes part of the same errors.
SAME = 0.5
# From this fraction of the tolerance on, 3 sigma of 4, a channel in which nothing is gone is suspicious, and not
# acquitted.
ALMOST_GONE = 0.75

# By how much the image has to be narrower than any line, in sigma: judged by the noise of the channels alone, the usual
# 5 of a credible source, because CLEAN shifts flux from channel to channel in bright emission. If a user knows the
# lines, 3 suffices.
NARROWER, NARROWER_THAN_KNOWN = 5.0, 3.0

# A surround within 1.5 beams, the widest that is measured, lowers the spike to at most 0.92 of the hot pixel, as a disc
# of that radius does. What keeps more of it is a real source with something else around it, or has a wider surround.
MOST_LEFT, LEFT_IF_WIDE = 0.93, 0.9
# A surround that takes more than twice the flux of the hot pixel is not its own: emission that fades from channel to
# channel looks like that.
MOST_SURROUND = -2.0
# Least fraction of a spike of the restored model that the image has: the rest is compensated in the residual, and harms
# nobody.
LEAST_IN_IMAGE = 0.5

# Largest threshold in sigma: fake sources are hardly ever higher, so that above it nothing could be found.
LARGEST_SIGMA = 100


# Thresholds that are parameters of the tasks.
THRESHOLD_PARAMETERS = ("nsigma", "narrowness", "unsupported", "surround")


@dataclass(frozen=True)
class Thresholds:
    """
    Thresholds of the decision. The first four are parameters of the task.

    What was measured with other values is in docs/explanation/method.md.

    Attributes
    ----------
    nsigma : float
        Minimum contrast of a hot pixel, in units of the channel rms. The hot pixel of the published case has 1.6 to 3;
        a lower limit gains next to nothing.
    narrowness : float
        Maximum fraction of the contrast in the channel before or after: half, as for an unresolved line after ALMA's
        Hanning smoothing. Real sources have more: without this condition, twice as many of them are masked.
    unsupported : float
        Minimum unsupported spike, in units of the channel rms. The error of the image is 1.2 to 1.5 times as large,
        because part of it looks like noise in the visibilities. At 3 the image is wrong at nearly all finds, and a
        higher threshold would find less.
    surround : float
        Maximum flux in the surround of a hot pixel, as a fraction of it, -1 if it compensates all: with it a spike that
        is left is evidence of its own kind; 0 for none. A real source has its flux in the model: what the image shows
        where the components add up to next to nothing did not come from the data.
    spike : float
        Minimum spike that a hot pixel with such a surround leaves in the restored model, in units of the channel rms:
        the usual 5 sigma of a credible source. Spikes of the residual do not count, because the model did not make
        them: a maser was once masked for one.
    wide_surround : float
        Maximum flux in the surround, as for ``surround``, with which such a spike makes a channel suspicious: what a
        disc of two beams has within the 1.5 beams that are measured.
    response : float
        Minimum response of a channel in which a surround counts. With natural weighting the beam is far wider than
        the smallest scales, and CLEAN compensates hot pixels as a matter of course, also those of real sources.
    convergence : float
        Minimum convergence of a channel, see `core.convergence`: every CLEAN that converges reaches it.
    spread : float
        Minimum number of patches, two beams wide, over which the components of a channel that diverged as a whole are
        spread, unless the residual shows them. A hot pixel on a disc has at most 4, with any radius, and an error at
        the unmeasured frequencies alone up to 8, with its rings.
    left : float
        Minimum of the peak residual that diverged components leave if they are in one place, in units of the channel
        rms: the usual 5 sigma. Alone it is not enough, because the rms is too large where all channels diverged.
    suspicion : float
        Minimum height, in units of the noise, of a fake source that may hide in a suspicious channel: the largest value
        that took in all bad channels of the cubes on which it was measured.
    ambiguity : float
        Minimum number of places at which a source would fit the data of a channel nearly as well: from there on the
        visibilities do not determine where it is, and neighbouring channels, with another PSF, are no measure. Usual
        are 0.4 to 1.3; a channel that lost its longest baselines, with a beam three times as wide as the others, has 9
        in their beams.
    rise : float
        Minimum rise of the peak residual in a minor cycle that makes a channel suspicious, as a ratio, from tclean's
        record. It is 1 or less in careful cleans.
    flank : float
        Fraction of the narrowest line that a user allows which the brighter adjacent channel has at least; 0 if any
        line may be there.
    """

    nsigma: float = 2.5
    narrowness: float = 0.5
    unsupported: float = 3.0
    surround: float = -0.8
    spike: float = 5.0
    wide_surround: float = -0.5
    response: float = LEAST_RESPONSE
    convergence: float = 1.0
    spread: float = 10.0
    left: float = 5.0
    suspicion: float = 4.0
    ambiguity: float = 10.0
    rise: float = 1.5
    flank: float = 0.0

    @classmethod
    def of(cls, parameters):
        """Those that are parameters of the task, from a dictionary of its parameters."""
        return cls(**{name: parameters[name] for name in THRESHOLD_PARAMETERS if name in parameters})

    def inside_bad_channels(self):
        """Thresholds in a channel that is bad anyway, where less contrast or a brighter neighbour suffices."""
        return replace(self, nsigma=CONTRAST_WITHIN * self.nsigma, narrowness=max(self.narrowness, NARROWNESS_WITHIN))

    @property
    def narrower(self):
        """By how much the image has to be narrower than any line, in sigma; less if a user knows the lines."""
        return NARROWER_THAN_KNOWN if self.flank else NARROWER

    def __post_init__(self):
        for name in ("nsigma", "unsupported"):
            if not 0 < getattr(self, name) <= LARGEST_SIGMA:
                raise ValueError(
                    f"{name} should be positive and at most {LARGEST_SIGMA} sigma: fake sources are hardly ever higher "
                    f"(got {getattr(self, name)})"
                )
        if not 0 <= self.narrowness < 1:
            raise ValueError(f"narrowness should be a fraction from 0 to less than 1 (got {self.narrowness})")
        if not self.surround <= 0:
            raise ValueError(f"surround should be negative, or 0 for no evidence (got {self.surround})")


def is_marginal(candidates, thresholds):
    """Select the candidates that suffice in a bad channel only; parameters as for `evidence_of`."""
    faint = np.abs(candidates["contrast"]) < (thresholds.nsigma * candidates["noise"]).astype(np.float32)
    return faint | (candidates["narrowness"] > thresholds.narrowness)


def pointless(candidates, thresholds, evidence):
    """
    Select the marginal candidates that need not be kept: those outside bad channels, and those without evidence.

    Those that one adjacent channel has too are kept if they make their channel suspicious.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `evidence_of`, and with the fields ``polarization``, ``channel``, ``paired``, ``suspicion`` and
        ``evidence``.
    thresholds : `Thresholds`
        Thresholds of the decision.
    evidence : bool
        Whether the evidence is known. Before, every channel with a candidate that is not marginal may be bad.

    Returns
    -------
    pointless : 1D bool `~numpy.ndarray`
        True where a candidate is marginal and decides nothing.
    """
    marginal, paired = is_marginal(candidates, thresholds) & ~is_gone(candidates), candidates["paired"]
    # Candidates that make their channel bad, or may do so, if they are not marginal.
    good_enough = np.ones(len(candidates), dtype=bool)
    if evidence:
        good_enough = candidates["evidence"] != ""
        paired = paired & (candidates["suspicion"] >= thresholds.suspicion)
    plane = candidates["polarization"] * (candidates["channel"].max(initial=0) + 1) + candidates["channel"]
    in_bad_channels = np.isin(plane, plane[good_enough & ~marginal])
    return marginal & ~paired & ~(good_enough & in_bad_channels)


# A kind of evidence that a narrow hot pixel is a fake source, as functions of candidates: those with it (given the
# thresholds too), their height in sigma, and the share of such finds at which the image is not wrong by 3 sigma.
Kind = namedtuple("Kind", "holds height right_image")


def evidence_of(candidates, thresholds):
    """
    Name the evidence against each narrow hot pixel.

    Narrowness alone is not enough: after averaging, a real line may occupy one channel. The sign of the hot pixel is no
    evidence either.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields ``unsupported`` (in units of the channel rms, NaN where the coverage is unknown), ``floor`` (in
        the same units), ``contrast`` and ``noise``, ``surround`` (model flux around the hot pixel, as a fraction of
        it), ``restored`` (fraction of the hot pixel that remains in the restored model), ``brightness`` and ``height``
        (of the restored model there, and above its background, Jy/beam), ``spike`` (of the image), ``narrowness``,
        ``response`` and ``ambiguity`` (NaN if they are unknown), ``difference`` and ``tolerance`` (what is gone after
        the channel was deconvolved again, and what may be; NaN if it was not), and ``known`` (near a source known to be
        real, and therefore never confetti).
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    evidence : 1D str `~numpy.ndarray`
        Name of the first of `KINDS` that holds; '' without evidence, and always where the visibilities do not determine
        where a source is.
    """
    decidable = ~(candidates["ambiguity"] >= thresholds.ambiguity)  # unless it is unknown
    decidable &= ~candidates["known"]
    evidence = np.zeros(len(candidates), dtype=candidates.dtype["evidence"])
    for name, kind in KINDS.items():
        evidence[(evidence == "") & decidable & kind.holds(candidates, thresholds)] = name
    return evidence


def is_gone(candidates, _=None):
    """Select the hot pixels whose source is gone after their channel was deconvolved again, whether narrow or not."""
    return part_gone(candidates) >= 1


def part_gone(candidates):
    """What is gone at each hot pixel, as a fraction of the tolerance for two deconvolutions there; NaN if unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return candidates["difference"] * np.sign(candidates["contrast"]) / candidates["tolerance"]


def comes_back(candidates):
    """Select the hot pixels that are the same after their channel was deconvolved again: they were not invented."""
    return np.abs(part_gone(candidates)) < SAME


def _is_narrow(candidates, thresholds):
    return candidates["narrowness"] <= thresholds.inside_bad_channels().narrowness


def is_unsupported(candidates, thresholds):
    """Select the candidates whose spike the visibilities do not support; parameters as for `evidence_of`."""
    unsupported = np.abs(candidates["unsupported"])
    small = unsupported * candidates["noise"] < SMALL_PART * np.abs(candidates["height"])
    strong = np.where(small | is_marginal(candidates, thresholds), STRONG_EVIDENCE, 1)
    high = unsupported >= strong * thresholds.unsupported
    return high & _is_narrow(candidates, thresholds) & ~is_below_floor(candidates)


def is_below_floor(candidates):
    """Select the candidates whose unsupported spike may belong to a bright real source."""
    return np.abs(candidates["unsupported"]) < candidates["floor"]


def _is_surrounded(candidates, thresholds):
    """Select the hot pixels whose surround takes their flux but leaves a spike, in channels where that counts."""
    return (
        (thresholds.surround < 0)
        & leaves_spike(candidates, thresholds, thresholds.surround)
        & (candidates["restored"] <= MOST_LEFT)
        & _is_alone(candidates)
        & ~is_marginal(candidates, thresholds)
    )


def is_suspicious_surround(candidates, thresholds):
    """Select the spikes whose surround is no evidence, because they are on emission, or because it is too wide."""
    wide = leaves_spike(candidates, thresholds, thresholds.wide_surround) & (candidates["restored"] > LEFT_IF_WIDE)
    on_emission = leaves_spike(candidates, thresholds, thresholds.surround)
    return (thresholds.surround < 0) & ((wide & _is_alone(candidates)) | on_emission)


def _is_alone(candidates):
    """Select the spikes in whose place nothing else is brighter than a third of them."""
    spike = _restored_spike(candidates)
    others = candidates["brightness"] / candidates["noise"] * np.sign(candidates["contrast"]) - spike
    return np.abs(others) <= SMALL_PART * np.abs(spike)


def leaves_spike(candidates, thresholds, surround):
    """
    Select the hot pixels that leave a spike though the surround has taken much of their flux.

    Parameters
    ----------
    candidates, thresholds
        As for `evidence_of`.
    surround : float
        Maximum flux in the surround, as a fraction of the hot pixel.

    Returns
    -------
    selected : 1D bool `~numpy.ndarray`
        True where the spike that is left is high enough, exceeds the floor, has the sign of the hot pixel, is no higher
        than it, and is in the image too.
    """
    spike = _restored_spike(candidates)
    in_image = candidates["spike"] * np.sign(candidates["contrast"])
    return (
        (candidates["surround"] <= surround)
        & (candidates["surround"] >= MOST_SURROUND)
        & (spike >= np.maximum(thresholds.spike, candidates["floor"]))
        & (candidates["restored"] <= 1)  # what is higher than the hot pixel is not made by it
        & (in_image >= LEAST_IN_IMAGE * spike)
        & ~(candidates["response"] < thresholds.response)  # unless it is unknown
    )


def _restored_spike(candidates):
    """Spike of the restored model at hot pixels in units of the channel rms; negative if it has the opposite sign."""
    return candidates["restored"] * np.abs(candidates["contrast"]) / candidates["noise"]


def _unsupported_height(candidates):
    return np.abs(candidates["unsupported"])


def _right_image_if_unsupported(candidates):
    right = RIGHT_IMAGE_AT_THREE_SIGMA * np.exp((3 - _unsupported_height(candidates)) / FALL_SIGMA)
    return np.minimum(right, 1)


def _height_gone(candidates):
    return np.abs(candidates["difference"])


def _right_image_if_gone(candidates):
    return np.full(len(candidates), RIGHT_IMAGE_IF_GONE)


def _right_image_if_surrounded(candidates):
    return np.full(len(candidates), RIGHT_IMAGE_IF_SURROUNDED)


def _is_narrower_than_lines(candidates, thresholds):
    """Select the hot pixels that make a spike in the image which is narrower than any line."""
    of_hot_pixel = candidates["spike"] * candidates["contrast"] > 0
    return (candidates["narrower"] >= thresholds.narrower) & of_hot_pixel & _is_narrow(candidates, thresholds)


def _height_if_narrow(candidates):
    return np.abs(candidates["spike"])


def _right_image_if_narrow(candidates):
    return np.full(len(candidates), RIGHT_IMAGE_IF_NARROW)


# All kinds of evidence, the most reliable first. How they are worded is in `report.evidence_list.MEASUREMENTS`.
KINDS = {
    "gone": Kind(is_gone, _height_gone, _right_image_if_gone),
    "unsupported": Kind(is_unsupported, _unsupported_height, _right_image_if_unsupported),
    "narrow": Kind(_is_narrower_than_lines, _height_if_narrow, _right_image_if_narrow),
    "surround": Kind(_is_surrounded, _restored_spike, _right_image_if_surrounded),
}


def severity(candidates):
    """
    Measure the height of each fake source.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `evidence_of`, and with the field ``evidence``.

    Returns
    -------
    severity : 1D float32 `~numpy.ndarray`
        In units of the channel rms: what is gone, the unsupported spike, or the spike of the image or of the restored
        model, whichever is the evidence. 0 where there is none.
    """
    return _by_kind(candidates, 0.0, lambda kind, rows: kind.height(rows))


def reliability(candidates):
    """
    Share of finds with the same evidence and height at which the image is wrong by 3 sigma and more.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `severity`.

    Returns
    -------
    reliability : 1D float32 `~numpy.ndarray`
        From 0 to 1; NaN where there is no evidence.
    """
    return _by_kind(candidates, np.nan, lambda kind, rows: 1 - kind.right_image(rows))


def _by_kind(candidates, otherwise, measure):
    """What ``measure(kind, candidates)`` returns for those with each kind of evidence, as float32."""
    values = np.full(len(candidates), otherwise, dtype=np.float32)
    for name, kind in KINDS.items():
        here = candidates["evidence"] == name
        values[here] = measure(kind, candidates[here])
    return values
