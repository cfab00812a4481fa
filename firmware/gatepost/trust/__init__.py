"""Whose signatures count, and what of a code is therefore to be believed. Pure, no I/O.

check(code, trust, now) -> Checked        trust = parse_list(payload) | of_certificates(ders)
"""

from __future__ import annotations

from gatepost.trust.certificates import of_certificates
from gatepost.trust.checking import check
from gatepost.trust.jwks import sealing_key
from gatepost.trust.keys import NOTHING, TrustedKey, TrustList, mark
from gatepost.trust.listing import list_of, parse_list

__all__ = [
    "NOTHING",
    "TrustList",
    "TrustedKey",
    "check",
    "list_of",
    "mark",
    "of_certificates",
    "parse_list",
    "sealing_key",
]
