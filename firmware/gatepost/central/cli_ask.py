"""gatepost-central ask: one command to one station, by hand, and what came of it."""

from __future__ import annotations

import argparse
import json
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepost.central import cli_broker, commanding, show
from gatepost.central.findings import FindingKind
from gatepost.central.follow import Follower
from gatepost.central.session import Session
from gatepost.errors import BrokerError, UsageError
from gatepost.wire import Ranges, Topics
from gatepost.wire.bodies import EDGE, HEX32, NAME

if TYPE_CHECKING:
    from gatepost.central.findings import Finding
    from gatepost.signing import Signer

_NAMES = ("identify", "selftest", "restart", "resend")
_TURN_S = 0.25
_FINE, _WRONG = 0, 1
_EXAMPLES = """examples:
  gatepost-central ask identify gp-7f3a9c --site site-1 --host broker.example --ca ca.pem \\
      --certificate central.pem --key central.key \\
      --sign-certificate central.pem --sign-key central.key
  gatepost-central ask resend gp-7f3a9c --site site-1 --epoch 000102030405060708090a0b0c0d0e0f \\
      --ranges 12-40,57 --sign-certificate central.pem --sign-key central.key

identify: the station shows and sounds that it is meant. selftest: it tells how it is. restart: it
ends cleanly and begins anew. resend: it sends events again. Each is recorded as an audit event.

exit status: 0 done, or under way; 1 refused, or no answer in time; 2 usage, no connection"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    ask = commands.add_parser(
        "ask",
        help="ask something of one station",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = ask.add_argument
    option("name", choices=_NAMES, help="what")
    option("station", help="of whom")
    option("--site", required=True, help="where it is")
    option("--epoch", default="", help="resend: of which epoch, 32 hex digits")
    option("--of", default="", metavar="SOURCE", help="resend: whose events, if not its own")
    option("--ranges", default="", help="resend: which sequences, as 12-40,57")
    option("--wait", type=float, default=15.0, metavar="SECONDS", help="default: %(default)s")
    option("--json", action="store_true", help="the answer as one line of JSON")
    cli_broker.add_broker(ask)
    cli_broker.add_signer(ask, required=True)
    ask.set_defaults(run=_ask)


def _ask(options: argparse.Namespace) -> int:
    for name in (options.site, options.station, options.of or options.station):
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a site or a station")
    host, port, tls = cli_broker.address(options)
    signer, of = cli_broker.signer(options), _of(options)
    if signer is None:
        raise UsageError("--sign-certificate and --sign-key are needed")
    topic = Topics(options.site, options.station).response(options.name)
    own = cli_broker.client_id(options)
    with Session(host, port, client_id=own, tls=tls, topics=(topic,)) as session:
        return _Asking(options, session, signer, of).run()


def _of(options: argparse.Namespace) -> tuple[Ranges, ...]:
    if options.name != "resend":
        if options.epoch or options.ranges or options.of:
            raise UsageError("--epoch, --ranges and --of belong to resend")
        return ()
    if not HEX32.fullmatch(options.epoch):
        raise UsageError("resend needs --epoch, 32 hex digits (watch --json tells it)")
    pairs = tuple(_pair(each) for each in options.ranges.split(","))
    return (Ranges(options.of or options.station, options.epoch, pairs),)


def _pair(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        pair = int(first), int(last or first)
    except ValueError as error:
        raise UsageError(f"--ranges: {text!r} is no range as 12-40, and no number") from error
    if not 1 <= pair[0] <= pair[1] < EDGE:
        raise UsageError(f"--ranges: {text!r} is no range")
    return pair


class _Asking:
    """The command under way."""

    def __init__(
        self,
        options: argparse.Namespace,
        session: Session,
        signer: Signer,
        of: tuple[Ranges, ...],
    ) -> None:
        self._options, self._session = options, session
        self._signer, self._of = signer, of
        self._id = uuid.uuid4().hex
        self._refused: list[str] = []

    def run(self) -> int:
        """Ask, and wait for the answer. Raises BrokerError where the broker does not take it."""
        options = self._options
        token = commanding.signed(
            self._signer,
            options.name,
            self._id,
            options.station,
            now=datetime.now(UTC),
            of=self._of,
        )
        topic = commanding.topic_of(options.site, options.station, options.name)
        self._session.publish(topic, token, self._published)
        answer = self._answer(topic)
        if answer is None:
            print(f"no answer of {options.station} within {options.wait:g} s: is it online?")
            return _WRONG
        facts = dict(answer.facts)
        if options.json:
            print(json.dumps(facts), flush=True)
        else:
            told = f"{options.station}: {facts['outcome']}: {facts['detail']}"
            print(show.escaped(told.removesuffix(": ")), flush=True)
        return _WRONG if facts["outcome"] == "refused" else _FINE

    def _published(self, why: str) -> None:
        if why:
            self._refused.append(why)

    def _answer(self, topic: str) -> Finding | None:
        """The last word, or that it is under way when the time is over."""
        until = time.monotonic() + self._options.wait
        follower, answer = Follower([]), None
        while time.monotonic() < until:
            got = self._session.next_message(_TURN_S)
            if self._refused:
                raise BrokerError(f"the broker does not take {topic}: {self._refused[0]}")
            for each in follower.take(got.topic, got.payload, 0) if got else ():
                told = dict(each.facts)
                if each.kind is FindingKind.RESPONSE and told["id"] == self._id:
                    answer = each
                    if told["outcome"] != "accepted":
                        return answer
        return answer
