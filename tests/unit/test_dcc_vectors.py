"""Every published test vector of the EU, valid and broken, at its own clock."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepost import trust
from gatepost.codes import dcc
from gatepost.model import Checked, Reason, Stamp, Trust

# What a vector is not expected to pass, and the reasons that name that layer. The outermost
# first: what is broken there is broken further in, too.
_LAYERS: dict[str, set[Reason]] = {
    "EXPECTEDUNPREFIX": {Reason.DAMAGED_PREFIX},
    "EXPECTEDB45DECODE": {Reason.DAMAGED_ENCODING},
    "EXPECTEDCOMPRESSION": {Reason.DAMAGED_COMPRESSION},
    "EXPECTEDDECODE": {Reason.DAMAGED_STRUCTURE},
    "EXPECTEDVALIDOBJECT": {Reason.DAMAGED_STRUCTURE, Reason.DAMAGED_CONTENT},
    "EXPECTEDSCHEMAVALIDATION": {Reason.DAMAGED_CONTENT},
    "EXPECTEDVERIFY": {Reason.SIGNATURE_INVALID, Reason.ISSUER_UNKNOWN},
    "EXPECTEDKEYUSAGE": {Reason.ISSUER_NOT_ENTITLED},
    "EXPECTEDEXPIRATIONCHECK": {Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.ISSUER_NOT_VALID},
}


def _vectors() -> list[dict[str, Any]]:
    beside = Path(__file__).resolve().parents[3] / "shared"
    file = Path(os.environ.get("GATEPOST_SHARED", beside)) / "data" / "dgc" / "vectors.jsonl"
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


VECTORS = _vectors()
needed = pytest.mark.skipif(
    not VECTORS, reason="no vectors: set GATEPOST_SHARED to the folder that holds data/dgc"
)


def _at(clock: str) -> Stamp:
    time = datetime.fromisoformat(clock)
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return Stamp("0" * 32, 0, round(time.timestamp() * 1e6), synchronised=True, bound_us=0)


def _checked(vector: dict[str, Any]) -> Checked:
    code = dcc.recognise(vector["code"])
    assert code is not None
    trusted = trust.of_certificates([base64.b64decode(vector["certificate"])])
    return trust.check(code, trusted, _at(vector["clock"]))


def _failing(vector: dict[str, Any]) -> str:
    """The outermost layer of code that must not pass; a picture is no layer of the code."""
    return next((layer for layer in _LAYERS if vector["expected"].get(layer) is False), "")


@needed
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_vector_is_believed_or_refused_for_the_layer_that_is_broken(
    vector: dict[str, Any],
) -> None:
    checked = _checked(vector)
    layer = _failing(vector)
    if layer:
        assert checked.trust in {Trust.INVALID, Trust.UNKNOWN_KEY}
        assert checked.reason in _LAYERS[layer]
    else:
        assert (checked.trust, checked.reason) == (Trust.VERIFIED, None)


@needed
def test_the_vectors_hold_broken_ones_of_most_layers() -> None:
    layers = {_failing(vector) for vector in VECTORS}
    assert len(VECTORS) >= 140
    assert len(layers - {""}) >= 7


@needed
@pytest.mark.parametrize(
    "vector",
    [each for each in VECTORS if each["json"] and not _failing(each)],
    ids=lambda vector: vector["id"],
)
def test_the_claims_are_those_of_the_vector(vector: dict[str, Any]) -> None:
    code = dcc.recognise(vector["code"])
    assert code is not None
    told = code.claims
    assert isinstance(told, dcc.Dcc)
    content = vector["json"]
    sort = {"vaccination": "v", "test": "t", "recovery": "r"}[told.what]
    assert told.certificate in {each["ci"] for each in content[sort]}
    assert told.name_transliterated.startswith(content["nam"]["fnt"])
    assert told.birth == content["dob"][:10]
    assert code.identity == told.certificate
