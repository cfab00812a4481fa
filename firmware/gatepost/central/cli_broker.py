"""Options that several commands share: the broker, and who signs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.central.connection import Tls
from gatepost.errors import UsageError
from gatepost.signing import Signer

if TYPE_CHECKING:
    import argparse

TLS_PORT, PORT = 8883, 1883


def add_broker(parser: argparse.ArgumentParser) -> None:
    """--host, --port, --ca, --certificate, --key, --client-id."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the broker (default: %(default)s)")
    add("--port", type=int, help=f"its port (default: {TLS_PORT} with --ca, else {PORT})")
    add("--ca", type=Path, help="the broker's authority (PEM): TLS")
    add("--certificate", type=Path, help="our certificate (PEM)")
    add("--key", type=Path, help="its private key (PEM)")
    add("--client-id", default="", help="our name at the broker (default: a random one)")


def add_signer(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """--sign-certificate and --sign-key."""
    add = parser.add_argument
    certificate = "of whom stations take commands (PEM)"
    add("--sign-certificate", type=Path, required=required, help=certificate)
    add("--sign-key", type=Path, required=required, help="its private key (PEM)")


def address(options: argparse.Namespace) -> tuple[str, int, Tls | None]:
    """Host, port and TLS. Raises UsageError for what does not go together."""
    if (options.certificate or options.key) and not options.ca:
        raise UsageError("--certificate and --key need --ca, the broker's authority")
    if bool(options.certificate) != bool(options.key):
        raise UsageError("--certificate and --key go together")
    tls = Tls(options.ca, options.certificate, options.key) if options.ca else None
    return options.host, options.port or (TLS_PORT if tls else PORT), tls


def signer(options: argparse.Namespace) -> Signer | None:
    """Who signs, if anybody. Raises UsageError and KeyMaterialError."""
    if bool(options.sign_certificate) != bool(options.sign_key):
        raise UsageError("--sign-certificate and --sign-key go together")
    if options.sign_certificate is None:
        return None
    return Signer(options.sign_certificate, options.sign_key)


def client_id(options: argparse.Namespace) -> str:
    """Our name at the broker."""
    return str(options.client_id) or f"gatepost-central-{random.getrandbits(48):012x}"
