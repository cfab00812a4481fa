"""Commands: whose word counts, done once, in bounds, recorded and answered."""

from __future__ import annotations

import json
import queue
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from desires import Source
from fakes import BOOT, FakeClock
from gatepost.asked import Answer, Asked, Receipt, Resend
from gatepost.commands import WAITING, Acts, Commands
from gatepost.desired import Desire, Held, Order
from gatepost.errors import DeviceError
from gatepost.model import AuditRecord, Message
from gatepost.signing import Signer
from gatepost.timekeeping import RELEASED_US
from gatepost.wire import COMMAND, Ranges, Topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics("site-1", "gp-1")
EPOCH = "e" * 32
OF = [{"source": "gp-1", "epoch": EPOCH, "ranges": [[1, 5], [9, 9]]}]
RANGES = (Ranges("gp-1", EPOCH, ((1, 5), (9, 9))),)
ASKING = frozenset({"resend", "receipt"})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


def at(clock: FakeClock, days: float = 0) -> str:
    moment = datetime.fromtimestamp(clock.wall_us() / 1_000_000, UTC) + timedelta(days=days)
    return moment.isoformat()


@dataclass
class Desk:
    """The worker with its queues, its acts and its card in our hands."""

    folder: Path
    source: Source
    confirmer: str = ""
    room: int = 64
    clock: FakeClock = field(default_factory=FakeClock)
    did: list[str] = field(default_factory=list)
    report: str = "all is well"
    trouble: DeviceError | None = None

    def __post_init__(self) -> None:
        self.received: queue.Queue[Message] = queue.Queue(WAITING)
        self.inbox: queue.Queue[Order] = queue.Queue(64)
        self.asked: queue.Queue[Asked] = queue.Queue(self.room)
        self.start()

    def start(self) -> None:
        """The worker, as after a restart."""
        self.worker = Commands(
            self.received,
            self.inbox,
            Held(self.folder / "desired", self.source.centre),
            TOPICS,
            self.clock,
            self.asked,
            Acts(lambda: self.did.append("identify"), self.selftest, self.restart),
            self.confirmer,
            self.folder,
            BOOT,
            pause=self.clock.pass_,
        ).run()
        next(self.worker)

    def selftest(self) -> str:
        self.did.append("selftest")
        if self.trouble is not None:
            raise self.trouble
        return self.report

    def restart(self) -> None:
        self.did.append("restart")

    def claims(self, name: str, identity: str = "c-1", **changes: Any) -> bytes:
        told: dict[str, Any] = {
            "type": COMMAND,
            "name": name,
            "id": identity,
            "issued": at(self.clock),
            "expires": at(self.clock, 0.01),
            "audience": ["gp-1"],
        }
        if name in ASKING:
            told["of"] = OF
        return json.dumps(told | changes).encode()

    def token(self, name: str, identity: str = "c-1", **changes: Any) -> bytes:
        return self.source.sign(self.claims(name, identity, **changes), COMMAND)

    def say(self, name: str, identity: str = "c-1", **changes: Any) -> list[AuditRecord]:
        """A command of the centre, and what is recorded of it."""
        return self.send(self.token(name, identity, **changes), name)

    def send(self, token: bytes, name: str) -> list[AuditRecord]:
        self.received.put_nowait(Message(TOPICS.command(name), token))
        return self.turn()

    def turn(self, *, kept: bool = True) -> list[AuditRecord]:
        """A whole turn, and deciding's part of it."""
        if self.received.empty():  # so that the worker need not wait for one
            self.received.put_nowait(Message("nothing", b""))
        for _ in range(2):
            next(self.worker)
        orders = [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]
        for order in orders:
            if order.then is not None:
                order.then(kept)
        return [order.audit for order in orders]

    def passed_on(self) -> list[Asked]:
        return [self.asked.get_nowait() for _ in range(self.asked.qsize())]

    def answers(self) -> list[tuple[str, str, str]]:
        """Topic, outcome and detail of what was said since the last look."""
        told = []
        for each in self.passed_on():
            if isinstance(each, Answer):
                said = json.loads(each.message.payload)
                told.append((each.message.topic, said["outcome"], said["detail"]))
        return told


@pytest.fixture
def desk(tmp_path: Path, source: Source) -> Iterator[Desk]:
    made = Desk(tmp_path, source)
    yield made
    made.worker.close()


# --- what is done


def test_identify_is_done_recorded_and_answered(desk: Desk) -> None:
    (audit,) = desk.say("identify")
    assert audit == AuditRecord("command-identify", "central", "done", "c-1: shown")
    assert desk.did == ["identify"]
    (answer,) = desk.passed_on()
    assert isinstance(answer, Answer)
    assert answer.message.topic == "gatepost/v1/site-1/gp-1/response/identify"
    said = json.loads(answer.message.payload)
    assert (said["id"], said["name"], said["boot_id"]) == ("c-1", "identify", BOOT)
    assert (said["source"], said["outcome"]) == ("gp-1", "done")
    assert not answer.message.retain


def test_a_selftest_is_answered_with_its_report_in_plain_letters(desk: Desk) -> None:
    desk.report = "broker:\x1b[31m ok\n" + "x" * 500
    desk.say("selftest")
    ((_, outcome, detail),) = desk.answers()
    assert outcome == "done"
    assert detail.startswith("broker:?[31m ok?xx")
    assert len(detail) == 200


def test_a_selftest_that_fails_is_answered_with_why(desk: Desk) -> None:
    desk.trouble = DeviceError("no camera")
    (audit,) = desk.say("selftest")
    assert (audit.outcome, audit.detail) == ("refused", "c-1: no camera")
    assert [each[1:] for each in desk.answers()] == [("refused", "no camera")]


def test_a_resend_goes_to_the_uplink_which_answers(desk: Desk) -> None:
    (audit,) = desk.say("resend", response_topic=f"{TOPICS.root}/response/here/1")
    assert audit == AuditRecord("command-resend", "central", "accepted", "c-1: 2 ranges")
    assert desk.passed_on() == [Resend(RANGES, "c-1", f"{TOPICS.root}/response/here/1")]
    assert desk.say("resend", response_topic=f"{TOPICS.root}/response/here/1") == []
    assert len(desk.passed_on()) == 1  # the uplink knows that it had it


def test_a_receipt_goes_to_the_uplink_unrecorded_and_unanswered(desk: Desk) -> None:
    assert desk.say("receipt") == []
    assert desk.passed_on() == [Receipt(RANGES)]


def test_a_restart_waits_for_its_record_and_says_so_first(desk: Desk) -> None:
    (audit,) = desk.say("restart")
    assert (audit.action, audit.outcome) == ("command-restart", "accepted")
    assert (desk.did, desk.answers()) == ([], [])
    desk.turn()
    assert desk.did == ["restart"]
    assert [each[1:] for each in desk.answers()] == [("done", "restarting")]


def test_a_restart_that_cannot_be_recorded_does_not_happen(desk: Desk) -> None:
    desk.received.put_nowait(Message(TOPICS.command("restart"), desk.token("restart")))
    desk.turn(kept=False)
    desk.turn()
    assert desk.did == []
    assert [each[1:] for each in desk.answers()] == [("refused", "it could not be recorded")]


def test_a_restart_of_which_nobody_says_that_it_was_recorded_is_given_up(desk: Desk) -> None:
    desk.received.put_nowait(Message(TOPICS.command("restart"), desk.token("restart")))
    for _ in range(2):
        next(desk.worker)
    (order,) = [desk.inbox.get_nowait()]
    desk.clock.pass_(11)
    desk.turn()
    assert order.then is not None
    order.then(True)  # too late
    desk.turn()
    assert desk.did == []
    assert [each[1] for each in desk.answers()] == ["refused"]


def test_only_one_restart_is_under_way(desk: Desk) -> None:
    desk.received.put_nowait(Message(TOPICS.command("restart"), desk.token("restart")))
    for _ in range(2):
        next(desk.worker)
    desk.received.put_nowait(Message(TOPICS.command("restart"), desk.token("restart", "c-2")))
    next(desk.worker)
    assert [each[1:] for each in desk.answers()] == [("refused", "a restart is under way")]


@pytest.mark.parametrize("name", ["renew", "dance"])
def test_what_is_not_supported_is_refused_by_name(name: str, desk: Desk) -> None:
    (audit,) = desk.say(name)
    assert (audit.action, audit.outcome) == (f"command-{name}", "refused")
    ((topic, outcome, detail),) = desk.answers()
    assert (topic, outcome) == (TOPICS.response(name), "refused")
    assert "this version" in detail


# --- once


@pytest.mark.parametrize("name", ["identify", "selftest"])
def test_the_same_id_again_is_answered_the_same_and_not_done_again(name: str, desk: Desk) -> None:
    token = desk.token(name)
    assert len(desk.send(token, name)) == 1
    desk.worker.close()
    desk.start()
    for _ in range(3):
        assert desk.send(token, name) == []
    assert desk.did == [name]
    told = desk.answers()
    assert told == [told[0]] * 4


def test_a_broker_that_keeps_a_restart_cannot_restart_a_station_for_ever(desk: Desk) -> None:
    token = desk.token("restart")
    desk.send(token, "restart")
    desk.turn()
    for _ in range(3):
        desk.worker.close()
        desk.start()
        desk.send(token, "restart")
        desk.turn()
    assert desk.did == ["restart"]
    assert [each[1:] for each in desk.answers()][1:] == [("done", "restarted")] * 3


def test_an_act_that_was_cut_short_is_not_done_again(desk: Desk) -> None:
    class CutError(BaseException):
        pass

    def cut() -> str:
        raise CutError

    desk.selftest = cut  # type: ignore[method-assign]
    desk.worker.close()
    desk.start()
    token = desk.token("selftest")
    with pytest.raises(CutError):
        desk.send(token, "selftest")
    desk.start()
    desk.send(token, "selftest")
    assert [each[1] for each in desk.answers()] == ["done"]
    assert (
        "not known any more" in json.loads((desk.folder / "commands.json").read_text())[0]["detail"]
    )


@pytest.mark.parametrize("name", ["identify", "resend"])
def test_an_id_is_not_used_for_something_else(name: str, desk: Desk) -> None:
    desk.say(name)
    desk.passed_on()
    (audit,) = desk.say(name, audience=["gp-1", "gp-2"])
    assert (audit.outcome, audit.detail) == ("refused", "its id was used for something else")
    assert [each[1] for each in desk.answers()] == ["refused"]
    assert len(desk.did) <= 1


def test_what_cannot_be_remembered_is_not_done(desk: Desk) -> None:
    (desk.folder / "commands.json.new").mkdir()  # as on a card that cannot be written
    (audit,) = desk.say("restart")
    assert audit.outcome == "refused"
    assert "cannot be kept" in audit.detail
    desk.turn()
    assert desk.did == []


@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"[1]", b'[{"id":1}]', b"[" * 9999])
def test_a_damaged_memory_is_told_and_begun_anew(
    content: bytes, tmp_path: Path, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "commands.json").write_bytes(content)
    desk = Desk(tmp_path, source)
    assert len(desk.say("identify")) == 1
    assert [each.levelname for each in caplog.records].count("ERROR") == 1
    desk.worker.close()
    desk.start()
    assert desk.say("identify") == []  # and now it is known again
    desk.worker.close()


def test_what_expired_is_forgotten_so_that_there_is_always_room(desk: Desk) -> None:
    for number in range(60):
        desk.say("identify", f"c-{number}")
        desk.passed_on()
        desk.clock.pass_(600)
    kept = json.loads((desk.folder / "commands.json").read_text())
    assert len(kept) <= 9  # a quarter of an hour, and one hour more
    assert len(desk.did) == 60


# --- whose word


def test_what_is_no_command_at_all_is_recorded_and_not_answered(desk: Desk) -> None:
    for number, token in enumerate(
        [
            b"garbage",
            b"\xff" * 100,
            b"a.b.c",
            b"{}",
            b"x" * 1_000_000,
            desk.source.token(Desire.RULES),  # another typ
            desk.token("identify")[:-9] + b"AAAAAAAAA",
            desk.source.sign(b"no JSON", COMMAND),
            desk.source.sign(b"[]", COMMAND),
            desk.source.sign(desk.claims("identify", nonsense=1), COMMAND),
            desk.token("resend", of=[OF[0]] * 257),
            desk.token("resend", of=[{**OF[0], "ranges": [[1, 1]] * 1001}]),
            desk.token("resend", of=[{**OF[0], "ranges": [[5, 1]]}]),
            desk.token("resend", of=[{**OF[0], "ranges": [[0, 1]]}]),
            desk.token("identify", id="../x"),
        ]
    ):
        (audit,) = desk.send(token, "identify")
        assert audit.outcome == "refused", number
        assert audit.detail.isprintable()
        assert len(audit.detail) <= 200
    assert (desk.did, desk.passed_on()) == ([], [])


@pytest.mark.parametrize("name", ["restart", "receipt"])
def test_a_station_s_certificate_commands_nobody(name: str, desk: Desk) -> None:
    files = desk.source.files
    own = Signer(files.station_certificate, files.station_key)
    (audit,) = desk.send(desk.source.sign(desk.claims(name), COMMAND, own), name)
    assert audit == AuditRecord(
        f"command-{name}", "gp-1", "refused", "signed by this station itself"
    )
    assert (desk.did, desk.passed_on()) == ([], [])


def test_another_authority_s_centre_commands_nobody(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Source.make(tmp_path_factory.mktemp("stranger"))
    (audit,) = desk.send(stranger.sign(desk.claims("restart"), COMMAND), "restart")
    assert (audit.actor, audit.outcome) == ("unknown", "refused")
    assert desk.passed_on() == []


def test_only_the_confirmer_signs_receipts_and_nothing_else(tmp_path: Path, source: Source) -> None:
    desk = Desk(tmp_path, source, confirmer="gp-9")
    (audit,) = desk.say("receipt")
    assert (audit.actor, audit.outcome) == ("central", "refused")
    assert desk.passed_on() == []
    desk.worker.close()
    desk = Desk(tmp_path, source, confirmer="central")
    assert desk.say("receipt") == []
    assert desk.passed_on() == [Receipt(RANGES)]
    desk.worker.close()


# --- for whom, and until when


@pytest.mark.parametrize("audience", [["gp-1"], ["site-1"], ["*"], ["gp-7", "site-1"]])
def test_it_is_for_the_station_its_site_or_everybody(audience: list[str], desk: Desk) -> None:
    desk.say("identify", audience=audience)
    assert desk.did == ["identify"]


def refused(desk: Desk, name: str = "identify", **changes: Any) -> str:
    """Why the centre's own command is refused; it is recorded and answered."""
    (audit,) = desk.say(name, **changes)
    ((topic, outcome, detail),) = desk.answers()
    assert (audit.actor, audit.outcome, audit.detail) == ("central", "refused", detail)
    assert (topic, outcome) == (TOPICS.response(name), "refused")
    assert desk.did == []
    return detail


def test_what_is_for_others_is_refused(desk: Desk) -> None:
    assert refused(desk, audience=["gp-2", "site-2"]).startswith("its audience has neither")


def test_what_is_on_another_s_topic_is_refused(desk: Desk) -> None:
    (audit,) = desk.send(desk.token("restart"), "identify")
    assert audit.detail == "is a restart, on the topic of identify"


@pytest.mark.parametrize(
    ("issued", "expires", "why"),
    [
        (-1, 0, "expired"),
        (-1, -0.5, "expired"),
        (1.1, 2, "issued in the future"),
        (-1, 6.1, "valid for more than 7 days"),
        (0, 400, "valid for more than 7 days"),
    ],
)
def test_it_holds_for_its_time(issued: float, expires: float, why: str, desk: Desk) -> None:
    times = {"issued": at(desk.clock, issued), "expires": at(desk.clock, expires)}
    assert refused(desk, **times) == why


def test_a_clock_that_is_a_little_off_is_no_objection(desk: Desk) -> None:
    desk.say("identify", issued=at(desk.clock, 0.9), expires=at(desk.clock, 7.8))
    assert desk.did == ["identify"]


def test_while_nobody_knows_the_time_only_what_ended_before_the_floor_is_refused(
    desk: Desk,
) -> None:
    desk.clock.bound = None
    desk.clock.wall = 0  # 1970: a Pi that has just started
    floor = FakeClock(now=0, wall=RELEASED_US)
    assert refused(desk, issued=at(floor, -2), expires=at(floor, -0.001)) == "expired"
    desk.say("identify", "c-2", issued=at(floor, -2), expires=at(floor, 0.001))
    desk.say("identify", "c-3", issued=at(floor, 900), expires=at(floor, 901))  # why not
    assert desk.did == ["identify"] * 2


@pytest.mark.parametrize(
    "topic",
    [
        "gatepost/v1/site-1/gp-2/response/identify",
        "gatepost/v1/site-1/gp-1/event/scan",
        "gatepost/v1/site-1/gp-1/response",
        "gatepost/v1/site-1/gp-1/response/",
        "gatepost/v1/site-1/gp-1/response//x",
        "gatepost/v1/site-1/gp-1/response/x/",
        "gatepost/v1/site-1/gp-1/response/../event",
        "gatepost/v1/site-1/gp-1/response/+",
        "gatepost/v1/site-1/gp-1/response/#",
        "gatepost/v1/site-1/gp-1/response/a+b",
        "gatepost/v1/site-1/gp-1/response/$SYS",
        "gatepost/v1/site-1/gp-1/response/\u0111",
        "$SYS/x",
        "/gatepost/v1/site-1/gp-1/response/x",
        "gatepost/v1/site-1/gp-10/response/x",
    ],
)
def test_answers_stay_in_the_station_s_own_tree(topic: str, desk: Desk) -> None:
    assert refused(desk, response_topic=topic).startswith("response_topic: is not below")


# --- in bounds


def test_a_flood_of_good_commands_is_bounded_by_name(desk: Desk) -> None:
    for number in range(30):
        desk.say("identify", f"c-{number}")
    assert 10 <= len(desk.did) <= 12
    outcomes = [each[1:] for each in desk.answers()]
    assert outcomes.count(("refused", "too many at once: later again")) == 30 - len(desk.did)
    desk.say("selftest", "s-1")
    assert desk.did[-1] == "selftest"
    desk.clock.pass_(60)
    desk.say("identify", "c-99")
    assert desk.did[-1] == "identify"


def test_a_flood_of_refused_ones_fills_neither_card_nor_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    began = desk.clock.now
    audits = [each for number in range(200) for each in desk.send(b"%d" % number, "restart")]
    assert len(audits) == 20
    assert len(caplog.records) == 21
    assert desk.clock.now >= began + 200 * 0.2  # and it was slowed down
    assert desk.passed_on() == []


def test_resends_are_recorded_within_bounds(desk: Desk) -> None:
    audits, asked = [], []
    for number in range(100):
        audits += desk.say("resend", f"r-{number}")
        asked += desk.passed_on()
        desk.clock.pass_(1)
    assert (len(audits), len(asked)) == (60, 100)


def test_an_uplink_that_is_busy_makes_nobody_wait(tmp_path: Path, source: Source) -> None:
    desk = Desk(tmp_path, source, room=1)
    desk.say("receipt")
    desk.say("receipt")
    (audit,) = desk.say("identify")
    assert audit.outcome == "done"
    assert len(desk.passed_on()) == 1
    desk.worker.close()


def test_an_empty_one_and_one_for_others_is_nothing(desk: Desk) -> None:
    assert desk.send(b"", "restart") == []
    token = desk.token("restart")
    desk.received.put_nowait(Message("gatepost/v1/site-1/gp-2/command/restart", token))
    assert desk.turn() == []
    desk.turn()
    assert (desk.did, desk.passed_on()) == ([], [])
