"""The page on rules: `python -m gatepost.gate.reference > firmware/RULES.md`."""

from __future__ import annotations

import sys

from gatepost.gate.order import ORDER
from gatepost.rules.reference import reference as page


def reference() -> str:
    """What a rules file may say, and the order in which a gate looks at it, in Markdown."""
    return page(ORDER)


if __name__ == "__main__":
    sys.stdout.write(reference())
