"""What a configuration's outputs become: which signals, on whose pins, and the button's worker."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from test_config import GOOD

from fakes import FakeClock
from gatepost.build.outputs import (
    button_of,
    lights_of,
    pins_of,
    pressing_of,
    signalling_of,
    signals_of,
)
from gatepost.config import Config, LampConfig, OledConfig, parse
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.oled import Oled
from gatepost.errors import ConfigError, DeviceError
from gatepost.mailbox import Mailbox
from gatepost.model import Cue, CueKind
from gatepost.signalling import showing, signalling

if TYPE_CHECKING:
    from pathlib import Path

ALL = """\
[lamp]
red = 17
green = 27
blue = 22
night = 0.2
[buzzer]
pin = 12
type = "passive"
[relay]
pin = 5
idle = "low"
[light]
pin = 24
[oled]
[button]
pin = 26
[panel]
"""


def configured(tmp_path: Path, tables: str) -> Config:
    for name in ("station.pem", "station.key", "ca.pem", "sealing-public.jwk"):
        (tmp_path / name).touch()
    return parse(f"{GOOD}\n{tables}", tmp_path / "station.toml")


def test_the_lamp_is_the_first_and_slow_signals_have_workers_of_their_own(tmp_path: Path) -> None:
    config = configured(tmp_path, ALL)
    assert list(signals_of(config, FakeClock())) == ["lamp", "relay", "buzzer", "oled", "panel"]
    workers = signalling_of(config, queue.Queue(), FakeClock())
    assert [worker.name for worker in workers] == ["signalling", "oled", "panel"]
    assert lights_of(config) is not None
    assert button_of(config) is not None
    (button,) = pressing_of(config, queue.Queue(), tuple)
    assert button.name == "button"


def test_what_is_not_fitted_has_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path, "")
    assert signals_of(config, FakeClock()) == {}
    assert lights_of(config) is None
    assert button_of(config) is None
    assert pressing_of(config, queue.Queue(), tuple) == []
    assert [worker.name for worker in signalling_of(config, queue.Queue(), FakeClock())] == [
        "signalling"
    ]


def test_all_outputs_share_the_pins_of_one_process(tmp_path: Path) -> None:
    config = configured(tmp_path, ALL)
    signals = signals_of(config, FakeClock())
    assert len({id(signals[name]._pins) for name in ("lamp", "relay", "buzzer")}) == 1  # type: ignore[attr-defined]
    assert pins_of(config) is pins_of(configured(tmp_path, ALL))


def test_the_button_tells_that_it_has_no_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-of-these")
    told: list[tuple[str, str]] = []
    cues: queue.Queue[Cue] = queue.Queue()
    config = configured(tmp_path, ALL)
    (worker,) = pressing_of(config, cues, tuple, lambda *each: told.append(each), FakeClock())
    running = worker.start()
    next(running)
    running.close()
    ((part, why),) = told
    assert part == "button"
    assert "no pins here" in why
    assert cues.empty()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("night = 0.2", "night = 0.01", "lamp.night: must be at least 0.05"),
        ("night = 0.2", "night_from = '8pm'", "lamp.night_from: '8pm' does not fit"),
        ("night = 0.2", "night_until = '24:00'", "lamp.night_until: '24:00' does not fit"),
        (
            "pin = 26",
            "pin = 26\nsetup_s = 8",
            "button.setup_s: must be below selftest_s, which is 8",
        ),
        ("pin = 26", "pin = 26\npull = 'none'", "button.pull: must be one of"),
        ("pin = 26", "pin = 24", "pin 24 is already used by light.pin"),
        ('idle = "low"', "", "relay.idle: is missing"),
    ],
)
def test_what_is_wrong_with_outputs_is_told(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in ALL
    with pytest.raises(ConfigError, match=problem):
        configured(tmp_path, ALL.replace(before, after))


def test_without_pins_every_output_says_what_it_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-of-these")
    signals = signals_of(configured(tmp_path, ALL), FakeClock())
    for name in ("lamp", "relay", "buzzer"):
        with pytest.raises(DeviceError, match=f"{name}: no pins here"):
            signals[name].__enter__()


class BlockedBus:
    """An I2C bus that keeps whoever sends on it, until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def command(self, *_cmd: int) -> None:
        self.reached.set()
        assert self.let_go.wait(10)

    def data(self, _data: list[int]) -> None:
        """Takes it."""

    def cleanup(self) -> None:
        """Nothing is open."""


def test_the_lamp_is_lit_while_the_display_s_bus_holds_its_worker() -> None:
    bus, clock, cues, box = BlockedBus(), FakeClock(), queue.Queue[Cue](), Mailbox[Cue]()
    pins = MockFactory(pin_class=MockPWMPin)
    lamp = Lamp(LampConfig(red=17, green=27, blue=22), lambda: pins)
    quick = signalling(cues, [lamp], [box], clock, wait_s=0)
    slow = showing(box, Oled(OledConfig(), "vi", clock, lambda: bus), clock, wait_s=0)
    next(quick)
    next(slow)
    display = threading.Thread(target=next, args=(slow,))
    display.start()
    assert bus.reached.wait(10)
    for kind, levels in ((CueKind.ACCEPTED, (0, 1, 0)), (CueKind.REFUSED, (1, 0, 0))):
        cues.put(Cue(kind))
        next(quick)
        assert tuple(pins.pin(pin).state for pin in (17, 27, 22)) == levels
        assert display.is_alive()
    bus.let_go.set()
    display.join(10)
    quick.close()
    slow.close()
