"""Round trips and hostile texts, by Hypothesis; everybody in them is invented."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import gp as gp_text
from passes import nzcp as nzcp_text
from passes import pretix as pretix_text
from passes import shc as shc_text

from gatepost.codes import (
    bhyt,
    cccd,
    dcc,
    mdoc,
    nzcp,
    pc_covid,
    pretix,
    recognise,
    shc,
    signed_pass,
    site,
    url,
)
from gatepost.codes.names import initials
from gatepost.model import Code, Kind, told

KINDS = (
    bhyt,
    cccd,
    dcc,
    mdoc,
    nzcp,
    pc_covid,
    pretix,
    shc,
    signed_pass,
    site,
    url,
)
WHOLE = (
    "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|1<GD4797930001234<0900000000",
    "001089012345|012345678|Nguyễn Văn Á|03031989|Nam|1 Phố Huế, Hà Nội|01052021",
    "GD4797930001234|4d61752041|01/02/1989|1|5869204d6175|01 - 001|-|$",
    shc_text(),
    nzcp_text(),
    pretix_text(),
    gp_text(),
    "HC1:6BFOXN*TS0BI$ZD-PHQ7I9AD66V5B22CH9M9ESI9XBHXK-%69LQOGI.*V76GCV4*XUA2P-FHT-H",
    "NZCOVIDTRACER:eyJnbG4iOiI3MDAwMDAwMDAwMDAwIiwidmVyIjoiYzE5OjEiLCJ0eXAiOiJlbnRyeSJ9",
    "UKC19TRACING:1:eyJhbGciOiJFUzI1NiJ9.eyJpZCI6IkExIiwib3BuIjoiViJ9.AAAA",
    "GATEPOST-SITE:cho-mau;Chợ Mẫu",
    "https://qr.tokhaiyte.vn/vi-du",
    "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVgg",
)
NASTY = "\x00\ud800\udfff\u0301\u202e\u0660\uff11²|<:/$*%\n \U0001f600"

digits = st.text("0123456789", min_size=1)
ids = st.text("0123456789", min_size=12, max_size=12)
names = st.lists(
    st.text("ABCDEGHIKLMNOPQRSTUVXY", min_size=1, max_size=6), min_size=1, max_size=5
).map(" ".join)
vietnamese = st.lists(
    st.sampled_from(("Nguyễn", "Thị", "Ví", "Dụ", "Đỗ", "Hữu", "Ý", "Ngữ", "Ủ")),
    min_size=1,
    max_size=6,
).map(" ".join)
days = st.dates(date(1850, 1, 1), date(2149, 12, 31))
qids = (
    st.text("0123456789abcdefABCDEF", min_size=5, max_size=29)
    .map("QID{}".format)
    .filter(lambda each: not each.isalpha())
)


def starred(document: str, stars: int) -> str:
    return "*" * stars + document[stars:]


@given(ids, st.integers(0, 6), names, days, st.booleans(), qids)
def test_a_pc_covid_code_comes_back(
    document: str, stars: int, name: str, born: date, other: bool, qid: str
) -> None:
    text = "|".join((starred(document, stars), name, str(born), "01"[other], qid, ""))
    code = recognise(text)
    assert (code.kind, code.identity, code.weak) == (Kind.PC_COVID, qid, False)
    assert code.for_another is other
    assert told(code.claims) == {
        "document": starred(document, stars),
        "name": name,
        "birth": str(born),
        "declared_by": "other" if other else "self",
        "qid": qid,
    }


parts = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from("012"),
        "insurance": st.builds(
            "{}{}".format, st.sampled_from(("GD", "HS", "TE")), st.from_regex(r"\A[0-9]{13}\Z")
        ),
        "phone": st.from_regex(r"\A0[35789][0-9]{8}\Z"),
        "declarer": qids,
        "ext": st.from_regex(r"\AMEU[A-Za-z0-9+/]{20,40}==\Z"),
    },
)


@given(parts, st.randoms(use_true_random=False), names, st.booleans())
def test_ext_comes_back_in_any_order_and_any_number(
    ext: dict[str, str], rng: object, name: str, other: bool
) -> None:
    order = list(ext.values())
    rng.shuffle(order)  # type: ignore[attr-defined]
    text = f"******509123|{name}|1989-**-**|{'01'[other]}||{'<'.join(order)}"
    code = recognise(text)
    claims = told(code.claims)
    assert {key: claims[key] for key in ext} == ext
    assert not {"gender", "insurance", "phone", "declarer", "ext"} & claims.keys() - ext.keys()
    assert code.weak
    assert ext.get("declarer", "-") not in code.identity


@given(
    ids,
    st.from_regex(r"\A([0-9]{9})?\Z"),
    vietnamese,
    days,
    st.sampled_from(("Nam", "Nữ")),
    vietnamese,
    days,
    st.sampled_from(("NFC", "NFD")),
)
def test_a_citizen_card_comes_back(
    number: str,
    old: str,
    name: str,
    born: date,
    gender: str,
    address: str,
    issued: date,
    form: str,
) -> None:
    fields = (number, old, name, f"{born:%d%m%Y}", gender, address, f"{issued:%d%m%Y}")
    code = recognise(unicodedata.normalize(form, "|".join(fields)))  # type: ignore[arg-type]
    assert (code.kind, code.identity, code.weak) == (Kind.CCCD, number, False)
    claims = told(code.claims)
    assert claims.pop("old_id", "") == old
    assert claims == {
        "citizen_id": number,
        "name": name,
        "birth": str(born),
        "gender": gender,
        "address": address,
        "issued": str(issued),
    }
    assert code.initials == initials(name)


@given(
    st.sampled_from(("", "GD479", "HS401", "te101")),
    st.from_regex(r"\A[0-9]{10}\Z"),
    vietnamese,
    days,
    st.sampled_from("12"),
    st.lists(st.text("0123456789abcdef -", max_size=20), max_size=9),
)
def test_an_insurance_card_comes_back(
    group: str, number: str, name: str, born: date, gender: str, others: list[str]
) -> None:
    fields = (group + number, name.encode().hex(), f"{born:%d/%m/%Y}", gender, *others, "$")
    code = recognise("|".join(fields))
    assert (code.kind, code.identity, code.weak) == (Kind.BHYT, number, False)
    assert told(code.claims) == {
        "card": (group + number).upper(),
        "name": name,
        "birth": str(born),
        "gender": gender,
    }


# --- no kind raises on any text


def all_kinds(text: str) -> None:
    """Each kind by itself: in a row the first to know a text would keep it from the others."""
    for kind in KINDS:
        code = kind.recognise(text)
        assert code is None or isinstance(code, Code)
        if code is not None:
            told(code.claims)
    assert isinstance(recognise(text), Code)


@given(st.text())
def test_no_kind_raises_on_any_text(text: str) -> None:
    all_kinds(text)


@given(st.text(st.characters(codec=None), max_size=50), st.sampled_from([
    "HC1:", "GP1:", "GP", "shc:/", "shc:/1/1/", "NZCP:/1/", "NZCP:/", "mdoc:", "NZCOVIDTRACER:",
    "UKC19TRACING:1:", "GATEPOST-SITE:", "http://", "https://",
]))  # fmt: skip
def test_no_kind_raises_behind_any_prefix(text: str, prefix: str) -> None:
    all_kinds(prefix + text)


@given(st.lists(st.text(max_size=20) | digits, min_size=4, max_size=8))
def test_no_kind_raises_on_a_row_of_fields(row: list[str]) -> None:
    all_kinds("|".join(row))


@settings(max_examples=400)
@given(st.data())
def test_no_kind_raises_on_a_mutated_code(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        size = data.draw(st.integers(0, 3))
        put = data.draw(st.text(NASTY, max_size=2) | st.text(max_size=2) | st.just(text[:5]))
        text = text[:at] + put + text[at + size :]
    all_kinds(text)


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("nasty", [*NASTY, "9" * 5000, "A" * 4096, "ễ" * 4096, "\u0301" * 4096])
def test_no_kind_raises_on_a_nasty_field_anywhere(whole: str, nasty: str) -> None:
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        all_kinds(whole[:at] + nasty + whole[at:])
    for number in range(whole.count("|") + 1):
        fields = whole.split("|")
        fields[number] = nasty
        all_kinds("|".join(fields))


@pytest.mark.parametrize(
    "unit", ["|", "<", "0", "1|", "*", "/", ":", "QA", "A", "=", "\u0301", "٣"]
)
def test_no_kind_raises_on_what_is_repeated_to_the_longest(unit: str) -> None:
    for prefix in ("", "1|" * 4, "shc:/", "NZCP:/1/", "GP1:", "HC1:", "mdoc:", "https://"):
        all_kinds((prefix + unit * 7089)[:7089])
