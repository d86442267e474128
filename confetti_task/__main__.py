"""
confetti_check from a shell: ``confetti_check IMAGENAME`` or ``python -m confetti_task IMAGENAME``. With ``summary
FOLDER...``, both write a page that summarizes all checks in these folders.

The exit status is 0 if the cube could be checked, whether it is clean, suspicious or has confetti; 2 if it could not;
and 1 only if there is confetti and --fail-on-confetti was given, so that chains of jobs continue unless they ask to be
stopped. A suspicious cube never gives 1: the data have to decide about it first.
"""

import argparse
import json
import os
import sys

from .confetti_check import PARAMETERS, SUMMARY, confetti_check
from .version import __version__


def _read_any(text):
    """Convert text to a bool or an int if possible, else return the text."""
    return {"True": True, "False": False}.get(text, int(text) if text.isdigit() else text)


_CONVERT = {"string": str, "any": _read_any, "double": float, "int": int}


def _lower(sentence):
    return sentence[0].lower() + sentence[1:]


def _program():
    """Command with which this was called, for the usage message."""
    name = os.path.basename(sys.argv[0])
    return "python -m confetti_task" if name == "__main__.py" else name


def make_parser():
    """Parser whose options have the names, defaults and descriptions of the parameters of the task."""
    parser = argparse.ArgumentParser(prog=_program(), description=SUMMARY + ".")
    parser.add_argument("--version", action="version", version=__version__)
    for parameter in PARAMETERS:
        summary = parameter.summary.replace("%", "%%")
        if parameter.name == "imagename":
            parser.add_argument("imagename", nargs="+", help=summary)
        elif parameter.default is False:
            parser.add_argument(f"--{parameter.name}", action="store_true", help=summary)
        elif parameter.type == "bool":
            parser.add_argument(
                f"--no-{parameter.name}", dest=parameter.name, action="store_false", help="do not " + _lower(summary)
            )
        else:
            parser.add_argument(
                f"--{parameter.name}",
                type=_CONVERT[parameter.type],
                default=parameter.default,
                choices=parameter.allowed or None,
                help=f"{summary} (default: {parameter.default!r})",
            )
    parser.add_argument(
        "--fail-on-confetti",
        action="store_true",
        help="exit with status 1 if there is confetti; a cube that is only suspicious gives 0 as well",
    )
    return parser


def summarize(arguments):
    """Write a page that summarizes the checks of many cubes, and return the exit status."""
    from .private.report.summary import write_summary

    parser = argparse.ArgumentParser(prog=_program() + " summary", description=summarize.__doc__)
    parser.add_argument("folders", nargs="+", help="folders to search, with subfolders, for products of confetti_check")
    parser.add_argument("--output", default="confetti_summary.html", help="name of the page (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        number = write_summary(options.folders, options.output)
    except (OSError, ValueError) as error:
        print(f"confetti_task summary: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}: {number} cubes")
    return 0


def main(arguments=None):
    """Check one cube, print the result as JSON, and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["summary"]:
        return summarize(arguments[1:])
    options = vars(make_parser().parse_args(arguments))
    fail_on_confetti = options.pop("fail_on_confetti")
    if len(options["imagename"]) == 1:
        options["imagename"] = options["imagename"][0]
    try:
        result = confetti_check(**options)
    except Exception as error:  # whatever stopped the check, the status must say that it failed
        print(f"confetti_check: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1))
    return 1 if fail_on_confetti and result["verdict"] == "confetti" else 0


if __name__ == "__main__":
    sys.exit(main())
