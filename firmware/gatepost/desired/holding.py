"""What is held on the card: the last good token of each kind, a file each.

A file is replaced as a whole (written beside it, flushed, renamed, the folder flushed), so
that a cut of power leaves the former one or the new one. The daemon and `gatepost trust apply`
may both write: whoever does holds the folder's lock (flock(2)) and reads the card again in it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from gatepost.desired.centre import Desire, When
from gatepost.desired.checking import Refused, check
from gatepost.desired.floors import floor as floor_at
from gatepost.desired.floors import raise_floor
from gatepost.errors import DesiredRefused
from gatepost.timekeeping import Floor, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.desired.centre import Centre
    from gatepost.desired.checking import Desired
    from gatepost.ports import Clock

FOLDER = "desired"
_TRY_S = 0.05
_PRIVATE = 0o600

_Mark: TypeAlias = tuple[int, int, int, int]


class NotKept(DesiredRefused):
    """A token that is good but cannot be kept now: the card, or another process at it."""


class Held:
    """The desired states that a station holds. One thread looks and takes; any may ask.

    Attributes:
        problems: what is wrong with a file on the card that is not believed, by kind.
        floor: what the station knows to be past, whatever its clock says.
    """

    def __init__(
        self, folder: Path, centre: Centre, *, lock_s: float = 3.0, floor: Floor | None = None
    ) -> None:
        """`lock_s`: how long to wait for another process that writes, seconds."""
        self.floor = floor or Floor()
        self.centre = centre
        self._lock_s = lock_s
        self.problems: dict[Desire, str] = {}
        self._folder = folder
        self._now: dict[Desire, Desired] = {}
        self._seen: dict[Desire, _Mark | None] = {}

    def now(self, kind: Desire) -> Desired | None:
        """What is held, as far as it was looked at."""
        return self._now.get(kind)

    def version(self, kind: Desire) -> int:
        """The version held; 0: none."""
        held = self._now.get(kind)
        return held.version if held else 0

    def when(self, clock: Clock) -> When:
        """The station's time; while nobody knows it, not before what it knows to be past."""
        wall = datetime.fromtimestamp(stamp(clock, "").wall_us / 1_000_000, UTC)
        if clock.bound_us() is not None:
            return When(wall)
        past = [each.not_valid_before_utc for each in self.centre.authorities]
        past.append(datetime.fromtimestamp(self.floor.at_us / 1_000_000, UTC))
        past += [each.issued for each in self._now.values()]
        return When(max(wall, *past), behind=True)

    def look(self) -> list[Desired]:
        """What is on the card and was not known yet, or is newer. Reads only; raises nothing."""
        return [found for kind in Desire if (found := self._look(kind)) is not None]

    def take(self, token: bytes, kind: Desire, when: When) -> Desired | None:
        """Check a token and keep it; None: it is the one that is held.

        Raises Refused; NotKept where it is good, but the card or another process is in the way.
        """
        token = token.strip()
        held = self._now.get(kind)
        if held is not None and held.token == token:
            self._mend(held)
            return None
        desired = check(token, kind, self.centre, self.version(kind), when)
        if desired.version < (least := floor_at(self._floor_path(kind))):
            told = f"version {desired.version}: {least} was held before the factory reset"
            raise Refused(told, desired.signer)
        with self._writing():
            card = None
            if self._mark(kind) != self._seen.get(kind):
                with suppress(OSError):  # what cannot be read is replaced
                    card = self._read(kind)
            if card is not None and card.token == token:
                return None  # the other process was quicker: `look` finds it
            if card is not None and card.version >= desired.version:
                told = f"version {desired.version}: {card.version} is held already"
                raise Refused(told, desired.signer)
            self._write(kind, token)
            mark = self._mark(kind)
        self._seen[kind] = mark
        self._now[kind] = desired
        self.problems.pop(kind, None)
        return desired

    def _mend(self, held: Desired) -> None:
        """What is held but not on the card any more, or damaged there, must outlive a restart."""
        if held.kind in self.problems or self._mark(held.kind) is None:
            with self._writing():
                self._write(held.kind, held.token)
                mark = self._mark(held.kind)
            self._seen[held.kind] = mark
            self.problems.pop(held.kind, None)

    def tidy(self) -> None:
        """Remove what a torn write has left. Raises NotKept."""
        if self._folder.is_dir():
            with self._writing():
                for kind in Desire:
                    self._temporary(kind).unlink(missing_ok=True)

    def forget(self) -> dict[Desire, int]:
        """Remove what is held, as a factory reset does; it may be done again after a cut.

        Returns the least version of each kind that is taken from now on, 0: any. What came of
        old is never replayed; the one that was held may come again. Raises NotKept.
        """
        self.look()
        if self._folder.is_dir():
            with self._writing() as folder:
                for kind in Desire:
                    raise_floor(self._floor_path(kind), self.version(kind))
                os.fsync(folder)  # the floors, before what they stand for goes
                for kind in Desire:
                    self._temporary(kind).unlink(missing_ok=True)
                    self.path(kind).unlink(missing_ok=True)
        self._now.clear()
        self._seen.clear()
        return {kind: floor_at(self._floor_path(kind)) for kind in Desire}

    def _look(self, kind: Desire) -> Desired | None:
        mark = self._mark(kind)
        if kind in self._seen and mark == self._seen[kind]:
            return None
        self._seen.pop(kind, None)
        self.problems.pop(kind, None)
        try:
            found = self._read(kind)
        except OSError as error:  # perhaps for now only: it is read again at the next look
            self.problems[kind] = f"{self.path(kind)}: cannot be read: {error.strerror}"
            return None
        self._seen[kind] = mark
        if found is None or found.version <= self.version(kind):
            return None
        self._now[kind] = found
        return found

    def _read(self, kind: Desire) -> Desired | None:
        """What is on the card, signature and all checked again; None with the problem noted.

        Raises OSError where it cannot be read.
        """
        try:
            # A pipe or a device in its place must not hold us up.
            handle = os.open(self.path(kind), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                token = file.read(kind.most + 1) if _plain(handle) else b""
            return check(token, kind, self.centre, 0, None)
        except FileNotFoundError:
            return None
        except DesiredRefused as error:
            self.problems[kind] = f"{self.path(kind)}: {error}"
        return None

    def path(self, kind: Desire) -> Path:
        """Where a kind is kept."""
        return self._folder / f"{kind.value}.jws"

    def _floor_path(self, kind: Desire) -> Path:
        return self._folder / f"{kind.value}.floor"

    def _temporary(self, kind: Desire) -> Path:
        return self._folder / f"{kind.value}.jws.new"

    def _mark(self, kind: Desire) -> _Mark | None:
        """What changes whenever the file is replaced or written."""
        try:
            found = self.path(kind).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """The only process that writes: the folder, open. Raises NotKept, also for what fails."""
        try:
            self._make_folder()
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _lock(handle, self._lock_s)
                yield handle
                os.fsync(handle)
            finally:
                os.close(handle)  # and with it the lock
        except OSError as error:
            raise NotKept(f"{self._folder}: cannot be kept: {error.strerror}") from error

    def _make_folder(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(0o700)
            if os.geteuid() == 0:  # by hand, as root: the station must be able to write it
                above = self._folder.parent.stat()
                os.chown(self._folder, above.st_uid, above.st_gid)

    def _write(self, kind: Desire, token: bytes) -> None:
        temporary = self._temporary(kind)
        temporary.unlink(missing_ok=True)
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(handle, "wb") as file:
                if os.geteuid() == 0:
                    owner = self._folder.stat()
                    os.fchown(handle, owner.st_uid, owner.st_gid)
                file.write(token + b"\n")
                file.flush()
                os.fsync(handle)
            temporary.replace(self.path(kind))
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _plain(handle: int) -> bool:
    return stat.S_ISREG(os.fstat(handle).st_mode)


def _lock(handle: int, wait_s: float) -> None:
    """Raises NotKept where another process does not let go: a stopped one must not stop us."""
    for _ in range(1 + round(wait_s / _TRY_S)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            threading.Event().wait(_TRY_S)
        else:
            return
    raise NotKept("another process is writing, and does not end")
