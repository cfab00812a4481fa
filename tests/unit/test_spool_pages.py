import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from card_pages import SIZES, paged

from fakes import BOOT, FakeClock
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Limits, Look, Spool, prepare
from gatepost.spool.raw import Raw
from gatepost.spool.salvage import salvage
from gatepost.timekeeping import stamp

NOW = stamp(FakeClock(), BOOT)
LENGTHS = (300, 900, 1500, 2500, 6000)
EVENTS = 200


def begun(folder: Path) -> Path:
    return prepare(folder, "gp-1", "site-1", NOW, allow_volatile=True)


def draft(number: int) -> Draft:
    text = f"{number}: " + "x" * LENGTHS[number % len(LENGTHS)]
    return Draft(FaultRecord("test", "failed", text), NOW)


@pytest.fixture(params=SIZES)
def spool(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, int]:
    """A spool as a power cut left it, the older half in the database; and its page size."""
    path = paged(begun(tmp_path / "live"), request.param)
    (tmp_path / "dead").mkdir()
    with Spool(path) as spool:
        for number in range(2, EVENTS + 1):
            spool.append(draft(number))
            if number == EVENTS // 2:
                spool.fold()
        for name in ("spool.db", "spool.db-wal"):
            shutil.copyfile(path.with_name(name), tmp_path / "dead" / name)
    return tmp_path / "dead" / "spool.db", request.param


def zero(path: Path, length: int) -> None:
    content = bytearray(path.read_bytes())
    content[:length] = bytes(length)
    path.write_bytes(content)


def flip_size(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[16] ^= 0x80
    path.write_bytes(content)


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def headers_stay(_path: Path) -> None:
    pass


def database_header_goes(path: Path) -> None:
    zero(path, 100)


def wal_header_goes(path: Path) -> None:
    zero(wal(path), 32)


def both_headers_go(path: Path) -> None:
    zero(path, 100)
    zero(wal(path), 32)


def size_flips(path: Path) -> None:
    flip_size(path)


def size_flips_and_no_wal_header(path: Path) -> None:
    flip_size(path)
    zero(wal(path), 32)


@pytest.mark.parametrize(
    "hurt",
    [
        headers_stay,
        database_header_goes,
        wal_header_goes,
        both_headers_go,
        size_flips,
        size_flips_and_no_wal_header,
    ],
)
def test_every_event_is_read_out_whatever_the_page_size_and_without_a_header(
    spool: tuple[Path, int], hurt: Callable[[Path], None]
) -> None:
    path, size = spool
    hurt(path)
    with Raw(path) as raw:
        assert (raw.page, raw.frame) == (size, size + 24)
    found = salvage(path)
    assert found is not None
    assert [each.sequence for each in found.bodies()] == list(range(1, EVENTS + 1))


def test_a_file_of_the_former_page_size_is_gone_on_with_and_keeps_it(
    spool: tuple[Path, int],
) -> None:
    path, size = spool
    assert begun(path.parent) == path
    with Spool(path, Limits(14, 2 * 1024 * 1024, 0)) as opened:
        assert opened.append(draft(1)).sequence == EVENTS + 1
        assert opened.verify() == EVENTS + 1
        opened.fold()
        assert opened.used() == path.stat().st_size
    assert int.from_bytes(path.read_bytes()[16:18], "big") == size


def test_a_bit_lost_in_the_wal_of_either_page_size_hides_no_later_event(
    spool: tuple[Path, int],
) -> None:
    path, _ = spool
    content = bytearray(wal(path).read_bytes())
    content[32 + 16] ^= 1  # its first frame's checksum: SQLite sees nothing of it any more
    wal(path).write_bytes(content)
    with Look(path) as look:
        assert look.newest() == EVENTS // 2
    begun(path.parent)
    with Spool(path) as opened:
        assert opened.verify() == opened.newest() == EVENTS


def test_a_new_spool_has_small_pages(tmp_path: Path) -> None:
    with Spool(begun(tmp_path)) as opened:
        opened.fold()
    assert int.from_bytes((tmp_path / "spool.db").read_bytes()[16:18], "big") == SIZES[0]
