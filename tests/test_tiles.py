"""The tile reader against casatools: every pixel of every box is what the image tool or the table tool reads."""

import os
import pickle
import shutil
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from casa_images import join_virtually, write_cube, write_image
from skies import Products

from confetti_task.private.images.cube import open_cube
from confetti_task.private.images.pixels import read_channels
from confetti_task.private.images.tiles import find_image_tiles, find_tiles, opened_table, read_box, write_plane

# Shapes that divide the tiles and that do not, shorter than a tile and longer; masks whose tiles are not whole bytes.
SHAPES = [(64, 64, 1, 8), (65, 63, 1, 9), (7, 5, 2, 3), (130, 31, 4, 1), (1, 9, 1, 17)]
TILES = [[], [32, 32, 1, 4], [5, 3, 1, 1], [7, 9, 2, 2], [200, 200, 1, 20]]


@pytest.fixture
def random():
    """The same numbers for every test, whichever ran before."""
    return np.random.default_rng(5)


def make_table(path, cells, tile, manager="TiledCellStMan", order="little", kind="float"):
    """A table whose only column holds arrays, as those of images and masks do."""
    from casatools import table

    column = {"valueType": kind, "dataManagerType": manager, "dataManagerGroup": "map", "ndim": cells[0].ndim}
    spec = {"DEFAULTTILESHAPE": tile} if tile else {}
    manager = {"COLUMNS": ["map"], "NAME": "map", "SEQNR": 0, "TYPE": manager, "SPEC": spec}
    tool = table()
    tool.create(path, {"map": dict(column, option=0, maxlen=0, comment="")}, dminfo={"*1": manager}, endianformat=order)
    tool.addrows(len(cells))
    for row, cell in enumerate(cells):
        tool.putcell("map", row, cell)
    tool.done()


def boxes(shape, random):
    """The whole, a pixel at each end, and some boxes in between."""
    yield [0] * len(shape), [length - 1 for length in shape]
    yield [0] * len(shape), [0] * len(shape)
    yield [length - 1 for length in shape], [length - 1 for length in shape]
    for _ in range(8):
        ends = np.sort(random.integers(0, shape, size=(2, len(shape))), axis=0)
        yield ends[0].tolist(), ends[1].tolist()


def cut(cell, bottom, top):
    return cell[tuple(slice(low, high + 1) for low, high in zip(bottom, top))]


@pytest.mark.parametrize("manager", ["TiledCellStMan", "TiledShapeStMan"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_float_tiles_of_either_byte_order_are_read_as_the_table_tool_reads_them(manager, order, random):
    for number, (shape, tile) in enumerate(product(SHAPES, TILES)):
        cell = random.normal(size=shape).astype(np.float32)
        make_table(f"{number}.table", [cell], tile, manager, order)
        tiles = find_tiles(f"{number}.table")
        assert tiles.kind == {"little": "<f4", "big": ">f4"}[order]
        for bottom, top in boxes(shape, random):
            np.testing.assert_array_equal(read_box(tiles, bottom, top), cut(cell, bottom, top))


@pytest.mark.parametrize("manager", ["TiledCellStMan", "TiledShapeStMan"])
@pytest.mark.parametrize("part", [0.4, 0.999, 1], ids=["random", "nearly all true", "all true"])
def test_masks_are_read_bit_for_bit(manager, part, random):
    for number, (shape, tile) in enumerate(product(SHAPES, TILES)):
        cell = random.random(size=shape) < part
        make_table(f"{number}.table", [cell], tile, manager, kind="boolean")
        tiles = find_tiles(f"{number}.table")
        assert tiles.kind == "bits"
        for bottom, top in boxes(shape, random):
            np.testing.assert_array_equal(read_box(tiles, bottom, top), cut(cell, bottom, top))


@pytest.mark.parametrize("manager", ["TiledCellStMan", "TiledShapeStMan"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_planes_are_written_where_the_table_tool_reads_them_and_nowhere_else(manager, order, random):
    for number, (shape, tile) in enumerate(product(SHAPES, TILES)):
        make_table(f"{number}.table", [np.zeros(shape, dtype=np.float32)], tile, manager, order)
        tiles = find_tiles(f"{number}.table")
        expected = np.zeros(shape, dtype=np.float32)
        with open(tiles.path, "r+b") as file:
            for _ in range(3):
                place = random.integers(0, shape).tolist()
                new = random.normal(size=shape[:2]) * (random.random(shape[:2]) < 0.1)
                expected[(slice(None), slice(None), *place[2:])] += new
                plane = np.float32(expected[(slice(None), slice(None), *place[2:])].T)
                write_plane(file, tiles, place, plane)
        with opened_table(f"{number}.table") as tool:
            np.testing.assert_array_equal(tool.getcell("map", 0), expected)


@pytest.mark.parametrize("kind", ["complex", "double", "integer"])
def test_pixels_of_other_types_are_left_to_casa(kind):
    make_table("line.table", [np.ones((5, 6))], [3, 3], kind=kind)
    assert find_tiles("line.table") is None


def test_a_scaled_column_is_left_to_casa(random):
    from casatools import table

    column = {"valueType": "float", "dataManagerType": "CompressFloat", "dataManagerGroup": "map", "ndim": 2}
    small = dict(column, valueType="short", dataManagerType="TiledCellStMan", dataManagerGroup="small")
    columns = {name: dict(what, option=0, maxlen=0, comment="") for name, what in (("map", column), ("small", small))}
    spec = {"SOURCENAME": "map", "TARGETNAME": "small", "SCALE": 0.01, "OFFSET": 0.0, "FIXED": True, "AUTOSCALE": False}
    engine = {"COLUMNS": ["map"], "TYPE": "CompressFloat", "NAME": "map", "SEQNR": 0, "SPEC": spec}
    stored = {"COLUMNS": ["small"], "TYPE": "TiledCellStMan", "NAME": "small", "SEQNR": 1, "SPEC": {}}
    tool = table()
    tool.create("line.table", columns, dminfo={"*1": engine, "*2": stored})
    tool.addrows(1)
    tool.putcell("map", 0, random.normal(size=(5, 6)))
    tool.done()
    assert find_tiles("line.table") is None


@pytest.mark.parametrize("manager", ["TiledCellStMan", "TiledShapeStMan"])
def test_a_table_of_several_arrays_is_left_to_casa(manager):
    make_table("rows.table", [np.ones((5, 6)), np.ones((9, 4)), np.ones((5, 6))], [3, 3], manager)
    assert find_tiles("rows.table") is None


def test_images_and_their_masks_are_trusted_only_when_a_tile_is_as_the_image_tool_reads_it(random):
    from casatools import image

    pixels = random.normal(size=(6, 33, 70))
    write_image("a.image", pixels, masked=pixels > 0)
    write_image("b.image", pixels, masked=pixels > 0.5)
    tool = image()
    tool.open("a.image")
    assert None not in find_image_tiles("a.image", tool)
    # The layout of another image of the same shape, and that of a cut-off one.
    assert find_image_tiles("b.image", tool)[1] is None
    tool.done()
    os.truncate("a.image/table.f0_TSM0", os.path.getsize("a.image/table.f0_TSM0") - 4)
    assert find_tiles("a.image") is None


@pytest.fixture(params=["scaled", "virtual", "double"])
def stored_otherwise(request):
    """A cube of which the image is stored in another way than in float32 tiles."""
    from casatools import image

    products = Products()
    products.add_confetti(3, 30, 26, 0.2)
    write_cube("line", products)
    tool = image()
    if request.param == "scaled":
        tool.open("line.residual")
        tool.tofits("residual.fits", bitpix=16, stokeslast=False)
        tool.done()
        shutil.rmtree("line.residual")
        os.rename("residual.fits", "line.residual")
    elif request.param == "virtual":
        join_virtually("line.residual", 3)
    else:
        write_double("line.residual", products.residual)
    return request.param


def write_double(path, planes):
    from casatools import image

    tool = image()
    tool.open(path)
    system, shape = tool.coordsys().torecord(), tool.shape()
    tool.done()
    shutil.rmtree(path)
    tool.fromshape(path, list(shape), csys=system, type="d", log=False)
    tool.putchunk(planes.T[:, :, np.newaxis].astype(float))
    tool.done()


def test_what_is_stored_otherwise_is_read_through_the_image_tool(stored_otherwise):
    cube, through_casa = open_cube("line"), open_cube("line", reader="ia")
    assert not cube.images["residual"].mapped
    assert not cube.mapped
    assert all(cube.images[name].mapped for name in ("model", "image", "psf"))
    assert not any(image.mapped for image in through_casa.images.values())
    for name in ("model", "residual"):
        np.testing.assert_array_equal(
            read_channels(cube, name, 0, 1, 6, rows=(3, 40)), read_channels(through_casa, name, 0, 1, 6, rows=(3, 40))
        )


@pytest.mark.parametrize("order", ["xysf", "xyfs", "fsxy", "yxsf", "xyf"])
def test_both_readers_give_the_same_in_every_order_of_the_axes(order, random):
    products = Products(channels=5, size=70)
    masked = random.random(products.model.shape) < 0.7
    products.residual[2, 5, 6] = np.nan
    write_cube("line", products, order=order, masked=masked if order == "xysf" else None)
    cube, through_casa = open_cube("line"), open_cube("line", reader="ia")
    assert cube.mapped
    for name in ("model", "image", "residual", "psf"):
        for window in ((0, 5, None, None), (1, 4, (5, 61), (64, 70)), (2, 3, (0, 1), None)):
            one, other = (read_channels(which, name, 0, *window) for which in (cube, through_casa))
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.float32
            assert one.flags.c_contiguous


def test_a_process_without_casa_reads_the_pixels():
    write_cube("line", Products())
    with open("cube.pickle", "wb") as written:
        pickle.dump(open_cube("line"), written)
    script = (
        "import pickle, sys; from confetti_task.private.images.pixels import read_channels; "
        "cube = pickle.load(open('cube.pickle', 'rb')); print(read_channels(cube, 'image', 0, 2, 4).sum()); "
        "assert 'casatools' not in sys.modules"
    )
    total = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True).stdout
    assert float(total) == pytest.approx(read_channels(open_cube("line"), "image", 0, 2, 4).sum())
