import re
from datetime import datetime, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.errors import ConfigError
from gatepost.gate import ORDER
from gatepost.model import NOBODY, Direction, Kind
from gatepost.rules import DEFAULT, EVERYTHING, AntiPassback, KindRules, Rules, load, parse
from gatepost.rules.hours import Hours, faults, hours
from gatepost.rules.reference import EXAMPLE, reference
from gatepost.subjects import token

PATH = Path("/nowhere/rules.toml")
SALT = "a-salt-of-this-list"
PASS = token(SALT, "pass", "p-1")
CITIZEN = token(SALT, "citizen", "001099012345")
MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - local time


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, PATH)
    return [line.removeprefix(f"{PATH}:") for line in caught.value.problems]


def test_no_rules_are_the_missions_own() -> None:
    assert parse("", PATH) == DEFAULT == Rules()
    assert DEFAULT.accept == {Kind.PC_COVID, Kind.CCCD, Kind.BHYT}
    assert DEFAULT.only_way is None
    assert (DEFAULT.repeat_s, DEFAULT.day_reset, DEFAULT.capacity) == (10, time(4), 0)
    assert (DEFAULT.hours, DEFAULT.anti_passback) == (Hours(), AntiPassback.RECORD)
    assert DEFAULT.of(Kind.DCC) == KindRules(required=True, max_age_days=None)


def test_everything_accepts_every_kind_that_names_a_visitor() -> None:
    assert EVERYTHING.accept | NOBODY == set(Kind)
    assert all(EVERYTHING.of(kind).required for kind in Kind)


WHOLE = f"""\
[gate]
accept = ["pass", "dcc", "cccd"]
directions = "both"
repeat_s = 5
day_reset = "03:30"
open = ["mon-fri 07:00-17:30"]
capacity = 20
anti_passback = "refuse"

[[kind]]
name = "dcc"
max_age_days = 270
issuers = ["VN", "DE"]

[[kind]]
name = "pass"
signature = "required"

[deny]
salt = "{SALT}"
subjects = ["{PASS}"]

[allow]
salt = "{SALT}"
subjects = ["{CITIZEN}"]
only = true
"""


def test_whole_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(WHOLE)
    rules = load(tmp_path / "rules.toml")
    assert rules == parse(WHOLE.replace("\n", "\r\n"), PATH)
    assert rules.accept == {Kind.PASS, Kind.DCC, Kind.CCCD}
    assert (rules.repeat_s, rules.day_reset, rules.capacity) == (5.0, time(3, 30), 20)
    assert rules.anti_passback is AntiPassback.REFUSE
    assert rules.of(Kind.DCC) == KindRules(
        required=True, max_age_days=270, issuers=frozenset({"VN", "DE"})
    )
    assert rules.deny.has("pass", "p-1")
    assert not rules.deny.has("pass", "p-2")
    assert rules.allow.has("citizen", "001099012345")
    assert rules.allow_only


def test_one_way() -> None:
    assert parse('[gate]\ndirections = "in"', PATH).only_way is Direction.IN
    assert parse('[gate]\ndirections = "out"', PATH).only_way is Direction.OUT


def test_every_problem_at_once_with_line_and_suggestion() -> None:
    text = '[gate]\naccept = ["pc-covit"]\nrepeats = 3\n[[kind]]\nname = "dcc"\nmax_age_days = 0\n'
    assert problems(text + '[deni]\nsalt = "x"\n') == [
        (
            '2: gate.accept: must be one of "pc-covid", "cccd", "bhyt", "dcc", "shc", "nzcp", '
            "\"pretix\", \"pass\"; is 'pc-covit'; did you mean 'pc-covid'?"
        ),
        "3: gate.repeats: there is no such key; did you mean 'repeat_s'?",
        "6: kind[0].max_age_days: must be at least 1, is 0",
        "7: deni: there is no such key; did you mean 'deny'?",
    ]


GATE = "[gate]\n"
DCC = '[gate]\naccept = ["dcc"]\n'
PASSES = '[gate]\naccept = ["pass"]\n'


def listed(name: str, *subjects: str, more: str = "") -> str:
    told = ", ".join(f'"{each}"' for each in subjects)
    return f'[{name}]\nsalt = "{SALT}"\nsubjects = [{told}]\n{more}\n'


OPTIONAL = '[[kind]]\nname = "pass"\nsignature = "optional"\n'
CONTRADICTIONS = {
    "a kind that is not accepted": (
        '[[kind]]\nname = "dcc"\n',
        "2: kind[0].name: 'dcc' is not in gate.accept: these rules never apply",
    ),
    "a kind twice": (
        DCC + '[[kind]]\nname = "dcc"\n' * 2,
        "6: kind[1].name: 'dcc' already has rules: kind[0]",
    ),
    "a kind without signatures": (
        '[[kind]]\nname = "cccd"\n',
        '2: kind[0].name: must be one of "dcc", "shc", "nzcp", "pretix", "pass"; is \'cccd\'',
    ),
    "optional and only who is on the list": (
        PASSES + OPTIONAL + listed("allow", PASS, more="only = true"),
        "5: kind[0].signature: contradicts allow.only: an unverified code is never on the list",
    ),
    "optional and denied": (
        PASSES + OPTIONAL + listed("deny", PASS),
        'every kind that has a pass is signature = "optional", and an unverified code gets past',
    ),
    "a subject that nobody here can be": (
        listed("deny", PASS),
        f"3: deny.subjects: '{PASS}': no kind in gate.accept has a pass",
    ),
    "an allowed one that nobody here can be": (
        PASSES + listed("allow", CITIZEN),
        "no kind in gate.accept has a citizen",
    ),
    "no subject": (listed("deny", "pass:x"), "3: deny.subjects[0]: is no subject: a basis"),
    "a subject twice": (listed("deny", CITIZEN, CITIZEN), "stands there twice"),
    "denied and allowed": (
        listed("deny", CITIZEN) + listed("allow", CITIZEN),
        f"7: allow.subjects: '{CITIZEN}' is in [deny] too",
    ),
    "only nobody": (listed("allow", more="only = true"), "4: allow.only: with no subjects nobody"),
    "a short salt": ('[deny]\nsalt = "short"', "2: deny.salt: a text (not shown) does not fit"),
    "no salt": ("[allow]\n", "1: allow.salt: is missing: random text of this list alone"),
    "full for ever": (
        GATE + 'directions = "in"\ncapacity = 3',
        '3: gate.capacity: contradicts directions = "in": the place would fill and stay full',
    ),
    "never full": (GATE + 'directions = "out"\ncapacity = 3', "the place would never fill"),
    "in twice where nobody comes in": (
        GATE + 'directions = "out"\nanti_passback = "warn"',
        '3: gate.anti_passback: contradicts directions = "out"',
    ),
    "open twice": (GATE + 'open = ["daily 07:00-17:00", "sat 16:59-18:00"]', "overlaps"),
    "open twice in one line": (GATE + 'open = ["mon,mon 07:00-17:00"]', "says the same time twice"),
    "open over midnight into the next": (
        GATE + 'open = ["sun 22:00-02:00", "mon 01:00-03:00"]',
        "overlaps",
    ),
    "never open": (GATE + 'open = ["mon 07:00-07:00"]', "is empty; the whole day is 00:00-24:00"),
    "no day": (GATE + 'open = ["mon-fry 07:00-17:00"]', "'fry' is no day; did you mean 'fri'?"),
    "no day at all": (GATE + 'open = ["mon- 07:00-17:00"]', "'' is no day"),
    "no hours": (GATE + 'open = ["7-17"]', "'7-17' is not written like \"mon-fri 07:00-17:30\""),
    "no such time": (GATE + 'open = ["mon 07:00-17:60"]', "times go from 00:00 to 24:00"),
    "no such hour": (GATE + 'open = ["mon 24:00-01:00"]', "times go from 00:00 to 24:00"),
    "accepts nothing": (GATE + "accept = []", "gate.accept: must have 1 to 8 entries, has 0"),
    "accepts a poster": (GATE + 'accept = ["site"]', "gate.accept: must be one of"),
    "kind as one table": ('[kind]\nname = "dcc"', "kind: is written [[kind]], with double bracket"),
    "too many kinds": ('[[kind]]\nname = "dcc"\n' * 6, "at most 5 kinds, here are 6"),
    "lists of other things": ("[deny]\nsubjects = [1]", "must be a list of texts, is a list"),
    "no text": ("[gate]\nopen = [''", "not TOML"),
}


@pytest.mark.parametrize(("text", "told"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_each_contradiction_is_named(text: str, told: str) -> None:
    assert told in "\n".join(problems(text))


@pytest.mark.parametrize(
    "text",
    [
        GATE + 'directions = "in"\nanti_passback = "refuse"',  # each person once a day
        GATE + 'open = ["mon-fri 07:00-12:00", "mon-fri 12:00-17:00"]',
        GATE + 'open = ["daily 22:00-02:00", "daily 02:00-22:00"]',
        PASSES + OPTIONAL,
        PASSES + OPTIONAL + listed("allow", PASS),
        listed("deny", CITIZEN) + listed("allow", CITIZEN).replace(SALT, SALT[::-1]),
    ],
)
def test_what_looks_odd_and_has_a_meaning_is_taken(text: str) -> None:
    assert isinstance(parse(text, PATH), Rules)


def test_other_problems_do_not_hide_a_contradiction() -> None:
    found = problems(GATE + 'directions = "in"\ncapacity = 3\n[deny]\nsalt = "short"\n')
    assert [line.split(":")[1] for line in found] == [" gate.capacity", " deny.salt"]


NUMBER = "001099012345"


@pytest.mark.parametrize(
    "text",
    [
        listed("deny", NUMBER),
        listed("deny", NUMBER, NUMBER),
        listed("deny", f"citizen:{NUMBER}"),
        listed("deny", NUMBER) + listed("allow", NUMBER),
        listed("deny", f"{NUMBER}\\n"),
        f"[deny]\nsalt = '{SALT}'\nsubjects = '{NUMBER}'",
        f"[deny]\nsalt = '{SALT}'\nsubjects = {int(NUMBER)}",
        f"[deny]\nsalt = '{SALT}'\nsubjects = [{int(NUMBER)}]",
        f"[deny]\nsalt = '{NUMBER}'",
        f"[deny]\nsalt = {int(NUMBER)}",
    ],
)
def test_a_number_that_somebody_put_into_a_list_is_told_to_nobody(text: str) -> None:
    told = "\n".join(problems(text))
    assert told
    assert str(int(NUMBER)) not in told


def test_of_many_wrong_subjects_ten_are_told() -> None:
    assert len(problems(listed("deny", *(f"pass:{n}" for n in range(1000))))) == 10


def test_a_list_of_a_hundred_thousand_is_taken_and_one_more_is_not(tmp_path: Path) -> None:
    subjects = [f"citizen:{n:021d}A" for n in range(100_000)]
    (tmp_path / "rules.toml").write_text(listed("deny", *subjects))
    assert len(load(tmp_path / "rules.toml").deny.tokens) == 100_000
    assert problems(listed("deny", *subjects, f"citizen:{'x' * 21}A")) == [
        "3: deny.subjects: must have 0 to 100000 entries, has 100001"
    ]


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="is larger than 4096 KiB"):
        load(tmp_path / "rules.toml")
    with pytest.raises(ConfigError, match="is larger than 4096 KiB"):
        parse("#" * (4 * 1024 * 1024 + 1), PATH)
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("line", "day", "clock", "held"),
    [
        ("mon-fri 07:00-17:30", 0, "06:59", False),
        ("mon-fri 07:00-17:30", 0, "07:00", True),
        ("mon-fri 07:00-17:30", 4, "17:29", True),
        ("mon-fri 07:00-17:30", 4, "17:30", False),
        ("mon-fri 07:00-17:30", 5, "08:00", False),
        ("sat,sun 08:00-12:00", 6, "11:59", True),
        ("sat,sun 08:00-12:00", 0, "09:00", False),
        ("daily 22:00-02:00", 0, "01:59", True),
        ("daily 22:00-02:00", 0, "02:00", False),
        ("sun 22:00-02:00", 0, "01:00", True),
        ("sun 22:00-02:00", 6, "01:00", False),
        ("fri-mon 10:00-11:00", 6, "10:30", True),
        ("fri-mon 10:00-11:00", 1, "10:30", False),
        ("mon 00:00-24:00", 0, "23:59", True),
        ("mon 00:00-24:00", 1, "00:00", False),
    ],
)
def test_opening_hours(line: str, day: int, clock: str, held: bool) -> None:
    assert not list(faults([line]))
    moment = MONDAY.replace(day=MONDAY.day + day)
    moment = datetime.combine(moment, time.fromisoformat(clock))
    assert hours([line]).hold(moment) is held


def test_the_reference_names_every_key_and_reason_and_its_example_is_good() -> None:
    page = reference(ORDER)
    for key in ("accept", "anti_passback", "open", "max_age_days", "issuers", "salt", "only"):
        assert f"| `{key}` |" in page
    told = re.findall(r"`([a-z-]+)`", page.partition("| looked at")[2].partition("## Ex")[0])
    assert told == [reason.value for _, reasons in ORDER for reason in reasons]
    assert parse(EXAMPLE, PATH).anti_passback is AntiPassback.WARN


PIECES = st.sampled_from(
    ("[gate]", "[[kind]]", "[deny]", "open", "= [", '"mon 07:00-', "=", '"', "\n", "]", "9" * 400)
)


@given(st.one_of(st.lists(PIECES).map("".join), st.data()))
@settings(max_examples=200, deadline=None)
def test_any_text_is_rules_or_has_problems(given_: object) -> None:
    text = given_ if isinstance(given_, str) else changed(given_)
    found = [f"{PATH}: good ones"]
    try:
        parse(text, PATH)
    except ConfigError as error:
        found = error.problems
    assert found
    assert all(line.startswith(str(PATH)) and "\n" not in line for line in found)


def changed(data: object) -> str:
    assert isinstance(data, st.DataObject)
    lines = WHOLE.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    name, equals, _ = lines[at].partition(" = ")
    value = data.draw(st.one_of(PIECES, st.text(), st.sampled_from(["[1]", "{a = 1}", "''"])))
    lines[at] = f"{name}{equals}{value}"
    return "\n".join(lines)
