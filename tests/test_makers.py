"""Cubes that were made in many ways: those of scripts/makers that need a moment each, and how their rows are judged."""

import inspect
import os

import numpy as np
import pytest
from astropy.table import QTable

from scripts.evaluation.run_makers import HEAD, compare, heights, judge, make_data, row, try_maker
from scripts.simulate.product_makers import MAKERS

CLEAN = {"verdict": "clean", "warnings": [], "channels": [], "suspects": []}
TRIED = ("blocks, as a pattern", "FITS and back, in order", "flagged in the middle", "imsmooth", "Stokes IQ")


@pytest.fixture(scope="session")
def vis(made_once):
    """The visibilities of all makers."""
    return made_once("visibilities", lambda: make_data(os.getcwd()))


@pytest.mark.tclean
@pytest.mark.long
@pytest.mark.parametrize("name", TRIED)
def test_however_a_cube_was_made_nothing_is_wrong_in_silence(name, vis):
    outcome = try_maker(name, vis)
    assert judge(outcome) in ("right", "said"), row(outcome)


def outcome(**values):
    """Outcome of a maker whose careless clean has one wrong channel, which the check finds."""
    found = dict(CLEAN, verdict="confetti", channels=[3])
    counts = {"finds": 5, "right": 5, "wrong": [3], "unnamed": [], "reclean": "33 -> 3.7", "reclean unnamed": []}
    outcome = {"maker": "plain", "seconds": 60.0, "careful": CLEAN, "careless": found, "reclean warnings": []}
    return {**outcome, **counts, **values}


@pytest.mark.parametrize(
    ("values", "judgement"),
    [
        ({}, "right"),
        ({"careful": dict(CLEAN, verdict="confetti")}, "SILENT"),
        ({"right": 3}, "SILENT"),
        ({"unnamed": [3]}, "SILENT"),
        ({"reclean unnamed": [3]}, "SILENT"),
        ({"reclean unnamed": [3], "reclean warnings": ["fake sources remain"]}, "said"),
        ({"unnamed": [3], "reclean warnings": ["fake sources remain"]}, "SILENT"),
        ({"unnamed": [3], "careless": dict(CLEAN, warnings=["nearly blind"])}, "said"),
        ({"careless": dict(CLEAN, verdict="not applicable")}, "SILENT"),
        ({"careless": dict(CLEAN, verdict="not applicable", warnings=["one channel"])}, "said"),
        ({"not made": "RuntimeError: no such gridder"}, "not made"),
    ],
)
def test_what_is_wrong_is_said_or_counts_as_silent(values, judgement):
    assert judge(outcome(**values)) == judgement


def test_a_refusal_is_said():
    refused = {"maker": "without .residual", "seconds": 1.0, "careful refused": "no", "careless refused": "no"}
    assert judge(refused) == "said"


@pytest.mark.parametrize("values", [{}, {"not made": "RuntimeError: no such gridder"}])
def test_every_row_has_the_cells_of_the_head(values):
    assert row(outcome(**values)).count("|") == HEAD.splitlines()[0].count("|")


def test_a_find_is_right_where_the_images_differ_and_a_wrong_channel_that_is_not_named_is_counted():
    differences = np.zeros((1, 4, 32, 32))
    differences[0, 1, 10, 12] = -20  # sigma
    differences[0, 2, 20, 20] = 15
    sources = QTable({"class": ["confetti", "confetti", "candidate"], "channel": [1, 1, 2], "y": [13, 20, 5]})
    sources["x"] = [10, 20, 5]
    sources.write("line.ecsv", format="ascii.ecsv")
    counts = compare({"table": "line.ecsv", "channels": [1], "suspects": []}, differences)
    assert counts == {"finds": 2, "right": 1, "wrong": [1, 2], "unnamed": [2]}


def test_emission_larger_than_the_beam_does_not_count_as_a_difference_but_a_fake_source_does():
    from casa_images import write_image

    y, x = np.mgrid[:64, :64]
    cloud = np.exp(-((y - 32.0) ** 2 + (x - 32) ** 2) / 2 / 60**2)
    image = np.stack([cloud, cloud])
    write_image("line.image", image)
    image[1, 20, 20] += 10
    image[0, 30, 30] = np.inf
    write_image("other.image", np.stack([0 * cloud, 0 * cloud]))
    write_image("fake.image", image)
    assert np.abs(heights("line", "other")).max() < 0.2
    differences = np.abs(heights("fake", "other"))[0]
    assert np.unravel_index(differences[1].argmax(), (64, 64)) == (20, 20)
    assert differences[0].max() > 1e6


@pytest.mark.parametrize("name", MAKERS)
def test_a_maker_gives_tclean_parameters_that_it_has(name):
    from casatasks import tclean

    assert set(MAKERS[name].parameters) <= set(inspect.signature(tclean).parameters)
