"""Tables of the sources and of the channels, with units and column descriptions."""

import os

import numpy as np
from astropy import units
from astropy.table import QTable

from ..core.decision import Thresholds, is_marginal
from ..core.quantities import CANDIDATE_QUANTITIES, CHANNEL_QUANTITIES
from ..core.sources import join
from ..images.coordinates import world_coordinates
from ..images.pixels import read_channel
from .verdict import verdicts_of_channels


def make_tables(found, meta):
    """
    Make the tables of a check.

    Parameters
    ----------
    found : `check.survey.Found`
        The measurements and decisions.
    meta : dict
        Metadata of the check, kept in the headers of the tables.

    Returns
    -------
    sources, channels : `~astropy.table.QTable`
        One row for each source, and one for each channel and polarization.
    """
    sources = _source_table(found.cube, found.candidates, meta)
    return sources, _channel_table(found, sources, meta)


def _source_table(cube, candidates, meta):
    worst, npixels = join(candidates, cube.beam)
    rows = candidates[worst]
    ra, dec, frequency, velocity = world_coordinates(cube, rows["channel"], rows["y"], rows["x"])
    fake = rows["evidence"] != ""
    kinds = np.select([rows["proved"], rows["known"], fake], ["real", "known", "confetti"], "candidate")
    columns = {
        "class": kinds.astype("U9"),
        "frequency": frequency,
        "velocity": velocity,
        "stokes": _names(cube, rows["polarization"]),
        "ra": ra,
        "dec": dec,
        "npixels": npixels,
        "flux": rows["severity"] * rows["noise"] * units.Jy,
        "significance": rows["contrast"] / rows["noise"],
    }
    return _add_pieces(make_table(CANDIDATE_QUANTITIES, rows, columns, meta), cube)


def _channel_table(found, sources, meta):
    cube, channels, candidates, _ = found
    centre = np.full(len(channels), cube.shape[2] // 2), np.full(len(channels), cube.shape[3] // 2)
    _, _, frequency, velocity = world_coordinates(cube, channels["channel"], *centre)
    here = _by_channel(cube, channels, candidates["polarization"], candidates["channel"], candidates)
    confetti = np.array([np.count_nonzero(rows["evidence"] != "") for rows in here], dtype=int)
    thresholds = Thresholds.of(meta["parameters"])
    columns = {
        "frequency": frequency,
        "velocity": velocity,
        "stokes": _names(cube, channels["polarization"]),
        "confetti": confetti,
        "tail": [_tail(rows["unsupported"][~is_marginal(rows, thresholds)]) for rows in here],
        "severity": [rows["severity"].max(initial=0) for rows in here],
        "flux": _fluxes(cube, channels, sources),
        "verdict": verdicts_of_channels(found),
    }
    return _add_pieces(make_table(CHANNEL_QUANTITIES, channels, columns, meta), cube)


def make_table(quantities, rows, columns, meta):
    """Table of the quantities that have a description, from fields of the rows and from computed columns."""
    table = QTable(meta=dict(meta))
    for quantity in quantities:
        if quantity.description:
            name = quantity.name
            table[name] = columns[name] if name in columns else _with_unit(rows[name], quantity.unit)
            table[name].info.description = quantity.description
    return table


def _with_unit(values, unit):
    return values * units.Unit(unit) if unit else values


def _names(cube, polarizations):
    return np.array([cube.stokes[number] for number in polarizations], dtype="U4")


def _fluxes(cube, channels, sources):
    """Total flux of the fake sources in each channel."""
    fake = sources[sources["class"] == "confetti"]
    polarization = np.array([cube.stokes.index(stokes) for stokes in fake["stokes"]], dtype=int)
    fluxes = _by_channel(cube, channels, polarization, fake["channel"], fake["flux"].value)
    return [values.sum() for values in fluxes] * units.Jy


def _add_pieces(table, cube):
    """Add the piece of each row, and its channel in the piece, to a table of a joined cube."""
    if cube.pieces:
        piece, local = cube.piece_of(table["channel"])
        table["piece"] = np.array([cube.pieces[number].root for number in piece], dtype="U")
        table["piece_channel"] = local
    return table


def _by_channel(cube, channels, polarization, channel, values):
    """Split values by the rows of ``channels``, given the polarization and the channel of each value."""
    place, wanted = (
        np.ravel_multi_index(where, cube.shape[:2])
        for where in ((polarization, channel), (channels["polarization"], channels["channel"]))
    )
    order = np.argsort(place, kind="stable")
    first, end = (np.searchsorted(place[order], wanted, side) for side in ("left", "right"))
    return [values[order[start:stop]] for start, stop in zip(first, end)]


def _tail(unsupported):
    tested = np.abs(unsupported[np.isfinite(unsupported)])
    if len(unsupported) and not len(tested):
        return np.nan
    return np.quantile(tested, TAIL) if len(tested) else 0.0


def write_table(table, path):
    """
    Write a table as ECSV: the same text as astropy's, which takes twice as long for 10**5 sources.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The table; its columns are numbers and strings.
    path : str
        Name of the file.
    """
    table[:0].write(path, format="ascii.ecsv")
    columns = [_texts(np.asarray(getattr(table[name], "value", table[name]))) for name in table.colnames]
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(" ".join(row) + "\n" for row in zip(*columns))


def _texts(values):
    """Text of each value; only once of values that occur often, as in per-channel columns."""
    bits = values.view(f"i{values.itemsize}") if values.dtype.kind == "f" else values  # 0 and -0 differ
    _, first, which = np.unique(bits, return_index=True, return_inverse=True)
    texts = values[first].astype("U").tolist()
    if values.dtype.kind == "U":
        texts = [_quoted(text) for text in texts]
    return [texts[number] for number in which.tolist()]


def _quoted(text):
    return text if text and not set(text) & set(' "\n') else '"' + text.replace('"', '""') + '"'


# Fraction of the narrow hot pixels of a channel whose unsupported spike is smaller than its tail.
TAIL = 0.95

# Relative difference between sums of the same float32 values in another order.
SAME_FLUX = 1e-6


def read_tables(root, cube):
    """
    Read the tables of an earlier check.

    Parameters
    ----------
    root : str
        Root name of the products of the check.
    cube : `images.cube.Cube`
        The cube that was checked.

    Returns
    -------
    sources, channels : `~astropy.table.QTable`
        As written by the check.

    Raises
    ------
    ValueError
        If the tables are missing, or the model is not the one that was checked.
    """
    paths = root + ".ecsv", root + ".channels.ecsv"
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} not found; call confetti_check first, or give its outfile as confetti"
        )
    sources, channels = (QTable.read(path, format="ascii.ecsv") for path in paths)
    if "parameters" not in sources.meta:
        raise ValueError(f"{paths[0]} was written by an earlier version of confetti_task; check the cube again")
    for row in channels[is_bad(channels) | (channels["verdict"] == "suspicious")]:
        model = read_channel(cube, "model", cube.stokes.index(row["stokes"]), row["channel"])
        model = np.nan_to_num(model).astype(float)
        flux, components = model.sum() * units.Jy, np.count_nonzero(model)
        other_flux = abs(flux - row["model_flux"]) > SAME_FLUX * np.abs(model).sum() * units.Jy
        if other_flux or components != row["components"]:
            raise ValueError(
                f"{cube.path('model')} is not the model that {paths[1]} describes: channel {row['channel']} should "
                f"have {row['components']} components and {row['model_flux']:.6g} (got {components} and {flux:.6g}); "
                "call confetti_check again"
            )
    return sources, channels


def is_bad(channels):
    """Bad rows of a table of channels: those with confetti, and those that diverged."""
    return np.isin(channels["verdict"], ["bad", "diverged"])


def bad_channels(channels):
    """Bad channels of a table of channels, ascending."""
    return _numbers(channels, is_bad(channels))


def suspicious_channels(channels):
    """Suspicious channels of a table of channels, the most suspicious first; bad ones are none of them."""
    rows = channels[(channels["verdict"] == "suspicious") & ~np.isin(channels["channel"], bad_channels(channels))]
    if not len(rows):  # tables of earlier versions have no suspicion
        return []
    ranked = rows["channel"][np.argsort(-np.array(rows["suspicion"]), kind="stable")]
    return list(dict.fromkeys(ranked.tolist()))  # each once, whatever the number of polarizations


def cleaned_channels(channels):
    """Channels of a table of channels that have a model, ascending."""
    return _numbers(channels, channels["components"] > 0)


def diverged_channels(channels):
    """Channels of a table of channels in which CLEAN diverged, ascending."""
    return _numbers(channels, channels["verdict"] == "diverged")


def noise_of_channels(channels, stokes, number):
    """rms of the channels of a polarization in Jy/beam, interpolated where unknown; NaN if unknown everywhere."""
    known = channels[np.isfinite(channels["noise"]) & (channels["stokes"] == stokes)]
    if not len(known):  # CLEAN ran away in all channels, so there is nothing to compare with anyway
        return np.full(number, np.nan)
    return np.interp(np.arange(number), known["channel"], known["noise"].to_value("Jy/beam"))


def checked_channels(channels):
    """Channels of a table of channels that have a verdict, ascending."""
    return _numbers(channels, ~np.isin(channels["verdict"], ["blank", "unchecked"]))


def _numbers(channels, chosen):
    return sorted(set(channels["channel"][chosen].tolist()))
