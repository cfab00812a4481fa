"""What of a fleet's station obeys the centre: the real commands worker, in a thread of its own."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from gatepost.commands import WAITING, Commands
from gatepost.desired import Centre, Held
from gatepost.signing import load_certificates
from gatepost.spool import Carried
from gatepost.wire import COMMANDS

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from fleet_station import Where

    from gatepost.asked import Asked
    from gatepost.desired import Order
    from gatepost.model import Message, Record
    from gatepost.ports import Clock
    from gatepost.wire import Topics

CENTRE = "central"


class Obeying:
    """See the module. `of_uplink`: what the uplink needs for it."""

    def __init__(self, where: Where, folder: Path, topics: Topics, clock: Clock) -> None:
        received: queue.Queue[Message] = queue.Queue(WAITING)
        asked: queue.Queue[Asked] = queue.Queue(WAITING)
        self._orders: queue.Queue[Order] = queue.Queue(WAITING)
        self.topics = tuple(topics.command(name) for name in COMMANDS)
        self.of_uplink: dict[str, Any] = {
            "received": received,
            "asked": asked,
            "confirm": where.confirm,
            "carried": Carried(folder),
        }
        authorities = tuple(load_certificates(where.ca))
        self._commands = Commands(
            received=received,
            inbox=self._orders,
            held=Held(folder, Centre(authorities, CENTRE, topics.station, topics.site)),
            topics=topics,
            clock=clock,
            asked=asked,
            data=folder,
        )

    def run(self, stop: threading.Event) -> None:
        """Take the centre's word until told to stop."""
        worker = self._commands.run()
        while not stop.is_set():
            next(worker)
        worker.close()

    def records(self) -> list[Record]:
        """What is to be recorded of what was obeyed."""
        return [self._orders.get_nowait().audit for _ in range(self._orders.qsize())]
