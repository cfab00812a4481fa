"""A station's messages, made by hand: what a follower is fed with in tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost import wire
from gatepost.canonical import canonical
from gatepost.model import (
    Direction,
    EpochRecord,
    Event,
    Kind,
    Message,
    Reason,
    Record,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)
from gatepost.signing import CHECKPOINT, Signer

if TYPE_CHECKING:
    from gatepost.demo.authority import AuthorityFiles

EPOCH = "0123456789abcdef" * 2
BOOT = "ab" * 16
NOW_US = 1_700_000_000_000_000


def visit(plain: str = '{"data":""}') -> ScanRecord:
    return ScanRecord(
        Direction.IN, "front", "qr", Kind.CCCD, Trust.UNSIGNED, Verdict.ACCEPTED,
        Reason.RECORDED, plain=plain,
    )  # fmt: skip


@dataclass
class Station:
    """It records and sends; `sent` has every event message of this epoch."""

    source: str = "st-1"
    site: str = "a-site"
    epoch: str = EPOCH
    boot: str = BOOT
    sent: list[Message] = field(default_factory=list)
    digest: str = wire.NO_HASH

    @property
    def topics(self) -> wire.Topics:
        return wire.Topics(self.site, self.source)

    def stamp(self) -> Stamp:
        number = len(self.sent)
        return Stamp(self.boot, number * 1_000_000, NOW_US + number * 1_000_000, True, 5)

    def record(self, record: Record) -> Message:
        event = Event(
            self.source,
            self.site,
            self.epoch,
            len(self.sent) + 1,
            self.digest,
            self.stamp(),
            record,
        )
        return self.keep(wire.encode_body(event))

    def keep(self, body: bytes) -> Message:
        self.digest = wire.body_hash(body)
        self.sent.append(wire.event_message(body))
        return self.sent[-1]

    def visitors(self, many: int) -> list[Message]:
        """The first event of the epoch where it is not there, then `many` visitors."""
        begun = [] if self.sent else [self.record(EpochRecord("first-start"))]
        return begun + [self.record(visit()) for _ in range(many)]

    def checkpoint(self, authority: AuthorityFiles) -> Message:
        head = (self.epoch, len(self.sent), self.digest)
        claims = wire.checkpoint_claims(self.source, self.site, head, self.stamp())
        signer = Signer(authority.station_certificate, authority.station_key)
        signed = signer.sign(claims, CHECKPOINT).encode()
        return Message(self.topics.checkpoint, signed, retain=True)


def altered(message: Message, **changes: str | int) -> Message:
    """An event message with another body, its envelope in step with it."""
    data = json.loads(message.payload)["data"] | changes
    return wire.event_message(canonical(data), topic=message.topic)


def elsewhere(message: Message, topic: str) -> Message:
    return Message(topic, message.payload)
