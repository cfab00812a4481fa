from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from contract.sending import EPOCH, NOW_US, Station, altered, elsewhere
from gatepost import wire
from gatepost.canonical import canonical
from gatepost.central import (
    Bounds,
    FindingKind,
    Keeper,
    Manners,
    Signer,
    State,
)
from gatepost.central.connection import LOST
from gatepost.central.receipts import covered
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import UsageError
from gatepost.model import ClockRecord, EpochRecord, Message
from unit.centre import MANNERS, REPLAY, Centre, FakeLine, names, ranges, response, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


K = FindingKind


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


@pytest.fixture
def centre(authority: AuthorityFiles, tmp_path: Path) -> Iterator[Centre]:
    made = Centre(authority, tmp_path / "central.db")
    yield made
    made.state.close()


# --- at least once, never lost


def test_nothing_is_acknowledged_before_it_is_settled(centre: Centre) -> None:
    assert len(centre.take(*Station().visitors(3))) == 4
    assert centre.line.acknowledged == 0
    centre.keeper.settle()
    assert centre.line.acknowledged == 4


def test_what_was_not_settled_comes_again_after_a_kill(centre: Centre) -> None:
    first, second, third = Station().visitors(2)
    assert centre.kept(first) == [K.EVENT]
    assert [each.kind for each in centre.take(second)] == [K.EVENT]
    centre.killed()
    assert centre.kept(first, second, third) == [K.DUPLICATE, K.EVENT, K.EVENT]


def test_a_batch_hands_out_nothing_that_is_not_taken(centre: Centre) -> None:
    centre.give(*Station().visitors(499))
    many = []
    while found := centre.keeper.findings(0):
        many.append(len(found))
        assert centre.line.given == sum(many)
    assert many == [200, 200, 100]


def test_a_history_goes_on_over_restarts(centre: Centre, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(700)
    centre.kept(*messages[:300], *messages[301:650])
    centre.killed()
    centre.kept(*messages[650:], station.checkpoint(authority))
    centre.killed()
    assert centre.keeper.statuses()[0].gaps == ((301, 301),)
    assert centre.kept(messages[300]) == [K.EVENT, K.COMPLETE]
    centre.killed()
    assert centre.keeper.follower.complete("st-1")
    assert centre.kept(messages[650]) == [K.DUPLICATE]


def test_a_clone_is_recognised_after_a_restart(centre: Centre, authority: AuthorityFiles) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    centre.kept(*station.visitors(3), station.checkpoint(authority))
    theirs = clone.visitors(2)
    point = clone.checkpoint(authority)
    centre.killed()
    assert centre.kept(theirs[1], point) == [K.CONFLICT, K.CONFLICT]
    centre.killed()
    (status,) = centre.keeper.statuses()
    assert (status.conflicts, status.complete) == (2, False)


def test_where_an_epoch_ended_outlives_a_restart(centre: Centre, authority: AuthorityFiles) -> None:
    old, new = Station(), Station(epoch="fe" * 16)
    messages = old.visitors(4)
    new.record(EpochRecord("spool-damaged", EPOCH, 5, old.digest))
    centre.kept(*messages[:3], *new.sent, new.checkpoint(authority))
    centre.killed()
    assert centre.keeper.statuses()[0].gaps == ((4, 5),)
    centre.kept(*messages[3:])
    assert centre.keeper.follower.complete("st-1")


# --- what lacks is asked for


def test_a_gap_is_asked_for_after_a_while_and_only_then(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(*messages[:3], *messages[5:9], station.checkpoint(authority))
    assert "resend" not in names(centre.heard())
    assert "resend" not in names(centre.after(2.9))
    (command,) = centre.after(0.2)
    assert (command.name, command.audience) == ("resend", ("st-1",))
    assert ranges(command) == [(EPOCH, ((4, 5), (10, 10)))]
    assert centre.line.said[0][0] == "gatepost/v1/a-site/st-1/command/resend"
    assert centre.after(1) == []


def test_what_was_only_on_its_way_is_not_asked_for(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(4)
    centre.kept(*messages[:3], station.checkpoint(authority))
    centre.kept(*messages[3:])
    assert "resend" not in names(centre.after(60))


def test_nobody_is_asked_who_is_not_there(centre: Centre, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(4)
    centre.kept(station.checkpoint(authority), retained=True)
    assert centre.after(60) == []
    centre.kept(state("online"))
    assert names(centre.after(60)) == ["resend"]
    centre.kept(state("lost"))
    assert centre.after(600) == []
    assert len(messages) == 5


def test_it_is_asked_again_with_growing_pauses_while_nothing_comes(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(4)
    centre.kept(*messages[:2], station.checkpoint(authority))
    asked_at = [centre.now for _ in range(400) if "resend" in names(centre.after(0.5))]
    pauses = [after - before for before, after in pairwise(asked_at)]
    assert 5 <= pauses[0] <= 10.5
    assert 10 <= pauses[1] <= 20.5
    assert all(20 <= each <= 40.5 for each in pauses[2:])
    assert len(pauses) > 3


def test_it_is_not_asked_again_while_it_comes(centre: Centre, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(40)
    centre.kept(messages[0], station.checkpoint(authority))
    assert names(centre.after(4)) == ["resend"]
    for each in messages[1:]:
        centre.kept(elsewhere(each, station.topics.replay))
        assert "resend" not in names(centre.after(10))
    assert centre.keeper.follower.complete("st-1")


def test_a_request_under_way_outlives_a_restart(centre: Centre, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(4)
    centre.kept(*messages[:3], station.checkpoint(authority))
    (command,) = centre.after(4)
    centre.after(0)
    centre.killed()
    found = centre.take(response(command, "done", f"not held: {EPOCH}:4-4"))
    assert [each.kind for each in found] == [K.RESPONSE, K.LOST]


def test_what_is_not_held_any_more_is_lost_for_good_and_never_asked_for_again(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(*messages[:3], messages[9], station.checkpoint(authority))
    (command,) = centre.after(4)
    found = centre.take(response(command, "done", f"not held: {EPOCH}:1-5,7-7,900-999"))
    assert [(each.kind, each.sequence, each.last) for each in found[1:]] == [
        (K.LOST, 4, 5),
        (K.LOST, 7, 7),
    ]
    centre.keeper.settle()
    centre.killed()
    centre.kept(state("online"))
    (again,) = [each for each in centre.after(50) if each.name == "resend"]
    assert ranges(again) == [(EPOCH, ((6, 6), (8, 9)))]
    assert centre.keeper.statuses()[0].lost == ((4, 5), (7, 7))
    centre.kept(messages[5], *messages[7:9])
    assert "resend" not in names(centre.after(600))
    assert not centre.keeper.follower.complete("st-1")
    centre.kept(*messages)
    assert centre.keeper.statuses()[0].lost == ()
    assert centre.keeper.follower.complete("st-1")


@pytest.mark.parametrize(
    ("outcome", "detail", "station"),
    [
        ("done", f"not held: {'f' * 32}:4-4", "st-1"),
        ("done", f"not held: {EPOCH}:4-4", "st-2"),
        ("done", f"not held: {EPOCH}:5-4", "st-1"),
        ("done", f"not held: {EPOCH}:{'9' * 30}-4", "st-1"),
        ("refused", "asked for too often", "st-1"),
        ("done", "", "st-1"),
    ],
)
def test_other_answers_lose_nothing(
    centre: Centre, authority: AuthorityFiles, outcome: str, detail: str, station: str
) -> None:
    sender = Station()
    messages = sender.visitors(4)
    centre.kept(*messages[:3], sender.checkpoint(authority))
    (command,) = centre.after(4)
    assert centre.kept(response(command, outcome, detail, station)) == [K.RESPONSE]
    strange = replace(command, id="another")
    assert centre.kept(response(strange, "done", f"not held: {EPOCH}:4-4")) == [K.RESPONSE]
    assert "resend" in names([*centre.after(20), *centre.after(20)])


def test_without_a_signer_nothing_is_said(authority: AuthorityFiles, tmp_path: Path) -> None:
    centre = Centre(authority, tmp_path / "quiet.db", signing=False)
    station = Station()
    messages = station.visitors(4)
    centre.kept(state("online"), *messages[:3], station.checkpoint(authority))
    assert centre.after(1000) == []
    centre.state.close()


def test_a_broker_that_refuses_commands_is_not_flooded(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    centre.line.answer = "Not authorized"
    centre.kept(*station.visitors(3), station.checkpoint(authority))
    assert len(centre.line.said) == 1
    centre.kept(*station.visitors(1), station.checkpoint(authority))
    assert centre.after(200) == []
    assert names(centre.after(200)) == ["receipt"]


# --- receipts


def test_a_checkpoint_that_is_settled_gives_a_receipt(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    centre.take(*station.visitors(9), station.checkpoint(authority))
    assert centre.line.said == []
    centre.keeper.settle()
    (command,) = centre.heard()
    assert (command.name, command.audience) == ("receipt", ("st-1",))
    assert ranges(command) == [(EPOCH, ((1, 10),))]
    assert centre.after(600) == []


def test_between_checkpoints_a_receipt_comes_after_so_many_or_so_long(centre: Centre) -> None:
    station = Station()
    centre.kept(*station.visitors(50))
    assert centre.heard() == []
    assert names(centre.after(21)) == ["receipt"]
    centre.kept(*station.visitors(100))
    assert ranges(centre.heard()[-1]) == [(EPOCH, ((1, 151),))]


def test_a_receipt_is_said_again_when_a_station_comes_online(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    centre.kept(*station.visitors(3), station.checkpoint(authority))
    centre.line.said.clear()
    centre.kept(state("online"))
    assert centre.heard() == []  # its checkpoint comes first
    assert [ranges(each) for each in centre.after(2)] == [[(EPOCH, ((1, 4),))]]
    centre.line.said.clear()
    centre.kept(station.checkpoint(authority))
    assert names(centre.heard()) == ["receipt"]


def test_a_receipt_lost_with_the_session_is_said_again(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    centre.line.answer = LOST
    centre.kept(*station.visitors(3), station.checkpoint(authority))
    centre.line.answer = ""
    assert names(centre.after(0)) == ["receipt"]
    assert centre.after(0) == []


def test_what_was_not_receipted_before_a_kill_is_after_it(centre: Centre) -> None:
    centre.kept(*Station().visitors(3))
    centre.killed()
    centre.kept(state("online"))
    assert names(centre.heard()) == ["receipt"]


def test_what_two_histories_claim_is_never_receipted(centre: Centre) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    theirs = clone.visitors(9)
    centre.kept(*station.visitors(9), theirs[3], theirs[6])
    (command,) = centre.after(30)
    assert ranges(command) == [(EPOCH, ((1, 3), (5, 6), (8, 10)))]


def test_a_broken_link_is_never_receipted(centre: Centre) -> None:
    messages = Station().visitors(4)
    wrong = altered(messages[2], previous="0" * 64)
    centre.kept(*messages[:2], wrong, *messages[3:])
    epoch = centre.keeper.follower.known.epochs["st-1"][EPOCH]
    assert covered(epoch) == [(1, 2), (5, 5)]


def test_receipts_may_be_left_out(authority: AuthorityFiles, tmp_path: Path) -> None:
    centre = Centre(authority, tmp_path / "asking.db", Manners(receipts=False))
    station = Station()
    messages = station.visitors(4)
    centre.kept(*messages[:3], station.checkpoint(authority))
    assert names(centre.after(600)) == ["resend"]
    centre.state.close()


def test_a_receipt_of_what_is_only_in_memory_is_refused(authority: AuthorityFiles) -> None:
    signer = Signer(authority.central_certificate, authority.central_key)
    with State() as memory, pytest.raises(UsageError, match="outlives"):
        Keeper(FakeLine(), [], memory, signer=signer)


def test_many_ranges_and_epochs_fit_into_commands(
    authority: AuthorityFiles, tmp_path: Path
) -> None:
    centre = Centre(authority, tmp_path / "many.db", replace(MANNERS, bounds=Bounds(epochs=200)))
    centre.kept(*Station().visitors(4000)[::2])
    for number in range(70):
        centre.kept(*Station(epoch=f"{number:032x}").visitors(0))
    centre.line.said.clear()
    centre.kept(state("online"))
    commands = centre.after(2)
    assert len(commands) > 3
    assert sum(len(each) for command in commands for _, each in ranges(command)) == 70 + 2001
    centre.state.close()


# --- what one station brings of another


def bundle(authority: AuthorityFiles, many: int) -> list[Message]:
    dead = Station()
    messages = [*dead.visitors(many), dead.checkpoint(authority)]
    return [elsewhere(each, REPLAY) for each in messages]


def test_what_was_brought_is_held_until_it_is_proved(
    centre: Centre, authority: AuthorityFiles
) -> None:
    *events, point = bundle(authority, 450)
    assert set(centre.kept(*events)) == {K.BROUGHT}
    assert centre.after(100) == []
    centre.killed()
    found = centre.take(point)
    kinds = [each.kind for each in found]
    assert kinds[:3] == [K.CHECKPOINT, K.ADOPTED, K.COMPLETE]
    assert kinds[3:] == [K.EVENT] * 451
    assert [each.sequence for each in found[3:]] == list(range(1, 452))
    assert found[-1].body == canonical(json.loads(events[-1].payload)["data"])
    assert (found[-1].source, found[-1].via) == ("st-1", "st-2")
    assert found[-1].topic == wire.Topics("a-site", "st-1").event("scan")


def test_what_was_brought_is_receipted_to_who_brought_it(
    centre: Centre, authority: AuthorityFiles
) -> None:
    centre.kept(*bundle(authority, 9))
    (command,) = centre.heard()
    assert (command.audience, centre.line.said[0][0]) == (
        ("st-2",),
        "gatepost/v1/a-site/st-2/command/receipt",
    )
    assert [(each.source, each.ranges) for each in command.of] == [("st-1", ((1, 10),))]
    centre.line.said.clear()
    centre.kept(state("online", "st-2"))
    assert names(centre.after(2)) == ["receipt"]


def test_a_kill_between_proof_and_handing_out_loses_nothing(
    centre: Centre, authority: AuthorityFiles
) -> None:
    centre.give(*bundle(authority, 450))
    while K.COMPLETE not in {each.kind for each in centre.keeper.findings(0)}:
        centre.keeper.settle()
    centre.keeper.settle()
    first = centre.keeper.findings(0)
    assert len(first) == 200
    centre.keeper.settle()
    centre.keeper.findings(0)
    centre.killed()
    rest = centre.take()
    assert [each.sequence for each in [*first, *rest]] == list(range(1, 452))
    assert not centre.state.proved()


def test_a_forged_event_is_never_handed_out(centre: Centre, authority: AuthorityFiles) -> None:
    station, forger = Station(), Station(boot="cd" * 16)
    forged = [elsewhere(each, REPLAY) for each in forger.visitors(5)]
    centre.kept(*forged)
    found = centre.take(*station.visitors(5), station.checkpoint(authority))
    centre.keeper.settle()
    assert [each.kind for each in found if each.via] == []
    centre.killed()
    assert centre.take() == []
    assert centre.keeper.follower.complete("st-1")


def test_a_dead_station_s_gap_is_asked_of_who_brought_the_rest(
    centre: Centre, authority: AuthorityFiles
) -> None:
    messages = bundle(authority, 9)
    centre.kept(*messages[:4], *messages[6:])
    (command,) = centre.after(4)
    assert (command.name, command.audience) == ("resend", ("st-2",))
    assert [(each.source, each.ranges) for each in command.of] == [("st-1", ((1, 6),))]


# --- time


def test_a_correction_of_time_outlives_a_restart(centre: Centre) -> None:
    class Unsure(Station):
        def stamp(self) -> Any:
            return replace(super().stamp(), synchronised=False, wall_us=5, bound_us=0)

    station = Unsure()
    found = centre.take(*station.visitors(1))
    assert [(each.wall_us, each.bound_us) for each in found] == [(5, None), (5, None)]
    centre.keeper.settle()
    centre.killed()
    event, correction = centre.take(station.record(ClockRecord(NOW_US, 40)))
    assert (event.kind, event.wall_us, event.bound_us) == (K.EVENT, 5, None)
    assert correction.kind is K.TIME
    assert dict(correction.facts)["offset_us"] == NOW_US
    centre.keeper.settle()
    centre.killed()
    (late,) = centre.take(station.visitors(1)[0])
    assert (late.wall_us, late.bound_us) == (NOW_US + 3_000_000, 40 + 100)
