"""The whole station with its devices, proved in a qemu guest: real kernel devices, real systemd.

    python tests/bench/device.py                     every step, about ten minutes
    python tests/bench/device.py --only latency      a step alone (again: another)
    python tests/bench/device.py --soak 3600         also an hour at a scan every two seconds
    python tests/bench/device.py --json out/x.json   every figure too

A USB keyboard reader and a USB serial one are gadgets on dummy_hcd, lamp, relay and button lines
of gpio-sim, the OLED a device on an I2C bus of its own, webcams vivid's, the hardware watchdog
qemu's i6300esb. The station is installed by systemd/install on a read-only Debian and delivers to
a mosquitto outside. The guest's processor is emulated, some 20 times slower than this computer:
its times are bounds for a Pi, not what a Pi takes. The guest's Debian is built on the first run
(some minutes) and kept in the user's cache.

Exit status: 0 every step held, 1 one did not, 2 it cannot be run here (what lacks is told).
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from device_run import STEPS, run_device
from guest_root import GuestError, lacking

from gatepost.demo.broker import MOSQUITTO
from gatepost.errors import GatepostError


def main() -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args()
    why = lacking() or ("" if MOSQUITTO else "install mosquitto")
    if why:
        _say(f"skipped: {why}")
        return 0 if asked.skip_ok else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    with tempfile.TemporaryDirectory("-gatepost-device") as folder:
        try:
            found = run_device(Path(folder), asked.only, asked.soak, _say)
        except (GuestError, GatepostError) as error:
            _say(f"failed: {error}")
            return 1
        finally:
            if asked.keep is not None:
                _keep(Path(folder), asked.keep)
    sys.stdout.write(f"{'good' if found.good else 'BROKEN'}, {found.seconds:.0f} s\n")
    sys.stdout.writelines(f"{each.words()}\n" for each in found.outcomes)
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(found.told(), indent=1) + "\n", "utf-8")
    return 0 if found.good else 1


def _keep(folder: Path, place: Path) -> None:
    """The journal, the console and what qemu said."""
    place.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, place)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--only", action="append", default=[], metavar="NAME", choices=tuple(STEPS),
           help=f"this step, beside booting and delivering: {', '.join(STEPS)}")  # fmt: skip
    option("--soak", type=float, default=0.0, metavar="SECONDS", help="also this long")
    option("--json", type=Path, metavar="FILE", help="write every figure there too")
    option("--keep", type=Path, metavar="DIR", help="keep the journal and the console there")
    option("--skip-ok", action="store_true", help="where it cannot be run, end with status 0")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
