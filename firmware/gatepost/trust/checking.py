"""What of a code is to be believed: its signature, then what its key and its times allow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepost.model import SIGNED, Checked, Code, Layer, Reason, Step, Trust
from gatepost.trust.keys import ALGORITHMS
from gatepost.trust.signatures import holds

if TYPE_CHECKING:
    from gatepost.model import Proof, Stamp
    from gatepost.trust.keys import TrustedKey, TrustList

_OF_LAYER = {
    Layer.PREFIX: Reason.DAMAGED_PREFIX,
    Layer.ENCODING: Reason.DAMAGED_ENCODING,
    Layer.COMPRESSION: Reason.DAMAGED_COMPRESSION,
    Layer.STRUCTURE: Reason.DAMAGED_STRUCTURE,
    Layer.CONTENT: Reason.DAMAGED_CONTENT,
    Layer.PARTIAL: Reason.PART_OF_SEVERAL,
}
_HOLDS, _FAILS, _UNKNOWN = "holds", "fails", "unknown"
_FORM = Step("form", _HOLDS)
_SIGNATURE = Step("signature", _HOLDS)
_KEY_VALIDITY = Step("key-validity", _HOLDS)
_KEY_VALIDITY_UNKNOWN = Step("key-validity", _UNKNOWN, "the station does not know the time")
_USAGE = Step("usage", _HOLDS)
_NOT_REVOKED = Step("revocation", _HOLDS)
_VALIDITY = Step("validity", _HOLDS)
_VALIDITY_UNKNOWN = Step("validity", _UNKNOWN, "the station does not know the time")
_ALGORITHM = {
    name: Step("algorithm", _HOLDS, name) for name in frozenset().union(*ALGORITHMS.values())
}


def check(code: Code, trust: TrustList, now: Stamp) -> Checked:
    """What of `code` is to be believed at `now`; pure, and raises nothing.

    In this order: form, algorithm, key, signature (by every key that matches), the key's usage,
    revocation, the code's validity, the key's own. Times are compared with the benefit of
    the doubt within `now.bound_us`, and not at all while the station does not know the time.
    """
    broken = None if code.flaw is None else _OF_LAYER[code.flaw]
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
    steps: tuple[Step, ...] = (_FORM, _ALGORITHM[proof.algorithm])
    refused = None
    keys = trust.matching(code.kind, proof)
    for key in keys:
        if holds(key, proof):
            checked = _by_key(code, proof, key, trust, now, steps)
            if checked.reason is None:
                return checked
            refused = refused or checked
    if refused is not None:
        return refused
    if not keys:
        steps += (Step("key", _FAILS, f"no key {_kid(proof)} of {proof.issuer[:80]!a}"),)
        return Checked(Trust.UNKNOWN_KEY, Reason.ISSUER_UNKNOWN, steps=steps)
    steps += (Step("signature", _FAILS, f"not by any of {len(keys)} that match"),)
    return Checked(Trust.INVALID, Reason.SIGNATURE_INVALID, steps=steps)


def _by_key(
    code: Code,
    proof: Proof,
    key: TrustedKey,
    trust: TrustList,
    now: Stamp,
    steps: tuple[Step, ...],
) -> Checked:
    """What a signature is worth that holds: what its key may, whether code and key still count.

    The code's own end before its key's: that is what a visitor can understand, and mend.
    """
    steps = (*steps, Step("key", _HOLDS, key.name), _SIGNATURE)
    if key.usages and proof.usage and proof.usage not in key.usages:
        failed = Step("usage", _FAILS, f"only for {', '.join(sorted(key.usages))}")
        return _invalid(Reason.ISSUER_NOT_ENTITLED, key, (*steps, failed))
    if trust.is_revoked(code.kind, code.identity):
        failed = Step("revocation", _FAILS, "on the list of the revoked")
        return _invalid(Reason.REVOKED, key, (*steps, _USAGE, failed))
    steps = (*steps, _USAGE, _NOT_REVOKED)
    known = True
    for look in (_of_code(proof, now), _of_key(key, now)):
        reason, step = look
        steps = (*steps, step)
        if reason is not None:
            return _invalid(reason, key, steps)
        known = known and step.outcome != _UNKNOWN
    return Checked(Trust.VERIFIED, None, known, key.name, steps)


def _invalid(reason: Reason, key: TrustedKey, steps: tuple[Step, ...]) -> Checked:
    return Checked(Trust.INVALID, reason, issuer=key.name, steps=steps)


def _of_key(key: TrustedKey, now: Stamp) -> tuple[Reason | None, Step]:
    """Whether the key's certificate is valid now: RFC 5280, both ends included.

    Not when the code was issued: that is what whoever holds a key that ran out can write.
    """
    begin, end = key.not_before_s, key.not_after_s
    if begin is None and end is None:
        return None, _KEY_VALIDITY
    if not now.synchronised:
        return None, _KEY_VALIDITY_UNKNOWN
    earliest, latest = _between(now)
    if begin is not None and not begin <= latest:
        return Reason.ISSUER_NOT_VALID, Step("key-validity", _FAILS, f"from {_told(begin)}")
    if end is not None and not end >= earliest:
        return Reason.ISSUER_NOT_VALID, Step("key-validity", _FAILS, f"until {_told(end)}")
    return None, _KEY_VALIDITY


def _of_code(proof: Proof, now: Stamp) -> tuple[Reason | None, Step]:
    """Whether the code is valid now, from `nbf` to `exp`, both included.

    The EU refuses after `exp`, RFC 7519 at it: for the one second between, the visitor is
    right. When it was issued is no bound: issuers' clocks differ, and RFC 8392 makes it none.
    """
    begin, end = proof.not_before_s, proof.not_after_s
    if begin is None and end is None:
        return None, _VALIDITY
    if not now.synchronised:
        return None, _VALIDITY_UNKNOWN
    earliest, latest = _between(now)
    if begin is not None and not begin <= latest:
        return Reason.NOT_YET_VALID, Step("validity", _FAILS, f"from {_told(begin)}")
    if end is not None and not end >= earliest:
        return Reason.EXPIRED, Step("validity", _FAILS, f"until {_told(end)}")
    return None, _VALIDITY


def _between(now: Stamp) -> tuple[float, float]:
    """The earliest and the latest that it may be, seconds since 1970."""
    return (now.wall_us - now.bound_us) / 1e6, (now.wall_us + now.bound_us) / 1e6


def _told(seconds: float) -> str:
    """A time for people; the number itself where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(seconds)[:40]


def _kid(proof: Proof) -> str:
    return f"{proof.kid[:8].hex()}.." if len(proof.kid) > 8 else proof.kid.hex() or "without id"
