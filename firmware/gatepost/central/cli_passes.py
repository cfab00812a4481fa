"""gatepost-central pass: a key that signs our own passes, and the passes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from gatepost.central import passes
from gatepost.errors import UsageError

_LONGEST_NAME = 200  # contract/trust.json
_RAW = argparse.RawDescriptionHelpFormatter
_BOTH = """examples:
  gatepost-central pass new-key --out pass.key
  gatepost-central pass sign --key pass.key --role guest --until 2027-12-31 --qr pass.svg"""
_NEW_KEY = """example:
  gatepost-central pass new-key --out pass.key --name "Gate office"

Prints what stands for the key in a trust list's "keys": its public half. The private half stays
in FILE, which its owner alone can read. Stations that hold the list verify every pass of it."""
_SIGN = """examples:
  gatepost-central pass sign --key pass.key --role staff --name "Nguyễn Văn Mẫu" \\
      --until 2027-12-31 --place town-hall
  gatepost-central pass sign --key pass.key --role ticket --until 2027-06-01T22:00+07:00 \\
      --qr ticket.svg

The pass goes to standard output as text, its id to standard error: keep it, it is what pass
revoke asks for. A day alone means the whole of it, in this computer's time zone."""
_SHOW = """example:
  gatepost-central pass show-key --key pass.key --name "Gate office"

Prints what new-key printed: what stands for the key in a trust list's "keys"."""
_REVOKE = """example:
  gatepost-central pass revoke AAECAwQFBgcICQoL

Prints what stands for the pass in a trust list's "revoked", a line each. Stations refuse the
pass once they hold the list. It may go from the list when the pass would have ended anyway."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    parent = commands.add_parser(
        "pass",
        help="sign passes for staff, guests and tickets",
        epilog=_BOTH,
        formatter_class=_RAW,
    )
    under = parent.add_subparsers(required=True, metavar="COMMAND")
    new_key = under.add_parser(
        "new-key", help="a key that signs passes", epilog=_NEW_KEY, formatter_class=_RAW
    )
    new_key.add_argument("--out", type=Path, required=True, help="the private key (PEM), new")
    new_key.add_argument("--name", default="passes", help="whose it is (default: %(default)s)")
    new_key.set_defaults(run=_new_key)
    show_key = under.add_parser(
        "show-key", help="what new-key printed", epilog=_SHOW, formatter_class=_RAW
    )
    show_key.add_argument("--key", type=Path, required=True, help="the private key (PEM)")
    show_key.add_argument("--name", default="passes", help="whose it is (default: %(default)s)")
    show_key.set_defaults(run=_show_key)
    revoke = under.add_parser(
        "revoke", help="take passes back", epilog=_REVOKE, formatter_class=_RAW
    )
    revoke.add_argument("id", nargs="+", metavar="ID", help="of the pass, as pass sign printed it")
    revoke.set_defaults(run=_revoke)
    sign = under.add_parser("sign", help="sign a pass", epilog=_SIGN, formatter_class=_RAW)
    _sign_options(sign)


def _sign_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--key", type=Path, required=True, help="the private key (PEM) of pass new-key")
    option("--role", choices=passes.ROLES, required=True, help="what it is for")
    option("--until", required=True, metavar="TIME", help="the last day, or a time (ISO 8601)")
    option("--from", dest="start", metavar="TIME", help="the first day, or a time; else at once")
    option("--name", default="", help=f"the holder, at most {passes.LONGEST_NAME} characters")
    option(
        "--place",
        action="append",
        default=[],
        metavar="SITE",
        help="a site where it is valid; again for more; none: all",
    )
    option("--id", help="base64url of 12 to 16 bytes, to sign a pass anew; else a random one")
    option("--qr", type=Path, metavar="FILE", help="also draw it, as .svg or .png")
    parser.set_defaults(run=_sign)


def _new_key(options: argparse.Namespace) -> int:
    name = _name(options.name)
    key = passes.new_key()
    passes.save_key(key, options.out)
    print(json.dumps(passes.trust_entry(key, name)), flush=True)
    return 0


def _show_key(options: argparse.Namespace) -> int:
    name = _name(options.name)
    print(json.dumps(passes.trust_entry(passes.load_key(options.key), name)), flush=True)
    return 0


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise UsageError(f"--name must be plain text of at most {_LONGEST_NAME} characters")
    return text.strip()


def _sign(options: argparse.Namespace) -> int:
    key = passes.load_key(options.key)
    identifier = passes.id_bytes(options.id) if options.id else passes.new_id()
    request = passes.PassRequest(
        role=options.role,
        not_after_s=_seconds("--until", options.until, after=True),
        not_before_s=_seconds("--from", options.start, after=False) if options.start else None,
        name=options.name,
        places=tuple(options.place),
        identifier=identifier,
    )
    text = passes.sign_pass(key, request)
    if options.qr:
        passes.save_qr(text, options.qr)
    print(text, flush=True)
    print(f"id {passes.id_text(identifier)}", file=sys.stderr)
    print(f"valid until {_moment(request.not_after_s)}", file=sys.stderr)
    return 0


def _moment(seconds: int) -> str:
    """For people, with the zone that was meant; and whether it is past, which is a slip."""
    past = "" if seconds > time.time() else ", which is past: no gate accepts it"
    return f"{datetime.fromtimestamp(seconds).astimezone().isoformat()}{past}"


def _revoke(options: argparse.Namespace) -> int:
    for identifier in [passes.id_bytes(each) for each in options.id]:  # all are good, or none
        print(json.dumps(passes.revocation(identifier)))
    return 0


def _seconds(option: str, text: str, *, after: bool) -> int:
    """A time, or a day: its beginning, or with `after` its end. Raises UsageError."""
    try:
        at = datetime.fromisoformat(text)
        if after and len(text) <= len("2027-12-31"):
            at += timedelta(days=1)
        return int(at.timestamp())  # without a zone: in this computer's
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{option}: {text!r} is no day and no time (2027-12-31T18:00)") from error
