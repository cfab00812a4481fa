"""A kept event -> its message, as long as it still is the event that was kept.

A card rots while nobody looks, and neither SQLite nor a file of lines notices: what is read
must not end the station again and again, nor go out under another event's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatepost.errors import SpoolDamaged
from gatepost.wire import event_id, event_message
from gatepost.wire.bodies import NAME, TYPE

if TYPE_CHECKING:
    from gatepost.model import Message
    from gatepost.spool import Kept

_OWN_TOPIC = re.compile(rf"gatepost/v1/{NAME.pattern}/{NAME.pattern}/event/{TYPE.pattern}")


def message_of(key: tuple[str, str], kept: Kept, token: int, topic: str = "") -> Message:
    """The message of an event of `key` (source and epoch), on `topic` or the event's own.

    Raises SpoolDamaged where the body is not, or not any more, the one of that place.
    """
    source, epoch = key
    try:
        message = event_message(kept.body, token, topic)
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        why = f"event {kept.sequence} of {epoch}: {type(error).__name__}"
        raise SpoolDamaged(f"{why}: its body is none any more") from error
    named = {("id", event_id(epoch, kept.sequence)), ("source", source)}
    if not named <= set(message.properties) or not (topic or _OWN_TOPIC.fullmatch(message.topic)):
        raise SpoolDamaged(f"event {kept.sequence} of {epoch}: its body names another place")
    return message
