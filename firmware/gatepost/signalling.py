"""Workers: cue -> lamp first, then relay, buzzer; and, each on its own thread, OLED and panel.

`signalling` decides which cue stands when and shows it on the signals that are quick. It puts
the same cues into a mailbox for each slow signal, which a `showing` worker of its own empties:
the newest wins, and a slow bus never delays the light.
"""

from __future__ import annotations

import logging
import queue
from contextlib import ExitStack
from typing import TYPE_CHECKING

from gatepost.errors import DeviceError
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import TracebackType
    from typing import Self

    from gatepost.mailbox import Mailbox
    from gatepost.ports import Clock, Signal

_LOG = logging.getLogger(__name__)
_TURN_S = 0.25
RETRY_S = 5.0
PENDING_AFTER_S = 0.4
HOLD_S = {
    CueKind.ACCEPTED: 2.0,
    CueKind.REPEATED: 2.0,
    CueKind.AGAIN: 2.0,
    CueKind.REFUSED: 3.0,
    CueKind.NOT_UNDERSTOOD: 3.0,
    CueKind.POSTER: 3.0,
    CueKind.TROUBLE: 3.0,  # as a visitor's answer: it names the reader
    CueKind.IDENTIFY: 30.0,  # somebody looks for the station; a visitor goes before
    CueKind.PENDING: 30.0,  # ends with its verdict; a bound in case none comes
}


def signalling(
    inbox: queue.Queue[Cue],
    immediate: Sequence[Signal],
    mailboxes: Sequence[Mailbox[Cue]],
    clock: Clock,
    wait_s: float = _TURN_S,
) -> Generator[None, None, None]:
    """The worker. A signal that fails is logged and tried again; the others still show.

    Args:
        inbox: the cues; "ready", hints, and "trouble" without a reader say what rests.
        immediate: lamp, relay, buzzer, in the order in which they show. The lamp is the first.
        mailboxes: one for each slow signal.
        clock: boot time orders everything.
        wait_s: the longest time between two heartbeats, seconds.
    """
    line = Timeline()
    with ExitStack() as stack:
        devices = [stack.enter_context(_Device(signal, clock)) for signal in immediate]
        _tell(line.resting, devices, mailboxes, clock)
        while True:
            yield
            posted = _next(inbox, min(wait_s, line.due_s(clock.boottime())))
            now = clock.boottime()
            cue = line.take(posted, now) if posted else None
            cue = cue or line.turn(now)
            if cue is not None:
                _tell(cue, devices, mailboxes, clock)
            elif line.at_rest:  # never a verdict late: no door opens when nobody expects it
                for device in devices:
                    device.retry(line.resting)


def showing(
    mailbox: Mailbox[Cue], signal: Signal, clock: Clock, wait_s: float = _TURN_S
) -> Generator[None, None, None]:
    """The worker of one slow signal: shows the newest cue in its mailbox.

    The cue that stands is shown again every 5 s, so that a screen which went away is missed,
    and one which came back has its picture. Signals skip what they show already.
    """
    cue: Cue | None = None
    with _Device(signal, clock) as device:
        while True:
            yield
            newer = mailbox.take(wait_s)
            if newer is not None:
                cue = newer
                device.show(cue)
            elif cue is not None:
                device.refresh(cue)


class Timeline:
    """Which cue stands when. No device and no clock of its own: it is told the time (seconds).

    A verdict stands for its hold time, then the resting cue again: ready, or trouble until
    "ready" is posted. "One moment" comes only when no verdict of its reader did in 400 ms. A
    hint stands in the place of ready until its reader takes it back or has a code; of two
    readers' hints the earlier.
    """

    def __init__(self) -> None:
        self._rests = Cue(CueKind.READY)
        self._hints: dict[str, Cue] = {}
        self._until: float | None = None
        self._pending: dict[str, tuple[float, Cue]] = {}

    @property
    def resting(self) -> Cue:
        """What stands while no verdict does."""
        if self._rests.kind is CueKind.READY:
            return next(iter(self._hints.values()), self._rests)
        return self._rests

    @property
    def at_rest(self) -> bool:
        """Whether the resting cue is the one that stands."""
        return self._until is None

    def take(self, cue: Cue, now: float) -> Cue | None:
        """What to show now that `cue` was posted; None: nothing else than before."""
        if cue.kind in {CueKind.READY, CueKind.HINT} or (
            cue.kind is CueKind.TROUBLE and not cue.reader
        ):
            return self._rest(cue)
        self._hints.pop(cue.reader, None)  # it has a code: the hint is answered by its verdict
        if cue.kind is CueKind.PENDING:
            self._pending[cue.reader] = (now + PENDING_AFTER_S, cue)
            return None
        if cue.kind is not CueKind.AGAIN:  # it answers another scan than the pending one
            self._pending.pop(cue.reader, None)
        self._until = now + HOLD_S[cue.kind]
        return cue

    def _rest(self, cue: Cue) -> Cue | None:
        """Take a resting cue; what to show where that changes what rests, and it is at rest."""
        before = self.resting
        if cue.kind is not CueKind.HINT:
            self._rests = cue
        elif cue.hint is not None:
            self._hints[cue.reader] = cue
        else:
            self._hints.pop(cue.reader, None)
        return self.resting if self.at_rest and self.resting != before else None

    def turn(self, now: float) -> Cue | None:
        """What to show because its time came; None: nothing else than before."""
        for reader, (due, cue) in self._pending.items():
            if now >= due:
                del self._pending[reader]
                self._until = now + HOLD_S[CueKind.PENDING]
                return cue
        if self._until is not None and now >= self._until:
            self._until = None
            return self.resting
        return None

    def due_s(self, now: float) -> float:
        """Seconds until `turn` has something to say; infinity at rest."""
        times = [due for due, _ in self._pending.values()]
        if self._until is not None:
            times.append(self._until)
        return max(0.0, min(times) - now) if times else float("inf")


class _Device:
    """A signal that may be missing or fail: opened when it can be, its failures logged once."""

    def __init__(self, signal: Signal, clock: Clock) -> None:
        self._signal = signal
        self._clock = clock
        self._opened = ExitStack()
        self._open = False
        self._failure = ""
        self._tried = -RETRY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._opened.close()
        except DeviceError as failure:
            self._failed(failure)

    def show(self, cue: Cue) -> bool:
        """Show `cue`; False when the signal cannot. One that is not open waits for its time."""
        if not self._open and not self._may_retry():
            return False
        self._tried = self._clock.boottime()
        try:
            if not self._open:
                self._opened.enter_context(self._signal)
                self._open = True
            self._signal.show(cue)
        except DeviceError as failure:
            self._failed(failure)
            return False
        self._works()
        return True

    def retry(self, cue: Cue) -> None:
        """Show `cue` to a signal that failed the last time, every 5 s."""
        if self._failure:
            self.refresh(cue)

    def refresh(self, cue: Cue) -> None:
        """Show `cue` when the last time was 5 s ago."""
        if self._may_retry():
            self.show(cue)

    def _may_retry(self) -> bool:
        return self._clock.boottime() - self._tried >= RETRY_S

    def _failed(self, failure: DeviceError) -> None:
        if str(failure) != self._failure:
            self._failure = str(failure)
            self._log(logging.WARNING, "signal failed", why=self._failure)

    def _works(self) -> None:
        if self._failure:
            self._failure = ""
            self._log(logging.INFO, "signal recovered")

    def _log(self, level: int, message: str, **fields: str) -> None:
        name = type(self._signal).__name__.lower()
        _LOG.log(level, message, extra={"fields": {"signal": name, **fields}})


def _tell(
    cue: Cue, devices: Sequence[_Device], mailboxes: Sequence[Mailbox[Cue]], clock: Clock
) -> None:
    """Show `cue` everywhere, the light first; only then log, out of the light's way."""
    lit = devices[0].show(cue) if devices else True
    lit_at = clock.boottime()
    for device in devices[1:]:
        device.show(cue)
    for mailbox in mailboxes:
        mailbox.put(cue)
    if lit and cue.taken > 0:
        after_ms = round((lit_at - cue.taken) * 1000, 1)
        fields = {
            "cue": cue.kind.value,
            "reader": cue.reader,
            "taken_s": round(cue.taken, 6),
            "after_ms": after_ms,
        }
        _LOG.info("lit", extra={"fields": fields})


def _next(inbox: queue.Queue[Cue], wait_s: float) -> Cue | None:
    try:
        return inbox.get(timeout=wait_s)
    except queue.Empty:
        return None
