# Written by scripts/generate_tasks.py from xml/confetti_check.xml: change the XML and run the script again.
"""Find the fake sources that CLEAN wrote into the model of a spectral cube."""

from .private.call_task import Parameter, call_task

SUMMARY = "Find the fake sources that CLEAN wrote into the model of a spectral cube"

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
        type="string",
        default="",
        allowed=(),
        summary="Channels to check, like '3~20;25'; '' = all",
    ),
    Parameter(
        name="nsigma",
        type="double",
        default=2.5,
        allowed=(),
        summary="Smallest contrast of a hot pixel, in noise of its channel",
    ),
    Parameter(
        name="narrowness",
        type="double",
        default=0.5,
        allowed=(),
        summary="Largest part of a hot pixel that a neighbouring channel may have",
    ),
    Parameter(
        name="unsupported",
        type="double",
        default=3.0,
        allowed=(),
        summary="Least height of a point source that the data do not hold, in noise",
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
        summary="Clean mask to write for cleaning again: channel, pixel or none",
    ),
    Parameter(
        name="writestats",
        type="bool",
        default=False,
        allowed=(),
        summary="Write the statistics of the hot pixels as images, for viewing",
    ),
    Parameter(
        name="report",
        type="bool",
        default=True,
        allowed=(),
        summary="Write a page to look at, and regions for viewers",
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
        summary="How pixels are read: auto, or ia for the image tool only",
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
        summary="GB of memory to use in each process",
    ),
    Parameter(
        name="overwrite",
        type="bool",
        default=False,
        allowed=(),
        summary="Replace products of an earlier run",
    ),
)


def confetti_check(
    imagename="",
    outfile="",
    chans="",
    nsigma=2.5,
    narrowness=0.5,
    unsupported=3.0,
    known="",
    cleanmask="channel",
    writestats=False,
    report=True,
    npanels=8,
    reader="auto",
    parallel=True,
    memory=1.0,
    overwrite=False,
):
    """
    Find the fake sources that CLEAN wrote into the model of a spectral cube.

    CLEAN sometimes writes "confetti" into the model of a spectral cube: in one channel a single very bright pixel that
    a faint extended surround cancels in the residual. The residual looks fine, and the image shows a point source that
    the data do not hold. confetti_check finds these pixels in the products of tclean and writes a mask image of them, a
    clean mask for cleaning the bad channels again, and a table. The inputs are never changed.

    Parameters
    ----------
    imagename : any
        Root name of the images, as given to tclean. The name of the .image, .model or .residual (.tt0) works too.
        Needed are imagename.model, .image and .residual; with imagename.psf beside them the finds are tested against
        the data. A list of root names, or a pattern like 'name.????.128', is a cube that was imaged in pieces: they are
        checked as one spectrum.
    outfile : string
        Root name of the products outfile.mask, outfile.cleanmask and outfile.ecsv; '' means imagename.confetti. Of a
        cube in pieces: one set of products for the whole, or with '' one for each piece, beside it.
    chans : string
        Channels to check, in the notation of imstat: '3~20;25', '>7', '<40'; '' means all. The channels next to them
        are still read, to compare with.
    nsigma : double
        Smallest contrast of a hot model pixel over its surroundings, in units of the noise of its channel. A lone model
        pixel of S Jy restores to a peak of S Jy/beam, so the two compare directly.
    narrowness : double
        Largest part of the contrast that the channel before or after may have within 3x3 pixels. An unresolved line
        after ALMA's Hanning smoothing has 0.5, confetti less than 0.1 in most cases.
    unsupported : double
        Least height of the unsupported spike, in units of the noise of its channel: a point source within half a beam
        of the hot pixel that this channel of the image has, the three channels on either side have not, and that lies
        in the spatial frequencies that the data do not hold, where deconvolution can invent what it likes. The errors
        of the image are 1.2 to 1.5 times as large. Needs imagename.psf.
    known : any
        Known real sources, masers say, which are never masked: the name of a table with columns ra and dec (text, ECSV,
        FITS or VOTable; degrees where no unit is given), or [[RA, Dec], ...] in degrees or as text like ['18:06:20.1',
        '-21:37:05']. Nothing within a restoring beam of them is called confetti, in any channel.
    cleanmask : string
        Clean mask to write where there is confetti. 'channel': the old clean mask, with its holes filled, in the
        channels with confetti, 0 in all others, so that tclean cleans only the bad channels again. 'pixel': the old
        clean mask without a beam-sized hole around each confetti pixel; measured with the real tclean this makes
        confetti worse (40 fake sources became 1313, or 75 at gain 0.1). 'none': not written.
    writestats : bool
        Write the images outfile.contrast, .narrowness, .surround, .unsupported, .spike and .residual: the statistics at
        the narrow hot pixels, 0 elsewhere.
    report : bool
        Write outfile.html, one page with pictures and reasons that opens in any browser without a network, and the
        regions of the fake sources for CASA and CARTA (outfile.crtf) and for DS9 (outfile.reg). Takes one or two
        seconds, and half a second for each find it shows.
    npanels : int
        Number of fake sources to show in the report with maps and spectra: the worst of each bad channel first, then
        the others. A quarter as many of the candidates that are not masked are shown too.
    reader : string
        How pixels are read. 'auto': from the tiles on disk where all images are stored so, which is 8 times faster and
        lets many cores work; else through the image tool. 'ia': through the image tool only. The results are the same.
    parallel : any
        Number of threads. True: the workers of the dask.distributed client that is active in this session, or where
        there is none a thread on each core; False: one thread. The results are the same.
    memory : double
        Memory to use in each process beside what CASA itself takes, in GB: with less, less is read at once and fewer
        cores filter planes at once. The results are the same.
    overwrite : bool
        Replace products of an earlier run. Without it an existing product is an error.

    Returns
    -------
    dict
        Dictionary: verdict ('confetti', 'clean' or 'not applicable'), npixels (confetti pixels), nsources, ncandidates,
        channels (the bad ones), severities (of the worst fake source in each of them, in noise), chans (the bad
        channels as text), diverged (those of them in which CLEAN diverged as a whole), severity (of the worst fake
        source), flux (of all fake sources, each counted positive, in Jy), mask, cleanmask, table, channeltable and
        report (names of the products, '' where not written; lists of them for pieces), warnings.

    Examples
    --------
    A narrow hot pixel is called confetti when there is evidence against it: the image has a spike there in the
    spatial frequencies that the data do not hold, or the model cancels at least four fifths of the hot pixel by what
    surrounds it and yet restores a spike. Without such evidence it is a candidate: in the table, never in the mask,
    because a maser in one channel looks just like that.

    Channels in which CLEAN diverged as a whole are bad too: there the components of the model do not explain the data.

    >>> result = confetti_check(imagename='G008.67_B3_spw1_12M_n2hp')
    >>> if result['verdict'] == 'confetti':
    ...     print(result['chans'], result['severity'])

    A mask does not remove what is already in the model: confetti_reclean mends the cube.
    """
    return call_task("confetti_check", PARAMETERS, locals())
