"""An image is compared with the restored model, and where it is another the model is restored again."""

import numpy as np
import pytest
from astropy.table import QTable
from casa_images import UNITS, write_cube, write_image
from checks import confetti_check, places
from grids import grid
from scipy.signal import fftconvolve
from skies import BEAM, HOT, NOISE, SIZE, Products, convolve, gaussian, maser_continuum_and_confetti

from confetti_task.private.images.cube import open_cube, read_beam

WIDER = 1.3 * BEAM


def smoothed(image):
    """As imsmooth would, in Jy/beam of the wider beam."""
    kernel = gaussian(np.sqrt(WIDER**2 - BEAM**2))
    return (WIDER / BEAM) ** 2 / kernel.sum() * np.stack([convolve(plane, kernel) for plane in image])


CHANGED = {
    "smoothed": (smoothed, WIDER),
    "primary beam": (lambda image: image / gaussian(1.5 * SIZE), BEAM),
}


@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("order", ["xysf", "yxsf"])
def test_of_an_image_that_was_changed_after_tclean_the_model_is_restored_again(products, change, order):
    change, beam = CHANGED[change]
    write_cube("right", products, order=order)
    right = QTable.read(confetti_check(imagename="right")["table"])
    write_cube("line", products, order=order, skip=["image"])
    write_image("line.image", change(products.image), order, "Jy/beam", beams="one", beam=beam)
    result = confetti_check(imagename="line")
    assert [text for text in result["warnings"] if "convolved with the beam of line.psf" in text] == result["warnings"]
    table = QTable.read(result["table"])
    assert places(result, "confetti") == {HOT}
    assert list(table["class", "channel", "y", "x"]) == list(right["class", "channel", "y", "x"])
    for name in ("noise", "spike", "unsupported"):
        # The continuum source of 100 sigma is restored to 3e-4 of it.
        np.testing.assert_allclose(table[name].value, right[name].value, rtol=1e-3, atol=0.03)


@pytest.mark.parametrize(("shape", "changed"), grid([(24, 560), (560, 25), (521, 530)], [False, True]))
def test_images_of_any_shape_are_compared_with_the_restored_model(shape, changed):
    random = np.random.default_rng(1)
    model = np.zeros((3, *shape), dtype=np.float32)
    model[:, 3, 5] = 50 * NOISE
    model[:, shape[0] // 2, shape[1] // 3] = 20 * NOISE
    model[1, random.integers(0, shape[0], 40), random.integers(0, shape[1], 40)] = 5 * NOISE
    y, x = (np.arange(length) - length // 2 for length in shape)
    beam = np.exp(-4 * np.log(2) * np.add.outer(y**2, x**2) / BEAM**2)
    residual = NOISE * random.normal(size=model.shape)
    image = residual + np.stack([convolve(plane, beam) for plane in model])
    write_image("line.model", model)
    write_image("line.image", 1.01 * image if changed else image, unit="Jy/beam", beams="one")
    write_image("line.residual", residual)
    warnings = confetti_check(imagename="line")["warnings"]
    assert [text for text in warnings if "is not the model convolved" in text] == (warnings[:1] if changed else [])


def test_every_channel_is_restored_with_its_own_beam():
    """Of more than ten channels, in whose names CASA sorts 10 before 2."""
    products = Products(channels=13)
    products.model[:, 12, 50] += 20 * NOISE
    products.add_point(2, 45, 15, 30 * NOISE)
    products.add_confetti(6, 30, 26, 20 * NOISE)
    beams = [gaussian(BEAM + 0.1 * channel) for channel in range(13)]
    image = products.residual + np.stack([convolve(*planes) for planes in zip(products.model, beams)])
    for root, pixels in (("right", image), ("changed", image / gaussian(1.5 * SIZE))):
        write_cube(root, products, skip=["image"], beams="per plane", growth=0.1)
        write_image(f"{root}.image", pixels, unit="Jy/beam", beams="per plane", growth=0.1)
    right, result = (confetti_check(imagename=root) for root in ("right", "changed"))
    assert [len(one["warnings"]) for one in (right, result)] == [0, 1]
    for kind in ("table", "channeltable"):
        tables = [QTable.read(one[kind]) for one in (right, result)]
        assert len(tables[0]) == len(tables[1])
        for name in {"noise", "unsupported", "spike"} & set(tables[0].colnames):
            # tclean lets what reaches over an edge come in at the other.
            np.testing.assert_allclose(tables[0][name].value, tables[1][name].value, rtol=1e-2, atol=1e-2)
    cube = open_cube("right")
    assert list(cube.images["psf"].read_beams(1, 13)[0]) == [read_beam(cube, 0, channel) for channel in range(13)]


def test_without_a_psf_the_model_of_a_corrected_image_is_restored_with_the_beam_of_the_image(products):
    products.add_compensated(5, 20, 40, 100 * NOISE)
    write_cube("line", products, skip=["image", "psf"])
    write_image("line.image", products.image / gaussian(1.5 * SIZE), unit="Jy/beam", beams="per plane", growth=0)
    result = confetti_check(imagename="line")
    assert "convolved with the beam of line.image" in result["warnings"][0]
    assert places(result, "confetti") == {HOT, (5, 20, 40)}


def another_sky(products):
    other = Products(seed=5)
    other.add_point(4, 20, 20, 80 * NOISE)
    return {"image": other.image}


WRONG = {
    "the model is a copy of the image": lambda products: {"model": products.image},
    "the residual is a copy of the image": lambda products: {"residual": products.image},
    "the image is a copy of the residual": lambda products: {"image": products.residual},
    "the image is a copy of the model": lambda products: {"image": products.model},
    "model times 0.6": lambda products: {"model": np.float32(0.6) * products.model},
    "model times 1.5": lambda products: {"model": np.float32(1.5) * products.model},
    "another sky": another_sky,
}


@pytest.mark.parametrize(("wrong", "bright"), grid(WRONG, [1, 10]))
def test_images_that_do_not_belong_together_are_named_and_not_judged(wrong, bright):
    products = maser_continuum_and_confetti()
    products.model *= bright
    write_cube("line", products, skip=["model", "image", "residual"])
    images = {name: getattr(products, name) for name in ("model", "image", "residual")}
    for name, pixels in {**images, **WRONG[wrong](products)}.items():
        write_image(f"line.{name}", pixels, unit=UNITS.get(name, ""), beams=name == "image" and "one")
    result = confetti_check(imagename="line")
    assert (result["verdict"], result["channels"], result["suspects"]) == ("not applicable", [], [])
    (warning,) = result["warnings"]
    assert warning.startswith("line.image, line.model and line.residual do not belong together")


@pytest.mark.parametrize(("beams", "bright"), grid([7.5, 10, 20], [1, 10]))
def test_the_correction_for_a_narrow_primary_beam_is_no_contradiction(beams, bright):
    """With the most compact array it is seven restoring beams wide."""
    products = maser_continuum_and_confetti()
    products.model *= bright
    primary = gaussian(beams * BEAM)
    write_cube("line", products, skip=["image"])
    corrected = np.where(primary > 0.2, products.image / primary, np.nan)
    write_image("line.image", corrected, unit="Jy/beam", beams="one")
    result = confetti_check(imagename="line")
    assert "line.image minus line.residual is not the model convolved" in result["warnings"][0]
    assert result["channels"] == [HOT[0]]


@pytest.mark.parametrize("kernel", [41, 61])
@pytest.mark.parametrize("place", [(3, 40), (60, 2)])
def test_a_convolution_that_differs_only_at_the_edges_is_right(products, kernel, place):
    """As that of scipy, which lets nothing come in at the other edge."""
    products.model[(slice(None), *place)] += 50 * NOISE
    y, x = np.mgrid[:kernel, :kernel] - kernel // 2
    beam = np.exp(-4 * np.log(2) * (x**2 + y**2) / BEAM**2)
    image = products.residual + np.stack([fftconvolve(plane, beam, mode="same") for plane in products.model])
    assert np.abs(image - products.image).max() > 0.1 * NOISE
    write_cube("line", products, skip=["image"])
    write_image("line.image", image, unit="Jy/beam", beams="one")
    result = confetti_check(imagename="line")
    assert result["warnings"] == []
    assert places(result, "confetti") == {HOT}


def test_an_image_of_another_run_is_said(products):
    write_cube("line", products, skip=["residual"])
    write_image("line.residual", 1.5 * products.residual)
    assert "from different runs?" in confetti_check(imagename="line")["warnings"][0]


@pytest.mark.parametrize("order", ["xysf", "yxsf", "xyf"])
@pytest.mark.parametrize("beams", ["one", "per plane"])
def test_images_that_belong_together_give_no_warning(products, order, beams):
    write_cube("line", products, order=order, skip=["image"])
    write_image("line.image", products.image, order, "Jy/beam", beams=beams, growth=0)
    assert confetti_check(imagename="line")["warnings"] == []
