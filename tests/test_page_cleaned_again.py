"""The part of the page about channels that were cleaned again."""

import os
import re
import shutil

import numpy as np
import pytest
from casa_images import write_cube
from drawings import pictures_in
from pages import HOT, confetti_and_maser, confetti_check, page_of, write_cleaned_again, write_proof
from skies import NOISE, Products

from confetti_task import confetti_plot
from confetti_task.private.report.cleaned_again import worst_differences


@pytest.fixture
def products():
    return confetti_and_maser()


@pytest.fixture
def cleaned_again(products):
    return write_cleaned_again(products)


@pytest.mark.usefixtures("cleaned_again")
def test_after_a_reclean_the_page_shows_the_worst_finds_before_and_after():
    page = page_of("line_reclean", npanels=12)
    section = page[page.index("<h2>Cleaned again: before and after</h2>") : page.index("<h2>Next</h2>")]
    articles = re.findall(r'<article class="find" id="again-.*?</article>', section, re.DOTALL)
    assert [re.search(r"<h3>Before and after \d: (channel \d, x=\d+ y=\d+)", text)[1] for text in articles] == [
        "channel 3, x=26 y=30",
        "channel 3, x=20 y=50",
    ]
    assert [len(pictures_in(text)) for text in articles] == [1, 1]
    assert "In the old image +12.3 sigma, in the new one +0.4: proved, a fake source." in articles[0]
    assert "In the old image +0.2 sigma, in the new one +4.4: open" in articles[1]
    table = re.findall(r"<tr><td.*", section[section.index('<table id="finds">') :])
    assert [re.search(r">(proved|open|real)<", row)[1] for row in table[:4]] == ["proved", "open", "open", "real"]


@pytest.mark.usefixtures("cleaned_again")
def test_the_page_says_what_became_of_every_channel_that_was_cleaned_again():
    page = page_of("line_reclean")
    assert "New planes in channels 3; channels 1~2 are acquitted, because they show the same; channels 5 are" in page
    assert page.count('id="again-') == 1
    write_proof("all.proof.ecsv", "line", "line", (), {1: "acquitted"}, replaced=[])
    page = page_of("line_reclean", proof="all.proof.ecsv", overwrite=True)
    assert "No channel has new planes; channels 1 are acquitted" in page
    assert "Nothing stands out in these channels" in page


def test_the_page_says_where_cleaning_again_could_not_decide():
    products = Products()
    products.add_confetti(5, 36, 20, 11.4 * NOISE)
    write_cube("line", products)
    write_proof("tried.proof.ecsv", "line", "line", (), {5: "undecided"}, replaced=[])
    assert "Cleaning again could not decide about channels 5" in page_of("line", surround=0, proof="tried.proof.ecsv")
    assert "could not decide" not in page_of("line", overwrite=True)


def test_a_bad_channel_without_proof_has_new_planes_and_is_not_called_acquitted(cleaned_again):
    again = write_proof("again.proof.ecsv", "line", "line_reclean", (), {2: "acquitted"}, replaced=[2])
    assert "New planes in channels 2." in page_of("line_reclean", proof="again.proof.ecsv")
    assert worst_differences(again, 9) == []
    assert cleaned_again["proof"][worst_differences(cleaned_again, 9)].tolist() == ["proved", "open"]


@pytest.mark.usefixtures("cleaned_again")
def test_without_a_proof_the_page_compares_nothing():
    assert "Cleaned again" not in page_of("line")


def test_where_everything_was_acquitted_there_are_no_maps_to_compare(products):
    write_cube("line", products)
    write_proof("line.proof.ecsv", "line", "line")
    page = page_of("line")
    assert "Cleaned again: before and after" in page
    assert '<table id="finds">' in page
    assert 'id="again-' not in page


@pytest.mark.usefixtures("cleaned_again")
@pytest.mark.parametrize("damage", ["removed", "broken", "of another shape"])
def test_old_images_that_are_gone_cost_only_the_maps(damage):
    shutil.rmtree("line.image")
    if damage == "broken":
        os.mkdir("line.image")
    elif damage == "of another shape":
        for product in ("model", "residual", "psf"):
            shutil.rmtree(f"line.{product}")
        write_cube("line", Products(channels=4))
    page = page_of("line_reclean")
    assert "The images before and after cannot be shown" in page
    assert '<table id="finds">' in page
    assert 'id="again-' not in page


@pytest.mark.usefixtures("cleaned_again")
def test_old_and_new_image_and_their_difference_are_drawn_with_one_scale():
    figure = confetti_plot("line_reclean", source=(HOT[0], HOT[2], HOT[1]), before="line")
    maps = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["old image", "new image", "old - new"]
    old, new, difference = (np.asarray(axes.images[0].get_array()) for axes in maps)
    np.testing.assert_allclose(difference, old - new, atol=1e-4 * np.abs(old).max())
    middle = old.shape[0] // 2
    assert abs(difference[middle, middle]) == np.abs(difference).max() > 0
    assert len({axes.images[0].get_clim() for axes in maps}) == 1
    assert all(axes.get_xlim()[0] > 0 > axes.get_xlim()[1] for axes in maps)


@pytest.mark.usefixtures("cleaned_again")
def test_a_row_of_the_old_table_is_drawn_before_and_after():
    confetti_check(imagename="line", report=False)
    figure = confetti_plot("line_reclean", source=0, outfile="line.confetti", before="line")
    title = " ".join(text.get_text() for text in figure.texts)
    assert title.startswith("Unsupported: the visibilities do not support a point source")
    write_cube("other", Products(channels=4))
    with pytest.raises(ValueError, match="differ in shape"):
        confetti_plot("line_reclean", source=(3, 26, 30), before="other")
