from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contract.sending import EPOCH, NOW_US, Station, altered, elsewhere, visit
from gatepost import wire
from gatepost.canonical import canonical
from gatepost.central import (
    Bounds,
    FindingKind,
    Follower,
    Known,
    load_certificates,
)
from gatepost.central import show as showing
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import EpochRecord, Message
from gatepost.ranges import RangeSet
from unit.centre import Centre, response, state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatepost.central import Finding

K = FindingKind


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


@pytest.fixture
def centre(authority: AuthorityFiles, tmp_path: Path) -> Iterator[Centre]:
    made = Centre(authority, tmp_path / "central.db")
    yield made
    made.state.close()


@pytest.fixture
def follower(authority: AuthorityFiles) -> Follower:
    return Follower(load_certificates(authority.ca))


def name(number: int) -> str:
    return f"{number:032x}"


def feed(follower: Follower, *messages: Message) -> list[Finding]:
    return [
        finding for each in messages for finding in follower.take(each.topic, each.payload, NOW_US)
    ]


def kinds(findings: Iterable[Finding]) -> list[FindingKind]:
    return [each.kind for each in findings]


def bounded(centre: Centre, epochs: int) -> Centre:
    """Another one beside it that remembers fewer epochs."""
    manners = replace(centre.manners, bounds=Bounds(epochs=epochs))
    return Centre(centre.authority, centre.path.with_name("bounded.db"), manners)


# --- answers to resend


@pytest.mark.parametrize("told", [f"5-{'1' * 17}-2", "5-6,", ",5-6", "6-5", "5-6-7", "-", "5"])
def test_no_answer_to_a_resend_ends_the_centre(
    centre: Centre, authority: AuthorityFiles, told: str
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(state("online"), *messages[:4], *messages[7:], station.checkpoint(authority))
    (asked,) = (each for each in centre.after(4) if each.name == "resend")
    assert K.RESPONSE in centre.kept(response(asked, "done", f"not held: {EPOCH}:{told}"))


def test_who_says_done_and_sends_nothing_is_asked_with_growing_pauses(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(state("online"), *messages[:4], *messages[7:], station.checkpoint(authority))
    asked = 0
    for _ in range(200):
        for each in centre.after(2):
            if each.name == "resend":
                asked += 1
                centre.kept(response(each, "done", ""))
    assert 5 < asked < 20  # 400 s, at most 40 s apart


def test_how_much_is_remembered_as_lost_is_bounded(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(20_000)
    centre.kept(state("online"), messages[-1], station.checkpoint(authority))
    (asked,) = (each for each in centre.after(4) if each.name == "resend")
    gone = ",".join(f"{number}-{number}" for number in range(1, 20_000, 2))
    centre.kept(response(asked, "done", f"not held: {EPOCH}:{gone}"))
    (status,) = centre.keeper.statuses()
    assert len(status.lost) == 8192


# --- epochs without end


def test_an_event_whose_former_epoch_is_one_too_many_counts_all_the_same(centre: Centre) -> None:
    small = bounded(centre, 2)
    small.kept(*Station(epoch=name(1)).visitors(0))
    begun = EpochRecord("damaged", name(7), 5, "ab" * 32)
    found = small.kept(Station(epoch=name(2)).record(begun))
    assert found == [K.EVENT, K.INVALID]
    small.state.close()


def test_a_brought_event_whose_former_epoch_is_one_too_many_ends_nothing(centre: Centre) -> None:
    small = bounded(centre, 1)
    dead = Station(epoch=name(2))
    event = dead.record(EpochRecord("damaged", name(7), 5, "ab" * 32))
    replay = wire.Topics("a-site", "st-2").replay
    small.kept(elsewhere(event, replay))
    found = small.kept(elsewhere(dead.checkpoint(centre.authority), replay))
    assert found[-2:] == [K.EVENT, K.INVALID]
    small.state.close()


def test_a_thousand_epochs_are_followed_and_go_on_after_a_kill(
    centre: Centre, authority: AuthorityFiles
) -> None:
    for number in range(1000):
        station = Station(epoch=name(number))
        centre.kept(*station.visitors(1), station.checkpoint(authority))
    centre.killed()
    assert len(centre.keeper.statuses()) == 1000
    assert centre.keeper.follower.complete("st-1")
    last = Station(epoch=name(999))
    assert centre.kept(*last.visitors(1)) == [K.DUPLICATE] * 2


def test_only_the_first_event_of_an_epoch_ends_the_one_before(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    feed(follower, *station.visitors(3), station.checkpoint(authority))
    feed(follower, station.record(EpochRecord("damaged", name(9), 1, "ab" * 32)))
    assert follower.complete("st-1")


# --- two histories, and what looks like them


def test_a_restored_card_is_not_told_to_drop_what_nobody_else_has(
    centre: Centre, authority: AuthorityFiles
) -> None:
    card = Station()
    messages = card.visitors(1999)
    centre.kept(state("online"), *messages, card.checkpoint(authority))
    centre.after(30)
    body = canonical(json.loads(messages[499].payload)["data"])
    image = Station(boot="cd" * 16, sent=messages[:500], digest=wire.body_hash(body))
    new = [image.record(visit('{"data":"eA"}')) for _ in range(20)]
    centre.line.said.clear()
    centre.kept(state("online"))
    assert K.CONFLICT in centre.kept(image.checkpoint(authority))
    assert set(centre.kept(*new)) == {K.DUPLICATE}  # too long ago to compare
    covered = RangeSet()
    for each in [*centre.heard(), *centre.after(30)]:
        for of in each.of:
            for pair in of.ranges:
                covered.add(*pair)
    assert covered.gaps(501, 520) == [(501, 520)]


def test_an_old_checkpoint_that_the_broker_retained_is_no_rewind(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station(boot="01" * 16)
    messages = station.visitors(5)
    old = station.checkpoint(authority)
    station.boot = "02" * 16
    messages += station.visitors(5)
    centre.kept(*messages, station.checkpoint(authority), retained=True)
    assert centre.kept(old, retained=True) == [K.CHECKPOINT]
    assert centre.kept(old) == [K.CONFLICT]  # that it is retained must not vouch for its boot


def test_what_was_read_out_of_a_damaged_card_is_no_clone(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(state("online"), *messages, station.checkpoint(authority))
    rotten = elsewhere(altered(messages[-1], reader="b4ck"), station.topics.replay)
    assert centre.kept(rotten) == [K.INVALID]
    assert centre.keeper.follower.complete("st-1")
    # what the station signed is kept, so that it need not keep the rotten one
    assert [each.of[0].ranges for each in centre.after(30)] in ([], [((1, 10),)])


def test_what_differs_and_nothing_signed_tells_which_is_right_is_not_receipted(
    centre: Centre,
) -> None:
    station = Station()
    messages = station.visitors(9)
    centre.kept(state("online"), *messages)
    centre.kept(elsewhere(altered(messages[-1], reader="b4ck"), station.topics.replay))
    (receipt,) = centre.after(30)
    assert receipt.of[0].ranges == ((1, 9),)


@pytest.mark.parametrize("same", [True, False])
def test_what_was_brought_counts_only_where_it_agrees_with_what_the_station_sent(
    centre: Centre, authority: AuthorityFiles, *, same: bool
) -> None:
    station = Station()
    messages = station.visitors(1999)
    replay = wire.Topics("a-site", "st-2").replay
    centre.kept(*[elsewhere(each, replay) for each in messages])
    middle = messages[49] if same else altered(messages[49], reader="b4ck")
    centre.kept(middle)
    centre.kept(station.checkpoint(authority))
    assert centre.keeper.follower.complete("st-1") == same


def test_a_state_of_yesterday_blames_nobody_and_asks_for_today(
    centre: Centre, authority: AuthorityFiles
) -> None:
    station = Station()
    yesterday = station.visitors(9)
    centre.kept(state("online"), *yesterday, station.checkpoint(authority))
    centre.state.close()
    saved = centre.path.read_bytes()
    centre.start()
    station.boot = "cd" * 16
    today = station.visitors(2000)
    centre.kept(*today, station.checkpoint(authority))
    centre.state.close()
    for each in centre.path.parent.glob(centre.path.name + "*"):
        each.unlink()
    centre.path.write_bytes(saved)
    centre.start()
    head = station.checkpoint(authority)
    assert set(centre.kept(state("online"), head, retained=True)) == {K.STATE, K.CHECKPOINT, K.GAP}
    (asked,) = (each for each in centre.after(4) if each.name == "resend")
    assert asked.of[0].ranges == ((11, 2010),)
    found = centre.kept(*[elsewhere(each, station.topics.replay) for each in today])
    assert set(found) == {K.EVENT, K.COMPLETE}


# --- floods


def test_broken_links_without_end_are_bounded_and_prove_nothing(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    station.visitors(0)
    for _ in range(3000):
        station.digest = "00" * 32
        feed(follower, station.record(visit()))
    feed(follower, station.sent[0], station.checkpoint(authority))
    (status,) = follower.statuses()
    assert len(status.broken) == 1024
    assert not status.complete


def test_stations_without_end_that_bring_something_are_refused(authority: AuthorityFiles) -> None:
    known = Known(Bounds(sources=10))
    follower = Follower(load_certificates(authority.ca), known)
    (event,) = Station().visitors(0)
    found = []
    for number in range(15):
        topic = wire.Topics("a-site", f"st-{number + 2}").replay
        found += feed(follower, elsewhere(event, topic))
    assert kinds(found) == [K.BROUGHT] * 10 + [K.INVALID] * 5


def test_nothing_of_two_that_brought_the_same_stays_behind(
    centre: Centre, authority: AuthorityFiles
) -> None:
    dead = Station()
    messages = [*dead.visitors(9), dead.checkpoint(authority)]
    for number in (2, 3):
        topic = wire.Topics("a-site", f"st-{number}").replay
        centre.give(*[elsewhere(each, topic) for each in messages[:10]])
    centre.give(elsewhere(messages[-1], topic))
    found = centre.take()
    centre.keeper.settle()
    assert kinds(found).count(K.EVENT) == 10
    held = centre.state._connection.execute("SELECT count(*) FROM brought").fetchone()
    assert held == (0,)


# --- what watch prints


@pytest.mark.parametrize("conditions", ["no JSON", 1, "[" * 5000])
def test_a_state_with_conditions_of_its_own_is_shown(centre: Centre, conditions: str | int) -> None:
    told = json.loads(state("online").payload) | {"conditions": conditions}
    topics = wire.Topics("a-site", "st-1")
    (found,) = centre.take(Message(topics.state, json.dumps(told).encode()))
    assert json.loads(showing.as_json(found))["facts"]["conditions"] == conditions
    assert "conditions=" in showing.line(found)


def test_no_depth_of_nesting_ends_the_centre(centre: Centre) -> None:
    topics = wire.Topics("a-site", "st-1")
    told = state("online").payload[:-1]
    for depth in range(100, 1300, 3):
        payload = told + b', "x": ' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
        for topic in (topics.state, topics.health, topics.response("selftest"), topics.replay):
            for each in centre.take(Message(topic, payload)):
                assert each.kind is K.INVALID or json.loads(showing.as_json(each))
