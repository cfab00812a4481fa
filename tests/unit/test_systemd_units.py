"""The units of a station, as they are written."""

from __future__ import annotations

import configparser
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from units import SYSTEMD, UNITS, lines, needs_analyze, unit

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "/opt/gatepost/current/bin/gatepost"
CONFIG = "/etc/gatepost/station.toml"
# The worst that a unit may be exposed, in tenths, by systemd-analyze's own scale. The daemon's is
# that of a service on the network with devices that may ask how sure the clock is: decision 12.
EXPOSURE = {
    "gatepost.service": 15,
    "gatepost-setup.service": 15,
    "gatepost-clock-floor.service": 12,
    "gatepost-reset.service": 10,
    "gatepost-data-owner.service": 15,
}
# What each driver opens, as the kernel calls it (/proc/devices), or as a file.
OPENED = {
    "picamera": {"char-video4linux", "char-media", "char-dma_heap"},
    "v4l2": {"char-video4linux"},
    "lamp, buzzer, relay, light, button": {"char-gpiochip"},
    "oled": {"char-i2c"},
    "usb_keyboard": {"char-input"},
    "usb_serial": {"char-ttyACM", "char-ttyUSB"},
    "health": {"/dev/vcio"},
}
GROUPS = {"video", "gpio", "i2c", "input", "dialout"}


@needs_analyze
def test_systemd_finds_nothing_to_say_about_any_unit(tmp_path: Path) -> None:
    program = tmp_path / "gatepost"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS:
        text = path.read_text("utf-8").replace(PROGRAM, str(program))
        (tmp_path / path.name).write_text(text)
    told = _verified([tmp_path / path.name for path in UNITS])
    assert told == ""


@needs_analyze
def test_a_key_that_systemd_does_not_know_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.service"
    wrong.write_text("[Service]\nExecStart=/bin/true\nProtectEverything=yes\n")
    assert "ProtectEverything" in _verified([wrong])


def _verified(paths: list[Path]) -> str:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    # A machine's own units, which are loaded too, may have something said about them.
    told = (done.stdout + done.stderr).splitlines()
    ours = [line for line in told if any(path.name in line for path in paths)]
    return "\n".join(ours)


@needs_analyze
@pytest.mark.parametrize(("name", "most"), EXPOSURE.items())
def test_exposure_is_no_worse_than_what_was_decided(name: str, most: int) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most}",
         SYSTEMD / name],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_every_service_has_its_worst_exposure() -> None:
    assert {path.name for path in UNITS if path.suffix == ".service"} == EXPOSURE.keys()


def test_the_daemon_may_ask_the_clock_and_nothing_else_of_it() -> None:
    """`~@privileged` takes @clock away, so what is given back has to come after it."""
    filters = unit("gatepost.service").all("Service", "SystemCallFilter")
    assert filters[0] == "@system-service"
    taken = next(at for at, each in enumerate(filters) if each.startswith("~@privileged"))
    given = next(at for at, each in enumerate(filters) if "clock_adjtime" in each.split())
    assert given > taken
    assert not any("settime" in each for each in filters)


@pytest.mark.parametrize("absent", ["ProtectClock", "ProcSubset"])
def test_what_would_hide_what_the_daemon_must_read_is_left_out(absent: str) -> None:
    assert not unit("gatepost.service").all("Service", absent)


@pytest.mark.parametrize("name", ["gatepost.service", "gatepost-setup.service"])
def test_what_is_plugged_in_later_is_seen_though_devices_are_private(name: str) -> None:
    assert unit(name).one("Service", "PrivateDevices") == "yes"
    assert unit(name).one("Service", "BindPaths") == "/dev"


@pytest.mark.parametrize("driver", OPENED)
def test_every_device_that_a_driver_opens_is_allowed(driver: str) -> None:
    service = unit("gatepost.service")
    allowed = {
        value.split()[0]: value.split()[1] for value in service.all("Service", "DeviceAllow")
    }
    assert service.one("Service", "DevicePolicy") == "closed"
    for device in OPENED[driver]:
        assert allowed[device] == "rw"


def test_what_is_plugged_in_for_the_first_time_while_the_daemon_runs_may_be_opened() -> None:
    # systemd looks a group up when the unit starts: its driver must be loaded by then.
    drivers = {
        "char-video4linux": "videodev", "char-media": "mc", "char-i2c": "i2c-dev",
        "char-ttyACM": "cdc_acm", "char-ttyUSB": "usbserial",
    }  # fmt: skip
    in_every_kernel = {"char-dma_heap", "char-gpiochip", "char-input"}
    allowed = unit("gatepost.service").words("Service", "DeviceAllow")
    groups = {each for each in allowed if each.startswith("char-")}
    assert groups == {*drivers, *in_every_kernel}
    assert {words[0] for words in lines("modules-load.d/gatepost.conf")} == {*drivers.values()}


def test_no_device_is_allowed_that_no_driver_opens() -> None:
    service = unit("gatepost.service")
    allowed = {value.split()[0] for value in service.all("Service", "DeviceAllow")}
    assert allowed == set().union(*OPENED.values())
    assert not any("watchdog" in each for each in allowed)


def test_the_user_is_in_the_groups_that_the_devices_are_given_to() -> None:
    entries = lines("sysusers.d/gatepost.conf")
    assert {entry[1] for entry in entries if entry[0] == "g"} == GROUPS
    assert {entry[2] for entry in entries if entry[:2] == ["m", "gatepost"]} == GROUPS
    assert [entry[1] for entry in entries if entry[0] == "u"] == ["gatepost"]
    rules = (SYSTEMD / "udev/60-gatepost.rules").read_text("utf-8")
    assert set(re.findall(r'GROUP="(\w+)"', rules)) == GROUPS
    assert set(re.findall(r'MODE="(\d+)"', rules)) == {"0660"}


def test_setup_mode_runs_in_the_very_sandbox_of_the_daemon() -> None:
    daemon, setup = (unit(name).settings["Service"] for name in (
        "gatepost.service", "gatepost-setup.service"))  # fmt: skip
    begin = ("User", "gatepost")
    assert daemon[daemon.index(begin) :] == setup[setup.index(begin) :]


def test_only_one_of_daemon_and_setup_mode_holds_the_devices() -> None:
    setup = unit("gatepost-setup.service")
    assert setup.words("Unit", "Conflicts") == ["gatepost.service"]
    assert "gatepost.service" in setup.words("Unit", "After")
    ends = setup.all("Service", "ExecStopPost")
    assert f"-{PROGRAM} stopped --outputs --config {CONFIG}" == ends[0]
    assert "/run/gatepost/mode" in ends[1]
    assert ends[2].endswith("systemctl --no-block start gatepost.service")
    assert all(each.startswith(("-", "+-")) for each in ends)  # else one ends those after it


def test_setup_mode_is_asked_for_by_the_file_in_the_runtime_directory() -> None:
    path = unit("gatepost-setup.path")
    assert path.one("Path", "PathExists") == "/run/gatepost/mode"
    assert path.one("Path", "Unit") == "gatepost-setup.service"
    daemon = unit("gatepost.service")
    assert daemon.one("Service", "RuntimeDirectory") == "gatepost"
    assert daemon.one("Service", "RuntimeDirectoryPreserve") == "yes"
    assert ["d", "/run/gatepost", "0750", "gatepost", "gatepost", "-"] in lines(
        "tmpfiles.d/gatepost.conf"
    )


def test_the_daemon_is_started_again_for_ever_watched_and_its_outputs_put_to_rest() -> None:
    daemon = unit("gatepost.service")
    expected = {
        "Type": "notify",
        "NotifyAccess": "main",
        "ExecStart": f"{PROGRAM} run --config {CONFIG}",
        "ExecStopPost": f"-{PROGRAM} stopped --config {CONFIG}",
        "Restart": "always",
        "RestartSec": "1",
        "WatchdogSec": "10",
        "TimeoutAbortSec": "5",
        "KillMode": "mixed",
        "MemorySwapMax": "0",
        "LimitCORE": "0",
    }
    assert {key: daemon.one("Service", key) for key in expected} == expected
    assert daemon.one("Unit", "StartLimitIntervalSec") == "0"


def test_nothing_of_the_station_waits_for_a_network_or_for_time() -> None:
    for path in UNITS:
        waits = unit(path.name).words("Unit", "After") + unit(path.name).words("Unit", "Requires")
        late = [each for each in waits if "network" in each or "time-s" in each or "remote" in each]
        assert not late, path.name


def test_without_the_data_partition_the_daemon_starts_all_the_same() -> None:
    daemon = unit("gatepost.service").settings["Unit"]
    for key in ("Requires", "BindsTo", "Requisite"):
        assert key not in dict(daemon)
    assert "gatepost-data.mount" in dict(daemon)["Wants"].split()
    assert "gatepost-data.mount" in dict(daemon)["After"].split()
    assert "/gatepost/data" not in unit("gatepost.service").words("Unit", "RequiresMountsFor")
    assert unit("gatepost.service").one("Service", "ReadWritePaths") == "-/gatepost/data"
    options = unit("gatepost-data.mount").one("Mount", "Options").split(",")
    assert "nofail" in options


def test_the_data_partition_is_mounted_so_that_nothing_on_it_runs() -> None:
    mount = unit("gatepost-data.mount")
    assert mount.one("Mount", "Where") == "/gatepost/data"
    assert mount.one("Mount", "What") == "/dev/disk/by-label/gatepost-data"
    assert mount.one("Mount", "Type") == "ext4"
    options = set(mount.one("Mount", "Options").split(","))
    assert {"noatime", "nosuid", "nodev", "noexec", "errors=remount-ro"} <= options


def test_a_data_partition_that_comes_late_is_mounted_all_the_same() -> None:
    rules = (SYSTEMD / "udev/90-gatepost-data.rules").read_text("utf-8")
    labels = re.findall(r'ENV\{ID_FS_LABEL\}=="(.+?)"', rules)
    what = unit("gatepost-data.mount").one("Mount", "What")
    assert [f"/dev/disk/by-label/{label}" for label in labels] == [what]
    wanted = re.findall(r'ENV\{SYSTEMD_WANTS\}\+="(.+?)"', rules)
    assert wanted == ["gatepost-data-owner.service"]
    assert "/gatepost/data" in unit(wanted[0]).words("Unit", "RequiresMountsFor")


def test_only_the_clock_service_may_set_the_clock() -> None:
    for path in UNITS:
        if path.suffix == ".service":
            rights = unit(path.name).words("Service", "CapabilityBoundingSet")
            assert ("CAP_SYS_TIME" in rights) == (path.name == "gatepost-clock-floor.service")
    floor = unit("gatepost-clock-floor.service")
    assert floor.one("Service", "ExecStart") == f"{PROGRAM} clock raise --config {CONFIG}"
    assert floor.one("Service", "AmbientCapabilities") == "CAP_SYS_TIME"
    assert not unit("gatepost.service").words("Unit", "After").count("gatepost-clock-floor.service")


def test_a_factory_reset_comes_before_the_daemon_at_each_of_its_starts() -> None:
    reset = unit("gatepost-reset.service")
    assert "/gatepost/data/factory-reset" in reset.all("Unit", "ConditionPathExists")
    assert reset.words("Unit", "Before") == ["gatepost.service"]
    assert "/gatepost/data" in reset.words("Unit", "RequiresMountsFor")
    assert reset.one("Service", "ExecStart") == f"{PROGRAM} reset --apply --config {CONFIG}"
    assert not reset.all("Service", "RemainAfterExit")  # else it would be done once a boot
    assert "gatepost-reset.service" in unit("gatepost.service").words("Unit", "Wants")


def test_the_watchdog_is_one_that_a_pi_can_count() -> None:
    manager = configparser.ConfigParser()
    manager.read(SYSTEMD / "system.conf.d/gatepost.conf")
    for key in ("RuntimeWatchdogSec", "RebootWatchdogSec"):
        assert 0 < int(manager["Manager"][key].removesuffix("s")) <= 15


def test_the_log_stays_in_ram_and_small() -> None:
    journal = configparser.ConfigParser()
    journal.read(SYSTEMD / "journald.conf.d/gatepost.conf")
    assert journal["Journal"]["Storage"] == "volatile"
    assert int(journal["Journal"]["RuntimeMaxUse"].removesuffix("M")) <= 32


def test_a_reader_that_types_can_neither_log_in_nor_reboot() -> None:
    script = (SYSTEMD / "install").read_text("utf-8")
    assert "MASKED='ctrl-alt-del.target getty@tty1.service'" in script
    assert "kernel.sysrq = 0" in (SYSTEMD / "sysctl.d/60-gatepost.conf").read_text("utf-8")
