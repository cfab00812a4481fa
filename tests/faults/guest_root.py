"""The disk of a virtual Pi: Debian with systemd, a Pi's Python, and what a station needs.

Built once (some minutes) and kept in the user's cache, under a name that is made of its recipe:
another recipe, or other requirements in pyproject.toml, and it is built anew. What changes with
the checkout is not on it: see guest_disk.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
SUITE, PYTHON = "trixie", "3.13"
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86 and seabios",
}
_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "kmod", "linux-image-amd64", "initramfs-tools",
    "e2fsprogs", "python3", "python3-evdev",
)  # fmt: skip
# None has a wheel. evdev is Debian's here; no camera asks for zbar, no pins for lgpio.
UNBUILT = ("zbar-py", "lgpio", "evdev")
PACKAGED = f"usr/local/lib/python{PYTHON}/dist-packages"
_UNIT = f"""\
[Unit]
Description=gatepost
RequiresMountsFor=/srv/gatepost
StartLimitIntervalSec=0
[Service]
Type=notify
Environment=PYTHONPATH=/srv/gatepost/lib PYTHONDONTWRITEBYTECODE=1
ExecStartPre=/bin/sh -c 'echo "boot $(cat /proc/sys/kernel/random/boot_id)"'
ExecStart=/usr/bin/python{PYTHON} -m gatepost run --config /srv/gatepost/station.toml
StandardOutput=append:/dev/ttyS1
StandardError=append:/dev/ttyS1
Restart=always
RestartSec=1
TimeoutStartSec=300
WatchdogSec=120
[Install]
WantedBy=multi-user.target
"""
# The broker's certificate is for localhost, and the broker is on the computer outside.
_FILES = {
    "etc/systemd/system/gatepost.service": _UNIT,
    "etc/hostname": "gatepost\n",
    "etc/machine-id": f"{0x6A7E:032x}\n",  # a fixed one: no boot is a "first boot"
    "etc/hosts": "10.0.2.2 localhost\n127.0.1.1 gatepost\n",
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n/dev/vdb /srv/gatepost ext4 defaults 0 2\n",
    "etc/systemd/network/all.network": (
        "[Match]\nName=e*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
    ),
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
    "etc/initramfs-tools/conf.d/small": "MODULES=list\nCOMPRESS=gzip\n",
}
MASKED = (
    "getty@tty1.service", "serial-getty@ttyS0.service", "apt-daily.timer",
    "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "systemd-networkd-wait-online.service", "getty-static.service",
    "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "modprobe@drm.service",
    "modprobe@efi_pstore.service", "systemd-pstore.service", "systemd-sysusers.service",
)  # fmt: skip


class GuestError(Exception):
    """The guest cannot be built or run."""


@dataclass(frozen=True, slots=True)
class Root:
    """Where it lies: the disk, the kernel, its initrd, and the same files as a folder."""

    disk: Path
    kernel: Path
    initrd: Path
    files: Path


def lacking() -> str:
    """Why no guest can be built here, in words; "" where one can."""
    missing = [package for tool, package in TOOLS.items() if find(tool) is None]
    if missing:
        return f"install {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "only root can build a Debian with its owners"


def find(tool: str) -> str | None:
    """Where a tool is; some are not on a user's PATH."""
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")


def root(say: Callable[[str], None]) -> Root:
    """The root as its recipe says, built where it is not there yet. Raises GuestError."""
    return cached("guest", _recipe(), _build, say)


def cached(
    kind: str,
    recipe: str,
    build: Callable[[Root, Callable[[str], None]], None],
    say: Callable[[str], None],
) -> Root:
    """What `build` made of `recipe` before, in the user's cache, or makes now."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatepost"
    folder = home / f"{kind}-{recipe}"
    made = Root(folder / "root.ext4", folder / "vmlinuz", folder / "initrd.img", folder / "root")
    if (folder / "done").exists():
        return made
    say(f"building the guest's Debian once, into {folder} (some minutes)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(made, say)
    (folder / "done").touch()
    return made


def run(*command: str | Path, folder: Path | None = None, most: int = 0) -> None:
    """Run a tool to its end, of status `most` at most. Raises GuestError with what it said."""
    told = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if not 0 <= told.returncode <= most:
        said = (told.stdout + told.stderr)[-2000:]
        raise GuestError(f"{command[0]} ended with status {told.returncode}:\n{said}")


def make_disk(files: Path, disk: Path, size: str) -> None:
    """An ext4 file system that holds the folder `files`, sparse in the file `disk`."""
    run("truncate", "-s", size, disk)
    run(find("mkfs.ext4") or "mkfs.ext4", "-q", "-F", "-d", files, disk)


def compile_within(root_files: Path, folder: str) -> None:
    """Compile the Python below `folder` (as the guest sees it) with the guest's own Python.

    As an installation does: under an emulated processor, and after each cut, it costs minutes.
    """
    run("chroot", root_files, f"/usr/bin/python{PYTHON}", "-m", "compileall", "-q", f"/{folder}")


def _recipe() -> str:
    return digest(SUITE, PYTHON, _PACKAGES, _FILES, MASKED, requirements())


def digest(*parts: object) -> str:
    """A short name for a recipe of these parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def requirements() -> list[str]:
    """What a station needs of PyPI, as far as it has wheels."""
    told: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    project = told["project"]
    every = [*project["dependencies"], *project["optional-dependencies"]["station"]]
    return [each for each in every if not each.startswith(UNBUILT)]


def _build(made: Root, say: Callable[[str], None]) -> None:
    bootstrap(made.files, _PACKAGES)
    say("guest: its Python packages")
    install(requirements(), made.files / PACKAGED)
    compile_within(made.files, PACKAGED)
    write_files(made.files, _FILES)
    (made.files / "srv/gatepost").mkdir()
    settle(made.files, MASKED, ("gatepost", "systemd-networkd"))
    say("guest: its kernel and its disk")
    take_kernel(made)
    make_disk(made.files, made.disk, "3G")


def write_files(files: Path, texts: Mapping[str, str]) -> None:
    """Write each of `texts`, by its path in the guest."""
    for name, text in texts.items():
        path = files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def take_kernel(made: Root) -> None:
    """Make its initrd anew, and copy that and the kernel to where qemu takes them."""
    run("chroot", made.files, "update-initramfs", "-u")
    for pattern, target in (("vmlinuz-*", made.kernel), ("initrd.img-*", made.initrd)):
        shutil.copy(next((made.files / "boot").glob(pattern)), target)


def bootstrap(files: Path, packages: Sequence[str]) -> None:
    """A Debian of `packages` in the folder `files`, without documentation."""
    run(
        find("mmdebstrap") or "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        "--quiet",
        f"--include={','.join(packages)}",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        SUITE,
        files,
    )


def install(wheels: Sequence[str], target: Path) -> None:
    """Wheels for the guest's Python, whatever Python runs here."""
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in range(41, 16, -1)]
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", target,
        "--python-version", PYTHON, "--only-binary=:all:", *platforms,
        "--platform=manylinux2014_x86_64", *wheels,
    )  # fmt: skip


def settle(files: Path, masked: Sequence[str], enabled: Sequence[str]) -> None:
    """What starts at boot, and what does not."""
    units = files / "etc/systemd/system"
    for name in masked:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")
    run("chroot", files, "systemctl", "enable", *enabled)
    for name in ("etc/.updated", "var/.updated"):  # else the first boot rebuilds every cache
        (files / name).touch()
