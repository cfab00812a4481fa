"""A barcode reader for the demo: a terminal pair, of which the daemon has the other end."""

from __future__ import annotations

import os
import tty
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Gun:
    """A USB reader in serial mode: a pty under a name that lasts, as /dev/serial/by-id has."""

    def __init__(self, link: Path) -> None:
        self.link = link

    def __enter__(self) -> Self:
        self._near, far = os.openpty()
        tty.setraw(far)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(far))
        os.close(far)
        os.set_blocking(self._near, False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._near)
        self.link.unlink(missing_ok=True)

    def show(self, text: str) -> bool:
        """Read `text` and send it; False where nobody takes it: no daemon, or one that hangs."""
        data = text.encode() + b"\r"
        try:
            return os.write(self._near, data) == len(data)
        except OSError:  # EIO: nobody has it open; EAGAIN: it is full
            return False
