"""Where an image ends, or is blank, nothing seems invented: planes go on there as their mirror images."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import write_cube
from checks import confetti_check
from scipy import ndimage
from skies import BEAM, NOISE, Products

from confetti_task.private.core.edges import continuation, continued

SHAPE = (40, 50)


def filled(plane):
    """The plane with a margin, continued beyond its edges, and back."""
    margin = int(BEAM) + 1
    plane = np.pad(plane, margin, constant_values=np.nan)
    blank = np.isnan(plane)
    return continued(plane, blank, continuation(blank, BEAM))[margin:-margin, margin:-margin]


def test_a_plane_without_blank_pixels_and_one_without_others_stay_as_they_are():
    plane = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    assert np.array_equal(filled(plane), plane)
    assert not filled(plane * np.nan).any()


def test_beyond_an_edge_a_plane_is_its_mirror_image_which_fades_within_a_beam():
    columns = np.arange(SHAPE[1], dtype=np.float32)
    plane = np.tile(columns, (SHAPE[0], 1))
    plane[:, 20:] = np.nan
    row = filled(plane)[7]
    assert np.array_equal(row[:20], columns[:20])
    steps = np.arange(1, int(BEAM))
    mirrored, fading = 20 - steps, np.cos(np.pi / 2 * steps / BEAM) ** 2
    np.testing.assert_allclose(row[20 : 19 + int(BEAM)], mirrored * fading, rtol=1e-6)
    np.testing.assert_allclose(row[19 + int(BEAM) :], 0, atol=1e-6)


def test_at_a_curved_edge_the_nearest_pixel_that_is_not_blank_counts():
    y, x = np.indices(SHAPE)
    plane = np.where(np.hypot(y - 20, x - 25) < 13.5, 1, np.nan).astype(np.float32)
    distances = ndimage.distance_transform_edt(np.isnan(plane))
    expected = np.cos(np.pi / 2 * np.minimum(distances / BEAM, 1)) ** 2
    np.testing.assert_allclose(filled(plane), expected, atol=1e-6)


def test_a_strip_too_narrow_for_a_mirror_image_goes_on_as_it_ends():
    plane = np.full(SHAPE, np.nan, dtype=np.float32)
    plane[:, 20] = 5
    assert (filled(plane)[:, [19, 21]] > 0).all()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("place", [(32, 0), (32, 1), (63, 30), (0, 30), (62, 63)])
def test_a_maser_that_the_edge_of_the_image_or_of_its_mask_cuts_is_not_masked(place, masked):
    """Half of its beam is cut off, at every phase of the samples in which planes are compared."""
    edge, (y, x) = 10 if masked else 0, place
    products = Products(channels=7, size=64 + 2 * edge)
    products.add_point(3, y + edge, x + edge, 60 * NOISE)
    valid = np.zeros(products.model.shape, dtype=bool)
    valid[:, edge : edge + 64, edge : edge + 64] = True
    write_cube("line", products, masked=valid if masked else None)
    result = confetti_check(imagename="line")
    assert result["nsources"] == 0
    rows = QTable.read(result["table"])
    rows = rows[(rows["channel"] == 3) & (np.hypot(rows["y"] - y - edge, rows["x"] - x - edge) < BEAM)]
    assert (np.abs(rows["unsupported"]) < 60 / 10).all()
