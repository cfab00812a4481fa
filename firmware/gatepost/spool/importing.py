"""A bundle from elsewhere, proved and put where the uplink finds it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.errors import SpoolError, SpoolFull
from gatepost.spool.bundles import parse_header
from gatepost.spool.carried import FOLDER
from gatepost.spool.places import flush_folder, make_folder, room
from gatepost.spool.proving import Proved, check_signature, prove
from gatepost.wire import MOST_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cryptography import x509

_SPARE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """A bundle that was taken. `signer` "": nobody signed it; `new`: it was not here yet."""

    proved: Proved
    signer: str
    path: Path
    new: bool


def take(
    bundle: Path,
    data: Path,
    own_epoch: str,
    authorities: Sequence[x509.Certificate],
    tell: Callable[[int], None],
) -> Imported:
    """Copy a bundle into a data folder, prove the copy, and keep it, flushed.

    `own_epoch`: that of the spool in the folder, whose own events need no bundle. Raises
    ContractError where the bundle does not hold, SpoolFull, SpoolError.
    """
    folder = data / FOLDER
    try:
        with bundle.open("rb") as file:
            header = parse_header(file.readline(MOST_PAYLOAD))
        if header.epoch == own_epoch:
            raise SpoolError(f"{bundle}: these events are in this station's own spool")
        make_folder(folder, 0o700)
        _own(folder, data)
        need, there = bundle.stat().st_size + _SPARE, room(folder)
        if there is not None and there < need:
            raise SpoolFull(f"{folder}: needs {need / 2**20:.1f} MiB, {there / 2**20:.1f} are free")
        part = folder / f"{os.getpid()}.part"
        try:
            return _taken(bundle, part, authorities, tell)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, SpoolError):
            raise
        raise SpoolError(f"{error.filename or bundle}: {error.strerror}") from error


def _taken(
    bundle: Path,
    part: Path,
    authorities: Sequence[x509.Certificate],
    tell: Callable[[int], None],
) -> Imported:
    """What is proved is the copy: a stick may read otherwise the second time."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with bundle.open("rb") as source, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(source, copy, 1024 * 1024)
        copy.flush()
        os.fsync(copy.fileno())
    proved = prove(part, tell)
    signer = check_signature(proved, authorities)
    whole = part.with_name(proved.header.name(signed=bool(signer)))
    new = not whole.exists()
    if new:
        _own(part, part.parent)
        part.rename(whole)
        flush_folder(whole.parent)
    return Imported(proved, signer, whole, new)


def _own(path: Path, like: Path) -> None:
    """Run as root, what is made belongs to the station all the same."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
