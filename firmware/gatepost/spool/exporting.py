"""What a spool holds, as a bundle to be carried elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from gatepost.errors import ContractError, SpoolDamaged, SpoolError
from gatepost.signing import CHECKPOINT
from gatepost.spool.aside import bundled
from gatepost.spool.bundles import Bundle, Header, Trailer, write_bundle
from gatepost.spool.carried import Carried
from gatepost.spool.looking import Look
from gatepost.spool.salvage import salvage
from gatepost.wire import checkpoint_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatepost.model import Stamp
    from gatepost.signing import Signer
    from gatepost.spool.chain import Kept


def export(
    path: Path,
    folder: Path,
    signer: Signer | None,
    stamp: Stamp,
    tell: Callable[[int], None],
    *,
    all_: bool = False,
) -> Path | None:
    """Write what is not delivered, or all that is held, as a bundle into `folder`.

    With the newest event, which a checkpoint signs that is made now. None: there is nothing.
    Of a damaged spool what can be read out, without a checkpoint: its end is not known.
    Raises SpoolFull where there is no room, SpoolError also for a key that is not the source's.
    """
    try:
        with Look(path) as look:
            return _whole(look, folder, signer, stamp, tell, all_=all_)
    except SpoolDamaged:
        found = salvage(path)
        if found is None:
            raise
        return bundled(found, folder, stamp, 0, all_=all_)


def _whole(
    look: Look,
    folder: Path,
    signer: Signer | None,
    stamp: Stamp,
    tell: Callable[[int], None],
    *,
    all_: bool,
) -> Path | None:
    if signer is not None and signer.name != look.source:
        raise SpoolError(f"the key is that of {signer.name}, the spool that of {look.source}")
    head = look.head()
    ranges = [(1, head.sequence)] if all_ else look.undelivered()
    if not ranges or not head.sequence:
        return None
    if ranges[-1][1] < head.sequence:
        ranges.append((head.sequence, head.sequence))
    count, size, first = look.measure(ranges)
    header = Header(look.source, look.site, look.epoch, first, head.sequence, count, stamp.wall_us)
    trailer = Trailer()
    if signer is not None:
        told = (head.epoch, head.sequence, head.hash)
        claims = checkpoint_claims(look.source, look.site, told, stamp)
        trailer = Trailer(signer.sign(claims, CHECKPOINT), _pem(signer))
    events = _events(look, ranges, head.sequence)
    return write_bundle(folder, header, events, trailer, size, tell=tell)


def _pem(signer: Signer) -> tuple[str, ...]:
    return tuple(each.public_bytes(Encoding.PEM).decode() for each in signer.chain)


def _events(look: Look, ranges: list[tuple[int, int]], newest: int) -> Iterator[Kept]:
    """A running station may let go of events and append others meanwhile: neither matters."""
    for first, last in ranges:
        yield from look.range(first, min(last, newest))


def export_carried(data: Path, folder: Path, tell: Callable[[int], None]) -> list[Path]:
    """Write the bundles beside a spool, as far as they are not delivered, into `folder` as well.

    Raises SpoolFull, SpoolError.
    """
    carried = Carried(data)
    left = [bundle for bundle in carried.bundles if carried.left(bundle)]
    return [_copied(bundle, folder, tell) for bundle in left]


def _copied(bundle: Bundle, folder: Path, tell: Callable[[int], None]) -> Path:
    header = bundle.header
    try:
        size = bundle.path.stat().st_size
        events = bundle.range(header.first, header.last)
        return write_bundle(folder, header, events, bundle.trailer, size, tell=tell)
    except ContractError as error:
        raise SpoolError(f"{bundle.path}: {error}") from error
    except OSError as error:
        if isinstance(error, SpoolError):
            raise
        raise SpoolError(f"{bundle.path}: {error.strerror}") from error
