"""A station's parts and a technician, scripted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gatepost.model import Frame
from gatepost.selftest.parts import Again

if TYPE_CHECKING:
    from typing import Self

    from fakes import FakeClock
    from gatepost.errors import GatepostError
    from gatepost.model import Cue, Symbol


@dataclass
class Part:
    """Any part: remembers what it was asked; `fails`: what it raises, where."""

    clock: FakeClock | None = None
    fails: dict[str, GatepostError] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)
    gives: list[Any] = field(default_factory=list)
    open: bool = False
    held: bool = False

    def __enter__(self) -> Self:
        self._fail("open")
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def show(self, cue: Cue) -> None:
        assert self.open
        self._fail("show")
        self.done.append(cue.kind)

    def switch(self, *, on: bool) -> None:
        assert self.open
        self.done.append(on)

    def pressed(self) -> bool:
        return bool(self.gives and self.gives.pop(0))

    def change(self, _wait_s: float) -> bool | None:
        held, before = self.pressed(), self.held
        self.held = held
        return None if held is before else held

    def next_frame(self, wait_s: float) -> Frame | None:
        return self._next(wait_s)

    def next_text(self, wait_s: float) -> Any:
        return self._next(wait_s)

    def decode(self, _frame: Frame) -> list[Symbol]:
        return self.gives.pop(0) if self.gives else []

    def _next(self, wait_s: float) -> Any:
        self._fail("next")
        if self.clock is not None:
            self.clock.pass_(wait_s)
        return self.gives.pop(0) if self.gives else None

    def _fail(self, where: str) -> None:
        if where in self.fails:
            raise self.fails[where]


@dataclass
class Someone:
    """Answers as scripted: True, False, None (skip) or "again"; then yes to everything."""

    answers: list[Any] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.heard.append(text)

    def sees(self, question: str) -> bool | None:
        self.heard.append(question)
        answer = self.answers.pop(0) if self.answers else True
        if answer == "again":
            raise Again
        return answer


def frame(taken: float = 0.0) -> Frame:
    return Frame(np.full((720, 1280), 120, np.uint8), taken)
