"""A small station at a real broker: sends what it is given, takes commands, sends again.

It stands in for the firmware where only the centre is meant. What it keeps, it keeps in RAM.
"""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.sending import Station, elsewhere
from gatepost import wire
from gatepost.canonical import canonical
from gatepost.model import Message, Stamp
from gatepost.ranges import RangeSet
from gatepost.signing import load_certificates, verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.demo.authority import AuthorityFiles

_STAMP = Stamp("ab" * 16, 1, 1, True, 5)


class StandIn:
    """A station at `port`; `held`: which of its events it still has (None: all)."""

    def __init__(
        self, station: Station, authority: AuthorityFiles, held: set[int] | None = None
    ) -> None:
        self.station, self._authority, self._held = station, authority, held
        self.commands: list[wire.Command] = []
        self.receipted = RangeSet()
        self._changed = threading.Condition()
        self._client: mqtt.Client | None = None

    def connect(self, port: int, files: AuthorityFiles | None = None) -> Self:
        """Be online, from now on; with TLS when given files."""
        ready = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if files is not None:
            tls = ssl.create_default_context(cafile=str(files.ca))
            tls.load_cert_chain(files.station_certificate, files.station_key)
            client.tls_set_context(tls)
        client.on_message = self._take
        client.on_subscribe = lambda *_: ready.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe(self.station.topics.command("+"), 1)
        assert ready.wait(10)
        self._client = client
        self.send([self.state("online")])
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Be gone."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
        self._client = None

    def state(self, word: str) -> Message:
        facts: dict[str, str | int] = {
            "boot_id": "ab" * 16,
            "epoch": self.station.epoch,
            "firmware": "0",
            "since_us": 1,
        }
        return wire.state_message(self.station.topics, word, facts)

    def send(self, messages: Iterable[Message], *, wait: bool = True) -> None:
        """Publish, and wait until the broker acknowledged all of it."""
        assert self._client is not None
        told = [self._client.publish(each.topic, each.payload, 1, each.retain) for each in messages]
        for each in told if wait else ():
            each.wait_for_publish(20)
            assert each.is_published()

    def _take(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        authorities = load_certificates(self._authority.ca)
        signed = verify(message.payload.decode(), wire.COMMAND, authorities, datetime.now(UTC))
        assert signed.signer == "central"
        command = wire.parse_command(signed.payload)
        assert command.audience == (self.station.source,)
        if command.name == "resend":
            self._send_again(command)
        elif command.name != "receipt":
            self._answer(command, "done", "as asked")
        with self._changed:
            self.commands.append(command)
            for each in command.of if command.name == "receipt" else ():
                for pair in each.ranges:
                    self.receipted.add(*pair)
            self._changed.notify_all()

    def _send_again(self, command: wire.Command) -> None:
        lacking = RangeSet()
        for each in command.of:
            for first, last in each.ranges:
                for sequence in range(first, last + 1):
                    if self._held is not None and sequence not in self._held:
                        lacking.add(sequence)
                        continue
                    replay = elsewhere(self.station.sent[sequence - 1], self.station.topics.replay)
                    self.send([replay], wait=False)
        told = ",".join(f"{first}-{last}" for first, last in lacking)
        detail = f"not held: {self.station.epoch}:{told}" if told else ""
        self._answer(command, "done", detail)

    def _answer(self, command: wire.Command, outcome: str, detail: str) -> None:
        response = wire.Response(command.name, command.id, outcome, detail)
        self.send([wire.response_message(self.station.topics, response, _STAMP)], wait=False)

    def until(self, true: Any, limit_s: float = 25) -> None:
        """Wait until `true` of this stand-in."""
        with self._changed:
            heard = self._changed.wait_for(lambda: true(self), limit_s)
            assert heard, [(each.name, each.of) for each in self.commands]


def body_of(message: Message) -> bytes:
    """The body of an event message, as it was hashed."""
    return canonical(json.loads(message.payload)["data"])
