"""Certificates that begin and end when a test wants, and revoked ones; for brokers and stations.

fleet = Fleet(tmp_path)
files = fleet.files(broker=Days("2020-01-01", "2025-01-01"))
with mosquitto(tmp_path, tls=files, extra=[fleet.revoking(files.station_certificate)]): ...
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gatepost.demo.authority import issue, make_authority, new_key, private_pem, self_signed

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles, PrivateKey

PEM = serialization.Encoding.PEM
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Days:
    """From when to when, as dates."""

    begins: str = "2020-01-01"
    ends: str = "2049-12-31"


ALWAYS = Days()
ENDED = Days(ends="2021-02-03")
TO_COME = Days(begins="2047-05-06")


def us(day: str) -> int:
    """A date as microseconds since 1970 UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


class Fleet:
    """An authority that keeps its key, and what it issued."""

    def __init__(self, folder: Path, station: str = "gp-1") -> None:
        self._folder = folder
        self._station = station
        self._files = make_authority(folder / "fleet", station)
        self._key: PrivateKey = new_key("p256")
        self._ca = self_signed("gatepost example authority", self._key)
        self._files.ca.write_bytes(self._ca.public_bytes(PEM))

    def files(
        self,
        *,
        broker: Days = ALWAYS,
        station: Days = ALWAYS,
        hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
    ) -> AuthorityFiles:
        """New certificates for a broker at `hosts` and for the station."""
        folder = self._folder / f"issued-{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        named = {
            "broker": (hosts, broker),
            "station": ((self._station,), station),
            "central": (("central",), ALWAYS),
        }
        for name, (names, days) in named.items():
            own = new_key("p256")
            cert = issue(self._ca, self._key, own, names[0], server=name == "broker")
            (folder / f"{name}.pem").write_bytes(self._redated(cert, days, names))
            (folder / f"{name}.key").write_bytes(private_pem(own))
        return replace(
            self._files,
            station_certificate=folder / "station.pem",
            station_key=folder / "station.key",
            broker_certificate=folder / "broker.pem",
            broker_key=folder / "broker.key",
            central_certificate=folder / "central.pem",
            central_key=folder / "central.key",
        )

    def _redated(self, cert: x509.Certificate, days: Days, names: tuple[str, ...]) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(cert.subject)
            .issuer_name(cert.issuer)
            .public_key(cert.public_key())
            .serial_number(cert.serial_number)
            .not_valid_before(datetime.fromisoformat(days.begins))
            .not_valid_after(datetime.fromisoformat(days.ends))
        )
        for each in cert.extensions:
            own = isinstance(each.value, x509.SubjectAlternativeName)
            value = x509.SubjectAlternativeName([_named(name) for name in names])
            builder = builder.add_extension(value if own else each.value, each.critical)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(PEM)

    def revoking(self, *certificates: Path) -> str:
        """mosquitto's line for a list that revokes these."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._ca.subject)
            .last_update(NOW - timedelta(days=1))
            .next_update(NOW + timedelta(days=30))
        )
        for each in certificates:
            serial = x509.load_pem_x509_certificate(each.read_bytes()).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(serial)
            builder = builder.add_revoked_certificate(revoked.revocation_date(NOW).build())
        path = self._folder / "revoked.pem"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        return f"crlfile {path}"


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
