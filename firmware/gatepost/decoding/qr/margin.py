"""How much correction may be believed, so that chance never passes for a code."""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# One in so many random words may pass. ISO's own limit is within the first (3e-10 for 1-L, the
# weakest); erasures are a guess, made many times over, and have to satisfy the second.
PLAIN = 10**9
GUESSED = 10**12


def passing(length: int, ec: int, erasures: int, errors: int) -> tuple[int, int]:
    """Of random words, how many are corrected by at most so much: a fraction (part, whole).

    With v codewords erased the rest is a code of distance ec - v + 1: each of its words has a ball
    of radius `errors` around it.
    """
    rest = length - erasures
    ball: int = sum(comb(rest, wrong) * 255**wrong for wrong in range(errors + 1))
    return ball, 256 ** (ec - erasures)


@lru_cache(maxsize=512)
def allowed_errors(length: int, ec: int, spare: int) -> npt.NDArray[np.intp]:
    """The errors that may be corrected beside 0, 1, 2, … erasures: intp[k], -1 for none at all.

    Args:
        length: codewords of the block.
        ec: of them, error correction codewords.
        spare: 2 * errors + erasures never exceed ec - spare.
    """
    most = np.full(max(1, ec - spare + 1), -1, np.intp)
    for erasures in range(ec - spare + 1):
        rare = GUESSED if erasures else PLAIN
        for errors in range((ec - spare - erasures) // 2 + 1):
            part, whole = passing(length, ec, erasures, errors)
            if part * rare > whole:
                break
            most[erasures] = errors
    most.setflags(write=False)
    return most
