"""Tokens from an invented centre, good and bad, for the tests of what a station is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatepost.demo.authority import make_authority
from gatepost.desired import Centre, Desire, When
from gatepost.signing import Signer, load_certificates

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

NOW = When(datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
PASSES_ALONE = '[gate]\naccept = ["pass"]\n'


def said(kind: Desire, version: int, **changes: Any) -> dict[str, Any]:
    """What a payload of the centre says."""
    data: dict[str, Any] = {
        "type": f"gatepost-{kind.value}",
        "version": version,
        "issued": "2026-09-01T07:00:00Z",
        "audience": ["site-1"],
    }
    if kind is Desire.RULES:
        data["rules"] = PASSES_ALONE
    else:
        data |= {"keys": [], "revoked": [], "central": []}
    return data | changes


@dataclass(frozen=True)
class Source:
    """A centre with its authority, which also issued the station gp-1."""

    files: AuthorityFiles

    @classmethod
    def make(cls, folder: Path, **more: Any) -> Source:
        return cls(make_authority(folder, "gp-1", **more))

    @property
    def centre(self) -> Centre:
        return Centre(tuple(load_certificates(self.files.ca)), "central", "gp-1", "site-1")

    @property
    def signer(self) -> Signer:
        return Signer(self.files.central_certificate, self.files.central_key)

    def token(self, kind: Desire, version: int = 1, **changes: Any) -> bytes:
        """What the centre signs."""
        return self.sign(json.dumps(said(kind, version, **changes)).encode(), kind.typ)

    def sign(self, payload: bytes, typ: str, signer: Signer | None = None) -> bytes:
        return (signer or self.signer).sign(payload, typ).encode()

    def station_signs(self, kind: Desire, version: int = 1) -> bytes:
        """The same, signed by the station of the same authority."""
        signer = Signer(self.files.station_certificate, self.files.station_key)
        return self.sign(json.dumps(said(kind, version)).encode(), kind.typ, signer)
