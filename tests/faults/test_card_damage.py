"""A spool file that a card has cut, flipped and zeroed at random places."""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from card_pages import SIZES, paged

from fakes import BOOT, FakeClock
from gatepost.model import (
    Direction,
    Draft,
    EpochRecord,
    FaultRecord,
    Reason,
    Record,
    ScanRecord,
    Trust,
    Verdict,
)
from gatepost.spool import Carried, Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.wire import decode_body

TRIALS = 100
EVENTS, DELIVERED, FOLDED = 300, 120, 220
RANDOM = random.Random("a card that rots")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def scan(size: int) -> Record:
    """A visitor, sealed as long as they are in the field; some are longer than a page."""
    sealed = "".join(RANDOM.choices(ALPHABET, k=size))
    return ScanRecord(
        Direction.IN, "door", "qr", "pc-covid", Trust.UNSIGNED, Verdict.ACCEPTED,
        Reason.RECORDED, sealed=sealed,
    )  # fmt: skip


@dataclass
class Victim:
    """A spool that a station left behind, and what was in it."""

    folder: Path
    epoch: str
    bodies: dict[int, bytes]

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.folder, to)
        return to / "spool.db"


def begin(folder: Path) -> Path:
    when = stamp(FakeClock(), BOOT)
    return prepare(folder, "gp-1", "site-1", when, allow_volatile=True)


def left(folder: Path, folded: int, page: int) -> Victim:
    """A station of `EVENTS` visitors that lost its power; its WAL was folded after `folded`."""
    path = paged(begin(folder / "live"), page)
    with Spool(path) as spool:
        for number in range(2, EVENTS + 1):
            size = RANDOM.choice([200, 900, 1400, 1400, 1900, 5000, 9000])
            spool.append(Draft(scan(size), stamp(FakeClock(), BOOT)))
            if number == DELIVERED:
                spool.delivered([(1, DELIVERED - 20)])
                spool.persist()
                spool.delivered([(DELIVERED - 10, DELIVERED)])
                spool.persist()
            if number == folded:
                spool.tidy()
        bodies = {kept.sequence: kept.body for kept in spool.range(1, EVENTS)}
        if folded == EVENTS:
            spool.fold()
        (folder / "dead").mkdir()
        for name in ("spool.db", "spool.db-wal"):
            shutil.copyfile(folder / "live" / name, folder / "dead" / name)
    return Victim(folder / "dead", spool.epoch, bodies)


@pytest.fixture(scope="module", params=SIZES)
def victims(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Victim]:
    """All in the WAL; half of it; nothing of it, and no WAL. With pages of either size."""
    folded = {"wal": 0, "half": FOLDED, "file": EVENTS}
    folders = {name: tmp_path_factory.mktemp(name) for name in folded}
    return {name: left(folders[name], at, request.param) for name, at in folded.items()}


def cut(path: Path, chance: random.Random) -> str:
    size = path.stat().st_size
    os.truncate(path, chance.randrange(size))
    return "cut"


def flip(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(content))
    return "flipped"


def zero(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 2, 4])):
        length = min(chance.choice([1, 512, 4096, 16384, 65536]), len(content))
        at = chance.randrange(len(content) - length + 1)
        at = at - at % 512 if chance.random() < 0.5 else at
        content[at : at + length] = bytes(len(content[at : at + length]))
    path.write_bytes(bytes(content))
    return "zeroed"


def head_zeroed(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    length = chance.choice([16, 100, 4096, 8192])
    content[:length] = bytes(len(content[:length]))
    path.write_bytes(bytes(content))
    return "head zeroed"


HURTS = (cut, flip, flip, zero, zero, head_zeroed)


def held(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    """Everything that the station has after it started: of its spool, and carried."""
    with Spool(folder / "spool.db") as spool:
        for kept in spool.range(1, spool.newest()):
            yield spool.epoch, kept.sequence, kept.body
    carried = Carried(folder)
    for bundle in carried.bundles:
        for kept in bundle.range(1, EVENTS):
            yield bundle.header.epoch, kept.sequence, kept.body


def unproved(spool: Spool) -> int:
    """How many of the events that were read out nothing proves, as the station tells it."""
    told = decode_body(next(spool.range(2, 2)).body).record
    assert isinstance(told, FaultRecord)
    assert (told.part, told.state) == ("spool", "failed")
    found = re.search(r"(\d+) not proved", told.detail)
    return int(found[1]) if found else 0


@pytest.mark.timeout(180)
def test_a_station_starts_with_any_damage_and_invents_nothing(
    victims: dict[str, Victim], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random("some hundred cuts, flips and zeroings")
    told: Counter[str] = Counter()
    for number in range(TRIALS):
        victim = chance.choice(list(victims.values()))
        folder = tmp_path / str(number)
        path = victim.copy(folder)
        wal = path.with_name("spool.db-wal")
        target = wal if wal.stat().st_size > 0 and chance.random() < 0.5 else path
        hurt = f"{chance.choice(HURTS)(target, chance)} {target.name}"
        begin(folder)
        own = {sequence: body for epoch, sequence, body in held(folder) if epoch == victim.epoch}
        wrong = [sequence for sequence, body in own.items() if body != victim.bodies[sequence]]
        with Spool(path) as spool:
            aside = spool.epoch != victim.epoch
            first = decode_body(next(spool.range(1, 1)).body).record
            assert isinstance(first, EpochRecord)
            assert first.cause == ("spool-damaged" if aside else "first-start")
            if own:
                assert len(wrong) <= (unproved(spool) if aside else 0)
            spool.append(Draft(scan(500), stamp(FakeClock(), BOOT)))
            assert spool.verify() == spool.newest()
        lost = EVENTS - len(own)
        told[f"{hurt}: kept"] += len(own)
        told[f"{hurt}: lost"] += lost
        told["wrong, and told as not proved"] += len(wrong)
        if lost and not aside:  # a file that ends early may have ended there
            assert hurt == "cut spool.db-wal"
        shutil.rmtree(folder)
    record_property("damage", dict(told))
    assert told["head zeroed spool.db: lost"] == 0
    assert told["flipped spool.db-wal: lost"] * 100 < told["flipped spool.db-wal: kept"]
    assert told["wrong, and told as not proved"] <= TRIALS // 25
