"""Call a task the way casatasks does: check the types, log the call, run the implementation."""

import os
from collections import namedtuple
from importlib import import_module

from .casa_log import logged_by_casa

Parameter = namedtuple("Parameter", "name type default allowed summary")

# Names that CASA's type checker has for the types of the XML, and its functions that convert other values to them.
_CASA_TYPES = {
    "string": ("cStr", "to_str"),
    "double": ("cFloat", "to_float"),
    "int": ("cInt", "to_int"),
    "bool": ("cBool", None),
    "any": ("cVariant", "to_variant"),
}

# Characters of a parameter in the log.
LONGEST_SHOWN = 1000

# Newest CASA with which all tests passed: major and minor version.
NEWEST_CASA = (6, 7)


def plain(value):
    """Write paths as text and tuples as lists, also within lists: CASA's type checker knows neither."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def schema(parameters):
    """The parameters as rules of CASA's type checker."""
    from casatools.coercetype import coerce

    rules = {}
    for parameter in parameters:
        casa_type, coercion = _CASA_TYPES[parameter.type]
        rules[parameter.name] = {"type": casa_type}
        if coercion:
            rules[parameter.name]["coerce"] = getattr(coerce, coercion)
        if parameter.allowed:
            rules[parameter.name]["allowed"] = list(parameter.allowed)
    return rules


def call_task(name, parameters, values):
    """
    Run a task with logging, as casatasks does.

    Parameters
    ----------
    name : str
        Name of the task; its implementation is ``confetti_task.private.task_<name>.<name>``.
    parameters : sequence of `Parameter`
        Parameters in the order of the XML, which is that of the implementation's arguments.
    values : dict
        Value of each parameter, by name.

    Returns
    -------
    dict
        Return value of the implementation.

    Raises
    ------
    ValueError
        If a value has the wrong type.
    """
    # CASA is imported at the first call: workers and documentation tools import this package without it.
    from casatasks.private.task_logging import end_log, except_log, start_log
    from casatools.errors import create_error_string
    from casatools.typecheck import CasaValidator

    validator = CasaValidator()
    values = {key: plain(value) for key, value in values.items()}
    if not validator.validate(values, schema(parameters)):
        raise ValueError("{}: {}".format(name, create_error_string(validator.errors).strip()))
    values = [validator.document[parameter.name] for parameter in parameters]
    implementation = getattr(import_module("confetti_task.private.task_" + name), name)
    result = None
    state = start_log(name, ["{}={}".format(p.name, _shown(value)) for p, value in zip(parameters, values)])
    _warn_of_newer_casa()
    try:
        with logged_by_casa():
            result = implementation(*values)
    except Exception as error:
        except_log(name, error)
        raise
    finally:
        end_log(state, name, result)
    return result


def _shown(value):
    """A value as the log shows it: tclean's record of a cube of 2000 channels has a million characters."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + " ..."


def _warn_of_newer_casa():
    import casatools
    from casatasks import casalog

    version = casatools.version()
    if tuple(version[:2]) > NEWEST_CASA:
        here, tested = (".".join(str(number) for number in numbers) for numbers in (version, NEWEST_CASA))
        casalog.post(
            f"confetti_task was tested with CASA up to {tested} but this is {here}; look for a newer confetti_task",
            "WARN",
        )
