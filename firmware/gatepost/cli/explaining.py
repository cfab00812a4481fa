"""What `gatepost explain` says of one code: the station's own recognising, checking, deciding."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gatepost import contract, rules, trust
from gatepost.clock import SystemClock
from gatepost.codes import recognise
from gatepost.config import load
from gatepost.desired import payload_of
from gatepost.errors import GatepostError, TrustError, Unreadable, UsageError
from gatepost.gate import Gate
from gatepost.governing import governed
from gatepost.model import Direction, Scan, Stamp, told
from gatepost.packing import strict_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from gatepost.model import Checked, Code, Decision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TRUST = 4 * 1024 * 1024
_MOST_CERTIFICATES = 32
_SITE = "here"


@dataclass(frozen=True, slots=True)
class Explainer:
    """What codes are explained by: whom is trusted, the gate's rules, and the time."""

    trusted: trust.TrustList
    rules: rules.Rules
    site: str
    at: str

    @classmethod
    def of(cls, list_: Path | None, rules_: Path | None, config: Path | None, at: str) -> Self:
        """From what the command line names. Raises UsageError, ConfigError, TrustError."""
        if at:
            _stamp(at)  # what is no time is told before the first code
        trusted, by, site = trust.NOTHING, rules.EVERYTHING, _SITE
        if config is not None:
            trusted, by, site = _of_station(config)
        if list_ is not None:
            trusted = _trust_list(list_)
        if rules_ is not None:
            by = rules.load(rules_)
        return cls(trusted, by, site, at or "")

    def of_text(self, text: str) -> dict[str, Any]:
        """One code."""
        return self._told(text, self.trusted, _stamp(self.at))

    def of_object(self, line: str) -> dict[str, Any]:
        """One code with its own time and certificates, as a JSON object; or its error."""
        try:
            given = strict_json.loads(line.encode("utf-8", "surrogatepass"))
        except Unreadable as error:
            return failed(f"no JSON object: {error}")
        if not isinstance(given, dict) or not isinstance(given.get("code"), str):
            return failed('no JSON object with a "code", a text')
        mark = {"id": given["id"]} if "id" in given else {}
        try:
            trusted, now = self._for_line(given)
        except GatepostError as error:
            return mark | failed(str(error))
        return mark | self._told(given["code"], trusted, now)

    def _for_line(self, given: dict[str, Any]) -> tuple[trust.TrustList, Stamp]:
        at = given.get("at", self.at)
        if not isinstance(at, str):
            raise UsageError('"at" must be a text: RFC 3339')
        if "certificates" not in given:
            return self.trusted, _stamp(at)
        listed = given["certificates"]
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise UsageError('"certificates" must be a list of texts: Base64 DER')
        if len(listed) > _MOST_CERTIFICATES:
            raise UsageError(f'"certificates": {len(listed)}, at most {_MOST_CERTIFICATES}')
        return _of_certificates(tuple(listed)), _stamp(at)

    def _told(self, text: str, trusted: trust.TrustList, now: Stamp) -> dict[str, Any]:
        code = recognise(text)
        checked = trust.check(code, trusted, now)
        # A gate for each line: nobody was here before.
        gate = Gate(self.rules, self.site)
        data = text.encode("utf-8", "replace")  # the gate looks at what was recognised
        scan = Scan(data, text, "qr", "explain", Direction.NONE, now.boot_us / 1e6)
        return _object(code, checked, gate.decide(scan, code, checked, now))


def failed(why: str) -> dict[str, Any]:
    """The line for what cannot be read."""
    return {"error": why}


def _object(code: Code, checked: Checked, decision: Decision) -> dict[str, Any]:
    return {
        "kind": code.kind.value,
        "verdict": decision.verdict.value,
        "reason": decision.reason.value,
        "trust": checked.trust.value,
        "basis": code.basis.value,
        "weak": code.weak,
        "claims": told(code.claims),
        "checks": [
            {"what": step.name, "outcome": step.outcome, "detail": step.detail}
            for step in checked.steps
        ],
    }


def as_json(said: dict[str, Any]) -> str:
    """One line of JSON; half a surrogate pair, which no JSON text may hold, is replaced."""
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace").decode()


def as_table(said: dict[str, Any]) -> str:
    """The same for people."""
    rows = [("kind", said["kind"]), ("verdict", said["verdict"])]
    known = contract.reasons().get(said["reason"])
    rows.append(("reason", f"{said['reason']}: {known.en}" if known else said["reason"]))
    rows += [("", known.vi)] if known else []
    rows += [("trust", said["trust"]), ("basis", said["basis"])]
    if said["weak"]:
        rows.append(("", "weak: starred or partial, so it decides nothing"))
    rows += _named("claims", said["claims"].items())
    rows += _named("checks", ((c["what"], _both(c)) for c in said["checks"]))
    return "\n".join(f"{name:<9}{_printable(str(value))}" for name, value in rows)


def _both(check: dict[str, str]) -> str:
    return f"{check['outcome']}{': ' if check['detail'] else ''}{check['detail']}"


def _named(head: str, pairs: Any) -> list[tuple[str, str]]:
    rows = [(head if number == 0 else "", pair) for number, pair in enumerate(pairs)]
    wide = max((len(name) for _, (name, _) in rows), default=0)
    return [(left, f"{name:<{wide}}  {value}") for left, (name, value) in rows]


def _printable(text: str) -> str:
    """A code may hold anything: no control may reach the terminal."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _stamp(at: str) -> Stamp:
    """The time that was asked for, or this computer's, taken as right. Raises UsageError."""
    zero = Stamp("0" * 32, 0, 0, synchronised=True, bound_us=0)
    if not at:
        return replace(zero, wall_us=SystemClock().wall_us())
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(f"{at[:40]!r} is no time: write it as 2026-11-24T08:00:00Z") from error
    if moment.tzinfo is None:  # as published vectors have it
        moment = moment.replace(tzinfo=UTC)
    return replace(zero, wall_us=round((moment - _EPOCH).total_seconds() * 1_000_000))


@lru_cache(32)
def _of_certificates(coded: Sequence[str]) -> trust.TrustList:
    try:
        ders = [b64decode(each, validate=True) for each in coded]
    except ValueError as error:
        raise TrustError(f"certificates: no Base64: {error}") from error
    return trust.of_certificates(ders)


def _trust_list(path: Path) -> trust.TrustList:
    """A trust list from a file, plain or signed; here its signature is not checked."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_TRUST + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return trust.parse_list(payload_of(content))
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from error


def _of_station(path: Path) -> tuple[trust.TrustList, rules.Rules, str]:
    """What a station holds. Raises ConfigError."""
    config = load(path)
    held = governed(config)
    return held.trusted, held.rules, config.station.site
