"""A disk in memory that knows what was flushed, and what may be left of the rest after a cut.

Harsher than ext4 with its journal, and as harsh as POSIX (fsync, "synchronized I/O completion")
and SQLite's own assumptions (sqlite.org/psow.html) allow:

- flushing a file keeps its content and size, not its name; flushing a folder keeps its names;
- of a file's sectors written since its last flush, any may be on the disk, each as it was after
  any of the writes, in any order; a write is torn between sectors, a sector is never torn;
- its size may be any that it had since, or end at any sector in between;
- of the changes of names, the first few (as a journal would), or any, in order; a rename is whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

SECTOR = 512
_SHARED_MEMORY = "-shm"


class File:
    """A file. `content` is what programs see; what a cut may leave of it comes from `torn`."""

    __slots__ = ("_order", "_sizes", "_versions", "content", "shared_memory")

    def __init__(self, content: bytes = b"", *, shared_memory: bool = False) -> None:
        self.content = bytearray(content)
        self.shared_memory = shared_memory
        self.flush()

    def flush(self) -> None:
        """All that was written so far is on the disk."""
        self._sizes = [len(self.content)]
        self._versions: dict[int, list[bytes]] = {}  # sector -> flushed, after 1st write, 2nd ...
        self._order: list[int] = []  # sectors in the order of the writes

    @property
    def unflushed(self) -> int:
        """How many sectors were written since the last flush."""
        return len(self._versions)

    def write(self, offset: int, data: bytes) -> None:
        if not data:
            return
        if offset > len(self.content):
            self.truncate(offset)
        touched = range(offset // SECTOR, (offset + len(data) - 1) // SECTOR + 1)
        self._remember(touched)
        self.content[offset : offset + len(data)] = data
        self._note(touched)

    def truncate(self, size: int) -> None:
        if size > len(self.content):
            self.content.extend(bytes(size - len(self.content)))
            self._note(range(0))
            return
        touched = range(size // SECTOR, (len(self.content) + SECTOR - 1) // SECTOR)
        self._remember(touched)
        del self.content[size:]
        self._note(touched)

    def _sector(self, number: int) -> bytes:
        return bytes(self.content[number * SECTOR : (number + 1) * SECTOR]).ljust(SECTOR, b"\0")

    def _remember(self, sectors: range) -> None:
        for number in sectors:
            if number not in self._versions:
                self._versions[number] = [self._sector(number)]

    def _note(self, sectors: range) -> None:
        for number in sectors:
            self._versions[number].append(self._sector(number))
        self._order.extend(sectors)
        if len(self.content) != self._sizes[-1]:
            self._sizes.append(len(self.content))

    def torn(self, rng: Random) -> File:
        """What a power cut leaves of it."""
        size, taken = self._left(rng)
        room = max(len(self.content), *self._sizes, 0) + SECTOR
        image = bytearray(self.content).ljust(room, b"\0")
        for number, versions in self._versions.items():
            version = versions[taken.get(number, 0)]
            image[number * SECTOR : (number + 1) * SECTOR] = version
        return File(bytes(image[:size].ljust(size, b"\0")), shared_memory=self.shared_memory)

    def _left(self, rng: Random) -> tuple[int, dict[int, int]]:
        """The size that is left, and how many of its writes each sector saw."""
        way = rng.random()
        if way < 0.1:  # nothing came so far
            return self._sizes[0], {}
        if way < 0.2:  # all did
            return self._sizes[-1], {n: len(v) - 1 for n, v in self._versions.items()}
        taken: dict[int, int] = {}
        if way < 0.4:  # in the order of the writes, up to somewhere
            for number in self._order[: rng.randint(0, len(self._order))]:
                taken[number] = taken.get(number, 0) + 1
        else:  # in no order
            newest = rng.choice((0.1, 0.5, 0.9, rng.random()))
            for number, versions in self._versions.items():
                last = len(versions) - 1
                taken[number] = last if rng.random() < newest else rng.randint(0, last)
        return self._left_size(rng), taken

    def _left_size(self, rng: Random) -> int:
        low, high = min(self._sizes), max(self._sizes)
        if low < high and rng.random() < 0.3:
            return min(high, rng.randrange(low, high) // SECTOR * SECTOR + SECTOR)
        return rng.choice(self._sizes)


class Folder:
    """Names. `names` is what programs see, `flushed` what is on the disk."""

    __slots__ = ("flushed", "names")

    def __init__(self, names: dict[str, File | Folder] | None = None) -> None:
        self.names: dict[str, File | Folder] = dict(names or {})
        self.flushed = dict(self.names)


# One change of names, whole or not at all: what each name stands for from then on.
_Change = list[tuple[Folder, str, File | Folder | None]]


@dataclass
class Disk:
    """A disk with its power switch.

    Attributes:
        off: the power is cut: nothing is written any more.
        changes: how many changes and flushes it saw, SQLite's shared memory left out.
        cut_at: the change before which (a flush) or in which (others) the power goes; 0: never.
        last: what the newest change was, to be told.
    """

    root: Folder = field(default_factory=Folder)
    off: bool = False
    changes: int = 0
    cut_at: int = 0
    last: str = ""
    _journal: list[_Change] = field(default_factory=list)

    def count(self, what: str) -> bool:
        """One more change; False when the power goes with it."""
        self.changes += 1
        self.last = what
        self.off = self.off or self.changes == self.cut_at
        return not self.off

    def rename(self, *change: tuple[Folder, str, File | Folder | None]) -> None:
        """Names stand for something else from now on; None: for nothing."""
        for folder, name, node in change:
            if node is None:
                folder.names.pop(name, None)
            else:
                folder.names[name] = node
        self._journal.append(list(change))

    def flush_folder(self, folder: Folder) -> None:
        """The names in this folder are on the disk."""
        rest = []
        for change in self._journal:
            if any(where is folder for where, _, _ in change):
                for where, name, node in change:
                    _set(where.flushed, name, node)
            else:
                rest.append(change)
        self._journal = rest

    def torn(self, rng: Random) -> Disk:
        """What a power cut leaves; all of it is on the new disk for good."""
        if rng.random() < 0.5:
            kept = self._journal[: rng.randint(0, len(self._journal))]
        else:
            often = rng.choice((0.5, 0.9, rng.random()))
            kept = [change for change in self._journal if rng.random() < often]
        images: dict[int, dict[str, File | Folder]] = {}
        for change in kept:
            for folder, name, node in change:
                _set(images.setdefault(id(folder), dict(folder.flushed)), name, node)
        made: dict[int, File] = {}

        def copied(folder: Folder) -> Folder:
            fresh: dict[str, File | Folder] = {}
            for name, node in sorted(images.get(id(folder), folder.flushed).items()):
                if isinstance(node, Folder):
                    fresh[name] = copied(node)
                else:
                    if id(node) not in made:
                        made[id(node)] = node.torn(rng)
                    fresh[name] = made[id(node)]
            return Folder(fresh)

        return Disk(copied(self.root))

    def files(self) -> Iterator[tuple[str, File]]:
        """All files with their paths, in the order of their names."""
        return _files(self.root, "")

    def digest(self) -> str:
        """Two disks with the same are the same; SQLite's shared memory does not count."""
        found = hashlib.sha256()
        for path, file in self.files():
            if not file.shared_memory:
                found.update(f"{path} {len(file.content)} ".encode() + file.content)
        return found.hexdigest()[:24]


def named(name: str) -> File:
    """A new file of that name."""
    return File(shared_memory=name.endswith(_SHARED_MEMORY))


def _set(names: dict[str, File | Folder], name: str, node: File | Folder | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _files(folder: Folder, path: str) -> Iterator[tuple[str, File]]:
    for name, node in sorted(folder.names.items()):
        if isinstance(node, Folder):
            yield from _files(node, f"{path}{name}/")
        else:
            yield path + name, node
