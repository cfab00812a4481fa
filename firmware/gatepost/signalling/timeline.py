"""Which cue stands when."""

from __future__ import annotations

from gatepost.model import Cue, CueKind

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
    CueKind.STATUS: 10.0,  # somebody pressed the button, and reads it; a visitor goes before
    CueKind.PENDING: 30.0,  # ends with its verdict; a bound in case none comes
}


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
