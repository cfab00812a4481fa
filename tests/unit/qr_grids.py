"""Symbols made by segno, and soft values of them, spoilt in known ways."""

import numpy as np
import numpy.typing as npt
import segno

from gatepost.decoding.qr.tables import Level

Matrix = npt.NDArray[np.bool_]
Soft = npt.NDArray[np.float32]


def symbol(
    version: int, level: Level, text: str = "GATE 7: invented", mask: int | None = None
) -> Matrix:
    code = segno.make(
        text, version=version, error=level.lower(), mask=mask, micro=False, boost_error=False
    )
    return np.array([list(row) for row in code.matrix], np.bool_)


def soft_of(matrix: Matrix) -> Soft:
    return np.where(matrix, 1, -1).astype(np.float32)


def noisy(matrix: Matrix, sigma: float, rng: np.random.Generator) -> Soft:
    return np.clip(soft_of(matrix) + rng.normal(0, sigma, matrix.shape), -1, 1).astype(np.float32)


def washed(soft: Soft, rows: slice, columns: slice) -> Soft:
    glare = soft.copy()
    glare[rows, columns] = 0
    return glare


def pc_covid(number: int, name: str) -> str:
    """A text like a PC-Covid code's, of nobody."""
    return f"******50{number:04d}|{name}|****-**-**|0|INVENTED{number:04d}|"
