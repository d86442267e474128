"""
Hooks of MkDocs: let the pages of `docs/`, written for the code host, work in the documentation site too.

Pages link to files outside `docs/`: README, changelog, examples, license. The site shows each of them as a page of its
own, and the links are rewritten to lead there. A comment ``<!-- ::: name -->`` is invisible on the code host; in the
site, the documentation of that Python object replaces the comment and the paragraph after it.
"""

import os
import re
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
# Documents of the top folder that are pages of the site whether anything links to them or not.
TOP_PAGES = {"README.md": "overview.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"(?<=\]\()(?P<file>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
OBJECT = re.compile(r"^<!-- (::: [\w.]+) -->\n\n[^\n]+$", re.M)


def site_path(path):
    """Path, relative to the root of the site's sources, of the page that shows a file of the project."""
    if DOCS in path.parents:
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(TOP).as_posix()
    return TOP_PAGES.get(name) or (name if name.endswith(".md") else f"files/{name}.md")


def linked_files(page):
    """The files of the project that a page links to."""
    targets = ((page.parent / match["file"]).resolve() for match in LINK.finditer(page.read_text(encoding="utf-8")))
    return {target for target in targets if TOP in target.parents and target.is_file()}


def for_the_site(text, page):
    """The text of a page with its links to files outside `docs/` rewritten, and Python objects filled in."""
    here = os.path.dirname(site_path(page))

    def rewritten(match):
        target = (page.parent / match["file"]).resolve()
        if DOCS in page.parents and DOCS in target.parents or not target.is_file():
            return match[0]
        return os.path.relpath(site_path(target), here) + (match["anchor"] or "")

    return OBJECT.sub(r"\1", LINK.sub(rewritten, text))


def shown_as_page(path):
    """The text of a page that shows a file which is no page."""
    text, language = path.read_text(encoding="utf-8"), {".py": "python", ".cff": "yaml"}.get(path.suffix, "text")
    return f"# {path.name}\n\n``````{language}\n{text.rstrip()}\n``````\n"


def on_files(files, config):
    """Add the pages that are not in `docs/`."""
    from mkdocs.structure.files import File, InclusionLevel

    tops = [TOP / name for name in TOP_PAGES]
    outside = set(tops).union(*map(linked_files, [*DOCS.rglob("*.md"), *tops]))
    for path in sorted(path for path in outside if DOCS not in path.parents):
        page = path.suffix == ".md"
        text = for_the_site(path.read_text(encoding="utf-8"), path) if page else shown_as_page(path)
        level = InclusionLevel.INCLUDED if path in tops else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, site_path(path), content=text, inclusion=level))
    return files


def on_page_markdown(markdown, page, config, files):
    """Rewrite the links of the pages in `docs/`; those of generated pages are rewritten already."""
    return markdown if page.file.generated_by else for_the_site(markdown, DOCS / page.file.src_uri)
