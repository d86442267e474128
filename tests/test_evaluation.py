"""The evaluation counts what it says, on a case of three fake sources and a maser."""

from xml.etree import ElementTree

import numpy as np
import pytest
from run_evaluation import despeckle, score
from run_faults import table

SHAPE = (7, 40, 40)
FAKE = [(2, 10, 10), (2, 30, 30), (4, 20, 10)]
MASER = (4, 30, 20)


@pytest.fixture
def case():
    case = {"label": np.zeros(SHAPE, dtype=int), "beam": 6.0, "reach": 3}
    case["Dh"] = np.zeros(SHAPE)
    for place, sigma in zip(FAKE, (9, -6, 7)):
        case["label"][place], case["Dh"][place] = 2, sigma
    case["Xh"] = case["Dh"].copy()
    case["sources"] = [{"kind": "maser", "chan": 4.0, "fwhm_chan": 0.4, "y": MASER[1], "x": MASER[2]}]
    return case


def mask(*places):
    flagged = np.zeros(SHAPE, dtype=bool)
    for place in places:
        flagged[place] = True
    return flagged


def test_a_perfect_mask_finds_all_and_is_right(case):
    counts = score(case, mask(*FAKE), [2, 4])
    assert (counts["found"], counts["large_found"], counts["right"]) == (3, 1, 3)
    assert (counts["wrong"], counts["real"], counts["bad_found"], counts["bad_wrong"]) == (0, 0, 2, 0)


def test_a_pixel_within_half_a_beam_finds_and_one_beyond_is_wrong(case):
    counts = score(case, mask((2, 10, 13), (2, 30, 34)), [2])
    assert (counts["found"], counts["right"], counts["wrong"], counts["bad_found"]) == (1, 1, 1, 1)


def test_a_masked_maser_is_counted_as_real(case):
    assert score(case, mask(MASER), [4])["real"] == 1
    assert score(case, mask((3, 10, 10)), [3])["real"] == 0


def test_a_good_channel_called_bad_is_wrong_but_for_the_first_and_last(case):
    assert score(case, mask(), [0, 2, 3, 6])["bad_wrong"] == 1


def test_a_fake_source_beside_a_real_one_counts_neither_way(case):
    case["label"][3, 5, 5] = 3
    counts = score(case, mask((3, 5, 6)), [3])
    assert (counts["right"], counts["wrong"], counts["bad_wrong"]) == (0, 0, 0)


def test_despeckling_flags_what_is_four_times_from_the_median_of_three_channels(case):
    case["model"] = np.ones(SHAPE)
    case["model"][MASER], case["model"][2, 5, 5] = 5.1, 4.9
    assert np.argwhere(despeckle(case)[0]).tolist() == [list(MASER)]


def test_the_table_of_faults_counts_every_time_and_what_failed():
    cases = """<suite>
        <testcase name="test_killed_it_goes_on[0]"><property name="times" value="10"/></testcase>
        <testcase name="test_killed_it_goes_on[1]"><failure/></testcase>
        <testcase name="test_a_full_disk_is_said"/>
        <testcase name="test_a_slow_disk_is_slow"><skipped/></testcase>
    </suite>"""
    printed = table(list(ElementTree.fromstring(cases).iter("testcase"))).splitlines()
    assert printed[2:] == [
        "| killed it goes on | 11 | 10 |",
        "| a full disk is said | 1 | 1 |",
        "| **all** | **12** | **11** |",
    ]
