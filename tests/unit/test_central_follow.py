from __future__ import annotations

import base64
import json
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.sending import EPOCH, NOW_US, Station, altered, elsewhere
from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.central.chain import Chain, Place
from gatepost.central.findings import Finding, FindingKind
from gatepost.central.follow import Follower
from gatepost.central.known import Bounds, Known
from gatepost.central.parsing import flat
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ContractError
from gatepost.model import EpochRecord, Message
from gatepost.signing import load_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable

DER = Encoding.DER
OTHER_EPOCH = "fedcba9876543210" * 2
K = FindingKind


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


@pytest.fixture
def follower(authority: AuthorityFiles) -> Follower:
    return Follower(load_certificates(authority.ca))


def feed(follower: Follower, messages: Iterable[Message]) -> list[Finding]:
    return [
        finding for each in messages for finding in follower.take(each.topic, each.payload, NOW_US)
    ]


def kinds(findings: Iterable[Finding]) -> list[FindingKind]:
    return [each.kind for each in findings]


def test_a_whole_history_is_complete(follower: Follower, authority: AuthorityFiles) -> None:
    station = Station()
    found = feed(follower, [*station.visitors(4), station.checkpoint(authority)])
    assert kinds(found) == [K.EVENT] * 5 + [K.CHECKPOINT, K.COMPLETE]
    assert (found[1].site, found[1].source, found[1].sequence) == ("a-site", "st-1", 2)
    assert wire.decode_body(found[1].body) == found[1].event
    assert follower.complete("st-1")
    assert follower.sources() == ["st-1"]


def test_without_a_checkpoint_nothing_is_proved(follower: Follower) -> None:
    feed(follower, Station().visitors(3))
    assert not follower.complete("st-1")
    assert not follower.complete("nobody")


def test_any_order_with_repetitions_is_as_good(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = [*station.visitors(40), station.checkpoint(authority)]
    messages += messages[5:15]
    random.Random(4).shuffle(messages)
    found = kinds(feed(follower, messages))
    assert found.count(K.EVENT) == 41
    assert found.count(K.DUPLICATE) == 10
    assert found.count(K.COMPLETE) == 1
    assert not {K.CHAIN_BROKEN, K.CONFLICT, K.INVALID} & set(found)
    assert follower.complete("st-1")


def test_a_checkpoint_names_the_gaps_and_they_close(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(9)
    found = feed(follower, [*messages[:3], *messages[5:9], station.checkpoint(authority)])
    gaps = [(each.sequence, each.last) for each in found if each.kind is K.GAP]
    assert gaps == [(4, 5), (10, 10)]
    assert follower.statuses("st-1")[0].gaps == ((4, 5), (10, 10))
    assert not follower.complete("st-1")
    assert kinds(feed(follower, [messages[4], messages[9], messages[3]]))[-1] is K.COMPLETE
    assert follower.statuses()[0].gaps == ()


def test_many_gaps_are_not_all_told(follower: Follower, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(39)
    found = feed(follower, [*messages[::2], station.checkpoint(authority)])
    assert kinds(found).count(K.GAP) == 8
    assert "12 more" in found[-1].detail


def test_complete_up_to_the_newest_checkpoint_only(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    feed(follower, [*station.visitors(3), station.checkpoint(authority)])
    later = station.visitors(2)
    feed(follower, [station.checkpoint(authority)])
    assert not follower.complete("st-1")
    assert kinds(feed(follower, later)) == [K.EVENT, K.EVENT, K.COMPLETE]


def test_a_link_that_does_not_fit_is_found_from_either_side(follower: Follower) -> None:
    messages = Station().visitors(4)
    wrong = altered(messages[2], previous="0" * 64)
    assert kinds(feed(follower, [*messages[:2], wrong]))[-2:] == [K.EVENT, K.CHAIN_BROKEN]
    assert follower.statuses()[0].broken == (3,)
    fresh = Follower([])
    assert K.CHAIN_BROKEN in kinds(feed(fresh, [*messages[3:], wrong]))


def test_the_first_event_follows_nothing(follower: Follower) -> None:
    first = altered(Station().visitors(0)[0], previous="1" * 64)
    assert kinds(feed(follower, [first])) == [K.EVENT, K.CHAIN_BROKEN]


def test_a_broken_chain_is_never_complete(follower: Follower, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(4)
    wrong = altered(messages[2], previous="0" * 64)
    point = station.checkpoint(authority)
    found = feed(follower, [*messages[:2], wrong, *messages[3:], point])
    assert K.COMPLETE not in kinds(found)
    assert not follower.complete("st-1")


def test_a_cloned_card_is_named(follower: Follower) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    found = feed(follower, station.visitors(3) + clone.visitors(3))
    assert found[-1].kind is K.CONFLICT
    assert "cloned" in found[-1].detail
    assert not follower.complete("st-1")
    assert follower.statuses()[0].conflicts == 4


def test_a_checkpoint_of_another_history_is_a_conflict(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    feed(follower, station.visitors(3))
    clone.visitors(3)
    assert kinds(feed(follower, [clone.checkpoint(authority)])) == [K.CONFLICT]


def test_two_checkpoints_of_one_sequence_must_agree(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    station.visitors(3)
    clone.visitors(3)
    points = [station.checkpoint(authority), clone.checkpoint(authority)]
    assert kinds(feed(follower, points))[-1] is K.CONFLICT


def test_an_event_against_a_checkpoint_is_a_conflict(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    station.visitors(3)
    last = clone.visitors(3)[-1]
    found = feed(follower, [station.checkpoint(authority), last])
    assert found[-1].kind is K.CONFLICT


def test_a_head_that_goes_back_in_a_new_boot_is_a_restored_card(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, restored = Station(), Station(boot="cd" * 16)
    station.visitors(5)
    restored.visitors(2)
    found = feed(follower, [station.checkpoint(authority), restored.checkpoint(authority)])
    assert found[-1].kind is K.CONFLICT
    assert "goes back from 6" in found[-1].detail


def test_an_older_checkpoint_that_comes_late_is_no_alarm(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(2)
    old = station.checkpoint(authority)
    messages += station.visitors(2)
    found = feed(follower, [*messages, station.checkpoint(authority), old])
    assert K.CONFLICT not in kinds(found)
    assert follower.complete("st-1")


# --- whose word counts


def test_without_an_authority_checkpoints_prove_nothing(authority: AuthorityFiles) -> None:
    station, follower = Station(), Follower([])
    found = feed(follower, [*station.visitors(2), station.checkpoint(authority)])
    assert "not verified" in found[-1].detail
    assert not follower.complete("st-1")


def test_a_checkpoint_of_another_authority_does_not_count(
    follower: Follower, tmp_path: Path
) -> None:
    station = Station()
    station.visitors(1)
    found = feed(follower, [station.checkpoint(make_authority(tmp_path, "st-1"))])
    assert kinds(found) == [K.INVALID]


def test_a_station_signs_for_itself_alone(follower: Follower, authority: AuthorityFiles) -> None:
    liar = Station(source="st-2")
    liar.visitors(1)
    assert kinds(feed(follower, [liar.checkpoint(authority)])) == [K.INVALID]
    honest = Station()
    honest.visitors(1)
    point = honest.checkpoint(authority)
    for topics in (wire.Topics("a-site", "st-2"), wire.Topics("b-site", "st-1")):
        found = feed(follower, [elsewhere(point, topics.checkpoint)])
        assert kinds(found) == [K.INVALID]


def test_an_event_belongs_to_its_topic(follower: Follower) -> None:
    message = Station().visitors(1)[1]
    for topic in (
        wire.Topics("a-site", "st-2").event("scan"),
        wire.Topics("b-site", "st-1").event("scan"),
        wire.Topics("a-site", "st-1").event("fault"),
        wire.Topics("a-site", "st-1").event("scan/more"),
    ):
        found = feed(follower, [elsewhere(message, topic)])
        assert kinds(found) == [K.INVALID]
        assert "topic" in found[0].detail


REPLAY = "gatepost/v1/a-site/st-2/replay"


def test_a_replay_of_its_own_closes_a_gap(follower: Follower, authority: AuthorityFiles) -> None:
    station = Station()
    messages = station.visitors(3)
    feed(follower, [*messages[:2], messages[3], station.checkpoint(authority)])
    again = elsewhere(messages[2], f"{station.topics.root}/replay")
    assert kinds(feed(follower, [again])) == [K.EVENT, K.COMPLETE]


def test_a_dead_station_s_events_count_once_its_checkpoint_is_reached(
    follower: Follower, authority: AuthorityFiles
) -> None:
    dead = Station()
    messages = dead.visitors(6)
    feed(follower, [*messages[:2], messages[4], dead.checkpoint(authority)])
    brought = [elsewhere(each, REPLAY) for each in messages]
    found = feed(follower, brought[:6])
    # 5 is known, and names 4 as the one before it; 7 is not here yet.
    adopted = [K.BROUGHT, K.BROUGHT, K.ADOPTED]
    assert kinds(found) == [K.DUPLICATE] * 2 + adopted + [K.DUPLICATE, K.BROUGHT]
    assert "brought by 'st-2'" in found[2].detail
    assert found[2].via == "st-2"
    assert (found[4].sequence, found[4].last, found[4].via) == (3, 4, "st-2")
    assert not follower.complete("st-1")
    found = feed(follower, brought[6:])
    assert kinds(found) == [K.BROUGHT, K.ADOPTED, K.COMPLETE]
    assert (found[1].sequence, found[1].last) == (6, 7)
    assert follower.complete("st-1")
    assert not follower.known.epochs["st-1"][EPOCH].foreign


def test_a_dead_station_s_events_count_before_what_is_known_follows_them(
    follower: Follower, authority: AuthorityFiles
) -> None:
    dead = Station()
    messages = dead.visitors(6)
    feed(follower, [*messages[4:], dead.checkpoint(authority)])
    feed(follower, [elsewhere(each, REPLAY) for each in messages[:4]])
    assert follower.complete("st-1")


def test_invented_events_of_another_station_never_count(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, forger = Station(), Station(boot="cd" * 16)
    messages = station.visitors(5)
    forged = [elsewhere(each, REPLAY) for each in forger.visitors(5)]
    feed(follower, [*forged, *messages[:3], station.checkpoint(authority)])
    assert not follower.complete("st-1")
    assert follower.statuses("st-1")[0].conflicts == 0
    feed(follower, messages[3:])
    assert follower.complete("st-1")


def test_a_checkpoint_may_be_brought_by_another_but_not_signed(
    follower: Follower, authority: AuthorityFiles
) -> None:
    dead = Station()
    messages = [elsewhere(each, REPLAY) for each in dead.visitors(2)]
    point = elsewhere(dead.checkpoint(authority), REPLAY)
    feed(follower, messages)
    assert follower.statuses("st-1")[0].hearsay
    found = feed(follower, [point])
    assert kinds(found) == [K.CHECKPOINT, K.ADOPTED, K.COMPLETE]
    assert (found[0].source, found[0].via) == ("st-1", "st-2")
    assert follower.complete("st-1")
    assert follower.known.epochs["st-1"][EPOCH].couriers == {"st-2"}


def test_a_forged_checkpoint_of_another_is_refused_wherever_it_is(follower: Follower) -> None:
    forger = Station(source="st-1")
    forger.visitors(2)
    with tempfile.TemporaryDirectory() as folder:
        other = make_authority(Path(folder), "st-2")
        point = forger.checkpoint(other)
    assert kinds(feed(follower, [elsewhere(point, REPLAY)])) == [K.INVALID]
    assert follower.sources() == []


def test_a_checkpoint_of_a_station_in_the_name_of_another_is_refused(
    follower: Follower, authority: AuthorityFiles
) -> None:
    forger = Station(source="st-9")  # signed by st-1, whose certificate it is
    forger.visitors(1)
    found = feed(follower, [elsewhere(forger.checkpoint(authority), REPLAY)])
    assert kinds(found) == [K.INVALID]


def test_an_old_checkpoint_that_another_brings_is_no_rewind(
    follower: Follower, authority: AuthorityFiles
) -> None:
    first, again = Station(boot="cd" * 16), Station()
    first.visitors(2)
    old = first.checkpoint(authority)
    again.visitors(5)
    feed(follower, [again.checkpoint(authority)])
    assert K.CONFLICT not in kinds(feed(follower, [elsewhere(old, REPLAY)]))
    assert kinds(feed(follower, [old])) == [K.CONFLICT]


def test_a_certificate_that_ended_since_does_not_undo_what_is_retained(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = [*station.visitors(1), station.checkpoint(authority)]
    feed(follower, messages)
    far_us = NOW_US + 50 * 365 * 86_400_000_000
    (again,) = follower.take(messages[-1].topic, messages[-1].payload, far_us)
    assert again.kind is K.CHECKPOINT
    station.visitors(1)
    point = station.checkpoint(authority)
    (late,) = follower.take(point.topic, point.payload, far_us)
    assert (late.kind, "not valid at this time" in late.detail) == (K.INVALID, True)


def test_what_only_others_say_does_not_hold_a_station_back(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station, invented = Station(), Station(epoch=OTHER_EPOCH)
    feed(follower, [elsewhere(each, REPLAY) for each in invented.visitors(3)])
    feed(follower, [*station.visitors(1), station.checkpoint(authority)])
    assert follower.complete("st-1")
    assert [each.hearsay for each in follower.statuses("st-1")] == [True, False]


def test_a_flood_of_invented_sources_is_bounded() -> None:
    follower = Follower([], Known(Bounds(brought_epochs=3, brought_events=5)))
    for number in range(10):
        message = Station(source=f"x-{number}").visitors(0)[0]
        found = feed(follower, [elsewhere(message, REPLAY)])
        assert kinds(found) == [K.BROUGHT if number < 3 else K.INVALID]
    assert follower.sources() == ["x-0", "x-1", "x-2"]
    more = [elsewhere(each, REPLAY) for each in Station(source="x-0").visitors(5)]
    assert kinds(feed(follower, more)) == [K.DUPLICATE, K.BROUGHT, K.BROUGHT] + [K.INVALID] * 3


def test_what_others_invent_takes_no_room_of_the_station_itself() -> None:
    follower = Follower([], Known(Bounds(epochs=2)))
    for number in range(5):
        message = Station(epoch=f"{number:032x}").visitors(0)[0]
        assert kinds(feed(follower, [elsewhere(message, REPLAY)])) == [K.BROUGHT]
    assert kinds(feed(follower, Station(epoch="e" * 32).visitors(0))) == [K.EVENT]


def test_sources_without_end_are_refused() -> None:
    follower = Follower([], Known(Bounds(sources=3)))
    found = [kinds(feed(follower, Station(source=f"x-{n}").visitors(0))) for n in range(5)]
    assert found == [[K.EVENT]] * 3 + [[K.INVALID]] * 2


def test_a_cloned_card_is_told_with_both_hashes(follower: Follower) -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    ours, theirs = station.visitors(3), clone.visitors(3)
    feed(follower, ours)
    (found,) = feed(follower, [theirs[1]])
    assert (found.source, found.sequence) == ("st-1", 2)
    for message in (ours[1], theirs[1]):
        assert wire.body_hash(canonical(json.loads(message.payload)["data"])) in found.detail


# --- epochs


def test_a_new_epoch_says_where_the_old_one_ended(
    follower: Follower, authority: AuthorityFiles
) -> None:
    old = Station()
    messages = old.visitors(4)
    feed(follower, [*messages[:3], old.checkpoint(authority)])
    feed(follower, messages[3:])
    lost = old.visitors(2)  # these were not sent before the spool was damaged
    new = Station(epoch=OTHER_EPOCH)
    new.record(EpochRecord("spool-damaged", EPOCH, len(old.sent), old.digest))
    feed(follower, [*new.sent, new.checkpoint(authority)])
    assert not follower.complete("st-1")
    assert next(each for each in follower.statuses() if each.epoch == EPOCH).gaps == ((6, 7),)
    feed(follower, lost)
    assert follower.complete("st-1")


def test_an_epoch_that_never_came_is_missed(follower: Follower, authority: AuthorityFiles) -> None:
    new = Station(epoch=OTHER_EPOCH)
    new.record(EpochRecord("spool-damaged", EPOCH, 7, "ab" * 32))
    feed(follower, [*new.sent, new.checkpoint(authority)])
    assert not follower.complete("st-1")


def test_epochs_without_end_are_refused(follower: Follower) -> None:
    found = []
    for number in range(1030):
        found += feed(follower, Station(epoch=f"{number:032x}").visitors(0))
    assert kinds(found).count(K.INVALID) == 6


# --- versions to come, and what is no message


def test_an_event_of_a_later_type_keeps_its_place(
    follower: Follower, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(1)
    data = json.loads(messages[1].payload)["data"]
    keep = ("source", "site", "epoch", "boot_id", "boot_us", "wall_us", "clock", "bound_us")
    later = {name: data[name] for name in keep}
    later |= {"type": "weather", "sequence": 3, "previous": station.digest, "rain_um": 5}
    messages.append(station.keep(canonical(later)))
    messages += station.visitors(1)
    found = feed(follower, [*messages, station.checkpoint(authority)])
    assert kinds(found)[-2:] == [K.CHECKPOINT, K.COMPLETE]
    assert found[2].event is None
    assert json.loads(found[2].body)["rain_um"] == 5


def test_state_and_health_are_facts(follower: Follower) -> None:
    examples = contract.examples()
    root = "gatepost/v1/a-site/st-1"
    state = follower.take(f"{root}/state", examples["state.json"], NOW_US)
    health = follower.take(f"{root}/health", examples["health.json"], NOW_US)
    assert kinds(state + health) == [K.STATE, K.HEALTH]
    assert dict(state[0].facts)["state"] == "online"
    assert dict(health[0].facts)["conditions"] == '{"oled": "no answer"}'


@pytest.mark.parametrize("topic", ["state", "health"])
def test_a_state_that_is_none_is_invalid(follower: Follower, topic: str) -> None:
    for payload in (b"", b"[]", b'{"state":"dancing"}', b'{"a":1,"a":1}', b"\xff"):
        found = follower.take(f"gatepost/v1/a/b/{topic}", payload, NOW_US)
        assert kinds(found) == [K.INVALID]


def test_topics_of_nobody_and_of_later_versions_are_passed_over(follower: Follower) -> None:
    own = [f"gatepost/v1/a/b/{each}" for each in ("desired/rules", "state/more", "command/x")]
    for topic in ("", "gatepost/v2/a/b/event/scan", "gatepost/v1/a", "$SYS/broker", *own):
        assert follower.take(topic, b"{}", NOW_US) == []


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
        st.text() | st.integers(-(2**53) + 1, 2**53 - 1),
    )
)
def test_the_quick_canonical_form_is_the_canonical_one(data: dict[str, Any]) -> None:
    assert flat(data) == canonical(data)


def test_half_of_a_surrogate_pair_has_no_form() -> None:
    with pytest.raises(ContractError):
        flat({"a": "\ud800"})


def token(header: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(header).encode()) + b".e30.AAAA"


def deep(times: int) -> bytes:
    return b"[" * times + b"]" * times


SENT = Station().visitors(1)[1].payload
TOPICS = [f"gatepost/v1/a-site/st-1/{each}" for each in (
    "event/scan", "event/x", "replay", "checkpoint", "state", "health")]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
CHANGED = st.dictionaries(
    st.sampled_from(sorted(json.loads(SENT)["data"])) | st.text(), JSON, min_size=1
).map(lambda each: json.dumps({**json.loads(SENT), "data": json.loads(SENT)["data"] | each}))
AROUND = st.dictionaries(st.sampled_from(sorted(json.loads(SENT))) | st.text(), JSON).map(
    lambda each: json.dumps(json.loads(SENT) | each)
)
TEXTS = CHANGED | AROUND | JSON.map(json.dumps)
HEADERS = st.fixed_dictionaries(
    {"typ": st.just("gatepost-checkpoint")},
    optional={"alg": JSON, "x5c": JSON, "crit": JSON, "b64": JSON, "kid": JSON, "jwk": JSON},
)


@settings(deadline=None)
@given(
    st.sampled_from(TOPICS), st.binary() | (CHANGED | AROUND | JSON.map(json.dumps)).map(str.encode)
)
@example(TOPICS[0], deep(900))
@example(TOPICS[0], deep(100_000))
@example(TOPICS[4], b'{"state":' + deep(900) + b"}")
@example(TOPICS[0], SENT.replace(b'"id":', b'"i":' + deep(900) + b',"id":'))
@example(TOPICS[0], SENT.replace(b'"data":{', b'"data":{"a":' + deep(900) + b","))
@example(TOPICS[3], base64.urlsafe_b64encode(deep(20_000)) + b".e30.AAAA")
def test_nothing_that_is_sent_makes_it_raise(topic: str, payload: bytes) -> None:
    Follower([]).take(topic, payload, NOW_US)


@settings(deadline=None)
@given(HEADERS)
@example({"typ": "gatepost-checkpoint", "x5c": ["AAAA"], "alg": []})
def test_no_checkpoint_makes_it_raise(authority: AuthorityFiles, header: Any) -> None:
    real = base64.b64encode(load_certificates(authority.station_certificate)[0].public_bytes(DER))
    follower = Follower(load_certificates(authority.ca))
    for chain in ({}, {"x5c": [real.decode()]}):
        found = follower.take(TOPICS[3], token(header | chain), NOW_US)
        assert kinds(found) == [K.INVALID]


# --- the chain by itself


def test_too_many_gaps_are_refused_until_some_are_filled() -> None:
    chain = Chain(most=3)
    for number in (2, 4, 6):
        assert chain.take(number, f"{number:064x}", f"{number - 1:064x}") is Place.NEW
    assert chain.take(8, f"{8:064x}", f"{7:064x}") is Place.SCATTERED
    assert 8 not in chain.taken
    assert chain.take(3, f"{3:064x}", f"{2:064x}") is Place.NEW
    assert chain.take(8, f"{8:064x}", f"{7:064x}") is Place.NEW


@settings(deadline=None)
@given(st.permutations(range(1, 41)), st.integers(0, 20), st.integers(0, 40))
def test_a_chain_goes_on_where_it_was_saved(order: list[int], keep: int, at: int) -> None:
    whole, first, saved = Chain(keep), Chain(keep), dict[int, bytes]()
    first.unsaved = set()
    for number in order:
        whole.take(number, f"{number:064x}", f"{number - 1:064x}")
    for number in order[:at]:
        first.take(number, f"{number:064x}", f"{number - 1:064x}")
        for each, link in first.changes():
            if link is None:
                saved.pop(each, None)
            else:
                saved[each] = link
    second = Chain(keep)
    second.restore(first.taken, first.broken, saved)
    assert second._links == first._links
    for number in order[at:]:
        second.take(number, f"{number:064x}", f"{number - 1:064x}")
    assert second.holds(40, f"{40:064x}")
    assert set(second._links) >= {40}
    assert len(second._links) == len(whole._links)


def test_memory_is_bounded_and_a_second_history_still_found_near_the_end() -> None:
    chain = Chain(keep=10)
    digests = [f"{number:064x}" for number in range(501)]
    for number in range(1, 501):
        assert chain.take(number, digests[number], digests[number - 1]) is Place.NEW
    assert len(chain._links) <= 12
    assert chain.take(3, "ff" * 32, digests[2]) is Place.OLD
    assert chain.take(495, "ff" * 32, digests[494]) is Place.OTHER
    assert chain.take(495, digests[495], digests[494]) is Place.SAME
    assert chain.holds(500, digests[500])
    assert not chain.broken


@settings(deadline=None)
@given(st.permutations(range(1, 31)), st.integers(0, 20))
def test_any_order_links_whatever_is_forgotten(order: list[int], keep: int) -> None:
    chain = Chain(keep)
    for number in order:
        chain.take(number, f"{number:064x}", f"{number - 1:064x}")
    assert chain.holds(30, f"{30:064x}")


@settings(deadline=None)
@given(st.permutations(range(1, 31)), st.integers(0, 20), st.integers(1, 30))
def test_a_wrong_link_is_found_in_any_order(order: list[int], keep: int, wrong: int) -> None:
    chain = Chain(keep)
    for number in order:
        previous = "ff" * 32 if number == wrong else f"{number - 1:064x}"
        chain.take(number, f"{number:064x}", previous)
    assert chain.broken == {wrong}
