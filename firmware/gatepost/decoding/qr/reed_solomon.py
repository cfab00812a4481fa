"""Reed-Solomon decoding with errors and erasures, many attempts in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatepost.decoding.qr.galois import (
    INVERSES,
    powers_of_positions,
    product,
    syndromes,
    total,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from gatepost.decoding.qr.galois import Field


class Attempts(NamedTuple):
    """Attempts to decode words, one a row, the number of erasures never falling from row to row.

    Attributes:
        words: uint8[w, length], as received.
        syndromes: uint8[w, ec] of `words`.
        erased: bool[w, length]: whose value is not to be believed.
    """

    words: Field
    syndromes: Field
    erased: npt.NDArray[np.bool_]


class Outcomes(NamedTuple):
    """What came of attempts.

    Attributes:
        good: bool[w].
        words: uint8[w, length], corrected where `good`, of no meaning elsewhere.
        errors: intp[w], of the codewords that were not erased, how many were wrong.
    """

    good: npt.NDArray[np.bool_]
    words: Field
    errors: npt.NDArray[np.intp]


class Correction(NamedTuple):
    """A corrected block: all its codewords, and how many were wrong without being erased."""

    word: bytes
    errors: int


def decode_block(word: bytes, ec: int, erasures: Sequence[int] = ()) -> Correction | None:
    """One block, corrected; None where errors and erasures are too many: 2 e + v > ec.

    Args:
        word: data and `ec` error correction codewords, at most 255.
        ec: at most len(word) - 1.
        erasures: indices of codewords whose value is not to be believed.

    Raises:
        ValueError: the numbers are not those of a Reed-Solomon block.
        IndexError: an erasure lies outside the word.
    """
    if not 0 < ec < len(word) <= 255:
        raise ValueError(f"no block has {len(word)} codewords, {ec} of them for correction")
    words = np.frombuffer(word, np.uint8)[None, :]
    erased = np.zeros(words.shape, np.bool_)
    erased[0, list(erasures)] = True
    count = int(erased.sum())
    if count > ec:
        return None
    allowed = np.array([(ec - count) // 2])
    outcome = decode(Attempts(words, syndromes(words, ec), erased), allowed)
    if not outcome.good[0]:
        return None
    return Correction(outcome.words[0].tobytes(), int(outcome.errors[0]))


def decode(attempts: Attempts, allowed: npt.NDArray[np.intp]) -> Outcomes:
    """Decode by Berlekamp and Massey with erasures, Chien and Forney (Blahut, 1983, chapter 7).

    Args:
        attempts: at most as many erasures in each as there are syndromes.
        allowed: intp[w]: how many errors each attempt may correct beside its erasures.
    """
    words = attempts.words.copy()
    counts = attempts.erased.sum(axis=1)
    locators, lengths = _locators(attempts.syndromes, attempts.erased, counts)
    errors = lengths - counts
    good = (errors >= 0) & (errors <= allowed)
    rows = np.flatnonzero(good)
    if rows.size:
        roots, change = _changes(locators[rows], attempts.syndromes[rows], words.shape[1])
        words[rows] ^= change
        again = syndromes(words[rows], attempts.syndromes.shape[1])
        good[rows] = (roots == lengths[rows]) & ~again.any(axis=1)
    return Outcomes(good, words, errors)


def _erasure_locators(erased: npt.NDArray[np.bool_], width: int) -> Field:
    """The polynomials that vanish at each row's erasures, lowest power first: uint8[w, width]."""
    places = powers_of_positions(erased.shape[1], 2, 1)[:, 1]
    counts = erased.sum(axis=1)
    found = np.argsort(~erased, axis=1, kind="stable")
    locators = np.zeros((erased.shape[0], width), np.uint8)
    locators[:, 0] = 1
    for turn in range(int(counts.max(initial=0))):
        rows = counts > turn
        factor = places[found[rows, turn]]
        locators[rows, 1:] ^= product(locators[rows, :-1], factor[:, None])
    return locators


def _locators(
    syndrome: Field, erased: npt.NDArray[np.bool_], counts: npt.NDArray[np.intp]
) -> tuple[Field, npt.NDArray[np.intp]]:
    """Each row's polynomial of errors and erasures, and its degree."""
    ec = syndrome.shape[1]
    locators = _erasure_locators(erased, ec + 1)
    before = locators.copy()
    lengths = counts.copy()
    backwards = syndrome[:, ::-1]
    for step in range(int(counts.min(initial=ec)), ec):
        begun = int(np.searchsorted(counts, step, side="right"))  # rows of more erasures wait
        now, old, length = locators[:begun], before[:begun], lengths[:begun]
        window = backwards[:begun, ec - 1 - step :]
        gap = total(product(now[:, : step + 1], window), axis=1)[:, None]
        old[:, 1:] = old[:, :-1]
        old[:, 0] = 0
        grows = (gap[:, 0] != 0) & (2 * length <= step + counts[:begun])
        instead = product(now[grows], INVERSES[gap[grows]])
        now ^= product(old, gap)
        old[grows] = instead
        length[grows] = step + 1 + counts[:begun][grows] - length[grows]
    return locators, lengths


def _changes(locators: Field, syndrome: Field, width: int) -> tuple[npt.NDArray[np.intp], Field]:
    """How many places the locator has (fewer than its degree: no solution), what to add there."""
    ec = syndrome.shape[1]
    powers = powers_of_positions(width, ec + 1, -1)
    terms = product(locators[:, None, :], powers[None])
    slopes = total(terms[:, :, 1::2], axis=2)
    roots = (total(terms[:, :, ::2], axis=2) ^ slopes) == 0
    evaluator = np.zeros_like(syndrome)
    for power in range(ec):
        evaluator[:, power:] ^= product(locators[:, power, None], syndrome[:, : ec - power])
    values = total(product(evaluator[:, None, :], powers[None, :, :ec]), axis=2)
    change: Field = np.where(roots, product(values, INVERSES[slopes]), 0).astype(np.uint8)
    return roots.sum(axis=1), change
