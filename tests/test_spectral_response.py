"""What neighbouring channels share: how narrow a line may be, and what is narrower."""

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable
from casa_images import write_cube
from checks import confetti_check, places
from skies import BEAM, NOISE, Products, convolve, gaussian

from confetti_task.private.check.spectral_response import response_of, runs_to_compare
from confetti_task.private.core.spectral_response import (
    LAGS,
    averaged_channels,
    correlation,
    least_flank,
    narrower_by,
    noise_correlation,
    regridded,
    weights_of,
)

SIZE, CHANNELS, HERE = 96, 14, (7, 50, 40)
HANNING = np.array([0.25, 0.5, 0.25])


def hanning(cube):
    """A cube [channel, y, x] after the Hanning window of a correlator."""
    return np.apply_along_axis(np.convolve, 0, cube, HANNING, "same").astype(np.float32)


class Smoothed(Products):
    """Products of a cube whose channels share noise as those of ALMA do without averaging."""

    def __init__(self):
        super().__init__(CHANNELS, SIZE)
        white = np.random.default_rng(3).normal(size=(CHANNELS + 2, SIZE, SIZE))
        noise = hanning(np.stack([convolve(plane, gaussian(BEAM, SIZE)) for plane in white]))[1:-1]
        self.residual = NOISE * noise / noise.std()

    def add_line(self, channel, y, x, flux):
        """A real source of a line that is narrower than a channel of the correlator."""
        self.model[channel - 1 : channel + 2, y, x] += (2 * flux * HANNING).astype(np.float32)


def test_averages_of_channels_share_what_is_measured_in_real_observations():
    assert noise_correlation(1)[1:] == pytest.approx([0.667, 0.167, 0], abs=1e-3)
    assert noise_correlation(2)[1:] == pytest.approx([0.300, 0, 0], abs=1e-3)
    assert noise_correlation(4)[1:] == pytest.approx([0.115, 0, 0], abs=1e-3)
    half_way = regridded(noise_correlation(1), weights_of("linear", 0.5))
    assert half_way[1:3] == pytest.approx([0.75, 0.30], abs=1e-3)


def noise_of(averaged, interpolation, offset, seed):
    """Correlations of synthetic noise, and the number of pairs."""
    random, places_, channels = np.random.default_rng(seed), 2000, 12
    native = random.normal(size=((channels + 6) * averaged, places_))
    smooth = np.apply_along_axis(np.convolve, 0, native, HANNING, "same")
    data = smooth.reshape(-1, averaged, places_).mean(axis=1)
    weights = weights_of(interpolation, offset)
    image = np.apply_along_axis(np.convolve, 0, data, weights, "valid")[1:-1]
    return [correlation(image, lag) for lag in LAGS], 10 * places_


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("averaged", [1, 2, 4, 8])
def test_the_noise_tells_how_many_channels_were_averaged_or_that_it_does_not(averaged, interpolation):
    found = [
        averaged_channels(*noise_of(averaged, interpolation, offset, seed), [interpolation])
        for seed, offset in enumerate((0.1, 0.3, 0.5))
    ]
    assert set(found) <= {averaged, 0}
    if averaged == 1:
        assert found == [1, 1, 1]


def test_where_emission_is_left_the_noise_tells_nothing():
    noise = np.random.default_rng(1).normal(size=(6, 1000))
    assert response_of([noise], ["nearest"]).averaged == 8
    emission = np.random.default_rng(2).normal(size=1000)  # the same in all channels
    assert response_of([noise + emission], ["nearest"]).averaged == 0
    assert response_of([noise + emission, noise], ["nearest"]).averaged == 8
    assert response_of([noise[:, :50]], ["nearest"]).averaged == 0  # too few places
    assert response_of([], ["nearest"]).averaged == 0


def test_the_quietest_channels_are_compared_and_else_the_ends():
    quiet = np.zeros(30, dtype=bool)
    assert set(runs_to_compare(np.ones(30), quiet)[:2]) == {0, 24}
    quiet[11:17] = True
    assert runs_to_compare(np.ones(30), quiet)[0] == 11
    assert runs_to_compare(np.ones(5), quiet[:5]) == []
    assert runs_to_compare(np.full(30, np.nan), quiet) == []


def test_a_line_of_two_channels_has_half_in_the_brighter_adjacent_one():
    assert least_flank(0.25, 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_adjacent_channel_lacks_is_counted_in_sigma(sign):
    height, spike = np.array([20.0]) * sign, np.array([18.0]) * sign  # 2 of 20 sigma in the adjacent channel
    assert narrower_by(height, spike, 0.5, np.nan) == pytest.approx((0.5 * 20 - 2) / np.sqrt(1.25))
    assert narrower_by(height, spike, 0.5, 0.7) > narrower_by(height, spike, 0.5, 0.0)


def check(products, **parameters):
    """Confetti and candidates, and the sources by place."""
    write_cube("line", products, skip=("psf",))
    result = confetti_check(imagename="line", **parameters)
    table = QTable.read(result["table"])
    return result, {(row["channel"], row["y"], row["x"]): row for row in table}


def test_the_noise_shows_that_no_line_is_as_narrow_as_a_hot_pixel():
    """Without a PSF, and without knowing the lines."""
    products = Smoothed()
    products.model[HERE] = 25 * NOISE
    result, rows = check(products)
    assert QTable.read(result["channeltable"])["averaged"].tolist() == [1] * CHANNELS
    row = rows[HERE]
    assert (row["class"], row["evidence"]) == ("confetti", "narrow")
    assert row["narrower"] > 8


def test_a_maser_of_an_unresolved_line_is_never_masked():
    products = Smoothed()
    for number, flux in enumerate((8, 20, 60, 300, 2000)):
        products.add_line(2 + 2 * number, 20 + 12 * number, 30 + 8 * number, flux * NOISE)
    result, _ = check(products)
    assert places(result, "confetti") == set()


def test_in_channels_of_which_the_noise_tells_nothing_a_maser_may_be_in_one():
    products = Products(CHANNELS, SIZE)
    products.model[HERE] = 25 * NOISE
    result, rows = check(products)
    assert QTable.read(result["channeltable"])["averaged"][0] == 8
    assert rows[HERE]["class"] == "candidate"
    assert np.isnan(rows[HERE]["narrower"])


@pytest.mark.parametrize("linewidth", ["0.5km/s", 0.5, 0.5 * units.km / units.s, "155kHz"])
def test_an_observer_who_knows_the_lines_says_how_narrow_they_may_be(linewidth):
    """In channels of 0.23 km/s."""
    products = Products(CHANNELS, SIZE)
    products.model[HERE] = 25 * NOISE
    _, rows = check(products, linewidth=linewidth)
    assert rows[HERE]["evidence"] == "narrow"


def test_a_known_maser_stays_safe_and_so_does_what_the_last_channel_has():
    products = Products(CHANNELS, SIZE)
    products.model[HERE] = products.model[-1, 20, 30] = 25 * NOISE
    write_cube("line", products)
    write_cube("other", products)
    known = QTable.read(confetti_check(imagename="other")["table"])
    known = known[(known["channel"] == HERE[0])]
    result = confetti_check(
        imagename="line", linewidth="0.5km/s", known=[[known["ra"][0].value, known["dec"][0].value]]
    )
    assert places(result, "confetti") == set()


def test_of_a_cube_of_one_channel_nothing_is_known_whatever_the_lines():
    result, rows = check(Products(1, SIZE), linewidth="0.5km/s")
    assert (result["verdict"], rows) == ("not applicable", {})


@pytest.mark.parametrize("wrong", ["narrow", "5 Jy", "-1km/s", 0, [1, 2]])
def test_what_is_no_width_of_a_line_is_refused(wrong):
    with pytest.raises(ValueError, match="linewidth"):
        check(Products(), linewidth=wrong)
