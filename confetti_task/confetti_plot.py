"""The figure of one find."""


def confetti_plot(imagename, source, outfile="", before=""):
    """
    Draw maps and spectra around a source found by confetti_check.

    Nothing is displayed or written to disk: a notebook with inline matplotlib displays the figure if the call is the
    last expression of a cell, and ``figure.savefig`` writes it to a file.

    Parameters
    ----------
    imagename : str or list of str
        Root name of the images, as given to confetti_check.
    source : int or tuple of int
        Row of the table of sources, counted from 0, or (channel, x, y) of any pixel, in the first polarization.
    outfile : str, default ''
        Root name of the products of confetti_check; '' means imagename.confetti.
    before : str or list of str, default ''
        Root name of the old images, where imagename is what confetti_reclean made of them: compare both.

    Returns
    -------
    `~matplotlib.figure.Figure`
        4 x 3 maps of image, image minus neighbouring channels (in sigma), model and residual, in the channel and its
        neighbours; a close-up of the spectra of the pixel, and 3 x 3 spectra of image, residual and model times pixels
        per beam. With ``before``, three maps of the channel, with one scale: the old image, the new image and their
        difference.

    Raises
    ------
    ValueError
        If an image or the table is missing or cannot be read, if the table has no such row or the cube no such pixel,
        or if the old and the new images differ in shape.

    See Also
    --------
    confetti_check : Find the sources, and write the table of them.

    Examples
    --------
    >>> figure = confetti_plot("G008.67_B3_spw1_12M_n2hp", source=0)
    >>> figure.savefig("worst.png")
    >>> confetti_plot("G008.67_B3_spw1_12M_n2hp", source=(17, 640, 512))

    A find of the old images, before and after their channel was cleaned again:

    >>> old, new = "G008.67_B3_spw1_12M_n2hp", "G008.67_B3_spw1_12M_n2hp_reclean"
    >>> confetti_plot(new, source=0, outfile=old + ".confetti", before=old)
    """
    from .private.call_task import plain
    from .private.report.plot import plot_source

    return plot_source(*map(plain, (imagename, source, outfile, before)))
