"""What is strange about a station's board but no error: told by check-config and the self-test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.boards.header import pulled_up
from gatepost.boards.power import MARGIN, budget

if TYPE_CHECKING:
    from collections.abc import Iterator


def notes(config: Any, machine: str) -> Iterator[str]:
    """Notes on a configuration with a board; none without one.

    Args:
        config: a `gatepost.config.Config`.
        machine: what the machine says it is, "" where it does not say.
    """
    board = config.board
    if board is None:
        return
    if strange := board.strange(machine):
        yield strange
    yield from _at_power_up(config)
    margin = budget(board).margin
    if margin < MARGIN:
        yield f"supply: {margin:.0%} of {board.supply.ma:g} mA are left at peak, not {MARGIN:.0%}"


def _at_power_up(config: Any) -> Iterator[str]:
    """What outputs do from power-up until the firmware drives their pins."""
    relay, lamp, light = config.relay, config.lamp, config.light
    if relay is not None and _rests(relay.pin) != relay.idle:
        yield (
            f"relay: pin {relay.pin} rests {_rests(relay.pin)} until a program drives it, idle is "
            f"{relay.idle}: only its hold resistor keeps a request from being seen at power-up"
        )
    if lamp is not None:
        lit = "high" if lamp.common == "cathode" else "low"
        for name in ("red", "green", "blue"):
            if _rests(getattr(lamp, name)) == lit:
                yield f"lamp: {name} is lit from power-up until the firmware runs"
    if light is not None and _rests(light.pin) == light.active:
        yield "light: it is lit from power-up until the firmware runs"


def _rests(pin: int) -> str:
    return "high" if pulled_up(pin) else "low"
