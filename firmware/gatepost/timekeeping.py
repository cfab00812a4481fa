"""How sure the station is of its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.model import Stamp

if TYPE_CHECKING:
    from gatepost.ports import Clock

_MOST = 2**53 - 1  # no number of the wire contract is larger: the year 2255


def stamp(clock: Clock, boot_id: str, taken: float | None = None) -> Stamp:
    """The time of `taken` (seconds of boot time; default: now) on both clocks.

    A clock that is wild (a flat battery, an NTP server that lies) costs the truth of
    `wall_us`, never the event: every number fits the wire contract.
    """
    now = clock.boottime()
    boot_us = round((now if taken is None else taken) * 1_000_000)
    bound = clock.bound_us()
    return Stamp(
        boot_id=boot_id,
        boot_us=_fitting(boot_us),
        wall_us=_fitting(clock.wall_us() - (round(now * 1_000_000) - boot_us)),
        synchronised=bound is not None,
        bound_us=_fitting(bound or 0),
    )


def _fitting(microseconds: int) -> int:
    return min(max(microseconds, 0), _MOST)
