import numpy as np
import pytest
import segno.consts
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.decoding.qr.correcting import Words, correct
from gatepost.decoding.qr.galois import INVERSES, POWERS, product, syndromes
from gatepost.decoding.qr.grid import grid_of, layout_of
from gatepost.decoding.qr.margin import GUESSED, PLAIN, allowed_errors, passing
from gatepost.decoding.qr.reed_solomon import decode_block
from gatepost.decoding.qr.tables import LEVELS, Level, blocks, codewords
from unit.qr_grids import symbol


def coded(data: bytes, ec: int) -> bytes:
    """By long division with segno's generator polynomial: another way than the decoder's."""
    generator = segno.consts.GEN_POLY[ec]
    exponent, logarithm = segno.consts.GALIOS_EXP, segno.consts.GALIOS_LOG
    rest = list(data) + [0] * ec
    for index in range(len(data)):
        if rest[index]:
            lead = logarithm[rest[index]]
            for offset, power in enumerate(generator, 1):
                rest[index + offset] ^= exponent[(lead + power) % 255]
    return data + bytes(rest[len(data) :])


def test_the_powers_are_segnos() -> None:
    assert POWERS.tolist() == list(segno.consts.GALIOS_EXP[:255])


def test_every_element_times_its_inverse_is_one_and_nought_stays_nought() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert product(every, INVERSES)[1:].tolist() == [1] * 255
    assert not product(every, np.zeros_like(every)).any()


@pytest.mark.parametrize("version", [1, 2, 3, 5, 7, 10, 14, 27, 40])
def test_the_blocks_of_real_symbols_have_no_syndromes(version: int) -> None:
    grid = grid_of(version)
    count = codewords(version)
    for level in LEVELS:
        for mask in range(8):
            bits = symbol(version, level, "7", mask).ravel()[grid.data] ^ grid.masks[mask]
            placed = np.append(np.packbits(bits[: 8 * count]), np.uint8(0))
            found = syndromes(placed[layout_of(version, level)], blocks(version, level).ec)
            assert not found.any(), (level, mask)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_errors_and_erasures_within_the_limit_are_corrected(data: st.DataObject) -> None:
    ec = data.draw(st.sampled_from(sorted(segno.consts.GEN_POLY)[2:]))
    word = coded(data.draw(st.binary(min_size=1, max_size=120)), ec)
    gone = data.draw(st.integers(0, ec))
    wrong = min(data.draw(st.integers(0, (ec - gone) // 2)), len(word) - gone)
    places = data.draw(st.permutations(range(len(word))))
    spoilt = bytearray(word)
    for place in places[:gone]:
        spoilt[place] = data.draw(st.integers(0, 255))
    for place in places[gone : gone + wrong]:
        spoilt[place] ^= data.draw(st.integers(1, 255))
    corrected = decode_block(bytes(spoilt), ec, places[:gone])
    assert corrected is not None
    assert corrected == (word, wrong)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=26, max_size=26), st.sets(st.integers(0, 25), max_size=12))
def test_what_is_returned_is_a_word_of_the_code_within_its_distance(
    word: bytes, gone: set[int]
) -> None:
    corrected = decode_block(word, 10, sorted(gone))
    if corrected is None:
        return
    assert coded(corrected.word[:16], 10) == corrected.word
    changed = {place for place in range(26) if corrected.word[place] != word[place]}
    assert len(changed - gone) == corrected.errors
    assert 2 * corrected.errors + len(gone) <= 10


def test_too_many_errors_or_erasures_give_none() -> None:
    word = bytearray(coded(b"sixteen data now", 10))
    for place in range(6):
        word[place] ^= 0x55
    assert decode_block(bytes(word), 10) is None
    assert decode_block(bytes(word), 10, range(11)) is None
    assert decode_block(bytes(word), 10, range(6)) is not None


@pytest.mark.parametrize(("length", "ec"), [(10, 0), (10, 10), (256, 10), (0, 0), (5, -1)])
def test_what_is_no_block_is_refused(length: int, ec: int) -> None:
    with pytest.raises(ValueError, match="block"):
        decode_block(bytes(length), ec)


def test_an_erasure_outside_the_word_is_refused() -> None:
    with pytest.raises(IndexError):
        decode_block(bytes(20), 7, [20])


def test_a_random_word_passes_about_as_often_as_is_computed() -> None:
    rng = np.random.default_rng(11)
    words = rng.integers(0, 256, (3000, 26), dtype=np.uint8)
    passed = sum(decode_block(word.tobytes(), 7, range(6)) is not None for word in words)
    part, whole = passing(26, 7, 6, 0)
    assert 0.3 < passed / (3000 * part / whole) < 2.5


@pytest.mark.parametrize("level", LEVELS)
def test_isos_limit_is_always_allowed_and_guesses_are_rarer_than_chance(level: Level) -> None:
    for version in range(1, 41):
        cut = blocks(version, level)
        length = cut.short + (cut.short_count < cut.number)
        allowed = allowed_errors(length, cut.ec, cut.protection)
        assert allowed[0] == (cut.ec - cut.protection) // 2
        for erasures, errors in enumerate(allowed.tolist()):
            if errors >= 0:
                part, whole = passing(length, cut.ec, erasures, errors)
                assert part * (GUESSED if erasures else PLAIN) <= whole
                assert 2 * errors + erasures <= cut.ec - cut.protection


def test_a_codeword_that_a_short_block_does_not_have_is_never_corrected() -> None:
    cut = blocks(5, "Q")
    values = np.zeros((cut.number, cut.short + 1), np.uint8)
    values[0] = np.frombuffer(coded(bytes([77] + [0] * (cut.short - cut.ec)), cut.ec), np.uint8)
    values[0, 0] = 0
    reliability = np.ones(values.shape, np.float32)
    whole = correct(Words(values, reliability), cut, 0)
    assert whole is not None
    assert whole.values[0, 0] == 77
    reliability[: cut.short_count, 0] = np.inf
    assert correct(Words(values, reliability), cut, 0) is None


def test_more_spare_allows_less_and_none_at_all_in_the_end() -> None:
    few, many = allowed_errors(70, 26, 0), allowed_errors(70, 26, 12)
    assert many.size < few.size
    assert (many <= few[: many.size]).all()
    assert allowed_errors(26, 10, 10).tolist() == [0]
