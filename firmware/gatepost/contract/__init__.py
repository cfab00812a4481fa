"""The wire contract as files: AsyncAPI, JSON Schemas, golden examples, reason codes.

README.md beside this file is for those who write a central server, in any language.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from gatepost.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMAS = (
    "event",
    "checkpoint",
    "state",
    "health",
    "sealed",
    "desired-rules",
    "trust",
    "command",
    "response",
)
_MOST_PLACE = 80


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    """What a reason code means: the verdict it comes with, since which version, in words."""

    verdict: Verdict
    since: str
    en: str
    vi: str


def read(name: str) -> bytes:
    """A file of the contract as it stands ("asyncapi.yaml", "examples/checkpoint.jws", ...)."""
    return files(__name__).joinpath(name).read_bytes()


@cache
def schema(name: str) -> dict[str, Any]:
    """One of `SCHEMAS`, parsed. It is shared: do not change it."""
    parsed: dict[str, Any] = json.loads(read(f"{name}.json"))
    return parsed


@cache
def validator(name: str) -> Draft202012Validator:
    """What checks a parsed message against one of `SCHEMAS`."""
    return Draft202012Validator(schema(name))


def problem(name: str, value: Any) -> str:
    """What is wrong with a parsed message by one of `SCHEMAS`, in a line; "" if nothing is."""
    try:
        errors = sorted(validator(name).iter_errors(value), key=lambda each: each.json_path)
    except RecursionError:  # jsonschema writes out what is wrong, however deep it is
        return "$: nested too deeply"
    if not errors:
        return ""
    place = ascii(errors[0].json_path[:_MOST_PLACE])[1:-1]  # it may hold a sender's own words
    return f"{place[:_MOST_PLACE]}: {errors[0].validator} does not hold"


def examples() -> Mapping[str, bytes]:
    """The golden examples by file name, exactly as they travel."""
    folder = files(__name__).joinpath("examples")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@cache
def reasons() -> Mapping[str, ReasonEntry]:
    """The reason codes and what they mean. A server must bear codes that are not here yet."""
    listed: dict[str, dict[str, str]] = json.loads(read("reasons.json"))["reasons"]
    return {
        code: ReasonEntry(Verdict(told["verdict"]), told["since"], told["en"], told["vi"])
        for code, told in listed.items()
    }
