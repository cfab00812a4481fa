import re

from hypothesis import given
from hypothesis import strategies as st

from gatepost.model import Basis
from gatepost.subjects import TOKEN, is_token, token

SALT = "a-salt-of-this-list"
BASES = st.sampled_from([each for each in Basis if each is not Basis.NONE])


def test_a_subject_stays_what_it_is_for_lists_are_kept_for_years() -> None:
    assert token(SALT, "citizen", "001099012345") == "citizen:R-S9kHXE1Jhg85i6rUn1-Q"


@given(BASES, st.text())
def test_every_identity_has_one_that_a_list_takes(basis: Basis, identity: str) -> None:
    assert is_token(token(SALT, basis, identity))
    assert re.fullmatch(TOKEN, token(SALT, basis.value, identity))


def test_another_salt_basis_or_identity_is_another_subject() -> None:
    pairs = [(SALT, "qid", "1"), ("another-salt-of-16", "qid", "1"), (SALT, "pass", "1")]
    pairs += [(SALT, "qid", "2"), (SALT, "qid", "")]
    assert len({token(*each).partition(":")[2] for each in pairs}) == len(pairs)


def test_half_a_surrogate_pair_is_an_identity_like_any_other() -> None:
    assert is_token(token(SALT, "qid", "\ud800"))


def test_what_is_no_subject_is_told() -> None:
    good = token(SALT, "pass", "x")
    for bad in ("", "x", good[:-1], good + "A", good[:-1] + "B", good + "\n", f"none{good[4:]}"):
        assert not is_token(bad), bad
