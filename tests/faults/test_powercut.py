import errno
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from cut_checks import Tally
from cut_runs import Runs

from fakes import BOOT, FakeClock
from gatepost.demo import tearing
from gatepost.demo.tearing import Tearing, TearingError, mounted
from gatepost.demo.tearing.disk import SECTOR, Disk, File
from gatepost.errors import SpoolError, SpoolFull
from gatepost.model import Draft, EpochRecord
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp

CUTS, LYING_CUTS = 300, 60
MANY = 200


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tearing]:
    why = tearing.unavailable()
    if why:
        pytest.skip(f"no file system in user space: {why}")
    try:
        with mounted(tmp_path_factory.mktemp("tearing") / "mount") as mount:
            yield mount
    except TearingError as error:
        pytest.skip(f"no file system in user space: {error}")


def flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def flushed(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    flush_folder(path.parent)


def draft(number: int = 0) -> Draft:
    clock = FakeClock(now=1000.0 + number)
    return Draft(EpochRecord("first-start"), stamp(clock, BOOT))


def test_of_a_file_all_that_was_flushed_is_left_and_of_the_rest_any_part() -> None:
    file = File(b"a" * SECTOR * 4)
    file.write(SECTOR, b"b" * SECTOR * 2)
    left = {bytes(file.torn(Random(seed)).content) for seed in range(MANY)}
    a, b = b"a" * SECTOR, b"b" * SECTOR
    assert left == {a + x + y + a for x in (a, b) for y in (a, b)}


def test_a_sector_may_be_left_as_it_was_after_any_of_its_writes() -> None:
    file = File(b"0" * SECTOR)
    for each in b"123":
        file.write(0, bytes([each]) * SECTOR)
    left = {bytes(file.torn(Random(seed)).content[:1]) for seed in range(MANY)}
    assert left == {b"0", b"1", b"2", b"3"}


def test_a_size_that_was_not_flushed_may_be_any_that_the_file_had() -> None:
    file = File(b"a" * 100)
    file.write(100, b"b" * 2000)
    file.truncate(50)
    sizes = {len(file.torn(Random(seed)).content) for seed in range(MANY)}
    assert {50, 100, 2100} < sizes
    assert all(size in {50, 100, 2100} or size % SECTOR == 0 for size in sizes)


def test_what_a_cut_left_is_left_by_the_next_one_too() -> None:
    disk = Disk()
    file = File()
    disk.rename((disk.root, "file", file))
    file.write(0, b"x" * 4096)
    once = disk.torn(Random(3))
    assert {once.torn(Random(seed)).digest() for seed in range(20)} == {once.digest()}


def test_a_mounted_disk_keeps_what_was_flushed_and_loses_names_that_were_not(
    mount: Tearing,
) -> None:
    disk = mount.disk("names")
    flushed(disk / "kept", b"kept" * 1000)
    with (disk / "new").open("wb") as file:
        file.write(b"content")
        file.flush()
        os.fsync(file.fileno())  # the content, not the name
    mount.cut("names")
    with pytest.raises(OSError, match="Input/output error"):
        (disk / "late").write_bytes(b"late")
    found = set()
    for seed in range(20):
        folder, _ = mount.tear("names", f"names-{seed}", str(seed))
        assert (folder / "kept").read_bytes() == b"kept" * 1000
        found.add(tuple(sorted(path.name for path in folder.iterdir())))
    assert found == {("kept",), ("kept", "new")}


def test_a_rename_that_was_not_flushed_is_whole_or_not_at_all(mount: Tearing) -> None:
    disk = mount.disk("rename")
    flushed(disk / "old", b"old")
    flushed(disk / "fresh", b"fresh")
    (disk / "fresh").rename(disk / "old")
    mount.cut("rename")
    found = set()
    for seed in range(20):
        folder, _ = mount.tear("rename", f"rename-{seed}", str(seed))
        found.add(tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir())))
    assert found == {(("old", b"fresh"),), (("fresh", b"fresh"), ("old", b"old"))}


def test_the_power_goes_with_the_change_that_was_named(mount: Tearing) -> None:
    disk = mount.disk("armed")
    path = prepare(disk, "gp-1", "site-1", draft().stamp)
    with Spool(path) as spool:
        spool.append(draft(1))
        mount.arm("armed", 1)
        with pytest.raises(SpoolError):
            spool.append(draft(2))
        assert mount.is_off("armed")
        assert mount.cut("armed").what == "write of spool.db-wal"


def test_a_flush_an_event(mount: Tearing) -> None:
    path = prepare(mount.disk("flushes"), "gp-1", "site-1", draft().stamp)
    with Spool(path) as spool:
        spool.append(draft(1))  # begins the WAL: its header is flushed too
        before = mount.counts("flushes")
        for number in range(2, 52):
            spool.append(draft(number))
        after = mount.counts("flushes")
    assert sum(each.flushes for each in after.values()) == 50 + sum(
        each.flushes for each in before.values()
    )


def test_no_room_on_the_card_is_told_as_such_and_the_next_event_is_kept(mount: Tearing) -> None:
    path = prepare(mount.disk("full"), "gp-1", "site-1", draft().stamp)
    with Spool(path) as spool:
        mount.fail("write", errno.ENOSPC)
        with pytest.raises(SpoolFull):
            spool.append(draft(1))
        assert spool.append(draft(2)).sequence == 2
        assert spool.verify() == 2


def test_a_flush_that_fails_is_no_promise(mount: Tearing) -> None:
    path = prepare(mount.disk("flush-fails"), "gp-1", "site-1", draft().stamp)
    with Spool(path) as spool:
        mount.fail("fsync", errno.EIO)
        with pytest.raises(SpoolError):
            spool.append(draft(1))
        assert spool.verify() >= 1


def test_a_card_that_cannot_be_read_is_told_as_an_error(mount: Tearing) -> None:
    path = prepare(mount.disk("read-fails"), "gp-1", "site-1", draft().stamp)
    mount.fail("read", errno.EIO, times=MANY)
    try:
        with pytest.raises(SpoolError), Spool(path):
            pass
    finally:
        mount.fail("read", errno.EIO, times=0)
    with Spool(path) as spool:
        assert spool.verify() == 1


def test_green_means_kept_whenever_the_power_is_cut(mount: Tearing) -> None:
    tally = Runs(mount, 6, Tally()).run(CUTS)
    assert tally.told == []
    assert tally.wrong == 0
    assert tally.greens > CUTS
    assert tally.started > 0
    assert tally.moments > tally.started


@pytest.mark.parametrize("lie", ["files", "folders", "spool.db-wal"])
def test_these_cuts_find_it_where_a_flush_keeps_nothing(mount: Tearing, lie: str) -> None:
    mount.lie(lie)
    try:
        tally = Runs(mount, 6, Tally()).run(LYING_CUTS)
    finally:
        mount.lie()
    assert tally.lost > 0
    assert tally.told != []
