"""What no single key of a rules file can tell: rules that contradict each other.

Refused is what can never have an effect, or only one that nobody can want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.config.values import first_of, shown
from gatepost.model import SIGNED, Basis, Kind
from gatepost.rules.hours import faults
from gatepost.rules.schema import GateTable
from gatepost.subjects import is_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatepost.config.lines import Where
    from gatepost.rules.schema import AllowTable, DenyTable, KindTable

# What a kind's identities can rest on; a kind that is not named may have any.
_BASES = {
    Kind.PC_COVID.value: {Basis.QID, Basis.CITIZEN, Basis.PASSPORT, Basis.INSURANCE},
    Kind.CCCD.value: {Basis.CITIZEN},
    Kind.BHYT.value: {Basis.INSURANCE},
    Kind.PASS.value: {Basis.PASS},
    Kind.PRETIX.value: {Basis.PASS},
}
_ANY = set(Basis)


def contradictions(sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
    """Where and what; a section that is None has problems of its own and is passed over."""
    gate, kinds = sections.get("gate", GateTable()), sections.get("kind") or ()
    lists = {name: sections.get(name) for name in ("deny", "allow")}
    if gate is not None:
        yield from _gate(gate)
    yield from _kinds(gate, kinds)
    yield from _optional(kinds, lists["allow"])
    for name, listed in lists.items():
        if listed is not None:
            yield from first_of(_subjects(name, listed))
            yield from first_of(_never_shown(name, listed, gate, kinds))
    yield from _allow(lists["deny"], lists["allow"])


def _gate(gate: GateTable) -> Iterator[tuple[Where, str]]:
    for fault in faults(gate.open):
        yield ("gate", "open"), fault
    if gate.capacity and gate.directions != "both":
        told = "fill and stay full" if gate.directions == "in" else "never fill"
        yield (
            ("gate", "capacity"),
            f'contradicts directions = "{gate.directions}": the place would {told}',
        )
    if gate.directions == "out" and gate.anti_passback != "record":
        yield (
            ("gate", "anti_passback"),
            'contradicts directions = "out": nobody comes in, so never twice',
        )


def _kinds(gate: GateTable | None, kinds: tuple[Any, ...]) -> Iterator[tuple[Where, str]]:
    taken: dict[str, int] = {}
    for index, kind in enumerate(kinds):
        if kind is None:
            continue
        where: Where = ("kind", index, "name")
        if gate is not None and kind.name not in gate.accept:
            yield where, f"{shown(kind.name)} is not in gate.accept: these rules never apply"
        if kind.name in taken:
            yield where, f"{shown(kind.name)} already has rules: kind[{taken[kind.name]}]"
        taken.setdefault(kind.name, index)


def _optional(kinds: tuple[Any, ...], allow: AllowTable | None) -> Iterator[tuple[Where, str]]:
    for index, kind in enumerate(kinds):
        if kind is None or kind.signature != "optional":
            continue
        if allow is not None and allow.only:
            yield (
                ("kind", index, "signature"),
                "contradicts allow.only: an unverified code is never on the list",
            )


def _subjects(name: str, listed: DenyTable | AllowTable) -> Iterator[tuple[Where, str]]:
    """It may be somebody's number, put there by mistake: it is told where, and never what."""
    for place, subject in enumerate(listed.subjects):
        if not is_token(subject):
            yield (
                (name, "subjects", place),
                "is no subject: a basis, a colon and 22 letters of base64url",
            )


def _never_shown(
    name: str, listed: DenyTable | AllowTable, gate: GateTable | None, kinds: tuple[Any, ...]
) -> Iterator[tuple[Where, str]]:
    """Subjects that no visitor of this gate can be told to be, or not for certain."""
    if gate is None or None in kinds:
        return
    shown_here = {basis for kind in gate.accept for basis in _BASES.get(kind, _ANY)}
    certain = {basis for kind in _certain(gate, kinds) for basis in _BASES.get(kind, _ANY)}
    for subject in filter(is_token, listed.subjects):
        basis = subject.partition(":")[0]
        if basis not in shown_here:
            yield (name, "subjects"), f"{shown(subject)}: no kind in gate.accept has a {basis}"
        elif name == "deny" and basis not in certain:
            told = f'every kind that has a {basis} is signature = "optional"'
            yield (
                (name, "subjects"),
                f"{shown(subject)}: {told}, and an unverified code gets past the list",
            )


def _certain(gate: GateTable, kinds: tuple[KindTable, ...]) -> list[str]:
    """The accepted kinds of which every code that is let in is as certain as it can be."""
    optional = {kind.name for kind in kinds if kind.signature == "optional"} & set(SIGNED)
    return [kind for kind in gate.accept if kind not in optional]


def _allow(deny: DenyTable | None, allow: AllowTable | None) -> Iterator[tuple[Where, str]]:
    if allow is None:
        return
    if allow.only and not allow.subjects:
        yield ("allow", "only"), "with no subjects nobody at all is let in"
    if deny is not None and deny.salt == allow.salt:
        both = set(filter(is_token, deny.subjects)).intersection(allow.subjects)
        for subject in sorted(both)[:10]:
            yield ("allow", "subjects"), f"{shown(subject)} is in [deny] too"
