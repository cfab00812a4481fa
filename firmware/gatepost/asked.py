"""What the centre asked of the uplink: passes from who takes its word to who sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from gatepost.model import Message
    from gatepost.wire import Ranges


@dataclass(frozen=True, slots=True)
class Resend:
    """Send these events again, and answer.

    Attributes:
        id: of the command; the same id again is answered again, and not done again.
        topic: where the answer is wanted, "": the station's own.
    """

    of: tuple[Ranges, ...]
    id: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The confirmer keeps these events: the station need not keep them for its sake."""

    of: tuple[Ranges, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to be published."""

    message: Message


Asked: TypeAlias = Resend | Receipt | Answer
