"""The relay asks for the door to open for an accepted visitor, for a bounded time only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gpiozero.exc import GPIOZeroError
from gpiozero.pins.mock import MockFactory

from gatepost.config import RelayConfig
from gatepost.drivers.relay import MOST_S, Relay
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

LOW = RelayConfig(pin=5, idle="low", pulse_s=0.05)
HIGH = RelayConfig(pin=5, idle="high", pulse_s=0.05)
LONG = RelayConfig(pin=5, idle="low", pulse_s=5)
OTHERS = [kind for kind in CueKind if kind is not CueKind.ACCEPTED]
KEEP = [
    CueKind.READY,
    CueKind.PENDING,
    CueKind.HINT,
    CueKind.TROUBLE,
    CueKind.IDENTIFY,
    CueKind.STATUS,
]


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()


def states(pins: MockFactory) -> list[bool]:
    return [state for _, state in pins.pin(5).states]


@pytest.mark.parametrize(("config", "idle"), [(LOW, False), (HIGH, True)])
def test_an_accepted_visitor_gives_one_pulse(
    pins: MockFactory, config: RelayConfig, idle: bool
) -> None:
    with Relay(config, lambda: pins) as relay:
        pins.pin(5).clear_states()
        assert pins.pin(5).state is idle
        relay.show(Cue(CueKind.ACCEPTED))
        assert pins.pin(5).state is not idle
        assert relay._player.finished(wait_s=5)
        assert states(pins) == [idle, not idle, idle]
        assert pins.pin(5).states[2].timestamp >= 0.05  # a busy machine makes it longer only


@pytest.mark.parametrize("config", [LOW, HIGH])
@pytest.mark.parametrize("kind", OTHERS)
def test_no_other_cue_opens(pins: MockFactory, config: RelayConfig, kind: CueKind) -> None:
    with Relay(config, lambda: pins) as relay:
        pins.pin(5).clear_states()
        relay.show(Cue(kind))
        assert len(states(pins)) == 1


@pytest.mark.parametrize("kind", [kind for kind in OTHERS if kind not in KEEP])
def test_another_verdict_ends_the_request(pins: MockFactory, kind: CueKind) -> None:
    with Relay(LONG, lambda: pins) as relay:
        relay.show(Cue(CueKind.ACCEPTED))
        relay.show(Cue(kind))
        assert pins.pin(5).state is False


@pytest.mark.parametrize("kind", KEEP)
def test_a_resting_cue_leaves_the_request_to_run_out(pins: MockFactory, kind: CueKind) -> None:
    with Relay(LONG, lambda: pins) as relay:
        relay.show(Cue(CueKind.ACCEPTED))
        relay.show(Cue(kind))
        assert pins.pin(5).state is True


def test_the_next_accepted_visitor_is_a_request_of_its_own(pins: MockFactory) -> None:
    with Relay(RelayConfig(pin=5, idle="low", pulse_s=0.3), lambda: pins) as relay:
        pins.pin(5).clear_states()
        relay.show(Cue(CueKind.ACCEPTED))
        relay.show(Cue(CueKind.ACCEPTED))
        assert pins.pin(5).state is False
        assert relay._player.finished(wait_s=5)
        assert states(pins) == [False, True, False, True, False]


@pytest.mark.parametrize(("idle", "level"), [("low", False), ("high", True)])
def test_closing_ends_the_request_at_the_idle_level(
    pins: MockFactory, idle: str, level: bool
) -> None:
    relay = Relay(RelayConfig(pin=5, idle=idle, pulse_s=5), lambda: pins)
    with relay:
        relay.show(Cue(CueKind.ACCEPTED))
        assert pins.pin(5).state is not level
    assert states(pins)[-1] is level
    with pytest.raises(DeviceAbsent):
        relay.show(Cue(CueKind.ACCEPTED))


def test_no_configuration_holds_the_door_open(pins: MockFactory) -> None:
    with Relay(RelayConfig(pin=5, idle="low", pulse_s=3600), lambda: pins) as relay:
        relay.show(Cue(CueKind.ACCEPTED))
        assert relay._player._steps[0] == (True, MOST_S)


def test_a_pin_that_does_not_exist_is_our_error(pins: MockFactory) -> None:
    with pytest.raises(DeviceError, match="relay: "):
        Relay(RelayConfig(pin=99, idle="low"), lambda: pins).__enter__()


class Restless(Relay):
    def _rest(self, device: Any) -> None:
        raise GPIOZeroError(f"{device}: no rest")


def test_a_pin_that_could_not_be_brought_to_rest_is_given_back_all_the_same(
    pins: MockFactory,
) -> None:
    with pytest.raises(DeviceError, match="no rest"), Restless(LOW, lambda: pins):
        pass
    with Relay(LOW, lambda: pins) as again:
        again.show(Cue(CueKind.ACCEPTED))
