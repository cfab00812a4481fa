"""TLS of a station: its certificate, and a broker's while the station does not know the time.

Decision 0010 says why a handshake may pass over "not valid yet", and never over "ended".
"""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from gatepost.drivers.telling import Trouble, day
from gatepost.errors import KeyMaterialError, Problem
from gatepost.packing.foreign import FOREIGN

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python gives no name
_HANDSHAKE_S = 10.0  # two round trips of a slow line
SOON_US = 30 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid, microseconds since 1970 UTC; `name`: its file."""

    name: str
    begins_us: int
    ends_us: int

    def trouble(self, now_us: int, floor_us: int | None) -> Trouble | None:
        """Why our certificate is of no use at `now_us`.

        `floor_us`: the time is not known, and it is this late at least; "not yet" is then no news.
        """
        if self.ends_us <= max(now_us, floor_us or 0):
            text = f"our certificate {self.name} ended on {day(self.ends_us)}: it must be renewed"
            return Trouble(Problem.CERTIFICATE_EXPIRED, text)
        if floor_us is None and self.begins_us > now_us:
            begins = day(self.begins_us)
            text = f"our certificate {self.name} begins on {begins}: here it is {day(now_us)}"
            return Trouble(Problem.CERTIFICATE_NOT_YET_VALID, text)
        return None


def validity(certificate: x509.Certificate, name: str) -> Validity:
    """The validity of a certificate."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Validity(name, _microseconds(begins.timestamp()), _microseconds(ends.timestamp()))


def _microseconds(seconds: float) -> int:
    return round(seconds) * 1_000_000


def wall_us() -> int:
    """The wall clock as it stands, microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class StationTls(ssl.SSLContext):
    """What a TLS session needs. One broker's driver uses it at a time.

    Attributes:
        own: the validity of our certificate.
        floor_us: while the time is not known, what is surely past; else None.
    """

    own: Validity
    floor_us: int | None = None

    def at(self, floor_us: int | None) -> None:
        """For the next handshakes: whether the time is known (None), or only a floor of it."""
        self.floor_us = floor_us
        self._check_time(check=floor_us is None)

    @contextmanager
    def any_time(self) -> Iterator[None]:
        """To look at a certificate that is not valid now. Nothing is to be sent meanwhile."""
        self._check_time(check=False)
        try:
            yield
        finally:
            self._check_time(check=self.floor_us is None)

    def _check_time(self, *, check: bool) -> None:
        flags = int(self.verify_flags) & ~_NO_CHECK_TIME
        self.verify_flags = ssl.VerifyFlags(flags if check else flags | _NO_CHECK_TIME)


class _TlsSocket(ssl.SSLSocket):
    """Closed when its handshake fails, which paho would leave to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(_HANDSHAKE_S)  # paho 2.1 would wait for a whole keep-alive
        try:
            super().do_handshake(block)
            self._judge()
        except OSError:
            self.close()
            raise

    def _judge(self) -> None:
        """While the time is not known: what ended before the floor has surely ended."""
        context = self.context
        if not isinstance(context, StationTls) or context.floor_us is None:
            return
        at = max(wall_us(), context.floor_us)
        for each in peer_chain(self):
            if each.ends_us <= at:
                raise broker_ended(each).error()


def peer_chain(link: ssl.SSLSocket) -> list[Validity]:
    """The broker's chain up to its authority; before Python 3.13 its leaf alone."""
    give = getattr(link, "get_verified_chain", None)
    leaf = link.getpeercert(binary_form=True)
    ders = give() if give is not None else [leaf] if leaf is not None else []
    return [validity(x509.load_der_x509_certificate(each), "") for each in ders]


def broker_ended(found: Validity) -> Trouble:
    """The broker's certificate is past its end."""
    text = f"the broker's certificate ended on {day(found.ends_us)}"
    return Trouble(Problem.BROKER_CERTIFICATE_EXPIRED, text)


def dated(trouble: Trouble, context: StationTls, link: socket.socket, host: str) -> Trouble:
    """The same, with the date, which a handshake that failed does not give: by another one.

    `link`: a fresh connection to the same broker, which is used up.
    """
    try:
        with context.any_time(), context.wrap_socket(link, server_hostname=host) as second:
            found = peer_chain(second)
    except (OSError, ValueError):
        return trouble
    now = wall_us()
    for each in found:
        if each.ends_us <= now:
            return broker_ended(each)
        if each.begins_us > now:
            begins = f"begins on {day(each.begins_us)}: here it is {day(now)}: is our clock right?"
            return Trouble(trouble.problem, f"the broker's certificate {begins}")
    return trouble


def tls_context(ca: Path, certificate: Path, key: Path) -> StationTls:
    """TLS with our certificate towards a broker of `ca`. Raises KeyMaterialError."""
    try:
        context = StationTls(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags = ssl.create_default_context().verify_flags
        context.load_verify_locations(str(ca))
        context.load_cert_chain(str(certificate), str(key), password="")
        own = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        context.own = validity(own, certificate.name)
    except (OSError, ssl.SSLError, *FOREIGN) as error:
        raise KeyMaterialError(f"TLS with {certificate} and {ca}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TlsSocket
    return context
