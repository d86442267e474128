"""The table of the proof: what confetti_reclean found out by cleaning channels again."""

import os

import numpy as np
from astropy.table import QTable
from scipy.spatial import cKDTree

from ..core.quantities import FIND_QUANTITIES
from ..images.coordinates import world_coordinates
from .tables import SAME_FLUX, make_table

ENDING = ".proof.ecsv"


def make_proof_table(cube, finds, outcomes, channels, about):
    """
    Make the table of the proof.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The old images.
    finds : structured `~numpy.ndarray`
        Rows of `core.quantities.FIND`.
    outcomes : dict
        Outcome of each channel that was cleaned again, see `core.before_after.outcome`.
    channels : `~astropy.table.QTable`
        Table of the channels of the old images.
    about : dict
        Metadata: root names of the images ``before`` and ``after``, which channels were ``replaced`` in the latter, and
        the new models of these, ``renewed``, from `reclean.verify.models_of`.

    Returns
    -------
    proof : `~astropy.table.QTable`
        One row for each find, the largest difference first. Its metadata have the outcomes, with the model of each
        channel, so that they are not applied to another one.
    """
    finds = finds[np.argsort(-np.abs(finds["difference"]), kind="stable")]
    ra, dec, frequency, velocity = world_coordinates(cube, finds["channel"], finds["y"], finds["x"])
    stokes = np.array([cube.stokes[number] for number in finds["polarization"]], dtype="U4")
    columns = {"frequency": frequency, "velocity": velocity, "stokes": stokes, "ra": ra, "dec": dec}
    rows = channels[np.isin(channels["channel"], list(outcomes))]
    texts = (rows[name].tolist() for name in ("channel", "stokes", "components"))
    models = zip(*texts, rows["model_flux"].to_value("Jy").tolist())
    judged = [[channel, outcomes[channel], *model] for channel, *model in models]
    return make_table(FIND_QUANTITIES, finds, columns, dict(about, outcomes=judged))


def read_proof(path, cube):
    """
    Read the table of the proof.

    Parameters
    ----------
    path : str
        Name of the table; '' for the one next to the images, if there is one.
    cube : `images.cube.Cube`
        The images.

    Returns
    -------
    proof : `~astropy.table.QTable` or None
        As made by `make_proof_table`.

    Raises
    ------
    ValueError
        If the table is missing or cannot be read.
    """
    if path:
        return _read(path)
    return None if cube.pieces else read_proof_of(cube.root)


def read_proof_of(root):
    """Read the table of the proof next to images with that root name, as `read_proof`; None if there is none."""
    return _read(root + ENDING) if os.path.exists(root + ENDING) else None


def _read(path):
    try:
        proof = QTable.read(path, format="ascii.ecsv")
        proof.meta["outcomes"]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"proof='{path}' is not a table that confetti_reclean wrote: {error}") from error
    return proof


def channels_by_outcome(proof):
    """
    Sort the channels that were cleaned again by their outcome.

    Parameters
    ----------
    proof : `~astropy.table.QTable`
        From `read_proof`.

    Returns
    -------
    replaced, acquitted, undecided : list of int
        Those with new planes, whatever their outcome; and those that kept their old planes, by outcome.
    """
    outcomes = {row[0]: row[1] for row in proof.meta["outcomes"]}
    condemned = [channel for channel, outcome in outcomes.items() if outcome == "bad"]
    replaced = sorted(proof.meta.get("replaced", condemned))
    kept = {channel: outcome for channel, outcome in outcomes.items() if channel not in replaced}
    return (
        replaced,
        *(sorted(channel for channel in kept if kept[channel] == outcome) for outcome in ("acquitted", "undecided")),
    )


def acquitted(proof, channels, stokes):
    """
    Channels that the proof acquits.

    Parameters
    ----------
    proof : `~astropy.table.QTable` or None
        From `read_proof`.
    channels : structured `~numpy.ndarray`
        Measurements of the channels of a cube.
    stokes : sequence of str
        Names of its polarizations.

    Returns
    -------
    channels : list of int
        Acquitted channels that still have the model that was acquitted.
    """
    if proof is None:  # a table without finds may acquit too
        return []
    judged = [(channel, *model) for channel, outcome, *model in proof.meta["outcomes"] if outcome == "acquitted"]
    same = _with_model(judged, channels, stokes)
    changed = {channel for channel, name, *_ in judged if (channel, name) not in same}
    return sorted({row[0] for row in judged} - changed)


def proved_real(proof, found):
    """
    Select the candidates that the proof found to be real: the old and the new image show the same source there.

    Parameters
    ----------
    proof : `~astropy.table.QTable` or None
        From `read_proof`.
    found : `check.survey.Found`
        The measurements of a cube.

    Returns
    -------
    real : 1D bool `~numpy.ndarray`
        True within a beam of such a find, in the same channel and polarization, unless another find is nearer, and if
        the model of the channel is one of the two that were compared. Each find has the largest difference within a
        beam, so any hot pixel around a real one is the same in both images too.
    """
    candidates, stokes = found.candidates, found.cube.stokes
    real = np.zeros(len(candidates), dtype=bool)
    if proof is None or not len(proof):
        return real
    before = [(channel, *model) for channel, _, *model in proof.meta["outcomes"]]
    same = _with_model([*before, *proof.meta.get("renewed", [])], found.channels, stokes)
    for channel, name in same & set(zip(proof["channel"].tolist(), proof["stokes"].tolist())):
        finds = proof[(proof["channel"] == channel) & (proof["stokes"] == name)]
        here = (candidates["channel"] == channel) & (candidates["polarization"] == stokes.index(name))
        distance, nearest = cKDTree(_places(finds)).query(_places(candidates[here]))
        real[here] = (distance <= found.cube.beam) & (np.asarray(finds["proof"])[nearest] == "real")
    return real


def _with_model(models, channels, stokes):
    """Channels, with the names of their polarizations, that have one of these models: number of components and flux."""
    rows = channels[["channel", "polarization", "components", "model_flux"]].tolist()
    fluxes = {(channel, stokes[number], components): flux for channel, number, components, flux in rows}
    return {
        (channel, name)
        for channel, name, components, flux in models
        if np.isclose(fluxes.get((channel, name, components), np.nan), flux, SAME_FLUX)
    }


def _places(rows):
    return np.column_stack([rows["y"], rows["x"]])
