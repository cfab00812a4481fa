"""Where the demo's faults are staged: the real daemon, a broker, a line, a card, a centre."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from gatepost.demo.daemon import Daemon, daemon
from gatepost.errors import GatepostError
from gatepost.spool import FILE, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatepost.demo.broker import RunningBroker
    from gatepost.demo.centre import Centre
    from gatepost.demo.gun import Gun
    from gatepost.demo.line import Line
    from gatepost.demo.tearing import Tearing
    from gatepost.demo.visitors import Visitor

CARD = "card"
_ANSWER_S, _READY_S, _DELIVERY_S = 20.0, 30.0, 60.0
_TURN_S = 0.02
_REFUSED = frozenset({"trouble", "again", ""})  # who sees these has not been recorded


@dataclass(slots=True)
class Came:
    """What became of one visitor.

    Attributes:
        answers: what the light said each time they came: a cue, or "" for nothing at all.
        waited: how often they saw "one moment".
    """

    visitor: Visitor
    answers: list[str] = field(default_factory=list)
    waited: int = 0

    @property
    def green(self) -> bool:
        """Whether they were told that they are recorded, in whatever colour."""
        return bool(self.answers) and self.answers[-1] not in _REFUSED


@dataclass(slots=True)
class Stage:
    """See the module; `tell` gets what happens, in words, and may raise to end it."""

    folder: Path
    config: Path
    gun: Gun
    broker: RunningBroker
    line: Line
    centre: Centre
    tell: Callable[[str], None]
    tearing: Tearing | None = None
    came: dict[str, Came] = field(default_factory=dict)
    runs: int = 0
    _card: str = CARD
    _daemon: Daemon | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    def say(self, text: str) -> None:
        """Tell what happens."""
        self.tell(f"-- {text}")

    # --- the station

    @property
    def daemon(self) -> Daemon:
        """The one that runs. Raises GatepostError where none does."""
        if self._daemon is None:
            raise GatepostError("the station does not run")
        return self._daemon

    def start(self) -> None:
        """Start the daemon and wait until it reads."""
        self.runs += 1
        log = self.folder / f"station-{self.runs}.log"
        self._daemon = self._running.enter_context(daemon(self.config, log, None))
        self._until(lambda: bool(self.daemon.said("reader there")), _READY_S, "it reads")

    def stop(self) -> bool:
        """Stop it; whether it ended cleanly."""
        station, self._daemon = self.daemon, None
        clean = station.stop() == 0
        self._running.close()
        return clean

    def kill(self) -> None:
        """As a cut of power ends it."""
        station, self._daemon = self.daemon, None
        station.process.kill()
        station.process.wait()
        self._running.close()

    def pull_the_plug(self) -> None:
        """The card loses its power, then the daemon; what is left is torn."""
        card = self.card()
        cut = card.cut(self._card)
        self.kill()
        after = f"{self._card}+"
        left, _ = card.tear(self._card, after, str(self.runs))
        link = self.folder / "data"
        link.unlink()
        link.symlink_to(left)
        self.say(f"what was not flushed: {cut.unflushed} sectors of 512 bytes; any part is gone")
        self._card = after

    def card(self) -> Tearing:
        """The file system under the spool. Raises GatepostError where there is none of ours."""
        if self.tearing is None:
            raise GatepostError("this fault needs a card of our own")
        return self.tearing

    # --- the visitors

    def come(self, visitors: Sequence[Visitor]) -> list[Visitor]:
        """One after the other; who was not recorded is given back."""
        return [each for each in visitors if not self._visit(each)]

    def _visit(self, visitor: Visitor) -> bool:
        came = self.came.setdefault(visitor.text, Came(visitor))
        known = len(self.daemon.said("lit"))
        if not self.gun.show(visitor.text):
            raise GatepostError("the station does not take what its reader sends")
        answer = ""
        until = time.monotonic() + _ANSWER_S
        while not answer and time.monotonic() < until:
            self._turn()
            for line in self.daemon.said("lit")[known:]:
                known += 1
                if line["cue"] == "pending":
                    came.waited += 1
                else:
                    answer = str(line["cue"])
        came.answers.append(answer)
        waited = " after 'one moment'" if came.waited else ""
        self.tell(f"   {visitor.name:<22} {answer or 'no answer'}{waited}")
        return came.green

    # --- waiting

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._turn()

    def until_sent(self) -> None:
        """Until the broker has acknowledged all that the card holds."""

        def sent() -> bool:
            with Spool(self.folder / "data" / FILE) as spool:
                return spool.unsent() == 0

        self._until(sent, _DELIVERY_S, "the broker has acknowledged everything")

    def until_delivered(self) -> None:
        """Until the centre has everybody who was recorded."""
        self._until(self._delivered, _DELIVERY_S, "the centre has everybody")

    def _delivered(self) -> bool:
        there = {each.text for each in self.centre.arrivals()}
        return there >= {text for text, came in self.came.items() if came.green}

    def until_proved(self, source: str) -> bool:
        """Until a checkpoint proves that the centre has everything; False: it does not come."""
        try:
            self._until(lambda: self.centre.proved(source), _DELIVERY_S, "")
        except GatepostError:
            return False
        return True

    def until_noticed(self) -> None:
        """Until the station knows that its session is over."""
        lost = len(self.daemon.said("broker lost"))
        self._until(lambda: len(self.daemon.said("broker lost")) > lost, _READY_S, "it is noticed")

    def _until(self, true: Callable[[], bool], limit_s: float, what: str) -> None:
        until = time.monotonic() + limit_s
        while not true():
            self._turn()
            if time.monotonic() > until:
                raise GatepostError(f"waited {limit_s:g} s in vain until {what}")

    def _turn(self) -> None:
        self.tell("")
        if self._daemon is not None:
            self._daemon.check()
        threading.Event().wait(_TURN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.__exit__(*sys.exc_info())
