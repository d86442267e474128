"""What a bright real source leaves in the unmeasured part of an image is no evidence against anything."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import read_image, write_cube
from checks import confetti_check
from skies import BEAM, NOISE, SIZE, Products, convolve, dirty_beam, gaussian

from confetti_task.private.core.dynamic_range import LEAST_LEVEL, bright_sources, floor, sidelobes
from confetti_task.private.core.transforms import filtered, padded
from confetti_task.private.core.uv_coverage import unmeasured_filter
from confetti_task.private.report.evidence_list import as_text, evidence_list

LENGTHS = (padded(SIZE), padded(SIZE))


def levels_of(psf):
    passed, share, _ = unmeasured_filter(psf, BEAM, LENGTHS)
    return sidelobes(passed, share, BEAM, LENGTHS)


@pytest.mark.parametrize("skip", [[], ["psf"]])
@pytest.mark.parametrize("sigma", [50, 200, 1000, 5000])
def test_a_bright_maser_between_pixels_is_never_masked_and_its_channel_is_good(sigma, skip):
    products = Products(seed=5)
    products.add_maser_between_pixels(2, 45, 15, sigma * NOISE)
    products.add_maser_between_pixels(4, 20, 33, sigma * NOISE)
    write_cube("line", products, skip=skip)
    result = confetti_check(imagename="line")
    assert not read_image(result["mask"]).any()
    assert not result["channels"]
    if not skip:  # without any coverage, all that is narrow is suspicious
        assert result["verdict"] == "clean"


def test_a_fake_source_next_to_a_bright_maser_is_found_if_it_is_higher_than_what_that_may_leave():
    classes = {}
    for sigma in (20, 400):
        products = Products(seed=5)
        products.add_maser_between_pixels(2, 45, 15, 3000 * NOISE)
        products.add_confetti(2, 20, 40, sigma * NOISE)
        write_cube(f"line{sigma}", products)
        sources = QTable.read(confetti_check(imagename=f"line{sigma}")["table"])
        (row,) = sources[(sources["channel"] == 2) & (sources["y"] == 20) & (sources["x"] == 40)]
        classes[sigma] = row["class"]
        if row["class"] == "candidate":
            assert "lack of dynamic range" in as_text(evidence_list(row, sources.meta["parameters"]))
    assert classes == {20: "candidate", 400: "confetti"}


@pytest.mark.parametrize("offset", [(3, -4), (0, 7), (-15, 12)])
def test_a_point_source_has_no_more_of_itself_around_it_than_its_sidelobes(offset):
    passed, share, _ = unmeasured_filter(dirty_beam(), BEAM, LENGTHS)
    point = np.zeros((SIZE, SIZE), dtype=np.float32)
    point[32, 32] = 1
    unmeasured = filtered(convolve(point, gaussian(BEAM)), passed, LENGTHS)
    levels = sidelobes(passed, share, BEAM, LENGTHS)
    # Far from the source, the mean of a ring around the place is small.
    assert np.abs(unmeasured[32 + offset[0], 32 + offset[1]]) <= 1.5 * levels[offset] + 0.02


def test_with_a_psf_that_measures_everything_a_source_leaves_what_clean_leaves():
    assert levels_of(gaussian(BEAM)).max() < 0.02
    assert levels_of(gaussian(BEAM)).min() == np.float32(LEAST_LEVEL)


def test_what_all_channels_have_is_no_bright_source_and_what_one_has_is():
    channels = np.zeros((7, 40, 40), dtype=np.float32)
    channels[:, 10, 10] = 50
    channels[3, 30:32, 20] = 80, 100
    channels[3, 5, 35] = -70
    assert bright_sources(channels, 60, BEAM).tolist() == [[31, 20], [5, 35]]


def test_the_floor_is_that_of_the_source_with_the_highest_sidelobe_there():
    levels = np.full((64, 64), 0.01, dtype=np.float32)
    levels[-3, 2] = 0.5
    places, sources = np.array([[10, 12], [40, 40]]), np.array([[13, 10], [20, 50]])
    low, high = floor(places, sources, np.array([1.0, -10.0]), levels)
    assert low / high == pytest.approx(5)
    assert floor(places, np.zeros((0, 2), dtype=int), np.zeros(0), levels).tolist() == [0, 0]
