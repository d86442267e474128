"""
The shortest texts of many numbers at once.

They are those that numpy writes, the decimals with the fewest digits that are read back as the same numbers; but numpy
writes one number after the other, which takes four (float64) to seven times as long.
"""

import numpy as np

# Powers of ten that float64 represents exactly, so that multiplying or dividing by one rounds only once.
POWERS = np.array([float(10**power) for power in range(23)])
_INTEGER_POWERS = 10 ** np.arange(19)
# Digits that a number may need, and digits that are those of the nearest decimal if so many or fewer suffice.
SINGLE_DIGITS, FEW_SINGLE_DIGITS = 9, 6
DOUBLE_DIGITS, FEW_DOUBLE_DIGITS = 17, 15
# Magnitudes, from and below, that the exact powers scale to integers of so many digits: nearly all numbers of the
# tables, but for velocities, which repeat in each channel.
SINGLE_RANGE, DOUBLE_RANGE = (1e-14, 1e6), (0.01, 999.0)
_DOUBLE_TENS = np.array([0.1, 1, 10, 100])
# Smaller numbers are written with an exponent.
WITHOUT_EXPONENT = 1e-4
# Decimal places, in groups of three: all digits of 0.0001, from where on there is no exponent, and of 0.01.
SINGLE_PLACES, DOUBLE_PLACES = 12, 18
# Multiplies a float64 to divide it into two halves of 26 bits, whose products are exact (Dekker 1971).
HALVES = 2.0**27 + 1


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
_EXPONENT = _lookup_table(["", *(f"e-{power:02}" for power in range(1, 15))])


def float_texts(values):
    """
    Write numbers with the fewest digits that are read back as the same numbers.

    Parameters
    ----------
    values : 1D float32 or float64 `~numpy.ndarray`
        The numbers.

    Returns
    -------
    texts : 1D bytes `~numpy.ndarray`
        Their texts. Null bytes, in the middle of a text too, are no characters.
    """
    single = values.dtype == np.float32
    smallest, too_large = SINGLE_RANGE if single else DOUBLE_RANGE
    size = np.abs(values.astype(float))
    # The lower neighbour of a power of two is nearer than the upper one: numpy knows how many digits it needs.
    usual = (size >= smallest) & (size < too_large) & (np.frexp(size)[0] != 0.5)
    parts = _parts_of_single if single else _parts_of_double
    texts = _side_by_side(values < 0, *parts(np.where(usual, size, 1)))
    bits, which = np.unique(values[~usual].view(f"i{values.itemsize}"), return_inverse=True)  # 0 and -0 differ
    texts[~usual] = bits.view(values.dtype).astype("S")[which]
    return texts


def _side_by_side(negative, thousands, ones, decimals, power):
    """Texts in parts of four characters each: sign, groups of three digits, and exponent, unless it is 0."""
    texts = np.empty((len(negative), 4 + len(decimals)), dtype="u4")
    texts[:, 0] = _SIGN[negative.view("i1")]
    texts[:, 1] = _THOUSANDS[thousands]
    texts[:, 2] = _ONES[ones + 1000 * (thousands > 0)]
    follows = np.zeros(len(negative), dtype=bool)
    for column in range(len(decimals) - 1, 0, -1):
        texts[:, 3 + column] = _DECIMALS[decimals[column] + 1000 * follows]
        follows |= decimals[column] > 0
    texts[:, 3] = _POINT[decimals[0] + np.where(follows, 1000, 2000 * (power > 0))]
    texts[:, -1] = _EXPONENT[power]
    return texts.view(f"S{4 * texts.shape[1]}")[:, 0]


def _parts_of_single(size):
    """Groups of three digits and power of ten, for `_side_by_side`, of magnitudes within `SINGLE_RANGE`."""
    exponent = np.floor(np.log10(size)).astype(int)
    digits = np.rint(size * POWERS[SINGLE_DIGITS - 1 - exponent])
    for number in range(SINGLE_DIGITS - 1, FEW_SINGLE_DIGITS - 1, -1):
        power = POWERS[number - 1 - exponent]
        fewer = np.rint(size * power)
        np.copyto(digits, fewer * POWERS[SINGLE_DIGITS - number], where=(fewer / power).astype(np.float32) == size)
    carried = digits == 10**SINGLE_DIGITS  # 0.999... is written as 1
    digits[carried] /= 10
    exponent[carried] += 1
    with_exponent = size < WITHOUT_EXPONENT
    shift = SINGLE_PLACES + 1 - SINGLE_DIGITS + np.where(with_exponent, 0, exponent)
    thousands, ones, *decimals = _groups_of_three(digits.astype(int) * _INTEGER_POWERS[shift], 6)
    return thousands, ones, decimals, np.where(with_exponent, -exponent, 0)


def _parts_of_double(size):
    """As `_parts_of_single`, of magnitudes within `DOUBLE_RANGE`."""
    exponent = np.searchsorted(_DOUBLE_TENS, size, side="right") - 2  # a logarithm is not exact enough
    power = POWERS[DOUBLE_DIGITS - 1 - exponent]
    high, low = _exact_product(size, power)
    digits = high.astype(int) + np.rint(low).astype(int)
    rest = low - np.rint(low)
    # Decimals within half a step to the next float64 are read back as this one.
    reach, shortest = np.spacing(size) / 2 * power, digits.copy()
    for number in range(DOUBLE_DIGITS - 1, FEW_DOUBLE_DIGITS - 1, -1):
        step = 10 ** (DOUBLE_DIGITS - number)
        beyond = (digits + step // 2) % step - step // 2
        beyond[(beyond == -step // 2) & (rest < 0)] = step // 2  # then the lower one is nearer
        np.copyto(shortest, digits - beyond, where=np.abs(beyond + rest) < reach)
    one = _INTEGER_POWERS[DOUBLE_DIGITS - 1 - exponent]
    whole = shortest // one
    decimals = (shortest - whole * one) * _INTEGER_POWERS[DOUBLE_PLACES + 1 - DOUBLE_DIGITS + exponent]
    none = np.zeros(len(size), dtype=int)
    return none, whole, _groups_of_three(decimals, 6), none


def _exact_product(one, other):
    """The product of two float64 numbers, and by how much the exact one is larger."""
    product = one * other
    one_high, other_high = (HALVES * number - (HALVES * number - number) for number in (one, other))
    one_low, other_low = one - one_high, other - other_high
    left = ((product - one_high * other_high) - one_low * other_high) - one_high * other_low
    return product, one_low * other_low - left


def _groups_of_three(units, number):
    """The last groups of three digits of integers, so many of them."""
    groups = []
    for _ in range(number):
        rest = units // 1000
        groups.append(units - 1000 * rest)  # half the time of a remainder
        units = rest
    return groups[::-1]
