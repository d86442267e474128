"""The pictures of one find."""


def confetti_plot(imagename, source, outfile=""):
    """
    Draw the maps and the spectra around one find.

    Nothing is shown or written: in a notebook the figure shows itself where it is the last expression of a cell and
    matplotlib is inline, and ``figure.savefig`` writes it.

    Parameters
    ----------
    imagename : str or list of str
        Root name of the images, as it was given to confetti_check.
    source : int or tuple of int
        Row of the table of sources, or channel, x and y of any pixel, in the first polarization.
    outfile : str
        Root name of the products of confetti_check; '' means imagename.confetti.

    Returns
    -------
    figure : `~matplotlib.figure.Figure`
        3 x 3 maps of image, model and residual in the channel and those beside it, and 3 x 3 spectra of image, residual
        and model times pixels per beam.

    Raises
    ------
    ValueError
        If there is no such cube, table, row or pixel.

    Examples
    --------
    >>> figure = confetti_plot('G008.67_B3_spw1_12M_n2hp', source=0)
    >>> figure.savefig('worst.png')
    >>> confetti_plot('G008.67_B3_spw1_12M_n2hp', source=(17, 640, 512))
    """
    from .private.report.plot import plot_source

    return plot_source(imagename, source, outfile)
