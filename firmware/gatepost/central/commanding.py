"""Commands from the centre: what is signed, and where it is published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gatepost.wire import COMMAND, Command, Topics

if TYPE_CHECKING:
    from gatepost.signing import Signer
    from gatepost.wire import Ranges

# Stations refuse what is valid for more than 7 days. A receipt is never wrong later.
RECEIPT_S = 6 * 24 * 3600
COMMAND_S = 15 * 60
_BACKDATED_S = 5  # a station's clock may be a little behind


def signed(
    signer: Signer,
    name: str,
    identity: str,
    station: str,
    *,
    now: datetime,
    of: tuple[Ranges, ...] = (),
    valid_s: float = COMMAND_S,
) -> bytes:
    """The token of a command for one station. `identity`: its id; `now`: UTC."""
    issued = now.astimezone(UTC) - timedelta(seconds=_BACKDATED_S)
    expires = now.astimezone(UTC) + timedelta(seconds=valid_s)
    command = Command(name, identity, issued, expires, (station,), of=of)
    return signer.sign(command.claims(), COMMAND).encode("ascii")


def topic_of(site: str, station: str, name: str) -> str:
    """Where a station takes a command."""
    return Topics(site, station).command(name)
