# Written by scripts/generate_tasks.py from xml/confetti_reclean.xml: change the XML and run the script again.
"""Clean the bad channels of a spectral cube again, as tclean was called."""

from .private.call_task import Parameter, call_task

SUMMARY = "Clean the bad channels of a spectral cube again, as tclean was called"

PARAMETERS = (
    Parameter(
        name="imagename",
        type="string",
        default="",
        allowed=(),
        summary="Root name of the images, as given to tclean",
    ),
    Parameter(
        name="confetti",
        type="string",
        default="",
        allowed=(),
        summary="Root name of the products of confetti_check; '' = imagename.confetti",
    ),
    Parameter(
        name="outname",
        type="string",
        default="",
        allowed=(),
        summary="Root name of the new images; '' = imagename_reclean",
    ),
    Parameter(
        name="chans",
        type="string",
        default="",
        allowed=(),
        summary="Channels to clean again, like '3~20;25'; '' = the bad ones",
    ),
    Parameter(
        name="vis",
        type="any",
        default="",
        allowed=(),
        summary="MeasurementSets, where they are not where tclean found them",
    ),
    Parameter(
        name="parameters",
        type="any",
        default="",
        allowed=(),
        summary="Dictionary of parameters of tclean that are not as recorded",
    ),
    Parameter(
        name="startmodel",
        type="string",
        default="zero",
        allowed=("zero", "interpolate"),
        summary="Model that bad channels start from: zero or interpolate",
    ),
    Parameter(
        name="method",
        type="string",
        default="auto",
        allowed=("auto", "subcubes", "cube"),
        summary="What to image: subcubes, cube, or auto for what costs less",
    ),
    Parameter(
        name="gain",
        type="double",
        default=0.1,
        allowed=(),
        summary="Largest loop gain",
    ),
    Parameter(
        name="rounds",
        type="int",
        default=3,
        allowed=(),
        summary="How often to clean, when more bad channels show",
    ),
    Parameter(
        name="dryrun",
        type="bool",
        default=False,
        allowed=(),
        summary="Prepare everything and write the script, but do not run it",
    ),
    Parameter(
        name="overwrite",
        type="bool",
        default=False,
        allowed=(),
        summary="Replace the images of an earlier confetti_reclean",
    ),
)


def confetti_reclean(
    imagename="",
    confetti="",
    outname="",
    chans="",
    vis="",
    parameters="",
    startmodel="zero",
    method="auto",
    gain=0.1,
    rounds=3,
    dryrun=False,
    overwrite=False,
):
    """
    Clean the bad channels of a spectral cube again, as tclean was called.

    confetti_reclean mends a cube in which confetti_check found confetti: it reads the parameters of tclean from the
    history of the image, and runs tclean again on the bad channels alone, from a model that is empty there and with a
    loop gain of 0.1 at most. All other channels keep their model. The result is a complete set of images of a new name;
    the old images and the data are never changed. Then it checks the new cube.

    Parameters
    ----------
    imagename : string
        Root name of the images, as given to tclean. The name of the .image, .model or .residual works too. Needed are
        imagename.model, .image and .residual; with .psf beside them the data are compared by it too.
    confetti : string
        Root name of the products of confetti_check: its tables say which channels are bad, and its clean mask where to
        clean in them. '' means imagename.confetti.
    outname : string
        Root name of the new images outname.model, .residual, .image, .psf, .pb and so on, of outname.reclean.py, which
        is the run of tclean as a script, and of outname.confetti, the check of the new images. '' means
        imagename_reclean.
    chans : string
        Channels to clean again, in the notation of imstat: '3~20;25', '>7', '<40'; '' means those that confetti_check
        calls bad.
    vis : any
        Name of the MeasurementSet, or list of names, where they are not where they were when tclean made the images, or
        where the history does not name them.
    parameters : any
        Dictionary of parameters of tclean that take the place of the recorded ones, {'threshold': '20mJy'} say; what
        the remedy changes is changed in them too. Where the history of the image has no run of tclean (after a
        concatenation, or from FITS): all parameters that tclean was called with.
    startmodel : string
        What the bad channels start from. 'zero': from nothing but what good channels all over the cube have in common,
        as a start model of the continuum is. 'interpolate': from the nearest good channels on either side; measured, it
        leaves errors up to twice as large.
    method : string
        What tclean images. 'subcubes': only the bad channels and those beside them, which are put into copies of the
        old images. 'cube': the full cube, with a clean mask that holds only the bad channels. 'auto': sub-cubes where
        they cost at most half of the cube, and the full cube where the sub-cubes do not reproduce the old PSF and
        residual.
    gain : double
        Largest loop gain; a smaller one that was recorded is kept. High gain on bright extended emission is what makes
        confetti; none came back with 0.1.
    rounds : int
        Bad channels beside bad channels may show only when these are mended. All of them are then cleaned again, from
        the old images, up to this number of times in all; once where chans is given.
    dryrun : bool
        Write the start models, the clean masks and outname.reclean.py, and do not run it. It can be run later, or on
        another machine that has the same files: casa -c outname.reclean.py. It does one round, in the way that was
        chosen.
    overwrite : bool
        Replace the images of an earlier confetti_reclean, and what an interrupted one left. Images that it did not
        write are never replaced.

    Returns
    -------
    dict
        Dictionary: imagename (root name of the good images: outname, or imagename where nothing is bad), method
        ('subcubes', 'cube', 'none'), channels and chans (cleaned again), script, before and after (each a dictionary
        with verdict, nsources, channels, chans, severity, flux of the fake sources and model_flux of the channels
        cleaned again in Jy, residual: its peak within the clean mask of these channels, in Jy/beam), seconds, warnings.

    Examples
    --------
    >>> result = confetti_check(imagename='G008.67_B3_spw1_12M_n2hp')
    >>> if result['verdict'] == 'confetti':
    ...     mended = confetti_reclean(imagename='G008.67_B3_spw1_12M_n2hp')
    ...     print(mended['imagename'], mended['before']['severity'], mended['after']['severity'])

    What is changed of the recorded parameters, and why, stands beside each of them in outname.reclean.py. Nothing else
    is changed.
    """
    return call_task("confetti_reclean", PARAMETERS, locals())
