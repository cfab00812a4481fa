from pathlib import Path

import pytest
from kills_broker import BrokerRig, kill_broker
from kills_daemon import Rig, kill_daemon
from kills_proxy import Packets

from brokers import needs_mosquitto


def told(text: str) -> None:
    print(text)  # noqa: T201 - pytest shows it where a test fails


@needs_mosquitto
def test_the_daemon_killed_at_random_moments_loses_no_green_light(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        found = kill_daemon(rig, 4, told)
    assert found.good, found.words()
    assert found.facts["verified_on_card"] == found.newest


@needs_mosquitto
def test_what_a_killed_broker_had_acknowledged_is_asked_for_and_comes(tmp_path: Path) -> None:
    with BrokerRig(tmp_path, closed_s=20) as rig:
        found = kill_broker(rig, 3, told)
    assert found.good, found.words()
    assert found.facts["came_on_asking"] > 0


@needs_mosquitto
def test_who_does_not_ask_knows_exactly_what_a_killed_broker_lost(tmp_path: Path) -> None:
    with BrokerRig(tmp_path, asking=False, closed_s=20) as rig:
        found = kill_broker(rig, 2, told)
    assert not found.complete
    assert found.gaps == found.newest - found.events > 0
    assert (found.broken, found.conflicts, found.alarms) == (0, 0, ())


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_packets_are_counted_however_the_line_cuts_them(size: int) -> None:
    stream = bytes([0x20, 3, 0, 0, 0]) + bytes([0x30, 0x80, 2, *[0x40] * 256]) + b"\x40\2\0\1" * 2
    packets = Packets()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [kind for piece in pieces for kind in packets.feed(piece)] == [2, 3, 4, 4]
