"""What was measured of each find against what limit, in words: the kind of evidence comes first."""

from collections import namedtuple
from html import escape

import numpy as np

from ..core.decision import STRONG_EVIDENCE, Thresholds

# What was measured: its name, a text with the number, and the limit it is compared with ('' if there is none).
Measurement = namedtuple("Measurement", "name text limit")

# Reasons why a find is not masked that are about its unsupported spike.
NOT_TESTED, TOO_LITTLE = "Not tested", "Too little evidence"

WHAT_EVIDENCE_IS = (
    "The list of each find has the kind of evidence first, then what else was measured there, each with the limit that "
    "it is compared with. Limits are looser in bad channels, where the visibilities have shown that CLEAN went wrong."
)


def evidence_list(row, parameters):
    """
    List what was measured of a find.

    Parameters
    ----------
    row : `~astropy.table.Row` or dict
        Row of the table of sources.
    parameters : dict
        Parameters of the check.

    Returns
    -------
    measurements : list of `Measurement`
        The evidence named in the row, or the reason why it is not masked, and what else was measured.
    """
    thresholds = _thresholds(parameters)
    measured = {kind: measure(row, thresholds) for kind, measure in MEASUREMENTS.items()}
    decisive = measured.pop(row["evidence"]) if row["class"] == "confetti" else why_not_masked(row, parameters)
    if decisive and decisive.name in (NOT_TESTED, TOO_LITTLE):
        measured.pop("unsupported")  # the reason says it already
    others = [*measured.values(), _hot_pixel(row, thresholds), _narrowness(row, thresholds), *_image(row)]
    return [measurement for measurement in (decisive, *others) if measurement]


def as_text(measurements):
    """All measurements in one line."""
    return "; ".join(f"{name}: {text}" + (limit and f" (limit {limit})") for name, text, limit in measurements)


def as_list(measurements):
    """All measurements as a list on the page."""
    # In an element of its own, a limit is not broken into two lines.
    items = (
        f"<li><b>{escape(name)}</b>: {escape(text)}" + (limit and f" <span>(limit {escape(limit)})</span>") + "</li>"
        for name, text, limit in measurements
    )
    return f'<ul class="evidence">{"".join(items)}</ul>'


def why_not_masked(row, parameters):
    """The reason why a find is not masked; parameters as for `evidence_list`."""
    thresholds = _thresholds(parameters)
    if row["class"] == "real":
        how = "deconvolved" if np.isfinite(_value(row, "difference")) else "cleaned"
        return Measurement("Proved real", f"still there, and the same, after its channel was {how} again", "")
    if row["class"] == "known":
        return Measurement("Known", "within 1.5 beams of a known real source", "")
    unsupported, ambiguity, floor = (_value(row, name) for name in ("unsupported", "ambiguity", "floor"))
    if ambiguity >= thresholds.ambiguity:
        text = f"the data of this channel do not say where a source is, which would fit at {ambiguity:.0f} places"
        return Measurement(NOT_TESTED, text, f"< {thresholds.ambiguity:g}")
    if np.isnan(unsupported):
        return Measurement(NOT_TESTED, "the coverage is unknown, or there are too few valid pixels around it", "")
    if thresholds.unsupported <= abs(unsupported) < floor:
        text = (
            f"for lack of dynamic range: the unsupported spike within half a beam is {unsupported:+.1f} sigma, but a "
            f"bright real source in this channel may make one of {floor:.1f}"
        )
        return Measurement(NOT_TESTED, text, "")
    narrowness, most = _value(row, "narrowness"), thresholds.inside_bad_channels().narrowness
    if narrowness > most:
        return Measurement(
            "Not narrow", f"{narrowness:.2f} of the hot pixel is in a neighbouring channel", f"≤ {most:g}"
        )
    lacking, least = "", thresholds.unsupported
    if abs(unsupported) >= thresholds.unsupported:
        lacking, least = ", with a source three times as high there or a marginal hot pixel", least * STRONG_EVIDENCE
    text = f"the unsupported spike within half a beam is {unsupported:+.2f} sigma{lacking}"
    return Measurement(TOO_LITTLE, text, f"≥ {least:g}")


def _thresholds(parameters):
    # How narrow a line may be depends on the cube too; here it matters only whether the user has said so.
    known = {"flank": 1.0} if parameters.get("linewidth") else {}
    return Thresholds(**{**vars(Thresholds.of(parameters)), **known})


def _value(row, name):
    """A number of a row; NaN where there is none, as in tables of earlier versions."""
    try:
        return float(row[name])
    except KeyError:
        return np.nan


def _gone(row, _):
    difference, tolerance = _value(row, "difference"), _value(row, "tolerance")
    if np.isfinite(difference):
        text = f"{difference:+.1f} sigma of it do not come back when its channel is deconvolved again"
        return Measurement("Gone", text, f"≥ {tolerance:.1f}")


def _unsupported(row, thresholds):
    unsupported, floor = _value(row, "unsupported"), _value(row, "floor")
    if np.isfinite(unsupported):
        text = f"the visibilities do not support a point source of {unsupported:+.1f} sigma within half a beam"
        least = max(thresholds.unsupported * (STRONG_EVIDENCE if _is_marginal(row, thresholds) else 1), floor)
        return Measurement("Unsupported", text, f"≥ {least:.3g}")


def _narrow(row, thresholds):
    narrower = _value(row, "narrower")
    if np.isfinite(narrower):
        missing = f"{narrower:.1f} sigma" if narrower > 0 else "nothing"
        text = f"{missing} of what any line would have in the brighter adjacent channel is missing"
        return Measurement("Narrower than any line", text, f"≥ {thresholds.narrower:g}")


def _surround(row, thresholds):
    surround = _value(row, "surround")
    if not np.isfinite(surround):
        return None
    text = f"the components around the hot pixel have {100 * surround:+.0f} % of its flux"
    if row["evidence"] == "surround":
        text += (
            f", so that a real source would not stand out, but {row['severity']:.1f} sigma of it are left in the "
            f"restored model (limit ≥ {thresholds.spike:g})"
        )
    return Measurement("Surround", text, f"≤ {100 * thresholds.surround:.0f} %" if thresholds.surround < 0 else "")


def _hot_pixel(row, thresholds):
    significance = _value(row, "significance")
    faint = abs(significance) < thresholds.nsigma
    least = (thresholds.inside_bad_channels() if faint else thresholds).nsigma
    text = f"{significance:+.1f} sigma above its surroundings in the model"
    return Measurement("Hot pixel", text, f"≥ {least:g}{_in_bad_channel(faint)}")


def _narrowness(row, thresholds):
    narrowness = _value(row, "narrowness")
    if not np.isfinite(narrowness):
        return None
    wide = narrowness > thresholds.narrowness
    most = (thresholds.inside_bad_channels() if wide else thresholds).narrowness
    text = f"{narrowness:.2f} of the hot pixel is in a neighbouring channel"
    return Measurement("Narrowness", text, f"≤ {most:g}{_in_bad_channel(wide)}")


def _in_bad_channel(marginal):
    return " in a bad channel" if marginal else ""


def _is_marginal(row, thresholds):
    return _value(row, "narrowness") > thresholds.narrowness or abs(_value(row, "significance")) < thresholds.nsigma


def _image(row):
    """What the image and the residual have at the pixel; they are compared with nothing."""
    spike, residual = _value(row, "spike"), _value(row, "residual")
    if np.isfinite(spike):
        yield Measurement("Spike", f"{spike:+.1f} sigma of the image are in this channel alone", "")
    if np.isfinite(residual):
        yield Measurement("Residual", f"{residual:+.1f} sigma", "")


# What was measured for each of `core.decision.KINDS`; None where it was not.
MEASUREMENTS = {"gone": _gone, "unsupported": _unsupported, "narrow": _narrow, "surround": _surround}
