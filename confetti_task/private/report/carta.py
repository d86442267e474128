"""Text of a script that opens the finds of a page in CARTA."""

import os

from ..images.coordinates import FRAMES

# Names as in the scripting package of CARTA, carta-python; its version 1.2 has no regions yet. The file of regions is
# the one for DS9: CARTA reads the channel range of CRTF regions only in part.
SCRIPT = '''{imports}from carta.session import Session

IMAGES = {images!r}
REGIONS = {regions!r}
# Channel, x, y{of_stokes} of the finds of the page, counted from 1.
FINDS = {finds}

session = Session.start_and_interact()
image, *others = session.open_images(IMAGES)
image.make_spatial_reference()
image.make_spectral_reference()
for other in others:
    other.set_cube_matching(True)
{with_regions}

def show(number):
    """Go to the channel and the place of a find."""
    channel, x, y{and_stokes} = FINDS[number - 1]
    image.make_active()
{set_stokes}    image.set_channel(channel)
    image.set_center(x, y)
    image.set_zoom_level(8)


show(1)
'''


def carta_script(cube, outfile, frames, sources):
    """
    Write a script that opens the images and the regions in CARTA and goes to the finds.

    Parameters
    ----------
    cube : `images.cube.Cube`
        The images, in one set of files.
    outfile : str
        Root name of the products.
    frames : `images.image.Frames`
        Reference frames of the cube.
    sources : `~astropy.table.QTable`
        The finds, in the order of the page.

    Returns
    -------
    script : str
        Python.
    """
    polarized = len(cube.stokes) > 1
    names = ("channel", "x", "y")
    finds = [(*(int(row[name]) for name in names), *([str(row["stokes"])] if polarized else [])) for row in sources]
    with_regions = frames.sky in FRAMES  # viewers know no others
    return SCRIPT.format(
        imports="from carta.constants import Polarization\n" if polarized else "",
        images=[os.path.abspath(cube.path(product)) for product in ("image", "model", "residual")],
        regions=os.path.abspath(outfile + ".reg") if with_regions else "",
        with_regions="image.regions.import_from(REGIONS)\n" if with_regions else "",
        finds="[\n" + "".join(f"    {find!r},\n" for find in finds) + "]",
        of_stokes=", polarization" if polarized else "",
        and_stokes=", stokes" if polarized else "",
        set_stokes="    image.set_polarization(Polarization[stokes])\n" if polarized else "",
    )
