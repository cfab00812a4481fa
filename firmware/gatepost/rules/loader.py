"""TOML text -> Rules, or every problem at once, each with its line and a suggestion."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from gatepost.config.documents import document_of, plain, text_of
from gatepost.config.lines import Lines
from gatepost.config.tables import Array, Tables
from gatepost.errors import ConfigError
from gatepost.model import SIGNED, Direction, Kind
from gatepost.rules.hours import hours
from gatepost.rules.rules import AntiPassback, KindRules, Rules, Subjects
from gatepost.rules.schema import Document, KindTable
from gatepost.rules.whole import contradictions

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.rules.schema import AllowTable, DenyTable

MOST_BYTES = 4 * 1024 * 1024  # two lists of 100,000 subjects do not fit; one does
_KINDS = {"kind": Array(KindTable, least=0, most=len(SIGNED))}


def load(path: Path) -> Rules:
    """Read the rules at `path`. Raises ConfigError with every problem in them."""
    return parse(text_of(path, MOST_BYTES), path)


def parse(text: str, path: Path) -> Rules:
    """Parse rules; `path` only names them. Raises ConfigError with every problem in them."""
    if len(text) > MOST_BYTES:
        raise ConfigError([f"{path}: is larger than {MOST_BYTES // 1024} KiB"])
    text = plain(text)
    document = document_of(text, path)
    tables = Tables(path, Lines(text))
    sections = tables.sections(document, Document, _KINDS)
    for where, told in contradictions(sections):
        tables.problem(where, told)
    if tables.problems:
        raise ConfigError([problem for _, problem in sorted(tables.problems)])
    return _rules(Document(**sections))


def _rules(document: Document) -> Rules:
    gate = document.gate
    return Rules(
        accept=frozenset(map(Kind, gate.accept)),
        only_way=None if gate.directions == "both" else Direction(gate.directions),
        repeat_s=gate.repeat_s,
        day_reset=time.fromisoformat(gate.day_reset),
        hours=hours(gate.open),
        capacity=gate.capacity,
        anti_passback=AntiPassback(gate.anti_passback),
        kinds={Kind(each.name): _kind(each) for each in document.kind},
        deny=_listed(document.deny),
        allow=_listed(document.allow),
        allow_only=document.allow is not None and document.allow.only,
    )


def _kind(table: KindTable) -> KindRules:
    return KindRules(table.signature == "required", table.max_age_days, frozenset(table.issuers))


def _listed(table: DenyTable | AllowTable | None) -> Subjects:
    return Subjects() if table is None else Subjects(table.salt, frozenset(table.subjects))
