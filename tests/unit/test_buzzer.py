"""The buzzer: real gpiozero over fake pins; and every sound told apart by its rhythm alone."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from gatepost.config import BuzzerConfig
from gatepost.drivers.buzzer import Buzzer
from gatepost.drivers.patterns import SOUNDS, sound_words
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSIVE = BuzzerConfig(pin=12, type="passive")
ACTIVE = BuzzerConfig(pin=12, type="active")
SILENT = {CueKind.READY, CueKind.PENDING, CueKind.HINT, CueKind.STATUS}
LOUD = [kind for kind in CueKind if kind not in SILENT]


class HeardPin(MockPWMPin):  # type: ignore[misc]
    """A pin that remembers the frequencies that it was given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard: list[float] = []

    def _set_frequency(self, value: Any) -> None:
        super()._set_frequency(value)
        self.heard.append(value or 0)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=HeardPin)
    yield factory
    factory.reset()


def test_a_passive_buzzer_plays_the_tones_and_ends_silent(pins: MockFactory) -> None:
    with Buzzer(PASSIVE, lambda: pins) as buzzer:
        pins.pin(12).heard.clear()
        buzzer.show(Cue(CueKind.REPEATED))
        assert pins.pin(12).heard == [1760]
        assert buzzer._player.finished(wait_s=5)
        assert pins.pin(12).heard == [1760, 0, 1760, 0]
        assert pins.pin(12).state == 0


def test_an_active_buzzer_beeps_the_same_rhythm(pins: MockFactory) -> None:
    with Buzzer(ACTIVE, lambda: pins) as buzzer:
        buzzer.show(Cue(CueKind.NOT_UNDERSTOOD))
        assert pins.pin(12).state == 1
        assert buzzer._player.finished(wait_s=5)
        assert [state for _, state in pins.pin(12).states] == [0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("kind", sorted(SILENT))
def test_a_silent_cue_ends_the_sound_that_was_playing(pins: MockFactory, kind: CueKind) -> None:
    with Buzzer(ACTIVE, lambda: pins) as buzzer:
        buzzer.show(Cue(CueKind.REFUSED))
        buzzer.show(Cue(kind))
        assert buzzer._player.finished(wait_s=0)
        assert pins.pin(12).state == 0


def test_a_newer_cue_is_heard_in_place_of_the_older_one(pins: MockFactory) -> None:
    with Buzzer(PASSIVE, lambda: pins) as buzzer:
        pins.pin(12).heard.clear()
        buzzer.show(Cue(CueKind.REFUSED))
        buzzer.show(Cue(CueKind.ACCEPTED))
        assert buzzer._player.finished(wait_s=5)
        assert pins.pin(12).heard == [294, 1760, 0]


def test_a_resting_trouble_is_heard_once_until_it_is_over(pins: MockFactory) -> None:
    def heard(cue: Cue) -> bool:
        buzzer.show(cue)
        return bool(pins.pin(12).state)

    trouble = Cue(CueKind.TROUBLE, detail="spool: station full")
    with Buzzer(ACTIVE, lambda: pins) as buzzer:
        assert heard(trouble)
        assert heard(Cue(CueKind.ACCEPTED))
        assert not heard(trouble)
        assert heard(Cue(CueKind.TROUBLE, detail="clock: lost"))
        assert heard(Cue(CueKind.TROUBLE, detail="station full", reader="in"))  # an answer
        assert heard(Cue(CueKind.TROUBLE, detail="station full", reader="in"))
        assert not heard(Cue(CueKind.TROUBLE, detail="clock: lost"))
        assert not heard(Cue(CueKind.READY))
        assert heard(trouble)


@pytest.mark.parametrize("config", [PASSIVE, ACTIVE])
def test_it_is_silent_when_closed_in_mid_tone(pins: MockFactory, config: BuzzerConfig) -> None:
    buzzer = Buzzer(config, lambda: pins)
    with buzzer:
        buzzer.show(Cue(CueKind.REFUSED))
    assert pins.pin(12).state == 0
    with pytest.raises(DeviceAbsent):
        buzzer.show(Cue(CueKind.ACCEPTED))


def test_a_pin_in_use_is_our_error(pins: MockFactory) -> None:
    with Buzzer(PASSIVE, lambda: pins), pytest.raises(DeviceError, match="buzzer: "):
        Buzzer(ACTIVE, lambda: pins).__enter__()


def rhythm(kind: CueKind) -> tuple[tuple[bool, float], ...]:
    return tuple((bool(hertz), seconds) for hertz, seconds in SOUNDS[kind])


def test_ready_hints_one_moment_and_what_is_only_read_are_silent() -> None:
    assert {kind for kind in CueKind if not SOUNDS[kind]} == SILENT
    assert sound_words(CueKind.READY) == "silent"


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(LOUD, 2)))
def test_sounds_differ_even_where_all_tones_are_one(one: CueKind, other: CueKind) -> None:
    assert SOUNDS[one] != SOUNDS[other]
    left, right = rhythm(one), rhythm(other)
    if len(left) == len(right):  # as many beeps: then one of them is more than twice as long
        ratios = [max(a, b) / min(a, b) for (_, a), (_, b) in zip(left, right, strict=True)]
        assert max(ratios) > 2


@pytest.mark.parametrize("kind", LOUD)
def test_every_tone_is_within_the_buzzers_range_and_no_sound_outlasts_two_seconds(
    kind: CueKind,
) -> None:
    assert all(220 <= hertz <= 3520 for hertz, _ in SOUNDS[kind] if hertz)
    assert sum(seconds for _, seconds in SOUNDS[kind]) <= 2
