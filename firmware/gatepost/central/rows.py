"""The tables of the state, and what stands in them; state.py opens, saves and words errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gatepost.central.epochs import FOREIGN_RANGES, Asked, End
from gatepost.central.times import Boot, Offset
from gatepost.packing import base64url
from gatepost.ranges import RangeSet
from gatepost.wire import parse_checkpoint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from gatepost.central.chain import Chain
    from gatepost.central.epochs import Epoch, Key
    from gatepost.central.known import Known
    from gatepost.central.times import Timeline

    Held = tuple[str, str, str, int]  # source, epoch, via, sequence
    Stretch = tuple[str, str, int, int]  # source, epoch, first, last

# Ranges are text, "1-500,502-900". `via` is "" for a station's own chain.
SCHEMA = (
    """CREATE TABLE epoch (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL,
        duplicates INTEGER NOT NULL DEFAULT 0, conflicts INTEGER NOT NULL DEFAULT 0,
        proved INTEGER NOT NULL DEFAULT 0, receipted INTEGER NOT NULL DEFAULT 0,
        disputed TEXT NOT NULL DEFAULT '', lost TEXT NOT NULL DEFAULT '',
        couriers TEXT NOT NULL DEFAULT '', ended TEXT NOT NULL DEFAULT '',
        asked TEXT NOT NULL DEFAULT '', UNIQUE (source, name))""",
    """CREATE TABLE checkpoint (
        epoch INTEGER PRIMARY KEY, token BLOB NOT NULL, received_us INTEGER NOT NULL,
        boots TEXT NOT NULL)""",
    """CREATE TABLE chain (
        id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, via TEXT NOT NULL,
        taken TEXT NOT NULL DEFAULT '', broken TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE link (
        chain INTEGER NOT NULL, sequence INTEGER NOT NULL, link BLOB NOT NULL,
        PRIMARY KEY (chain, sequence)) WITHOUT ROWID""",
    """CREATE TABLE boot (
        source TEXT NOT NULL, boot_id TEXT NOT NULL, offsets TEXT NOT NULL,
        unsure INTEGER NOT NULL, PRIMARY KEY (source, boot_id))""",
    """CREATE TABLE brought (
        source TEXT NOT NULL, epoch TEXT NOT NULL, via TEXT NOT NULL, sequence INTEGER NOT NULL,
        body BLOB NOT NULL, proved INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (source, epoch, via, sequence))""",
)


def text_of(ranges: Iterable[tuple[int, int]]) -> str:
    """Ranges as they are kept."""
    return ",".join(f"{first}-{last}" for first, last in ranges)


def ranges_of(text: str) -> RangeSet:
    """And back. Raises ValueError."""
    pairs = (each.split("-") for each in text.split(",") if each)
    return RangeSet((int(first), int(last)) for first, last in pairs)


# --- saving


def new_epoch(database: sqlite3.Connection, key: Key) -> int:
    """A row for an epoch; its id."""
    made = database.execute("INSERT INTO epoch (source, name) VALUES (?, ?)", key)
    return int(made.lastrowid or 0)


def save_epoch(database: sqlite3.Connection, number: int, epoch: Epoch) -> None:
    """All of an epoch but its chains."""
    end, asked = epoch.end, epoch.asked
    database.execute(
        "UPDATE epoch SET duplicates = ?, conflicts = ?, proved = ?, receipted = ?, disputed = ?,"
        " lost = ?, couriers = ?, ended = ?, asked = ? WHERE id = ?",
        (
            epoch.duplicates,
            epoch.conflicts,
            epoch.proved,
            epoch.receipted,
            text_of(epoch.disputed),
            text_of(epoch.lost),
            json.dumps(sorted(epoch.couriers)) if epoch.couriers else "",
            json.dumps([end.sequence, end.digest, end.by]) if end else "",
            json.dumps([asked.id, asked.station, asked.ranges, asked.tries]) if asked else "",
            number,
        ),
    )
    if epoch.signed:
        database.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
            (number, epoch.token, epoch.received_us, json.dumps(epoch.boots)),
        )
        epoch.signed = False


def new_chain(database: sqlite3.Connection, epoch: int, via: str) -> int:
    """A row for a chain; its id."""
    made = database.execute("INSERT INTO chain (epoch, via) VALUES (?, ?)", (epoch, via))
    return int(made.lastrowid or 0)


def save_chain(database: sqlite3.Connection, number: int, chain: Chain) -> None:
    """What of a chain changed."""
    changes = chain.changes()
    database.execute(
        "UPDATE chain SET taken = ?, broken = ? WHERE id = ?",
        (text_of(chain.taken), ",".join(map(str, sorted(chain.broken))), number),
    )
    database.executemany(
        "INSERT OR REPLACE INTO link VALUES (?, ?, ?)",
        [(number, each, link) for each, link in changes if link is not None],
    )
    database.executemany(
        "DELETE FROM link WHERE chain = ? AND sequence = ?",
        [(number, each) for each, link in changes if link is None],
    )


def drop_chain(database: sqlite3.Connection, number: int) -> None:
    """Forget a chain."""
    database.execute("DELETE FROM link WHERE chain = ?", (number,))
    database.execute("DELETE FROM chain WHERE id = ?", (number,))


def save_boots(database: sqlite3.Connection, source: str, timeline: Timeline) -> None:
    """The boots of a source that changed."""
    for boot_id in timeline.changed:
        boot = timeline.boots.get(boot_id)
        if boot is None:
            database.execute("DELETE FROM boot WHERE source = ? AND boot_id = ?", (source, boot_id))
            continue
        told = [[each.boot_us, each.offset_us, each.bound_us] for each in boot.offsets]
        database.execute(
            "INSERT OR REPLACE INTO boot VALUES (?, ?, ?, ?)",
            (source, boot_id, json.dumps(told), boot.unsure),
        )


# --- loading


class Loaded:
    """Reads all tables into `known`. Raises ValueError and its like for what cannot be."""

    def __init__(self, database: sqlite3.Connection, known: Known) -> None:
        self._database = database
        self._known = known
        self.ids: dict[Key, int] = {}
        self.chains: dict[tuple[int, str], int] = {}
        epochs = {row[0]: self._epoch(row) for row in self._rows("SELECT * FROM epoch ORDER BY id")}
        for number, *told in self._rows("SELECT * FROM checkpoint"):
            _checkpoint(epochs[number], told)
        for number, of, via, taken, broken in self._rows("SELECT * FROM chain"):
            self.chains[of, via] = number
            chain = epochs[of].chain
            if via:
                chain = epochs[of].foreign[via] = known.chain(FOREIGN_RANGES)
            marks = [int(each) for each in broken.split(",") if each]
            chain.restore(ranges_of(taken), marks, self._links(number))
        for epoch in epochs.values():
            known.restored(epoch)
        self._boots()

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()

    def _links(self, chain: int) -> dict[int, bytes]:
        query = "SELECT sequence, link FROM link WHERE chain = ? ORDER BY sequence"
        return dict(self._database.execute(query, (chain,)))

    def _epoch(self, row: tuple[Any, ...]) -> Epoch:
        number, source, name, duplicates, conflicts, proved, receipted, *told = row
        disputed, lost, couriers, ended, asked = told
        self.ids[source, name] = number
        epoch = self._known.begin(source, name)
        epoch.duplicates, epoch.conflicts, epoch.proved = duplicates, conflicts, proved
        epoch.receipted = receipted
        epoch.disputed, epoch.lost = ranges_of(disputed), ranges_of(lost)
        epoch.couriers = set(json.loads(couriers)) if couriers else set()
        epoch.end = End(*json.loads(ended)) if ended else None
        epoch.asked = _asked(json.loads(asked)) if asked else None
        return epoch

    def _boots(self) -> None:
        for source, boot_id, offsets, unsure in self._rows("SELECT * FROM boot ORDER BY rowid"):
            told = [Offset(*each) for each in json.loads(offsets)]
            self._known.timeline(source).boots[boot_id] = Boot(told, bool(unsure))


def _checkpoint(epoch: Epoch, told: list[Any]) -> None:
    token, received_us, boots = told
    if token:
        epoch.newest = parse_checkpoint(base64url.decode(token.decode("ascii").split(".")[1]))
    epoch.token, epoch.received_us, epoch.boots = token, received_us, json.loads(boots)


def _asked(told: list[Any]) -> Asked:
    identity, station, ranges, tries = told
    return Asked(identity, station, tuple((first, last) for first, last in ranges), tries)


# --- bodies that others brought


def hold(database: sqlite3.Connection, place: Held, body: bytes) -> None:
    """Keep a body; the first of a place stays."""
    database.execute("INSERT OR IGNORE INTO brought VALUES (?, ?, ?, ?, ?, 0)", (*place, body))


def brought(database: sqlite3.Connection, place: Held) -> bytes:
    """One body; b"" where it is not held."""
    query = "SELECT body FROM brought WHERE source = ? AND epoch = ? AND via = ? AND sequence = ?"
    found = database.execute(query, place).fetchone()
    return bytes(found[0]) if found else b""


_RANGE = "source = ? AND epoch = ? AND sequence BETWEEN ? AND ? AND via = ?"


def prove(database: sqlite3.Connection, place: Stretch, via: str) -> None:
    """Mark bodies that count now."""
    database.execute(f"UPDATE brought SET proved = 1 WHERE {_RANGE}", (*place, via))  # noqa: S608 - no foreign text


def held(database: sqlite3.Connection, place: Stretch, via: str, most: int) -> list[bytes]:
    """Bodies that count, in their order."""
    query = f"SELECT body FROM brought WHERE {_RANGE} AND proved ORDER BY sequence LIMIT ?"  # noqa: S608 - no foreign text
    return [body for (body,) in database.execute(query, (*place, via, most))]


def let_go(database: sqlite3.Connection, place: Stretch, via: str) -> None:
    """Drop bodies."""
    database.execute(f"DELETE FROM brought WHERE {_RANGE}", (*place, via))  # noqa: S608 - no foreign text


def drop_unproved(database: sqlite3.Connection, place: tuple[str, str, str]) -> None:
    """Drop what never came to count, of (source, epoch, via)."""
    query = "DELETE FROM brought WHERE source = ? AND epoch = ? AND via = ? AND NOT proved"
    database.execute(query, place)


def proved(database: sqlite3.Connection) -> list[tuple[Stretch, str]]:
    """Where bodies are that count."""
    query = (
        "SELECT source, epoch, min(sequence), max(sequence), via FROM brought WHERE proved"
        " GROUP BY source, epoch, via"
    )
    return [
        ((source, name, first, last), via)
        for source, name, first, last, via in database.execute(query)
    ]
