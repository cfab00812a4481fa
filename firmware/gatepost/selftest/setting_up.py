"""What the button asks for: aim help and addresses in setup mode, the self-test in its own.

Shown on the OLED, and said to whoever reads the log. Ends by the button, or when its time is over.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from gatepost import screen
from gatepost.errors import DeviceError, UsageError
from gatepost.model import Cue, CueKind
from gatepost.selftest.aiming import aiming
from gatepost.selftest.devices import Bench, devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PIL import Image

    from gatepost.decoding.scoring import Score
    from gatepost.model import Frame, Symbol
    from gatepost.ports import Signal
    from gatepost.selftest.aiming import Aim
    from gatepost.selftest.findings import Finding
    from gatepost.selftest.parts import Camera, Parts

_LOG = logging.getLogger(__name__)
_TURN_S = 0.1
_RESULT_S = 120.0
_WORDS = {
    "vi": ("Tự kiểm tra", "Tất cả tốt", "Có lỗi", "Cài đặt"),
    "en": ("Self-test", "All is well", "Trouble", "Setup"),
}


@dataclass(slots=True)
class Stage:
    """Where it is shown, and until when.

    Attributes:
        bench: the station, its devices closed.
        stopping: whether somebody asked the program to end.
        ends: boot time at which it is over, seconds.
    """

    bench: Bench
    stopping: Callable[[], bool]
    ends: float
    _stack: ExitStack = field(default_factory=ExitStack)
    _open: set[str] = field(default_factory=set)
    _told: str = ""
    _let_go: bool = False

    def __enter__(self) -> Self:
        for name in ("oled", "button"):
            device = getattr(self.bench.parts, name)
            if device is None:
                continue
            try:
                self._stack.enter_context(device)
                self._open.add(name)
            except DeviceError as error:
                _LOG.warning("not opened", extra={"fields": {"part": name, "why": str(error)}})
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(DeviceError):
            self._stack.close()

    @property
    def words(self) -> tuple[str, str, str, str]:
        """In the station's first language: self-test, all is well, trouble, setup."""
        return _WORDS[self.bench.config.station.language]

    def draw(self, picture: Callable[[], Image.Image]) -> None:
        """Show it on the OLED; one that is not there is told once and looked for again."""
        if "oled" not in self._open or self.bench.parts.oled is None:
            return
        try:
            self.bench.parts.oled.draw(picture())
            self._told = ""
        except (DeviceError, UsageError) as error:
            if str(error) != self._told:
                self._told = str(error)
                _LOG.warning("not shown", extra={"fields": {"why": self._told}})

    def over(self) -> bool:
        """Whether it is: asked to stop, out of time, or the button was pressed anew."""
        return self.stopping() or self.bench.clock.boottime() >= self.ends or self._pressed()

    def _pressed(self) -> bool:
        """A press that began after this did: the one that asked for it may still be held."""
        button = self.bench.parts.button
        if "button" not in self._open or button is None:
            return False
        try:
            held = button.pressed()
        except DeviceError:
            return False
        if not held:
            self._let_go = True
        return held and self._let_go


def setting_up(
    stage: Stage,
    score: Callable[[Frame, Sequence[Symbol]], Score],
    about: Callable[[], Sequence[str]],
) -> None:
    """Aim help for the first camera; without one, what `about` says of the station."""
    camera = next(iter(stage.bench.parts.cameras.values()), None)
    if camera is not None:
        _aim(stage, camera, score)
        return
    while not stage.over():
        stage.draw(lambda: screen.lines(stage.words[3], about()))
        stage.bench.pause(_TURN_S * 5)


def _aim(stage: Stage, camera: Camera, score: Callable[[Frame, Sequence[Symbol]], Score]) -> None:
    language = stage.bench.config.station.language
    seen = aiming(camera, stage.bench.clock, score, stage.bench.pause)
    try:
        for aim in seen:
            if stage.over():
                return
            if aim is not None:
                stage.draw(lambda aim=aim: _pictured(aim, language))  # type: ignore[misc] # mypy: default
    finally:
        seen.close()


def _pictured(aim: Aim, language: str) -> Image.Image:
    found = aim.score
    if found is None:
        return screen.lines("", [aim.advice])
    return screen.aim(
        found.focus, found.light, found.distance, code_read=aim.read, language=language
    )


def try_all(stage: Stage, checks: Iterable[Finding]) -> list[Finding]:
    """Every check and every device, one after the other; the outcome stays for two minutes.

    The OLED is last: it is busy with telling.
    """
    found: list[Finding] = []
    for each in checks:
        _add(stage, found, each)
        if stage.stopping():
            return found
    quiet = Bench(
        stage.bench.config,
        _without_shown(stage),
        stage.bench.clock,
        stage.bench.pause,
    )
    for each in devices(quiet):
        _add(stage, found, each)
        if stage.stopping():
            return found
    _outcome(stage, found)
    return found


def _without_shown(stage: Stage) -> Parts:
    """The parts without what this mode itself holds open."""
    return replace(stage.bench.parts, oled=None, button=None)


def _add(stage: Stage, found: list[Finding], each: Finding) -> None:
    found.append(each)
    fields = {"part": each.name, "state": each.state, "told": each.told, "advice": each.advice}
    _LOG.log(logging.INFO if each.ok else logging.WARNING, "self-test", extra={"fields": fields})
    stage.draw(lambda: screen.lines(f"{stage.words[0]} {len(found)}", [each.name, each.state]))


def _outcome(stage: Stage, found: Sequence[Finding]) -> None:
    bad = [each.name for each in found if not each.ok]
    title, texts = (stage.words[2], bad[:3]) if bad else (stage.words[1], [])
    if len(bad) > 3:
        texts = [*bad[:2], f"+{len(bad) - 2}"]
    kind = CueKind.TROUBLE if bad else CueKind.ACCEPTED
    with ExitStack() as stack:
        for signal in (stage.bench.parts.lamp, stage.bench.parts.buzzer):
            _shown(stack, signal, kind)
        stage.ends = min(stage.ends, stage.bench.clock.boottime() + _RESULT_S)
        while not stage.over():
            stage.draw(lambda: screen.lines(title, texts or [stage.bench.config.station.id]))
            stage.bench.pause(_TURN_S)


def _shown(stack: ExitStack, signal: Signal | None, kind: CueKind) -> None:
    """Never on the relay: nobody asked a door to open."""
    if signal is None:
        return
    with suppress(DeviceError):  # told among the findings
        stack.enter_context(signal)
        signal.show(Cue(kind))
