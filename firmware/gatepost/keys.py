"""The keys and certificates that a configuration names, checked as the station will use them.

Needs no decoder and no device: a technician's laptop checks a file by the station's own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.drivers.tls import tls_context
from gatepost.errors import ConfigError, KeyMaterialError
from gatepost.sealing import Sealer, load_public_key
from gatepost.signing import Signer

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.drivers.tls import StationTls


def keys_of(config: Config) -> tuple[Signer, Sealer | None]:
    """The station's key and the central one. Raises ConfigError with what does not fit."""
    problems = []
    signer = sealer = None
    try:
        signer = Signer(config.station.certificate, config.station.key)
        if signer.name != config.station.id:
            told = f"names {signer.name!r}, not this station {config.station.id!r}"
            problems.append(f"station.certificate: {config.station.certificate}: {told}")
    except KeyMaterialError as error:
        problems.append(f"station.key or certificate: {error}")
    try:
        if config.central.sealing_key is not None:
            sealer = Sealer(load_public_key(config.central.sealing_key))
    except KeyMaterialError as error:
        problems.append(f"central.sealing_key: {error}")
    if signer is not None:  # else the key's own fault would be told as the broker's, too
        try:
            tls_of(config)
        except KeyMaterialError as error:
            problems.append(f"broker.ca: {error}")
    if problems or signer is None:
        raise ConfigError(problems)
    return signer, sealer


def tls_of(config: Config) -> StationTls | None:
    """TLS towards the broker; None where the configuration goes without. KeyMaterialError."""
    if not config.broker.tls or config.broker.ca is None:
        return None
    return tls_context(config.broker.ca, config.station.certificate, config.station.key)
