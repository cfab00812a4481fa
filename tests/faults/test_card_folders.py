"""Folders that a start makes are still there after a power cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.demo import tearing
from gatepost.demo.tearing import Tearing, TearingError, mounted
from gatepost.spool import Spool, locked, prepare
from gatepost.spool.places import make_folder
from gatepost.timekeeping import stamp

STATES = 20
DEEP = "var/lib/gatepost"


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


def begun(folder: Path) -> Path:
    return prepare(folder, "gp-1", "site-1", stamp(FakeClock(), BOOT))


def states(mount: Tearing, name: str) -> Iterator[Path]:
    """What may be left of a disk whose power goes now."""
    mount.cut(name)
    for seed in range(STATES):
        yield mount.tear(name, f"{name}-{seed}", str(seed))[0]


def test_a_spool_in_folders_that_its_start_made_is_there_after_a_cut(mount: Tearing) -> None:
    disk = mount.disk("deep")
    with locked(disk / DEEP), Spool(begun(disk / DEEP)) as spool:
        epoch = spool.epoch
    for folder in states(mount, "deep"):
        with Spool(folder / DEEP / "spool.db") as spool:
            assert spool.epoch == epoch


def test_names_of_folders_are_lost_where_nothing_flushes_them(mount: Tearing) -> None:
    (mount.disk("plain") / DEEP).mkdir(parents=True)
    assert {(folder / DEEP).exists() for folder in states(mount, "plain")} == {True, False}


def test_folders_are_made_once_and_kept(mount: Tearing) -> None:
    disk = mount.disk("made")
    make_folder(disk / DEEP)
    make_folder(disk / DEEP)
    assert all((folder / DEEP).is_dir() for folder in states(mount, "made"))


def test_salvaged_events_are_carried_over_a_cut_that_follows(mount: Tearing) -> None:
    disk = mount.disk("salvage")
    path = begun(disk)
    with path.open("r+b") as file:
        file.write(bytes(100))
    begun(disk)
    for folder in states(mount, "salvage"):
        assert len(list((folder / "carried").glob("*.gatepost"))) == 1
