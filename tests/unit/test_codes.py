"""Every person here is invented."""

from __future__ import annotations

import base64
import json

import pytest
from passes import gp, nzcp, pretix, shc

from gatepost.codes import recognise
from gatepost.model import NOBODY, Basis, Claims, Kind, Layer, told

PC_COVID = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|1<GD4797930001234<0900000000"
CCCD = "001089012345|012345678|Nguyễn Văn Á|03031989|Nam|1 Phố Huế, Hà Nội|01052021"
NAME = "Nguyễn Văn Mẫu".encode().hex()
BHYT = f"GD4797930001234|{NAME}|01/02/1989|1|5869204d6175|01 - 001|01/01/2021|-|$"
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
        (CCCD + "||Lê Thị Mẫu|Nguyễn Văn Thử", Kind.CCCD, Basis.CITIZEN),
        (BHYT, Kind.BHYT, Basis.INSURANCE),
        (BHYT.removeprefix("GD479"), Kind.BHYT, Basis.INSURANCE),
        (DCC, Kind.DCC, Basis.NONE),
        (shc(), Kind.SHC, Basis.CONTENT),
        (nzcp(), Kind.NZCP, Basis.CONTENT),
        (pretix(), Kind.PRETIX, Basis.PASS),
        (gp(), Kind.PASS, Basis.PASS),
        ("mdoc:owBjMS4wAYIB2BhYS6QBAiABIVgg", Kind.MDOC, Basis.NONE),
        ("MDOC:owBjMS4w", Kind.MDOC, Basis.NONE),
        ("https://qr.tokhaiyte.vn/abc", Kind.SITE, Basis.NONE),
        ("HTTPS://QR.PCCOVID.GOV.VN/abc", Kind.SITE, Basis.NONE),
        ("NZCOVIDTRACER:eyJnbG4iOiI3In0", Kind.SITE, Basis.NONE),
        ("UKC19TRACING:1:eyJhbGciOiJFUzI1NiJ9", Kind.SITE, Basis.NONE),
        ("UKC19TRACING:2:whatever", Kind.SITE, Basis.NONE),
        ("GATEPOST-SITE:site-1", Kind.SITE, Basis.NONE),
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
        ("GP:", Kind.UNKNOWN, Basis.NONE),
        ("GPx1:ABC", Kind.UNKNOWN, Basis.NONE),
        ("https://example.org/AAAAEAAAQA?q= and more", Kind.URL, Basis.NONE),
    ],
)
def test_each_kind_is_told_apart(text: str, kind: Kind, basis: Basis) -> None:
    code = recognise(text)
    assert (code.kind, code.basis) == (kind, basis)


@pytest.mark.parametrize("text", [PC_COVID, CCCD, BHYT, shc(), nzcp(), pretix(), gp()])
@pytest.mark.parametrize("around", ["{}\r\n", " \t\n {} \t\n", "\ufeff{}", "\u00a0{}\x1d"])
def test_what_readers_put_around_a_text_changes_nothing(text: str, around: str) -> None:
    assert recognise(around.format(text)) == recognise(text)


@pytest.mark.parametrize("text", [PC_COVID, CCCD, BHYT, shc(), nzcp(), pretix(), gp()])
def test_claims_are_typed_and_tell_texts(text: str) -> None:
    claims = recognise(text).claims
    assert isinstance(claims, Claims)
    assert not hasattr(claims, "__dict__")
    assert told(claims)
    assert all(told(claims).values())


def test_what_names_nobody_has_no_identity_and_no_proof() -> None:
    for text in ("mdoc:AA", "GATEPOST-SITE:s", "https://example.org", "text"):
        code = recognise(text)
        assert code.kind in NOBODY
        assert (code.identity, code.proof, code.initials) == ("", None, "")


# --- PC-Covid


def test_a_starred_document_without_qid_is_weak_and_a_qid_is_not() -> None:
    assert recognise("******678901|TRAN THI B|1989-**-**|0||").weak
    assert not recognise(PC_COVID).weak
    assert recognise(PC_COVID).identity == "QID7f31a2"


def test_a_starred_qid_is_no_identity() -> None:
    weak = recognise("******678901|TRAN THI B|1989-**-**|0|QID****|")
    assert (weak.basis, weak.weak) == (Basis.CONTENT, True)
    whole = recognise("012345678901|TRAN THI B|1989-**-**|0|QID****|")
    assert (whole.basis, whole.weak, whole.identity) == (Basis.CITIZEN, False, "012345678901")


def test_a_passport_is_the_same_in_small_letters() -> None:
    assert recognise("c1234567|TRAN THI B|1989|0|").identity == "C1234567"


def test_what_was_declared_by_somebody_else_is_marked() -> None:
    code = recognise(PC_COVID.replace("|0|QID", "|1|QID"))
    assert code.for_another
    assert told(code.claims)["declared_by"] == "other"
    assert not recognise(PC_COVID).for_another


def test_the_qid_in_ext_is_the_declarers_and_never_the_identity() -> None:
    code = recognise("******509123|NGUYEN VAN A|1989|1|QID7f31a2|QID7f31b9<0<0912345678")
    assert code.identity == "QID7f31a2"
    assert told(code.claims)["declarer"] == "QID7f31b9"
    weak = recognise("******509123|NGUYEN VAN A|1989|1||QID7f31b9")
    assert weak.weak
    assert "QID7f31b9" not in weak.identity


def test_the_one_public_form_of_ext_is_understood() -> None:
    claims = told(recognise(PC_COVID.rpartition("|")[0] + "|1<GD4877*******<0943******").claims)
    assert claims["gender"] == "1"
    assert claims["insurance"] == "GD4877*******"
    assert claims["phone"] == "0943******"
    assert "ext" not in claims


def test_an_ext_of_any_length_is_read_in_few_parts_and_nothing_of_it_is_lost() -> None:
    claims = told(recognise(f"******678901|TRAN THI B|1989|0|QID1|1<{'MEUCIQ==<' * 700}0").claims)
    assert claims["gender"] == "1"
    assert claims["ext"] == "MEUCIQ==<" * 700 + "0"


def test_what_is_not_certain_in_ext_is_kept_as_it_stands() -> None:
    ext = "1<2<MEUCIQ+x/y==<QID00001<QID00002<chữ ký"
    claims = told(recognise(PC_COVID.rpartition("|")[0] + "|" + ext).claims)
    assert claims["gender"] == "1"
    assert claims["ext"] == "2<MEUCIQ+x/y==<QID00001<QID00002<chữ ký"
    assert "declarer" not in claims


@pytest.mark.parametrize("birth", ["1900-02-29", "9999-01-01", "31/02/1989", "1989-13-01", "0000"])
def test_an_odd_date_never_costs_the_recognition(birth: str) -> None:
    for text in (
        f"******509123|NGUYEN VAN A|{birth}|0|QID7f31a2|",
        CCCD.replace("03031989", birth.replace("-", "")[:8]),
        BHYT.replace("01/02/1989", birth),
    ):
        code = recognise(text)
        assert code.identity
        assert "birth" not in told(code.claims)


# --- cards


def test_a_citizen_card_is_understood() -> None:
    assert told(recognise(CCCD).claims) == {
        "citizen_id": "001089012345",
        "old_id": "012345678",
        "name": "Nguyễn Văn Á",
        "birth": "1989-03-03",
        "gender": "Nam",
        "address": "1 Phố Huế, Hà Nội",
        "issued": "2021-05-01",
    }


def test_combining_marks_are_the_letters_that_they_make() -> None:
    apart = CCCD.replace("Nguyễn", "Nguye\u0302\u0303n")
    assert recognise(apart) == recognise(CCCD)


def test_an_insurance_card_is_understood() -> None:
    assert told(recognise(BHYT).claims) == {
        "card": "GD4797930001234",
        "name": "Nguyễn Văn Mẫu",
        "birth": "1989-02-01",
        "gender": "1",
    }


def test_both_numbers_of_an_insured_are_one_identity() -> None:
    other = BHYT.replace("GD479", "HS401")
    short = BHYT.removeprefix("GD479")
    assert {recognise(each).identity for each in (BHYT, other, short)} == {"7930001234"}


@pytest.mark.parametrize("name", ["zz", "4e6", "ff" * 8, "", "4e 67", "c3" * 4, "41" * 400])
def test_a_broken_name_costs_an_insurance_card_its_name_alone(name: str) -> None:
    code = recognise(BHYT.replace(NAME, name))
    assert (code.kind, code.identity) == (Kind.BHYT, "7930001234")
    assert "name" not in told(code.claims)
    assert recognise(BHYT.removeprefix("GD479").replace(NAME, name)).kind is not Kind.BHYT


def test_an_insurance_card_is_no_pc_covid_code_however_its_fields_look() -> None:
    assert recognise(f"GD4797930001234|{NAME}|01/02/1989|1|79034|x|$").kind is Kind.BHYT


# --- places and links


def test_places_are_told_where_they_can_be_read() -> None:
    nz = {"gln": "7000000000000", "ver": "c19:1", "typ": "entry", "opn": "Chợ Mẫu", "adr": "1 St"}
    coded = base64.b64encode(json.dumps(nz).encode()).decode()
    assert told(recognise("NZCOVIDTRACER:" + coded).claims) == {
        "platform": "nz",
        "site": "7000000000000",
        "place": "Chợ Mẫu",
        "address": "1 St",
    }
    venue = base64.urlsafe_b64encode(b'{"id":"A1","opn":"Cafe","pc":"AB1","vt":"1"}').decode()
    head = base64.urlsafe_b64encode(b'{"alg":"ES256"}').decode().rstrip("=")
    uk = f"UKC19TRACING:1:{head}.{venue.rstrip('=')}.AAAA"
    assert told(recognise(uk).claims) == {
        "platform": "uk",
        "site": "A1",
        "place": "Cafe",
        "address": "AB1",
    }
    assert told(recognise("GATEPOST-SITE:cho-mau;Chợ Mẫu").claims) == {
        "platform": "gatepost",
        "site": "cho-mau",
        "place": "Chợ Mẫu",
    }
    assert told(recognise("https://qr.tokhaiyte.vn/x").claims) == {"platform": "pc-covid"}


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("NZCOVIDTRACER:%%%", Layer.ENCODING),
        ("NZCOVIDTRACER:chợ", Layer.ENCODING),
        ("NZCOVIDTRACER:bm90IGpzb24=", Layer.STRUCTURE),
        ("NZCOVIDTRACER:W10=", Layer.CONTENT),
        ("UKC19TRACING:1:a.b", Layer.STRUCTURE),
        ("GATEPOST-SITE:Not A Site", Layer.CONTENT),
    ],
)
def test_a_broken_poster_is_still_a_poster(text: str, layer: Layer) -> None:
    code = recognise(text)
    assert (code.kind, code.flaw) == (Kind.SITE, layer)
    assert told(code.claims)["platform"]


def test_a_link_tells_its_host_alone() -> None:
    assert told(recognise("https://user:secret@Example.org:8080/a?b=c").claims) == {
        "host": "example.org"
    }


def test_a_broken_mobile_licence_is_still_one() -> None:
    assert recognise("mdoc:!").flaw is Layer.ENCODING
    assert recognise("mdoc:AA").flaw is None


def test_initials_are_letters_only() -> None:
    assert recognise(CCCD).initials == "N.V.Á."
    assert recognise(CCCD.replace("Nguyễn Văn Á", "\u202eevil 9x \x1b[2J Ann")).initials == "A."
