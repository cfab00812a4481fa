"""What a configuration may say: one frozen dataclass a table, one field a key.

The loader reads these: the annotation is the type, the default makes a key optional,
`entry(...)` adds bounds, choices and the text of the reference in the documentation.
Paths are relative to the configuration file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - the loader reads the annotations while running
from typing import TypeAlias

from gatepost.boards import FITTED, Board
from gatepost.config.entries import entry
from gatepost.config.readers import (
    NAME,
    CameraReader,
    FramesReader,
    KeyboardReader,
    SerialReader,
    V4l2Reader,
)

_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"
PLAIN_TEXT_WORDS = "visitors are readable to everyone who can read the broker"


ReaderConfig: TypeAlias = CameraReader | V4l2Reader | FramesReader | SerialReader | KeyboardReader
READER_TYPES: dict[str, type[ReaderConfig]] = {
    "camera": CameraReader,
    "v4l2": V4l2Reader,
    "frames": FramesReader,
    "serial": SerialReader,
    "keyboard": KeyboardReader,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """Who the station is and where it keeps its events."""

    id: str = entry("opaque id of the station, never reused", pattern=NAME)
    site: str = entry("id of the place it stands in", pattern=NAME)
    data: Path = entry("folder for the spool; on the card, never in RAM", place="folder")
    certificate: Path = entry("the station's certificate (PEM): TLS and checkpoints", place="file")
    key: Path = entry("its private key (PEM, P-256 or Ed25519)", place="file")
    language: str = entry("first language of the screen", default="vi", choices=("vi", "en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Where events are delivered."""

    host: str = entry("name or address of the MQTT broker", pattern=r"[A-Za-z0-9.:_%-]{1,253}")
    port: int = entry("its port", default=8883, least=1, most=65535)
    tls: bool = entry("TLS with the station's certificate; only a test goes without", default=True)
    ca: Path | None = entry("authority that signed the broker (PEM)", default=None, place="file")
    keepalive_s: int = entry("silence after which the link is dead", default=30, least=2, most=600)
    window: int = entry("most messages in flight", default=20, least=1, most=200)
    protocol: str = entry("MQTT version", default="auto", choices=("auto", "5", "3.1.1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralConfig:
    """To whom visitors' data is sealed, and from whom rules and trust lists are taken."""

    sealing_key: Path | None = entry(
        "public X25519 key of the central side (JWK with kid)", default=None, place="file"
    )
    authority: Path | None = entry(
        "authority of whoever signs rules and trust lists (PEM); without it none are taken",
        default=None,
        place="file",
    )
    signer: str = entry(
        "common name in the certificate of whoever signs them; a station's own never counts",
        default="central",
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    )
    confirm: str = entry(
        "what counts as delivered: the broker's acknowledgement (weaker: brokers lose what they "
        "acknowledged), or the confirmer's signed receipt",
        default="broker",
        choices=("broker", "central"),
    )
    confirmer: str = entry(
        "common name in the certificate of whoever signs receipts; without it, the signer",
        default="",
        pattern=r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})?",
    )
    plain_text: str = entry(
        "instead of sealing, in exactly these words",
        default="",
        choices=("", PLAIN_TEXT_WORDS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """How events are kept. What is not delivered is never dropped: rather visitors are refused."""

    keep_days: int = entry(
        "how long delivered events stay, so that they can be sent again",
        default=14,
        least=1,
        most=3650,
    )
    most_mib: int = entry(
        "room that the spool may take; delivered events go first",
        default=1024,
        least=1,
        most=1024 * 1024,
    )
    spare_mib: int = entry(
        "room that is left on the card whatever comes", default=16, least=0, most=1024 * 1024
    )
    allow_volatile: bool = entry(
        "also keep events in RAM (tmpfs, ramfs, overlay), where a power cut loses them: a test's",
        default=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """The gate's rules. What the centre sends signed takes their place."""

    rules: Path | None = entry(
        "rules file (TOML, see RULES.md); without it a PC-Covid gate that records who passes",
        default=None,
        place="file",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardConfig:
    """What the station is built on: a profile, see hardware/.

    It fits the parts below to pins: what it says of them is the default, key by key. It never
    says the relay's `idle`.
    """

    profile: Path = entry("the board's profile (TOML)", place="file")
    without: tuple[str, ...] = entry(
        "parts of the profile that are not fitted here", default=(), choices=FITTED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LampConfig:
    """An RGB lamp on three pins (BCM numbers)."""

    red: int = entry("pin", least=2, most=27)
    green: int = entry("pin", least=2, most=27)
    blue: int = entry("pin", least=2, most=27)
    common: str = entry(
        "which leg the colours share", default="cathode", choices=("cathode", "anode")
    )
    night: float = entry(
        "how bright by night, as a share, once the time is known; 1: as by day",
        default=1.0,
        least=0.05,
        most=1.0,
    )
    night_from: str = entry("when the night begins, local time", default="20:00", pattern=_HOUR)
    night_until: str = entry("when it ends", default="06:00", pattern=_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuzzerConfig:
    """A buzzer."""

    pin: int = entry("pin (BCM)", least=2, most=27)
    type: str = entry("passive plays tones, active only beeps", choices=("passive", "active"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """A request to open, to a door controller. Never a lock's supply."""

    pin: int = entry("pin (BCM)", least=2, most=27)
    idle: str = entry("level of the pin while nothing is asked", choices=("low", "high"))
    pulse_s: float = entry("how long the request lasts", default=0.5, least=0.05, most=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightConfig:
    """A lamp that lights the codes, switched by how dark a camera's picture is.

    What it adds itself is reckoned off. As cameras expose by themselves, it also goes dark for
    about 3 s to see whether it is still needed: after ten minutes, when nobody is there.
    """

    pin: int = entry("pin (BCM) of its driver; never of the lamp itself", least=2, most=27)
    active: str = entry("level that lights it", default="high", choices=("high", "low"))
    level: float = entry(
        "how bright, as a share; below 1 by PWM", default=1.0, least=0.05, most=1.0
    )
    reader: str = entry(
        "name of the camera that it stands by; without it, the first", default="", pattern=NAME
    )
    on_below: float = entry(
        "mean brightness of the picture, 0 to 255, below which it is lit",
        default=50.0,
        least=0,
        most=254,
    )
    off_above: float = entry(
        "brightness, without its own light, above which it goes off",
        default=90.0,
        least=1,
        most=255,
    )
    hold_s: float = entry(
        "once lit it stays so for this long at least, seconds", default=20.0, least=2, most=3600
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OledConfig:
    """An SSD1306, 128x64, on I2C."""

    bus: int = entry("I2C bus", default=1, least=0, most=22)
    address: int = entry("I2C address", default=0x3C, least=0x03, most=0x77)
    rotate: int = entry("quarter turns, 2 when it hangs upside down", default=0, choices=(0, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonConfig:
    """A push button: pressed, the screen tells how the station is; held, it asks for a mode.

    Setup mode and self-test begin when it is let go: the screen tells which. One that is held
    for 30 s is stuck: it is reported, and asks for nothing.
    """

    pin: int = entry("pin (BCM)", least=2, most=27)
    pull: str = entry(
        "where it rests: up, when it connects to ground; down, to 3.3 V",
        default="up",
        choices=("up", "down"),
    )
    setup_s: float = entry("held so long it asks for setup, seconds", default=3.0, least=1, most=20)
    selftest_s: float = entry(
        "held so long it asks for the self-test, seconds; more than setup_s",
        default=8.0,
        least=2,
        most=25,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelConfig:
    """The virtual panel: lamp, buzzer and the OLED's pixels in a terminal."""

    terminal: bool = entry("draw it to standard output", default=True)
    width: int = entry("columns of the terminal", default=80, least=72, most=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """The log, on standard error."""

    format: str = entry("for people or for machines", default="text", choices=("text", "json"))
    level: str = entry("least level", default="info", choices=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration; hardware that is not fitted is None."""

    station: StationConfig
    broker: BrokerConfig
    central: CentralConfig
    reader: tuple[ReaderConfig, ...]
    gate: GateConfig = field(default_factory=GateConfig)
    spool: SpoolConfig = field(default_factory=SpoolConfig)
    log: LogConfig = field(default_factory=LogConfig)
    board: Board | None = None  # as its profile tells it
    lamp: LampConfig | None = None
    buzzer: BuzzerConfig | None = None
    relay: RelayConfig | None = None
    light: LightConfig | None = None
    oled: OledConfig | None = None
    button: ButtonConfig | None = None
    panel: PanelConfig | None = None


# Tables that are not written as the field of Config that comes of them.
SPOKEN: dict[str, type] = {"board": BoardConfig}
