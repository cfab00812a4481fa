"""What the station says of itself: that it is there, and what it has recorded, signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.model import Message
from gatepost.signing import CHECKPOINT
from gatepost.timekeeping import stamp
from gatepost.wire import checkpoint_claims, state_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.ports import Clock
    from gatepost.signing import Signer
    from gatepost.spool import Spool
    from gatepost.wire import Topics

_EVERY_S = 60.0
_MOST_PAUSE_S = 960.0
_EVERY_EVENTS = 100
JOSE = "application/jose"  # RFC 7515, 9.2.1


@dataclass(slots=True)
class Telling:
    """Makes the state and the checkpoints.

    Attributes:
        versions: of the rules and of the trust list that are applied.
        newest: the newest sequence that is known; `due` goes by it.
        unconfirmed: how many events the broker has and the centre has not confirmed: what was
            lost on the way, or its receipt, is noticed by a checkpoint that is said again.
    """

    spool: Spool
    topics: Topics
    signer: Signer
    clock: Clock
    boot_id: str
    firmware: str
    versions: Callable[[], tuple[int, int]]
    newest: int = 0
    unconfirmed: int = 0
    _pause_s: float = _EVERY_S
    _were: int = 0
    _since_us: int = 0
    _said: tuple[int, int] = (0, 0)
    _at: float = 0.0
    _of: int = 0
    _wanted: bool = False

    def will(self) -> Message:
        """What the broker is to say when we vanish."""
        return self._state("lost", self.clock.wall_us())

    def begin(self) -> list[Message]:
        """A new session: everything that a newcomer must know is said again."""
        self._since_us = self.clock.wall_us()
        return [self._online(), self.checkpoint()]

    def due(self, now: float) -> list[Message]:
        """What is to be said at `now`, seconds of boot time."""
        told = []
        lag = self.newest - self._of
        waited = now - self._at >= _EVERY_S
        if self._wanted or lag >= _EVERY_EVENTS or (lag > 0 and waited) or self._again(now):
            told.append(self.checkpoint())
        if self.versions() != self._said:
            told.append(self._online())
        return told

    def _again(self, now: float) -> bool:
        """Whether to say the last one again, with growing pauses while nothing comes of it."""
        if self.unconfirmed != self._were:
            self._pause_s, self._were = _EVERY_S, self.unconfirmed
        if not self.unconfirmed or now - self._at < self._pause_s:
            return False
        self._pause_s = min(2 * self._pause_s, _MOST_PAUSE_S)
        return True

    def prove(self) -> None:
        """A checkpoint is wanted at once: by it the centre sees that it has everything."""
        self._wanted = True

    def farewell(self) -> list[Message]:
        """A clean stop: a last checkpoint, and "offline" instead of the will's "lost"."""
        return [self.checkpoint(), self._state("offline", self.clock.wall_us())]

    def checkpoint(self) -> Message:
        """What is recorded up to now, signed."""
        head = self.spool.head()
        claims = checkpoint_claims(
            self.spool.source,
            self.spool.site,
            (head.epoch, head.sequence, head.hash),
            stamp(self.clock, self.boot_id),
        )
        self._at, self._of, self._wanted = self.clock.boottime(), head.sequence, False
        self.newest = head.sequence
        signed = self.signer.sign(claims, CHECKPOINT).encode("ascii")
        return Message(self.topics.checkpoint, signed, retain=True, content_type=JOSE)

    def _online(self) -> Message:
        self._said = self.versions()
        return self._state("online", self._since_us)

    def _state(self, word: str, since_us: int) -> Message:
        rules, trust = self.versions()
        facts = {
            "boot_id": self.boot_id,
            "epoch": self.spool.epoch,
            "firmware": self.firmware,
            "since_us": since_us,
            "rules_version": rules,
            "trust_version": trust,
        }
        return state_message(self.topics, word, facts)
