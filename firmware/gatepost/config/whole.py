"""What no single key of a configuration can tell: pieces that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.config.readers import CameraReader, FramesReader, SerialReader
from gatepost.config.values import meant, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatepost.config.lines import Where
    from gatepost.config.schema import BrokerConfig, CentralConfig, ReaderConfig


def contradictions(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Where and what; a section that is None has problems of its own and is passed over."""
    yield from _twice(_names(sections["reader"]), "is already the name of")
    yield from _twice(_devices(sections["reader"]), "is already read by")
    yield from _broker(sections["broker"])
    yield from _central(sections["central"])
    yield from _twice(_pins(sections), "is already used by")
    yield from _light(sections)


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
    cameras = [each.name for each in readers if not isinstance(each, SerialReader)]
    if not cameras:
        yield ("light",), "needs a camera among the readers: it goes by its picture"
    elif light.reader and light.reader not in cameras:
        told = f"{shown(light.reader)}{meant(light.reader, cameras)}"
        yield ("light", "reader"), f"no camera has the name {told}"


def _twice(claims: Iterable[tuple[Where, str, str]], told: str) -> Iterator[tuple[Where, str]]:
    """Problems of those (where, claimed, by whom) whose claim somebody before them has."""
    taken: dict[str, str] = {}
    for where, claimed, owner in claims:
        if claimed in taken:
            yield where, f"{claimed} {told} {taken[claimed]}"
        taken.setdefault(claimed, owner)


def _names(readers: Iterable[ReaderConfig | None]) -> Iterator[tuple[Where, str, str]]:
    for index, reader in enumerate(readers):
        if reader is not None:
            yield ("reader", index, "name"), repr(reader.name), f"reader[{index}]"


def _devices(readers: Iterable[ReaderConfig | None]) -> Iterator[tuple[Where, str, str]]:
    for index, reader in enumerate(readers):
        if reader is None or isinstance(reader, FramesReader):
            continue
        if isinstance(reader, CameraReader):
            yield ("reader", index, "camera"), f"camera {reader.camera}", f"reader[{index}]"
        else:
            yield ("reader", index, "device"), reader.device, f"reader[{index}]"


def _pins(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str, str]]:
    for table, names in {
        "lamp": ("red", "green", "blue"),
        "buzzer": ("pin",),
        "relay": ("pin",),
        "light": ("pin",),
    }.items():
        section = sections.get(table)
        for name in names if section is not None else ():
            yield (table, name), f"pin {getattr(section, name)}", f"{table}.{name}"
