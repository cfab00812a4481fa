"""What a configuration may say of a reader: a dataclass for each type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the loader reads the annotations while running

from gatepost.config.entries import entry

NAME = r"[a-z0-9][a-z0-9-]{0,62}"
DIRECTIONS = ("in", "out", "none", "auto")
# How each proves that it was read right. What proves nothing is not offered: see the next table.
CHECKED_BY = {
    "qr": "Reed-Solomon",
    "micro-qr": "Reed-Solomon; its smallest size, M1, only detects errors",
    "rmqr": "Reed-Solomon",
    "data-matrix": "Reed-Solomon (ECC 200)",
    "aztec": "Reed-Solomon",
    "pdf417": "Reed-Solomon",
    "code-128": "one check character in 103",
    "code-93": "two check characters in 47",
    "databar": "one check value in 79",
    "databar-limited": "one check value in 89; zxing-cpp 2.3 or newer",
    "databar-expanded": "one check value in 211",
    "ean-13": "one digit in 10: weak",
    "ean-8": "one digit in 10: weak",
    "upc-a": "one digit in 10: weak; beside ean-13 it is told as ean-13",
    "upc-e": "one digit in 10: weak",
}
REFUSED = {
    "code-39": "its check character is optional: any part of it may pass for the whole",
    "itf": "it has no check, and a part of a symbol reads as a shorter one",
    "codabar": "its check character is optional: any part of it may pass for the whole",
    "dx-film-edge": "one parity bit is its whole check",
    "maxicode": "zxing-cpp reads it only upright and alone in the picture, as no camera shows it",
}
_DEFAULT = ("qr", "micro-qr")
_SYMBOLOGIES = "what is read; all but `qr` and `micro-qr` cost time on each frame"
_LONGEST = (
    "longest exposure, microseconds: longer ones blur a moving code and let phone screens glare; "
    "10000 is one flicker of lamps at 50 Hz, and so shows no bands"
)
_USB = "in place of `device`: its vendor and product, as `gatepost readers` and lsusb tell them"
_USB_ID = r"[0-9a-f]{4}:[0-9a-f]{4}"
_SERIAL = "beside `usb`: its serial number, where two alike are plugged in"
_PAUSE = "silence after which a code has ended, milliseconds"
_PREFIX = "what the reader is set to send before each code: it is taken off"
LAYOUTS = ("us", "uk", "de", "fr", "vn")
ENCODINGS = (
    "utf-8",
    "cp1258",  # Viet Nam
    "cp1252",
    "latin-1",
    "cp1250",
    "cp1251",
    "cp437",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
    "cp874",
)
_MAINS = "frequency of the mains that feeds the lamps, against banding; 0: daylight only"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReader:
    """A Raspberry Pi camera, through picamera2."""

    name: str = entry("short name of the reader, in events", pattern=NAME)
    direction: str = entry("in, out, none, or auto: by the day's memory", choices=DIRECTIONS)
    gone_s: float = entry(
        "a code unseen for this long may count again", default=1.5, least=0.2, most=60
    )
    camera: int = entry("number of the camera", default=0, least=0, most=3)
    width: int = entry("pixels", default=1280, least=320, most=4096)
    height: int = entry("pixels", default=720, least=240, most=3072)
    fps: int = entry("frames a second", default=30, least=1, most=120)
    lens_m: float = entry(
        "mounting distance the lens is set to, metres", default=0.12, least=0.02, most=10
    )
    exposure_max_us: int = entry(_LONGEST, default=10_000, least=100, most=1_000_000)
    gain_max: float = entry(
        "most analogue gain: above it noise drowns small modules", default=8.0, least=1, most=64
    )
    mains_hz: int = entry(_MAINS, default=50, choices=(0, 50, 60))
    symbologies: tuple[str, ...] = entry(
        _SYMBOLOGIES, default=_DEFAULT, choices=tuple(CHECKED_BY), refused=REFUSED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class V4l2Reader:
    """A USB webcam, through OpenCV and V4L2.

    It asks for MJPG at this size and rate, takes what the webcam gives instead, and logs what
    that is. `v4l2-ctl --list-ctrls` shows which controls a webcam has: one that it lacks, or that
    does not take, is told once in the log and left out.
    """

    name: str = entry("short name of the reader, in events", pattern=NAME)
    direction: str = entry("in, out, none, or auto: by the day's memory", choices=DIRECTIONS)
    gone_s: float = entry(
        "a code unseen for this long may count again", default=1.5, least=0.2, most=60
    )
    device: str = entry("device, best by id: /dev/v4l/by-id/...", default="/dev/video0")
    width: int = entry("pixels", default=1280, least=160, most=4096)
    height: int = entry("pixels", default=720, least=120, most=3072)
    fps: int = entry("frames a second", default=30, least=1, most=120)
    exposure: str = entry(
        "who sets it: `capped`: the station, up to exposure_max_us, then by gain; `auto`: the "
        "webcam, up to a frame's time; `fixed`: exposure_max_us, always",
        default="capped",
        choices=("capped", "auto", "fixed"),
    )
    exposure_max_us: int = entry(_LONGEST, default=10_000, least=100, most=1_000_000)
    gain_max: int | None = entry(
        "most gain, in the webcam's own steps; without it, all it has",
        default=None,
        least=0,
        most=65535,
    )
    focus: int | None = entry(
        "fixed focus, in the webcam's own steps (focus_absolute); without it, its autofocus",
        default=None,
        least=0,
        most=65535,
    )
    mains_hz: int = entry(_MAINS, default=50, choices=(0, 50, 60))
    symbologies: tuple[str, ...] = entry(
        _SYMBOLOGIES, default=_DEFAULT, choices=tuple(CHECKED_BY), refused=REFUSED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesReader:
    """Recorded pictures or a video, in place of a camera."""

    name: str = entry("short name of the reader, in events", pattern=NAME)
    direction: str = entry("in, out, none, or auto: by the day's memory", choices=DIRECTIONS)
    gone_s: float = entry(
        "a code unseen for this long may count again", default=1.5, least=0.2, most=60
    )
    path: Path = entry("a video, a picture or a folder of pictures", place="any")
    pace: str = entry("as recorded, or as fast as taken", default="real", choices=("real", "fast"))
    fps: float = entry(
        "pace of pictures; a video brings its own", default=30.0, least=0.1, most=240
    )
    loop: bool = entry("begin again at the end", default=False)
    symbologies: tuple[str, ...] = entry(
        _SYMBOLOGIES, default=_DEFAULT, choices=tuple(CHECKED_BY), refused=REFUSED
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialReader:
    """A USB barcode reader in serial mode (CDC-ACM)."""

    name: str = entry("short name of the reader, in events", pattern=NAME)
    direction: str = entry("in, out, none, or auto: by the day's memory", choices=DIRECTIONS)
    repeat_s: float = entry(
        "the same code within this time is the same presentation", default=3.0, least=0, most=60
    )
    device: str = entry("device, best by id: /dev/serial/by-id/...", default="")
    usb: str = entry(_USB, default="", pattern=_USB_ID)
    serial: str = entry(_SERIAL, default="")
    baud: int = entry(
        "bits a second; of no matter to most USB readers", default=115200, least=300, most=4_000_000
    )
    suffix: str = entry(
        "what ends a code: `any`: CR, LF or a pause; `none`: a pause. With the others a pause ends "
        "it too, and what lacks its suffix is marked lossy",
        default="any",
        choices=("any", "cr", "lf", "crlf", "tab", "stx-etx", "none"),
    )
    pause_ms: int = entry(_PAUSE, default=50, least=10, most=5000)
    prefix: str = entry(_PREFIX, default="")
    encoding: str = entry(
        "of its text; what is not of it is read as Latin-1, and the bytes are kept as they came",
        default="utf-8",
        choices=ENCODINGS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyboardReader:
    """A USB barcode reader in keyboard mode.

    It is grabbed: it types nowhere else. A name with diacritics comes whole only from a reader
    that is set to type them as numbers; see hardware/READERS.md.
    """

    name: str = entry("short name of the reader, in events", pattern=NAME)
    direction: str = entry("in, out, none, or auto: by the day's memory", choices=DIRECTIONS)
    repeat_s: float = entry(
        "the same code within this time is the same presentation", default=3.0, least=0, most=60
    )
    device: str = entry("device, best by id: /dev/input/by-id/...-event-kbd", default="")
    usb: str = entry(_USB, default="", pattern=_USB_ID)
    serial: str = entry(_SERIAL, default="")
    layout: str = entry(
        "the keyboard that the reader is set to: its country", default="us", choices=LAYOUTS
    )
    suffix: str = entry(
        "the key that ends a code; `none`: a pause. With a key a pause ends it too, and what lacks "
        "its key is marked lossy",
        default="enter",
        choices=("enter", "tab", "none"),
    )
    pause_ms: int = entry(_PAUSE, default=50, least=10, most=5000)
    prefix: str = entry(_PREFIX, default="")


GUNS = (SerialReader, KeyboardReader)  # barcode readers: they give texts, and no picture
