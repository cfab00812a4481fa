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

from gatepost.model import Cue, CueKind
from gatepost.signalling.device import RETRY_S, Device, unheard
from gatepost.signalling.screens import Screens
from gatepost.signalling.timeline import HOLD_S, PENDING_AFTER_S, Timeline

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from gatepost.mailbox import Mailbox
    from gatepost.ports import Clock, Signal
    from gatepost.signalling.device import Told

__all__ = [
    "HOLD_S",
    "PENDING_AFTER_S",
    "RETRY_S",
    "Timeline",
    "showing",
    "signalling",
    "unheard",
]

_LOG = logging.getLogger(__name__)
_TURN_S = 0.25


def signalling(
    inbox: queue.Queue[Cue],
    immediate: Sequence[Signal],
    mailboxes: Sequence[Mailbox[Cue]],
    clock: Clock,
    wait_s: float = _TURN_S,
    told: Told = unheard,
) -> Generator[None, None, None]:
    """The worker. A signal that fails is logged and tried again; the others still show.

    Args:
        inbox: the cues; "ready", hints, and "trouble" without a reader say what rests.
        immediate: lamp, relay, buzzer, in the order in which they show. The lamp is the first.
        mailboxes: one for each slow signal.
        clock: boot time orders everything.
        wait_s: the longest time between two heartbeats, seconds.
        told: hears which signal fails (its class's name, small), and why; "": it works again.
    """
    line, screens = Timeline(), Screens(mailboxes)
    with ExitStack() as stack:
        devices = [stack.enter_context(Device(signal, clock, told)) for signal in immediate]
        _tell(line, line.resting, devices, screens, clock)
        while True:
            yield
            now = clock.boottime()
            posted = _next(inbox, min(wait_s, line.due_s(now), screens.due_s(now)))
            now = clock.boottime()
            if posted and posted.kind is CueKind.STATUS:
                screens.read(posted, now)
                posted = None
            cue = line.take(posted, now) if posted else None
            cue = cue or line.turn(now)
            if cue is not None:
                _tell(line, cue, devices, screens, clock)
            elif line.at_rest:  # never a verdict late: no door opens when nobody expects it
                for device in devices:
                    device.retry(line.resting)
            screens.turn(now)


def showing(
    mailbox: Mailbox[Cue],
    signal: Signal,
    clock: Clock,
    wait_s: float = _TURN_S,
    told: Told = unheard,
) -> Generator[None, None, None]:
    """The worker of one slow signal: shows the newest cue in its mailbox.

    The cue that stands is shown again every 5 s, so that a screen which went away is missed,
    and one which came back has its picture. Signals skip what they show already.
    """
    cue: Cue | None = None
    with Device(signal, clock, told) as device:
        while True:
            yield
            newer = mailbox.take(wait_s)
            if newer is not None:
                cue = newer
                device.show(cue)
            elif cue is not None:
                device.refresh(cue)


def _tell(
    line: Timeline, cue: Cue, devices: Sequence[Device], screens: Screens, clock: Clock
) -> None:
    """Show `cue` everywhere, the light first; only then log, out of the light's way."""
    lit = devices[0].show(cue) if devices else True
    lit_at = clock.boottime()
    for device in devices[1:]:
        device.show(cue)
    screens.put(cue, lit_at, rests=line.at_rest)
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
