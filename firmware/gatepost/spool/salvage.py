"""What can still be read out of a damaged spool, as far as it can be believed.

Each event names the hash of the one before it. So a body is proved by its successor, byte for
byte; a body that its successor does not name is none of ours any more, and dropped. The last of
a run (before a gap, or the newest) nobody proves: it is carried when nothing speaks against it
(canonical, as the contract has it, it names the one before it), and counted. To drop it would
lose a visitor who saw green, for certain and at every gap; to carry it is wrong only where the
damage hit this very body without breaking its form, and where the centre has a neighbour of it
already, the chain tells.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator  # noqa: TC003 - a field's type
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from gatepost.errors import SpoolError
from gatepost.ranges import RangeSet
from gatepost.spool import marks
from gatepost.spool.chain import Kept
from gatepost.spool.looking import Look
from gatepost.spool.raw import DATABASE, WAL, Entry, Raw, packed, sequence_of
from gatepost.spool.sound import sound
from gatepost.wire import links_of

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)
_MOST_EPOCHS = 64  # a broken one may look like many
_SAY_BYTES = 64 * 1024 * 1024
_FAR = 1_000_000  # from one event to the next: beyond that a sequence is a broken number


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was read out of a damaged spool.

    Attributes:
        path: its database file.
        source: whose events they are.
        entries: where they are, packed, in order.
        unproved: how many of them no other event proves.
        newest: the highest sequence that anything in the file told of.
        delivered: what certainly need not be sent again.
        bytes: how long the bodies are together.
    """

    path: Path
    source: str
    epoch: str
    entries: list[bytes]
    unproved: int
    newest: int
    delivered: RangeSet
    bytes: int

    def bodies(self, *, all_: bool = True) -> Iterator[Kept]:
        """The events in order; not `all_`: without those that are delivered. Raises OSError."""
        with Raw(self.path) as raw:
            for each in self.entries:
                sequence = sequence_of(each)
                if all_ or sequence not in self.delivered:
                    yield Kept(sequence, raw.body(Entry.of(each).spot))

    def last(self) -> Kept:
        """The newest of the events. Raises OSError."""
        with Raw(self.path) as raw:
            entry = Entry.of(self.entries[-1])
            return Kept(entry.sequence, raw.body(entry.spot))

    def undelivered(self) -> int:
        """How many of them are not delivered."""
        return sum(sequence_of(each) not in self.delivered for each in self.entries)


def salvage(path: Path) -> Salvage | None:
    """Read what can be read of a damaged spool; None where there is nothing.

    Reads the files once from end to end. Memory: some hundred bytes for each body found. The
    file is not changed. Raises OSError.
    """
    found: dict[str, list[bytes]] = {}
    lines: set[bytes] = set()
    with Raw(path) as raw:
        for file in (DATABASE, WAL):
            _scan(raw, file, found, lines)
        if not found:
            return None
        epoch = max(found, key=lambda each: len(found[each]))
        chosen, unproved = _chosen(raw, sorted(set(found[epoch])))
        if not chosen:
            return None
        last = Entry.of(chosen[-1])
        source = links_of(raw.body(last.spot)).source
    told = _told(lines, epoch, path)
    newest = max([last.sequence, *(end for _, end in told[0]), *(end for _, end in told[1])])
    size = sum(Entry.of(each).spot.length for each in chosen)
    return Salvage(path, source, epoch, chosen, unproved, newest, told[1], size)


def _scan(raw: Raw, file: int, found: dict[str, list[bytes]], lines: set[bytes]) -> None:
    said, size = _SAY_BYTES, raw.size(file)
    for each in raw.bodies(file):
        if each.epoch in found or len(found) < _MOST_EPOCHS:
            found.setdefault(each.epoch, []).append(packed(each))
        if each.spot.offset >= said:
            _LOG.info("reading a damaged spool", extra={"fields": {"bytes": said, "of": size}})
            said += _SAY_BYTES
    for _, page in raw.pages(file):
        if b"delivered " in page or b"sent " in page:  # the pattern alone is slow
            lines.update(match[0] for match in marks.LINE.finditer(page))


def _told(lines: set[bytes], epoch: str, path: Path) -> tuple[RangeSet, RangeSet]:
    """What lines in the file prove to be sent, and what delivered."""
    told = {marks.SENT: RangeSet(), marks.DELIVERED: RangeSet()}
    for each in lines:
        try:
            kind, of, ranges = marks.parse(each.decode())
        except ValueError:
            continue
        if of == epoch and kind in told:
            for first, last in ranges:
                told[kind].add(first, last)
    if not lines:  # of version 1, whose table proves nothing, but was all there was
        told[marks.DELIVERED] = _first_version(path, epoch)
    return told[marks.SENT], told[marks.DELIVERED]


def _first_version(path: Path, epoch: str) -> RangeSet:
    try:
        with Look(path) as look:
            pairs = look.delivered_ranges() if look.version == 1 and look.epoch == epoch else ()
            return RangeSet(pairs)
    except SpoolError:
        return RangeSet()


def _chosen(raw: Raw, entries: list[bytes]) -> tuple[list[bytes], int]:
    """One body a sequence, as far as it is believed, in order; and how many nothing proves.

    From the newest to the oldest: `named` is what the believed successor names, b"" where there
    is no such successor.
    """
    groups = [list(each) for _, each in groupby(entries, lambda entry: entry[:8])]
    groups = _plausible([_distinct(each) for each in groups])
    chosen: list[bytes] = []
    unproved, named, after, doubted = 0, b"", 0, False
    for index in range(len(groups) - 1, -1, -1):
        sequence = sequence_of(groups[index][0])
        if after != sequence + 1:
            named, doubted = b"", False
        if named or doubted:
            fitting = [each for each in groups[index] if Entry.of(each).own == named]
            doubted = False
        else:
            before = groups[index - 1] if index else []
            fitting, doubted = _believed(raw, groups[index], before)
            unproved += len(fitting)
        after, named = sequence, Entry.of(fitting[0]).previous if fitting else b""
        chosen += fitting[:1]
    chosen.reverse()
    return chosen, unproved


def _believed(raw: Raw, group: list[bytes], before: list[bytes]) -> tuple[list[bytes], bool]:
    """The one body of a sequence that nothing speaks against, though nothing proves it.

    And whether the one before it is in doubt: one of the two is broken, and none tells which.
    """
    whole = [each for each in group if sound(raw.body(Entry.of(each).spot))]
    linked = whole
    if before and sequence_of(before[0]) == sequence_of(group[0]) - 1:
        hashes = {Entry.of(each).own for each in before}
        linked = [each for each in whole if Entry.of(each).previous in hashes]
    return linked if len(linked) == 1 else [], bool(whole) and not linked


def _distinct(group: list[bytes]) -> list[bytes]:
    """Without repetitions of the same body at other places."""
    return list({each[:24]: each for each in group}.values())


def _plausible(groups: list[list[bytes]]) -> list[list[bytes]]:
    """Without sequences that stand far away from all others: flipped digits."""
    kept: list[list[bytes]] = []
    for group in groups:
        sequence = sequence_of(group[0])
        if kept and sequence - sequence_of(kept[-1][0]) > _FAR:
            break
        kept.append(group)
    return kept
