"""What the whole station tells of itself, made of the parts that it was built of."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest
from stations import configure

from fakes import BOOT, FakeClock
from gatepost import contract
from gatepost.build.delivery import Delivery
from gatepost.build.telling import Telling, brief_of, health_of, report
from gatepost.conditions import Conditions
from gatepost.config import load
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.mailbox import Mailbox
from gatepost.ports import ReaderCounts
from gatepost.supervisor import Worker
from gatepost.uplink import UplinkFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


@dataclass
class Stand:
    """A reader of which only its counts matter."""

    name: str
    counts: ReaderCounts = field(default_factory=ReaderCounts)
    working: bool = True
    hint: None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def next_scan(self, wait_s: float) -> None: ...

    def again(self, scan: object) -> None: ...


@dataclass
class Passes:
    """A decoder of which only its failures matter."""

    failures: Counter[str] = field(default_factory=lambda: Counter({"grid": 2}))


def nothing() -> Iterator[None]:
    yield


@pytest.fixture
def telling(tmp_path: Path, files: AuthorityFiles) -> Telling:
    config = load(configure(tmp_path, files, 1883, tmp_path, "[lamp]\nred=17\ngreen=27\nblue=22\n"))
    config.station.data.mkdir()
    door, gun = Stand("door"), Stand("gun")
    door.counts.scans, door.counts.last_at = 5, 990.0
    door.counts.by_pass = Counter({"zxing": 4, "smear": 1})
    gun.counts.scans, gun.counts.lossy, gun.counts.dropped = 2, 1, 3
    return Telling(
        config=config,
        readers=[door, gun],  # type: ignore[list-item]
        decoders={"door": Passes()},  # type: ignore[dict-item]
        conditions=Conditions(lambda _cue: None),
        clock=FakeClock(),
        boot_id=BOOT,
        delivery=Delivery(Worker("uplink", nothing, 1), Mailbox(), UplinkFacts(), None),  # type: ignore[arg-type]
        crashes=lambda: 4,
    )


def test_what_all_parts_count_fits_the_contract_and_names_each_pass(telling: Telling) -> None:
    told = health_of(telling).report()
    assert not contract.problem("health", told)
    assert (told["scans"], told["lossy"], told["dropped"], told["crashes"]) == (7, 1, 3, 4)
    assert (told["read_by_zxing"], told["read_by_smear"]) == (4, 1)
    assert told["decode_failures"] == 2


def test_rates_are_those_of_cameras(telling: Telling) -> None:
    assert telling.frames() == {"frames_min_door": 0}


def test_the_status_names_readers_signals_and_what_is_noted(telling: Telling) -> None:
    telling.conditions.note("oled", "fails")
    telling.conditions.raise_("reader gun", "absent")
    told: dict[str, Any] = json.loads(json.dumps(report(telling, health_of(telling))))
    assert (told["station"], told["site"], told["signals"]) == ("gp-1", "site-1", ["lamp"])
    assert told["conditions"] == {"reader gun": "absent"}
    assert told["notes"] == {"oled": "fails"}
    door, gun = told["readers"]
    assert (door["last_scan_s"], door["by_pass"]) == (10.0, {"zxing": 4, "smear": 1})
    assert "last_scan_s" not in gun
    assert told["broker"] == {"host": "127.0.0.1", "port": 1883, "connected": False}
    assert told["applied"] == {}


def test_the_button_shows_four_lines_in_the_stations_language(telling: Telling) -> None:
    lines = brief_of(telling, health_of(telling))
    assert lines[:3] == ["gp-1", "Mất mạng", "Đã gửi hết"]
    assert len(lines) == 4
