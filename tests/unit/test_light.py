"""The light over the code: real gpiozero over fake pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from gatepost.config import LightConfig
from gatepost.drivers.light import Light
from gatepost.errors import DeviceAbsent, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


def test_it_is_dark_until_it_is_switched_on(pins: MockFactory) -> None:
    with Light(LightConfig(pin=24), lambda: pins) as light:
        assert pins.pin(24).state == 0
        light.switch(on=True)
        assert pins.pin(24).state == 1
        light.switch(on=False)
        assert pins.pin(24).state == 0


def test_at_full_level_it_does_not_pulse(pins: MockFactory) -> None:
    with Light(LightConfig(pin=24), lambda: pins) as light:
        light.switch(on=True)
        assert pins.pin(24).frequency is None


def test_a_lower_level_is_by_pulses(pins: MockFactory) -> None:
    with Light(LightConfig(pin=24, level=0.3), lambda: pins) as light:
        assert pins.pin(24).state == 0
        light.switch(on=True)
        assert pins.pin(24).state == pytest.approx(0.3)


@pytest.mark.parametrize("level", [1.0, 0.3])
def test_one_that_is_lit_by_a_low_level(pins: MockFactory, level: float) -> None:
    with Light(LightConfig(pin=24, active="low", level=level), lambda: pins) as light:
        assert pins.pin(24).state == 1
        light.switch(on=True)
        assert pins.pin(24).state == pytest.approx(1 - level)


@pytest.mark.parametrize("level", [1.0, 0.3])
def test_it_goes_dark_when_it_is_closed_and_can_be_opened_again(
    pins: MockFactory, level: float
) -> None:
    light = Light(LightConfig(pin=24, level=level), lambda: pins)
    for _ in range(2):
        with light:
            light.switch(on=True)
        assert [state for _, state in pins.pin(24).states][-1] == 0
        assert pins.pin(24).function == "input"


def test_closed_it_is_absent() -> None:
    with pytest.raises(DeviceAbsent):
        Light(LightConfig(pin=24)).switch(on=True)


def test_a_pin_that_is_taken_is_told(pins: MockFactory) -> None:
    with (
        Light(LightConfig(pin=24), lambda: pins),
        pytest.raises(DeviceError, match="light"),
        Light(LightConfig(pin=24), lambda: pins),
    ):
        pass


def test_without_pins_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-of-these")
    with pytest.raises(DeviceAbsent, match="no pins here"), Light(LightConfig(pin=24)):
        pass
