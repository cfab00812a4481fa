"""Whether a bundle is what it says: line by line, and by whose signature."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gatepost.canonical import canonical
from gatepost.errors import ContractError
from gatepost.signing import CHECKPOINT, verify
from gatepost.spool.bundles import MOST_TRAILER, Header, Trailer, parse_header, parse_trailer
from gatepost.wire import MOST_PAYLOAD, Links, body_hash, links_of, parse_checkpoint
from gatepost.wire.bodies import object_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from cryptography import x509

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Proved:
    """A bundle that holds. `newest`: the hash of its last body; `holes`: events that lack."""

    header: Header
    trailer: Trailer
    newest: str
    holes: int


def prove(path: Path, tell: Callable[[int], None] = lambda _done: None) -> Proved:
    """Read a bundle from end to end: its form, every body, the chain, its own hash.

    `tell` hears the number of each event read. Raises ContractError with the line that does
    not hold, and why; OSError.
    """
    with path.open("rb") as file:
        header = _of_line(1, parse_header, file.readline(MOST_PAYLOAD))
        chain = _Chain(header)
        for number in range(1, header.count + 1):
            line = file.readline(MOST_PAYLOAD + 1)
            _of_line(number + 1, chain.take, line)
            tell(number)
        chain.end(header.count + 1)
        return _ended(file, header, chain)


def _ended(file: BinaryIO, header: Header, chain: _Chain) -> Proved:
    number = header.count + 2
    trailer = _of_line(number, parse_trailer, file.readline(MOST_TRAILER))
    if file.read(1):
        raise ContractError(f"line {number + 1}: more than the {header.count} events it tells of")
    holes = header.last - header.first + 1 - header.count
    return Proved(header, trailer, body_hash(chain.body), holes)


def _of_line(number: int, read: Callable[[bytes], _Read], line: bytes) -> _Read:
    try:
        return read(line)
    except ContractError as error:
        raise ContractError(f"line {number}: {error}") from error


class _Chain:
    """The bodies, as they come."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._digest = hashlib.sha256()
        self._before: Links | None = None
        self.body = b""

    def take(self, line: bytes) -> None:
        """The next one. Raises ContractError."""
        self._digest.update(line)
        body = line.removesuffix(b"\n")
        links = links_of(body)
        if len(body) == len(line) or canonical(object_of(body)) != body:
            raise ContractError("is not in canonical form, as it was hashed")
        if (links.source, links.epoch) != (self._header.source, self._header.epoch):
            raise ContractError("is of another source or epoch than the header tells")
        least = self._before.sequence + 1 if self._before else self._header.first
        if links.sequence < least or (not self._before and links.sequence != least):
            raise ContractError(f"is event {links.sequence}, {least} should come")
        linked = self._before is not None and links.sequence == least
        if linked and links.previous != body_hash(self.body):
            raise ContractError(f"event {links.sequence} does not follow the one before it")
        self._before, self.body = links, body

    def end(self, number: int) -> None:
        """All were taken. Raises ContractError."""
        if self._before is None or self._before.sequence != self._header.last:
            raise ContractError(f"line {number}: is not event {self._header.last}, the last one")
        if self._digest.hexdigest() != self._header.hash:
            raise ContractError("line 1: the hash is not that of the events")


def check_signature(proved: Proved, authorities: Sequence[x509.Certificate]) -> str:
    """Whether the source itself signed it; returns the signer, "" where nobody did.

    Whenever the certificate was valid: a dead station cannot renew it. Raises ContractError.
    """
    header, token = proved.header, proved.trailer.checkpoint
    if not token:
        return ""
    try:
        signed = verify(token, CHECKPOINT, authorities, None)
        given = parse_checkpoint(signed.payload)
        wrong = (
            (given.source != header.source and f"is of {given.source}, not of {header.source}")
            or (signed.signer != header.source and f"is signed by {signed.signer!a}")
            or (given.epoch != header.epoch and f"is for epoch {given.epoch}")
            or (given.sequence < header.last and f"ends at event {given.sequence}")
            or (
                (given.sequence, given.hash) != (header.last, proved.newest)
                and given.sequence == header.last
                and "signs another event than the last one"
            )
        )
    except ContractError as error:
        wrong = str(error)
    if wrong:
        raise ContractError(f"line {header.count + 2}: checkpoint: {wrong}")
    return header.source
