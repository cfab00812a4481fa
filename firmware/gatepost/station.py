"""A station: its workers, in the order in which they stop, under one supervisor."""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.supervisor import Supervisor, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from gatepost.supervisor import Watch

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Station:
    """The workers of a station.

    They stop in this order: nobody reads any more; what was read is decided and kept; the
    uplink says goodbye; the signals go dark last, so that the visitor sees it until the end.
    Without a spool deciding refuses everybody, and the uplink tells of the trouble alone.
    """

    reading: Sequence[Worker]
    deciding: Worker
    uplink: Worker
    health: Worker
    signalling: Sequence[Worker]

    def run(self, notify: Callable[[str], None], watch: Watch | None = None) -> str | None:
        """Run until SIGTERM or SIGINT; returns why it failed, or None. `watch` keeps the reason.

        A second signal changes nothing: stopping is already under way and bounded.
        """
        groups = [[*self.reading, self.health], [self.deciding], [self.uplink], self.signalling]
        supervisor = Supervisor(groups, notify, _DEADLINES_S, watch)
        received: list[int] = []

        def on_signal(number: int, _frame: FrameType | None) -> None:
            # Nothing with a lock here: the main thread may hold it at this very moment.
            received.append(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
        reason = supervisor.run(lambda: bool(received))
        name = signal.Signals(received[0]).name if received else "none"
        _LOG.info("stopped", extra={"fields": {"signal": name, "why": reason or "asked to"}})
        return reason


# Within the 5 s that are promised: the turn that notices, then each group's share.
_DEADLINES_S = (1.0, 2.2, 4.4, 4.6)
