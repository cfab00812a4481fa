"""A gate's rules: TOML in, frozen Rules out, every problem told at once.

`DEFAULT` is the mission's own gate; `EVERYTHING` accepts each kind of code, signed ones with a
good signature: what a code is explained by where no gate is named.
"""

from gatepost.rules.hours import Hours, hours
from gatepost.rules.loader import MOST_BYTES, load, parse
from gatepost.rules.rules import DEFAULT, EVERYTHING, AntiPassback, KindRules, Rules, Subjects

__all__ = [
    "DEFAULT",
    "EVERYTHING",
    "MOST_BYTES",
    "AntiPassback",
    "Hours",
    "KindRules",
    "Rules",
    "Subjects",
    "hours",
    "load",
    "parse",
]
