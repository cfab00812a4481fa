"""What a self-test with a technician would try, and on which pins: nothing is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_STEPS = {
    "lamp": "green, red, blue, amber and white, as visitors see them; you say whether you do",
    "buzzer": "the sounds of accepted, refused and again",
    "oled": "the station's id on the screen, upright and whole",
    "light": "off and on",
    "button": "you press it",
    "camera": "the test card before it: focus, light, distance, frames a second",
    "reader": "the test card is read whole, with all diacritics",
    "relay": "the door is asked to open once, after you said that nobody stands in it",
}
_STATION = {
    "keys": "keys and certificates fit together",
    "certificate": "how long it is valid",
    "card": "where events are kept, room, time of a flush",
    "spool": "what is kept and whether it is whole",
    "clock": "whether the time is known",
    "broker": "name, connection, TLS, session, rights",
}


def plan(board_path: Path | None, config_path: Path | None) -> list[dict[str, str]]:
    """The steps in their order: name, what, where. Raises ConfigError, UsageError."""
    from gatepost.boards import wires_of
    from gatepost.config import load, load_board

    config = load(config_path) if config_path else None
    board = load_board(board_path) if board_path else config.board if config else None
    if board is None and config is None:
        raise UsageError("--dry-run needs --board FILE or --config FILE")
    where: dict[str, list[str]] = {}
    for wire in (
        wires_of(board, config.relay.idle if config and config.relay else "") if board else []
    ):
        if wire.bcm is not None:
            told = f"{wire.signal} GPIO{wire.bcm} (pin {wire.physical})"
            where.setdefault(wire.part, []).append(told)
    steps = [_step(name, what) for name, what in _STATION.items()]
    for name, what in _STEPS.items():
        if name in {"camera", "reader"}:
            steps += _readers(name, what, config)
        elif (board and name in board.tables) or (config and getattr(config, name)):
            steps.append(_step(name, what, ", ".join(where.get(name, []))))
    return steps


def _readers(kind: str, what: str, config: object) -> list[dict[str, str]]:
    from gatepost.config import Config
    from gatepost.config.readers import GUNS

    if not isinstance(config, Config):
        return [_step(kind, what)]
    wanted = [each for each in config.reader if isinstance(each, GUNS) == (kind == "reader")]
    return [_step(each.name, what, _where(each)) for each in wanted]


def _where(reader: object) -> str:
    """Its device as the configuration names it."""
    usb = getattr(reader, "usb", "")
    return getattr(reader, "device", "") or (f"usb {usb}" if usb else "")


def _step(name: str, what: str, where: str = "") -> dict[str, str]:
    return {"name": name, "what": what, "where": where}
