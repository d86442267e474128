"""Region files of the fake sources for viewers: circles one beam across, each in its channel."""

import numpy as np
from astropy import units

from ..images.coordinates import FRAMES, from_icrs, read_frames

CRTF_LINE = (
    "circle[[{longitude:.8f}deg, {latitude:.8f}deg], {radius:.4f}arcsec], coord={frame}, range=[{range}], "
    'corr=[{stokes}], color=red, label="channel {channel}: {severity:.1f} sigma"\n'
)
# DS9 regions have no channel: it is in the text, and in a tag by which regions can be selected.
DS9_LINE = (
    'circle({longitude:.8f},{latitude:.8f},{radius:.4f}") # color=red text={{channel {channel}: {severity:.1f} sigma}} '
    "tag={{channel {channel}}}\n"
)


def write_regions(root, cube, sources):
    """
    Write the regions of all fake sources for CASA and CARTA (.crtf) and for DS9 and CARTA (.reg).

    Parameters
    ----------
    root : str
        Root name of the files.
    cube : `images.cube.Cube`
        The images.
    sources : `~astropy.table.QTable`
        The table of sources.

    Raises
    ------
    ValueError
        If viewers do not support the celestial frame of the cube.
    """
    frame = read_frames(cube).sky
    if frame not in FRAMES:
        raise ValueError(f"viewers do not support regions in {frame}")
    with open(root + ".crtf", "w", encoding="utf-8") as file:
        file.write("#CRTFv0 CASA Region Text Format version 0\n")
        file.writelines(CRTF_LINE.format(frame=frame, **fields) for fields in _circles(cube, sources))
    with open(root + ".reg", "w", encoding="utf-8") as file:
        file.write(f"# Region file format: DS9 version 4.1\n{FRAMES[frame]}\n")
        file.writelines(DS9_LINE.format(**fields) for fields in _circles(cube, sources))


def _circles(cube, sources):
    cell = np.sqrt(np.prod([abs(cube.increments[axis]) for axis in cube.axes[2:]])) * units.rad
    radius = (cube.beam / 2 * cell).to_value("arcsec")
    fake = sources[sources["class"] == "confetti"]
    positions = from_icrs(fake["ra"], fake["dec"], read_frames(cube).sky)  # all at once: one takes a millisecond
    for row, longitude, latitude in zip(fake, *(angles.to_value("deg") for angles in positions)):
        fields = {name: row[name] for name in ("channel", "stokes", "severity")}
        yield dict(fields, longitude=longitude, latitude=latitude, radius=radius, range=_range(cube, row))


def _range(cube, row):
    if not cube.pieces:
        return "{0}chan, {0}chan".format(row["channel"])
    # A channel of the joined cube has another number in its piece; a frequency range well within it suits all of them.
    frequency, width = row["frequency"].to_value("GHz"), abs(cube.increments[cube.axes[1]]) / 1e9
    return f"{frequency - 0.1 * width:.9f}GHz, {frequency + 0.1 * width:.9f}GHz"
