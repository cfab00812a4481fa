"""Runs the workers: one thread each, a heartbeat at every `yield`, the first failure wins.

A worker is a generator. Each `yield` says "I am alive"; between two of them it may block for
at most its patience. Stopping closes the generators, group by group, in the order given.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gatepost.errors import told

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

_LOG = logging.getLogger(__name__)
_TURN_S = 0.25
_NOTIFY_S = 0.1
_READY_S = 3.0
_MAIN_S = 20.0  # twice systemd's watchdog, which comes first where there is one
_ARMED_S = 2.5
_STOP_SPARE_S = 3.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker and how long it may go without a heartbeat (seconds).

    `may_linger`: when stopping, it is no failure that it does not end in time: it is in a call
    of the network that cannot be cut short, and it has nothing to lose.
    """

    name: str
    start: Callable[[], Generator[None, None, None]]
    patience_s: float
    may_linger: bool = False


@dataclass(slots=True)
class _Running:
    worker: Worker
    stop: threading.Event = field(default_factory=threading.Event)
    beat: float = field(default_factory=time.monotonic)
    begun: bool = False
    failed: float = 0.0
    error: BaseException | None = None
    ended: bool = False
    thread: threading.Thread | None = None


class Watch(Protocol):
    """Who keeps what becomes of a run."""

    def record(self, reason: str, error: BaseException | None = None) -> None:
        """The run fails: keep why. Takes seconds at most, raises nothing."""

    def end_unless(self, seconds: float) -> None:
        """End the process in so many seconds, whatever hangs, unless this is called again."""


class Supervisor:
    """Starts groups of workers, watches them, stops them.

    Args:
        groups: stopped one after the other, in this order; started the other way round.
        notify: tells systemd; gets "READY=1", "WATCHDOG=1", "STOPPING=1".
        deadlines_s: when each group must have stopped, seconds from the begin of stopping; the
            time that one does not use passes on to the next.
        watch: is told of a failure, with every thread still where it was; and ends the process
            if this thread hangs itself, or if stopping takes too long.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Worker]],
        notify: Callable[[str], None],
        deadlines_s: Sequence[float],
        watch: Watch | None = None,
    ) -> None:
        self._groups = [[_Running(worker) for worker in group] for group in groups]
        self._notify = notify
        self._deadlines_s = deadlines_s
        self._watch = watch
        self._wake = threading.Event()

    def run(self, stop: Callable[[], bool]) -> str | None:
        """Run until `stop` says so or a worker fails; returns the reason of the failure.

        `stop` is asked four times a second.

        Every worker has ended when this returns, or the reason says which would not.
        """
        self._end_unless(_MAIN_S)  # the first that is started may hang with the GIL
        for group in reversed(self._groups):
            for running in group:
                self._start(running)
        reason = self._failure_or(stop)
        if reason:
            self._record(reason)
        self._end_unless(max(self._deadlines_s) + _STOP_SPARE_S)
        self._notify("STOPPING=1")
        stuck = self._stop_all()
        late = None if reason else self._died() or stuck
        if late:
            self._record(late)
        return reason or late

    def _failure_or(self, stop: Callable[[], bool]) -> str | None:
        """Turn until a worker fails, or `stop` says so."""
        ready_by = time.monotonic() + _READY_S
        ready, armed = False, 0.0
        while not stop():
            reason = self._failure()
            if not ready and (self._all_begun() or time.monotonic() > ready_by):
                ready = True
                self._notify("READY=1")
            if reason is not None:
                return reason
            if time.monotonic() > armed + _ARMED_S:
                armed = time.monotonic()
                self._end_unless(_MAIN_S)
            self._notify("WATCHDOG=1")
            self._wake.wait(_TURN_S)
            self._wake.clear()
        return None

    def _record(self, reason: str) -> None:
        if self._watch is not None:
            first = self._first()
            self._watch.record(reason, first.error if first else None)

    def _end_unless(self, seconds: float) -> None:
        if self._watch is not None:
            self._watch.end_unless(seconds)

    def _start(self, running: _Running) -> None:
        running.beat = time.monotonic()
        running.thread = threading.Thread(
            target=self._drive, args=(running,), name=running.worker.name, daemon=True
        )
        running.thread.start()

    def _drive(self, running: _Running) -> None:
        """Turn one generator until it is told to stop. Whatever it raises is its failure."""
        try:
            work = running.worker.start()
            try:
                for _ in work:
                    running.beat = time.monotonic()
                    if not running.begun:
                        running.begun = True
                        self._wake.set()
                    if running.stop.is_set():
                        break
            finally:
                work.close()
        except BaseException as error:  # noqa: BLE001 - here alone: the first failure wins
            fields = {"worker": running.worker.name, "why": told(error)}
            _LOG.debug("worker failed", extra={"fields": fields})
            running.error, running.failed = error, time.monotonic()
        finally:
            running.ended = True
            self._wake.set()

    def _failure(self) -> str | None:
        now = time.monotonic()
        for running in self._all():
            name = running.worker.name
            if running.ended and not running.error:
                return f"worker {name} ended by itself"
            if not running.ended and now - running.beat > running.worker.patience_s:
                faulthandler.dump_traceback(all_threads=True)
                return f"worker {name} gave no heartbeat for {running.worker.patience_s:g} s"
        return self._died()

    def _died(self) -> str | None:
        first = self._first()
        return f"worker {first.worker.name} failed: {told(first.error)}" if first else None

    def _first(self) -> _Running | None:
        """The worker that failed first, if any did."""
        dead = [running for running in self._all() if running.error is not None]
        return min(dead, key=lambda running: running.failed) if dead else None

    def _stop_all(self) -> str | None:
        begun = time.monotonic()
        stuck = []
        for group, deadline_s in zip(self._groups, self._deadlines_s, strict=True):
            for running in group:
                running.stop.set()
            for running in group:
                if running.thread is None:
                    continue
                running.thread.join(max(0.0, begun + deadline_s - time.monotonic()))
                if running.thread.is_alive():
                    _LOG.warning(
                        "would not stop", extra={"fields": {"worker": running.worker.name}}
                    )
                    if not running.worker.may_linger:
                        stuck.append(running.worker.name)
        return f"workers would not stop: {', '.join(stuck)}" if stuck else None

    def _all_begun(self) -> bool:
        return all(running.begun for running in self._all())

    def _all(self) -> list[_Running]:
        return [running for group in self._groups for running in group]


def systemd_notifier(address: str | None = None) -> Callable[[str], None]:
    """A function that tells systemd our state (sd_notify(3)); does nothing without systemd.

    `address` is NOTIFY_SOCKET's value, by default from the environment. The protocol is one
    datagram; the kept library (python-systemd) needs a compiler and headers for it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
    if not address:
        return lambda _state: None
    target = "\0" + address[1:] if address.startswith("@") else address

    def notify(state: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                link.settimeout(_NOTIFY_S)  # systemd busy or stopped must not stop us
                link.sendto(state.encode("ascii"), target)
        except TimeoutError:
            _LOG.debug("systemd does not listen", extra={"fields": {"state": state}})
        except OSError as error:
            print(f"systemd cannot be told {state!r}: {error}", file=sys.stderr)  # noqa: T201

    return notify
