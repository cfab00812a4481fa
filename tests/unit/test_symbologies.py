from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import segno
import zxingcpp

from gatepost.config.readers import CHECKED_BY, REFUSED, CameraReader
from gatepost.decoding import build_decoder
from gatepost.decoding.symbologies import DEFAULT, NAMES, formats_of, name_of
from gatepost.model import Frame, Symbol

if TYPE_CHECKING:
    from unit.pictures import Luma

# What each may hold, as zxing-cpp's writer wants it; all invented.
CONTENTS = {
    "qr": "gate 7",
    "micro-qr": "12345",
    "rmqr": "gate 7",
    "data-matrix": "gate 7",
    "aztec": "gate 7",
    "pdf417": "gate 7",
    "code-128": "gate-7",
    "code-93": "GATE7",
    "databar": "0100012345678905",
    "databar-limited": "0100012345678905",
    "databar-expanded": "[01]00012345678905",
    "ean-13": "2000000000015",
    "ean-8": "20000011",
    "upc-a": "200000000011",
    "upc-e": "01234565",
}
# A code of few digits is told in its longest form, the EAN-13 (GS1 General Specifications).
TOLD = {
    "databar-expanded": "0100012345678905",
    "upc-a": "0200000000011",
    "upc-e": "0012345000065",
}
WRITER = {
    "qr": "QRCode",
    "micro-qr": "MicroQRCode",
    "rmqr": "RMQRCode",
    "data-matrix": "DataMatrix",
    "aztec": "Aztec",
    "pdf417": "PDF417",
    "code-128": "Code128",
    "code-93": "Code93",
    "databar": "DataBarOmni",
    "databar-limited": "DataBarLtd",
    "databar-expanded": "DataBarExp",
    "ean-13": "EAN13",
    "ean-8": "EAN8",
    "upc-a": "UPCA",
    "upc-e": "UPCE",
}


SEVERAL = ("qr", "data-matrix", "code-128")


class Kind(NamedTuple):
    name: str


def written(name: str) -> Luma:
    """A symbol on white, with room around it; zxing-cpp writes all of them since 3.0."""
    form = getattr(zxingcpp.BarcodeFormat, WRITER[name], None)
    if form is None or not hasattr(zxingcpp, "create_barcode"):
        pytest.skip("zxing-cpp 2.x writes only some symbologies, and by another call")
    symbol = zxingcpp.create_barcode(CONTENTS[name], form)
    picture: Any = zxingcpp.write_barcode_to_image(symbol, scale=4)
    return np.pad(np.array(picture, np.uint8), 40, constant_values=255)


def found(luma: Luma, *names: str) -> list[Any]:
    plain = zxingcpp.TextMode.Plain
    return list(zxingcpp.read_barcodes(luma, formats=formats_of(names), text_mode=plain))


def drawn(code: segno.QRCode) -> Luma:
    rows = [list(row) for row in code.matrix_iter(scale=4, border=4)]
    return np.where(np.array(rows, np.uint8) > 0, 0, 255).astype(np.uint8)


def read(luma: Luma) -> Symbol:
    (symbol,) = build_decoder().decode(Frame(luma, 0.0))
    return symbol


@pytest.mark.parametrize("name", NAMES)
def test_what_is_offered_is_read_and_told_by_its_name(name: str) -> None:
    (symbol,) = found(written(name), name)
    assert symbol.valid
    assert (name_of(symbol.format), symbol.text) == (name, TOLD.get(name, CONTENTS[name]))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DEFAULT])
def test_what_is_not_asked_for_is_not_read(name: str) -> None:
    assert found(written(name), *DEFAULT) == []


@pytest.mark.parametrize("name", ["databar-limited", "databar-expanded"])
def test_databar_alone_does_not_mean_its_relatives(name: str) -> None:
    assert found(written(name), "databar") == []


def test_several_are_read_from_one_picture() -> None:
    both = np.vstack(
        [
            np.pad(written(name), ((0, 0), (0, 600)), constant_values=255)[:, :600]
            for name in SEVERAL
        ]
    )
    assert {name_of(symbol.format) for symbol in found(both, *SEVERAL)} == set(SEVERAL)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("QRCodeModel2", "qr"),
        ("QRCodeModel1", "qr"),
        ("AztecRune", "aztec"),
        ("DataBarExpanded", "databar-expanded"),
        ("DataBarExpStk", "databar-expanded"),
        ("DataBarStkOmni", "databar"),
        ("DataBarLimited", "databar-limited"),
        ("Code39", "code39"),
    ],
)
def test_the_names_of_other_versions_are_known(theirs: str, ours: str) -> None:
    assert name_of(Kind(theirs)) == ours


def test_the_configuration_offers_just_these() -> None:
    assert tuple(CHECKED_BY) == NAMES
    assert not set(REFUSED) & set(NAMES)
    reader = CameraReader(name="door", direction="in")
    assert reader.symbologies == DEFAULT


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("qr", "code-39"), "no symbology 'code-39'"),
        ((), "no symbology is named"),
    ],
)
def test_what_cannot_be_asked_for_is_told(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        formats_of(names)


@pytest.mark.parametrize("text", ["点茗", "漢字とかな", "日本語ノ門"])
def test_kanji_mode_is_read(text: str) -> None:
    symbol = read(drawn(segno.make_qr(text, encoding="shift_jis", mode="kanji")))
    assert (symbol.symbology, symbol.text) == ("qr", text)
    assert symbol.data == text.encode("shift_jis")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Nguyễn Văn Đặng", "utf-8"),
        ("Köln é", "iso-8859-1"),
        ("Žluťoučký kůň", "iso-8859-2"),
        ("Привет", "iso-8859-5"),
        ("Ελλάδα", "iso-8859-7"),
        ("10 € œ", "iso-8859-15"),
        ("10 € œ", "cp1252"),
        ("漢字とかなﾃｽﾄ", "shift_jis"),
        ("hi 漢", "utf-16be"),
        ("中文", "big5"),
        ("한국어", "euc_kr"),
    ],
)
def test_an_eci_says_what_the_bytes_mean(text: str, encoding: str) -> None:
    symbol = read(drawn(segno.make_qr(text, encoding=encoding, mode="byte", eci=True)))
    assert symbol.text == text
    assert symbol.data == text.encode(encoding)


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)),
        bytes(range(255, -1, -1)) * 4,
        b"\0",
        b"\xff\xfe\xfd",
        b"\x83\x65\x83\x58",  # would be Shift-JIS too
        b"\xc3",  # would begin UTF-8
        np.random.default_rng(4).bytes(1000),
    ],
    ids=["all", "turned", "nul", "high", "like-sjis", "cut-utf8", "noise"],
)
def test_bytes_that_are_no_text_survive(data: bytes) -> None:
    symbol = read(drawn(segno.make_qr(data, mode="byte")))
    assert symbol.data == data
    symbol.text.encode()  # whatever it shows: it can be sent on
