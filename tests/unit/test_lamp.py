"""The lamp: real gpiozero over fake pins; and every light told apart without its colour."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from gatepost.config import LampConfig
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.patterns import LIGHTS, OFF, Light, colour_name
from gatepost.drivers.playing import Player
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS = (17, 27, 22)
CATHODE = LampConfig(red=17, green=27, blue=22)
ANODE = LampConfig(red=17, green=27, blue=22, common="anode")
# A hint is the one cue that leaves the light as it was: the station waits for a code as before.
PAIRS = list(itertools.combinations([kind for kind in CueKind if kind is not CueKind.HINT], 2))


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


def levels(pins: MockFactory) -> tuple[float, ...]:
    return tuple(pins.pin(number).state for number in PINS)


def timeline(light: Light, seconds: float = 6.0) -> list[bool]:
    """Whether it is lit, each hundredth of a second."""
    steps = itertools.cycle(light.steps) if light.repeat else iter(light.steps)
    lit: list[bool] = []
    while len(lit) < seconds * 100:
        colour, lasting = next(steps, (light.steps[-1][0], seconds))
        lit += [colour != OFF] * round((lasting or seconds) * 100)
    return lit[: round(seconds * 100)]


@pytest.mark.parametrize("kind", CueKind)
def test_the_first_colour_stands_when_show_returns(pins: MockFactory, kind: CueKind) -> None:
    with Lamp(CATHODE, pins) as lamp:
        lamp.show(Cue(kind))
        assert levels(pins) == LIGHTS[kind].steps[0][0]


def test_a_common_anode_is_lit_by_low_levels(pins: MockFactory) -> None:
    with Lamp(ANODE, pins) as lamp:
        assert levels(pins) == (1, 1, 1)
        lamp.show(Cue(CueKind.ACCEPTED))
        assert levels(pins) == (1, 0, 1)


def test_a_refusal_flashes_three_times_and_stays_red(pins: MockFactory) -> None:
    with Lamp(CATHODE, pins) as lamp:
        lamp.show(Cue(CueKind.REFUSED))
        assert lamp._player.finished(wait_s=5)
        assert [state for _, state in pins.pin(17).states] == [0, 1, 0, 1, 0, 1, 0, 1]
        assert levels(pins) == (1, 0, 0)


def test_a_newer_cue_ends_the_blinking_of_the_older_one(pins: MockFactory) -> None:
    with Lamp(CATHODE, pins) as lamp:
        lamp.show(Cue(CueKind.TROUBLE))
        lamp.show(Cue(CueKind.ACCEPTED))
        assert lamp._player.finished(wait_s=0)
        assert levels(pins) == (0, 1, 0)
        assert [state for _, state in pins.pin(17).states] == [0, 1, 0]


def test_it_is_dark_and_its_thread_is_gone_when_closed(pins: MockFactory) -> None:
    lamp = Lamp(CATHODE, pins)
    with lamp:
        lamp.show(Cue(CueKind.PENDING))
        thread = lamp._player._thread
    assert levels(pins) == (0, 0, 0)
    assert thread is not None
    assert not thread.is_alive()
    with pytest.raises(DeviceAbsent, match="not open"):
        lamp.show(Cue(CueKind.READY))


def test_it_can_be_opened_again(pins: MockFactory) -> None:
    lamp = Lamp(CATHODE, pins)
    for _ in range(2):
        with lamp:
            lamp.show(Cue(CueKind.ACCEPTED))
            assert levels(pins) == (0, 1, 0)


def test_a_pin_in_use_is_our_error_with_its_cause(pins: MockFactory) -> None:
    with Lamp(CATHODE, pins), pytest.raises(DeviceError, match="lamp: ") as caught:
        Lamp(CATHODE, pins).__enter__()
    assert not isinstance(caught.value, DeviceAbsent)
    assert type(caught.value.__cause__).__name__ == "GPIOPinInUse"


def test_a_machine_without_pins_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-of-these")
    with pytest.raises(DeviceAbsent, match="no pins here"):
        Lamp(CATHODE).__enter__()


class BrokenPin(MockPWMPin):  # type: ignore[misc]
    """A pin whose chip went away."""

    broken = False

    def _set_state(self, value: Any) -> None:
        if self.broken:
            raise OSError(19, "No such device")
        super()._set_state(value)


def test_a_pin_that_fails_is_a_device_error() -> None:
    pins = MockFactory(pin_class=BrokenPin)
    with Lamp(CATHODE, pins) as lamp:
        pins.pin(17).broken = True
        with pytest.raises(DeviceError, match="No such device"):
            lamp.show(Cue(CueKind.REFUSED))
        pins.pin(17).broken = False
        lamp.show(Cue(CueKind.REFUSED))
        assert levels(pins) == (1, 0, 0)


def test_a_failure_between_two_cues_is_told_at_the_next() -> None:
    def apply(value: str) -> None:
        if value == "bad":
            raise DeviceError("it failed")

    player = Player("part", apply)
    player.start()
    player.play((("good", 0.0), ("bad", 0.0)))
    assert player.finished(wait_s=5)
    with pytest.raises(DeviceError, match="it failed"):
        player.play((("good", 0.0),))
    player.play((("good", 0.0),))
    player.stop()


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_lights_differ_in_colour_and_rhythm(one: CueKind, other: CueKind) -> None:
    assert LIGHTS[one].steps != LIGHTS[other].steps
    assert LIGHTS[one].words != LIGHTS[other].words
    # Without any colour: for a tenth of the first three seconds one is lit, the other dark.
    pairs = zip(timeline(LIGHTS[one], 3), timeline(LIGHTS[other], 3), strict=True)
    assert sum(left != right for left, right in pairs) >= 20


def test_a_hint_leaves_the_light_as_it_is_while_ready() -> None:
    assert LIGHTS[CueKind.HINT] == LIGHTS[CueKind.READY]


@pytest.mark.parametrize("kind", CueKind)
def test_no_light_flashes_more_than_three_times_in_a_second(kind: CueKind) -> None:
    lit = timeline(LIGHTS[kind])
    rising = [at for at in range(len(lit)) if lit[at] and not (at and lit[at - 1])]
    assert max(sum(start <= at < start + 100 for at in rising) for start in range(500)) <= 3


def test_only_what_is_kept_is_ever_green() -> None:
    green = {
        kind
        for kind, light in LIGHTS.items()
        if any(colour_name(colour) == "green" for colour, _ in light.steps)
    }
    assert green == {CueKind.ACCEPTED, CueKind.REPEATED}
