"""`gatepost setup`: setup mode and the self-test at the station, as its button asks for them."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.selftest.setting_up import Stage

_EPILOG = """\
examples:
  sudo systemctl stop gatepost
  gatepost setup --config /etc/gatepost/station.toml --mode setup
                          aim help on the OLED while the camera is being mounted
  gatepost setup --config /etc/gatepost/station.toml --mode selftest

Under systemd the button asks for it: held 3 s for setup, 8 s for the self-test; a press goes
on to the next camera, or ends it.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "setup",
        help="setup mode: aim help on the OLED, or the self-test",
        description="Take the station's place at its devices: help to aim the camera (focus, "
        "light, distance of the code before it), or test the station by itself and keep a signed "
        "report. Ends by the button or when its time is over. Exit status: 0 done, 1 the "
        "self-test found trouble, 2 it could not be tried as asked.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--mode", choices=("setup", "selftest"), help="else what was asked for by the button"
    )
    parser.add_argument(
        "--minutes", type=_minutes, default=15.0, metavar="N", help="how long at most (15)"
    )
    parser.set_defaults(run=run)


def _minutes(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 15")
    return number


def run(args: argparse.Namespace) -> int:
    """Run the mode until it is over; what was asked for is done then."""
    from gatepost import modes
    from gatepost.config import load
    from gatepost.errors import DeviceError, SpoolBusy, UsageError
    from gatepost.logs import set_up
    from gatepost.spool import alone

    config = load(args.config)
    set_up(config.log.format, config.log.level)
    mode = modes.Mode(args.mode) if args.mode else modes.asked() or modes.Mode.SETUP
    try:
        with alone(config.station.data):
            return _run(config, mode is modes.Mode.SELFTEST, args.minutes * 60)
    except SpoolBusy as error:
        raise UsageError(
            "the station runs and holds its devices: stop it first (sudo systemctl stop gatepost)"
        ) from error
    finally:
        try:
            modes.over()
        except DeviceError as error:
            print(f"gatepost: {error}", file=sys.stderr)


def _run(config: Config, testing: bool, seconds: float) -> int:
    from gatepost.selftest.setting_up import setting_up

    with _stage(config, seconds) as stage:
        if testing:
            return _test(config, stage)
        setting_up(stage, lambda: _about(config))
        return 0


def _stage(config: Config, seconds: float) -> Stage:
    import threading

    from gatepost.build.parts import parts_of
    from gatepost.clock import SystemClock
    from gatepost.selftest.devices import Bench
    from gatepost.selftest.setting_up import Stage

    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: asked.append(number))
    clock = SystemClock()
    bench = Bench(config, parts_of(config, clock), clock, threading.Event().wait)
    return Stage(bench, lambda: bool(asked), clock.boottime() + seconds)


def _test(config: Config, stage: Stage) -> int:
    from gatepost.errors import GatepostError
    from gatepost.selftest import selftest
    from gatepost.selftest.commissioning import sign
    from gatepost.selftest.setting_up import try_all

    found = try_all(stage, selftest(config))
    try:
        # Never whole: nobody was asked what they saw and heard.
        sign(config, found, "button", whole=False)
    except GatepostError as error:  # keys or card are bad: that is among the findings
        print(f"gatepost: no report: {error}", file=sys.stderr)
    return 0 if all(each.ok for each in found) else 1


def _about(config: Config) -> list[str]:
    """What a technician without a camera looks for: who it is, and where in the network."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nothing is sent
            own = str(probe.getsockname()[0])
        except OSError:
            own = "no network"
    return [config.station.id, config.station.site, own]
