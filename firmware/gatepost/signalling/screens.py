"""What the slow signals show: the cues that stand, and over the resting one what somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.signalling.timeline import HOLD_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.mailbox import Mailbox
    from gatepost.model import Cue


class Screens:
    """The mailboxes of the slow signals.

    A status is for whoever pressed the button: only a screen can show it, and the lamp goes on
    with what rests. A visitor goes before: a status waits for the end of a verdict that stands,
    and is given up for the next one.
    """

    def __init__(self, mailboxes: Sequence[Mailbox[Cue]]) -> None:
        self._mailboxes = mailboxes
        self._below: Cue | None = None
        self._rests = True
        self._status: Cue | None = None
        self._until = 0.0  # of a status that is shown

    def put(self, cue: Cue, now: float, *, rests: bool) -> None:
        """Show `cue` of the timeline, at `now` seconds; `rests`: it is the resting one."""
        waited, self._rests, self._below = not self._rests, rests, cue
        if not rests:
            self._status = None
        if self._status is None:
            self._post(cue)
        elif waited:
            self.read(self._status, now)

    def read(self, status: Cue, now: float) -> None:
        """Show `status` for its time, or once the verdict is over that stands."""
        self._status = status
        if self._rests:
            self._until = now + HOLD_S[status.kind]
            self._post(status)

    def turn(self, now: float) -> None:
        """Show again what rests when the status has had its time."""
        if self._status is not None and self._rests and now >= self._until:
            self._status = None
            if self._below is not None:
                self._post(self._below)

    def due_s(self, now: float) -> float:
        """Seconds until `turn` has something to do; infinity without a status."""
        standing = self._status is not None and self._rests
        return max(0.0, self._until - now) if standing else float("inf")

    def _post(self, cue: Cue) -> None:
        for mailbox in self._mailboxes:
            mailbox.put(cue)
