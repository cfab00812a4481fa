"""The machine's clocks."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as we read it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


_LIBC = ctypes.CDLL(None, use_errno=True)


def kernel_bound_us() -> int | None:
    """The kernel's maxerror in microseconds (adjtimex(2)), or None while not synchronised.

    maxerror grows with the root distance that the NTP client told the kernel.
    """
    state = _Timex()
    if not hasattr(_LIBC, "adjtimex"):
        return None
    told = _LIBC.adjtimex(ctypes.byref(state))
    return int(state.maxerror) if _known(told, state.status) else None


def _known(told: int, status: int) -> bool:
    """Whether adjtimex(2) says that the time is known: so it is in a leap second (1 to 4)."""
    return told not in {-1, _TIME_ERROR} and not status & _STA_UNSYNC


def boot_id() -> str:
    """The kernel's random id of this boot, 32 hex digits."""
    return _BOOT_ID.read_text("ascii").strip().replace("-", "")


class SystemClock:
    """The clocks of the machine that we run on."""

    def boottime(self) -> float:
        """Seconds since boot, CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall_us(self) -> int:
        """Microseconds since 1970 UTC, CLOCK_REALTIME."""
        return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000

    def bound_us(self) -> int | None:
        """The kernel's own bound on the error of the wall clock; None: not synchronised."""
        return kernel_bound_us()
