from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import numpy as np
from gatepost.heap import keep_small

def resident_kb():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])

keep_small()
np.ones(30_000_000, np.uint8)  # freed at once: glibc would from now on keep blocks up to this
before = resident_kb()
pairs = [(np.ones(2_000_000, np.uint8), bytearray(2_000)) for _ in range(20)]
kept = [small for _, small in pairs]  # between the large ones: a heap cannot shrink past them
pairs.clear()
print(resident_kb() - before)
"""


def test_large_blocks_go_back_to_the_system_when_they_are_freed() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 8_000
