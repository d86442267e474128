"""
How an ALMA-IMF imaging script checks each line cube right after tclean, mends it, and delivers the good one.

    casa -c alma_imf.py

The only new lines are those between "check" and "end of check".
"""

import glob
import os
import shutil

from casatasks import casalog, exportfits, impbcor, tclean

from confetti_task import confetti_check, confetti_reclean

VIS = ["G008.67_B3_spw1_12M_n2hp.ms"]
IMAGENAME = "G008.67_B3_spw1_12M_n2hp"
RELEASE = "release"
IMAGING = {
    "specmode": "cube",
    "outframe": "LSRK",
    "imsize": [2520, 2520],
    "cell": "0.07arcsec",
    "phasecenter": "ICRS 18h06m21.12s -21d37m16.7s",
    "gridder": "mosaic",
    "deconvolver": "multiscale",
    "scales": [0, 5, 15],
    "weighting": "briggs",
    "robust": 0.0,
    "pblimit": 0.2,
    "usemask": "pb",
    "pbmask": 0.25,
    "gain": 0.08,
    "cyclefactor": 2.0,
    "threshold": "30mJy",
}


def image_line(vis, imagename, imaging, release, niter=500000):
    """
    Image one line, check its model, mend it, and move the products to the release.

    Parameters
    ----------
    vis : list of str
        MeasurementSets.
    imagename, release : str
        Root name of the images, and folder for what is delivered.
    imaging : dict
        Parameters for tclean.
    niter : int
        Iterations of the clean.

    Returns
    -------
    dict
        What `confetti_reclean` says: ``imagename`` is the root name of the good images.

    Raises
    ------
    ValueError
        If the release has products of that name already.
    """
    if any(glob.glob(os.path.join(release, name + ".*")) for name in (imagename, imagename + "_reclean")):
        raise ValueError(f"{release} has products of {imagename} already; move them away first")
    tclean(vis=vis, imagename=imagename, niter=niter, calcres=True, **imaging)
    # The last tclean of a cube: a residual that belongs to the final model.
    tclean(vis=vis, imagename=imagename, niter=0, calcpsf=False, calcres=True, **imaging)

    # check
    confetti_check(imagename=imagename, overwrite=True)
    result = confetti_reclean(imagename=imagename, overwrite=True)  # does nothing where no channel is bad or suspicious
    for warning in result["warnings"]:
        casalog.post(f"{imagename}: {warning}", "WARN")
    good = os.path.relpath(result["imagename"])  # imagename where it was good, else imagename_reclean
    # end of check

    impbcor(imagename=good + ".image", pbimage=good + ".pb", outfile=good + ".image.pbcor", overwrite=True)
    exportfits(imagename=good + ".image.pbcor", fitsimage=good + ".image.pbcor.fits", overwrite=True)
    os.makedirs(release, exist_ok=True)
    observations = [os.path.abspath(name) for name in vis]
    # Where suspicious channels were acquitted the old images are good, and the proof of that is next to them.
    for root in {good, imagename + "_reclean"}:
        for product in sorted(glob.glob(glob.escape(root) + ".*")):
            if os.path.abspath(product) not in observations:
                shutil.move(product, os.path.join(release, os.path.basename(product)))
    return result


if __name__ == "__main__":
    image_line(VIS, IMAGENAME, IMAGING, RELEASE)
