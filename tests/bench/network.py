"""What a station notices of a bad network, how soon, and that all is delivered afterwards.

    make bench-network                                    some ten minutes
    make bench-network ARGS="--quick"                     shorter faults, a smaller day
    make bench-network ARGS="--only 'one way' --json out/network.json"

The real uplink, spool and driver deliver over TLS to mosquitto through a wire between network
namespaces (loss, delay and baud are made by carrying the frames by hand: netem is not in every
kernel), or through a relay where the broker itself is bad. A central server must be able to prove
that it has everything. Exit status: 0 it could each time, 1 not, 2 it cannot be run here.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from network_day import day_offline
from network_ground import Centre, Post, proved
from network_relay import Relay, Way
from network_wire import FAR, GOOD, Line, Wire, why_not

from brokers import HOST, MOSQUITTO, mosquitto, mosquitto_at
from dated import Fleet
from gatepost.central.findings import FindingKind
from gatepost.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PORT = 8883
_BAUD_BYTES_S = 960.0  # 9,600 baud, 8N1
_CAP_S = 2.0


@dataclass(frozen=True)
class Fault:
    """A fault: how it begins and ends, how long it lasts, and how many events meet it."""

    name: str
    line: Line | None = None
    way: Way | None = None
    cable: bool = False
    garbles: bool = False
    lasts_s: float = 0.0  # 0: as long as was asked for
    every_s: float = 0.5  # an event
    expected: Problem | None = None  # what must be told; None: the session may go on


@dataclass(frozen=True)
class Row:
    """What came of it; seconds. `noticed_s` None: the session went on."""

    fault: str
    lasted_s: float
    noticed_s: float | None
    problems: str
    delivered_meanwhile: int
    events: int
    delivered_s: float
    duplicates: int


FAULTS = (
    Fault("cut, both ways", Line(up=False, down=False), expected=Problem.KEEP_ALIVE),
    Fault("cut one way: ours do not arrive", Line(up=False), expected=Problem.KEEP_ALIVE),
    Fault("cut one way: theirs do not arrive", Line(down=False), expected=Problem.KEEP_ALIVE),
    Fault("cable pulled", cable=True, expected=Problem.UNREACHABLE),
    Fault("40 % loss", Line(loss=0.4)),
    Fault("3 s delay (round trip)", Line(delay_s=1.5)),
    Fault("9,600 baud", Line(bytes_per_s=_BAUD_BYTES_S), every_s=2.0),
    Fault(
        "broker accepts and never answers", way=Way.SILENT, garbles=True, expected=Problem.SILENT
    ),
    Fault("broker answers garbage", way=Way.GARBAGE, garbles=True, expected=Problem.NOT_MQTT),
    Fault("broker closes after CONNECT", way=Way.CLOSE, garbles=True, expected=Problem.CLOSED),
    Fault("garbage in mid-session", garbles=True, expected=Problem.NOT_MQTT),
    Fault(
        "broker acknowledges nothing",
        way=Way.MUTE,
        garbles=True,
        lasts_s=40.0,
        expected=Problem.UNACKNOWLEDGED,
    ),
)


@dataclass(frozen=True)
class _Ground:
    post: Post
    centre: Centre
    begin: Callable[[], None]
    end: Callable[[], None]


@contextmanager
def _ground(folder: Path, fault: Fault, keepalive_s: int) -> Iterator[_Ground]:
    with ExitStack() as stack:
        enter = stack.enter_context
        kept = folder / "data"
        if fault.line or fault.cable:
            files = Fleet(folder).files(hosts=(FAR,))
            wire = enter(Wire())
            enter(mosquitto_at(folder, wire.far, FAR, _PORT, files))
            centre = enter(Centre(files, FAR, _PORT, place=wire.at_far))
            post = Post(
                kept,
                files,
                FAR,
                _PORT,
                place=wire.at_near,
                keepalive_s=keepalive_s,
                cap_s=_CAP_S,
                answer_s=10,
            )

            def begin() -> None:
                wire.line = fault.line or GOOD
                if fault.cable:
                    wire.pull()

            def end() -> None:
                wire.line = GOOD
                if fault.cable:
                    wire.plug()

        else:
            files = Fleet(folder).files()
            running = enter(mosquitto(folder, extra=["max_queued_messages 0"]))
            relay = enter(Relay(running.port))
            centre = enter(Centre(files, HOST, running.port, tls=False))
            post = Post(
                kept, files, HOST, relay.port, tls=False, keepalive_s=keepalive_s, cap_s=_CAP_S
            )

            def begin() -> None:
                relay.way = fault.way or Way.PASS
                if fault.garbles:
                    relay.garble()

            def end() -> None:
                relay.way = Way.PASS

        yield _Ground(enter(post), centre, begin, end)


def stage(folder: Path, fault: Fault, keepalive_s: int, lasts_s: float) -> Row:
    """Stage one fault. Raises AssertionError when something is missing at its end."""
    with _ground(folder, fault, keepalive_s) as ground:
        post, centre = ground.post, ground.centre
        first = post.add(10)
        assert centre.until(lambda: len(centre.seen) == first), post.broker.problems()
        lasts = fault.lasts_s or lasts_s
        begun = time.monotonic()
        ground.begin()
        newest = first
        while time.monotonic() - begun < lasts:
            newest = post.add(1)
            threading.Event().wait(fault.every_s)
        meanwhile = len(centre.seen) - first
        told = list(post.broker.told)
        lasted = time.monotonic() - begun
        ground.end()
        ended = time.monotonic()
        assert centre.until(lambda: len(centre.seen) >= newest, 180), (len(centre.seen), newest)
        delivered_s = time.monotonic() - ended
        noticed = [
            at for at, error in told if error.problem is fault.expected or not fault.expected
        ]
        assert noticed or not fault.expected, f"{fault.expected} was not told: {told}"
        problems = ", ".join(dict.fromkeys(str(error.problem) for _, error in told))
        proved(post, centre, newest)
        return Row(
            fault=fault.name,
            lasted_s=lasted,
            noticed_s=noticed[0] - begun if noticed else None,
            problems=problems or "none",
            delivered_meanwhile=meanwhile,
            events=newest - first,
            delivered_s=delivered_s,
            duplicates=centre.count(FindingKind.DUPLICATE),
        )


def main() -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args()
    if MOSQUITTO is None:
        _say("skipped: install mosquitto")
        return 2
    no_wire = why_not()
    keepalive_s, lasts_s, events = (8, 16.0, 5_000) if asked.quick else (10, 30.0, 50_000)
    rows, good = [], True
    with tempfile.TemporaryDirectory("-gatepost-network", dir=asked.folder) as folder:
        for number, fault in enumerate(FAULTS):
            if asked.only and asked.only not in fault.name:
                continue
            if no_wire and (fault.line or fault.cable):
                _say(f"skipped: {fault.name}: {no_wire}")
                continue
            place = Path(folder) / str(number)
            place.mkdir()
            try:
                rows.append(stage(place, fault, keepalive_s, lasts_s))
                _say(_line(rows[-1]))
            except AssertionError as error:
                good = False
                _say(f"FAILED: {fault.name}: {error}")
        day = None
        if not asked.only or asked.only in "day offline":
            day = day_offline(Path(folder) / "day", events)
            _say(day.line())
    if asked.json:
        told = {"keepalive_s": keepalive_s, "rows": [asdict(row) for row in rows]}
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({**told, "day": asdict(day) if day else None}, indent=2))
    return 0 if good else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _line(row: Row) -> str:
    noticed = "it held" if row.noticed_s is None else f"{row.noticed_s:.1f} s"
    return (
        f"| {row.fault:<33} | lasted {row.lasted_s:.0f} s | noticed after {noticed} | "
        f"{row.problems} | {row.delivered_meanwhile} of {row.events} meanwhile | all "
        f"{row.delivered_s:.1f} s after its end | {row.duplicates} duplicates |"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short faults, a small day")
    parser.add_argument("--only", default="", metavar="WORDS", help="faults named like this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every number too")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to work")
    return parser


if __name__ == "__main__":
    sys.exit(main())
