"""The push button: real gpiozero over fake pins, and over a kernel's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory

from gatepost.config import ButtonConfig
from gatepost.drivers.button import Button
from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

UP, DOWN = ButtonConfig(pin=26), ButtonConfig(pin=26, pull="down")


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()


def press(pins: MockFactory) -> None:
    pins.pin(26).drive_low()


def let_go(pins: MockFactory) -> None:
    pins.pin(26).drive_high()


def test_it_is_pulled_the_way_it_is_wired(pins: MockFactory) -> None:
    with Button(UP, lambda: pins) as button:
        assert pins.pin(26).pull == "up"
        assert not button.pressed()
        press(pins)
        assert button.pressed()
    with Button(DOWN, lambda: pins) as button:
        assert pins.pin(26).pull == "down"
        pins.pin(26).drive_high()
        assert button.pressed()


def test_each_change_is_told_once(pins: MockFactory) -> None:
    with Button(UP, lambda: pins) as button:
        assert button.change(0) is None
        press(pins)
        assert button.change(0) is True
        assert button.change(0) is None
        let_go(pins)
        assert button.change(0) is False
        assert button.change(0) is None


def test_a_press_between_two_looks_is_not_missed(pins: MockFactory) -> None:
    with Button(UP, lambda: pins) as button:
        press(pins)
        let_go(pins)
        assert [button.change(0) for _ in range(3)] == [True, False, None]


def test_one_that_is_held_when_it_is_opened_is_told_first(pins: MockFactory) -> None:
    button = Button(UP, lambda: pins)
    pins.pin(26).pull = "up"
    with button:
        press(pins)
        button._changes.get_nowait()  # nobody told of it: it was held before
        assert button.change(0) is True


def test_what_the_pin_says_counts_when_a_change_was_not_told(pins: MockFactory) -> None:
    with Button(UP, lambda: pins) as button:
        press(pins)
        assert button.change(0) is True
        button._device.when_released = None
        let_go(pins)
        assert button.change(0) is False


def test_what_was_told_before_it_was_closed_is_forgotten(pins: MockFactory) -> None:
    button = Button(UP, lambda: pins)
    with button:
        press(pins)
        let_go(pins)
    with button:
        assert button.change(0) is None


def test_closed_it_is_absent_and_its_pin_is_free(pins: MockFactory) -> None:
    button = Button(UP, lambda: pins)
    with button, pytest.raises(DeviceError, match="button: "):
        Button(UP, lambda: pins).__enter__()
    with pytest.raises(DeviceAbsent, match="not open"):
        button.change(0)
    with Button(UP, lambda: pins) as other:
        assert not other.pressed()
