"""How soon the lamp's pin follows a cue, beside displays of every slowness; `make bench-lamp`.

The real workers, the real lamp, the real display's driver; a pin that notes when it changes, and
a bus that takes as long as I2C does: 25 ms a picture at 400 kHz, 100 ms at 100 kHz, or a second
for each transfer on a bus that something holds down. Cues come while pictures are being sent.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import queue
import random
import resource
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpiozero.pins.mock import MockFactory, MockPWMPin
from report import machine

from gatepost.clock import SystemClock
from gatepost.config import LampConfig, OledConfig
from gatepost.demo.screens import LANGUAGES, NAMES, drawn
from gatepost.demo.tally import percentile
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.oled import Oled
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, CueKind
from gatepost.screen import render
from gatepost.signalling import showing, signalling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

CUES, QUICK_CUES = 25, 8  # of each display in each of the rounds: all meet the same other load
ROUNDS = 8
_PINS = {CueKind.ACCEPTED: 27, CueKind.REFUSED: 17}  # the one that each lights first
_BETWEEN_S = (0.03, 0.15)
_PAUSE = threading.Event()  # never set: other threads run meanwhile, as in a transfer
_WAIT_S = 5.0


class TimedPin(MockPWMPin):  # type: ignore[misc]
    """Notes when it was lit."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lit: queue.SimpleQueue[float] = queue.SimpleQueue()

    def _change_state(self, value: float) -> bool:
        at = time.perf_counter()
        changed: bool = super()._change_state(value)
        if changed and value:
            self.lit.put(at)
        return changed


@dataclass
class SlowBus:
    """An I2C bus at so many bits a second, 9 a byte; without any it is held down."""

    hertz: int
    pictures: int = 0

    def command(self, *cmd: int) -> None:
        self._pass(len(cmd) + 2)

    def data(self, data: list[int]) -> None:
        self._pass(len(data) + 2)
        self.pictures += 1

    def cleanup(self) -> None:
        """Nothing is open."""

    def _pass(self, count: int) -> None:
        if not self.hertz:
            _PAUSE.wait(1.0)
            raise TimeoutError(110, "Connection timed out")
        _PAUSE.wait(count * 9 / self.hertz)


@dataclass
class Running:
    """Workers, each on its thread, as the supervisor runs them."""

    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def add(self, worker: Callable[[], Generator[None, None, None]]) -> None:
        thread = threading.Thread(target=self._run, args=(worker,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _run(self, worker: Callable[[], Generator[None, None, None]]) -> None:
        turns = worker()
        for _ in turns:
            if self.stop.is_set():
                turns.close()
                return

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(10)


def measured(bus: SlowBus | None, count: int) -> list[float]:
    """Milliseconds from each cue to its light."""
    pins, clock, inbox = MockFactory(pin_class=TimedPin), SystemClock(), queue.Queue[Cue]()
    lamp = Lamp(LampConfig(red=17, green=27, blue=22), lambda: pins)
    boxes = [Mailbox[Cue]()] if bus else []
    running = Running()
    if bus:
        screen = Oled(OledConfig(), "vi", clock, lambda: bus)
        running.add(partial(showing, boxes[0], screen, clock))
    running.add(partial(signalling, inbox, [lamp], boxes, clock))
    took = []
    chance = random.Random(1)
    for turn in range(count):
        _PAUSE.wait(chance.uniform(*_BETWEEN_S))
        kind = (CueKind.ACCEPTED, CueKind.REFUSED)[turn % 2]
        lit = pins.pin(_PINS[kind]).lit
        while not lit.empty():
            lit.get()
        posted = time.perf_counter()
        inbox.put(replace(_visitor(turn % 26), kind=kind))
        took.append((lit.get(timeout=_WAIT_S) - posted) * 1000)
    running.end()
    return took


def rendering() -> dict[str, float]:
    """Milliseconds of a picture, the first time and again; and what all of them keep in memory."""
    gc.collect()
    before = _resident_kb()
    first, again, visitor = [], [], []
    for language in LANGUAGES:
        for into in (first, again):
            into += [_timed(partial(drawn, name, language)) for name in NAMES]
        visitor += [_timed(partial(render, _visitor(turn), language)) for turn in range(20)]
    return {
        "first_p50_ms": percentile(first, 0.5),
        "first_max_ms": max(first),
        "again_p50_ms": percentile(again, 0.5),
        "again_max_ms": max(again),
        "visitor_p50_ms": percentile(visitor, 0.5),
        "kept_kb": _resident_kb() - before,
    }


def _visitor(turn: int) -> Cue:
    return Cue(CueKind.ACCEPTED, initials=f"N.V.{chr(65 + turn)}.")


def _timed(draw: Callable[[], object]) -> float:
    began = time.perf_counter()
    draw()
    return (time.perf_counter() - began) * 1000


def _resident_kb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def table(found: dict[str, dict[str, float]]) -> str:
    """For people."""
    lines = ["| display | p50 | p99 | most | pictures sent |", "|---|---|---|---|---|"]
    for name, each in found.items():
        times = " | ".join(f"{each[key]:.2f} ms" for key in ("p50_ms", "p99_ms", "max_ms"))
        lines.append(f"| {name} | {times} | {each['pictures']:g} |")
    return "\n".join(lines) + "\n"


def told(rendered: dict[str, float]) -> str:
    """For people: what screens cost."""
    return (
        f"a screen is drawn in {rendered['first_p50_ms']:.1f} ms the first time "
        f"(most {rendered['first_max_ms']:.1f}), {rendered['again_p50_ms']:.1f} ms again, "
        f"{rendered['visitor_p50_ms']:.1f} ms with other initials; "
        f"all {len(NAMES) * len(LANGUAGES)} keep {rendered['kept_kb'] / 1024:.1f} MB; "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cues")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    count = QUICK_CUES if args.quick else CUES
    rendered = rendering()
    cases = {
        "no display": None,
        "400 kHz, 25 ms a picture": SlowBus(400_000),
        "100 kHz, 100 ms a picture": SlowBus(100_000),
        "bus held down, 1 s a try": SlowBus(0),
    }
    logging.disable(logging.WARNING)  # that a bus is held down is no news here
    took_of: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, bus in cases.items():
            took_of[name] += measured(bus, count)
    found = {}
    for name, bus in cases.items():
        took = took_of[name]
        found[name] = {
            "p50_ms": percentile(took, 0.5),
            "p99_ms": percentile(took, 0.99),
            "max_ms": max(took),
            "pictures": bus.pictures if bus else 0,
        }
    if args.json:
        json.dump(
            {"light": found, "screens": rendered, "cues": count * ROUNDS}, sys.stdout, indent=2
        )
        return 0
    sys.stdout.write(f"{machine(Path.cwd())}\n\n{table(found)}\n{told(rendered)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
