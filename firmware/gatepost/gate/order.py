"""The order in which a gate looks at its rules. The first that applies is the reason.

What is no visitor comes first, and then whether this kind is accepted here at all: nobody should
have a code mended, or a certificate renewed, that this gate does not take. Nothing that a code
says is looked at before its signature. Denied comes before all that a memory could tell. Leaving
is never refused for the hour, nor for a full place.

1. what it is: poster-shown, link-shown, kind-unknown, licence-shown
2. the kind: kind-not-accepted
3. whether it is whole: damaged-prefix, damaged-encoding, damaged-compression, damaged-structure,
   damaged-content, part-of-several
4. the signature: algorithm-not-allowed, issuer-unknown, signature-invalid, issuer-not-entitled,
   revoked, not-yet-valid, expired, issuer-not-valid
5. the issuer: issuer-not-accepted
6. the age: too-old
7. the place: not-for-this-place
8. the deny list: denied
9. the allow list: not-on-list
10. repeats: seen-already
11. the way: wrong-way
12. the hour: closed
13. in without out: inside-already
14. room: place-full
15. recorded: recorded-inside-already, warned-inside-already, recorded-time-unknown,
    recorded-unverified, recorded-for-another, recorded
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from gatepost.gate.case import decides
from gatepost.model import Direction, Kind, Layer, Reason, Trust
from gatepost.rules import AntiPassback

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gate.case import Case

_NOT_A_VISITOR = {
    Kind.SITE: Reason.POSTER_SHOWN,
    Kind.URL: Reason.LINK_SHOWN,
    Kind.UNKNOWN: Reason.KIND_UNKNOWN,
    Kind.MDOC: Reason.LICENCE_SHOWN,
}
_SIGNATURE = (
    Reason.ALGORITHM_NOT_ALLOWED,
    Reason.ISSUER_UNKNOWN,
    Reason.SIGNATURE_INVALID,
    Reason.ISSUER_NOT_ENTITLED,
    Reason.REVOKED,
    Reason.NOT_YET_VALID,
    Reason.EXPIRED,
    Reason.ISSUER_NOT_VALID,
)
_RECORDED = (
    Reason.RECORDED_INSIDE_ALREADY,
    Reason.WARNED_INSIDE_ALREADY,
    Reason.RECORDED_TIME_UNKNOWN,
    Reason.RECORDED_UNVERIFIED,
    Reason.RECORDED_FOR_ANOTHER,
    Reason.RECORDED,
)
_DAY_S = 86_400


def reason_for(case: Case) -> Reason:
    """Why this scan is recorded or not: the first reason in the documented order."""
    for look in _LOOKS:
        if reason := look(case):
            return reason
    return _recorded(case)


def _visitor(case: Case) -> Reason | None:
    return _NOT_A_VISITOR.get(case.code.kind)


def _kind(case: Case) -> Reason | None:
    return None if case.code.kind in case.rules.accept else Reason.KIND_NOT_ACCEPTED


def _whole(case: Case) -> Reason | None:
    return case.code.flaw.reason if case.code.flaw else None


def _signature(case: Case) -> Reason | None:
    """As it was checked; a signed kind of which nobody says why it is not good is refused too."""
    reason = case.checked.reason
    if reason is None and case.unverified:
        unknown = case.checked.trust is Trust.UNKNOWN_KEY
        reason = Reason.ISSUER_UNKNOWN if unknown else Reason.SIGNATURE_INVALID
    if reason is Reason.ISSUER_UNKNOWN and not case.rules.of(case.code.kind).required:
        return None
    return reason


def _issuer(case: Case) -> Reason | None:
    accepted = case.rules.of(case.code.kind).issuers
    named = {case.checked.issuer, case.code.proof.issuer if case.code.proof else ""}
    return Reason.ISSUER_NOT_ACCEPTED if accepted and not accepted & named else None


def _age(case: Case) -> Reason | None:
    """Too old only where it is beyond the error of the clock."""
    proof, most = case.code.proof, case.rules.of(case.code.kind).max_age_days
    if not (proof and most) or case.moment is None:
        return None
    since = proof.not_before_s if proof.issued_s is None else proof.issued_s
    at_least_s = (case.stamp.wall_us - case.stamp.bound_us) / 1_000_000
    young = since is not None and at_least_s - since <= most * _DAY_S
    return None if young else Reason.TOO_OLD


def _place(case: Case) -> Reason | None:
    places = case.code.places
    return Reason.NOT_FOR_THIS_PLACE if places and case.site not in places else None


def _denied(case: Case) -> Reason | None:
    return Reason.DENIED if case.denied else None


def _listed(case: Case) -> Reason | None:
    return Reason.NOT_ON_LIST if case.rules.allow_only and not case.allowed else None


def _repeated(case: Case) -> Reason | None:
    last = case.last
    if last is None or case.scan.taken - last.at >= case.rules.repeat_s:
        return None
    same_way = case.scan.direction in {Direction.AUTO, last.shown}
    return Reason.SEEN_ALREADY if same_way else None


def _way(case: Case) -> Reason | None:
    other = {Direction.IN: Direction.OUT, Direction.OUT: Direction.IN}.get(case.direction)
    return Reason.WRONG_WAY if other and other is case.rules.only_way else None


def _hour(case: Case) -> Reason | None:
    """Closed only where it is beyond the error of the clock."""
    if case.moment is None or case.direction is Direction.OUT:
        return None
    error = timedelta(microseconds=case.stamp.bound_us)
    may_be = (case.moment - error, case.moment, case.moment + error)
    is_open = any(map(case.rules.hours.hold, may_be))
    return None if is_open or case.allowed else Reason.CLOSED


def _again(case: Case) -> Reason | None:
    refused = case.rules.anti_passback is AntiPassback.REFUSE and _in_twice(case)
    return Reason.INSIDE_ALREADY if refused else None


def _room(case: Case) -> Reason | None:
    """Whoever is inside already is counted already, and takes no other's place."""
    full = 0 < case.rules.capacity <= case.inside
    comes = case.direction is Direction.IN and not case.was_inside
    return Reason.PLACE_FULL if full and comes and not case.allowed else None


def _recorded(case: Case) -> Reason:
    """What is most telling of a visitor who is let in."""
    if _in_twice(case):
        warn = case.rules.anti_passback is AntiPassback.WARN
        return Reason.WARNED_INSIDE_ALREADY if warn else Reason.RECORDED_INSIDE_ALREADY
    if case.time_missing:
        return Reason.RECORDED_TIME_UNKNOWN
    if case.unverified:
        return Reason.RECORDED_UNVERIFIED
    return Reason.RECORDED_FOR_ANOTHER if case.code.for_another else Reason.RECORDED


def _in_twice(case: Case) -> bool:
    known = decides(case.code, case.checked)
    return known and case.was_inside and case.direction is Direction.IN


_ORDER: tuple[tuple[str, Callable[[Case], Reason | None], tuple[Reason, ...]], ...] = (
    ("what it is", _visitor, tuple(_NOT_A_VISITOR.values())),
    ("the kind", _kind, (Reason.KIND_NOT_ACCEPTED,)),
    ("whether it is whole", _whole, tuple(layer.reason for layer in Layer)),
    ("the signature", _signature, _SIGNATURE),
    ("the issuer", _issuer, (Reason.ISSUER_NOT_ACCEPTED,)),
    ("the age", _age, (Reason.TOO_OLD,)),
    ("the place", _place, (Reason.NOT_FOR_THIS_PLACE,)),
    ("the deny list", _denied, (Reason.DENIED,)),
    ("the allow list", _listed, (Reason.NOT_ON_LIST,)),
    ("repeats", _repeated, (Reason.SEEN_ALREADY,)),
    ("the way", _way, (Reason.WRONG_WAY,)),
    ("the hour", _hour, (Reason.CLOSED,)),
    ("in without out", _again, (Reason.INSIDE_ALREADY,)),
    ("room", _room, (Reason.PLACE_FULL,)),
    ("recorded", _recorded, _RECORDED),
)
_LOOKS = tuple(look for _, look, _ in _ORDER[:-1])
ORDER = tuple((what, reasons) for what, _, reasons in _ORDER)
