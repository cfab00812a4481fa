import dataclasses
import json
import sqlite3
from pathlib import Path

import pytest

from fakes import BOOT
from gatepost.errors import SpoolDamaged, SpoolFull
from gatepost.model import Draft, FaultRecord, Stamp
from gatepost.spool import Limits, Look, Spool, migrating, prepare

DAY_US = 86_400_000_000
MIB = 1024 * 1024


def at(days: float, *, synchronised: bool = True, seconds: float = 0.0) -> Stamp:
    wall = 1_790_000_000_000_000 + round(days * DAY_US)
    return Stamp(BOOT, round(seconds * 1_000_000), wall, synchronised, 0)


def draft(when: Stamp, size: int = 10) -> Draft:
    return Draft(FaultRecord("test", "failed", "x" * size), when)


def begun(folder: Path) -> Path:
    return prepare(folder, "gp-1", "site-1", at(0), allow_volatile=True)


def filled(path: Path, events: int, day: float = 0, *, synchronised: bool = True) -> None:
    """`events` in one flush."""
    with Spool(path) as spool:
        spool._database.execute("BEGIN")
        for _ in range(events):
            spool.append(draft(at(day, synchronised=synchronised)))
        spool._database.execute("COMMIT")


def fill(spool: Spool) -> None:
    for _ in range(5000):
        spool.append(draft(at(0), 1500))


def purge_all(spool: Spool, when: Stamp) -> int:
    gone, seconds = 0, when.boot_us
    for turn in range(100):
        gone += spool.purge(dataclasses.replace(when, boot_us=seconds + turn * 700_000_000))
    return gone


def test_what_is_delivered_and_too_old_goes_and_nothing_else(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 1500, day=0)
    filled(path, 1500, day=10)
    with Spool(path, Limits(5, 0, 0)) as spool:
        spool.delivered([(1, 700), (800, 2900)])
        spool.persist()
        assert purge_all(spool, at(12)) == 700 + 702  # event 1 and 1,500 are of the first day
        assert [kept.sequence for kept in spool.range(1, 1502)] == [*range(701, 800), 1502]
        assert spool.verify() == 3001 - 1402
        assert spool.undelivered() == [(701, 799), (2901, 3001)]
        assert [each.sequence for each in spool.pending("oldest", 1)] == [701]


def test_a_wild_clock_does_not_empty_the_spool(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 1999)
    with Spool(path, Limits(5, 0, 0)) as spool:
        spool.delivered([(1, 2000)])
        spool.persist()
        assert purge_all(spool, at(9000, synchronised=False)) == 0
        assert purge_all(spool, at(9000)) == 1000
        assert spool.held() == (1000, 1001)


def test_an_event_of_an_unknown_time_is_as_old_as_the_next_of_a_known_one(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 999, day=0)
    filled(path, 500, day=-5000, synchronised=False)  # 1,001 to 1,500; the time came later
    filled(path, 1500, day=10)
    with Spool(path, Limits(5, 0, 0)) as spool:
        spool.delivered([(1, 3000)])
        spool.persist()
        assert purge_all(spool, at(12)) == 1000
        assert spool.held() == (2000, 1001)


def test_beyond_its_bytes_delivered_events_go_and_then_it_refuses(tmp_path: Path) -> None:
    path = begun(tmp_path)
    with Spool(path, Limits(14, MIB, 0)) as spool:
        with pytest.raises(SpoolFull, match="1 MiB"):
            fill(spool)
        newest = spool.newest()
        assert 300 < newest < 700
        assert spool.used() <= MIB
        assert spool.verify() == newest
        spool.delivered([(1, newest)])
        spool.persist()
        for number in range(1, 501):
            assert spool.append(draft(at(0), 1500)).sequence == newest + number
            if number % 100 == 0:
                spool.delivered([(1, newest + number)])
                spool.persist()
        assert spool.used() <= MIB + 65536
        assert spool.verify() == spool.held()[0]


def test_what_is_not_delivered_never_goes(tmp_path: Path) -> None:
    path = begun(tmp_path)
    with Spool(path, Limits(1, MIB, 0)) as spool:
        with pytest.raises(SpoolFull):
            fill(spool)
        newest = spool.newest()
        assert purge_all(spool, at(5000)) == 0
        assert spool.held() == (newest, 1)


def test_sent_is_not_sent_again_and_not_delivered(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 9)
    with Spool(path) as spool:
        spool.sent([(1, 6)])
        spool.delivered([(2, 3), (9, 9)])
        assert [each.sequence for each in spool.pending("oldest", 9)] == [7, 8, 10]
        assert (spool.depth(), spool.unsent()) == (7, 3)
    with Spool(path) as spool:
        assert (spool.depth(), spool.unsent()) == (7, 3)


def test_ranges_of_events_that_are_yet_to_come_are_not_believed(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 4)
    with Spool(path) as spool:
        spool.delivered([(3, 10**12)])
        spool.sent([(-7, 1)])
        spool.persist()
        spool.append(draft(at(0)))
        assert spool.undelivered() == [(1, 2), (6, 6)]
    with Spool(path) as spool:
        assert [each.sequence for each in spool.pending("oldest", 9)] == [2, 6]


def test_a_delivered_line_that_rots_is_damage(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 20)
    with Spool(path) as spool:
        spool.delivered([(1, 5)])
    database = sqlite3.connect(path)
    database.execute("UPDATE note SET value = replace(value, '1-5', '1-9')")
    database.commit()
    database.close()
    with pytest.raises(SpoolDamaged, match="checksum"), Spool(path):
        pass


def test_two_connections_never_take_back_what_is_delivered(tmp_path: Path) -> None:
    path = begun(tmp_path)
    filled(path, 20)
    with Spool(path) as one, Spool(path) as other:
        one.delivered([(1, 5)])
        one.persist()
        other.delivered([(8, 9)])
        other.persist()
    with Spool(path) as spool:
        assert spool.delivered_ranges() == [(1, 5), (8, 9)]


def test_whole_numbers_are_remembered(tmp_path: Path) -> None:
    path = begun(tmp_path)
    with Spool(path) as spool:
        assert spool.recall("floor_us") is None
        spool.remember("floor_us", 2**52)
        assert spool.recall("floor_us") == 2**52
    with Spool(path) as spool:
        assert spool.recall("floor_us") == 2**52


FIRST = """
CREATE TABLE spool (epoch TEXT NOT NULL, source TEXT NOT NULL, site TEXT NOT NULL) STRICT;
CREATE TABLE event (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE delivered (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
PRAGMA application_id = 1196445523;
PRAGMA user_version = 1;
"""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A file as gatepost 0.2 left it."""
    path = begun(tmp_path / "new")
    filled(path, 9)
    old = tmp_path / "old" / "spool.db"
    old.parent.mkdir()
    with Spool(path) as spool:
        database = sqlite3.connect(old)
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(FIRST)
        database.execute("INSERT INTO spool VALUES (?, 'gp-1', 'site-1')", (spool.epoch,))
        for kept in spool.range(1, 10):
            database.execute("INSERT INTO event VALUES (?, ?)", (kept.sequence, kept.body))
        database.execute("INSERT INTO delivered VALUES (1, 4), (7, 7), (8, 5000)")
        database.commit()
        database.close()
    return old


def test_a_file_of_version_1_is_brought_to_this_one(first: Path) -> None:
    with Look(first) as look:
        before = [kept.body for kept in look.range(1, 10)]
    assert begun(first.parent) == first
    with Spool(first) as spool:
        assert [kept.body for kept in spool.range(1, 10)] == before
        assert spool.undelivered() == [(5, 6)]
        assert spool.verify() == 10
        tables = spool._database.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall()
        assert tables == [("event",), ("note",), ("spool",)]


def test_a_look_at_version_1_changes_nothing(first: Path) -> None:
    before = first.read_bytes()
    with Look(first) as look:
        assert (look.version, look.old, look.verify(), look.depth()) == (1, True, 10, 2)
    assert first.read_bytes() == before


def test_a_cut_in_a_migration_leaves_the_version_that_was(first: Path) -> None:
    before = first.read_bytes()
    database = sqlite3.connect(first, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    migrating._STEPS[1](database)
    database.close()  # without a COMMIT, as after a cut
    assert first.read_bytes() == before
    begun(first.parent)
    with Spool(first) as spool:
        assert spool.undelivered() == [(5, 6)]


def test_a_damaged_file_of_version_1_is_carried_over(first: Path) -> None:
    content = bytearray(first.read_bytes())
    content[:100] = bytes(100)
    first.write_bytes(bytes(content))
    begun(first.parent)
    with Spool(first) as spool:
        told = json.loads(next(spool.range(2, 2)).body)
    assert "10 of 10 events read out" in told["detail"]
