"""What of a health report a technician should see to, before it keeps anybody out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = ("power", "temperature", "card", "disk", "certificate")
_HOT_MC, _COOL_MC = 80_000, 77_000  # a Pi slows down from 80 degrees on, at the latest
_WORN_PERCENT = 90
_WORN_SPARE = 2
_LEAST_FREE = 64 * 1024 * 1024
_FREE_SHARE = 20  # one in so many bytes is free, or the card is nearly full
_SOON_US = 30 * 86_400 * 1_000_000


class Note(NamedTuple):
    """How a part is, in a word or two that stay the same, and the reason with its numbers."""

    text: str
    why: str = ""


def notes(told: Mapping[str, int | str], before: Mapping[str, str]) -> dict[str, Note]:
    """By part: what is to be noted; `before`: what is noted now, as heat goes up and down."""
    found = {
        "power": _power(told),
        "temperature": _heat(told, hot="temperature" in before),
        "card": _card(told),
        "disk": _disk(told),
        "certificate": _certificate(told),
    }
    return {part: note for part, note in found.items() if note is not None}


def _number(told: Mapping[str, int | str], name: str) -> int | None:
    value = told.get(name)
    return value if isinstance(value, int) else None


def _power(told: Mapping[str, int | str]) -> Note | None:
    return Note("under-voltage", "supply, cable or plug") if told.get("power_low") == 1 else None


def _heat(told: Mapping[str, int | str], *, hot: bool) -> Note | None:
    degrees = _number(told, "temperature_mc")
    if degrees is not None and degrees >= (_COOL_MC if hot else _HOT_MC):
        return Note("too hot", f"{degrees / 1000:.0f} degrees")
    if told.get("throttled") == 1 and told.get("power_low") != 1:
        return Note("slowed down", f"throttled, bits {told.get('throttled_bits', 0):#x}")
    return None


def _card(told: Mapping[str, int | str]) -> Note | None:
    errors, used = _number(told, "card_errors"), _number(told, "card_used_percent")
    if told.get("card_read_only") == 1:
        return Note("read-only", "the kernel lets nothing be written")
    if errors:
        return Note("has errors", f"ext4 counts {errors}; back its events up and replace it")
    if (used or 0) >= _WORN_PERCENT or (_number(told, "card_spare_state") or 0) >= _WORN_SPARE:
        return Note("worn out soon", f"{used or '?'} % of its life used; replace it")
    return None


def _disk(told: Mapping[str, int | str]) -> Note | None:
    free, total = _number(told, "disk_free_bytes"), _number(told, "disk_total_bytes")
    if free is None or total is None or free >= max(_LEAST_FREE, total // _FREE_SHARE):
        return None
    return Note("nearly full", f"{free >> 20} MiB left")


def _certificate(told: Mapping[str, int | str]) -> Note | None:
    """By the station's own time, also where that is not synchronised: so the daily warning is."""
    ends, now = _number(told, "certificate_ends_us"), _number(told, "wall_us")
    if ends is None or now is None or ends - now >= _SOON_US:
        return None
    if ends <= now:
        return Note("has ended", "nothing is delivered without it")
    return Note("ends soon", f"in {(ends - now) // 86_400_000_000} days")
