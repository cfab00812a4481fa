"""The disk of a virtual station with its devices: Debian as on a Pi, as far as it is bought.

What a Pi has by its board is here simulated by the kernel itself: GPIO lines, an I2C bus, USB
readers. Built once and kept, as guest_root says; the station itself is not on it: device_disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from device_kernel import RECIPE, build_kernel_parts, sdists
from guest_root import (
    MASKED,
    PACKAGED,
    PYTHON,
    SUITE,
    bootstrap,
    cached,
    compile_within,
    digest,
    install,
    requirements,
    settle,
    take_kernel,
    write_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from guest_root import Root

PACKAGES = (
    "systemd", "systemd-sysv", "systemd-timesyncd", "udev", "dbus", "kmod", "linux-image-amd64",
    "initramfs-tools", "e2fsprogs", "procps", "python3", "fonts-dejavu-core", "fonts-unifont",
)  # fmt: skip
AGENT = Path(__file__).with_name("device_agent.py")
_DATA_DEVICE = r"dev-disk-by\x2dlabel-gatepost\x2ddata.device"
_PORTS = "/dev/virtio-ports"
_AGENT_UNIT = f"""\
[Unit]
Description=The rig's hand in the guest
DefaultDependencies=no
After=systemd-tmpfiles-setup-dev.service systemd-modules-load.service systemd-udevd.service
Wants=modprobe@configfs.service
After=modprobe@configfs.service sys-kernel-config.mount
Conflicts=shutdown.target
[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/python{PYTHON} /usr/local/lib/device_agent.py {_PORTS}/agent {_PORTS}/journal
OOMScoreAdjust=-1000
Restart=on-failure
[Install]
WantedBy=sysinit.target
"""
_IDLE_MODULES = (
    "kvm_amd", "kvm_intel", "ccp", "lpc_ich", "pcspkr", "psmouse", "ahci", "cfg80211", "serio_raw",
    "qemu_fw_cfg", "powernow_k8",
)  # fmt: skip
FILES = {
    "etc/systemd/system/device-agent.service": _AGENT_UNIT,
    # An emulated processor needs longer than any Pi to find its disks.
    f"etc/systemd/system/{_DATA_DEVICE}.d/slow.conf": "[Unit]\nJobRunningTimeoutSec=200\n",
    "etc/modules-load.d/device.conf": "i2c-dev\ngpio-sims\noled-sim\ndummy_hcd\nlibcomposite\n"
    "usb_f_hid\nusb_f_acm\ncdc_acm\n",
    # The last line: what a Pi has not, and what takes an emulated processor seconds.
    "etc/modprobe.d/device.conf": "options dummy_hcd num=2 is_high_speed=1\n"
    "blacklist i2c_i801\nblacklist iTCO_wdt\n"
    + "".join(f"blacklist {name}\n" for name in _IDLE_MODULES),
    "etc/hostname": "gatepost\n",
    "etc/machine-id": f"{0x6A7E:032x}\n",  # a fixed one: no boot is a "first boot"
    # The broker's certificate is for localhost, and the broker is on the computer outside.
    "etc/hosts": "10.0.2.2 localhost\n127.0.1.1 gatepost\n",
    "etc/systemd/network/all.network": (
        "[Match]\nName=e*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
    ),
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
    "etc/initramfs-tools/conf.d/small": "MODULES=list\nCOMPRESS=gzip\n",
}
_KEPT = ("systemd-sysusers.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount")
_MASKED = (
    *(each for each in MASKED if each not in _KEPT),
    "modprobe@fuse.service", "sys-fs-fuse-connections.mount", "systemd-user-sessions.service",
    "systemd-udev-load-credentials.service", "systemd-network-generator.service",
)  # fmt: skip


def device_root(say: Callable[[str], None]) -> Root:
    """The root, built where it is not there yet. Raises GuestError."""
    parts = (SUITE, PYTHON, PACKAGES, FILES, _MASKED, requirements(), sdists(), RECIPE)
    return cached("device", digest(*parts), _build, say)


def _build(made: Root, say: Callable[[str], None]) -> None:
    bootstrap(made.files, PACKAGES)
    say("guest: its Python packages")
    packaged = made.files / PACKAGED
    install(requirements(), packaged)
    build_kernel_parts(made.files, packaged, say)
    compile_within(made.files, PACKAGED)
    write_files(made.files, FILES)
    settle(made.files, _MASKED, ("systemd-networkd", "device-agent"))
    say("guest: its kernel")
    take_kernel(made)
