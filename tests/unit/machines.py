"""A made-up machine: the kernel's files as a Raspberry Pi has them, in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.health import Machine, Roots

if TYPE_CHECKING:
    from pathlib import Path

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 179:2 / / ro,noatime shared:1 - ext4 /dev/mmcblk0p2 ro
31 27 179:3 / {data} rw,noatime shared:9 - ext4 /dev/mmcblk0p3 rw,commit=5
"""


@dataclass(frozen=True)
class FakePi:
    """Its files, to be written over by a test."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def roots(self) -> Roots:
        return Roots(self.root / "sys", self.root / "proc", self.root / "dev")

    def machine(self) -> Machine:
        return Machine(self.data, self.roots)

    def put(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def fitted(self) -> FakePi:
        """All that a Pi 4 with an eMMC tells while it is well."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.put("sys/class/thermal/thermal_zone0/temp", "51234\n")
        self.put("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n")
        self.put("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1800000\n")
        self.put("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
        self.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        self.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
        self.put("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")
        self._card()
        self.put("proc/self/mountinfo", MOUNTINFO.format(data=self.data))
        self.put("proc/self/status", "Name:\tx\nVmHWM:\t  120000 kB\nVmRSS:\t  100000 kB\n")
        self.put("proc/meminfo", "MemTotal:   1800000 kB\nMemAvailable:    900000 kB\n")
        self.put("proc/loadavg", "0.35 0.20 0.10 1/120 999\n")
        waits = "some avg10=0.10 avg60=1.25 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00\n"
        for each in ("memory", "io", "cpu"):
            self.put(f"proc/pressure/{each}", waits)
        return self

    def _card(self) -> None:
        disk = "sys/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001/block/mmcblk0"
        self.put(f"{disk}/stat", "100 0 800 5 40 2 2097152 900 0 1 1 0 0 0 0\n")
        self.put(f"{disk}/mmcblk0p3/partition", "3\n")
        for name, text in (
            ("name", "EXMPL"),
            ("manfid", "0x000099"),
            ("date", "08/2021"),
            ("life_time", "0x02 0x03"),
            ("pre_eol_info", "0x01"),
        ):
            self.put(f"{disk}/device/{name}", f"{text}\n")
        numbers = self.root / "sys/dev/block"
        numbers.mkdir(parents=True, exist_ok=True)
        link = numbers / "179:3"
        if not link.is_symlink():
            link.symlink_to(self.root / disk / "mmcblk0p3")
        self.put("sys/fs/ext4/mmcblk0p3/errors_count", "0\n")

    @property
    def disk(self) -> str:
        return "sys/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001/block/mmcblk0"
