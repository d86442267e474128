"""The check of arrays, without CASA: the numbers of the task on the same pixels."""

import logging
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from astropy.wcs import WCS
from casa_images import read_image, write_cube
from checks import confetti_check
from conftest import TOP
from skies import BEAM, HOT, NOISE, Products, maser_continuum_and_confetti

from confetti_task import find_confetti
from confetti_task.private.casa_log import logged_by_casa

PRODUCTS = ("model", "image", "residual", "psf")
# What the arrays do not know.
COORDINATES = {"frequency", "velocity", "ra", "dec"}


@pytest.fixture(scope="module")
def sky():
    return maser_continuum_and_confetti()


def arrays_of(products):
    return [getattr(products, name) for name in PRODUCTS]


def assert_same_rows(one, other, without=()):
    """Fail unless two tables have the same values, whatever was written to a file in between."""
    assert one.colnames == other.colnames
    for name in set(one.colnames) - set(without):
        # Empty text comes back from a file as a masked value.
        values, others = (np.asarray(_plain(table[name])) for table in (one, other))
        if values.dtype.kind == "f":
            np.testing.assert_array_equal(values.astype("f4"), others.astype("f4"), err_msg=name)
        else:
            assert values.tolist() == others.tolist(), name


def _plain(column):
    return column.filled("") if hasattr(column, "filled") else getattr(column, "value", column)


def coordinates():
    """Coordinates as a FITS image has them."""
    wcs = WCS(naxis=3)
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN", "FREQ"]
    wcs.wcs.crpix, wcs.wcs.crval = [33, 33, 1], [271.0, -21.0, 93.17e9]
    wcs.wcs.cdelt, wcs.wcs.cunit = [-0.5 / 3600, 0.5 / 3600, 1e5], ["deg", "deg", "Hz"]
    wcs.wcs.restfrq, wcs.wcs.specsys, wcs.wcs.radesys = 93.173e9, "LSRK", "ICRS"
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize("without_psf", [False, True], ids=["with PSF", "without"])
def test_arrays_give_the_numbers_of_the_task(sky, without_psf):
    write_cube("line", sky, skip=("psf",) if without_psf else ())
    task = confetti_check(imagename="line", deconvolve="none")
    result = find_confetti(*arrays_of(sky)[: 3 if without_psf else 4], beam=BEAM)
    assert result.verdict == task["verdict"]
    np.testing.assert_array_equal(result.mask, read_image(task["mask"]).astype(bool))
    assert_same_rows(result.sources, QTable.read(task["table"]), COORDINATES)
    assert_same_rows(result.channels, QTable.read(task["channeltable"]), COORDINATES)
    assert len(result.warnings) == len(task["warnings"])


def test_the_fake_source_is_masked_and_the_maser_is_not(sky):
    result = find_confetti(*arrays_of(sky), beam=BEAM)
    assert result.verdict == "confetti"
    assert result.mask[HOT]
    assert not result.mask[2].any()


def test_an_image_that_was_smoothed_is_restored_with_the_beam_of_the_psf(sky):
    smoothed = find_confetti(
        sky.model, 1.1 * sky.image, sky.residual, sky.psf, beam=(1.2 * BEAM, BEAM, 30), psf_beam=BEAM
    )
    assert smoothed.mask[HOT]
    assert any("not the model convolved with the restoring beam" in text for text in smoothed.warnings)


class Slices:
    """What numpy can read slices of, and remembers how large they were: an array on disk, or of dask."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.largest = array, array.shape, array.dtype, 0

    def __getitem__(self, box):
        self.largest = max(self.largest, self.array[box].size)
        return self.array[box]


def test_arrays_on_disk_are_read_in_parts():
    products = Products(channels=40)
    products.add_confetti(*HOT, 20 * NOISE)
    lazy = [Slices(array) for array in arrays_of(products)]
    result = find_confetti(*lazy, beam=BEAM, memory=0.01)
    np.testing.assert_array_equal(result.mask, find_confetti(*arrays_of(products), beam=BEAM).mask)
    assert result.mask[HOT]
    assert max(array.largest for array in lazy) < products.model.size / 2


def test_dask_arrays_memory_maps_and_doubles_give_the_same(sky, tmp_path):
    dask = pytest.importorskip("dask.array")
    expected = find_confetti(*arrays_of(sky), beam=BEAM)
    np.save(tmp_path / "model.npy", sky.model)
    mapped = np.load(tmp_path / "model.npy", mmap_mode="r")
    chunks = [dask.from_array(array, chunks=(3, 40, 40)) for array in (sky.image, sky.residual)]
    result = find_confetti(mapped, *chunks, sky.psf[0].astype(float), beam=(BEAM, BEAM, 0))
    assert_same_rows(result.sources, expected.sources, COORDINATES)
    assert np.isnan(result.sources["ra"]).all()


def test_masked_pixels_are_blank(sky):
    blank = np.zeros(sky.image.shape, dtype=bool)
    blank[:, :8], blank[HOT[0], 20:40] = True, True
    masked = find_confetti(sky.model, np.ma.masked_array(sky.image, blank), sky.residual, sky.psf, beam=BEAM)
    nan = find_confetti(sky.model, np.where(blank, np.nan, sky.image), sky.residual, sky.psf, beam=BEAM)
    assert_same_rows(masked.sources, nan.sources, COORDINATES)
    assert not masked.mask.any()


def test_a_known_maser_and_a_line_width_need_coordinates(sky):
    wcs = coordinates()
    place = wcs.celestial.pixel_to_world(HOT[2], HOT[1]).icrs
    known = [[place.ra.deg, place.dec.deg]]
    assert not find_confetti(*arrays_of(sky), beam=BEAM, wcs=wcs, known=known).mask.any()
    with pytest.raises(ValueError, match="give their wcs too"):
        find_confetti(*arrays_of(sky), beam=BEAM, known=known)
    with pytest.raises(ValueError, match="linewidth='1km/s' cannot be compared"):
        find_confetti(*arrays_of(sky), beam=BEAM, linewidth="1km/s")


def test_positions_and_frequencies_come_from_the_coordinates(sky):
    wcs = coordinates()
    row = find_confetti(*arrays_of(sky), beam=BEAM, wcs=wcs).sources[0]
    place = SkyCoord(row["ra"], row["dec"])
    assert place.separation(wcs.celestial.pixel_to_world(row["x"], row["y"])) < 1e-6 * units.arcsec
    frequency = (93.17e9 + 1e5 * row["channel"]) * units.Hz
    assert row["frequency"].to_value("Hz") == pytest.approx(frequency.value)
    velocity = frequency.to_value("km/s", units.doppler_radio(93.173 * units.GHz))
    assert row["velocity"].to_value("km/s") == pytest.approx(velocity)


AXES = {
    "radio velocity": ("VRAD", "m/s", [10000.0, -320.0]),
    "optical velocity": ("VOPT", "m/s", [10000.0, -320.0]),
    "wavelength": ("WAVE", "m", [3.2176e-3, -3.4e-9]),
}


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("rest", [93.173e9, 0.0], ids=["with rest frequency", "without"])
def test_frequencies_and_velocities_are_those_of_astropy_for_any_spectral_axis(sky, kind, rest):
    name, unit, (value, step) = AXES[kind]
    wcs = coordinates()
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN", name]
    wcs.wcs.cunit, wcs.wcs.restfrq = ["deg", "deg", unit], rest
    wcs.wcs.crval, wcs.wcs.cdelt = [271.0, -21.0, value], [-0.5 / 3600, 0.5 / 3600, step]
    row = find_confetti(*arrays_of(sky), beam=BEAM, wcs=wcs).sources[0]
    given = (value + step * row["channel"]) * units.Unit(unit)
    velocity = units.doppler_radio(93.173 * units.GHz)
    convention = units.doppler_optical(93.173 * units.GHz) if name == "VOPT" else velocity
    if rest or name == "WAVE":
        frequency = given.to("GHz", units.spectral() if name == "WAVE" else convention)
        assert row["frequency"].to_value("GHz") == pytest.approx(frequency.value)
    else:
        assert np.isnan(row["frequency"])
        assert row["velocity"].to_value("km/s") == pytest.approx(given.to_value("km/s"))
    if rest:
        assert row["velocity"].to_value("km/s") == pytest.approx(frequency.to_value("km/s", velocity), abs=1e-6)
    elif name == "WAVE":
        assert np.isnan(row["velocity"])


class Beam:
    """A beam as radio_beam has it."""

    major, minor, pa = 0.5 * BEAM * units.arcsec, 0.5 * BEAM * units.arcsec, 0 * units.deg


def test_a_beam_in_angles_is_that_in_pixels(sky):
    one, other = (find_confetti(*arrays_of(sky), beam=beam, wcs=coordinates()) for beam in (Beam(), BEAM))
    assert_same_rows(one.sources, other.sources)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": np.zeros((7, 64, 63))}, r"image and model should have the same shape \(got \(7, 64, 63\)"),
        ({"model": np.zeros((1, 7, 64, 64))}, "model should be .channel, y, x.*take one polarization"),
        ({"residual": np.zeros((7, 64, 64), complex)}, "residual has complex128 pixels"),
        ({"image": np.zeros((7, 64, 64)) * units.K}, "image is in K, not in Jy/beam"),
        ({"beam": 0.3}, "beam should be at least one pixel wide"),
        ({"beam": [5, 4]}, "should be the FWHM in pixels"),
        ({"beam": Beam()}, "a beam in angles needs a wcs"),
        ({"deconvolve": "some"}, "deconvolve='some' should be one of"),
        ({"memory": 0}, "memory should be a positive number"),
    ],
)
def test_what_makes_no_sense_is_refused(sky, changes, message):
    given = {"model": sky.model, "image": sky.image, "residual": sky.residual, "psf": sky.psf, "beam": BEAM}
    with pytest.raises(ValueError, match=message):
        find_confetti(**{**given, **changes})


def test_messages_go_to_the_logger_of_the_package(sky, caplog):
    with caplog.at_level(logging.INFO, logger="confetti_task"):
        find_confetti(*arrays_of(sky)[:3], beam=BEAM)
    assert any(message.startswith("Checking 0~6 of 7 channels") for message in caplog.messages)
    assert any(
        record.levelno == logging.WARNING and "psf not found" in record.getMessage() for record in caplog.records
    )


def test_casa_is_not_imported():
    """Nor needed: the import of it fails here."""
    program = """
import sys
sys.modules["casatools"] = sys.modules["casatasks"] = None
from skies import BEAM, HOT, maser_continuum_and_confetti
from confetti_task import find_confetti
from confetti_task.private.casa_log import logged_by_casa
sky = maser_continuum_and_confetti()
assert find_confetti(sky.model, sky.image, sky.residual, sky.psf, beam=BEAM).mask[HOT]
"""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_the_task_hands_each_message_to_casas_log_once_and_leaves_logging_as_it_was(sky, monkeypatch):
    from casatasks import casalog

    posted, logger = [], logging.getLogger("confetti_task")
    before = logger.level, list(logger.handlers)
    monkeypatch.setattr(casalog, "post", lambda message, priority="INFO", *_: posted.append((message, priority)))
    write_cube("line", sky, skip=("psf",))
    with logged_by_casa():  # as within another task
        result = confetti_check(imagename="line", deconvolve="none")
    ours = [message for message, _ in posted if not message.startswith("#")]  # what CASA writes at start and end
    assert len(set(ours)) == len(ours)
    assert {message for message, priority in posted if priority == "WARN"} == set(result["warnings"])
    assert (logger.level, logger.handlers) == before


@pytest.mark.parametrize("form", ["CASA images", "FITS files"])
def test_the_example_of_the_how_to_runs_on_images_read_with_spectral_cube(sky, form):
    pytest.importorskip("spectral_cube")
    write_cube("myline", sky)
    page = (TOP / "docs/howto/arrays.md").read_text(encoding="utf-8")
    example = re.search(r"<!-- tested -->\n```python\n(.*?)```", page, re.S)[1]
    if form == "FITS files":
        from casatasks import exportfits

        for name in PRODUCTS:
            exportfits(imagename=f"myline.{name}", fitsimage=f"myline.{name}.fits")
        names = [f"myline.{name}.fits" for name in PRODUCTS]
        example = re.sub(r"(?m)^names = .*$", f"names = {names}", example).replace('"casa_image"', '"fits"')
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spectral-cube warns of images without a beam
        exec(example, found)
    assert found["found"].verdict == "confetti"
    assert found["found"].mask[HOT]
    assert np.isfinite(found["found"].sources["ra"]).all()
    assert len(found["found"].sources) == len(find_confetti(*arrays_of(sky), beam=BEAM).sources)
