# Written by scripts/generate_tasks.py from xml/confetti_check.xml: change the XML and run the script again.
"""Find the fake sources that CLEAN put into the model of a spectral-line cube."""

from .private.call_task import Parameter, call_task

SUMMARY = "Find the fake sources that CLEAN put into the model of a spectral-line cube"

PARAMETERS = (
    Parameter(
        name="imagename",
        type="any",
        default="",
        allowed=(),
        summary="Root name of the images, as given to tclean",
    ),
    Parameter(
        name="outfile",
        type="string",
        default="",
        allowed=(),
        summary="Root name of the products; '' = imagename.confetti",
    ),
    Parameter(
        name="chans",
        type="any",
        default="",
        allowed=(),
        summary="Channels to check, e.g. '3~20;25'; '' = all",
    ),
    Parameter(
        name="nsigma",
        type="double",
        default=2.5,
        allowed=(),
        summary="Minimum contrast of a hot pixel, in units of the channel rms",
    ),
    Parameter(
        name="narrowness",
        type="double",
        default=0.5,
        allowed=(),
        summary="Maximum fraction of the contrast that an adjacent channel may have",
    ),
    Parameter(
        name="unsupported",
        type="double",
        default=3.0,
        allowed=(),
        summary="Minimum height, in sigma, of a point source that the visibilities do not support",
    ),
    Parameter(
        name="surround",
        type="double",
        default=-0.8,
        allowed=(),
        summary="Maximum flux around a hot pixel, as a fraction of it, that counts as evidence; 0 = none",
    ),
    Parameter(
        name="known",
        type="any",
        default="",
        allowed=(),
        summary="Known real sources, which are never masked",
    ),
    Parameter(
        name="cleanmask",
        type="string",
        default="channel",
        allowed=("channel", "pixel", "none"),
        summary="Clean mask to write: channel, pixel or none",
    ),
    Parameter(
        name="writestats",
        type="bool",
        default=False,
        allowed=(),
        summary="Write images of the hot-pixel statistics",
    ),
    Parameter(
        name="report",
        type="bool",
        default=True,
        allowed=(),
        summary="Write an HTML report, and region files for viewers",
    ),
    Parameter(
        name="npanels",
        type="int",
        default=8,
        allowed=(),
        summary="Number of fake sources to show in the report",
    ),
    Parameter(
        name="reader",
        type="string",
        default="auto",
        allowed=("auto", "ia"),
        summary="How to read pixels: auto, or ia for the image tool only",
    ),
    Parameter(
        name="parallel",
        type="any",
        default=True,
        allowed=(),
        summary="Number of threads; True = all cores, or an active dask cluster",
    ),
    Parameter(
        name="memory",
        type="double",
        default=1.0,
        allowed=(),
        summary="Memory to use in each process, in GB",
    ),
    Parameter(
        name="overwrite",
        type="bool",
        default=False,
        allowed=(),
        summary="Replace the products of an earlier run",
    ),
    Parameter(
        name="proof",
        type="string",
        default="",
        allowed=(),
        summary="Table of what confetti_reclean proved; '' = imagename.proof.ecsv",
    ),
    Parameter(
        name="fitsmask",
        type="bool",
        default=False,
        allowed=(),
        summary="Write the masks as FITS files too",
    ),
    Parameter(
        name="candidatemask",
        type="bool",
        default=False,
        allowed=(),
        summary="Write a mask of the candidates too, for inspection",
    ),
    Parameter(
        name="deconvolve",
        type="string",
        default="suspicious",
        allowed=("suspicious", "all", "none"),
        summary="Channels to deconvolve again: suspicious, all or none",
    ),
    Parameter(
        name="minutes",
        type="double",
        default=10.0,
        allowed=(),
        summary="Time for deconvolving channels again, in minutes",
    ),
    Parameter(
        name="record",
        type="any",
        default="",
        allowed=(),
        summary="What tclean returned, or a file with it; '' = none",
    ),
    Parameter(
        name="linewidth",
        type="any",
        default="",
        allowed=(),
        summary="FWHM of the narrowest line expected, like '0.5km/s'; '' = any",
    ),
)


def confetti_check(
    imagename="",
    outfile="",
    chans="",
    nsigma=2.5,
    narrowness=0.5,
    unsupported=3.0,
    surround=-0.8,
    known="",
    cleanmask="channel",
    writestats=False,
    report=True,
    npanels=8,
    reader="auto",
    parallel=True,
    memory=1.0,
    overwrite=False,
    proof="",
    fitsmask=False,
    candidatemask=False,
    deconvolve="suspicious",
    minutes=10.0,
    record="",
    linewidth="",
):
    """
    Find the fake sources that CLEAN put into the model of a spectral-line cube.

    CLEAN sometimes writes "confetti" into the model of a spectral-line cube: in a single channel, one very bright pixel
    that a faint, extended surround cancels in the residual. The residual looks fine, but the restored image shows a
    point source that the visibilities do not support. confetti_check finds these pixels in the products of tclean. It
    writes a mask image of them, a clean mask for re-cleaning the bad channels, tables of the sources and of the
    channels, and a report. The inputs are never changed.

    A narrow hot pixel is classified as confetti only if there is evidence against it, of one of four kinds. "gone": its
    channel was deconvolved again from its own products, and it did not come back. "unsupported": the image has a spike
    there at spatial frequencies that were not measured, higher than those that bright real sources in the channel may
    leave. "narrow": the source in the image is narrower in frequency than any line can be. "surround": the components
    around the hot pixel cancel at least four fifths of its flux, and yet a spike of 5 sigma, in this channel only, is
    left in the image. The last two need no PSF and work in mosaics. Without such evidence a hot pixel is a candidate:
    it is listed in the table but never masked, because a maser in one channel looks the same. A source that comes back
    when its channel is deconvolved again is real, and leaves the mask. A channel in which CLEAN diverged as a whole is
    bad too: its model components do not explain the visibilities.

    Parameters
    ----------
    imagename : str or list of str, default ''
        Root name of the images, as given to tclean; the name of the .image, .model or .residual (.tt0) is accepted too.
        Requires imagename.model, .image and .residual. Keep imagename.psf with them: it shows which spatial frequencies
        were measured; without it, this is inferred from the residual. The images may be FITS files,
        imagename.model.fits and so on, or WSClean's files, 'imagename-0000-model.fits' and so on, one for each channel.
        A list of root names, or a pattern such as 'name.????.128', stands for a cube that was imaged in pieces, which
        are checked as one spectrum.
    outfile : str, default ''
        Root name of the products (outfile.mask, outfile.cleanmask, outfile.ecsv and so on); '' means
        imagename.confetti. For a cube in pieces, a name gives one set of products for the whole cube, and '' one set
        for each piece, next to it.
    chans : str or int or list of int, default ''
        Channels to check, in the notation of imstat: '3~20;25', '>7' or '<40'; or one channel as a number, or a list of
        numbers; '' means all. The adjacent channels are still read, for comparison.
    nsigma : float, default 2.5
        Minimum contrast of a hot model pixel over its surroundings, in units of the channel rms. An isolated model
        pixel of S Jy restores to a peak of S Jy/beam, so the two can be compared directly. At most 100.
    narrowness : float, default 0.5
        Maximum fraction of the contrast that either adjacent channel may have within 3x3 pixels. An unresolved line has
        0.5 after ALMA's Hanning smoothing; confetti has less than 0.1 in most cases.
    unsupported : float, default 3.0
        Minimum height of the unsupported spike, in units of the channel rms. The unsupported spike is a point source
        within half a beam of the hot pixel that is present in this channel of the image, absent from the three channels
        on either side, and lies at spatial frequencies that were not measured, where nothing constrains the
        deconvolution. The error of the image is 1.2 to 1.5 times as large. At most 100.
    surround : float, default -0.8
        Maximum flux of the model around a hot pixel, as a fraction of its contrast: -1 if the surround cancels it
        fully. With such a surround, a spike of 5 sigma in the restored model is confetti if it has the sign of the hot
        pixel, if at least half of it remains in the image, and if neither adjacent channel has it: a real source would
        have its flux in the model. There must be nothing else in its place, and the spike must be lower than the hot
        pixel. The surround is measured from 2 pixels to 1.5 beams; wider ones, with half of the flux there, and those
        on emission, make the channel suspicious. 0: a surround is no evidence.
    known : str or 2D array_like, default ''
        Known real sources, such as masers, which are never masked: either the name of a table (text, ECSV, FITS or
        VOTable) with columns ra and dec, ra_deg and dec_deg, RAJ2000 and DEJ2000, l and b, or glon and glat, in degrees
        if they have no unit, or with a SkyCoord column; or [[RA, Dec], ...] in ICRS, each pair in degrees or as text
        like ['18:06:20.1', '-21:37:05']; a single pair is enough for one source. Nothing within 1.5 restoring beams of
        them is classified as confetti. A source with a velocity (column vlsr or velocity, LSRK, in km/s) or a frequency
        (freq or frequency, in GHz) is protected only in the channels within half of its width (column width or fwhm, in
        km/s; 5 if there is none), the others in all channels. In a list, velocity and width may follow the pair: [RA,
        Dec, '17.5km/s', '3km/s']. warnings counts those outside the image or the channels.
    cleanmask : {'channel', 'pixel', 'none'}, default 'channel'
        Clean mask to write if there is confetti. 'channel': the old clean mask, with its holes filled, in the bad
        channels, and 0 in all others, so that tclean cleans only the bad channels again. 'pixel': the old clean mask
        with a beam-sized hole at each confetti pixel; in tests with the real tclean, this made confetti worse (40 fake
        sources became 1313, or 75 with a loop gain of 0.1). 'none': no clean mask.
    writestats : bool, default False
        Write the images outfile.contrast, .narrowness, .surround, .unsupported, .spike, .residual and .difference,
        which show the statistics at the narrow hot pixels and are 0 elsewhere.
    report : bool, default True
        Write outfile.html, a single page with pictures and explanations that opens in any browser, even offline, and
        the regions of the fake sources for CASA and CARTA (outfile.crtf) and for DS9 (outfile.reg). This takes about a
        second, and two more for each hundred sources shown.
    npanels : int, default 8
        Number of fake sources to show in the report with maps and spectra: first the worst one of each bad channel,
        then the others. The report also shows a quarter as many candidates, which are not masked.
    reader : {'auto', 'ia'}, default 'auto'
        How to read pixels. 'auto': from the files on disk if all images are stored in plain tiles or as plain FITS,
        which is 8 times faster and lets many cores work at once; otherwise through the image tool. 'ia': always through
        the image tool. The results are the same.
    parallel : bool or int, default True
        Number of threads. True: the workers of the dask.distributed client that is active in this session or, if there
        is none, one thread per core. False: one thread. The results are the same.
    memory : float, default 1.0
        Memory to use in each process on top of what CASA itself needs, in GB. With less memory, less is read at once
        and fewer cores filter planes at the same time. The results are the same.
    overwrite : bool, default False
        Replace the products of an earlier run. If False, an existing product is an error.
    proof : str, default ''
        Table that confetti_reclean wrote about the channels that it cleaned again. Channels acquitted there, and
        unchanged since, are not suspicious; sources proved to be real are not confetti as long as the model of their
        channel is one of the two that were compared; and the report shows the images before and after. '' means
        imagename.proof.ecsv if it exists.
    fitsmask : bool, default False
        Also write the masks as FITS files, outfile.mask.fits and, with a clean mask, outfile.cleanmask.fits, for
        programs that cannot read CASA images.
    candidatemask : bool, default False
        Also write outfile.candidates.mask, for looking at all candidates in a viewer: 1 at every narrow hot pixel that
        is neither confetti nor near a known source. It is not meant for cleaning: nothing in it is known to be fake.
    deconvolve : {'suspicious', 'all', 'none'}, default 'suspicious'
        Channels to deconvolve again from their own products, without visibilities: a fake source does not come back, a
        real one does. 'suspicious': if any channel is suspicious or bad, first these, in order of suspicion, and then
        as many others as the time allows; what is gone is confetti, and channels that come out the same are acquitted.
        'all': all channels that were cleaned, however long that takes. 'none': no channel. Needs imagename.psf, and
        CASA 6.5.2 or later.
    minutes : float, default 10.0
        Time for deconvolving channels again, in minutes; the log predicts how much is needed. Channels that it does not
        suffice for stay suspicious.
    record : str or dict or list of str, default ''
        The dictionary that tclean returned, or the name of a file with it, written by json.dump or numpy.save. It
        contains the peak residual of each channel after each minor cycle and, with fullsummary=True, before it:
        channels in which the peak rose by half in a cycle are suspicious, whatever the images look like. Give a list of
        dictionaries for the pieces of a cube, in the order of their channels, or for several runs of tclean that made
        the same channels.
    linewidth : str or float, default ''
        FWHM of the narrowest line that you expect, like '0.5km/s' or '50kHz', or a number in km/s; '' means any. A
        source that is narrower in the image by 3 sigma is confetti, except near the known sources: give masers as
        known. Without it, if the correlation of the noise shows that channels were not averaged after the correlator's
        Hanning window, a source that is narrower by 5 sigma than any line can be is confetti.

    Returns
    -------
    dict
        What was found. Names of products that were not written are ''. For a cube in pieces with outfile='', the names
        are lists with one name for each piece.

        verdict : {'confetti', 'suspicious', 'clean', 'not applicable'}
            Verdict on the cube: 'confetti' if a channel is bad; 'suspicious' if none is bad, but one may hide a fake
            source, or was cleaned and has no valid neighbour to compare with; 'clean' if there is neither; 'not
            applicable' if nothing was cleaned, no channel could be checked, or the images do not belong together.
        npixels : int
            Number of confetti pixels.
        nsources : int
            Number of fake sources.
        ncandidates : int
            Number of candidates, which are not masked.
        evidence : dict of int
            Number of fake sources with each kind of evidence, 'gone', 'unsupported', 'narrow' and 'surround'.
        channels : list of int
            Bad channels: those with confetti, and those in which CLEAN diverged. For a cube in pieces, channels are
            counted from the first piece.
        severities : list of float
            Severity of the worst fake source in each bad channel, in units of the channel rms.
        chans : str
            The bad channels as text, e.g. '17~18;20', for chans of imstat and of both tasks.
        diverged : list of int
            Bad channels in which CLEAN diverged as a whole.
        suspects : list of int
            Suspicious channels, the most suspicious first: they are not bad, but may hide a fake source.
        suspectchans : str
            The suspicious channels as text.
        limit : float or None
            Completeness limit: height of a fake source that is found with a probability of 90 %, in units of the
            channel rms, the median of all channels. None if the uv coverage is unknown.
        severity : float
            Severity of the worst fake source, in units of the channel rms; 0 if there is none.
        reliability : float or None
            Fraction of the fake sources at which the image is expected to be wrong by 3 sigma and more; None if there
            are none.
        flux : float
            Flux of all fake sources in Jy, each counted as positive.
        mask : str or list of str
            Name of the mask image.
        cleanmask : str or list of str
            Name of the clean mask.
        candidatemask : str or list of str
            Name of the mask of the candidates.
        table : str or list of str
            Name of the table of sources.
        channeltable : str or list of str
            Name of the table of channels.
        report : str or list of str
            Name of the HTML report.
        warnings : list of str
            What to know before trusting the result, one sentence each.

    Raises
    ------
    ValueError
        If an argument is not valid; if an image is missing, damaged, on another grid than the model, or changes during
        the check; if a product exists and overwrite is False; or if another run is writing the same products.
    OSError
        If the disk is full; earlier products are then left as they were.

    See Also
    --------
    confetti_reclean : Clean the bad channels again.
    confetti_plot : Draw maps and spectra around one source.

    Examples
    --------
    >>> result = confetti_check(imagename="myfield_B3_spw1_12M_n2hp")
    >>> if result["verdict"] in ("confetti", "suspicious"):
    ...     print(result["chans"], result["severity"], result["suspectchans"])

    A mask does not remove what is already in the model; confetti_reclean cleans the bad and the suspicious channels
    again, and lets the data decide about the suspicious ones.
    """
    return call_task("confetti_check", PARAMETERS, locals())
