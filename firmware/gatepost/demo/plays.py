"""The faults that the demo stages, each in three acts: before, during, after."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from gatepost.demo.line import Weather
from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatepost.demo.stage import Stage
    from gatepost.demo.visitors import Visitor

_ALWAYS = 1_000_000
_SLOW_S = 1.5
_BACK_S = 1.5  # nobody turns on their heel


def _acts(visitors: Sequence[Visitor]) -> tuple[Sequence[Visitor], ...]:
    third = max(1, len(visitors) // 3)
    return visitors[:third], visitors[third : 2 * third], visitors[2 * third :]


def broker(stage: Stage, visitors: Sequence[Visitor]) -> None:
    """Killed after it acknowledged, before it passed on: what it had promised is gone."""
    before, during, after = _acts(visitors)
    stage.come(before)
    stage.until_delivered()
    stage.say("the central server goes away for a while; the broker keeps what comes for it")
    stage.centre.leave()
    stage.come(during)
    stage.until_sent()
    stage.say("the broker has acknowledged all of it, and is killed: what it held is gone")
    stage.broker.process.kill()
    stage.broker.process.start()
    stage.say("the broker is back, and so is the central server: it finds gaps, and asks")
    stage.centre.come()
    stage.come(after)


def power(stage: Stage, visitors: Sequence[Visitor]) -> None:
    """The plug is pulled: of what was not flushed, any part is gone, torn and in any order."""
    before, during, after = _acts(visitors)
    stage.come(before)
    stage.say("the network goes, so that the card alone holds what comes now")
    stage.line.turn(Weather.CUT)
    stage.come(during)
    stage.say("the light is green for the last of them, and the plug is pulled")
    stage.pull_the_plug()
    stage.line.turn(Weather.FAIR)
    stage.start()
    stage.say("power and network are back; the station started by itself")
    stage.come(after)


def network(stage: Stage, visitors: Sequence[Visitor]) -> None:
    """Cut, then back, then silent: packets vanish, and nobody says that the line is dead."""
    before, during, after = _acts(visitors)
    stage.come(before)
    stage.say("the network is cut")
    stage.line.turn(Weather.CUT)
    half = len(during) // 2
    stage.come(during[:half])
    stage.say("it comes back, and then swallows all in silence")
    stage.line.turn(Weather.FAIR)
    stage.until_delivered()
    stage.line.turn(Weather.SILENT)
    stage.come(during[half:])
    stage.until_noticed()
    stage.say("the station has noticed; the network comes back")
    stage.line.turn(Weather.FAIR)
    stage.come(after)


def disk(stage: Stage, visitors: Sequence[Visitor]) -> None:
    """Slow, then full: refused in red, who come back once there is room."""
    before, during, after = _acts(visitors)
    stage.come(before)
    card = stage.card()
    stage.say(f"the card gets slow: each flush takes {_SLOW_S:g} s, and visitors see 'one moment'")
    card.slow(_SLOW_S)
    stage.come(during[:1])
    card.slow(0)
    stage.say("the card is full: the station refuses, in red")
    card.fail("write", errno.ENOSPC, _ALWAYS)
    turned_away = stage.come(during[1:])
    stage.say(f"there is room again: the {len(turned_away)} who were refused come back")
    card.fail("write", errno.ENOSPC, 0)
    stage.pause(_BACK_S)
    stage.come(turned_away)
    stage.come(after)


PLAYS: dict[str, Callable[[Stage, Sequence[Visitor]], None]] = {
    "broker": broker,
    "power": power,
    "network": network,
    "disk": disk,
}
ON_A_CARD = frozenset({"power", "disk"})  # those that need a file system of our own


def play_of(name: str) -> Callable[[Stage, Sequence[Visitor]], None]:
    """The play of that name. Raises UsageError."""
    if name not in PLAYS:
        raise UsageError(f"no fault is called {name!r}; there are: {', '.join(PLAYS)}")
    return PLAYS[name]
