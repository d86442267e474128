"""Known real sources are never masked, in whatever form they are given."""

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from casa_images import write_cube
from checks import confetti_check, places
from skies import HOT

from confetti_task.private.images.headers import opened

MASER_LIKE = [271.58 + 6 * 0.5 / 3600 / np.cos(np.deg2rad(21.62)), -21.62 - 2 * 0.5 / 3600]


FORMS = "degrees, text, array, alone, alone in text, ecsv, csv, fits, text in fits, radian, SkyCoord, l and b"


@pytest.mark.parametrize("form", FORMS.split(", "))
def test_a_known_source_is_never_masked(products, form):
    write_cube("line", products)
    position = SkyCoord(*MASER_LIKE, unit="deg", frame="fk5").icrs
    known = [[position.ra.deg, position.dec.deg], [10.0, 20.0]]
    if form == "text":
        known = [[position.ra.to_string("hour", sep=":"), position.dec.to_string(sep=":")]]
    elif form == "array":
        known = np.array(known)
    elif form == "alone":
        known = position.ra.deg, position.dec.deg
    elif form == "alone in text":
        known = [position.ra.to_string("hour", sep=":"), position.dec.to_string(sep=":")]
    elif form == "text in fits":
        known = "masers.fits"
        text = [position.ra.to_string("hour", sep=":")], [position.dec.to_string("deg", sep=":")]
        QTable(dict(zip(("ra", "dec"), text))).write(known)
    elif form == "SkyCoord":
        known = "masers.ecsv"
        QTable({"name": ["maser"], "where": SkyCoord([position.galactic])}).write(known)
    elif form == "l and b":
        known = "masers.csv"
        galactic = position.galactic
        QTable({"L": [galactic.l.deg], "B": [galactic.b.deg]}).write(known, format="ascii.csv")
    elif form == "radian":
        known = "masers.ecsv"
        QTable({"ra": [position.ra.rad] * units.rad, "dec": [position.dec.rad] * units.rad}).write(known)
    elif form in ("ecsv", "csv", "fits"):
        table = QTable({"RA": [position.ra.deg] * units.deg, "DEC": [position.dec.deg] * units.deg, "flux": [1.0]})
        known = f"masers.{form}"
        table.write(known, format={"ecsv": "ascii.ecsv", "csv": "ascii.csv"}.get(form))
    result = confetti_check(imagename="line", known=known)
    assert result["verdict"] == "clean"
    assert places(result, "known") == {HOT}


VELOCITY = 299792.458 * (1 - (93.17 + 3 * 71.5e-6) / 93.1734)  # of the hot pixel, in km/s
WIDTH = 0.23  # of a channel


def catalogue(form, velocity):
    """A catalogue of masers with velocities, as that of a survey, or as text."""
    position = SkyCoord(*MASER_LIKE, unit="deg", frame="fk5")
    if form == "text":
        return [[position.icrs.ra.deg, position.icrs.dec.deg, f"{velocity}km/s", f"{WIDTH}km/s"]]
    places = {"ra_deg": [position.icrs.ra.deg] * 2, "dec_deg": [position.icrs.dec.deg] * 2}
    if form == "vlsr":
        columns = dict(places, vlsr=[velocity, np.nan], FWHM=[WIDTH, WIDTH])
        columns["ra_deg"][1] -= 1  # elsewhere, of unknown velocity
    elif form == "velocity with a unit":
        columns = {"GLON": position.galactic.l.deg, "GLAT": position.galactic.b.deg}
        columns = {name: [value] for name, value in columns.items()}
        columns.update(Velocity=[1000 * velocity] * units.m / units.s, width=[1000 * WIDTH] * units.m / units.s)
    else:
        frequency = 93.1734 * (1 - velocity / 299792.458)
        columns = dict(places, freq=[frequency] * 2, width=[WIDTH] * 2)
    QTable(columns).write("catalogue.ecsv", overwrite=True)
    return "catalogue.ecsv"


@pytest.mark.parametrize("form", ["vlsr", "velocity with a unit", "freq", "text"])
def test_a_maser_of_known_velocity_is_protected_in_its_channels_alone(products, form):
    write_cube("line", products)
    there = confetti_check(imagename="line", known=catalogue(form, VELOCITY))
    assert places(there, "known") == {HOT}
    elsewhere = confetti_check(imagename="line", known=catalogue(form, VELOCITY + 3 * WIDTH), overwrite=True)
    assert elsewhere["channels"] == [HOT[0]]


def test_a_width_in_arcsec_is_none_of_a_line(products):
    write_cube("line", products)
    table = QTable.read(catalogue("vlsr", VELOCITY + 2.4))
    table.replace_column("FWHM", [0.1, 0.1] * units.arcsec)
    table.write("sizes.ecsv")
    assert confetti_check(imagename="line", known="sizes.ecsv")["npixels"] == 0


def test_a_velocity_without_a_width_protects_five_kilometres_a_second(products):
    write_cube("line", products)
    row = catalogue("text", VELOCITY + 2.4)[0][:3]
    assert confetti_check(imagename="line", known=[row])["npixels"] == 0
    row = catalogue("text", VELOCITY + 2.8)[0][:3]
    result = confetti_check(imagename="line", known=[row], overwrite=True)
    assert (result["channels"], result["warnings"]) == ([HOT[0]], [])
    row = catalogue("text", VELOCITY + 4)[0][:3]
    result = confetti_check(imagename="line", known=[row], overwrite=True)
    assert "1 of 1 known sources are outside the image, or their velocity is not in the cube" in result["warnings"][0]


def test_where_velocities_are_of_another_frame_known_sources_are_protected_in_all_channels(products):
    write_cube("line", products)
    for name in ("model", "image", "residual", "psf"):
        with opened(f"line.{name}") as tool:
            system = tool.coordsys()
            system.setreferencecode("TOPO", "spectral")
            tool.setcoordsys(system.torecord())
    assert confetti_check(imagename="line", known=catalogue("text", VELOCITY + 20))["npixels"] == 0


def test_the_check_after_a_re_clean_knows_the_velocities_too(products):
    write_cube("line", products)
    known = catalogue("text", VELOCITY + 3 * WIDTH)
    result = confetti_check(imagename="line", known=known)
    again = confetti_check(
        imagename="line", known=QTable.read(result["table"]).meta["parameters"]["known"], outfile="again"
    )
    assert again["channels"] == [HOT[0]]


def test_known_sources_elsewhere_protect_nothing_not_even_on_the_opposite_side_of_the_sky(products):
    write_cube("line", products)
    elsewhere = [[MASER_LIKE[0], MASER_LIKE[1] + 0.002], [MASER_LIKE[0] - 180, -MASER_LIKE[1]]]
    assert confetti_check(imagename="line", known=elsewhere)["channels"] == [3]


@pytest.mark.parametrize("outside", [[8.68, -0.355], [MASER_LIKE[0] / 15, MASER_LIKE[1]]], ids=["galactic", "hours"])
def test_known_sources_that_are_not_in_the_image_are_counted_in_a_warning(products, outside):
    write_cube("line", products)
    warnings = confetti_check(imagename="line", known=[outside, MASER_LIKE])["warnings"]
    assert any("1 of 2 known sources are outside the image" in warning for warning in warnings)
    assert confetti_check(imagename="line", known=[MASER_LIKE], overwrite=True)["warnings"] == []


@pytest.mark.parametrize("known", ["nowhere.txt", [[1, 2, 3]], [["here", "there"]], ["ra", "dec"], 5])
def test_known_sources_that_cannot_be_read_are_refused(products, known):
    write_cube("line", products)
    with pytest.raises(ValueError, match="known=.* cannot be read as positions"):
        confetti_check(imagename="line", known=known)


@pytest.mark.parametrize("known", [[10.0], ["18:06:20 -21:37:00", "18:07:20 -21:37:00", "18:08:20 -21:37:00"]])
def test_positions_that_are_no_pairs_are_named_with_the_right_form(products, known):
    write_cube("line", products)
    with pytest.raises(ValueError, match=r"is no pair of RA and Dec; .* \[\[RA, Dec\], \.\.\.\], each pair in degrees"):
        confetti_check(imagename="line", known=known)


def test_a_table_without_positions_is_refused_with_its_columns(products):
    write_cube("line", products)
    QTable({"x": [1.0], "y": [2.0]}).write("masers.ecsv")
    with pytest.raises(ValueError, match="its columns are x, y"):
        confetti_check(imagename="line", known="masers.ecsv")
