# Written by scripts/generate_tasks.py from xml/confetti_reclean.xml: change the XML and run the script again.
"""Clean bad and suspicious channels of a spectral-line cube again, and let the data decide."""

from .private.call_task import Parameter, call_task

SUMMARY = "Clean bad and suspicious channels of a spectral-line cube again, and let the data decide"

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
        type="any",
        default="",
        allowed=(),
        summary="Channels to clean again, e.g. '3~20;25'; '' = bad and suspicious ones",
    ),
    Parameter(
        name="vis",
        type="any",
        default="",
        allowed=(),
        summary="MeasurementSets, if they are no longer where tclean read them",
    ),
    Parameter(
        name="parameters",
        type="any",
        default="",
        allowed=(),
        summary="Dictionary of tclean parameters that replace the recorded ones",
    ),
    Parameter(
        name="startmodel",
        type="string",
        default="zero",
        allowed=("zero", "interpolate"),
        summary="Start model of the bad channels: zero or interpolate",
    ),
    Parameter(
        name="method",
        type="string",
        default="auto",
        allowed=("auto", "subcubes", "cube", "image"),
        summary="What to image: subcubes, cube, image (without visibilities) or auto",
    ),
    Parameter(
        name="gain",
        type="double",
        default=0.1,
        allowed=(),
        summary="Maximum loop gain",
    ),
    Parameter(
        name="rounds",
        type="int",
        default=3,
        allowed=(),
        summary="Maximum number of rounds, if more bad channels appear",
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
    Parameter(
        name="suspects",
        type="bool",
        default=True,
        allowed=(),
        summary="Clean suspicious channels again too, and let the data decide about them",
    ),
    Parameter(
        name="budget",
        type="double",
        default=0.5,
        allowed=(),
        summary="Maximum total cost with suspicious channels, as a fraction of a full clean",
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
    suspects=True,
    budget=0.5,
):
    """
    Clean bad and suspicious channels of a spectral-line cube again, and let the data decide.

    confetti_reclean repairs a cube in which confetti_check found confetti. It reads tclean's parameters from the
    history of the image and runs tclean again on the bad and the suspicious channels only, starting from a model that
    is empty there and with a loop gain of at most 0.1. Then the data decide: a suspicious channel that comes out the
    same is acquitted and keeps its old planes; a source that is gone was fake. All other channels keep their model. If
    the visibilities are not at hand, channels are deconvolved again from their own images instead. The result is a
    complete set of images under a new name, which is then checked; the old images and the visibilities are never
    changed.

    Parameters
    ----------
    imagename : str, default ''
        Root name of the images, as given to tclean; the name of the .image, .model or .residual is accepted too.
        Requires imagename.model, .image and .residual. If imagename.psf exists, it serves to verify that the
        visibilities are the same.
    confetti : str, default ''
        Root name of the products of confetti_check: its tables list the bad channels, and its clean mask defines where
        to clean in them. '' means imagename.confetti.
    outname : str, default ''
        Root name of the new images (outname.model, .residual, .image, .psf, .pb and so on), of outname.reclean.py, the
        tclean run as a script, and of outname.confetti, the check of the new images. '' means imagename_reclean.
    chans : str or int or list of int, default ''
        Channels to clean again, in the notation of imstat: '3~20;25', '>7' or '<40'; or one channel as a number, or a
        list of numbers; all of them get new planes. '' means those that confetti_check found to be bad or suspicious.
    vis : str or list of str, default ''
        Name of the MeasurementSet, or list of names, if they have moved since tclean made the images, or if the history
        does not name them.
    parameters : dict, default ''
        Dictionary of tclean parameters that replace the recorded ones, e.g. {'threshold': '20mJy'}; the changes that
        re-cleaning requires are applied to them too. If the history of the image contains no tclean run (after a
        concatenation, or from FITS), give all parameters that tclean was called with.
    startmodel : {'zero', 'interpolate'}, default 'zero'
        Start model of the bad channels. 'zero': empty, except for what good channels all over the cube have in common,
        such as a continuum start model. 'interpolate': interpolated from the nearest good channels on either side; in
        tests, this left errors up to twice as large.
    method : {'auto', 'subcubes', 'cube', 'image'}, default 'auto'
        What tclean images. 'subcubes': only the bad channels and their neighbours, which are then inserted into copies
        of the old images. 'cube': the full cube, with a clean mask that covers only the bad channels. 'image': nothing;
        these channels are deconvolved again from their own residual, model and PSF, without visibilities and history,
        whether the images are tclean's, FITS files or WSClean's; gain, startmodel, vis and parameters have no effect.
        'auto': sub-cubes if they cost at most half as much as the full cube; the full cube otherwise, and if the
        sub-cubes do not reproduce the old PSF and residual; 'image', with a warning, if the history or a MeasurementSet
        is missing or the images are FITS files, unless vis or parameters are given.
    gain : float, default 0.1
        Maximum loop gain; a smaller recorded one is kept. Confetti is caused by a high gain on bright extended
        emission; none came back with 0.1.
    rounds : int, default 3
        Maximum number of rounds of cleaning. Some bad channels become visible only after their bad neighbours have been
        repaired; all of them are then cleaned again, from the old images. If chans is given, there is only one round.
    dryrun : bool, default False
        Write the start models, the clean masks and outname.reclean.py, but do not run it. Run it later, or on another
        machine that has the same files, with casa -c outname.reclean.py. It does one round, with the method chosen
        here. With method='image', nothing is written; the log describes what would be done.
    overwrite : bool, default False
        Replace the images of an earlier confetti_reclean, and whatever an interrupted one left behind. Images that it
        did not write are never replaced.
    suspects : bool, default True
        Also clean suspicious channels again, the most suspicious first. If the new image shows the same as the old one,
        the channel is acquitted and keeps its old planes. If a source of the old image is gone, it is proved to be
        fake, and the channel gets the new planes. Has no effect if chans is given.
    budget : float, default 0.5
        Suspicious channels are cleaned again as long as everything together costs no more than this fraction of a full
        clean, or no more than the bad channels alone. A tenth of the channels of the cube are cleaned in any case. The
        log lists the channels left over.

    Returns
    -------
    dict
        What was done.

        imagename : str
            Root name of the good images: the new ones, or the old ones if no channel was replaced; then there are no
            new images, only the proof.
        method : {'subcubes', 'cube', 'image', 'none'}
            What was imaged; 'image' if channels were deconvolved again from their own images, 'none' if nothing was
            done.
        channels : list of int
            Channels that were cleaned again, acquitted ones too.
        chans : str
            The same channels as text, e.g. '17~18;20'.
        script : str
            Name of the script; '' if nothing was imaged.
        proof : dict or None
            What the comparison of the images before and after showed; None after a dry run, or if nothing was imaged.

            table : str
                Name of the table of the finds: heights in the old and the new image, and of their difference.
            mask : str
                Name of the mask of the proved fake sources.
            proved : int
                Number of proved fake sources: gone after their channel was cleaned again.
            changed : int
                Number of sources that are still there, but differ by 4 sigma.
            open : int
                Number of places where the new image has a source that the visibilities do not support.
            real : int
                Number of sources that are still there, and the same.
            condemned : list of int
                Suspicious channels with a proved fake source, or with a changed one, which have the new planes.
            acquitted : list of int
                Suspicious channels that came out the same when they were cleaned again: they keep their old planes, bit
                for bit.
            undecided : list of int
                Suspicious channels about which the data could not decide: they keep their old planes.
            leftover : list of int
                Suspicious channels that were not cleaned again, for lack of budget.
        before : dict or None
            The old cube; None after a dry run, or if nothing was imaged.

            verdict : {'confetti', 'suspicious', 'clean', 'not applicable'}
                Verdict on the cube.
            nsources : int
                Number of fake sources.
            channels : list of int
                Bad channels: those with confetti, and those in which CLEAN diverged.
            chans : str
                The bad channels as text.
            diverged : list of int
                Bad channels in which CLEAN diverged as a whole.
            suspects : list of int
                Suspicious channels, the most suspicious first.
            severity : float
                Severity of the worst fake source, in units of the channel rms; 0 if there is none.
            flux : float
                Flux of all fake sources in Jy, each counted as positive.
            model_flux : float
                Flux of the model in the channels that were cleaned again, in Jy.
            residual : float
                Peak of the absolute residual within the clean mask of these channels, in Jy/beam.
        after : dict or None
            The new cube, with the same keys and one more; None if before is None.

            noise : float
                Median channel rms, in Jy/beam.
        seconds : float
            Elapsed time in seconds; 0 after a dry run, or if nothing was imaged.
        warnings : list of str
            What to know before trusting the new cube, and what to do next, one sentence each.

    Raises
    ------
    ValueError
        If an argument is not valid; if an image, a table of confetti_check or a given MeasurementSet is missing; if the
        model is not the one that was checked; if tclean was to run and the history does not contain its call; if
        channels cannot be deconvolved again for lack of a PSF; if there is too little disk space; if images of that
        name exist and overwrite is False; or if the images that tclean made do not continue the old ones.
    RuntimeError
        If tclean itself fails, or the process that deconvolves.

    See Also
    --------
    confetti_check : Find the bad channels.
    finish_reclean : Put the new images in place if only that failed.

    Examples
    --------
    >>> result = confetti_check(imagename="myfield_B3_spw1_12M_n2hp")
    >>> if result["verdict"] in ("confetti", "suspicious"):
    ...     mended = confetti_reclean(imagename="myfield_B3_spw1_12M_n2hp")
    ...     print(mended["imagename"], mended["proof"]["proved"], mended["after"]["verdict"])

    In outname.reclean.py, every parameter that differs from the recorded call has the old value and the reason for the
    change next to it. All others are as recorded.
    """
    return call_task("confetti_reclean", PARAMETERS, locals())
