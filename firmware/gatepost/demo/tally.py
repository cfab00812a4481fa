"""Who came, and what became of each: the table at the end of the demo."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatepost.demo.clips import ClipTruth, VisitorTruth
    from gatepost.model import Event, ScanRecord

_NAME, _REASON, _LIGHT = 21, 21, 5  # columns
_SHORT = {"not-understood": "unknown", "none": "-"}  # in the table alone
_ODD = "not as it should be"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A scan event as the central server got it, opened with its own key.

    Attributes:
        text: what the visitor's code held.
        taken_s: boot time of the frame in which it was read, seconds.
        copies: how often it arrived.
        reason: why the gate decided so.
    """

    sequence: int
    text: str
    taken_s: float
    verdict: str
    direction: str
    copies: int
    reason: str = ""

    @classmethod
    def of(cls, event: Event, record: ScanRecord, text: str) -> Arrival:
        """The first copy of a scan's event, which holds `text`."""
        return cls(
            sequence=event.sequence,
            text=text,
            taken_s=event.stamp.boot_us / 1_000_000,
            verdict=record.verdict.value,
            direction=record.direction.value,
            copies=1,
            reason=record.reason,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one visitor.

    Attributes:
        read: a code of theirs was read while they stood there.
        recorded: sequence of their event, 0 where there is none.
        delivered: how often it arrived: once is right.
        right: verdict, reason and direction are what they should be.
        light_ms: from the first frame that plain zxing-cpp reads to the lamp; None: unknown.
    """

    name: str
    verdict: str
    direction: str
    read: bool
    recorded: int
    delivered: int
    right: bool
    light_ms: float | None
    reason: str = "-"


@dataclass(frozen=True, slots=True)
class Tally:
    """All visitors, and whether the chain of events was proved complete."""

    outcomes: tuple[Outcome, ...]
    unexpected: int
    proved: bool
    stopped_cleanly: bool

    @property
    def good(self) -> bool:
        """Everybody was read, recorded, delivered once and judged right; nothing else came."""
        each = all(o.read and o.recorded and o.delivered == 1 and o.right for o in self.outcomes)
        return each and not self.unexpected and self.proved and self.stopped_cleanly


def tally(
    truth: ClipTruth,
    arrivals: Sequence[Arrival],
    logged: Sequence[dict[str, Any]],
    *,
    proved: bool,
    stopped_cleanly: bool,
) -> Tally:
    """Match what arrived and what was logged to those who came."""
    began = next((line["boot_s"] for line in logged if line["message"] == "replay started"), 0.0)
    lit = {
        round(line["taken_s"], 3): line["after_ms"]
        for line in logged
        if line["message"] == "lit" and line["cue"] not in {"pending", "again"}
    }
    left = list(arrivals)
    outcomes = []
    for seen in truth.visitors:
        arrival = _of(seen, left, began, truth.fps)
        if arrival is not None:
            left.remove(arrival)
        outcomes.append(_outcome(seen, arrival, lit, began, truth.fps))
    return Tally(tuple(outcomes), len(left), proved, stopped_cleanly)


def _of(
    seen: VisitorTruth, arrivals: Sequence[Arrival], began: float, fps: float
) -> Arrival | None:
    """The event of a visitor: their text, taken while they stood there."""
    first, last = (began + frame / fps for frame in (seen.first_frame - 1, seen.last_frame + 1))
    for arrival in arrivals:
        if arrival.text == seen.visitor.text and first <= arrival.taken_s <= last:
            return arrival
    return None


def _outcome(
    seen: VisitorTruth,
    arrival: Arrival | None,
    lit: dict[float, float],
    began: float,
    fps: float,
) -> Outcome:
    who = seen.visitor
    if arrival is None:
        return Outcome(who.name, "-", "-", False, 0, 0, False, None)
    light_ms = None
    after_ms = lit.get(round(arrival.taken_s, 3))
    if after_ms is not None and seen.first_readable is not None:
        readable = began + seen.first_readable / fps
        light_ms = round((arrival.taken_s - readable) * 1000 + after_ms, 1)
    expected = (who.expected_verdict, who.expected_reason, who.expected_direction)
    return Outcome(
        name=who.name,
        verdict=arrival.verdict,
        direction=arrival.direction,
        read=True,
        recorded=arrival.sequence,
        delivered=arrival.copies,
        right=(arrival.verdict, arrival.reason, arrival.direction) == expected,
        light_ms=light_ms,
        reason=arrival.reason,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that `share` (0 to 1) of the values do not exceed (nearest rank).

    There must be one value at least.
    """
    ordered = sorted(values)
    rank = ceil(round(share * len(ordered), 9))  # 0.07 of 100 are 7.000000000000001
    return ordered[max(rank, 1) - 1]


def summary(result: Tally) -> dict[str, Any]:
    """The numbers under the table."""
    outcomes = result.outcomes
    times = [each.light_ms for each in outcomes if each.light_ms is not None]
    return {
        "visitors": len(outcomes),
        "read": sum(each.read for each in outcomes),
        "recorded": sum(bool(each.recorded) for each in outcomes),
        "delivered": sum(each.delivered == 1 for each in outcomes),
        "judged_right": sum(each.right for each in outcomes),
        "unexpected": result.unexpected,
        "light_ms_p50": round(median(times), 1) if times else None,
        "light_ms_p99": percentile(times, 0.99) if times else None,
        "chain_proved_complete": result.proved,
        "stopped_cleanly": result.stopped_cleanly,
        "good": result.good,
    }


def as_json(result: Tally) -> str:
    """Table and summary as one JSON object."""
    rows = [asdict(each) for each in result.outcomes]
    return json.dumps({"outcomes": rows} | summary(result), ensure_ascii=False)


def as_table(result: Tally) -> str:
    """Table and summary for people, within 80 columns: who was let in, and why not."""
    titles = f"{'verdict':<8} {'reason':<{_REASON}} {'way':<3} {'event':>5} {'arrived':>7}"
    head = f"{'':3} {'visitor':<{_NAME}} {titles} {'light':>{_LIGHT}}"
    lines = [head, "-" * len(head)]
    for number, each in enumerate(result.outcomes, 1):
        lines.append(f"{number:>3} {_row(each)}")
        if not (each.right and each.delivered == 1):
            lines.append(f"    ^-- {_ODD}")
    return "\n".join([*lines, "-" * len(head), *_below(result)])


def _row(each: Outcome) -> str:
    verdict, way = (_SHORT.get(word, word) for word in (each.verdict, each.direction))
    return (
        f"{_cut(each.name, _NAME):<{_NAME}} {verdict:<8} {_cut(each.reason, _REASON):<{_REASON}} "
        f"{way:<3} {each.recorded or '-':>5} {each.delivered:>7} {_light(each.light_ms):>{_LIGHT}}"
    )


def _light(light_ms: float | None) -> str:
    """A time in at most five letters: milliseconds where all is well."""
    if light_ms is None:
        return "-"
    return f"{light_ms:.0f}ms" if light_ms < 999.5 else f"{light_ms / 1000:.1f}s"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _below(result: Tally) -> Iterator[str]:
    told = summary(result)
    proof = "proved complete by checkpoint" if result.proved else "NOT proved complete"
    yield "   ".join(
        f"{name} {told[name]}" for name in ("visitors", "read", "recorded", "delivered")
    )
    yield f"judged right {told['judged_right']}; events: {proof}"
    if result.unexpected:
        yield f"{result.unexpected} event(s) that belong to no visitor   <-- {_ODD}"
    if not result.stopped_cleanly:
        yield f"the station did not stop cleanly   <-- {_ODD}"
    middle, slowest = told["light_ms_p50"], told["light_ms_p99"]
    times = "not known" if middle is None else f"p50 {middle} ms, p99 {slowest} ms"
    yield f"from the first readable frame to the light: {times}"
