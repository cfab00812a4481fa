"""Before the first scan: a spool that is whole, or a new one that says why."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged, SpoolError
from gatepost.model import Draft, EpochRecord
from gatepost.spool.database import FILE, connect, create, translated
from gatepost.spool.outbox import Head, Kept, Spool, check_chain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.model import Stamp

_LOG = logging.getLogger(__name__)
_TAIL = 256
_QUICK_CHECK_BYTES = 64 * 1024 * 1024


def prepare(folder: Path, source: str, site: str, stamp: Stamp) -> Path:
    """Make sure that there is a whole spool in `folder`; returns its path.

    A damaged file is set aside, never deleted, and the new epoch's first event says so.
    Raises SpoolVersion for another version's file, SpoolError for another station's, or when
    the folder cannot be written.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _prepared(path, source, site, stamp)
    except PermissionError as error:
        raise SpoolError(f"{folder}: cannot be written: {error.strerror}") from error
    except SpoolError:
        raise
    except OSError as error:
        raise SpoolError(f"{folder}: {error}") from error


def _prepared(path: Path, source: str, site: str, stamp: Stamp) -> Path:
    former: Head | None = None
    cause = "first-start"
    if path.exists():
        try:
            _check(path, source, site)
        except SpoolDamaged as damage:
            former = _last_words(path)
            aside = set_aside(path, stamp.wall_us)
            cause = "spool-damaged"
            _LOG.error("spool set aside", extra={"fields": {"why": str(damage), "as": aside.name}})
        else:
            return path
    else:  # a power cut while a damaged spool was set aside, or just after it, is told too
        if _leftovers(path):
            set_aside(path, stamp.wall_us)
        if any(path.parent.glob(f"{path.name}.damaged-*")):
            cause = "spool-damaged"
    _begin(path, source, site, Draft(_epoch_record(cause, former), stamp))
    return path


def _check(path: Path, source: str, site: str) -> None:
    """Is it ours, of this version, and whole (as far as can be told in a second)?"""
    suspect = _suspect(path)
    with Spool(path) as spool:
        if spool.source != source:
            raise SpoolError(
                f"{path}: belongs to station {spool.source}, not to {source}. Keep it: it may "
                "hold events not delivered yet; move it away to go on"
            )
        newest = spool.head().sequence
        if newest == 0:
            raise SpoolDamaged(f"{path}: holds no event, not even its first")
        check_chain(path, spool.epoch, spool.range(max(1, newest - _TAIL), newest))
        if suspect.exists():
            spool.verify()
        elif path.stat().st_size <= _QUICK_CHECK_BYTES:
            spool.check_file()
        if spool.site != site:
            spool.move(site)
    suspect.unlink(missing_ok=True)


@contextmanager
def suspecting(path: Path) -> Iterator[None]:
    """A worker that meets damage ends the station; the next start then looks at all of it."""
    try:
        yield
    except SpoolDamaged:
        _suspect(path).touch()
        raise


def _suspect(path: Path) -> Path:
    return path.with_name(path.name + ".suspect")


def _leftovers(path: Path) -> list[Path]:
    parts = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    return [part for part in parts if part.exists()]


def _epoch_record(cause: str, former: Head | None) -> EpochRecord:
    if former is None or former.sequence == 0:
        return EpochRecord(cause)
    return EpochRecord(cause, former.epoch, former.sequence, former.hash)


def _last_words(path: Path) -> Head | None:
    """The newest event of a damaged spool, where it can still be read."""
    try:
        with Spool(path) as spool:
            return spool.head()
    except SpoolError:
        return None


def set_aside(path: Path, wall_us: int) -> Path:
    """Rename a spool and what belongs to it; nothing is deleted. Returns its new path.

    The database goes first: after a cut in between there is none, and what is left of it
    follows at the next start. The other way round it would go on without its newest events.
    """
    aside = _name_aside(path, wall_us // 1_000_000)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    _suspect(path).unlink(missing_ok=True)
    _flush_folder(path.parent)
    return aside


def _begin(path: Path, source: str, site: str, draft: Draft) -> Kept:
    """A new spool with its first event. A cut before the rename leaves nothing behind."""
    fresh = path.with_name(path.name + ".new")
    for suffix in ("", "-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    with closing(connect(fresh)) as database, translated(fresh):
        create(database, secrets.token_hex(16), source, site)
    with Spool(fresh) as spool:
        first = spool.append(draft)
        spool.fold()
    fresh.rename(path)
    _flush_folder(path.parent)
    return first


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_aside(path: Path, number: int) -> Path:
    """A name that is free; for what a cut left behind, the name that its database got."""
    if not path.exists():
        former = [p for p in path.parent.glob(f"{path.name}.damaged-*") if p.suffix[-1].isdigit()]
        if former:
            return max(former, key=lambda each: each.stat().st_mtime)
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second daemon out of `folder`, made if need be. Raises SpoolError if one is in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / "lock").open("w")
    except OSError as error:
        raise SpoolError(f"{folder}: cannot be written: {error.strerror}") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SpoolError(f"{folder}: another gatepost runs on it") from error
        yield
