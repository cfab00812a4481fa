"""gatepost-central subject-key and list-token: who is the same, and who stands in a list."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from gatepost.central import subjects
from gatepost.central.cli_unseal import given_lines
from gatepost.errors import UsageError
from gatepost.model import Basis
from gatepost.subjects import SHORTEST_SALT, token

_RAW = argparse.RawDescriptionHelpFormatter
_FINE, _WRONG = 0, 1
_KEY = """example:
  gatepost-central subject-key --out subject.key

Keep it: with another key every visitor gets another subject, and visits before and after cannot
be joined. Keep it secret: who holds it can try numbers until a subject fits."""
_LIST = """examples:
  gatepost-central list-token --salt "$SALT" --basis citizen < numbers.txt
  echo AAECAwQFBgcICQoL | gatepost-central list-token --salt "$SALT" --basis pass

An identity a line in, a token a line out, for the deny and allow lists of a gate's rules. The
salt is the list's own, random, and stands beside it: whoever takes a station can try all
citizen numbers. Where that matters, list passes: their random ids cannot be guessed.

exit status: 0 each has a token; 1 some lines are no identity; 2 usage"""
# As codes has them: a list with another writing of the same identity would never match.
_FORMS = {
    Basis.QID: re.compile(r"(?P<whom>[!-{}~]{4,128})"),
    Basis.CITIZEN: re.compile(r"(?P<whom>[0-9]{9}|[0-9]{12})"),
    Basis.PASSPORT: re.compile(r"(?P<whom>[0-9A-Z]{5,14})"),
    Basis.INSURANCE: re.compile(r"(?:[A-Z]{2}[0-9]{3})?(?P<whom>[0-9]{10})"),
    Basis.PASS: re.compile(r"(?P<whom>[!-~]{1,64})"),
    Basis.CONTENT: re.compile(r"(?P<whom>[!-~]{1,200})"),
}
_IN_CAPITALS = (Basis.PASSPORT, Basis.INSURANCE)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    key = commands.add_parser(
        "subject-key", help="the secret that joins visits", epilog=_KEY, formatter_class=_RAW
    )
    key.add_argument("--out", type=Path, required=True, help="where to write it, a new file")
    key.set_defaults(run=_subject_key)
    listed = commands.add_parser(
        "list-token", help="tokens for deny and allow lists", epilog=_LIST, formatter_class=_RAW
    )
    option = listed.add_argument
    option("--salt", required=True, help=f"the list's, {SHORTEST_SALT} characters or more")
    option("--basis", required=True, choices=[each.value for each in _FORMS], help="of what kind")
    listed.set_defaults(run=_list_token)


def _subject_key(options: argparse.Namespace) -> int:
    subjects.new_key(options.out)
    return _FINE


def _list_token(options: argparse.Namespace) -> int:
    if len(options.salt) < SHORTEST_SALT:
        raise UsageError(f"--salt must have {SHORTEST_SALT} characters or more")
    basis = Basis(options.basis)
    status = _FINE
    for number, line in enumerate(given_lines(), 1):
        whom = line.strip().upper() if basis in _IN_CAPITALS else line.strip()
        if not whom:
            continue
        found = _FORMS[basis].fullmatch(whom)
        if found:
            print(token(options.salt, basis.value, found["whom"]), flush=True)
        else:  # the line itself is somebody's number: not repeated
            print(f"gatepost-central: line {number}: no identity of {basis}", file=sys.stderr)
            status = _WRONG
    return status
