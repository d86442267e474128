"""What a hot pixel is called, and why: every threshold of the decision, with its unit and its reason."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Thresholds:
    """
    Thresholds of the decision. The first three are parameters of the task.

    They were chosen on 17 runs of the real tclean (sparse, dense and no confetti; single fields and mosaics). Of the
    970 groups of pixels flagged there, 944 are errors of the deconvolution, none is a real source, and none is in the
    9 runs without confetti.

    Attributes
    ----------
    nsigma : float
        Least contrast of a hot pixel in units of the noise. The hot pixel of the published case has 1.6 to 3; at 3.0 a
        tenth fewer fake sources are found, and the part of the flags that is wrong stays 3 %.
    narrowness : float
        Largest part of the contrast that a neighbouring channel may have. Less than the 0.5 of an unresolved line after
        ALMA's Hanning smoothing, by the margin that noise of 1 sigma needs.
    unsupported : float
        Least unsupported spike in units of its scatter. 3.5 finds 6 % more and flags two thirds more that is wrong.
    brightness_error : float
        Scatter of the unsupported spike that bright emission makes, as a fraction of its brightness: PSF, beam and
        emission change a little from channel to channel. Measured in channels without confetti: 0.02 from 30 to 600
        sigma.
    visible : float
        Least spike of the image, of the same sign, in units of the noise: an unsupported spike that the image does not
        show is no fake source. Without it a real source was flagged, and three times as much was wrong.
    spike : float
        Least spike of a compensated hot pixel in the image, in units of the noise: the usual 5 sigma of a source that
        somebody would believe in.
    lone : float
        Largest part of a compensated hot pixel that remains in the restored model. A real source keeps all of it; real
        sources on which the model overshot and was compensated kept 0.27 and more of it.
    surround : float
        Least compensation of such a pixel in the model itself, -1 for all of it: 10 natural ones had -0.76 and beyond.
        A maser without a surround is no confetti, though an image older than its model does not restore it.
    """

    nsigma: float = 2.5
    narrowness: float = 0.33
    unsupported: float = 4.0
    brightness_error: float = 0.02
    visible: float = 2.0
    spike: float = 5.0
    lone: float = 0.2
    surround: float = -0.5

    def __post_init__(self):
        for name in ("nsigma", "unsupported"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} should be positive (got {getattr(self, name)})")
        if not 0 <= self.narrowness < 1:
            raise ValueError(f"narrowness should be a fraction from 0 to less than 1 (got {self.narrowness})")


def unsupported_scatter(noise, brightness, thresholds):
    """
    Expected scatter of the unsupported spike, from noise and from the emission around it.

    Parameters
    ----------
    noise, brightness : 1D float32 `~numpy.ndarray`
        Noise of the channel, and largest brightness of the restored model nearby, in Jy/beam.
    thresholds : `Thresholds`
        For the fraction of the brightness.

    Returns
    -------
    scatter : 1D float32 `~numpy.ndarray`
        Standard deviation in Jy/beam.
    """
    return np.hypot(noise, thresholds.brightness_error * brightness)


def is_confetti(candidates, thresholds):
    """
    Tell which narrow hot pixels there is evidence against.

    Narrowness alone never condemns: after averaging, a real line may occupy one channel. The sign of the hot pixel is
    no evidence either.

    Parameters
    ----------
    candidates : structured `~numpy.ndarray`
        With the fields ``unsupported`` (in units of its scatter, NaN without a PSF), ``spike`` (in noise),
        ``surround`` (flux around the hot pixel in the model, as a part of it) and ``restored`` (part of the hot pixel
        that remains in the restored model).
    thresholds : `Thresholds`
        Thresholds of the decision.

    Returns
    -------
    confetti : 1D bool `~numpy.ndarray`
        True where the data do not hold the spike of the image, or where the hot pixel is compensated and yet leaves a
        spike.
    """
    unsupported = np.abs(candidates["unsupported"]) >= thresholds.unsupported
    unsupported &= candidates["spike"] * np.sign(candidates["unsupported"]) >= thresholds.visible
    compensated = np.abs(candidates["restored"]) <= thresholds.lone
    compensated &= candidates["surround"] <= thresholds.surround
    return unsupported | (compensated & (np.abs(candidates["spike"]) >= thresholds.spike))
