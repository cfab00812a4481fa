import json
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes import BOOT
from gatepost.cli import clock as command
from gatepost.cli import main
from gatepost.cli.clock import Floor, behind, floor_of, lifted
from gatepost.clock import SystemClock
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import RELEASED_US, stamp

LATER_US = RELEASED_US + 86_400_000_000 * 400


@dataclass
class SetClock:
    wall: int
    bound: int | None = None
    was_set: list[int] = field(default_factory=list)

    def boottime(self) -> float:
        return 5.0

    def wall_us(self) -> int:
        return self.wall

    def bound_us(self) -> int | None:
        return self.bound

    def set_us(self, wall_us: int) -> None:
        self.was_set.append(wall_us)
        self.wall = wall_us


def configured(folder: Path) -> Path:
    for name in ("station.pem", "station.key"):
        (folder / name).touch()
    path = folder / "station.toml"
    path.write_text("""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "station.pem"
key = "station.key"
[broker]
host = "127.0.0.1"
tls = false
[central]
plain_text = "visitors are readable to everyone who can read the broker"
[spool]
allow_volatile = true
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/null"
""")
    return path


def spooled(folder: Path, floor_us: int) -> None:
    now = stamp(SystemClock(), BOOT)
    path = prepare(folder / "data", "gp-1", "site-1", now, allow_volatile=True)
    with Spool(path) as spool:
        spool.append(Draft(FaultRecord("test", "failed", ""), now))
        spool.remember("floor_us", floor_us)
        spool.persist()


def test_a_clock_that_is_behind_is_set_to_the_floor() -> None:
    clock = SetClock(RELEASED_US - 1_500_000)
    assert lifted(clock, Floor(RELEASED_US), clock.set_us) == 1_500_000
    assert clock.was_set == [RELEASED_US]


def test_a_clock_is_never_set_back() -> None:
    clock = SetClock(RELEASED_US + 1)
    assert lifted(clock, Floor(RELEASED_US), clock.set_us) == 0
    assert clock.was_set == []


def test_a_clock_that_is_synchronised_is_believed_also_below_the_floor() -> None:
    clock = SetClock(RELEASED_US - 1_500_000, bound=10_000)
    assert behind(clock, Floor(RELEASED_US)) == 0
    assert lifted(clock, Floor(RELEASED_US), clock.set_us) == 0


def test_the_floor_is_what_the_station_knew_last(tmp_path: Path) -> None:
    spooled(tmp_path, LATER_US)
    assert floor_of(configured(tmp_path)) == Floor(LATER_US)


def test_a_floor_below_the_release_is_none(tmp_path: Path) -> None:
    spooled(tmp_path, 1)
    assert floor_of(configured(tmp_path)) == Floor(RELEASED_US)


def test_a_station_that_never_ran_has_the_releases_floor(tmp_path: Path) -> None:
    assert floor_of(configured(tmp_path)) == Floor(RELEASED_US)


def test_with_a_broken_configuration_or_spool_the_release_still_counts_and_it_is_told(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[station]\n")
    assert floor_of(broken).at_us == RELEASED_US
    assert "broken.toml" in floor_of(broken).trouble
    path = configured(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "spool.db").write_bytes(b"no database" * 99)
    assert floor_of(path).at_us == RELEASED_US
    assert "spool.db" in floor_of(path).trouble


def test_raising_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spooled(tmp_path, LATER_US)
    asked = Namespace(config=configured(tmp_path), json=False)
    clock = SetClock(LATER_US - 86_400_000_000 * 3 - 5_000_000)
    assert command.show(asked, clock) == 1
    assert "behind the floor by 3 days and 5 s" in capsys.readouterr().out
    assert command.raise_(Namespace(config=asked.config, json=True), clock, clock.set_us) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["raised_us"] == 86_400_000_000 * 3 + 5_000_000
    assert told["wall_us"] == told["floor_us"] == LATER_US
    assert command.raise_(asked, clock, clock.set_us) == 0
    assert "not behind the floor: left as it is" in capsys.readouterr().out


def test_without_the_right_to_set_it_the_clock_stays_and_what_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_wall_us: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    asked = Namespace(config=configured(tmp_path), json=False)
    assert command.raise_(asked, SetClock(1_000_000), refused) == 1
    out = capsys.readouterr().out
    assert "CAP_SYS_TIME" in out
    assert "1970-01-01 00:00:01 UTC" in out


def test_a_floor_that_is_only_half_known_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clock", "show", "--config", str(tmp_path / "none.toml")]) == 1
    assert "only the release's floor is known" in capsys.readouterr().err
