"""The central side's kit: imports nothing of a station and needs none of its libraries.

    from gatepost.central import FindingKind, Keeper, Session, State, Tls

A name is loaded when it is first asked for. What signs, and what opens visitors' data, is in
modules of its own: it belongs where the private keys are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepost.central.asking import Patience
    from gatepost.central.connection import Delivery, Tls
    from gatepost.central.epochs import EpochStatus
    from gatepost.central.findings import ALARMS, Finding, FindingKind
    from gatepost.central.follow import Follower
    from gatepost.central.keeper import Keeper, Manners
    from gatepost.central.known import Bounds, Known
    from gatepost.central.receipts import Pace
    from gatepost.central.session import EVERYTHING, Session
    from gatepost.central.state import State, StateError
    from gatepost.central.times import TrueTime, true_time
    from gatepost.central.unseal import Unsealed, load_private_key, unseal, unseal_event
    from gatepost.signing import Signer, load_certificates

__all__ = [
    "ALARMS",
    "EVERYTHING",
    "Bounds",
    "Delivery",
    "EpochStatus",
    "Finding",
    "FindingKind",
    "Follower",
    "Keeper",
    "Known",
    "Manners",
    "Pace",
    "Patience",
    "Session",
    "Signer",
    "State",
    "StateError",
    "Tls",
    "TrueTime",
    "Unsealed",
    "load_certificates",
    "load_private_key",
    "true_time",
    "unseal",
    "unseal_event",
]

_HOMES = {
    "gatepost.central.asking": ("Patience",),
    "gatepost.central.connection": ("Delivery", "Tls"),
    "gatepost.central.epochs": ("EpochStatus",),
    "gatepost.central.findings": ("ALARMS", "Finding", "FindingKind"),
    "gatepost.central.follow": ("Follower",),
    "gatepost.central.keeper": ("Keeper", "Manners"),
    "gatepost.central.known": ("Bounds", "Known"),
    "gatepost.central.receipts": ("Pace",),
    "gatepost.central.session": ("EVERYTHING", "Session"),
    "gatepost.central.state": ("State", "StateError"),
    "gatepost.central.times": ("TrueTime", "true_time"),
    "gatepost.central.unseal": ("Unsealed", "load_private_key", "unseal", "unseal_event"),
    "gatepost.signing": ("Signer", "load_certificates"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
