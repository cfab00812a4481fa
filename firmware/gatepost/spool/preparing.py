"""Before the first scan: a spool that is whole, or a new one that says why."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged, SpoolError
from gatepost.model import Draft, EpochRecord
from gatepost.spool.database import FILE, connect, create, translated
from gatepost.spool.outbox import Head, Kept, Spool, check_chain

if TYPE_CHECKING:
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
    except OSError as error:
        raise SpoolError(f"{folder}: cannot be made: {error}") from error
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
    _begin(path, source, site, Draft(_epoch_record(cause, former), stamp))
    return path


def _check(path: Path, source: str, site: str) -> None:
    """Is it ours, of this version, and whole (as far as can be told in a second)?"""
    with Spool(path) as spool:
        if (spool.source, spool.site) != (source, site):
            raise SpoolError(
                f"{path}: belongs to station {spool.source} at {spool.site}, not to {source} at "
                f"{site}. Keep it: it may hold events not delivered yet; move it away to go on"
            )
        newest = spool.head().sequence
        if newest == 0:
            raise SpoolDamaged(f"{path}: holds no event, not even its first")
        check_chain(path, spool.epoch, spool.range(max(1, newest - _TAIL), newest))
        if path.stat().st_size <= _QUICK_CHECK_BYTES:
            spool.check_file()


def _epoch_record(cause: str, former: Head | None) -> EpochRecord:
    if former is None:
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
    """Rename a spool and what belongs to it; nothing is deleted. Returns its new path."""
    number = wall_us // 1_000_000
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the database last: a cut in between is met again
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
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
