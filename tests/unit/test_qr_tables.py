import numpy as np
import pytest
import segno.consts

from gatepost.decoding.qr.formats import Format, bits_of, candidates
from gatepost.decoding.qr.grid import grid_of, layout_of
from gatepost.decoding.qr.tables import (
    LEVELS,
    Level,
    alignment_centres,
    blocks,
    codewords,
    side,
    version_of,
)
from unit.qr_grids import symbol

SEGNO = {
    "L": segno.consts.ERROR_LEVEL_L,
    "M": segno.consts.ERROR_LEVEL_M,
    "Q": segno.consts.ERROR_LEVEL_Q,
    "H": segno.consts.ERROR_LEVEL_H,
}
VERSIONS = range(1, 41)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_blocks_of_every_version_and_level_are_segnos(version: int) -> None:
    for level in LEVELS:
        cut = blocks(version, level)
        lengths = [cut.short + (number >= cut.short_count) for number in range(cut.number)]
        assert [(length, length - cut.ec) for length in lengths] == [
            (each.num_total, each.num_data)
            for each in segno.consts.ECC[version][SEGNO[level]]
            for _ in range(each.num_blocks)
        ]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_alignment_centres_are_segnos(version: int) -> None:
    wanted = segno.consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    assert alignment_centres(version) == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_the_known_modules_are_those_of_a_real_symbol(version: int) -> None:
    grid = grid_of(version)
    dark = symbol(version, "L").ravel()[grid.patterns]
    assert np.array_equal(dark, grid.known.ravel()[grid.patterns] > 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_patterns_format_and_data_share_out_all_modules(version: int) -> None:
    grid = grid_of(version)
    every = np.concatenate([grid.patterns, grid.formats.ravel(), grid.data])
    assert np.array_equal(np.sort(every), np.arange(side(version) ** 2))
    assert 0 <= grid.data.size - 8 * codewords(version) < 8


def test_misdecode_protection_is_that_of_iso_and_nowhere_else() -> None:
    kept = {
        (version, level): blocks(version, level).protection
        for version in VERSIONS
        for level in LEVELS
        if blocks(version, level).protection
    }
    assert kept == {
        (1, "L"): 3,
        (1, "M"): 2,
        (1, "Q"): 1,
        (1, "H"): 1,
        (2, "L"): 2,
        (3, "L"): 1,
    }


@pytest.mark.parametrize("level", LEVELS)
def test_every_codeword_stands_in_one_place_of_one_block(level: Level) -> None:
    for version in VERSIONS:
        layout = layout_of(version, level)
        absent = codewords(version)
        cut = blocks(version, level)
        assert np.array_equal(np.sort(layout[layout < absent]), np.arange(absent))
        short = (layout == absent).sum() if cut.short_count < cut.number else cut.short_count
        assert short == cut.short_count


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mask", range(8))
def test_the_format_of_a_real_symbol_is_read_and_written(level: Level, mask: int) -> None:
    grid = grid_of(3)
    matrix = symbol(3, level, mask=mask).ravel()
    form = Format(level, mask)
    assert np.array_equal(matrix[grid.formats], np.stack([bits_of(form)] * 2))
    soft = np.where(matrix, 0.4, -0.4).astype(np.float32)
    assert candidates(soft, grid, 3, 0.1) == [form]


def test_a_format_is_read_from_one_copy_when_the_other_is_gone() -> None:
    grid = grid_of(2)
    soft = np.where(symbol(2, "Q", mask=5).ravel(), 1, -1).astype(np.float32)
    for gone in (0, 1):
        half = soft.copy()
        half[grid.formats[gone]] = 0
        assert candidates(half, grid, 3, 0.4)[0] == Format("Q", 5)


def test_nothing_known_of_the_format_gives_no_candidate() -> None:
    assert candidates(np.zeros(21 * 21, np.float32), grid_of(1), 3, 0.4) == []


@pytest.mark.parametrize("modules", [-3, 0, 17, 20, 22, 23, 24, 178, 181])
def test_other_sizes_are_no_version(modules: int) -> None:
    assert version_of(modules) is None


def test_the_arrays_that_are_shared_cannot_be_written_to() -> None:
    grid = grid_of(7)
    for array in (grid.known, grid.patterns, grid.data, grid.masks, grid.formats):
        assert not array.flags.writeable
    assert not layout_of(7, "M").flags.writeable
    assert grid_of(7) is grid
