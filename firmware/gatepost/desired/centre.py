"""From whom rules and trust lists are taken, for whom, and when that was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gatepost.errors import ConfigError, KeyMaterialError
from gatepost.signing import load_certificates

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from gatepost.config import Config

_MIB = 1024 * 1024


class Desire(StrEnum):
    """What the centre can send; the last part of its topic."""

    RULES = "rules"
    TRUST = "trust"

    @property
    def typ(self) -> str:
        """What a token of this kind says of itself, in its header and in its payload."""
        return f"gatepost-{self.value}"

    @property
    def most(self) -> int:
        """How long a token may be, bytes; Base64, so it holds three quarters of it."""
        return 4 * _MIB


@dataclass(frozen=True, slots=True)
class Centre:
    """From whom desired states are taken, and for which station.

    Attributes:
        authorities: one of them issued the certificate of whoever signs.
        signer: the common name in that certificate. The same authority may issue stations.
    """

    authorities: tuple[x509.Certificate, ...]
    signer: str
    station: str
    site: str


@dataclass(frozen=True, slots=True)
class When:
    """The station's time, UTC; `behind`: it may be later by any time."""

    at: datetime
    behind: bool = False


def centre_of(config: Config) -> Centre | None:
    """The centre that a configuration names; None: none. Raises ConfigError."""
    if config.central.authority is None:
        return None
    try:
        authorities = load_certificates(config.central.authority)
    except KeyMaterialError as error:
        raise ConfigError([f"central.authority: {error}"]) from error
    if config.central.signer == config.station.id:
        told = f"{config.central.signer!r} is this station: it takes no orders from itself"
        raise ConfigError([f"central.signer: {told}"])
    return Centre(tuple(authorities), config.central.signer, config.station.id, config.station.site)
