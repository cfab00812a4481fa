"""The service's folder in RAM, kept while it restarts and gone with the boot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def runtime_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """Systemd's RuntimeDirectory= (systemd.exec(5)), the first of several; None without one.

    `environ`: None: the process's own.
    """
    told = os.environ if environ is None else environ
    folder = told.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(folder) if folder else None
