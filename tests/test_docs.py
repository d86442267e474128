"""The documents: what their links point to is there, their examples parse, and the README leads to every page."""

import ast
import re
from urllib.parse import unquote

import pytest
from conftest import TOP

from confetti_task.private.check.evidence import bytes_needed
from scripts import docs_hooks

# The first is where a reader begins.
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")), *TOP.glob("C*.md")]
FENCE = re.compile(r"^(?P<fence>```+|~~~+)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)\s*$", re.M | re.S)
LINK = re.compile(r"\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*\s*$", re.M)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def name_of(path):
    return path.relative_to(TOP).as_posix()


def prose(path):
    """The text of a page without its blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def targets(path):
    """Where the relative links and pictures of a page point to: files, and the anchors in them."""
    text = re.sub(r"`[^`\n]*`", "", prose(path))
    for match in LINK.finditer(text):
        if not ELSEWHERE.match(match["target"]):
            file, _, anchor = unquote(match["target"]).partition("#")
            yield (path.parent / file).resolve() if file else path, anchor


def anchors(path):
    """Anchors of the headings of a page, as GitHub makes them."""
    seen = {}
    for match in HEADING.finditer(prose(path)):
        title = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", match["title"])
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        number = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{number}" if number else slug


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_points_to_a_file_of_the_project(page):
    missing = [str(file) for file, _ in targets(page) if TOP not in [file, *file.parents] or not file.exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_anchor_is_that_of_a_heading(page):
    wanted = [(file, anchor) for file, anchor in targets(page) if anchor and file.exists()]
    assert not [f"{name_of(file)}#{anchor}" for file, anchor in wanted if anchor not in set(anchors(file))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_python_example_parses(page):
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match["language"] in ("python", "py"):
            ast.parse(match["text"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_code_ends(page):
    assert not re.search(r"^\s*(```|~~~)", prose(page), re.M)


def test_every_page_of_the_documents_is_reached_from_the_readme():
    reached, waiting = set(), [PAGES[0]]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting += [file for file, _ in targets(page)]
    assert not {name_of(page) for page in PAGES if TOP / "docs" in page.parents} - {name_of(page) for page in reached}


def test_anchors_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# `confetti_check`: what it *does*\n## Is it [so](x.md)?\n```\n# no heading\n```\n## Is it so\n")
    assert list(anchors(page)) == ["confetti_check-what-it-does", "is-it-so", "is-it-so-1"]


def test_links_are_found_and_code_is_not_one(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "[a](b.md#c) ![d](e%20f.png) `[g](h)`\n[i](https://j) [k](#l)\n```\n[m](n)\n```\n[![o](p.png)](q)\n"
    )
    found = [(file.name, anchor) for file, anchor in targets(page)]
    assert found == [("b.md", "c"), ("e f.png", ""), ("page.md", "l"), ("p.png", ""), ("q", "")]


def test_the_navigation_of_the_site_leads_to_every_page():
    navigation = (TOP / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages = {page.relative_to(TOP / "docs").as_posix() for page in (TOP / "docs").rglob("*.md")}
    assert sorted(re.findall(r"[\w/]+\.md", navigation)) == sorted(pages | set(docs_hooks.TOP_PAGES.values()))


def test_the_test_map_names_every_file_of_tests():
    text = (TOP / "docs/development.md").read_text(encoding="utf-8").partition("### Where a test goes")[2]
    named = set(re.findall(r"`(test_\w+\.py)`", text.partition("\n## ")[0]))
    assert sorted(named) == sorted(path.name for path in (TOP / "tests").glob("test_*.py"))


@pytest.mark.parametrize(
    ("page", "link", "in_the_site"),
    [
        ("docs/howto/pieces.md", "[a](fits.md#wsclean-cubes)", "[a](fits.md#wsclean-cubes)"),
        ("docs/howto/pieces.md", "[a](../../README.md#install)", "[a](../overview.md#install)"),
        ("docs/howto/pieces.md", "[a](../../examples/slurm.py)", "[a](../files/examples/slurm.py.md)"),
        ("README.md", "![a](docs/pictures/find.png)", "![a](pictures/find.png)"),
        ("README.md", "[a](docs/tutorial.md) [b](LICENSE)", "[a](tutorial.md) [b](files/LICENSE.md)"),
        ("README.md", "[a](https://b.org/c#d) [e](#f)", "[a](https://b.org/c#d) [e](#f)"),
    ],
)
def test_links_lead_to_the_same_place_in_the_site(page, link, in_the_site):
    assert docs_hooks.for_the_site(link, TOP / page) == in_the_site


def test_the_site_shows_the_documentation_of_a_function_in_place_of_its_summary():
    text = "## `f`\n\n<!-- ::: package.f -->\n\nDo it.\n\nMore.\n"
    assert docs_hooks.for_the_site(text, TOP / "docs/reference/api.md") == "## `f`\n\n::: package.f\n\nMore.\n"


def test_the_memory_for_comparing_a_channel_is_what_the_check_reckons_with():
    text = (TOP / "docs/howto/large_cubes.md").read_text(encoding="utf-8")
    assert f"{bytes_needed((2000, 2000)) / 2000**2:.0f} bytes per pixel" in text
    assert f"{bytes_needed((4096, 4096)) / 1e9:.1f} GB\nfor a plane of 4096 x 4096" in text
    assert f"{bytes_needed((9000, 9000)) / 1e9:.1f} GB each" in text
