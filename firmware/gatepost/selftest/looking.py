"""What stands before a reader: a test card before a camera, a code before a barcode reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.errors import GatepostError
from gatepost.selftest.findings import Finding
from gatepost.selftest.scores import Best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.model import Read
    from gatepost.ports import TextSource
    from gatepost.selftest.devices import Bench
    from gatepost.selftest.parts import Camera, Technician

CARD = "GATEPOST-TEST Đỗ Hữu Không 0123456789"
_FIRST_S, _LOOK_S, _SHOW_S = 6.0, 20.0, 30.0
_TURN_S = 0.25
_LOSSY = "set it to USB serial and UTF-8 (READERS.md): the names of visitors come garbled"


def look_once(bench: Bench, name: str, camera: Camera) -> Iterator[Finding]:
    """Whether the camera gives pictures."""
    until = bench.clock.boottime() + _FIRST_S
    try:
        with camera.source:
            while bench.clock.boottime() < until:
                frame = camera.source.next_frame(_TURN_S)
                if frame is not None:
                    high, wide = frame.luma.shape
                    yield Finding(name, ok=True, told=f"gives pictures of {wide} x {high}")
                    return
        told = f"no picture within {_FIRST_S:g} s"
    except GatepostError as error:
        told = str(error)
    yield Finding(name, ok=False, told=told, advice="is its ribbon in, contacts to the board?")


def look(bench: Bench, someone: Technician, name: str, camera: Camera) -> Iterator[Finding]:
    """The test card before the camera: focus, light and distance at the best of 20 s."""
    someone.tell(f"Hold the test card before {name!r}, where visitors will hold their codes.")
    best = Best(bench.judge)
    until = bench.clock.boottime() + _LOOK_S
    try:
        with camera.source:
            while bench.clock.boottime() < until and not best.good:
                frame = camera.source.next_frame(_TURN_S)
                if frame is not None:
                    best.add(frame, camera.decoder.decode(frame), bench.clock.boottime())
    except GatepostError as error:
        yield Finding(name, ok=False, told=str(error), advice="is its ribbon in the right way?")
        return
    yield Finding(name, ok=best.good, told=best.told(), advice=best.advice())


def shown(bench: Bench, name: str, gun: TextSource) -> Iterator[Finding]:
    """Whether the reader is there; with a technician, whether what it reads comes whole."""
    try:
        with gun:
            if bench.technician is None:
                gun.next_text(_TURN_S)
                yield Finding(name, ok=True, told="is there")
                return
            bench.technician.tell(f"Show the test card to the reader {name!r} (any code will do).")
            until = bench.clock.boottime() + _SHOW_S
            while bench.clock.boottime() < until:
                got = gun.next_text(_TURN_S)
                if got is not None:
                    yield _judged(name, got)
                    return
    except GatepostError as error:
        advice = "is it plugged in, and set as READERS.md says? `gatepost readers` lists them"
        yield Finding(name, ok=False, told=str(error), advice=advice)
        return
    advice = "does its own light go on? Then see READERS.md for its mode and its suffix"
    yield Finding(name, ok=False, told=f"nothing was read within {_SHOW_S:g} s", advice=advice)


def _judged(name: str, got: Read) -> Finding:
    """Its text is never told: it may be a visitor's own."""
    if not got.text.startswith(CARD.split(" ", 1)[0]):
        told = f"read {len(got.data)} bytes; not our test card"
        return Finding(name, ok=not got.lossy, told=told, advice=_LOSSY if got.lossy else "")
    if got.text == CARD and not got.lossy:
        return Finding(name, ok=True, told="read the test card whole, with all its diacritics")
    return Finding(name, ok=False, told="the test card came garbled", advice=_LOSSY)
