"""What watch shows: findings as they come, how far it is, and the summary."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.central import show
from gatepost.central.findings import FindingKind
from gatepost.central.unseal import Unsealed, unseal_event
from gatepost.errors import ContractError, KeyMaterialError
from gatepost.model import ScanRecord

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from joserfc.jwk import OKPKey

    from gatepost.central.findings import Finding
    from gatepost.central.keeper import Keeper

_FINE, _WRONG = 0, 1
_LOOK_S = 0.5
_PROGRESS_S = 1.0
_FIRST_S = 10.0  # until what the broker holds for us has come, where it never is quiet


@dataclass(slots=True)
class Watch:
    """A watch under way; `until`: monotonic seconds, or None for no end."""

    options: argparse.Namespace
    keeper: Keeper
    keys: Sequence[OKPKey]
    until: float | None
    summary: show.Summary = field(init=False)
    _looked_at: float = 0.0
    _changed: bool = True
    _complete: bool = False
    _quiet: bool = False
    _began: float = field(default_factory=time.monotonic)
    _progress: _Progress = field(init=False)

    def __post_init__(self) -> None:
        self.summary = show.Summary(from_now=self.options.from_now)
        self._progress = _Progress()

    def done(self) -> bool:
        """Whether what was asked for is reached."""
        if self.until is not None and time.monotonic() >= self.until:
            return True
        wanted = self.options.count
        if wanted is not None and self.summary.counts[FindingKind.EVENT] >= wanted:
            return True
        return self.options.until_complete and self._is_complete()

    def _is_complete(self) -> bool:
        """Looked up when something came, and not for each message: there may be many stations."""
        now = time.monotonic()
        if not self._quiet and now - self._began < _FIRST_S:
            return False  # complete is what we knew: newer checkpoints may be waiting
        if self._changed and now - self._looked_at >= _LOOK_S:
            self._looked_at, self._changed = now, False
            self._complete = self.complete()
        return self._complete and not self._changed

    def complete(self) -> bool:
        """Whether there is a station, and everything of all of them is here."""
        return self.summary.all_complete(self.keeper.statuses())

    def take(self, findings: Sequence[Finding]) -> None:
        """Print what came; it is on its way to the disk when this returns."""
        self.summary.add(findings)
        for finding in findings:
            self._print(finding)
        if findings:
            self._changed = True
            _flush()
        else:
            self._quiet = True
        self._progress.tell(self.summary)

    def _print(self, finding: Finding) -> None:
        visitor, why = None, ""
        if self.keys:
            try:
                visitor = _visitor(finding, self.keys)
            except (ContractError, KeyMaterialError) as error:
                why = f"gatepost-central: #{finding.sequence}: {error}"
        whole = self.options.state is not None  # then this is what is kept
        if self.options.json:
            print(show.as_json(finding, visitor, whole=whole))
        else:
            print(show.line(finding, visitor))
        if why:
            print(show.escaped(why), file=sys.stderr)

    def end(self) -> int:
        """Print the summary; the exit status."""
        self._progress.over()
        statuses = self.keeper.statuses()
        told = self.summary.told(statuses)
        print(json.dumps(told) if self.options.json else self.summary.text(statuses), flush=True)
        missed = self.options.until_complete and not self.complete()
        return _WRONG if missed or self.summary.wrong(statuses) else _FINE


def begin_line() -> None:
    """Where a killed process left half of a line in the file, do not go on in it."""
    number = sys.stdout.fileno()
    if not stat.S_ISREG(os.fstat(number).st_mode) or os.fstat(number).st_size == 0:
        return
    try:
        with Path(f"/proc/self/fd/{number}").open("rb") as file:
            file.seek(-1, os.SEEK_END)
            whole = file.read(1) == b"\n"
    except OSError:
        whole = False
    if not whole:
        print(flush=True)


def _flush() -> None:
    """To whoever reads us; where that is a file, onto the disk."""
    sys.stdout.flush()
    number = sys.stdout.fileno()
    if stat.S_ISREG(os.fstat(number).st_mode):
        os.fsync(number)


def _visitor(finding: Finding, keys: Sequence[OKPKey]) -> Unsealed | None:
    event = finding.event
    if finding.kind is not FindingKind.EVENT or event is None:
        return None
    return unseal_event(event, keys) if isinstance(event.record, ScanRecord) else None


class _Progress:
    """A line on the terminal, once a second, where the findings go elsewhere."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty() and not sys.stdout.isatty()
        self._told_at = time.monotonic()
        self._events = 0

    def tell(self, summary: show.Summary) -> None:
        now = time.monotonic()
        took = now - self._told_at
        if not self._shown or took < _PROGRESS_S:
            return
        events = summary.counts[FindingKind.EVENT]
        rate = (events - self._events) / took
        self._told_at, self._events = now, events
        duplicates = summary.counts[FindingKind.DUPLICATE]
        words = f"{events} events, {rate:.0f}/s, {duplicates} duplicates"
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()

    def over(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
