"""How tclean was called for a cube, with what the user knows better, and all names as they are now."""

import inspect
import os

import numpy as np

from .history import recorded_parameters
from .images import read_history


def read_parameters(cube, vis, given):
    """
    Find out how tclean was called.

    Parameters
    ----------
    cube : `~confetti_task.private.images.Cube`
        The images it made.
    vis : str or list of str
        MeasurementSets; '' for those in the history.
    given : dict or str
        Parameters that take the place of those in the history; '' for none.

    Returns
    -------
    parameters : dict
        Of tclean; names of files are absolute.

    Raises
    ------
    ValueError
        If neither history nor user tells, or a MeasurementSet is not there.
    """
    from casatasks import tclean

    if given and not isinstance(given, dict):
        raise ValueError(f"parameters={given!r} should be a dictionary like {{'threshold': '20mJy'}}")
    given = dict(given or {}, **({"vis": vis} if len(vis) else {}))
    known = inspect.signature(tclean).parameters
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"parameters: tclean has no {', '.join(unknown)}")
    recorded = recorded_parameters(read_history(cube), cube.root)
    # An older CASA may have recorded what tclean no longer has.
    parameters = {name: value for name, value in recorded.items() if name in known}
    if not parameters and not set(given) - {"vis"}:
        raise ValueError(
            f"{cube.path('image')} has no run of tclean in its history, as after a concatenation or from FITS; give "
            "vis=... and parameters={...}, all that tclean was called with"
        )
    parameters.update(given)
    folder = _started_in(cube.root, recorded.get("imagename", ""))
    parameters["vis"] = [_find(name, folder) for name in _as_list(parameters.get("vis", ""))]
    size = np.broadcast_to(parameters.get("imsize", 100), 2).tolist()
    if size != [cube.lengths[3], cube.lengths[2]]:
        raise ValueError(
            f"imsize={parameters.get('imsize')} should be the size of {cube.path('image')} (got {size} and "
            f"{[cube.lengths[3], cube.lengths[2]]}); give the parameters of tclean that made it"
        )
    missing = [name for name in parameters["vis"] or ["the MeasurementSet"] if not os.path.exists(name)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} not found; give the name of the MeasurementSet as vis")
    return parameters


def _as_list(names):
    return [name for name in ([names] if isinstance(names, str) else names) if name]


def _started_in(root, imagename):
    """Folder that the names in the history are relative to, when the images are still where tclean wrote them."""
    ending = os.path.dirname(imagename)
    folder = os.path.dirname(root)
    return folder[: -len(ending)] if ending and folder.endswith(os.sep + ending) else folder


def _find(name, folder):
    """Absolute name of a file that may be in the current folder or in another."""
    here, there = os.path.abspath(name), os.path.join(folder, name)
    return there if os.path.exists(there) and not os.path.exists(here) else here
