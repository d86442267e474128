"""
The shortest texts of many float32 numbers at once.

They are those that numpy writes, the decimals with the fewest digits that are read back as the same numbers; but numpy
writes one number after the other, which takes seven times as long.
"""

import numpy as np

# Powers of ten that float64 represents exactly, so that multiplying or dividing by one rounds only once.
POWERS = np.array([float(10**power) for power in range(23)])
_INTEGER_POWERS = 10 ** np.arange(19)
# A float32 needs at most nine digits. If six or fewer suffice, they are those of the nearest decimal of six digits.
MOST_DIGITS, LEAST_DIGITS = 9, 6
# Magnitudes that these powers scale to integers of that many digits; few numbers in a table are outside.
SMALLEST, TOO_LARGE = 1e-14, 1e6
# Smaller numbers are written with an exponent.
WITHOUT_EXPONENT = 1e-4
# Decimal places of a number in six groups of three digits: nine digits of the smallest one without an exponent.
PLACES = 12


def _lookup_table(texts):
    """Texts of up to four characters as integers, which are looked up several times as fast."""
    return np.array(texts, dtype="S4").view("u4")


# Texts of three digits, by their value; 1000 further on, if more digits follow (before the point, if some precede).
_ALL_THREE = [f"{value:03}" for value in range(1000)]
_STRIPPED = [text.rstrip("0") for text in _ALL_THREE]
_THOUSANDS = _lookup_table(["", *map(str, range(1, 1000))])
_ONES = _lookup_table([*map(str, range(1000)), *_ALL_THREE])
_DECIMALS = _lookup_table([*_STRIPPED, *_ALL_THREE])
# The point and the first three digits after it; 2000 further on, if an exponent follows, which needs no ".0".
_POINT = _lookup_table(
    [f".{text}" for text in ("0", *_STRIPPED[1:], *_ALL_THREE)] + [f".{text}" if text else "" for text in _STRIPPED]
)
_SIGN = _lookup_table(["", "-"])
_EXPONENT = _lookup_table([f"e-{power:02}" for power in range(15)])


def float_texts(values):
    """
    Write float32 numbers with the fewest digits that are read back as the same numbers.

    Parameters
    ----------
    values : 1D float32 `~numpy.ndarray`
        The numbers.

    Returns
    -------
    texts : 1D bytes `~numpy.ndarray`
        Their texts. Null bytes, in the middle of a text too, are no characters.
    """
    size = np.abs(values.astype(float))
    # The lower neighbour of a power of two is nearer than the upper one: numpy knows how many digits it needs.
    usual = (size >= SMALLEST) & (size < TOO_LARGE) & (np.frexp(size)[0] != 0.5)
    texts = _usual_texts(np.where(usual, size, 1), values < 0)
    bits, which = np.unique(values[~usual].view("i4"), return_inverse=True)  # 0 and -0 differ
    texts[~usual] = bits.view("f4").astype("S")[which]
    return texts


def _usual_texts(size, negative):
    """Texts in eight parts of four characters each: sign, groups of three digits, and exponent."""
    digits, exponent = _shortest_decimals(size)
    with_exponent = size < WITHOUT_EXPONENT
    shift = PLACES + 1 - MOST_DIGITS + np.where(with_exponent, 0, exponent)
    thousands, ones, first, *others = _groups_of_three(digits * _INTEGER_POWERS[shift])
    texts = np.empty((len(size), 8), dtype="u4")
    texts[:, 0] = _SIGN[negative.view("i1")]
    texts[:, 1] = _THOUSANDS[thousands]
    texts[:, 2] = _ONES[ones + 1000 * (thousands > 0)]
    follows = np.zeros(len(size), dtype=bool)
    for column, group in zip((6, 5, 4), others[::-1]):
        texts[:, column] = _DECIMALS[group + 1000 * follows]
        follows |= group > 0
    texts[:, 3] = _POINT[first + np.where(follows, 1000, 2000 * with_exponent)]
    texts[:, 7] = np.where(with_exponent, _EXPONENT[np.maximum(-exponent, 0)], 0)
    return texts.view("S32")[:, 0]


def _shortest_decimals(size):
    """Digits, as an integer of `MOST_DIGITS` digits, and exponent of the first digit."""
    exponent = np.floor(np.log10(size)).astype(int)
    digits = np.rint(size * POWERS[MOST_DIGITS - 1 - exponent])
    for number in range(MOST_DIGITS - 1, LEAST_DIGITS - 1, -1):
        power = POWERS[number - 1 - exponent]
        fewer = np.rint(size * power)
        np.copyto(digits, fewer * POWERS[MOST_DIGITS - number], where=(fewer / power).astype(np.float32) == size)
    carried = digits == 10**MOST_DIGITS  # 0.999... is written as 1
    digits[carried] /= 10
    exponent[carried] += 1
    return digits.astype(int), exponent


def _groups_of_three(units):
    """Six groups of three digits, from the first to the last."""
    groups = []
    for _ in range(6):
        rest = units // 1000
        groups.append(units - 1000 * rest)  # half the time of a remainder
        units = rest
    return groups[::-1]
