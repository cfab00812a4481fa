"""From soft module values to the corrected symbol.

A decoder of hard decisions corrects s / 2 codewords of a block with s error correction codewords.
Whoever knows *which* are doubtful corrects up to s: glare, cracks and fingers leave such doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gatepost.decoding.qr.correcting import Words, correct
from gatepost.decoding.qr.formats import Format, bits_of, candidates
from gatepost.decoding.qr.grid import Grid, grid_of, layout_of
from gatepost.decoding.qr.tables import Level, blocks, codewords, version_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from gatepost.decoding.qr.galois import Field

    Plane = npt.NDArray[np.float32]

QUIET_ZONE = 4  # modules, clause 5.3.8
FORMATS = 2  # candidates: where noise leaves the data readable, the first is right
FORMATS_APART = 0.4  # a candidate's correlation is at most so much below the best one's
LEAST_PATTERNS = 0.62  # agreement of the function patterns: noise has 0.5 +- 0.04 in version 1
LEAST_AGREEMENT = 0.75  # of all modules with the corrected symbol


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A corrected symbol.

    Attributes:
        matrix: bool[n, n], True: dark; complete, upright and never mirrored; read-only.
        level: of error correction.
        mask: the data mask, 0 to 7.
        errors: codewords that were wrong though nothing told of it.
        erasures: codewords that were taken for unknown.
        agreement: of the weight of all soft values, the part whose sign the matrix has: 0 to 1.
        mirrored: the soft values showed the symbol's mirror image.
    """

    matrix: npt.NDArray[np.bool_]
    level: Level
    mask: int
    errors: int
    erasures: int
    agreement: float
    mirrored: bool = False


def solve(
    soft: npt.NDArray[np.floating] | npt.NDArray[np.signedinteger],
    *,
    least_spare: int = 0,
    mirrored: bool = False,
) -> Solved | None:
    """The symbol that `soft` shows, corrected; None where that is not certain.

    Reed-Solomon by block (ISO/IEC 18004:2015, clause 8 and Annex B), first with hard decisions,
    then with the least reliable codewords erased in growing numbers (generalised minimum distance,
    Forney 1966). What is corrected must be beyond chance (`margin`), spend none of the codewords
    that ISO keeps against misdecoding, and agree with the soft values on the whole.

    Args:
        soft: [n, n], for each module -1 (surely light) to +1 (surely dark), 0: unknown; n is 21 to
            177 in steps of 4. What lies outside is clipped. It is not written to.
        least_spare: of each block's error correction codewords, leave at least so many unused.
        mirrored: where it cannot be solved, try it transposed.

    Raises:
        ValueError: another shape, values that are no numbers, or not finite.
    """
    plane = checked(soft)
    solved = _solve(plane, least_spare)
    if solved is not None or not mirrored:
        return solved
    return _solve(np.ascontiguousarray(plane.T), least_spare, mirrored=True)


def picture_of(matrix: npt.NDArray[np.bool_], module_px: int = 3) -> npt.NDArray[np.uint8]:
    """The symbol as a clean picture with its quiet zone: uint8[side, side], 0 dark, 255 light.

    Args:
        matrix: bool[n, n], True: dark.
        module_px: pixels of a module's side.
    """
    wide = np.pad(np.asarray(matrix, np.bool_), QUIET_ZONE)
    plane = np.where(wide, 0, 255).astype(np.uint8)
    return plane.repeat(module_px, axis=0).repeat(module_px, axis=1)


def checked(soft: npt.NDArray[np.floating] | npt.NDArray[np.signedinteger]) -> Plane:
    """`soft` as C-contiguous float32[n, n] within -1 to 1.

    Raises:
        ValueError: as in `solve`.
    """
    array = np.asarray(soft)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or version_of(len(array)) is None:
        raise ValueError(f"no QR symbol has the shape {array.shape}")
    if array.dtype.kind not in "fi":
        raise ValueError(f"soft values are signed numbers, not {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError("soft values are finite")
    return np.ascontiguousarray(np.clip(array, -1, 1), np.float32)


def grid_for(plane: Plane) -> Grid:
    """The grid of a plane that `checked` returned."""
    return grid_of((len(plane) - 17) // 4)


def _solve(plane: Plane, least_spare: int, *, mirrored: bool = False) -> Solved | None:
    grid = grid_for(plane)
    flat = plane.ravel()
    known = flat[grid.patterns]
    weight = float(np.abs(known).sum())
    if weight and _agreement(known, grid.known.ravel()[grid.patterns] > 0) < LEAST_PATTERNS:
        return None
    for form in candidates(flat, grid, FORMATS, FORMATS_APART):
        solved = _solve_as(flat, grid, form, least_spare, mirrored=mirrored)
        if solved is not None:
            return solved
    return None


def _solve_as(
    flat: Plane, grid: Grid, form: Format, least_spare: int, *, mirrored: bool
) -> Solved | None:
    cut = blocks(grid.version, form.level)
    corrected = correct(_words(flat, grid, form), cut, least_spare)
    if corrected is None:
        return None
    matrix = _matrix(corrected.values, grid, form)
    agreement = _agreement(flat, matrix.ravel())
    if agreement < LEAST_AGREEMENT:
        return None
    return Solved(
        matrix=matrix,
        level=form.level,
        mask=form.mask,
        errors=corrected.errors,
        erasures=corrected.erasures,
        agreement=agreement,
        mirrored=mirrored,
    )


def _agreement(soft: Plane, dark: npt.NDArray[np.bool_]) -> float:
    """Of the weight of `soft`, the part with the sign of `dark`; 0 where all is unknown."""
    weight = float(np.abs(soft).sum())
    along = float(np.where(dark, soft, -soft).sum())
    return 0.5 + 0.5 * along / weight if weight else 0.0


def _words(flat: Plane, grid: Grid, form: Format) -> Words:
    """Unmasked, put together to codewords, and these to blocks."""
    bits = codewords(grid.version) * 8
    modules = flat[grid.data[:bits]]
    values = np.packbits((modules > 0) ^ grid.masks[form.mask, :bits])
    # The logarithm of the probability that all eight are right, up to a constant.
    reliability = np.log1p(np.abs(modules)).reshape(-1, 8).sum(axis=1)
    layout = layout_of(grid.version, form.level)
    sure = np.float32(np.inf)  # the absent codeword of a short block
    return Words(np.append(values, np.uint8(0))[layout], np.append(reliability, sure)[layout])


def _matrix(values: Field, grid: Grid, form: Format) -> npt.NDArray[np.bool_]:
    """The whole symbol with these blocks."""
    count = codewords(grid.version)
    placed = np.zeros(count + 1, np.uint8)
    placed[layout_of(grid.version, form.level)] = values
    bits = np.zeros(grid.data.size, np.bool_)
    bits[: count * 8] = np.unpackbits(placed[:count])
    matrix = grid.known > 0
    matrix.flat[grid.formats] = bits_of(form)
    matrix.flat[grid.data] = bits ^ grid.masks[form.mask]
    matrix.setflags(write=False)
    return matrix
