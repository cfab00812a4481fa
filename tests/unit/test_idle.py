"""What a crash left on is put to rest: by the kernel's real calls, as far as our side of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gpio_kernel import Chip, Kernel

from gatepost.config import (
    BrokerConfig,
    BuzzerConfig,
    CentralConfig,
    Config,
    LampConfig,
    LightConfig,
    RelayConfig,
    StationConfig,
)
from gatepost.drivers.idle import note, rest, rest_noted
from gatepost.drivers.lines import Lines
from gatepost.errors import DeviceAbsent, DeviceError

RELAY = RelayConfig(pin=5, idle="low")
LAMP = LampConfig(red=17, green=27, blue=22)


def station(**fitted: Any) -> Config:
    nowhere = Path("/nonexistent")
    return Config(
        station=StationConfig(id="gp-1", site="s", data=nowhere, certificate=nowhere, key=nowhere),
        broker=BrokerConfig(host="mqtt"),
        central=CentralConfig(),
        reader=(),
        **fitted,
    )


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def chip(kernel: Kernel) -> Chip:
    kernel.add("gpiochip0", "raspberrypi-exp-gpio")
    return kernel.add("gpiochip1", "pinctrl-bcm2711")


@pytest.mark.parametrize(("idle", "level"), [("low", ["low"]), ("high", ["high"])])
def test_the_relay_is_driven_to_its_idle_level_and_let_go(
    kernel: Kernel, chip: Chip, idle: str, level: list[str]
) -> None:
    rest(station(relay=RelayConfig(pin=5, idle=idle)), kernel.lines())
    assert chip.lines[5].diary == level
    for file in kernel.given:
        assert not Path(f"/proc/self/fd/{file}").exists()


def test_every_output_is_put_to_rest_the_relay_first(kernel: Kernel, chip: Chip) -> None:
    order: list[int] = []

    class Watching(Lines):
        def drive(self, chip: Any, line: int, *, high: bool) -> None:
            order.append(line)
            super().drive(chip, line, high=high)

    fitted = station(
        lamp=replace(LAMP, common="anode"),
        light=LightConfig(pin=24, active="low"),
        buzzer=BuzzerConfig(pin=12, type="active"),
        relay=RELAY,
    )
    rest(fitted, Watching(kernel.dev, kernel.ioctl))
    assert order == [5, 12, 24, 17, 27, 22]
    assert [chip.lines[line].high for line in order] == [False, False, True, True, True, True]


def test_a_line_that_is_held_is_told_with_its_holder_and_the_others_are_done(
    kernel: Kernel, chip: Chip
) -> None:
    chip.lines[5].holder = "lg"
    with pytest.raises(DeviceError, match=r"relay: GPIO 5 of pinctrl-bcm2711 is held by lg$"):
        rest(station(relay=RELAY, lamp=LAMP), kernel.lines())
    assert chip.lines[5].diary == []
    assert [chip.lines[line].diary for line in (17, 27, 22)] == [["low"]] * 3


def test_a_line_that_the_chip_does_not_have_is_told(kernel: Kernel, chip: Chip) -> None:
    del chip.lines[5]
    with pytest.raises(DeviceError, match=r"relay: .*gpiochip1 line 5: Invalid argument"):
        rest(station(relay=RELAY), kernel.lines())


def test_without_a_chip_it_is_absent(kernel: Kernel) -> None:
    with pytest.raises(DeviceAbsent, match="there is none at all"):
        rest(station(relay=RELAY), kernel.lines())


def test_where_nothing_is_fitted_nothing_is_opened(kernel: Kernel) -> None:
    rest(station(), kernel.lines())
    assert kernel.calls == 0


def test_a_device_that_is_no_gpio_chip_is_passed_over(kernel: Kernel, chip: Chip) -> None:
    def ioctl(file: int, request: int, told: bytearray) -> int:
        if Path(f"/proc/self/fd/{file}").resolve().name == "gpiochip0":
            raise OSError(25, "Inappropriate ioctl for device")
        return kernel.ioctl(file, request, told)

    rest(station(relay=RELAY), Lines(kernel.dev, ioctl))
    assert chip.lines[5].diary == ["low"]


def test_what_the_daemon_noted_rests_without_its_configuration(
    kernel: Kernel, chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    note(station(relay=replace(RELAY, idle="high"), lamp=LAMP))
    rest_noted(kernel.lines())
    assert [chip.lines[line].diary for line in (5, 17, 27, 22)] == [["high"], *[["low"]] * 3]


def test_noted_and_read_from_the_configuration_the_same_rests(
    kernel: Kernel, chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    fitted = station(
        lamp=replace(LAMP, common="anode"),
        light=LightConfig(pin=24, active="low"),
        buzzer=BuzzerConfig(pin=12, type="active"),
        relay=RELAY,
    )
    rest(fitted, kernel.lines())
    before = [chip.lines[line].diary.copy() for line in (5, 12, 24, 17, 27, 22)]
    note(fitted)
    rest_noted(kernel.lines())
    assert [chip.lines[line].diary for line in (5, 12, 24, 17, 27, 22)] == [
        each * 2 for each in before
    ]


def test_where_nothing_was_noted_nothing_is_driven(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    rest_noted(kernel.lines())
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    note(station(relay=RELAY))
    rest_noted(kernel.lines())
    assert kernel.calls == 0


@pytest.mark.parametrize("left", ["", "chip\nfive 0 relay", "chip\n5", "chip\n\xff"])
def test_a_damaged_note_is_told_or_rests_nothing(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    (tmp_path / "resting").write_bytes(left.encode("latin-1"))
    with pytest.raises(DeviceError, match="resting"):
        rest_noted(kernel.lines())


def test_a_note_that_cannot_be_written_takes_the_old_one_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    note(station(relay=RELAY))
    (tmp_path / ".resting.new").mkdir()  # as a full /run: it cannot be written
    with pytest.raises(DeviceError, match="resting"):
        note(station(relay=replace(RELAY, idle="high")))
    assert not (tmp_path / "resting").exists()


def test_no_library_of_devices_or_pictures_is_loaded_for_it() -> None:
    code = (
        "import sys, gatepost.drivers.idle\n"
        "slow = {'gpiozero', 'lgpio', 'luma', 'PIL', 'numpy', 'cv2'} & set(sys.modules)\n"
        "sys.exit(', '.join(slow) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_real_kernel_knows_our_calls_by_their_sizes() -> None:
    # As in include/uapi/linux/gpio.h: direction, size, type 0xB4, number.
    from gatepost.drivers import lines  # noqa: PLC0415 - its insides, for this test alone

    def call(direction: int, size: int, number: int) -> int:
        return direction << 30 | size << 16 | 0xB4 << 8 | number

    assert call(2, lines._CHIP.size, 1) == lines.CHIP_INFO
    assert call(3, lines._LINE_BYTES, 5) == lines.LINE_INFO
    assert call(3, lines._REQUEST_BYTES, 7) == lines.GET_LINE
