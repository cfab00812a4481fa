"""The passes of a station, and the order in which they are tried.

Each is here because it reads what those before it do not, for what it costs; the order is by what
it adds for each millisecond, measured on photos (stills) and on rendered clips (live).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gatepost.decoding import filters
from gatepost.decoding.grid_pass import GridPass
from gatepost.decoding.passes import FilteredPass, ZxingPass
from gatepost.decoding.smears import SmearPass
from gatepost.decoding.symbologies import DEFAULT
from gatepost.decoding.zbar_pass import ZbarPass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gatepost.decoding.looks import Pass
    from gatepost.decoding.planes import Plane


class Passes(NamedTuple):
    """`first` is for every picture, `deeper` for those where it read nothing, in this order."""

    first: Pass
    deeper: tuple[Pass, ...]
    zbar: ZbarPass  # also within `deeper`; has a process to close


def _chain(*changes: Callable[[Plane], Plane]) -> Callable[[Plane], Plane]:
    def changed(plane: Plane) -> Plane:
        for change in changes:
            plane = change(plane)
        return plane

    return changed


def for_stills(symbologies: Iterable[str] = DEFAULT) -> Passes:
    """For pictures that stand alone: photos, with anything in them."""
    names = tuple(symbologies)
    plain, coarse = ZxingPass(names), ZxingPass(names, whole_histogram=True)
    zbar = ZbarPass()
    sharp = partial(filters.sharpened, sigma=1.5, amount=1.5)
    deeper: tuple[Pass, ...] = (
        coarse,
        FilteredPass("darkened", filters.darkened, plain, 10.0),
        FilteredPass("equalised", filters.equalised, plain, 10.0),
        FilteredPass("zbar-half", filters.halved, zbar, 16.0),
        FilteredPass(
            "blurred-half",
            _chain(partial(filters.blurred, sigma=2.0), filters.halved),
            plain,
            8.0,
        ),
        FilteredPass("sharpened", sharp, plain, 14.0),
        FilteredPass("thresholded", filters.thresholded, plain, 20.0),
        FilteredPass("local-contrast", filters.locally_contrasted, plain, 14.0),
        FilteredPass(
            "sharpened-double",
            _chain(partial(filters.sharpened, sigma=3.0, amount=2.0), filters.enlarged),
            plain,
            50.0,
        ),
        GridPass(plain),
    )
    return Passes(plain, deeper, zbar)


def for_frames(symbologies: Iterable[str] = DEFAULT) -> Passes:
    """For a live camera, on the part of the picture where something code-like is."""
    names = tuple(symbologies)
    plain, coarse = ZxingPass(names), ZxingPass(names, whole_histogram=True)
    zbar = ZbarPass(limit_s=0.3)
    sharp = partial(filters.sharpened, sigma=1.5, amount=1.5)
    sharper = partial(filters.sharpened, sigma=2.5, amount=2.0)
    soft = partial(filters.blurred, sigma=0.7)
    softer = partial(filters.blurred, sigma=2.0)

    def double(name: str, *changes: Callable[[Plane], Plane]) -> Pass:
        return FilteredPass(name, _chain(*changes, filters.enlarged), plain, 50.0)

    deeper: tuple[Pass, ...] = (
        double("sharpened-double", sharp),
        GridPass(plain, votes=True),
        double("double"),
        double("flattened-double", sharp, filters.flattened),
        double("sharper-double", sharper),
        coarse,
        double("local-contrast-double", filters.locally_contrasted),
        double("blurred-double", soft),
        SmearPass(plain, GridPass(plain, votes=True)),
        double("darkened-double", filters.darkened),
        zbar,
        FilteredPass("blurred-half", _chain(softer, filters.halved), plain, 8.0),
    )
    return Passes(plain, deeper, zbar)
