"""
Twins of two surveys: observations simulated with CASA as ACES and ALMA-IMF observe, and how they image.

Both are mosaics, observed in the frame of the observatory and imaged in that of the local standard of rest, so that
tclean regrids them. The channels share noise as those of ALMA's correlator do: it applies a Hanning window, and then
averages N channels.
"""

import os
import shutil
from dataclasses import dataclass, field
from typing import Dict, Tuple

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.time import Time
from scipy import ndimage

from scripts.simulate import simulation
from scripts.simulate.simulation import (
    CHANNEL_WIDTH_HZ,
    FIELD,
    FREQUENCY_HZ,
    VISIBILITY_NOISE_JY,
    Sky,
    make_measurement_set,
    make_sky,
    opened,
    read_beams,
    read_image,
    see,
)

# Data channels on either side of those that are imaged.
SPARE_CHANNELS = 3
# Start of the integrations, in s from the transit.
STARTS = (-900, -300)

# Radius of the emission, as a fraction of the width of the part of the image that it is in.
EMISSION = 0.36

# Primary beam where the noise is measured, and where images are compared.
INSIDE, EDGE = 0.4, 0.25
# The reference is cleaned in short minor cycles, from what is right but for the interpolation between channels.
REFERENCE_SIGMA, REFERENCE = 3.0, {"gain": 0.1, "cyclefactor": 2.0, "cycleniter": 300, "niter": 200000}

# Offsets of the pointings from the centre of the image, in arcsec.
TRIANGLE = ((-12.0, -7.0), (12.0, -7.0), (0.0, 14.0))


@dataclass(frozen=True)
class Twin:
    """
    A survey, in small.

    Attributes
    ----------
    configurations : tuple of str
        Antennas of each array, as CASA names them.
    averaging : int
        Channels of the correlator that are averaged to one of the data.
    size : int
        Width of the images in pixels.
    brightness : float
        Brightness of the sky, in units of that of the demo.
    pieces : int
        Number of ranges of channels that are imaged one by one and joined.
    width : float
        Width of the channels of the image, in those of the data.
    clean_mask_sigma : float
        Brightness of the dirty image where the clean mask is 1, in units of the noise; 0 if tclean makes its own.
        Such a mask has holes.
    continuum : bool
        Whether the clean starts from a model of the continuum sources.
    imaging : dict
        Parameters for tclean.
    careful, careless : dict
        Further parameters, as the survey sets them, and such that CLEAN goes wrong; thresholds in units of the noise.
    """

    configurations: Tuple[str, ...]
    averaging: int
    size: int
    brightness: float
    pieces: int = 1
    width: float = 1.001  # tclean refuses less than that of the data in the frame of the image
    clean_mask_sigma: float = 0.0
    continuum: bool = False
    imaging: Dict = field(default_factory=dict)
    careful: Dict = field(default_factory=dict)
    careless: Dict = field(default_factory=dict)


# With all that makes confetti.
CARELESS = dict(simulation.CARELESS[0], threshold=1.0, niter=200000, nmajor=4)
IMAGING = {
    "specmode": "cube",
    "outframe": "LSRK",
    "phasecenter": FIELD,
    "datacolumn": "data",
    "gridder": "mosaic",
    "interpolation": "linear",
    "pblimit": 0.2,
    "perchanweightdensity": True,
    "robust": 0.5,
}

ACES = Twin(
    configurations=("alma.cycle5.2", "aca.cycle5"),
    averaging=1,
    size=360,
    brightness=3.0,
    pieces=2,
    imaging=dict(
        IMAGING,
        cell="0.5arcsec",
        deconvolver="hogbom",
        weighting="briggsbwtaper",
        restoringbeam="common",
        usemask="auto-multithresh",
        sidelobethreshold=2.0,
        noisethreshold=4.25,
        lownoisethreshold=1.5,
        minbeamfrac=0.3,
        growiterations=75,
        negativethreshold=0.0,
    ),
    careful={"gain": 0.1, "cyclefactor": 2.0, "threshold": 2.0, "niter": 2000000},
    careless=CARELESS,
)

ALMA_IMF = Twin(
    configurations=("alma.cycle5.1", "alma.cycle5.3"),
    averaging=2,
    size=320,
    brightness=1.0,
    width=1.157,
    clean_mask_sigma=8.0,
    continuum=True,
    imaging=dict(
        IMAGING,
        cell="0.3arcsec",
        weighting="briggs",
        robust=0.0,
        deconvolver="multiscale",
        scales=[0, 5, 15],
        smallscalebias=0.5,
        usemask="user",
    ),
    careful={"gain": 0.08, "cyclefactor": 2.0, "threshold": 4.0, "niter": 2000000},
    careless=CARELESS,
)
TWINS = {"aces": ACES, "alma-imf": ALMA_IMF}


def spectral_response(channels, averaging):
    """
    What ALMA's correlator makes of channels: a Hanning window on the lags, and then an average of some.

    Parameters
    ----------
    channels : `~numpy.ndarray`
        Channels along the first axis, of which there are averaging times as many as of the data.
    averaging : int
        Number of them that are averaged.

    Returns
    -------
    data : `~numpy.ndarray`
        Channels of the data.
    """
    padded = np.concatenate([channels[:1], channels, channels[-1:]])
    smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth.reshape(-1, averaging, *smooth.shape[1:]).mean(axis=1)


def make_twin_sky(twin, channels, seed):
    """Sky [channel, y, x] in Jy/pixel as the channels of the data see it: that of the demo, in the middle."""
    inner = twin.size // 2
    sky = make_sky(inner, channels, seed)
    edge = (twin.size - inner) // 2
    # Emission beyond the pointings would be seen by the antennas, but not be in the image.
    radius = np.hypot(*(np.mgrid[:inner, :inner] - inner / 2))
    window = np.exp(-((radius / (EMISSION * inner)) ** 4))
    cube = np.pad(twin.brightness * sky.cube * window, ((0, 0), (edge, edge), (edge, edge)))
    sources = [source._replace(x=source.x + edge, y=source.y + edge) for source in sky.sources]
    return Sky(spectral_response(np.repeat(cube, twin.averaging, axis=0), twin.averaging), sources)


def observe_twin(folder, twin, channels, seed):
    """
    Observe a sky as a survey does.

    Parameters
    ----------
    folder : str
        Where to write; it must exist.
    twin : `Twin`
        The survey.
    channels, seed : int
        Number of data channels, and seed of the sky and of the noise.

    Returns
    -------
    vis : list of str
        MeasurementSets, one for each array; their corrected data are the noise alone.
    sky : `Sky`
        What was observed.
    """
    from casatasks import concat

    sky, random = make_twin_sky(twin, channels, seed), np.random.default_rng(seed)
    vis = []
    for configuration in twin.configurations:
        of_pointings = []
        for number, offset in enumerate(TRIANGLE):
            path = os.path.join(folder, f"{configuration}.{number}.ms")
            starts = np.add(STARTS, 60.0 * number)
            make_measurement_set(path, configuration, starts, channels, frame="TOPO", field=pointing(*offset))
            _observe_pointing(path, twin, sky, random)
            of_pointings.append(path)
        vis.append(os.path.join(folder, f"{configuration}.ms"))
        concat(vis=of_pointings, concatvis=vis[-1])
        for path in of_pointings:
            shutil.rmtree(path)
    return vis, sky


def pointing(x, y):
    """Direction of a pointing, as text, from its offsets in arcsec."""
    frame, ra, dec = FIELD.split()
    centre = SkyCoord(ra, dec, frame="fk5")
    ra, dec = centre.ra.deg + x / 3600 / np.cos(centre.dec.rad), centre.dec.deg + y / 3600
    return f"{frame} {ra:.9f}deg {dec:.9f}deg"


def _observe_pointing(path, twin, sky, random):
    """Fill in the visibilities of a pointing: the sky seen through the primary beam of the antennas, and noise."""
    from casatasks import tclean

    template = path + ".template"
    grid = {name: twin.imaging[name] for name in ("cell", "phasecenter")}
    tclean(
        vis=path,
        imagename=template,
        imsize=twin.size,
        specmode="cube",
        outframe="TOPO",
        niter=0,
        gridder="mosaic",
        pblimit=1e-4,
        restoration=False,
        datacolumn="data",
        **grid,
    )

    def noise(shape):
        polarizations, channels, rows = shape
        size = (channels * twin.averaging, polarizations, rows)
        white = random.normal(size=size) + 1j * random.normal(size=size)
        smooth = spectral_response(white, twin.averaging).swapaxes(0, 1)
        return VISIBILITY_NOISE_JY * smooth / np.std(smooth.real)

    see([path], template, sky.cube, noise)


def channels_of(twin, vis, sky, number):
    """
    Channels of an image, and what they should show.

    Parameters
    ----------
    twin : `Twin`
        The survey.
    vis : list of str
        MeasurementSets, from `observe_twin`.
    sky : `Sky`
        What was observed.
    number : int
        Number of channels of the image.

    Returns
    -------
    channels : dict
        Parameters for tclean.
    expected : 3D `~numpy.ndarray`
        The sky [channel, y, x] in Jy/pixel, between the channels of the data as tclean interpolates.
    """
    last = len(sky.cube) - 1
    frequencies = [
        [_in_rest_frame(FREQUENCY_HZ + channel * CHANNEL_WIDTH_HZ, when) for channel in (0, last)]
        for when in _times(vis[0])
    ]
    width = twin.width * CHANNEL_WIDTH_HZ
    # Half way between channels, where interpolation smooths most.
    start = np.mean(frequencies, axis=0)[0] + (SPARE_CHANNELS - 0.5) * CHANNEL_WIDTH_HZ
    expected = np.zeros((number, *sky.cube.shape[1:]))
    for low, high in frequencies:
        place = (start + width * np.arange(number) - low) / (high - low) * last
        before = np.floor(place).astype(int)
        part = (place - before)[:, np.newaxis, np.newaxis]
        expected += ((1 - part) * sky.cube[before] + part * sky.cube[before + 1]) / len(frequencies)
    return {"start": f"{start:.3f}Hz", "width": f"{width:.3f}Hz", "nchan": number}, expected


def _times(path):
    from casatools import msmetadata

    tool = msmetadata()
    tool.open(path)
    times = tool.timesforfield(0)
    tool.done()
    return Time(times / 86400, format="mjd").isot.tolist()


def _in_rest_frame(frequency, when):
    """Frequency in Hz in the local standard of rest, of one that the observatory measures."""
    from casatools import measures

    tool = measures()
    tool.doframe(tool.epoch("UTC", when.replace("-", "/").replace("T", "/")))
    tool.doframe(tool.observatory("ALMA"))
    tool.doframe(tool.direction(*FIELD.split()))
    converted = tool.measure(tool.frequency("TOPO", f"{frequency:.6f}Hz"), "LSRK")["m0"]["value"]
    tool.done()
    return converted


def write_model(template, path, cube):
    """Write a cube [channel, y, x] in Jy/pixel as a start model, like another image."""
    shutil.copytree(template, path)
    with opened(path) as tool:
        tool.maskhandler("set", [""])
        tool.setbrightnessunit("Jy/pixel")
        tool.putchunk(cube.T[:, :, np.newaxis])


def prepare(twin, vis, sky, number):
    """
    Make what all images of a twin have in common, in the current folder.

    Returns
    -------
    common : dict
        Parameters for tclean.
    sigma : 1D `~numpy.ndarray`
        Noise of each channel in Jy/beam.
    """
    from casatasks import tclean

    channels, expected = channels_of(twin, vis, sky, number)
    common = dict(twin.imaging, vis=vis, imsize=twin.size, **channels)
    dirty = dict(common, usemask="user", niter=0)
    for name, column in (("noise", "corrected"), ("dirty", "data")):
        tclean(imagename=name, **dict(dirty, datacolumn=column))
    primary_beam, noise = read_image("noise.pb"), read_image("noise.residual")
    sigma = np.array([np.std(plane[inside]) for plane, inside in zip(noise, primary_beam > INSIDE)])
    # The model that the mosaic gridder expects of a clean is the sky seen through the primary beam.
    write_model("noise.residual", "truth.model", expected * primary_beam)
    if twin.clean_mask_sigma:
        bright = read_image("dirty.residual") > twin.clean_mask_sigma * sigma[:, np.newaxis, np.newaxis]
        write_model("noise.residual", "bright.mask", bright.astype(float))
        common["mask"] = "bright.mask"
    if twin.continuum:
        model = np.zeros_like(expected)
        for source in sky.sources:
            if source.kind == "continuum":
                model[:, source.y, source.x] = (expected * primary_beam)[:, source.y, source.x]
        write_model("noise.residual", "continuum.model", model)
    return common, sigma


def clean_twin(twin, root, common, parameters, sigma):
    """
    Image a twin, in as many pieces as the survey does, and join them; returns what tclean returned for each.

    Parameters
    ----------
    twin : `Twin`
        The survey.
    root : str
        Root name of the images.
    common, parameters : dict
        Parameters for tclean, from `prepare`, and further ones with the threshold in units of the noise.
    sigma : 1D `~numpy.ndarray`
        Noise of each channel in Jy/beam.
    """
    from casatasks import tclean
    from casatools import image

    threshold = f"{parameters['threshold'] * np.median(sigma):.6f}Jy"
    parameters = {**common, **parameters, "threshold": threshold}
    if twin.continuum and "startmodel" not in parameters:
        parameters["startmodel"] = "continuum.model"
    if twin.pieces == 1:
        return [tclean(imagename=root, **parameters)]
    length = common["nchan"] // twin.pieces
    start, width = (float(common[name][: -len("Hz")]) for name in ("start", "width"))
    records, roots = [], [f"{root}.{number * length:04d}.{length:03d}" for number in range(twin.pieces)]
    for number, piece in enumerate(roots):
        piece_of = dict(parameters, start=f"{start + number * length * width:.3f}Hz", nchan=length)
        records.append(tclean(imagename=piece, **piece_of))
    for product in ("model", "image", "residual", "psf", "mask", "pb"):
        paths = [f"{piece}.{product}" for piece in roots]
        image().imageconcat(f"{root}.{product}", paths, axis=-1, reorder=True, mode="p").done()
    return records


def make_reference(twin, common, sigma):
    """Images 'truth_cleaned.*' that are cleaned from the truth as the start model: what the data can show."""
    from casatasks import tclean

    threshold = f"{REFERENCE_SIGMA * np.median(sigma):.6f}Jy"
    tclean(imagename="truth_cleaned", **dict(common, startmodel="truth.model", threshold=threshold, **REFERENCE))


def errors(root, sigma):
    """
    Error of each pixel of an image, in units of the noise.

    Returns
    -------
    errors : 3D `~numpy.ndarray`
        Heights of the difference from the reference above the mean of four beams: emission larger than that of which
        one of them has recovered more is left out. 0 where the primary beam is below a quarter.
    """
    beam = read_beams("truth_cleaned.image")[:, :2].mean()
    difference = (read_image(root + ".image") - read_image("truth_cleaned.image")) / sigma[:, np.newaxis, np.newaxis]
    difference = np.where(read_image("noise.pb") > EDGE, difference, 0)
    size = int(4 * beam)
    return difference - ndimage.uniform_filter(difference, (1, size, size))
