"""gatepost-central watch: what a central server would see."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.central import show
from gatepost.central.findings import FindingKind
from gatepost.central.follow import Follower
from gatepost.central.session import EVERYTHING, Session, Tls
from gatepost.central.unseal import Unsealed, load_private_keys, unseal_event
from gatepost.errors import ContractError, KeyMaterialError, UsageError
from gatepost.logs import set_up
from gatepost.model import ScanRecord
from gatepost.signing import load_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from joserfc.jwk import OKPKey

    from gatepost.central.findings import Finding
    from gatepost.central.session import Delivery

_TURN_S = 0.25
_FINE, _WRONG = 0, 1
_EXAMPLES = """examples:
  gatepost-central watch --host localhost
  gatepost-central watch --host broker.example --ca ca.pem --certificate c.pem --key c.key
  gatepost-central watch --authority stations-ca.pem --until-complete --for 60 --json
  gatepost-central watch --authority stations-ca.pem --from-now --until-complete

exit status: 0 all is well; 1 gaps, conflicts, broken chains or messages; 2 usage, no connection"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    watch = commands.add_parser(
        "watch",
        help="subscribe as a central server would",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _watch_options(watch)


def _watch_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the broker (default: %(default)s)")
    add("--port", type=int, help="its port (default: 8883 with --ca, else 1883)")
    add("--ca", type=Path, help="the broker's authority (PEM): TLS")
    add("--certificate", type=Path, help="our certificate (PEM)")
    add("--key", type=Path, help="its private key (PEM)")
    add("--client-id", default="", help="our name at the broker (default: a random one)")
    add("--topic", action="append", metavar="FILTER", help="instead of gatepost/v1/#; again")
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


@dataclass(slots=True)
class _Watch:
    """A watch under way."""

    options: argparse.Namespace
    follower: Follower
    summary: show.Summary
    keys: Sequence[OKPKey] = ()
    until: float | None = None
    stopped: list[int] = field(default_factory=list)

    def done(self) -> bool:
        """Whether what was asked for is reached."""
        if self.stopped or (self.until is not None and time.monotonic() >= self.until):
            return True
        wanted = self.options.count
        if wanted is not None and self.summary.counts[FindingKind.EVENT] >= wanted:
            return True
        return self.options.until_complete and self.complete()

    def complete(self) -> bool:
        """Whether there is a station, and everything of all of them is here."""
        return self.summary.all_complete(self.follower.statuses())

    def take(self, delivery: Delivery) -> None:
        """Follow a message, and print what it tells."""
        now_us = time.time_ns() // 1000
        findings = self.follower.take(delivery.topic, delivery.payload, now_us)
        self.summary.add(findings)
        for finding in findings:
            self._print(finding)

    def _print(self, finding: Finding) -> None:
        visitor, why = None, ""
        if self.keys:
            try:
                visitor = _visitor(finding, self.keys)
            except (ContractError, KeyMaterialError) as error:
                why = f"gatepost-central: #{finding.sequence}: {error}"
        put = show.as_json if self.options.json else show.line
        print(put(finding, visitor), flush=True)
        if why:
            print(show.escaped(why), file=sys.stderr)

    def end(self) -> int:
        """Print the summary; the exit status."""
        statuses = self.follower.statuses()
        told = self.summary.told(statuses)
        print(json.dumps(told) if self.options.json else self.summary.text(statuses), flush=True)
        missed = self.options.until_complete and not self.complete()
        return _WRONG if missed or self.summary.wrong(statuses) else _FINE


def _watch(options: argparse.Namespace) -> int:
    watch = _Watch(
        options,
        _follower(options),
        show.Summary(from_now=options.from_now),
        load_private_keys(options.unseal or ()),
    )
    set_up("text", "info")
    with _interruptible(watch.stopped), _session(options) as session:
        if options.for_s is not None:
            watch.until = time.monotonic() + options.for_s
        while not watch.done():
            delivery = session.next_message(_TURN_S)
            if delivery is not None:
                watch.take(delivery)
    return watch.end()


def _follower(options: argparse.Namespace) -> Follower:
    """The follower that was asked for. Raises UsageError for what does not go together."""
    if (options.certificate or options.key) and not options.ca:
        raise UsageError("--certificate and --key need --ca, the broker's authority")
    if bool(options.certificate) != bool(options.key):
        raise UsageError("--certificate and --key go together")
    authority = options.authority or options.ca
    if options.until_complete and authority is None:
        raise UsageError("--until-complete needs --authority")
    if authority is None:
        print("no --authority: checkpoints are not verified", file=sys.stderr)
    return Follower(load_certificates(authority) if authority else [])


def _session(options: argparse.Namespace) -> Session:
    tls = Tls(options.ca, options.certificate, options.key) if options.ca else None
    port = options.port or (8883 if tls else 1883)
    topics = tuple(options.topic or EVERYTHING)
    return Session(options.host, port, client_id=options.client_id, tls=tls, topics=topics)


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


def _visitor(finding: Finding, keys: Sequence[OKPKey]) -> Unsealed | None:
    event = finding.event
    if finding.kind is not FindingKind.EVENT or event is None:
        return None
    return unseal_event(event, keys) if isinstance(event.record, ScanRecord) else None
