"""Whatever CASA can make of the images of tclean: the right answer, or an error that names the file and the mend."""

import glob
import itertools
import os
import shutil
from functools import lru_cache

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import checksum, copy_here, join_virtually, working_in, write_cube
from checks import confetti_check
from grids import grid
from skies import NOISE, Products

import confetti_task


@lru_cache(maxsize=None)
def sky(channels):
    """Confetti in the middle channel, a maser in the first, continuum in all; an old clean mask."""
    products = Products(channels=channels)
    products.add_point(0, 45, 15, 30 * NOISE)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_confetti(channels // 2, 30, 26, 20 * NOISE)
    products.add_compensated(channels // 2, 20, 44, 100 * NOISE)
    products.mask = np.ones_like(products.model)
    return products


# Combinations

CHOICES = {
    "channels": [1, 2, 3, 7],
    "polarizations": ["I", "I", "I V", "I Q U V", "XX YY", "RR LL"],
    "order": ["xysf", "xyfs", "fxys", "sfxy", "yxsf", "xyf"],
    "beams": ["one", "per plane"],
    "beam of the image": [True, True, False],
    "skip": ["", "", "psf", "mask"],
    "term": ["", "", ".tt0"],
    "stored": ["little", "little", "big", "fits", "double model"],
    "blemish": ["", "", *("zero", "NaN", "masked"), *("NaN in model", "inf in model", "NaN in image", "edges masked")],
    "named": ["line", "line.image", "line.model/", "./line", "absolute", "in a folder", "linked", "a line (é)"],
    "reader": ["auto", "auto", "ia"],
    "parallel": [1, 2],
}


def combinations(number):
    """So many different ones."""
    random, drawn = np.random.default_rng(1), {}
    while len(drawn) < number:
        one = draw(random)
        drawn[tuple(one.values())] = one
    return list(drawn.values())


def draw(random):
    """One combination that CASA can make."""
    drawn = {name: values[random.integers(len(values))] for name, values in CHOICES.items()}
    if drawn["order"] == "xyf" or drawn["channels"] == 1:
        drawn["polarizations"] = "I"
    if drawn["channels"] == 1:
        drawn["order"] = "xysf"
    if drawn["channels"] < 7:
        drawn["blemish"] = ""
    if drawn["stored"] == "fits":
        drawn["beams"] = "one"  # CASA writes one beam into FITS, or a table that not all of its versions read
    if drawn["skip"] == "psf":
        drawn["beam of the image"] = True
    return drawn


def write(drawn):
    """The images of a combination; returns the polarization that holds the sky."""
    products = sky(drawn["channels"])
    polarizations = tuple(drawn["polarizations"].split())
    holds = polarizations[-1]
    masked = None
    if "masked" in drawn["blemish"] and drawn["order"] == "xysf" and len(polarizations) == 1:
        masked = np.ones(products.model.shape, dtype=bool)
        masked[(6,) if drawn["blemish"] == "masked" else (slice(None), slice(0, 8))] = False
    options = {"order": drawn["order"], "term": drawn["term"], "polarizations": polarizations, "holds": holds}
    write_cube("line", products, beams=drawn["beams"], growth=0, masked=masked, skip=[drawn["skip"]], **options)
    spoil(drawn, holds)
    for path in glob.glob("line.*"):
        store(path, drawn)
    return holds


def spoil(drawn, holds):
    """Make a channel away from the confetti one that was flagged, or put a NaN somewhere."""
    wrong = {"zero": 0, "NaN": np.nan}
    if drawn["blemish"] in wrong:
        for product in ("image", "residual"):
            edit(f"line.{product}{drawn['term']}", drawn["order"], (6,), wrong[drawn["blemish"]])
    elif " in " in drawn["blemish"]:
        value, product = drawn["blemish"].split(" in ")
        edit(f"line.{product}{drawn['term']}", drawn["order"], (1, 9, 9), float(value))
    if not drawn["beam of the image"]:
        with opened(f"line.image{drawn['term']}") as tool:
            tool.setrestoringbeam(remove=True, log=False)


def edit(path, order, place, value):
    """Set pixels (channel, y, x) of all polarizations of an image."""
    with opened(path) as tool:
        pixels = tool.getchunk()
        where = dict(zip("fyx", place))
        pixels[tuple(where.get(axis, slice(None)) for axis in order)] = value
        tool.putchunk(pixels)


class opened:  # noqa: N801, used as a function
    """The image tool with an image opened."""

    def __init__(self, path):
        from casatools import image

        self.tool = image()
        self.tool.open(path)

    def __enter__(self):
        return self.tool

    def __exit__(self, *_):
        self.tool.done()


def store(path, drawn):
    """Store an image in another way."""
    if drawn["stored"] == "big":
        to_big_endian(path)
    elif drawn["stored"] == "fits":
        to_fits(path)
    elif drawn["stored"] == "double model" and ".model" in path:
        to_type(path, "d")


def to_big_endian(path):
    from casatools import table

    tool = table()
    tool.open(path)
    tool.copy("copy", deep=True, valuecopy=True, endian="big").done()
    tool.done()
    if os.path.isdir(f"{path}/mask0"):
        shutil.copytree(f"{path}/mask0", "copy/mask0")
    replace(path, "copy")
    tool.open(path)
    assert tool.endianformat() == "big"
    tool.done()


def to_fits(path):
    with opened(path) as tool:
        tool.tofits("copy", stokeslast=False)
    replace(path, "copy")


def to_type(path, kind):
    with opened(path) as tool:
        pixels, system, shape = tool.getchunk(), tool.coordsys().torecord(), tool.shape()
    from casatools import image

    tool = image()
    tool.fromshape("copy", list(shape), csys=system, type=kind, log=False)
    tool.putchunk(pixels)
    tool.done()
    replace(path, "copy")


def replace(path, copy):
    shutil.rmtree(path)
    os.rename(copy, path)


def name_of(drawn):
    """The images under the name of a combination, and how the task is called with it."""
    named, images = drawn["named"], sorted(glob.glob("line.*"))
    if named == "absolute":
        return os.path.abspath("line")
    if named in ("in a folder", "linked"):
        os.mkdir("folder")
        for path in images:
            os.rename(path, f"folder/{path}")
            if named == "linked":
                os.symlink(f"folder/{path}", path)
        return "line" if named == "linked" else "folder/line"
    if named.startswith("a line"):
        for path in images:
            os.rename(path, path.replace("line", named, 1))
    return named.replace(".image", ".image" + drawn["term"]).replace(".model/", ".model" + drawn["term"] + "/")


def masked_pixels(path, drawn):
    """Polarization, channel, y and x of the pixels of a mask."""
    with opened(path) as tool:
        pixels = tool.getchunk()
    if "s" not in drawn["order"]:
        pixels = pixels[..., np.newaxis]
    order = drawn["order"] if "s" in drawn["order"] else drawn["order"] + "s"
    return np.argwhere(pixels.transpose([order.index(axis) for axis in "sfyx"]) > 0).tolist()


COMBINATIONS = combinations(208)
COMBINATIONS[16:] = [pytest.param(drawn, marks=pytest.mark.long) for drawn in COMBINATIONS[16:]]


@pytest.mark.inputs
@pytest.mark.parametrize("drawn", COMBINATIONS, ids=itertools.count())
def test_any_combination_gives_the_right_mask(drawn):
    holds = write(drawn)
    before = checksum(*sorted(glob.glob("line.*")))
    given = name_of(drawn)
    result = confetti_check(imagename=given, reader=drawn["reader"], parallel=drawn["parallel"])

    hot = [drawn["polarizations"].split().index(holds), drawn["channels"] // 2]
    compensated, invented = [*hot, 20, 44], [*hot, 30, 26]
    expected = [compensated, invented] if drawn["channels"] > 1 else []
    assert masked_pixels(result["mask"], drawn) == expected, drawn
    assert result["verdict"] == ("not applicable" if drawn["channels"] == 1 else "confetti")
    diverged = {"NaN": [6], "NaN in model": [1], "inf in model": [1]}.get(drawn["blemish"], [])
    assert result["diverged"] == (diverged if drawn["channels"] > 1 else []), drawn
    assert len(result["warnings"]) == said(drawn), (drawn, result["warnings"])
    if drawn["named"] not in ("in a folder", "a line (é)"):
        links = {os.path.realpath(path): path for path in glob.glob("line.*") if "confetti" not in path}
        assert checksum(*[path for path, _ in sorted(links.items(), key=lambda pair: pair[1])]) == before


def said(drawn):
    """Number of warnings that a combination deserves: no PSF, what is no number; of one channel only that."""
    if drawn["channels"] == 1:
        return 1
    return (drawn["skip"] == "psf") + drawn["blemish"].endswith("in model") + (drawn["blemish"] == "NaN")


# What cannot be checked is refused, by name

PRODUCTS = ("model", "image", "residual", "psf", "mask")


def tiles_of(path):
    return glob.glob(f"{path}/table.f*_TSM0")[0]


def truncate(path):
    os.truncate(tiles_of(path), os.path.getsize(tiles_of(path)) // 2)


def write_text(path):
    shutil.rmtree(path)
    with open(path, "w", encoding="utf-8") as text:
        text.write("no image")


def empty_folder(path):
    shutil.rmtree(path)
    os.mkdir(path)


def plain_table(path):
    from casatools import table

    shutil.rmtree(path)
    column = {
        "valueType": "int",
        "dataManagerType": "",
        "dataManagerGroup": "",
        "option": 0,
        "maxlen": 0,
        "comment": "",
    }
    tool = table()
    tool.create(path, {"number": column})
    tool.done()


def garbage(path):
    with open(f"{path}/table.dat", "wb") as header:
        header.write(np.random.default_rng(1).bytes(5000))


DAMAGED = {
    "truncated": (truncate, "is damaged: .*; copy it again, or re-image it with tclean"),
    "without pixels": (lambda path: os.remove(tiles_of(path)), "is damaged: .* could not be opened"),
    "without table.f0": (lambda path: os.remove(f"{path}/table.f0"), "cannot be read as a CASA image"),
    "without table.dat": (lambda path: os.remove(f"{path}/table.dat"), "cannot be read as a CASA image"),
    "garbage": (garbage, "cannot be read as a CASA image"),
    "a text file": (write_text, "cannot be read as a CASA image"),
    "an empty folder": (empty_folder, "cannot be read as a CASA image"),
    "a table": (plain_table, "cannot be read as a CASA image"),
    "complex": (lambda path: to_type(path, "c"), "has complex pixels"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with a cube of seven channels, to be copied and spoilt."""
    with working_in(tmp_path_factory.mktemp("whole")) as folder:
        write_cube("line", sky(7))
    return folder


@pytest.mark.parametrize(("damage", "product"), grid(DAMAGED, PRODUCTS))
def test_a_damaged_image_is_named(whole, damage, product):
    copy_here(whole)
    prepare, message = DAMAGED[damage]
    prepare(f"line.{product}")
    refuses("line", f"line.{product} {message}")


def refuses(given, message, **options):
    """The task stops with a message, and leaves everything as it was."""
    before, names = checksum(*sorted(os.listdir("."))), sorted(os.listdir("."))
    for reader in ("auto", "ia"):
        with pytest.raises(ValueError, match=message):
            confetti_check(imagename=given, reader=reader, **options)
    assert sorted(os.listdir(".")) == names
    assert checksum(*names) == before


def change_coordinates(change):
    def prepare(path):
        with opened(path) as tool:
            system = tool.coordsys()
            change(system)
            tool.setcoordsys(system.torecord())

    return prepare


def move(what, axis, change):
    """A change of a number of the coordinate system."""

    def apply(system):
        numbers = getattr(system, what)()["numeric"]
        numbers[axis] = change(numbers[axis])
        getattr(system, f"set{what}")(list(numbers))

    return change_coordinates(apply)


def cut(path, top, **options):
    from casatools import regionmanager

    with opened(path) as tool:
        region = regionmanager().box(blc=[0, 0, 0, 0], trc=top)
        tool.subimage("copy", region=region, **options).done()
    replace(path, "copy")


OTHER_GRID = {
    "narrower": (lambda path: cut(path, [62, 63, 0, 6], dropdeg=False), "the same shape"),
    "of fewer channels": (lambda path: cut(path, [63, 63, 0, 5], dropdeg=False), "the same shape"),
    "without Stokes": (lambda path: cut(path, [63, 63, 0, 6], dropdeg=True), "the same shape"),
    "of another cell": (move("increment", 0, lambda step: 1.01 * step), "on the same grid"),
    "one pixel away": (move("referencepixel", 1, lambda pixel: pixel + 1), "on the same grid"),
    "one channel away": (move("referencepixel", 3, lambda pixel: pixel + 1), "on the same grid"),
    "of wider channels": (move("increment", 3, lambda step: 2 * step), "on the same grid"),
    "of another frame of frequency": (
        change_coordinates(lambda system: system.setreferencecode("TOPO", "spectral", adjust=False)),
        "the same reference frames .*TOPO",
    ),
    "of another frame of the sky": (
        change_coordinates(lambda system: system.setreferencecode("GALACTIC", "direction", adjust=False)),
        "the same reference frames .*GALACTIC",
    ),
}


@pytest.mark.parametrize(("other", "product"), grid(OTHER_GRID, PRODUCTS))
def test_an_image_on_another_grid_is_named(whole, other, product):
    copy_here(whole)
    prepare, message = OTHER_GRID[other]
    prepare(f"line.{product}")
    compared = "image" if product == "model" else product
    refuses("line", f"line.{compared} and line.model should (have|be) {message}.*; give images from one run of tclean")


def test_images_without_a_sky_are_refused():
    from casatools import coordsys

    write_cube("line", sky(7))
    for path in glob.glob("line.*"):
        with opened(path) as tool:
            tool.setcoordsys(coordsys().newcoordsys(linear=4).torecord())
    refuses("line", "line.model should have two celestial axes, .*Linear of 64")


@pytest.mark.parametrize("frame", ["J2000", "ICRS", "B1950", "GALACTIC"])
def test_known_sources_are_found_in_every_frame_of_the_sky(frame):
    """CASA itself says where the hot pixel is in ICRS."""
    from casatools import measures

    write_cube("line", sky(7))
    for path in glob.glob("line.*"):
        change_coordinates(lambda system: system.setreferencecode(frame, "direction", adjust=False))(path)
    with opened("line.model") as tool:
        place = tool.coordsys().toworld([26, 30, 0, 3], "m")["measure"]["direction"]
    direction = measures().measure(place, "ICRS")
    known = [[np.rad2deg(direction[f"m{axis}"]["value"]) for axis in (0, 1)]]
    assert masked_pixels(confetti_check(imagename="line")["mask"], {"order": "xysf"}) == [
        [0, 3, 20, 44],
        [0, 3, 30, 26],
    ]
    result = confetti_check(imagename="line", known=known, outfile="known")
    assert masked_pixels(result["mask"], {"order": "xysf"}) == [[0, 3, 20, 44]]
    there = SkyCoord(*position_in(result["table"], x=26), unit="deg")
    assert there.separation(SkyCoord(*np.ravel(known), unit="deg")) < 0.3 * units.arcsec  # CASA's galactic pole differs


def position_in(table, x):
    """RA and Dec that a table of sources has for a column of pixels."""
    rows = QTable.read(table)
    row = rows[rows["x"] == x][0]
    return [row["ra"].value, row["dec"].value]


@pytest.mark.parametrize("frame", ["ICRS", "GALACTIC"])
@pytest.mark.parametrize("form", ["position", "table"])
def test_a_table_of_finds_protects_them_when_it_is_given_back(frame, form):
    write_cube("line", sky(7))
    for path in glob.glob("line.*"):
        change_coordinates(lambda system: system.setreferencecode(frame, "direction", adjust=False))(path)
    table = confetti_check(imagename="line")["table"]
    known = table if form == "table" else [position_in(table, x) for x in (26, 44)]
    assert confetti_check(imagename="line", known=known, outfile="known")["npixels"] == 0


def test_an_image_whose_corners_are_beyond_the_sky_is_checked(monkeypatch):
    monkeypatch.setattr("casa_images.CELL_ARCSEC", 7200)
    write_cube("line", sky(7))
    assert confetti_task.confetti_check(imagename="line")["channels"] == [3]


@pytest.mark.parametrize("unit", ["beam-1 Jy", "Jy beam-1", "Jy beam^-1"])
def test_jansky_per_beam_may_be_spelled_as_other_programs_do(unit):
    write_cube("line", sky(7))
    with opened("line.image") as tool:
        tool.setbrightnessunit(unit)
    assert confetti_check(imagename="line")["channels"] == [3]


@pytest.mark.parametrize("part", ["line.model.part0", "line.model.part1"])
def test_a_joined_image_of_which_a_part_has_moved_names_it(part):
    write_cube("line", sky(7))
    join_virtually("line.model", 4)
    shutil.move(part, "elsewhere")
    refuses("line", f"line.model is a concatenation of other images, and .*{part} is not found: put it back")


@pytest.mark.parametrize("unit", ["K", "mJy/beam", "Jy/pixel"])
def test_an_image_in_another_unit_is_refused(unit):
    write_cube("line", sky(7))
    with opened("line.image") as tool:
        tool.setbrightnessunit(unit)
    refuses("line", f"line.image is in {unit}, not in Jy/beam")


@pytest.mark.parametrize(
    ("width", "message"), [("0.2arcsec", "of only 0.4 pixels"), ("60arcsec", "wider than the image")]
)
def test_an_impossible_beam_is_refused(width, message):
    write_cube("line", sky(7))
    with opened("line.image") as tool:
        tool.setrestoringbeam(major=width, minor=width, pa="0deg")
    refuses("line", f"line.image has a restoring beam .*{message}")


@pytest.mark.parametrize("given", ["", "nowhere", "line.", "~/line", " line", "line.image.pbcor", "."])
def test_a_name_without_images_is_refused_with_what_is_needed(given):
    write_cube("line", sky(7))
    refuses(given, "imagename='.*': .* not found; give the root name used in tclean")


# What is odd is said


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_channel_whose_model_holds_what_is_no_number_has_diverged(value):
    write_cube("line", sky(7))
    edit("line.model", "xysf", (3, 9, slice(9, 12)), value)
    result = confetti_check(imagename="line")
    assert result["channels"] == result["diverged"] == [3]
    assert "in channels 3: line.model has 3 NaN or infinite pixels there" in result["warnings"][0]


def test_a_psf_without_its_peak_is_said():
    write_cube("line", sky(7))
    edit("line.psf", "xysf", (3, 20, 20), 1e38)
    result = confetti_check(imagename="line")
    assert "line.psf is blank there or has no peak of 1 at its central pixel" in result["warnings"][0]


def test_without_a_residual_nothing_is_checked():
    write_cube("line", sky(7))
    edit("line.residual", "xysf", (slice(None), slice(None), slice(None)), 0)
    result = confetti_check(imagename="line")
    assert result["verdict"] == "not applicable"
    assert result["npixels"] == 0
    assert result["warnings"][0].startswith("line.residual is masked, blank or zero")
