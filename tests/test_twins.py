"""The twins of ACES and ALMA-IMF observe and image as those surveys do, and the check is right in them."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
from checks import confetti_check

from confetti_task.private.core.spectral_response import correlation, noise_correlation
from scripts.evaluation.run_prevention import CHANGES
from scripts.evaluation.run_twins import HEAD, judge
from scripts.simulate.survey_twins import (
    ACES,
    ALMA_IMF,
    SPARE_CHANNELS,
    clean_twin,
    errors,
    make_reference,
    make_twin_sky,
    observe_twin,
    prepare,
    spectral_response,
)


@pytest.mark.parametrize("twin", [ACES, ALMA_IMF])
def test_the_channels_of_a_twin_share_noise_as_those_of_the_correlator_do(twin):
    white = np.random.default_rng(1).normal(size=(40 * twin.averaging, 5000))
    noise = spectral_response(white, twin.averaging)
    measured = [correlation(noise, lag) for lag in (1, 2, 3)]
    assert measured == pytest.approx(noise_correlation(twin.averaging)[1:].tolist(), abs=0.01)


def test_the_emission_of_a_twin_ends_within_the_pointings():
    sky = make_twin_sky(replace(ACES, size=200), 12, 1)
    edge = max(sky.cube[:, :60].max(), sky.cube[:, :, -60:].max())
    assert edge < 0.05 * sky.cube.max()


def test_what_is_changed_for_prevention_are_parameters_of_tclean():
    from casatasks import tclean

    names = inspect.signature(type(tclean).__call__).parameters
    if "nmajor" not in names:
        pytest.skip("this tclean has no nmajor")
    assert {name for changes in CHANGES.values() for name in changes} <= set(names)


@pytest.mark.tclean
@pytest.mark.long
def test_in_a_mosaic_like_those_of_aces_wrong_channels_are_named_and_the_image_is_wrong_at_the_finds(tmp_path):
    """Of the 12 m antennas alone; hogbom is wrong in emission of 1000 sigma even where it cleans carefully."""
    twin, channels = replace(ACES, configurations=ACES.configurations[:1], size=216, pieces=1), 6
    vis, sky = observe_twin(str(tmp_path), twin, channels + 2 * SPARE_CHANNELS + 1, seed=1)
    common, sigma = prepare(twin, vis, sky, channels)
    make_reference(twin, common, sigma)
    for root, least in (("careful", 0.85), ("careless", 0.95)):
        records = clean_twin(twin, root, common, getattr(twin, root), sigma)
        result = dict(confetti_check(imagename=root), seconds=0.0)
        wrong = errors(root, sigma)
        cells = judge(root, wrong, result, records)
        assert len(cells) == HEAD.split("\n")[0].count("|") - 3
        assert float(cells[4] or 1) >= least
        if root == "careless":
            unnamed = set(range(channels)) - {*result["channels"], *result["suspects"]}
            assert np.abs(wrong).max(axis=(1, 2))[sorted(unnamed)].max(initial=0) < 15
