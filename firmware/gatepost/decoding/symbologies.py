"""Symbologies by our own names, which the wire and the configuration use, and by zxing-cpp's.

Only what checks itself is here: Code 39, ITF and Codabar need no check character, so that a part
of a symbol may pass for the whole; the configuration's reference tells more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zxingcpp

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = ("qr", "micro-qr")
# For each name: what asks zxing-cpp for it, the first that it knows; and what zxing-cpp may call
# what it found then. 3.x tells the members of a family apart, and means all of it by its name:
# there "QRCode" would read rMQR too. 2.x knows the families' names alone.
_ZXING = {
    "qr": (("QRCodeModel1|QRCodeModel2", "QRCode"), ("QRCode", "QRCodeModel1", "QRCodeModel2")),
    "micro-qr": (("MicroQRCode",), ("MicroQRCode",)),
    "rmqr": (("RMQRCode",), ("RMQRCode",)),
    "data-matrix": (("DataMatrix",), ("DataMatrix",)),
    "aztec": (("Aztec",), ("Aztec", "AztecCode", "AztecRune")),
    "pdf417": (("PDF417",), ("PDF417", "CompactPDF417")),
    "code-128": (("Code128",), ("Code128",)),
    "code-93": (("Code93",), ("Code93",)),
    "databar": (
        ("DataBarOmni", "DataBar"),
        ("DataBar", "DataBarOmni", "DataBarStk", "DataBarStkOmni"),
    ),
    "databar-limited": (("DataBarLtd", "DataBarLimited"), ("DataBarLimited", "DataBarLtd")),
    "databar-expanded": (
        ("DataBarExp", "DataBarExpanded"),
        ("DataBarExpanded", "DataBarExp", "DataBarExpStk"),
    ),
    "ean-13": (("EAN13",), ("EAN13", "ISBN")),
    "ean-8": (("EAN8",), ("EAN8",)),
    "upc-a": (("UPCA",), ("UPCA",)),
    "upc-e": (("UPCE",), ("UPCE",)),
}
NAMES = tuple(_ZXING)
_OURS = {theirs: ours for ours, (_, found) in _ZXING.items() for theirs in found}


def formats_of(names: Iterable[str]) -> Any:
    """What to give zxing-cpp as `formats`, to read the symbologies of these `names`.

    Raises ValueError for a name that is not one of NAMES, one that the zxing-cpp at hand cannot
    read, and for no name at all, which zxing-cpp would take for all.
    """
    asked = []
    for name in names:
        if name not in _ZXING:
            raise ValueError(f"there is no symbology {name!r}")
        asked.append(_asked(name))
    if not asked:
        raise ValueError("no symbology is named")
    # As a text: the operator | of 2.x is deprecated in 3.x, the tuple of 3.x unknown to 2.x.
    return zxingcpp.barcode_formats_from_str("|".join(asked))


def name_of(barcode_format: Any) -> str:
    """Our name for the format of a symbol; zxing-cpp's own, in small letters, for any other."""
    theirs: str = barcode_format.name
    return _OURS.get(theirs, theirs.lower())


def _asked(name: str) -> str:
    """What the zxing-cpp at hand calls it. Raises ValueError where it knows nothing of the kind."""
    for theirs in _ZXING[name][0]:
        if all(hasattr(zxingcpp.BarcodeFormat, each) for each in theirs.split("|")):
            return theirs
    raise ValueError(f"this zxing-cpp cannot read {name}: a newer one is needed")
