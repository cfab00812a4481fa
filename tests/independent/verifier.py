"""Checks a station's messages without a line of gatepost: the contract, read by somebody else.

    python tests/independent/verifier.py messages.jsonl ca.pem [central-private.jwk]

One message a line, {"topic": ..., "payload": "the text that travelled"}; a folder stands for the
messages.jsonl in it. Ends with 1 where something does not hold. No JOSE or JCS library.
"""

# ruff: noqa: PTH123 - no pathlib: the imports are few on purpose

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator

EDGE = 2**53
CLOUD = {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}
CLIENT = x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH
SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


class Broken(Exception):
    """Something does not hold; the text says what."""


def need(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


# JSON, one form only (RFC 8785), for flat objects of strings and whole numbers


def canonical(flat: dict[str, Any]) -> bytes:
    ordered = sorted(flat.items(), key=lambda item: item[0].encode("utf-16-be"))
    return ("{" + ",".join(f"{quote(k)}:{scalar(v)}" for k, v in ordered) + "}").encode()


def scalar(value: object) -> str:
    if type(value) is str:
        return quote(value)
    need(type(value) is int and -EDGE < value < EDGE, f"{value!r} is no string or whole number")
    return str(value)


def quote(text: str) -> str:
    return f'"{"".join(map(escape, text))}"'


def escape(character: str) -> str:
    code = ord(character)
    need(not 0xD800 <= code < 0xE000, "half of a surrogate pair")
    return SHORT.get(code) or (f"\\u{code:04x}" if code < 32 else character)


def parse(payload: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(payload.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        raise Broken(f"no JSON: {error}") from error
    need(isinstance(value, dict), "no JSON object")
    return value


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len(dict(pairs)) == len(pairs), "a key twice in one object")
    return dict(pairs)


def event(topic: str, payload: bytes) -> tuple[dict[str, Any], str]:
    """The body of an event message and its hash; its envelope agrees with it."""
    outer = parse(payload)
    need(set(outer) == CLOUD, f"attributes are {sorted(outer)}")
    body = outer["data"]
    need(isinstance(body, dict), "data is no object")
    need(all(key.isascii() for key in body), "a key is not ASCII")
    for name in ("source", "site", "epoch", "previous", "type"):
        need(type(body.get(name)) is str, f"{name} is no string")
    form = canonical(body)
    stated = {
        "specversion": "1.0",
        "id": f"{body['epoch']}-{body.get('sequence')}",
        "source": body["source"],
        "type": f"gatepost.{body['type']}.v1",
        "time": utc(whole(body, "wall_us")),
        "datacontenttype": "application/json",
    }
    for name, value in stated.items():
        need(outer[name] == value, f"{name} is {outer[name]!r}, by the body {value!r}")
    need(payload == b'{"data":' + form + b"," + canonical(stated)[1:], "not in canonical form")
    need(whole(body, "sequence") >= 1, "sequence is below 1")
    parts, own = topic.split("/"), [body["site"], body["source"], "event", body["type"]]
    need(parts[4] != "event" or parts[2:] == own, topic)
    return body, hashlib.sha256(form).hexdigest()


def whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or not 0 <= value < EDGE:
        raise Broken(f"{name} is {value!r}")
    return value


def utc(wall_us: int) -> str:
    """RFC 3339 of microseconds since 1970, by the calendar of the C library."""
    seconds, micro = divmod(wall_us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{micro:06}Z"


def unpad(text: str) -> bytes:
    """The bytes of base64url without padding; of its spellings only the one that is right."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Broken(f"no base64url: {error}") from error
    need(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, "no base64url")
    return data


def checkpoint(topic: str, payload: bytes, authority: x509.Certificate) -> dict[str, Any]:
    """The claims of a checkpoint whose signature, certificate and place hold."""
    parts = payload.decode("ascii", "replace").split(".")
    need(len(parts) == 3, "no compact JWS")
    header = parse(unpad(parts[0]))
    need(header.get("typ") == "gatepost-checkpoint", f"typ is {header.get('typ')!r}")
    need("crit" not in header, "crit is not understood")
    try:
        chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in header["x5c"]]
        trusted(chain, authority)
        leaf = chain[0]
        signature(str(header.get("alg")), leaf.public_key(), parts)
    except (InvalidSignature, KeyError, ValueError, TypeError) as error:
        raise Broken(f"certificate or signature: {error!r}") from error
    claims = parse(unpad(parts[1]))
    need(canonical(claims) == unpad(parts[1]), "claims are not in canonical form")
    moment = whole(claims, "wall_us") / 1_000_000
    for each in chain:
        begin, end = each.not_valid_before_utc.timestamp(), each.not_valid_after_utc.timestamp()
        need(begin <= moment <= end, "a certificate was not valid then")
    place = topic.split("/")
    names = [each.value for each in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    need(names == [claims.get("source")] == [place[3]], f"signed by {names}")
    need(claims.get("site") == place[2], "of another site")
    need(whole(claims, "sequence") >= 1, "sequence is below 1")
    need({type(claims.get(name)) for name in ("epoch", "hash")} == {str}, "epoch or hash")
    return claims


def trusted(chain: list[x509.Certificate], authority: x509.Certificate) -> None:
    """Each is issued by the next, the last by the authority; none does what it may not."""
    need(1 <= len(chain) <= 4, f"{len(chain)} certificates")
    above = [each for each in chain[1:] if each != authority] + [authority]
    for below, (one, issuer) in enumerate(zip(chain, above, strict=False)):
        one.verify_directly_issued_by(issuer)
        basic, usage = said(issuer, x509.BasicConstraints), said(issuer, x509.KeyUsage)
        need(basic and basic.ca and (not usage or usage.key_cert_sign), "issued by no authority")
        need(basic.path_length is None or basic.path_length >= below, "the chain is too long")
    basic, usage = said(chain[0], x509.BasicConstraints), said(chain[0], x509.KeyUsage)
    need(not (basic and basic.ca) and (not usage or usage.digital_signature), "no station's")
    need(CLIENT in (said(chain[0], x509.ExtendedKeyUsage) or [CLIENT]), "no client's certificate")


def said(certificate: x509.Certificate, kind: Any) -> Any:
    return next((each.value for each in certificate.extensions if each.oid == kind.oid), None)


def signature(algorithm: str, key: object, parts: list[str]) -> None:
    signed, given = f"{parts[0]}.{parts[1]}".encode(), unpad(parts[2])
    if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
        need(len(given) == 64 and key.curve.name == "secp256r1", "no ES256 signature")
        halves = (int.from_bytes(given[:32], "big"), int.from_bytes(given[32:], "big"))
        key.verify(utils.encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
    elif algorithm == "Ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(given, signed)
    else:
        raise Broken(f"algorithm {algorithm!r} does not fit the key")


def unseal(token: str, jwk: dict[str, str]) -> bytes:
    """The plaintext of a JWE: ECDH-ES on X25519, Concat KDF by hand, A256GCM."""
    parts = token.split(".")
    need(len(parts) == 5 and parts[1] == "", "no compact JWE of direct key agreement")
    header = parse(unpad(parts[0]))
    need((header.get("alg"), header.get("enc")) == ("ECDH-ES", "A256GCM"), "algorithms")
    need(header.get("kid") == jwk["kid"], f"sealed to key {header.get('kid')!r}")
    need(set(header) == {"alg", "enc", "kid", "epk"}, "more in the header than is understood")
    try:
        ephemeral = x25519.X25519PublicKey.from_public_bytes(unpad(header["epk"]["x"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"epk: {error!r}") from error
    shared = x25519.X25519PrivateKey.from_private_bytes(unpad(jwk["d"])).exchange(ephemeral)
    info = b"\0\0\0\7A256GCM" + b"\0\0\0\0" * 2 + b"\0\0\1\0"  # no apu, no apv, 256 bits
    key = hashlib.sha256(b"\0\0\0\1" + shared + info).digest()
    vector, sealed, tag = map(unpad, parts[2:])
    try:
        return AESGCM(key).decrypt(vector, sealed + tag, parts[0].encode())
    except InvalidTag as error:
        raise Broken("sealed to another key, or altered") from error


def opened(body: dict[str, Any], jwk: dict[str, str]) -> None:
    """What is sealed in a scan: of this event, and of a length that tells nothing."""
    plain = unseal(body["sealed"], jwk)
    need(len(plain) % 256 == 0, "the plaintext is not padded")
    told = parse(plain)
    binding = ("source", "boot_id", "boot_us")
    need(all(told.get(name) == body.get(name) for name in binding), "sealed for another event")


def verify(
    messages: list[tuple[str, bytes]], authority_pem: bytes, jwk: dict[str, str] | None = None
) -> list[str]:
    """What does not hold in `messages` ((topic, payload) in any order); empty: everything does."""
    authority = x509.load_pem_x509_certificate(authority_pem)
    problems, heads = [], []
    chains: dict[tuple[str, str], dict[int, tuple[str, str]]] = {}
    for number, (topic, payload) in enumerate(messages, 1):
        try:
            kind = kind_of(topic)
            if kind in {"event", "replay"}:
                body, digest = event(topic, payload)
                chain = chains.setdefault((body["source"], body["epoch"]), {})
                known = chain.setdefault(body["sequence"], (digest, body["previous"]))
                need(known[0] == digest, f"another event {body['sequence']} (a cloned card)")
                if jwk and "sealed" in body:
                    opened(body, jwk)
            elif kind == "checkpoint":
                heads.append(checkpoint(topic, payload, authority))
        except Broken as broken:
            problems.append(f"message {number} ({topic}): {broken}")
    for key, chain in chains.items():
        problems += linked(
            key, chain, [head for head in heads if key == (head["source"], head["epoch"])]
        )
    return problems


def kind_of(topic: str) -> str:
    parts = topic.split("/")
    need(parts[:2] == ["gatepost", "v1"] and len(parts) > 4, "no topic of the contract")
    return parts[4]


def linked(
    key: tuple[str, str], chain: dict[int, tuple[str, str]], heads: list[dict[str, Any]]
) -> Iterator[str]:
    """What does not hold in the chain of one epoch, up to its newest checkpoint."""
    name = "{} {}".format(*key)
    if not heads:
        yield f"{name}: no checkpoint"
    last, hashed = 0, "0" * 64
    for sequence in sorted(chain):
        if sequence > last + 1:
            yield f"{name}: events {last + 1} to {sequence - 1} are missing"
        elif chain[sequence][1] != hashed:
            yield f"{name}: event {sequence} does not follow the one before it"
        last, hashed = sequence, chain[sequence][0]
    newest = max((head["sequence"] for head in heads), default=0)
    if newest > last:
        yield f"{name}: events {last + 1} to {newest} are missing"
    for head in heads:
        if chain.get(head["sequence"], (None,))[0] not in {None, head["hash"]}:
            yield f"{name}: the checkpoint signs another event {head['sequence']}"


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def main(arguments: list[str]) -> int:
    if not 2 <= len(arguments) <= 3:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    path = arguments[0] if arguments[0].endswith(".jsonl") else arguments[0] + "/messages.jsonl"
    jwk = json.loads(read(arguments[2])) if arguments[2:] else None
    told = [json.loads(each) for each in read(path).splitlines()]
    messages = [(each["topic"], each["payload"].encode()) for each in told]
    problems = verify(messages, read(arguments[1]), jwk)
    result = "\n".join(problems) or f"all holds: {len(messages)} messages"
    sys.stdout.write(f"{result}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
