"""The report: what the page says, and the regions."""

import os
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import CELL_ARCSEC, write_cube
from drawings import pictures_in
from pages import HOT, change_sky, confetti_and_maser, confetti_check, suspicious_sky
from regions import Regions
from skies import BEAM, NOISE, Products

from confetti_task import confetti_plot
from confetti_task.private.check.log import WHY_CANDIDATES
from confetti_task.private.report.cutouts import read_peak
from confetti_task.private.report.page import nearest_candidates, velocity_ranges, worst_finds


@pytest.fixture
def products():
    return confetti_and_maser()


@pytest.fixture
def line(products):
    write_cube("line", products)


@pytest.fixture
def suspects():
    return suspicious_sky()


@pytest.mark.usefixtures("line")
def test_the_page_tells_the_verdict_the_channels_and_the_next_step_and_shows_every_find():
    result = confetti_check(imagename="line", npanels=12)
    page = Path(result["report"]).read_text(encoding="utf-8")
    table = QTable.read(result["table"])
    shown = result["nsources"] + min(3, result["ncandidates"])
    assert "<b>Confetti</b>: 1 fake source in 1 of 7 channels" in page
    assert "<code>3</code>" in page
    assert "confetti_reclean(imagename=&#x27;line&#x27;)" in page
    assert len(pictures_in(page)) == 2 + 3 * shown
    assert f"{table['unsupported'][0]:+.1f} sigma" in page
    assert "confetti_check(imagename=&#x27;line&#x27;" in page


@pytest.mark.usefixtures("line")
def test_the_page_needs_nothing_but_itself():
    page = Path(confetti_check(imagename="line")["report"]).read_text(encoding="utf-8")
    assert len(pictures_in(page)) == 8
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


@pytest.mark.parametrize("blank", [0.0, np.nan])
def test_a_blank_cube_gets_a_page_that_says_so(products, blank):
    products.model[:], products.residual[:] = 0, blank
    write_cube("line", products)
    result = confetti_check(imagename="line")
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "<b>Not applicable</b>" in page
    assert "nothing could be checked" in page


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
