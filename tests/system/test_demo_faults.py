"""`gatepost demo --fault`: each fault, staged for real, with everybody delivered once."""

import json
import subprocess
import sys

import pytest

from brokers import needs_mosquitto
from gatepost.demo import tearing

needs_a_card = pytest.mark.skipif(bool(tearing.unavailable()), reason=tearing.unavailable())


def staged(fault: str, *more: str) -> dict[str, object]:
    command = [sys.executable, "-m", "gatepost", "demo", "--fault", fault, "--json", *more]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told: dict[str, object] = json.loads(ended.stdout)
    assert (told["good"], told["visitors"], told["delivered_once"]) == (True, 6, 6)
    return told


@needs_mosquitto
def test_a_broker_killed_after_its_acknowledgements_costs_nobody() -> None:
    told = staged("broker", "--visitors", "6")
    assert told["came_on_request"] == 2  # the two that it had acknowledged, and lost


@needs_mosquitto
@needs_a_card
def test_a_cut_of_power_costs_nobody() -> None:
    staged("power", "--visitors", "6")


@needs_mosquitto
def test_a_network_that_goes_and_comes_costs_nobody() -> None:
    staged("network", "--visitors", "6")


@needs_mosquitto
@needs_a_card
def test_a_full_card_turns_visitors_away_in_red_and_takes_them_when_there_is_room() -> None:
    told = staged("disk", "--visitors", "6")
    assert (told["saw_one_moment"], told["refused_in_red"]) == (1, 1)


def test_an_unknown_fault_is_a_slip_of_the_pen() -> None:
    command = [sys.executable, "-m", "gatepost", "demo", "--fault", "earthquake"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "broker" in ended.stderr
