"""gatepost-central unseal: what visitors showed, and the subject that joins their visits."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost import wire
from gatepost.central import show, subjects
from gatepost.central.parsing import record_of
from gatepost.central.unseal import load_private_keys, unseal, unseal_event
from gatepost.errors import GatepostError, UsageError
from gatepost.model import ScanRecord
from gatepost.wire.bodies import object_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from joserfc.jwk import OKPKey

    from gatepost.central.unseal import Unsealed
    from gatepost.model import Event

_FINE, _WRONG = 0, 1
_EXAMPLES = """examples:
  gatepost-central unseal --key central-private.jwk eyJhbGciOi...
  gatepost-central unseal --key new.jwk --key old.jwk - < tokens.txt
  gatepost-central unseal --key central-private.jwk --subject-key subject.key - < events.jsonl

On standard input a line is a JWE, a whole event as it came over MQTT (CloudEvents JSON), or what
`watch --state FILE --json` printed; what is no scan is passed over. With --subject-key each line
has a "subject", null where nobody can be told: a weak identity, or a signed code whose event does
not say that it was verified. An event is opened as it stands: whether it is the station's own,
its chain and checkpoint prove (gatepost-central watch).

exit status: 0 all were opened; 1 some were not; 2 usage"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    opener = commands.add_parser(
        "unseal",
        help="open what was sealed",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = opener.add_argument
    option("token", help="the JWE, or - for a JWE or an event a line on standard input")
    option(
        "--key",
        type=Path,
        required=True,
        action="append",
        help="central private key (JWK); again for more, chosen by kid",
    )
    option("--subject-key", type=Path, help="the centre's secret: tell who is the same")
    opener.set_defaults(run=_unseal)


def _unseal(options: argparse.Namespace) -> int:
    keys = load_private_keys(options.key)
    secret = subjects.load_key(options.subject_key) if options.subject_key else None
    given: str = options.token
    if not given.strip():
        raise UsageError("the token is empty: give a JWE, or - for standard input")
    status = _FINE
    for number, line in enumerate(given_lines() if given == "-" else [given], 1):
        try:
            told = _opened(line.strip(), keys, secret)
        except GatepostError as error:
            where = f"line {number}: " if given == "-" else ""
            print(f"gatepost-central: {where}{show.escaped(str(error))}", file=sys.stderr)
            status = _WRONG
        else:
            if told is not None:
                print(show.json_line(told), flush=True)
    return status


def given_lines() -> Iterator[str]:
    """The lines of standard input; what is no UTF-8 in them is marked, and ends nothing."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    yield from sys.stdin


def _opened(line: str, keys: Sequence[OKPKey], secret: bytes | None) -> dict[str, Any] | None:
    """What a line holds; None where there is nothing to open in it."""
    if not line:
        return None
    if line.startswith("{"):
        event = _event(line.encode("utf-8", "replace"))
        return _of_event(event, keys, secret) if event else None
    visitor = unseal(line, keys)
    return _subject(secret, visitor) | visitor.told()


def _event(line: bytes) -> Event | None:
    """Of a message, or of a line of watch: there only what counts. Raises ContractError."""
    told = object_of(line)
    if "kind" not in told or "data" in told:
        return wire.parse_event(line)[0]
    body = told.get("event")
    return record_of(body) if told["kind"] == "event" and isinstance(body, dict) else None


def _of_event(event: Event, keys: Sequence[OKPKey], secret: bytes | None) -> dict[str, Any] | None:
    record = event.record
    if not isinstance(record, ScanRecord):
        return None
    visitor = unseal_event(event, keys)
    return (
        _subject(secret, visitor, record.trust)
        | visitor.told()
        | {
            "id": wire.event_id(event.epoch, event.sequence),
            "site": event.site,
            "time": wire.rfc3339(event.stamp.wall_us),
            "direction": record.direction.value,
            "trust": record.trust.value,
            "verdict": record.verdict.value,
            "reason": record.reason,
        }
    )


def _subject(secret: bytes | None, visitor: Unsealed, trust: str = "") -> dict[str, Any]:
    if secret is None:
        return {}
    return {"subject": subjects.subject(secret, visitor, trust) or None}
