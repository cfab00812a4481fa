from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from contract.sending import EPOCH, NOW_US, Station, elsewhere
from gatepost import wire
from gatepost.central import Bounds, Follower, State, StateError, load_certificates
from gatepost.central.epochs import Asked
from gatepost.central.state import VERSION
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import ClockRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatepost.central.known import Known
    from gatepost.model import Message

REPLAY = wire.Topics("a-site", "st-2").replay
OPEN = """
import sys
from pathlib import Path
from gatepost.central import State, StateError
try:
    with State(Path(sys.argv[1])) as state:
        state.load()
except StateError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


def followed(known: Known, messages: Iterable[Message], authority: AuthorityFiles) -> None:
    follower = Follower(load_certificates(authority.ca), known)
    for each in messages:
        follower.take(each.topic, each.payload, NOW_US)


def filled(path: Path, authority: AuthorityFiles, many: int = 40) -> None:
    station = Station()
    with State(path) as state:
        known = state.load()
        messages = [*station.visitors(many), station.record(ClockRecord(5, 6))]
        followed(known, [*messages, station.checkpoint(authority)], authority)
        state.save(known)


def told(known: Known) -> list[object]:
    """Everything that is known, to compare."""
    return [
        (
            epoch.source,
            epoch.name,
            list(epoch.chain.taken),
            epoch.chain.broken,
            epoch.chain._links,
            {via: (list(chain.taken), chain._links) for via, chain in epoch.foreign.items()},
            epoch.newest,
            epoch.token,
            epoch.received_us,
            epoch.boots,
            (epoch.proved, epoch.duplicates, epoch.conflicts, epoch.receipted),
            epoch.end,
            (list(epoch.disputed), list(epoch.lost)),
            epoch.couriers,
            epoch.asked,
        )
        for epoch in known
    ] + [(source, line.boots) for source, line in known.timelines.items() if line.boots]


def test_everything_that_is_known_is_there_again(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority, 1200)
    with State(path) as state:
        known = state.load()
        stranger = Station(source="st-7", boot="cd" * 16)
        brought = [elsewhere(each, REPLAY) for each in stranger.visitors(9)]
        clone = Station(boot="cd" * 16)
        followed(known, [*brought[:3], *brought[5:], *clone.visitors(1150)[1100:]], authority)
        epoch = known.epochs["st-1"][EPOCH]
        epoch.asked = Asked("an-id", "st-1", ((1, 2), (5, 5)), 3)
        epoch.lost.add(7, 9)
        epoch.receipted = 12
        known.touch(epoch)
        state.save(known)
        before = told(known)
    with State(path) as state:
        assert told(state.load()) == before
    assert epoch.conflicts > 40


def test_what_was_not_saved_is_as_it_was(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with State(path) as state:
        before = told(state.load())
        known = state.load()
        followed(known, Station(source="st-2").visitors(3), authority)
        state.hold(("st-1", EPOCH, 1), "st-2", b"{}")
    with State(path) as state:
        assert told(state.load()) == before


def test_nothing_new_writes_nothing(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with State(path) as state:
        known = state.load()
        wal = path.with_name("central.db-wal")
        before = wal.stat().st_size
        state.save(known)
        assert wal.stat().st_size == before


def test_the_links_that_are_kept_are_bounded(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority, 3000)
    with sqlite3.connect(path) as database:
        (many,) = database.execute("SELECT count(*) FROM link").fetchone()
    database.close()
    assert 512 <= many <= 520


def test_bodies_are_held_dropped_and_proved(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    dead = Station()
    messages = [*dead.visitors(3), dead.checkpoint(authority)]
    with State(path) as state:
        known = state.load(Bounds())
        for number in (1, 2, 3):
            state.hold(("st-1", EPOCH, number), "st-2", b"%d" % number)
            state.hold(("st-1", EPOCH, number), "st-2", b"another")
        state.prove(("st-1", EPOCH, 2, 3), "st-2")
        state.save(known)
        assert state.held(("st-1", EPOCH, 1, 9), "st-2", 9) == [b"2", b"3"]
        assert state.held(("st-1", EPOCH, 1, 9), "st-3", 9) == []
        assert state.proved() == [(("st-1", EPOCH, 2, 3), "st-2")]
        followed(known, [elsewhere(each, REPLAY) for each in messages[:2]], authority)
        state.save(known)
        followed(known, messages, authority)
        state.save(known)
        assert not known.epochs["st-1"][EPOCH].foreign
    with sqlite3.connect(path) as database:
        left = database.execute("SELECT sequence FROM brought ORDER BY sequence").fetchall()
        chains = database.execute("SELECT via FROM chain").fetchall()
    database.close()
    assert (left, chains) == ([(2,), (3,)], [("",)])


# --- files that cannot be used


def refused(path: Path) -> str:
    with pytest.raises(StateError) as error, State(path) as state:
        state.load()
    return str(error.value)


def test_a_newer_file_is_left_as_it_is(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = path.read_bytes()
    assert "newer" in refused(path)
    assert path.read_bytes() == before


def test_another_s_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE accounts (id)")
    database.close()
    before = path.read_bytes()
    assert "no state" in refused(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be none " * 40)
    assert "no state of gatepost-central" in refused(path)


@pytest.mark.parametrize("place", range(1, 12))
def test_a_damaged_file_is_told(tmp_path: Path, authority: AuthorityFiles, place: int) -> None:
    path = tmp_path / "central.db"
    filled(path, authority, 600)
    data = bytearray(path.read_bytes())
    page = 4096
    at = (place % (len(data) // page)) * page
    data[at : at + page] = os.urandom(page)
    path.write_bytes(data)
    words = refused(path)
    assert str(path) in words
    assert "damaged" in words or "no state" in words


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chain SET taken = '5-1'",
        "UPDATE chain SET taken = 'x'",
        "UPDATE chain SET epoch = 99",
        "UPDATE link SET link = x'00' WHERE sequence = 3",
        "INSERT INTO link SELECT chain, 4000, link FROM link LIMIT 1",
        "UPDATE checkpoint SET token = x'ff'",
        "UPDATE checkpoint SET boots = '['",
        "UPDATE checkpoint SET epoch = 99",
        "UPDATE epoch SET ended = '[1]'",
        "UPDATE epoch SET asked = '{}'",
        "UPDATE boot SET offsets = '[[1]]'",
        "DROP TABLE link",
    ],
)
def test_nonsense_in_a_file_is_told(
    tmp_path: Path, authority: AuthorityFiles, statement: str
) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    assert "is damaged" in refused(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be opened" in refused(tmp_path / "missing" / "central.db")
    assert "cannot be opened" in refused(tmp_path)


def test_one_process_alone_has_it_open(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with State(path) as state:
        state.load()
        told = subprocess.run(
            [sys.executable, "-c", OPEN, path], capture_output=True, text=True, check=False
        )
    assert told.returncode == 1
    assert "another process" in told.stderr


def test_a_read_only_file_is_told(tmp_path: Path, authority: AuthorityFiles) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to mount the folder read-only")
    folder = tmp_path / "card"
    folder.mkdir()
    filled(folder / "central.db", authority)
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$4"'
    run = ["unshare", "-m", "sh", "-c", script, "sh", folder, sys.executable, OPEN]
    told = subprocess.run(
        [*run, folder / "central.db"], capture_output=True, text=True, check=False
    )
    if "central.db" not in told.stderr:
        pytest.skip(f"cannot mount here: {told.stderr}")
    assert "is read-only" in told.stderr or "cannot be opened" in told.stderr


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, authority: AuthorityFiles) -> None:
    path = tmp_path / "central.db"
    filled(path, authority)
    with State(path) as state:
        known = state.load()
        before = told(state.load())
        assert state._database is not None
        (pages,) = state._database.execute("PRAGMA page_count").fetchone()
        state._database.execute(f"PRAGMA max_page_count = {pages}")
        followed(known, Station(source="st-2").visitors(900), authority)
        with pytest.raises(StateError, match="disk is full"):
            state.save(known)
        state._database.execute("PRAGMA max_page_count = 100000")
        with pytest.raises(StateError, match="start again"):
            state.save(known)
    with State(path) as state:
        assert told(state.load()) == before


def test_a_state_that_is_not_open_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not open"):
        State(tmp_path / "central.db").load()
