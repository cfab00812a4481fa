"""Whether a command is one that this station obeys: whose word it is, for whom, and until when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gatepost.desired import Refused
from gatepost.errors import ContractError
from gatepost.signing import verify
from gatepost.wire import COMMAND, parse_command

if TYPE_CHECKING:
    from gatepost.desired import Centre, When
    from gatepost.signing import Signed
    from gatepost.wire import Command

_MOST_TOKEN = 64 * 1024
_MOST_LIFE = timedelta(days=7)
_EARLY = timedelta(days=1)
_EVERYBODY = "*"


class NotTaken(Refused):
    """A command that is not obeyed, and why.

    Attributes:
        command: what it was, where it is the centre's own word: then it is answered. Nobody
            else can make us talk.
    """

    def __init__(self, why: str, signer: str = "unknown", command: Command | None = None) -> None:
        super().__init__(why, signer)
        self.command = command


@dataclass(frozen=True, slots=True)
class Checked:
    """A command that is to be obeyed. `mark`: tells it from others with the same id."""

    command: Command
    signer: str
    mark: str


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks what comes on `command/{name}`.

    Attributes:
        confirmer: the common name in the certificate of whoever signs receipts.
        root: what all topics of the station begin with.
    """

    centre: Centre
    confirmer: str
    root: str

    def check(self, token: bytes, name: str, when: When) -> Checked:
        """The command `name` in `token`, at `when`. Raises NotTaken, whatever it is given."""
        signed = self._signed(token, name, when)
        try:
            command = parse_command(signed.payload)
        except ContractError as error:
            raise NotTaken(str(error), signed.signer) from error
        why = self._objection(command, name, when)
        if why:
            raise NotTaken(why, signed.signer, command)
        mark = hashlib.sha256(command.claims()).hexdigest()
        return Checked(command, signed.signer, mark)

    def answer_topic(self, command: Command) -> str:
        """Where the answer goes: "" for the station's own topic for it."""
        return command.response_topic if self._inside(command.response_topic) else ""

    def _signed(self, token: bytes, name: str, when: When) -> Signed:
        """Whose word it is. A station's certificate is of the same authority: never its own."""
        if len(token) > _MOST_TOKEN:
            raise NotTaken(f"{len(token)} bytes, at most {_MOST_TOKEN}")
        try:
            text = token.decode("ascii")
            signed = verify(text, COMMAND, self.centre.authorities, when.at, behind=when.behind)
        except UnicodeDecodeError as error:
            raise NotTaken("not a JWS: not ASCII") from error
        except ContractError as error:
            raise NotTaken(str(error)) from error
        wanted = self.confirmer if name == "receipt" else self.centre.signer
        if signed.signer == self.centre.station:
            raise NotTaken("signed by this station itself", signed.signer)
        if signed.signer != wanted:
            raise NotTaken(f"signed by {signed.signer!a}, not by {wanted!a}", signed.signer)
        return signed

    def _objection(self, command: Command, name: str, when: When) -> str:
        """Why it is not obeyed, or "".

        While the time is unknown `when` is what is surely past: only what ended before counts.
        """
        centre, life = self.centre, command.expires - command.issued
        meant = {centre.station, centre.site, _EVERYBODY} & set(command.audience)
        early = not when.behind and command.issued > when.at + _EARLY
        astray = command.response_topic and not self._inside(command.response_topic)
        objections = {
            f"is a {command.name}, on the topic of {name}": command.name != name,
            f"its audience has neither {centre.station} nor {centre.site}": not meant,
            f"valid for more than {_MOST_LIFE.days} days": life > _MOST_LIFE,
            "issued in the future": early,
            "expired": command.expires <= when.at,
            f"response_topic: is not below {self.root}/response/": astray,
        }
        return next((why for why, holds in objections.items() if holds), "")

    def _inside(self, topic: str) -> bool:
        """Whether a topic is one of the station's own for answers, by MQTT 5, 4.7."""
        begin = f"{self.root}/response/"
        levels = topic.removeprefix(begin).split("/")
        return (
            topic.startswith(begin)
            and topic.isascii()
            and not any(each in {"", ".", ".."} or each.startswith("$") for each in levels)
            and not set(topic) & {"+", "#", "\0"}
        )
