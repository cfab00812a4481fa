"""What a station reads with: cameras with their decoders, barcode readers, recorded pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.config import GUNS, CameraReader, KeyboardReader, SerialReader, V4l2Reader
from gatepost.decoding import LiveDecoder, build_live
from gatepost.drivers.frames import FrameReplay
from gatepost.drivers.leaving import Departures
from gatepost.drivers.picamera import PiCamera
from gatepost.drivers.usb import Place
from gatepost.drivers.usb_serial import Framing, SerialTexts
from gatepost.drivers.v4l2 import V4l2Camera
from gatepost.drivers.v4l2_tuning import Wishes
from gatepost.errors import ConfigError
from gatepost.mailbox import Mailbox
from gatepost.model import Direction
from gatepost.presentations import FrameReader, TextReader
from gatepost.runtime import runtime_folder
from gatepost.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatepost.config import Config, FramesReader, ReaderConfig
    from gatepost.drivers.usb_keyboard import KeyTexts
    from gatepost.model import View
    from gatepost.ports import Clock, Reader


def decoders_of(config: Config) -> dict[str, LiveDecoder]:
    """One for each camera, by the reader's name. Raises ConfigError."""
    decoders = {}
    for each in config.reader:
        if isinstance(each, GUNS):
            continue
        try:
            decoders[each.name] = build_live(
                budget_s=1 / each.fps, beside=True, symbologies=each.symbologies
            )
        except ValueError as error:
            raise ConfigError([f"reader {each.name!r}: {error}"]) from error
    return decoders


def reader_of(
    config: ReaderConfig,
    clock: Clock,
    decoders: Mapping[str, LiveDecoder],
    watchers: Sequence[Callable[[View], None]],
) -> Reader:
    """A reader as it is configured; `watchers` are told what a camera sees."""
    direction = Direction(config.direction)
    if isinstance(config, (SerialReader, KeyboardReader)):
        return TextReader(config.name, direction, gun_of(config, clock), config.repeat_s)
    source = source_of(config, clock)
    if not isinstance(source, FrameReplay):
        watchers = [source.suit, *watchers]
    watched = Watched(decoders[config.name], watchers)
    return FrameReader(config.name, direction, source, watched, config.gone_s, clock)


def gun_of(config: SerialReader | KeyboardReader, clock: Clock) -> SerialTexts | KeyTexts:
    """A barcode reader on USB, closed."""
    if isinstance(config, KeyboardReader):
        # Late: a station without one does without evdev, which has to be compiled, and its memory.
        from gatepost.drivers.usb_keyboard import KeyTexts  # noqa: PLC0415

        return KeyTexts(
            Place("keyboard", config.device, config.usb, config.serial),
            clock=clock,
            layout=config.layout,
            suffix=config.suffix,
            pause_s=config.pause_ms / 1000,
            prefix=config.prefix,
        )
    return SerialTexts(
        Place("serial", config.device, config.usb, config.serial),
        clock=clock,
        baud=config.baud,
        framing=Framing(config.suffix, config.pause_ms / 1000, config.prefix, config.encoding),
    )


def source_of(
    config: CameraReader | V4l2Reader | FramesReader, clock: Clock
) -> PiCamera | V4l2Camera | FrameReplay:
    """A camera, or recorded pictures in its place, closed."""
    if isinstance(config, CameraReader):
        return PiCamera(
            config.camera,
            width=config.width,
            height=config.height,
            fps=config.fps,
            lens_m=config.lens_m,
            clock=clock,
            exposure_max_us=config.exposure_max_us,
            gain_max=config.gain_max,
            mains_hz=config.mains_hz,
            departures=Departures(runtime_folder(), clock),
        )
    if isinstance(config, V4l2Reader):
        return V4l2Camera(
            config.device,
            width=config.width,
            height=config.height,
            fps=config.fps,
            clock=clock,
            wishes=Wishes(
                exposure=config.exposure,
                exposure_max_us=config.exposure_max_us,
                gain_max=config.gain_max,
                focus=config.focus,
                mains_hz=config.mains_hz,
            ),
        )
    return FrameReplay(config.path, clock=clock, pace=config.pace, fps=config.fps, loop=config.loop)


def lit_of(config: Config) -> Mapping[str, Mailbox[View]]:
    """The box for what the camera sees that the light stands by, by its reader; or none."""
    cameras = [each.name for each in config.reader if not isinstance(each, GUNS)]
    if config.light is None or not cameras:
        return {}
    return {config.light.reader or cameras[0]: Mailbox()}
