"""One daemon a data folder."""

from __future__ import annotations

import errno
import fcntl
import logging
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from gatepost.errors import SpoolBusy, SpoolError
from gatepost.spool.places import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOG = logging.getLogger(__name__)
_FILE = "lock"
# The card's own faults: the station starts all the same, to say so and to refuse in red.
_UNWRITABLE = {
    errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOSPC, errno.EDQUOT
}  # fmt: skip


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second daemon out of `folder`, made if need be. Raises SpoolError if one is in.

    Where nothing can be written, the lock file of an earlier start will do; without one it goes
    on unlocked, with a warning: a second daemon cannot write there either.
    """
    held = _opened(folder)
    if held is None:
        yield
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolError(f"{folder}: another gatepost runs on it") from error
        except OSError as error:
            _warn(folder, error)
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a daemon out of `folder` for a while; nothing is made there, whoever we are.

    Raises SpoolBusy while one is in, SpoolError where that cannot be known.
    """
    try:
        held = (folder / _FILE).open("rb")
    except (FileNotFoundError, NotADirectoryError):  # no daemon was ever there
        yield
        return
    except OSError as error:
        raise SpoolError(f"{folder}: {error.strerror}: are you its owner, or root?") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolBusy(f"{folder}: a gatepost runs on it") from error
        yield


def _opened(folder: Path) -> IO[bytes] | None:
    """The lock file, None where there can be none. Raises SpoolError."""
    try:
        make_folder(folder)
        return (folder / _FILE).open("ab")
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise SpoolError(f"{folder}: cannot be written: {error.strerror}") from error
        unwritable = error
    try:
        return (folder / _FILE).open("rb")
    except OSError:
        _warn(folder, unwritable)
        return None


def _warn(folder: Path, error: OSError) -> None:
    fields = {"folder": str(folder), "why": error.strerror}
    _LOG.warning("a second gatepost would not be kept out", extra={"fields": fields})
