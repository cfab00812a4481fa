"""What passes from who takes the centre's word to who acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.desired.checking import Desired
    from gatepost.model import AuditRecord


@dataclass(frozen=True, slots=True)
class Order:
    """For the deciding worker: apply `desired` where there is one, and record `audit`.

    `then` is called by deciding's thread: whether the record was kept.
    """

    audit: AuditRecord
    desired: Desired | None = None
    then: Callable[[bool], None] | None = None
