"""The summary over many cubes, and names of cubes that are anything but ordinary."""

import ast
import os
import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from astropy.table import QTable
from casa_images import write_cube
from pages import (
    HOT,
    confetti_and_maser,
    confetti_check,
    suspicious_sky,
    write_cleaned_again,
    write_survey,
)

from confetti_task import confetti_plot
from confetti_task.__main__ import main


@pytest.fixture
def products():
    return confetti_and_maser()


@pytest.fixture
def survey(products):
    write_survey(products)


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


def test_the_summary_counts_suspicious_cubes_and_their_channels(products):
    write_cube("suspicious", suspicious_sky())
    write_cube("bad", products)
    for name in ("suspicious", "bad"):
        confetti_check(imagename=name, surround=0, report=False)
    heading, cubes = summarized()
    assert heading == "1 of 2 cubes have confetti, 1 more is suspicious."
    assert list(cubes) == ["bad", "suspicious"]
    assert (cubes["suspicious"]["verdict"], cubes["suspicious"]["suspicious"]) == ("suspicious", "2")
    assert (cubes["bad"]["bad"], cubes["bad"]["suspicious"], cubes["bad"]["proved"]) == ("1", "0", "")


def test_the_summary_counts_what_was_proved_where_the_proof_is_next_to_the_images(products):
    write_cleaned_again(products)
    for name in ("line", "line_reclean"):
        confetti_check(imagename=name, report=False)
    _, cubes = summarized()
    assert [cubes["line_reclean"][name] for name in ("proved", "acquitted")] == ["1", "2"]
    assert [cubes["line"][name] for name in ("proved", "acquitted")] == ["", ""]
    Path("line_reclean.proof.ecsv").write_text("broken", encoding="utf-8")
    _, cubes = summarized()
    assert cubes["line_reclean"]["verdict"] == "clean"
    assert "not a table that confetti_reclean wrote" in cubes["line_reclean"]["warnings"]


def test_tables_of_an_earlier_version_are_summarized_too(products):
    write_cube("line", products)
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
