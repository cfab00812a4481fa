"""What `gatepost trust` and `gatepost rules` have in common: show, check and apply."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import argparse

    from gatepost.config import Config
    from gatepost.desired import Desire, Desired, Held

_FINE, _WRONG = 0, 1
_NO_AUTHORITY = (
    "the configuration names no [central] authority: nothing from the centre is taken; set it to "
    "the authority (PEM) of whoever signs, and [central] signer to the name in its certificate"
)


class About(Protocol):
    """How one kind is read and told.

    Attributes:
        kind: "rules" or "trust".
    """

    kind: str

    def parse(self, payload: bytes, path: Path, *, draft: bool) -> Any:
        """Plain content; `draft`: as before it is signed. Raises ConfigError or TrustError."""

    def told(self, content: Any, config: Config | None) -> dict[str, Any]:
        """What there is in it."""

    def own(self, config: Config) -> Any:
        """What holds while nothing came from the centre. Raises ConfigError."""

    def changes(self, old: Any, new: Any) -> list[str]:
        """What would change, a line each."""

    def lines(self, told: dict[str, Any]) -> list[str]:
        """`told` for people."""


@dataclass(frozen=True, slots=True)
class _Station:
    """A configuration and what the card of its station holds; `held` None: no authority."""

    config: Config
    held: Held | None

    @classmethod
    def of(cls, path: Path) -> _Station:
        """Raises ConfigError."""
        from gatepost.config import load
        from gatepost.governing import held_of

        config = load(path)
        return cls(config, held_of(config))


def add_actions(parser: Any, about: About, what: str) -> None:
    """Add show, check and apply to a command's parser; `what`: a plain FILE, in words."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="what the station holds from the centre")
    check = actions.add_parser("check", help=f"whether FILE is good: {what}, or a signed token")
    apply = actions.add_parser("apply", help="put a signed token on the card, as if it had come")
    for each, run in ((show, _show), (check, _check), (apply, _apply)):
        each.description = each.description or str(run.__doc__).partition("\n")[0]
        if each is not show:
            each.add_argument("file", metavar="FILE", help="- for standard input")
        each.add_argument(
            "--config",
            type=Path,
            required=each is not check,
            metavar="FILE",
            help="a station's configuration"
            + ("; without it no signature is checked" if each is check else ""),
        )
        each.add_argument("--json", action="store_true", help="one JSON object for machines")
        each.set_defaults(run=partial(run, about))


def _show(about: About, args: argparse.Namespace) -> int:
    """What the station holds from the centre; 1 when a file on the card is not believed."""
    from gatepost.desired import Desire

    station = _Station.of(args.config)
    kind = Desire(about.kind)
    desired = station.held.now(kind) if station.held else None
    problem = station.held.problems.get(kind, "") if station.held else _NO_AUTHORITY
    told: dict[str, Any] = {"kind": about.kind, "version": 0}
    if desired is not None:
        told |= _of(desired) | about.told(desired.content, station.config)
    wrong = bool(problem) and station.held is not None
    if args.json:
        print(json.dumps(told | {"problems": [problem] if problem else []}))
    else:
        lines = about.lines(told) if desired else ["nothing from the centre is held"]
        print("\n".join(_plain(line) for line in lines))
        if problem:
            print(f"gatepost: {_plain(problem)}", file=sys.stderr)
    return _WRONG if wrong else _FINE


def _check(about: About, args: argparse.Namespace) -> int:
    """Whether FILE would be taken, and what it would change; 1 when not."""
    from gatepost.errors import ConfigError, GatepostError

    station = _Station.of(args.config) if args.config else None
    content = _content(args.file, about)
    told: dict[str, Any] = {"file": args.file, "kind": about.kind}
    try:
        told |= _checked(about, content, station, args.file)
    except ConfigError as error:
        return _refuse(args, told, error.problems)
    except GatepostError as error:
        return _refuse(args, told, str(error).splitlines())
    if args.json:
        print(json.dumps(told | {"ok": True, "problems": []}))
    else:
        lines = [f"{args.file}: good; signature: {told['signature']}", *about.lines(told)]
        lines += [f"would change: {each}" for each in told["changes"]]
        print("\n".join(_plain(line) for line in lines))
    return _FINE


def _checked(about: About, content: bytes, station: _Station | None, name: str) -> dict[str, Any]:
    """What is in FILE, once it is good. Raises GatepostError."""
    from gatepost.clock import SystemClock
    from gatepost.desired import Desire, Refused, check, payload_of

    kind = Desire(about.kind)
    payload = payload_of(content)
    signed = payload != content.strip()
    held = station.held if station else None
    before = held.now(kind) if held else None
    if signed and held is not None:
        if before is not None and before.token == content.strip():
            raise Refused(f"version {before.version}: it is the one that is held", before.signer)
        when = held.when(SystemClock())
        desired = check(content, kind, held.centre, held.version(kind), when)
        new, told = desired.content, _of(desired) | {"signature": "good"}
    else:
        new = about.parse(
            _inner(payload, kind) if signed else payload, Path(name), draft=not signed
        )
        told = {"signature": "not checked" if signed else "none"}
    if station is None:
        return told | about.told(new, None) | {"changes": []}
    old = before.content if before else about.own(station.config)
    return told | about.told(new, station.config) | {"changes": about.changes(old, new)}


def _inner(payload: bytes, kind: Desire) -> bytes:
    """What stands as plain text in a payload: rules are TOML within JSON. Raises Refused."""
    from gatepost.desired import Refused
    from gatepost.errors import Unreadable
    from gatepost.packing import strict_json

    if kind.value != "rules":
        return payload
    try:
        said = strict_json.loads(payload, kind.most)
    except Unreadable as error:
        raise Refused(f"its payload is no JSON: {error}") from error
    if not isinstance(said, dict) or not isinstance(said.get("rules"), str):
        raise Refused("its payload holds no rules")
    return bytes(said["rules"].encode("utf-8", "surrogatepass"))


def _apply(about: About, args: argparse.Namespace) -> int:
    """Check a signed token as the station does and keep it; a running station takes it at once."""
    from gatepost.clock import SystemClock
    from gatepost.desired import Desire, NotKept, Refused, payload_of
    from gatepost.errors import DesiredRefused, UsageError

    station = _Station.of(args.config)
    if station.held is None:
        raise UsageError(_NO_AUTHORITY)
    kind = Desire(about.kind)
    token = _content(args.file, about)
    told: dict[str, Any] = {"file": args.file, "kind": about.kind}
    try:
        if not station.config.station.data.is_dir():
            where = station.config.station.data
            raise NotKept(f"cannot be kept: there is no {where} yet: start the station once")
        if payload_of(token) == token.strip():
            raise Refused("is not signed, not a JWS: sign it first (gatepost-central sign)")
        new = station.held.take(token, kind, station.held.when(SystemClock()))
    except DesiredRefused as error:
        return _refuse(args, told, [str(error)])
    now = station.held.version(kind)
    if args.json:
        print(json.dumps(told | {"ok": True, "problems": [], "version": now, "new": bool(new)}))
    else:
        print(f"{about.kind} {now} " + ("is held now" if new else "was held already"))
    return _FINE


def _of(desired: Desired) -> dict[str, Any]:
    issued = desired.issued.isoformat().replace("+00:00", "Z")
    return {"version": desired.version, "issued": issued, "signer": desired.signer}


def _refuse(args: argparse.Namespace, told: dict[str, Any], problems: list[str]) -> int:
    if args.json:
        print(json.dumps(told | {"ok": False, "problems": problems}))
    else:
        for each in problems:
            where = "" if each.startswith(f"{args.file}:") else f"{args.file}: "
            print(f"gatepost: {_plain(where + each)}", file=sys.stderr)
    return _WRONG


def _content(name: str, about: About) -> bytes:
    """The file, or standard input. Raises UsageError."""
    from gatepost.desired import Desire
    from gatepost.errors import UsageError

    most = Desire(about.kind).most
    try:
        if name == "-":
            content = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise UsageError(f"{name}: more than {most} bytes")
    return content


def _plain(text: str) -> str:
    """It may quote a file's own words: nothing that moves the cursor."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
