"""A card of a few MiB, for real: full, filled by others, read-only."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.errors import SpoolError, SpoolFull
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Limits, Spool, prepare
from gatepost.timekeeping import stamp

MIB = 1024 * 1024
LIMITS = Limits(keep_days=14, most_bytes=1024 * MIB, spare_bytes=MIB // 2)


def run(*argv: str | Path) -> None:
    subprocess.run([str(each) for each in argv], check=True, capture_output=True, timeout=30)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A folder on an ext4 of 5 MiB on a loop device."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root and mkfs.ext4 for a card of its own")
    image, folder = tmp_path / "card.img", tmp_path / "card"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(5 * MIB)
    run("mkfs.ext4", "-q", "-m", "0", "-b", "4096", "-O", "^has_journal", image)
    try:
        run("mount", "-o", "loop", image, folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no loop device here: {error.stderr!r}")
    try:
        yield folder
    finally:
        run("umount", "-l", folder)


def draft(size: int = 1500) -> Draft:
    return Draft(FaultRecord("test", "failed", "x" * size), stamp(FakeClock(), BOOT))


def begun(card: Path) -> Path:
    return prepare(card, "gp-1", "site-1", stamp(FakeClock(), BOOT), allow_volatile=True)


def fill(spool: Spool) -> int:
    """Visitors until one is refused; returns the newest that was kept."""
    newest = spool.newest()
    for _ in range(20_000):
        try:
            newest = spool.append(draft()).sequence
        except SpoolFull:
            return newest
    raise AssertionError("the card never got full")


def test_a_full_card_refuses_and_loses_nothing_and_delivered_events_make_room(card: Path) -> None:
    path = begun(card)
    with Spool(path, LIMITS) as spool:
        newest = fill(spool)
        assert newest > 800
        assert spool.verify() == spool.newest() == newest
        with pytest.raises(SpoolFull):
            spool.append(draft())
        spool.delivered([(1, newest // 2)])
        spool.persist()
        for number in range(1, 301):  # as many as went, and more than one part of them
            assert spool.append(draft()).sequence == newest + number
        held, _ = spool.held()
        assert held < newest + 300
        assert [kept.sequence for kept in spool.range(newest // 2 + 1, newest)] == list(
            range(newest // 2 + 1, newest + 1)
        )
        assert spool.verify() == held
    assert begun(card) == path
    with Spool(path, LIMITS) as spool:
        assert spool.newest() == newest + 300
        assert os.statvfs(card).f_bavail * os.statvfs(card).f_frsize > 0


def fill_up(path: Path) -> None:
    """Another program writes until nothing is left."""
    with path.open("wb", buffering=0) as other:
        try:
            while other.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - the point of it


def test_a_card_that_another_program_filled_works_again_by_itself(card: Path) -> None:
    path = begun(card)
    with Spool(path, LIMITS) as spool:
        newest = spool.append(draft()).sequence
        fill_up(card / "log")
        refused = fill(spool)
        assert spool.verify() == spool.newest() == refused
        (card / "log").unlink()
        assert spool.append(draft()).sequence == refused + 1
        assert refused >= newest


def test_without_limits_the_card_itself_refuses_and_nothing_is_lost(card: Path) -> None:
    path = begun(card)
    with Spool(path) as spool:
        newest = fill(spool)
        assert spool.newest() == newest
    with Spool(path) as spool:
        assert spool.verify() == newest


def test_a_card_that_turns_read_only_is_told_and_works_again(card: Path) -> None:
    path = begun(card)
    with Spool(path, LIMITS) as spool:
        newest = spool.append(draft()).sequence
        shutil.copyfile(path.with_name("spool.db-wal"), card / "wal")
        shutil.copyfile(path, card / "db")
    (card / "db").rename(path)
    (card / "wal").rename(path.with_name("spool.db-wal"))  # as a cut leaves it
    run("mount", "-o", "remount,ro", card)
    with pytest.raises(SpoolError, match=r"[Rr]ead-?only|write"):
        begun(card)
    run("mount", "-o", "remount,rw", card)
    begun(card)
    with Spool(path, LIMITS) as spool:
        assert spool.append(draft()).sequence == newest + 1
        assert spool.verify() == newest + 1


def test_a_card_that_the_kernel_makes_read_only_under_an_open_spool(card: Path) -> None:
    path = begun(card)
    with Spool(path, LIMITS) as spool:
        newest = spool.append(draft()).sequence
        break_(card)
        with pytest.raises(SpoolError, match=r"read-only|disk I/O error"):
            fill(spool)
    with pytest.raises(SpoolError, match=r"read-only|disk I/O error"):
        begun(card)
    run("umount", card)
    run("mount", "-o", "loop", card.with_name("card.img"), card)
    begun(card)
    with Spool(path, LIMITS) as spool:
        assert spool.newest() >= newest
        assert spool.append(draft()).sequence == spool.newest()
        assert spool.verify() == spool.newest()


def break_(card: Path) -> None:
    """Have ext4 meet an error, on which it makes itself read-only."""
    run("mount", "-o", "remount,errors=remount-ro", card)
    source = subprocess.run(
        ["findmnt", "-no", "SOURCE", str(card)], capture_output=True, text=True, check=True
    ).stdout.strip()
    trigger = Path("/sys/fs/ext4") / Path(source).name / "trigger_fs_error"
    try:
        trigger.write_text("a test")
    except OSError as error:
        pytest.skip(f"this kernel lets no test break ext4: {error}")
