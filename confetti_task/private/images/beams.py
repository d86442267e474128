"""Widths of beams in pixels, whatever the format of an image."""

import numpy as np

# Pixels. tclean gives planes without data a beam of 1e-6 arcsec.
LEAST_BEAM = 0.01


def beam_widths(axes, cell):
    """
    Widths (FWHM) of beams in pixels.

    Parameters
    ----------
    axes : sequence of tuple of float
        Major and minor axis of each beam.
    cell : sequence of float
        Pixel size along x and along y, in the same unit; signs do not matter.

    Returns
    -------
    widths : tuple of float
        Geometric mean of both axes, of each beam that has a width.
    narrowest : float
        The smallest minor axis of these, in units of the longer side of a pixel; infinite without a beam.
    """
    axes, sides = np.abs(np.reshape(axes, (-1, 2))), np.abs(cell)
    means = np.sqrt(axes.prod(axis=1) / sides.prod())
    wide = means > LEAST_BEAM
    narrowest = axes[wide].min(initial=np.inf) / sides.max()
    return tuple(round_beam(width) for width in means[wide]), round_beam(narrowest)


def round_beam(width):
    """Round the width of a beam in pixels to what FITS keeps of it: a ring around a pixel must have the same pixels."""
    return round(float(width), 6)
