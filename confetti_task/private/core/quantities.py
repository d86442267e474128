"""
Registry of all measured quantities of hot pixels and channels, one entry each.

These entries define the records in which the quantities are kept, the columns of the tables with their units and
descriptions, the columns of the HTML report, the images of ``writestats``, and the reference page of the columns.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quantity:
    """
    A measured quantity.

    Attributes
    ----------
    name : str
        Name of the field and of the column.
    dtype : str
        Type of the field; '' for a column that is computed when the tables are made.
    unit : str
        Unit of the column; '' if it has none.
    description : str
        Description in the header of the table; '' for a field that is not in the tables.
    heading : str
        Heading of the column in the HTML report; '' if it is not shown there.
    shown_in : str
        Unit in the report, or a remark.
    form : str
        Format of the number in the report.
    image : bool
        Whether ``writestats`` writes it as an image.
    """

    name: str
    dtype: str = ""
    unit: str = ""
    description: str = ""
    heading: str = ""
    shown_in: str = ""
    form: str = ""
    image: bool = False


# Where a hot pixel or a find is.
PLACE = (
    Quantity("polarization", "i4"),
    Quantity("channel", "i4", description="channel number, from 0", heading="channel", form="d"),
    Quantity(
        "frequency",
        unit="GHz",
        description="frequency of the channel, in the frame of the cube",
        heading="frequency",
        shown_in="GHz",
        form=".6f",
    ),
    Quantity(
        "velocity",
        unit="km/s",
        description="velocity of the channel, radio convention",
        heading="velocity",
        shown_in="km/s",
        form=".2f",
    ),
    Quantity("stokes", description="polarization", heading="stokes"),
    Quantity("x", "i4", description="x of the worst pixel, from 0", heading="x", shown_in="pixel", form="d"),
    Quantity("y", "i4", description="y of the worst pixel, from 0", heading="y", shown_in="pixel", form="d"),
    Quantity("ra", unit="deg", description="position of the worst pixel, ICRS in any cube", heading="RA"),
    Quantity("dec", unit="deg", description="position of the worst pixel, ICRS in any cube", heading="Dec"),
)

# Quantities of a narrow hot pixel, and of the source of which it is the worst pixel.
CANDIDATE_QUANTITIES = (
    Quantity(
        "class",
        description="confetti: in the mask; candidate: not enough evidence against it; known: within 1.5 beams of a "
        "known real source; real: comes back when its channel is cleaned or deconvolved again",
        heading="class",
    ),
    *PLACE,
    Quantity("npixels", description="number of hot pixels within a restoring beam"),
    Quantity(
        "evidence",
        "U11",
        description="confetti only: gone: it does not come back when its channel is deconvolved again; unsupported: "
        "the visibilities do not support the spike; narrow: the image is narrower in frequency than any line; "
        "surround: the surround in the model cancels the flux of the hot pixel, but leaves a spike",
        heading="evidence",
    ),
    Quantity(
        "severity",
        "f4",
        description="confetti only: height of the fake source, in sigma: the height that is gone; or the unsupported "
        "spike (the error of the image is 1.2 to 1.5 times as large); or the spike of the image that is too narrow; or "
        "the spike of the restored model with a surround",
        heading="severity",
        shown_in="sigma",
        form=".1f",
    ),
    Quantity(
        "reliability",
        "f4",
        description="confetti only: fraction of the finds of this evidence and severity at which the image is wrong by "
        "3 sigma",
        heading="reliability",
        shown_in="share that is right",
        form=".2f",
    ),
    Quantity(
        "flux",
        unit="Jy",
        description="confetti only: flux density of a point source of that height",
        heading="flux",
        shown_in="mJy",
        form=".3g",
    ),
    Quantity("noise", "f4", "Jy/beam", "rms noise of the channel (sigma)"),
    Quantity("contrast", "f4", "Jy", "height of the hot pixel above its surroundings in the model", image=True),
    Quantity("significance", description="contrast, in sigma", heading="hot pixel", shown_in="sigma", form=".1f"),
    Quantity("pointlikeness", "f4", description="1 for a single pixel, 0 for one of two equally bright pixels"),
    Quantity(
        "narrowness",
        "f4",
        description="largest fraction of the contrast that a neighbouring channel has",
        heading="narrowness",
        shown_in="in a neighbour",
        form=".2f",
        image=True,
    ),
    Quantity(
        "paired",
        "?",
        description="one adjacent channel has the hot pixel too, and the channels around the two do not: never "
        "confetti if it has more than 0.8 there, but listed if it makes its channel suspicious",
    ),
    Quantity(
        "surround",
        "f4",
        description="flux in the surround of the hot pixel, as a fraction of its contrast; -1: fully compensated",
        heading="surround",
        shown_in="-1: compensated",
        form=".2f",
        image=True,
    ),
    Quantity(
        "restored",
        "f4",
        description="fraction of the hot pixel that remains in image minus residual; 1 for a real source",
    ),
    Quantity(
        "spike",
        "f4",
        description="height of a point source that only this channel of the image has, in sigma",
        heading="spike",
        shown_in="image, sigma",
        form=".1f",
        image=True,
    ),
    Quantity(
        "residual",
        "f4",
        description="residual at the hot pixel, in sigma",
        heading="residual",
        shown_in="sigma",
        form=".1f",
        image=True,
    ),
    Quantity(
        "unsupported",
        "f4",
        description="height of the spike that the visibilities do not support, in sigma; estimated, mostly to 0.3 "
        "sigma, where it is less than half of what would matter; nan if unknown",
        heading="unsupported",
        shown_in="sigma",
        form=".1f",
        image=True,
    ),
    Quantity(
        "floor",
        "f4",
        description="dynamic range: unsupported spike that a bright real source in this channel may cause here, in "
        "sigma; anything less is no evidence; 0 if no source is that bright, or if unsupported is far from evidence",
    ),
    Quantity(
        "difference",
        "f4",
        description="height of a point source within half a beam that is gone after the channel was deconvolved again, "
        "in sigma; nan if it was not deconvolved again",
        heading="gone",
        shown_in="deconvolved again, sigma",
        form=".1f",
        image=True,
    ),
    Quantity(
        "tolerance",
        "f4",
        description="difference that two deconvolutions may have here, in sigma; nan if there was only one",
    ),
    Quantity(
        "narrower",
        "f4",
        description="how far the image in the brighter adjacent channel falls short of the least that any line has "
        "there, in sigma: evidence from 5 on, from 3 on with linewidth; nan if unknown, or if an adjacent channel is "
        "missing",
    ),
    Quantity("image_height", "f4"),  # of the image above its background, Jy/beam; NaN without a channel on either side
    Quantity("brightness", "f4"),  # of the restored model, Jy/beam
    Quantity("height", "f4"),  # of the restored model above its background, Jy/beam
    Quantity("response", "f4"),  # fraction of the height of a typical error of CLEAN that is not supported
    Quantity("ambiguity", "f4", description="that of the channel, see there; from 10 on, nothing is called confetti"),
    Quantity(
        "suspicion",
        "f4",
        description="height of the fake source that may hide here, in sigma; estimated where unsupported is",
    ),
    Quantity("known", "?"),  # within 1.5 beams of a known real source, or proved to be real
    Quantity("proved", "?"),  # real: the same after its channel was cleaned again
)

# Quantities of a channel.
CHANNEL_QUANTITIES = (
    Quantity("polarization", "i4"),
    Quantity("channel", "i4", description="channel number, from 0", heading="channel", form="d"),
    Quantity("frequency", unit="GHz", description="frequency, in the frame of the cube"),
    Quantity(
        "velocity",
        unit="km/s",
        description="velocity, radio convention",
        heading="velocity",
        shown_in="km/s",
        form=".2f",
    ),
    Quantity("stokes", description="polarization", heading="stokes"),
    Quantity(
        "noise",
        "f4",
        "Jy/beam",
        "rms noise (sigma), of the channel itself or of quiet ones around it; nan if blank",
    ),
    Quantity(
        "least_noise",
        "f4",
        "Jy/beam",
        "lower limit of the rms noise: below noise where that is not known, because emission fills all channels and "
        "CLEAN has left no place without components",
    ),
    Quantity("checked", "?"),  # whether the rms is known, and that of a neighbour
    Quantity("total", "f8"),  # sum of the absolute values of the model, Jy
    Quantity("model_flux", "f8", "Jy", "total flux of the model", heading="model flux", shown_in="Jy", form=".3g"),
    Quantity(
        "components",
        "i8",
        description="number of nonzero model pixels",
        heading="components",
        shown_in="pixels",
        form="d",
    ),
    Quantity("unknown", "i8"),  # pixels of the model that are not finite
    Quantity("positive", "i4", description="number of positive hot pixels, narrow or not"),
    Quantity("negative", "i4", description="number of negative hot pixels, narrow or not"),
    Quantity(
        "switched",
        "U3",
        description="off if the model has less than a third of the flux of either neighbouring channel, and the "
        "residual has their emission; on if it has more than three times as much; no otherwise",
    ),
    Quantity(
        "shared",
        "f4",
        description="correlation of the noise with that of the next channel; nan if unknown, for example if emission "
        "is left everywhere",
    ),
    Quantity(
        "averaged",
        "i4",
        description="number of correlator channels averaged into one channel of the data, after a Hanning window, "
        "according to the correlation of the noise: 1, 2, 4, or 8 if next to none is left; 0 if unknown",
    ),
    Quantity(
        "rise",
        "f4",
        description="largest rise of the peak residual in a minor cycle, as a ratio, according to tclean's record: "
        "suspicious from 1.5 on; nan without a record",
    ),
    Quantity(
        "convergence",
        "f4",
        description="at least 1 if CLEAN converged; less if it diverged, or if the model is little more than a fake "
        "source; negative if an empty model would fit the visibilities better; -inf: model or images not finite; nan: "
        "not measured, because there is no sign of trouble",
        heading="convergence",
        shown_in="at least 1 if CLEAN converged",
        form=".2f",
    ),
    Quantity("diverged", "?"),
    Quantity("response", "f4"),  # as for hot pixels
    Quantity(
        "limit",
        "f4",
        description="height of a fake source that the check finds with a probability of 90 %, in sigma; nan if the "
        "coverage is unknown",
        heading="limit",
        shown_in="found with 90 %, sigma",
        form=".1f",
    ),
    Quantity(
        "ambiguity",
        "f4",
        description="number of places at which a source would fit the data of the channel nearly as well: area where "
        "the PSF has at least 0.9 of its peak, in restoring beams; about 1 if there are enough data; nan without PSF, "
        "or if nothing was cleaned",
    ),
    Quantity("ambiguous", "?"),
    Quantity(
        "deconvolved",
        "U9",
        description="how the channel came out when it was deconvolved again from its own products: converged, stopped "
        "short of that, or diverged; no if it was not deconvolved again",
    ),
    Quantity(
        "gone",
        "f4",
        description="largest height that is gone at a hot pixel after the channel was deconvolved again, as a fraction "
        "of the difference that two deconvolutions may have there: bad from 1 on, suspicious from 0.75 on; nan if it "
        "was not deconvolved again",
    ),
    Quantity("suspicious", "?"),
    Quantity("acquitted", "?"),  # it was suspicious, and is the same after cleaning or deconvolving it again
    Quantity(
        "suspicion",
        "f4",
        description="height of the fake source that may hide here, in sigma: channels are ranked by it; nan without "
        "a neighbouring channel to compare with",
        heading="suspicion",
        shown_in="may hide here, sigma",
        form=".1f",
    ),
    Quantity(
        "confetti",
        description="number of confetti pixels",
        heading="confetti",
        shown_in="pixels",
        form="d",
    ),
    Quantity(
        "tail",
        description="unsupported spike that 5 % of the narrow hot pixels exceed, in sigma, estimates included; nan if "
        "unknown",
    ),
    Quantity("severity", description="severity of the worst fake source, in sigma"),
    Quantity("flux", unit="Jy", description="sum of the absolute fluxes of the fake sources"),
    Quantity(
        "verdict",
        description="diverged: CLEAN did not converge, and the whole channel is wrong; bad: has confetti; "
        "suspicious: a fake source may hide there, or it was cleaned and has no neighbouring channel to compare with; "
        "acquitted: it was suspicious, and came out the same when it was cleaned or deconvolved again; good: none of "
        "these; blank: flagged or masked; unchecked: images that do not belong together, too few data to determine "
        "where a source is, unknown noise, or no neighbouring channel and nothing cleaned",
    ),
)


# Quantities of a place whose channel was cleaned again.
FIND_QUANTITIES = (
    Quantity(
        "proof",
        "U7",
        description="proved: a fake source, gone after its channel was cleaned again; changed: the images differ, and "
        "the new one has a source there; real: still there, and the same; open: the new image has a source there that "
        "the visibilities do not support",
        heading="proof",
    ),
    *PLACE,
    Quantity("noise", "f4", "Jy/beam", "noise (sigma): scatter of the new residual where nothing was cleaned"),
    Quantity(
        "old",
        "f4",
        description="height of a point source in the old image, in sigma",
        heading="before",
        shown_in="sigma",
        form=".1f",
    ),
    Quantity(
        "new",
        "f4",
        description="the same in the new image",
        heading="after",
        shown_in="sigma",
        form=".1f",
    ),
    Quantity(
        "difference",
        "f4",
        description="the same in the old image minus the new one",
        heading="difference",
        shown_in="sigma",
        form=".1f",
    ),
    Quantity("beside", "f4", description="the same in the neighbouring channels, the mean of both"),
    Quantity(
        "residual",
        "f4",
        description="the same in the new residual",
        heading="new residual",
        shown_in="sigma",
        form=".1f",
    ),
)


def record(quantities):
    """Structured dtype with a field for each quantity that has a type."""
    return np.dtype([(quantity.name, quantity.dtype) for quantity in quantities if quantity.dtype])


CANDIDATE = record(CANDIDATE_QUANTITIES)
CHANNEL = record(CHANNEL_QUANTITIES)
FIND = record(FIND_QUANTITIES)
