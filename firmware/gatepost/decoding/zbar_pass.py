"""zbar, kept at arm's length: in a process of its own, with a time limit."""

from __future__ import annotations

import json
import os
import selectors
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.decoding.limits import NEVER, Limit
from gatepost.decoding.looks import Look
from gatepost.decoding.texts import repaired, text_of
from gatepost.model import Symbol

if TYPE_CHECKING:
    from gatepost.decoding.planes import Plane
    from gatepost.model import Corners

_CHILD = Path(__file__).with_name("zbar_child.py")
_START_S = 10.0  # for the process to begin: a slow card, a busy machine
_REST_S = 30.0  # after it was killed: a picture that harms it is likely to come again
_PIECE = 1 << 16
_ENDED = "zbar's process ended"
_NOWHERE: Corners = ((0, 0), (0, 0), (0, 0), (0, 0))


class ZbarPass:
    """zbar: QR only, by another algorithm than zxing-cpp's.

    It runs in a process that is begun when it is first needed and killed when it does not answer
    within `limit_s` seconds; then the pass sees nothing for half a minute. For one thread.

    Args:
        limit_s: seconds for a picture.
        limit: where it says until when, that holds, too; and nobody waits until the process has
            begun (0.1 s on a fast machine): the pass sees nothing before.
    """

    name = "zbar"
    ns_per_pixel = 60.0

    def __init__(self, limit_s: float = 1.0, limit: Limit | None = None) -> None:
        self._limit_s = limit_s
        self._limit = limit or Limit()
        self._answers = False
        self._child: subprocess.Popen[bytes] | None = None
        self._rests_until = float("-inf")
        self._starts_until = float("-inf")

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):  # what could not be written to it
                    stream.close()

    def look(self, plane: Plane) -> Look:
        """Read what zbar reads; it does not tell of codes that it cannot read.

        Raises TimeoutError when it took too long, OSError when its process ended.
        """
        if time.monotonic() < self._rests_until:
            return Look()
        try:
            answer = self._asked(plane)
        except OSError:
            self.close()
            self._rests_until = time.monotonic() + _REST_S
            raise
        return Look(tuple(self._symbol(bytes.fromhex(data), at) for data, at in answer))

    def _asked(self, plane: Plane) -> list[tuple[str, list[list[int]]]]:
        child = self._child or self._begun()
        if not self._answers:
            self._answers = _ready(child, _START_S if self._limit.until == NEVER else 0.0)
        if not self._answers:
            if time.monotonic() < self._starts_until:
                return []
            raise TimeoutError("zbar did not begin in time, and was stopped")
        height, width = plane.shape
        question = memoryview(struct.pack("<II", height, width) + plane.tobytes())
        until = time.monotonic() + min(self._limit_s, self._limit.left_s())
        answer = _exchanged(child, question, until)
        told: list[tuple[str, list[list[int]]]] = json.loads(answer)
        return told

    def _begun(self) -> subprocess.Popen[bytes]:
        self._answers = False
        self._starts_until = time.monotonic() + _START_S
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in a terminal is for the station to handle
        )
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        return self._child

    def _symbol(self, recoded: bytes, position: list[list[int]]) -> Symbol:
        data = repaired(recoded)
        return Symbol(
            data=data,
            text=text_of(data, ""),
            symbology="qr",
            corners=_corners(position),
            pass_name=self.name,
        )


def _ready(child: Any, wait_s: float) -> bool:
    """Whether `child` says within `wait_s` that it has begun. Raises OSError when it ended."""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(wait_s):
            return False
    if os.read(child.stdout.fileno(), 1):
        return True
    raise OSError(_ENDED)


def _exchanged(child: Any, question: memoryview, until: float) -> bytes:
    """The line that `child` answers. Raises TimeoutError after `until`, OSError when it ended."""
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdin, selectors.EVENT_WRITE)
        selector.register(child.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("zbar did not answer in time, and was stopped")
            for key, _ in ready:
                if key.fileobj is child.stdin:
                    question = question[os.write(key.fd, question[:_PIECE]) :]
                    if not question:
                        selector.unregister(child.stdin)
                else:
                    piece = os.read(key.fd, _PIECE)
                    if not piece:
                        raise OSError(_ENDED)
                    answer += piece
    return answer


def _corners(points: list[list[int]]) -> Corners:
    """Zbar goes the other way round: top left, bottom left, bottom right, top right."""
    if len(points) != 4:
        return _NOWHERE
    top_left, bottom_left, bottom_right, top_right = ((int(x), int(y)) for x, y in points)
    return top_left, top_right, bottom_right, bottom_left
