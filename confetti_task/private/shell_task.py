"""The side of a task that a CASA session sees: inp, go, default, tget and tput look for these attributes."""

import ast
import os
import shutil
import textwrap

from casashell.private.stack_manip import find_frame, find_local
from casatools.typecheck import CasaValidator

from .call_task import schema

# What the shell paints a value with: as by default, changed, or of the wrong type.
_DEFAULT, _CHANGED, _WRONG = ("", ""), ("\x1b[34m", "\x1b[0m"), ("\x1b[91m", "\x1b[0m")
_NAME_WIDTH, _VALUE_WIDTH = 12, 23


class ShellTask:
    """
    A task whose parameters are global variables of the session, as for CASA's own.

    Parameters
    ----------
    name, summary : str
        Name of the task, and what it does in one line.
    parameters : sequence of `call_task.Parameter`
        Its parameters.
    task : callable
        The task itself, called with keywords.
    """

    def __init__(self, name, summary, parameters, task):
        self.__name__ = name
        self._summary = summary
        self._parameters = parameters
        self._task = task
        self._shell_state = find_local("casa_inp_go_state")

    def call(self, arguments):
        """Run the task with the arguments that are not None; with none at all, with the globals of the session."""
        given = {name: _as_list(value) for name, value in arguments.items() if value is not None}
        values = given or self._values()
        self._save(dict(self._defaults(), **values), self.__name__ + ".last")
        return self._task(**values)

    def inp(self):
        """List the parameters and their values."""
        print("# {} -- {}".format(self.__name__, self._summary))
        values, rules = self._values(), schema(self._parameters)
        for parameter in self._parameters:
            value = values[parameter.name]
            valid = CasaValidator().validate({parameter.name: value}, {parameter.name: rules[parameter.name]})
            paint = _WRONG if not valid else _DEFAULT if value == parameter.default else _CHANGED
            print(_line(parameter, value, paint))

    def set_global_defaults(self):
        """Set the parameters back to their defaults: they are no longer global variables."""
        self._remember()
        for parameter in self._parameters:
            find_frame().pop(parameter.name, None)

    def tget(self, savefile=None):
        """Set the parameters as they were in the last run, or as ``savefile`` has them."""
        saved = [savefile] if savefile else [self.__name__ + ".last", self.__name__ + ".saved"]
        existing = [path for path in saved if os.path.isfile(path)]
        if not existing:
            print("could not find last file: {}\nsetting defaults instead...".format(saved[0]))
            self.set_global_defaults()
            return
        values = _read_saved(existing[0])
        names = [parameter.name for parameter in self._parameters]
        find_frame().update({name: values[name] for name in names if name in values})
        self._remember()

    def tput(self, outfile=None):
        """Save the parameters to ``outfile``, or to where tget looks for them."""
        self._save(self._values(), outfile or self.__name__ + ".last")

    def _remember(self):
        if self._shell_state is not None:
            self._shell_state["last"] = self

    def _defaults(self):
        return {parameter.name: parameter.default for parameter in self._parameters}

    def _values(self):
        session = find_frame() or {}
        return {name: _as_list(session.get(name, default)) for name, default in self._defaults().items()}

    def _save(self, values, path):
        lines = ["{:<10} = {!r}".format(name, value) for name, value in values.items()]
        call = ", ".join("{}={!r}".format(name, value) for name, value in values.items())
        try:
            with open(path, "w", encoding="utf-8") as saved:
                saved.write("\n".join([*lines, "#{}( {} )".format(self.__name__, call), ""]))
        except OSError as error:  # a folder one may not write in must not stop the task
            print("parameters not saved: {}".format(error))


def _read_saved(path):
    """Values that a file assigns. It is read, not run: anybody may have put it into a shared folder."""
    try:
        with open(path, encoding="utf-8") as saved:
            assignments = [node for node in ast.parse(saved.read()).body if isinstance(node, ast.Assign)]
        return {node.targets[0].id: ast.literal_eval(node.value) for node in assignments}
    except (ValueError, SyntaxError, AttributeError) as error:
        raise ValueError("{} holds more than names and values; correct it, or remove it".format(path)) from error


def _as_list(value):
    """The value, an array as a list: that can be compared, and written so that Python reads it."""
    return value.tolist() if hasattr(value, "tolist") else value


def _line(parameter, value, paint):
    shown = "{}{:<{}}{}".format(paint[0], repr(value), _VALUE_WIDTH, paint[1])
    comment_column = _NAME_WIDTH + len(" = ") + max(_VALUE_WIDTH, len(repr(value))) + 1
    width = max(20, shutil.get_terminal_size().columns - comment_column - 3)
    first, *more = textwrap.wrap(parameter.summary, width)
    lines = ["{:<{}} = {} # {}".format(parameter.name, _NAME_WIDTH, shown, first)]
    return "\n".join(lines + [" " * comment_column + "# " + text for text in more])
