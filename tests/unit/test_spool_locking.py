import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.errors import SpoolError
from gatepost.spool import locked, prepare
from gatepost.timekeeping import stamp

HOLD = """
import sys
from pathlib import Path
from gatepost.spool import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
UNLOCKED = "a second gatepost would not be kept out"


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A folder that can be turned read-only, by `protect`."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root to mount a card read-only")
    folder = tmp_path / "card"
    folder.mkdir()
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode:
        pytest.skip("no bind mounts here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def protect(card: Path) -> None:
    subprocess.run(["mount", "-o", "remount,bind,ro", card], check=True)


def test_on_a_read_only_card_the_station_starts_and_its_spool_says_why(
    card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    protect(card)
    with locked(card / "data"), pytest.raises(SpoolError, match=r"[Rr]ead-only"):
        prepare(card / "data", "gp-1", "site-1", stamp(FakeClock(), BOOT), allow_volatile=True)
    assert UNLOCKED in caplog.text


def test_a_folder_on_a_read_only_card_without_a_lock_file_is_not_locked(
    card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    protect(card)
    with locked(card), locked(card):
        assert caplog.text.count(UNLOCKED) == 2


def test_on_a_card_that_turned_read_only_a_second_daemon_is_kept_out_still(
    card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(card):
        pass
    protect(card)
    with locked(card):
        with pytest.raises(SpoolError, match="another gatepost runs"), locked(card):
            pass
        assert UNLOCKED not in caplog.text


def test_another_process_is_kept_out_until_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SpoolError, match="another gatepost runs"), locked(tmp_path):
            pass
        other.communicate("")
    with locked(tmp_path):
        pass


def test_a_folder_that_can_never_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SpoolError, match="cannot be written"), locked(tmp_path / "file" / "data"):
        pass
