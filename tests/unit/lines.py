"""An uplink over a real spool and a broker in memory, stepped by hand."""

from __future__ import annotations

import json
import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fakes import BOOT, FakeBroker, FakeClock
from gatepost.asked import Receipt, Resend
from gatepost.mailbox import Mailbox
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Carried, Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.uplink import Backoff, Uplink
from gatepost.wire import Ranges, Topics, parse_event

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from gatepost.asked import Asked
    from gatepost.model import Message
    from gatepost.signing import Signer

TOPICS = Topics("site-1", "gp-1")
RULES = TOPICS.desired[0]


@dataclass
class Line:
    """The worker, and all that surrounds it in our hands."""

    folder: Path
    signer: Signer
    window: int = 4
    deaf: bool = False
    confirm: Literal["broker", "central"] = "broker"
    pace: float = 500.0
    each_s: float = 0.0
    clock: FakeClock = field(default_factory=FakeClock)
    broker: FakeBroker = field(default_factory=FakeBroker)

    def __post_init__(self) -> None:
        self.path = prepare(
            self.folder, "gp-1", "site-1", stamp(self.clock, BOOT), allow_volatile=True
        )
        self.notices: Mailbox[Message] = Mailbox()
        self.received: queue.Queue[Message] = queue.Queue(4)
        self.asked: queue.Queue[Asked] = queue.Queue()
        self.versions = (0, 0)
        self.uplink = Uplink(
            spool_path=self.path,
            broker=self.broker,
            topics=TOPICS,
            signer=self.signer,
            clock=self.clock,
            boot_id=BOOT,
            firmware="0",
            notices=self.notices,
            received=None if self.deaf else self.received,
            asked=self.asked,
            versions=lambda: self.versions,
            confirm=self.confirm,
            carried=Carried(self.folder),
            replay_per_s=self.pace,
            window=self.window,
            backoff=Backoff(draw=lambda _low, high: high),
            pause=self.clock.pass_,
        )
        _OPEN.append(self)
        self.start()

    def start(self) -> Self:
        """The worker, anew."""
        self.worker = self.uplink.run()
        next(self.worker)
        return self

    def fill(self, count: int) -> None:
        """So many events more."""
        with Spool(self.path) as spool:
            spool._database.execute("PRAGMA synchronous = OFF")  # it is only to be there
            for number in range(count):
                record = FaultRecord("test", "failed", str(number))
                spool.append(Draft(record, stamp(self.clock, BOOT)))

    def turn(self, times: int = 1, each_s: float | None = None) -> None:
        """So many turns, `each_s` seconds after each (else as the line was made)."""
        for _ in range(times):
            next(self.worker)
            self.clock.pass_(self.each_s if each_s is None else each_s)

    def settle(self) -> None:
        """Let all that waits be sent, and the log of the broker begin anew."""
        self.turn(60)
        self.broker.arrived.clear()

    def sequences(self) -> list[int]:
        """Of the events, as they were sent the first time."""
        return _sequences([m for m in self.broker.arrived if "/event/" in m.topic])

    def replayed(self) -> list[int]:
        """Of the events that were sent again."""
        return _sequences([m for m in self.broker.on("/replay") if m.payload.startswith(b"{")])

    def resend(self, *ranges: tuple[int, int], name: str = "r-1", **of: str) -> None:
        """The centre asks for these again."""
        self.asked.put(Resend((self.of(*ranges, **of),), name))

    def receipt(self, *ranges: tuple[int, int], **of: str) -> None:
        """The centre keeps these."""
        self.asked.put(Receipt((self.of(*ranges, **of),)))

    def of(self, *ranges: tuple[int, int], source: str = "gp-1", epoch: str = "") -> Ranges:
        return Ranges(source, epoch or self.epoch, ranges)

    @property
    def epoch(self) -> str:
        with Spool(self.path) as spool:
            return spool.epoch

    def answers(self) -> list[tuple[str, str, str]]:
        """Id, outcome and detail of each."""
        told = [json.loads(m.payload) for m in self.broker.arrived if "/response/" in m.topic]
        return [(each["id"], each["outcome"], each["detail"]) for each in told]

    def heard(self) -> list[bytes]:
        return [self.received.get_nowait().payload for _ in range(self.received.qsize())]

    def states(self) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.broker.on("state")]

    def undelivered(self) -> list[tuple[int, int]]:
        with Spool(self.path) as spool:
            return spool.undelivered()

    def unsent(self) -> int:
        with Spool(self.path) as spool:
            return spool.unsent()


_OPEN: list[Line] = []


def close_all() -> None:
    """Nobody else may close a worker: its spool is of the thread that opened it."""
    while _OPEN:
        line = _OPEN.pop()
        line.broker.up &= line.broker.answers  # else its farewell waits, and no time passes
        line.worker.close()


def _sequences(messages: list[Message]) -> list[int]:
    return [parse_event(message.payload)[0].sequence for message in messages]
