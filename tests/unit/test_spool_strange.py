"""Tables that are not as strict as they were made."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.errors import SpoolBusy, SpoolDamaged
from gatepost.model import Draft, EpochRecord, FaultRecord
from gatepost.spool import Limits, Spool, export, prepare, prove, suspecting
from gatepost.spool.database import connect
from gatepost.timekeeping import stamp
from gatepost.wire import decode_body

NOW = stamp(FakeClock(), BOOT)
VALUES = ["NULL", "'text'", "7", "1.5"]
EVENTS = 2100  # more than a start looks at
LOOSE = """
CREATE TABLE x AS SELECT * FROM event;
DROP TABLE event;
CREATE TABLE event (sequence {key}, body);
INSERT INTO event SELECT * FROM x;
DROP TABLE x;
UPDATE event SET {change};
"""


def begun(folder: Path) -> Path:
    return prepare(folder, "gp-1", "site-1", NOW, allow_volatile=True)


def filled(folder: Path, events: int) -> Path:
    path = begun(folder)
    with Spool(path) as spool:
        spool._database.execute("BEGIN")
        for number in range(2, events + 1):
            spool.append(Draft(FaultRecord("test", "failed", f"number {number}"), NOW))
        spool._database.execute("COMMIT")
    return path


def loosen(path: Path, change: str, key: str = "INTEGER PRIMARY KEY") -> None:
    with closing(connect(path)) as database:
        database.executescript(LOOSE.format(change=change, key=key))


def cause(spool: Spool) -> str:
    """Why the epoch began."""
    record = decode_body(next(spool.range(1, 1)).body).record
    assert isinstance(record, EpochRecord)
    return record.cause


def ranged(spool: Spool) -> object:
    return list(spool.range(1, 5))


def newest_first(spool: Spool) -> object:
    return spool.pending("newest", EVENTS)


def oldest_first(spool: Spool) -> object:
    return spool.pending("oldest", 5)


def verified(spool: Spool) -> object:
    return spool.verify()


def purged(spool: Spool) -> object:
    spool.delivered([(1, EVENTS)])
    return spool.purge(replace(NOW, synchronised=True, wall_us=NOW.wall_us + 10**12))


@pytest.mark.parametrize("met", [ranged, newest_first, oldest_first, verified, purged])
@pytest.mark.parametrize("value", VALUES)
def test_a_body_that_is_no_bytes_is_damage_wherever_it_is_met(
    tmp_path: Path, value: str, met: Callable[[Spool], object]
) -> None:
    path = filled(tmp_path, EVENTS)
    loosen(path, f"body = {value} WHERE sequence = 2")
    begun(tmp_path)  # looks at the newest alone
    with (
        Spool(path, Limits(1, 0, 0)) as spool,
        pytest.raises(SpoolDamaged, match="event 2"),
        suspecting(path),
    ):
        met(spool)
    begun(tmp_path)
    with Spool(path) as spool:
        assert cause(spool) == "spool-damaged"
        assert spool.verify() == 2


@pytest.mark.parametrize("sequence", [1, 2, 10])
@pytest.mark.parametrize("value", VALUES)
def test_a_station_starts_with_such_a_body_by_itself(
    tmp_path: Path, value: str, sequence: int
) -> None:
    path = filled(tmp_path, 10)
    loosen(path, f"body = {value} WHERE sequence = {sequence}")
    begun(tmp_path)
    with Spool(path) as spool:
        assert cause(spool) == "spool-damaged"
        assert spool.verify() == 2


@pytest.mark.parametrize("change", ["sequence = NULL", "sequence = 'x'", "sequence = 1.5"])
@pytest.mark.parametrize("which", ["", " WHERE sequence = 10"])
def test_a_station_starts_where_sequences_are_no_whole_numbers(
    tmp_path: Path, change: str, which: str
) -> None:
    path = filled(tmp_path, 10)
    loosen(path, change + which, key="")
    begun(tmp_path)
    with Spool(path) as spool:
        assert spool.verify() == spool.newest()
        assert cause(spool) == "spool-damaged" or spool.newest() == 9


def test_a_spool_with_such_a_body_is_exported_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    path = filled(tmp_path, 10)
    loosen(path, "body = NULL WHERE sequence = 5")
    (tmp_path / "stick").mkdir()
    made = export(path, tmp_path / "stick", None, NOW, lambda _done: None)
    assert made is not None
    assert prove(made).header.count >= 9


def test_who_waits_in_vain_for_another_writer_is_told_so(tmp_path: Path) -> None:
    path = begun(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    with closing(other), Spool(path) as spool:
        spool._database.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        spool.remember("floor_us", 5)
        with pytest.raises(SpoolBusy, match="locked"):
            spool.persist()
        other.execute("ROLLBACK")
        spool.persist()
        assert spool.recall("floor_us") == 5
