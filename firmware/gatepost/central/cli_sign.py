"""gatepost-central sign and publish: rules and trust lists for stations."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from gatepost.central import cli_broker, signing_desired
from gatepost.central.publishing import publish
from gatepost.errors import UsageError
from gatepost.signing import Signer
from gatepost.wire import DESIRED

_RAW = argparse.RawDescriptionHelpFormatter
_SIGN = """examples:
  gatepost-central sign rules gate.toml --version 4 --audience site-1 \\
      --certificate central.pem --key central.key --out rules.jws
  gatepost-central sign trust list.json --version 12 --audience '*' \\
      --certificate central.pem --key central.key > trust.jws

A trust list holds the lines that other commands print, each list may be missing:
  {"keys": [(pass new-key), ...], "revoked": [(pass revoke), ...],
   "central": [{"kty": "OKP", "crv": "X25519", "x": "...", "kid": "...", "since": TIME}, ...]}

A station takes only a version above the one that it holds, and only what the signer signed that
its configuration names. Only the form is checked here; `gatepost rules check` and `gatepost
trust check` tell whether a station would take it.

exit status: 0 signed; 2 it cannot be signed"""
_PUBLISH = """examples:
  gatepost-central publish rules.jws --site site-1 --host localhost
  gatepost-central publish trust.jws --site site-1 --station gp-1 --host broker.example \\
      --ca ca.pem --certificate central.pem --key central.key

It stays at the broker (retained): stations that are away take it when they come back.

exit status: 0 the broker took it; 2 usage, or it did not"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser."""
    sign = commands.add_parser(
        "sign", help="sign rules or a trust list", epilog=_SIGN, formatter_class=_RAW
    )
    option = sign.add_argument
    option("kind", choices=sorted(DESIRED), help="what it is")
    option(
        "file",
        type=Path,
        metavar="FILE",
        help="rules (TOML) or a trust list (JSON); -: standard input",
    )
    option("--version", type=int, required=True, metavar="N", help="above the one held")
    option(
        "--audience",
        action="append",
        required=True,
        metavar="NAME",
        help="a site, a station, or '*'; again for more",
    )
    option("--certificate", type=Path, required=True, help="the signer's certificate (PEM)")
    option("--key", type=Path, required=True, help="its private key (PEM)")
    option("--issued", default="", metavar="TIME", help="RFC 3339 (default: now)")
    option("--out", type=Path, metavar="FILE", help="instead of standard output")
    sign.set_defaults(run=_sign)
    sender = commands.add_parser(
        "publish", help="publish what was signed", epilog=_PUBLISH, formatter_class=_RAW
    )
    _publish_options(sender)


def _publish_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option(
        "file",
        type=Path,
        metavar="FILE",
        help="a token by gatepost-central sign; -: standard input",
    )
    option("--site", required=True, help="for the stations of this site")
    option("--station", default="", help="for this one alone")
    cli_broker.add_broker(parser)
    parser.set_defaults(run=_publish)


def _sign(options: argparse.Namespace) -> int:
    issued = options.issued or datetime.now(UTC).isoformat(timespec="seconds")[:19] + "Z"
    about = signing_desired.About(options.version, issued, options.audience)
    signer = Signer(options.certificate, options.key)
    text = _read(options.file, signing_desired.MOST)
    if options.kind == "rules":
        token = signing_desired.sign_rules(signer, text, about)
    else:
        token = signing_desired.sign_trust(signer, text, about)
    if options.out is None:
        print(token, flush=True)
    else:
        _write(options.out, token + "\n")
    print(f"{options.kind} {options.version}, signed by {signer.name!a}", file=sys.stderr)
    return 0


def _publish(options: argparse.Namespace) -> int:
    host, port, tls = cli_broker.address(options)
    content = _read(options.file, signing_desired.MOST)
    token = signing_desired.token_of(content)
    topic = signing_desired.topic_of(token, options.site, options.station)
    own = cli_broker.client_id(options)
    publish((host, port), tls, own, topic, token.encode("ascii"))
    print(topic)
    return 0


def _read(path: Path, most: int) -> bytes:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(most + 1)
        else:
            with path.open("rb") as file:
                content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise UsageError(f"{path}: more than {most} bytes")
    return content


def _write(path: Path, text: str) -> None:
    """Whole or not at all: somebody may be about to take it."""
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_text(text, "ascii")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
