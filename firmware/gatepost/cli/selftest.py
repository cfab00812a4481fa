"""`gatepost selftest`: what is wrong with this station, and what to do about it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.config import Config
    from gatepost.selftest.findings import Finding

_EPILOG = """\
examples:
  gatepost selftest --config station.toml             also beside a running station
  gatepost selftest --config station.toml --technician --by "Lê Văn Thợ"
                                                      each device in turn, and a signed report
  gatepost selftest --config station.toml --technician --only lamp --only door
  gatepost selftest --board hardware/boards/pi-4.toml --dry-run
                                                      what would be tried, on which pins
  gatepost selftest --verify commissioning.jws --ca ca.pem
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "selftest",
        help="what is wrong with this station, and what to do",
        description="Look at keys, card, spool, clock and the way to the broker, also beside a "
        "running station; where none runs, at each device too. With --technician each device "
        "does its work and you say whether you saw it. Exit status: 0 all is well, 1 something "
        "is not, 2 it could not be tried as asked.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the station's configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.add_argument("--technician", action="store_true", help="try each device with you")
    parser.add_argument(
        "--only", action="append", default=[], metavar="DEVICE",
        help="this device alone: lamp, buzzer, oled, light, button, relay, or a reader's name",
    )  # fmt: skip
    parser.add_argument("--by", default="", metavar="NAME", help="your name, for the report")
    parser.add_argument("--report", type=Path, metavar="FILE", help="where the report goes")
    parser.add_argument("--board", type=Path, metavar="FILE", help="a board profile")
    parser.add_argument("--dry-run", action="store_true", help="say what would be tried, no more")
    parser.add_argument("--verify", type=Path, metavar="FILE", help="check a signed report")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="authority of the stations")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look; each finding is shown as it is made."""
    from gatepost.errors import UsageError

    if args.verify is not None:
        return _verify(args)
    if args.dry_run:
        return _plan(args)
    if args.board is not None:
        raise UsageError("--board goes with --dry-run; a station names its own in [board] profile")
    if args.config is None:
        raise UsageError("--config FILE is needed: the station's configuration")
    if args.technician and args.json:
        raise UsageError("--technician asks questions: its answers are JSON in the report's own")
    return _look(args)


def _look(args: argparse.Namespace) -> int:
    from gatepost.config import load

    config = load(args.config)
    _known(frozenset(args.only), config)
    found = []
    for each in _findings(args, config):
        found.append(each)
        if not args.json:
            _print(each)
    ok = all(each.ok for each in found)
    if args.json:
        findings = [each.told_to_machines() for each in found]
        print(json.dumps({"station": config.station.id, "ok": ok, "findings": findings}))
    signed = _report(args, config, found) if args.technician or args.report else True
    return 0 if ok and signed else 1


def _print(each: Finding) -> None:
    advice = f"\n{'':24}-> {each.advice}" if each.advice else ""
    print(f"{each.state:>8}  {each.name:<12}  {each.told}{advice}", flush=True)


def _findings(args: argparse.Namespace, config: Config) -> Iterator[Finding]:
    from gatepost.selftest import Finding, selftest

    if not args.only:
        yield from selftest(config)
    from gatepost.errors import GatepostError, SpoolBusy, UsageError
    from gatepost.selftest.running import running
    from gatepost.spool import alone

    try:
        with alone(config.station.data):
            yield from _devices(args, config)
    except SpoolBusy as error:
        if args.technician:
            raise UsageError(
                "the station runs and holds its devices: stop it first "
                "(sudo systemctl stop gatepost)"
            ) from error
        yield from running(config)
    except UsageError:
        raise
    except GatepostError as error:
        yield Finding("devices", ok=False, told=f"not tried: {error}")


def _devices(args: argparse.Namespace, config: Config) -> Iterator[Finding]:
    import threading

    from gatepost.build.parts import parts_of
    from gatepost.cli.technician import Terminal
    from gatepost.clock import SystemClock
    from gatepost.selftest.devices import Bench, devices

    clock = SystemClock()
    bench = Bench(
        config=config,
        parts=parts_of(config, clock),
        clock=clock,
        pause=threading.Event().wait,
        technician=Terminal() if args.technician else None,
        only=frozenset(args.only),
    )
    yield from devices(bench)


def _known(only: frozenset[str], config: Config) -> None:
    from gatepost.errors import UsageError

    fitted = ("lamp", "buzzer", "oled", "light", "button", "relay")
    names = [name for name in fitted if getattr(config, name) is not None]
    names += [each.name for each in config.reader]
    for each in sorted(only - set(names)):
        raise UsageError(f"--only {each}: not fitted here; there are {', '.join(names)}")


def _report(args: argparse.Namespace, config: Config, found: list[Finding]) -> bool:
    """Sign it and keep it; False where the keys cannot sign: that is among the findings."""
    from gatepost.errors import ConfigError
    from gatepost.selftest.commissioning import sign

    whole = args.technician and not args.only
    try:
        path = sign(config, found, args.by, whole=whole, path=args.report)
    except ConfigError as error:
        print(f"gatepost: no signed report: {'; '.join(error.problems)}", file=sys.stderr)
        return False
    if not args.json:
        print(f"\nsigned report: {path}")
    return True


def _verify(args: argparse.Namespace) -> int:
    from gatepost.errors import UsageError
    from gatepost.selftest.commissioning import checked

    if args.ca is None:
        raise UsageError("--verify needs --ca FILE: the authority that issued the station")
    report = checked(args.verify, args.ca)
    if args.json:
        print(json.dumps(report.told))
    else:
        _tell(report.told)
    return 0 if report.told.get("ok") and report.told.get("complete") else 1


def _tell(told: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(told["wall_us"] / 1e6, UTC).isoformat(timespec="seconds")
    print(f"signed by station {told['station']} at {told['site']}, {when} ({told['clock']})")
    for name in ("by", "firmware", "machine", "serial"):
        print(f"{name:<10}{told[name] or '-'}")
    for each in told["findings"]:
        state = "skipped" if each.get("skipped") else "ok" if each["ok"] else "TROUBLE"
        print(f"{state:>8}  {each['name']:<24}  {each['told']}")
    print("complete" if told["complete"] else "NOT complete: parts were skipped, or nobody looked")


def _plan(args: argparse.Namespace) -> int:
    from gatepost.cli.selftest_plan import plan

    steps = plan(args.board, args.config)
    if args.json:
        print(json.dumps({"steps": steps}))
        return 0
    for number, step in enumerate(steps, 1):
        print(f"{number:>3}  {step['name']:<12}  {step['what']}")
        if step["where"]:
            print(f"{'':19}on {step['where']}")
    return 0
