"""The layers of the design, checked as they are written down in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_central_kit_needs_no_station_library() -> None:
    """Imported in a fresh process in which the libraries of a station cannot be imported."""
    code = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BANNED:
            raise ImportError(f"{name} is a station's library")
BANNED = {"numpy", "cv2", "zxingcpp", "zbar", "gpiozero", "luma", "PIL", "serial", "segno"}
sys.meta_path.insert(0, Nothing())
import gatepost.central.cli, gatepost.central.follow, gatepost.central.session
import gatepost.central.unseal
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=50
    )
    assert told.returncode == 0, told.stderr


def test_no_mocks_and_no_sleeps_in_tests() -> None:
    halves = (("unittest", ".mock"), ("Magic", "Mock"), ("patch.set", "attr"), ("time.sl", "eep("))
    banned = ["".join(word) for word in halves]
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text("utf-8")
        assert not [word for word in banned if word in text], path


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in (ROOT / "firmware").rglob("*.py")
        if (count := len(path.read_text("utf-8").splitlines())) > 300
    }
    assert long == {}
