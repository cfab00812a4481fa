"""A trust list as JSON, read whole or not at all. Its schema: contract/trust.json.

    {"type": "gatepost-trust", "version": 7, "issued": "2026-11-24T08:00:00Z",
     "audience": ["*"], "keys": [...], "revoked": [...], "central": [...]}

Members of the list that are unknown are passed over, so that a later list can say more to a
later station; within a key they are an error: a limit that is not understood is not kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gatepost.errors import TrustError, Unreadable
from gatepost.model import SIGNED, Kind
from gatepost.packing import base64url, strict_json
from gatepost.trust import jwks
from gatepost.trust.certificates import Certified, certified, derived_kid
from gatepost.trust.keys import TrustedKey, TrustList, mark_of_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import OKPKey

TYPE = "gatepost-trust"
MOST_BYTES = 4 * 1024 * 1024
MOST_KEYS = 20_000
MOST_REVOKED = 200_000
MOST_CENTRAL = 16
MOST_OF_ONE_KID = 16  # keys of one kind and kid: so many signatures a code may cost
_COST_OF_P_384 = 6  # as many as that of P-256
_P_384 = 96  # bytes of a signature

_MOST_PROBLEMS = 8  # are told; a list has none or it has hundreds
_MOST_TEXT = 200
_MOST_VERSION = 2**53 - 1
_KINDS = {kind.value: kind for kind in SIGNED}
_KEY_MEMBERS = frozenset({"kind", "issuer", "name", "kid", "certificate", "jwk"})
_TEXT_KIDS = frozenset({Kind.SHC, Kind.NZCP})  # the others' kids are bytes, in Base64url
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{2}){16,32}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_list(payload: bytes) -> TrustList:
    """The list in `payload` (JSON). Raises TrustError with its first problems, a line each."""
    try:
        told = strict_json.loads(payload, MOST_BYTES)
    except Unreadable as error:
        raise TrustError(f"not a trust list: {error}") from error
    return list_of(told)


def list_of(told: Any) -> TrustList:
    """The list in parsed JSON. Raises TrustError with its first problems, a line each."""
    if not isinstance(told, dict) or told.get("type") != TYPE:
        raise TrustError(f"not a trust list: its type must be {TYPE!r}")
    reading = _Reading()
    version = reading.one("version", _version, told.get("version"))
    issued = reading.one("issued", _moment, told.get("issued"))
    audience = reading.one("audience", _audience, told.get("audience"))
    keys = reading.each("keys", _key, told.get("keys"), MOST_KEYS)
    revoked = reading.each("revoked", _revoked, told.get("revoked", []), MOST_REVOKED)
    central = reading.each("central", _central, told.get("central", []), MOST_CENTRAL)
    reading.done()
    _check_kids(keys)
    central.sort(key=lambda each: each[0], reverse=True)
    return TrustList(
        version=version,
        keys=tuple(keys),
        revoked=frozenset(revoked),
        central=tuple(key for _since, key in central),
        issued=told["issued"] if issued else "",
        audience=audience,
    )


def _check_kids(keys: list[TrustedKey]) -> None:
    counted: Counter[tuple[Kind, bytes]] = Counter()
    for place, key in enumerate(keys):
        counted[key.kind, key.kid] += _COST_OF_P_384 if key.size == _P_384 else 1
        if counted[key.kind, key.kid] > MOST_OF_ONE_KID:
            raise TrustError(f"keys[{place}]: more of this kind and kid than can be tried")


class _Reading:
    """Collects the problems of a list, each with its place."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def one(self, place: str, read: Callable[[Any], Any], value: Any) -> Any:
        try:
            return read(value)
        except (TrustError, Unreadable) as error:
            self.problems.append(str(_within(place, error)))
            if len(self.problems) == _MOST_PROBLEMS:
                self.done()
            return None

    def each(self, place: str, read: Callable[[Any], Any], values: Any, most: int) -> list[Any]:
        if not isinstance(values, list):
            self.problems.append(f"{place}: must be a list")
            return []
        if len(values) > most:
            self.problems.append(f"{place}: {len(values)}, at most {most}")
            return []
        return [self.one(f"{place}[{n}]", read, value) for n, value in enumerate(values)]

    def done(self) -> None:
        if self.problems:
            raise TrustError("\n".join(self.problems))


def _version(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_VERSION:
        raise TrustError("must be a whole number from 1")
    return value


def _moment(value: Any) -> datetime:
    """RFC 3339, with its offset from UTC."""
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise TrustError("must be a time such as 2026-11-24T08:00:00Z")


def _audience(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(_is_text(each) for each in value):
        raise TrustError('must be a list of texts, such as ["*"]')
    return tuple(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MOST_TEXT and value.isprintable()


def _key(entry: Any) -> TrustedKey:
    if not isinstance(entry, dict):
        raise TrustError("must be an object")
    for member in entry:
        if member not in _KEY_MEMBERS:
            raise TrustError(f".{ascii(member[:20])[1:-1]}: unknown")
    kind = _KINDS.get(entry["kind"]) if isinstance(entry.get("kind"), str) else None
    if kind is None:
        raise TrustError(f".kind: must be one of {', '.join(sorted(_KINDS))}")
    for member in ("issuer", "name", "kid"):
        if member in entry and not _is_text(entry[member]):
            raise TrustError(f".{member}: must be a text of 1 to {_MOST_TEXT} characters")
    if ("certificate" in entry) == ("jwk" in entry):
        raise TrustError("must have either certificate or jwk")
    return _certified_key(kind, entry) if "certificate" in entry else _jwk_key(kind, entry)


def _certified_key(kind: Kind, entry: dict[str, Any]) -> TrustedKey:
    kid = _kid(kind, entry.get("kid"))
    try:
        read = _certificate(entry["certificate"])
        issuer = entry.get("issuer", "")
        return read.trusted(kind, issuer, kid, entry.get("name") or read.name or issuer)
    except TrustError as error:
        raise _within(".certificate", error) from error


def _certificate(value: Any) -> Certified:
    try:
        der = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise TrustError("must be Base64 of DER") from error
    return certified(der)


def _jwk_key(kind: Kind, entry: dict[str, Any]) -> TrustedKey:
    issuer = entry.get("issuer", "")
    kid = _kid(kind, entry.get("kid"))
    try:
        key = jwks.public_key(entry["jwk"])
        if kid is None and kind in _TEXT_KIDS:
            kid = _kid(kind, entry["jwk"].get("kid"))
        if kid is None:
            kid = derived_kid(kind, key)
        return TrustedKey(kind, issuer, kid, key, entry.get("name") or issuer)
    except TrustError as error:
        raise _within(".jwk", error) from error


def _kid(kind: Kind, value: str | None) -> bytes | None:
    """A kid as codes of the kind carry it; None where the list says none."""
    if value is None:
        return None
    try:
        if kind is Kind.PRETIX:
            raise TrustError(".kid: tickets of pretix name none")
        return value.encode("ascii") if kind in _TEXT_KIDS else base64url.decode(value)
    except (Unreadable, UnicodeEncodeError) as error:
        raise TrustError(".kid: must be Base64url, or ASCII where codes name it so") from error


def _revoked(entry: Any) -> bytes:
    if not isinstance(entry, dict) or entry.keys() != {"kind", "id"}:
        raise TrustError("must hold kind and id alone")
    kind = _KINDS.get(entry["kind"]) if isinstance(entry["kind"], str) else None
    if kind is None:
        raise TrustError(f".kind: must be one of {', '.join(sorted(_KINDS))}")
    if not isinstance(entry["id"], str) or not _DIGEST.fullmatch(entry["id"]):
        raise TrustError(".id: must be SHA-256 in hex, 32 to 64 digits of it")
    return mark_of_digest(kind, bytes.fromhex(entry["id"]))


def _central(entry: Any) -> tuple[datetime, OKPKey]:
    key = jwks.sealing_key(entry)
    try:
        return _moment(entry.get("since")), key
    except TrustError as error:
        raise _within(".since", error) from error


def _within(place: str, error: Exception) -> TrustError:
    """The same problem, its place told from one level higher."""
    text = str(error)
    return TrustError(f"{place}{text}" if text.startswith(".") else f"{place}: {text}")
