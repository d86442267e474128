"""What a hot pixel is called, and why: every threshold of the decision, with its unit and its reason."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Thresholds:
    """
    Thresholds of the decision. The first three are parameters of the task.

    Attributes
    ----------
    nsigma : float
        Least contrast of a hot pixel in units of the noise. The hot pixel of the published case has 1.6 to 3. At 4 a
        sixth of what is found at 2.5 is lost; at 2 a hundredth is gained.
    narrowness : float
        Largest part of the contrast that the channel before or after may have: half, as an unresolved line has after
        ALMA's Hanning smoothing. Beyond it stand the real sources: without this condition 7 % more is found, and twice
        as many real sources are masked.
    unsupported : float
        Least unsupported spike in units of the noise. Errors of the image are 1.2 to 1.5 times as large: part of them
        looks like noise to the data. On 36 cubes of the real tclean 2.5, 3.0 and 3.5 found 0.82, 0.79 and 0.73 of the
        fake sources, and 8, 1 and none of 8127, 7232 and 6303 groups lay wrongly on real sources.
    spike : float
        Least spike that a compensated hot pixel leaves in the restored model, in units of the noise: the usual 5 sigma
        of a source that somebody would believe in. A spike of the residual beside it is no work of the model: a maser
        was masked for one.
    lone : float
        Largest part of a compensated hot pixel that remains in the restored model. A real source keeps all of it; real
        sources on which the model overshot and was compensated kept 0.27 and more of it.
    surround : float
        Least compensation of such a pixel in the model itself, -1 for all of it: 10 natural ones had -0.76 and beyond.
        A maser without a surround is no confetti, though an image older than its model does not restore it.
    convergence : float
        Least convergence of a channel, see `core.convergence`: every clean that converges has it. Of
        real data, cleaned in 21 ways at five loop gains, 481 of 481 channels that were wrong by 30 sigma had less, 0.98
        of 846 that were wrong by 10, and none of 274 that were cleaned carefully (2.2 and more).
    """

    nsigma: float = 2.5
    narrowness: float = 0.5
    unsupported: float = 3.0
    spike: float = 5.0
    lone: float = 0.2
    surround: float = -0.5
    convergence: float = 1.0

    def __post_init__(self):
        for name in ("nsigma", "unsupported"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} should be positive (got {getattr(self, name)})")
        if not 0 <= self.narrowness < 1:
            raise ValueError(f"narrowness should be a fraction from 0 to less than 1 (got {self.narrowness})")


def is_confetti(candidates, thresholds):
    """
    Tell which narrow hot pixels there is evidence against.

    Narrowness alone never condemns: after averaging, a real line may occupy one channel. The sign of the hot pixel is
    no evidence either.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields ``unsupported`` (in noise, NaN without a PSF), ``contrast`` and ``noise``, ``surround`` (flux
        around the hot pixel in the model, as a part of it) and ``restored`` (part of the hot pixel that remains in the
        restored model), and ``known`` (whether a known real source is near, which nothing condemns).
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    confetti : 1D bool `~numpy.ndarray`
        True where the data do not hold the spike of the image, or where the hot pixel is compensated and yet leaves a
        spike.
    """
    unsupported = np.abs(candidates["unsupported"]) >= thresholds.unsupported
    compensated = np.abs(candidates["restored"]) <= thresholds.lone
    compensated &= candidates["surround"] <= thresholds.surround
    compensated &= _restored_spike(candidates) >= thresholds.spike
    return (unsupported | compensated) & ~candidates["known"]


def _restored_spike(candidates):
    """What the restored model keeps of the hot pixels, in noise."""
    return np.abs(candidates["restored"] * candidates["contrast"]) / candidates["noise"]


def severity(candidates, thresholds):
    """
    Tell how much the data do not hold of each fake source.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        As for `is_confetti`, and with the field ``confetti``.
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    severity : 1D float32 `~numpy.ndarray`
        In noise: the unsupported spike, or what the restored model keeps of a compensated hot pixel. 0 for what is no
        confetti.
    """
    unsupported = np.abs(candidates["unsupported"])
    height = np.where(unsupported >= thresholds.unsupported, unsupported, _restored_spike(candidates))
    return np.where(candidates["confetti"], height, 0)
