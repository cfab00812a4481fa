"""What no single key of a configuration can tell: pieces that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.boards import PIN_KEYS
from gatepost.config import claims
from gatepost.config.readers import GUNS
from gatepost.config.values import meant, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatepost.config.lines import Where
    from gatepost.config.schema import BrokerConfig, CentralConfig


def contradictions(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Where and what; a section that is None has problems of its own and is passed over."""
    yield from _twice(claims.names(sections["reader"]), "is already the name of")
    yield from _twice(claims.devices(sections["reader"]), "is already read by")
    yield from claims.places(sections["reader"])
    yield from _broker(sections["broker"])
    yield from _central(sections["central"])
    yield from pins_twice(sections)
    yield from _light(sections)
    yield from _button(sections)


def pins_twice(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Where and what: pins that two parts have."""
    yield from _twice(_pins(sections), "is already used by")


def _broker(broker: BrokerConfig | None) -> Iterator[tuple[Where, str]]:
    if broker is not None and broker.tls and broker.ca is None:
        yield ("broker", "ca"), "is missing: without it TLS cannot know the broker"


def _central(central: CentralConfig | None) -> Iterator[tuple[Where, str]]:
    if central is None:
        return
    if central.sealing_key is None and not central.plain_text:
        yield (
            ("central", "sealing_key"),
            (
                "is missing: without it visitors' data cannot be sealed. Name the central "
                "side's public key, or say plain_text in the words of the documentation"
            ),
        )
    elif central.sealing_key is not None and central.plain_text:
        yield ("central", "plain_text"), "contradicts sealing_key: keep one of them"
    if central.confirm == "central" and central.authority is None:
        yield ("central", "confirm"), "needs authority: nobody's receipt could be believed"
    if central.confirmer and central.authority is None:
        yield ("central", "confirmer"), "needs authority: nobody's receipt could be believed"


def _light(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    light = sections.get("light")
    readers = sections["reader"]
    if light is None:
        return
    if light.on_below >= light.off_above:
        yield ("light", "on_below"), f"must be below off_above, which is {light.off_above:g}"
    if None in readers:  # of one with problems of its own nobody knows the name
        return
    cameras = [each.name for each in readers if not isinstance(each, GUNS)]
    if not cameras:
        yield ("light",), "needs a camera among the readers: it goes by its picture"
    elif light.reader and light.reader not in cameras:
        told = f"{shown(light.reader)}{meant(light.reader, cameras)}"
        yield ("light", "reader"), f"no camera has the name {told}"


def _button(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    button = sections.get("button")
    if button is not None and button.setup_s >= button.selftest_s:
        told = f"must be below selftest_s, which is {button.selftest_s:g}"
        yield ("button", "setup_s"), told


def _twice(claimed_by: Iterable[tuple[Where, str, str]], told: str) -> Iterator[tuple[Where, str]]:
    """Problems of those (where, claimed, by whom) whose claim somebody before them has."""
    taken: dict[str, str] = {}
    for where, claimed, owner in claimed_by:
        if claimed in taken:
            yield where, f"{claimed} {told} {taken[claimed]}"
        taken.setdefault(claimed, owner)


def _pins(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str, str]]:
    for table, names in PIN_KEYS.items():
        section = sections.get(table)
        for name in names if section is not None else ():
            yield (table, name), f"pin {getattr(section, name)}", f"{table}.{name}"
