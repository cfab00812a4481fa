"""The lamp: real gpiozero over fake pins; and every light told apart without its colour."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from fakes import FakeClock
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
# They leave the light as it was: the station waits for a code as before.
AS_READY = (CueKind.HINT, CueKind.STATUS)
PAIRS = list(itertools.combinations([kind for kind in CueKind if kind not in AS_READY], 2))


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
    with Lamp(CATHODE, lambda: pins) as lamp:
        lamp.show(Cue(kind))
        assert levels(pins) == LIGHTS[kind].steps[0][0]


def test_a_common_anode_is_lit_by_low_levels(pins: MockFactory) -> None:
    with Lamp(ANODE, lambda: pins) as lamp:
        assert levels(pins) == (1, 1, 1)
        lamp.show(Cue(CueKind.ACCEPTED))
        assert levels(pins) == (1, 0, 1)


def test_a_refusal_flashes_three_times_and_stays_red(pins: MockFactory) -> None:
    with Lamp(CATHODE, lambda: pins) as lamp:
        lamp.show(Cue(CueKind.REFUSED))
        assert lamp._player.finished(wait_s=5)
        assert [state for _, state in pins.pin(17).states] == [0, 1, 0, 1, 0, 1, 0, 1]
        assert levels(pins) == (1, 0, 0)


def test_a_newer_cue_ends_the_blinking_of_the_older_one(pins: MockFactory) -> None:
    with Lamp(CATHODE, lambda: pins) as lamp:
        lamp.show(Cue(CueKind.TROUBLE))
        lamp.show(Cue(CueKind.ACCEPTED))
        assert lamp._player.finished(wait_s=0)
        assert levels(pins) == (0, 1, 0)
        assert [state for _, state in pins.pin(17).states] == [0, 1, 0]


def test_it_is_dark_and_its_thread_is_gone_when_closed(pins: MockFactory) -> None:
    lamp = Lamp(CATHODE, lambda: pins)
    with lamp:
        lamp.show(Cue(CueKind.PENDING))
        thread = lamp._player._thread
    assert levels(pins) == (0, 0, 0)
    assert thread is not None
    assert not thread.is_alive()
    with pytest.raises(DeviceAbsent, match="not open"):
        lamp.show(Cue(CueKind.READY))


def test_it_can_be_opened_again(pins: MockFactory) -> None:
    lamp = Lamp(CATHODE, lambda: pins)
    for _ in range(2):
        with lamp:
            lamp.show(Cue(CueKind.ACCEPTED))
            assert levels(pins) == (0, 1, 0)


VIETNAM = timezone(timedelta(hours=7))
NIGHT = replace(CATHODE, night=0.2)


def clock_at(text: str, bound: int | None = 500) -> FakeClock:
    """A clock that says this time of the day in Vietnam."""
    moment = datetime.fromisoformat(f"2026-03-01T{text}:00+07:00")
    return FakeClock(now=0.0, wall=round(moment.timestamp() * 1_000_000), bound=bound)


def by_night(pins: MockFactory, config: LampConfig = NIGHT, at: str = "23:30") -> Lamp:
    return Lamp(config, lambda: pins, clock_at(at), VIETNAM)


@pytest.mark.parametrize(
    ("at", "level"),
    [("19:59", 1), ("20:00", 0.2), ("00:00", 0.2), ("05:59", 0.2), ("06:00", 1), ("12:00", 1)],
)
def test_it_is_dimmed_between_its_hours_over_midnight(
    pins: MockFactory, at: str, level: float
) -> None:
    with by_night(pins, at=at) as lamp:
        lamp.show(Cue(CueKind.ACCEPTED))
        assert levels(pins) == pytest.approx((0, level, 0))


@pytest.mark.parametrize(
    ("at", "level"), [("01:59", 1), ("02:00", 0.2), ("04:59", 0.2), ("05:00", 1)]
)
def test_a_night_may_lie_within_one_day(pins: MockFactory, at: str, level: float) -> None:
    hours = replace(NIGHT, night_from="02:00", night_until="05:00")
    with by_night(pins, hours, at) as lamp:
        lamp.show(Cue(CueKind.REFUSED))
        assert levels(pins) == pytest.approx((level, 0, 0))


def test_it_is_fully_bright_while_nobody_knows_the_time(pins: MockFactory) -> None:
    with Lamp(NIGHT, lambda: pins, clock_at("23:30", bound=None), VIETNAM) as lamp:
        lamp.show(Cue(CueKind.ACCEPTED))
        assert levels(pins) == (0, 1, 0)
        assert pins.pin(27).frequency is None


def test_what_is_full_or_dark_is_never_by_pulses(pins: MockFactory) -> None:
    with Lamp(CATHODE, lambda: pins) as lamp:
        lamp.show(Cue(CueKind.NOT_UNDERSTOOD))  # amber: all of red, some of green, no blue
        assert [pins.pin(pin).frequency for pin in PINS] == [None, 100, None]
        lamp.show(Cue(CueKind.ACCEPTED))
        assert [pins.pin(pin).frequency for pin in PINS] == [None, None, None]


def test_by_night_the_light_is_full_at_once_and_dimmed_after_that(pins: MockFactory) -> None:
    # lgpio's pulses begin up to 30 ms late: the light does not wait for them.
    with by_night(pins) as lamp:
        pins.pin(27).clear_states()
        lamp.show(Cue(CueKind.ACCEPTED))
        assert [state for _, state in pins.pin(27).states] == pytest.approx([0, 1, 0.2])


def test_by_night_only_the_first_flash_begins_fully_bright(pins: MockFactory) -> None:
    with by_night(pins) as lamp:
        pins.pin(17).clear_states()
        lamp.show(Cue(CueKind.REFUSED))
        assert lamp._player.finished(wait_s=5)
        seen = [state for _, state in pins.pin(17).states]
        assert seen == pytest.approx([0, 1, 0.2, 0, 0.2, 0, 0.2, 0, 0.2])


def test_a_common_anode_is_dimmed_the_other_way_round(pins: MockFactory) -> None:
    with by_night(pins, replace(NIGHT, common="anode")) as lamp:
        lamp.show(Cue(CueKind.ACCEPTED))
        assert levels(pins) == pytest.approx((1, 0.8, 1))


def test_what_is_dim_already_is_never_lost_by_night(pins: MockFactory) -> None:
    with by_night(pins, replace(NIGHT, night=0.05)) as lamp:
        lamp.show(Cue(CueKind.READY))
        assert levels(pins) == pytest.approx((0.02, 0.02, 0.02))


def test_a_lamp_that_rests_dimmed_is_dark_and_without_pulses_when_closed(pins: MockFactory) -> None:
    with by_night(pins) as lamp:
        lamp.show(Cue(CueKind.ACCEPTED))
    assert levels(pins) == (0, 0, 0)
    assert pins.pin(27).frequency is None


def test_a_pin_in_use_is_our_error_with_its_cause(pins: MockFactory) -> None:
    with Lamp(CATHODE, lambda: pins), pytest.raises(DeviceError, match="lamp: ") as caught:
        Lamp(CATHODE, lambda: pins).__enter__()
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
    with Lamp(CATHODE, lambda: pins) as lamp:
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


@pytest.mark.parametrize("kind", AS_READY)
def test_what_is_only_read_leaves_the_light_as_it_is_while_ready(kind: CueKind) -> None:
    assert LIGHTS[kind] == LIGHTS[CueKind.READY]


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
