"""Whether the visibilities support a spike, on skies whose unmeasured spatial frequencies are known."""

import tracemalloc
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import write_cube
from checks import confetti_check
from skies import BEAM, NOISE, Products, dirty_beam, gaussian
from skies import HOT as HOT_PIXEL

from confetti_task.private.check import evidence
from confetti_task.private.check.plane_stack import PlaneStack
from confetti_task.private.core.decision import Thresholds
from confetti_task.private.core.dynamic_range import UNKNOWN_LEVEL
from confetti_task.private.core.quantities import CANDIDATE
from confetti_task.private.core.spikes import REACH_CHANNELS
from confetti_task.private.core.surroundings import height_above_ring, places_within, ring
from confetti_task.private.core.transforms import filtered, padded
from confetti_task.private.core.uv_coverage import same_coverage, unmeasured_filter, unsupported_spike

HOT = np.array([[3, 32, 30]])


def unmeasured_part(restored, psf):
    lengths = tuple(padded(length) for length in psf.shape)
    passed, share, _ = unmeasured_filter(psf, BEAM, lengths)
    return (np.full_like(restored, np.nan) if passed is None else filtered(restored, passed, lengths)), share


def measure(products, pixels=HOT):
    """Unsupported spikes in noise."""
    restored = products.image - products.residual
    unmeasured, share = zip(*(unmeasured_part(*planes) for planes in zip(restored, products.psf)))
    spikes = [_spike(restored, np.array(unmeasured), share[pixel[0]], *pixel) for pixel in pixels]
    return np.concatenate(spikes) / NOISE


def _spike(restored, unmeasured, share, channel, y, x):
    places, of_pixel = places_within(np.array([[y, x]]), BEAM / 2, restored.shape[1:])
    total, unknown = (
        np.column_stack(
            [
                height_above_ring(cube, np.insert(places, 0, channel + step, axis=1), ring(BEAM))
                for step in range(-REACH_CHANNELS, REACH_CHANNELS + 1)
            ]
        )
        for cube in (restored, unmeasured)
    )
    return unsupported_spike(total, unknown, share, of_pixel)


def test_a_point_source_in_the_data_is_supported_however_bright_and_narrow():
    products = Products()
    products.add_point(*HOT[0], 300 * NOISE)
    assert abs(measure(products)) < 0.02 * 300


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_point_source_that_the_data_do_not_hold_is_unsupported_with_either_sign(sign):
    products = Products()
    products.add_confetti(*HOT[0], sign * 80 * NOISE)
    height = (products.image - products.residual)[tuple(HOT[0])] / NOISE
    assert np.sign(measure(products)) == np.sign(height) == sign
    assert abs(measure(products)) > abs(height) / 2


def test_confetti_does_not_leak_into_the_adjacent_channels():
    products = Products()
    products.add_confetti(*HOT[0], 80 * NOISE)
    assert abs(measure(products, HOT - [1, 0, 0])) < 1


def test_two_bad_channels_side_by_side_do_not_hide_each_other():
    products = Products(channels=9)
    products.add_confetti(3, 32, 30, 80 * NOISE)
    products.add_confetti(4, 32, 30, 80 * NOISE)
    assert (np.abs(measure(products, np.array([[3, 32, 30], [4, 32, 30]]))) > 10).all()


def in_line(products, brightness):
    """Compact emission that grows from channel to channel, of which CLEAN has put half where nothing was measured."""
    for channel, height in enumerate(brightness):
        products.add_point(channel, *HOT[0, 1:], height * NOISE)
        products.add_confetti(channel, *HOT[0, 1:], height / 4 * NOISE)


@pytest.mark.parametrize("brightness", [[0, 25, 50, 75, 100, 125, 150], [150, 125, 100, 75, 50, 25, 0]])
def test_emission_that_grows_towards_the_end_of_a_cube_is_not_unsupported_there(brightness):
    """The median of the channels on one side is far from what a line leads one to expect."""
    products = Products(channels=7)
    in_line(products, brightness)
    ends = np.array([[channel, 32, 30] for channel in (0, 1, 2, 4, 5, 6)])
    assert (np.abs(measure(products, ends)) < 0.5).all()


@pytest.mark.parametrize("channel", [0, 1, 5, 6])
def test_confetti_on_emission_that_grows_towards_the_end_of_a_cube_is_unsupported(channel):
    products = Products(channels=7)
    in_line(products, [0, 25, 50, 75, 100, 125, 150])
    products.add_confetti(channel, 32, 30, 80 * NOISE)
    assert abs(measure(products, np.array([[channel, 32, 30]]))) > 3


def test_spikes_that_are_only_estimated_decide_nothing(monkeypatch):
    products = Products(seed=4)
    random = np.random.default_rng(5)
    for flux in (2, 3, 4, 5, 6, 8, 12):
        for channel in range(len(products.model)):
            products.add_confetti(channel, *random.integers(5, 59, 2), flux * NOISE)
    write_cube("line", products)
    check = partial(confetti_check, imagename="line", surround=0)
    some = QTable.read(check(outfile="some")["table"])
    monkeypatch.setattr("confetti_task.private.check.evidence.ESTIMATE_SUFFICES", 0)
    all_measured = QTable.read(check(outfile="all")["table"])
    assert list(some["class"]) == list(all_measured["class"])
    estimated = some["unsupported"] != all_measured["unsupported"]
    assert 10 < np.count_nonzero(estimated) < len(some) - 10
    assert set(some["class"][estimated]) == {"candidate"}


def test_a_spike_is_measured_next_to_a_pixel_that_is_blank_in_all_other_channels(products):
    channel, y, x = HOT_PIXEL
    valid = np.ones(products.model.shape, dtype=bool)
    valid[:, y, x] = np.arange(len(valid)) == channel
    write_cube("whole", products)
    write_cube("line", products, masked=valid)
    whole, line = (QTable.read(confetti_check(imagename=name)["table"]) for name in ("whole", "line"))
    here = [table["unsupported"][table["class"] == "confetti"] for table in (whole, line)]
    assert np.array(here[1]) == pytest.approx(np.array(here[0]), rel=0.05)


def test_channels_share_a_filter_only_if_their_psf_is_the_same(products, monkeypatch):
    filters = []
    make = evidence.unmeasured_filter
    monkeypatch.setattr(evidence, "unmeasured_filter", lambda *of: filters.append(of) or make(*of))
    products.psf[5] = 0.9 * gaussian(BEAM) + 0.1 * dirty_beam()
    products.add_confetti(5, 20, 40, 20 * NOISE)
    write_cube("line", products)
    shared = QTable.read(confetti_check(imagename="line", outfile="shared", parallel=1)["table"])
    assert len(filters) == 2, "one for channel 5, and one for the others"
    monkeypatch.setattr(evidence, "CHANNELS_A_FILTER", 1)
    own = QTable.read(confetti_check(imagename="line", outfile="own", parallel=1)["table"])
    assert list(shared["unsupported"]) == list(own["unsupported"])
    assert len(set(shared["class"])) == 2


def test_psfs_are_the_same_up_to_a_hundredth_of_the_least_coverage():
    psf, noise = dirty_beam(), np.random.default_rng(7).normal(size=dirty_beam().shape).astype(np.float32)
    allowed = 0.01 * 0.015 * 1.133 * BEAM**2 / np.linalg.norm(noise)
    assert same_coverage(psf, psf + 0.98 * allowed * noise, BEAM)
    assert not same_coverage(psf, psf + 1.02 * allowed * noise, BEAM)
    assert not same_coverage(psf, np.full_like(psf, np.nan), BEAM)


@pytest.mark.parametrize(("where", "share_changes"), [("everywhere", 0.001), ("in the gaps", 0.021)])
def test_how_much_the_filters_of_psfs_that_count_as_the_same_may_differ(where, share_changes):
    size = 512
    psf, lengths = dirty_beam(size), (1024, 1024)
    if where == "everywhere":
        difference = np.random.default_rng(0).normal(size=psf.shape).astype(np.float32)
    else:
        cycles = BEAM * np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
        gaps = np.exp(-(((cycles - 0.55) / 0.2) ** 12))
        difference = np.fft.fftshift(np.fft.irfft2(gaps, psf.shape)).astype(np.float32)
    other = psf + 0.99 * 0.01 * 0.015 * 1.133 * BEAM**2 / np.linalg.norm(difference) * difference
    assert same_coverage(psf, other, BEAM)
    share, another = (unmeasured_filter(each, BEAM, lengths)[1] for each in (psf, other))
    assert 0.5 * share_changes < abs(share - another) < share_changes


def test_an_image_is_filtered_as_if_there_were_empty_sky_around_it():
    restored = np.roll(gaussian(BEAM), (-30, 31), axis=(0, 1))
    inside = np.pad(np.ones((64, 64), dtype=bool), 32)
    alone, _ = unmeasured_part(restored, dirty_beam())
    surrounded, _ = unmeasured_part(np.pad(restored, 32), np.pad(dirty_beam(), 32))
    assert surrounded[inside].reshape(64, 64) == pytest.approx(alone, abs=0.05 * float(alone.max()))


def test_the_share_of_a_point_source_is_what_it_puts_into_the_unmeasured_part():
    unmeasured, share = unmeasured_part(gaussian(BEAM), dirty_beam())
    pixels = np.array([[0, 32, 32]])
    part, whole = (
        height_above_ring(plane[np.newaxis], pixels, ring(BEAM))[0] for plane in (unmeasured, gaussian(BEAM))
    )
    assert share == pytest.approx(part / whole, rel=0.05)


def test_with_a_psf_that_measures_everything_nothing_is_unsupported():
    products = Products()
    products.add_confetti(*HOT[0], 80 * NOISE)
    products.psf[:] = gaussian(BEAM)
    assert abs(measure(products)) < 0.1


def test_a_blank_psf_cannot_be_asked():
    products = Products()
    products.psf[:] = np.nan
    assert np.isnan(measure(products)).all()


@pytest.mark.parametrize("factor", [-1, 1e-6, 1e6])
def test_scale_changes_nothing_and_sign_only_the_sign(factor):
    products, scaled = Products(), Products()
    products.add_confetti(*HOT[0], 80 * NOISE)
    scaled.model, scaled.residual = products.model * np.float32(factor), products.residual * np.float32(factor)
    assert measure(scaled) / factor == pytest.approx(measure(products), rel=1e-3)


def test_an_image_narrower_than_the_ring_around_a_point_source_cannot_be_asked():
    assert unmeasured_filter(dirty_beam()[:10], BEAM, (20, 128))[0] is None


def test_the_more_baselines_fill_the_gaps_the_less_an_error_of_clean_shows():
    lengths = (2 * len(dirty_beam()),) * 2
    some = 0.05 * gaussian(0.4 * BEAM)  # a little coverage everywhere
    fuller = (dirty_beam() + some) / (1 + some.max())
    shown = [unmeasured_filter(psf.astype(np.float32), BEAM, lengths)[2] for psf in (dirty_beam(), fuller)]
    assert 1 > shown[0] > 1.1 * shown[1] > 0


def test_comparing_a_channel_full_of_candidates_takes_no_more_memory():
    few, many = (memory_of_comparing(number) for number in (1000, 8000))
    assert many < 1.5 * few


def memory_of_comparing(number):
    """Bytes that comparing so many candidates of a channel takes, all of which have to be measured."""
    cube = SimpleNamespace(shape=(1, 7, 256, 256), beam=5.0)
    random = np.random.default_rng(0)
    stack = PlaneStack(cube.shape[2:], cube.beam)
    for channel in range(7):
        for plane in stack.put(channel, *np.zeros((2, *cube.shape[2:]), dtype=np.float32)):
            plane[:] = random.normal(size=plane.shape)
    candidates = np.zeros(number, dtype=CANDIDATE)
    candidates["x"], candidates["y"] = random.integers(0, 256, (2, number))
    candidates["noise"] = candidates["contrast"] = 0.01
    values, heights = np.zeros(number, dtype=np.float32), np.zeros((2, number), dtype=np.float32)
    views = {
        channel: evidence.View(0, {3: values}, {3: heights}, values, values, 0.2, 0.4, UNKNOWN_LEVEL, 1.0)
        for channel in range(7)
    }
    tracemalloc.start()
    evidence._weigh_channel(candidates, 3, views, stack, (0, 0), cube, Thresholds())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
