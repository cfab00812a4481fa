"""Damaged spools: set aside whole, what can be read out of them carried over.

A spool that is set aside is read once. The note beside it says that it was, and is written last:
after a power cut in between it is read again, into the same bundle.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from gatepost.errors import ContractError, SpoolFull
from gatepost.spool.bundles import Header, Trailer, write_bundle
from gatepost.spool.carried import FOLDER, Carried
from gatepost.spool.chain import Head
from gatepost.spool.places import flush_folder, make_folder
from gatepost.spool.raw import Entry
from gatepost.spool.salvage import Salvage, salvage
from gatepost.wire import body_hash
from gatepost.wire.bodies import NAME, object_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.model import Stamp

_LOG = logging.getLogger(__name__)
PARTS = ("", "-wal", "-shm")
_READ = ".read"  # the note's ending
_SPARE = 16 * 1024 * 1024  # bytes that a salvage leaves on the card, for the new spool
_ALL_BYTES = 64 * 1024 * 1024  # up to here what is delivered is carried, too, for a resend


def suspect(path: Path) -> Path:
    """The mark of a spool that a worker met damage in: the next start looks at all of it."""
    return path.with_name(path.name + ".suspect")


def leftovers(path: Path) -> list[Path]:
    """What lies beside a database that is not there."""
    return [part for part in _parts(path)[1:] if part.exists()]


def _parts(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in PARTS]


def set_aside(path: Path, wall_us: int) -> Path:
    """Rename a spool and what belongs to it; nothing is deleted. Returns its new path.

    The database goes first: after a cut in between there is none, and what is left of it
    follows at the next start. The other way round it would go on without its newest events.
    """
    aside = _name(path, wall_us // 1_000_000)
    for part, new in zip(_parts(path), _parts(aside), strict=True):
        if part.exists():
            part.rename(new)
    suspect(path).unlink(missing_ok=True)
    flush_folder(path.parent)
    return aside


def _name(path: Path, number: int) -> Path:
    """A name that is free; for what a cut left behind, the name that its database got."""
    if not path.exists() and (former := set_aside_before(path)):
        return max(former, key=lambda each: each.stat().st_mtime)
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside


def set_aside_before(path: Path) -> list[Path]:
    """The databases that were set aside, in order of their numbers."""
    found = [each for each in path.parent.glob(f"{path.name}.damaged-*") if each.name[-1].isdigit()]
    numbered = [each for each in found if each.name.rpartition("-")[2].isdigit()]
    return sorted(numbered, key=lambda each: int(each.name.rpartition("-")[2]))


def unread(path: Path) -> list[Path]:
    """Those that were not read yet."""
    return [each for each in set_aside_before(path) if not _note(each).exists()]


def _note(aside: Path) -> Path:
    return aside.with_name(aside.name + _READ)


def note(aside: Path, told: str) -> None:
    """Remember that it was read, and what came of it. Raises OSError."""
    with _note(aside).open("w", encoding="utf-8") as file:
        file.write(told + "\n")
    flush_folder(aside.parent)


def carry_over(aside: Path, stamp: Stamp) -> tuple[str, Head | None]:
    """Read out what can be read, into a bundle; returns what came of it, and the newest of it.

    Raises SpoolError, OSError.
    """
    found = salvage(aside)
    if found is None:
        return f"{aside.name}: nothing could be read out", None
    try:
        bundle = _bundled(found, stamp)
    except SpoolFull as error:
        return f"{aside.name}: not carried over, no room: {error}", None
    detail = _counted(found)
    _LOG.error("events of a damaged spool", extra={"fields": {"told": detail, "in": bundle}})
    newest = found.last()
    return detail, Head(found.epoch, newest.sequence, body_hash(newest.body))


def _counted(found: Salvage) -> str:
    text = (
        f"{found.path.name}: {len(found.entries)} of {found.newest} events read out, "
        f"{found.undelivered()} not delivered among them"
    )
    return text + (f", {found.unproved} not proved by the next" if found.unproved else "")


def _bundled(found: Salvage, stamp: Stamp) -> str:
    """The bundle's name, "" where there is nothing to be delivered.

    Raises SpoolFull, SpoolError, OSError.
    """
    folder = found.path.parent / FOLDER
    make_folder(folder, 0o700)
    written = None
    if found.bytes <= _ALL_BYTES:
        try:
            written = bundled(found, folder, stamp, _SPARE, all_=True)
        except SpoolFull:
            _LOG.warning("no room for what is delivered already")
    if written is None:
        written = bundled(found, folder, stamp, _SPARE, all_=False)
    if written is None:
        return ""
    carried = Carried(folder.parent)
    carried.delivered(found.source, found.epoch, found.delivered)
    carried.persist()
    return written.name


def _site(found: Salvage) -> str:
    """Where it stood, by the first body that can be read: one of them may have rotted."""
    for each in found.bodies(all_=True):
        with suppress(ContractError):
            return text_of(object_of(each.body), "site", NAME)
    return "unknown"


def bundled(found: Salvage, folder: Path, stamp: Stamp, spare: int, *, all_: bool) -> Path | None:
    """Write a bundle of what was read out, or of what of it is not delivered; None: nothing.

    Raises SpoolFull, SpoolError, OSError.
    """
    entries = [Entry.of(each) for each in found.entries]
    chosen = [each for each in entries if all_ or each.sequence not in found.delivered]
    if not chosen:
        return None
    header = Header(
        source=found.source,
        site=_site(found),
        epoch=found.epoch,
        first=chosen[0].sequence,
        last=chosen[-1].sequence,
        count=len(chosen),
        made_us=stamp.wall_us,
    )
    size = sum(each.spot.length for each in chosen)
    return write_bundle(folder, header, found.bodies(all_=all_), Trailer(), size, spare)
