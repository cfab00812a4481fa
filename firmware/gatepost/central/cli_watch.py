"""gatepost-central watch: what a central server would see, ask for and confirm."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.central import cli_broker
from gatepost.central.keeper import Keeper, Manners
from gatepost.central.session import EVERYTHING, Session
from gatepost.central.state import State
from gatepost.central.unseal import load_private_keys
from gatepost.central.watching import Watch, begin_line
from gatepost.errors import UsageError
from gatepost.logs import set_up
from gatepost.signing import load_certificates
from gatepost.wire.bodies import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.x509 import Certificate

_TURN_S = 0.25
_EXAMPLES = """examples:
  gatepost-central watch --host localhost
  gatepost-central watch --host broker.example --ca ca.pem --certificate c.pem --key c.key
  gatepost-central watch --authority stations-ca.pem --until-complete --for 60 --json
  gatepost-central watch --authority stations-ca.pem --from-now --until-complete
  gatepost-central watch --authority stations-ca.pem --client-id watch-1 --state watch.db \\
      --sign-certificate central.pem --sign-key central.key --json >> events.jsonl

Without --sign-certificate it only looks on. With it, it asks stations for what lacks (resend),
and with --state and --json it gives them receipts: what is covered by one need no longer be kept
by the station. What is printed counts as kept: with --state events are printed whole, and where
standard output is a file it is flushed before. Each is there at least once; after a kill the
last line of before may be cut short, and is there again.
With --state a second start goes on where the first was stopped, by whatever.
Shared subscriptions ($share/...) are refused: each instance would see a part, all gaps.

exit status: 0 all is well; 1 gaps, conflicts, broken chains or messages; 2 usage, no connection,
a state that cannot be used"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    watch = commands.add_parser(
        "watch",
        help="subscribe as a central server would",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cli_broker.add_broker(watch)
    _watch_options(watch)
    _keep_options(watch)


def _watch_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--topic", action="append", metavar="FILTER", help="instead of gatepost/v1/#; again")
    add("--source", action="append", metavar="STATION", help="only what this one sends; again")
    add("--authority", type=Path, help="the stations' authority (PEM; default: --ca)")
    add("--json", action="store_true", help="a line of JSON for each finding")
    add("--count", type=int, metavar="N", help="end after N new events")
    add("--for", type=float, dest="for_s", metavar="SECONDS", help="end after this time")
    add("--until-complete", action="store_true", help="end when all is here, proved")
    add(
        "--from-now",
        action="store_true",
        help="what was before the first event that comes is no gap",
    )
    add(
        "--unseal",
        type=Path,
        metavar="JWK",
        action="append",
        help="show what visitors showed, opened by this; again for more, chosen by kid",
    )
    parser.set_defaults(run=_watch)


def _keep_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--state", type=Path, metavar="FILE", help="go on there after a stop; needs --client-id")
    cli_broker.add_signer(parser, required=False)
    add("--no-receipts", action="store_true", help="sign nothing but requests to send again")


def _watch(options: argparse.Namespace) -> int:
    session, authorities, manners = _session(options), _authorities(options), _manners(options)
    signer = cli_broker.signer(options)
    if signer is None:
        print("no --sign-certificate: looking on, nothing is asked for", file=sys.stderr)
    keys = load_private_keys(options.unseal or ())
    set_up("text", "info")
    stopped: list[int] = []
    with _interruptible(stopped), State(options.state) as state, session:
        keeper = Keeper(session, authorities, state, signer=signer, manners=manners)
        until = None if options.for_s is None else time.monotonic() + options.for_s
        watch = Watch(options, keeper, keys, until)
        begin_line()
        most = {} if options.count is None else {"most": 1}
        while not stopped and not watch.done():
            watch.take(keeper.findings(_TURN_S, **most))
            keeper.settle()
    return watch.end()


def _authorities(options: argparse.Namespace) -> Sequence[Certificate]:
    """Whose stations count. Raises UsageError for what does not go together."""
    authority = options.authority or options.ca
    if options.until_complete and authority is None:
        raise UsageError("--until-complete needs --authority")
    if authority is None:
        print("no --authority: checkpoints are not verified", file=sys.stderr)
    return load_certificates(authority) if authority else []


def _manners(options: argparse.Namespace) -> Manners:
    lasting = options.state is not None
    if lasting and not options.client_id:
        raise UsageError("--state needs --client-id: the broker keeps what comes while we are away")
    if options.sign_certificate and not (lasting or options.no_receipts):
        raise UsageError("receipts need --state FILE; or ask only, with --no-receipts")
    receipts = options.json and not options.no_receipts
    if options.sign_certificate and not (receipts or options.no_receipts):
        print("no --json: lines of text keep no event, so no receipts", file=sys.stderr)
    return Manners(receipts=receipts)


def _session(options: argparse.Namespace) -> Session:
    host, port, tls = cli_broker.address(options)
    lasting = options.state is not None
    return Session(
        host,
        port,
        client_id=options.client_id,
        tls=tls,
        topics=_topics(options),
        persistent=lasting,
        manual=lasting,
    )


def _topics(options: argparse.Namespace) -> Sequence[str]:
    sources = options.source or ()
    if sources and options.topic:
        raise UsageError("--source and --topic do not go together")
    for each in sources:
        if not NAME.fullmatch(each):
            raise UsageError(f"--source: {each!r} is no name of a station")
    return tuple(options.topic or [f"gatepost/v1/+/{each}/#" for each in sources] or EVERYTHING)


@contextmanager
def _interruptible(stopped: list[int]) -> Iterator[None]:
    """SIGINT and SIGTERM end the watch with its summary."""

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)

    former = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
