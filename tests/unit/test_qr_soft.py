import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.decoding.qr.grid import grid_of
from gatepost.decoding.qr.soft import Solved, picture_of, solve
from gatepost.decoding.qr.tables import LEVELS, Level
from unit.qr_grids import Matrix, noisy, soft_of, symbol, washed

TEXT = "GATE 7: unreal"


def texts_of(matrix: Matrix) -> list[str]:
    """What zxing-cpp reads in a clean picture of it."""
    found = zxingcpp.read_barcodes(
        picture_of(matrix), formats=zxingcpp.barcode_formats_from_str("QRCode")
    )
    return [code.text for code in found]


def is_right(solved: Solved | None, matrix: Matrix) -> bool:
    return solved is not None and bool(np.array_equal(solved.matrix, matrix))


@pytest.mark.parametrize("version", range(1, 41))
def test_a_clean_symbol_of_every_version_level_and_mask_is_solved(version: int) -> None:
    for number, level in enumerate(LEVELS):
        mask = (version + 3 * number) % 8
        matrix = symbol(version, level, "7", mask)
        solved = solve(soft_of(matrix))
        assert solved is not None
        assert np.array_equal(solved.matrix, matrix)
        assert (solved.level, solved.mask, solved.errors, solved.erasures) == (level, mask, 0, 0)
        assert solved.agreement == 1


@pytest.mark.parametrize(("version", "level"), [(1, "M"), (4, "L"), (7, "Q"), (14, "H")])
def test_zxing_reads_the_text_in_the_picture_of_what_was_solved(version: int, level: Level) -> None:
    rng = np.random.default_rng(version)
    solved = solve(noisy(symbol(version, level, TEXT), 0.3, rng))
    assert solved is not None
    assert texts_of(solved.matrix) == [TEXT]


def test_a_picture_has_four_quiet_modules_all_around() -> None:
    matrix = symbol(1, "L")
    picture = picture_of(matrix, 2)
    assert picture.shape == (58, 58)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture[8:50:2, 8:50:2] == 0, matrix)
    picture[8:50, 8:50] = 255
    assert (picture == 255).all()


@pytest.mark.parametrize("level", LEVELS)
def test_hard_errors_are_corrected_to_what_the_level_promises(level: Level) -> None:
    rng = np.random.default_rng(4)
    matrix = symbol(7, level, TEXT)
    grid = grid_of(7)
    part = {"L": 0.05, "M": 0.12, "Q": 0.18, "H": 0.23}[level]
    soft = soft_of(matrix)
    first = int(grid.data.size * rng.uniform(0, 1 - part))
    soft.flat[grid.data[first : first + int(grid.data.size * part)]] *= -1  # a crack, a finger
    solved = solve(soft)
    assert is_right(solved, matrix)
    assert solved is not None
    assert solved.errors > 0
    assert solved.erasures == 0


@pytest.mark.parametrize(("level", "first", "least"), [("M", 21, 0.18), ("Q", 18, 0.26)])
def test_a_washed_out_part_that_zxing_cannot_read_is_solved(
    level: Level, first: int, least: float
) -> None:
    matrix = symbol(5, level, TEXT)
    corner = slice(first, 37)
    soft = washed(soft_of(matrix), corner, corner)
    assert (soft == 0).sum() > least * soft.size
    assert texts_of(soft > 0) == []
    solved = solve(soft)
    assert is_right(solved, matrix)
    assert solved is not None
    assert texts_of(solved.matrix) == [TEXT]


@pytest.mark.parametrize(("version", "level"), [(2, "Q"), (7, "M"), (10, "M"), (25, "L")])
def test_erasures_reach_beyond_the_hard_decisions(version: int, level: Level) -> None:
    matrix = symbol(version, level, TEXT)
    grid = grid_of(version)
    part = {"Q": 0.3, "M": 0.22, "L": 0.14}[level]
    first = int(0.4 * grid.data.size)
    gone = grid.data[first : first + int(part * grid.data.size)]
    wrong, unknown = soft_of(matrix), soft_of(matrix)
    wrong.flat[gone] *= -1
    unknown.flat[gone] = 0
    assert solve(wrong) is None
    solved = solve(unknown)
    assert is_right(solved, matrix)
    assert solved is not None
    assert solved.erasures > 0


def test_unknown_and_wrong_modules_together_are_corrected() -> None:
    matrix = symbol(7, "H", TEXT)
    data = grid_of(7).data
    soft = soft_of(matrix)
    soft.flat[data[int(0.2 * data.size) : int(0.46 * data.size)]] = 0
    soft.flat[data[int(0.6 * data.size) : int(0.7 * data.size)]] *= -1
    assert texts_of(soft > 0) == []
    solved = solve(soft)
    assert is_right(solved, matrix)
    assert solved is not None
    assert solved.errors > 5 * 8  # what is erased counts for less
    assert solved.erasures > 0


def test_weak_modules_are_given_up_before_strong_ones() -> None:
    rng = np.random.default_rng(5)
    matrix = symbol(7, "M", TEXT)
    grid = grid_of(7)
    soft = soft_of(matrix)
    weak = grid.data[100 : 100 + grid.data.size // 5]
    soft.flat[weak] = rng.uniform(-0.3, 0.3, weak.size)
    assert texts_of(soft > 0) == []
    assert is_right(solve(soft), matrix)


def test_a_symbol_whose_finders_are_washed_out_is_solved() -> None:
    matrix = symbol(4, "Q", TEXT)
    soft = washed(soft_of(matrix), slice(0, 9), slice(0, 7))
    assert texts_of(soft > 0) == []
    assert is_right(solve(soft), matrix)


def test_one_copy_of_the_format_is_enough_and_a_wrong_one_is_seen_through() -> None:
    matrix = symbol(6, "M", TEXT)
    soft = soft_of(matrix)
    soft.flat[grid_of(6).formats[0]] = 0
    assert is_right(solve(soft), matrix)
    soft.flat[grid_of(6).formats[1][:3]] *= -1
    assert is_right(solve(soft), matrix)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_quantised_values_are_as_good(steps: int) -> None:
    rng = np.random.default_rng(6)
    matrix = symbol(8, "Q", TEXT)
    soft = np.round(noisy(matrix, 0.25, rng) * steps) / steps
    assert is_right(solve(soft), matrix)


def test_integers_and_values_beyond_one_are_taken_as_they_are_meant() -> None:
    matrix = symbol(3, "M", TEXT)
    assert is_right(solve(soft_of(matrix).astype(np.int8)), matrix)
    assert is_right(solve(soft_of(matrix).astype(np.float64) * 1e300), matrix)


def test_a_mirrored_symbol_is_solved_upright_only_if_asked() -> None:
    matrix = symbol(5, "M", TEXT)
    soft = soft_of(matrix).T
    assert solve(soft) is None
    solved = solve(soft, mirrored=True)
    assert is_right(solved, matrix)
    assert solved is not None
    assert solved.mirrored
    upright = solve(soft_of(matrix), mirrored=True)
    assert upright is not None
    assert not upright.mirrored


def test_more_spare_solves_less() -> None:
    matrix = symbol(7, "M", TEXT)
    soft = soft_of(matrix)
    soft.flat[grid_of(7).data[:240]] = 0
    assert is_right(solve(soft), matrix)
    assert solve(soft, least_spare=14) is None
    assert is_right(solve(soft_of(matrix), least_spare=99), matrix)


def test_isos_misdecode_protection_is_kept_in_version_1_l() -> None:
    matrix = symbol(1, "L", TEXT)
    grid = grid_of(1)
    for wrong, solvable in ((2, True), (3, False)):
        soft = soft_of(matrix)
        soft.flat[grid.data[: 8 * wrong]] *= -1
        assert is_right(solve(soft), matrix) is solvable


def test_what_is_solved_is_read_only_and_the_input_stays_as_it_was() -> None:
    soft = noisy(symbol(7, "M", TEXT), 0.3, np.random.default_rng(7))
    soft.setflags(write=False)
    before = soft.copy()
    solved = solve(soft)
    assert solved is not None
    assert not solved.matrix.flags.writeable
    assert np.array_equal(soft, before)


def test_non_contiguous_float64_is_taken() -> None:
    matrix = symbol(7, "M", TEXT)
    wide = np.zeros((90, 135))
    wide[::2, ::3] = soft_of(matrix)
    assert is_right(solve(wide[::2, ::3]), matrix)


@pytest.mark.parametrize(
    "shape",
    [(0, 0), (1, 1), (17, 17), (22, 22), (23, 23), (181, 181), (21, 25), (441,), (1, 21, 21)],
)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        solve(np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    soft = soft_of(symbol(2, "M"))
    soft[12, 12] = value
    with pytest.raises(ValueError, match="finite"):
        solve(soft)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.complex64, object, "U1"])
def test_values_without_a_sign_are_refused(kind: type | str) -> None:
    with pytest.raises(ValueError, match="signed"):
        solve(np.ones((21, 21), kind))  # type: ignore[arg-type]


def test_what_the_strong_values_contradict_is_none() -> None:
    matrix = symbol(7, "H", TEXT)
    grid = grid_of(7)
    soft = soft_of(matrix) * np.float32(0.3)
    gone = grid.data[400 : 400 + int(0.3 * grid.data.size)]
    soft.flat[gone] *= -1
    assert is_right(solve(soft), matrix)
    soft.flat[gone] *= 3
    assert solve(soft) is None


def test_right_data_among_patterns_of_noise_are_none() -> None:
    rng = np.random.default_rng(8)
    matrix = symbol(7, "H", TEXT)
    soft = soft_of(matrix)
    patterns = grid_of(7).patterns
    soft.flat[patterns] = 0
    assert is_right(solve(soft), matrix)
    soft.flat[patterns] = rng.uniform(-1, 1, patterns.size)
    assert solve(soft) is None


@pytest.mark.parametrize("value", [0, 1, -1])
def test_a_grid_of_one_value_is_none(value: float) -> None:
    for n in (21, 45, 177):
        assert solve(np.full((n, n), value, np.float32)) is None


def test_thousands_of_random_grids_are_none() -> None:
    rng = np.random.default_rng(9)
    for n in (21, 25, 29, 45):
        for _ in range(800):
            assert solve(rng.uniform(-1, 1, (n, n))) is None


def test_right_patterns_around_random_data_are_none() -> None:
    rng = np.random.default_rng(10)
    for version, level in ((1, "L"), (1, "M"), (2, "L"), (7, "M")):
        grid = grid_of(version)
        soft = soft_of(symbol(version, level, "7"))
        for _ in range(100):
            soft.flat[grid.data] = rng.uniform(-1, 1, grid.data.size)
            assert solve(soft) is None


@settings(max_examples=120, deadline=None)
@given(
    version=st.integers(1, 12),
    level=st.sampled_from(LEVELS),
    seed=st.integers(0, 2**32),
    sigma=st.floats(0, 1),
    glare=st.floats(0, 0.6),
    burst=st.floats(0, 0.4),
)
def test_whatever_spoils_a_symbol_it_is_never_taken_for_another(
    version: int, level: Level, seed: int, sigma: float, glare: float, burst: float
) -> None:
    rng = np.random.default_rng(seed)
    matrix = symbol(version, level, "7", int(rng.integers(8)))
    n = len(matrix)
    soft = noisy(matrix, sigma, rng)
    row, column = rng.integers(0, n, 2)
    soft[row : row + int(glare * n), column : column + int(glare * n)] = rng.choice([0, -1])
    first = rng.integers(0, n * n)
    soft.flat[first : first + int(burst * n * n)] *= -1
    solved = solve(soft, mirrored=True)
    assert solved is None or np.array_equal(solved.matrix, matrix)
