"""The check of arrays, without CASA."""


def find_confetti(
    model,
    image,
    residual,
    psf=None,
    *,
    beam,
    mask=None,
    psf_beam=None,
    wcs=None,
    clean=None,
    chans="",
    nsigma=2.5,
    narrowness=0.5,
    unsupported=3.0,
    surround=-0.8,
    known="",
    record="",
    linewidth="",
    deconvolve="none",
    minutes=10.0,
    parallel=True,
    memory=1.0,
):
    """
    Find the fake sources that CLEAN put into a spectral-line cube, given as arrays.

    This is what `confetti_check` does, with the same numbers, for pipelines and notebooks without CASA. Nothing is
    written, and messages go to the logger ``confetti_task`` of `logging`.

    Parameters
    ----------
    model, image, residual : 3D array-like
        Pixels [channel, y, x] of the CLEAN components in Jy/pixel, of the restored image and of the residual, both in
        Jy/beam. Blank pixels are NaN, or masked. Memory maps, dask arrays and cubes of spectral-cube are read in parts.
    psf : 3D or 2D array-like, optional
        PSF of each channel, or of all, with its peak of 1 at pixel (height // 2, width // 2). It shows which spatial
        frequencies were measured; without it, this is taken from the residual.
    beam : float, tuple, 2D array-like or radio_beam.Beam
        Restoring beam: FWHM in pixels; or (major, minor, position angle), in pixels and in degrees from up (+y) to the
        left (-x), of all channels or [channel, 3] of each; or a Beam or Beams of radio_beam, which need ``wcs``.
    mask : 3D or 2D array-like, optional
        Clean mask: positive where CLEAN could place components.
    psf_beam : optional
        Beam that was fitted to the PSF, in the forms of ``beam``, where the image has another: one that was smoothed to
        a common beam is restored again with this.
    wcs : `~astropy.wcs.WCS`, optional
        Celestial and spectral coordinates, for the tables, ``known`` and ``linewidth``. Without it the columns of
        positions and frequencies are NaN.
    clean : dict, optional
        Parameters of tclean, as far as known: deconvolver, scales, smallscalebias and interpolation.
    chans, nsigma, narrowness, unsupported, surround, known, record, linewidth, minutes, parallel, memory
        As in `confetti_check`. Several threads are used, but no cluster.
    deconvolve : {'none', 'suspicious', 'all'}, default 'none'
        As in `confetti_check`; it needs CASA 6.5.2 or later in the same Python. It finds the fake sources of mosaics,
        where the PSF alone shows few.

    Returns
    -------
    `ArrayCheck`
        verdict : 'confetti', 'suspicious', 'clean' or 'not applicable'; mask : 3D bool `~numpy.ndarray`, True at
        confetti; sources and channels : `~astropy.table.QTable`, with the columns that `confetti_check` writes;
        warnings : list of str, what to know before trusting the result.

    Raises
    ------
    ValueError
        If arrays differ in shape or are not real, or if a parameter makes no sense.

    See Also
    --------
    confetti_check : The same for images of CASA and in FITS files.

    Examples
    --------
    >>> result = find_confetti(model, image, residual, psf, beam=(5.2, 4.1, 70.0))
    >>> result.verdict
    'confetti'
    >>> blanked = np.where(result.mask, np.nan, image)
    """
    from .private.array_check import check_arrays

    arguments = dict(locals())
    arrays = {name: arguments.pop(name) for name in ("model", "image", "residual", "psf", "mask")}
    arguments.pop("check_arrays")
    return check_arrays(arrays, **arguments)
