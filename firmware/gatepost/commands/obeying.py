"""Commands: done once, recorded, answered."""

from __future__ import annotations

import logging
import queue
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatepost.asked import Answer, Receipt, Resend
from gatepost.commands.checking import Checked, NotTaken
from gatepost.commands.done import Deed, expiry_s
from gatepost.commands.refusals import MOST_ACTOR, MOST_DETAIL, Hourly, Refusals, plain
from gatepost.desired import Order
from gatepost.errors import GatepostError
from gatepost.model import AuditRecord
from gatepost.pacing import Pace
from gatepost.timekeeping import stamp
from gatepost.wire import COMMANDS, Response, response_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.asked import Asked
    from gatepost.commands.checking import Checker
    from gatepost.commands.done import Done
    from gatepost.desired import Held, When
    from gatepost.ports import Clock
    from gatepost.wire import Command, Topics

_LOG = logging.getLogger(__name__)
_PACE_S = 0.2
_RECORDED_S = 10.0
_MOST_RESENDS_TOLD = 60
_MOST_REMEMBERED = 256
_OFTEN = frozenset({"resend", "receipt"})


@dataclass(frozen=True, slots=True)
class Acts:
    """What the station can do when it is asked; each within some seconds.

    Attributes:
        identify: shows which station is meant.
        selftest: tests what can be tested while it runs; returns a short report in plain words.
        restart: has the station stop cleanly, to be started anew.
    """

    identify: Callable[[], None] | None = None
    selftest: Callable[[], str] | None = None
    restart: Callable[[], None] | None = None


@dataclass(slots=True)
class _Restart:
    """A restart that waits for its record: `kept` None until deciding says."""

    checked: Checked
    until: float
    kept: bool | None = None

    def then(self, kept: bool) -> None:
        self.kept = kept


@dataclass(slots=True)
class Obeying:
    """Takes commands. `pause` waits so many seconds; `most_refusals`: recorded in an hour."""

    checker: Checker
    done: Done
    held: Held
    topics: Topics
    clock: Clock
    boot_id: str
    asked: queue.Queue[Asked]
    acts: Acts
    pause: Callable[[float], object]
    most_refusals: int
    _refusals: Refusals = field(init=False)
    _resends_told: Hourly = field(default_factory=lambda: Hourly(_MOST_RESENDS_TOLD))
    _paces: dict[str, Pace] = field(default_factory=dict)
    _resends: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)
    _restart: _Restart | None = None

    def __post_init__(self) -> None:
        self._refusals = Refusals("commands", Hourly(self.most_refusals))

    def take(self, token: bytes, name: str) -> list[Order]:
        """What came on command/`name`. Returns what is to be recorded of it."""
        if not token:  # a retained one that was taken back
            return []
        when = self.held.when(self.clock)
        try:
            checked = self.checker.check(token, name, when)
            return self._obey(checked, when)
        except NotTaken as error:
            self.pause(_PACE_S)  # however many there are, the gate goes on
            return self._refused(token, name, error)

    def due(self) -> list[Order]:
        """The restart that waited for its record."""
        restart = self._restart
        if restart is None or (restart.kept is None and self.clock.boottime() < restart.until):
            return []
        self._restart = None
        if not restart.kept or self.acts.restart is None:
            # Nobody stops without a trace: the same id is refused from now on, another may do.
            self._amend(restart.checked, "refused", "it could not be recorded")
            return []
        self._answer(restart.checked.command, "done", "restarting")
        _LOG.warning("restarting", extra={"fields": {"by": restart.checked.signer}})
        self.acts.restart()
        return []

    def _obey(self, checked: Checked, when: When) -> list[Order]:
        """Raises NotTaken."""
        command = checked.command
        slow = Pace(10 / 60, 10) if command.name not in _OFTEN else Pace(10, 10)
        if not self._paces.setdefault(command.name, slow).take(self.clock.boottime()):
            raise NotTaken("too many at once: later again", checked.signer, command)
        if command.name == "receipt":
            self._put(Receipt(command.of))
            return []
        if command.name == "resend":
            return self._resend(checked)
        return self._once(checked, when)

    def _resend(self, checked: Checked) -> list[Order]:
        """The uplink answers, and knows which it had before."""
        command, key = checked.command, (checked.signer, checked.command.id)
        known = self._resends.get(key)
        if known not in {None, checked.mark}:
            raise self._another(checked)
        self._put(Resend(command.of, command.id, self.checker.answer_topic(command)))
        if known is not None:
            return []
        self._resends[key] = checked.mark
        if len(self._resends) > _MOST_REMEMBERED:
            self._resends.popitem(last=False)
        if not self._resends_told.take(self.clock.boottime()):
            return []
        ranges = sum(len(each.ranges) for each in command.of)
        return [Order(self._audit(checked, "accepted", f"{ranges} ranges"))]

    def _once(self, checked: Checked, when: When) -> list[Order]:
        """Raises NotTaken."""
        command = checked.command
        deed = self.done.find(checked.signer, command.id)
        if deed is not None and deed.mark != checked.mark:
            raise self._another(checked)
        if deed is not None:
            self._answer(command, deed.outcome, deed.detail)
            return []
        self._able(checked)
        self._remember(checked, when)
        if command.name == "restart":
            return self._begin_restart(checked)
        outcome, detail = self._act(command)
        self._amend(checked, outcome, detail)
        return [Order(self._audit(checked, outcome, detail))]

    def _able(self, checked: Checked) -> None:
        """Raises NotTaken for what this station cannot do."""
        command, acts = checked.command, self.acts
        if command.name not in COMMANDS:
            raise NotTaken("is not known to this version", checked.signer, command)
        can = {"identify": acts.identify, "selftest": acts.selftest, "restart": acts.restart}
        if can.get(command.name) is None:
            raise NotTaken("not supported by this version", checked.signer, command)
        if command.name == "restart" and self._restart is not None:
            raise NotTaken("a restart is under way", checked.signer, command)

    def _remember(self, checked: Checked, when: When) -> None:
        """Before the deed: what is not done twice may be done not at all. Raises NotTaken."""
        command = checked.command
        outcome = Deed(
            signer=checked.signer,
            id=command.id,
            mark=checked.mark,
            expires_s=expiry_s(command.expires),
            outcome="done",
            detail="begun before; what came of it is not known any more",
        )
        if command.name == "restart":
            outcome = replace(outcome, detail="restarted")
        try:
            if self.done.add(outcome, when):
                return
        except OSError as error:
            told = f"cannot be kept: {error.strerror}"
            raise NotTaken(told, checked.signer, command) from error
        raise NotTaken("too many that have not expired: later again", checked.signer, command)

    def _amend(self, checked: Checked, outcome: str, detail: str) -> None:
        """What came of it, said now and whenever the same id comes again."""
        command = checked.command
        deed = self.done.find(checked.signer, command.id)
        if deed is not None:
            try:
                self.done.amend(replace(deed, outcome=outcome, detail=detail))
            except OSError as error:
                fields = {"why": error.strerror}
                _LOG.warning("what came of a command is not kept", extra={"fields": fields})
        self._answer(command, outcome, detail)

    def _act(self, command: Command) -> tuple[str, str]:
        """Do it; the outcome and what to say of it."""
        try:
            if command.name == "selftest" and self.acts.selftest is not None:
                return "done", plain(self.acts.selftest(), MOST_DETAIL)
            if self.acts.identify is not None:
                self.acts.identify()
        except GatepostError as error:
            return "refused", plain(str(error), MOST_DETAIL)
        return "done", "shown"

    def _begin_restart(self, checked: Checked) -> list[Order]:
        """It waits until its record is on the card."""
        restart = _Restart(checked, self.clock.boottime() + _RECORDED_S)
        self._restart = restart
        return [Order(self._audit(checked, "accepted", "restarting"), then=restart.then)]

    def _refused(self, token: bytes, name: str, why: NotTaken) -> list[Order]:
        detail, actor = plain(str(why), MOST_DETAIL), plain(why.signer, MOST_ACTOR)
        if why.command is not None:
            self._answer(why.command, "refused", detail)
        if not self._refusals.news(name, token, self.clock.boottime()):
            return []
        name = plain(name, MOST_ACTOR)
        fields = {"name": name, "signer": actor, "why": detail}
        _LOG.warning("command refused", extra={"fields": fields})
        return [Order(AuditRecord(f"command-{name}", actor, "refused", detail))]

    def _another(self, checked: Checked) -> NotTaken:
        return NotTaken("its id was used for something else", checked.signer, checked.command)

    def _audit(self, checked: Checked, outcome: str, detail: str) -> AuditRecord:
        command = checked.command
        fields = {"name": command.name, "id": command.id, "signer": checked.signer}
        _LOG.info("command", extra={"fields": fields | {"outcome": outcome}})
        actor = plain(checked.signer, MOST_ACTOR)
        return AuditRecord(f"command-{command.name}", actor, outcome, f"{command.id}: {detail}")

    def _answer(self, command: Command, outcome: str, detail: str) -> None:
        response = Response(command.name, command.id, outcome, detail)
        topic = self.checker.answer_topic(command)
        now = stamp(self.clock, self.boot_id)
        self._put(Answer(response_message(self.topics, response, now, topic)))

    def _put(self, asked: Asked) -> None:
        """The uplink may be busy for minutes: whoever gets no answer asks again."""
        try:
            self.asked.put_nowait(asked)
        except queue.Full:
            kind = type(asked).__name__.lower()
            _LOG.warning("the uplink takes no more", extra={"fields": {"dropped": kind}})
