"""Bodies that one station brought of another: held until something signed proves them.

Then they are events like any other. Held in the state, so that a million of them fit.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

from gatepost.central.findings import Finding, FindingKind
from gatepost.central.parsing import record_of
from gatepost.wire import Topics

if TYPE_CHECKING:
    from gatepost.central.follow import Follower
    from gatepost.central.rows import Stretch
    from gatepost.central.state import State


class Release:
    """See the module."""

    def __init__(self, state: State, follower: Follower) -> None:
        """Goes on where the process before was stopped. Raises StateError."""
        self._state = state
        self._follower = follower
        self._proved: deque[tuple[Stretch, str, int]] = deque()
        self._proved.extend((stretch, via, 0) for stretch, via in state.proved())

    def note(self, finding: Finding) -> None:
        """Hold what was brought; release what was adopted. Raises StateError."""
        if finding.kind is FindingKind.BROUGHT:
            place = (finding.source, finding.epoch, finding.sequence)
            self._state.hold(place, finding.via, finding.body)
        elif finding.kind is FindingKind.ADOPTED:
            stretch = (finding.source, finding.epoch, finding.sequence, finding.last)
            self._state.prove(stretch, finding.via)
            self._proved.append((stretch, finding.via, finding.received_us))

    def next(self, most: int) -> list[Finding]:
        """The next events that count now; they are held no longer once that is saved."""
        found: list[Finding] = []
        while self._proved and not found:
            (source, name, first, last), via, received_us = self._proved.popleft()
            if first > last:
                continue
            bodies = self._state.held((source, name, first, last), via, most)
            found = [each for body in bodies for each in self._event(body, via, received_us)]
            upto = last
            if len(bodies) == most:
                upto = max(each.sequence for each in found)
                self._proved.appendleft(((source, name, upto + 1, last), via, received_us))
            self._state.let_go((source, name, first, upto), via)
        return found

    def _event(self, body: bytes, via: str, received_us: int) -> list[Finding]:
        data = json.loads(body)
        event = record_of(data)
        finding = Finding(
            FindingKind.EVENT,
            Topics(data["site"], data["source"]).event(data["type"]),
            received_us,
            site=data["site"],
            source=data["source"],
            epoch=data["epoch"],
            sequence=data["sequence"],
            detail=f"brought by {via!r}, proved",
            event=event,
            body=body,
            via=via,
        )
        return [self._follower.timed(finding), *self._follower.counted(finding)]
