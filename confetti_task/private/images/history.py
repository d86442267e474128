"""The parameters of tclean, as it writes them into the history of its images; no images are read here."""

import ast
import os
import re

# tclean writes 'name = value', with strings in double quotes and everything else as Python prints it.
_LINE = re.compile(r"(\w+)\s*= (.*)$", re.DOTALL)
# Numpy scalars and arrays as printed: np.int64(160), array([0, 5]).
_NUMPY = re.compile(
    r"(?:np\.|numpy\.)?(?:u?int\d*|float\d*|array|bool_?|str_)\(((?:[^()]|\([^()]*\))*?)(?:, dtype=[^()]*)?\)"
)

# What the model of an image depends on, beyond the depth of the clean.
DECISIVE = ("imagename", "vis", "deconvolver", "scales")
# Characters of a line of the history from which on exportfits loses one: at the second and each later wrap.
WRAPPED_TWICE = 143


def recorded_parameters(history, root, wanted):
    """
    Parameters of the tclean run that cleaned an image.

    Parameters
    ----------
    history : list of str
        Lines of the history of the image, of all tasks.
    root : str
        Root name of the image. tclean writes into the history of every image whose name begins with its imagename, so
        runs with this imagename are preferred; if there are none, the images were renamed.
    wanted : container of str
        Names of the parameters to read.

    Returns
    -------
    parameters : dict
        Parameters of the last run with iterations, because a run with ``niter=0`` after it only makes the residual of
        the final model; ``{}`` if there is no run of tclean.

    Raises
    ------
    ValueError
        If a value cannot be read.
    """
    runs = _runs_of_image(history, root) or [{}]
    return {name: _read_value(name, text) for name, text in runs[-1].items() if name in wanted}


def differing(history, root):
    """
    Parameters in which the cleans of an image differ, so that the last one does not show how its model was made.

    Parameters
    ----------
    history, root
        As for `recorded_parameters`.

    Returns
    -------
    values : dict of list
        By name of the parameter (of `DECISIVE`) the values in the order of the runs, as text.
    """
    runs = _runs_of_image(history, root)
    values = {name: [*dict.fromkeys(_comparable(name, run.get(name, '""')) for run in runs)] for name in DECISIVE}
    return {name: each for name, each in values.items() if len(each) > 1}


def doubtful(history, root):
    """Names of parameters of the last clean whose lines FITS may have damaged; parameters as above."""
    runs = _runs_of_image(history, root) or [{}]
    through_fits = any(re.search(r"\b(importfits|fromfits)\b", line) for line in history)
    return [name for name, text in runs[-1].items() if through_fits and len(_line_of(name, text)) >= WRAPPED_TWICE]


def as_number(name, value):
    """
    Convert the value of a parameter of tclean that is a number, or a list of numbers, which may be given as text.

    Raises
    ------
    ValueError
        If it is none; the error names the parameter and the value.
    """
    if isinstance(value, (list, tuple)):
        return [as_number(name, one) for one in value]
    if not isinstance(value, str):
        return value
    for convert in (int, float):
        try:
            return convert(value)
        except ValueError:
            continue
    raise ValueError(f"{name}={value!r} cannot be read as a number; give it as parameters={{'{name}': ...}}")


def _runs_of_image(history, root):
    """The runs with iterations of this image, or all of its runs if there are none."""
    runs = list(_runs_of_tclean(history))
    runs = [run for run in runs if _same_name(run, root)] or runs
    return [run for run in runs if as_number("niter", _read_value("niter", run.get("niter", "0")))] or runs


def _comparable(name, text):
    """A value as text, however it was recorded, and names without folders: a later run may come from elsewhere."""
    value = _read_value(name, text)
    return ", ".join(os.path.basename(str(one)) for one in (value if isinstance(value, list) else [value]))


def record_of(task, parameters):
    """Parameters as lines of a history, in tclean's format; confetti_reclean records its runs like this."""
    quoted = ((name, f'"{value}"' if isinstance(value, str) else value) for name, value in parameters.items())
    return [f"taskname={task}"] + [_line_of(name, value) for name, value in quoted]


def _line_of(name, value):
    return f"{name:<11} = {value}"


def _runs_of_tclean(history):
    """Parameters of each run in the history, as text."""
    run = None
    for line in history:
        match = _LINE.match(line)
        if line.startswith("taskname="):
            run = {}
            if line[len("taskname=") :] in ("tclean", "confetti_reclean"):
                yield run
        elif run is not None and match:
            run.setdefault(*match.groups())


def _same_name(run, root):
    return os.path.basename(run.get("imagename", "").strip('"')) == os.path.basename(root)


def _read_value(name, text):
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    for candidate in (text, _without_numpy(text)):
        try:
            return _as_text(ast.literal_eval(candidate))
        except (SyntaxError, ValueError):
            continue
    raise ValueError(f"the history has {name} = {text}, which cannot be read; give it as parameters={{'{name}': ...}}")


def _without_numpy(text):
    while _NUMPY.search(text):
        text = _NUMPY.sub(r"\1", text)
    return text


def _as_text(value):
    """Convert bytes to text, since scripts from the days of Python 2 encode their names, and sets to lists."""
    if isinstance(value, (list, tuple, set)):
        return [_as_text(one) for one in (sorted(value) if isinstance(value, set) else value)]
    return value.decode() if isinstance(value, bytes) else value
