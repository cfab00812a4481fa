"""What the rig of the virtual station does without a guest: keys, settings, agent, verdicts."""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import TYPE_CHECKING

import device_agent
import pytest
from device_disk import BOARD, settings
from device_keys import ALT, CTRL, ENTER, KEYPAD_0, KEYPAD_1, SHIFT, SPACE, reports
from device_machine import DeviceMachine
from device_run import STEPS, Found, Outcome
from device_station import Wrong, check, quantile
from feeding import STATION
from guest_root import GuestError, Root, run

from gatepost.config import load
from gatepost.demo.authority import make_authority

if TYPE_CHECKING:
    from pathlib import Path

_UP = "00" * 8


def _pressed(text: str, foreign: str = "alt") -> list[tuple[int, int]]:
    """Modifiers and key of each report that is no release."""
    raw = [bytes.fromhex(each) for each in reports(text, foreign)]
    return [(each[0], each[2]) for each in raw if any(each)]


def test_each_key_is_pressed_and_released_and_enter_comes_last() -> None:
    sent = reports("a1")
    assert sent[1::2] == [_UP] * 3
    assert _pressed("a1") == [(0, 0x04), (0, 0x1E), (0, ENTER)]


def test_signs_of_a_us_keyboard_are_shifted() -> None:
    assert _pressed("*|A")[:-1] == [(SHIFT, 0x25), (SHIFT, 0x31), (SHIFT, 0x04)]


def test_a_vietnamese_letter_is_its_number_on_the_keypad_while_alt_is_held() -> None:
    keys = [key for modifiers, key in _pressed("ễ")[:-1] if modifiers == ALT and key]
    assert keys == [KEYPAD_1 + digit - 1 for digit in (7, 8, 7, 7)]
    assert reports("ễ")[-3] == _UP, "Alt is let go before Enter"


def test_a_latin_letter_has_a_zero_before_its_number() -> None:
    keys = [key for _, key in _pressed("É")[:-1] if key]
    assert keys == [KEYPAD_0, KEYPAD_1 + 1, KEYPAD_0, KEYPAD_1]


def test_a_vietnamese_letter_is_its_hexadecimal_number_after_ctrl_shift_u() -> None:
    keys = _pressed("ễ", "unicode")[:-1]
    assert keys == [(CTRL | SHIFT, 0x18), (0, 0x1E), (0, 0x08), (0, 0x06), (0, 0x22), (0, SPACE)]


def test_the_stations_settings_are_what_its_own_loader_takes(tmp_path: Path) -> None:
    files = make_authority(tmp_path, STATION)
    text = settings(8883).replace('"/gatepost/data"', '"data"')
    text = text.replace("/opt/gatepost/current/share/gatepost/boards", str(BOARD.parent))
    path = files.ca.with_name("station.toml")
    path.write_text(text, "utf-8")
    config = load(path)
    assert [each.name for each in config.reader] == ["keys", "line"]
    assert (config.relay, config.lamp, config.oled, config.button).count(None) == 0
    assert config.light is None


def test_the_agent_answers_each_question_by_its_number() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for asked in (
            {"id": 7, "do": "hello"},
            {"id": 8, "do": "read", "path": "/nowhere"},
            {"id": 9, "do": "nothing"},
        ):
            device_agent._obey(asked, theirs.fileno(), threading.Lock())
        first, second, third = (json.loads(each) for each in ours.recv(65536).splitlines())
    assert first["id"] == 7
    assert first["is"]["now"] > 0
    assert second["error"].startswith("FileNotFoundError")
    assert third["error"].startswith("KeyError")


def test_a_line_is_awaited_until_its_level_and_no_longer_than_asked(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("1\n")
    place = os.open(tmp_path / "value", os.O_RDONLY)
    try:
        assert device_agent._level(place, 1, device_agent.now() + 10) > 0
        with pytest.raises(OSError, match="never went down"):
            device_agent._level(place, 0, device_agent.now())
    finally:
        os.close(place)


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert quantile([3.0], 0.99) == 3.0


def test_a_run_is_good_only_when_every_step_held() -> None:
    good = Outcome("boot", "", {"ready_s": 3.2}, 4.0)
    bad = Outcome("hung", "no heartbeat", {}, 9.0)
    assert Found([good]).good
    assert not Found([good, bad]).good
    assert not Found([]).good
    assert "ready_s 3.2" in good.words()
    assert bad.words().startswith("FAILED")


def test_a_check_that_does_not_hold_says_why() -> None:
    check(1, "fine")
    with pytest.raises(Wrong, match="not so"):
        check([], "not so")


def test_every_step_of_the_rig_has_a_name_and_says_what_it_proves() -> None:
    assert all(step.__doc__ for step in STEPS.values())
    assert len({step.__name__ for step in STEPS.values()}) == len(STEPS)


def test_a_machine_without_power_answers_nothing(tmp_path: Path) -> None:
    place = tmp_path / "none"
    machine = DeviceMachine(Root(place, place, place, place), place, place, tmp_path)
    with pytest.raises(GuestError, match="no power"):
        machine.ask("hello")


def test_a_tool_that_ends_with_more_than_is_allowed_is_a_failure() -> None:
    run("sh", "-c", "exit 1", most=1)
    for status, most in ((1, 0), (2, 1)):
        with pytest.raises(GuestError, match=f"status {status}"):
            run("sh", "-c", f"exit {status}", most=most)
