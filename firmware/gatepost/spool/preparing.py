"""Before the first scan: a spool that is whole, or a new one that says why."""

from __future__ import annotations

import logging
import secrets
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged, SpoolError, SpoolForeign, SpoolFull, SpoolVolatile
from gatepost.model import Draft, EpochRecord, FaultRecord
from gatepost.spool.aside import (
    PARTS,
    carry_over,
    leftovers,
    note,
    set_aside,
    set_aside_before,
    suspect,
    unread,
)
from gatepost.spool.database import FILE, check_format, connect, create, translated
from gatepost.spool.looking import Look
from gatepost.spool.migrating import migrate
from gatepost.spool.outbox import Spool
from gatepost.spool.places import flush_folder, make_folder, volatile
from gatepost.spool.rescue import beyond

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatepost.model import Stamp
    from gatepost.spool.chain import Head

_LOG = logging.getLogger(__name__)
_TAIL = 2000
_QUICK_CHECK_BYTES = 64 * 1024 * 1024


def prepare(
    folder: Path,
    source: str,
    site: str,
    stamp: Stamp,
    *,
    allow_volatile: bool = False,
    slow: Callable[[], object] = lambda: None,
) -> Path:
    """Make sure that there is a whole spool of this version in `folder`; returns its path.

    A damaged file is set aside, never deleted; what can be read out of it lies in `carried/`
    then, and the new epoch's first events say so. Of a large one that takes minutes: `slow` is
    called before each step that may.

    Raises SpoolVolatile where a power cut would lose all (unless `allow_volatile`), SpoolVersion
    for a later version's file, SpoolForeign for another station's, SpoolError when the folder
    cannot be written, or when the card does not let itself be read: that is no damage that a new
    file would mend, and the card may come to itself (a loose contact, a low voltage).
    """
    path = folder / FILE
    try:
        make_folder(folder)
        if not allow_volatile:
            _refuse_volatile(path)
        return _prepared(path, source, site, stamp, slow)
    except PermissionError as error:
        raise SpoolError(f"{folder}: cannot be written: {error.strerror}") from error
    except SpoolError:
        raise
    except OSError as error:
        raise SpoolError(f"{folder}: {error}") from error


def _refuse_volatile(path: Path) -> None:
    """The file may be a link to elsewhere, so both are asked."""
    kind = volatile(path.parent) or volatile(path.resolve().parent)
    if kind:
        raise SpoolVolatile(
            f"{path.parent}: is on {kind}: a power cut would lose what it holds. Set [station] "
            "data to a folder on the card, or [spool] allow_volatile where that is meant"
        )


def _prepared(path: Path, source: str, site: str, stamp: Stamp, slow: Callable[[], object]) -> Path:
    cause, former = "first-start", None
    whole = path.exists()
    if whole:
        try:
            _check(path, source, site, slow)
        except SpoolDamaged as damage:
            former = _last_words(path)
            aside = set_aside(path, stamp.wall_us)
            whole, cause = False, "spool-damaged"
            _LOG.error("spool set aside", extra={"fields": {"why": str(damage), "as": aside.name}})
    else:  # a power cut while a damaged spool was set aside, or just after it, is told too
        if leftovers(path):
            set_aside(path, stamp.wall_us)
        if set_aside_before(path):
            cause = "spool-damaged"
    read = []
    for aside in unread(path):
        slow()
        read.append((aside, *carry_over(aside, stamp)))
    if not whole:
        former = _later(former, [head for _, _, head in read])
        _begin(path, source, site, Draft(_epoch_record(cause, former), stamp))
    if read:
        _tell(path, [(aside, told) for aside, told, _ in read], stamp)
    return path


def _tell(path: Path, read: list[tuple[Path, str]], stamp: Stamp) -> None:
    """What came of damaged spools is an event each; where there is no room, next time."""
    with Spool(path) as spool, suppress(SpoolFull):
        for aside, told in read:
            spool.append(Draft(FaultRecord("spool", "failed", told), stamp))
            note(aside, told)


def _check(path: Path, source: str, site: str, slow: Callable[[], object]) -> None:
    """Is it ours, and whole (as far as can be told in a second)? Then make it this version's.

    SQLite may write when it opens or closes a file for writing: what is damaged stays as it is.
    """
    check_format(path)
    with Look(path) as look:
        if look.source != source:
            raise SpoolForeign(
                f"{path}: belongs to station {look.source}, not to {source}. Keep it: it may "
                "hold events not delivered yet; move it away to go on"
            )
        if look.newest() == 0:
            raise SpoolDamaged(f"{path}: holds no event, not even its first")
        look.check_tail(_TAIL)
        if suspect(path).exists():
            slow()
            look.verify()
        elif path.stat().st_size <= _QUICK_CHECK_BYTES:
            look.check_file()
        newest = look.newest()
        unseen = beyond(path, look.head())
        if look.old:
            slow()
    migrate(path)
    with Spool(path) as spool:
        if unseen:
            spool.restore(unseen)
            fields = {"events": len(unseen), "first": newest + 1}
            _LOG.error("events after a broken place in the WAL", extra={"fields": fields})
        if spool.site != site:
            spool.move(site)
        with suppress(SpoolFull):
            spool.fold()  # what a cut left in the WAL is never met again
    suspect(path).unlink(missing_ok=True)


@contextmanager
def suspecting(path: Path) -> Iterator[None]:
    """A worker that meets damage ends the station; the next start then looks at all of it."""
    try:
        yield
    except SpoolDamaged:
        with suppress(OSError):  # the card may be read-only by now
            suspect(path).touch()
        raise


def _epoch_record(cause: str, former: Head | None) -> EpochRecord:
    if former is None or former.sequence == 0:
        return EpochRecord(cause)
    return EpochRecord(cause, former.epoch, former.sequence, former.hash)


def _last_words(path: Path) -> Head | None:
    """The newest event of a damaged spool, where SQLite can still find it."""
    try:
        with Look(path) as look:
            return look.head()
    except SpoolError:
        return None


def _later(former: Head | None, read: list[Head | None]) -> Head | None:
    """The end of the former epoch: what SQLite finds, or what was read out after that.

    Only where SQLite finds an end: else events at the end may be gone, and it would be a lie.
    """
    for each in read:
        if former and each and each.epoch == former.epoch and each.sequence > former.sequence:
            return each
    return former


def _begin(path: Path, source: str, site: str, draft: Draft) -> None:
    """A new spool with its first event. A cut before the rename leaves nothing behind."""
    fresh = path.with_name(path.name + ".new")
    for suffix in PARTS:
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    with closing(connect(fresh)) as database, translated(fresh):
        create(database, secrets.token_hex(16), source, site)
    with Spool(fresh) as spool:
        spool.append(draft)
        spool.fold()
    fresh.rename(path)
    flush_folder(path.parent)
