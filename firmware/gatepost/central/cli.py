"""gatepost-central: what belongs where the centre's private keys are, and never on a station."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import TYPE_CHECKING

from gatepost.central import (
    cli_ask,
    cli_passes,
    cli_sign,
    cli_subjects,
    cli_unseal,
    cli_watch,
    show,
)
from gatepost.central.state import StateError
from gatepost.errors import BrokerError, KeyMaterialError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FINE, _WRONG, _USAGE, _INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except (UsageError, BrokerError, KeyMaterialError, StateError) as error:
        print(f"gatepost-central: {show.escaped(str(error))}", file=sys.stderr)
        return _USAGE
    except BrokenPipeError:  # whoever read us has seen enough
        sys.stderr.close()
        return _FINE
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO}:
            raise  # a bug: what is foreign is translated where it is met
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        print(f"gatepost-central: cannot write: {error.strerror}", file=sys.stderr)
        return _WRONG
    except KeyboardInterrupt:
        return _INTERRUPTED  # as shells tell it: 128 + SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("gatepost-central", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for each in (cli_watch, cli_ask, cli_unseal, cli_passes, cli_subjects, cli_sign):
        each.add(commands)
    return parser
