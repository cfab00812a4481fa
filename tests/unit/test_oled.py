"""The OLED: luma's real SSD1306 over a fake bus; the very bytes make up the screen."""

from __future__ import annotations

import errno
import itertools
import os
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from luma.core.error import DeviceNotFoundError, DevicePermissionError
from luma.core.interface.serial import i2c
from luma.oled.device import ssd1306
from PIL import Image, ImageDraw

from fakes import FakeClock
from gatepost.config import OledConfig
from gatepost.drivers.oled import Oled, in_pages
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind, Hint
from gatepost.screen import aim, render

READY, ACCEPTED = Cue(CueKind.READY), Cue(CueKind.ACCEPTED, initials="N. V. A.")


@dataclass
class FakeBus:
    """An SSD1306 behind an I2C bus: remembers what was sent, keeps what it was told to show."""

    present: bool = True
    error: type[Exception] = DeviceNotFoundError
    memory: list[int] = field(default_factory=lambda: [0] * 1024)
    pictures: int = 0
    sent: list[tuple[int, ...]] = field(default_factory=list)
    lit: bool = False
    opened: int = 0
    closed: int = 0

    def open(self) -> FakeBus:
        self.opened += 1
        return self

    def command(self, *cmd: int) -> None:
        self._answer()
        assert len(cmd) <= 32  # the most that SMBus sends at once
        self.sent.append(cmd)
        self.lit = cmd[0] == 0xAF or (self.lit and cmd[0] != 0xAE)

    def data(self, data: list[int]) -> None:
        self._answer()
        assert len(data) == 1024
        self.memory = list(data)
        self.pictures += 1

    def cleanup(self) -> None:
        self.closed += 1

    def _answer(self) -> None:
        if not self.present:
            raise self.error("I2C device not found on address: 0x3C")

    def pixels(self) -> npt.NDArray[np.bool_]:
        """What a person sees: byte n is a column of 8 rows, the lowest bit on top."""
        seen = np.zeros((64, 128), dtype=bool)
        for at, byte in enumerate(self.memory):
            for bit in range(8):
                seen[at // 128 * 8 + bit, at % 128] = byte >> bit & 1
        return seen


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def oled(bus: FakeBus, clock: FakeClock, rotate: int = 0) -> Oled:
    return Oled(OledConfig(rotate=rotate), "vi", clock, bus.open)


@pytest.mark.parametrize("kind", CueKind)
def test_the_pixels_sent_are_the_screen(bus: FakeBus, clock: FakeClock, kind: CueKind) -> None:
    with oled(bus, clock) as screen:
        screen.show(Cue(kind))
        assert np.array_equal(bus.pixels(), np.asarray(render(Cue(kind), "vi")))
        assert bus.lit


@pytest.mark.parametrize("hint", Hint)
def test_a_hint_reaches_the_display_and_is_bright(
    bus: FakeBus, clock: FakeClock, hint: Hint
) -> None:
    cue = Cue(CueKind.HINT, reader="door", hint=hint)
    with oled(bus, clock) as screen:
        screen.show(READY)
        screen.show(cue)
        assert np.array_equal(bus.pixels(), np.asarray(render(cue, "vi")))
        assert [cmd for cmd in bus.sent if 0x81 in cmd][-1][-2:] == (0x81, 0xCF)
        sent = bus.pictures
        screen.show(cue)  # again, as every 5 s
        assert bus.pictures == sent


def test_half_a_turn_turns_the_pixels(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock, rotate=2) as screen:
        screen.show(ACCEPTED)
        assert np.array_equal(bus.pixels(), np.asarray(render(ACCEPTED, "vi"))[::-1, ::-1])


def test_a_quarter_turn_is_refused_in_words(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock, rotate=1) as screen, pytest.raises(DeviceError, match="rotate"):
        screen.show(ACCEPTED)


@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
def test_the_bytes_are_those_that_luma_itself_would_send() -> None:
    picture = Image.new("1", (128, 64))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((3, 5, 90, 60), fill=255)
    draw.line((0, 63, 127, 0), fill=255)
    bus = FakeBus()
    ssd1306(bus).display(picture)
    assert bytes(bus.memory) == in_pages(picture)


def test_a_picture_is_sent_only_when_it_changed(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock) as screen:
        screen.show(READY)
        once = bus.pictures
        screen.show(Cue(CueKind.READY, reader="other", taken=5.0))
        assert bus.pictures == once
        screen.show(ACCEPTED)
        assert bus.pictures == once + 1


def test_at_rest_it_is_dim(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock) as screen:
        for cue, contrast in ((READY, 0x30), (ACCEPTED, 0xCF)):
            screen.show(cue)
            settings = [cmd for cmd in bus.sent if 0x81 in cmd]
            assert settings[-1][-2:] == (0x81, contrast)


def test_a_display_that_lost_its_power_for_a_moment_is_woken(
    bus: FakeBus, clock: FakeClock
) -> None:
    with oled(bus, clock) as screen:
        screen.show(READY)
        bus.lit = False
        bus.sent.clear()
        screen.show(ACCEPTED)
        assert bus.lit
        assert bus.sent[0][:2] == (0x8D, 0x14)  # its charge pump


@pytest.mark.parametrize("error", [DeviceNotFoundError, OSError])
def test_missing_at_the_start_then_plugged_in(
    bus: FakeBus, clock: FakeClock, error: type[Exception]
) -> None:
    bus.present, bus.error = False, error
    with oled(bus, clock) as screen:
        with pytest.raises(DeviceAbsent, match="not there"):
            screen.show(READY)
        assert bus.closed == bus.opened == 1
        bus.present = True
        clock.pass_(4.9)
        with pytest.raises(DeviceAbsent, match="not there"):
            screen.show(READY)
        assert bus.opened == 1
        clock.pass_(0.2)
        screen.show(READY)
        assert np.array_equal(bus.pixels(), np.asarray(render(READY, "vi")))


def test_unplugged_while_running_then_plugged_in_again(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock) as screen:
        screen.show(READY)
        bus.present = False
        with pytest.raises(DeviceAbsent):  # even though its picture would not change
            screen.show(READY)
        bus.present, bus.lit, bus.memory = True, False, [0xAA] * 1024
        clock.pass_(5)
        screen.show(READY)
        assert bus.lit
        assert np.array_equal(bus.pixels(), np.asarray(render(READY, "vi")))


def test_a_display_gone_for_a_day_leaves_no_open_bus_behind(clock: FakeClock) -> None:
    bus = FakeBus(present=False)
    with oled(bus, clock) as screen:
        for _ in itertools.repeat(None, 100):
            with pytest.raises(DeviceAbsent):
                screen.show(READY)
            clock.pass_(5)
    assert bus.opened == bus.closed == 100


def test_missing_permission_is_an_error_that_a_technician_must_see(
    bus: FakeBus, clock: FakeClock
) -> None:
    bus.present, bus.error = False, DevicePermissionError
    with oled(bus, clock) as screen, pytest.raises(DeviceError) as caught:
        screen.show(READY)
    assert not isinstance(caught.value, DeviceAbsent)
    assert isinstance(caught.value.__cause__, DevicePermissionError)


def test_a_bus_that_does_not_exist_is_absent(clock: FakeClock) -> None:
    with (
        Oled(OledConfig(bus=22), "vi", clock) as screen,
        pytest.raises(DeviceAbsent, match="not there"),
    ):
        screen.show(READY)


@dataclass
class Wire:
    """smbus2 as luma uses it, with a fault: `errno` from the n-th transfer on."""

    errno: int = 0
    after: int = 0
    transfers: int = 0

    def write_i2c_block_data(self, _address: int, _register: int, data: list[int]) -> None:
        assert len(data) <= 32
        self.transfers += 1
        if self.errno and self.transfers > self.after:
            raise OSError(self.errno, os.strerror(self.errno))


# Of a transfer that nobody acknowledges (5, 121), of a bus held down (110), of an adapter gone.
FAULTS = (errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENXIO, errno.ENODEV, errno.EAGAIN)


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("after", [0, 1, 3, 20])
def test_any_fault_of_the_bus_at_any_moment_is_a_display_that_went_away_and_comes_back(
    clock: FakeClock, number: int, after: int
) -> None:
    wires = [Wire(), Wire()]
    buses = iter([i2c(bus=wire, address=0x3C) for wire in wires])
    with Oled(OledConfig(), "vi", clock, lambda: next(buses)) as screen:
        wires[0].errno, wires[0].after = number, after  # 20: in the middle of the picture
        with pytest.raises(DeviceAbsent, match="oled: not there"):
            screen.show(READY)
        assert wires[0].transfers == after + 1
        clock.pass_(5)
        screen.show(READY)
        assert wires[1].transfers > 32


def test_a_picture_that_broke_off_is_sent_whole_again(clock: FakeClock) -> None:
    buses = [FakeBus(), FakeBus()]
    opening = iter(buses)
    with Oled(OledConfig(), "vi", clock, lambda: next(opening).open()) as screen:
        screen.show(READY)
        buses[0].present = False
        with pytest.raises(DeviceAbsent):
            screen.show(ACCEPTED)
        clock.pass_(5)
        screen.show(READY)
        assert np.array_equal(buses[1].pixels(), np.asarray(render(READY, "vi")))


def test_nothing_is_ever_read_from_the_display_so_that_garbage_does_no_harm(
    clock: FakeClock,
) -> None:
    wire = Wire()  # it has no call that reads
    bus = i2c(bus=wire, address=0x3C)
    with Oled(OledConfig(), "vi", clock, lambda: bus) as screen:
        screen.show(READY)
        screen.show(ACCEPTED)
    assert wire.transfers > 64


def test_any_picture_can_be_drawn_and_is_sent_only_when_it_changed(
    bus: FakeBus, clock: FakeClock
) -> None:
    with oled(bus, clock) as screen:
        screen.draw(aim(72, "ok", "near", code_read=True))
        drawn = bus.pictures
        screen.draw(aim(72, "ok", "near", code_read=True))
        assert bus.pictures == drawn
        screen.draw(aim(73, "dark", "near", code_read=True))
        assert bus.pictures == drawn + 1
        expected = aim(73, "dark", "near", code_read=True)
        assert np.array_equal(bus.pixels(), np.asarray(expected))


@pytest.mark.parametrize("size", [(128, 32), (64, 128), (0, 0), (132, 64)])
def test_a_picture_of_another_size_is_refused(
    bus: FakeBus, clock: FakeClock, size: tuple[int, int]
) -> None:
    with oled(bus, clock) as screen, pytest.raises(DeviceError, match="not 128x64"):
        screen.draw(Image.new("1", size))
    assert bus.opened == 0


def test_a_status_is_bright(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock) as screen:
        screen.show(Cue(CueKind.STATUS, detail="all is well"))
        assert [cmd for cmd in bus.sent if 0x81 in cmd][-1][-2:] == (0x81, 0xCF)


def test_it_is_dark_when_closed_and_quiet_when_it_went_away(bus: FakeBus, clock: FakeClock) -> None:
    with oled(bus, clock) as screen:
        screen.show(ACCEPTED)
    assert not bus.lit
    assert not any(bus.memory)
    assert bus.closed == bus.opened
    with oled(bus, clock) as screen:
        screen.show(ACCEPTED)
        bus.present = False
    assert bus.closed == bus.opened
