"""`gatepost report`: a bundle for support, without visitors' data and without secrets."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.report import Bundle

_EPILOG = """\
examples:
  sudo gatepost report --config /etc/gatepost/station.toml
  gatepost report --config station.toml --to /media/stick/report.zip --selftest

It works beside a running station and changes nothing. Look into the zip before you send it.

exit status: 0 made; 1 made with a broken configuration, or it could not be written; 2 usage
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "report",
        help="a redacted bundle for support",
        description="Gather versions, settings, state, crashes, counts and the log into a zip. "
        "Nothing of a visitor, no event, no key and no address of a network card is in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--to", type=Path, metavar="FILE.zip", help="default: here, by its time")
    parser.add_argument("--selftest", action="store_true", help="run the self-test for it, too")
    parser.add_argument("--json", action="store_true", help="one JSON object for machines")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the bundle."""
    from gatepost.config import load
    from gatepost.report import Sources, gather

    bundle = gather(Sources(args.config, load, findings=_findings if args.selftest else None))
    path = args.to or _name()
    content = bundle.zipped()
    _write(path, content)
    broken = any(each.name == "config-problems.json" for each in bundle.members)
    if args.json:
        print(json.dumps(_told(bundle, path, len(content)) | {"ok": not broken}))
    else:
        _print(bundle, path, len(content), broken=broken)
    return 1 if broken else 0


def _findings(config: Config) -> list[dict[str, Any]]:
    from gatepost.selftest import selftest

    return [each.told_to_machines() for each in selftest(config)]


def _name() -> Path:
    from datetime import UTC, datetime

    return Path(f"gatepost-report-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")


def _write(path: Path, content: bytes) -> None:
    from gatepost.errors import UsageError

    fresh = path.with_name(f"{path.name}.part")
    try:
        fresh.unlink(missing_ok=True)  # a link that somebody put there, in a folder for all
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)  # onto a stick that is pulled next
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):  # a read-only root refuses this, too
            fresh.unlink(missing_ok=True)
        hint = "; --to names another place, such as a stick or /tmp"
        raise UsageError(f"{path}: cannot be written: {error.strerror}{hint}") from error


def _told(bundle: Bundle, path: Path, size: int) -> dict[str, Any]:
    members = [
        {"name": each.name, "what": each.what, "bytes": len(each.content)}
        for each in bundle.members
    ]
    return {"file": str(path), "bytes": size, "members": members, "missing": bundle.missing}


def _print(bundle: Bundle, path: Path, size: int, *, broken: bool) -> None:
    print(f"{path}: {size} bytes")
    for each in bundle.members:
        print(f"  {each.name:<22}{len(each.content):>8} bytes  {each.what}")
    for why in bundle.missing:
        print(f"  not in it: {why}")
    if broken:
        print("the configuration is broken: `gatepost check-config` says how")
