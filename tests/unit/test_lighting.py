from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from gatepost.errors import DeviceError
from gatepost.lighting import Dusk, lighting
from gatepost.mailbox import Mailbox
from gatepost.model import View
from unit.pictures import ManualClock

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

FPS = 10


class Gate(NamedTuple):
    """What lights a gate: the sky, our own light, and how much a camera makes up for by itself.

    `most_gain`: times; a picture of 110 is what its automatic exposure aims at.
    """

    own: float = 60.0
    most_gain: float = 1.0

    def brightness(self, sky: float, *, lit: bool) -> float:
        light = sky + (self.own if lit else 0.0)
        return min(255.0, light * max(1.0, min(self.most_gain, 110 / max(light, 1.0))))


def evening() -> Dusk:
    return Dusk(on_below=50.0, off_above=90.0, hold_s=20.0)


def switchings(
    dusk: Dusk, gate: Gate, sky: list[tuple[float, float]], *, idle: bool = True
) -> list[tuple[float, bool]]:
    """When the light is switched while the sky is (seconds, how bright) in turn."""
    told: list[tuple[float, bool]] = []
    now, before = 0.0, dusk.on
    for seconds, light in sky:
        for _ in range(round(seconds * FPS)):
            on = dusk.take(gate.brightness(light, lit=dusk.on), now, idle=idle)
            if on is not before:
                told.append((round(now, 1), on))
            now, before = now + 1 / FPS, on
    return told


def test_it_comes_on_at_dusk_and_stays_though_it_lights_its_own_picture() -> None:
    ((at, on),) = switchings(evening(), Gate(own=150.0), [(5, 120), (500, 30)])
    assert on
    assert at == pytest.approx(6.5, abs=0.11)


def test_by_day_it_goes_off_again() -> None:
    told = switchings(evening(), Gate(own=60.0), [(60, 30), (60, 120)])
    assert [on for _, on in told] == [True, False]
    assert 60 < told[1][0] < 63


def test_between_the_thresholds_nothing_changes() -> None:
    dusk = evening()
    assert switchings(dusk, Gate(), [(100, 70)]) == []
    switchings(dusk, Gate(), [(10, 30)])
    assert dusk.on
    assert switchings(dusk, Gate(own=60.0), [(100, 70)]) == []


def test_a_hand_before_the_lens_is_no_dusk() -> None:
    assert switchings(evening(), Gate(), [(1.2, 5), (1, 120)] * 20) == []


def test_it_never_goes_dark_before_a_visitor() -> None:
    dusk = evening()
    switchings(dusk, Gate(), [(10, 30)])
    assert switchings(dusk, Gate(), [(3000, 200)], idle=False) == []


def test_once_lit_it_stays_so_for_a_while() -> None:
    told = switchings(evening(), Gate(own=10.0), [(5, 30), (60, 150)])
    assert told[1][0] - told[0][0] >= 20


def test_where_a_camera_makes_up_for_the_light_day_is_found_by_trying() -> None:
    """By day and by night the lit picture is 110: only in the dark it can be told."""
    gate = Gate(own=60.0, most_gain=4.0)
    night = switchings(evening(), gate, [(4 * 3600, 5)])
    gaps = [(off, on) for (off, _), (on, _) in zip(night[1::2], night[2::2], strict=False)]
    assert 2 <= len(gaps) <= 5  # in four hours
    assert all(on - off < 4 for off, on in gaps)
    waits = [off - on for (on, _), (off, _) in zip(night[::2], night[1::2], strict=False)]
    assert waits == sorted(waits)

    dusk = evening()
    assert [on for _, on in switchings(dusk, gate, [(60, 5), (1200, 150)])] == [True, False]


@pytest.mark.parametrize("own", [0.0, 20.0, 90.0, 200.0])
@pytest.mark.parametrize("sky", [10.0, 45.0, 55.0, 85.0, 95.0])
def test_a_steady_gate_does_not_flicker(own: float, sky: float) -> None:
    told = switchings(evening(), Gate(own=own), [(20, 10), (580, sky)])
    assert len(told) <= 4


class FakeLight:
    def __init__(self) -> None:
        self.told: list[bool] = []
        self.open = False
        self.broken = False

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open = False
        if self.broken:
            raise DeviceError("light: pin gone")

    def switch(self, *, on: bool) -> None:
        if self.broken:
            raise DeviceError("light: pin gone")
        self.told.append(on)


class Station:
    """The worker, stepped frame by frame."""

    def __init__(self) -> None:
        self.views: Mailbox[View] = Mailbox()
        self.light = FakeLight()
        self.clock = ManualClock(100.0)
        self.work = lighting(self.views, self.light, evening(), self.clock, wait_s=0)
        next(self.work)

    def see(self, brightness: float, seconds: float) -> None:
        for _ in range(round(seconds * FPS)):
            self.views.put(View(brightness=brightness))
            self.clock.now += 1 / FPS
            next(self.work)


def test_the_worker_switches_only_what_changes_and_is_dark_at_the_end() -> None:
    station = Station()
    station.see(120, 10)
    assert station.light.told == [False]
    station.see(20, 10)
    assert station.light.told == [False, True]
    assert station.light.open
    station.work.close()
    assert not station.light.open


def test_it_beats_without_pictures() -> None:
    station = Station()
    for _ in range(20):
        next(station.work)
    assert station.light.told == [False]


def test_a_visitor_is_what_the_decoder_finds_in_the_picture() -> None:
    station = Station()
    station.see(20, 10)
    for _ in range(1000):
        station.views.put(View(brightness=200, region=(0, 0, 9, 9)))
        station.clock.now += 1 / FPS
        next(station.work)
    assert station.light.told == [False, True]
    station.see(200, 5)
    assert station.light.told == [False, True, False]


def test_a_light_that_fails_is_told_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    station = Station()
    station.light.broken = True
    station.see(20, 60)
    assert [record.message for record in caplog.records] == ["light failed"]
    station.light.broken = False
    station.see(20, 6)
    assert station.light.told == [True]
    station.light.broken = True
    station.work.close()  # it fails once more, and the station ends all the same
