"""What a card made of an event while nobody looked: it must not end the station for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from lines import Line, close_all

from fakes import BOOT, FakeClock
from gatepost.demo.authority import make_authority
from gatepost.errors import SpoolDamaged
from gatepost.model import Draft, FaultRecord
from gatepost.signing import Signer
from gatepost.spool import FOLDER, Bundle, Kept, Spool, prepare
from gatepost.spool.bundles import Header, Trailer, write_bundle
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.model import Stamp

# The JSON, a key that the message needs, the topic, the sequence, the station.
ROTS = [
    (b'{"', b"{!"),
    (b'"wall_us"', b'"wbll_us"'),
    (b'"site-1"', b'"site#1"'),
    (b'"sequence":5', b'"sequence":7'),
    (b'"gp-1"', b'"gp-3"'),
]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    files = make_authority(tmp_path_factory.mktemp("authority"), "gp-1")
    return Signer(files.station_certificate, files.station_key)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def now() -> Stamp:
    return stamp(FakeClock(), BOOT)


def spoil(path: Path, sequence: int, was: bytes, becomes: bytes) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        find = "SELECT body FROM event WHERE sequence = ?"
        (body,) = database.execute(find, (sequence,)).fetchone()
        assert was in body
        spoilt = body.replace(was, becomes, 1)
        database.execute("UPDATE event SET body = ? WHERE sequence = ?", (spoilt, sequence))


def carried(folder: Path) -> Bundle:
    """Six events of another station, as `gatepost spool import` leaves them."""
    other = folder / "other"
    path = prepare(other, "gp-2", "site-1", now(), allow_volatile=True)
    with Spool(path) as spool:
        for number in range(5):
            spool.append(Draft(FaultRecord("test", "failed", str(number)), now()))
        events: list[Kept] = list(spool.range(1, 6))
        header = Header("gp-2", "site-1", spool.epoch, 1, 6, 6, made_us=0)
    (folder / FOLDER).mkdir()
    return Bundle(write_bundle(folder / FOLDER, header, events, Trailer(), 6000))


@pytest.mark.parametrize(("was", "becomes"), ROTS)
def test_an_event_that_rotted_has_the_next_start_look_at_all_of_the_spool(
    tmp_path: Path, signer: Signer, was: bytes, becomes: bytes
) -> None:
    line = Line(tmp_path, signer)
    line.broker.up = False
    line.fill(10)
    former = line.epoch
    spoil(line.path, 5, was, becomes)
    line.broker.up = True
    with pytest.raises(SpoolDamaged, match="event 5"):
        line.turn(60)
    assert prepare(tmp_path, "gp-1", "site-1", now(), allow_volatile=True) == line.path
    assert line.epoch != former  # else the next start would end just so, and every other
    with Spool(line.path) as spool:
        assert b"10 of 11 events read out" in list(spool.range(1, 9))[-1].body


def test_one_that_rotted_and_is_asked_for_again_does_the_same(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, each_s=0.02)
    line.fill(10)
    line.settle()
    spoil(line.path, 5, *ROTS[0])
    line.resend((1, 11))
    with pytest.raises(SpoolDamaged, match="event 5"):
        line.turn(60)
    assert (tmp_path / "spool.db.suspect").exists()


@pytest.mark.parametrize(("was", "becomes"), [*ROTS[:2], (b'"gp-2"', b'"gp-3"')])
def test_a_carried_event_that_rotted_holds_nothing_up_and_never_counts_as_delivered(
    tmp_path: Path, signer: Signer, was: bytes, becomes: bytes
) -> None:
    bundle = carried(tmp_path)
    lines = bundle.path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(was, becomes)
    bundle.path.write_bytes(b"".join(lines))
    line = Line(tmp_path, signer)
    line.turn(40, each_s=0.1)
    assert line.replayed() == [1, 2, 3, 4, 6]
    assert line.uplink.facts.carried == 1
    line.resend((1, 6), source="gp-2", epoch=bundle.header.epoch)
    line.turn(40, each_s=0.1)
    assert line.answers()[-1][1:] == (
        "done",
        f"5 events sent again; not held: {bundle.header.epoch}:5-5",
    )


def test_a_delivered_bundle_whose_age_cannot_be_read_does_not_end_the_station(
    tmp_path: Path, signer: Signer
) -> None:
    bundle = carried(tmp_path)
    line = Line(tmp_path, signer)
    assert line.uplink.carried is not None
    line.uplink.carried.delivered("gp-2", bundle.header.epoch, [(1, 6)])
    lines = bundle.path.read_bytes().splitlines(keepends=True)
    lines[6] = lines[6].replace(*ROTS[1])
    bundle.path.write_bytes(b"".join(lines))
    line.worker.close()
    line.uplink.keep_days = 1
    line.clock.pass_(30 * 86_400)
    line.start()
    line.turn(10, each_s=0.5)
    assert line.uplink.facts.connected
