"""
Clean one major cycle at a time, and take back those in which a channel goes wrong.

    casa -c guarded_clean.py

It needs a CASA whose tclean has nmajor and fullsummary. Each major cycle starts tclean anew, which takes longer where
there are many visibilities.
"""

import os
import shutil

from casatasks import casalog, tclean

from confetti_task import rising_channels

VIS = ["G008.67_B3_spw1_12M_n2hp.ms"]
IMAGENAME = "G008.67_B3_spw1_12M_n2hp"
IMAGING = {
    "specmode": "cube",
    "imsize": [2520, 2520],
    "cell": "0.07arcsec",
    "deconvolver": "multiscale",
    "scales": [0, 5, 15],
    "usemask": "pb",
    "pbmask": 0.25,
    "threshold": "30mJy",
    "niter": 500000,
}
NMAJOR_REACHED = 9  # tclean's stop code


def guarded_clean(vis, imagename, imaging, gain=0.1, least_gain=0.01):
    """
    Clean, and go on with half the loop gain from the model before, where the peak residual rises in a channel.

    Parameters
    ----------
    vis : list of str
        MeasurementSets.
    imagename : str
        Root name of the images.
    imaging : dict
        Parameters for tclean, with niter.
    gain, least_gain : float
        Loop gain to begin with, and that with which the clean ends for good.

    Returns
    -------
    gain : float
        Loop gain in the end.
    """
    model, kept = imagename + ".model", imagename + ".kept"
    tclean(vis=vis, imagename=imagename, **dict(imaging, niter=0))
    record, calcres = {"stopcode": NMAJOR_REACHED}, False
    while record["stopcode"] == NMAJOR_REACHED and gain >= least_gain:
        shutil.copytree(model, kept)
        cycle = dict(imaging, gain=gain, nmajor=1, calcpsf=False, calcres=calcres, fullsummary=True)
        record = tclean(vis=vis, imagename=imagename, **cycle)
        rising = rising_channels(record)
        if rising:
            shutil.rmtree(model)
            os.rename(kept, model)
            gain, record = gain / 2, {"stopcode": NMAJOR_REACHED}
            casalog.post(f"The peak residual rises in channels {rising}: back by a major cycle, and on at {gain:.3f}")
        else:
            shutil.rmtree(kept)
        calcres = bool(rising)  # the residual on disk is that of the model that was taken back
    tclean(vis=vis, imagename=imagename, **dict(imaging, niter=0, calcpsf=False))
    return gain


if __name__ == "__main__":
    guarded_clean(VIS, IMAGENAME, IMAGING)
