"""Codes read through the real Picamera2, by the station's own driver and decoder. In the chroot.

python -m camera_reading --frames 264 --loops 3 --fps 30    prints JSON
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any

from camera_paced import Sensor

from gatepost.clock import SystemClock
from gatepost.decoding import build_live
from gatepost.drivers.picamera import PiCamera

SIZE = (1280, 720)


def read(frames: int, loops: int, fps: int) -> dict[str, Any]:
    """Read until the `frames` pictures were shown `loops` times."""
    clock, sensor = SystemClock(), Sensor(fps)
    decoder = build_live(budget_s=1 / fps, beside=True)
    threading.Thread(target=lambda: list(decoder.deepening()), daemon=True).start()
    camera = PiCamera(
        0,
        width=SIZE[0],
        height=SIZE[1],
        fps=fps,
        lens_m=0.12,
        clock=clock,
        open_camera=sensor.opener(),
    )
    latencies: list[float] = []
    waits: list[float] = []
    shown: list[list[str]] = [[] for _ in range(loops)]
    delivered = with_codes = 0
    began_s = resident = 0.0
    with camera:
        while sensor.frames < frames * loops:
            frame = camera.next_frame(1.0)
            if frame is None:
                continue
            got = clock.boottime()
            if not delivered:
                began_s, resident = got, memory_mb()
            loop = min(loops - 1, sensor.frames // frames)
            delivered += 1
            symbols = decoder.decode(frame)
            now = clock.boottime()
            waits.append(got - frame.taken)
            with_codes += bool(symbols)
            for symbol in symbols:
                latencies.append(now - (frame.taken if symbol.taken is None else symbol.taken))
                if symbol.text not in shown[loop]:
                    shown[loop].append(symbol.text)
        took_s, at_end = clock.boottime() - began_s, memory_mb()
    return {
        "took_s": took_s,
        "given": sensor.frames,
        "delivered": delivered,
        "with_codes": with_codes,
        "latency_s": latencies,
        "age_s": waits,
        "loops": shown,
        "memory_mb": {"first": resident, "last": at_end, "closed": memory_mb()},
    }


def memory_mb() -> float:
    """What this process has in memory of its own; while a camera is open, its pictures too."""
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    told = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(told["Private_Dirty"].split()[0]) / 1024


def main() -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser()
    for name in ("--frames", "--loops", "--fps"):
        parser.add_argument(name, type=int, required=True)
    asked = parser.parse_args()
    json.dump(read(asked.frames, asked.loops, asked.fps), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
