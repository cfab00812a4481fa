"""What keeping an event costs: flushes, time beside bare writing, bytes written to the card."""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS / "faults")]

from ground import SITE, STATION, Ground  # noqa: E402  (the folder of the rig first)
from records import Hand  # noqa: E402
from report import Result, Row, file_system, machine, spread, table  # noqa: E402

from gatepost.clock import SystemClock, boot_id  # noqa: E402
from gatepost.codes import recognise  # noqa: E402
from gatepost.demo.authority import make_authority  # noqa: E402
from gatepost.demo.tally import percentile  # noqa: E402
from gatepost.demo.tearing import Tearing, TearingError, mounted, unavailable  # noqa: E402
from gatepost.demo.visitors import make_visitors  # noqa: E402
from gatepost.model import (  # noqa: E402
    Direction,
    Draft,
    Scan,
    ScanRecord,
    Trust,
    Verdict,
)
from gatepost.sealing import Sealer, load_public_key, understood  # noqa: E402
from gatepost.spool import Spool, prepare  # noqa: E402
from gatepost.timekeeping import stamp  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatepost.demo.authority import AuthorityFiles

AIM_MORE_MS, AIM_BYTES = 2.0, 14 * 1024
SLOW_MS = {5: 400, 20: 200, 100: 100}  # how long a flush takes: how many events
QUICK_SLOW_MS = {5: 150, 20: 100, 100: 20}
EVENTS, QUICK_EVENTS = 1000, 200
ROUNDS, QUICK_ROUNDS = 7, 3
CARD_EVENTS, QUICK_CARD_EVENTS = 3000, 600
_COUNTED = 200
_WORTH_EVENTS, _LONG_WAL_EVENTS = 64, 500  # as in deciding
_CALLS = "trace=fsync,fdatasync,sync_file_range,msync,sync,syncfs"


def drafts(files: AuthorityFiles, count: int) -> list[Draft]:
    """Scans of the demo's visitors as deciding records them, sealed, ready to be appended."""
    clock, sealer = SystemClock(), Sealer(load_public_key(files.sealing_public))
    texts = [visitor.text for visitor in make_visitors(min(count, 100), 1)]
    return [_draft(texts[number % len(texts)], clock, sealer) for number in range(count)]


def _draft(text: str, clock: SystemClock, sealer: Sealer) -> Draft:
    when = stamp(clock, boot_id())
    scan = Scan(text.encode(), text, "qr", "door", Direction.AUTO, clock.boottime())
    code = recognise(text)
    record = ScanRecord(
        direction=Direction.IN,
        reader="door",
        symbology="qr",
        kind=code.kind.value,
        trust=Trust.UNSIGNED,
        verdict=Verdict.ACCEPTED,
        reason="kind-accepted",
        sealed=sealer.seal(understood(scan, code, STATION, when)),
    )
    return Draft(record, when)


def run(ground: Ground) -> Result:
    """Flushes an event, time beside bare writing on a slow and on the plain card, bytes."""
    folder = ground.room("spool")
    files = make_authority(folder / "keys", STATION)
    result = Result([], {})
    parts: list[Callable[[Ground, Path, AuthorityFiles], Result]] = [plain, written]
    why = unavailable()
    if why:
        ground.say(f"spool: not on a slow card: {why}")
    else:
        parts.insert(0, slow)
    if shutil.which("strace"):
        parts.insert(0, traced)
    rows: list[Row] = []
    for part in parts:
        found = part(ground, folder, files)
        rows += found.rows
        result.facts.update(found.facts)
    return Result(rows, result.facts)


def _new(folder: Path) -> Path:
    return prepare(folder, STATION, SITE, stamp(SystemClock(), boot_id()))


# Flushes, by the kernel's own word.


def traced(ground: Ground, folder: Path, _files: AuthorityFiles) -> Result:
    """What strace counts of a process that appends events, less one that appends none."""
    ground.say("spool: counting flushes")
    none, many = (_flushes(folder / f"traced-{count}", count) for count in (1, 1 + _COUNTED))
    row = Row(
        what=f"flushes (fsync, fdatasync ...) for {_COUNTED} events, by strace",
        aim=f"{_COUNTED}: one an event",
        measured=f"{many - none}",
        beside="",
        met=many - none == _COUNTED,
    )
    return Result([row], {"flushes_traced": many - none, "events_traced": _COUNTED})


def _flushes(folder: Path, count: int) -> int:
    out = folder.with_suffix(".strace")
    appending = [sys.executable, __file__, "--append", str(count), str(folder)]
    subprocess.run(["strace", "-f", "-e", _CALLS, "-o", str(out), *appending], check=True)
    return sum("sync(" in line or "sync_" in line for line in out.read_text().splitlines())


def append(folder: Path, count: int) -> None:
    """What is traced: a new spool and so many events."""
    clock = SystemClock()
    record = ScanRecord(
        Direction.IN, "door", "qr", "qid", Trust.UNSIGNED, Verdict.ACCEPTED, "kind-accepted", "x"
    )
    with Spool(_new(folder)) as spool:
        for _ in range(count):
            spool.append(Draft(record, stamp(clock, boot_id())))


# A slow card: our file system lets every flush take its time.


def slow(ground: Ground, folder: Path, files: AuthorityFiles) -> Result:
    """Append beside a bare write and flush of the same bytes, one after the other."""
    rows, facts = [], {}
    try:
        with mounted(folder / "mount") as tearing:
            for flush_ms, count in (QUICK_SLOW_MS if ground.quick else SLOW_MS).items():
                ground.say(f"spool: {count} events while a flush takes {flush_ms} ms")
                found = _slowly(tearing, flush_ms, drafts(files, count + 1))
                rows.append(_slow_row(flush_ms, found))
                facts[f"flush_{flush_ms}_ms"] = found
    except TearingError as error:
        ground.say(f"spool: not on a slow card: {error}")
    return Result(rows, facts)


def _slowly(tearing: Tearing, flush_ms: int, given: list[Draft]) -> dict[str, Any]:
    name = tearing.name()
    disk = tearing.disk(name)
    found: dict[str, Any] = {"append_ms": [], "bare_ms": []}
    with Spool(_new(disk)) as spool, (disk / "bare").open("wb", buffering=0) as bare:
        spool.append(given[0])  # begins the WAL
        before = tearing.counts(name)
        tearing.slow(flush_ms / 1000)
        for draft in given[1:]:
            at = sum(each.bytes for file, each in tearing.counts(name).items() if file != "bare")
            found["append_ms"].append(_took_ms(partial(spool.append, draft)))
            now = sum(each.bytes for file, each in tearing.counts(name).items() if file != "bare")
            same = os.urandom(now - at)
            found["bare_ms"].append(_took_ms(partial(_write, bare, same, os.fsync)))
        tearing.slow(0)
        counts = tearing.counts(name)
    bare_flushes = counts.pop("bare").flushes
    flushes = {file: each.flushes for file, each in counts.items()}
    earlier = {file: each.flushes for file, each in before.items()}
    found["flushes"] = sum(flushes.values()) - sum(earlier.get(file, 0) for file in flushes)
    found["bare_flushes"] = bare_flushes
    return found


def _slow_row(flush_ms: int, found: dict[str, Any]) -> Row:
    ours, bare = found["append_ms"], found["bare_ms"]
    more = percentile(ours, 0.99) - percentile(bare, 0.99)
    found["p99_more_ms"] = more
    count = len(ours)
    return Row(
        what=f"append while a flush takes {flush_ms} ms, p50 / p99 of {count}",
        aim=f"p99 <= bare p99 + {AIM_MORE_MS:g} ms, {count} flushes",
        measured=f"{_two(ours)} ms: {more:+.2f} ms; {found['flushes']} flushes",
        beside=f"bare write and fsync of the same bytes {_two(bare)} ms",
        met=more <= AIM_MORE_MS and found["flushes"] == count,
    )


def _two(values: Sequence[float]) -> str:
    return f"{median(values):.2f} / {percentile(values, 0.99):.2f}"


def _took_ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _write(file: Any, data: bytes, flush: Callable[[int], None]) -> None:
    file.write(data)
    flush(file.fileno())


# The plain card: events a second.


def plain(ground: Ground, folder: Path, files: AuthorityFiles) -> Result:
    """Append, bare SQLite and a bare file, in turns, each with the same bodies."""
    events = QUICK_EVENTS if ground.quick else EVENTS
    rounds = QUICK_ROUNDS if ground.quick else ROUNDS
    ground.say(f"spool: {rounds} rounds of {events} events on the plain card")
    given = drafts(files, events)
    rates: dict[str, list[float]] = {"spool": [], "sqlite": [], "file": []}
    sizes: list[int] = []
    for number in range(rounds):
        where = folder / f"plain-{number}"
        rate, bodies = _spool_rate(where, given)
        sizes += map(len, bodies)
        rates["spool"].append(rate)
        rates["sqlite"].append(_sqlite_rate(where / "bare.db", bodies))
        rates["file"].append(_file_rate(where / "bare", bodies))
        shutil.rmtree(where)
    row = Row(
        what=f"append on {file_system(folder)}, bodies of {median(sizes):,.0f} bytes",
        aim="",
        measured=f"{spread(rates['spool'])} events/s",
        beside=f"bare SQLite (WAL, FULL) {spread(rates['sqlite'])}/s; bare file and fdatasync "
        f"{spread(rates['file'])}/s; of them {_share(rates, 'sqlite')} and {_share(rates, 'file')}",
    )
    return Result([row], {"events_per_s": rates, "body_bytes": median(sizes)})


def _share(rates: dict[str, list[float]], of: str) -> str:
    return f"{median(a / b for a, b in zip(rates['spool'], rates[of], strict=True)):.2f}"


def _spool_rate(folder: Path, given: list[Draft]) -> tuple[float, list[bytes]]:
    with Spool(_new(folder)) as spool:
        begun = time.perf_counter()
        bodies = [spool.append(draft).body for draft in given]
        return len(given) / (time.perf_counter() - begun), bodies


def _sqlite_rate(path: Path, bodies: list[bytes]) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("CREATE TABLE event (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
    begun = time.perf_counter()
    for sequence, body in enumerate(bodies):
        database.execute("INSERT INTO event VALUES (?, ?)", (sequence, body))
    rate = len(bodies) / (time.perf_counter() - begun)
    database.close()
    return rate


def _file_rate(path: Path, bodies: list[bytes]) -> float:
    with path.open("wb", buffering=0) as file:
        begun = time.perf_counter()
        for body in bodies:
            _write(file, body, os.fdatasync)
        return len(bodies) / (time.perf_counter() - begun)


# Bytes written to the card, delivery included.


@dataclass(frozen=True)
class Day:
    """How visitors come: what is delivered is written after so many, the WAL moved after so many.

    Written every ten seconds at most; moved in a pause of two seconds after 64, else after 500.
    """

    name: str
    persist: int
    tidy: int


DAYS = (
    Day("10 a second without a pause", 100, _LONG_WAL_EVENTS),
    Day("one a second without a pause", 10, _LONG_WAL_EVENTS),
    Day("one each five seconds", 2, _WORTH_EVENTS),
)


def written(ground: Ground, folder: Path, files: AuthorityFiles) -> Result:
    """Bytes that the kernel says this process had written, an event."""
    count = QUICK_CARD_EVENTS if ground.quick else CARD_EVENTS
    rows, facts = [], {}
    for number, day in enumerate(DAYS):
        ground.say(f"spool: bytes written, {day.name}")
        each = _written(folder / f"written-{number}", files, day, count)
        row = Row(
            what=f"written to the card an event, delivery included: {day.name}",
            aim=f"< {AIM_BYTES / 1024:g} KiB",
            measured=f"{each / 1024:.1f} KiB",
            beside=f"{count:,} events; /proc/self/io, whole pages, the file system's own left out",
            met=each < AIM_BYTES,
        )
        rows.append(row)
        facts[f"written_{day.persist}_{day.tidy}"] = each
    return Result(rows, facts)


def _written(folder: Path, files: AuthorityFiles, day: Day, count: int) -> float:
    """The real deciding, and what the uplink does with the spool, from its own connection."""
    hand = Hand(folder, files)
    texts = [visitor.text for visitor in make_visitors(100, 1)]
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    with Spool(hand.path) as deciding, Spool(hand.path) as uplink:
        before = _write_bytes()
        for number in range(1, count + 1):
            hand.take(texts[number % len(texts)], deciding)
            for kept in uplink.pending("newest", 20):
                arrived.put(kept.sequence)
                uplink.sent([(kept.sequence, kept.sequence)])
                uplink.delivered([(kept.sequence, kept.sequence)])
            if number % day.persist == 0:
                uplink.persist()
            if number % day.tidy == 0:
                deciding.tidy()
        deciding.tidy()
        return (_write_bytes() - before) / arrived.qsize()


def _write_bytes() -> int:
    told = Path("/proc/self/io").read_text("ascii")
    return int(told.partition("\nwrite_bytes: ")[2].split()[0])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/spool.py",
        description="Measure what keeping an event costs; print one Markdown table.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer events, rougher")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on the disk to be measured")
    parser.add_argument("--append", nargs=2, metavar=("N", "DIR"), help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0, also where an aim was missed: the table says so."""
    options = _parser().parse_args(arguments)
    if options.append:
        append(Path(options.append[1]), int(options.append[0]))
        return 0
    with tempfile.TemporaryDirectory("-gatepost-spool", dir=options.folder) as name:
        ground = Ground(Path(name).absolute(), options.quick, _say)
        on = machine(ground.folder)
        result = run(ground)
    sys.stdout.write(f"{table(result.rows)}\n\nMeasured on {on}.\n")
    if options.json:
        told = {"machine": on, "rows": [row.cells() for row in result.rows], **result.facts}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
