"""What the daemon holds in memory after many visitors, and whether it grows."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ground import memory_mb, running
from report import Result, Row

from gatepost.demo.avi import AviWriter
from gatepost.demo.carriers import code_picture
from gatepost.demo.clips import FPS, QUALITY, SIZE
from gatepost.demo.scene import Hall, conditions_of
from gatepost.demo.visitors import make_visitors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ground import Ground, Running

    from gatepost.demo.carriers import Pixels

AIM_MB, AIM_GROWTH_MB = 110.0, 2.0
VISITORS, QUICK_VISITORS = 1000, 150
FRAMES = 5  # for each visitor: four with their code, one empty
_MODULE_PX = 5
_A_DAY = 50  # visitors are invented by so many at once
_TAIL_S = 2.0
SEED = 1
# What the daemon loads, each measured in an interpreter of its own.
_LIBRARIES = (
    "numpy", "cv2", "zxingcpp", "zbar", "PIL.Image", "gpiozero", "luma.oled.device",
    "paho.mqtt.client", "cryptography.x509", "joserfc.jwe", "sqlite3", "ssl", "gatepost.build",
)  # fmt: skip


def run(ground: Ground) -> Result:
    """Let visitors with a code each pass quickly; read the daemon's memory on the way."""
    folder = ground.room("memory")
    count = QUICK_VISITORS if ground.quick else VISITORS
    ground.say(f"memory: filming {count} codes")
    clip = _film(folder / "codes.avi", count)
    ground.say(f"memory: the daemon reads them, {count * FRAMES / FPS:.0f} s")
    with running(folder, clip) as works:
        found = _watch(works, [mark for mark in (1, 100, 500, 1000) if mark <= count])
    return _result(found)


def texts(count: int) -> list[str]:
    """Different codes, of the kinds that a gate meets."""
    different: dict[str, None] = {}
    seed = SEED
    while len(different) < count:
        different |= dict.fromkeys(visitor.text for visitor in make_visitors(_A_DAY, seed))
        seed += 1
    return list(different)[:count]


def _film(path: Path, count: int) -> Path:
    hall = Hall(SEED, SIZE, conditions_of("easy"))
    with AviWriter(path, FPS, SIZE, QUALITY) as video:
        for index, scene in enumerate(_scenes(hall, count)):
            video.add(hall.expose(scene, index))
    return path


def _scenes(hall: Hall, count: int) -> Iterator[Pixels]:
    for text in texts(count):
        code = code_picture(text, _MODULE_PX, 20, 230)
        code = code[: SIZE[1], : SIZE[1]]
        scene = hall.empty.copy()
        top, left = ((side - code.shape[0]) // 2 for side in reversed(SIZE))
        scene[top : top + code.shape[0], left : left + code.shape[1]] = code
        yield from [scene] * (FRAMES - 1)
        yield hall.empty
    yield from [hall.empty] * int(FPS * _TAIL_S)


def _watch(works: Running, marks: list[int]) -> dict[int, dict[str, float]]:
    """Memory when so many visitors were recorded; the last: when all had passed."""
    found: dict[int, dict[str, float]] = {}
    for mark in marks:
        works.wait(lambda: _recorded(works) >= mark or _over(works), 600, f"{mark} visitors")  # noqa: B023 - called at once
        found[min(mark, _recorded(works))] = memory_mb(works.pid)
    works.wait_said("replay ended", 60)
    found[_recorded(works)] = memory_mb(works.pid)
    return found


def _recorded(works: Running) -> int:
    return len(works.station.said("scan recorded"))


def _over(works: Running) -> bool:
    return bool(works.station.said("replay ended"))


def _libraries() -> dict[str, float]:
    """MB of RSS that importing each adds to a fresh interpreter."""
    empty = _resident("sys")
    return {name: round(_resident(name) - empty, 1) for name in _LIBRARIES} | {"python": empty}


def _resident(name: str) -> float:
    code = f"import {name}; print(open('/proc/self/smaps_rollup').read())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kib = next(line.split()[1] for line in told.stdout.splitlines() if line.startswith("Rss:"))
    return round(int(kib) * 1024 / 1e6, 1)


def _result(found: dict[int, dict[str, float]]) -> Result:
    last = max(found)
    now = found[last]
    early = found[100] if 100 in found else found[min(found)]
    growth = now["Rss"] - early["Rss"]
    libraries = _libraries()
    largest = sorted(libraries.items(), key=lambda item: -item[1])[:4]
    loads = ", ".join(f"{name} {size:.0f}" for name, size in largest)
    steps = ", ".join(f"{mark:,}: {each['Rss']:.1f}" for mark, each in sorted(found.items()))
    row = Row(
        what=f"memory of the daemon after {last:,} visitors, RSS / PSS",
        aim=f"< {AIM_MB:.0f} MB",
        measured=f"{now['Rss']:.1f} / {now['Pss']:.1f} MB",
        beside=f"RSS by visitors recorded: {steps} MB; importing alone: {loads} MB",
        met=now["Rss"] < AIM_MB,
    )
    more = Row(
        what=f"memory, growth from the 100th visitor to the {last:,}th",
        aim=f"none (< {AIM_GROWTH_MB:.0f} MB)",
        measured=f"{growth:+.1f} MB",
        beside=f"{growth / max(1, last - 100) * 1e3:.2f} kB a visitor, whom the day remembers",
        met=growth < AIM_GROWTH_MB,
    )
    facts = {"mb_by_visitors": found, "growth_mb": growth, "libraries_mb": libraries}
    return Result([row, more], facts)
