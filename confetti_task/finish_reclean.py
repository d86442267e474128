"""The last step of a script that confetti_reclean wrote."""


def finish_reclean(outname):
    """
    Put the images that tclean made in place, and check them.

    The script of a dry run ends with this call. Call it yourself if confetti_reclean failed after tclean was done, for
    lack of disk space for example: the log then says so, and tclean does not have to run again. With method='image' it
    goes on with whatever was interrupted.

    Parameters
    ----------
    outname : str
        Root name of the new images, as given to confetti_reclean.

    Returns
    -------
    dict
        The dictionary that confetti_reclean returns.

    Raises
    ------
    ValueError
        If nothing was prepared under this name, or if what tclean made does not continue the old images.

    See Also
    --------
    confetti_reclean : Clean the bad channels of a cube again.

    Examples
    --------
    >>> result = finish_reclean("G008.67_B3_spw1_12M_n2hp_reclean")
    >>> print(result["after"]["verdict"])
    """
    from .private.task_confetti_reclean import finish

    return finish(outname)
