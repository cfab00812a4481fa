"""Worker in deciding's place where there is no spool to keep events in: everybody is refused.

A green light must not lie, and a dark one tells nobody what to do. So a station whose card is
read-only, broken or only RAM starts in trouble: it reads, answers in red, and tries again.
"""

from __future__ import annotations

import logging
import queue
from typing import TYPE_CHECKING

from gatepost.errors import SpoolError, SpoolForeign, SpoolFull, SpoolVersion, SpoolVolatile
from gatepost.model import Cue, CueKind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gatepost.conditions import Conditions
    from gatepost.model import Scan
    from gatepost.ports import Clock

_LOG = logging.getLogger(__name__)
_WAIT_S = 0.25
_AGAIN_S = 10.0


class SpoolBack(SpoolError):
    """The spool works again: the station ends, to be started anew with it."""


def refusing(
    scans: queue.Queue[Scan],
    cue: Callable[[Cue], None],
    conditions: Conditions,
    again: Callable[[], object],
    clock: Clock,
    why: SpoolError,
) -> Generator[None, None, None]:
    """The worker. `again` raises SpoolError while there is still no spool.

    Raises SpoolBack once there is one. Patience: a slow card being looked at.
    """
    try_at = clock.boottime() + _AGAIN_S
    conditions.raise_("spool", told(why), why=str(why))
    while True:
        yield
        if clock.boottime() >= try_at:
            try_at = clock.boottime() + _AGAIN_S
            _try(again)
        try:
            scan = scans.get(timeout=_WAIT_S)
        except queue.Empty:
            continue
        cue(Cue(CueKind.TROUBLE, detail=told(why), reader=scan.reader, taken=scan.taken))
        _LOG.error("a scan was refused", extra={"fields": {"reader": scan.reader}})


def _try(again: Callable[[], object]) -> None:
    try:
        again()
    except SpoolError as error:
        _LOG.debug("still no spool", extra={"fields": {"why": str(error)}})
        return
    raise SpoolBack("the spool works again: the station starts anew")


def told(why: SpoolError) -> str:
    """What stands on the screen, for the technician."""
    if isinstance(why, SpoolFull):
        return "station full"
    if isinstance(why, SpoolVolatile):
        return "in RAM only"
    if isinstance(why, SpoolVersion):
        return "of a newer version"
    return "of another station" if isinstance(why, SpoolForeign) else "card fails"
