"""What keeps the daemon small, each where it can be seen."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from fakes import BOOT, FakeClock
from gatepost.model import Draft, FaultRecord
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from pathlib import Path

# Nobody on a station asks for these: JSON Schema is the centre's, the others are for development.
NEVER = (
    "jsonschema",
    "referencing",
    "segno",
    "pytest",
    "matplotlib",
    "amqtt",
    "yaml",
    "setuptools",
)


def test_the_daemon_loads_no_library_that_only_others_need() -> None:
    code = "import sys, gatepost.cli.run, gatepost.build; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in told.stdout.split()}
    assert loaded >= {"numpy", "cv2", "gatepost"}
    assert not loaded & set(NEVER)


def test_a_spool_keeps_little_of_the_card_in_memory(tmp_path: Path) -> None:
    now = stamp(FakeClock(), BOOT)
    path = prepare(tmp_path, "gp-1", "site-1", now, allow_volatile=True)
    with Spool(path) as spool:
        assert spool._database.execute("PRAGMA cache_size").fetchone() == (-256,)
        for number in range(300):  # beyond the cache, with and without the WAL
            spool.append(Draft(FaultRecord("x", "failed", "y" * 2000 + str(number)), now))
            if number == 150:
                spool.tidy()
        assert spool.verify() == 301


PROGRAM = """
from gatepost.heap import give_back, keep_small
def resident_kb():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])
keep_small()
blocks = [bytearray(20_000) for _ in range(2_000)]  # below what is mapped by itself
kept = blocks[::50]  # between the others: the heap cannot shrink past them
before = resident_kb()
blocks.clear()
held = resident_kb()
give_back()
print(before - held, before - resident_kb())
"""


def test_what_is_free_between_blocks_that_live_goes_back_too() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    by_itself, asked = map(int, told.stdout.split())
    assert asked > 30_000
    assert asked > by_itself
