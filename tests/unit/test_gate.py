from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from scripted_gate import BOOT, DAY_S, NOON, Visits, checked, person, proof, stamp

from gatepost.gate import Gate, Memory
from gatepost.model import (
    Basis,
    Code,
    CueKind,
    Direction,
    Kind,
    Reason,
    Trust,
    Verdict,
)
from gatepost.rules import EVERYTHING, AntiPassback, KindRules, Subjects, hours
from gatepost.subjects import token

IN, OUT, NONE, AUTO = Direction.IN, Direction.OUT, Direction.NONE, Direction.AUTO
A, B, C = person("a"), person("b"), person("c")
WEAK = person("w", weak=True)
OTHER_BOOT = "c" * 32
SALT = "a-salt-of-this-list"


def on(*names: str) -> Subjects:
    return Subjects(SALT, frozenset(token(SALT, "citizen", name) for name in names))


def test_auto_lets_in_then_out_then_in() -> None:
    visits = Visits()
    assert [visits.show(A, at).direction for at in (0, 100, 200)] == [IN, OUT, IN]


def test_two_people_do_not_share_a_memory() -> None:
    visits = Visits()
    assert visits.show(A, 0).direction is IN
    assert visits.show(B, 1).direction is IN


def test_the_same_text_of_another_basis_is_another_person() -> None:
    visits = Visits()
    visits.show(A, 0)
    assert visits.show(replace(A, basis=Basis.PASSPORT), 1).direction is IN


def test_soon_again_is_seen_already_and_changes_nothing() -> None:
    visits = Visits()
    visits.show(A, 0)
    again = visits.show(A, 9.9)
    assert (again.verdict, again.reason) == (Verdict.REPEATED, Reason.SEEN_ALREADY)
    assert (again.direction, again.cue.kind) == (IN, CueKind.REPEATED)
    assert again.cue.initials == A.initials
    assert visits.entry is None
    assert visits.show(A, 10.0).direction is OUT


def test_in_by_one_reader_and_out_by_another_is_no_repeat() -> None:
    visits = Visits()
    visits.show(A, 0, IN)
    out = visits.show(A, 3, OUT)
    assert (out.verdict, out.direction) == (Verdict.ACCEPTED, OUT)


def test_a_reader_of_no_direction_leaves_who_is_inside_inside() -> None:
    visits = Visits()
    visits.show(A, 0, IN)
    assert visits.show(A, 20, NONE).direction is NONE
    assert visits.gate.memory.inside == 1
    assert visits.show(A, 40).direction is OUT
    assert visits.gate.memory.inside == 0


def test_what_was_not_kept_is_not_remembered() -> None:
    visits = Visits()
    visits.show(A, 0, kept=False)
    assert visits.show(A, 1).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("kind", "reason", "cue"),
    [
        (Kind.SITE, Reason.POSTER_SHOWN, CueKind.POSTER),
        (Kind.MDOC, Reason.LICENCE_SHOWN, CueKind.REFUSED),
        (Kind.URL, Reason.LINK_SHOWN, CueKind.NOT_UNDERSTOOD),
        (Kind.UNKNOWN, Reason.KIND_UNKNOWN, CueKind.NOT_UNDERSTOOD),
    ],
)
def test_what_is_no_visitor(kind: Kind, reason: Reason, cue: CueKind) -> None:
    decision = Visits().show(Code(kind), 7)
    assert (decision.verdict, decision.reason) == (reason.verdict, reason)
    assert (decision.cue.kind, decision.cue.reason, decision.direction) == (cue, reason, NONE)
    assert (decision.cue.reader, decision.cue.taken) == ("door", 7)


def test_a_cue_says_why_and_names_only_who_is_let_in() -> None:
    visits = Visits(replace(EVERYTHING, deny=on("b")))
    let_in, refused = visits.show(A).cue, visits.show(B).cue
    assert (let_in.kind, let_in.reason) == (CueKind.ACCEPTED, Reason.RECORDED)
    assert (let_in.initials, let_in.direction) == (A.initials, IN)
    assert (refused.kind, refused.reason) == (CueKind.REFUSED, Reason.DENIED)
    assert (refused.initials, refused.direction) == ("", NONE)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (WEAK, {}),
        (person(""), {}),
        (person("w", Kind.DCC, proof=proof()), {"trust": Trust.UNKNOWN_KEY}),
    ],
)
def test_a_weak_identity_never_decides(code: Code, more: dict[str, Trust]) -> None:
    optional = {Kind.DCC: KindRules(required=False)}
    rules = replace(EVERYTHING, deny=on("w", ""), kinds=optional, anti_passback=AntiPassback.REFUSE)
    visits = Visits(rules)
    seen = checked(code, **more)
    for at in (0, 1):
        assert visits.show(code, at, IN, seen=seen).verdict is Verdict.ACCEPTED
    assert visits.show(code, 2, seen=seen).direction is NONE
    assert (visits.entry, visits.gate.memory.passages) == (None, {})
    assert visits.gate.memory.inside == 2
    only = Visits(replace(rules, deny=Subjects(), allow=on("w", ""), allow_only=True))
    assert only.show(code, 0, IN, seen=seen).reason is Reason.NOT_ON_LIST


def test_an_unverified_code_is_refused_even_where_nobody_says_why() -> None:
    code = person("w", Kind.PASS)
    for trust, reason in (
        (Trust.UNKNOWN_KEY, Reason.ISSUER_UNKNOWN),
        (Trust.INVALID, Reason.SIGNATURE_INVALID),
        (Trust.UNSIGNED, Reason.SIGNATURE_INVALID),
    ):
        decision = Visits().show(code, seen=checked(code, trust=trust))
        assert (decision.reason, decision.cue.initials) == (reason, "")


def test_optional_lets_only_an_unknown_issuer_through() -> None:
    code = person("w", Kind.PASS)
    visits = Visits(replace(EVERYTHING, kinds={Kind.PASS: KindRules(required=False)}))
    unknown = checked(code, trust=Trust.UNKNOWN_KEY, reason=Reason.ISSUER_UNKNOWN)
    let_in = visits.show(code, seen=unknown)
    assert (let_in.reason, let_in.cue.initials) == (Reason.RECORDED_UNVERIFIED, code.initials)
    for reason in (Reason.SIGNATURE_INVALID, Reason.REVOKED, Reason.EXPIRED):
        seen = checked(code, trust=Trust.INVALID, reason=reason)
        assert visits.show(code, seen=seen).reason is reason
    assert visits.show(code, seen=checked(code)).reason is Reason.RECORDED


@pytest.mark.parametrize(
    ("only", "reader", "direction", "reason"),
    [
        (IN, AUTO, IN, Reason.RECORDED),
        (OUT, AUTO, OUT, Reason.RECORDED),
        (IN, OUT, NONE, Reason.WRONG_WAY),
        (OUT, IN, NONE, Reason.WRONG_WAY),
        (IN, NONE, NONE, Reason.RECORDED),
        (None, OUT, OUT, Reason.RECORDED),
    ],
)
def test_one_way_or_both(
    only: Direction | None, reader: Direction, direction: Direction, reason: Reason
) -> None:
    decision = Visits(replace(EVERYTHING, only_way=only)).show(A, 0, reader)
    assert (decision.direction, decision.reason) == (direction, reason)


def test_where_all_go_in_everybody_goes_in_again_and_weak_ones_too() -> None:
    visits = Visits(replace(EVERYTHING, only_way=IN))
    assert [visits.show(A, at).direction for at in (0, 100)] == [IN, IN]
    assert visits.show(WEAK, 200).direction is IN


@pytest.mark.parametrize(
    ("policy", "reason", "cue"),
    [
        (AntiPassback.RECORD, Reason.RECORDED_INSIDE_ALREADY, CueKind.ACCEPTED),
        (AntiPassback.WARN, Reason.WARNED_INSIDE_ALREADY, CueKind.ACCEPTED),
        (AntiPassback.REFUSE, Reason.INSIDE_ALREADY, CueKind.REFUSED),
    ],
)
def test_in_twice_without_out(policy: AntiPassback, reason: Reason, cue: CueKind) -> None:
    visits = Visits(replace(EVERYTHING, anti_passback=policy))
    visits.show(A, 0, IN)
    again = visits.show(A, 100, IN)
    assert (again.reason, again.cue.kind) == (reason, cue)
    assert visits.gate.memory.inside == 1
    visits.show(A, 200, OUT)
    assert visits.show(A, 300, IN).reason is Reason.RECORDED


def test_a_full_place_refuses_who_comes_until_somebody_leaves() -> None:
    visits = Visits(replace(EVERYTHING, capacity=2))
    visits.show(A, 0, IN)
    visits.show(WEAK, 1, IN)
    assert visits.show(B, 2, IN).reason is Reason.PLACE_FULL
    assert visits.show(WEAK, 3, IN).reason is Reason.PLACE_FULL
    assert visits.show(B, 4, NONE).verdict is Verdict.ACCEPTED
    visits.show(A, 20, OUT)
    assert visits.show(C, 21, IN).verdict is Verdict.ACCEPTED


def test_who_is_inside_and_shows_again_takes_no_other_place() -> None:
    visits = Visits(replace(EVERYTHING, capacity=1))
    visits.show(A, 0, IN)
    assert visits.show(A, 100, IN).reason is Reason.RECORDED_INSIDE_ALREADY
    visits.show(A, 200, OUT)
    visits.show(A, 300, OUT)
    assert visits.gate.memory.inside == 0


def test_there_are_never_fewer_than_none_inside() -> None:
    visits = Visits()
    visits.show(A, 0, OUT)
    visits.show(B, 1, IN)
    assert visits.gate.memory.inside == 1


def test_who_is_allowed_comes_at_any_hour_and_into_a_full_place() -> None:
    closed = hours(["tue 07:00-08:00"])
    visits = Visits(replace(EVERYTHING, hours=closed, capacity=1, allow=on("a", "b")))
    assert visits.show(C, 0, IN).reason is Reason.CLOSED
    assert visits.show(A, 1, IN).reason is Reason.RECORDED
    assert visits.show(B, 2, IN).reason is Reason.RECORDED


def test_who_leaves_after_closing_is_recorded() -> None:
    visits = Visits(replace(EVERYTHING, hours=hours(["mon 07:00-12:01"])))
    assert visits.show(A, 0).direction is IN
    assert visits.show(A, 100).direction is OUT
    assert visits.show(B, 100).reason is Reason.CLOSED
    assert visits.show(WEAK, 100).reason is Reason.CLOSED


def test_opening_hours_are_local() -> None:
    hanoi = Visits(
        replace(EVERYTHING, hours=hours(["mon 18:00-20:00"])), zone=ZoneInfo("Asia/Ho_Chi_Minh")
    )
    assert hanoi.show(A, 0).reason is Reason.RECORDED  # noon in UTC
    utc = Visits(replace(EVERYTHING, hours=hours(["mon 18:00-20:00"])))
    assert utc.show(A, 0).reason is Reason.CLOSED


@pytest.mark.parametrize(
    ("bound_s", "reason"), [(0, Reason.CLOSED), (29, Reason.CLOSED), (30, Reason.RECORDED)]
)
@pytest.mark.parametrize("line", ["mon 07:00-12:00", "mon 12:01-17:00"])
def test_it_is_closed_only_beyond_the_error_of_the_clock(
    line: str, bound_s: int, reason: Reason
) -> None:
    seconds = 30 if line.endswith("17:00") else 29.999999
    visits = Visits(replace(EVERYTHING, hours=hours([line])))
    at = stamp(seconds, bound_us=bound_s * 1_000_000)
    assert visits.show(A, seconds, at=at).reason is reason


AGED = replace(EVERYTHING, kinds={Kind.DCC: KindRules(max_age_days=10)})


@pytest.mark.parametrize(
    ("dates", "bound_us", "reason"),
    [
        ({"issued_s": NOON - 10 * DAY_S}, 0, Reason.RECORDED),
        ({"issued_s": NOON - 10 * DAY_S - 1}, 0, Reason.TOO_OLD),
        ({"issued_s": NOON - 10 * DAY_S - 1}, 1_000_000, Reason.RECORDED),
        ({"issued_s": NOON - 11 * DAY_S, "not_before_s": NOON}, 0, Reason.TOO_OLD),
        ({"not_before_s": NOON - 11 * DAY_S}, 0, Reason.TOO_OLD),
        ({"not_before_s": NOON}, 0, Reason.RECORDED),
        ({}, 0, Reason.TOO_OLD),
        ({"issued_s": NOON - 11 * DAY_S}, None, Reason.RECORDED_TIME_UNKNOWN),
    ],
)
def test_age(dates: dict[str, float], bound_us: int | None, reason: Reason) -> None:
    code = person("d", Kind.DCC, proof=proof(**dates))
    assert Visits(AGED).show(code, at=stamp(bound_us=bound_us)).reason is reason


def test_who_does_not_know_the_time_says_so_rather_than_refuse() -> None:
    unknown = stamp(wall_s=0, bound_us=None)
    closed = replace(EVERYTHING, hours=hours(["tue 07:00-08:00"]))
    assert Visits(closed).show(A, at=unknown).reason is Reason.RECORDED_TIME_UNKNOWN
    code = person("d", Kind.DCC, proof=proof())
    seen = checked(code, time_known=False)
    assert Visits().show(code, seen=seen, at=unknown).reason is Reason.RECORDED_TIME_UNKNOWN
    assert Visits().show(A, at=unknown).reason is Reason.RECORDED  # nothing here goes by the time


@pytest.mark.parametrize(
    ("issuers", "key", "reason"),
    [
        ({"VN"}, "", Reason.RECORDED),
        ({"Ministry"}, "Ministry", Reason.RECORDED),
        ({"DE"}, "Ministry", Reason.ISSUER_NOT_ACCEPTED),
        (set(), "", Reason.RECORDED),
    ],
)
def test_accepted_issuers(issuers: set[str], key: str, reason: Reason) -> None:
    rules = replace(EVERYTHING, kinds={Kind.DCC: KindRules(issuers=frozenset(issuers))})
    code = person("d", Kind.DCC, proof=proof())
    assert Visits(rules).show(code, seen=checked(code, issuer=key)).reason is reason


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ((), Reason.RECORDED),
        (("ward-7",), Reason.RECORDED),
        (("ward-6", "ward-7"), Reason.RECORDED),
        (("ward-6",), Reason.NOT_FOR_THIS_PLACE),
    ],
)
def test_a_pass_for_other_places(places: tuple[str, ...], reason: Reason) -> None:
    assert Visits().show(person("p", Kind.PASS, places=places)).reason is reason


def test_a_proxy_declaration_is_marked() -> None:
    declared = person("a", Kind.PC_COVID, for_another=True)
    assert Visits().show(declared).reason is Reason.RECORDED_FOR_ANOTHER


def test_rules_are_replaced_and_the_memory_stays() -> None:
    visits = Visits()
    visits.show(A, 0)
    visits.gate.rules = replace(EVERYTHING, capacity=1)
    assert visits.show(B, 1, IN).reason is Reason.PLACE_FULL
    assert visits.show(A, 100).direction is OUT


def test_the_memory_is_bounded_and_the_oldest_leave() -> None:
    visits = Visits()
    visits.show(person("0"), 0)
    memory = visits.gate.memory
    for number in range(1, 100_010):
        memory.learn(memory.pseudonym(person(str(number))), IN, number / 10)
    assert len(memory.passages) == 100_000
    assert visits.show(person("9"), 10_100).direction is IN
    assert visits.show(person("11"), 10_101).direction is OUT


@pytest.mark.parametrize("hour", [3.99, 4.0])
def test_the_day_ends_at_the_reset_local_time(hour: float) -> None:
    visits = Visits(zone=timezone(timedelta(hours=7)))
    midnight = (NOON - 12 * 3600) - 7 * 3600
    visits.show(A, 0, at=stamp(0, midnight + 3600))
    key = visits.gate.memory.key
    later = (hour - 1) * 3600
    way = visits.show(A, later, at=stamp(later, midnight + 3600)).direction
    assert (way, visits.gate.memory.key == key) == ((OUT, True) if hour < 4 else (IN, False))


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("America/New_York")])
def test_a_day_is_a_day_in_every_zone(zone: ZoneInfo) -> None:
    visits = Visits(zone=zone)
    keys = []
    for hour in range(72):
        visits.gate.turn(stamp(hour * 3600))
        keys.append(visits.gate.memory.key)
    lives = [keys.count(key) for key in dict.fromkeys(keys)]
    assert len(lives) == 4
    assert lives[1:3] == [24, 24]


def test_a_day_that_is_over_is_forgotten_though_nobody_comes() -> None:
    visits = Visits(replace(EVERYTHING, capacity=1))
    visits.show(A, 0)
    before = visits.gate.memory.key
    visits.gate.turn(stamp(DAY_S))
    memory = visits.gate.memory
    assert (memory.passages, memory.inside, memory.key == before) == ({}, 0, False)


def test_a_scan_from_just_before_the_reset_does_not_bring_the_old_day_back() -> None:
    visits = Visits()
    reset = 16 * 3600
    visits.show(A, reset + 1)
    assert visits.show(B, reset - 1).direction is IN
    assert visits.show(A, reset + 100).direction is OUT


def unknown(taken: float, boot: str = BOOT) -> Direction:
    """Which way A goes when shown at `taken` to a gate that remembers A inside since noon."""
    visits = Visits()
    visits.show(A, 0)
    return visits.show(A, taken, at=stamp(taken, 0, boot, bound_us=None)).direction


def test_without_time_the_day_is_kept_for_24_hours() -> None:
    assert unknown(24 * 3600 - 1) is OUT
    assert unknown(24 * 3600) is IN


def test_a_boot_without_time_keeps_the_day() -> None:
    assert unknown(10, OTHER_BOOT) is OUT


def test_boots_without_time_add_up_to_24_hours() -> None:
    visits = Visits()
    for number, way in enumerate((IN, OUT, IN, OUT, IN)):
        boot = f"{number:032d}"
        seen = visits.show(A, 100, at=stamp(100, 0, boot, bound_us=None)).direction
        assert seen is way, number
        visits.gate.turn(stamp(6.2 * 3600, 0, boot, bound_us=None))
        if number == 3:
            assert visits.gate.memory.passages == {}


def test_a_memory_begun_without_time_takes_the_day_that_comes() -> None:
    visits = Visits()
    visits.show(A, 0, at=stamp(0, 0, bound_us=None))
    assert visits.gate.memory.day is None
    assert visits.show(A, 100).direction is OUT
    assert visits.gate.memory.day is not None


def test_when_time_comes_and_it_is_another_day_the_old_one_goes() -> None:
    visits = Visits()
    visits.show(A, 0)
    visits.show(A, 100, at=stamp(100, 0, OTHER_BOOT, bound_us=None))
    later = stamp(200, NOON + DAY_S, OTHER_BOOT)
    assert visits.show(A, 200, at=later).direction is IN


def test_a_memory_lives_24_hours_also_on_a_machine_that_was_up_long_before() -> None:
    visits = Visits()
    visits.show(A, 23 * 3600, at=stamp(23 * 3600, 0, bound_us=None))
    later = 30 * 3600
    assert visits.show(A, later, at=stamp(later, 0, bound_us=None)).direction is OUT
    visits.gate.turn(stamp(47 * 3600, 0, bound_us=None))
    assert visits.gate.memory.passages == {}


@pytest.mark.parametrize(("hours_since_reset", "way"), [(2, IN), (4, OUT)])
def test_when_time_comes_what_is_older_than_the_day_goes(
    hours_since_reset: float, way: Direction
) -> None:
    visits = Visits()
    visits.show(A, 0, at=stamp(0, 0, bound_us=None))
    at_boot = NOON + DAY_S + (hours_since_reset - 8 - 3) * 3600  # three hours before time came
    came = stamp(3 * 3600, at_boot)
    assert visits.show(A, 3 * 3600, at=came).direction is way


BERLIN = ZoneInfo("Europe/Berlin")
FIRST_0240 = datetime(2026, 10, 25, 0, 40, tzinfo=UTC).timestamp()  # 02:40 comes twice there


def test_the_end_of_summer_time_resets_the_day_once() -> None:
    visits = Visits(replace(EVERYTHING, day_reset=time(2, 30)), zone=BERLIN)
    visits.gate.turn(stamp(0, FIRST_0240 - 3600))
    visits.show(A, 3600, at=stamp(3600, FIRST_0240 - 3600))
    key = visits.gate.memory.key
    for minutes in range(1, 23 * 60):
        visits.gate.turn(stamp(3600 + 60 * minutes, FIRST_0240 - 3600))
    assert visits.gate.memory.key == key
    assert visits.show(A, DAY_S, at=stamp(DAY_S, FIRST_0240 - 3600)).direction is OUT
    visits.gate.turn(stamp(26 * 3600, FIRST_0240 - 3600))
    assert visits.gate.memory.passages == {}


def test_a_clock_that_is_put_back_over_the_reset_forgets_nobody() -> None:
    visits = Visits()
    visits.show(A, 1, at=stamp(1, NOON + 16 * 3600))
    visits.gate.turn(stamp(2, NOON + 16 * 3600 - 5))
    assert visits.show(A, 100, at=stamp(100, NOON + 16 * 3600 - 5)).direction is OUT


def test_a_clock_that_is_put_back_by_more_is_another_day() -> None:
    visits = Visits()
    visits.show(A, 1)
    visits.gate.turn(stamp(2, NOON - 12 * 3600))
    assert visits.gate.memory.passages == {}


def life(visits: Visits, wall_s: Callable[[float], float]) -> float:
    """For how many hours the key that holds now will, where `wall_s` is the clock at boot."""
    key, begun = visits.gate.memory.key, visits.gate.memory.seen_us / 1e6
    at = begun
    while visits.gate.memory.key == key and at < begun + 3 * DAY_S:
        at += 60
        visits.gate.turn(stamp(at, wall_s(at)))
    return (at - begun) / 3600


@pytest.mark.parametrize("reset", range(24))
def test_a_reset_that_is_moved_gives_no_day_more_than_26_hours(reset: int) -> None:
    visits = Visits()
    visits.show(A, 16 * 3600)
    visits.gate.turn(stamp(29 * 3600))  # 17:00 of the day that began at 04:00
    visits.gate.rules = replace(EVERYTHING, day_reset=time(reset))
    assert 13 + life(visits, lambda _: NOON) <= 26


def test_a_clock_that_stands_still_ends_the_day_too() -> None:
    visits = Visits()
    visits.show(A, 0)
    assert life(visits, lambda at: NOON - at) == 26


def test_in_another_boot_all_was_long_ago() -> None:
    visits = Visits()
    visits.show(A, 100)
    assert visits.show(A, 101, at=stamp(101, boot=OTHER_BOOT)).direction is OUT


@pytest.mark.parametrize("wall_us", [0, 2**53 - 1])
def test_a_wild_clock_decides_too(wall_us: int) -> None:
    wild = replace(stamp(), wall_us=wall_us)
    visits = Visits(replace(EVERYTHING, hours=hours(["mon 00:00-24:00"])))
    assert visits.show(A, at=wild).reason in {Reason.RECORDED, Reason.CLOSED}


@pytest.fixture(params=["UTC0", "ICT-7", "EST5"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The machine's own zone, as hours from UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", request.param)
        tzset()
        yield {"UTC0": 0, "ICT-7": 7, "EST5": -5}[request.param]
    tzset()


def test_the_machines_own_zone_is_taken_where_none_is_named(machine_zone: int) -> None:
    gate, named = Gate(EVERYTHING), Gate(EVERYTHING, zone=timezone(timedelta(hours=machine_zone)))
    for hour in range(0, 48, 5):
        gate.turn(stamp(hour * 3600))
        named.turn(stamp(hour * 3600))
        assert gate.memory.day == named.memory.day


def test_a_key_never_shows_in_what_is_printed() -> None:
    memory = Memory()
    assert memory.key.hex() not in repr(memory)
    assert repr(memory.key) not in repr(memory)
