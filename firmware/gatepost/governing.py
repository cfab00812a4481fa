"""What governs a station: its rules and its trust list, from the centre or from its own files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost import desired, rules, trust
from gatepost.desired import Desire, Held

if TYPE_CHECKING:
    from gatepost.config import Config
    from gatepost.rules import Rules
    from gatepost.trust import TrustList


@dataclass(frozen=True, slots=True)
class Governed:
    """What holds at this moment.

    Attributes:
        held: what came from the centre, or None where the configuration names no authority.
    """

    rules: Rules
    trusted: TrustList
    held: Held | None

    def versions(self) -> tuple[int, int]:
        """Of the rules and of the trust list that the centre sent; 0: none of it holds."""
        if self.held is None:
            return 0, 0
        return self.held.version(Desire.RULES), self.held.version(Desire.TRUST)


def governed(config: Config) -> Governed:
    """What the centre sent and the card holds; else the configured rules; else the mission's.

    Raises ConfigError for an authority that cannot be used, and for a rules file that cannot,
    where it is needed: what the centre sent holds whatever became of the file.
    """
    held = held_of(config)
    if held is None:
        return Governed(own_rules(config), trust.NOTHING, None)
    sent_rules, sent_trust = held.now(Desire.RULES), held.now(Desire.TRUST)
    return Governed(
        (sent_rules.rules if sent_rules else None) or own_rules(config),
        (sent_trust.trust if sent_trust else None) or trust.NOTHING,
        held,
    )


def held_of(config: Config) -> Held | None:
    """What came from the centre and the card holds; None: no authority is configured.

    Raises ConfigError for an authority that cannot be used.
    """
    centre = desired.centre_of(config)
    if centre is None:
        return None
    held = Held(config.station.data / desired.FOLDER, centre)
    held.look()
    return held


def own_rules(config: Config) -> Rules:
    """The configured rules, else the mission's. Raises ConfigError for a file with problems."""
    return rules.DEFAULT if config.gate.rules is None else rules.load(config.gate.rules)
