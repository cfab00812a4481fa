"""From the first frame that plain zxing-cpp reads to the lamp, the flush included."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import parts
from ground import STATION, running
from report import Result, Row

from gatepost.demo.clips import write_clip
from gatepost.demo.tally import Tally, percentile, summary, tally
from gatepost.demo.visitors import make_visitors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ground import Ground, Running

    from gatepost.demo.clips import ClipTruth

AIM_P50_MS, AIM_P99_MS = 40.0, 120.0
VISITORS, QUICK_VISITORS = 60, 8
SEED = 1
_DELIVERY_S = 20.0
_PROBE_BYTES = 8192


@dataclass(frozen=True)
class Seen:
    """What became of the visitors.

    Attributes:
        lit_ms: from the frame that was read to the lamp, of every verdict.
        flush_ms: a bare write and fsync in the same folder, twice a second meanwhile.
        late: the frame that was read minus the first that plain zxing-cpp reads, of each visitor.
    """

    result: Tally
    lit_ms: list[float]
    flush_ms: list[float]
    late: list[int]


def run(ground: Ground) -> Result:
    """Film visitors, let the daemon meet them in real time, then time the parts by themselves."""
    folder = ground.room("latency")
    count = QUICK_VISITORS if ground.quick else VISITORS
    ground.say(f"latency: filming {count} visitors")
    clip = folder / "visitors.avi"
    truth = write_clip(clip, make_visitors(count, SEED), SEED)
    ground.say(f"latency: the daemon meets them, {truth.frames / truth.fps:.0f} s")
    with running(folder, clip) as works:
        seen = _meet(works, truth, parts.BareFlush(folder / "bare", _PROBE_BYTES))
    ground.say("latency: the parts by themselves")
    return _result(truth, seen, parts.measure(folder, clip, truth))


def _meet(works: Running, truth: ClipTruth, probe: parts.BareFlush) -> Seen:
    def over() -> bool:
        probe.now_and_then()
        return bool(works.station.said("replay ended"))

    works.wait(over, truth.frames / truth.fps + 30, "replay ended")
    expected = len(works.station.said("scan recorded"))
    works.wait(lambda: len(works.subscriber.arrivals()) >= expected, _DELIVERY_S, "delivery")
    stopped = works.station.stop() == 0 and works.subscriber.wait_for_state("offline", 5.0)
    arrivals, logged = works.subscriber.arrivals(), works.station.read_log()
    proved = works.subscriber.proved(STATION)
    result = tally(truth, arrivals, logged, proved=proved, stopped_cleanly=stopped)
    began = next(line["boot_s"] for line in logged if line["message"] == "replay started")
    taken = {arrival.sequence: arrival.taken_s - began for arrival in arrivals}
    late = [
        round(taken[outcome.recorded] * truth.fps) - visitor.first_readable
        for outcome, visitor in zip(result.outcomes, truth.visitors, strict=True)
        if outcome.recorded and visitor.first_readable is not None
    ]
    return Seen(result, _lit_ms(logged), probe.took_ms, late)


def _lit_ms(logged: Sequence[dict[str, Any]]) -> list[float]:
    lit = [line for line in logged if line["message"] == "lit"]
    return [line["after_ms"] for line in lit if line["cue"] not in {"pending", "again"}]


def _result(truth: ClipTruth, seen: Seen, part: dict[str, float]) -> Result:
    lights = [each.light_ms for each in seen.result.outcomes if each.light_ms is not None]
    order = {
        "before": sum(late < 0 for late in seen.late),
        "at": sum(late == 0 for late in seen.late),
        "after": sum(late > 0 for late in seen.late),
    }
    told = summary(seen.result)
    read = f"{told['read']} of {len(truth.visitors)} visitors read"
    when = f"{order['before']} before, {order['at']} at, {order['after']} after that frame"
    light = Row(
        what="light: from the first frame that plain zxing-cpp reads, p50 / p99 / max",
        aim=f"{AIM_P50_MS:.0f} / {AIM_P99_MS:.0f} ms",
        measured=f"{_three(lights)} ms",
        beside=f"{read}, {when}; 30 frames/s of 1280x720: a frame later is 33 ms later",
        met=median(lights) <= AIM_P50_MS and percentile(lights, 0.99) <= AIM_P99_MS,
    )
    facts: dict[str, Any] = {"light_ms": lights, "late_frames": seen.late, "order": order}
    facts |= {"after_read_ms": seen.lit_ms, "bare_flush_ms": seen.flush_ms}
    facts |= {"parts_ms": part, "tally": told}
    return Result([light, _ways(seen, part)], facts)


def _ways(seen: Seen, part: dict[str, float]) -> Row:
    """Where the time goes once a frame is read."""
    return Row(
        what="light: from the frame that was read, p50 / p99 / max",
        aim="",
        measured=f"{_three(seen.lit_ms)} ms",
        beside=f"medians alone: the replay's JPEG {part['jpeg']:.1f} ms, decoding that frame "
        f"{part['decode']:.1f} (plain zxing-cpp {part['plain']:.1f}), deciding, sealing "
        f"and keeping {part['decide']:.1f} (a bare write and fsync of the same "
        f"{part['wal_bytes'] / 1e3:.1f} kB {part['flush']:.1f}); such flushes while the daemon "
        f"worked {_three(seen.flush_ms)}",
    )


def _three(values: Sequence[float]) -> str:
    three = (median(values), percentile(values, 0.99), max(values))
    return " / ".join(f"{each:.1f}" for each in three)
