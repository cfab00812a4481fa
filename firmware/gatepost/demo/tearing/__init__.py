"""A file system whose power can be cut: mounts it, gives orders to it.

`with mounted(folder) as tearing:` and then disks by name, each a folder within the mount.
`unavailable()` says why it cannot run here, for a test that skips.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READY_S, _TURN_S = 10.0, 0.01


class TearingError(GatepostError):
    """The file system could not be mounted, or an order was not understood."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the power went.

    Attributes:
        what: the change in which it went, in words.
        changes: how many changes the disk had seen.
        unflushed: how many sectors (512 bytes) of its files were written and not flushed.
    """

    what: str
    changes: int
    unflushed: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What a disk saw of one file or folder."""

    writes: int
    bytes: int
    flushes: int


class Tearing:
    """The mounted file system. Its methods raise TearingError."""

    def __init__(self, folder: Path, server: subprocess.Popen[str]) -> None:
        self.folder = folder
        self._server = server
        self._names = 0

    def name(self) -> str:
        """A name for one more disk: no name stands for two, for the kernel remembers them."""
        self._names += 1
        return f"disk-{self._names}"

    def _order(self, do: str, **order: Any) -> Any:
        try:
            _pipe(self._server.stdin).write(json.dumps({"do": do} | order) + "\n")
            _pipe(self._server.stdin).flush()
            answer = json.loads(_pipe(self._server.stdout).readline() or '{"error": "it ended"}')
        except OSError as error:
            raise TearingError(f"{do}: {error}") from error
        if "error" in answer:
            raise TearingError(f"{do}: {answer['error']}")
        return answer["is"]

    def disk(self, name: str) -> Path:
        """A new, empty disk; its folder."""
        return self.folder / str(self._order("disk", name=name))

    def arm(self, name: str, after: int) -> None:
        """The power goes with the `after`th change (write, flush, rename ...) from now on.

        From then on every change fails with EIO, and nothing of it reaches the disk. Reading
        goes on, so that the program under test can come to its end.
        """
        self._order("arm", name=name, after=after)

    def cut(self, name: str) -> Cut:
        """Cut the power now, if it is not cut yet."""
        return Cut(**self._order("cut", name=name))

    def is_off(self, name: str) -> bool:
        return bool(self._order("is_off", name=name))

    def tear(self, name: str, fresh: str, seed: str) -> tuple[Path, str]:
        """What is left of a disk, as the new disk `fresh`; its folder and a hash of all of it.

        The same seed leaves the same.
        """
        return self.folder / fresh, self._order("tear", name=name, fresh=fresh, seed=seed)

    def drop(self, name: str) -> None:
        """Forget a disk."""
        self._order("drop", name=name)

    def counts(self, name: str) -> dict[str, Counts]:
        """What was written to a disk, by the file's or folder's name (where it was opened)."""
        return {file: Counts(**told) for file, told in self._order("counts", name=name).items()}

    def slow(self, seconds: float) -> None:
        """Each flush takes so long from now on."""
        self._order("slow", seconds=seconds)

    def lie(self, *about: str) -> None:
        """Flushes of "files", "folders" or files of that name keep nothing; none: all is true."""
        self._order("lie", about=about)

    def fail(self, what: str, number: int, times: int = 1) -> None:
        """The next `times` of "read", "write" or "fsync" fail with errno `number`.

        Of reads, only those that the kernel does not have in memory come here: after an open().
        """
        self._order("fail", what=what, number=number, times=times)


def unavailable() -> str:
    """Why it cannot run here; "" where it can, as far as can be told without trying."""
    if importlib.util.find_spec("mfusepy") is None:
        return "mfusepy is not installed"
    if ctypes.util.find_library("fuse3") is None or shutil.which("fusermount3") is None:
        return "libfuse3 is not installed (Debian: fuse3)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing, or not ours to use"
    return ""


@contextmanager
def mounted(folder: Path) -> Iterator[Tearing]:
    """The file system on an empty `folder`. Raises TearingError where it cannot be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"{__name__}.server", str(folder)]
    log = folder.with_name(f"{folder.name}.log")
    pipe = subprocess.PIPE
    with (
        log.open("w") as said,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True) as server,
    ):
        try:
            _wait(folder, server, log)
            yield Tearing(folder, server)
        finally:
            _pipe(server.stdin).close()  # it unmounts and ends
            try:
                server.wait(_READY_S)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait(folder: Path, server: subprocess.Popen[str], log: Path) -> None:
    turn = threading.Event()
    for _ in range(round(_READY_S / _TURN_S)):
        if folder.is_mount():
            return
        if server.poll() is not None:
            said = log.read_text().strip().rpartition("\n")[2]
            raise TearingError(f"cannot be mounted here: {said}")
        turn.wait(_TURN_S)
    raise TearingError("cannot be mounted here: waited in vain")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise TearingError("has no pipe")
    return pipe
