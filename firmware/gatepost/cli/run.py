"""`gatepost run`: the daemon."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.config import Config
    from gatepost.crashes import Crashes
    from gatepost.station import Station

    Build = Callable[..., Station]

_LEAVE_S = 1
# Before READY: a card that fails takes its time to say so, and a gate that is red is better than
# one that is dark. To read out a damaged spool of a GiB takes more. Ours is over before systemd's
# (sd_notify(3)), for ours shows where it hung.
_START_S, _SLOW_S = 180, 900
_SYSTEMDS_S = 20


def add_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "run",
        help="run the station",
        description="Run the station until SIGTERM. It stops within 5 seconds, with its state "
        "published as offline. When a part of it fails, it ends with status 1 and the reason as "
        "the last line, for systemd to start it again; why, and where each thread was, is kept "
        "beside the spool and told to the centre after the next start.",
        epilog="example:\n  gatepost run --config /etc/gatepost/station.toml\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the station; 0 after a clean stop, 1 after a failure."""
    from gatepost.heap import keep_small

    keep_small()  # before the large libraries take theirs
    from gatepost.build import build
    from gatepost.config import load
    from gatepost.logs import plain, set_up
    from gatepost.spool import locked

    os.umask(0o077)  # the spool is nobody else's business
    config = load(args.config)
    set_up(config.log.format, config.log.level)
    with locked(config.station.data):
        reason = _watched(config, build)
    if reason is None:
        return 0 if threading.active_count() == 1 else _leave(0)
    logging.disable()  # a worker that would not stop must not have the last word
    print(f"gatepost: {plain(reason)}", file=sys.stderr)
    return _leave(1)


def _watched(config: Config, build: Build) -> str | None:
    """Run it, and keep what becomes of it; returns why it failed, or None."""
    from gatepost import __version__
    from gatepost.clock import SystemClock, boot_id
    from gatepost.crashes import begin, hooked
    from gatepost.errors import GatepostError, told
    from gatepost.logs import keep_last
    from gatepost.timekeeping import stamp

    boot, clock = boot_id(), SystemClock()
    crashes = begin(config.station.data, boot, __version__, lambda: stamp(clock, boot))
    keep_last(crashes.ring.write)
    try:
        with hooked(crashes):
            reason = _run(config, build, crashes)
    except KeyboardInterrupt:
        crashes.ended()
        raise
    except GatepostError as error:  # of the start: it is said by whoever called us
        crashes.record(f"start failed: {told(error)}", error)
        crashes.end_unless(0)
        raise
    except BaseException as error:  # noqa: BLE001 - of the main thread, here alone
        crashes.record(f"failed: {told(error)}", error)
        traceback.print_tb(error.__traceback__)  # without its text, which may quote a visitor
        return f"failed: {told(error)}"
    if reason is None:
        crashes.ended()
    return reason


def _run(config: Config, build: Build, crashes: Crashes) -> str | None:
    from gatepost.resetting import Resets
    from gatepost.supervisor import systemd_notifier

    notify = systemd_notifier()

    def within(seconds: int) -> None:
        notify(f"EXTEND_TIMEOUT_USEC={(seconds + _SYSTEMDS_S) * 1_000_000}")
        crashes.end_unless(seconds)

    within(_START_S)
    slow = partial(within, _SLOW_S)
    station = build(config, (crashes, Resets(config.station.data)), crashes.known, slow)
    return station.run(notify, crashes)


def _leave(status: int) -> NoReturn:
    """End the process at once.

    Python's own way out waits for no daemon thread, but takes the interpreter apart under one
    that is stuck in C code: that crashes or prints after the reason, which is to come last.
    What matters is closed by the workers; SQLite and the kernel see to the rest.
    """
    signal.alarm(_LEAVE_S)  # a stuck thread may hold the log's lock, or nobody reads the pipe
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
