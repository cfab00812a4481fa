import base64
import json
import logging
import queue
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OKPKey

from fakes import BOOT, FakeClock
from gatepost.conditions import Conditions
from gatepost.daybook import Daybook
from gatepost.deciding import Deciding
from gatepost.desired import Desire, Desired, Order
from gatepost.errors import SpoolError
from gatepost.gate import Gate
from gatepost.model import (
    AuditRecord,
    ClockRecord,
    Cue,
    CueKind,
    Direction,
    Draft,
    Event,
    FaultRecord,
    Kind,
    Reason,
    Scan,
    ScanRecord,
    Trust,
)
from gatepost.rules import DEFAULT, Rules
from gatepost.sealing import REGISTRY, Sealer
from gatepost.spool import Limits, Spool, prepare
from gatepost.timekeeping import Floor, TimeWatch, stamp
from gatepost.trust import NOTHING, TrustList
from gatepost.wire import decode_body, event_message, parse_event

KEY = OKPKey.generate_key("X25519", {"kid": "central-1"})
TEXT = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|"


class Office:
    """The deciding worker with a real spool and a list of cues."""

    def __init__(self, folder: Path, *, sealed: bool = True) -> None:
        self.clock = FakeClock()
        self.cues: list[Cue] = []
        self.on_cue: list[int] = []
        self.path = prepare(folder, "gp-1", "site-1", stamp(self.clock, BOOT), allow_volatile=True)
        self.scans: queue.Queue[Scan] = queue.Queue()
        public = OKPKey.import_key(KEY.as_dict(private=False))
        daybook = Daybook(folder)
        self.deciding = Deciding(
            scans=self.scans,
            cue=self.take,
            conditions=Conditions(self.take),
            gate=Gate(DEFAULT, "site-1", daybook.read()),
            daybook=daybook,
            trusted=NOTHING,
            sealer=Sealer(public) if sealed else None,
            spool_path=self.path,
            clock=self.clock,
            boot_id=BOOT,
        )

    def take(self, cue: Cue) -> None:
        self.cues.append(cue)
        with Spool(self.path) as spool:  # what another process would find on the card now
            self.on_cue.append(spool.head().sequence)

    def show(self, text: str, data: bytes | None = None) -> None:
        self.clock.pass_(20)
        raw = text.encode() if data is None else data
        self.scans.put(Scan(raw, text, "qr", "door", Direction.AUTO, self.clock.now - 0.01))
        worker = self.deciding.run()
        for _ in range(2):
            next(worker)
        worker.close()

    def events(self) -> list[Event]:
        with Spool(self.path) as spool:
            spool.verify()
            return [decode_body(kept.body) for kept in spool.range(2, 1000)]


def opened(event: Event) -> dict[str, object]:
    assert isinstance(event.record, ScanRecord)
    return json.loads(jwe.decrypt_compact(event.record.sealed, KEY, registry=REGISTRY).plaintext)  # type: ignore[arg-type, no-any-return]


def test_green_only_after_the_event_is_on_the_card(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    assert [cue.kind for cue in office.cues] == [CueKind.PENDING, CueKind.ACCEPTED]
    assert office.on_cue == [1, 2]


def test_the_event_tells_when_it_was_taken_and_seals_who(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    (event,) = office.events()
    assert event.stamp.boot_us == 1_019_990_000
    assert event.stamp.wall_us == office.clock.wall_us() - 10_000
    told = opened(event)
    assert base64.urlsafe_b64decode(str(told["data"]) + "==") == TEXT.encode()
    assert told["basis"] == "qid"
    assert told["identity"] == "QID7f31a2"
    assert "text" not in told


def test_nothing_of_the_code_is_on_the_card_in_the_clear(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for secret in (b"509123", b"NGUYEN", b"QID7f31a2"):
            assert secret not in content


def test_plain_text_only_where_it_was_asked_for(tmp_path: Path) -> None:
    office = Office(tmp_path, sealed=False)
    office.show(TEXT)
    record = office.events()[0].record
    assert isinstance(record, ScanRecord)
    assert record.sealed == ""
    assert json.loads(record.plain)["identity"] == "QID7f31a2"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("\x00\x07\x1b[31mred\x1b[0m\r\n", None),
        ("9" * 7089, None),
        ("\ufffd\ufffd", b"\xff\xfe\x80"),
        ("\u202emoc.live\u2066 \u200f", None),
        ("{{{{\"'$(reboot)|||||", None),
        ("😀" * 100, None),
    ],
)
def test_hostile_texts_are_kept_whole_and_reach_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, data: bytes | None
) -> None:
    caplog.set_level(logging.DEBUG)
    office = Office(tmp_path)
    office.show(text, data)
    (event,) = office.events()
    told = opened(event)
    raw = base64.urlsafe_b64decode(str(told["data"]) + "===")
    assert raw == (text.encode() if data is None else data)
    for record in caplog.records:
        line = record.getMessage() + str(getattr(record, "fields", ""))
        assert text[:8] not in line
        assert line.isprintable()
    assert office.cues[-1].kind is CueKind.NOT_UNDERSTOOD
    assert office.cues[-1].initials == ""


def test_what_was_taken_before_the_stop_is_still_recorded(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for number in range(5):
        office.scans.put(Scan(b"x", f"x{number}", "qr", "door", Direction.IN, 1000.0))
    worker = office.deciding.run()
    next(worker)
    worker.close()
    assert len(office.events()) == 5


def test_a_full_card_turns_the_light_red_and_frees_itself(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with Spool(office.path) as spool:
        spool.fold()
        office.cues.clear()
        pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
        spool._database.execute(f"PRAGMA max_page_count = {pages}")
        shown = Scan(TEXT.encode() * 50, TEXT * 50, "qr", "door", Direction.IN, 1000.0)
        while office.cues[-1:] == [] or office.cues[-1].kind is not CueKind.TROUBLE:
            office.deciding.take(shown, spool)
        newest = spool.head().sequence
        assert office.cues[-1].detail == "station full"
        spool._database.execute("PRAGMA max_page_count = 100000")
        office.deciding.take(shown, spool)
        assert spool.head().sequence == newest + 1
        assert office.cues[-1].kind is CueKind.READY  # the trouble is over
        assert spool.verify() == newest + 1


def last(office: Office) -> ScanRecord:
    record = office.events()[-1].record
    assert isinstance(record, ScanRecord)
    return record


def test_who_is_inside_goes_out_also_after_a_restart(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    assert last(office).direction is Direction.IN
    again = Office(tmp_path)
    again.clock.now = office.clock.now
    again.show(TEXT)
    assert last(again).direction is Direction.OUT


@pytest.mark.parametrize(("only_way", "told"), [(None, "memory"), (Direction.IN, "")])
def test_a_direction_of_the_rules_is_no_guess(
    tmp_path: Path, only_way: Direction | None, told: str
) -> None:
    office = Office(tmp_path)
    office.deciding.gate.rules = Rules(only_way=only_way)
    office.show(TEXT)
    assert (last(office).direction, last(office).direction_from) == (Direction.IN, told)


def test_the_memory_on_the_card_names_nobody_and_is_readable_to_us_alone(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    content = (tmp_path / "day").read_bytes()
    assert len(content) > 100
    assert b"QID" not in content
    assert (tmp_path / "day").stat().st_mode & 0o077 == 0


def test_a_memory_that_cannot_be_kept_is_told_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "in the way").touch()
    office = Office(tmp_path)
    office.show(TEXT)
    assert last(office).reason == "recorded"
    assert "memory" in office.deciding.conditions.all()


def desired(kind: Desire, content: Rules | TrustList) -> Order:
    audit = AuditRecord(f"apply-{kind.value}", "central", "applied", "version 2")
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Order(audit, Desired(kind, 2, at, "central", content, b"token"))


def test_new_rules_hold_from_the_next_scan_on_and_are_recorded(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deciding.orders.put(desired(Desire.RULES, Rules(accept=frozenset({Kind.CCCD}))))
    office.show(TEXT)
    audit, scan = (event.record for event in office.events())
    assert audit == AuditRecord("apply-rules", "central", "applied", "version 2")
    assert isinstance(scan, ScanRecord)
    assert scan.reason == Reason.KIND_NOT_ACCEPTED
    assert office.cues[-1].reason is Reason.KIND_NOT_ACCEPTED


def test_what_the_centre_desired_is_recorded_also_while_stopping(tmp_path: Path) -> None:
    office = Office(tmp_path)
    worker = office.deciding.run()
    next(worker)
    for _ in range(3):
        office.deciding.orders.put(desired(Desire.RULES, DEFAULT))
    worker.close()
    assert [type(event.record) for event in office.events()] == [AuditRecord] * 3


def test_each_order_is_a_heartbeat(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for _ in range(3):
        office.deciding.orders.put(desired(Desire.RULES, DEFAULT))
    worker = office.deciding.run()
    next(worker)
    for recorded in range(1, 4):
        next(worker)
        assert len(office.events()) == recorded
    worker.close()


def test_what_was_refused_is_recorded_and_changes_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deciding.orders.put(Order(AuditRecord("apply-rules", "unknown", "refused", "why")))
    office.show(TEXT)
    assert [type(event.record) for event in office.events()] == [AuditRecord, ScanRecord]
    assert last(office).reason == Reason.RECORDED


def test_it_seals_to_the_newest_key_of_the_trust_list(tmp_path: Path) -> None:
    office = Office(tmp_path)
    newer = OKPKey.generate_key("X25519", {"kid": "central-2"})
    public = OKPKey.import_key(newer.as_dict(private=False))
    trusted = TrustList(version=2, central=(public, OKPKey.import_key(KEY.as_dict(private=False))))
    office.deciding.orders.put(desired(Desire.TRUST, trusted))
    office.show(TEXT)
    assert jwe.decrypt_compact(last(office).sealed, newer, registry=REGISTRY).plaintext
    office.deciding.orders.put(desired(Desire.TRUST, NOTHING))  # none in it: the configured one
    office.show(TEXT)
    assert jwe.decrypt_compact(last(office).sealed, KEY, registry=REGISTRY).plaintext


def test_plain_text_stays_plain_whatever_keys_the_centre_sends(tmp_path: Path) -> None:
    office = Office(tmp_path, sealed=False)
    public = OKPKey.import_key(KEY.as_dict(private=False))
    office.deciding.orders.put(desired(Desire.TRUST, TrustList(version=2, central=(public,))))
    office.show(TEXT)
    assert last(office).plain


def test_the_event_tells_what_is_known_of_the_signature(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show("HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH-R6IOOK")
    record = last(office)
    assert (record.kind, record.trust, record.verdict.value) == ("dcc", Trust.INVALID, "refused")
    assert office.cues[-1].initials == ""


def test_an_event_message_parses_back(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    with Spool(office.path) as spool:
        for kept in spool.range(1, 2):
            message = event_message(kept.body, kept.sequence)
            assert parse_event(message.payload) == (decode_body(kept.body), kept.body)


def records(path: Path) -> list[object]:
    with Spool(path) as spool:
        spool.verify()
        return [decode_body(kept.body).record for kept in spool.range(2, 1000)]


def turned(office: Office, turns: int = 1, seconds: float = 2.0) -> None:
    """The worker, for some turns, stopped cleanly."""
    worker = office.deciding.run()
    next(worker)
    for _ in range(turns):
        office.clock.pass_(seconds)
        next(worker)
    worker.close()


def test_when_time_comes_an_event_says_so_once_a_boot_also_over_a_restart(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.clock.bound = None
    office.deciding.times = TimeWatch(BOOT, Floor(0))
    turned(office, 2)
    assert records(office.path) == []
    office.clock.bound = 700
    turned(office, 3)
    assert records(office.path) == [ClockRecord(office.clock.wall, 700)]
    office.deciding.times = TimeWatch(BOOT, Floor(0))
    turned(office, 3)
    assert len(records(office.path)) == 1
    office.deciding.times = TimeWatch("c" * 32, Floor(0))
    office.deciding.boot_id = "c" * 32
    turned(office, 2)
    assert len(records(office.path)) == 2


def test_the_floor_outlives_a_boot_without_time(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.clock.wall += 86_400_000_000
    office.deciding.times = TimeWatch(BOOT, Floor(0))
    turned(office, 2)
    known = office.deciding.times.floor.at_us
    office.clock.bound, office.clock.wall = None, 0
    office.deciding.times = TimeWatch("c" * 32, Floor(0))
    turned(office)
    assert known - 600_000_000 <= office.deciding.times.floor.at_us <= known


@pytest.mark.parametrize("step_s", [-365 * 86_400, 365 * 86_400, 1])
def test_a_step_of_the_clock_between_frame_and_decision_costs_no_event_and_no_order(
    tmp_path: Path, step_s: int
) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    office.clock.wall += step_s * 1_000_000
    office.show("******509124|TRAN THI B|1990-**-**|0|QID7f31a3|")
    first, second = office.events()
    assert second.stamp.boot_us > first.stamp.boot_us
    assert [cue.kind for cue in office.cues if cue.kind is not CueKind.PENDING] == [
        CueKind.ACCEPTED,
        CueKind.ACCEPTED,
    ]


def test_what_is_delivered_and_old_is_let_go_while_nobody_stands_there(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with Spool(office.path) as spool:
        for _ in range(1200):
            spool.append(Draft(FaultRecord("x", "failed", "y"), stamp(office.clock, BOOT)))
        spool.delivered([(1, 1150)])
    office.deciding.limits = Limits(keep_days=1, most_bytes=0, spare_bytes=0)
    office.clock.wall += 2 * 86_400_000_000
    turned(office, 3)
    with Spool(office.path) as spool:
        held = [kept.sequence for kept in spool.range(1, 5000)]
        assert spool.verify() == len(held)
    assert held == list(range(202, 1202))


def test_a_card_without_room_is_answered_in_red_and_nothing_is_lost(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    with Spool(office.path) as spool:
        taken = spool.head().sequence
    office.deciding.limits = Limits(keep_days=1, most_bytes=1, spare_bytes=0)
    office.show("******509124|TRAN THI B|1990-**-**|0|QID7f31a3|")
    assert office.cues[-1].kind is CueKind.TROUBLE
    assert office.deciding.conditions.all() == {"spool": "station full"}
    office.deciding.limits = Limits.NONE
    office.show("******509124|TRAN THI B|1990-**-**|0|QID7f31a3|")
    assert office.deciding.conditions.all() == {}
    with Spool(office.path) as spool:
        assert spool.head().sequence == spool.verify() == taken + 1


def test_trouble_with_room_is_over_with_the_first_record_that_is_kept(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deciding.limits = Limits(keep_days=1, most_bytes=1, spare_bytes=0)
    order = Order(AuditRecord("test", "centre", "applied", "x"))
    office.deciding.orders.put(order)
    turned(office, 3)
    assert office.deciding.conditions.all() == {"spool": "station full"}
    office.deciding.limits = Limits.NONE
    office.deciding.orders.put(order)
    turned(office, 3)
    assert office.deciding.conditions.all() == {}  # else red keeps away who would end it


def test_the_visitor_by_whom_a_broken_card_is_found_is_refused_in_red(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with sqlite3.connect(office.path) as database:
        database.execute(
            "CREATE TRIGGER no BEFORE INSERT ON event BEGIN SELECT raise(fail, ''); END"
        )
    with pytest.raises(SpoolError):
        office.show(TEXT)
    assert office.cues[-1].kind is CueKind.TROUBLE
    assert office.cues[-1].reader == "door"
    assert office.deciding.conditions.all() == {"spool": "card fails"}
