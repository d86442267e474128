"""The drawings of the page: colours, scales, axes and marks, and the numbers that they carry for the pointer."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from astropy.coordinates import Angle
from astropy.wcs import WCS
from drawings import colors_in, numbers_in, of_class
from matplotlib.colors import SymLogNorm

from confetti_task.private.report.angles import sexagesimal
from confetti_task.private.report.channel_strips import limits_of_strip
from confetti_task.private.report.closeup import draw_closeup
from confetti_task.private.report.cutouts import Cutout, Peak
from confetti_task.private.report.maps import draw_maps
from confetti_task.private.report.panels import closeup_of_find, maps_before_after, maps_of_find, spectra_of_find
from confetti_task.private.report.png import png, rounded
from confetti_task.private.report.scales import BLANK, DIVERGING, LINEAR_LENGTH, color_table, symmetric_place
from confetti_task.private.report.sky import MANY, sky_map
from confetti_task.private.report.sky_axes import Coordinate, ticks_of_edges
from confetti_task.private.report.spectra import draw_spectra
from confetti_task.private.report.svg import labels_of, nice_ticks, steps

NOISE = 0.01
WHITE = [255, 255, 255, 255]
SIDE = 11


@pytest.fixture
def cutout():
    """Noise with a hot pixel in the middle and a negative one above and to the left of it."""
    random = np.random.default_rng(3)
    image = random.normal(size=(3, SIDE, SIDE)).astype(np.float32) * NOISE
    model = np.zeros_like(image)
    model[1, 5, 5] = image[1, 5, 5] = 0.3
    model[1, 8, 2] = image[1, 8, 2] = -0.3
    spike = np.zeros_like(image)
    spike[1] = image[1]
    channels = np.arange(20, 61)
    spectra = random.normal(size=(41, 3, 3)).astype(np.float32) * NOISE
    return Cutout(
        channel=40,
        y=50,
        x=70,
        planes={"image": image, "spike": spike, "model": model, "residual": image - model},
        spectra={"image": spectra, "model": np.where(spectra > 2 * NOISE, spectra, 0), "residual": spectra / 2},
        spikes=np.where(channels == 40, np.float32(20 * NOISE), np.float32(0)),
        channels=channels,
        velocity=channels * 0.5,
        cell=(1.0, -1.0),
        beam=(3.0, 2.0, 30.0),
        pixels_per_beam=6.8,
        axes=("RA", "Dec"),
    )


def mosaic_of(drawing):
    """Colours of the maps of a drawing, [row][column]; what is between them is transparent."""
    colors = colors_in(next(drawing.iter("image")).get("href"))
    distance = SIDE + np.flatnonzero(colors[0, SIDE:, 3])[0]
    starts = [range(0, length, distance) for length in colors.shape[:2]]
    return [[colors[top : top + SIDE, left : left + SIDE] for left in starts[1]] for top in starts[0]]


def test_a_picture_has_the_colours_of_its_palette():
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (13, 7)).astype(np.uint8)
    palette = random.integers(0, 256, (256, 3)).astype(np.uint8)
    colors = colors_in(png(pixels, palette, transparent=2))
    assert colors.shape == (13, 7, 4)
    np.testing.assert_array_equal(colors[..., :3][pixels > 1], palette[pixels[pixels > 1]])
    np.testing.assert_array_equal(colors[..., 3], np.where(pixels > 1, 255, 0))


def test_the_scale_is_that_of_matplotlib():
    values = np.linspace(-2, 2, 99)
    norm = SymLogNorm(linthresh=0.03, linscale=LINEAR_LENGTH, vmin=-1, vmax=1, base=10)
    expected = 2 * np.clip(norm(values), 0, 1) - 1
    np.testing.assert_allclose(symmetric_place(values, 1, 0.03), np.ma.getdata(expected), atol=1e-6)
    assert np.isnan(symmetric_place(np.array([np.nan]), 1, 0.03)).all()


def test_a_colour_table_goes_through_its_anchors_with_white_in_the_middle():
    table = color_table(DIVERGING, 253)
    assert table[126].tolist() == WHITE[:3]
    assert [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in table[[0, -1]]] == [DIVERGING[0], DIVERGING[-1]]
    assert table[60, 2] > table[60, 0]  # blue is negative
    assert table[190, 0] > table[190, 2]


def test_maps_have_north_up_and_east_left_whatever_the_axes_of_the_image(cutout):
    turned = {name: planes[:, ::-1, ::-1] for name, planes in cutout.planes.items()}
    drawings = [
        ElementTree.fromstring(draw_maps(maps_of_find(one, NOISE), "maps"))
        for one in (cutout, replace(cutout, planes=turned, cell=(-1.0, 1.0)))
    ]
    maps = [mosaic_of(drawing) for drawing in drawings]
    np.testing.assert_array_equal(maps[0], maps[1])
    image, spike, model, _ = (row[1] for row in maps[0])
    for each in (image, spike, model):
        red, blue = each[5, 5], each[2, 2]  # 8 is 2 from the top, and the first column is in the East
        assert red[0] > red[2]
        assert blue[2] > blue[0]
    assert (model[0] == WHITE).all()


def test_blank_pixels_are_grey_and_between_maps_there_is_nothing(cutout):
    cutout.planes["image"][0] = np.nan
    drawing = ElementTree.fromstring(draw_maps(maps_of_find(cutout, NOISE), "maps"))
    blank = mosaic_of(drawing)[0][0]
    assert {tuple(color) for color in blank[..., :3].reshape(-1, 3)} == {tuple(color_table([BLANK] * 2, 1)[0])}
    opacity = colors_in(next(drawing.iter("image")).get("href"))[..., 3]
    assert (opacity == 0).sum() == opacity.size - 12 * SIDE**2


def test_maps_carry_their_values_to_a_fraction_of_the_noise(cutout):
    drawing = ElementTree.fromstring(draw_maps(maps_of_find(cutout, NOISE), "maps"))
    about = json.loads(drawing.get("data-pointer"))
    values = numbers_in(drawing).reshape(about["shape"])
    expected = np.stack([cutout.planes[name] for name in ("image", "model", "residual")])[..., ::-1, :]
    np.testing.assert_allclose(values[[0, 2, 3]], expected, rtol=0, atol=NOISE / 64)
    spikes = cutout.planes["spike"][..., ::-1, :] / NOISE
    np.testing.assert_allclose(values[1], spikes, rtol=0, atol=1 / 8)
    assert about["units"] == ["Jy/beam", "sigma", "Jy/pixel", "Jy/beam"]
    assert (about["rows"][2], about["names"][2]) == ("model", ["channel 41", "20.50 km/s"])
    assert about["offsets"] == [5.5, 5.5, "RA", "Dec"]


def test_values_are_rounded_only_where_the_noise_is_known():
    values = np.array([0.1234567, -3.0])
    assert rounded(values, 0.0) is values
    np.testing.assert_allclose(rounded(values, NOISE), values, atol=NOISE / 64)


def test_the_beam_has_its_size_and_its_angle_from_north_to_east(cutout):
    drawing = ElementTree.fromstring(draw_maps(maps_of_find(cutout, NOISE), "maps"))
    beams, circles = of_class(drawing, "beam"), of_class(drawing, "place")
    assert (len(beams), len(circles)) == (9, 12)  # none on the model
    scale = json.loads(drawing.get("data-pointer"))["panels"][2] / SIDE
    sizes = [float(beams[0].get(name)) for name in ("rx", "ry")]
    assert sizes == pytest.approx([scale, 1.5 * scale], abs=0.05)
    assert beams[0].get("transform").startswith("rotate(-30.0 ")  # against the clock
    assert float(circles[0].get("r")) == pytest.approx(0.75 * 3 * scale, abs=0.05)


def test_a_find_at_the_end_says_what_is_beyond_the_cube(cutout):
    end = replace(cutout, channels=cutout.channels[:21], velocity=np.full(21, np.nan))
    texts = [text.text for text in ElementTree.fromstring(draw_maps(maps_of_find(end, NOISE), "maps")).iter("text")]
    assert [text for text in texts if text and ("channel" in text or "cube" in text)] == [
        "channel 39",
        "channel 40",
        "beyond the cube",
    ]


def test_before_and_after_share_one_scale(cutout):
    new = replace(cutout, planes={**cutout.planes, "image": np.zeros_like(cutout.planes["image"])})
    drawing = ElementTree.fromstring(draw_maps(maps_before_after(cutout, new, NOISE), "old and new"))
    ((old, after, difference),) = mosaic_of(drawing)
    np.testing.assert_array_equal(old, difference)
    assert (after == WHITE).all()
    headings = [text.text for heading in of_class(drawing, "heading") for text in heading if text.text]
    assert headings == ["old image", "new image", "old - new"]


def test_spectra_show_the_nine_pixels_with_north_up_and_the_channel_of_the_find(cutout):
    drawing = ElementTree.fromstring(draw_spectra(spectra_of_find(cutout, NOISE), "spectra"))
    names = [text.text for text in drawing.iter("text") if text.text.startswith("x=")]
    assert names == [f"x={x} y={y}" for y in (51, 50, 49) for x in (69, 70, 71)]
    left, _, width = json.loads(drawing.get("data-pointer"))["panels"][:3]
    assert float(of_class(drawing, "channel")[0].get("x")) == pytest.approx(left + 20 / 41 * width, abs=0.06)
    values = numbers_in(drawing).reshape(3, 3, 3, 41)
    np.testing.assert_allclose(values[0, 0, 0], cutout.spectra["image"][:, 2, 0], atol=NOISE / 64)
    np.testing.assert_allclose(values[2, 1, 2], cutout.spectra["model"][:, 0, 1] * 6.8, atol=NOISE / 64)
    for name in ("line image", "line residual", "model", "noise"):
        assert len(of_class(drawing, name)) >= 9 - np.count_nonzero(~cutout.spectra["model"].any(axis=0))


def test_an_empty_model_has_no_scale_of_its_own(cutout):
    cutout.spectra["model"][:] = 0
    texts = [
        text.text
        for text in ElementTree.fromstring(draw_spectra(spectra_of_find(cutout, NOISE), "spectra")).iter("text")
    ]
    assert not [text for text in texts if "e-" in text]


@pytest.mark.parametrize(("height", "end"), [(30.0, 30.0), (-12.0, 12.0), (2.0, 5.0)])
def test_the_scale_of_the_image_minus_neighbours_is_symmetric_and_ends_at_the_find(cutout, height, end):
    cutout.planes["spike"][:] = 0
    cutout.planes["spike"][1, 5, 5] = height * NOISE
    cutout.planes["spike"][1, 0, 0] = 100 * NOISE  # a real line elsewhere must not make the find pale
    row = maps_of_find(cutout, NOISE).rows[1]
    assert (row.limit, row.linear, row.unit) == (pytest.approx(end), row.limit, "sigma")
    values, labels = row.ticks
    assert values.tolist() == pytest.approx([end, end / 2, 0, -end / 2, -end])
    drawing = ElementTree.fromstring(draw_maps(maps_of_find(cutout, NOISE), "maps"))
    texts = [text.text for text in drawing.iter("text")]
    assert {f"{end:g}", f"{-end:g}", "image - neighbours, sigma"} <= set(texts)
    assert labels[0] == f"{end:g}"
    middle = mosaic_of(drawing)[1][1][5, 5]
    assert (middle[0] > middle[2]) == (height > 0)


def test_without_noise_the_image_minus_neighbours_is_in_janskys(cutout):
    row = maps_of_find(cutout, 0.0).rows[1]
    assert row.unit == "Jy/beam"
    np.testing.assert_array_equal(row.planes, cutout.planes["spike"][:, ::-1])
    closeup = closeup_of_find(cutout, 0.0)
    assert closeup.lines_unit == "Jy/beam"
    assert "not finite" not in draw_closeup(closeup, "close-up")


def test_the_close_up_shows_ten_channels_on_either_side_with_the_range_of_their_values(cutout):
    image = cutout.spectra["image"]
    image[:] = 5.0 + image
    image[0] = 100.0  # a bright line 20 channels away
    closeup = closeup_of_find(cutout, NOISE)
    assert closeup.channels.tolist() == list(range(30, 51))
    low, high = closeup.image_ends
    near = image[10:31, 1, 1]
    assert 5 - 10 * NOISE < low < near.min() < near.max() < high < 5 + 10 * NOISE
    drawing = ElementTree.fromstring(draw_closeup(closeup, "close-up"))
    left, _, width = json.loads(drawing.get("data-pointer"))["panels"][:3]
    assert float(of_class(drawing, "channel")[0].get("x")) == pytest.approx(left + 10 / 21 * width, abs=0.06)
    shown, spikes, residual = numbers_in(drawing).reshape(3, 21)
    np.testing.assert_allclose(shown, near, atol=NOISE / 64)
    assert np.flatnonzero(spikes).tolist() == [10]
    assert spikes[10] == pytest.approx(20, abs=1 / 64)
    np.testing.assert_allclose(residual, cutout.spectra["residual"][10:31, 1, 1] / NOISE, atol=1 / 64)


@pytest.mark.parametrize("value", [0.005, 2.88e-5, 0.0, -3.0])
def test_the_scale_of_constant_values_starts_at_zero_and_not_at_their_last_digits(value):
    for values in (np.full((1, 9), value), value * (1 + 1e-9 * np.arange(9.0)[np.newaxis])):
        low, high = limits_of_strip(values)
        assert low < min(0, value) <= max(0, value) < high
        assert high - low >= abs(value)
        assert len(nice_ticks(low, high, 4)) >= 2


def test_the_scale_of_a_strip_without_values_is_no_point():
    low, high = limits_of_strip(np.full((1, 9), np.nan))
    assert low < high


def test_the_scale_of_values_that_vary_shows_how():
    low, high = limits_of_strip(np.array([[8.0, 9.0, 10.0, np.nan]]))
    assert 7 < low < 8 < 10 < high < 11
    low, high = limits_of_strip(np.array([[1.0, 9.0, 10.0]]))
    assert low < 0 < 10 < high < 11


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (-5.5, 5.5, 4, [-5, 0, 5]),
        (-4.8, 4.8, 4, [-4, 0, 4]),
        (0, 1.06, 4, [0, 0.5, 1]),
        (-0.5, 23.5, 8, [0, 5, 10, 15, 20]),
        (3, 3, 4, []),
    ],
)
def test_ticks_are_round_numbers(low, high, most, expected):
    assert nice_ticks(low, high, most).tolist() == pytest.approx(expected)


def test_labels_have_the_decimals_that_the_ticks_need():
    assert labels_of(np.array([0.0, 0.05, 0.1])) == ["0.00", "0.05", "0.10"]
    assert labels_of(np.array([-20.0, 0.0, 20.0])) == ["-20", "0", "20"]
    assert labels_of(np.array([0.0, 2e-5])) == ["0", "2e-05"]
    assert labels_of(np.array([-2.882e-5, -2.880e-5])) == ["-2.882e-05", "-2.88e-05"]


def test_a_line_has_gaps_where_values_are_missing():
    assert steps([0, 1, 2, 3, 4], [5.0, 6.25, np.nan, 7.0]) == "M0 5H1V6.2H2M3 7H4"


def make_sky(ctype="RA---SIN", crval=(271.58, -21.617), rotation=0.0, cell=1 / 3600, shape=(400, 300)):
    sky = WCS(naxis=2)
    sky.wcs.ctype = [ctype, ctype.replace("RA-", "DEC").replace("GLON", "GLAT")]
    sky.wcs.crpix = shape[1] / 2, shape[0] / 2
    sky.wcs.cdelt, sky.wcs.crval = (-cell, cell), crval
    cosine, sine = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    sky.wcs.pc = [[cosine, -sine], [sine, cosine]]
    return sky


SKIES = {
    "RA and Dec": {},
    "across 0h": {"crval": (0.01, 40.0)},
    "rotated": {"rotation": 30.0},
    "on its side": {"rotation": 90.0},
    "Galactic": {"ctype": "GLON-TAN", "crval": (359.99, -0.05), "cell": 0.1 / 3600},
    "at the pole": {"crval": (30.0, 89.99)},
    "fine": {"cell": 0.002 / 3600},
    "coarse": {"cell": 60 / 3600},
}


@pytest.mark.parametrize("about", SKIES.values(), ids=SKIES)
def test_every_tick_of_the_sky_is_where_its_label_says(about):
    sky, shape = make_sky(**about), (400, 300)
    names, ticks = ticks_of_edges(sky, shape)
    for edge, placed in ticks.items():
        name = names[edge in ("left", "right")]
        for place, label in placed:
            x, y = {
                "bottom": (place - 0.5, -0.5),
                "top": (place - 0.5, 399.5),
                "left": (-0.5, place - 0.5),
                "right": (299.5, place - 0.5),
            }[edge]
            longitude, latitude = sky.wcs_pix2world(x, y, 0)
            along = name in ("RA", "longitude")
            apart = (value_of(label, name) - (longitude if along else latitude) + 180) % 360 - 180
            pixels = apart * (np.cos(np.deg2rad(latitude)) if along else 1) / sky.wcs.cdelt[1]
            assert abs(pixels) < 0.5
    if about.get("crval", (0, 0))[1] < 89:
        assert all(len(ticks[edge]) >= 2 for edge in ("bottom", "left"))
        assert all(len(ticks[edge]) <= 8 for edge in ("bottom", "left"))


def value_of(label, name):
    """Degrees of a label."""
    if label.endswith("\N{DEGREE SIGN}"):
        return float(label[:-1])
    sign = -1 if label.startswith("-") else 1
    parts = [float(part) for part in label.lstrip("+-").split(":")]
    return sign * sum(part / 60**power for power, part in enumerate(parts)) * (15 if name == "RA" else 1)


def test_the_axes_of_a_sky_on_its_side_are_named_by_what_changes_along_them():
    assert ticks_of_edges(make_sky(), (400, 300))[0] == ("RA", "Dec")
    assert ticks_of_edges(make_sky(rotation=90.0), (400, 300))[0] == ("Dec", "RA")
    assert ticks_of_edges(make_sky(ctype="GLON-SIN"), (400, 300))[0] == ("longitude", "latitude")


@pytest.mark.parametrize(
    ("number", "value", "step", "label"),
    [
        (0, 86400 + 5.0, 1, "00:00:05"),
        (0, 59.996, 0.01, "00:01:00.00"),
        (1, -77799.96, 0.1, "-21:36:40.0"),
        (1, 40 * 3600, 600, "+40:00"),
    ],
)
def test_labels_are_never_rounded_up_to_sixty(number, value, step, label):
    assert Coordinate(make_sky(), number).label(value, step) == label


def test_angles_are_written_as_astropy_writes_them():
    values = np.random.default_rng(7).uniform(-90, 90, 200)
    for value in values:
        declination = Angle(value, "deg").to_string(sep=":", precision=1, pad=True, alwayssign=True)
        assert sexagesimal(3600 * value, 1, signed=True) == declination
        time = Angle(value + 90, "deg").to_string(unit="hourangle", sep=":", precision=2, pad=True)
        assert sexagesimal(240 * (value + 90), 2, signed=False) == time


@pytest.fixture
def peak():
    plane = np.random.default_rng(5).normal(size=(100, 75)).astype(np.float32)
    plane[:10] = np.nan
    return Peak(plane, 4, [0, 1])


def test_marks_differ_in_shape_and_numbers_lead_to_the_finds(peak):
    marks = {"candidate": ([1, 2], [3, 4]), "known": ([9], [9]), "confetti": ([150, 20], [30, 40])}
    drawing = ElementTree.fromstring(sky_map(peak, make_sky(), (398, 300), marks, [(150, 30)], "sky"))
    texts = [text.text for text in drawing.iter("text")]
    assert {"candidate (2)", "known (1)", "confetti (2)", "RA", "Dec"} <= set(texts)
    (link,) = drawing.iter("a")
    assert link.get("href") == "#find-1"
    shapes = {mark.get("d").split("m")[-1].split("a")[0] for mark in of_class(drawing, "mark")}
    assert len(shapes) == 2
    # The middle of the pixel (150, 30), from the top left of the map.
    left, top, width, height = json.loads(drawing.get("data-pointer"))["panels"][:4]
    confetti = of_class(drawing, "mark")[1].get("d")
    x, y = map(float, confetti[1 : confetti.index("m")].split())
    assert (x - left) / width == pytest.approx(150.5 / 300, abs=1e-3)
    assert (y - top) / height == pytest.approx(1 - 30.5 / 398, abs=1e-3)


def test_tens_of_thousands_of_candidates_keep_the_page_small(peak):
    random = np.random.default_rng(2)
    x, y = random.uniform(0, 300, 20 * MANY), random.uniform(0, 400, 20 * MANY)
    few = sky_map(peak, make_sky(), (400, 300), {"candidate": (x[:MANY], y[:MANY])}, [], "sky")
    many = sky_map(peak, make_sky(), (400, 300), {"candidate": (x, y)}, [], "sky")
    assert len(many) < len(few) + 20_000
    points = colors_in(list(ElementTree.fromstring(many).iter("image"))[1].get("href"))
    assert points.shape[:2] == (560, 420)
    shown = points[..., 3] > 0
    for place in range(0, 20 * MANY, 999):
        across, down = (x[place] + 0.5) * 1.4, 560 - (y[place] + 0.5) * 1.4
        assert shown[max(int(down), 0), min(int(across), 419)]


def test_the_map_of_the_sky_is_turned_like_its_axes_and_blank_where_the_image_is(peak):
    for flipped in (False, True):
        sky = make_sky()
        if flipped:
            sky.wcs.cdelt = -np.array(sky.wcs.cdelt)
        drawing = ElementTree.fromstring(sky_map(peak, sky, (400, 300), {}, [], "sky"))
        colors = colors_in(next(drawing.iter("image")).get("href"))[:: 1 if flipped else -1, :: -1 if flipped else 1]
        blank = tuple(color_table([BLANK] * 2, 1)[0])
        grey = (colors[..., 0] == colors[..., 1]) & (colors[..., 1] == colors[..., 2])
        assert (colors[:10, :, :3] == blank).all()
        assert grey[10:].all()
        assert colors[..., 0][peak.plane == np.nanmax(peak.plane)].max() <= colors[10:, :, 0].min()
