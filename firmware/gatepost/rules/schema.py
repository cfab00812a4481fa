"""What a rules file may say: one frozen dataclass a table, one field a key, as in config.schema."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatepost.config.entries import entry
from gatepost.model import NOBODY, SIGNED, Kind
from gatepost.subjects import SHORTEST_SALT

MOST_SUBJECTS = 100_000
_ACCEPTABLE = tuple(kind.value for kind in Kind if kind not in NOBODY)
_SALT = rf"[A-Za-z0-9_-]{{{SHORTEST_SALT},128}}"
_SALT_DOC = (
    f"random text of this list alone, {SHORTEST_SALT} characters or more, mixed into its subjects"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTable:
    """Who is let in, when, and which way."""

    accept: tuple[str, ...] = entry(
        "kinds of code that are accepted",
        default=("pc-covid", "cccd", "bhyt"),
        choices=_ACCEPTABLE,
    )
    directions: str = entry(
        "which ways there are; with one alone a reader of direction `auto` has that one",
        default="both",
        choices=("both", "in", "out"),
    )
    repeat_s: float = entry(
        "the same person, the same way, again within this time is 'seen already'; seconds",
        default=10.0,
        least=0,
        most=3600,
    )
    day_reset: str = entry(
        "local time at which the gate forgets the day",
        default="04:00",
        pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]",
    )
    open: tuple[str, ...] = entry(
        'opening hours, local time: `"mon-fri 07:00-17:30"`, `"sat,sun 08:00-12:00"`, '
        '`"daily 22:00-02:00"` (over midnight); none: always. Who leaves is never refused for them',
        default=(),
        least=0,
        most=50,
    )
    capacity: int = entry(
        "how many may be inside, by today's ins and outs; 0: any number",
        default=0,
        least=0,
        most=1_000_000,
    )
    anti_passback: str = entry(
        "in twice without out: `record` it with its own reason, `warn` the visitor too, or "
        "`refuse`. With directions `in` that is: each person once a day",
        default="record",
        choices=("record", "warn", "refuse"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTable:
    """More on one kind of signed code; a kind without such a table needs a good signature."""

    name: str = entry("which kind", choices=tuple(k.value for k in Kind if k in SIGNED))
    signature: str = entry(
        "`optional`: one by an issuer who is not in the trust list is recorded as unverified and "
        "decides nothing; a wrong signature is refused always",
        default="required",
        choices=("required", "optional"),
    )
    max_age_days: int | None = entry(
        "oldest age since it was issued; what does not say when it was issued is too old",
        default=None,
        least=1,
        most=36_500,
    )
    issuers: tuple[str, ...] = entry(
        "accepted issuers, as the code or the trust list names them; none: any",
        default=(),
        least=0,
        most=1000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyTable:
    """Who is not let in. Starred, partial and unverified identities are never looked up.

    Whoever holds the station and the list can try numbers until one fits: a subject hides a
    citizen number from a glance, not from a thief. List passes where that matters: their
    random ids cannot be guessed.
    """

    salt: str = entry(_SALT_DOC, pattern=_SALT, private=True)
    subjects: tuple[str, ...] = entry(
        "`basis:` and what stands for the identity under the salt",
        default=(),
        least=0,
        most=MOST_SUBJECTS,
        private=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowTable:
    """Who is let in outside opening hours and into a full place; with `only`, nobody else is."""

    salt: str = entry(_SALT_DOC, pattern=_SALT, private=True)
    subjects: tuple[str, ...] = entry(
        "as in `[deny]`", default=(), least=0, most=MOST_SUBJECTS, private=True
    )
    only: bool = entry("whoever is not on it is refused", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole rules file."""

    gate: GateTable = field(default_factory=GateTable)
    kind: tuple[KindTable, ...] = ()
    deny: DenyTable | None = None
    allow: AllowTable | None = None
