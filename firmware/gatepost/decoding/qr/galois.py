"""Arithmetic in GF(256) modulo 0x11D, the field of QR's Reed-Solomon code (clause 7.5.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Field = npt.NDArray[np.uint8]

FIELD = 0x11D
ORDER = 255  # of the generator 2: every element but 0 is one of its powers


def _powers() -> Field:
    powers = np.zeros(ORDER, np.uint8)
    value = 1
    for exponent in range(ORDER):
        powers[exponent] = value
        value <<= 1
        value ^= FIELD * (value >> 8)
    return powers


def _products() -> Field:
    logarithm = np.zeros(256, np.intp)
    logarithm[POWERS] = np.arange(ORDER)
    products: Field = POWERS[(logarithm[:, None] + logarithm[None, :]) % ORDER]
    products[0, :] = products[:, 0] = 0
    return products


POWERS = _powers()
POWERS.setflags(write=False)
_PRODUCTS = _products()
_FLAT = _PRODUCTS.ravel()
# One row for each element, where its product is 1; 0 has none and gives 0.
INVERSES = np.argmax(_PRODUCTS == 1, axis=1).astype(np.uint8)
INVERSES.setflags(write=False)


def product(left: Field, right: Field) -> Field:
    """`left` times `right`, element by element; shapes are broadcast."""
    found: Field = _FLAT.take((left.astype(np.intp) << 8) | right)
    return found


def total(values: Field, axis: int) -> Field:
    """The sum over an axis: in this field the exclusive or."""
    summed: Field = np.bitwise_xor.reduce(values, axis=axis)
    return summed


@lru_cache(maxsize=64)
def powers_of_positions(length: int, count: int, sign: int) -> Field:
    """X ** (sign * j) for codeword i's X = 2 ** (length - 1 - i): uint8[length, count], read-only.

    The first codeword of a block is the coefficient of the highest power.
    """
    exponents = np.outer(np.arange(length)[::-1], sign * np.arange(count)) % ORDER
    powers: Field = POWERS[exponents]
    powers.setflags(write=False)
    return powers


def syndromes(words: Field, ec: int) -> Field:
    """The syndromes of many words at once, all 0 for a word of the code.

    Args:
        words: uint8[w, length], a block in each row, data first.
        ec: error correction codewords; the code's roots are 2 ** 0 to 2 ** (ec - 1).

    Returns:
        uint8[w, ec].
    """
    powers = powers_of_positions(words.shape[1], ec, 1)
    return total(product(words[:, :, None], powers[None]), axis=1)
