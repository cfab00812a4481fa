"""The command line. Each command imports what it needs only when it runs: `--help` is at once.

Of the commands themselves only one is imported here: a door waits for `stopped`.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys

from gatepost import __version__
from gatepost.cli import stopped
from gatepost.errors import ConfigError, GatepostError, UsageError

_EXAMPLES = """\
examples:
  gatepost demo                               a whole station on this computer, no hardware
  gatepost check-config /etc/gatepost.toml    every problem of a configuration at once
  gatepost run --config /etc/gatepost.toml    the station
  gatepost decode photo.png --json            what the station's own decoder reads
  gatepost selftest --config ...              what is wrong with it, and what to do
  gatepost status --config ...                how the running station is
  gatepost spool status --config ...          what is kept and not delivered yet
  gatepost trust show --config ...            whose signatures are believed
  gatepost rules check gate.toml              every problem of a gate's rules at once
  gatepost explain 'HC1:...'                  what a code is, and what the gate would say
  gatepost wiring --board pi-4.toml           what goes to which pin: a diagram, a table
  gatepost clock show --config ...            is the clock behind what is surely past?
  gatepost report --config ...                a bundle for support, without visitors' data
  gatepost setup --mode setup --config ...    help to aim the camera, on the OLED
  gatepost reset --config ...                 factory reset; keys and events stay

exit status: 0 done, 1 it failed, 2 it could not be tried as asked, 130 interrupted
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    # Before anything imports NumPy: its matrices are small here, and threads for them cost a
    # busy machine more than they give.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # here, where a closed pipe can still be told from a bug
    except BrokenPipeError:
        # Whoever read us (head, less) has gone. Python flushes once more at its exit and would
        # say "Exception ignored": let that go nowhere, as its documentation of SIGPIPE shows.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO}:
            raise  # a bug: what is foreign is translated where it is met
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"gatepost: cannot write: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as shells tell it: 128 + SIGINT


def _run(argv: list[str] | None) -> int:
    if (sys.argv[1:] if argv is None else argv)[:1] == [stopped.NAME]:
        stopped.first()
    parser = _parser()
    args = parser.parse_args(argv)
    if args.run is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(args.run(args))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        print(f"{len(error.problems)} problem(s) in the configuration", file=sys.stderr)
        return 2
    except UsageError as error:
        print(f"gatepost: {error}", file=sys.stderr)
        return 2
    except GatepostError as error:
        print(f"gatepost: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "gatepost":
            raise  # ours: a bug
        extra = f"gatepost[{args.extra}]"
        print(f"gatepost: this needs {error.name}: pip install '{extra}'", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    from gatepost.cli import (
        check,
        clock,
        decode,
        demo,
        explain,
        readers,
        report,
        reset,
        rules,
        run,
        selftest,
        setup,
        spool,
        status,
        trust,
        wiring,
    )

    parser = argparse.ArgumentParser(
        prog="gatepost",
        description="An unattended scanner station for gates.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gatepost {__version__}")
    parser.set_defaults(run=None, extra="station")
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in (
        run,
        demo,
        decode,
        check,
        readers,
        selftest,
        setup,
        status,
        spool,
        trust,
        rules,
        explain,
        report,
        reset,
        clock,
        stopped,
        wiring,
    ):
        command.add_parser(commands)
    return parser
