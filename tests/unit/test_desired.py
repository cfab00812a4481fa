import fcntl
import json
import os
import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desires import NOW, Source, said
from fakes import FakeClock
from gatepost.desired import Desire, Held, NotKept, Refused, When, check, payload_of
from gatepost.model import Kind
from gatepost.timekeeping import Floor

RULES, TRUST = Desire.RULES, Desire.TRUST
both = pytest.mark.parametrize("kind", list(Desire))


@pytest.fixture(scope="module", params=["p256", "ed25519"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"), algorithm=request.param)


@pytest.fixture
def held(tmp_path: Path, source: Source) -> Held:
    return Held(tmp_path / "desired", source.centre)


def again(held: Held) -> Held:
    """The same card after a restart."""
    fresh = Held(held.path(RULES).parent, held.centre)
    fresh.look()
    return fresh


# --- what is taken


@both
def test_what_the_centre_signed_is_taken(kind: Desire, source: Source) -> None:
    found = check(source.token(kind, 7), kind, source.centre, 6, NOW)
    assert (found.kind, found.version, found.signer) == (kind, 7, "central")
    assert found.issued == datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


def test_rules_come_as_rules_and_lists_as_lists(source: Source) -> None:
    rules = check(source.token(RULES), RULES, source.centre, 0, NOW)
    assert rules.rules is not None
    assert rules.rules.accept == {Kind.PASS}
    assert rules.trust is None
    trust = check(source.token(TRUST, 3), TRUST, source.centre, 0, NOW)
    assert trust.trust is not None
    assert trust.trust.version == 3
    assert trust.rules is None


@pytest.mark.parametrize("audience", [["site-1"], ["gp-1"], ["*"], ["site-2", "gp-1"]])
def test_it_may_name_the_station_the_site_or_everybody(audience: list[str], source: Source) -> None:
    assert check(source.token(RULES, audience=audience), RULES, source.centre, 0, NOW).version == 1


def test_a_line_end_behind_a_token_is_no_part_of_it(source: Source) -> None:
    token = source.token(RULES)
    assert check(token + b"\r\n", RULES, source.centre, 0, NOW).token == token


# --- what is not


def refusal(token: bytes, kind: Desire, source: Source, held: int = 0, when: When = NOW) -> Refused:
    with pytest.raises(Refused) as caught:
        check(token, kind, source.centre, held, when)
    return caught.value


@both
def test_another_key_does_not_count(kind: Desire, source: Source, tmp_path: Path) -> None:
    strangers = Source.make(tmp_path / "strangers")
    told = refusal(strangers.token(kind), kind, source)
    assert "not issued by an authority" in str(told)
    assert told.signer == "unknown"
    forged = b".".join(source.token(kind, 9).split(b".")[:2] + source.token(kind).split(b".")[2:])
    assert "signature does not hold" in str(refusal(forged, kind, source))


@both
def test_a_station_does_not_count_whoever_issued_it(kind: Desire, source: Source) -> None:
    told = refusal(source.station_signs(kind), kind, source)
    assert str(told) == "signed by this station itself"
    other = replace(source.centre, station="gp-2")
    with pytest.raises(Refused, match="signed by 'gp-1', not by 'central'"):
        check(source.station_signs(kind), kind, other, 0, NOW)


def test_not_even_where_the_configuration_names_the_station_itself(source: Source) -> None:
    own = replace(source.centre, signer="gp-1")
    with pytest.raises(Refused, match="by this station itself"):
        check(source.station_signs(RULES), RULES, own, 0, NOW)


def test_without_an_authority_nothing_is_taken(source: Source) -> None:
    with pytest.raises(Refused, match="no authority is configured"):
        check(source.token(RULES), RULES, replace(source.centre, authorities=()), 0, NOW)


@both
@pytest.mark.parametrize("version", [1, 4, 5])
def test_an_older_one_and_the_same_again_are_replays(
    kind: Desire, version: int, source: Source
) -> None:
    told = refusal(source.token(kind, version), kind, source, held=5)
    assert str(told) == f"version {version}: 5 is held already"
    assert told.signer == "central"


def test_a_token_of_the_other_kind_is_none_of_this(source: Source) -> None:
    assert "typ is not 'gatepost-trust'" in str(refusal(source.token(RULES), TRUST, source))
    payload = json.dumps(said(RULES, 1)).encode()
    disguised = source.sign(payload, TRUST.typ)
    assert "type is not 'gatepost-trust'" in str(refusal(disguised, TRUST, source))
    assert "typ is not" in str(refusal(source.sign(payload, "gatepost-checkpoint"), RULES, source))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"audience": ["site-2"]}, "neither gp-1 nor site-1"),
        ({"audience": []}, "audience is no list"),
        ({"audience": "site-1"}, "audience is no list"),
        ({"audience": [1]}, "audience must hold texts"),
        ({"version": 0}, "version is no number"),
        ({"version": -1}, "version is no number"),
        ({"version": True}, "version is no number"),
        ({"version": 1.0}, "version is no number"),
        ({"version": "1"}, "version is no number"),
        ({"version": 2**53}, "version is no number"),
        ({"issued": "yesterday"}, "issued is no time"),
        ({"issued": 7}, "issued is no time"),
        ({"issued": "2026-11-24T07:00:00"}, "issued names no time zone"),
        ({"issued": "0001-01-01T00:00:00+14:00"}, "issued is no time"),
        ({"issued": "2050-06-01T00:00:00Z"}, "after the end of its signer's certificate"),
        ({"issued": "2026-12-24T07:00:00Z"}, "issued in the future"),
    ],
)
@both
def test_what_it_says_of_itself_must_make_sense(
    changes: dict[str, object], told: str, kind: Desire, source: Source
) -> None:
    token = source.token(kind, **changes) if "version" not in changes else None
    if token is None:
        payload = json.dumps(said(kind, 1) | changes).encode()
        token = source.sign(payload, kind.typ)
    assert told in str(refusal(token, kind, source))


@both
@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"[]", b"null", b'{"a":1,"a":2}', b"[" * 5000, b'{"version":NaN}', b"{"],
)
def test_a_payload_that_is_none_is_refused(payload: bytes, kind: Desire, source: Source) -> None:
    assert "payload" in str(refusal(source.sign(payload, kind.typ), kind, source))


@both
@pytest.mark.parametrize(
    "token",
    [b"", b".", b"..", b"a.b.c", b"\xff\xfe\x00", "é.é.é".encode(), b"{}", b"x" * 5_000_000],
)
def test_what_is_no_token_is_refused(token: bytes, kind: Desire, source: Source) -> None:
    assert refusal(token, kind, source).signer == "unknown"


@both
def test_every_cut_of_a_token_is_refused(kind: Desire, source: Source) -> None:
    token = source.token(kind)
    for length in range(len(token)):
        refusal(token[:length], kind, source)


def test_rules_that_contradict_each_other_are_told_and_not_taken(source: Source) -> None:
    bad = '[gate]\nrepeat_s = -1\ncapacity = "many"\nday_reset = "25:00"\nopen_ = 1\n'
    told = str(refusal(source.token(RULES, rules=bad), RULES, source))
    assert told.count(";") == 3
    assert told.endswith("more")
    assert refusal(source.token(RULES, rules="["), RULES, source).signer == "central"


def test_rules_with_more_than_is_understood_are_not_taken(source: Source) -> None:
    assert "alone" in str(refusal(source.token(RULES, until="2027"), RULES, source))
    assert "alone" in str(refusal(source.token(RULES, rules=None), RULES, source))


def test_a_list_that_cannot_be_used_is_not_taken(source: Source) -> None:
    told = refusal(source.token(TRUST, keys=[{"kid": "AA"}]), TRUST, source)
    assert told.signer == "central"


# --- the station's time


def test_a_clock_that_is_behind_refuses_nothing(tmp_path: Path, source: Source) -> None:
    held = Held(tmp_path, source.centre, floor=Floor(0))
    lost = FakeClock(wall=0, bound=None)
    assert held.when(lost) == When(datetime(2020, 1, 1, tzinfo=UTC), behind=True)
    assert held.take(source.token(RULES), RULES, held.when(lost)) is not None
    assert held.when(lost).at == datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


def test_a_clock_that_is_behind_is_never_before_the_floor(tmp_path: Path, source: Source) -> None:
    floor = datetime(2026, 10, 1, tzinfo=UTC)
    held = Held(tmp_path, source.centre, floor=Floor(int(floor.timestamp()) * 1_000_000))
    assert held.when(FakeClock(wall=0, bound=None)) == When(floor, behind=True)


def test_a_clock_that_is_behind_still_refuses_what_has_ended(source: Source) -> None:
    token = source.token(RULES)
    before = When(datetime(2000, 1, 1, tzinfo=UTC))
    assert "not valid at this time" in str(refusal(token, RULES, source, when=before))
    assert check(token, RULES, source.centre, 0, replace(before, behind=True)).version == 1
    after = When(datetime(2055, 1, 1, tzinfo=UTC), behind=True)
    assert "not valid at this time" in str(refusal(token, RULES, source, when=after))


def test_a_clock_that_is_set_is_believed(tmp_path: Path, source: Source) -> None:
    held = Held(tmp_path, source.centre)
    clock = FakeClock()
    assert held.when(clock) == When(
        datetime.fromtimestamp(clock.wall_us() / 1_000_000, UTC), behind=False
    )
    held.when(FakeClock(wall=2**63))  # a wild one costs the truth, never a crash


# --- on the card


@both
def test_what_was_taken_is_there_after_a_restart(kind: Desire, held: Held, source: Source) -> None:
    assert held.take(source.token(kind, 3), kind, NOW) is not None
    fresh = again(held)
    assert fresh.version(kind) == 3
    assert fresh.now(kind) == held.now(kind)
    assert fresh.look() == []
    assert held.path(kind).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in held.path(kind).parent.iterdir()] == [f"{kind.value}.jws"]


@both
def test_a_replay_is_refused_after_a_restart_too(kind: Desire, held: Held, source: Source) -> None:
    old = source.token(kind, 3)
    held.take(old, kind, NOW)
    held.take(source.token(kind, 4), kind, NOW)
    with pytest.raises(Refused, match="4 is held already"):
        again(held).take(old, kind, NOW)


@both
def test_the_very_one_that_is_held_is_no_news(kind: Desire, held: Held, source: Source) -> None:
    token = source.token(kind)
    assert held.take(token, kind, NOW) is not None
    assert held.take(token, kind, NOW) is None
    assert again(held).take(token + b"\n", kind, NOW) is None


@both
def test_the_last_good_one_stays_when_a_bad_one_comes(
    kind: Desire, held: Held, source: Source
) -> None:
    held.take(source.token(kind, 3), kind, NOW)
    bad = {"rules": "[gate"} if kind is RULES else {"keys": 7}
    for token in (source.token(kind, 4, **bad), source.station_signs(kind, 5), b"garbage"):
        with pytest.raises(Refused):
            held.take(token, kind, NOW)
    assert held.version(kind) == again(held).version(kind) == 3


@both
def test_a_file_that_is_cut_anywhere_is_ignored_and_then_replaced(
    kind: Desire, held: Held, source: Source
) -> None:
    token = source.token(kind, 3)
    held.take(token, kind, NOW)
    for length in range(len(token)):
        held.path(kind).write_bytes(token[:length])
        fresh = again(held)
        assert fresh.now(kind) is None
        assert str(held.path(kind)) in fresh.problems[kind]
    assert fresh.take(token, kind, NOW) is not None
    assert fresh.problems == {}
    assert again(held).version(kind) == 3


@both
def test_a_write_that_was_torn_anywhere_leaves_the_former_one(
    kind: Desire, held: Held, source: Source
) -> None:
    held.take(source.token(kind, 3), kind, NOW)
    new = source.token(kind, 4)
    torn = held.path(kind).with_name(f"{kind.value}.jws.new")
    for length in range(0, len(new), 7):
        torn.write_bytes(new[:length])
        fresh = again(held)
        assert fresh.version(kind) == 3
        fresh.tidy()
        assert not torn.exists()
    torn.write_bytes(new[:99])
    assert again(held).take(new, kind, NOW) is not None
    assert again(held).version(kind) == 4


@both
def test_what_lies_on_the_card_is_checked_again(
    kind: Desire, held: Held, source: Source, tmp_path: Path
) -> None:
    held.take(source.token(kind, 3), kind, NOW)
    for token in (source.station_signs(kind, 9), Source.make(tmp_path / "x").token(kind, 9)):
        held.path(kind).write_bytes(token)
        assert again(held).now(kind) is None
        assert held.look() == []
        assert held.version(kind) == 3


def test_what_is_held_does_not_end_with_its_signers_certificate(held: Held, source: Source) -> None:
    """It was checked when it came: `look` asks for no time at all."""
    held.take(source.token(RULES), RULES, NOW)
    late = When(datetime(2055, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="not valid at this time"):
        again(held).take(source.token(RULES, 2), RULES, late)
    assert again(held).version(RULES) == 1


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_something_else_in_the_files_place_is_told(
    make: Callable[[Path], None], held: Held
) -> None:
    held.path(RULES).parent.mkdir()
    make(held.path(RULES))
    fresh = again(held)
    assert fresh.now(RULES) is None
    assert RULES in fresh.problems


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"eyJ.")])
def test_what_was_lost_from_the_card_while_it_holds_is_mended_when_it_comes_again(
    harm: Callable[[Path], None], held: Held, source: Source
) -> None:
    token = source.token(RULES, 5)
    held.take(token, RULES, NOW)
    harm(held.path(RULES))
    assert held.look() == []
    with pytest.raises(Refused, match="5 is held already"):
        held.take(source.token(RULES, 4), RULES, NOW)
    assert held.take(token, RULES, NOW) is None
    assert again(held).version(RULES) == 5
    assert not held.problems


def test_what_cannot_be_read_for_a_while_is_read_later(held: Held, source: Source) -> None:
    held.take(source.token(RULES, 3), RULES, NOW)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))  # EMFILE, as where others leak
    try:
        fresh = again(held)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert fresh.now(RULES) is None
    assert "cannot be read" in fresh.problems[RULES]
    assert [each.version for each in fresh.look()] == [3]
    assert not fresh.problems


def test_a_small_token_cannot_take_all_memory(source: Source) -> None:
    token = source.token(RULES, rules="a." * 100_000 + "b = 1")
    with pytest.raises(Refused, match="more than 32 parts"):
        check(token, RULES, source.centre, 0, NOW)


def test_what_another_process_wrote_is_found_once(held: Held, source: Source) -> None:
    other = again(held)
    assert held.look() == []
    other.take(source.token(TRUST, 5), TRUST, NOW)
    assert [each.version for each in held.look()] == [5]
    assert held.look() == []
    assert held.version(TRUST) == 5


def test_two_processes_never_go_back(held: Held, source: Source) -> None:
    other = again(held)
    newest = source.token(RULES, 5)
    other.take(newest, RULES, NOW)
    with pytest.raises(Refused, match="version 4: 5 is held already"):
        held.take(source.token(RULES, 4), RULES, NOW)
    assert held.take(newest, RULES, NOW) is None  # the other was quicker
    assert [each.version for each in held.look()] == [5]
    held.path(RULES).write_bytes(source.token(RULES, 2))
    assert held.look() == []
    assert held.version(RULES) == 5


def test_a_lock_that_is_not_let_go_stops_nobody(tmp_path: Path, source: Source) -> None:
    held = Held(tmp_path / "desired", source.centre, lock_s=0.1)
    folder = held.path(RULES).parent
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(NotKept, match="another process"):
            held.take(source.token(RULES), RULES, NOW)
    finally:
        os.close(handle)
    assert held.version(RULES) == 0
    assert held.take(source.token(RULES), RULES, NOW) is not None


def test_a_card_that_cannot_be_written_is_told(tmp_path: Path, source: Source) -> None:
    (tmp_path / "file").touch()
    held = Held(tmp_path / "file" / "desired", source.centre)
    with pytest.raises(NotKept, match="cannot be kept"):
        held.take(source.token(RULES), RULES, NOW)
    assert held.version(RULES) == 0
    held.tidy()


def test_a_large_list_is_taken_and_one_that_is_too_large_is_not(held: Held, source: Source) -> None:
    names = [f"station-{number:06}" for number in range(9_999)]
    assert held.take(source.token(TRUST, audience=[*names, "*"]), TRUST, NOW) is not None
    assert again(held).version(TRUST) == 1
    huge = source.token(RULES, rules="# " + "x" * 4_000_000)
    assert "at most 4194304" in str(refusal(huge, RULES, source))


def test_a_signer_of_another_name_is_believed_no_longer_when_the_configuration_changes(
    held: Held, source: Source
) -> None:
    held.take(source.token(RULES), RULES, NOW)
    renamed = Held(held.path(RULES).parent, replace(source.centre, signer="office"))
    assert renamed.look() == []
    assert "signed by 'central', not by 'office'" in renamed.problems[RULES]


# --- the payload alone


def test_the_payload_of_a_token_and_of_plain_content(source: Source) -> None:
    assert json.loads(payload_of(source.token(TRUST, 3) + b"\n")) == said(TRUST, 3)
    assert payload_of(b' {"a": 1}\n') == b'{"a": 1}'
    for bad in (b"eyJ", b"eyJ.a", b"eyJ.!.a", b"eyJ.\xff.a", b"eyJ.e30=.a"):
        with pytest.raises(Refused, match="not a JWS"):
            payload_of(bad)
