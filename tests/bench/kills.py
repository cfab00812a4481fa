"""kill -9 under load: of the daemon at random moments, of the broker after its acknowledgement.

    python tests/bench/kills.py                              500 of the daemon, 100 of the broker
    python tests/bench/kills.py --daemon 20 --broker 10      a look
    python tests/bench/kills.py --json out/kills.json        every number too

At the end every green light must be at the central server, once, in an unbroken chain that the
station signed. When the broker dies, the events it acknowledged die with it, for the central
server is away just then: what closes these gaps is the central server, which asks for them.

Exit status: 0 the promise held, 1 it did not, 2 it cannot be run here.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kills_broker import BrokerRig, kill_broker
from kills_daemon import Died, Rig, kill_daemon

from gatepost.demo.broker import MOSQUITTO
from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from kills_green import Judgement


def main() -> int:
    """Run it; 0, 1 or 2 as above."""
    asked = _parser().parse_args()
    if not MOSQUITTO:
        _say("skipped: install mosquitto")
        return 0 if asked.skip_ok else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    found: dict[str, Judgement] = {}
    with tempfile.TemporaryDirectory("-gatepost-kills", dir=asked.folder) as folder:
        try:
            if asked.daemon:
                found["daemon"] = _daemon(Path(folder) / "daemon", asked)
            if asked.broker:
                found["broker"] = _broker(Path(folder) / "broker", asked)
        except (Died, GatepostError) as error:
            _say(f"failed: {error}")
            return 1
    for name, each in found.items():
        came = each.facts.get("came_on_asking")
        more = "" if came is None else f"; {came} of them because they were asked for"
        word = "good" if each.good else "BROKEN"
        sys.stdout.write(f"{name}: {word}: {each.words()}{more}\n")
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        told = {name: each.told() for name, each in found.items()}
        asked.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return 0 if all(each.good for each in found.values()) else 1


def _daemon(folder: Path, asked: argparse.Namespace) -> Judgement:
    folder.mkdir()
    _say(f"the daemon, {asked.daemon} times")
    with Rig(folder, asked.rate, asked.seed) as rig:
        return kill_daemon(rig, asked.daemon, _say)


def _broker(folder: Path, asked: argparse.Namespace) -> Judgement:
    folder.mkdir()
    _say(f"the broker, {asked.broker} times")
    with BrokerRig(folder, asked.rate, asked.seed) as rig:
        return kill_broker(rig, asked.broker, _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--daemon", type=int, default=500, metavar="N", help="kills (default: %(default)s)")
    option("--broker", type=int, default=100, metavar="N", help="kills (default: %(default)s)")
    option("--rate", type=float, default=30.0, help="codes a second (default: %(default)s)")
    option("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    option("--json", type=Path, metavar="FILE", help="write every number there too")
    option("--folder", type=Path, metavar="DIR", help="where temporary files go")
    option("--skip-ok", action="store_true", help="where it cannot be run, end with status 0")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
