"""What stands for a person in lists that say who is let in and who is not.

HMAC-SHA-256 under the list's salt, cut to 16 bytes: `basis:` and base64url without padding. Lists
cannot be joined by it, as each has a salt of its own. But the salt stands beside the list, so
whoever holds a station and the list can try numbers: there are about 10^10 citizen numbers, and
trying them all takes minutes to hours. It hides who is listed from a glance, not from a thief.
Where that matters, list passes: their random ids cannot be guessed.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode

SHORTEST_SALT = 16  # characters
_BYTES = 16
_DOMAIN = b"gatepost subject 1\x00"
_BASES = "qid|citizen|passport|insurance|pass|content"
TOKEN = rf"(?:{_BASES}):[A-Za-z0-9_-]{{21}}[AQgw]"  # 16 bytes end in four bits of nothing
_TOKEN = re.compile(TOKEN)


def token(salt: str, basis: str, identity: str) -> str:
    """What stands for `identity` in a list with `salt`, such as `citizen:3q2-7wAAAAAAAAAAAAAAAA`.

    Args:
        salt: of the list, random, 16 characters or more; not secret from who holds the list.
        basis: what the identity rests on, one of model.Basis; equal texts of two are no match.
        identity: as Code.identity has it.
    """
    told = f"{basis}|{identity}".encode("utf-8", "surrogatepass")
    digest = hmac.digest(salt.encode("utf-8", "surrogatepass"), _DOMAIN + told, "sha256")
    return f"{basis}:{urlsafe_b64encode(digest[:_BYTES]).decode('ascii').rstrip('=')}"


def is_token(text: str) -> bool:
    """Whether `text` could stand in a list."""
    return _TOKEN.fullmatch(text) is not None
