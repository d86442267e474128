"""The report: what the page says and shows, the regions, the pictures of one find, the summary over many cubes."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import CELL_ARCSEC, write_cube
from conftest import TOP
from drawings import colors_in, numbers_in, of_class, pictures_in
from regions import Regions
from skies import BEAM, NOISE, Products

import confetti_task
from confetti_task import confetti_plot
from confetti_task.__main__ import main
from confetti_task.private.check.messages import WHY_CANDIDATES, explain
from confetti_task.private.check.proof import make_proof_table
from confetti_task.private.core.quantities import FIND
from confetti_task.private.images.coordinates import from_icrs, read_sky, world_coordinates
from confetti_task.private.images.cube import open_cube
from confetti_task.private.report.channel_strips import STRIPS, channel_strips
from confetti_task.private.report.cleaned_again import worst_differences
from confetti_task.private.report.cutouts import read_cutout, read_peak
from confetti_task.private.report.figures import draw_maps, draw_spectra, new_figure
from confetti_task.private.report.page import nearest_candidates, velocity_ranges, worst_finds

# One find is as good as eight.
confetti_check = partial(confetti_task.confetti_check, npanels=1)

HOT = (3, 30, 26)  # channel, y, x of the confetti
MASER = (2, 45, 15)


@pytest.fixture
def products():
    products = Products()
    products.add_confetti(*HOT, 20 * NOISE)
    products.add_point(*MASER, 30 * NOISE)
    return products


@pytest.fixture
def line(products):
    write_cube("line", products)


@pytest.mark.usefixtures("line")
def test_the_page_tells_the_verdict_the_channels_and_the_next_step_and_shows_every_find():
    result = confetti_check(imagename="line", npanels=12)
    page = Path(result["report"]).read_text(encoding="utf-8")
    table = QTable.read(result["table"])
    shown = result["nsources"] + min(3, result["ncandidates"])
    assert "<b>Confetti</b>: 1 fake source in 1 of 7 channels" in page
    assert "<code>3</code>" in page
    assert "confetti_reclean(imagename=&#x27;line&#x27;)" in page
    assert len(pictures_in(page)) == 2 + 2 * shown
    assert f"{table['unsupported'][0]:+.1f} sigma" in page
    assert "confetti_check(imagename=&#x27;line&#x27;" in page


@pytest.mark.usefixtures("line")
def test_the_page_needs_nothing_but_itself():
    page = Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")
    assert len(pictures_in(page)) == 6
    assert all(ElementTree.fromstring(drawing).get("aria-label") for drawing in pictures_in(page))
    assert not re.search(r"(src|href)=\"(?!data:image/png;base64,|#)|url\((?!#)|@import|https?://", page)


def test_a_clean_cube_gets_a_short_page_that_says_what_was_checked():
    write_cube("line", Products())
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "<b>Clean</b>: no fake source was found in 7 channels" in page
    assert "Checking 0~6 of 7 channels of line" in page
    assert "No channel needs to be cleaned again" in page
    assert len(pictures_in(page)) == 2


def test_a_cube_of_one_channel_and_one_without_rest_frequency_or_psf_get_a_page(products):
    write_cube("line", products, skip=("psf",))
    assert "the coverage is unknown" in Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")
    products.model, products.residual = products.model[:1], products.residual[:1]
    write_cube("continuum", products, skip=("psf",))
    result = confetti_check(imagename="continuum")
    assert "Not applicable" in Path(result["report"]).read_text(encoding="utf-8")


def script_for_carta(page):
    return unescape(re.search(r"<code>([^<]*carta\.session.*?)</code>", page, re.DOTALL)[1])


class ViewerOfTheTest:
    """Stands for CARTA: notes what a script asks for."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        def note(*given):
            self.asked.append((name, *given))
            return [self, self, self] if name == "open_images" else self

        return note

    @property
    def regions(self):
        return self


def run_in_viewer(script):
    """Run a script for CARTA, without CARTA."""
    viewer = ViewerOfTheTest()
    names = {"Session": viewer, "Polarization": {"I": 1, "V": 4}}
    exec("\n".join(line for line in script.splitlines() if not line.startswith("from carta.")), names)
    return names["show"], viewer.asked


@pytest.mark.usefixtures("line")
def test_the_script_for_carta_opens_the_images_and_goes_to_the_finds():
    result = confetti_check(imagename="line", npanels=3)
    show, asked = run_in_viewer(script_for_carta(Path(result["report"]).read_text(encoding="utf-8")))
    steps = {name: given for name, *given in asked}
    assert [Path(path).name for path in steps["open_images"][0]] == ["line.image", "line.model", "line.residual"]
    assert all(os.path.isabs(path) and os.path.exists(path) for path in steps["open_images"][0])
    assert steps["import_from"] == [os.path.abspath("line.confetti.reg")]
    assert os.path.exists(*steps["import_from"])
    assert (steps["set_channel"], steps["set_center"]) == ([HOT[0]], [HOT[2], HOT[1]])
    with pytest.raises(IndexError):
        show(2)


def test_the_script_for_carta_goes_to_the_polarization_of_a_find(products):
    write_cube("line", products, polarizations=("I", "V"), holds="V")
    script = script_for_carta(Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8"))
    assert "from carta.constants import Polarization" in script
    _, asked = run_in_viewer(script)
    assert ("set_polarization", 4) in asked


def test_there_is_no_script_for_carta_where_nothing_was_found():
    write_cube("line", Products())
    assert "CARTA" not in Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")


@pytest.mark.usefixtures("line")
def test_the_position_of_every_find_can_be_copied():
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    row = QTable.read(result["table"])[0]
    article = page[page.index('id="find-1"') :]
    texts = re.findall(r"<code>([^<]*)</code><button type=\"button\" aria-label=\"copy (\w+)\">", article)[:2]
    position, channel = (text for text, _ in texts)
    place = SkyCoord(position, unit=("hourangle", "deg"))
    assert place.separation(SkyCoord(row["ra"], row["dec"])) < 0.1 * units.arcsec
    assert (channel, [what for _, what in texts]) == ("3", ["position", "channel"])


@pytest.mark.usefixtures("line")
def test_without_report_no_page_and_no_regions_are_written():
    assert confetti_check(imagename="line", report=False)["report"] == ""
    assert not [name for name in os.listdir() if name.endswith((".html", ".crtf", ".reg"))]


@pytest.mark.usefixtures("line")
def test_a_picture_that_fails_never_costs_the_mask(monkeypatch):
    def fail(*_):
        raise RuntimeError("no ink")

    monkeypatch.setattr("confetti_task.private.report.page.read_peak", fail)
    result = confetti_check(imagename="line")
    assert result["channels"] == [HOT[0]]
    assert result["report"] == ""
    assert os.path.isdir(result["mask"])


@pytest.mark.usefixtures("line")
def test_files_of_the_user_that_are_called_like_a_report_stay():
    Path("aces.reg").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="aces.reg exists already"):
        confetti_check(imagename="line", outfile="aces")
    for _ in range(2):
        result = confetti_check(imagename="line", outfile="other", report=False, overwrite=True)
    Path("aces.html").write_text("mine", encoding="utf-8")
    result = confetti_check(imagename="line", outfile="aces", report=False, overwrite=True)
    assert result["report"] == ""
    assert Path("aces.reg").read_text(encoding="utf-8") == Path("aces.html").read_text(encoding="utf-8") == "mine"


def test_a_report_that_no_longer_holds_does_not_stay(products):
    write_cube("line", products)
    confetti_check(imagename="line")
    confetti_check(imagename="line", report=False, overwrite=True)
    assert not os.path.exists("line.confetti.html")


@pytest.fixture
def suspects():
    """A sky without confetti, where fake sources may hide in channels 5 and, less likely, 1."""
    products = Products()
    products.add_confetti(1, 20, 40, 9.9 * NOISE)
    products.add_confetti(5, 36, 20, 11.4 * NOISE)
    return products


def test_the_page_ranks_suspicious_channels_and_tells_how_the_data_decide(suspects):
    write_cube("line", suspects)
    result = confetti_check(imagename="line", surround=0)
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert '<p class="verdict suspicious"><b>Suspicious</b>: no fake source is certain' in page
    head = page[: page.index("<h2>")]
    assert "<code>1;5</code>" in head
    assert "km/s, from edge to edge" in head
    assert "A fake source may hide there" in head
    assert "Bad channels" not in page
    rows = re.findall(r"<tr><td.*", page[page.index('<table id="suspicious">') :])
    assert [int(re.search(r">(\d+)</td>", row)[1]) for row in rows[:2]] == [5, 1]
    assert "Clean the suspicious channels again: the data decide" in page
    assert "confetti_reclean(imagename=&#x27;line&#x27;)" in page
    assert "No channel needs to be cleaned again" not in page
    assert "the spike of the image there is higher where a real source is in the same place" in page


def test_where_candidates_are_shown_the_page_says_why_they_are_not_masked_and_what_would_decide(products):
    write_cube("line", products)
    page = Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")
    assert WHY_CANDIDATES in page[page.index("<h2>Not masked</h2>") :]


def test_bad_and_suspicious_channels_are_listed_one_beneath_the_other(suspects):
    suspects.add_confetti(*HOT, 20 * NOISE)
    write_cube("line", suspects)
    result = confetti_check(imagename="line", surround=0)
    assert (result["channels"], result["suspects"]) == ([3], [5, 1])
    page = Path(result["report"]).read_text(encoding="utf-8")
    places = [
        page.index(text) for text in ("Bad channels", "<code>3</code>", "Suspicious channels", "<code>1;5</code>")
    ]
    assert places == sorted(places)
    assert "and with them the suspicious ones, about which the data decide" in page


def test_the_page_says_how_high_a_fake_source_must_be_to_be_found(products):
    write_cube("line", products)
    result = confetti_check(imagename="line", surround=0)
    sentence = f"a fake source of {result['limit']:.1f} sigma is found with a probability of 90 %"
    assert sentence in Path(result["report"]).read_text(encoding="utf-8")
    write_cube("blind", products, skip=["psf"])
    page = Path(confetti_check(imagename="blind")["report"]).read_text(encoding="utf-8")
    assert "with a probability of 90 %" not in page


def test_suspicious_channels_are_hatched_and_bad_ones_shaded(suspects):
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


@pytest.mark.parametrize("blank", [0.0, np.nan])
def test_a_blank_cube_gets_a_page_that_says_so(products, blank):
    products.model[:], products.residual[:] = 0, blank
    write_cube("line", products)
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "<b>Not applicable</b>" in page
    assert "nothing could be checked" in page


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
print(confetti_check(imagename="line", npanels=1)["report"])
"""


@pytest.mark.usefixtures("line")
def test_a_page_is_made_without_matplotlib():
    done = subprocess.run([sys.executable, "-c", WITHOUT_MATPLOTLIB], capture_output=True, text=True, check=True)
    assert "line.confetti.html" in done.stdout
    assert len(pictures_in(Path("line.confetti.html").read_text(encoding="utf-8"))) == 6


def test_the_sky_shows_the_polarization_of_the_worst_find(products, monkeypatch):
    write_cube("line", products, polarizations=("I", "V"), holds="V")
    asked = []
    monkeypatch.setattr(
        "confetti_task.private.report.page.read_peak", lambda *given: asked.append(given[1:]) or read_peak(*given)
    )
    page = Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")
    assert asked == [(1, [HOT[0]])]
    assert "7 of 7 channels, Stokes V" in page
    assert "x=26 y=30, Stokes V" in page


def test_galactic_positions_are_in_degrees_and_every_page_names_its_frame(products):
    write_cube("line", products)
    for product in ("model", "image", "residual", "psf"):
        change_sky(f"line.{product}", "rad", "GALACTIC", "SIN", rotated=False)
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "(271.58" in page
    assert "GALACTIC)" in page
    assert '<th scope="col" class=""><button type="button">l<small>GALACTIC' in page
    assert "galactic" in Path("line.confetti.reg").read_text(encoding="utf-8")


@pytest.mark.usefixtures("line")
def test_no_finds_are_shown_where_none_are_asked_for_and_a_negative_number_is_refused():
    page = Path(confetti_check(imagename="line", npanels=0)["report"]).read_text(encoding="utf-8")
    assert len(pictures_in(page)) == 2
    with pytest.raises(ValueError, match="npanels should be a number of finds"):
        confetti_check(imagename="line", outfile="other", npanels=-1)


def test_each_piece_of_a_cube_has_a_page_of_its_own(products):
    whole = {name: getattr(products, name) for name in ("model", "residual", "psf")}
    for number, channels in enumerate((slice(0, 4), slice(4, 7))):
        part = Products()
        part.model, part.residual, part.psf = (whole[name][channels] for name in ("model", "residual", "psf"))
        write_cube(f"line.{number}", part)
        if number:
            shift_frequency(f"line.{number}", 4)
    result = confetti_check(imagename="line.?")
    first, second = (Path(path).read_text(encoding="utf-8") for path in result["report"])
    assert "<b>Confetti</b>" in first
    assert "<b>Clean</b>" in second
    with pytest.raises(ValueError, match="each piece has its own table"):
        confetti_plot("line.?", source=0)
    assert confetti_plot("line.0", source=0).axes
    joined = Path(confetti_check(imagename="line.?", outfile="whole")["report"]).read_text(encoding="utf-8")
    assert "Pieces are cleaned again one by one" in joined


def change_sky(path, unit, frame, projection, rotated=True):
    from casatools import image

    tool = image()
    tool.open(path)
    system = tool.coordsys()
    system.setunits([unit, unit], type="direction")
    system.setprojection(projection)
    system.setreferencecode(frame, type="direction", adjust=False)
    if rotated:
        system.setlineartransform("direction", np.array([[0.8, -0.6], [0.6, 0.8]]))
    tool.setcoordsys(system.torecord())
    system.done()
    tool.done()


def shift_frequency(root, channels):
    from casatools import image

    for product in ("model", "image", "residual", "psf"):
        tool = image()
        tool.open(f"{root}.{product}")
        system = tool.coordsys()
        pixel = system.referencepixel()["numeric"]
        pixel[3] -= channels
        system.setreferencepixel(list(pixel))
        tool.setcoordsys(system.torecord())
        system.done()
        tool.done()


@pytest.mark.usefixtures("line")
def test_regions_are_read_back_by_astropy_and_by_casa_with_channel_place_and_size():
    from casatools import image, regionmanager

    result = confetti_check(imagename="line")
    root = result["table"][: -len(".ecsv")]
    source = QTable.read(result["table"])[0]
    for ending in (".crtf", ".reg"):
        (circle,) = Regions.read(root + ending)
        assert circle.center.separation(SkyCoord(source["ra"], source["dec"]).fk5) < 0.001 * units.arcsec
        assert circle.radius.to_value("arcsec") == pytest.approx(BEAM * CELL_ARCSEC / 2, rel=1e-3)
    (circle,) = Regions.read(root + ".crtf")
    assert [end.value for end in circle.meta["range"]] == [HOT[0], HOT[0]]
    assert f"channel {HOT[0]}" in Regions.read(root + ".reg")[0].meta["tag"]

    tool, manager = image(), regionmanager()
    tool.open("line.image")
    region = manager.fromtextfile(root + ".crtf", tool.shape(), tool.coordsys().torecord())
    statistics = tool.statistics(region=region)
    tool.done()
    centre = (statistics["blc"] + statistics["trc"]) / 2
    # A pixel that the circle touches belongs to it or not: half a pixel either way.
    assert np.abs(centre - [HOT[2], HOT[1], 0, HOT[0]]).max() <= 0.5
    assert centre[3] == HOT[0]


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


@pytest.mark.usefixtures("line")
def test_maps_have_east_on_the_left_and_share_their_scale():
    figure = new_figure(6, 6)
    cutout = read_cutout(open_cube("line"), 0, *HOT)
    draw_maps(figure, cutout, NOISE)
    maps = [axes for axes in figure.axes if axes.images and len(axes.patches) > 0]
    assert len(maps) == 9
    for axes in maps:
        west, east, south, north = axes.images[0].get_extent()[1::-1] + axes.images[0].get_extent()[2:]
        left, right = axes.get_xlim()
        assert left > 0 > right  # offsets in RA grow to the left
        assert west < east  # the first pixel, at larger RA, is at the positive end
        assert south < north
    limits = [axes.images[0].get_clim() for axes in maps]
    assert limits[0] == limits[1] == limits[2] == limits[6]
    titles = [axes.get_title().split("\n")[0] for axes in maps[:3]]
    assert titles == ["channel 2", "channel 3", "channel 4"]


@pytest.mark.usefixtures("line")
def test_spectra_show_the_nine_pixels_with_north_up():
    figure = new_figure(6, 6)
    draw_spectra(figure, read_cutout(open_cube("line"), 0, *HOT), NOISE)
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


def test_the_worst_find_of_each_channel_is_shown_first():
    table = QTable({"class": ["confetti"] * 4 + ["candidate"] * 2, "channel": [5, 5, 5, 9, 1, 2]})
    table["severity"] = [3.0, 9.0, 8.0, 4.0, 0, 0]
    table["unsupported"] = [3.0, 9.0, 8.0, 4.0, 1.0, -2.0]
    assert worst_finds(table, 3).tolist() == [1, 3, 2]
    assert worst_finds(table, 99).tolist() == [1, 3, 2, 0]
    assert nearest_candidates(table, 1).tolist() == [5]


def test_ranges_of_velocity_go_from_edge_to_edge_of_the_channels():
    channels = QTable({"channel": [0, 1, 2, 3], "velocity": [10.0, 9.5, 9.0, 8.5] * units.km / units.s})
    assert velocity_ranges(channels, [1, 2]) == [[8.75, 9.75]]
    assert velocity_ranges(channels, [0, 3]) == [[9.75, 10.25], [8.25, 8.75]]
    channels["velocity"][0] = np.nan
    assert velocity_ranges(channels, [1]) == []


def test_a_sentence_tells_the_evidence():
    row = {
        "class": "confetti",
        "significance": 71,
        "narrowness": 0.02,
        "surround": -1.04,
        "spike": 9.0,
        "residual": 0.4,
    }
    row.update(evidence="unsupported", unsupported=8.1, severity=8.1, restored=0.5, floor=0, ambiguity=1)
    limits = {"unsupported": 3.0}
    sentence = explain(row, limits)
    assert "do not support a point source of +8.1 sigma within half a beam; at this pixel the image has" in sentence
    assert "a spike of +9.0 sigma in this channel alone, the residual is +0.4 sigma" in sentence
    assert "hot pixel of 71 sigma, with 2 % of it in a neighbouring channel and -104 % in its surround" in sentence
    surrounded = dict(row, evidence="surround", unsupported=np.nan)
    assert "take -104% of its flux, yet the image shows a source of 8.1 sigma" in explain(surrounded, limits)
    candidate = dict(row, **{"class": "candidate"})
    assert "is +2.96 sigma, short of the 3 that would be evidence" in explain(dict(candidate, unsupported=2.96), limits)
    assert "less than a third of the source there" in explain(dict(candidate, unsupported=3.5), limits)
    assert "lack of dynamic range" in explain(dict(candidate, floor=12), limits)
    assert "the coverage is unknown" in explain(dict(candidate, unsupported=np.nan), limits)
    assert "do not say where a source is" in explain(dict(candidate, ambiguity=1000), limits)
    assert "known real source" in explain(dict(row, **{"class": "known"}), limits)


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


# Proof, channel, y, x, and heights in the old and the new image in sigma.
FINDS = (
    ("real", *MASER, 30.0, 30.5),
    ("open", 5, 20, 40, 0.5, 6.0),
    ("open", 3, 50, 20, 0.2, 4.4),
    ("proved", *HOT, 12.3, 0.4),
)
OUTCOMES = {1: "acquitted", 2: "acquitted", 3: "bad", 5: "undecided"}


def write_proof(path, before, after, finds=FINDS, outcomes=None, **about):
    """The proof as confetti_reclean writes it, by default of channels of which channel 3 has new planes."""
    rows = np.zeros(len(finds), dtype=FIND)
    for row, (proof, channel, y, x, old, new) in zip(rows, finds):
        row["proof"], row["channel"], row["y"], row["x"] = proof, channel, y, x
        row["old"], row["new"], row["difference"], row["noise"] = old, new, old - new, NOISE
    channels = QTable.read(
        confetti_check(imagename=before, outfile="for_the_proof", report=False, overwrite=True)["channeltable"]
    )
    about = {"before": os.path.abspath(before), "after": os.path.abspath(after), **about}
    table = make_proof_table(open_cube(before), rows, outcomes or OUTCOMES, channels, about)
    table.write(path, format="ascii.ecsv")
    return table


@pytest.fixture
def cleaned_again(products):
    """A cube with confetti, what re-cleaning its channel made of it, and the proof next to that."""
    write_cube("line", products)
    products.model[3] = products.model[4]
    write_cube("line_reclean", products)
    return write_proof("line_reclean.proof.ecsv", "line", "line_reclean", replaced=[3])


def page_of(imagename, **parameters):
    return Path(confetti_check(imagename=imagename, **parameters)["report"]).read_text(encoding="utf-8")


@pytest.mark.usefixtures("cleaned_again")
def test_after_a_reclean_the_page_shows_the_worst_finds_before_and_after():
    page = page_of("line_reclean", npanels=12)
    section = page[page.index("<h2>Cleaned again: before and after</h2>") : page.index("<h2>Next</h2>")]
    articles = re.findall(r'<article class="find" id="again-.*?</article>', section, re.DOTALL)
    assert [re.search(r"<h3>Before and after \d: (channel \d, x=\d+ y=\d+)", text)[1] for text in articles] == [
        "channel 3, x=26 y=30",
        "channel 3, x=20 y=50",
    ]
    assert [len(pictures_in(text)) for text in articles] == [1, 1]
    assert "In the old image +12.3 sigma, in the new one +0.4: proved, a fake source." in articles[0]
    assert "In the old image +0.2 sigma, in the new one +4.4: open" in articles[1]
    table = re.findall(r"<tr><td.*", section[section.index('<table id="finds">') :])
    assert [re.search(r">(proved|open|real)<", row)[1] for row in table[:4]] == ["proved", "open", "open", "real"]


@pytest.mark.usefixtures("cleaned_again")
def test_the_page_says_what_became_of_every_channel_that_was_cleaned_again():
    page = page_of("line_reclean")
    assert "New planes in channels 3; channels 1~2 are acquitted, because they show the same; channels 5 are" in page
    assert page.count('id="again-') == 1
    write_proof("all.proof.ecsv", "line", "line", (), {1: "acquitted"}, replaced=[])
    page = page_of("line_reclean", proof="all.proof.ecsv", overwrite=True)
    assert "No channel has new planes; channels 1 are acquitted" in page
    assert "Nothing stands out in these channels" in page


def test_the_page_says_where_cleaning_again_could_not_decide():
    products = Products()
    products.add_confetti(5, 36, 20, 11.4 * NOISE)
    write_cube("line", products)
    write_proof("tried.proof.ecsv", "line", "line", (), {5: "undecided"}, replaced=[])
    assert "Cleaning again could not decide about channels 5" in page_of("line", surround=0, proof="tried.proof.ecsv")
    assert "could not decide" not in page_of("line", overwrite=True)


def test_a_bad_channel_without_proof_has_new_planes_and_is_not_called_acquitted(cleaned_again):
    again = write_proof("again.proof.ecsv", "line", "line_reclean", (), {2: "acquitted"}, replaced=[2])
    assert "New planes in channels 2." in page_of("line_reclean", proof="again.proof.ecsv")
    assert worst_differences(again, 9) == []
    assert cleaned_again["proof"][worst_differences(cleaned_again, 9)].tolist() == ["proved", "open"]


@pytest.mark.usefixtures("cleaned_again")
def test_without_a_proof_the_page_compares_nothing():
    assert "Cleaned again" not in page_of("line")


def test_where_everything_was_acquitted_there_are_no_maps_to_compare(products):
    write_cube("line", products)
    write_proof("line.proof.ecsv", "line", "line")
    page = page_of("line")
    assert "Cleaned again: before and after" in page
    assert '<table id="finds">' in page
    assert 'id="again-' not in page


@pytest.mark.usefixtures("cleaned_again")
@pytest.mark.parametrize("damage", ["removed", "broken", "of another shape"])
def test_old_images_that_are_gone_cost_only_the_maps(damage):
    shutil.rmtree("line.image")
    if damage == "broken":
        os.mkdir("line.image")
    elif damage == "of another shape":
        for product in ("model", "residual", "psf"):
            shutil.rmtree(f"line.{product}")
        write_cube("line", Products(channels=4))
    page = page_of("line_reclean")
    assert "The images before and after cannot be shown" in page
    assert '<table id="finds">' in page
    assert 'id="again-' not in page


@pytest.mark.usefixtures("cleaned_again")
def test_old_and_new_image_and_their_difference_are_drawn_with_one_scale():
    figure = confetti_plot("line_reclean", source=(HOT[0], HOT[2], HOT[1]), before="line")
    maps = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["old image", "new image", "old - new"]
    old, new, difference = (np.asarray(axes.images[0].get_array()) for axes in maps)
    np.testing.assert_allclose(difference, old - new, atol=1e-4 * np.abs(old).max())
    middle = old.shape[0] // 2
    assert abs(difference[middle, middle]) == np.abs(difference).max() > 0
    assert len({axes.images[0].get_clim() for axes in maps}) == 1
    assert all(axes.get_xlim()[0] > 0 > axes.get_xlim()[1] for axes in maps)


@pytest.mark.usefixtures("cleaned_again")
def test_a_row_of_the_old_table_is_drawn_before_and_after():
    confetti_check(imagename="line", report=False)
    figure = confetti_plot("line_reclean", source=0, outfile="line.confetti", before="line")
    title = " ".join(text.get_text() for text in figure.texts)
    assert "do not support a point source" in " ".join(title.split())
    write_cube("other", Products(channels=4))
    with pytest.raises(ValueError, match="differ in shape"):
        confetti_plot("line_reclean", source=(3, 26, 30), before="other")


@pytest.fixture
def survey(products):
    for name in ("a", "b", "c"):
        os.makedirs(f"survey/{name}")
    write_cube("survey/a/one", products)
    write_cube("survey/b/two", Products())
    confetti_check(imagename="survey/a/one")
    confetti_check(imagename="survey/b/two", report=False)
    Path("survey/c/three.confetti.channels.ecsv").write_text("broken", encoding="utf-8")


@pytest.mark.usefixtures("survey")
def test_the_summary_has_every_cube_once_with_links_to_their_reports(capsys):
    assert main(["summary", "survey", "survey/a", "--output", "survey/all.html"]) == 0
    assert "3 cubes" in capsys.readouterr().out
    page = Path("survey/all.html").read_text(encoding="utf-8")
    assert "<b>1 of 3</b> cubes have confetti" in page
    assert '<a href="a/one.confetti.html">a/one</a>' in page
    assert ">b/two<" in page
    assert "unreadable" in page


def summarized(folder="."):
    """Heading of the summary of a folder, and the text of every cell by cube and column."""
    assert main(["summary", folder, "--output", "all.html"]) == 0
    page = Path("all.html").read_text(encoding="utf-8")
    columns = re.findall(r"<th [^>]*><button[^>]*>(.*?)<small>", page)
    rows = [[re.sub("<.*?>", "", cell) for cell in row.split("</td>")] for row in re.findall(r"<tr><td.*", page)]
    heading = re.sub("<.*?>", "", re.search(r'<p class="verdict .*', page)[0])
    return heading, {row[0]: dict(zip(columns, row)) for row in rows}


def test_the_summary_counts_suspicious_cubes_and_their_channels(suspects, products):
    write_cube("suspicious", suspects)
    write_cube("bad", products)
    for name in ("suspicious", "bad"):
        confetti_check(imagename=name, surround=0, report=False)
    heading, cubes = summarized()
    assert heading == "1 of 2 cubes have confetti, 1 more is suspicious."
    assert list(cubes) == ["bad", "suspicious"]
    assert (cubes["suspicious"]["verdict"], cubes["suspicious"]["suspicious"]) == ("suspicious", "2")
    assert (cubes["bad"]["bad"], cubes["bad"]["suspicious"], cubes["bad"]["proved"]) == ("1", "0", "")


@pytest.mark.usefixtures("cleaned_again")
def test_the_summary_counts_what_was_proved_where_the_proof_lies_beside():
    for name in ("line", "line_reclean"):
        confetti_check(imagename=name, report=False)
    _, cubes = summarized()
    assert [cubes["line_reclean"][name] for name in ("proved", "acquitted")] == ["1", "2"]
    assert [cubes["line"][name] for name in ("proved", "acquitted")] == ["", ""]
    Path("line_reclean.proof.ecsv").write_text("broken", encoding="utf-8")
    _, cubes = summarized()
    assert cubes["line_reclean"]["verdict"] == "clean"
    assert "not a table that confetti_reclean wrote" in cubes["line_reclean"]["warnings"]


@pytest.mark.usefixtures("line")
def test_tables_of_an_earlier_version_are_summarized_too():
    path = confetti_check(imagename="line", report=False)["channeltable"]
    channels = QTable.read(path)
    channels.remove_columns(["limit", "suspicion"])
    channels.write(path, format="ascii.ecsv", overwrite=True)
    heading, cubes = summarized()
    assert heading == "1 of 1 cubes have confetti."
    assert (cubes["line"]["bad channels"], cubes["line"]["suspicious"]) == ("3", "0")


@pytest.mark.parametrize("name", ["a b", "ü µ", "<b onmouseover=alert(1)>", 'it\'s "so" & $(touch me)', "-x", "%41;~"])
def test_a_name_is_a_name_whatever_is_in_it(products, name, capsys):
    write_cube("line", products)
    os.mkdir("survey")
    for product in ("model", "image", "residual", "psf"):
        os.rename(f"line.{product}", f"survey/{name}.{product}")
    result = confetti_check(imagename=f"survey/{name}")
    assert result["channels"] == [HOT[0]]
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert f"<h1>{escape(name)}</h1>" in page
    call = unescape(re.search(r"<code>(from confetti_task import confetti_reclean.*?)</code>", page, re.DOTALL)[1])
    assert ast.literal_eval(re.search(r"imagename=(.*)\)", call)[1]) == f"survey/{name}"
    assert main(["summary", "survey"]) == 0
    link = re.search(r'href="([^"]*)"', Path("confetti_summary.html").read_text(encoding="utf-8"))[1]
    assert os.path.exists(unquote(link))
    assert not os.path.exists("me")
    assert confetti_plot(f"survey/{name}", source=0).axes


def test_a_summary_of_nothing_says_so(capsys):
    assert main(["summary", "."]) == 2
    assert "call confetti_check first" in capsys.readouterr().err
    assert main(["summary", "nowhere"]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"  # where 'npm install' puts it
BEFORE = "<script>window.faults = []; addEventListener('error', (event) => faults.push(event.message));</script>"
# Runs a script in the page, and writes what it returns to where the test can read it.
AFTER = """<script>
(async () => {SCRIPT})().catch((error) => ({faults: [String(error)]})).then((seen) => {
  document.documentElement.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(seen);
});
</script>"""
# Sorts by a column twice, and filters.
SORT_AND_FILTER = """
const body = document.querySelector("table").tBodies[0];
const column = [...document.querySelectorAll("table th")].findIndex((head) => head.textContent.startsWith(KEY));
const head = document.querySelectorAll("table th")[column];
const values = () => [...body.rows].filter((row) => !row.hidden).map((row) => row.cells[column].textContent);
const button = head.querySelector("button");
button.click(); const down = values();
button.click(); const up = values();
const field = document.querySelector("input[data-filters]");
field.value = WORD; field.dispatchEvent(new Event("input")); const found = values();
const pictures = [...document.querySelectorAll("svg image")].map((one) => one.getBoundingClientRect().width);
const wide = document.documentElement.scrollWidth > innerWidth;
return {down, up, found, pictures, wide, faults, columns: head.getAttribute("aria-sort")};
"""
# Moves the pointer to places in drawings, given as [class, x, y] in fractions from the left upper corner of a panel.
POINT = """
const said = [];
for (const [kind, row, column, x, y] of PLACES) {
  const drawing = document.querySelector(`svg.${kind}`);
  const [left, top, width, height, right, down] = JSON.parse(drawing.dataset.pointer).panels;
  const place = new DOMPoint(left + column * right + x * width, top + row * down + y * height);
  const { x: clientX, y: clientY } = place.matrixTransform(drawing.getScreenCTM());
  drawing.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY }));
  for (let turn = 0; turn < 100; turn++) {  // until the numbers are unpacked
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (!document.getElementById("pointer").hidden) break;
  }
  said.push(document.getElementById("pointer").textContent);
  drawing.dispatchEvent(new PointerEvent("pointerleave"));
}
return { said, hidden: document.getElementById("pointer").hidden, faults };
"""
DARK = "--blink-settings=preferredColorScheme=0"


def run_in_browser(path, script, width=1200, options=()):
    """What a script returns that a browser runs in a page."""
    page = Path(path).read_text(encoding="utf-8")
    after = AFTER.replace("SCRIPT", script)
    Path("seen.html").write_text(page.replace("<head>", "<head>" + BEFORE).replace("</body>", after + "</body>"))
    options = [*options, "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--enable-logging=stderr"]
    address = Path("seen.html").resolve().as_uri()
    command = [BROWSER, "--headless", *options, "--virtual-time-budget=20000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    return json.loads(unescape(re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)[1]))


def browse(path, key, word, width=1200):
    """What a browser sees of a page and of its first table."""
    script = SORT_AND_FILTER.replace("KEY", json.dumps(key)).replace("WORD", json.dumps(word))
    return run_in_browser(path, script, width)


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("line")
def test_the_pointer_reads_the_values_of_the_images(products):
    page = confetti_check(imagename="line", npanels=1)["report"]
    places = [
        ["maps", 0, 1, 0.5, 0.5],
        ["spectra", 1, 1, (HOT[0] + 0.5) / 7, 0.5],
        ["strips", 0, 0, (HOT[0] + 0.5) / 7, 0.5],
        ["sky", 0, 0, (MASER[2] + 0.5) / 64, 1 - (MASER[1] + 0.5) / 64],
    ]
    seen = run_in_browser(page, POINT.replace("PLACES", json.dumps(places)))
    assert seen["faults"] == []
    assert seen["hidden"]
    maps, spectra, strips, sky = seen["said"]
    image, residual = (getattr(products, name)[HOT] for name in ("image", "residual"))
    assert maps.startswith(f"image, channel {HOT[0]}, ")
    assert "RA 0.00, Dec 0.00 arcsec" in maps
    assert f"({image / NOISE:.1f} sigma)" in maps
    assert spectra.startswith(f"x={HOT[2]} y={HOT[1]}\nchannel {HOT[0]}, ")
    assert f"residual {float(f'{1e3 * residual:.3g}'):g} mJy/beam" in spectra
    assert strips.startswith(f"channel {HOT[0]}, bad\n")
    assert re.search(r"severity [\d.]+ sigma\nmodel flux [-\d.]+ Jy\nrms [\d.]+ mJy/beam\ntail", strips)
    pixel, position, peak_there = sky.split("\n")
    assert pixel == f"x={MASER[2]} y={MASER[1]}"
    ra, dec, _, _ = world_coordinates(open_cube("line"), *np.array([MASER])[:, :, np.newaxis][0])
    assert SkyCoord(position, unit=("hourangle", "deg")).separation(SkyCoord(ra[0], dec[0])) < 0.1 * units.arcsec
    assert peak_there.startswith("peak about ")
    # From one grey to the next it is 6 % at the bright end.
    peak = products.image[:, MASER[1], MASER[2]].max()
    assert float(peak_there.split()[-2]) == pytest.approx(1e3 * peak, rel=0.06)


# Moves the slider of the first find, to a channel and back.
STEP = """
const [drawing, slider] = ["svg.maps", "input[type=range]"].map((name) => document.querySelector(`.find ${name}`));
const steps = [];
for (const value of [Number(slider.value), Number(slider.value) + 1, Number(slider.max), Number(slider.value)]) {
  slider.value = value;
  slider.dispatchEvent(new Event("input"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  steps.push([drawing.querySelector("image").getAttribute("href"),
    [...drawing.querySelectorAll(".heading")].map((heading) => heading.textContent.trim()),
    [...drawing.querySelectorAll(".heading")].map((heading) => heading.classList.contains("own"))]);
}
return { steps, faults, about: JSON.parse(drawing.dataset.pointer) };
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("line")
def test_a_slider_steps_through_the_channels_around_a_find():
    page = confetti_check(imagename="line")["report"]
    seen = run_in_browser(page, STEP)
    assert seen["faults"] == []
    start, step, _, again = seen["steps"]
    assert again == start
    channels = [[int(re.match(r"channel (\d)", text)[1]) for text in texts] for _, texts, _ in seen["steps"]]
    assert channels[:3] == [[2, 3, 4], [3, 4, 5], [4, 5, 6]]
    assert [own for _, _, own in seen["steps"][:3]] == [[False, True, False], [True, False, False], [False] * 3]
    before, after = (colors_in(address).astype(int) for address, _, _ in (start, step))
    size, gap = seen["about"]["shape"][3], seen["about"]["gap"]
    middle, left = before[:, size + gap : 2 * size + gap], after[:, :size]
    np.testing.assert_array_equal(middle[..., 3], left[..., 3])
    # The channel of the find is now on the left; values are rounded to 1/32 of the noise.
    np.testing.assert_allclose(middle[middle[..., 3] > 0], left[left[..., 3] > 0], atol=8)


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: npm install --no-save axe-core")
@pytest.mark.usefixtures("cleaned_again")
@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("options", [(), (DARK,)], ids=["light", "dark"])
def test_readers_who_do_not_see_or_use_a_mouse_find_no_serious_fault(width, options):
    script = (
        AXE.read_text(encoding="utf-8")
        + """
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const { violations, passes } = await axe.run(document);
    const serious = violations.filter((one) => ["serious", "critical"].includes(one.impact));
    return { dark, passes: passes.map((one) => one.id), serious: serious.map(
      (one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))]) };"""
    )
    for name in ("line", "line_reclean"):
        page = confetti_check(imagename=name, npanels=1, overwrite=True)["report"]
        seen = run_in_browser(page, script, width, options)
        assert seen["serious"] == []
        assert {"color-contrast", "svg-img-alt", "html-has-lang", "label", "button-name"} <= set(seen["passes"])
        assert seen["dark"] == (options == (DARK,))


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_all_pictures_sorts_and_filters_without_a_fault(products, width):
    for number in range(6):
        products.add_confetti(5, 8 + 9 * number, 40, (12 + 3 * number) * NOISE)
    write_cube("line", products)
    result = confetti_check(imagename="line")
    seen = browse(result["report"], "severity", "26", width)
    assert seen["faults"] == []
    assert not seen["wide"]
    assert len(seen["pictures"]) == 3  # of the sky, of a fake source and of a candidate
    assert all(seen["pictures"])
    down = [float(text) for text in seen["down"]]
    assert len(down) == result["nsources"] > 3
    assert down == sorted(down, reverse=True)
    assert [float(text) for text in seen["up"]] == sorted(down)
    assert seen["columns"] == "ascending"
    assert 0 < len(seen["found"]) < len(down)


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("cleaned_again")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_before_and_after_and_filters_what_is_proved(width):
    result = confetti_check(imagename="line_reclean")
    seen = browse(result["report"], "difference", "open", width)
    assert seen["faults"] == []
    assert not seen["wide"]
    assert all(seen["pictures"])
    assert seen["down"] == ["11.9", "-0.5", "-4.2", "-5.5"]
    assert seen["found"] == ["-5.5", "-4.2"]


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("survey")
def test_a_browser_sorts_the_summary():
    assert main(["summary", "survey"]) == 0
    seen = browse("confetti_summary.html", "verdict", "clean")
    assert seen["faults"] == []
    assert seen["down"] == ["clean", "confetti", "unreadable"]
    assert seen["found"] == ["clean"]
