"""
A small ALMA observation of a spectral line, simulated with CASA, and its images by the real tclean.

The demo and the tests use it. The sky holds extended emission that moves with velocity, masers in one channel, narrow,
broad and continuum sources, so that a check can go wrong in both ways. Cleaned with a loop gain of 0.6 to 1 sigma, the
minor cycle of some channels becomes unstable and writes confetti; a sane restart then brings the residual back to the
noise and leaves the fake sources in the model, as in a long careless imaging run.
"""

import os
import shutil
from collections import namedtuple

import numpy as np
from scipy import ndimage
from truth import restore

from confetti_task.private.core.noise import channel_noise, plane_noise
from confetti_task.private.core.statistics import RING_OUTER_BEAMS, components, hot_pixels, ring
from confetti_task.private.images.cube import NEEDED, open_cube
from confetti_task.private.images.headers import opened
from confetti_task.private.images.pixels import read_channels

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
Source = namedtuple("Source", "kind x y channel width flux")  # pixels, channels, Jy

# A fake source is an error of this many sigma in a beam, less than half of which the neighbouring channels have too,
# beside a model pixel that stands out of the true sky.
FAKE_SIGMA = 5.0
HOT_SIGMA = 3.0
FAKE_IN_NEIGHBOUR = 0.5
# A masked source is right when there is an error of this many sigma.
RIGHT_SIGMA = 3.0

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
    sources = list(_compact_sources(size, channels, random))
    for source in sources:
        line = np.ones(channels) if source.kind == "continuum" else _line(channels, source.channel, source.width)
        cube[:, source.y, source.x] += source.flux * line
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
            yield Source(kind, int(place[0]), int(place[1]), channel, random.uniform(*widths), flux)


def _line(channels, centre, width):
    return np.exp(-4 * np.log(2) * ((np.arange(channels) - centre) / width) ** 2)


def _gaussian(size, x, y, width):
    along_y, along_x = np.mgrid[:size, :size]
    return np.exp(-4 * np.log(2) * ((along_x - x) ** 2 + (along_y - y) ** 2) / width**2)


def observe(folder, sky, seed, integrations=INTEGRATIONS, spacing=600):
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

    Returns
    -------
    vis : list of str
        MeasurementSets, one a configuration.
    """
    from casatasks import tclean

    channels, size, _ = sky.cube.shape
    vis = [os.path.join(folder, f"{configuration}.ms") for configuration in CONFIGURATIONS]
    for path, configuration, number in zip(vis, CONFIGURATIONS, integrations):
        _make_measurement_set(path, configuration, np.arange(number) * spacing - 1800, channels)
    template = os.path.join(folder, "template")
    tclean(vis=vis, imagename=template, niter=0, restoration=False, **settings(size))
    with opened(template + ".residual") as tool:
        tool.setbrightnessunit("Jy/pixel")
        tool.putchunk(seen(template, sky).T[:, :, np.newaxis])
    random = np.random.default_rng(seed)
    for path in vis:
        _predict(path, template + ".residual", random)
    for name in os.listdir(folder):
        if name.startswith("template."):
            shutil.rmtree(os.path.join(folder, name))
    return vis


def _make_measurement_set(path, configuration, starts, channels):
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
        refcode="LSRK",
        stokes="XX YY",
    )
    sm.setfeed("perfect X Y", pol=[""])
    sm.setfield(sourcename="field", sourcedirection=me.direction(*FIELD.split()))
    sm.setlimits(shadowlimit=0.01, elevationlimit="10deg")
    sm.setauto(autocorrwt=0.0)
    sm.settimes(integrationtime="60s", usehourangle=True, referencetime=me.epoch("UTC", "2019/10/4/00:00:00"))
    for start in starts.tolist():
        sm.observe("field", "n2hp", starttime=f"{start}s", stoptime=f"{start + 60}s")
    sm.close()


def _predict(path, sky_image, random):
    from casatools import simulator, table

    sm, tb = simulator(), table()
    sm.openfromms(path)
    sm.setdata(spwid=[0], fieldid=[0])
    sm.setoptions(ftmachine="ft")
    sm.predict(imagename=sky_image, incremental=False)
    sm.close()
    tb.open(path, nomodify=False)
    data = tb.getcol("DATA")
    data += VISIBILITY_NOISE_JY * (random.normal(size=data.shape) + 1j * random.normal(size=data.shape))
    tb.putcol("DATA", data)
    tb.close()


def clean(vis, imagename, passes, size):
    """
    Image with the real tclean.

    Parameters
    ----------
    vis : list of str
        MeasurementSets.
    imagename : str
        Root name of the images.
    passes : sequence of dict
        Parameters of each run of tclean, `CARELESS` or `CAREFUL`; each starts from the model of the one before.
    size : int
        Width in pixels.
    """
    from casatasks import tclean

    names = [f"{imagename}_pass{number}" for number in range(len(passes) - 1)] + [imagename]
    start = ""
    for name, parameters in zip(names, passes):
        tclean(vis=vis, imagename=name, startmodel=start, **settings(size), **parameters)
        start = name + ".model"


def true_errors(imagename, sky):
    """
    Compare a cleaned cube with the sky it was made of.

    Parameters
    ----------
    imagename : str
        Root name of the images.
    sky : `Sky`
        What was observed.

    Returns
    -------
    errors : 3D `~numpy.ndarray`
        What deconvolution put into the image beyond the true sky, in units of the noise, on the scale of the beam:
        the background in a ring around each pixel is subtracted.
    fake : 2D int `~numpy.ndarray`
        Fake sources [n, 3] as (channel, y, x): where an error of 5 sigma and more peaks, of which the neighbouring
        channels have less than half, within half a beam of a pixel that stands 3 sigma out of the true sky.
    """
    cube = open_cube(imagename)
    model, image, residual = (read_channels(cube, product, 0, 0, cube.channels) for product in NEEDED)
    noise = channel_noise(plane_noise(image, BEAM_PIXELS))
    true_model = seen(imagename, sky)
    with opened(imagename + ".image") as image_tool:
        beams = [image_tool.restoringbeam(channel=channel, polarization=0) for channel in range(cube.channels)]
    restored_sky = np.stack([_restore(plane, beam) for plane, beam in zip(true_model, beams)])
    errors = np.nan_to_num((image - residual - restored_sky) / noise[:, np.newaxis, np.newaxis])
    reach = int(RING_OUTER_BEAMS * cube.beam)
    footprint = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=bool)
    footprint[tuple(ring(cube.beam).T + reach)] = True
    errors -= np.stack([ndimage.median_filter(plane, footprint=footprint) for plane in errors])
    near = 2 * int(cube.beam / 2) + 1
    peaks = np.abs(errors) == ndimage.maximum_filter(np.abs(errors), (1, near, near))
    hot = np.zeros(errors.shape, dtype=bool)
    invented = (model - true_model).astype(np.float32)
    hot[tuple(hot_pixels(invented, components(invented)[0], noise, HOT_SIGMA).T)] = True
    hot = ndimage.maximum_filter(hot, (1, near, near))
    return errors, np.argwhere(peaks & hot & (np.abs(errors) >= FAKE_SIGMA) & _in_one_channel(errors))


def seen(imagename, sky):
    """The sky as the antennas see it: [channel, y, x] in Jy/pixel."""
    with opened(imagename + ".pb") as tool:
        return sky.cube * np.nan_to_num(tool.getchunk()[:, :, 0].T)


def compare(table, errors, fake, sky):
    """
    Count how the sources of a table compare with the truth.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        What `confetti_check` wrote.
    errors, fake : `~numpy.ndarray`
        From `true_errors`.
    sky : `Sky`
        What was observed.

    Returns
    -------
    dict
        right: masked sources with an error of 3 sigma or more within half a beam; found: fake sources with a masked
        one within half a beam; real: compact sources of the sky with a masked one within half a beam that is no error.
    """
    masked = [tuple(row) for row in table[table["class"] == "confetti"]["channel", "y", "x"]]
    reach = int(BEAM_PIXELS / 2)
    largest = ndimage.maximum_filter(np.abs(errors), (1, 2 * reach + 1, 2 * reach + 1))
    right = {one: largest[one] >= RIGHT_SIGMA for one in masked}

    def near(place, other):
        return np.hypot(place[1] - other[1], place[2] - other[2]) <= reach

    found = sum(any(one[0] == place[0] and near(place, one) for one in masked) for place in fake)
    real = sum(
        any(not right[one] and _has(source, one[0]) and near((0, source.y, source.x), one) for one in masked)
        for source in sky.sources
    )
    return {"right": sum(right.values()), "found": found, "real": real}


def _has(source, channel):
    return source.kind == "continuum" or abs(source.channel - channel) <= max(1, source.width)


def _restore(plane, beam):
    major, minor = (beam[axis]["value"] / CELL_ARCSEC for axis in ("major", "minor"))
    return restore(plane, major, minor, beam["positionangle"]["value"])


def _in_one_channel(errors):
    padded = np.pad(errors, ((1, 1), (0, 0), (0, 0)))
    neighbour = np.maximum(padded[:-2] * np.sign(errors), padded[2:] * np.sign(errors))
    return neighbour < FAKE_IN_NEIGHBOUR * np.abs(errors)


def settings(size):
    """What every run of tclean here has in common."""
    return {
        "datacolumn": "data",  # the simulator leaves its noiseless prediction in the corrected data
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
