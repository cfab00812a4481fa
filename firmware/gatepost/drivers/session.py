"""What paho's callbacks tell of one session with a broker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatepost.drivers.telling import Trouble, refused
from gatepost.errors import Problem
from gatepost.model import Message
from gatepost.ports import Exchange

if TYPE_CHECKING:
    import paho.mqtt.client as mqtt

_UNSUPPORTED = {0x84, 0x01}  # "unsupported protocol version", MQTT 5 and 3.1.1
_FAILURE = 0x80  # reason codes from here on are refusals
_BRIEF_S = 20.0
_OFTEN, _WITHIN_S = 3, 60.0


@dataclass(slots=True)
class Session:
    """One session.

    Attributes:
        answer, answer_text: of CONNACK.
        ended: why it is over, None while it is not; `silent`: for want of an answer.
        gone: the connection is closed, by whomever.
        tokens: of what was published, by message id.
        wanted: the topics that are listened to; `not_granted`: why one of them is not.
    """

    answer: int | None = None
    answer_text: str = ""
    ended: Trouble | None = None
    silent: bool = False
    gone: bool = False
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


@dataclass(slots=True)
class Brevity:
    """Sessions that end soon after they began, while nobody says why.

    Two stations with one id throw each other out, again and again. MQTT 5 has a word for it
    (0x8E), 3.1.1 has none: there it is guessed.
    """

    ends: deque[float] = field(default_factory=lambda: deque(maxlen=_OFTEN))

    def suspect(self, trouble: Trouble, lasted_s: float, now: float, client_id: str) -> Trouble:
        """What is to be told of a session that ended at `now` (seconds), by `trouble`."""
        if trouble.problem is not Problem.CLOSED or lasted_s > _BRIEF_S:
            return trouble
        self.ends.append(now)
        if len(self.ends) < _OFTEN or now - self.ends[0] > _WITHIN_S:
            return trouble
        text = (
            f"{trouble.text}, soon after it began, {_OFTEN} times within a minute: perhaps two "
            f"stations use the id {client_id}, or the broker closes at what we publish"
        )
        return Trouble(Problem.PERHAPS_TAKEN_OVER, text)


def listen(client: mqtt.Client, session: Session, client_id: str) -> None:
    """Have paho's callbacks write into `session`."""

    def on_connect(_c: Any, _u: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        session.answer, session.answer_text = reason.value, str(reason)

    def on_disconnect(_c: Any, _u: Any, flags: Any, reason: Any, _properties: Any) -> None:
        session.gone = True
        if flags.is_disconnect_packet_from_server:  # else paho's own guess, and it has no reason
            session.ended = session.ended or refused(reason.value, str(reason), client_id)

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


def verdict(session: Session, version: str, client_id: str, *, tls: bool) -> Trouble | None:
    """Why there is no session: by CONNACK's word, or for want of it. None: there is one."""
    if session.answer == 0:
        return None
    if session.answer in _UNSUPPORTED:
        return Trouble(Problem.PROTOCOL, f"refuses MQTT {version}")
    if session.answer is not None:
        why = refused(session.answer, session.answer_text, client_id)
        return Trouble(why.problem, f"the broker refuses station {client_id}: {why.text}")
    if session.ended is None or session.ended.problem is Problem.CLOSED:
        hint = "; perhaps it does not accept our certificate" if tls else ""
        return Trouble(Problem.CLOSED, f"closed in answer to CONNECT with MQTT {version}{hint}")
    return session.ended
