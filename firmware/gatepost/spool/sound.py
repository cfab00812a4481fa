"""Whether bytes are a body by themselves, where no other event proves them."""

from __future__ import annotations

from gatepost.canonical import canonical
from gatepost.wire import RECORDS, event_of, links_of
from gatepost.wire.bodies import object_of


def sound(body: bytes) -> bool:
    """Whether it is in canonical form, and all in it is as the contract has it.

    Of a type that a later version made, as far as this one knows it.
    """
    try:
        data = object_of(body)
        links_of(body)
        if data.get("type") in RECORDS:
            event_of(data)
        return canonical(data) == body
    except ValueError:
        return False
