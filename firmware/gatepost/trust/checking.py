"""What of a code is to be believed: its signature, then what its key and its times allow."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from gatepost.model import SIGNED, Checked, Code, Reason, Step, Trust
from gatepost.trust.keys import ALGORITHMS
from gatepost.trust.signatures import holds

if TYPE_CHECKING:
    from gatepost.model import Proof, Stamp
    from gatepost.trust.keys import TrustedKey, TrustList

_HOLDS, _FAILS, _UNKNOWN = "holds", "fails", "unknown"
_NOT_KNOWN = "the station does not know the time"
_FORM = Step("form", _HOLDS)
_USAGE, _REVOCATION, _VALIDITY, _KEY_VALIDITY = range(4, 8)  # their places in what `_held` gives


def check(code: Code, trust: TrustList, now: Stamp) -> Checked:
    """What of `code` is to be believed at `now`; pure, and raises nothing.

    In this order: form, algorithm, key, signature (by every key that matches), the key's usage,
    revocation, the code's validity, the key's own. Times are compared with the benefit of
    the doubt within `now.bound_us`, and not at all while the station does not know the time.
    """
    broken = None if code.flaw is None else code.flaw.reason
    if code.kind not in SIGNED:
        return Checked(Trust.UNSIGNED, broken)
    proof = code.proof
    if broken is not None or proof is None:
        reason = broken or Reason.DAMAGED_STRUCTURE
        return Checked(Trust.INVALID, reason, steps=(Step("form", _FAILS, reason.value),))
    if proof.algorithm not in ALGORITHMS[code.kind]:
        step = Step("algorithm", _FAILS, proof.algorithm[:20])
        return Checked(Trust.INVALID, Reason.ALGORITHM_NOT_ALLOWED, steps=(_FORM, step))
    return _by_keys(code, proof, trust, now)


def _by_keys(code: Code, proof: Proof, trust: TrustList, now: Stamp) -> Checked:
    """The first key that verifies it and may; else why the first that verifies it may not."""
    refused = None
    keys = trust.matching(code.kind, proof)
    for key in keys:
        if holds(key, proof):
            checked = _by_key(code, proof, key, trust, now)
            if checked.reason is None:
                return checked
            refused = refused or checked
    if refused is not None:
        return refused
    steps: tuple[Step, ...] = (_FORM, Step("algorithm", _HOLDS, proof.algorithm))
    if not keys:
        steps += (Step("key", _FAILS, f"no key {_kid(proof)} of {proof.issuer[:80]!a}"),)
        return Checked(Trust.UNKNOWN_KEY, Reason.ISSUER_UNKNOWN, steps=steps)
    steps += (Step("signature", _FAILS, f"not by any of {len(keys)} that match"),)
    return Checked(Trust.INVALID, Reason.SIGNATURE_INVALID, steps=steps)


def _by_key(code: Code, proof: Proof, key: TrustedKey, trust: TrustList, now: Stamp) -> Checked:
    """What a signature is worth that holds: what its key may, whether code and key still count.

    The code's own end before its key's: that is what a visitor can understand, and mend. It is
    valid from `nbf` to `exp`, both included: the EU refuses after `exp`, RFC 7519 at it, and for
    the one second between, the visitor is right. When it was issued is no bound: issuers' clocks
    differ, and RFC 8392 makes it none. The key's certificate must be valid now (RFC 5280, both
    ends included), not when the code was issued: that is what whoever holds a key that ran out
    can write.
    """
    if key.usages and proof.usage and proof.usage not in key.usages:
        only = f"only for {', '.join(sorted(key.usages))}"
        return _refused(Reason.ISSUER_NOT_ENTITLED, key, _USAGE, only)
    if trust.is_revoked(code.kind, code.identity):
        return _refused(Reason.REVOKED, key, _REVOCATION, "on the list of the revoked")
    between = _between(now)
    early, why = _outside(proof.not_before_s, proof.not_after_s, between)
    if why:
        reason = Reason.NOT_YET_VALID if early else Reason.EXPIRED
        return _refused(reason, key, _VALIDITY, why)
    _, why = _outside(key.not_before_s, key.not_after_s, between)
    if why:
        return _refused(Reason.ISSUER_NOT_VALID, key, _KEY_VALIDITY, why)
    of_code = now.synchronised or (proof.not_before_s is None and proof.not_after_s is None)
    of_key = now.synchronised or (key.not_before_s is None and key.not_after_s is None)
    return _believed(key.name, key.algorithm, of_code, of_key)


def _outside(
    begin: float | None, end: float | None, between: tuple[float, float]
) -> tuple[bool, str]:
    """Whether it is too early, and why it is outside; "" where it is not, or may not be."""
    earliest, latest = between
    if begin is not None and not begin <= latest:
        return True, f"from {_told(begin)}"
    if end is not None and not end >= earliest:
        return False, f"until {_told(end)}"
    return False, ""


@lru_cache(maxsize=256)
def _held(name: str, algorithm: str) -> tuple[Step, ...]:
    """All that is looked at, in order, as it is where all is well; nothing of it is a person's."""
    return (
        _FORM,
        Step("algorithm", _HOLDS, algorithm),
        Step("key", _HOLDS, name),
        Step("signature", _HOLDS),
        Step("usage", _HOLDS),
        Step("revocation", _HOLDS),
        Step("validity", _HOLDS),
        Step("key-validity", _HOLDS),
    )


@lru_cache(maxsize=256)
def _believed(name: str, algorithm: str, of_code: bool, of_key: bool) -> Checked:
    """A code that is believed; `of_code`, `of_key`: its times, its key's times could be checked."""
    steps = list(_held(name, algorithm))
    for place, known in ((_VALIDITY, of_code), (_KEY_VALIDITY, of_key)):
        if not known:
            steps[place] = Step(steps[place].name, _UNKNOWN, _NOT_KNOWN)
    return Checked(Trust.VERIFIED, None, of_code and of_key, name, tuple(steps))


def _refused(reason: Reason, key: TrustedKey, place: int, why: str) -> Checked:
    held = _held(key.name, key.algorithm)
    steps = (*held[:place], Step(held[place].name, _FAILS, why))
    return Checked(Trust.INVALID, reason, issuer=key.name, steps=steps)


def _between(now: Stamp) -> tuple[float, float]:
    """The earliest and the latest that it may be, seconds since 1970: any, where nobody knows."""
    if not now.synchronised:
        return -math.inf, math.inf
    return (now.wall_us - now.bound_us) / 1e6, (now.wall_us + now.bound_us) / 1e6


def _told(seconds: float) -> str:
    """A time for people; the number itself where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(seconds)[:40]


def _kid(proof: Proof) -> str:
    return f"{proof.kid[:8].hex()}.." if len(proof.kid) > 8 else proof.kid.hex() or "without id"
