from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from jsonschema import Draft202012Validator

from gatepost import wire
from gatepost.errors import ContractError, DeviceAbsent
from gatepost.model import (
    CueKind,
    Direction,
    Event,
    Kind,
    Read,
    Reason,
    Scan,
    ScanRecord,
    Stamp,
    Trust,
    Verdict,
)
from gatepost.presentations import TextReader
from gatepost.rules import EVERYTHING, AntiPassback
from unit.test_deciding import TEXT, Office, opened

if TYPE_CHECKING:
    from types import TracebackType

CONTRACT = Path(wire.__file__).parents[1] / "contract"
STAMP = Stamp("0" * 32, 1, 1, synchronised=True, bound_us=1)


class Texts:
    """A TextSource of what is to come."""

    def __init__(self, *reads: Read | None) -> None:
        self.reads = list(reads)
        self.dropped = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def next_text(self, _wait_s: float) -> Read | None:
        self.dropped += 1
        if not self.reads:
            raise DeviceAbsent("gone")
        return self.reads.pop(0)


def read(text: str, taken: float, *, lossy: bool = False) -> Read:
    return Read(text.encode(), text, taken, lossy)


def scans(reader: TextReader, count: int) -> list[tuple[str, bool]]:
    found = [reader.next_scan(0) for _ in range(count)]
    return [(scan.text, scan.lossy) for scan in found if scan]


def test_a_lossy_read_is_a_lossy_scan_and_is_counted() -> None:
    source = Texts(read("a", 1.0, lossy=True), read("b", 2.0), None)
    reader = TextReader("gun", Direction.IN, source, repeat_s=3.0)
    assert scans(reader, 3) == [("a", True), ("b", False)]
    assert (reader.counts.scans, reader.counts.lossy, reader.counts.dropped) == (2, 1, 3)
    with pytest.raises(DeviceAbsent):
        reader.next_scan(0)
    assert (reader.working, reader.counts.dropped) == (False, 4)


def test_a_whole_read_after_a_lossy_one_of_the_same_is_no_repeat() -> None:
    lossy, whole = read("a", 1.0, lossy=True), read("a", 1.5)
    source = Texts(lossy, replace(lossy, taken=1.2), whole, replace(lossy, taken=2.0), whole)
    reader = TextReader("gun", Direction.IN, source, repeat_s=3.0)
    assert scans(reader, 5) == [("a", True), ("a", False), ("a", False)]


def test_half_of_a_pair_in_a_text_stops_nothing() -> None:
    source = Texts(Read(b"x", "a\ud83d", 1.0))
    assert scans(TextReader("gun", Direction.IN, source, repeat_s=3.0), 1) == [("a?", False)]


def shown(office: Office, *, lossy: bool) -> Event:
    office.clock.pass_(20)
    scan = Scan(
        TEXT.encode(), TEXT, "unknown", "gun", Direction.IN, office.clock.now - 0.01, lossy=lossy
    )
    office.scans.put(scan)
    worker = office.deciding.run()
    for _ in range(2):
        next(worker)
    worker.close()
    return office.events()[-1]


def told(event: Event) -> tuple[str, str, str]:
    assert isinstance(event.record, ScanRecord)
    return event.record.verdict, event.record.reason, event.record.lossy


def test_who_is_inside_is_refused_again_but_not_by_a_lossy_read(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deciding.gate.rules = replace(EVERYTHING, anti_passback=AntiPassback.REFUSE)
    assert told(shown(office, lossy=False)) == (Verdict.ACCEPTED, Reason.RECORDED, "")
    assert told(shown(office, lossy=False)) == (Verdict.REFUSED, Reason.INSIDE_ALREADY, "")
    event = shown(office, lossy=True)
    assert told(event) == (Verdict.ACCEPTED, Reason.RECORDED, "yes")
    assert opened(event)["weak"] == "yes"
    assert base64.urlsafe_b64decode(str(opened(event)["data"]) + "==") == TEXT.encode()
    assert office.cues[-1].kind is CueKind.ACCEPTED


def test_a_lossy_read_is_not_remembered_either(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deciding.gate.rules = replace(EVERYTHING, anti_passback=AntiPassback.REFUSE)
    shown(office, lossy=True)
    assert told(shown(office, lossy=False)) == (Verdict.ACCEPTED, Reason.RECORDED, "")


def event_of(lossy: str) -> Event:
    record = ScanRecord(
        Direction.IN, "gun", "unknown", Kind.CCCD.value, Trust.UNSIGNED, Verdict.ACCEPTED,
        Reason.RECORDED.value, plain="{}", lossy=lossy,
    )  # fmt: skip
    return Event("gp-1", "site-1", "0" * 32, 1, "0" * 64, STAMP, record)


def test_the_body_says_so_only_where_it_is_so() -> None:
    whole, lossy = (wire.encode_body(event_of(word)) for word in ("", "yes"))
    assert b"lossy" not in whole
    assert json.loads(lossy) == {**json.loads(whole), "lossy": "yes"}
    assert wire.decode_body(lossy) == event_of("yes")
    with pytest.raises(ContractError, match="lossy"):
        wire.decode_body(lossy.replace(b'"lossy":"yes"', b'"lossy":"no"'))


def test_the_schema_takes_the_events_that_are_sent_and_no_other_word() -> None:
    validator = Draft202012Validator(json.loads((CONTRACT / "event.json").read_text("utf-8")))
    for word, good in (("", True), ("yes", True), ("no", False)):
        message = wire.event_message(wire.encode_body(event_of(word)))
        assert validator.is_valid(json.loads(message.payload)) is good
