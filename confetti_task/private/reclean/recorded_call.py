"""tclean's parameters for a cube: those in its history, with the user's changes and the present names."""

import inspect
import json
import os

import numpy as np
from astropy import units

from ..check.log import why_not_tclean
from ..images.headers import read_history
from ..images.history import as_number, differing, doubtful, recorded_parameters
from .without_data import check_images

# tclean's parameters that are lists of numbers.
LISTS_OF_NUMBERS = ("imsize", "scales")


# Axes of polarization, channel, y and x in the images that tclean writes, and in start models and clean masks.
TCLEAN_AXES = (2, 3, 1, 0)


class NoVisibilitiesError(ValueError):
    """tclean cannot be run again, because its parameters or its visibilities are not at hand."""


def how_recorded(cube, channels, vis, parameters, method):
    """
    Find out whether tclean can be run again, and how it was called.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images.
    channels : `~astropy.table.QTable`
        Channels of their check.
    vis, parameters
        As for `read_parameters`.
    method : {'auto', 'subcubes', 'cube', 'image'}
        The requested method.

    Returns
    -------
    recorded : dict
        tclean's parameters; empty if channels are to be deconvolved again from their own images.
    why_not : str
        Why tclean cannot be run again; '' if it can, or need not be.

    Raises
    ------
    ValueError
        If neither is possible, or if the user asked for what is not.
    """
    if method == "image":
        check_images(cube, channels)
        return {}, ""
    try:
        _check_made_by_tclean(cube)
        return read_parameters(cube, vis, parameters), ""
    except NoVisibilitiesError as error:
        if method != "auto" or vis or parameters:
            raise
        why_not = error
    try:
        check_images(cube, channels)
    except ValueError:
        raise why_not from None
    return {}, str(why_not)


OTHER_AXES = (
    "{path} has its axes in another order than tclean writes and reads, as after exportfits and importfits; "
    "import the FITS files with defaultaxes=True, defaultaxesvalues=['', '', '', 'I'], or transpose .model, .image, "
    ".residual and .psf, like imtrans(imagename='{root}.model', outfile='NAME.model', order='0132'), and check the new "
    "images"
)


def _check_made_by_tclean(cube):
    """Raise an error if tclean cannot continue the images."""
    if cube.fits:
        raise NoVisibilitiesError(f"imagename='{cube.root}': {why_not_tclean(cube)}")
    if cube.axes != TCLEAN_AXES:
        raise ValueError(OTHER_AXES.format(path=cube.path("model"), root=cube.root))


def read_parameters(cube, vis, given):
    """
    Find the parameters with which tclean was called.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images that it made.
    vis : str or list of str
        Names of the MeasurementSets; '' for those in the history.
    given : dict or str
        Parameters that replace those in the history; '' for none.

    Returns
    -------
    parameters : dict
        tclean's parameters, with absolute names of the MeasurementSets.

    Raises
    ------
    NoVisibilitiesError
        If neither the history nor the user gives the parameters, or if a MeasurementSet is missing.
    ValueError
        If the parameters are not tclean's, or not those of these images.
    """
    from casatasks import tclean

    if given and not isinstance(given, dict):
        raise ValueError(f"parameters={given!r} should be a dictionary like {{'threshold': '20mJy'}}")
    given = json.loads(json.dumps(given or {}, default=_as_casa_takes))  # arrays and tuples as lists
    known = inspect.signature(tclean).parameters
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"parameters: tclean has no {', '.join(unknown)}")
    # An older CASA may have recorded parameters that tclean no longer has.
    parameters = _recorded(cube, set(known) - set(given), {*given, *(["vis"] if vis else [])})
    if not parameters and not given:
        raise NoVisibilitiesError(
            f"{cube.path('image')} and its model have no tclean run in their history, as after a concatenation or "
            "from FITS; give vis=... and parameters={...} with all that tclean was called with"
        )
    folder = _started_in(cube.root, parameters.get("imagename", ""))
    names = _as_list(vis or given.get("vis", "")) or [
        _find(name, folder) for name in _as_list(parameters.get("vis", ""))
    ]
    parameters.update(given, vis=[os.path.abspath(name) for name in names])
    parameters = {name: _number_if_tclean_takes_one(name, value, known[name]) for name, value in parameters.items()}
    size = np.broadcast_to(parameters.get("imsize", 100), 2).tolist()
    if size != [cube.shape[3], cube.shape[2]]:
        raise ValueError(
            f"imsize={parameters.get('imsize')} should be the size of {cube.path('image')} (got {size} and "
            f"{[cube.shape[3], cube.shape[2]]}); give the parameters with which tclean made it"
        )
    missing = [name for name in parameters["vis"] or ["the MeasurementSet"] if not os.path.exists(name)]
    if missing:
        raise NoVisibilitiesError(f"{' and '.join(missing)} not found; give the name of the MeasurementSet as vis")
    return parameters


def _as_casa_takes(value):
    """An array, a set, or a quantity of astropy, as CASA takes it."""
    if isinstance(value, units.Quantity):
        texts = [f"{number!r}{value.unit.to_string().replace(' ', '')}" for number in np.ravel(value.value).tolist()]
        return texts if value.ndim else texts[0]
    return sorted(value) if isinstance(value, (set, frozenset)) else value.tolist()


def _number_if_tclean_takes_one(name, value, parameter):
    """A number that is given as text, as tclean converts it; a threshold may have a unit."""
    is_number = isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
    return as_number(name, value) if (is_number or name in LISTS_OF_NUMBERS) and name != "threshold" else value


def _recorded(cube, wanted, given):
    """Parameters in the history of the image; of its model if that knows of a clean and the image does not."""
    histories = [read_history(cube.path(product)) for product in ("image", "model")]
    runs = [(recorded_parameters(history, cube.root, {"niter", *wanted}), history) for history in histories]
    # tclean restores no image if restoration=False, and immath and its like begin a history of their own.
    cleans = [run for run in runs if as_number("niter", run[0].get("niter", 0))]
    parameters, history = (cleans or runs)[0]
    _check_history(cube, history, given)
    return parameters


def _check_history(cube, history, given):
    """Ask for what the history leaves open."""
    unclear = {name: values for name, values in differing(history, cube.root).items() if name not in given}
    if "vis" in given:
        unclear.pop("imagename", None)  # chunks of a joined cube, whose data the user gave
    if unclear:
        runs = "; ".join(f"{name}: {', then '.join(values)}" for name, values in unclear.items())
        raise ValueError(
            f"{cube.path('image')} was made by tclean runs that differ ({runs}), and only one can be repeated: "
            "clean its parts again one by one, or give vis and parameters={...} for all of it"
        )
    damaged = [name for name in doubtful(history, cube.root) if name not in given and name != "vis"]
    if damaged:
        raise ValueError(
            f"the history of {cube.path('image')} went through FITS, which loses characters of long lines: give "
            f"{', '.join(damaged)} again, as parameters={{'{damaged[0]}': ...}}"
        )


def _as_list(names):
    return [name for name in ([names] if isinstance(names, str) else names) if name]


def _started_in(root, imagename):
    """Folder to which the names in the history are relative, if the images are still where tclean wrote them."""
    ending = os.path.dirname(imagename)
    folder = os.path.dirname(root)
    return folder[: -len(ending)] if ending and folder.endswith(os.sep + ending) else folder


def _find(name, folder):
    """Name of a file in the history, relative to the images if it exists there, else to the current folder."""
    there = os.path.join(folder, name)
    return there if os.path.exists(there) else name
