"""What went wrong between us and a broker, in words that help whoever stands before the station."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatepost.errors import BrokerError, Problem

_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_CONNACK = 0x20
_ALERT = 0x15  # what a TLS server answers to a plain CONNECT: an alert record (RFC 8446, 5.1)

# Reason codes of CONNACK and DISCONNECT (MQTT 5, 2.4); paho gives those of 3.1.1 as these.
_REASONS = {
    0x85: (Problem.CLIENT_ID_REFUSED, "it does not take our id"),
    0x86: (Problem.NOT_AUTHORISED, "it does not know our name or password"),
    0x87: (
        Problem.NOT_AUTHORISED,
        "its lists do not let us in: do they have our certificate's CN?",
    ),
    0x88: (Problem.BUSY, "it is not available now"),
    0x89: (Problem.BUSY, "it is busy"),
    0x8A: (Problem.BANNED, "it has banned us"),
    0x8B: (Problem.CLOSED, "it is shut down"),
    0x8C: (Problem.NOT_AUTHORISED, "it wants another way to say who we are"),
    0x8D: (Problem.KEEP_ALIVE, "it heard nothing of us: packets to it vanish"),
    0x95: (Problem.TOO_LARGE, "what we sent is too large for it"),
    0x97: (Problem.QUOTA, "our quota is used up"),
    0x98: (Problem.CLOSED, "its administrator ended the session"),
    0x9F: (Problem.BUSY, "too many connect at once"),
}
_TAKEN_OVER = 0x8E

# X509_V_ERR_* of OpenSSL, about the broker's certificate.
_VERIFY = {
    9: (Problem.BROKER_CERTIFICATE_NOT_YET_VALID, "is not valid yet"),
    10: (Problem.BROKER_CERTIFICATE_EXPIRED, "has ended"),
    18: (Problem.BROKER_CERTIFICATE_UNKNOWN, "is its own, of no authority"),
    19: (Problem.BROKER_CERTIFICATE_UNKNOWN, "is of another authority than that of broker.ca"),
    20: (Problem.BROKER_CERTIFICATE_UNKNOWN, "is of another authority than that of broker.ca"),
    21: (Problem.BROKER_CERTIFICATE_UNKNOWN, "leads to no authority that we know"),
    62: (Problem.BROKER_CERTIFICATE_NAME, "is for another host"),
    63: (Problem.BROKER_CERTIFICATE_NAME, "is for another host"),
    64: (Problem.BROKER_CERTIFICATE_NAME, "does not name this address"),
}
# TLS alerts about our certificate (RFC 8446, 6.2), as OpenSSL calls them.
_ALERTS = {
    "CERTIFICATE_EXPIRED": (Problem.CERTIFICATE_EXPIRED, "has ended"),
    "CERTIFICATE_REVOKED": (Problem.CERTIFICATE_REVOKED, "was revoked"),
    "UNKNOWN_CA": (Problem.CERTIFICATE_UNKNOWN, "is of no authority that it knows"),
    "CERTIFICATE_UNKNOWN": (Problem.CERTIFICATE_REFUSED, "is refused"),
    "BAD_CERTIFICATE": (Problem.CERTIFICATE_REFUSED, "is refused: perhaps it is not valid yet"),
    "UNSUPPORTED_CERTIFICATE": (Problem.CERTIFICATE_REFUSED, "is of a kind that it does not take"),
    "CERTIFICATE_REQUIRED": (Problem.CERTIFICATE_REFUSED, "did not reach it"),
    "ACCESS_DENIED": (Problem.NOT_AUTHORISED, "is not let in"),
}
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE")
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem and what is said of it."""

    problem: Problem
    text: str

    def error(self, where: str = "") -> BrokerError:
        """To be raised. `where` goes before the text."""
        return BrokerError(f"{where}: {self.text}" if where else self.text, self.problem)


def day(microseconds: int) -> str:
    """Microseconds since 1970 as a date in UTC; what no calendar holds is told by its number."""
    try:
        return (_DAWN + timedelta(microseconds=microseconds)).date().isoformat()
    except OverflowError:
        return f"{microseconds} us"


def resolving(host: str, error: OSError) -> Trouble:
    """Why a name was not resolved (getaddrinfo(3))."""
    told = f"(resolver: {error.strerror or error})"
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        text = f"no name server answers for {host}: is there a network? {told}"
    else:
        text = f"the name {host} is not found: is it right, is there a name server? {told}"
    return Trouble(Problem.NAME_NOT_RESOLVED, text)


def reaching(error: OSError) -> Trouble:
    """Why there is no connection (connect(2))."""
    if isinstance(error, TimeoutError):
        return Trouble(Problem.NO_ANSWER, "nobody answers: a firewall, a cable, another address?")
    if isinstance(error, ConnectionRefusedError):
        text = "refused: the host is there, and no broker listens on this port"
        return Trouble(Problem.REFUSED, text)
    if error.errno in _NO_WAY:
        text = f"there is no way to it: is the cable or Wi-Fi there? ({error.strerror})"
        return Trouble(Problem.UNREACHABLE, text)
    return Trouble(Problem.OTHER, error.strerror or str(error))


def handshaking(error: OSError | ValueError) -> Trouble:
    """Why there is no TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem, how = _VERIFY.get(error.verify_code, (Problem.TLS_FAILED, error.verify_message))
        return Trouble(problem, f"the broker's certificate {how}")
    alert = alerted(error)
    if alert is not None:
        return alert
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, TimeoutError):
        text = "connected, but no answer to TLS: is that port an MQTT broker with TLS?"
        return Trouble(Problem.SILENT, text)
    if reason in _NO_TLS or isinstance(error, (ConnectionResetError, ssl.SSLEOFError)):
        text = "connected, but it does not speak TLS: is that the port without?"
        return Trouble(Problem.NOT_TLS, f"{text} ({reason or 'closed'})")
    return Trouble(Problem.TLS_FAILED, f"no TLS: {reason or error}")


def alerted(error: BaseException | None) -> Trouble | None:
    """What a TLS alert says of our certificate; None where it is no such alert.

    With TLS 1.3 the alert comes after the handshake, in place of the first answer.
    """
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError) or "ALERT" not in reason:
        return None
    for name, (problem, how) in _ALERTS.items():
        if reason.endswith(f"ALERT_{name}"):
            return Trouble(problem, f"the broker says that our certificate {how}")
    return Trouble(Problem.TLS_FAILED, f"the broker ended TLS: {reason.lower().replace('_', ' ')}")


def refused(code: int, words: str, client_id: str) -> Trouble:
    """A CONNACK that is none, or a DISCONNECT; `words` are MQTT's own."""
    if code == _TAKEN_OVER:
        text = f"two stations use the id {client_id}: another client came with it and took over"
        return Trouble(Problem.TAKEN_OVER, text)
    problem, how = _REASONS.get(code, (Problem.OTHER, ""))
    return Trouble(problem, f"{how} ({words})" if how else words)


def foreign(first: int) -> Trouble:
    """Something that does not begin as CONNACK does."""
    if first == _ALERT:
        return Trouble(Problem.NOT_MQTT, "it answers with TLS: is broker.tls to be true?")
    text = f"it answers, but not in MQTT (byte 0x{first:02x}): is that port an MQTT broker?"
    return Trouble(Problem.NOT_MQTT, text)


def is_foreign(first: int) -> bool:
    """Whether a broker that begins with this byte is none: its first word is CONNACK."""
    return first != _CONNACK


def broken(error: OSError | None) -> Trouble:
    """What ended a session that stood."""
    alert = alerted(error)
    if alert is not None:
        return alert
    if error is None or isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLError)):
        return Trouble(Problem.CLOSED, "closed by the broker, or on the way to it")
    if error.errno == errno.ETIMEDOUT:
        return Trouble(Problem.KEEP_ALIVE, "the network swallows packets: ours are not taken")
    if error.errno in _NO_WAY:
        return reaching(error)
    return Trouble(Problem.CLOSED, error.strerror or str(error))
