"""A token from the centre -> what it desires, or why it is not taken. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gatepost.desired.centre import Desire
from gatepost.errors import (
    ConfigError,
    ContractError,
    DesiredRefused,
    TrustError,
    Unreadable,
)
from gatepost.packing import base64url, strict_json
from gatepost.rules import Rules, parse
from gatepost.signing import verify
from gatepost.trust import TrustList, list_of

if TYPE_CHECKING:
    from gatepost.desired.centre import Centre, When
    from gatepost.signing import Signed

_MOST_VERSION = 2**53 - 1  # no number of the wire contract is larger
_MOST_AUDIENCE = 10_000
_MOST_TOLD = 3
_EVERYBODY = "*"
_EARLY = timedelta(days=1)
_KEYS = frozenset({"type", "version", "issued", "audience"})
_UNKNOWN = "unknown"
_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_BEGINS = b"eyJ"  # of a JWS, also of one that was cut: the Base64 of a JSON object
_PARTS = 3

Content: TypeAlias = Rules | TrustList


class Refused(DesiredRefused):
    """A token that is not taken, and why.

    Attributes:
        signer: who signed it, where that is proved; else "unknown".
    """

    def __init__(self, why: str, signer: str = _UNKNOWN) -> None:
        super().__init__(why)
        self.signer = signer


@dataclass(frozen=True, slots=True)
class Desired:
    """What the centre desires, checked. `token`: as it was signed, without blanks around it."""

    kind: Desire
    version: int
    issued: datetime
    signer: str
    content: Content
    token: bytes

    @property
    def rules(self) -> Rules | None:
        return self.content if isinstance(self.content, Rules) else None

    @property
    def trust(self) -> TrustList | None:
        return self.content if isinstance(self.content, TrustList) else None


def check(
    token: bytes, kind: Desire, centre: Centre, held_version: int, when: When | None
) -> Desired:
    """What `token` desires. Raises Refused, and nothing else whatever it is given.

    `when` None: it was checked when it came, and its signer's certificate may have ended since.
    """
    token = token.strip()
    signed = _signed(token, kind, centre, when)
    try:
        data = _object(signed.payload, kind.most)
        said = _Said.of(data, kind)
        said.check(centre, held_version, signed, when)
        content = _content(said, data, kind)
    except DesiredRefused as error:
        raise Refused(str(error), signed.signer) from error
    return Desired(kind, said.version, said.issued, signed.signer, content, token)


def _signed(token: bytes, kind: Desire, centre: Centre, when: When | None) -> Signed:
    """Whose word it is: the centre's, and no station's. Raises Refused."""
    if not centre.authorities:
        raise Refused("no authority is configured ([central] authority)")
    if len(token) > kind.most:
        raise Refused(f"{len(token)} bytes, at most {kind.most}")
    at = when.at if when else None
    behind = when is not None and when.behind
    try:
        text = token.decode("ascii")
        signed = verify(text, kind.typ, centre.authorities, at, behind=behind, most=kind.most)
    except UnicodeDecodeError as error:
        raise Refused("not a JWS: not ASCII") from error
    except ContractError as error:
        raise Refused(str(error)) from error
    if signed.signer == centre.station:
        raise Refused("signed by this station itself", signed.signer)
    if signed.signer != centre.signer:
        raise Refused(f"signed by {signed.signer!a}, not by {centre.signer!a}", signed.signer)
    return signed


@dataclass(frozen=True, slots=True)
class _Said:
    """What every payload says, of whichever kind."""

    version: int
    issued: datetime
    audience: tuple[str, ...]
    rules: str

    @classmethod
    def of(cls, data: dict[str, Any], kind: Desire) -> _Said:
        """Raises DesiredRefused."""
        if data.get("type") != kind.typ:
            raise DesiredRefused(f"type is not {kind.typ!r}")
        text = data.get("rules", "") if kind is Desire.RULES else ""
        if kind is Desire.RULES and (data.keys() != _KEYS | {"rules"} or not isinstance(text, str)):
            raise DesiredRefused(f"must hold {', '.join(sorted(_KEYS))} and rules (a text) alone")
        return cls(_version(data), _issued(data), _audience(data), text)

    def check(self, centre: Centre, held_version: int, signed: Signed, when: When | None) -> None:
        """Raises DesiredRefused where it is for others, of old, or from a time that cannot be."""
        if not {centre.station, centre.site, _EVERYBODY} & set(self.audience):
            raise DesiredRefused(f"its audience has neither {centre.station} nor {centre.site}")
        if self.issued > signed.certificate.not_valid_after_utc:
            raise DesiredRefused("issued after the end of its signer's certificate")
        if when is not None and not when.behind and self.issued > when.at + _EARLY:
            raise DesiredRefused("issued in the future")
        if self.version <= held_version:
            raise DesiredRefused(f"version {self.version}: {held_version} is held already")


def _object(payload: bytes, most: int) -> dict[str, Any]:
    try:
        data = strict_json.loads(payload, most)
    except Unreadable as error:
        raise DesiredRefused(f"its payload is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise DesiredRefused("its payload is no JSON object")
    return data


def _version(data: dict[str, Any]) -> int:
    version = data.get("version")
    if type(version) is not int or not 1 <= version <= _MOST_VERSION:  # True is an int, too
        raise DesiredRefused("version is no number from 1")
    return version


def _issued(data: dict[str, Any]) -> datetime:
    try:
        issued = datetime.fromisoformat(data["issued"])
        if issued.tzinfo is not None:
            return issued.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DesiredRefused("issued is no time as of RFC 3339") from error
    raise DesiredRefused("issued names no time zone")


def _audience(data: dict[str, Any]) -> tuple[str, ...]:
    named = data.get("audience")
    if not isinstance(named, list) or not 1 <= len(named) <= _MOST_AUDIENCE:
        raise DesiredRefused(f"audience is no list of 1 to {_MOST_AUDIENCE} names")
    if not all(isinstance(each, str) for each in named):
        raise DesiredRefused("audience must hold texts")
    return tuple(named)


def _content(said: _Said, data: dict[str, Any], kind: Desire) -> Content:
    """All of it or nothing. Raises DesiredRefused with the first problems."""
    try:
        if kind is Desire.RULES:
            return parse(said.rules, Path(kind.value))
        return list_of(data)
    except ConfigError as error:
        raise DesiredRefused(_first(error.problems)) from error
    except TrustError as error:
        raise DesiredRefused(_first(str(error).splitlines())) from error


def _first(problems: list[str]) -> str:
    told = "; ".join(problems[:_MOST_TOLD])
    more = len(problems) - _MOST_TOLD
    return f"{told}; and {more} more" if more > 0 else told


def payload_of(content: bytes) -> bytes:
    """What a signed token says, or `content` itself where it is plain. No signature is checked.

    Raises Refused for what is neither.
    """
    content = content.strip()
    if not (_COMPACT.fullmatch(content) or content.startswith(_BEGINS)):
        return content
    parts = content.split(b".")
    if len(parts) != _PARTS:
        raise Refused("not a JWS: it has not three parts")
    try:
        return base64url.decode(parts[1].decode("ascii"))
    except (UnicodeDecodeError, Unreadable) as error:
        raise Refused(f"not a JWS: {error}") from error
