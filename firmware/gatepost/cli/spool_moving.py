"""`gatepost spool export` and `import`: events leave a dead station on a USB stick."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from cryptography.x509 import Certificate

    from gatepost.signing import Signer
    from gatepost.spool import Imported

_EVERY = 500
_UNSIGNED = (
    "without a checkpoint: the key was not at hand or the spool was damaged. A central server "
    "believes the events as far as it has a checkpoint of that station"
)


def add_actions(actions: Any, add_place: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add both to the command's actions."""
    out = actions.add_parser(
        "export",
        help="what is not delivered, as a bundle on a USB stick",
        description="Write what is not delivered into DIR, with a checkpoint signed now.",
    )
    add_place(out)
    out.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to")
    out.add_argument("--all", action="store_true", help="all that is held, delivered or not")
    out.add_argument("--certificate", type=Path, metavar="FILE", help="the station's (PEM)")
    out.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    out.set_defaults(run=export)
    into = actions.add_parser(
        "import",
        help="take bundles of other stations, to deliver them",
        description="Check bundles and have this station deliver them.",
    )
    into.add_argument("bundle", type=Path, nargs="+", metavar="BUNDLE", help="*.gatepost")
    into.add_argument("--config", type=Path, required=True, metavar="FILE", help="this station's")
    into.add_argument(
        "--authority",
        type=Path,
        metavar="FILE",
        help="authority of the stations (PEM); without it [broker] ca",
    )
    into.add_argument("--json", action="store_true", help="one JSON object for machines")
    into.set_defaults(run=import_)


@contextmanager
def progress(what: str, count: int | None) -> Iterator[Callable[[int], None]]:
    """Tells people at a terminal how far it is; nobody else."""
    shown = sys.stderr.isatty()

    def tell(done: int) -> None:
        if shown and done % _EVERY == 0:
            of = f" of {count}" if count else ""
            print(f"\r{what}: {done}{of} events", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def export(args: argparse.Namespace) -> int:
    """Write bundles; 1 when there is no room, or the spool cannot be read."""
    from gatepost.cli.spool import spool_path
    from gatepost.clock import SystemClock, boot_id
    from gatepost.errors import UsageError
    from gatepost.spool import export as write
    from gatepost.spool import export_carried
    from gatepost.timekeeping import stamp

    if not args.to.is_dir():
        raise UsageError(f"{args.to}: is not a folder")
    path, signer = spool_path(args), _signer(args)
    when = stamp(SystemClock(), boot_id())
    with progress("exporting", None) as tell:
        own = write(path, args.to, signer, when, tell, all_=args.all)
        others = export_carried(path.parent, args.to, tell)
    told = [_told(each) for each in ([own] if own else []) + others]
    if args.json:
        print(json.dumps({"bundles": told}))
        return 0
    for each in told:
        print(f"{each['file']}: {each['events']} events of {each['source']}")
    if not told:
        print("nothing to export: all is delivered")
    if any(not each["signed"] for each in told):
        print(f"gatepost: {_UNSIGNED}", file=sys.stderr)
    return 0


def _told(path: Path) -> dict[str, Any]:
    from gatepost.spool import Bundle

    bundle = Bundle(path)
    header = bundle.header
    return {
        "file": str(path),
        "source": header.source,
        "epoch": header.epoch,
        "first": header.first,
        "last": header.last,
        "events": header.count,
        "signed": bool(bundle.trailer.checkpoint),
    }


def _signer(args: argparse.Namespace) -> Signer | None:
    """The station's key, where it is at hand. Raises UsageError, ConfigError, KeyMaterialError."""
    from gatepost.config import load
    from gatepost.errors import UsageError
    from gatepost.signing import Signer

    if (args.certificate is None) != (args.key is None):
        raise UsageError("--certificate and --key go together")
    if args.certificate is not None:
        return Signer(args.certificate, args.key)
    if args.config is None:
        return None
    station = load(args.config).station
    return Signer(station.certificate, station.key)


def import_(args: argparse.Namespace) -> int:
    """Take bundles; 1 when one of them is not taken. The others are."""
    from gatepost.config import load
    from gatepost.errors import ContractError, SpoolError
    from gatepost.spool import FILE, Look, take

    config = load(args.config)
    data, authorities = config.station.data, _authorities(args, config.broker.ca)
    with Look(data / FILE) as look:
        epoch = look.epoch
    told: list[dict[str, Any]] = []
    for bundle in args.bundle:
        try:
            with progress(bundle.name, None) as tell:
                told.append(_taken(bundle, take(bundle, data, epoch, authorities, tell)))
        except (ContractError, SpoolError) as error:
            told.append({"file": str(bundle), "ok": False, "why": str(error)})
    if args.json:
        print(json.dumps({"bundles": told}))
    else:
        _say(told)
    return 0 if all(each["ok"] for each in told) else 1


def _taken(bundle: Path, taken: Imported) -> dict[str, Any]:
    header = taken.proved.header
    return {
        "file": str(bundle),
        "ok": True,
        "new": taken.new,
        "source": header.source,
        "epoch": header.epoch,
        "events": header.count,
        "lacking": taken.proved.holes,
        "signer": taken.signer,
        "kept": str(taken.path),
    }


def _say(told: list[dict[str, Any]]) -> None:
    for each in told:
        if not each["ok"]:
            print(f"gatepost: {each['file']}: not taken: {each['why']}", file=sys.stderr)
            continue
        here = "taken" if each["new"] else "was here already"
        print(f"{each['file']}: {each['events']} events of {each['source']}: {here}")
        if not each["signer"]:
            print(f"gatepost: {each['file']}: {_UNSIGNED}", file=sys.stderr)


def _authorities(args: argparse.Namespace, ca: Path | None) -> list[Certificate]:
    """Raises UsageError, KeyMaterialError."""
    from gatepost.errors import UsageError
    from gatepost.signing import load_certificates

    authority = args.authority or ca
    if authority is None:
        raise UsageError("the configuration names no [broker] ca: name --authority FILE")
    return load_certificates(authority)
