import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.errors import SpoolVolatile
from gatepost.spool import prepare, volatile
from gatepost.timekeeping import stamp

ASK = """
import sys
from pathlib import Path
from gatepost.spool import volatile
print(*(volatile(Path(each)) or "safe" for each in sys.argv[1:]))
"""


def asked(mounts: str, *places: Path) -> list[str]:
    """What `volatile` says of places in a mount namespace of its own."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare for mounts of its own")
    words = " ".join(f"'{each}'" for each in places)
    script = f'set -e; {mounts}\nexec {sys.executable} -c "$ASK" {words}'
    told = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=30,
        env={**os.environ, "ASK": ASK},
    )  # fmt: skip
    if told.returncode:
        pytest.skip(f"these mounts are not allowed here: {told.stderr.strip()}")
    return told.stdout.split()


def test_ram_is_seen_through_links_binds_and_folders_that_are_not_there(tmp_path: Path) -> None:
    for name in ("ram", "bind", "card"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "ram" / "deep")
    mounts = f"""
mount -t tmpfs none {tmp_path}/ram
mkdir {tmp_path}/ram/deep
mount --bind {tmp_path}/ram/deep {tmp_path}/bind
"""
    places = [tmp_path / each for each in ("ram", "bind", "link", "ram/not/there", "link/gone")]
    assert asked(mounts, *places) == ["tmpfs"] * 5


def test_overlay_and_ramfs_are_ram(tmp_path: Path) -> None:
    for name in ("ram", "over", "upper", "lower", "work"):
        (tmp_path / name).mkdir()
    mounts = f"""
mount -t ramfs none {tmp_path}/ram
mount -t tmpfs none {tmp_path}/upper
mkdir {tmp_path}/upper/u {tmp_path}/upper/w
mount -t overlay none -o lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper/u,workdir={tmp_path}/upper/w {tmp_path}/over
"""  # noqa: E501
    assert asked(mounts, tmp_path / "ram", tmp_path / "over") == ["ramfs", "overlay"]


def test_a_disk_is_no_ram() -> None:
    if not volatile(Path(__file__).parent):
        assert volatile(Path(__file__).parent / "not" / "there") == ""
    else:
        pytest.skip("this checkout lies in RAM")


def test_a_spool_in_ram_is_refused_unless_that_is_meant(tmp_path: Path) -> None:
    ram = Path("/dev/shm")  # noqa: S108 - on purpose
    if not volatile(ram):
        pytest.skip(f"{ram} is no RAM here")
    folder = ram / f"gatepost-test-{os.getpid()}"
    when = stamp(FakeClock(), BOOT)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "spool.db").symlink_to(folder / "spool.db")
    try:
        with pytest.raises(SpoolVolatile, match=r"on tmpfs: .*\[spool\] allow_volatile"):
            prepare(folder, "gp-1", "site-1", when)
        with pytest.raises(SpoolVolatile):
            prepare(tmp_path / "linked", "gp-1", "site-1", when)
        assert prepare(folder, "gp-1", "site-1", when, allow_volatile=True).exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
