"""Building blocks of the HTML pages; each page is one self-contained file."""

import os
from html import escape
from string import Template

from .scales import ACCENT, FAINT, GREEN, INK, LINES, PURPLE, SUSPICIOUS

COLORS = {
    **LINES,
    "ink": INK,
    "accent": ACCENT,
    "faint": FAINT,
    "green": GREEN,
    "purple": PURPLE,
    "suspicious": SUSPICIOUS,
}
TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")


def fill_page(title, body):
    """A complete page, with its style and script."""
    return Template(_read("page.html")).substitute(
        title=escape(title),
        style=Template(_read("style.css")).substitute(COLORS),
        body="\n".join(body),
        script=_read("page.js"),
    )


def _read(name):
    with open(os.path.join(TEMPLATES, name), encoding="utf-8") as file:
        return file.read()


def paragraph(text, kind=""):
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def copyable(text, what="text"):
    """Text with a copy button, which a screen reader calls by what the text is."""
    return f'<div class="copy"><code>{escape(text)}</code>{_copy_button(what)}</div>'


def copies(**texts):
    """Short texts to copy, on one line, each with its name."""
    parts = []
    for name, text in texts.items():
        code = f"<code>{escape(str(text))}</code>"
        parts.append(f'<span>{escape(name)}</span><span class="copy short">{code}{_copy_button(name)}</span>')
    return f'<div class="copies soft">{"".join(parts)}</div>'


def _copy_button(what):
    return f'<button type="button" aria-label="copy {escape(what)}">copy</button>'


def figure(drawing, wide=False):
    """A drawing; a wide one can be scrolled, with the keyboard too, where the screen is narrower."""
    about = ' tabindex="0"' if wide else ""
    return f"<figure{about}>{drawing}</figure>"


def filters(name, quantities=(), choices=None):
    """
    Fields that filter a table as one types, and the number of rows that are left.

    Parameters
    ----------
    name : str
        Identifier of the table.
    quantities : tuple of `core.quantities.Quantity`, optional
        Those with a heading are its columns.
    choices : dict of list of str, optional
        Values to choose from, by the names of the columns that have them.
    """
    columns = [quantity.name for quantity in quantities if quantity.heading]
    fields = [f'<label>Find <input type="search" data-filters="{name}" placeholder="any text"></label>']
    if "channel" in columns:
        about = f'data-filters="{name}" data-column="{columns.index("channel")}"'
        fields.append(f'<label>Channel <input type="search" size="9" {about} placeholder="10~20;25"></label>')
    for column, values in (choices or {}).items():
        about = f'data-filters="{name}" data-column="{columns.index(column)}"'
        options = "".join(f"<option>{escape(value)}</option>" for value in values)
        label = column.capitalize()
        fields.append(f'<label>{label} <select {about}><option value="">all</option>{options}</select></label>')
    count = f'<span class="soft" role="status" data-counts="{name}"></span>'
    return f'<div class="filters">{"".join(fields)}{count}</div>'


def table(name, title, columns, rows):
    """
    A table that can be sorted and filtered.

    Parameters
    ----------
    name, title : str
        Identifier of the table, and what a screen reader calls it.
    columns : list of tuple of str
        Name, unit or explanation, and class of each column.
    rows : iterable of list of tuple
        Text of each cell as HTML, and the value to sort by, or None to sort by the text.
    """
    head = "".join(_heading(*column) for column in columns)
    body = "\n".join(
        "<tr>" + "".join(_cell(*cell, kind) for cell, (_, _, kind) in zip(row, columns)) + "</tr>" for row in rows
    )
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{escape(title)}"><table id="{name}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _heading(title, unit, kind):
    button = f'<button type="button">{escape(title)}<small>{escape(unit)}</small></button>'
    return f'<th scope="col" class="{kind}">{button}</th>'


def _cell(text, value, kind):
    sort_by = "" if value is None else f' data-value="{value:.9g}"'.replace("inf", "Infinity")
    return f'<td class="{kind}"{sort_by}>{text}</td>' if kind else f"<td{sort_by}>{text}</td>"
