"""The tables of the sources and of the channels, with units and a description of every column."""

import os

import numpy as np
from astropy import units
from astropy.table import QTable

from ..images.coordinates import world_coordinates
from ..images.pixels import read_channels


def source_table(cube, candidates, worst, npixels, meta):
    """
    The sources with their units and their places on the sky.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The inputs.
    candidates : structured `~numpy.ndarray`
        The narrow hot pixels.
    worst, npixels : 1D int `~numpy.ndarray`
        Worst pixel and number of pixels of every source, from `core.sources.join`.
    meta : dict
        What the table is about, kept in its header.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row for every source.
    """
    rows = candidates[worst]
    ra, dec, frequency, velocity = world_coordinates(cube, rows["channel"], rows["y"], rows["x"])
    table = QTable(meta=dict(meta))
    kinds = np.select([rows["known"], rows["confetti"]], ["known", "confetti"], "candidate")
    table["class"] = kinds.astype("U9")
    table["channel"] = rows["channel"]
    table["frequency"], table["velocity"] = frequency, velocity
    table["stokes"] = np.array([cube.stokes[number] for number in rows["polarization"]], dtype="U4")
    table["x"], table["y"] = rows["x"], rows["y"]
    table["ra"], table["dec"] = ra, dec
    table["npixels"] = npixels
    table["severity"] = rows["severity"]
    table["flux"] = rows["severity"] * rows["noise"] * units.Jy
    table["noise"] = rows["noise"] * units.Jy / units.beam
    table["contrast"] = rows["contrast"] * units.Jy
    table["significance"] = rows["contrast"] / rows["noise"]
    for name in ("pointlikeness", "narrowness", "surround", "restored", "spike", "residual", "unsupported"):
        table[name] = rows[name]
    return _described(_add_pieces(table, cube), DESCRIPTIONS)


def channel_table(cube, channels, candidates, sources, meta):
    """
    The channels with their units, one row each.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The inputs.
    channels, candidates : structured `~numpy.ndarray`
        What was measured of the channels, and of their narrow hot pixels.
    sources : `~astropy.table.QTable`
        From `source_table`.
    meta : dict
        What the table is about, kept in its header.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row for every channel and polarization.
    """
    centre = np.full(len(channels), cube.lengths[2] // 2), np.full(len(channels), cube.lengths[3] // 2)
    _, _, frequency, velocity = world_coordinates(cube, channels["channel"], *centre)
    table = QTable(meta=dict(meta))
    table["channel"], table["frequency"], table["velocity"] = channels["channel"], frequency, velocity
    table["stokes"] = np.array([cube.stokes[number] for number in channels["polarization"]], dtype="U4")
    table["noise"] = channels["noise"] * units.Jy / units.beam
    table["model_flux"] = channels["flux"] * units.Jy
    for name in ("components", "positive", "negative", "switched", "convergence"):
        table[name] = channels[name]
    here = _by_channel(cube, channels, candidates["polarization"], candidates["channel"], candidates)
    table["confetti"] = [np.count_nonzero(rows["confetti"]) for rows in here]
    table["tail"] = [_tail(rows["unsupported"]) for rows in here]
    table["severity"] = [rows["severity"].max(initial=0) for rows in here]
    fake = sources[sources["class"] == "confetti"]
    polarization = np.array([cube.stokes.index(stokes) for stokes in fake["stokes"]], dtype=int)
    fluxes = _by_channel(cube, channels, polarization, fake["channel"], fake["flux"].value)
    table["flux"] = [values.sum() for values in fluxes] * units.Jy
    conditions = [channels["diverged"], table["confetti"] > 0, channels["checked"], np.isnan(channels["noise"])]
    table["verdict"] = np.select(conditions, ["diverged", "bad", "good", "blank"], "unchecked").astype("U9")
    return _described(_add_pieces(table, cube), CHANNEL_DESCRIPTIONS)


def of_piece(table, cube, number):
    """
    The part of a table of a joined cube that is about one of its pieces.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        From `source_table` or `channel_table`.
    cube : `images.cube.Cube`
        The joined cube.
    number : int
        Of the piece.

    Returns
    -------
    part : `~astropy.table.QTable`
        Its channels are those of the piece; 'spectrum_channel' has those of the whole.
    """
    part = table[table["piece"] == cube.pieces[number].root]
    part.rename_column("channel", "spectrum_channel")
    part.rename_column("piece_channel", "channel")
    part.remove_column("piece")
    return part


def _add_pieces(table, cube):
    """Tell for every row of the table of a joined cube in which piece it is."""
    if cube.pieces:
        piece, local = cube.piece_of(table["channel"])
        table["piece"] = np.array([cube.pieces[number].root for number in piece], dtype="U")
        table["piece_channel"] = local
    return table


def _by_channel(cube, channels, polarization, channel, values):
    """Values that belong to some polarizations and channels, apart for each row of the channels."""
    place, wanted = (
        np.ravel_multi_index(where, cube.lengths[:2])
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


def _described(table, descriptions):
    for name, description in descriptions.items():
        table[name].info.description = description
    return table


# Of the narrow hot pixels of a channel that many have a smaller unsupported spike than its tail.
TAIL = 0.95

CHANNEL_DESCRIPTIONS = {
    "channel": "0-based",
    "frequency": "in the frame of the cube",
    "velocity": "radio convention",
    "stokes": "polarization",
    "noise": "of the channels around",
    "model_flux": "sum of the model",
    "components": "pixels of the model that are not zero",
    "positive": "positive hot pixels, narrow or not",
    "negative": "negative hot pixels, narrow or not",
    "switched": "the model is empty and those of both neighbouring channels are not, or the other way round",
    "convergence": "1 and more where CLEAN converged, below 0 where the model fits the data worse than an empty one; "
    "-inf: not finite; nan: without any sign of trouble, not measured",
    "confetti": "confetti pixels",
    "tail": "unsupported spike that 5 % of the narrow hot pixels exceed, in noise; nan without a PSF",
    "severity": "of the worst fake source, in noise",
    "flux": "sum over the fake sources, each counted positive",
    "verdict": "diverged: the clean did not converge, the whole channel is wrong; bad: has confetti; good: neither was "
    "found; blank; unchecked: nothing to compare with",
}

DESCRIPTIONS = {
    "class": "confetti: in the mask; candidate: without evidence against it; known: near a known real source",
    "severity": "of confetti: height that the data do not hold, in noise; the image is wrong by 1.2 to 1.5 times it",
    "flux": "of confetti: flux of a point source of that height",
    "channel": "0-based",
    "frequency": "of the channel, in the frame of the cube",
    "stokes": "polarization",
    "ra": "of the worst pixel, in the frame of the cube",
    "dec": "of the worst pixel, in the frame of the cube",
    "noise": "of the channel",
    "x": "0-based pixel of the worst pixel of the source",
    "y": "0-based pixel of the worst pixel of the source",
    "npixels": "hot pixels within a beam",
    "velocity": "radio convention",
    "contrast": "of the hot pixel over its surroundings in the model",
    "significance": "contrast in noise of the channel",
    "pointlikeness": "1 for a single pixel",
    "narrowness": "part of the contrast in a neighbouring channel",
    "surround": "flux around the hot pixel as a part of it; -1 compensates it",
    "restored": "part of the hot pixel that image minus residual keeps; 1 for a real source",
    "spike": "point source in this channel of the image alone, in noise",
    "residual": "residual at the hot pixel, in noise",
    "unsupported": "spike that the data do not hold, in noise; nan without a PSF",
}


# Sums of float32 in another order differ by this part of what is summed.
SAME_FLUX = 1e-6


def read_tables(root, cube):
    """
    Read the tables of an earlier check.

    Parameters
    ----------
    root : str
        Root name of its products.
    cube : `images.cube.Cube`
        The cube that was checked.

    Returns
    -------
    sources, channels : `~astropy.table.QTable`
        As `source_table` and `channel_table` made them.

    Raises
    ------
    ValueError
        If they are not there, or the model is not the one that was checked.
    """
    paths = root + ".ecsv", root + ".channels.ecsv"
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} not found; call confetti_check first, or give its outfile as confetti"
        )
    sources, channels = (QTable.read(path, format="ascii.ecsv") for path in paths)
    if "parameters" not in sources.meta:
        raise ValueError(f"{paths[0]} is of an earlier version of confetti_task; check the cube again")
    for row in channels[is_bad(channels)]:
        model = read_channels(cube, "model", cube.stokes.index(row["stokes"]), row["channel"], row["channel"])
        model = np.nan_to_num(model).astype(float)
        flux, components = model.sum() * units.Jy, np.count_nonzero(model)
        other_flux = abs(flux - row["model_flux"]) > SAME_FLUX * np.abs(model).sum() * units.Jy
        if other_flux or components != row["components"]:
            raise ValueError(
                f"{cube.path('model')} is not the model that {paths[1]} is about: channel {row['channel']} should have "
                f"{row['components']} components and {row['model_flux']:.6g} (got {components} and {flux:.6g}); call "
                "confetti_check again"
            )
    return sources, channels


def is_bad(channels):
    """Which rows of a table of channels are to be cleaned again: those with confetti, and those that diverged."""
    return np.isin(channels["verdict"], ["bad", "diverged"])


def bad_channels(channels):
    """Channels of a table of channels that are to be cleaned again, ascending."""
    return _numbers(channels, is_bad(channels))


def diverged_channels(channels):
    """Channels of a table of channels in which CLEAN diverged, ascending."""
    return _numbers(channels, channels["verdict"] == "diverged")


def checked_channels(channels):
    """Channels of a table of channels that have a verdict, ascending."""
    return _numbers(channels, ~np.isin(channels["verdict"], ["blank", "unchecked"]))


def _numbers(channels, chosen):
    return sorted(set(channels["channel"][chosen].tolist()))
