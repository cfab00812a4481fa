from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from machines import FakePi

from gatepost import contract
from gatepost.health.card import mount_of
from gatepost.health.files import number, text, thousandths, whole
from gatepost.health.power import Power, vcgencmd

NOW = 86_400.0  # a day after boot
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
VOLT = "sys/class/hwmon/hwmon1/in0_lcrit_alarm"


@pytest.fixture
def pi(tmp_path: Path) -> FakePi:
    return FakePi(tmp_path).fitted()


def facts(pi: FakePi) -> dict[str, Any]:
    return pi.machine().facts(NOW)


def test_a_machine_that_is_well_tells_all_of_it(pi: FakePi) -> None:
    told = facts(pi)
    room = {name: told.pop(name) for name in ("disk_free_bytes", "disk_total_bytes")}
    assert 0 < room["disk_free_bytes"] <= room["disk_total_bytes"]
    assert told == {
        "spool_used_bytes": 0,
        "card_read_only": 0,
        "card_device": "mmcblk0p3",
        "card_errors": 0,
        "card_written_bytes": 1 << 30,
        "card_written_day_bytes": 1 << 30,
        "card_name": "EXMPL",
        "card_maker": "0x000099",
        "card_made": "08/2021",
        "card_used_percent": 30,
        "card_spare_state": 1,
        "memory_rss_bytes": 102_400_000,
        "memory_peak_bytes": 122_880_000,
        "memory_available_bytes": 921_600_000,
        "memory_total_bytes": 1_843_200_000,
        "load_milli": 350,
        "memory_waits_permille": 12,
        "card_waits_permille": 12,
        "cpu_waits_permille": 12,
        "temperature_mc": 51234,
        "cpu_khz": 1_500_000,
        "cpu_most_khz": 1_800_000,
        "throttled": 0,
        "throttled_seen": 0,
        "throttled_bits": 0,
        "power_low": 0,
        "power_low_seen": 0,
    }


def test_a_machine_that_tells_nothing_is_no_failure(tmp_path: Path) -> None:
    assert FakePi(tmp_path / "gone").machine().facts(NOW) == {}


def test_all_that_is_told_is_named_by_the_contract(pi: FakePi) -> None:
    assert set(facts(pi)) <= set(contract.schema("health")["properties"])


# --- supply and heat


def test_a_dip_of_the_supply_is_remembered_after_it_is_over(pi: FakePi) -> None:
    machine = pi.machine()
    pi.put(VOLT, "1\n")
    machine.power.watch()
    pi.put(VOLT, "0\n")
    told = machine.facts(NOW)
    assert (told["power_low"], told["power_low_seen"]) == (0, 1)
    assert told["throttled_bits"] == 0x10000


@pytest.mark.parametrize(
    ("bits", "low", "low_seen", "slowed", "slowed_seen"),
    [
        ("0", 0, 0, 0, 0),
        ("50005", 1, 1, 1, 1),
        ("50000", 0, 1, 0, 1),
        ("80008", 0, 0, 1, 1),
        ("20000", 0, 0, 0, 1),
        ("2", 0, 0, 1, 1),
    ],
)
def test_the_firmwares_bits_are_told_apart(
    pi: FakePi, bits: str, low: int, low_seen: int, slowed: int, slowed_seen: int
) -> None:
    (pi.root / VOLT).unlink()  # else that is believed
    pi.put(THROTTLED, bits + "\n")
    told = facts(pi)
    assert (told["power_low"], told["power_low_seen"]) == (low, low_seen)
    assert (told["throttled"], told["throttled_seen"]) == (slowed, slowed_seen)


def test_what_the_firmware_forgets_is_remembered_here(pi: FakePi) -> None:
    machine = pi.machine()
    pi.put(THROTTLED, "50005\n")
    machine.facts(NOW)
    pi.put(THROTTLED, "0\n")  # hwmon clears the firmware's own memory each time it asks
    told = machine.facts(NOW)
    assert (told["throttled"], told["throttled_seen"], told["throttled_bits"]) == (0, 1, 0x50000)


@pytest.mark.parametrize("bits", ["", "zz", "-5", "0x", "f" * 30, "99999999999999999"])
def test_bits_that_are_none_are_not_told(pi: FakePi, bits: str) -> None:
    pi.put(THROTTLED, bits)
    told = facts(pi)
    assert "throttled" not in told
    assert told["power_low"] == 0


def test_a_sensor_that_moved_is_found_again(pi: FakePi) -> None:
    machine = pi.machine()
    assert machine.facts(NOW)["power_low"] == 0
    (pi.root / "sys/class/hwmon/hwmon1").rename(pi.root / "sys/class/hwmon/hwmon4")
    pi.put("sys/class/hwmon/hwmon4/in0_lcrit_alarm", "1\n")
    machine.facts(NOW)
    assert machine.facts(NOW)["power_low"] == 1


def test_vcgencmd_is_asked_only_where_no_file_tells_and_seldom(pi: FakePi) -> None:
    asked = []

    def ask() -> str:
        asked.append(1)
        return "throttled=0x50005"

    power = Power(pi.roots.sys, pi.roots.dev, ask)
    power.facts(NOW)
    assert asked == []
    (pi.root / THROTTLED).unlink()
    power.facts(NOW)
    assert asked == []  # no Raspberry Pi's mailbox
    pi.put("dev/vcio", "")
    told = power.facts(NOW)
    assert (told["throttled"], told["throttled_bits"]) == (1, 0x50005)
    for later in (60, 120, 240):
        assert power.facts(NOW + later)["throttled"] == 1
    assert len(asked) == 1
    power.facts(NOW + 301)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo throttled=0x50000", "throttled=0x50000"),
        ("echo 'VCHI initialization failed' >&2; exit 255", ""),
        ("yes | head -c 100000", "y\n" * 49 + "y"),
    ],
)
def test_vcgencmds_answer_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert vcgencmd() == told


def test_without_vcgencmd_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert vcgencmd() is None


# --- the card


def test_the_mount_that_holds_the_data_is_the_deepest_and_of_two_the_later(tmp_path: Path) -> None:
    data = tmp_path / "a b" / "data"
    data.mkdir(parents=True)
    escaped = str(tmp_path / "a b").replace(" ", "\\040")
    lines = [
        "1 1 8:1 / / rw - ext4 /dev/sda1 rw",
        f"2 1 8:2 / {escaped} rw - ext4 /dev/sda2 rw",
        f"3 1 8:3 / {escaped} ro shared:4 - ext4 /dev/sda3 rw",
        f"4 1 8:4 / {tmp_path}/a rw - ext4 /dev/sda4 rw",  # its name begins alike
    ]
    found = mount_of(data, "\n".join(lines))
    assert found is not None
    assert (found.number, found.read_only) == ("8:3", True)


def test_a_file_system_that_the_kernel_made_read_only_shows(pi: FakePi) -> None:
    info = (pi.root / "proc/self/mountinfo").read_text().replace("rw,commit=5", "ro,commit=5")
    pi.put("proc/self/mountinfo", info)
    assert facts(pi)["card_read_only"] == 1


@pytest.mark.parametrize(
    "info", ["", "garbage", " - ", "1 2 3 - 4", "\0" * 4000, "1 1 x:y / / rw - a b rw"]
)
def test_a_mount_table_of_garbage_tells_of_no_card(pi: FakePi, info: str) -> None:
    pi.put("proc/self/mountinfo", info)
    told = facts(pi)
    assert "card_device" not in told
    assert told["temperature_mc"] == 51234


def test_data_in_ram_has_no_card(pi: FakePi) -> None:
    pi.put("proc/self/mountinfo", f"9 1 0:44 / {pi.data} rw - tmpfs tmpfs rw\n")
    assert {key for key in facts(pi) if key.startswith("card_")} == {
        "card_read_only",
        "card_waits_permille",
    }


def test_a_disk_without_partitions_is_the_card_itself(pi: FakePi) -> None:
    (pi.root / pi.disk / "mmcblk0p3" / "partition").unlink()
    pi.put(f"{pi.disk}/mmcblk0p3/stat", "1 1 1 1 1 1 8 1\n")
    assert facts(pi)["card_written_bytes"] == 4096


@pytest.mark.parametrize(
    ("life", "percent"),
    [
        ("0x01 0x01", 10),
        ("0x0b 0x02", 110),
        ("0x00 0x00", None),
        ("0xff 0x00", None),
        ("", None),
        ("x y z", None),
    ],
)
def test_the_wear_that_an_emmc_tells(pi: FakePi, life: str, percent: int | None) -> None:
    pi.put(f"{pi.disk}/device/life_time", life + "\n")
    assert facts(pi).get("card_used_percent") == percent


def test_after_years_without_a_boot_what_was_written_is_still_told(pi: FakePi) -> None:
    sectors = 4 << 31  # 4 TiB
    pi.put(f"{pi.disk}/stat", f"0 0 0 0 0 0 {sectors} 0")
    told = pi.machine().facts(1000 * 86_400.0)
    assert told["card_written_bytes"] == 4 << 40
    assert told["card_written_day_bytes"] == round((4 << 40) / 1000)


def test_a_days_writing_beyond_the_contract_is_not_told(pi: FakePi) -> None:
    pi.put(f"{pi.disk}/stat", f"0 0 0 0 0 0 {2**44 - 1} 0")
    told = pi.machine().facts(700.0)
    assert told["card_written_bytes"] == (2**44 - 1) * 512
    assert "card_written_day_bytes" not in told


def test_just_after_boot_a_days_writing_is_not_guessed(pi: FakePi) -> None:
    told = pi.machine().facts(60.0)
    assert told["card_written_bytes"] == 1 << 30
    assert "card_written_day_bytes" not in told


@pytest.mark.parametrize(
    "stat", ["", "1 2 3", "a b c d e f g h", "0 0 0 0 0 0 -1", f"0 0 0 0 0 0 {2**60}"]
)
def test_counts_of_the_block_layer_that_are_none_are_not_told(pi: FakePi, stat: str) -> None:
    pi.put(f"{pi.disk}/stat", stat)
    assert "card_written_bytes" not in facts(pi)


def test_a_cards_name_with_odd_characters_is_ascii_and_short(pi: FakePi) -> None:
    pi.put(f"{pi.disk}/device/name", b"EX\x00\x1b[2J\xff\xc3\xa9" + b"y" * 5000)
    told = facts(pi)["card_name"]
    assert told.isascii()
    assert told.isprintable()
    assert len(told) <= 40


# --- files that fail


def test_each_file_may_be_garbage_or_huge_or_unreadable_or_a_folder(pi: FakePi) -> None:
    paths = [each for each in pi.root.rglob("*") if each.is_file()]
    assert len(paths) > 20
    for bad in (b"", b"\xff\xfe\x00" * 50, b"9" * 200_000, b"1e999", b"nan", b"-1"):
        for path in paths:
            kept = path.read_bytes()
            path.write_bytes(bad)
            told = facts(pi) | {"firmware": "x", "boot_id": "a" * 32}
            told |= {"boot_us": 1, "wall_us": 1, "uptime_s": 1}
            assert not contract.problem("health", told), path
            path.write_bytes(kept)
    for path in paths:
        path.unlink()
        path.mkdir()
    assert set(facts(pi)) <= {"disk_free_bytes", "disk_total_bytes", "spool_used_bytes"}


def test_a_file_that_answers_with_an_error_is_not_known() -> None:
    assert text(Path("/proc/self/mem")) is None  # EIO: nothing is mapped at 0
    assert number(Path("/proc/self/mem")) is None


def test_numbers_of_the_kernel_fit_the_contract_or_are_none() -> None:
    assert whole(str(2**53 - 1)) == 2**53 - 1
    assert whole("-9007199254740991") == -(2**53 - 1)
    for told in (str(2**53), "-9007199254740992", "", "1.5", "one", "٣", "9" * 5000, None):
        assert whole(told) is None
    assert thousandths("0.25") == 250
    assert thousandths("12") == 12_000
    for told in ("", "-1.0", "a.b", "1.2.3", ".", "9" * 18):
        assert thousandths(told) is None


def test_a_card_whose_room_is_unknown_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = FakePi(tmp_path / "gone").machine()
    with caplog.at_level(logging.WARNING):
        machine.facts(NOW)
        machine.facts(NOW)
    assert [each.getMessage() for each in caplog.records] == ["the card's room is not known"]
