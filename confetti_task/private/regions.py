"""Regions of the fake sources for viewers: circles of a beam, in the channel of each."""

import numpy as np
from astropy import units

from .coordinates import read_frame

# Frame of the sky as it is called in CASA's region files (CRTF) and in those of DS9.
FRAMES = {
    "J2000": ("J2000", "fk5"),
    "ICRS": ("ICRS", "icrs"),
    "GALACTIC": ("GALACTIC", "galactic"),
    "B1950": ("B1950", "fk4"),
}

CRTF_LINE = (
    "circle[[{ra:.8f}deg, {dec:.8f}deg], {radius:.4f}arcsec], coord={frame}, range=[{channel}chan, {channel}chan], "
    'corr=[{stokes}], color=red, label="channel {channel}: {severity:.1f} sigma"\n'
)
# DS9 has no channels: they are in the text, and in a tag by which regions can be chosen.
DS9_LINE = (
    'circle({ra:.8f},{dec:.8f},{radius:.4f}") # color=red text={{channel {channel}: {severity:.1f} sigma}} '
    "tag={{channel {channel}}}\n"
)


def write_regions(root, cube, sources):
    """
    Write the regions of all fake sources as CASA and CARTA read them (.crtf) and as DS9 and CARTA do (.reg).

    Parameters
    ----------
    root : str
        Root name of the files.
    cube : `~confetti_task.private.images.Cube`
        The images.
    sources : `~astropy.table.QTable`
        The sources.
    """
    crtf, ds9 = FRAMES.get(read_frame(cube), FRAMES["ICRS"])
    with open(root + ".crtf", "w", encoding="utf-8") as file:
        file.write("#CRTFv0 CASA Region Text Format version 0\n")
        file.writelines(CRTF_LINE.format(frame=crtf, **fields) for fields in _circles(cube, sources))
    with open(root + ".reg", "w", encoding="utf-8") as file:
        file.write(f"# Region file format: DS9 version 4.1\n{ds9}\n")
        file.writelines(DS9_LINE.format(**fields) for fields in _circles(cube, sources))


def _circles(cube, sources):
    cell = np.sqrt(np.prod([abs(cube.increments[axis]) for axis in cube.axes[2:]])) * units.rad
    radius = (cube.beam / 2 * cell).to_value("arcsec")
    for row in sources[sources["class"] == "confetti"]:
        fields = {name: row[name] for name in ("channel", "stokes", "severity")}
        yield dict(fields, ra=row["ra"].to_value("deg"), dec=row["dec"].to_value("deg"), radius=radius)
