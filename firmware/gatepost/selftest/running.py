"""The devices of a station that runs: it holds them, so it is asked how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.errors import DeviceError
from gatepost.selftest.findings import Finding
from gatepost.status import ask_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.config import Config

_ADVICE = "`gatepost status` says more; the log says why"


def running(config: Config) -> Iterator[Finding]:
    """What the running station finds wrong with its devices. Raises nothing."""
    try:
        told = ask_status(config)
    except DeviceError as error:
        yield Finding(
            "devices", ok=True, told=f"held by the station, not told: {error}", skipped=True
        )
        return
    wrong = {**(told.get("notes") or {}), **(told.get("conditions") or {})}
    for part, text in wrong.items():
        yield Finding(str(part), ok=False, told=str(text), advice=_ADVICE)
    if not wrong:
        yield Finding("devices", ok=True, told="the running station finds nothing wrong with them")
