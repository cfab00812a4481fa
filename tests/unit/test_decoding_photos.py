"""The measure: real photos, which are kept outside of this repository."""

from __future__ import annotations

import json
import unicodedata

from gatepost.decoding import build_decoder
from gatepost.drivers.pictures import load_luma
from gatepost.model import Frame
from unit.pictures import photos

LEAST_READ = 446  # of 464; 451 measured with zxing-cpp 3.1.1 and zbar-py 1.0.4


def likened(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_photos_are_read_and_nothing_is_read_where_no_code_is() -> None:
    folder = photos()
    read = 0
    with build_decoder() as decoder:
        for line in (folder / "expected.jsonl").read_text("utf-8").splitlines():
            expected = json.loads(line)
            luma = load_luma(folder / expected["image"])
            found = {likened(each.text) for each in decoder.decode(Frame(luma, 0.0))}
            read += bool(found & {likened(text) for text in expected["texts"]})
            assert not (found and "falsepositives" in expected["image"]), expected["image"]
        assert not decoder.failures
    assert read >= LEAST_READ
