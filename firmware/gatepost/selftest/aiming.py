"""Aim help while a camera is being mounted: how well it sees the code before it, all the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepost.errors import GatepostError
from gatepost.selftest.scores import advice

if TYPE_CHECKING:
    from collections.abc import Generator

    from gatepost.decoding.scoring import Score
    from gatepost.selftest.devices import Bench
    from gatepost.selftest.parts import Camera

_TURN_S = 0.25
_RETRY_S = 2.0
_EVERY_S = 0.3  # between two pictures: a screen that flickers is not read


@dataclass(frozen=True, slots=True)
class Aim:
    """What is seen now.

    Attributes:
        score: None where the camera gives nothing; then `advice` says why.
        read: whether the code is read.
        advice: what would help the most, "" where all is well.
    """

    score: Score | None
    read: bool
    advice: str


def aiming(camera: Camera, bench: Bench) -> Generator[Aim | None, None, None]:
    """What is seen, three times a second; None between, so that the caller can end it.

    A camera that is absent or fails is told, and looked for again after 2 s.
    """
    while True:
        try:
            with camera.source:
                yield from _looking(camera, bench)
        except GatepostError as error:  # one that hangs for good too: its text says so
            yield Aim(None, read=False, advice=str(error))
        again = bench.clock.boottime() + _RETRY_S
        while bench.clock.boottime() < again:
            bench.pause(_TURN_S)
            yield None


def _looking(camera: Camera, bench: Bench) -> Generator[Aim | None, None, None]:
    clock = bench.clock
    due = clock.boottime()
    while True:
        frame = camera.source.next_frame(_TURN_S)
        if frame is None or clock.boottime() < due:
            yield None
            continue
        due = clock.boottime() + _EVERY_S
        symbols = camera.decoder.decode(frame)
        found = bench.judge(frame, symbols)
        yield Aim(found, read=bool(symbols), advice=advice(found))
