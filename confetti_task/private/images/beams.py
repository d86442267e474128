"""Widths of beams in pixels, whatever the format of an image."""

# Pixels. tclean gives planes without data a beam of 1e-6 arcsec.
LEAST_BEAM = 0.01


def round_beam(width):
    """Round the width of a beam in pixels to what FITS keeps of it: a ring around a pixel must have the same pixels."""
    return round(float(width), 6)
