import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from desires import Source
from fakes import FakeClock
from gatepost.commands import WAITING, Commands
from gatepost.desired import Desire, Held, Order
from gatepost.model import AuditRecord, Message
from gatepost.wire import Topics

RULES, TRUST = Desire.RULES, Desire.TRUST
TOPICS = Topics("site-1", "gp-1")
OWN = {RULES: "gatepost/v1/site-1/gp-1/desired/rules", TRUST: TOPICS.desired[1]}
ALL = {RULES: "gatepost/v1/site-1/_all/desired/rules", TRUST: TOPICS.desired[3]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


@dataclass
class Desk:
    """The worker over a real card, its queues in our hands."""

    folder: Path
    source: Source
    room: int = WAITING
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.received: queue.Queue[Message] = queue.Queue(WAITING)
        self.inbox: queue.Queue[Order] = queue.Queue(self.room)
        self.held = Held(self.folder / "desired", self.source.centre)
        self.held.look()
        self.commands = Commands(
            self.received, self.inbox, self.held, TOPICS, self.clock, pause=self.clock.pass_
        )
        self.worker = self.commands.run()
        next(self.worker)

    def say(self, token: bytes, topic: str = OWN[RULES]) -> list[Order]:
        """A message, and what comes of it."""
        self.received.put_nowait(Message(topic, token, retain=True))
        return self.turn()

    def turn(self) -> list[Order]:
        """One whole turn: its two heartbeats."""
        if self.received.empty():  # so that the worker need not wait for one
            self.received.put_nowait(Message("nothing", b""))
        for _ in range(2):
            next(self.worker)
        return [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]


@pytest.fixture
def desk(tmp_path: Path, source: Source) -> Iterator[Desk]:
    made = Desk(tmp_path, source)
    yield made
    made.worker.close()


@pytest.mark.parametrize("kind", list(Desire))
@pytest.mark.parametrize("topics", [OWN, ALL])
def test_what_the_centre_sends_is_kept_recorded_and_handed_over(
    kind: Desire, topics: dict[Desire, str], desk: Desk, source: Source
) -> None:
    (order,) = desk.say(source.token(kind, 3), topics[kind])
    told = "version 3, signed by central"
    assert order.audit == AuditRecord(f"apply-{kind.value}", "central", "applied", told)
    assert order.desired == desk.held.now(kind)
    assert desk.held.path(kind).exists()
    assert desk.say(source.token(kind, 4), topics[kind])[0].desired is not None


def test_what_is_held_already_is_no_news_at_each_connect(desk: Desk, source: Source) -> None:
    token = source.token(RULES)
    assert len(desk.say(token)) == 1
    assert desk.say(token) == desk.say(token, ALL[RULES]) == []


def test_a_refusal_is_recorded_once_with_the_signer_where_he_is_known(
    desk: Desk, source: Source
) -> None:
    (order,) = desk.say(source.station_signs(RULES))
    why = "signed by this station itself"
    assert order == Order(AuditRecord("apply-rules", "gp-1", "refused", why))
    token = source.token(RULES, audience=["site-2"])
    assert [each.audit.actor for each in desk.say(token)] == ["central"]
    assert desk.say(token) == desk.say(token + b"\n") == []
    (order,) = desk.say(b"garbage")
    assert (order.audit.actor, order.desired) == ("unknown", None)
    assert desk.held.now(RULES) is None


def test_the_last_good_one_stays(desk: Desk, source: Source) -> None:
    desk.say(source.token(RULES, 3))
    (order,) = desk.say(source.token(RULES, 4, rules="[gate]\nnonsense = 1\n"))
    assert order.audit.outcome == "refused"
    assert "nonsense" in order.audit.detail
    assert desk.held.version(RULES) == 3


def test_a_hostile_broker_fills_neither_card_nor_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    orders = [each for number in range(300) for each in desk.say(b"%d" % number)]
    assert len(orders) == 20
    assert len(caplog.records) == 21
    assert "not all are told" in caplog.records[-1].message
    assert desk.clock.now >= 1000 + 300 * 0.2  # and it was slowed down
    desk.clock.pass_(3600)
    assert len(desk.say(b"another")) == 1


def test_what_is_told_is_one_short_line_of_plain_letters(desk: Desk, source: Source) -> None:
    bad = "[gate]\n" + "".join(f'"\\u001b[31m{number}\\n" = 1\n' for number in range(99))
    (order,) = desk.say(source.token(RULES, rules=bad))
    assert len(order.audit.detail) <= 200
    assert order.audit.detail.isascii()
    assert order.audit.detail.isprintable()


@pytest.mark.parametrize(
    "message",
    [
        Message(OWN[RULES], b""),
        Message("gatepost/v1/site-1/gp-2/desired/rules", b"x"),
        Message("gatepost/v1/site-1/gp-1/desired/config", b"x"),
    ],
)
def test_what_is_empty_or_for_others_is_nothing(message: Message, desk: Desk) -> None:
    assert desk.say(message.payload, message.topic) == []


def test_what_another_process_wrote_is_taken_within_a_second(desk: Desk, source: Source) -> None:
    desk.turn()
    other = Held(desk.folder / "desired", source.centre)
    other.take(source.token(TRUST, 6), TRUST, desk.held.when(desk.clock))
    assert desk.turn() == []
    desk.clock.pass_(1)
    (order,) = desk.turn()
    told = "version 6, signed by central"
    assert order.audit == AuditRecord("apply-trust", "local", "applied", told)
    assert order.desired is not None
    assert order.desired.version == 6
    desk.clock.pass_(1)
    assert desk.turn() == []


def test_what_was_held_at_the_start_is_no_news(tmp_path: Path, source: Source) -> None:
    first = Desk(tmp_path, source)
    first.say(source.token(RULES, 3))
    first.worker.close()
    again = Desk(tmp_path, source)
    assert again.turn() == []
    assert again.held.version(RULES) == 3
    again.worker.close()


def test_a_damaged_file_is_told_once_and_replaced_by_the_next_good_one(
    tmp_path: Path, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "rules.jws").write_bytes(source.token(RULES, 3)[:99])
    desk = Desk(tmp_path, source)
    for _ in range(3):
        assert desk.turn() == []
        desk.clock.pass_(1)
    assert [each.message for each in caplog.records] == ["what is held is not believed"]
    assert len(desk.say(source.token(RULES, 2))) == 1
    desk.worker.close()


def test_what_cannot_be_kept_is_tried_again(
    tmp_path: Path, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "desired").touch()  # a card on which nothing can be written stands so
    desk = Desk(tmp_path, source)
    (order,) = desk.say(source.token(RULES, 3))
    assert order.audit.outcome == "refused"
    assert "cannot be kept" in order.audit.detail
    desk.clock.pass_(31)
    assert desk.turn() == []
    (tmp_path / "desired").unlink()
    desk.clock.pass_(31)
    (order,) = desk.turn()
    assert order.audit.outcome == "applied"
    told = [each.message for each in caplog.records]
    assert told.count("desired state refused") == told.count("desired state taken") + 1 == 1
    desk.worker.close()


def test_a_full_inbox_is_waited_for_heart_beating(tmp_path: Path, source: Source) -> None:
    desk = Desk(tmp_path, source, room=1)
    desk.inbox.put_nowait(Order(AuditRecord("a", "b", "c", "d")))
    desk.received.put_nowait(Message(OWN[RULES], source.token(RULES)))
    for _ in range(4):
        next(desk.worker)
    assert desk.inbox.get_nowait().desired is None
    next(desk.worker)
    order = desk.inbox.get_nowait()
    assert order.desired is not None
    desk.worker.close()
