import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lines import RULES, Line, close_all

from fakes import BOOT
from gatepost.demo.authority import make_authority
from gatepost.errors import BrokerError, Problem
from gatepost.model import Message
from gatepost.signing import Signer
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.uplink import Backoff
from gatepost.wire import Topics


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    files = make_authority(tmp_path_factory.mktemp("authority"), "gp-1")
    return Signer(files.station_certificate, files.station_key)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def test_a_session_begins_with_state_and_checkpoint(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.turn()
    assert [m.topic.rsplit("/", 1)[1] for m in line.broker.arrived] == ["state", "checkpoint"]
    assert all(message.retain for message in line.broker.arrived)
    assert b'"state":"online"' in line.broker.arrived[0].payload
    assert b'"state":"lost"' in line.broker.wills[0].payload
    assert line.broker.wills[0].retain


def test_everything_arrives_once_and_is_marked(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.fill(20)
    line.turn(30)
    assert sorted(line.sequences()) == list(range(1, 22))
    line.worker.close()
    assert line.undelivered() == []


def test_newest_and_oldest_are_interleaved_and_few_in_flight(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.fill(99)
    line.turn(2)
    assert line.sequences() == [1, 2, 99, 100]
    line.turn(60)
    assert line.broker.most_in_flight <= 4
    assert sorted(line.sequences()) == list(range(1, 101))


def test_an_absent_broker_is_tried_with_growing_patience(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.broker.up = False
    line.turn(2000)
    assert line.clock.now - 1000 > 300
    assert 8 <= line.broker.connections <= 14
    line.broker.up = True
    line.turn(400)
    assert line.sequences() == [1]


def test_full_jitter_is_capped() -> None:
    bounds = []
    backoff = Backoff(draw=lambda low, high: bounds.append((low, high)) or 0.0)  # type: ignore[func-returns-value]
    for _ in range(40):
        backoff.next_s()
    assert {low for low, _ in bounds} == {0.0}
    assert [high for _, high in bounds][:3] == [2, 4, 8]
    assert bounds[-1][1] == 60


def test_closed_in_mid_publish_sends_again_what_was_not_acknowledged(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.fill(10)
    line.broker.break_after = 4  # state, checkpoint, two events
    line.turn(100)
    assert line.broker.connections == 2
    assert set(line.sequences()) == set(range(1, 12))
    line.worker.close()
    assert line.undelivered() == []


def test_a_broker_that_never_acknowledges_is_left(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.broker.answers = False
    line.fill(3)
    line.turn(3)
    line.clock.pass_(31)
    line.turn()
    assert line.broker.disconnected == 1
    assert line.undelivered() == [(1, 4)]
    assert line.uplink.facts.why == "no acknowledgement for 30 s"
    line.broker.answers = True
    line.turn(50)
    line.worker.close()
    assert line.undelivered() == []


def test_a_clean_stop_says_offline_with_a_last_checkpoint(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.turn(3)
    line.fill(1)
    line.worker.close()
    checkpoint, state = line.broker.arrived[-2:]
    assert b'"state":"offline"' in state.payload
    assert checkpoint.topic.endswith("checkpoint")
    assert line.broker.disconnected == 1


def test_checkpoints_come_every_hundred_events_or_minute(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.turn(2)
    line.fill(1)
    line.clock.pass_(30)
    line.turn(5)
    assert len(line.broker.on("checkpoint")) == 1
    line.clock.pass_(31)
    line.turn(5)
    assert len(line.broker.on("checkpoint")) == 2
    line.fill(150)
    line.clock.pass_(2)
    line.turn(5)
    assert len(line.broker.on("checkpoint")) == 3


def test_a_notice_is_sent_once(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.notices.put(Message("x/health", b"old"))
    line.notices.put(Message("x/health", b"{}"))
    line.turn(6)
    assert [message.payload for message in line.broker.on("health")] == [b"{}"]


def test_one_refused_event_does_not_stop_the_others(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.fill(20)
    line.broker.refuses = "event/epoch"
    line.turn(60)
    assert set(line.sequences()) == set(range(1, 22))
    assert line.sequences().count(1) == 1
    assert line.broker.connections == 1
    line.clock.pass_(61)
    line.broker.refuses = ""
    line.turn(10)
    line.worker.close()
    assert line.undelivered() == []


def test_a_session_that_held_does_not_lengthen_the_patience(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    for _ in range(6):
        line.turn(5)
        line.clock.pass_(3600)
        line.broker.connected = False
        line.turn()
        assert line.uplink.backoff.failures == 1
        line.clock.pass_(3)


def test_a_full_card_does_not_stop_delivery(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.fill(20)
    with Spool(line.path) as spool:
        spool.fold()
    line.turn(2)
    spool = line.worker.gi_frame.f_locals["spool"]
    pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
    spool._database.execute(f"PRAGMA max_page_count = {pages}")
    line.clock.pass_(5)
    line.turn(20)
    assert set(line.sequences()) == set(range(1, 22))


def test_after_a_move_old_events_keep_their_site(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.worker.close()
    prepare(tmp_path, "gp-1", "site-2", stamp(line.clock, BOOT), allow_volatile=True)
    line.uplink.topics = Topics("site-2", "gp-1")
    line.fill(1)
    line.worker = line.uplink.run()
    line.turn(6)
    topics = [message.topic for message in line.broker.arrived if "/event/" in message.topic]
    assert topics == [
        "gatepost/v1/site-1/gp-1/event/epoch",
        "gatepost/v1/site-2/gp-1/event/fault",
    ]
    assert line.broker.on("checkpoint")[0].topic == "gatepost/v1/site-2/gp-1/checkpoint"


def test_what_comes_in_is_passed_on_from_the_very_first_turn(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.broker.sends = [Message("t/desired/rules", b"first")]
    line.turn()
    assert line.heard() == [b"first"]
    line.broker.sends = [Message("t/desired/rules", b"second"), Message("t/desired/trust", b"3")]
    line.turn()
    assert line.heard() == [b"second", b"3"]


def test_more_than_is_taken_is_dropped_told_once_and_delivery_goes_on(
    tmp_path: Path, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(tmp_path, signer)
    line.fill(10)
    for _ in range(3):
        line.broker.sends = [Message("t", str(number).encode()) for number in range(6)]
        line.turn()
    assert line.heard() == [b"0", b"1", b"2", b"3"]
    dropped = [each for each in caplog.records if "dropped" in each.message]
    assert len([each for each in dropped if each.levelname == "WARNING"]) == 1
    line.turn(20)
    assert set(line.sequences()) == set(range(1, 12))


def test_what_was_dropped_is_asked_for_again_once_there_is_room(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.broker.sends = [Message(RULES, str(number).encode()) for number in range(6)]
    line.turn(3)
    line.clock.pass_(61)
    line.turn(3)
    assert line.broker.connections == 1  # still full
    line.heard()
    line.turn(20)
    assert (line.broker.connections, line.broker.disconnected) == (2, 1)
    line.broker.sends = [Message(RULES, str(number).encode()) for number in range(6)]
    line.turn()
    line.heard()
    line.turn(20)
    assert line.broker.connections == 2  # it has only just begun


def test_without_anybody_who_wants_it_what_comes_in_is_nothing(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, deaf=True)
    line.broker.sends = [Message("t", b"x")]
    line.turn(5)
    assert line.heard() == []
    assert line.sequences() == [1]


def test_the_versions_that_apply_are_told_again_when_they_change(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.turn(5)
    line.versions = (3, 0)
    line.clock.pass_(60)
    line.turn(5)
    line.versions = (3, 8)
    line.turn(5)
    told = [(each["rules_version"], each["trust_version"]) for each in line.states()]
    assert told == [(0, 0), (3, 0), (3, 8)]
    assert {each["state"] for each in line.states()} == {"online"}
    assert len({each["since_us"] for each in line.states()}) == 1
    will = json.loads(line.broker.wills[0].payload)
    assert (will["rules_version"], will["trust_version"]) == (0, 0)


def test_what_keeps_us_from_the_broker_is_known_and_told_once(
    tmp_path: Path, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(tmp_path, signer)
    facts = line.uplink.facts
    line.broker.error = BrokerError("a.example:8883: no such name", Problem.NAME_NOT_RESOLVED)
    line.turn(300)
    assert (facts.connected, facts.problem) == (False, "name-not-resolved")
    assert facts.why == "a.example:8883: no such name"
    told = [each for each in caplog.records if each.message == "broker not reached"]
    assert [each.levelname for each in told].count("WARNING") == 1
    assert told[0].fields["problem"] == "name-not-resolved"  # type: ignore[attr-defined]
    line.broker.error = BrokerError("a.example:8883: refused", Problem.REFUSED)
    line.turn(300)
    told = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(told) == 2
    line.broker.error = None
    line.turn(400)
    assert (facts.connected, facts.problem, facts.why) == (True, "", "")
    assert (facts.last_problem, facts.last_why) == ("refused", "a.example:8883: refused")
    assert (facts.sessions, facts.lost) == (1, 0)


def test_sessions_that_break_are_counted_with_when_and_why(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.turn(3)
    line.clock.pass_(100)
    line.broker.connected = False
    line.turn()
    facts = line.uplink.facts
    assert (facts.sessions, facts.lost, facts.last_problem) == (1, 1, "other")
    assert facts.last_at_us == line.clock.wall_us()
    line.clock.pass_(5)
    line.turn(3)
    assert (facts.sessions, facts.lost, facts.connected) == (2, 1, True)


def arrivals(draw: Callable[[random.Random], Callable[[float, float], float]]) -> Counter[int]:
    """1,000 stations lose a broker that is away for 45 s: how many come back in which second."""
    came: Counter[int] = Counter()
    for number in range(1000):
        backoff, now = Backoff(draw=draw(random.Random(number))), 0.0
        while now < 45:
            now += backoff.next_s()
        came[int(now)] += 1
    return came


def test_a_broker_that_comes_back_meets_no_storm() -> None:
    came = arrivals(lambda source: source.uniform)
    assert max(came.values()) < 60  # of 1,000
    assert max(came) <= 45 + 60  # and nobody waits longer than the cap
    in_step = arrivals(lambda _source: lambda _low, high: high)
    assert max(in_step.values()) == 1000  # without jitter they would come as one


def test_stations_that_lose_the_same_broker_do_not_come_back_together(
    tmp_path: Path, signer: Signer
) -> None:
    waits = []
    for number in range(20):
        line = Line(tmp_path / str(number), signer)
        line.uplink.backoff.draw = random.Random(number).uniform
        line.turn(3)
        line.broker.connected = False
        line.turn()
        waits.append(line.uplink._retry_at - line.clock.now)
    assert len({round(each, 1) for each in waits}) > 10
    assert all(0 <= each <= 2 for each in waits)


def test_on_a_slow_line_acknowledgements_that_come_one_by_one_keep_the_session(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, window=20)
    line.fill(100)
    line.turn()
    line.broker.answers_at_once = 1
    for _ in range(60):  # with 20 in flight each waits for 50 s
        line.broker.answers = False
        line.turn(4, each_s=0.5)
        line.broker.answers = True
        line.turn(1, each_s=0.5)
    assert (line.broker.connections, line.broker.disconnected) == (1, 0)


def test_one_that_is_never_acknowledged_among_others_ends_the_session_all_the_same(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    line.broker.forgets = 1
    turns = 0
    while not line.broker.disconnected and turns < 200:
        line.fill(1)
        line.turn(1, each_s=3.0)
        turns += 1
    assert 100 <= turns <= 110
    line.broker.forgets = 0
    line.turn(40, each_s=0.5)
    assert line.uplink.facts.pending == 0
    assert line.uplink.facts.last_problem == Problem.UNACKNOWLEDGED


def test_what_waits_is_told_while_there_is_no_broker(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer)
    line.broker.up = False
    line.fill(50)
    line.turn(20)
    assert (line.uplink.facts.pending, line.uplink.facts.newest) == (51, 51)


def test_what_was_acknowledged_is_written_down_when_the_session_is_gone(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, confirm="central")
    line.fill(9)
    line.turn(12)  # all sent, and not yet time to write it down again
    line.receipt((1, 10))
    line.broker.up = False
    line.turn(60)
    assert line.undelivered() == []
