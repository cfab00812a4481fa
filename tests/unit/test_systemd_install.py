"""systemd/install into a root of our own; nothing of this machine is touched."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from units import SYSTEMD, UNITS

from gatepost import __version__

if TYPE_CHECKING:
    from pathlib import Path

INSTALL = SYSTEMD / "install"
PROGRAM = "opt/gatepost/current/bin/gatepost"
points_to = os.readlink


def install(root: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", INSTALL, "--root", root, *options], capture_output=True, text=True, check=False
    )


def tree(root: Path) -> dict[str, tuple[int, str | bytes]]:
    """Every file and link of it: mode, and what is in it or where it points."""
    found: dict[str, tuple[int, str | bytes]] = {}
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        if path.is_symlink():
            found[str(path.relative_to(root))] = (mode, points_to(path))
        elif path.is_file():
            found[str(path.relative_to(root))] = (mode, path.read_bytes())
    return found


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A program that is quickly copied: for tests of everything else."""
    program = tmp_path / "prepared" / "bin" / "gatepost"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho made before\n")
    program.chmod(0o755)
    return tmp_path / "prepared"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_a_source_tree_is_installed_and_its_program_runs(root: Path) -> None:
    assert install(root).returncode == 0
    assert points_to(root / "opt/gatepost/current") == f"versions/{__version__}"
    starter = (root / PROGRAM).read_text()
    assert starter.startswith("#!/usr/bin/python3 -I\n")
    # Its place is the station's, not this root's: run here by the same text with the place moved.
    moved = starter.replace("/opt/gatepost", f"{root}/opt/gatepost")
    done = subprocess.run(
        [sys.executable, "-c", moved, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"gatepost {__version__}\n"
    boards = root / "opt/gatepost/current/share/gatepost/boards"
    assert {path.name for path in boards.iterdir()} == {
        path.name for path in (SYSTEMD.parent / "hardware/boards").glob("*.toml")
    }
    assert not list(root.rglob("__pycache__"))


def test_every_unit_lies_where_systemd_looks_and_what_starts_by_itself_is_enabled(
    root: Path, prepared: Path
) -> None:
    assert install(root, "--from", prepared, "--version", "9").returncode == 0
    system = root / "usr/lib/systemd/system"
    for path in UNITS:
        assert (system / path.name).read_bytes() == path.read_bytes()
    wants = root / "etc/systemd/system"
    enabled = {str(path.relative_to(wants)): points_to(path) for path in wants.glob("*.wants/*")}
    assert enabled == {
        f"{target}.wants/{name}": f"/usr/lib/systemd/system/{name}"
        for target, name in (
            ("multi-user.target", "gatepost.service"),
            ("multi-user.target", "gatepost-setup.path"),
            ("multi-user.target", "gatepost-clock-floor.service"),
            ("local-fs.target", "gatepost-data.mount"),
        )
    }
    for name in ("ctrl-alt-del.target", "getty@tty1.service"):
        assert points_to(wants / name) == "/dev/null"
    device = r"dev-disk-by\x2dlabel-gatepost\x2ddata.device.d/gatepost.conf"
    assert "JobRunningTimeoutSec=20s" in (system / device).read_text()
    rules = root / "usr/lib/udev/rules.d"
    assert {each.name for each in rules.iterdir()} == {
        each.name for each in (SYSTEMD / "udev").iterdir()
    }


def test_installed_twice_is_the_same(root: Path, prepared: Path) -> None:
    options = ("--from", prepared, "--version", "9", "--read-only-root")
    install(root, *options)
    first = tree(root)
    assert install(root, *options).returncode == 0
    assert tree(root) == first


def test_another_version_takes_the_place_of_the_first_which_stays(
    root: Path, prepared: Path
) -> None:
    install(root, "--from", prepared, "--version", "8")
    install(root, "--from", prepared, "--version", "9")
    assert points_to(root / "opt/gatepost/current") == "versions/9"
    assert {path.name for path in (root / "opt/gatepost/versions").iterdir()} == {"8", "9"}


def test_what_an_earlier_version_had_and_this_one_has_not_goes(root: Path, prepared: Path) -> None:
    install(root, "--from", prepared, "--version", "8")
    old = root / "usr/lib/systemd/system/gatepost-old.service"
    old.write_text("")
    with (root / "usr/lib/gatepost/installed").open("a") as listed:
        listed.write("usr/lib/systemd/system/gatepost-old.service\n")
    install(root, "--from", prepared, "--version", "9")
    assert not old.exists()


def test_uninstalling_takes_all_of_it_and_leaves_keys_data_and_the_admins_own(
    root: Path, prepared: Path
) -> None:
    kept = {
        "etc/gatepost/station.toml": "mine",
        "gatepost/data/spool.db": "events",
        "etc/systemd/system/gatepost.service.d/mine.conf": "[Service]",
        "etc/systemd/system/getty@tty1.service": "a console of mine",
    }
    for place, text in kept.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    install(root, "--from", prepared, "--version", "9")
    assert install(root, "--uninstall").returncode == 0
    accounts = {"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd.lock"}
    left = {name: (root / name).read_text() for name in tree(root).keys() - accounts}
    assert left == kept


def test_a_wheel_is_unpacked(root: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "gatepost-7.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("gatepost/__init__.py", '__version__ = "7.1"\n')
        packed.writestr("gatepost-7.1.dist-info/METADATA", "Name: gatepost\n")
    assert install(root, "--from", wheel).returncode == 0
    assert points_to(root / "opt/gatepost/current") == "versions/7.1"
    assert (root / "opt/gatepost/versions/7.1/lib/gatepost/__init__.py").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "/nowhere"), "no source tree, wheel or folder"),
        (("--version", "../9"), "version '../9'?"),
        (("--frm", "x"), "what is --frm?"),
        (("--version",), "--version needs a value"),
        (("--relay", "17=low"), "--relay goes with --boot"),
        (("--boot", ".", "--relay", "17"), "PIN=low or PIN=high"),
        (("--boot", ".", "--relay", "17=up"), "PIN=low or PIN=high"),
        (("--boot", "/nowhere"), "/nowhere is no folder"),
    ],
)
def test_what_cannot_be_done_as_asked_is_told_and_nothing_is_installed(
    root: Path, options: tuple[str, ...], told: str
) -> None:
    done = install(root, *options)
    assert done.returncode == 2
    assert told in done.stderr
    assert not (root / "opt/gatepost/current").exists()
    assert not (root / "usr/lib/systemd").exists()


def test_the_root_becomes_read_only_once_and_only_there(root: Path, prepared: Path) -> None:
    (root / "etc").mkdir()
    (root / "var/log").mkdir(parents=True)
    (root / "var/lib/dhcpcd").mkdir(parents=True)
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    (root / "usr/lib/systemd/system/apt-daily.timer").touch()
    (root / "etc/fstab").write_text(
        "proc /proc proc defaults 0 0\n"
        "PARTUUID=1-01 /boot/firmware vfat defaults 0 2\n"
        "PARTUUID=1-02 / ext4 rw,noatime 0 1\n"
        "# UUID=9 / ext4 rw 0 1\n"
        "UUID=3 /srv ext4 rw 0 2\n"
    )
    options = ("--from", prepared, "--version", "9", "--read-only-root")
    install(root, *options)
    install(root, *options)
    written = [line.split() for line in (root / "etc/fstab").read_text().splitlines()]
    by_place = {line[1]: line for line in written if not line[0].startswith("#")}
    assert by_place["/"][3] == "noatime,ro"
    assert by_place["/boot/firmware"][3] == "defaults,ro"
    assert by_place["/srv"][3] == "rw"
    assert {"/var/log", "/var/lib/dhcpcd"} <= by_place.keys()
    assert "/var/lib/NetworkManager" not in by_place  # there is none on this root
    assert len(by_place) == len([line for line in written if not line[0].startswith("#")])
    assert points_to(root / "etc/systemd/system/apt-daily.timer") == "/dev/null"
    assert not (root / "etc/systemd/system/man-db.timer").is_symlink()


def test_another_version_keeps_the_root_read_only_and_uninstalling_gives_back_what_was_in_ram(
    root: Path, prepared: Path
) -> None:
    for folder in ("etc", "var/log", "usr/lib/systemd/system"):
        (root / folder).mkdir(parents=True)
    (root / "usr/lib/systemd/system/apt-daily.timer").touch()
    (root / "etc/fstab").write_text("PARTUUID=1-02 / ext4 rw,noatime 0 1\n")
    install(root, "--from", prepared, "--version", "8", "--read-only-root")
    before = (root / "etc/fstab").read_text()
    install(root, "--from", prepared, "--version", "9")
    assert (root / "etc/fstab").read_text() == before
    assert points_to(root / "etc/systemd/system/apt-daily.timer") == "/dev/null"
    done = install(root, "--uninstall")
    assert "still says ro for /" in done.stdout
    assert (root / "etc/fstab").read_text() == "PARTUUID=1-02 / ext4 noatime,ro 0 1\n"
    assert not (root / "etc/systemd/system/apt-daily.timer").is_symlink()


def test_blanks_in_the_roots_path_change_nothing(tmp_path: Path, prepared: Path) -> None:
    root = tmp_path / "a root  with blanks"
    root.mkdir()
    options = ("--from", prepared, "--version", "9", "--read-only-root")
    assert install(root, *options).returncode == 0
    first = tree(root)
    assert install(root, *options).returncode == 0
    assert tree(root) == first
    assert install(root, "--uninstall").returncode == 0
    assert not (root / "opt/gatepost").exists()
    assert {path.name for path in tmp_path.iterdir()} == {root.name, "prepared"}


def test_an_empty_root_is_not_this_machine(tmp_path: Path, prepared: Path) -> None:
    done = subprocess.run(
        ["sh", INSTALL, "--from", prepared, "--version", "9", "--boot", "/nowhere", "--root", ""],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (2, "install: --root needs a value (see --help)\n")


def test_the_boot_partition_gets_its_lines_once_and_the_relay_rests_as_the_site_says(
    root: Path, prepared: Path
) -> None:
    boot = root / "boot"
    boot.mkdir()
    (boot / "config.txt").write_text("arm_64bit=1\n[pi4]\narm_boost=1\n")
    (boot / "cmdline.txt").write_text("console=tty1 root=PARTUUID=1-02 rootwait\n")
    options = ("--from", prepared, "--version", "9", "--boot", boot, "--relay")
    install(root, *options, "17=low")
    install(root, *options, "17=high")
    assert (boot / "config.txt").read_text() == (
        "arm_64bit=1\n[pi4]\narm_boost=1\n\n[all]\ninclude gatepost.txt\n"
    )
    assert (boot / "cmdline.txt").read_text() == (
        "console=tty1 root=PARTUUID=1-02 rootwait cgroup_enable=memory fsck.repair=yes\n"
    )
    settings = (boot / "gatepost.txt").read_text().splitlines()
    assert "gpio=17=op,dh" in settings
    assert "gpio=17=op,dl" not in settings
    assert "dtparam=strict_gpiod" in settings


def test_help_says_how_and_ends_well() -> None:
    done = subprocess.run(["sh", INSTALL, "--help"], capture_output=True, text=True, check=True)
    assert "--read-only-root" in done.stdout
    assert "examples:" in done.stdout
