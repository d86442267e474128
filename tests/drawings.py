"""What is in the drawings of a page, for its tests."""

import base64
import io
import re
import zlib

import numpy as np


def pictures_in(page):
    """Drawings of a page that can be pointed at."""
    return re.findall(r"<figure[^>]*>(<svg .*?</svg>)</figure>", page, re.DOTALL)


def numbers_in(drawing):
    """What a drawing says under the pointer, as the script of the page reads it."""
    data = np.frombuffer(zlib.decompress(base64.b64decode(drawing.get("data-values"))), dtype=np.uint8)
    return np.ascontiguousarray(data.reshape(4, -1).T).view("<f4")[:, 0]


def of_class(drawing, name):
    """Elements of a drawing by their class."""
    return [element for element in drawing.iter() if element.get("class") == name]


def colors_in(address):
    """Red, green, blue and opacity of a picture in a drawing, [y, x, 4], from the top left."""
    from PIL import Image

    start, text = address.split(",")
    assert start == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))
