"""The blocks of a symbol, corrected by what is known of each codeword's reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gatepost.decoding.qr.galois import syndromes
from gatepost.decoding.qr.margin import allowed_errors
from gatepost.decoding.qr.reed_solomon import Attempts, Outcomes, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from gatepost.decoding.qr.galois import Field
    from gatepost.decoding.qr.tables import Blocks

TOGETHER = 96  # attempts in one go: few enough that a hopeless block is noticed soon
STEP = 2  # two more erasures cost as much as the one error that they may save


class Words(NamedTuple):
    """The blocks of a symbol as received.

    Attributes:
        values: uint8[blocks, length]; short blocks begin with a 0 that is not in the symbol.
        reliability: float32[blocks, length], the higher, the surer; of that 0 infinite.
    """

    values: Field
    reliability: npt.NDArray[np.float32]


class Corrected(NamedTuple):
    """The blocks of a symbol, corrected.

    Attributes:
        values: as in `Words`.
        errors: codewords that were wrong and not erased.
        erasures: codewords that were erased.
    """

    values: Field
    errors: int
    erasures: int


class _Blocks(NamedTuple):
    """Blocks that are to be corrected; a row each.

    Attributes:
        numbers: intp[b], which of the symbol's blocks.
        values: uint8[b, length].
        syndromes: uint8[b, ec].
        reliability: float32[b, length], as in `Words`.
        allowed: intp[k], as `allowed_errors` gives it; the same for all.
    """

    numbers: npt.NDArray[np.intp]
    values: Field
    syndromes: Field
    reliability: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.intp]

    def only(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> _Blocks:
        return _Blocks(
            self.numbers[rows],
            self.values[rows],
            self.syndromes[rows],
            self.reliability[rows],
            self.allowed,
        )


def correct(words: Words, cut: Blocks, least_spare: int) -> Corrected | None:
    """All blocks corrected, or None as soon as one is seen to be beyond correction.

    Args:
        words: the blocks of one symbol.
        cut: how they are made.
        least_spare: of the error correction codewords of each, so many are not spent; what ISO
            keeps against misdecoding is kept in any case.
    """
    values = words.values.copy()
    found = syndromes(values, cut.ec)
    wrong = np.flatnonzero(found.any(axis=1))
    if not wrong.size:
        return Corrected(values, 0, 0)
    spare = min(cut.ec, max(cut.protection, least_spare))
    allowed = allowed_errors(values.shape[1], cut.ec, spare)
    work = _Blocks(wrong, values[wrong], found[wrong], words.reliability[wrong], allowed)
    plain = _attempt(work, 0)
    values[wrong[plain.good]] = plain.words[plain.good]
    errors, erasures = int(plain.errors[plain.good].sum()), 0
    for some in _portions(work.only(~plain.good)):
        guessed = _guess(some)
        if guessed is None:
            return None
        values[some.numbers] = guessed.values
        errors += guessed.errors
        erasures += guessed.erasures
    return Corrected(values, errors, erasures)


def _portions(work: _Blocks) -> Iterator[_Blocks]:
    """The blocks a few at a time, those that are the least likely to be corrected first."""
    weights = np.sort(work.reliability, axis=1)[:, : work.syndromes.shape[1]].sum(axis=1)
    order = np.argsort(weights, kind="stable")
    each = max(1, TOGETHER // max(1, len(_steps(work.allowed))))
    for start in range(0, order.size, each):
        yield work.only(order[start : start + each])


def _steps(allowed: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """How many erasures are tried: as many as may be, and down from there by steps."""
    possible = np.flatnonzero(allowed >= 0)
    return possible[possible > 0][::-1][::STEP][::-1]


def _attempt(work: _Blocks, erasures: int | npt.NDArray[np.intp]) -> Outcomes:
    """Each block with the so many least reliable codewords erased: one number, or one for each."""
    counts = np.broadcast_to(np.asarray(erasures, np.intp), work.numbers.shape)
    ranks = np.argsort(np.argsort(work.reliability, axis=1, kind="stable"), axis=1, kind="stable")
    erased = ranks < counts[:, None]
    outcome = decode(Attempts(work.values, work.syndromes, erased), work.allowed[counts])
    # A short block's first codeword is not in the symbol: it cannot have been wrong.
    absent = np.isinf(work.reliability[:, 0]) & (outcome.words[:, 0] != 0)
    return outcome._replace(good=outcome.good & ~absent)


def _guess(work: _Blocks) -> Corrected | None:
    """Blocks that hard decisions do not correct: by each one's first attempt that succeeds."""
    steps = _steps(work.allowed)
    blocks = work.numbers.size
    if not steps.size:
        return None
    outcome = _attempt(work.only(np.tile(np.arange(blocks), steps.size)), np.repeat(steps, blocks))
    good = outcome.good.reshape(steps.size, blocks)
    if not good.any(axis=0).all():
        return None
    first = good.argmax(axis=0)
    rows = first * blocks + np.arange(blocks)
    return Corrected(outcome.words[rows], int(outcome.errors[rows].sum()), int(steps[first].sum()))
