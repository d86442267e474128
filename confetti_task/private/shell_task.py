"""The task as a CASA session sees it, with the attributes that inp, go, default, tget and tput use."""

import ast
import os
import shutil
import textwrap

from casashell.private.stack_manip import find_frame, find_local
from casatools.typecheck import CasaValidator

from .call_task import plain, schema

# Terminal colours of a value: the default, changed, or of the wrong type.
_DEFAULT, _CHANGED, _WRONG = ("", ""), ("\x1b[34m", "\x1b[0m"), ("\x1b[91m", "\x1b[0m")
_NAME_WIDTH, _VALUE_WIDTH = 12, 23


class ShellTask:
    """
    A task whose parameters are global variables of the session, like CASA's own.

    Parameters
    ----------
    name, summary : str
        Name of the task, and its purpose in one line.
    parameters : sequence of `call_task.Parameter`
        Parameters of the task.
    task : callable
        The task itself, called with keyword arguments.
    """

    def __init__(self, name, summary, parameters, task):
        self.__name__ = name
        self._summary = summary
        self._parameters = parameters
        self._task = task
        self._shell_state = find_local("casa_inp_go_state")

    def call(self, arguments):
        """Run the task with the arguments that are not None; without any, with the session's global variables."""
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
        """Reset the parameters to their defaults by removing the global variables."""
        self._remember()
        for name in self._assigned():
            find_frame().pop(name, None)

    def tget(self, savefile=None):
        """Restore the parameters of the last run, or those in ``savefile``."""
        saved = [savefile] if savefile else [self.__name__ + ".last", self.__name__ + ".saved"]
        existing = [path for path in saved if os.path.isfile(path)]
        if not existing:
            print("could not find last file: {}\nsetting defaults instead...".format(saved[0]))
            self.set_global_defaults()
            return
        values, assigned = _read_saved(existing[0]), self._assigned()
        for name, default in self._defaults().items():
            if name in values and (name in assigned or values[name] != default):
                find_frame()[name] = values[name]
        self._remember()

    def tput(self, outfile=None):
        """Save the parameters to ``outfile``, or where tget looks for them."""
        self._save(self._values(), outfile or self.__name__ + ".last")

    def _remember(self):
        if self._shell_state is not None:
            self._shell_state["last"] = self

    def _defaults(self):
        return {parameter.name: parameter.default for parameter in self._parameters}

    def _values(self):
        return {**self._defaults(), **self._assigned()}

    def _assigned(self):
        """Parameters among the variables of the session. A task, like CASA's deconvolve, is none, and stays there."""
        session = find_frame() or {}
        names = [parameter.name for parameter in self._parameters]
        return {name: _as_list(session[name]) for name in names if name in session and not callable(session[name])}

    def _save(self, values, path):
        lines = ["{:<10} = {!r}".format(name, value) for name, value in values.items()]
        call = ", ".join("{}={!r}".format(name, value) for name, value in values.items())
        try:
            with open(path, "w", encoding="utf-8") as saved:
                saved.write("\n".join([*lines, "#{}( {} )".format(self.__name__, call), ""]))
        except OSError as error:  # a read-only folder must not stop the task
            print("parameters not saved: {}".format(error))


def _read_saved(path):
    """Values assigned in a file. The file is parsed, not executed: in a shared folder, anyone may have written it."""
    try:
        with open(path, encoding="utf-8") as saved:
            assignments = [node for node in ast.parse(saved.read()).body if isinstance(node, ast.Assign)]
        return {node.targets[0].id: ast.literal_eval(node.value) for node in assignments}
    except (ValueError, SyntaxError, AttributeError) as error:
        raise ValueError("{} contains more than assigned values; correct it, or remove it".format(path)) from error


def _as_list(value):
    """Convert arrays to lists and paths to text, which can be compared, and written as Python code."""
    return value.tolist() if hasattr(value, "tolist") else plain(value)


def _line(parameter, value, paint):
    shown = "{}{:<{}}{}".format(paint[0], repr(value), _VALUE_WIDTH, paint[1])
    comment_column = _NAME_WIDTH + len(" = ") + max(_VALUE_WIDTH, len(repr(value))) + 1
    width = max(20, shutil.get_terminal_size().columns - comment_column - 3)
    first, *more = textwrap.wrap(parameter.summary, width)
    lines = ["{:<{}} = {} # {}".format(parameter.name, _NAME_WIDTH, shown, first)]
    return "\n".join(lines + [" " * comment_column + "# " + text for text in more])
