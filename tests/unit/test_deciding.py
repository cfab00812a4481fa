import base64
import json
import logging
import queue
from datetime import time
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OKPKey

from fakes import BOOT, FakeClock
from gatepost.conditions import Conditions
from gatepost.deciding import Day, Deciding
from gatepost.gate import Gate, Rules
from gatepost.model import Cue, CueKind, Direction, Event, Scan, ScanRecord
from gatepost.sealing import REGISTRY, Sealer
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp
from gatepost.wire import decode_body, event_message, parse_event

KEY = OKPKey.generate_key("X25519", {"kid": "central-1"})
TEXT = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|"


class Office:
    """The deciding worker with a real spool and a list of cues."""

    def __init__(self, folder: Path, *, sealed: bool = True) -> None:
        self.clock = FakeClock()
        self.cues: list[Cue] = []
        self.on_cue: list[int] = []
        self.path = prepare(folder, "gp-1", "site-1", stamp(self.clock, BOOT))
        self.scans: queue.Queue[Scan] = queue.Queue()
        public = OKPKey.import_key(KEY.as_dict(private=False))
        self.deciding = Deciding(
            scans=self.scans,
            cue=self.take,
            conditions=Conditions(self.take),
            gate=Gate(Rules(frozenset({"pc-covid"}), 10)),
            sealer=Sealer(public) if sealed else None,
            spool_path=self.path,
            clock=self.clock,
            boot_id=BOOT,
            day=Day(time(4)),
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


def test_a_day_ends_at_its_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    __import__("time").tzset()
    day, four = Day(time(4)), 1_790_049_600_000_000  # 2026-09-22T04:00Z
    assert day.number(four - 1) == day.number(four) - 1
    assert day.number(four) == day.number(four + 86_399_999_999)


def test_an_event_message_parses_back(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.show(TEXT)
    with Spool(office.path) as spool:
        for kept in spool.range(1, 2):
            message = event_message(kept.body, kept.sequence)
            assert parse_event(message.payload) == (decode_body(kept.body), kept.body)
