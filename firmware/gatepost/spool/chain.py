"""What a spool keeps, and whether it hangs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.ranges import RangeSet
from gatepost.wire import body_hash, links_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it is kept: its sequence and its body, the bytes that are hashed and sent."""

    sequence: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of an epoch; sequence 0 where there is none yet."""

    epoch: str
    sequence: int
    hash: str


_NOTHING = RangeSet()


def check_chain(
    path: Path, epoch: str, events: Iterable[Kept], delivered: RangeSet = _NOTHING
) -> int:
    """Check that `events` follow each other without a break; returns how many there are.

    The first may be any: what came before it may have been delivered and left. So may any that
    is `delivered`: a hole in the chain is whole where it was, and only there. Only the links
    are looked at: a firmware that was rolled back meets events of types that it does not know.
    """
    count, expected, previous = 0, 0, ""
    for kept in events:
        try:
            event = links_of(kept.body)
        except ValueError as error:
            raise SpoolDamaged(f"{path}: event {kept.sequence}: {error}") from error
        hole = bool(expected) and kept.sequence != expected
        wrong = (
            (event.sequence != kept.sequence and "holds another sequence")
            or (event.epoch != epoch and "is of another epoch")
            or (
                hole
                and bool(delivered.gaps(expected, kept.sequence - 1))
                and f"comes where {expected} should be"
            )
            or (
                previous
                and not hole
                and event.previous != previous
                and "does not follow the one before it"
            )
        )
        if wrong:
            raise SpoolDamaged(f"{path}: event {kept.sequence} {wrong}")
        count, expected, previous = count + 1, kept.sequence + 1, body_hash(kept.body)
    return count
