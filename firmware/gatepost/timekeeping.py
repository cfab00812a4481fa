"""How sure the station is of its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.model import Stamp

if TYPE_CHECKING:
    from gatepost.ports import Clock


def stamp(clock: Clock, boot_id: str, taken: float | None = None) -> Stamp:
    """The time of `taken` (seconds of boot time; default: now) on both clocks."""
    now = clock.boottime()
    boot_us = round((now if taken is None else taken) * 1_000_000)
    bound = clock.bound_us()
    return Stamp(
        boot_id=boot_id,
        boot_us=boot_us,
        wall_us=max(0, clock.wall_us() - (round(now * 1_000_000) - boot_us)),
        synchronised=bound is not None,
        bound_us=bound or 0,
    )
