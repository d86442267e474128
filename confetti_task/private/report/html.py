"""Building blocks of the HTML pages; each page is one self-contained file."""

import base64
import io
import os
from html import escape
from string import Template

TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")
# Resolution of the pictures in pixels per inch: sharp on a phone, and 50 finds take less than 10 MB.
DPI = 100


def fill_page(title, body):
    """A complete page, with its style and script."""
    return Template(_read("page.html")).substitute(
        title=escape(title), style=_read("style.css"), body="\n".join(body), script=_read("page.js")
    )


def _read(name):
    with open(os.path.join(TEMPLATES, name), encoding="utf-8") as file:
        return file.read()


def picture(figure, description):
    """A matplotlib figure as a picture embedded in the page."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    width, height = (round(length * DPI) for length in figure.get_size_inches())
    text = base64.b64encode(data.getvalue()).decode()
    return f'<img width="{width}" height="{height}" alt="{escape(description)}" src="data:image/png;base64,{text}">'


def paragraph(text, kind=""):
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def copyable(text):
    """Text with a copy button."""
    return f'<div class="copy"><code>{escape(text)}</code><button type="button">copy</button></div>'


def table(name, columns, rows):
    """
    A table that can be sorted and filtered.

    Parameters
    ----------
    name : str
        Identifier of the table.
    columns : list of tuple of str
        Name, unit or explanation, and class of each column.
    rows : iterable of list of tuple
        Text of each cell as HTML, and the value to sort by, or None to sort by the text.
    """
    head = "".join(
        f'<th class="{kind}">{escape(title)}<small>{escape(unit)}</small></th>' for title, unit, kind in columns
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(*cell, kind) for cell, (_, _, kind) in zip(row, columns)) + "</tr>" for row in rows
    )
    return (
        f'<div class="table"><table id="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _cell(text, value, kind):
    sort_by = "" if value is None else f' data-value="{value:.12g}"'.replace("inf", "Infinity")
    return f'<td class="{kind}"{sort_by}>{text}</td>' if kind else f"<td{sort_by}>{text}</td>"
