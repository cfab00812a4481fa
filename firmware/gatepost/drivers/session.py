"""What paho's callbacks tell of one session with a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatepost.model import Message
from gatepost.ports import Exchange

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt

_FAILURE = 0x80  # reason codes from here on are refusals


@dataclass(slots=True)
class Session:
    """One session.

    Attributes:
        answer, answer_text: of CONNACK.
        ended: why it is over, "" while it is not; `silent`: for want of an answer.
        tokens: of what was published, by message id.
        wanted: the topics that are listened to; `not_granted`: why one of them is not.
    """

    answer: int | None = None
    answer_text: str = ""
    ended: str = ""
    silent: bool = False
    tokens: dict[int, int] = field(default_factory=dict)
    acknowledged: list[int] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    wanted: frozenset[str] = frozenset()
    not_granted: str = ""
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def something(self) -> bool:
        """Whether there is anything to tell of a session that goes on."""
        return bool(self.acknowledged or self.received or self.refused)


def listen(client: mqtt.Client, session: Session) -> None:
    """Have paho's callbacks write into `session`."""

    def on_connect(_c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        session.answer, session.answer_text = reason.value, str(reason)

    def on_disconnect(_c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        session.ended = session.ended or str(reason)

    def on_publish(_c: Any, _u: Any, mid: int, reason: Any, _properties: Any) -> None:
        token = session.tokens.pop(mid, None)
        if reason.value >= _FAILURE:
            session.refused.append((token or 0, str(reason)))
        elif token:
            session.acknowledged.append(token)

    def on_subscribe(_c: Any, _u: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        session.not_granted = next((str(each) for each in reasons if each.value >= _FAILURE), "")

    def on_message(_c: Any, _u: Any, got: mqtt.MQTTMessage) -> None:
        if got.topic in session.wanted:
            session.received.append(Message(got.topic, bytes(got.payload), retain=got.retain))

    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.on_publish = on_publish
    client.on_message = on_message
    client.on_subscribe = on_subscribe


def taken(session: Session) -> Exchange:
    """What there is to tell of it, once."""
    exchange = Exchange(
        tuple(session.acknowledged), tuple(session.received), tuple(session.refused)
    )
    session.acknowledged.clear()
    session.received.clear()
    session.refused.clear()
    return exchange
