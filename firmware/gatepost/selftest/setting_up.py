"""What the button asks for: aim help and addresses in setup mode, the self-test in its own.

Shown on the OLED, and said to whoever reads the log. Ends by the button (with several cameras
a press goes on to the next one), or when its time is over.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Self

from gatepost import screen
from gatepost.errors import DeviceError, UsageError
from gatepost.model import Cue, CueKind
from gatepost.selftest.aiming import aiming
from gatepost.selftest.devices import ADVICE, devices
from gatepost.selftest.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PIL import Image

    from gatepost.ports import Signal
    from gatepost.selftest.aiming import Aim
    from gatepost.selftest.devices import Bench
    from gatepost.selftest.parts import Camera

_LOG = logging.getLogger(__name__)
_TURN_S = 0.1
_RESULT_S = 120.0
_WIDE = 18  # letters of a line that is set a little narrower
_ABOUT_S = 3.0  # long enough to write an address down
_STATES = {"vi": {"ok": "tốt", "skipped": "bỏ qua", "TROUBLE": "có lỗi"}}
_WORDS = {
    "vi": ("Tự kiểm tra", "Mọi thứ đều tốt", "Có lỗi", "Cài đặt"),
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
    _wrong: dict[str, str] = field(default_factory=dict)
    _let_go: bool = True

    def __enter__(self) -> Self:
        for name in ("oled", "button"):
            device = getattr(self.bench.parts, name)
            if device is None:
                continue
            try:
                self._stack.enter_context(device)
                self._open.add(name)
                if name == "button":
                    self._let_go = not device.pressed()
            except DeviceError as error:
                self._wrong[name] = str(error)
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
            self._wrong.pop("oled", None)
        except (DeviceError, UsageError) as error:
            if str(error) != self._wrong.get("oled"):
                self._wrong["oled"] = str(error)
                _LOG.warning("not shown", extra={"fields": {"why": str(error)}})

    def own(self) -> list[Finding]:
        """How screen and button are, which this holds itself."""
        self.draw(lambda: screen.lines(self.words[0], []))
        found = []
        for name, well in (("oled", "answers"), ("button", "its pins are ours")):
            if getattr(self.bench.parts, name) is None:
                continue
            wrong = self._wrong.get(name, "")
            advice = ADVICE[name] if wrong else ""
            found.append(Finding(name, ok=not wrong, told=wrong or well, advice=advice))
        return found

    def ended(self) -> bool:
        """Whether it was asked to stop, or is out of time."""
        return self.stopping() or self.bench.clock.boottime() >= self.ends

    def over(self) -> bool:
        """Whether it is: ended, or the button was pressed anew since this was last asked."""
        return self.ended() or self._pressed()

    def _pressed(self) -> bool:
        """A press that began after this did, however short: what asked for it may still be held."""
        button = self.bench.parts.button
        if "button" not in self._open or button is None:
            return False
        try:
            while (held := button.change(0.0)) is not None:
                if held and self._let_go:
                    return True
                self._let_go = self._let_go or not held
        except DeviceError as error:
            self._wrong["button"] = str(error)
        return False


def setting_up(stage: Stage, about: Callable[[], Sequence[str]]) -> None:
    """What `about` says of the station, then aim help for each camera until the next press."""
    for name, camera in stage.bench.parts.cameras.items():
        _stand(stage, [name, *about()[-2:]])
        _aim(stage, name, camera)
        if stage.ended():
            return
    if stage.bench.parts.cameras:
        return
    while not stage.over():
        stage.draw(lambda: screen.lines(stage.words[3], about()))
        stage.bench.pause(_TURN_S * 5)


def _stand(stage: Stage, texts: Sequence[str]) -> None:
    """Show them for so long that they can be read."""
    stage.draw(lambda: screen.lines(stage.words[3], texts))
    until = stage.bench.clock.boottime() + _ABOUT_S
    while stage.bench.clock.boottime() < until and not stage.ended():
        stage.bench.pause(_TURN_S)


def _aim(stage: Stage, name: str, camera: Camera) -> None:
    language, said = stage.bench.config.station.language, ""
    seen = aiming(camera, stage.bench)
    try:
        for aim in seen:
            if stage.over():
                return
            if aim is not None:
                said = _said(name, aim, said)
                stage.draw(lambda aim=aim: _pictured(aim, language))  # type: ignore[misc] # mypy: default
    finally:
        seen.close()


def _said(name: str, aim: Aim, before: str) -> str:
    """Say it in the log where it is not what was said before; returns what is said now."""
    now = aim.advice or "well"
    if now != before:
        found = aim.score._asdict() if aim.score else {}
        fields = {"camera": name, "told": now, "read": aim.read, **found}
        _LOG.info("aim", extra={"fields": fields})
    return now


def _pictured(aim: Aim, language: str) -> Image.Image:
    found = aim.score
    if found is None:
        return screen.lines("", wrap(aim.advice, _WIDE)[:4])
    return screen.aim(
        found.focus, found.light, found.distance, code_read=aim.read, language=language
    )


def try_all(stage: Stage, checks: Iterable[Finding]) -> list[Finding]:
    """Every check and every device, one after the other; the outcome stays for two minutes.

    The OLED and the button are last: they are busy with telling and being told. A press ends it.
    """
    found: list[Finding] = []
    for each in checks:
        _add(stage, found, each)
        if stage.over():
            return found
    # Without what this mode itself holds open.
    quiet = replace(stage.bench.parts, oled=None, button=None)
    for each in devices(replace(stage.bench, parts=quiet)):
        _add(stage, found, each)
        if stage.over():
            return found
    for each in stage.own():
        _add(stage, found, each)
    _outcome(stage, found)
    return found


def _add(stage: Stage, found: list[Finding], each: Finding) -> None:
    found.append(each)
    fields = {"part": each.name, "state": each.state, "told": each.told, "advice": each.advice}
    _LOG.log(logging.INFO if each.ok else logging.WARNING, "self-test", extra={"fields": fields})
    state = _STATES.get(stage.bench.config.station.language, {}).get(each.state, each.state)
    stage.draw(lambda: screen.lines(f"{stage.words[0]} {len(found)}", [each.name, state]))


def _outcome(stage: Stage, found: Sequence[Finding]) -> None:
    bad = [each.name for each in found if not each.ok]
    title, texts = (stage.words[2], bad[:3]) if bad else (stage.words[1], [])
    if len(bad) > 3:
        texts = [*bad[:2], f"+{len(bad) - 2}"]
    kind = CueKind.TROUBLE if bad else CueKind.ACCEPTED
    with suppress(DeviceError), ExitStack() as stack:  # what does not close has shown all the same
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
