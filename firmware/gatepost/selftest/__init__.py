"""A station looks at itself, beside one that runs: what is wrong, and what to do about it.

To add a part, write a `Check` and put it into `CHECKS`. What wants hands and eyes is in `devices`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gatepost.selftest.findings import Check, Finding
from gatepost.selftest.network import network
from gatepost.selftest.station import board, certificate, clock, flush, keys, place, spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatepost.config import Config

__all__ = ["CHECKS", "Check", "Finding", "network_report", "selftest"]

CHECKS: tuple[Check, ...] = (keys, certificate, board, place, flush, spool, clock, network)
_LIMIT_S = 25.0
_MOST_REPORT = 1000


def selftest(config: Config, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Every finding, as it is found. Raises nothing."""
    for check in checks:
        yield from check(config)


def network_report(config: Config) -> str:
    """The way to the broker in one line of at most 1,000 characters, after 25 s at the latest."""
    found: list[Finding] = []
    looking = threading.Thread(
        target=lambda: found.extend(network(config)), name="selftest", daemon=True
    )
    looking.start()
    looking.join(_LIMIT_S)
    told = [each.line() for each in list(found)]
    if looking.is_alive():
        told.append(f"not done within {_LIMIT_S:g} s")
    return "; ".join(told)[:_MOST_REPORT]
