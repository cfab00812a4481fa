"""Visitors at a gate with serial readers: who comes, what they show, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from gatepost.demo.authority import AuthorityFiles

STATION, SITE = "gp-fault-1", "site-fault"


@dataclass(slots=True)
class Crowd:
    """Invented people, each with a PC-Covid code of their own that nobody else has."""

    came: int = 0

    def next(self) -> str:
        """What the next one shows."""
        self.came += 1
        return f"******{self.came:06}|NGUYEN VAN A|1989-**-**|0|QID{self.came:08x}|"


@dataclass(slots=True)
class Feeder:
    """Visitors who come at random, `rate` a second in all, each to any of the readers.

    Attributes:
        show: what a reader does with a code; whether it was taken.
        shown: what a reader took. Those before a dead daemon get no light, and no promise.
    """

    show: Sequence[Callable[[str], bool]]
    rate: float
    rng: random.Random
    crowd: Crowd = field(default_factory=Crowd)
    shown: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="visitors", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody comes any more; may be called twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._over.wait(self.rng.expovariate(self.rate)):
            text = self.crowd.next()
            if self.rng.choice(self.show)(text):
                self.shown.append(text)


def configure(
    folder: Path,
    files: AuthorityFiles,
    port: int,
    readers: Mapping[str, str | Path],
    *,
    tls: bool = True,
    confirm: str = "broker",
    host: str = "127.0.0.1",
) -> Path:
    """A station's configuration, with serial `readers` by name and device.

    Args:
        tls: False: in the clear, for a look at what passes on the line.
        confirm: "central": events count as delivered when the centre's receipt covers them.
        host: of the broker, as the station sees it.
    """
    secure = f'ca = "{files.ca}"' if tls else "tls = false"
    path = folder / "station.toml"
    text = f"""\
[station]
id = "{STATION}"
site = "{SITE}"
data = "data"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "{host}"
port = {port}
{secure}
[spool]
allow_volatile = true
[central]
sealing_key = "{files.sealing_public}"
authority = "{files.ca}"
confirm = "{confirm}"
[log]
format = "json"
"""
    for name, device in readers.items():
        text += (
            f'[[reader]]\ntype = "serial"\nname = "{name}"\ndirection = "in"\ndevice = "{device}"\n'
        )
    path.write_text(text, "utf-8")
    return path
