"""From a rough guess to where each module of a symbol is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatepost.decoding.qr.bending import bent_to_fit, straightened
from gatepost.decoding.qr.grid import grid_of
from gatepost.decoding.qr.patterns import FINDER, by_patterns
from gatepost.decoding.qr.placing import Placement, Plane, Reals, laid_flat, matrix_between, square
from gatepost.decoding.qr.sampling import fine_for, levelled, module_means
from gatepost.decoding.qr.tables import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from gatepost.decoding.looks import Trace

_GOOD = 0.85  # a score that no other placement is tried to better
_EVEN = 0.96  # a score that a bend is not tried to better
_WORTH = 1.2  # times nearer to a perfect score must a bend come
_NO_WORSE = 1.1  # times as far from it may be what is still to be tried
_CLEARER = 0.05  # by which another size must be better
_NEAR = 1.5  # modules that patterns may be off which were seen before
_HOPELESS = 0.5  # agreement of the patterns at the edge: others have 0.2, symbols 0.7 or more


def refine(plane: Plane, trace: Trace) -> Placement | None:
    """Where the modules of the symbol that left `trace` are.

    Args:
        plane: uint8[H,W], dark modules on a light ground.
        trace: a guess; a corner may be off by some modules.

    Returns:
        The placement with its score; None where no square lies at the corners.
    """
    return max(refinements(plane, trace), key=preference, default=None)


def preference(placed: Placement) -> float:
    """The higher, the likelier right: a bend has to be worth it, as it can follow anything."""
    short = 1 - placed.score
    return -short if placed.bend is None else -short * _WORTH


def refinements(plane: Plane, trace: Trace) -> Iterator[Placement]:
    """What `refine` chooses from, the likeliest first: flat paper, and bent where that may help.

    Lazy: bent takes longer than flat, and who can read the first has no need of it.
    """
    placed = _begun(trace)
    if placed is None:
        return
    placed, _ = by_patterns(plane, placed)
    placed, likely = _sized(plane, placed)
    if likely < _HOPELESS:
        return
    placed, anchored = by_patterns(plane, placed, _NEAR)
    flat = scored(plane, straightened(plane, placed, anchored=anchored))
    clear = flat.score > _GOOD
    if clear:
        yield flat
    if flat.score > _EVEN:
        return
    bent = scored(plane, bent_to_fit(plane, placed, anchored=anchored))
    both = sorted((flat, bent), key=preference, reverse=True)
    for each in both:
        if preference(each) >= preference(both[0]) * _NO_WORSE and not (each is flat and clear):
            yield each


def _begun(trace: Trace) -> Placement | None:
    if version_of(trace.modules) is None:
        return None
    matrix = matrix_between(square(trace.modules), trace.corners)
    return None if matrix is None else Placement(matrix, trace.modules)


def _sized(plane: Plane, placed: Placement) -> tuple[Placement, float]:
    """`placed` with the number of modules that its timing patterns tell, and how they agree."""
    best, most = placed, _frame_score(plane, placed)
    if most > _GOOD:
        return best, most
    for modules in (placed.modules - 4, placed.modules + 4):
        if version_of(modules) is None:
            continue
        share = (placed.modules - 2 * FINDER) / (modules - 2 * FINDER)
        move = FINDER - FINDER * share
        scale = np.array([(share, 0, move), (0, share, move), (0, 0, 1)])
        other = Placement(placed.matrix @ scale, modules)
        score = _frame_score(plane, other)
        if score > most + _CLEARER:
            best, most = other, score
    return best, most


def _frame_score(plane: Plane, placed: Placement) -> float:
    """How well the patterns agree that lie between the finder patterns."""
    fine = 3
    soft, _ = levelled(module_means(laid_flat(plane, placed, fine), fine))
    known = grid_of((placed.modules - 17) // 4).known[:9]
    return _alike(np.stack([soft[:9], soft.T[:9]]), np.stack([known, known]))


def scored(plane: Plane, placed: Placement) -> Placement:
    """`placed` with its score: the mean agreement of all function patterns, -1 to 1."""
    fine = fine_for(placed.modules)
    soft, _ = levelled(module_means(laid_flat(plane, placed, fine), fine))
    known = grid_of((placed.modules - 17) // 4).known
    return placed._replace(score=_alike(soft, known))


def _alike(soft: Reals, known: npt.NDArray[np.int8]) -> float:
    """The correlation where something is known, -1 to 1."""
    seen, wanted = np.clip(soft[known != 0], -1, 1), known[known != 0]
    length = float(np.linalg.norm(seen)) * float(np.sqrt(len(seen)))
    alike: float = float((seen * wanted).sum())
    return alike / max(length, 1e-6)
