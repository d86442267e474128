"""What the page says of the evidence of each find: what was measured, against what limit."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import write_cube
from pages import confetti_and_maser, confetti_check

from confetti_task.private.core import decision
from confetti_task.private.report import evidence_list as texts
from confetti_task.private.report.evidence_list import as_list, as_text, evidence_list, why_not_masked

PARAMETERS = {"nsigma": 2.5, "narrowness": 0.5, "unsupported": 3.0, "surround": -0.8}
FIND = {
    "class": "confetti",
    "evidence": "unsupported",
    "severity": 8.1,
    "significance": 71,
    "narrowness": 0.02,
    "surround": -1.04,
    "restored": 0.5,
    "spike": 9.0,
    "residual": 0.4,
    "unsupported": 8.1,
    "floor": 0,
    "difference": np.nan,
    "tolerance": np.nan,
    "narrower": np.nan,
    "ambiguity": 1,
}


def listed(parameters=PARAMETERS, **changed):
    """Text and limit of each measurement of a find, by name, in their order."""
    return {name: (text, limit) for name, text, limit in evidence_list({**FIND, **changed}, parameters)}


def test_the_list_has_every_measurement_with_its_limit():
    measured = listed()
    assert list(measured) == ["Unsupported", "Surround", "Hot pixel", "Narrowness", "Spike", "Residual"]
    text, limit = measured["Unsupported"]
    assert (text, limit) == (
        "the visibilities do not support a point source of +8.1 sigma within half a beam",
        "≥ 3",
    )
    assert measured["Narrowness"] == ("0.02 of the hot pixel is in a neighbouring channel", "≤ 0.5")
    assert measured["Hot pixel"] == ("+71.0 sigma above its surroundings in the model", "≥ 2.5")
    assert measured["Spike"] == ("+9.0 sigma of the image are in this channel alone", "")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gone", "Gone"),
        ("unsupported", "Unsupported"),
        ("narrow", "Narrower than any line"),
        ("surround", "Surround"),
    ],
)
def test_the_kind_of_evidence_named_in_the_table_comes_first_whatever_the_numbers_are(kind, name):
    # All numbers are the same, so that none of them can give the kind away.
    numbers = dict.fromkeys(("severity", "unsupported", "difference", "narrower", "spike"), 8.0)
    measured = listed(evidence=kind, tolerance=4.0, **numbers)
    assert list(measured)[0] == name
    assert set(measured) >= {"Gone", "Unsupported", "Narrower than any line", "Surround"}


def test_every_kind_of_evidence_has_its_measurement():
    assert list(texts.MEASUREMENTS) == list(decision.KINDS)


def test_limits_are_those_that_apply_to_the_find():
    assert listed(difference=6.0, tolerance=4.2)["Gone"][1] == "≥ 4.2"
    assert listed(narrower=6.0)["Narrower than any line"][1] == "≥ 5"
    assert listed({**PARAMETERS, "linewidth": "1km/s"}, narrower=6.0)["Narrower than any line"][1] == "≥ 3"
    assert listed(narrowness=0.7)["Narrowness"][1] == "≤ 0.8 in a bad channel"
    assert listed(significance=-2.2)["Hot pixel"][1] == "≥ 2 in a bad channel"
    assert listed(significance=-2.2)["Unsupported"][1] == "≥ 4"  # a marginal hot pixel needs more
    assert listed(floor=5.3)["Unsupported"][1] == "≥ 5.3"
    assert listed({**PARAMETERS, "surround": 0.0})["Surround"][1] == ""


def test_what_was_not_measured_is_not_listed():
    assert "Unsupported" not in listed(evidence="surround", unsupported=np.nan)
    missing = listed(spike=np.nan, residual=np.nan, narrowness=np.nan, surround=np.nan)
    assert list(missing) == ["Unsupported", "Hot pixel"]
    earlier = {name: value for name, value in FIND.items() if name not in ("difference", "tolerance", "narrower")}
    assert as_text(evidence_list(earlier, PARAMETERS)).startswith("Unsupported: ")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"unsupported": 2.96}, "is +2.96 sigma (limit ≥ 3)"),
        ({"unsupported": 3.5}, "is +3.50 sigma, with a source three times as high there or a marginal hot pixel"),
        ({"unsupported": 3.5}, "(limit ≥ 4)"),
        ({"floor": 12}, "lack of dynamic range"),
        ({"unsupported": np.nan}, "the coverage is unknown"),
        ({"ambiguity": 1000}, "do not say where a source is, which would fit at 1000 places (limit < 10)"),
        ({"narrowness": 0.9}, "Not narrow: 0.90 of the hot pixel is in a neighbouring channel (limit ≤ 0.8)"),
        ({"class": "known"}, "known real source"),
        ({"class": "real"}, "after its channel was cleaned again"),
        ({"class": "real", "difference": 0.1}, "after its channel was deconvolved again"),
    ],
)
def test_what_is_not_masked_has_the_reason_first(changed, reason):
    row = {**FIND, "class": "candidate", "evidence": "", **changed}
    first = evidence_list(row, PARAMETERS)[0]
    assert first == why_not_masked(row, PARAMETERS)
    assert as_text(evidence_list(row, PARAMETERS)).count("within half a beam") <= 1
    assert reason in as_text([first])


def test_the_list_on_the_page_is_marked_up_and_escaped():
    items = re.findall(r"<li>(.*?)</li>", as_list([texts.Measurement("<a>", "b & c", "≤ 1"), *[("d", "e", "")]]))
    assert items == ["<b>&lt;a&gt;</b>: b &amp; c <span>(limit ≤ 1)</span>", "<b>d</b>: e"]


def test_the_page_lists_the_evidence_of_its_table_for_every_find():
    write_cube("line", confetti_and_maser())
    result = confetti_check(imagename="line", npanels=2)
    page = Path(result["report"]).read_text(encoding="utf-8")
    sources = QTable.read(result["table"])
    lists = re.findall(r'<ul class="evidence"><li><b>(.*?)</li>', page)
    fake = [row for row in sources if row["class"] == "confetti"]
    assert [row["evidence"] for row in fake] == ["unsupported"]
    assert lists[0].startswith("Unsupported</b>")
    assert f"{fake[0]['unsupported']:+.1f} sigma" in lists[0]
    assert len(lists) == 2
    (candidate,) = [row for row in sources if row["class"] != "confetti"][:1]
    reason = as_text([why_not_masked(candidate, sources.meta["parameters"])])
    assert reason in unescape(page[page.index('<table id="candidate">') :])
