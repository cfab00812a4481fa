"""The C library's heap, set for a process that takes and gives back pictures for years.

glibc raises its threshold for memory that goes back to the system at once with each large block
that was freed, and gives each thread an arena of its own: a daemon that filters pictures in two
threads kept 40 MB more than it used. mallopt(3).
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LIBC = ctypes.CDLL(None)
_LARGE = 256 * 1024  # bytes: a part of a picture; smaller ones are taken too often


def keep_small() -> None:
    """Give large blocks back at once, and share two arenas; does nothing without glibc."""
    mallopt = getattr(_LIBC, "mallopt", None)
    if mallopt is None:
        return
    for parameter, value in (
        (_M_ARENA_MAX, 2),
        (_M_MMAP_THRESHOLD, _LARGE),
        (_M_TRIM_THRESHOLD, _LARGE),
    ):
        mallopt(parameter, value)


def give_back() -> None:
    """Give what is free within the heap back to the system, too; a millisecond or few.

    By itself only its end goes back: one small block that lives keeps all below
    it (malloc_trim(3)).
    """
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
