"""Ten codes a second from four readers at once, for an hour, while the broker comes and goes.

    python tests/bench/load.py                       an hour
    python tests/bench/load.py --minutes 3           a look
    python tests/bench/load.py --json out/load.json  every number too

Told: what the daemon holds in memory at first and at the end, how long a light takes, its share
of a core, and what was lost, which must be nothing.

Exit status: 0 nothing was lost, 1 something was, 2 it cannot be run here.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground import cpu_s, memory_mb
from kills_daemon import Died
from load_run import LoadRig, run_load
from report import machine

from gatepost.demo.broker import MOSQUITTO
from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kills_daemon import Daemon
    from kills_green import Judgement

_EVERY_S = 10.0
_WARM_S = 30.0  # what a daemon takes to have loaded everything


@dataclass(slots=True)
class Measured:
    """Memory (RSS, MB) and processor time of a daemon, now and then."""

    daemon: Daemon
    memory: list[tuple[float, float]] = field(default_factory=list)
    _begun: float = 0.0
    _used: float = 0.0
    _share: float = 0.0

    def look(self) -> None:
        """Measure, when the last time was long enough ago."""
        process = self.daemon.process
        if process is None:
            return
        now = time.monotonic()
        if not self._begun:
            self._begun, self._used = now, cpu_s(process.pid)
        if self.memory and now - self._begun - self.memory[-1][0] < _EVERY_S:
            return
        self.memory.append((round(now - self._begun, 1), memory_mb(process.pid)["Rss"]))
        if now > self._begun:
            self._share = (cpu_s(process.pid) - self._used) / (now - self._begun)

    def told(self) -> dict[str, Any]:
        """The numbers."""
        warm = [each for each in self.memory if each[0] >= _WARM_S] or self.memory
        return {
            "memory_mb": {"start": warm[0][1], "end": warm[-1][1], "most": max(self._all())},
            "cpu_percent_of_a_core": round(100 * self._share, 1),
            "memory_over_time": self.memory,
        }

    def _all(self) -> Sequence[float]:
        return [each for _, each in self.memory]


def main() -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args()
    if not MOSQUITTO:
        _say("skipped: install mosquitto")
        return 0 if asked.skip_ok else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    seconds = asked.minutes * 60
    outages = asked.outages if asked.outages is not None else max(1, round(asked.minutes / 5))
    with tempfile.TemporaryDirectory("-gatepost-load", dir=asked.folder) as folder:
        where = machine(Path(folder))
        try:
            with LoadRig(Path(folder), asked.rate) as rig:
                measured = Measured(rig.daemon)
                found = run_load(rig, seconds, outages, _say, measured.look)
        except (Died, GatepostError) as error:
            _say(f"failed: {error}")
            return 1
    told = found.told() | measured.told() | {"machine": where}
    _tell(found, told)
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return 0 if found.good else 1


def _tell(found: Judgement, told: dict[str, Any]) -> None:
    light, memory = found.facts["light_ms"], told["memory_mb"]
    lost = len(found.lost) + found.gaps
    sys.stdout.write(
        f"{'good' if found.good else 'BROKEN'}: {found.shown} codes shown, "
        f"{found.facts['lights']} lights ({found.green} green), {lost} lost; the broker was away "
        f"{found.kills} times\n"
        f"light p50 {light['p50']:.1f} ms, p99 {light['p99']:.1f} ms, p99.9 {light['p999']:.1f} "
        f'ms, max {light["max"]:.1f} ms; "again" {found.facts["again"]}\n'
        f"memory {memory['start']:.1f} MB at first, {memory['end']:.1f} MB at the end, "
        f"{memory['most']:.1f} MB at most; {told['cpu_percent_of_a_core']} % of a core\n"
        f"{found.words().partition(': ')[2]}\nMeasured on {told['machine']}.\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--minutes", type=float, default=60.0, metavar="N", help="(default: %(default)s)")
    option("--rate", type=float, default=10.0, help="codes a second (default: %(default)s)")
    option("--outages", type=int, metavar="N", help="of the broker (default: every 5 minutes)")
    option("--json", type=Path, metavar="FILE", help="write every number there too")
    option("--folder", type=Path, metavar="DIR", help="where temporary files go")
    option("--skip-ok", action="store_true", help="where it cannot be run, end with status 0")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
