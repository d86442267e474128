"""The page in a browser: pointer, slider, tables, and readers who do not see or use a mouse."""

import json
import re

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import write_cube
from drawings import colors_in
from grids import grid
from pages import (
    AXE,
    BROWSER,
    HOT,
    MASER,
    confetti_and_maser,
    confetti_check,
    run_in_browser,
    write_cleaned_again,
    write_survey,
)
from skies import NOISE

from confetti_task.__main__ import main
from confetti_task.private.images.coordinates import world_coordinates
from confetti_task.private.images.cube import open_cube


@pytest.fixture
def products():
    return confetti_and_maser()


@pytest.fixture
def line(products):
    write_cube("line", products)


@pytest.fixture
def cleaned_again(products):
    return write_cleaned_again(products)


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


def browse(path, key, word, width=1200):
    """What a browser sees of a page and of its first table."""
    script = SORT_AND_FILTER.replace("KEY", json.dumps(key)).replace("WORD", json.dumps(word))
    return run_in_browser(path, script, width)


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("line")
def test_the_pointer_reads_the_values_of_the_images(products):
    result = confetti_check(imagename="line", npanels=1)
    row = QTable.read(result["table"])[0]
    places = [
        ["maps", 0, 1, 0.5, 0.5],
        ["maps", 1, 1, 0.5, 0.5],
        ["closeup", 1, 0, (HOT[0] + 0.5) / 7, 0.5],
        ["spectra", 1, 1, (HOT[0] + 0.5) / 7, 0.5],
        ["strips", 0, 0, (HOT[0] + 0.5) / 7, 0.5],
        ["sky", 0, 0, (MASER[2] + 0.5) / 64, 1 - (MASER[1] + 0.5) / 64],
    ]
    seen = run_in_browser(result["report"], POINT.replace("PLACES", json.dumps(places)))
    assert seen["faults"] == []
    assert seen["hidden"]
    maps, spikes, closeup, spectra, strips, sky = seen["said"]
    image, residual = (getattr(products, name)[HOT] for name in ("image", "residual"))
    assert maps.startswith(f"image, channel {HOT[0]}, ")
    assert "RA 0.00, Dec 0.00 arcsec" in maps
    assert f"({image / NOISE:.1f} sigma)" in maps
    assert spikes.startswith(f"image - neighbours, channel {HOT[0]}, ")
    assert float(re.search(r"([-\d.]+) sigma$", spikes)[1]) == pytest.approx(row["spike"], abs=0.13)
    assert closeup.startswith(f"x={HOT[2]} y={HOT[1]}\nchannel {HOT[0]}, ")
    assert float(re.search(r"image - neighbours ([-\d.]+) sigma", closeup)[1]) == pytest.approx(row["spike"], abs=0.06)
    assert f"residual {row['residual']:.2f}"[:-1] in closeup
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
@pytest.mark.parametrize(("color", "width"), grid(["light", "dark"], [390, 1200]))
def test_readers_who_do_not_see_or_use_a_mouse_find_no_serious_fault(width, color):
    options = (DARK,) if color == "dark" else ()
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
@pytest.mark.parametrize("width", [390, pytest.param(1200, marks=pytest.mark.long)])
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


# Chooses a kind of evidence, then channels, and sorts from the keyboard, which sends a click to a focused button.
CHOOSE = """
const table = document.getElementById("confetti");
const [, channel, kind] = document.querySelectorAll("[data-filters=confetti]");
const column = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent.startsWith("evidence"));
const rows = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map(
  (row) => [row.cells[1].textContent, row.cells[column].textContent]);
const choose = (field, value) => { field.value = value; field.dispatchEvent(new Event("input")); return rows(); };
const options = [...kind.options].map((option) => option.value);
const seen = { options, all: rows(), kind: choose(kind, "unsupported"), none: choose(channel, "0~2"),
  some: choose(channel, "2;4~6") };
const status = document.querySelector("[data-counts=confetti]");
const button = table.tHead.rows[0].cells[1].querySelector("button");
button.focus();
const focused = document.activeElement === button;
button.click();
return { ...seen, focused, count: status.textContent, role: status.getAttribute("role"),
  sorts: [...table.tHead.rows[0].cells].map((head) => head.getAttribute("aria-sort")).filter(Boolean),
  labels: [channel, kind].map((field) => field.labels[0].textContent.trim().split(/\\s/)[0]), faults };
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
def test_finds_are_chosen_by_the_kind_of_evidence_and_by_channels(products):
    products.add_confetti(5, 20, 40, 20 * NOISE)
    write_cube("line", products)
    seen = run_in_browser(confetti_check(imagename="line")["report"], CHOOSE)
    assert seen["faults"] == []
    assert seen["options"] == ["", "unsupported"]
    assert sorted(channel for channel, _ in seen["all"]) == ["3", "5"]
    assert seen["kind"] == seen["all"]
    assert seen["none"] == []
    assert seen["some"] == [["5", "unsupported"]]
    assert (seen["count"], seen["role"]) == ("1 of 2 rows", "status")
    assert seen["focused"]
    assert seen["sorts"] == ["descending"]
    assert seen["labels"] == ["Channel", "Evidence"]


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.usefixtures("cleaned_again")
@pytest.mark.parametrize("width", [1200, pytest.param(390, marks=pytest.mark.long)])
def test_a_browser_shows_before_and_after_and_filters_what_is_proved(width):
    result = confetti_check(imagename="line_reclean")
    seen = browse(result["report"], "difference", "open", width)
    assert seen["faults"] == []
    assert not seen["wide"]
    assert all(seen["pictures"])
    assert seen["down"] == ["11.9", "-0.5", "-4.2", "-5.5"]
    assert seen["found"] == ["-5.5", "-4.2"]


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
def test_a_browser_sorts_the_summary(products):
    write_survey(products)
    assert main(["summary", "survey"]) == 0
    seen = browse("confetti_summary.html", "verdict", "clean")
    assert seen["faults"] == []
    assert seen["down"] == ["clean", "confetti", "unreadable"]
    assert seen["found"] == ["clean"]
