"""What lies in `carried/`: bundles of other stations and former epochs, still to be delivered.

They come from damaged spools of this station and from `gatepost spool import`. What of them is
sent and delivered stands in a small file beside them, one for each source and epoch, written
without a flush: losing it costs duplicates only.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from gatepost.errors import GatepostError
from gatepost.ranges import RangeSet
from gatepost.spool import marks
from gatepost.spool.bundles import SUFFIX, Bundle
from gatepost.spool.looking import union

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from gatepost.model import Stamp
    from gatepost.spool.chain import Kept

_LOG = logging.getLogger(__name__)
FOLDER = "carried"
_MARKS = ".marks"
_SIGNED = "signed"
_DAY_US = 86_400_000_000
Key: TypeAlias = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be sent: a body, or a bundle's checkpoint (a JWS) after its last event.

    A checkpoint's `sequence` is that of the last event of its bundle.
    """

    source: str
    epoch: str
    sequence: int
    payload: bytes
    kind: Literal["event", "checkpoint"] = "event"

    @property
    def key(self) -> Key:
        """What tells items apart."""
        return self.source, self.epoch, self.sequence, self.kind


class Marks:
    """What of one epoch is sent and delivered; `signed`: checkpoints that are sent."""

    def __init__(self, path: Path, epoch: str) -> None:
        self._path = path
        self._epoch = epoch
        self.sent, self.delivered, self.signed = RangeSet(), RangeSet(), RangeSet()
        self.dirty = False
        self._read()

    def _kinds(self) -> dict[str, RangeSet]:
        return {marks.SENT: self.sent, marks.DELIVERED: self.delivered, _SIGNED: self.signed}

    def _read(self) -> None:
        with suppress(OSError, UnicodeDecodeError):  # gone or torn: sent again
            for line in self._path.read_text("ascii").splitlines():
                with suppress(ValueError):
                    kind, of, ranges = marks.parse(line)
                    for first, last in ranges if of == self._epoch else ():
                        self._kinds()[kind].add(first, last)

    def write(self) -> None:
        """Write them down, not flushed. Raises OSError."""
        part = self._path.with_name(self._path.name + ".part")
        lines = [marks.line(kind, self._epoch, found) for kind, found in self._kinds().items()]
        part.write_text("\n".join(lines) + "\n", "ascii")
        part.rename(self._path)
        self.dirty = False

    def settled(self) -> RangeSet:
        """What need not be sent."""
        return union(self.sent, self.delivered)


class Carried:
    """The bundles of one data folder. Use it from one thread; nothing is opened by making it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._bundles: dict[str, Bundle] = {}
        self._marks: dict[tuple[str, str], Marks] = {}
        self._passed: set[str] = set()
        self.look()

    @property
    def bundles(self) -> list[Bundle]:
        """Every bundle, by name."""
        return [self._bundles[name] for name in sorted(self._bundles)]

    @property
    def problems(self) -> list[str]:
        """The files that are no whole bundles."""
        return sorted(self._passed)

    def look(self) -> None:
        """Find the bundles that came since. Cheap: a listing of the folder."""
        try:
            names = {each.name for each in self._folder.iterdir() if each.suffix == SUFFIX}
        except OSError:
            names = set()
        for name in [each for each in self._bundles if each not in names]:
            del self._bundles[name]
        for name in sorted(names - self._bundles.keys() - self._passed):
            try:
                self._bundles[name] = Bundle(self._folder / name)
            except (GatepostError, OSError) as error:
                self._passed.add(name)
                fields = {"file": name, "why": str(error)}
                _LOG.warning("a bundle cannot be read", extra={"fields": fields})

    def pending(self, count: int, skip: Collection[Key] = ()) -> list[Item]:
        """Up to `count` items that are neither sent nor delivered, nor (by `key`) in `skip`.

        By bundle, oldest event first. A checkpoint comes once all events before it are sent.
        """
        found: list[Item] = []
        for bundle in self.bundles:
            found += self._pending(bundle, count - len(found), skip)
            if len(found) >= count:
                break
        return found

    def _pending(self, bundle: Bundle, count: int, skip: Collection[Key]) -> list[Item]:
        header, known = bundle.header, self._known(bundle)
        found: list[Item] = []
        gaps = union(known.settled(), self._absent(bundle)).gaps(header.first, header.last)
        for first, last in gaps:
            for kept in self._read(bundle, first, last):
                item = Item(header.source, header.epoch, kept.sequence, kept.body)
                found += [] if item.key in skip else [item]
                if len(found) >= count:
                    return found
        token = bundle.trailer.checkpoint
        if token and not gaps and header.last not in known.signed:
            payload = token.encode("ascii")
            item = Item(header.source, header.epoch, header.last, payload, "checkpoint")
            found += [item] if item.key not in skip else []
        return found

    def _read(self, bundle: Bundle, first: int, last: int) -> Iterator[Kept]:
        try:
            yield from bundle.range(first, last)
        except OSError as error:
            fields = {"file": bundle.path.name, "why": str(error)}
            _LOG.warning("a bundle cannot be read", extra={"fields": fields})

    def sent(self, items: Iterable[Item]) -> None:
        """The broker has these; `persist` writes it down."""
        for item in items:
            known = self._of(item.source, item.epoch)
            (known.sent if item.kind == "event" else known.signed).add(item.sequence)
            known.dirty = True

    def delivered(self, source: str, epoch: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Events that need not be kept any more; what is not carried here is passed over."""
        ours = [
            b.header for b in self.bundles if (b.header.source, b.header.epoch) == (source, epoch)
        ]
        if ours:
            known = self._of(source, epoch)
            for first, last in marks.clipped(ranges, max(each.last for each in ours)):
                known.delivered.add(first, last)
            known.dirty = True

    def persist(self) -> None:
        """Write what is sent and delivered; call it about once a second."""
        for known in self._marks.values():
            if known.dirty:
                try:
                    known.write()
                except OSError as error:  # it costs duplicates only
                    _LOG.warning("cannot note what is sent", exc_info=error)

    def depth(self) -> int:
        """How many events are not delivered yet."""
        return sum(self.left(bundle) for bundle in self.bundles)

    def left(self, bundle: Bundle) -> int:
        """The same for one bundle."""
        header, known = bundle.header, self._known(bundle)
        gone = union(known.delivered, self._absent(bundle))
        return sum(last - first + 1 for first, last in gone.gaps(header.first, header.last))

    @staticmethod
    def _absent(bundle: Bundle) -> RangeSet:
        try:
            return bundle.absent()
        except OSError as error:
            fields = {"file": bundle.path.name, "why": str(error)}
            _LOG.warning("a bundle cannot be read", extra={"fields": fields})
            return RangeSet()

    def find(self, source: str, epoch: str, first: int, last: int) -> Iterator[Kept]:
        """The events of these that are carried, delivered or not; each once, bundle by bundle."""
        given = RangeSet()
        for bundle in self.bundles:
            header = bundle.header
            if (header.source, header.epoch) != (source, epoch):
                continue
            for begin, end in given.gaps(max(first, header.first), min(last, header.last)):
                for kept in self._read(bundle, begin, end):
                    given.add(kept.sequence)
                    yield kept

    def purge(self, now: Stamp, keep_days: int) -> int:
        """Delete bundles that are delivered and `keep_days` old, by the event that is their last.

        Only while the time is known; returns how many.
        """
        if not now.synchronised:
            return 0
        before_us, gone = now.wall_us - keep_days * _DAY_US, 0
        for bundle in self.bundles:
            token, header = bundle.trailer.checkpoint, bundle.header
            told = not token or header.last in self._known(bundle).signed
            if told and not self.left(bundle) and max(self._ages(bundle)) < before_us:
                bundle.path.unlink(missing_ok=True)
                gone += 1
        if gone:
            self.look()
        return gone

    def _ages(self, bundle: Bundle) -> list[int]:
        last = self._read(bundle, bundle.header.last, bundle.header.last)
        return [bundle.header.made_us, *(json.loads(each.body)["wall_us"] for each in last)]

    def _known(self, bundle: Bundle) -> Marks:
        return self._of(bundle.header.source, bundle.header.epoch)

    def _of(self, source: str, epoch: str) -> Marks:
        if (source, epoch) not in self._marks:
            path = self._folder / f"{source}-{epoch}{_MARKS}"
            self._marks[source, epoch] = Marks(path, epoch)
        return self._marks[source, epoch]
