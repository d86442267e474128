#!/usr/bin/env python3
"""
Write the task modules from their XML definitions.

For every xml/TASK.xml: confetti_task/TASK.py, the task for scripts, and confetti_task/gotasks/TASK.py, the same task
for the inp, go, default, tget and tput of a CASA session. Both are committed; a test compares them with the XML.

    python3 scripts/generate_tasks.py
"""

import json
import textwrap
import xml.etree.ElementTree as ElementTree
from collections import namedtuple
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
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

Parameter = namedtuple("Parameter", "name type default allowed summary description")
Task = namedtuple("Task", "name summary description parameters returns example")

HEADER = "# Written by scripts/generate_tasks.py from xml/{name}.xml: change the XML and run the script again.\n"

SCRIPT_MODULE = (
    HEADER
    + '''"""{summary}."""

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
    HEADER
    + '''"""{summary}: for inp, go, default, tget and tput."""

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


def read_task(path):
    """Read one task definition; what this generator does not know of CASA's XML is an error, never left out."""
    task = ElementTree.parse(path).getroot().find(NAMESPACE + "task")
    return Task(
        name=task.get("name"),
        summary=_text(task, "shortdescription"),
        description=_text(task, "description"),
        parameters=[_read_parameter(param) for param in task.find(NAMESPACE + "input")],
        returns=_text(task, "returns"),
        example=textwrap.dedent(task.find(NAMESPACE + "example").text).strip(),
    )


def _read_parameter(param):
    known = {NAMESPACE + tag for tag in ("shortdescription", "description", "value", "allowed")}
    unknown = [child.tag for child in param if child.tag not in known]
    if unknown or param.get("type") not in CONVERT:
        raise ValueError(
            "parameter {}: cannot read {} of type {}".format(param.get("name"), unknown, param.get("type"))
        )
    convert = CONVERT[param.get("type")]
    return Parameter(
        name=param.get("name"),
        type=param.get("type"),
        default=convert(_text(param, "value")),
        allowed=tuple(convert(value.text) for value in param.findall(NAMESPACE + "allowed/" + NAMESPACE + "value")),
        summary=_text(param, "shortdescription"),
        description=_text(param, "description"),
    )


def _text(element, tag):
    return " ".join((element.find(NAMESPACE + tag).text or "").split())


def documentation(task):
    """The docstring of a task, numpydoc, without its indentation."""
    parts = [task.summary + ".", _fill(task.description, 4), "Parameters\n----------\n" + _parameter_section(task)]
    parts += ["Returns\n-------\ndict\n" + textwrap.indent(_fill(task.returns, 8), "    ")]
    parts += ["Examples\n--------\n" + task.example]
    return "\n\n".join(parts)


def _parameter_section(task):
    return "\n".join(
        "{} : {}\n{}".format(parameter.name, parameter.type, textwrap.indent(_fill(parameter.description, 8), "    "))
        for parameter in task.parameters
    )


def _fill(text, indent):
    return textwrap.fill(text, WIDTH - indent)


def modules(task):
    """Paths and contents of the modules of one task."""
    fields = {
        "name": task.name,
        "summary": task.summary,
        "table": "\n".join(_table_row(parameter) for parameter in task.parameters),
        "signature": "\n".join("    {}={},".format(p.name, _literal(p.default)) for p in task.parameters),
        "shell_signature": "\n".join("        {}=None,".format(p.name) for p in task.parameters),
        "documentation": textwrap.indent(documentation(task), "    "),
    }
    package = TOP / "confetti_task"
    return {
        package / (task.name + ".py"): SCRIPT_MODULE.format(**fields),
        package / "gotasks" / (task.name + ".py"): SHELL_MODULE.format(**fields),
    }


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


def main():
    for path in sorted((TOP / "xml").glob("*.xml")):
        for module, text in modules(read_task(path)).items():
            module.write_text(text, encoding="utf-8")
            print(module.relative_to(TOP))


if __name__ == "__main__":
    main()
