#!/usr/bin/env python3
"""
Write the task modules and the reference pages from the XML definitions and the registry of quantities.

For every xml/TASK.xml: confetti_task/TASK.py, the task for scripts; confetti_task/gotasks/TASK.py, the same task for
the inp, go, default, tget and tput of a CASA session; docs/reference/TASK.md; and the table of the returned dictionary
in docs/reference/products.md. From confetti_task/private/core/quantities.py: docs/reference/columns.md. From the public
functions of the package: docs/reference/api.md. All are committed; a test compares.

    .venv/bin/python scripts/generate_tasks.py
"""

import inspect
import json
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from collections import namedtuple
from importlib import import_module
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PACKAGE, REFERENCE = TOP / "confetti_task", TOP / "docs" / "reference"
NAMESPACE = "{http://casa.nrao.edu/schema/psetTypes.html}"
WIDTH = 120

BOOLS = {"True": True, "False": False}
CONVERT = {
    "string": str,
    "any": lambda text: BOOLS.get(text, text),
    "double": float,
    "int": int,
    "bool": BOOLS.__getitem__,
}

# Python's names for the types of CASA.
PYTHON_TYPES = {
    "string": "str",
    "stringVec": "list of str",
    "stringArray": "2D array_like",
    "double": "float",
    "doubleArray": "2D array_like",
    "int": "int",
    "intVec": "list of int",
    "bool": "bool",
    "record": "dict",
}

# `type` is for CASA's type checker; `python_type` and the types of the keys are for readers.
Parameter = namedtuple("Parameter", "name type python_type default allowed summary description")
Key = namedtuple("Key", "name type description keys")
Returns = namedtuple("Returns", "description keys")
Task = namedtuple("Task", "name summary description parameters returns raises related example")

NOTICE = "Written by scripts/generate_tasks.py from xml/{name}.xml: change the XML and run the script again."

SCRIPT_MODULE = (
    "# "
    + NOTICE
    + '''
"""{summary}."""

from .private.call_task import Parameter, call_task

SUMMARY = "{summary}"

PARAMETERS = (
{table}
)


def {name}(
{signature}
):
    """
{documentation}
    """
    return call_task("{name}", PARAMETERS, locals())
'''
)

SHELL_MODULE = (
    "# "
    + NOTICE
    + '''
"""{name} for inp, go, default, tget and tput."""

from confetti_task import {name} as _task
from confetti_task.{name} import PARAMETERS, SUMMARY
from confetti_task.private.shell_task import ShellTask


class _ShellTask(ShellTask):
    __doc__ = _task.__doc__

    def __call__(
        self,
{shell_signature}
    ):
        arguments = dict(locals())
        del arguments["self"]
        return self.call(arguments)


{name} = _ShellTask("{name}", SUMMARY, PARAMETERS, _task)
'''
)

PAGE = (
    "<!-- "
    + NOTICE
    + """ -->

# {name}

{summary}.

```python
from confetti_task import {name}

{name}(
{signature}
)
```

{description}

| parameter | default | meaning |
|---|---|---|
{table}

## Parameters in detail

{parameters}

## Returned dictionary

{returns}

## Errors

{raises}

## Example

{example}

## See also

{related}
"""
)

COLUMNS_PAGE = """<!-- Written by scripts/generate_tasks.py from confetti_task/private/core/quantities.py: change the
registry and run the script again. -->

# Table columns

`astropy.table.QTable.read` reads all three tables. *sigma* is the rms noise of the channel, the column `noise`. The
[glossary](glossary.md) explains the terms.

## Sources

`<outfile>.ecsv`: one row for each source, confetti first. A source is its worst hot pixel and the others within a
restoring beam of it.

{sources}

## Channels

`<outfile>.channels.ecsv`: one row for each channel and polarization.

{channels}

## Proof

`<outname>.proof.ecsv`, written by `confetti_reclean`: one row for each place with a point source of 4 sigma in the old
image or in the new one, the largest difference first.

{finds}

## Cubes in pieces

In the tables of a piece `channel` counts from the start of the piece, and one more column, `spectrum_channel`, from the
start of the whole cube. In the tables of the whole cube `channel` counts from its start, and two more columns give the
place in the pieces: `piece`, the root name of the piece, and `piece_channel`, the channel in it.
"""

API_PAGE = """<!-- Written by scripts/generate_tasks.py from the docstrings of the public functions: change these and
run the script again. -->

# Python functions

`import confetti_task` imports neither CASA nor matplotlib; the functions import what they need when they are called. In
a Python session, `help(confetti_task.confetti_check)` shows the documentation of a function, and so does the
documentation site, on this page. The two tasks have reference pages of their own, with every parameter:
[confetti_check](confetti_check.md) and [confetti_reclean](confetti_reclean.md).

| function | what it does |
|---|---|
{table}

{functions}
"""

# Between these two comments, a part of a page that is written by hand otherwise is generated.
PART_STARTS = "<!-- The dictionary that {name} returns: written by scripts/generate_tasks.py from xml/{name}.xml. -->"
PART_ENDS = "<!-- End of the generated part. -->"


# Reading the XML


def read_task(path):
    """Read one task definition; XML that this generator does not know is an error, never ignored."""
    task = ElementTree.parse(path).getroot().find(NAMESPACE + "task")
    return Task(
        name=task.get("name"),
        summary=_text(task, "shortdescription"),
        description=_text(task, "description"),
        parameters=[_read_parameter(param) for param in task.find(NAMESPACE + "input")],
        returns=_read_returns(task.find(NAMESPACE + "returns")),
        raises=[(error.get("type"), _folded(error.text)) for error in task.findall(NAMESPACE + "raises")],
        related=[(other.get("name"), _folded(other.text)) for other in task.findall(NAMESPACE + "seealso")],
        example=textwrap.dedent(task.find(NAMESPACE + "example").text).strip(),
    )


def _read_parameter(param):
    known = {NAMESPACE + tag for tag in ("shortdescription", "description", "type", "value", "allowed")}
    unknown = [child.tag for child in param if child.tag not in known]
    types = [kind.text for kind in param.findall(NAMESPACE + "type")] or [param.get("type")]
    if unknown or param.get("type") not in CONVERT or not set(types) <= set(PYTHON_TYPES):
        name, kinds = param.get("name"), " or ".join(types)
        raise ValueError("parameter {}: cannot read {} of type {}".format(name, unknown, kinds))
    convert = CONVERT[param.get("type")]
    allowed = tuple(convert(value.text) for value in param.findall(NAMESPACE + "allowed/" + NAMESPACE + "value"))
    return Parameter(
        name=param.get("name"),
        type=param.get("type"),
        python_type=_python_type(types, allowed),
        default=convert(_text(param, "value")),
        allowed=allowed,
        summary=_text(param, "shortdescription"),
        description=_text(param, "description"),
    )


def _python_type(types, allowed):
    if allowed:
        return "{{{}}}".format(", ".join(map(repr, allowed)))
    return " or ".join(dict.fromkeys(PYTHON_TYPES[kind] for kind in types))


def _read_returns(returns):
    return Returns(_text(returns, "description"), _read_keys(returns))


def _read_keys(element):
    return [
        Key(key.get("name"), key.get("type"), _folded(key.text), _read_keys(key))
        for key in element.findall(NAMESPACE + "key")
    ]


def _text(element, tag):
    return _folded(element.find(NAMESPACE + tag).text)


def _folded(text):
    """Join the lines of each paragraph of a text."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", (text or "").strip()))


def _filled(text, indent=0):
    wrapper = textwrap.TextWrapper(WIDTH - indent, break_on_hyphens=False, break_long_words=False)
    return "\n\n".join(map(wrapper.fill, text.split("\n\n")))


# The modules


def modules(task):
    """Paths and texts of the modules of a task."""
    fields = {
        "name": task.name,
        "summary": task.summary,
        "table": "\n".join(_table_row(parameter) for parameter in task.parameters),
        "signature": _signature(task),
        "shell_signature": "\n".join("        {}=None,".format(p.name) for p in task.parameters),
        "documentation": textwrap.indent(documentation(task), "    "),
    }
    return [
        (PACKAGE / (task.name + ".py"), SCRIPT_MODULE.format(**fields)),
        (PACKAGE / "gotasks" / (task.name + ".py"), SHELL_MODULE.format(**fields)),
    ]


def _signature(task):
    return "\n".join("    {}={},".format(parameter.name, _literal(parameter.default)) for parameter in task.parameters)


def _table_row(parameter):
    fields = ("name", "type", "default", "allowed", "summary")
    lines = ["        {}={},".format(field, _literal(getattr(parameter, field))) for field in fields]
    return "    Parameter(\n{}\n    ),".format("\n".join(lines))


def _literal(value):
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        return "({})".format(", ".join(map(_literal, value)))
    return repr(value)


def documentation(task):
    """Numpydoc docstring of a task, without indentation."""
    parameters = "\n".join(_item(p.name, _type_of(p), _filled(p.description, 8)) for p in task.parameters)
    returns = "dict\n" + textwrap.indent(_keys_section(task.returns, 8), "    ")
    raises = "\n".join(_item(error, "", _filled(text, 8)) for error, text in task.raises)
    related = "\n".join(map(" : ".join, task.related))
    sections = {"Parameters": parameters, "Returns": returns, "Raises": raises, "See Also": related}
    sections["Examples"] = task.example
    underlined = ["{}\n{}\n{}".format(title, "-" * len(title), text) for title, text in sections.items()]
    return "\n\n".join([task.summary + ".", _filled(task.description, 4), *underlined])


def _type_of(parameter):
    return "{}, default {!r}".format(parameter.python_type, parameter.default)


def _keys_section(returned, indent):
    """A description followed by its keys, each with keys of its own."""
    keys = [_item(key.name, key.type, _keys_section(key, indent + 4)) for key in returned.keys]
    return "\n\n".join([_filled(returned.description, indent), *(["\n".join(keys)] if keys else [])])


def _item(name, kind, text):
    return "{}\n{}".format(" : ".join([name, kind] if kind else [name]), textwrap.indent(text, "    "))


# The reference pages


def pages(tasks):
    """Paths and texts of the reference pages; a new kind of page is one more pair in this list."""
    return [
        *((REFERENCE / (task.name + ".md"), page(task)) for task in tasks),
        (REFERENCE / "products.md", products_page((REFERENCE / "products.md").read_text(encoding="utf-8"), tasks)),
        (REFERENCE / "columns.md", columns_page()),
        (REFERENCE / "api.md", api_page()),
    ]


def products_page(text, tasks):
    """The page of the products, a text in Markdown, with the tables of the returned dictionaries made anew."""
    for task in tasks:
        starts = PART_STARTS.format(name=task.name)
        before, _, rest = text.partition(starts)
        _, ends, after = rest.partition(PART_ENDS)
        if not ends:
            raise ValueError("docs/reference/products.md has no part that starts with {!r}".format(starts))
        rows = ["| key | type | meaning |", "|---|---|---|", *_key_rows(task.returns.keys)]
        text = "\n".join([before + starts, "", *rows, "", ends]) + after
    return text


def _key_rows(keys, parent=""):
    """Rows of a table of keys, those of a dictionary in the dictionary below it."""
    rows = []
    for key in keys:
        name = '{}["{}"]'.format(parent, key.name) if parent else key.name
        rows.append("| `{}` | `{}` | {} |".format(name, key.type, _marked(key.description)))
        rows += _key_rows(key.keys, name)
    return rows


def columns_page():
    """Reference page of the table columns, in Markdown."""
    quantities = _module_of_this_tree("confetti_task.private.core.quantities")
    return COLUMNS_PAGE.format(
        sources=_column_table(quantities.CANDIDATE_QUANTITIES),
        channels=_column_table(quantities.CHANNEL_QUANTITIES),
        finds=_column_table(quantities.FIND_QUANTITIES),
    )


def api_page():
    """Reference page of the public functions, in Markdown; a hook of the site puts their docstrings into it."""
    package = _module_of_this_tree("confetti_task")
    functions = [getattr(package, name) for name in package.__all__ if inspect.isfunction(getattr(package, name))]
    rows, sections = [], []
    for function in functions:
        name, summary = function.__name__, inspect.getdoc(function).partition("\n\n")[0].replace("\n", " ")
        rows.append("| [`{0}`](#{0}) | {1} |".format(name, summary))
        sections.append("## `{0}`\n\n<!-- ::: {1}.{0} -->\n\n{2}".format(name, function.__module__, summary))
    return API_PAGE.format(table="\n".join(rows), functions="\n\n".join(sections))


def _module_of_this_tree(name):
    """Import a module of the package from this tree, whatever is installed."""
    if sys.path[0] != str(TOP):
        sys.path.insert(0, str(TOP))
    return import_module(name)


def _column_table(quantities):
    rows = [
        "| `{}` | {} | {} |".format(quantity.name, quantity.unit, quantity.description)
        for quantity in quantities
        if quantity.description
    ]
    return "\n".join(["| column | unit | meaning |", "|---|---|---|", *rows])


def page(task):
    """Reference page of a task, in Markdown."""
    return PAGE.format(
        name=task.name,
        summary=task.summary,
        signature=_signature(task),
        description=_filled(_marked(task.description)),
        table="\n".join(_summary_row(parameter) for parameter in task.parameters),
        parameters="\n\n".join(_parameter_section(parameter) for parameter in task.parameters),
        returns=_filled(_marked(task.returns.description)) + "\n\n" + _key_list(task.returns.keys),
        raises=_list(task.raises),
        related=_list(task.related),
        example="\n\n".join(map(_example_block, task.example.split("\n\n"))),
    )


def _summary_row(parameter):
    cells = "[`{0}`](#{0})".format(parameter.name), "`{!r}`".format(parameter.default), _marked(parameter.summary)
    return "| {} |".format(" | ".join(cells))


def _parameter_section(parameter):
    lines = "### `{}`".format(parameter.name), "`{}`".format(_type_of(parameter)), _marked(parameter.description)
    return _filled("\n\n".join(lines))


def _list(pairs):
    return "\n".join(_bullet("`{}`: {}".format(name, _marked(text))) for name, text in pairs)


def _key_list(keys, indent=""):
    lines = []
    for key in keys:
        lines.append(_bullet("`{}` (`{}`): {}".format(key.name, key.type, _marked(key.description)), indent))
        lines += [_key_list(key.keys, indent + "  ")] if key.keys else []
    return "\n".join(lines)


def _bullet(text, indent=""):
    lines = _filled(text, len(indent) + 2).splitlines()
    return "\n".join(indent + ("  " if number else "- ") + line for number, line in enumerate(lines))


# Literals are marked as code, or Markdown viewers would strike out the text between the ~ of two channel selections.
_LITERALS = (
    r"\{[^}]*\}",  # {'threshold': '20mJy'}
    r"\[.*?\](?:, \.\.\.\])?",  # [[RA, Dec], ...]
    r"(?<!\w)(?:[a-z]+=)?'[^']*'(?!\w)",  # '3~20;25' or outfile='', but no apostrophe
    r"\b[a-z]{3,}(?:[._][a-z0-9]+)+",  # imagename.model or confetti_check, but not e.g.
    r"(?<![\w.])\.[a-z][a-z0-9]*",  # .image
)


def _marked(text):
    """Mark the literals in a text as code."""
    return re.sub("|".join(_LITERALS), r"`\g<0>`", text)


def _example_block(block):
    return "```pycon\n{}\n```".format(block) if block.startswith(">>>") else _filled(_marked(" ".join(block.split())))


def files():
    """All generated files, as pairs of path and text."""
    tasks = [read_task(path) for path in sorted((TOP / "xml").glob("*.xml"))]
    return [*(pair for task in tasks for pair in modules(task)), *pages(tasks)]


def main():
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(TOP))


if __name__ == "__main__":
    main()
