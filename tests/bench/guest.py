"""Power cuts of a whole virtual station: a qemu guest that runs the real daemon, killed at random.

    python tests/bench/guest.py                     20 cuts, about 20 minutes
    python tests/bench/guest.py --cuts 3            a look
    python tests/bench/guest.py --json out/x.json   every number too

After each cut the guest boots from the same disk, and the station must start by itself. At the
end every green light must be at the central server, once, in an unbroken chain that the station
signed. The guest's Debian is built on the first run and kept in the user's cache.

Exit status: 0 the promise held, 1 it did not, 2 it cannot be run here (what lacks is told).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from guest_cuts import cut_guest
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
    with tempfile.TemporaryDirectory("-gatepost-guest", dir=asked.folder) as folder:
        try:
            found = cut_guest(Path(folder), asked.cuts, asked.rate, asked.seed, _say)
        except (GuestError, GatepostError) as error:
            _say(f"failed: {error}")
            return 1
    sys.stdout.write(f"{'good' if found.good else 'BROKEN'}: {found.words()}\n")
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(found.told(), indent=1) + "\n", "utf-8")
    return 0 if found.good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--cuts", "--kills", type=int, default=20, metavar="N", help="(default: %(default)s)")
    option("--rate", type=float, default=5.0, help="codes a second (default: %(default)s)")
    option("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    option("--json", type=Path, metavar="FILE", help="write every number there too")
    option("--folder", type=Path, metavar="DIR", help="where temporary files go (2 GB)")
    option("--skip-ok", action="store_true", help="where it cannot be run, end with status 0")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
