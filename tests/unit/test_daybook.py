import logging
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_gate import BOOT, DAY_S, Visits, person, stamp

from gatepost.daybook import FILE, Daybook
from gatepost.daybook.layout import HEADER_BYTES, RECORD_BYTES, record, whole
from gatepost.gate import Entry, Memory, Passage
from gatepost.gate.memory import LONG_AGO
from gatepost.model import Direction
from gatepost.rules import EVERYTHING

IN, OUT = Direction.IN, Direction.OUT
A, B = person("a"), person("b")
WEAK = person("w", weak=True)
OTHER_BOOT = "c" * 32


class Station:
    """A gate and its daybook, which can be restarted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        if hasattr(self, "book"):
            self.book.close()  # as the end of a process does; nothing is flushed
        self.book = Daybook(self.folder)
        self.visits = Visits(EVERYTHING, self.book.read())

    def show(self, *given: object, **more: object) -> Direction:
        direction = self.visits.show(*given, **more).direction  # type: ignore[arg-type]
        self.book.keep(self.memory, self.visits.entry)
        return direction

    @property
    def memory(self) -> Memory:
        return self.visits.gate.memory


def content(folder: Path) -> bytes:
    return (folder / FILE).read_bytes()


def test_who_is_inside_is_so_after_a_restart(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    station.show(B, 1)
    station.show(B, 100)
    station.show(WEAK, 101, IN)
    before = station.memory
    station.begin()  # nothing was closed and nothing flushed
    assert station.memory == before
    assert station.memory.inside == 2
    assert [station.show(A, 200), station.show(B, 201)] == [OUT, IN]


def test_a_repeat_is_one_after_a_restart_but_not_after_a_boot(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 100)
    station.begin()
    assert station.visits.show(A, 105).verdict.value == "repeated"
    station.begin()
    assert station.show(A, 105, at=stamp(105, boot=OTHER_BOOT)) is OUT


def test_what_was_long_ago_stays_long_ago(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 100)
    station.visits.gate.turn(stamp(5, boot=OTHER_BOOT))
    station.book.flush(station.memory)
    station.begin()
    assert [last.at for last in station.memory.passages.values()] == [LONG_AGO]


def test_nothing_stands_there_yet(tmp_path: Path) -> None:
    assert Daybook(tmp_path).read() is None


def test_only_the_station_can_read_it(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_no_identity_and_no_name_stands_in_it(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(person("001099012345"), 0)
    for word in (b"001099012345", b"citizen", b"N. V. A."):
        assert word not in content(tmp_path)


def test_a_new_day_has_a_new_key_and_the_old_one_is_nowhere(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    key = station.memory.key
    old = os.open(tmp_path / FILE, os.O_RDONLY)  # what a card may still have of the old file
    assert key in os.pread(old, 4096, 0)
    station.visits.gate.turn(stamp(DAY_S))
    station.book.flush(station.memory)
    assert key not in os.pread(old, 4096, 0)
    os.close(old)
    assert key not in content(tmp_path)
    assert len(content(tmp_path)) == HEADER_BYTES
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_new_boot_leaves_no_old_copy_of_the_key(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    old = os.open(tmp_path / FILE, os.O_RDONLY)
    station.show(B, 0, at=stamp(0, boot=OTHER_BOOT))
    assert station.memory.key not in os.pread(old, 4096, 0)
    os.close(old)
    assert station.memory.key in content(tmp_path)


def test_a_day_that_ended_while_the_station_was_off_goes_at_the_first_turn(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    key = station.memory.key
    station.begin()
    station.visits.gate.turn(stamp(0, boot=OTHER_BOOT, wall_s=stamp().wall_us / 1e6 + DAY_S))
    station.book.flush(station.memory)
    assert key not in content(tmp_path)
    assert station.memory.passages == {}


def test_how_long_it_lived_without_time_is_kept_over_boots(tmp_path: Path) -> None:
    station = Station(tmp_path)
    for number in range(5):
        unknown = stamp(7 * 3600, 0, f"{number:032d}", bound_us=None)
        station.show(A, 7 * 3600, at=unknown)
        assert (len(station.memory.passages), station.memory.aged_us > 0) == (1, 0 < number < 4)
        station.begin()


def test_boots_without_time_and_without_anybody_add_up_too(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0, at=stamp(0, 0, f"{0:032d}", bound_us=None))
    for number in range(4):
        for at in range(0, 7 * 3600, 60):
            station.visits.gate.turn(stamp(at, 0, f"{number:032d}", bound_us=None))
            station.book.flush(station.memory)
        station.begin()  # the power was cut
    assert station.memory.passages == {}


def test_where_nobody_comes_the_card_is_left_alone_but_every_ten_minutes(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    lengths = []
    for at in range(3600):
        station.visits.gate.turn(stamp(at))
        station.book.flush(station.memory)
        lengths.append(len(content(tmp_path)))
    assert len(set(lengths)) == 6
    assert station.memory.inside == 1
    station.begin()
    assert (station.show(A, 3600), station.memory.inside) == (OUT, 0)


def test_a_day_that_came_with_the_time_is_known_after_a_restart(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0, at=stamp(0, 0, bound_us=None))
    station.visits.gate.turn(stamp(1))
    station.book.flush(station.memory)
    day = station.memory.day
    station.begin()
    assert day is not None
    assert station.memory.day == day


def test_what_a_cut_left_of_a_new_file_loses_its_key(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    left = tmp_path / f"{FILE}.new"
    left.write_bytes(content(tmp_path))
    with left.open("rb", 0) as still_open:
        station.begin()
        station.show(A, 100)
        assert station.memory.key not in still_open.read()


def test_a_cut_in_the_middle_of_a_new_file_leaves_the_old_one(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    (tmp_path / f"{FILE}.new").write_bytes(content(tmp_path)[:50])
    station.begin()
    assert station.show(A, 100) is OUT
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_long_file_is_written_anew_while_nobody_comes(tmp_path: Path) -> None:
    station = Station(tmp_path)
    for number in range(5000):
        station.show(A, 10 * number)
    assert len(content(tmp_path)) == HEADER_BYTES + 5000 * RECORD_BYTES
    station.book.flush(station.memory)
    assert len(content(tmp_path)) == HEADER_BYTES + RECORD_BYTES
    station.begin()
    assert station.show(A, 55_000) is IN


def test_the_oldest_leave_a_file_as_they_leave_the_memory(tmp_path: Path) -> None:
    memory = Memory(boot_id=BOOT)
    for number in range(100_000):
        memory.learn((number + 1).to_bytes(16, "big"), IN, 1.0)
    first = next(iter(memory.passages))
    book = Daybook(tmp_path)
    book.flush(memory)
    entry = memory.learn(b"x" * 16, IN, 2.0)
    book.keep(memory, entry)
    found = Daybook(tmp_path).read()
    assert found is not None
    assert (len(found.passages), first in found.passages) == (100_000, False)


# Bad files


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, set[tuple[bytes, Passage]]]:
    """A file of ten entries, and each passage that ever stood in it."""
    folder = tmp_path_factory.mktemp("day")
    station, ever = Station(folder), set()
    for number in range(10):
        station.show(person(f"p{number % 4}"), 100.5 * number)
        ever |= set(station.memory.passages.items())
    return content(folder), ever


def read(folder: Path, data: bytes) -> Memory | None:
    (folder / FILE).write_bytes(data)
    return Daybook(folder).read()


def test_a_file_cut_anywhere_yields_nothing_that_was_not_written(
    tmp_path: Path, written: tuple[bytes, set[tuple[bytes, Passage]]]
) -> None:
    whole_, ever = written
    for length in range(len(whole_)):
        memory = read(tmp_path, whole_[:length])
        assert (memory is None) == (length < HEADER_BYTES)
        if memory is not None:
            assert set(memory.passages.items()) <= ever
            assert len(memory.passages) == min(4, (length - HEADER_BYTES) // RECORD_BYTES)


def test_a_file_with_a_bit_flipped_anywhere_yields_nothing_that_was_not_written(
    tmp_path: Path, written: tuple[bytes, set[tuple[bytes, Passage]]]
) -> None:
    whole_, ever = written
    good = read(tmp_path, whole_)
    assert good is not None
    for place in range(len(whole_)):
        flipped = bytearray(whole_)
        flipped[place] ^= 1 << place % 8
        memory = read(tmp_path, bytes(flipped))
        assert (memory is None) == (place < HEADER_BYTES)
        if memory is not None:
            assert set(memory.passages.items()) <= ever
            assert (memory.key, len(memory.passages)) == (good.key, 4)


def test_after_a_torn_tail_what_comes_next_is_kept_whole(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    station.show(B, 1)
    (tmp_path / FILE).write_bytes(content(tmp_path)[:-1])
    station.begin()
    assert station.show(A, 100) is OUT
    station.begin()
    assert [station.show(A, 200), station.show(B, 201)] == [IN, IN]


def test_records_of_another_day_do_not_count(tmp_path: Path) -> None:
    one, other = Memory(boot_id=BOOT), Memory(boot_id=BOOT)
    one.learn(b"1" * 16, IN, 5.0)
    other.learn(b"2" * 16, IN, 5.0)
    mixed = read(tmp_path, whole(one)[:HEADER_BYTES] + whole(other)[HEADER_BYTES:])
    assert mixed is not None
    assert mixed.passages == {}


LARGEST = {"aged_us": 2**64 - 1, "seen_us": 2**64 - 1, "inside": 2**32 - 1}


@pytest.mark.parametrize("name", LARGEST)
def test_numbers_that_cannot_be_stop_no_station(tmp_path: Path, name: str) -> None:
    (tmp_path / FILE).write_bytes(whole(Memory(boot_id=BOOT, **{name: LARGEST[name]})))
    station = Station(tmp_path)
    assert (station.show(A, 1, IN), station.show(B, 2, IN)) == (IN, IN)
    assert (station.memory.inside, station.book.trouble) == (2, "")


@pytest.mark.parametrize(("inside", "at"), [(2**32 - 1, 1.0), (1, 2**63 / 1e6)])
def test_a_record_of_numbers_that_cannot_be_is_left_out(
    tmp_path: Path, inside: int, at: float
) -> None:
    memory = Memory(boot_id=BOOT)
    entry = Entry(b"1" * 16, Passage(IN, IN, at), inside)
    head = whole(memory)
    (tmp_path / FILE).write_bytes(head + record(entry, head))
    station = Station(tmp_path)
    assert (station.show(A, 1, IN), station.memory.inside) == (IN, 1)
    assert station.book.trouble == ""


def test_a_pipe_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    station = Station(tmp_path)
    assert (station.show(A, 0), station.show(A, 58)) == (IN, OUT)
    assert station.book.trouble


@pytest.mark.parametrize(
    "data", [b"", b"x", b"x" * 4096, bytes(4096), b"gp-day\x00\x02" + bytes(200)]
)
def test_what_is_no_daybook_is_told_once_and_replaced(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(data)
    station = Station(tmp_path)
    assert [each.getMessage() for each in caplog.records] == ["day's memory is lost"]
    station.show(A, 0)
    station.begin()
    assert (station.book.trouble, station.show(A, 100)) == ("", OUT)
    assert len(caplog.records) == 1


def test_damage_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    (tmp_path / FILE).write_bytes(content(tmp_path) + b"torn")
    station.begin()
    station.show(B, 0)
    (record,) = caplog.records
    assert vars(record)["fields"] == {"left out": "4 bytes at its end"}


# A card that fails


def test_a_folder_in_its_place_is_a_trouble_and_the_gate_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / FILE).mkdir()
    station = Station(tmp_path)
    assert [station.show(A, 0), station.show(A, 58)] == [IN, OUT]
    assert station.book.trouble == "cannot be kept"
    (tmp_path / FILE).rmdir()
    station.visits.gate.turn(stamp(59))
    station.book.flush(station.memory)
    assert station.book.trouble  # tried once a minute
    station.visits.gate.turn(stamp(161))
    station.book.flush(station.memory)
    assert station.book.trouble == ""
    station.begin()
    assert station.show(A, 200) is IN
    assert [each.getMessage() for each in caplog.records] == [
        "day's memory is lost",
        "day's memory cannot be kept",
        "day's memory is kept again",
    ]


def test_no_folder_at_all_is_a_trouble(tmp_path: Path) -> None:
    station = Station(tmp_path / "gone")
    assert station.show(A, 0) is IN
    assert station.book.trouble


@contextmanager
def full_card(most_bytes: int) -> Iterator[None]:
    """No file may grow beyond this: the kernel writes what fits, then fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 1, RECORD_BYTES - 1])
def test_a_full_card_is_a_trouble_and_later_all_is_there(tmp_path: Path, room: int) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    with full_card(len(content(tmp_path)) + room):
        assert station.show(B, 1) is IN
        assert station.book.trouble
        assert station.show(A, 100) is OUT
        station.visits.gate.turn(stamp(200))
        station.book.flush(station.memory)
        assert station.book.trouble
    station.visits.gate.turn(stamp(300))
    station.book.flush(station.memory)
    station.book.close()
    station.begin()
    assert [station.show(A, 400), station.show(B, 401)] == [IN, OUT]


def test_on_a_full_card_the_key_of_a_day_that_is_over_goes_all_the_same(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    key = station.memory.key
    with full_card(HEADER_BYTES):
        for number in range(2):
            station.show(person(f"p{number}"), DAY_S)
    assert station.book.trouble
    assert key not in content(tmp_path)


def test_an_entry_is_added_to_the_file_as_it_is(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0)
    inode, length = (tmp_path / FILE).stat().st_ino, len(content(tmp_path))
    for number in range(20):
        station.show(person(f"p{number}"), 1)
        length += RECORD_BYTES
        assert len(content(tmp_path)) == length
    assert (tmp_path / FILE).stat().st_ino == inode


def test_a_boot_id_of_no_use_is_no_trouble(tmp_path: Path) -> None:
    station = Station(tmp_path)
    station.show(A, 0, at=replace(stamp(), boot_id="ü"))
    assert station.book.trouble == ""


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"keep")
    (tmp_path / FILE).symlink_to(tmp_path / "target")
    station = Station(tmp_path)
    station.show(A, 0)
    assert station.book.trouble
    assert (tmp_path / "target").read_bytes() == b"keep"
