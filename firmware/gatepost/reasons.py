"""Why a gate decided as it did, in stable words; a part of the model, and imported from there.

Published in contract/reasons.json with a text for people. A reason is never reused.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the gate decided. A stable part of the wire contract."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not-understood"


class Reason(StrEnum):
    """Why; each belongs to one verdict. In the order in which a gate looks for them, by group."""

    # It names no visitor.
    LINK_SHOWN = "link-shown"
    KIND_UNKNOWN = "kind-unknown"
    POSTER_SHOWN = "poster-shown"
    LICENCE_SHOWN = "licence-shown"
    # The gate's rules, before anything else.
    KIND_NOT_ACCEPTED = "kind-not-accepted"
    # The code is broken: in which layer.
    DAMAGED_PREFIX = "damaged-prefix"
    DAMAGED_ENCODING = "damaged-encoding"
    DAMAGED_COMPRESSION = "damaged-compression"
    DAMAGED_STRUCTURE = "damaged-structure"
    DAMAGED_CONTENT = "damaged-content"
    PART_OF_SEVERAL = "part-of-several"
    # The signature and what it stands for.
    ALGORITHM_NOT_ALLOWED = "algorithm-not-allowed"
    ISSUER_UNKNOWN = "issuer-unknown"
    SIGNATURE_INVALID = "signature-invalid"
    ISSUER_NOT_ENTITLED = "issuer-not-entitled"
    REVOKED = "revoked"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    ISSUER_NOT_VALID = "issuer-not-valid"
    # The gate's rules on what is believed.
    ISSUER_NOT_ACCEPTED = "issuer-not-accepted"
    TOO_OLD = "too-old"
    NOT_FOR_THIS_PLACE = "not-for-this-place"
    DENIED = "denied"
    NOT_ON_LIST = "not-on-list"
    SEEN_ALREADY = "seen-already"
    WRONG_WAY = "wrong-way"
    CLOSED = "closed"
    INSIDE_ALREADY = "inside-already"
    PLACE_FULL = "place-full"
    # Recorded, and what to know about it; the first that fits.
    RECORDED_INSIDE_ALREADY = "recorded-inside-already"
    WARNED_INSIDE_ALREADY = "warned-inside-already"
    RECORDED_TIME_UNKNOWN = "recorded-time-unknown"
    RECORDED_UNVERIFIED = "recorded-unverified"
    RECORDED_FOR_ANOTHER = "recorded-for-another"
    RECORDED = "recorded"

    @property
    def verdict(self) -> Verdict:
        """The one verdict that it stands under."""
        return _VERDICTS.get(self, Verdict.REFUSED)


_VERDICTS = {
    Reason.LINK_SHOWN: Verdict.NOT_UNDERSTOOD,
    Reason.KIND_UNKNOWN: Verdict.NOT_UNDERSTOOD,
    Reason.SEEN_ALREADY: Verdict.REPEATED,
    Reason.RECORDED_INSIDE_ALREADY: Verdict.ACCEPTED,
    Reason.WARNED_INSIDE_ALREADY: Verdict.ACCEPTED,
    Reason.RECORDED_TIME_UNKNOWN: Verdict.ACCEPTED,
    Reason.RECORDED_UNVERIFIED: Verdict.ACCEPTED,
    Reason.RECORDED_FOR_ANOTHER: Verdict.ACCEPTED,
    Reason.RECORDED: Verdict.ACCEPTED,
}
