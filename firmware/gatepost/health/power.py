"""Heat and supply, as the kernel and a Raspberry Pi's firmware tell them.

Under-voltage: the hwmon device "rpi_volt" (drivers/hwmon/raspberrypi-hwmon.c). It asks the
firmware every 2 s and says whether the supply was too low since it last asked.

Throttling: `get_throttled` of the firmware's device (drivers/firmware/raspberrypi.c of Raspberry
Pi's kernel): the bits of `vcgencmd get_throttled` in hexadecimal, as hwmon last saw them. (Its
first reader each boot makes the kernel warn that hwmon should be read, which has no throttling.)
Where that file is gone, `vcgencmd` itself, which asks /dev/vcio. As hwmon clears the firmware's
own memory of what was, what was seen is remembered here too.
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatepost.health.files import number, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HEAT = "temperature_mc"
_FILES = (
    (_HEAT, "class/thermal/thermal_zone0/temp"),
    ("cpu_khz", "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"),
    ("cpu_most_khz", "devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
)
_LOW, _SLOWED = 1 << 0, (1 << 1) | (1 << 2) | (1 << 3)  # capped, throttled, soft temperature limit
_SINCE = 16  # the same bits, this much higher: since boot
_NOW, _BITS = 0xF, 0xF000F
_ASK_EVERY_S = 300.0  # a process each: as seldom as heat and supply allow
_ASK_S = 2.0


def vcgencmd() -> str | None:
    """What `vcgencmd get_throttled` says, e.g. "throttled=0x50005"; None where it does not."""
    try:
        told = subprocess.run(
            ["vcgencmd", "get_throttled"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout[:100].decode("ascii", "replace").strip()


@dataclass(slots=True)
class Power:
    """Reads them.

    Attributes:
        sys, dev: /sys and /dev.
        ask: `vcgencmd`, where nothing else tells.
    """

    sys: Path
    dev: Path
    ask: Callable[[], str | None] = vcgencmd
    _since: int = field(default=0, init=False)
    _asked: int | None = field(default=None, init=False)
    _ask_at: float = field(default=0.0, init=False)
    _volt: Path | None = field(default=None, init=False)

    def watch(self) -> None:
        """Look whether the supply is too low; call it every few seconds: dips are short."""
        self._low()

    def facts(self, now: float) -> dict[str, int]:
        """What is known at `now`, seconds of boot time."""
        found = {name: number(self.sys / file) for name, file in _FILES}
        told = {name: value for name, value in found.items() if value is not None}
        told = {name: value for name, value in told.items() if value >= 0 or name == _HEAT}
        low, bits = self._low(), self._bits(now)
        if bits is not None:
            self._since |= (bits | bits >> _SINCE) & _NOW
            told["throttled"] = int(bool(bits & _SLOWED))
            told["throttled_seen"] = int(bool(self._since & _SLOWED))
            told["throttled_bits"] = bits | self._since << _SINCE
        if low is None and bits is not None:
            low = bool(bits & _LOW)
        if low is not None:
            self._since |= int(low)
            told["power_low"], told["power_low_seen"] = int(low), self._since & _LOW
        return told

    def _low(self) -> bool | None:
        """By hwmon; None where it is not there."""
        if self._volt is None:
            self._volt = self._found()
        value = number(self._volt / "in0_lcrit_alarm") if self._volt else None
        if value is None:
            self._volt = None  # numbered anew by the next boot or a driver that was loaded again
            return None
        self._since |= int(bool(value))
        return bool(value)

    def _found(self) -> Path | None:
        try:
            places = sorted((self.sys / "class/hwmon").iterdir())
        except OSError:
            return None
        return next((each for each in places if text(each / "name") == "rpi_volt"), None)

    def _bits(self, now: float) -> int | None:
        """The firmware's bits; of more or negative ones we know nothing."""
        file = self.sys / "devices/platform/soc/soc:firmware/get_throttled"
        bits = number(file, 16)
        if bits is None and (self.dev / "vcio").exists():
            bits = self._by_asking(now)
        return bits & _BITS if bits is not None and bits >= 0 else None

    def _by_asking(self, now: float) -> int | None:
        if now >= self._ask_at:
            self._ask_at = now + _ASK_EVERY_S
            self._asked = whole((self.ask() or "").removeprefix("throttled="), 16)
        return self._asked
