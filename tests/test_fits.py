"""FITS sets, as archives deliver them: what the CASA images give that they were exported from, bit for bit."""

import gzip
import os
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS
from casa_images import join_virtually, write_cube, write_image
from casatasks import casalog
from checks import confetti_check
from grids import grid
from skies import HOT, NOISE, Products

from confetti_task import confetti_plot, confetti_reclean
from confetti_task.private.check.log import describe_verdict, why_not_tclean
from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.locks import unchanged
from confetti_task.private.images.pieces import open_pieces
from confetti_task.private.images.pixels import read_channels

PRODUCTS = ("model", "image", "residual", "psf")
EXPORTS = {
    "stokes last": {},
    "frequency last": {"stokeslast": False},
    "without stokes": {"dropstokes": True},
    "without axes of length 1": {"dropdeg": True},
    "velocity": {"velocity": True},
    "optical velocity": {"velocity": True, "optical": True},
    "scaled": {"bitpix": 16},
}


def export(root, name, products=PRODUCTS, term="", **options):
    """The FITS files that the task exportfits makes of CASA images."""
    from casatasks import exportfits

    for one in products:
        exportfits(imagename=f"{root}.{one}{term}", fitsimage=f"{name}.{one}{term}.fits", **options)


def import_all(name, root, products=PRODUCTS, term=""):
    """The CASA images that the task importfits makes of FITS files."""
    from casatasks import importfits

    for one in products:
        importfits(fitsimage=f"{name}.{one}{term}.fits", imagename=f"{root}.{one}{term}")


def pixels_of(path):
    """Pixels of an image of one polarization, [channel, y, x]."""
    from casatools import image

    tool = image()
    tool.open(path)
    pixels = tool.getchunk()
    tool.done()
    return pixels.squeeze().T


def table_of(path):
    """Rows of a table as text, without its header."""
    with open(path, encoding="utf-8") as file:
        return [line for line in file if not line.startswith("#")]


def assert_same_finds(one, other):
    """Fail unless two results have the same tables and masks, bit for bit."""
    for key in ("table", "channeltable"):
        assert table_of(one[key]) == table_of(other[key])
    for key in ("mask", "cleanmask"):
        assert bool(one[key]) == bool(other[key])
        if one[key]:
            np.testing.assert_array_equal(pixels_of(one[key]), pixels_of(other[key]))
    different = {"mask", "cleanmask", "table", "channeltable", "report", "warnings"}
    assert {key: one[key] for key in set(one) - different} == {key: other[key] for key in set(other) - different}


@pytest.fixture
def masked(products):
    """A T/F mask as that of tclean, True where the primary beam is above pblimit."""
    mask = np.ones(products.model.shape, dtype=bool)
    mask[:, :5] = mask[:, :, 60:] = False
    return mask


@pytest.fixture
def exported(products, masked):
    """A FITS set whose image is masked, and the CASA images that it was exported from."""
    write_cube("casa", products, masked=masked)
    export("casa", "line")


@pytest.mark.parametrize(("form", "beams"), list(product(EXPORTS, ["one", "per plane"])))
def test_a_fits_set_gives_what_the_casa_images_give_that_are_imported_from_it(products, masked, form, beams):
    write_cube("casa", products, masked=masked, beams=beams, growth=0)
    export("casa", "line", **EXPORTS[form])
    import_all("line", "imported")
    result = confetti_check(imagename="line")
    assert result["chans"] == "3"
    assert_same_finds(result, confetti_check(imagename="imported"))


def integers(path, bits):
    """Rewrite a FITS file with integer pixels, which cannot express a 0 exactly."""
    with fits.open(path, mode="update") as file:
        low, high = float(file[0].data.min()), float(file[0].data.max())
        scale = (high - low) / (2**bits - 1000)
        file[0].scale(f"int{bits}", bscale=scale, bzero=low + (2 ** (bits - 1) - 500) * scale)


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("imported", [False, True])
def test_what_integers_leave_of_zero_in_a_model_is_no_component(bits, imported):
    """The residual is high where nothing was cleaned; it is no sign that what was cleaned there diverged."""
    products = Products()
    products.add_point(2, 45, 15, 30 * NOISE)
    products.add_point(2, 40, 40, -10 * NOISE)
    products.residual[2, 5:15, 5:15] += 60 * NOISE
    write_cube("casa", products)
    export("casa", "line")
    integers("line.model.fits", bits)
    if imported:
        import_all("line", "imported")
    dusty, clean = confetti_check("imported" if imported else "line"), confetti_check("casa")
    assert clean["verdict"] == dusty["verdict"]
    tables = [QTable.read(result["channeltable"]) for result in (dusty, clean)]
    assert tables[0]["components"].tolist() == tables[1]["components"].tolist()
    np.testing.assert_allclose(*(table["convergence"] for table in tables), rtol=0.01)


def spectral_axis(name, kind, first, step, unit):
    """Give FITS files another spectral axis, without a rest frequency."""
    for one in PRODUCTS:
        with fits.open(f"{name}.{one}.fits", mode="update") as file:
            header = file[0].header
            axis = next(key[5:] for key, value in header["CTYPE*"].items() if value == "FREQ")
            for keyword, value in (("CTYPE", kind), ("CRVAL", first), ("CDELT", step), ("CUNIT", unit), ("CRPIX", 1.0)):
                header[keyword + axis] = value
            header.remove("RESTFRQ")


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize(
    ("kind", "first", "step", "unit", "known"),
    [("VRAD", 12.0, -0.5, "km/s", "velocity"), ("FREQ", 93e9, 1e5, "Hz", "frequency")],
)
def test_without_a_rest_frequency_velocities_are_no_frequencies_and_what_is_missing_is_said(
    exported, imported, kind, first, step, unit, known, monkeypatch
):
    posted = []
    monkeypatch.setattr(casalog, "post", lambda message, *_, **__: posted.append(message))
    spectral_axis("line", kind, first, step, unit)
    if imported:
        import_all("line", "imported")
    result = confetti_check("imported" if imported else "line", report=True)
    table = QTable.read(result["channeltable"])
    expected = (first + step * np.arange(len(table))) * units.Unit(unit)
    assert units.allclose(table[known], expected)
    missing = "frequency" if known == "velocity" else "velocity"
    assert np.isnan(table[missing]).all()
    text = f"column {missing} is nan"
    assert any(text in warning for warning in result["warnings"]) == (missing == "frequency")
    assert any(text in line for line in posted)


@pytest.mark.parametrize("kind", ["VOPT", "FELO-LSR"])
def test_velocities_that_casa_cannot_read_without_a_rest_frequency_are_refused_with_the_way_out(exported, kind):
    spectral_axis("line", kind, 12000.0, -500.0, "m/s")
    with pytest.raises(ValueError, match=f"no rest frequency.*{kind[:4]}|{kind[:4]}.*no rest frequency"):
        confetti_check("line")


@pytest.mark.parametrize("second", [1, 3, 4, 6])
@pytest.mark.parametrize("dust", [0, 1e-6])
def test_the_value_of_empty_pixels_is_read_from_images_joined_virtually_too(second, dust):
    products = Products()
    products.model[products.model == 0] = dust
    write_cube("line", products)
    join_virtually("line.model", second)
    assert open_cube("line").empty == np.float32(dust)


def test_a_component_in_every_pixel_is_no_dust():
    """As in a start model of the continuum: not all corners of it have the same value."""
    products = Products()
    products.model += NOISE * np.linspace(0.01, 0.02, products.model[0].size).reshape(products.model[0].shape)
    write_cube("casa", products)
    assert open_cube("casa").empty == 0


@pytest.mark.parametrize(("beams", "rounding"), [("one", 1e-9), ("per plane", 1e-5)])
def test_a_fits_set_gives_the_masks_of_the_casa_images_it_was_exported_from(products, masked, beams, rounding):
    write_cube("casa", products, masked=masked, beams=beams)
    export("casa", "line")
    one, other = confetti_check(imagename="line"), confetti_check(imagename="casa")
    for key in ("mask", "cleanmask"):
        np.testing.assert_array_equal(pixels_of(one[key]), pixels_of(other[key]))
    # FITS headers have twelve digits, and tables of beams float32. What is left after a subtraction has the rounding of
    # what was subtracted, up to the largest of its column.
    for key in ("table", "channeltable"):
        table, expected = (QTable.read(result[key]) for result in (one, other))
        for name in table.colnames:
            if table[name].dtype.kind == "f":
                values = expected[name].value
                tolerance = rounding * np.max(np.abs(values), initial=0, where=np.isfinite(values))
                np.testing.assert_allclose(table[name].value, values, rtol=rounding, atol=tolerance)
            else:
                assert table[name].tolist() == expected[name].tolist()


def test_taylor_terms_and_polarizations_are_read_too(products):
    write_cube("casa", products, term=".tt0", polarizations=("I", "V"), holds="V")
    export("casa", "line", term=".tt0")
    import_all("line", "imported", term=".tt0")
    result = confetti_check(imagename="line")
    assert QTable.read(result["table"])["stokes"][0] == "V"
    assert table_of(result["table"]) == table_of(confetti_check(imagename="imported")["table"])


@pytest.mark.parametrize("name", ["line.image.fits", "line.model.fits", "./line.residual.fits", "*.model.fits"])
def test_the_name_of_any_fits_file_will_do(exported, name):
    assert os.path.basename(confetti_check(imagename=name)["mask"]) == "line.confetti.mask"


@pytest.mark.parametrize("name", ["ngc_CO(2-1)", "spw[25] line", "a+b"])
def test_names_in_which_libraries_read_syntax_are_names(products, name):
    write_cube(name, products)
    result = confetti_check(imagename=name, fitsmask=True)
    with fits.open(result["mask"] + ".fits") as file:
        np.testing.assert_array_equal(file[0].data.squeeze(), pixels_of(result["mask"]))
    assert not [other for other in os.listdir(".") if other.startswith(".")]


def test_a_fits_file_that_is_compressed_in_tiles_is_refused_with_the_way_out(exported):
    for name in ("line.model.fits", "line.psf.fits"):
        with fits.open(name) as file:
            packed = fits.CompImageHDU(file[0].data.squeeze(), compression_type="GZIP_1", quantize_level=0)
            fits.HDUList([fits.PrimaryHDU(), packed]).writeto(name, overwrite=True)
        with pytest.raises(ValueError, match=f"{name} is compressed in tiles; decompress it first, with funpack"):
            confetti_check(imagename="line")
        export("casa", "line", ["model"], overwrite=True)


@pytest.mark.parametrize("beam", [(np.nan, np.nan), (0, 0), (0.001, 0.002)])
def test_a_beam_table_with_a_channel_that_has_none_names_it(products, beam):
    write_cube("casa", products, beams="per plane")
    export("casa", "line")
    with fits.open("line.image.fits", mode="update") as file:
        file[1].data["BMAJ"][5], file[1].data["BMIN"][5] = beam
    with pytest.raises(ValueError, match="line.image.fits has no valid beam in channels 5 of its table of beams"):
        confetti_check(imagename="line")


def test_inputs_are_never_changed(exported):
    before = {name: Path(name).read_bytes() for name in os.listdir(".") if name.endswith(".fits")}
    confetti_check(imagename="line", fitsmask=True)
    assert {name: Path(name).read_bytes() for name in before} == before


# How pixels are read


@pytest.mark.parametrize("form", EXPORTS)
def test_both_readers_give_the_same_pixels(products, masked, form):
    write_cube("casa", products, masked=masked)
    export("casa", "line", **EXPORTS[form])
    cube, through_casa = open_cube("line"), open_cube("line", reader="ia")
    assert cube.mapped == (form != "scaled")
    assert not any(image.mapped for image in through_casa.images.values())
    for name in PRODUCTS:
        for window in ((0, 7, None, None), (1, 4, (5, 61), (63, 64)), (2, 3, (0, 1), None)):
            one, other = (read_channels(which, name, 0, *window) for which in (cube, through_casa))
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.float32


def store(path, kind):
    """Store the pixels of a FITS file in another way."""
    pixels, header = fits.getdata(path), fits.getheader(path)
    if kind == "double":
        fits.PrimaryHDU(pixels.astype("f8"), header).writeto(path, overwrite=True)
    elif kind == "extension":
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels, header)]).writeto(path, overwrite=True)


@pytest.mark.parametrize("kind", ["double", "extension"])
def test_what_is_not_plain_float32_is_read_through_the_image_tool(exported, kind):
    before = read_channels(open_cube("line"), "residual", 0, 0, 7)
    store("line.residual.fits", kind)
    cube = open_cube("line")
    assert [name for name, image in cube.images.items() if image.mapped] == ["model", "image", "psf"]
    np.testing.assert_array_equal(read_channels(cube, "residual", 0, 0, 7), before)


def test_a_scale_of_floats_which_casa_ignores_is_refused(exported):
    whole = Path("line.residual.fits").read_bytes()
    Path("line.residual.fits").write_bytes(whole.replace(b"BSCALE  =   1.0", b"BSCALE  =   2.0", 1))
    with pytest.raises(ValueError, match="line.residual.fits has a scale for float pixels, which CASA ignores"):
        confetti_check(imagename="line")


def test_a_layout_is_trusted_only_if_the_image_tool_reads_the_same(exported, monkeypatch):
    from confetti_task.private.images import tiles

    read = tiles.read_cards
    monkeypatch.setattr(tiles, "read_cards", lambda path: read(path)._replace(offset=read(path).offset - 4))
    assert not open_cube("line").images["image"].mapped


# Blank pixels


def test_components_outside_the_mask_are_ignored_as_in_casa_images(products, masked):
    products.model[3, 2, 2:60:2], products.model[3, 2, 3:60:2] = 500 * NOISE, -500 * NOISE
    write_cube("casa", products, masked=masked)
    export("casa", "line")
    import_all("line", "imported")
    result = confetti_check(imagename="line")
    assert not result["diverged"]
    assert_same_finds(result, confetti_check(imagename="imported"))


def test_a_channel_that_ran_away_is_not_taken_for_a_masked_one(exported):
    for name in ("image", "residual"):
        with fits.open(f"line.{name}.fits", mode="update") as file:
            file[0].data[0, 5] = np.nan
    with fits.open("line.model.fits", mode="update") as file:
        file[0].data[0, 5, 20:40] = 1e38
    assert confetti_check(imagename="line")["diverged"] == [5]


# Which images


def test_a_complete_set_of_casa_images_is_taken_before_fits_files(products):
    write_cube("line", products)
    for name in PRODUCTS:
        shutil.copytree(f"line.{name}", f"copy.{name}")
    expected = confetti_check(imagename="copy")
    write_image("old.mask", np.zeros((3, 40, 40)))
    write_image("old.model", np.zeros((3, 40, 40)))
    export("old", "line", products=["mask", "model"])
    assert_same_finds(confetti_check(imagename="line"), expected)


def test_a_mixed_set_is_checked_if_its_axes_have_one_order(products):
    write_cube("line", products)
    expected = confetti_check(imagename="line", outfile="casa")
    export("line", "line", products=["residual", "image"], stokeslast=False)
    for name in ("residual", "image"):
        shutil.rmtree(f"line.{name}")
    assert open_cube("line").fits == ("image", "residual")
    result = confetti_check(imagename="line")
    np.testing.assert_array_equal(pixels_of(result["mask"]), pixels_of(expected["mask"]))


def test_a_mixed_set_in_two_orders_is_refused_with_the_way_out(products):
    write_cube("line", products)
    export("line", "line", products=["residual"])
    shutil.rmtree("line.residual")
    with pytest.raises(ValueError, match=r"line.residual.fits and line.model .*all as CASA images or all as FITS"):
        confetti_check(imagename="line")


def test_a_clean_mask_in_fits_is_used(products, masked):
    products.mask = np.zeros_like(products.model)
    products.mask[:, 20:50, 10:50] = 1
    write_cube("casa", products)
    export("casa", "line", products=[*PRODUCTS, "mask"])
    np.testing.assert_array_equal(pixels_of(confetti_check(imagename="line")["cleanmask"])[3], products.mask[3])


@pytest.mark.parametrize("given", [["line.0", "line.4"], "line.?", "line.?.model.fits"])
def test_pieces_may_be_fits_files(products, given):
    from casatools import image, regionmanager

    write_cube("whole", products)
    tools = regionmanager()
    for start, end in ((0, 3), (4, 6)):
        region = tools.box(blc=[0, 0, 0, start], trc=[63, 63, 0, end])
        for name in PRODUCTS:
            tool = image()
            tool.open(f"whole.{name}")
            tool.tofits(f"line.{start}.{name}.fits", region=region)
            tool.done()
    assert open_pieces(given).mapped
    result = confetti_check(imagename=given, fitsmask=True)
    assert result["mask"] == ["line.0.confetti.mask", "line.4.confetti.mask"]
    assert fits.getdata("line.0.confetti.mask.fits")[0][HOT] == 1
    assert not fits.getdata("line.4.confetti.mask.fits").any()


def test_of_pieces_some_of_which_are_in_fits_one_of_these_is_named_to_be_imported(products):
    from casatools import image, regionmanager

    write_cube("whole", products)
    tools, tool = regionmanager(), image()
    for name in PRODUCTS:
        tool.open(f"whole.{name}")
        tool.subimage(f"line.0.{name}", region=tools.box(blc=[0, 0, 0, 0], trc=[63, 63, 0, 3])).done()
        region = tools.box(blc=[0, 0, 0, 4], trc=[63, 63, 0, 6])
        tool.tofits(f"line.4.{name}.fits", region=region, stokeslast=False)
        tool.done()
    assert "importfits(fitsimage='line.4.model.fits'" in why_not_tclean(open_pieces(["line.0", "line.4"]))


# Masks as FITS files


@pytest.mark.parametrize("order", ["xysf", "xyfs", "xyf", "fsxy", "yxsf"])
def test_masks_as_fits_are_the_masks_of_casa(products, order):
    write_cube("line", products, order=order)
    result = confetti_check(imagename="line", fitsmask=True)
    for key in ("mask", "cleanmask"):
        written, mask = fits.getdata(result[key] + ".fits"), pixels_of(result[key])
        assert written.any()
        assert written.dtype == ">f4"
        np.testing.assert_array_equal(written.squeeze(), mask)


@pytest.mark.parametrize("stored", ["casa", "line"])
def test_a_mask_in_fits_has_the_places_of_the_table(exported, stored):
    result = confetti_check(imagename=stored, fitsmask=True)
    row = QTable.read(result["table"])[0]
    header = fits.getheader(result["mask"] + ".fits")
    axes = [header[f"CTYPE{axis}"][:4] for axis in range(1, 5)]
    place = dict(zip(("FREQ", "DEC-", "RA--"), HOT), STOK=0)
    world = dict(zip(axes, WCS(header, fix=False).wcs_pix2world([[place[axis] for axis in axes]], 0)[0]))
    position = SkyCoord(row["ra"], row["dec"]).fk5
    assert world["RA--"] == pytest.approx(position.ra.deg, abs=1e-8)
    assert world["DEC-"] == pytest.approx(position.dec.deg, abs=1e-8)
    assert world["FREQ"] == pytest.approx(row["frequency"].to_value("Hz"), abs=1)


def test_a_mask_in_fits_can_be_imported_again(exported):
    from casatasks import importfits

    result = confetti_check(imagename="line", fitsmask=True)
    importfits(fitsimage="line.confetti.mask.fits", imagename="again")
    np.testing.assert_array_equal(pixels_of("again"), pixels_of(result["mask"]))


def test_an_existing_fits_mask_is_protected_and_goes_with_the_other_products(products):
    write_cube("line", products)
    with open("line.confetti.mask.fits", "w") as file:
        file.write("of another program")
    with pytest.raises(ValueError, match="line.confetti.mask.fits exists already"):
        confetti_check(imagename="line", fitsmask=True)
    assert Path("line.confetti.mask.fits").read_text() == "of another program"
    confetti_check(imagename="line")
    assert Path("line.confetti.mask.fits").read_text() == "of another program"
    confetti_check(imagename="line", overwrite=True, fitsmask=True)
    assert fits.getdata("line.confetti.mask.fits").any()
    # A check without FITS masks takes away those of the one before: they would contradict the new masks.
    confetti_check(imagename="line", overwrite=True)
    assert not os.path.exists("line.confetti.mask.fits")


@pytest.mark.parametrize("suffix", [".model.fits", ".image.tt0.fits"])
def test_products_are_never_named_like_a_fits_set(products, suffix):
    write_cube("casa", products)
    with open("line" + suffix, "w") as file:
        file.write("of tclean")
    with pytest.raises(ValueError, match="images made by tclean have that name"):
        confetti_check(imagename="casa", outfile="line")


# Damage


def damage(path, how):
    """Damage a file; returns what the error says."""
    if how == "compressed":
        Path(path).write_bytes(gzip.compress(Path(path).read_bytes()))
        return "is compressed; decompress it first"
    if how == "text":
        with open(path, "w") as file:
            file.write("no image")
        return "cannot be read as a CASA image or as FITS"
    os.truncate(path, {"data cut": os.path.getsize(path) - 2880, "header cut": 3000, "empty": 0}[how])
    return "cannot be read as" if how == "empty" else "is damaged"


@pytest.mark.parametrize(("how", "name"), grid(["compressed", "text", "data cut", "header cut", "empty"], PRODUCTS))
def test_a_damaged_file_is_named_and_nothing_is_written(exported, how, name):
    message = damage(f"line.{name}.fits", how)
    before = sorted(os.listdir("."))
    for reader in ("auto", "ia"):
        with pytest.raises(ValueError, match=f"line.{name}.fits {message}"):
            confetti_check(imagename="line", reader=reader)
    assert sorted(os.listdir(".")) == before


def test_a_compressed_set_is_refused_with_the_call_that_helps(exported):
    for name in PRODUCTS:
        os.rename(f"line.{name}.fits", f"line.{name}.fits.gz")
    with pytest.raises(ValueError, match="decompress it first: gunzip line.model.fits.gz"):
        confetti_check(imagename="line")


def test_a_file_that_changes_during_the_check_is_named(exported):
    with pytest.raises(ValueError, match="line.image.fits changed during the check"), unchanged(open_cube("line")):
        os.utime("line.image.fits", (0, 0))


# What comes after


def test_the_page_and_a_plot_are_drawn_from_fits(exported):
    result = confetti_check(imagename="line", report=True)
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "importfits(fitsimage=" in page
    assert "confetti_reclean(imagename" in page
    assert confetti_plot("line", source=0).axes


def test_cleaning_again_with_tclean_is_refused_with_the_calls_that_help(exported):
    result = confetti_check(imagename="line")
    assert "With the visibilities the new images are better, but the images are FITS" in describe_verdict(
        result, open_cube("line")
    )
    assert "importfits" not in describe_verdict(result, open_cube("casa"))
    before = sorted(os.listdir("."))
    with pytest.raises(
        ValueError, match=r"importfits\(fitsimage='.*/line.model.fits', imagename='.*/line.model', defaultaxes"
    ):
        confetti_reclean(imagename="line", method="cube")
    assert sorted(os.listdir(".")) == before
