"""Every person here is invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.codes import recognise
from gatepost.model import Basis, Kind, Trust

PC_COVID = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|1<GD4797930001234<0900000000"
CCCD = "001089012345|012345678|Nguyễn Văn Á|03031989|Nam|1 Phố Huế, Hà Nội|01052021"
DCC = "HC1:6BFOXN*TS0BI$ZD-PHQ7I9AD66V5B22CH9M9ESI9XBHXK-%69LQOGI.*V76GCV4*XUA2P-FHT-H"


@pytest.mark.parametrize(
    ("text", "kind", "basis"),
    [
        (PC_COVID, Kind.PC_COVID, Basis.QID),
        ("012345678901|TRAN THI B|1989/3/3|1||", Kind.PC_COVID, Basis.CITIZEN),
        ("C1234567|TRAN THI B|1989|0|", Kind.PC_COVID, Basis.PASSPORT),
        ("******678901|TRAN THI B|1989-**-**|0||", Kind.PC_COVID, Basis.CONTENT),
        (CCCD, Kind.CCCD, Basis.CITIZEN),
        (CCCD.replace("012345678|", "|"), Kind.CCCD, Basis.CITIZEN),
        (DCC, Kind.DCC, Basis.NONE),
        ("https://qr.tokhaiyte.vn/abc", Kind.SITE, Basis.NONE),
        ("HTTPS://QR.PCCOVID.GOV.VN/abc", Kind.SITE, Basis.NONE),
        ("NZCOVIDTRACER:eyJnbG4iOiI3In0", Kind.SITE, Basis.NONE),
        ("UKC19TRACING:1:eyJhbGciOiJFUzI1NiJ9", Kind.SITE, Basis.NONE),
        ("https://example.org/menu?a=1", Kind.URL, Basis.NONE),
        ("https://tokhaiyte.vn.example.org/", Kind.URL, Basis.NONE),
        ("https://nottokhaiyte.vn/", Kind.URL, Basis.NONE),
        ("hello", Kind.UNKNOWN, Basis.NONE),
        ("", Kind.UNKNOWN, Basis.NONE),
        ("0" * 7089, Kind.UNKNOWN, Basis.NONE),
        ("0" * 7090, Kind.UNKNOWN, Basis.NONE),
        ("http://[bad", Kind.UNKNOWN, Basis.NONE),
        ("a|b|c|0|d", Kind.UNKNOWN, Basis.NONE),
        ("||||||", Kind.UNKNOWN, Basis.NONE),
    ],
)
def test_each_kind_is_told_apart(text: str, kind: Kind, basis: Basis) -> None:
    code = recognise(text)
    assert (code.kind, code.basis) == (kind, basis)


def test_a_starred_document_without_qid_is_weak_and_a_qid_is_not() -> None:
    assert recognise("******678901|TRAN THI B|1989-**-**|0||").weak
    assert not recognise(PC_COVID).weak
    assert recognise(PC_COVID).identity == "QID7f31a2"


def test_what_was_declared_by_somebody_else_is_marked() -> None:
    code = recognise(PC_COVID.replace("|0|QID", "|1|QID"))
    assert dict(code.claims)["declared_by"] == "other"
    assert "declarer" not in code.identity


def test_a_passport_without_a_known_key_is_not_believed() -> None:
    code = recognise(DCC)
    assert code.trust is Trust.UNKNOWN_KEY
    assert code.claims == ()


def test_initials_are_letters_only() -> None:
    assert recognise(CCCD).initials == "N.V.Á."
    assert recognise(CCCD.replace("Nguyễn Văn Á", "\u202eevil 9x \x1b[2J Ann")).initials == "A."


@given(st.text())
def test_no_text_raises(text: str) -> None:
    recognise(text)


@given(st.lists(st.text(max_size=20), min_size=4, max_size=8))
def test_no_row_of_fields_raises(parts: list[str]) -> None:
    recognise("|".join(parts))
