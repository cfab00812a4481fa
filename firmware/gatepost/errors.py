"""Every error that gatepost raises on purpose.

    GatepostError
    |-- UsageError          what was asked for cannot be done as asked
    |-- ConfigError         a configuration file with one or more problems
    |-- PictureError        a picture or clip that cannot be read
    |-- Unreadable          a code of a known kind that is broken, and in which layer
    |-- TrustError          a list of trusted keys that cannot be used
    |-- DesiredRefused      rules or a trust list from the centre that is not taken, and why
    |-- DeviceError         a device that failed
    |   `-- DeviceAbsent    a device that is not there (yet, or any more)
    |-- DeviceStuck         a device that only a new process can free
    |-- ContractError       a message or a record that breaks the wire contract
    |-- KeyMaterialError    a key or a certificate that cannot be used
    |-- SpoolError          the spool cannot do what was asked
    |   |-- SpoolFull       no room for another event
    |   |-- SpoolBusy       another connection writes, and does not end
    |   |-- SpoolVersion    made by another version of gatepost
    |   |-- SpoolForeign    the file is another station's
    |   |-- SpoolVolatile   its place is RAM: a power cut would lose it
    |   `-- SpoolDamaged    the file is not (any more) a whole spool
    `-- BrokerError         the broker cannot be reached, refused or went away
        `-- ProtocolRefused the broker does not speak this version of MQTT

Foreign errors stop at the driver: they are translated into these with `from`.
They also inherit from the builtin that a caller would expect.
"""

from __future__ import annotations

from enum import StrEnum


class GatepostError(Exception):
    """The root: everything that gatepost raises on purpose."""


def told(error: BaseException | None) -> str:
    """An error in words. What we did not raise ourselves may quote anything: only its place."""
    if isinstance(error, (GatepostError, OSError)) or error is None:
        return f"{type(error).__name__}: {error}"
    name, trace = type(error).__name__, error.__traceback__
    if trace is None:
        return name
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"{name} at {file}:{trace.tb_lineno}"


class UsageError(GatepostError, ValueError):
    """What was asked for cannot be done as asked; the text says what to do instead."""


class ConfigError(GatepostError, ValueError):
    """A configuration with problems, all of them at once.

    Attributes:
        problems: one line each, ready to be shown (`file:line: where: what is wrong`).
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PictureError(GatepostError, ValueError):
    """A picture or a clip that is missing, is none, or is too large."""


class Unreadable(GatepostError, ValueError):
    """A code of a known kind that is broken. Raised within `codes` and `packing` alone.

    Attributes:
        layer: where, one of model.Layer.
    """

    def __init__(self, layer: str, text: str = "") -> None:
        super().__init__(f"{layer}: {text}" if text else str(layer))
        self.layer = layer


class TrustError(GatepostError, ValueError):
    """A list of trusted keys that cannot be used; none of it is."""


class DesiredRefused(GatepostError, ValueError):
    """A desired state from the centre that is not taken, and why; the one held stays."""


class DeviceError(GatepostError, OSError):
    """A device that is there and failed."""


class DeviceAbsent(DeviceError):
    """A device that is not there: its worker waits for it and says so."""


class DeviceStuck(GatepostError, OSError):
    """A device that worked and hangs: its worker ends, and with it the process, to begin anew.

    No DeviceError: those are waited for.
    """


class ContractError(GatepostError, ValueError):
    """A message or a record that breaks the wire contract."""


class KeyMaterialError(GatepostError, ValueError):
    """A key or a certificate that is missing, malformed or of the wrong kind."""


class SpoolError(GatepostError, OSError):
    """The spool cannot do what was asked."""


class SpoolFull(SpoolError):
    """No room for another event: the station refuses, in red."""


class SpoolBusy(SpoolError):
    """Another connection writes, and did not end within the time that is waited for it."""


class SpoolVersion(SpoolError):
    """The file was made by another version of gatepost; it is left as it is."""


class SpoolForeign(SpoolError):
    """The file is another station's; it is left as it is."""


class SpoolVolatile(SpoolError):
    """Its place is RAM (tmpfs, ramfs, overlay): a power cut would lose what is in it."""


class SpoolDamaged(SpoolError):
    """The file is not, or not any more, a whole spool."""


class Problem(StrEnum):
    """Why there is no session with the broker: short words that stay, for health and programs.

    The text of a BrokerError says the same to people, with names and dates.
    """

    NAME_NOT_RESOLVED = "name-not-resolved"  # no such name, or no name server
    RESOLVER_SILENT = "resolver-silent"  # the resolver hangs
    REFUSED = "refused"  # nothing listens there
    UNREACHABLE = "unreachable"  # no way to it
    NO_ANSWER = "no-answer"  # packets to it vanish
    SILENT = "silent"  # takes connections and says nothing
    NOT_MQTT = "not-mqtt"  # says something else
    NOT_TLS = "not-tls"  # no TLS where it is wanted
    TLS_FAILED = "tls-failed"
    BROKER_CERTIFICATE_EXPIRED = "broker-certificate-expired"
    BROKER_CERTIFICATE_NOT_YET_VALID = "broker-certificate-not-yet-valid"
    BROKER_CERTIFICATE_UNKNOWN = "broker-certificate-unknown"  # not of our authority
    BROKER_CERTIFICATE_NAME = "broker-certificate-name"  # of another host
    CERTIFICATE_EXPIRED = "certificate-expired"  # ours, as are the next
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    CERTIFICATE_REFUSED = "certificate-refused"  # nobody says why
    NOT_AUTHORISED = "not-authorised"
    CLIENT_ID_REFUSED = "client-id-refused"
    BANNED = "banned"
    BUSY = "busy"
    QUOTA = "quota"
    PROTOCOL = "protocol"  # not this version of MQTT
    TAKEN_OVER = "taken-over"  # another client came with our id
    PERHAPS_TAKEN_OVER = "perhaps-taken-over"  # sessions end again and again, nobody says why
    KEEP_ALIVE = "keep-alive"  # nothing came for too long
    UNACKNOWLEDGED = "unacknowledged"
    PUBLISH_REFUSED = "publish-refused"
    TOO_LARGE = "too-large"
    CLOSED = "closed"
    OTHER = "other"


class BrokerError(GatepostError, ConnectionError):
    """The broker cannot be reached, refused us or went away.

    Attributes:
        problem: which of the known ones it is.
    """

    def __init__(self, text: str, problem: Problem = Problem.OTHER) -> None:
        super().__init__(text)
        self.problem = problem


class ProtocolRefused(BrokerError):
    """The broker does not speak the version of MQTT that we offered."""
