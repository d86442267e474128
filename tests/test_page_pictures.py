"""The pictures of the page and of confetti_plot: what is read for them, and what they show."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import write_cube
from drawings import colors_in, numbers_in, of_class, pictures_in
from pages import HOT, MASER, change_sky, confetti_and_maser, confetti_check, suspicious_sky
from skies import BEAM, NOISE, Products, gaussian

from confetti_task import confetti_plot
from confetti_task.private.core.spikes import spike
from confetti_task.private.core.surroundings import height_above_ring, ring
from confetti_task.private.images.coordinates import from_icrs, read_sky, world_coordinates
from confetti_task.private.images.cube import open_cube
from confetti_task.private.report.channel_strips import STRIPS, channel_strips
from confetti_task.private.report.cutouts import read_cutout, read_peak
from confetti_task.private.report.figures import draw_find, draw_maps, draw_spectra, new_figure
from confetti_task.private.report.maps import draw_maps as draw_maps_of_page
from confetti_task.private.report.minus_neighbours import map_of_spikes, margin_of
from confetti_task.private.report.panels import closeup_of_find, maps_of_find, spectra_of_find


@pytest.fixture
def products():
    return confetti_and_maser()


@pytest.fixture
def line(products):
    write_cube("line", products)


def test_suspicious_channels_are_hatched_and_bad_ones_shaded():
    suspects = suspicious_sky()
    suspects.add_confetti(*HOT, 20 * NOISE)
    write_cube("line", suspects)
    channels = QTable.read(confetti_check(imagename="line", surround=0, report=False)["channeltable"])
    drawing = ElementTree.fromstring(channel_strips(channels, "all channels"))
    left, _, width = json.loads(drawing.get("data-pointer"))["panels"][:3]
    for name, expected in (("bad", [3]), ("suspicious", [1, 5]), ("diverged", [])):
        shades = of_class(drawing, f"shade {name}")[: len(expected)]  # those of the first strip
        places = [(float(shade.get("x")) - left) / width * 7 for shade in shades]
        assert places == pytest.approx(expected, abs=0.01)
        assert all(float(shade.get("width")) == pytest.approx(width / 7, abs=0.1) for shade in shades)
        assert len(of_class(drawing, f"shade {name}")) == len(STRIPS) * len(expected)
    assert "channel (shaded: bad; hatched: suspicious)" in [text.text for text in drawing.iter("text")]


def test_channels_that_could_not_be_checked_are_not_counted_and_not_drawn(products):
    products.residual[5:] = 0
    products.model[5:] = 0
    write_cube("line", products)
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "1 fake source in 1 of 5 channels" in page
    assert "2 more could not be checked" in page
    channels = QTable.read(result["channeltable"])
    drawing = ElementTree.fromstring(channel_strips(channels[[0, 3, 4, 6]], "some channels"))
    severity = numbers_in(drawing).reshape(6, 7)[2]
    assert np.flatnonzero(np.isfinite(severity)).tolist() == [0, 3, 4]
    line = of_class(drawing, "line stokes0")[0].get("d")
    assert (line.count("M"), line.count("H")) == (2, 3)


# casatasks itself imports matplotlib.
WITHOUT_MATPLOTLIB = """
import sys
from confetti_task import confetti_check
from confetti_task.private import task_confetti_check
for name in list(sys.modules):
    if name.startswith("matplotlib"):
        sys.modules[name] = None
print(confetti_check(imagename="line", npanels=1, deconvolve="none")["report"])
"""


@pytest.mark.usefixtures("line")
def test_a_page_is_made_without_matplotlib():
    done = subprocess.run([sys.executable, "-c", WITHOUT_MATPLOTLIB], capture_output=True, text=True, check=True)
    assert "line.confetti.html" in done.stdout
    assert len(pictures_in(Path("line.confetti.html").read_text(encoding="utf-8"))) == 8


@pytest.mark.parametrize("reader", ["auto", "ia"])
def test_a_stamp_has_the_pixel_in_its_middle_and_nothing_beyond_the_cube(products, reader):
    write_cube("line", products)
    cube = open_cube("line", reader)
    cutout = read_cutout(cube, 0, *HOT)
    middle = cutout.planes["model"].shape[1] // 2
    for product, planes in (("model", products.model), ("image", products.image), ("residual", products.residual)):
        np.testing.assert_allclose(cutout.planes[product][:, middle, middle], planes[2:5, 30, 26], rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(cutout.spectra[product], planes[:, 29:32, 25:28], rtol=1e-5, atol=1e-8)
    corner = read_cutout(cube, 0, 6, 0, 63)
    assert np.isnan(corner.planes["model"][2]).all()
    assert np.isnan(corner.planes["model"][0, :middle]).all()
    assert np.isnan(corner.planes["model"][0, :, middle + 1 :]).all()
    assert corner.planes["model"][1, middle, middle] == products.model[6, 0, 63]
    assert cutout.pixels_per_beam == pytest.approx(np.pi * BEAM**2 / (4 * np.log(2)), rel=1e-3)


@pytest.fixture
def in_emission():
    """Confetti of 12 sigma in the middle of a cloud of 100 sigma that moves through the image."""
    products = Products(continuum=False)
    for channel in range(len(products.model)):
        cloud = np.roll(gaussian(6 * BEAM), (HOT[1] - 32, HOT[2] - 38 + 2 * channel), axis=(0, 1))
        products.model[channel] += 100 * NOISE * cloud / (np.pi * BEAM**2 / (4 * np.log(2)))
    products.add_confetti(*HOT, 12 * NOISE)
    write_cube("cloud", products)
    return products


@pytest.mark.usefixtures("in_emission")
def test_a_fake_source_in_bright_emission_stands_out_in_the_image_minus_its_neighbours():
    cutout = read_cutout(open_cube("cloud"), 0, *HOT)
    maps = maps_of_find(cutout, NOISE)
    middle = cutout.planes["image"].shape[1] // 2
    y, x = np.mgrid[: 2 * middle + 1, : 2 * middle + 1] - middle
    far = np.hypot(y, x) > 2.5 * BEAM
    image, spike = (row.planes[1] for row in maps.rows[:2])
    assert image[middle, middle] > 90 * NOISE  # it is a tenth of what is there
    assert spike[middle, middle] > 8
    assert np.abs(spike[far]).max() < spike[middle, middle] / 2
    colors = colors_in(next(ElementTree.fromstring(draw_maps_of_page(maps, "maps")).iter("image")).get("href"))
    side = 2 * middle + 1
    gap = (len(colors) - 4 * side) // 3
    here = colors[side + gap :, side + gap :][:side, :side, :3].astype(int)
    # Dark red at the find, as at the end of the scale, and nearly white elsewhere.
    assert here[middle, middle].tolist()[0] < 190
    assert here[middle, middle].tolist()[2] < 60
    assert np.median(here[far].min(axis=1)) > 200


@pytest.mark.usefixtures("line")
def test_what_the_maps_and_the_spectra_show_in_the_middle_is_the_spike_of_the_table():
    sources = QTable.read(confetti_check(imagename="line", report=False)["table"])
    assert {"confetti", "candidate"} == set(sources["class"])
    for row in sources:
        place, noise = [int(row[name]) for name in ("channel", "y", "x")], row["noise"].to_value("Jy/beam")
        cutout = read_cutout(open_cube("line"), 0, *place, around=3)
        planes, middle = maps_of_find(cutout, noise).rows[1].planes, cutout.planes["image"].shape[1] // 2
        assert planes[3, middle, middle] == pytest.approx(row["spike"], abs=1e-3)
        spectrum = dict(zip(cutout.channels.tolist(), closeup_of_find(cutout, noise).lines["spike"]))
        assert spectrum[place[0]] == pytest.approx(row["spike"], abs=1e-3)


@pytest.mark.parametrize("beam", [2.3, 6.0, 13.7])
def test_the_map_of_spikes_is_what_the_check_measures_in_every_pixel(beam):
    margin = margin_of(beam)
    side = 2 * (margin + 9) + 1
    y, x = np.mgrid[:side, :side] / side
    smooth = [np.sin(3 * y + channel) + x**2 for channel in range(5)]  # on which the background can be interpolated
    image = np.array(smooth, dtype=np.float32)
    image[2, margin + 9, margin + 9] += 5
    image[3, margin + 2] = np.nan
    spikes = map_of_spikes(image, beam)
    pixels = np.stack(np.mgrid[:5, margin : margin + 19, margin : margin + 19], axis=-1).reshape(-1, 3)
    heights = height_above_ring(image, pixels, ring(beam)).reshape(5, -1)
    missing = np.full((2, heights.shape[1]), np.nan, dtype=np.float32)
    padded = np.concatenate([missing, heights, missing])
    exact = np.stack([spike(padded[channel : channel + 7].T) for channel in range(3)]).reshape(3, 19, 19)
    assert spikes[1, 9, 9] == exact[1, 9, 9]
    np.testing.assert_array_equal(np.isnan(spikes), np.isnan(exact))
    np.testing.assert_allclose(spikes, exact, atol=0.1)


def test_confetti_plot_and_the_page_draw_the_same_planes_limits_and_labels(products):
    write_cube("line", products)
    cutout = read_cutout(open_cube("line"), 0, *HOT)
    maps = maps_of_find(cutout, NOISE)
    figure = draw_find(cutout, NOISE)
    pictures = [axes for axes in figure.axes if axes.images]
    drawing = ElementTree.fromstring(draw_maps_of_page(maps, "maps"))
    texts = [text.text for text in drawing.iter("text")]
    for place, axes in enumerate(pictures):
        row = maps.rows[place // 3]
        np.testing.assert_array_equal(axes.images[0].get_array(), row.planes[place % 3])
        assert axes.images[0].get_clim() == (-row.limit, row.limit)
        assert len(axes.patches) == 1 + row.with_beam
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel() and not axes.images]
    assert labels == [row.label for row in maps.rows]
    assert labels[1] == "image - neighbours, sigma"
    assert set(labels) <= set(texts)
    assert {label for row in maps.rows for label in row.ticks[1]} <= set(texts)


@pytest.mark.usefixtures("line")
def test_maps_have_east_on_the_left_and_share_their_scale():
    figure = new_figure(6, 6)
    cutout = read_cutout(open_cube("line"), 0, *HOT)
    draw_maps(figure, maps_of_find(cutout, NOISE))
    maps = [axes for axes in figure.axes if axes.images and len(axes.patches) > 0]
    assert len(maps) == 12
    for axes in maps:
        west, east, south, north = axes.images[0].get_extent()[1::-1] + axes.images[0].get_extent()[2:]
        left, right = axes.get_xlim()
        assert left > 0 > right  # offsets in RA grow to the left
        assert west < east  # the first pixel, at larger RA, is at the positive end
        assert south < north
    limits = [axes.images[0].get_clim() for axes in maps]
    assert limits[0] == limits[1] == limits[2] == limits[9]
    assert limits[3] != limits[0]
    titles = [axes.get_title().split("\n")[0] for axes in maps[:3]]
    assert titles == ["channel 2", "channel 3", "channel 4"]


@pytest.mark.usefixtures("line")
def test_spectra_show_the_nine_pixels_with_north_up():
    figure = new_figure(6, 6)
    draw_spectra(figure, spectra_of_find(read_cutout(open_cube("line"), 0, *HOT), NOISE))
    texts = [axes.texts[0].get_text() for axes in figure.axes if axes.texts]
    assert texts[0] == "x=25 y=31"
    assert texts[4] == "x=26 y=30"
    assert texts[8] == "x=27 y=29"


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize("unit", ["rad", "arcmin"])
@pytest.mark.parametrize("frame", ["J2000", "GALACTIC"])
@pytest.mark.parametrize("projection", ["SIN", "TAN"])
def test_the_projection_of_the_sky_is_that_of_casa(unit, frame, projection):
    cube = open_cube("line")
    change_sky("line.model", unit, frame, projection)
    x, y = np.array([0, 10, 63, 40]), np.array([0, 50, 63, 3])
    ra, dec, _, _ = world_coordinates(cube, 0 * x, y, x)
    world = [angles.to_value("deg") for angles in from_icrs(ra, dec, frame)]
    np.testing.assert_allclose(read_sky(cube).wcs_pix2world(x, y, 0), world, rtol=0, atol=1e-9)


def test_the_peak_over_the_channels_is_that_of_the_image(products, monkeypatch):
    masked = np.ones(products.model.shape, dtype=bool)
    masked[:, :5] = False
    write_cube("line", products, masked=masked)
    expected = np.where(masked, products.image, -np.inf).max(axis=0)
    peak = read_peak(open_cube("line"))
    np.testing.assert_allclose(np.nan_to_num(peak.plane, nan=-np.inf), expected, rtol=1e-5, atol=1e-8)
    monkeypatch.setattr("confetti_task.private.report.cutouts.PICTURE_PIXELS", 20)
    monkeypatch.setattr("confetti_task.private.report.cutouts.CHUNK_VOXELS", 10000)
    blocks = read_peak(open_cube("line"))
    assert blocks.side == 4
    large = expected.reshape(16, 4, 16, 4).max(axis=(1, 3))
    np.testing.assert_allclose(np.nan_to_num(blocks.plane, nan=-np.inf), large, rtol=1e-5, atol=1e-8)
    monkeypatch.setattr("confetti_task.private.report.cutouts.PEAK_VOXELS", 3 * 64 * 64)
    some = read_peak(open_cube("line"))
    assert some.channels == [0, 3, 6]
    large = np.where(masked, products.image, -np.inf)[::3].max(axis=0).reshape(16, 4, 16, 4).max(axis=(1, 3))
    np.testing.assert_allclose(np.nan_to_num(some.plane, nan=-np.inf), large, rtol=1e-5, atol=1e-8)


@pytest.mark.usefixtures("line")
def test_one_find_is_drawn_from_python_and_nothing_is_shown_or_written():
    confetti_check(imagename="line", report=False)
    before = sorted(os.listdir())
    assert len(confetti_plot("line", source=0).axes) == len(confetti_plot("line", source=MASER[:1] + MASER[:0:-1]).axes)
    assert sorted(os.listdir()) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (0, "line.confetti.ecsv not found"),
        ((3, 64, 0), "is not in line"),
        ("worst", "row of a source, or"),
    ],
)
def test_a_find_that_is_not_there_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        confetti_plot("line", source=source)
