"""The small skies in files as WSClean 3.1 writes them: a file for each channel, and the mean of all as MFS."""

import numpy as np
from astropy.io import fits
from casa_images import CELL_ARCSEC
from skies import BEAM

FREQUENCY_HZ, WIDTH_HZ = 1.4e9, 26123.046875
# Of the beam, in pixels from one channel to the next: less than the check notices in the image.
GROWTH = 1e-4


def write_wsclean(root, products, skip=(), blank=(), polarizations=("",), start=0):
    """
    Write the channels of a cube as WSClean would.

    ``blank`` are channels without data; ``polarizations`` are 'I', 'Q' and so on if there are several, of which the
    last holds the sky and the others its residual; ``start`` is the number of the first channel.
    """
    for name in ("model", "image", "residual", "psf"):
        if name in skip:
            continue
        for polarization in polarizations if name != "psf" else ("",):
            cube = getattr(products, name)
            if polarization and polarization != polarizations[-1]:
                cube = 0 * cube if name == "model" else products.residual
            ending = f"-{polarization}-{name}.fits" if polarization else f"-{name}.fits"
            for channel, plane in enumerate(cube):
                header = header_of(name, channel, channel in blank, polarization)
                write_plane(f"{root}-{start + channel:04d}{ending}", blanked(name, plane, channel in blank), header)
            write_plane(f"{root}-MFS{ending}", cube.mean(axis=0), header_of(name, len(cube) / 2, False, polarization))


def blanked(name, plane, blank):
    """A plane, or what WSClean writes of a channel without data: NaN as image, and 0 as model, residual and PSF."""
    return plane * np.float32(np.nan if name == "image" else 0) if blank else plane


def write_plane(path, plane, header):
    """Write one plane with four axes."""
    fits.PrimaryHDU(np.float32(plane[np.newaxis, np.newaxis]), fits.Header(header)).writeto(path, overwrite=True)


def header_of(name, channel, blank, polarization):
    """Cards of a file: units in capitals, a beam in the model too, RA below 0, TOPOCENT, no rest frequency."""
    beam = 0.0 if blank else (BEAM + GROWTH * channel) * CELL_ARCSEC / 3600
    axes = {
        1: ("RA---SIN", 33.0, -88.42, -CELL_ARCSEC / 3600, "deg"),
        2: ("DEC--SIN", 33.0, -21.62, CELL_ARCSEC / 3600, "deg"),
        3: ("FREQ", 1.0, FREQUENCY_HZ + channel * WIDTH_HZ, WIDTH_HZ, "Hz"),
        4: ("STOKES", 1.0, 1.0 + "IQUV".index(polarization or "I"), 1.0, ""),
    }
    cards = [("BUNIT", "JY/PIXEL" if name == "model" else "JY/BEAM")]
    cards += [("BMAJ", beam), ("BMIN", beam), ("BPA", 0.0), ("EQUINOX", 2000.0), ("BTYPE", "Intensity")]
    for axis, values in axes.items():
        names = ("CTYPE", "CRPIX", "CRVAL", "CDELT", "CUNIT")
        cards += [(f"{keyword}{axis}", value) for keyword, value in zip(names, values)]
    cards += [("SPECSYS", "TOPOCENT"), ("ORIGIN", "WSClean"), ("WSCGAIN", 0.1), ("WSCIMGWG", 2094.8 + channel)]
    return [*cards, ("HISTORY", "wsclean -channels-out 7 -name line observation.ms")]
