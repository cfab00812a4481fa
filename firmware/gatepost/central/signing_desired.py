"""What the centre desires, signed for stations: their rules, or whom they trust.

Only the form is checked here; a station checks all of it (`gatepost trust check`, `gatepost
rules check` do the same beforehand).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gatepost import contract
from gatepost.canonical import canonical
from gatepost.errors import ContractError, Unreadable, UsageError
from gatepost.packing import base64url, strict_json
from gatepost.wire import ALL, DESIRED
from gatepost.wire.bodies import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.signing import Signer

MOST = 4 * 1024 * 1024  # of a token, bytes: as much as a station takes
_SCHEMAS = {"rules": "desired-rules", "trust": "trust"}
_LISTS = ("keys", "revoked", "central")
_ABOUT = ("type", "version", "issued", "audience")


@dataclass(frozen=True, slots=True)
class About:
    """What every payload says.

    Attributes:
        version: above the one that the stations hold.
        issued: RFC 3339.
        audience: names of sites and stations, or "*".
    """

    version: int
    issued: str
    audience: Sequence[str]

    def with_(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        return content | {
            "type": f"gatepost-{kind}",
            "version": self.version,
            "issued": self.issued,
            "audience": list(self.audience),
        }


def sign_rules(signer: Signer, text: bytes, about: About) -> str:
    """A token of a rules file (TOML). Raises UsageError where it has not the form of one."""
    try:
        rules = text.decode("utf-8")
        tomllib.loads(rules)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the rules are no TOML: {error}") from error
    return _sign(signer, "rules", about.with_("rules", {"rules": rules}))


def sign_trust(signer: Signer, text: bytes, about: About) -> str:
    """A token of a trust list (JSON; its own version and so on are replaced).

    Raises UsageError where it has not the form of one.
    """
    try:
        content = strict_json.loads(text, MOST)
    except Unreadable as error:
        raise UsageError(f"the trust list is no JSON: {error}") from error
    if not isinstance(content, dict) or not content.keys() & set(_LISTS):
        raise UsageError(f"the trust list must be an object with {', '.join(_LISTS)}")
    # Stations pass over what they do not know: a slip of the pen would revoke nobody.
    for member in content.keys() - {*_LISTS, *_ABOUT}:
        raise UsageError(f"the trust list has {member!a}: it may have {', '.join(_LISTS)}")
    return _sign(signer, "trust", about.with_("trust", {"keys": []} | content))


def _sign(signer: Signer, kind: str, payload: dict[str, Any]) -> str:
    problem = contract.problem(_SCHEMAS[kind], payload)
    if problem:
        raise UsageError(f"{kind}: {problem} (contract/{_SCHEMAS[kind]}.json)")
    try:
        datetime.fromisoformat(payload["issued"])
    except ValueError as error:
        raise UsageError(f"{kind}: issued: there is no such time: {error}") from error
    try:
        token = signer.sign(canonical(payload), f"gatepost-{kind}")
    except ContractError as error:
        raise UsageError(f"{kind}: {error}") from error
    if len(token) > MOST:
        raise UsageError(f"{kind}: signed {len(token)} bytes, at most {MOST}")
    return token


def token_of(content: bytes) -> str:
    """A token as it stands in a file. Raises UsageError."""
    try:
        return content.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise UsageError("this is no token: sign it first (gatepost-central sign)") from error


def topic_of(token: str, site: str, station: str = "") -> str:
    """Where a token is published: for one station, or for all of a site. Raises UsageError."""
    for name in (site, station or site):
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a site or a station")
    return f"gatepost/v1/{site}/{station or ALL}/desired/{_kind(token)}"


def _kind(token: str) -> str:
    try:
        header = strict_json.loads(base64url.decode(token.split(".", 1)[0]))
    except Unreadable as error:
        raise UsageError("this is no token: sign it first (gatepost-central sign)") from error
    typ = header.get("typ") if isinstance(header, dict) else None
    kinds = {f"gatepost-{kind}": kind for kind in DESIRED}
    if token.count(".") != 2 or not isinstance(typ, str) or typ not in kinds:  # JWS compact
        raise UsageError("this is no token of rules or of a trust list")
    return kinds[typ]
