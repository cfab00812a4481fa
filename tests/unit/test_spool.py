import os
import sqlite3
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import BOOT, FakeClock
from gatepost.errors import SpoolDamaged, SpoolError, SpoolForeign, SpoolFull, SpoolVersion
from gatepost.model import Draft, EpochRecord, FaultRecord
from gatepost.spool import VERSION, Spool, locked, prepare, suspecting
from gatepost.spool.database import connect
from gatepost.timekeeping import stamp
from gatepost.wire import NO_HASH, body_hash, decode_body


def draft(number: int = 0) -> Draft:
    return Draft(FaultRecord("test", "failed", f"number {number}"), stamp(FakeClock(), BOOT))


def fill(spool: Spool) -> None:
    for number in range(100):
        spool.append(draft(number))


def fresh(folder: Path) -> Path:
    return prepare(folder, "gp-1", "site-1", stamp(FakeClock(), BOOT), allow_volatile=True)


def test_a_new_spool_begins_with_its_epoch(tmp_path: Path) -> None:
    with Spool(fresh(tmp_path / "new" / "folder")) as spool:
        (first,) = spool.range(1, 10)
        event = decode_body(first.body)
        assert (event.sequence, event.previous, event.source) == (1, NO_HASH, "gp-1")
        assert event.record == EpochRecord("first-start")
        assert event.epoch == spool.epoch


def test_events_form_a_chain(tmp_path: Path) -> None:
    with Spool(fresh(tmp_path)) as spool:
        kept = [spool.append(draft(n)) for n in range(5)]
        assert [each.sequence for each in kept] == [2, 3, 4, 5, 6]
        for before, after in pairwise(kept):
            assert decode_body(after.body).previous == body_hash(before.body)
        assert spool.verify() == 6
        assert spool.head().hash == body_hash(kept[-1].body)


def test_prepare_twice_keeps_the_epoch(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        spool.append(draft())
        epoch = spool.epoch
    assert fresh(tmp_path) == path
    with Spool(path) as spool:
        assert (spool.epoch, spool.head().sequence) == (epoch, 2)


def test_pending_from_both_ends_without_what_is_delivered_or_skipped(tmp_path: Path) -> None:
    with Spool(fresh(tmp_path)) as spool:
        for number in range(9):
            spool.append(draft(number))
        spool.delivered([(1, 3), (8, 8)])
        assert [k.sequence for k in spool.pending("oldest", 3)] == [4, 5, 6]
        assert [k.sequence for k in spool.pending("newest", 3)] == [10, 9, 7]
        assert [k.sequence for k in spool.pending("newest", 9, {10, 7, 4})] == [9, 6, 5]
        assert spool.depth() == 6


def test_delivered_survives_and_another_connection_sees_new_events(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as writer, Spool(path) as follower:
        writer.append(draft())
        assert [k.sequence for k in follower.pending("oldest", 9)] == [1, 2]
        follower.delivered([(1, 2)])
        follower.persist()
        writer.append(draft())
        assert [k.sequence for k in follower.pending("oldest", 9)] == [3]
    with Spool(path) as spool:
        assert spool.undelivered() == [(3, 3)]


def test_two_writers_cannot_fork_the_chain(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as one, Spool(path) as other:
        one.append(draft())
        with pytest.raises(SpoolError):
            other.append(draft(2))


def test_there_is_no_secondary_index_and_every_commit_is_flushed(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        rows = spool._database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        assert rows.fetchall() == []
        spool.delivered([(1, 1)])
        spool.persist()
        assert spool._database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert spool._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_another_version_is_left_as_it_is(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    database = connect(path)
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(SpoolVersion, match=f"schema {VERSION + 1}, made by a newer gatepost"):
        fresh(tmp_path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if "damaged" in each.name] == []


def test_a_station_that_moves_keeps_its_epoch(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        epoch = spool.epoch
    prepare(tmp_path, "gp-1", "site-2", stamp(FakeClock(), BOOT), allow_volatile=True)
    with Spool(path) as spool:
        assert (spool.epoch, decode_body(spool.append(draft()).body).site) == (epoch, "site-2")
        assert spool.verify() == 2


def test_another_stations_spool_is_refused(tmp_path: Path) -> None:
    fresh(tmp_path)
    with pytest.raises(SpoolForeign, match="belongs to station gp-1"):
        prepare(tmp_path, "gp-2", "site-1", stamp(FakeClock(), BOOT), allow_volatile=True)


def ruin_header(path: Path) -> None:
    path.write_bytes(b"this is not a database" + path.read_bytes()[22:])


def ruin_by_cutting(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def ruin_by_emptying(path: Path) -> None:
    os.truncate(path, 0)


def ruin_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    path.write_bytes(bytes(content))


def ruin_chain(path: Path) -> None:
    database = connect(path)
    database.execute("DELETE FROM event WHERE sequence = 30")
    database.close()


def ruin_body(path: Path) -> None:
    database = connect(path)
    database.execute("UPDATE event SET body = CAST(replace(body, 'number 7', 'number 8') AS BLOB)")
    database.close()


def ruin_tables(path: Path) -> None:
    database = connect(path)
    database.execute("DROP TABLE note")
    database.close()


def ruin_epoch(path: Path) -> None:
    database = connect(path)
    database.execute("DELETE FROM spool")
    database.close()


@pytest.mark.parametrize(
    "ruin",
    [
        ruin_header,
        ruin_by_cutting,
        ruin_by_emptying,
        ruin_middle,
        ruin_chain,
        ruin_body,
        ruin_tables,
        ruin_epoch,
    ],
)
def test_a_damaged_file_is_set_aside_and_an_event_says_so(tmp_path: Path, ruin: object) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        for number in range(60):
            spool.append(draft(number))
        epoch = spool.epoch
        spool.fold()
    ruin(path)  # type: ignore[operator]
    ruined = path.read_bytes()
    fresh(tmp_path)
    with Spool(path) as spool:
        record = decode_body(next(spool.range(1, 1)).body).record
        assert isinstance(record, EpochRecord)
        assert record.cause == "spool-damaged"
        assert spool.epoch != epoch
        if record.former_epoch:
            assert (record.former_epoch, record.former_sequence) == (epoch, 61)
    (aside,) = (p for p in tmp_path.iterdir() if "damaged" in p.name and p.suffix[-1].isdigit())
    assert aside.read_bytes() == ruined


def test_whoever_waits_is_told_before_what_may_take_minutes(tmp_path: Path) -> None:
    asked: list[str] = []

    def start() -> None:
        when = stamp(FakeClock(), BOOT)
        slow = partial(asked.append, "slow")
        prepare(tmp_path, "gp-1", "site-1", when, allow_volatile=True, slow=slow)

    start()
    start()
    assert asked == []
    (tmp_path / "spool.db.suspect").touch()
    start()
    assert asked == ["slow"]
    ruin_header(tmp_path / "spool.db")
    start()
    assert asked == ["slow", "slow"]


def test_a_full_card_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        spool.append(draft())
        spool.fold()
        pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
        spool._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolFull):
            fill(spool)
        newest = spool.head().sequence
        spool._database.execute("PRAGMA max_page_count = 100000")
        assert spool.append(draft()).sequence == newest + 1
        assert spool.verify() == newest + 1


def test_a_missing_spool_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="there is no spool"), Spool(tmp_path / "spool.db"):
        pass


def test_a_cut_while_the_first_spool_was_made_leaves_no_half_one(tmp_path: Path) -> None:
    (tmp_path / "spool.db.new").write_bytes(b"half")
    with Spool(fresh(tmp_path)) as spool:
        assert spool.verify() == 1


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_flipped_byte_of_a_body_is_found(data: st.DataObject, tmp_path_factory: object) -> None:
    folder = tmp_path_factory.mktemp("spool")  # type: ignore[attr-defined]
    path = fresh(folder)
    with Spool(path) as spool:
        kept = [spool.append(draft(n)) for n in range(3)]
    victim = data.draw(st.sampled_from(kept[:-1]))
    place = data.draw(st.integers(0, len(victim.body) - 1))
    body = bytearray(victim.body)
    body[place] ^= data.draw(st.integers(1, 255))
    database = sqlite3.connect(path)
    database.execute("UPDATE event SET body = ? WHERE sequence = ?", (bytes(body), victim.sequence))
    database.commit()
    database.close()
    with Spool(path) as spool, pytest.raises(SpoolDamaged):
        spool.verify()


def test_damage_that_a_worker_met_is_looked_for_at_the_next_start(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        for number in range(2100):
            spool.append(draft(number))
    database = connect(path)
    database.execute("UPDATE event SET body = x'00' WHERE sequence = 20")  # beyond the tail
    database.close()
    fresh(tmp_path)
    with Spool(path) as spool, pytest.raises(SpoolDamaged), suspecting(path):
        spool.verify()
    fresh(tmp_path)
    with Spool(path) as spool:
        assert spool.head().sequence == 2  # the epoch, and what was read out
    assert not (tmp_path / "spool.db.suspect").exists()


def test_a_cut_while_a_damaged_spool_was_set_aside_keeps_its_parts_together(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    path.rename(tmp_path / "spool.db.damaged-17")
    (tmp_path / "spool.db-wal").write_bytes(b"the newest events")
    fresh(tmp_path)
    assert (tmp_path / "spool.db.damaged-17-wal").read_bytes() == b"the newest events"
    with Spool(path) as spool:
        assert spool.verify() == 2


def test_one_daemon_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(SpoolError, match="another gatepost"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_spool_with_events_of_a_later_firmware_is_whole(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    with Spool(path) as spool:
        body = spool.append(draft()).body.replace(b'"type":"fault"', b'"type":"tomorrow"')
    database = connect(path)
    database.execute("UPDATE event SET body = ? WHERE sequence = 2", (body,))
    database.close()
    fresh(tmp_path)
    with Spool(path) as spool:
        assert spool.verify() == 2


def test_a_cut_after_a_damaged_spool_was_set_aside_is_still_told(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    path.rename(tmp_path / "spool.db.damaged-17")
    fresh(tmp_path)
    with Spool(path) as spool:
        assert decode_body(next(spool.range(1, 1)).body).record == EpochRecord("spool-damaged")
