"""
A small ALMA observation of a spectral line, simulated with CASA, and its images by the real tclean.

The demo and the tests use it. The sky holds extended emission that moves with velocity, masers in one channel, narrow,
broad and continuum sources, so that a check can go wrong in both ways. Cleaned with a loop gain of 0.6 to 1 sigma, the
minor cycle of some channels becomes unstable and writes confetti; a sane restart then brings the residual back to the
noise and leaves the fake sources in the model, as in a long careless imaging run.
"""

import glob
import os
import shutil
from collections import namedtuple
from contextlib import contextmanager
from functools import partial

import numpy as np
from scipy import ndimage

from scripts.simulate.truth import Source, Truth, restore

FREQUENCY_HZ = 93.17e9  # N2H+ 1-0
CHANNEL_WIDTH_HZ = 71.5e3  # 0.23 km/s
FIELD = "J2000 18h06m20s -21d37m00s"
CELL_ARCSEC = 0.18
CONFIGURATIONS = ("alma.cycle5.1", "alma.cycle5.3")  # a compact and an extended one, as ALMA-IMF combines
INTEGRATIONS = (2, 4)
VISIBILITY_NOISE_JY = 0.3
IMAGE_NOISE_JY = 0.005  # that the visibilities' noise makes in Jy/beam
BEAM_PIXELS = 7.8
PIXELS_PER_BEAM = 1.133 * BEAM_PIXELS**2

Sky = namedtuple("Sky", "cube sources")  # [channel, y, x] in Jy/pixel, and a list of Source

# Five long minor cycles in which the instability begins, then a restart that mends the residual and keeps the fake
# sources. Such a gain is far above survey practice: it does in seconds what a long run does in days.
CARELESS = (
    {
        "gain": 0.6,
        "cyclefactor": 0.5,
        "minpsffraction": 0.005,
        "threshold": IMAGE_NOISE_JY,
        "niter": 60000,
        "cycleniter": 1800,
        "nmajor": 5,
    },
    {"gain": 0.1, "cyclefactor": 2.0, "threshold": 3 * IMAGE_NOISE_JY, "niter": 120000},
)
CAREFUL = ({"gain": 0.1, "cyclefactor": 2.0, "threshold": 4 * IMAGE_NOISE_JY, "niter": 400000},)


def make_sky(size, channels, seed):
    """
    Make up a sky.

    Parameters
    ----------
    size, channels, seed : int
        Width in pixels, number of channels, and seed of the random numbers.

    Returns
    -------
    sky : `Sky`
        Cube [channel, y, x] in Jy/pixel and the compact sources in it.
    """
    random = np.random.default_rng(seed)
    cube = np.zeros((channels, size, size))
    middle = channels / 2
    peak = IMAGE_NOISE_JY / PIXELS_PER_BEAM
    for _ in range(3):  # clouds larger than the largest recoverable scale
        centre, width = size / 2 + random.normal(0, size / 10, 2), random.uniform(60, 100)
        line = _line(channels, middle + random.uniform(-5, 5), random.uniform(7, 12))
        cube += 50 * peak * random.uniform(0.5, 1) * line[:, None, None] * _gaussian(size, *centre, width)
    for _ in range(3):
        cube += 40 * peak * _filament(size, channels, random)
    sources = []
    for source, flux in _compact_sources(size, channels, random):
        line = np.ones(channels) if source.kind == "continuum" else _line(channels, source.channel, source.width)
        cube[:, source.y, source.x] += flux * line
        sources.append(source)
    return Sky(cube, sources)


def _filament(size, channels, random):
    along = np.linspace(-1, 1, 60)
    angle, curvature, offset = random.uniform(0, np.pi), *random.uniform(-0.4, 0.4, 2)
    across = offset + curvature * along**2 + 0.12 * np.sin(5 * along + random.uniform(0, 6))
    x = size * (0.5 + 0.26 * (along * np.cos(angle) - across * np.sin(angle)))
    y = size * (0.5 + 0.26 * (along * np.sin(angle) + across * np.cos(angle)))
    velocity = channels / 2 + random.uniform(-5, 5) + random.uniform(-6, 6) * along + 0.8 * np.sin(7 * along)
    clumps = ndimage.gaussian_filter1d(random.gamma(1.2, 1.0, 60), 1.5)
    width = random.uniform(7, 16)
    cube = np.zeros((channels, size, size))
    for number in range(60):
        line = _line(channels, velocity[number], random.uniform(2.5, 4.5))
        clump = _gaussian(size, x[number], y[number], width * random.uniform(0.8, 1.3))
        cube += clumps[number] / clumps.max() * line[:, None, None] * clump
    return cube


def _compact_sources(size, channels, random):
    kinds = (("broad", 4, (8, 16)), ("narrow", 4, (1.8, 2.8)), ("maser", 4, (0.4, 0.4)), ("continuum", 1, (1, 1)))
    places = []
    for kind, number, widths in kinds:
        for _ in range(number):
            place = random.integers(int(0.17 * size), int(0.83 * size), 2)
            while any(np.hypot(*(place - other)) < 2 * BEAM_PIXELS for other in places):
                place = random.integers(int(0.17 * size), int(0.83 * size), 2)
            places.append(place)
            channel, flux = int(channels / 2 + random.integers(-8, 9)), random.uniform(15, 60) * IMAGE_NOISE_JY
            yield Source(kind, channel, random.uniform(*widths), int(place[0]), int(place[1])), flux


def _line(channels, centre, width):
    return np.exp(-4 * np.log(2) * ((np.arange(channels) - centre) / width) ** 2)


def _gaussian(size, x, y, width):
    along_y, along_x = np.mgrid[:size, :size]
    return np.exp(-4 * np.log(2) * ((along_x - x) ** 2 + (along_y - y) ** 2) / width**2)


def observe(folder, sky, seed, integrations=INTEGRATIONS, spacing=600, polarizations="XX YY"):
    """
    Observe a sky with ALMA.

    Parameters
    ----------
    folder : str
        Where to write; it must exist.
    sky : `Sky`
        What to observe.
    seed : int
        Seed of the thermal noise.
    integrations : sequence of int
        Number of integrations of a minute of each configuration.
    spacing : float
        Time from one to the next in s.
    polarizations : str
        Correlations that are measured.

    Returns
    -------
    vis : list of str
        MeasurementSets, one a configuration. Their data are the sky with noise, their corrected data the noise alone.
    """
    from casatasks import tclean

    channels, size, _ = sky.cube.shape
    vis = [os.path.join(folder, f"{configuration}.ms") for configuration in CONFIGURATIONS]
    for path, configuration, number in zip(vis, CONFIGURATIONS, integrations):
        make_measurement_set(path, configuration, np.arange(number) * spacing - 1800, channels, polarizations)
    template = os.path.join(folder, "template")
    tclean(vis=vis, imagename=template, niter=0, restoration=False, **settings(size))
    see(vis, template, sky.cube, partial(white_noise, np.random.default_rng(seed)))
    return vis


def make_measurement_set(path, configuration, starts, channels, polarizations="XX YY", frame="LSRK", field=FIELD):
    """Make an empty MeasurementSet, with integrations of a minute that start at some seconds from the transit."""
    import casadata
    from casatasks.private import simutil
    from casatools import measures, simulator

    me, sm = measures(), simulator()
    antennas = os.path.join(os.path.dirname(casadata.__file__), "__data__", "alma", "simmos", configuration + ".cfg")
    x, y, z, diameters, names, _, telescope, _ = simutil.simutil().readantenna(antennas)
    sm.open(path)
    sm.setconfig(
        telescopename=telescope,
        x=x,
        y=y,
        z=z,
        dishdiameter=diameters,
        mount=["alt-az"],
        antname=list(names),
        coordsystem="global",
        referencelocation=me.observatory(telescope),
    )
    width = f"{CHANNEL_WIDTH_HZ}Hz"
    sm.setspwindow(
        spwname="n2hp",
        freq=f"{FREQUENCY_HZ}Hz",
        deltafreq=width,
        freqresolution=width,
        nchannels=channels,
        refcode=frame,
        stokes=polarizations,
    )
    sm.setfeed("perfect X Y", pol=[""])
    sm.setfield(sourcename="field", sourcedirection=me.direction(*field.split()))
    sm.setlimits(shadowlimit=0.01, elevationlimit="10deg")
    sm.setauto(autocorrwt=0.0)
    sm.settimes(integrationtime="60s", usehourangle=True, referencetime=me.epoch("UTC", "2019/10/4/00:00:00"))
    for start in starts.tolist():
        sm.observe("field", "n2hp", starttime=f"{start}s", stoptime=f"{start + 60}s")
    sm.close()


def see(vis, template, cube, make_noise):
    """
    Fill MeasurementSets with what their antennas see of a sky, and noise.

    Parameters
    ----------
    vis : list of str
        The MeasurementSets.
    template : str
        Root name of images of them by tclean, with their grid and primary beam, which are used up.
    cube : 3D `~numpy.ndarray`
        The sky [channel, y, x] in Jy/pixel.
    make_noise : callable
        Function of the shape of the data that returns their noise in Jy.
    """
    with opened(template + ".residual") as tool:
        tool.setbrightnessunit("Jy/pixel")
        tool.putchunk((cube * read_image(template + ".pb")).T[:, :, np.newaxis])
    for path in vis:
        _predict(path, template + ".residual", make_noise)
    for path in glob.glob(glob.escape(template) + ".*"):
        shutil.rmtree(path)


def white_noise(random, shape):
    """Noise of visibilities in Jy."""
    return VISIBILITY_NOISE_JY * (random.normal(size=shape) + 1j * random.normal(size=shape))


def _predict(path, sky_image, make_noise):
    """Fill a MeasurementSet with what is observed of a sky, and noise; the corrected data are the noise alone."""
    from casatools import simulator, table

    sm, tb = simulator(), table()
    sm.openfromms(path)
    sm.setdata(spwid=[0], fieldid=[0])
    sm.setoptions(ftmachine="ft")
    sm.predict(imagename=sky_image, incremental=False)
    sm.close()
    tb.open(path, nomodify=False)
    data = tb.getcol("DATA")
    noise = make_noise(data.shape)
    tb.putcol("DATA", data + noise)
    tb.putcol("CORRECTED_DATA", noise)
    tb.close()


def clean(vis, imagename, passes, common):
    """
    Image with the real tclean.

    Parameters
    ----------
    vis : list of str
        MeasurementSets.
    imagename : str
        Root name of the images.
    passes : sequence of dict
        Parameters of each tclean run, `CARELESS` or `CAREFUL`; each starts from the model of the one before.
    common : dict
        Parameters that all runs have in common, like `settings`.
    """
    from casatasks import tclean

    names = [f"{imagename}_pass{number}" for number in range(len(passes) - 1)] + [imagename]
    start = ""
    for name, parameters in zip(names, passes):
        tclean(vis=vis, imagename=name, startmodel=start, **common, **parameters)
        start = name + ".model"


def true_images(vis, imagename, sky):
    """
    Find out what images of an observation should show.

    Parameters
    ----------
    vis : list of str
        MeasurementSets, from `observe`.
    imagename : str
        Root name of images of the noise alone, which are made here.
    sky : `Sky`
        What was observed.

    Returns
    -------
    truth : `~truth.Truth`
        By which they are judged.
    """
    from casatasks import tclean

    common = dict(settings(len(sky.cube[0])), datacolumn="corrected")
    tclean(vis=vis, imagename=imagename, niter=0, **common)
    noise, primary_beam = (read_image(f"{imagename}.{product}") for product in ("image", "pb"))
    inside = primary_beam > common["pbmask"]
    sigma = np.sqrt(np.mean(noise**2, axis=(1, 2), where=inside))
    model, beams = sky.cube * primary_beam, read_beams(imagename + ".image")
    restored = np.stack([restore(plane, *beam) for plane, beam in zip(model, beams)])
    width = np.sqrt(np.median(beams[:, 0] * beams[:, 1]))
    return Truth(model, restored, noise, sigma, inside, width, sky.sources)


def read_beams(path):
    """FWHM of the beam of each channel in pixels, along both axes, and its position angle in degrees, [n, 3]."""
    with opened(path) as tool:
        beams = [tool.restoringbeam(channel=channel, polarization=0) for channel in range(tool.shape()[3])]
        cell = np.rad2deg(abs(tool.coordsys().increment()["numeric"][0])) * 3600
    major, minor, angle = ([beam[name]["value"] for beam in beams] for name in ("major", "minor", "positionangle"))
    return np.column_stack([np.divide(major, cell), np.divide(minor, cell), angle])


def read_images(imagename):
    """Model, image and residual [channel, y, x]."""
    return [read_image(f"{imagename}.{product}") for product in ("model", "image", "residual")]


def read_image(path):
    """Pixels [channel, y, x] of an image, 0 where they are no numbers."""
    with opened(path) as tool:
        return np.nan_to_num(tool.getchunk()[:, :, 0].T)


@contextmanager
def opened(path):
    """The image tool, with an image open in it."""
    from casatools import image

    tool = image()
    tool.open(path)
    try:
        yield tool
    finally:
        tool.done()


def settings(size):
    """Parameters that every tclean run here has in common."""
    return {
        "datacolumn": "data",  # the corrected data are the noise alone
        "imsize": size,
        "cell": f"{CELL_ARCSEC}arcsec",
        "phasecenter": FIELD,
        "specmode": "cube",
        "outframe": "LSRK",
        "deconvolver": "multiscale",
        "scales": [0, 5, 15],
        "smallscalebias": 0.5,
        "weighting": "briggs",
        "robust": 0.0,
        "perchanweightdensity": True,
        "pblimit": 0.05,
        "usemask": "pb",
        "pbmask": 0.1,
    }
