"""The end of a script that confetti_reclean wrote."""


def finish_reclean(outname):
    """
    Put the images that tclean made in place, and check them.

    Parameters
    ----------
    outname : str
        Root name of the new images, as given to confetti_reclean.

    Returns
    -------
    dict
        See `confetti_task.confetti_reclean`.

    Raises
    ------
    ValueError
        If nothing was prepared, or what tclean made does not continue the old images.
    """
    from .private.task_confetti_reclean import finish

    return finish(outname)
