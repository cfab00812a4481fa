"""`gatepost rules`: what the gate goes by."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from gatepost.cli.desiring import add_actions

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.config import Config
    from gatepost.rules import Rules

_EXAMPLES = """\
examples:
  gatepost rules check gate.toml                              a rules file before it is signed
  gatepost rules check rules.jws --config station.toml        would this station take it?
  gatepost rules show --config station.toml                   what came from the centre
  gatepost rules apply rules.jws --config station.toml        without a broker, from a USB stick

A running station takes what was applied within a second. It takes only a version above the one
that it holds, signed by the [central] signer of its configuration.

exit status: 0 it is good; 1 it is not, or not taken; 2 usage
"""
_LISTS = ("deny", "allow")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "rules",
        help="the gate's rules",
        description="Look at the rules that a station has from the centre, check new ones, or "
        "apply them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_actions(parser, _Rules(), "TOML")


class _Rules:
    """How rules are read and told."""

    kind = "rules"

    def parse(self, payload: bytes, path: Path, *, draft: bool) -> Rules:
        from gatepost.errors import ConfigError
        from gatepost.rules import parse

        del draft  # they are the same before and after
        try:
            return parse(payload.decode("utf-8"), path)
        except UnicodeDecodeError as error:
            raise ConfigError([f"{path}: is not UTF-8"]) from error

    def told(self, content: Rules, config: Config | None) -> dict[str, Any]:
        del config  # rules are the same wherever they are
        return {
            "rules": {each.name: _text(getattr(content, each.name)) for each in fields(content)}
        }

    def own(self, config: Config) -> Rules:
        from gatepost.governing import own_rules

        return own_rules(config)

    def changes(self, old: Rules, new: Rules) -> list[str]:
        before, after = (self.told(each, None)["rules"] for each in (old, new))
        lines = [
            f"{name}: {_shown(before[name])} -> {_shown(after[name])}"
            for name in after
            if before[name] != after[name]
        ]
        for name in _LISTS:  # the same number of others
            was, becomes = (getattr(each, name).tokens for each in (old, new))
            if was != becomes:
                lines.append(f"{name}: + {len(becomes - was)}, - {len(was - becomes)}")
        return lines

    def lines(self, told: dict[str, Any]) -> list[str]:
        about = {name: told[name] for name in ("version", "issued", "signer") if name in told}
        both = about | told["rules"]
        return [f"{name:>14}  {_shown(value)}" for name, value in both.items()]


def _text(value: Any) -> Any:
    """A rule in JSON; of a list of people only how many there are."""
    from gatepost.rules import Hours, KindRules, Subjects

    if isinstance(value, Subjects):
        told: Any = len(value.tokens)
    elif isinstance(value, Hours):
        told = [f"{_minute(begin)} to {_minute(end)}" for begin, end in value.spans]
    elif isinstance(value, KindRules):
        told = {each.name: _text(getattr(value, each.name)) for each in fields(value)}
    elif isinstance(value, Mapping):
        told = {str(name): _text(each) for name, each in value.items()}
    elif isinstance(value, frozenset):
        told = sorted(map(str, value))
    else:
        told = value if value is None or isinstance(value, (bool, int, float)) else str(value)
    return told


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _minute(of_week: int) -> str:
    """A minute of the week, from Monday 00:00."""
    day, minute = divmod(of_week, 24 * 60)
    return f"{_DAYS[day % 7]} {minute // 60:02}:{minute % 60:02}"
