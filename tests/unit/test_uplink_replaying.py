"""What the centre asks for again, and what is carried for others: the uplink's other half."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from lines import RULES, TOPICS, Line, close_all

from fakes import BOOT, FakeClock
from gatepost.asked import Answer, Resend
from gatepost.demo.authority import make_authority
from gatepost.model import Draft, FaultRecord, Message
from gatepost.signing import CHECKPOINT, Signer, load_certificates, verify
from gatepost.spool import Carried, Spool, prepare
from gatepost.spool.exporting import export
from gatepost.timekeeping import stamp
from gatepost.uplink.replaying import _MOST_ASKS
from gatepost.wire import CONTENT_TYPE, parse_checkpoint, parse_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.x509 import Certificate

    from gatepost.model import Stamp

OTHER = "e" * 32


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    files = make_authority(tmp_path_factory.mktemp("authority"), "gp-1")
    return Signer(files.station_certificate, files.station_key)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def line(tmp_path: Path, signer: Signer) -> Line:
    """100 events, all of them acknowledged."""
    made = Line(tmp_path, signer, each_s=0.02)
    made.fill(99)
    made.settle()
    return made


# --- what counts as delivered


def test_with_the_broker_as_confirmer_its_acknowledgement_is_delivery(line: Line) -> None:
    line.worker.close()
    assert (line.undelivered(), line.unsent()) == ([], 0)


def test_with_the_centre_as_confirmer_only_its_receipt_is_delivery(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, confirm="central")
    line.fill(9)
    line.settle()
    line.turn(15, each_s=0.1)
    assert line.uplink.facts.unconfirmed == line.uplink.facts.pending == 10
    line.receipt((1, 4), (7, 7))
    line.turn(15, each_s=0.1)
    assert line.uplink.facts.unconfirmed == 5
    line.worker.close()
    assert (line.undelivered(), line.unsent()) == ([(5, 6), (8, 10)], 0)
    line.start()
    line.turn(10)
    assert line.sequences() == []  # sent is sent, also after a restart


def test_what_is_receipted_before_it_was_sent_need_not_be_sent(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, confirm="central")
    line.fill(9)
    line.receipt((1, 8))
    line.turn(20)
    assert line.sequences() == [9, 10]


@pytest.mark.parametrize("confirm", ["broker", "central"])
def test_a_receipt_for_what_was_never_recorded_loses_nothing_of_what_comes(
    confirm: str, tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, confirm=confirm)  # type: ignore[arg-type]
    line.receipt((1, 2**53 - 1))
    line.turn(3)
    line.fill(5)
    line.turn(20)
    assert sorted(line.sequences())[-5:] == [2, 3, 4, 5, 6]
    line.receipt((1, 9), source="gp-2")
    line.receipt((1, 9), epoch=OTHER)
    line.turn(20)
    line.worker.close()
    assert line.undelivered() == ([] if confirm == "broker" else [(2, 6)])


def test_a_receipt_counts_while_there_is_no_broker(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, confirm="central")
    line.broker.up = False
    line.receipt((1, 1))
    line.turn(3)
    line.worker.close()
    assert line.undelivered() == []


# --- sent again on request


def test_what_is_asked_for_is_sent_again_as_it_was_and_then_proved(line: Line) -> None:
    with Spool(line.path) as spool:
        bodies = [each.body for each in spool.range(1, 100)]
    line.resend((3, 5), (99, 99))
    line.turn(20)
    assert line.replayed() == [3, 4, 5, 99]
    events = line.broker.on("/replay")
    assert {each.topic for each in events} == {TOPICS.replay}
    assert {each.content_type for each in events} == {CONTENT_TYPE}
    assert [parse_event(each.payload)[1] for each in events] == [*bodies[2:5], bodies[98]]
    assert [each[:2] for each in line.answers()] == [("r-1", "accepted"), ("r-1", "done")]
    assert line.answers()[1][2] == "4 events sent again"
    topics = [each.topic for each in line.broker.arrived]
    proof = topics.index(TOPICS.checkpoint)
    assert proof > max(place for place, topic in enumerate(topics) if topic == TOPICS.replay)
    assert line.sequences() == []


def test_the_answer_goes_where_it_is_wanted(line: Line) -> None:
    line.asked.put(Resend((line.of((3, 5)),), "r-1", TOPICS.response("elsewhere")))
    line.turn(20)
    assert len(line.broker.on("response/elsewhere")) == 2


def test_who_asks_twice_gets_it_once_and_is_answered_twice(line: Line) -> None:
    line.resend((1, 50), name="one")
    line.resend((20, 60), name="two")
    line.turn(3)
    line.resend((1, 60), name="three")
    line.turn(60)
    assert line.replayed() == list(range(1, 61))
    told = {name: detail for name, outcome, detail in line.answers() if outcome == "done"}
    assert told == {
        "one": "50 events sent again",
        "two": "41 events sent again",
        "three": "60 events sent again",
    }


def test_what_was_all_sent_again_is_sent_again_to_who_asks_once_more(line: Line) -> None:
    for name in ("one", "two"):
        line.resend((1, 3), name=name)
        line.turn(20)
    assert line.replayed() == [1, 2, 3, 1, 2, 3]


def test_the_same_id_is_answered_again_and_not_done_again(line: Line) -> None:
    for _ in range(3):
        line.resend((1, 3))
        line.turn(20)
    assert line.replayed() == [1, 2, 3]
    assert [each[1] for each in line.answers()] == ["accepted", "done", "done", "done"]


def test_what_is_not_held_any_more_is_told_to_the_number(line: Line) -> None:
    _forget(line, 1, 40)
    _forget(line, 60, 60)
    line.resend((30, 62))
    line.turn(60)
    assert line.replayed() == [*range(41, 60), 61, 62]
    told = f"21 events sent again; not held: {line.epoch}:30-40,60-60"
    assert line.answers()[-1] == ("r-1", "done", told)


def test_where_nothing_is_held_any_more_it_is_refused(line: Line) -> None:
    _forget(line, 1, 40)
    line.resend((2, 9), (12, 12))
    line.turn(10)
    told = f"not held: {line.epoch}:2-9,12-12"
    assert line.answers()[-1] == ("r-1", "refused", told)
    assert line.replayed() == []


def test_what_lies_beyond_the_newest_event_is_no_loss(line: Line) -> None:
    line.resend((99, 2**53 - 1))
    line.resend((101, 200), name="r-2")
    line.turn(20)
    assert line.replayed() == [99, 100]
    told = dict([each[0], each[1:]] for each in line.answers())
    beyond = 2**53 - 1 - 100
    assert told["r-1"] == (
        "done",
        f"2 events sent again; {beyond} are beyond the newest event",
    )
    assert told["r-2"] == ("refused", "100 are beyond the newest event")


@pytest.mark.parametrize("of", [{"epoch": OTHER}, {"source": "gp-2"}])
def test_what_is_of_others_or_of_unknown_epochs_is_refused(of: dict[str, str], line: Line) -> None:
    line.resend((1, 2**53 - 1), **of)
    line.turn(10)
    epoch = of.get("epoch", line.epoch)
    assert line.answers()[-1] == ("r-1", "refused", f"not held: {epoch}:1-{2**53 - 1}")


def test_what_is_in_flight_when_a_session_is_lost_is_sent_again(line: Line) -> None:
    line.broker.answers = False
    line.resend((10, 30))
    line.turn(2)
    flown = line.replayed()
    assert flown == [10, 11]
    line.broker.connected = False
    line.broker.answers = True
    line.turn()
    line.broker.arrived.clear()
    line.clock.pass_(5)
    line.turn(60)
    assert sorted(line.replayed()) == list(range(10, 31))
    assert line.answers()[-1][1:] == ("done", "21 events sent again")


def test_a_replay_that_the_broker_refuses_waits_told_once_and_live_events_go_on(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.broker.refuses = "/replay"
    line.resend((1, 50))
    line.turn(40)
    refused = line.replayed()
    assert 1 <= len(refused) <= 4
    line.fill(8)
    line.turn(20)
    assert sorted(line.sequences()) == list(range(101, 109))
    line.clock.pass_(61)
    line.turn(3)
    line.broker.refuses = ""
    line.broker.arrived.clear()
    line.clock.pass_(61)
    line.turn(80)
    assert sorted(line.replayed()) == list(range(1, 51))
    told = [each for each in caplog.records if "refuses what is sent again" in each.message]
    assert len(told) == 1
    assert line.broker.connections == 1


# --- in its bounds


def test_replays_keep_to_their_pace(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, window=20, pace=50)
    line.fill(600)
    line.turn(200)
    line.broker.arrived.clear()
    line.resend((1, 600))
    seconds = []
    for _ in range(8):
        before = len(line.replayed())
        line.turn(100, each_s=0.01)
        seconds.append(len(line.replayed()) - before)
    assert seconds[0] <= 50 + 20  # the burst is one window
    assert all(45 <= each <= 51 for each in seconds[1:])


def test_a_replay_that_waits_for_its_pace_is_looked_at_in_time(line: Line) -> None:
    line.resend((1, 100))
    line.turn(10, each_s=0)
    line.broker.waits.clear()
    line.turn(10, each_s=0)  # time stands still: all of the burst is used up
    assert max(line.broker.waits) <= 0.01


def test_live_events_keep_half_of_the_window(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, window=8)
    line.fill(200)
    line.settle()
    line.broker.answers = False
    line.resend((1, 200))
    line.turn(5)
    assert len(line.replayed()) == 4
    line.fill(50)
    line.turn(5)
    assert len(line.sequences()) == 4


def test_with_a_window_of_one_both_get_on(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, window=1)
    line.fill(9)
    line.settle()
    line.resend((1, 5))
    line.fill(5)
    line.turn(60, each_s=0.1)
    assert line.broker.most_in_flight <= 2  # an answer goes beside it
    assert line.replayed() == [1, 2, 3, 4, 5]
    assert line.sequences() == [15, 14, 13, 12, 11] or sorted(line.sequences()) == [*range(11, 16)]


def test_a_long_drain_does_not_starve_a_replay_nor_the_other_way_round(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer, window=8)
    line.fill(20)
    line.settle()
    line.fill(400)
    line.resend((1, 20))
    line.turn(12, each_s=0.1)
    assert len(line.replayed()) == 20
    assert len(line.sequences()) >= 40


def test_a_large_replay_is_kept_as_ranges_not_as_bodies(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, window=20, pace=1e9, each_s=0.001)
    with Spool(line.path) as spool:
        spool._database.execute("PRAGMA synchronous = OFF")
        detail = "x" * 3000
        for _ in range(2500):
            spool.append(Draft(FaultRecord("test", "failed", detail), stamp(line.clock, BOOT)))
        spool.sent([(1, 2501)])
    line.worker.close()
    line.start()
    line.turn(3)
    tracemalloc.start()
    try:
        line.resend((1, 2501))
        most = 0
        for _ in range(300):
            line.turn()
            line.broker.arrived.clear()
            most = max(most, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert line.uplink.facts.replaying == 0
    assert most < 3_000_000  # all of the bodies are 8 MB


def test_too_many_requests_at_once_are_refused(line: Line) -> None:
    line.broker.answers = False
    for number in range(_MOST_ASKS + 3):
        line.resend((1, 2), name=f"r-{number}")
    line.turn()
    line.broker.answers = True
    line.turn(60)
    outcomes = {name: outcome for name, outcome, _ in line.answers()}
    assert list(outcomes.values()).count("refused") == 3
    assert list(outcomes.values()).count("done") == _MOST_ASKS
    line.resend((1, 2), name=f"r-{_MOST_ASKS}")  # later it may
    line.turn(10)
    assert line.answers()[-1][1] == "done"


def test_a_request_of_a_thousand_scattered_ranges_is_served(tmp_path: Path, signer: Signer) -> None:
    line = Line(tmp_path, signer, window=20, pace=1e9, each_s=0.001)
    line.fill(2000)
    line.turn(300)
    line.broker.arrived.clear()
    line.resend(*((number, number) for number in range(1, 2001, 2)))
    line.turn(300)
    assert line.replayed() == list(range(1, 2001, 2))


# --- what is carried


@pytest.fixture
def dead(tmp_path: Path) -> Dead:
    """A station gp-9 of the same authority with 6 events that it never delivered."""
    return Dead.make(tmp_path / "dead")


@dataclass(frozen=True)
class Dead:
    """A dead station: what it holds, and its key."""

    path: Path
    signer: Signer
    authorities: list[Certificate]
    epoch: str

    @classmethod
    def make(cls, folder: Path) -> Dead:
        files = make_authority(folder / "keys", "gp-9")
        signer = Signer(files.station_certificate, files.station_key)
        path = prepare(folder, "gp-9", "site-1", stamp(FakeClock(), BOOT), allow_volatile=True)
        with Spool(path) as spool:
            for number in range(5):
                record = FaultRecord("test", "failed", str(number))
                spool.append(Draft(record, stamp(FakeClock(), BOOT)))
            return cls(path, signer, load_certificates(files.ca), spool.epoch)

    def give(self, data: Path) -> None:
        """Bring its bundle into the data folder of a station that lives."""
        (data / "carried").mkdir(exist_ok=True)
        assert export(self.path, data / "carried", self.signer, _now(), lambda _done: None)


def sent(line: Line) -> list[tuple[str, int]]:
    """What came on `replay`: source and sequence; 0 for a checkpoint."""
    found = []
    for each in line.broker.on("/replay"):
        if each.payload.startswith(b"{"):
            event = parse_event(each.payload)[0]
            found.append((event.source, event.sequence))
        else:
            assert each.content_type == "application/jose"
            found.append(("proof", 0))
    return found


@pytest.mark.parametrize("confirm", ["broker", "central"])
def test_what_is_carried_is_sent_under_its_own_source_and_proved(
    confirm: str, tmp_path: Path, signer: Signer, dead: Dead
) -> None:
    dead.give(tmp_path)
    line = Line(tmp_path, signer, confirm=confirm)  # type: ignore[arg-type]
    line.turn(40, each_s=0.1)
    assert sent(line) == [*(("gp-9", number) for number in range(1, 7)), ("proof", 0)]
    proof = line.broker.on("/replay")[-1].payload.decode()
    claims = verify(proof, CHECKPOINT, dead.authorities, None).payload
    told = parse_checkpoint(claims)
    assert (told.source, told.epoch, told.sequence) == ("gp-9", dead.epoch, 6)
    assert line.uplink.facts.carried == (0 if confirm == "broker" else 6)
    line.receipt((1, 6), source="gp-9", epoch=dead.epoch)
    line.turn(40, each_s=0.1)
    assert line.uplink.facts.carried == 0
    line.worker.close()
    line.broker.arrived.clear()
    line.uplink.carried = Carried(tmp_path)
    line.start()
    line.turn(40, each_s=0.1)
    assert sent(line) == []


def test_a_bundle_that_is_brought_while_the_station_runs_is_found(line: Line, dead: Dead) -> None:
    line.turn(40, each_s=0.1)
    dead.give(line.folder)
    line.turn(160, each_s=0.1)
    assert len(sent(line)) == 7


def test_what_is_carried_is_sent_again_where_a_session_was_lost(
    tmp_path: Path, signer: Signer, dead: Dead
) -> None:
    dead.give(tmp_path)
    line = Line(tmp_path, signer)
    line.broker.answers = False
    line.turn(3)
    assert 1 <= len(sent(line)) <= 2
    line.broker.answers, line.broker.connected = True, False
    line.turn()
    line.broker.arrived.clear()
    line.turn(100, each_s=0.1)
    assert sorted(sent(line))[:6] == [("gp-9", number) for number in range(1, 7)]
    assert sent(line)[-1] == ("proof", 0)


def test_what_is_carried_and_refused_waits_and_stops_nobody(
    tmp_path: Path, signer: Signer, dead: Dead, caplog: pytest.LogCaptureFixture
) -> None:
    dead.give(tmp_path)
    line = Line(tmp_path, signer)
    line.broker.refuses = "/replay"
    line.fill(5)
    line.turn(50, each_s=0.1)
    assert sorted(line.sequences()) == list(range(1, 7))
    assert len(sent(line)) <= 4
    line.broker.refuses = ""
    line.broker.arrived.clear()
    line.turn(100, each_s=1.0)
    assert len(sent(line)) == 7
    told = [each for each in caplog.records if "refuses what is carried" in each.message]
    assert len(told) == 1


def test_the_centre_may_ask_for_what_is_carried_with_its_proof(
    tmp_path: Path, signer: Signer, dead: Dead
) -> None:
    dead.give(tmp_path)
    line = Line(tmp_path, signer)
    line.turn(60, each_s=0.1)
    line.broker.arrived.clear()
    line.resend((2, 3), (6, 9), source="gp-9", epoch=dead.epoch)
    line.turn(30, each_s=0.1)
    assert sent(line) == [("gp-9", 2), ("gp-9", 3), ("gp-9", 6), ("proof", 0)]
    told = f"3 events sent again; not held: {dead.epoch}:7-9"
    assert line.answers()[-1] == ("r-1", "done", told)


def test_a_bundle_that_is_none_stops_nobody(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "carried").mkdir()
    (tmp_path / "carried" / "x.gatepost").write_bytes(b"\0" * 5000)
    line = Line(tmp_path, signer)
    line.fill(3)
    line.turn(20)
    assert sorted(line.sequences()) == [1, 2, 3, 4]


# --- answers


def answer(number: int) -> Message:
    return Message(TOPICS.response("identify"), b'{"id":"%d"}' % number)


def test_an_answer_that_is_lost_with_the_session_is_sent_again(line: Line) -> None:
    line.broker.answers = False
    line.asked.put(Answer(answer(1)))
    line.turn(2)
    line.broker.answers, line.broker.connected = True, False
    line.turn()
    line.clock.pass_(5)
    line.turn(5)
    assert len(line.broker.on("response/identify")) == 2


def test_an_answer_that_is_refused_is_dropped(line: Line) -> None:
    line.broker.refuses = "response/identify"
    line.asked.put(Answer(answer(1)))
    line.turn(5)
    line.clock.pass_(100)
    line.turn(5)
    assert len(line.broker.on("response/identify")) == 1


def test_answers_without_a_broker_are_kept_for_it_within_bounds(line: Line) -> None:
    line.broker.up = False
    for number in range(300):
        line.asked.put(Answer(answer(number)))
    line.turn(5)
    line.broker.up = True
    line.turn(600)
    told = [json.loads(each.payload)["id"] for each in line.broker.on("response/identify")]
    assert told == [str(number) for number in range(44, 300)]


def test_what_is_answered_at_the_very_end_is_said_before_the_farewell(line: Line) -> None:
    for number in range(20):
        line.asked.put(Answer(answer(number)))
    line.worker.close()
    assert len(line.broker.on("response/identify")) == 20
    assert b'"offline"' in line.broker.on("state")[-1].payload


# --- what comes in


def test_a_command_that_does_not_fit_in_is_dropped_and_no_session_is_given_up_for_it(
    tmp_path: Path, signer: Signer
) -> None:
    line = Line(tmp_path, signer)
    topic = TOPICS.command("receipt")
    line.broker.sends = [Message(topic, str(number).encode()) for number in range(6)]
    line.turn(3)
    assert len(line.heard()) == 4
    line.clock.pass_(61)
    line.turn(10)
    assert line.broker.connections == 1  # the centre says it again
    line.broker.sends = [Message(topic, b"again"), Message(RULES, b"rules")]
    line.turn(3)
    assert line.heard() == [b"again", b"rules"]


def _now() -> Stamp:
    return stamp(FakeClock(), BOOT)


def _forget(line: Line, first: int, last: int) -> None:
    """Retention let go of these."""
    with Spool(line.path) as spool:
        spool._database.execute("DELETE FROM event WHERE sequence BETWEEN ? AND ?", (first, last))
