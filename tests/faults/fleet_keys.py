"""Certificates of one invented authority for a fleet: its broker, its centre, each station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from gatepost.demo.authority import issue, new_key, private_pem, self_signed, write, write_secret

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from gatepost.demo.authority import PrivateKey

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path


class Authority:
    """An authority that issues into `folder`, which it makes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._key: PrivateKey = new_key("p256")
        self._own: x509.Certificate = self_signed("fleet example authority", self._key)
        self.ca = folder / "ca.pem"
        write(self.ca, self._own.public_bytes(_PEM))

    def issue(self, name: str, *, server: bool = False) -> Pair:
        """A certificate with the common name `name`."""
        key = new_key("p256")
        common = "localhost" if server else name
        certificate = issue(self._own, self._key, key, common, server=server)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        write(pair.certificate, certificate.public_bytes(_PEM))
        write_secret(pair.key, private_pem(key))
        return pair
