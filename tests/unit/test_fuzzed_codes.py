"""A few thousand of what `make fuzz` makes a million of."""

import random

import pytest

from fuzz.seeds import seeds
from fuzz.wrapping import NOW, WRAPPINGS, judged, text_of, trust_list
from gatepost import trust
from gatepost.codes import recognise
from gatepost.model import Kind, Reason, Trust, Verdict

_ROUNDS = 100


def mutated(data: bytes, rng: random.Random) -> bytes:
    """As fuzzers do: bits, bytes, pieces doubled, cut out, put elsewhere."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(changed)) if changed else 0
        length = rng.choice((1, 2, 8, 40))
        match rng.randrange(5):
            case 0 if changed:
                changed[place] ^= 1 << rng.randrange(8)
            case 1 if changed:
                changed[place] = rng.choice((0, 0x1F, 0x5F, 0x7F, 0x80, 0x9F, 0xBF, 0xFF))
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[rng.randrange(len(changed) + 1) :][:length]
            case _:
                changed[place:place] = rng.randbytes(length)
    return bytes(changed)


@pytest.mark.parametrize("seed", range(len(seeds())))
def test_what_is_broken_within_a_valid_wrapping_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    whole = seeds()[seed]
    for _ in range(_ROUNDS):
        judged(text_of(whole[:1] + mutated(whole[1:], rng)))


@pytest.mark.parametrize("seed", range(len(seeds())))
def test_what_is_broken_in_the_text_itself_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    text = text_of(seeds()[seed]).encode("utf-8", "surrogateescape")
    for _ in range(_ROUNDS):
        judged(mutated(text, rng).decode("utf-8", rng.choice(("surrogateescape", "replace"))))


def test_bytes_of_any_kind_in_any_wrapping_never_raise() -> None:
    rng = random.Random(1)
    for number in range(2000):
        judged(text_of(bytes([number % len(WRAPPINGS)]) + rng.randbytes(rng.randrange(200))))


def test_an_altered_text_is_never_verified() -> None:
    rng = random.Random(2)
    for text in (text_of(each) for each in seeds()):
        if trust.check(recognise(text), trust_list(), NOW).trust is not Trust.VERIFIED:
            continue
        claims = recognise(text).claims
        for _ in range(200):
            coded = mutated(text.encode(), rng)
            altered = recognise(coded.decode("utf-8", "replace"))
            if trust.check(altered, trust_list(), NOW).trust is Trust.VERIFIED:
                assert altered.claims == claims  # a blank at its end, an unprotected header


def test_the_fuzzer_begins_with_every_kind_and_gets_to_its_core() -> None:
    texts = [text_of(each) for each in seeds()]
    assert {recognise(text).kind for text in texts} == set(Kind)
    verified = [
        recognise(text).kind
        for text in texts
        if trust.check(recognise(text), trust_list(), NOW).trust is Trust.VERIFIED
    ]
    assert set(verified) == {Kind.DCC, Kind.SHC, Kind.NZCP, Kind.PASS, Kind.PRETIX}
    assert verified.count(Kind.DCC) == 4


def test_the_fuzzer_begins_with_every_way_to_be_refused_by_a_signature() -> None:
    reasons = {judged(text_of(each)).reason for each in seeds()}
    assert reasons >= {
        Reason.ALGORITHM_NOT_ALLOWED,
        Reason.ISSUER_UNKNOWN,
        Reason.SIGNATURE_INVALID,
        Reason.ISSUER_NOT_ENTITLED,
        Reason.REVOKED,
        Reason.ISSUER_NOT_VALID,
        Reason.DAMAGED_COMPRESSION,
    }


def test_a_seed_is_let_in_and_a_text_is_not() -> None:
    assert judged("just a text").reason is Reason.KIND_UNKNOWN
    assert judged(text_of(seeds()[0])).verdict is Verdict.ACCEPTED
