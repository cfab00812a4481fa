"""A station without a spool still tells what ails it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakes import BOOT, FakeBroker, FakeClock
from gatepost import contract
from gatepost.errors import BrokerError, Problem
from gatepost.mailbox import Mailbox
from gatepost.model import Message
from gatepost.uplink import Backoff, Calling
from gatepost.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Generator

TOPICS = Topics("site-1", "gp-1")


class Voice:
    """The worker, its broker and its clock."""

    def __init__(self) -> None:
        self.clock, self.broker = FakeClock(), FakeBroker()
        self.notices: Mailbox[Message] = Mailbox()
        self.calling = Calling(
            self.broker,
            TOPICS,
            self.clock,
            BOOT,
            "0",
            self.notices,
            backoff=Backoff(draw=lambda _low, high: high),
            pause=self.clock.pass_,
        )
        self.worker: Generator[None, None, None] = self.calling.run()
        next(self.worker)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            next(self.worker)


def test_it_says_that_it_is_there_then_what_ails_it_and_goodbye_but_proves_nothing() -> None:
    voice = Voice()
    voice.notices.put(Message(TOPICS.health, b"{}", retain=True))
    voice.turn(3)
    voice.worker.close()
    arrived = voice.broker.arrived
    assert [each.topic for each in arrived] == [TOPICS.state, TOPICS.health, TOPICS.state]
    assert all(each.retain for each in arrived)
    told = [json.loads(each.payload) for each in (*voice.broker.wills, arrived[0], arrived[2])]
    assert [each["state"] for each in told] == ["lost", "online", "offline"]
    for each in told:
        assert not contract.problem("state", each)
        assert "epoch" not in each
    assert voice.broker.disconnected == 1


def test_a_broker_that_is_not_there_is_waited_for_and_told_of() -> None:
    voice = Voice()
    voice.broker.error = BrokerError("nobody listens", Problem.REFUSED)
    voice.turn(600)
    assert 3 <= voice.broker.connections <= 8
    assert (voice.calling.facts.problem, voice.calling.facts.connected) == ("refused", False)
    voice.broker.error = None
    voice.turn(400)
    assert voice.calling.facts.connected
    voice.broker.up = False
    voice.turn(3)
    assert voice.calling.facts.lost == 1
    voice.worker.close()  # nobody to say goodbye to, and no failure


def test_a_broker_that_keeps_silent_does_not_keep_it_from_ending() -> None:
    voice = Voice()
    voice.turn(2)
    voice.broker.up = True
    voice.broker.answers = False
    voice.broker.takes_s = voice.clock.pass_
    voice.worker.close()
    assert voice.broker.disconnected == 1
