"""What the record of tclean shows about channels that go wrong."""


def rising_channels(record):
    """
    Find the channels in which the peak residual rose by half or more in a minor cycle, according to tclean's record.

    CLEAN is unstable there: in simulated observations, all channels found in this way were wrong, but most of the
    wrong channels were not found. A script that images one major cycle at a time can stop or continue more gently;
    `confetti_check` takes the record of a finished clean.

    Parameters
    ----------
    record : dict
        What tclean returned. With ``fullsummary=True`` it contains the peak residual before each minor cycle too.

    Returns
    -------
    list of int
        Channels, ascending, counted from the first of the cube.

    Raises
    ------
    ValueError
        If it is not what tclean returned.

    See Also
    --------
    confetti_check : Find the fake sources that CLEAN wrote into a cube.

    Examples
    --------
    >>> record = tclean(vis=vis, imagename="line", niter=100000, nmajor=1, fullsummary=True, **imaging)
    >>> if rising_channels(record):
    ...     print("use a lower loop gain")
    """
    from .private.core.decision import Thresholds
    from .private.core.minor_cycles import rises

    try:
        return sorted(channel for channel, rise in rises(record).items() if rise >= Thresholds.rise)
    except ValueError as error:
        raise ValueError(f"record {error}") from error
