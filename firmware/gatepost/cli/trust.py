"""`gatepost trust`: whose signatures the station believes, and to whom it seals."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from gatepost.cli.desiring import add_actions

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.config import Config
    from gatepost.trust import TrustedKey, TrustList

_EXAMPLES = """\
examples:
  gatepost trust show --config station.toml                   what is held, key by key
  gatepost trust check list.json                              a list before it is signed
  gatepost trust check trust.jws --config station.toml        would this station take it?
  gatepost trust apply trust.jws --config station.toml        without a broker, from a USB stick

A running station takes what was applied within a second. It takes only a version above the one
that it holds, signed by the [central] signer of its configuration.

exit status: 0 it is good; 1 it is not, or not taken; 2 usage
"""
_MOST_CHANGES = 20


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "trust",
        help="the list of trusted keys",
        description="Look at the trust list of a station, check a new one, or apply it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_actions(parser, _Trust(), "JSON")


class _Trust:
    """How a trust list is read and told."""

    kind = "trust"

    def parse(self, payload: bytes, path: Path, *, draft: bool) -> TrustList:
        from dataclasses import replace

        from gatepost.errors import TrustError
        from gatepost.trust import parse_list

        filled = _filled(payload) if draft else None
        try:
            if filled is not None:
                return replace(parse_list(filled), version=0, issued="", audience=())
            return parse_list(payload)
        except TrustError as error:
            lines = [f"{path}: {line}" for line in str(error).splitlines()]
            raise TrustError("\n".join(lines)) from error

    def told(self, content: TrustList, config: Config | None) -> dict[str, Any]:
        central = [str(key.kid) for key in content.central]
        said = {
            "version": content.version,
            "issued": content.issued,
            "audience": list(content.audience),
        }
        return {name: value for name, value in said.items() if value} | {
            "keys": [_key(each) for each in content.keys],
            "revoked": len(content.revoked),
            "central": central,
            "sealed_to": _sealed_to(central, config),
        }

    def own(self, config: Config) -> TrustList:
        from gatepost.trust import NOTHING

        del config  # there is no list but the centre's
        return NOTHING

    def changes(self, old: TrustList, new: TrustList) -> list[str]:
        before = {_name(each) for each in old.keys}
        after = {_name(each) for each in new.keys}
        lines = [f"+ key {each}" for each in sorted(after - before)]
        lines += [f"- key {each}" for each in sorted(before - after)]
        if len(lines) > _MOST_CHANGES:
            lines = [*lines[:_MOST_CHANGES], f"and {len(lines) - _MOST_CHANGES} keys more"]
        for sign, marks in (("+", new.revoked - old.revoked), ("-", old.revoked - new.revoked)):
            lines += [f"{sign} {len(marks)} revoked"] if marks else []
        sealing = [[str(key.kid) for key in each.central] for each in (old, new)]
        if sealing[0] != sealing[1]:
            lines.append(f"central keys: {', '.join(sealing[1]) or 'none'}")
        return lines

    def lines(self, told: dict[str, Any]) -> list[str]:
        lines = [
            f"{name:>10}  {told[name]}" for name in ("version", "issued", "signer") if name in told
        ]
        if "audience" in told:
            lines.append(f"{'audience':>10}  {', '.join(told['audience'])}")
        lines += [f"{'key':>10}  {_line(each)}" for each in told["keys"]]
        lines.append(f"{'revoked':>10}  {told['revoked']}")
        lines.append(f"{'central':>10}  {', '.join(told['central']) or 'none'}")
        if told["sealed_to"] is not None:
            lines.append(f"{'sealed to':>10}  {told['sealed_to'] or 'NOBODY: plain text'}")
        return lines


def _filled(payload: bytes) -> bytes | None:
    """A list with what signing will add to it; None where it has any of that already."""
    from gatepost.errors import Unreadable
    from gatepost.packing import strict_json
    from gatepost.trust.listing import MOST_BYTES, TYPE

    added = {"type": TYPE, "version": 1, "issued": "1970-01-01T00:00:00Z", "audience": ["*"]}
    try:
        content = strict_json.loads(payload, MOST_BYTES)
    except Unreadable:
        return None
    if not isinstance(content, dict) or content.keys() & added.keys():
        return None
    return json.dumps(added | {"keys": []} | content).encode()


def _key(key: TrustedKey) -> dict[str, Any]:
    return {
        "kind": key.kind.value,
        "issuer": key.issuer,
        "name": key.name,
        "kid": _kid(key),
        "algorithm": key.algorithm,
        "not_before": _moment(key.not_before_s),
        "not_after": _moment(key.not_after_s),
        "usages": sorted(key.usages),
    }


def _kid(key: TrustedKey) -> str:
    """As a list writes it: what is text in the code as it stands, else Base64url."""
    from gatepost.model import Kind
    from gatepost.packing import base64url

    if key.kind in {Kind.SHC, Kind.NZCP}:
        return key.kid.decode("ascii", "backslashreplace")
    return base64url.encode(key.kid)


def _name(key: TrustedKey) -> str:
    """By what a key is told from others: also by itself, as kids collide."""
    from hashlib import sha256

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    spki = key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    told = f"{key.kind.value} {key.issuer or key.name or '(any issuer)'} {_kid(key) or '(no kid)'}"
    return f"{told} (SHA-256 {sha256(spki).hexdigest()[:16]})"


def _line(told: dict[str, Any]) -> str:
    valid = f"{told['not_before'] or '...'} to {told['not_after'] or '...'}"
    words = [told["kind"], told["issuer"] or "(any issuer)", told["kid"] or "(no kid)"]
    words += [told["algorithm"], valid, told["name"]]
    if told["usages"]:
        words.append(f"for {', '.join(told['usages'])} alone")
    return "  ".join(words)


def _moment(seconds: float | None) -> str:
    from datetime import UTC, datetime, timedelta

    if seconds is None:
        return ""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return str(seconds)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _sealed_to(central: list[str], config: Config | None) -> str | None:
    """The kid that visitors' data is sealed to; "": to nobody's; None: nobody knows the station."""
    from gatepost.sealing import load_public_key

    if config is None:
        return None
    if config.central.sealing_key is None:
        return ""  # in plain words, whatever the list says
    return central[0] if central else str(load_public_key(config.central.sealing_key).kid)
