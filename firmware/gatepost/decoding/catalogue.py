"""The passes of a station, and the order in which they are tried.

Each is here because it reads what those before it do not, for what it costs; the order is by what
it adds for each millisecond, measured on photos (stills) and on rendered clips (live).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gatepost.decoding import filters
from gatepost.decoding.grid_pass import GridPass
from gatepost.decoding.limits import Limit
from gatepost.decoding.passes import FilteredPass, ZxingPass
from gatepost.decoding.smears import SmearPass
from gatepost.decoding.symbologies import DEFAULT
from gatepost.decoding.zbar_pass import ZbarPass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.decoding.looks import Pass
    from gatepost.decoding.planes import Plane


class Passes(NamedTuple):
    """`first` is for every picture, `deeper` for those where it read nothing, in this order.

    `limit`: what those keep to that may take long.
    """

    first: Pass
    deeper: tuple[Pass, ...]
    zbar: ZbarPass  # also within `deeper`; has a process to close
    limit: Limit


def _chain(*changes: Callable[[Plane], Plane]) -> Callable[[Plane], Plane]:
    def changed(plane: Plane) -> Plane:
        for change in changes:
            plane = change(plane)
        return plane

    return changed


def _certain(names: tuple[str, ...]) -> ZxingPass:
    """For enlarged pictures: without Micro QR, where anything else is asked for.

    In noise with finder patterns it finds small ones, of which two codewords check three
    (ISO/IEC 18004, table 9); in what is not enlarged, none were found.
    """
    return ZxingPass([name for name in names if name != "micro-qr"] or names)


def _of_qr(names: tuple[str, ...], *ways: Pass) -> tuple[Pass, ...]:
    """`ways`, which read QR codes only, where these are asked for."""
    return ways if "qr" in names else ()


def for_stills(symbologies: Iterable[str] = DEFAULT) -> Passes:
    """For pictures that stand alone: photos, with anything in them."""
    names = tuple(symbologies)
    plain, coarse = ZxingPass(names), ZxingPass(names, whole_histogram=True)
    zbar = ZbarPass()
    deeper: tuple[Pass, ...] = (
        coarse,
        FilteredPass("darkened", filters.darkened, plain, 10.0),
        FilteredPass("half", filters.halved, plain, 4.0),
        FilteredPass("equalised", filters.equalised, plain, 10.0),
        *_of_qr(names, GridPass(plain)),
        *_of_qr(names, FilteredPass("zbar-half", filters.halved, zbar, 16.0)),
        FilteredPass("thresholded", filters.thresholded, plain, 20.0),
    )
    return Passes(plain, deeper, zbar, Limit())


def for_frames(symbologies: Iterable[str] = DEFAULT) -> Passes:
    """For a live camera, on the part of the picture where something code-like is."""
    names = tuple(symbologies)
    plain, coarse = ZxingPass(names), ZxingPass(names, whole_histogram=True)
    certain = _certain(names)
    limit = Limit()
    zbar = ZbarPass(0.3, limit)
    sharp = partial(filters.sharpened, sigma=1.5, amount=1.5)
    sharper = partial(filters.sharpened, sigma=2.5, amount=2.0)
    soft = partial(filters.blurred, sigma=0.7)
    softer = partial(filters.blurred, sigma=2.0)

    def double(name: str, *changes: Callable[[Plane], Plane]) -> Pass:
        return FilteredPass(name, _chain(*changes, filters.enlarged), certain, 50.0)

    deeper: tuple[Pass, ...] = (
        double("sharpened-double", sharp),
        *_of_qr(names, GridPass(plain, votes=True, limit=limit)),
        double("double"),
        double("flattened-double", sharp, filters.flattened),
        double("sharper-double", sharper),
        coarse,
        double("local-contrast-double", filters.locally_contrasted),
        double("blurred-double", soft),
        *_of_qr(names, SmearPass(certain, GridPass(plain, votes=True, limit=limit), limit)),
        double("darkened-double", filters.darkened),
        *_of_qr(names, zbar),
        FilteredPass("blurred-half", _chain(softer, filters.halved), plain, 8.0),
    )
    return Passes(plain, deeper, zbar, limit)
