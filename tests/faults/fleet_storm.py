"""How a fleet came back after its broker was killed and started again."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fleet_station import CAP_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet_station import Attempt

SLACK_S = 10.0  # for the attempt itself: TCP, TLS, CONNECT, on a machine that does all of it
_SHARES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Storm:
    """What a broker met after it was there again.

    Attributes:
        back: how many of `stations` came back.
        after_s: when, seconds after the broker took connections; ascending.
        late: of how many the wait before the attempt was longer than full jitter may draw.
        bound_s: the longest that any of them might have waited.
        worst: sessions begun in the worst second, `attempts` made in the worst second.
    """

    stations: int
    back: int
    after_s: tuple[float, ...]
    late: int
    bound_s: float
    worst: int
    attempts: int

    @property
    def fine(self) -> bool:
        """Whether all came back, each within its own bound, and all within the cap."""
        last = self.after_s[-1] if self.after_s else 0.0
        return self.back == self.stations and not self.late and last <= CAP_S + SLACK_S

    def share(self, part: float) -> float:
        """By when that part of them was back, seconds."""
        return self.after_s[min(len(self.after_s) - 1, int(part * len(self.after_s)))]

    def text(self) -> str:
        """In one line."""
        if not self.after_s:
            return f"0 of {self.stations} came back"
        shares = ", ".join(f"{part:.0%} after {self.share(part):.1f} s" for part in _SHARES)
        return (
            f"{self.back} of {self.stations} back: {shares}, the last after "
            f"{self.after_s[-1]:.1f} s (bound {self.bound_s:.0f} s); worst second: {self.worst} "
            f"sessions, {self.attempts} attempts"
        )

    def histogram(self) -> str:
        """How many came back in each second, as bars."""
        seconds = Counter(int(each) for each in self.after_s)
        most = max(seconds.values(), default=1)
        return "\n".join(
            f"  {second:3d} s  {seconds[second]:4d}  {'#' * round(50 * seconds[second] / most)}"
            for second in range(max(seconds, default=0) + 1)
        )

    def facts(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"fine": self.fine}


def storm_of(attempts: Mapping[str, Sequence[Attempt]], killed: float, up: float) -> Storm:
    """What came after the broker took connections again at `up`; it was killed at `killed`."""
    firsts = []
    for made in attempts.values():
        fine = [each for each in made if each.fine and each.ended > killed and each.begun >= up - 1]
        firsts += fine[:1]
    until = max((each.ended for each in firsts), default=up)
    begun = [
        each.begun - up for made in attempts.values() for each in made if up <= each.begun <= until
    ]
    waits = [each.begun - each.since for each in firsts]
    late = sum(wait > each.bound_s + SLACK_S for wait, each in zip(waits, firsts, strict=True))
    after = tuple(sorted(max(0.0, each.ended - up) for each in firsts))
    return Storm(
        stations=len(attempts),
        back=len(firsts),
        after_s=after,
        late=late,
        bound_s=max((each.bound_s for each in firsts), default=0.0),
        worst=_worst(after),
        attempts=_worst(begun),
    )


def _worst(moments: Sequence[float]) -> int:
    return max(Counter(int(each) for each in moments).values(), default=0)
