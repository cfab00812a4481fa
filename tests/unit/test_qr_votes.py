import numpy as np
import pytest

from gatepost.decoding.qr.soft import solve
from gatepost.decoding.qr.votes import Votes
from unit.qr_grids import noisy, pc_covid, soft_of, symbol, washed


def test_frames_that_are_too_noisy_alone_are_read_together() -> None:
    rng = np.random.default_rng(1)
    matrix = symbol(6, "M", pc_covid(1, "NGUYEN VAN A"))
    votes = Votes()
    for count in range(1, 12):
        soft = noisy(matrix, 0.9, rng)
        assert solve(soft) is None
        votes.add(soft)
        assert votes.frames == count
    solved = votes.solve()
    assert solved is not None
    assert np.array_equal(solved.matrix, matrix)


def test_glare_that_wanders_is_seen_past() -> None:
    matrix = symbol(6, "M", pc_covid(2, "TRAN THI B"))
    votes = Votes()
    for place in (0, 10, 20):
        soft = washed(soft_of(matrix), slice(9, 41), slice(place, place + 21))
        assert solve(soft) is None
        votes.add(soft)
    solved = votes.solve()
    assert solved is not None
    assert np.array_equal(solved.matrix, matrix)


def test_halves_that_share_no_module_are_added_up() -> None:
    matrix = symbol(6, "L", pc_covid(3, "LE VAN C"))
    votes = Votes()
    for half in (slice(0, 20), slice(20, 41)):
        votes.add(washed(soft_of(matrix), half, slice(None)))
    solved = votes.solve()
    assert solved is not None
    assert np.array_equal(solved.matrix, matrix)


def test_another_code_starts_a_new_count() -> None:
    votes = Votes()
    one, other = (symbol(6, "M", pc_covid(n, "PHAM D"), n) for n in (1, 2))
    for _ in range(5):
        votes.add(soft_of(one))
    votes.add(soft_of(other))
    assert votes.frames == 1
    solved = votes.solve()
    assert solved is not None
    assert np.array_equal(solved.matrix, other)


def test_another_size_starts_a_new_count() -> None:
    votes = Votes()
    votes.add(soft_of(symbol(6, "M")))
    votes.add(soft_of(symbol(7, "M")))
    assert votes.frames == 1
    solved = votes.solve()
    assert solved is not None
    assert len(solved.matrix) == 45


@pytest.mark.parametrize("mask", [None, 3])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_similar_codes_in_turns_never_give_a_third_text(mask: int | None, turn: int) -> None:
    rng = np.random.default_rng(turn)
    two = [symbol(6, "M", pc_covid(n, "HOANG THI E"), mask) for n in (1234, 1235)]
    votes = Votes()
    read = 0
    for count in range(40):
        soft = noisy(two[count // turn % 2], 0.35, rng)
        place = int(rng.integers(0, 30))
        votes.add(washed(soft, slice(place, place + 6), slice(9, 41)))
        solved = votes.solve()
        if solved is not None:
            read += 1
            assert any(np.array_equal(solved.matrix, one) for one in two)
    assert read


def test_clean_frames_of_similar_codes_are_each_read_as_what_they_are() -> None:
    two = [symbol(6, "M", pc_covid(n, "VU F"), 3) for n in (1234, 8765)]
    votes = Votes()
    votes.add(soft_of(two[0]))
    for count in range(1, 20):
        votes.add(soft_of(two[count % 2]))
        solved = votes.solve()
        assert solved is None or np.array_equal(solved.matrix, two[count % 2])


def test_what_older_frames_showed_is_not_told_of_a_similar_code_in_view() -> None:
    same = ("The same three quarters, " * 4)[:76]
    one, other = (symbol(6, "M", same + last * 7, 3) for last in ("0123", "zYxW"))
    votes = Votes()
    for _ in range(8):
        votes.add(soft_of(one))
    read = []
    for _ in range(14):
        votes.add(soft_of(other))
        assert votes.frames > 8  # too similar to be told apart at once
        solved = votes.solve()
        read.append(solved is not None)
        assert solved is None or np.array_equal(solved.matrix, other)
    assert not read[0]
    assert read[-1]


def test_old_votes_fade() -> None:
    rng = np.random.default_rng(3)
    matrix = symbol(2, "M")
    votes = Votes(window=4)
    for _ in range(60):
        votes.add(noisy(matrix, 0.2, rng))
    assert votes._total is not None
    assert np.abs(votes._total).max() <= 4.001


def test_frames_without_a_symbol_have_no_vote() -> None:
    rng = np.random.default_rng(4)
    matrix = symbol(3, "M")
    votes = Votes()
    votes.add(soft_of(matrix))
    for _ in range(20):
        votes.add(rng.uniform(-1, 1, matrix.shape))
        votes.add(np.zeros(matrix.shape, np.float32))
    assert votes.frames == 1
    assert votes.solve() is not None


def test_noise_never_adds_up_to_a_code() -> None:
    rng = np.random.default_rng(5)
    votes = Votes()
    for _ in range(300):
        votes.add(rng.uniform(-1, 1, (21, 21)))
        assert votes.solve() is None


def test_a_mirrored_symbol_is_read_from_its_votes() -> None:
    matrix = symbol(4, "Q")
    votes = Votes()
    votes.add(soft_of(matrix).T)
    assert votes.solve() is None
    solved = votes.solve(mirrored=True)
    assert solved is not None
    assert np.array_equal(solved.matrix, matrix)


def test_no_votes_no_symbol() -> None:
    assert Votes().solve() is None
    assert Votes().frames == 0


def test_bad_input_is_refused_and_the_votes_stand() -> None:
    votes = Votes()
    votes.add(soft_of(symbol(2, "M")))
    for bad in (np.zeros((22, 22), np.float32), np.full((25, 25), np.nan)):
        with pytest.raises(ValueError, match=r"shape|finite"):
            votes.add(bad)
    assert votes.frames == 1


@pytest.mark.parametrize("window", [0, -1, 0.5, float("nan")])
def test_a_window_without_a_frame_is_refused(window: float) -> None:
    with pytest.raises(ValueError, match="window"):
        Votes(window)


def test_what_was_added_is_not_written_to() -> None:
    soft = soft_of(symbol(2, "M"))
    soft.setflags(write=False)
    votes = Votes()
    votes.add(soft)
    votes.add(soft)
    assert votes.solve() is not None
