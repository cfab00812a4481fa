"""What of a fleet's station obeys the centre: the real commands worker, stepped by hand."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from gatepost.commands import WAITING, Commands
from gatepost.desired import Centre, Held
from gatepost.signing import load_certificates
from gatepost.spool import Carried
from gatepost.wire import COMMANDS

if TYPE_CHECKING:
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
        self._received = received
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
        commands = Commands(
            received=received,
            inbox=self._orders,
            held=Held(folder, Centre(authorities, CENTRE, topics.station, topics.site)),
            topics=topics,
            clock=clock,
            asked=asked,
            data=folder,
        )
        self._worker = commands.run()
        next(self._worker)

    def take(self) -> None:
        """Take the centre's word, where there is any: the worker would wait for it."""
        while not self._received.empty():
            next(self._worker)  # it takes a message
            next(self._worker)  # it hands on what came of it

    def records(self) -> list[Record]:
        """What is to be recorded of what was obeyed."""
        return [self._orders.get_nowait().audit for _ in range(self._orders.qsize())]
