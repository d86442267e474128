"""Angles as text."""


def sexagesimal(seconds, decimals, signed):
    """
    Hours or degrees, minutes and seconds, with colons.

    Angles of astropy write the same; they take six times as long, 0.1 s for the tables of a page.

    Parameters
    ----------
    seconds : float
        Seconds of time or of arc.
    decimals : int
        Decimals of the seconds.
    signed : bool
        Whether it is an angle with a sign, or a time of a day.

    Returns
    -------
    text : str
        '05:35:14.16', or '-05:22:21.5'.
    """
    units = int(round(abs(seconds) * 10**decimals))  # of the last decimal, so that nothing is rounded up to 60
    if not signed:
        units = int(round(seconds * 10**decimals)) % (86400 * 10**decimals)
    minutes, rest = divmod(units, 60 * 10**decimals)
    whole, fraction = divmod(rest, 10**decimals)
    sign = ("-" if seconds < 0 else "+") if signed else ""
    text = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}:{whole:02d}"
    return f"{text}.{fraction:0{decimals}d}" if decimals else text
