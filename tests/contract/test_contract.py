"""The files of the contract against the code, both ways."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from contract import make_golden as golden
from gatepost import contract, signing, wire
from gatepost.canonical import canonical
from gatepost.central import Follower, asking, receipts
from gatepost.desired import Centre, Desire, When, check
from gatepost.errors import ContractError, DesiredRefused
from gatepost.model import Basis, Direction, Kind, Reason, Trust, Verdict
from gatepost.wire import bodies, commands

HOME = Path(contract.__file__).parent
EXAMPLES = contract.examples()
ASYNC: dict[str, Any] = yaml.safe_load(contract.read("asyncapi.yaml"))
EVENTS = sorted(name for name in EXAMPLES if name.startswith("event-"))
SEALED = EXAMPLES["sealed.jwe"].decode()
EVENT_DEFS = contract.schema("event")["$defs"]


# --- schemas


@pytest.mark.parametrize("name", contract.SCHEMAS)
def test_each_schema_is_one_itself(name: str) -> None:
    contract.validator(name).check_schema(contract.schema(name))


# In a trust list a "key" is one that verifies.
@pytest.mark.parametrize("name", [each for each in contract.SCHEMAS if each != "trust"])
def test_equal_definitions_stay_equal(name: str) -> None:
    for key, value in contract.schema(name)["$defs"].items():
        assert value == EVENT_DEFS[key]


def test_patterns_are_those_of_the_code() -> None:
    for name, pattern in (("name", bodies.NAME), ("hex32", bodies.HEX32), ("hex64", bodies.HEX64)):
        assert EVENT_DEFS[name]["pattern"] == f"^{pattern.pattern}$"
    assert EVENT_DEFS["count"]["maximum"] == bodies.EDGE - 1


def test_closed_lists_are_those_of_the_model() -> None:
    scan = EVENT_DEFS["scan"]["properties"]
    assert scan["direction"]["enum"] == [each for each in Direction if each is not Direction.AUTO]
    assert scan["trust"]["enum"] == list(Trust)
    assert scan["verdict"]["enum"] == list(Verdict)
    assert EVENT_DEFS["body"]["properties"]["clock"]["enum"] == list(bodies.CLOCK.values())
    assert contract.schema("health")["properties"]["clock"]["enum"] == list(bodies.CLOCK.values())


def test_open_lists_name_what_the_model_has_today() -> None:
    scan = EVENT_DEFS["scan"]["properties"]
    assert scan["kind"]["examples"] == list(Kind)
    assert scan["reason"]["examples"] == list(Reason)
    assert contract.schema("sealed")["properties"]["basis"]["examples"] == list(Basis)
    assert contract.schema("sealed")["properties"]["kind"]["examples"] == list(Kind)


def test_bodies_have_the_fields_of_the_records() -> None:
    for name, record in wire.RECORDS.items():
        schema = EVENT_DEFS[name]
        assert set(schema["properties"]) - {"type"} == {each.name for each in fields(record)}
        assert schema["properties"]["type"]["const"] == name


def test_reasons_are_those_of_the_model() -> None:
    assert list(contract.reasons()) == list(Reason)
    for entry in contract.reasons().values():
        assert entry.en
        assert entry.vi
        assert re.fullmatch(r"\d+\.\d+", entry.since)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_comes_with_the_verdict_of_the_model(reason: Reason) -> None:
    assert contract.reasons()[reason].verdict is reason.verdict


def test_what_the_first_version_published_is_what_it_was() -> None:
    first = {code: entry for code, entry in contract.reasons().items() if entry.since == "0.1"}
    assert {code: entry.verdict for code, entry in first.items()} == {
        "recorded": Verdict.ACCEPTED,
        "seen-already": Verdict.REPEATED,
        "poster-shown": Verdict.REFUSED,
        "link-shown": Verdict.NOT_UNDERSTOOD,
        "kind-unknown": Verdict.NOT_UNDERSTOOD,
        "kind-not-accepted": Verdict.REFUSED,
    }


# --- examples


@pytest.mark.parametrize("name", EVENTS)
def test_an_example_is_what_the_code_sends(name: str) -> None:
    event = dict(golden.events(SEALED))[name]
    body = wire.encode_body(event)
    assert wire.event_message(body).payload == EXAMPLES[name]
    assert wire.parse_event(EXAMPLES[name]) == (event, body)


def test_there_is_an_example_of_every_type() -> None:
    assert {json.loads(EXAMPLES[name])["data"]["type"] for name in EVENTS} == set(wire.RECORDS)


@pytest.mark.parametrize("name", EVENTS)
def test_an_example_fits_its_schema(name: str) -> None:
    assert not contract.problem("event", json.loads(EXAMPLES[name]))


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("state", "state.json"),
        ("health", "health.json"),
        ("checkpoint", "checkpoint-claims.json"),
        ("sealed", "sealed-plaintext.json"),
        ("desired-rules", "desired-rules.json"),
        ("trust", "desired-trust.json"),
        ("command", "command-resend.json"),
        ("command", "command-receipt.json"),
        ("response", "response.json"),
    ],
)
def test_the_other_examples_fit_theirs(schema: str, name: str) -> None:
    assert not contract.problem(schema, json.loads(EXAMPLES[name]))


def test_state_and_health_are_what_the_code_sends() -> None:
    assert golden.state().payload == EXAMPLES["state.json"]
    assert canonical(golden.HEALTH) == EXAMPLES["health.json"]
    schema = contract.schema("health")
    unnamed = set(golden.HEALTH) - set(schema["properties"])
    families = list(schema["patternProperties"])
    assert {each for each in families for key in unnamed if re.match(each, key)} == set(families)
    assert all(any(re.match(each, key) for each in families) for key in unnamed)


def test_the_checkpoint_is_what_the_code_signs_and_accepts() -> None:
    claims = golden.claims([event for _, event in golden.events(SEALED)])
    assert claims == EXAMPLES["checkpoint-claims.json"]
    token = golden.signer(EXAMPLES["station.pem"]).sign(claims, signing.CHECKPOINT)
    assert token.encode() == EXAMPLES["checkpoint.jws"]
    ca = x509.load_pem_x509_certificate(EXAMPLES["ca.pem"])
    told = signing.verify(token, signing.CHECKPOINT, [ca], datetime(2021, 9, 1, tzinfo=UTC))
    assert (told.payload, told.signer) == (claims, golden.STATION)


@pytest.mark.parametrize("what", wire.DESIRED)
def test_what_the_centre_desires_is_what_the_code_signs_and_takes(what: str) -> None:
    payload, token = EXAMPLES[f"desired-{what}.json"], EXAMPLES[f"desired-{what}.jws"]
    assert golden.desired(what) == payload
    own = golden.signer(EXAMPLES["central.pem"], golden.centre_key())
    assert own.sign(payload, f"gatepost-{what}").encode() == token
    ca = x509.load_pem_x509_certificate(EXAMPLES["ca.pem"])
    centre = Centre((ca,), own.name, golden.STATION, golden.SITE)
    when = When(datetime(2021, 9, 1, 7, tzinfo=UTC))
    taken = check(token, Desire(what), centre, 2, when)
    assert (taken.version, taken.signer) == (3, "central")
    with pytest.raises(DesiredRefused, match="held already"):
        check(token, Desire(what), centre, 3, when)


@pytest.mark.parametrize("name", ["resend", "receipt"])
def test_a_command_is_what_the_code_signs_and_parses(name: str) -> None:
    payload, token = EXAMPLES[f"command-{name}.json"], EXAMPLES[f"command-{name}.jws"]
    command = golden.command(name)
    assert command.claims() == payload
    own = golden.signer(EXAMPLES["central.pem"], golden.centre_key())
    assert own.sign(payload, wire.COMMAND).encode() == token
    ca = x509.load_pem_x509_certificate(EXAMPLES["ca.pem"])
    told = signing.verify(token.decode(), wire.COMMAND, [ca], datetime(2021, 9, 1, tzinfo=UTC))
    assert (told.signer, wire.parse_command(told.payload)) == ("central", command)


def test_the_response_and_what_is_sent_again_are_what_the_code_sends() -> None:
    assert golden.response().payload == EXAMPLES["response.json"]
    again = golden.replayed(EXAMPLES[golden.AGAIN], EXAMPLES["checkpoint.jws"])
    assert again == EXAMPLES["replay.jsonl"]


def test_a_follower_takes_the_replayed_examples() -> None:
    follower = Follower([x509.load_pem_x509_certificate(EXAMPLES["ca.pem"])])
    told = [json.loads(line) for line in EXAMPLES["replay.jsonl"].splitlines()]
    at_us = int(datetime(2021, 9, 1, 7, tzinfo=UTC).timestamp()) * 1_000_000
    kinds = [
        each.kind.value
        for message in told
        for each in follower.take(message["topic"], message["payload"].encode(), at_us)
    ]
    assert kinds == ["event", "duplicate", "checkpoint", "gap", "gap"]


def command(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(EXAMPLES["command-resend.json"]) | changes
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "gatepost-rules"},
        {"name": "Resend"},
        {"name": "restart"},
        {"of": None},
        {"of": []},
        {"of": [{"source": "st-1", "epoch": "00" * 16, "ranges": []}]},
        {"of": [{"source": "st-1", "epoch": "00" * 16, "ranges": [[1]]}]},
        {"of": [{"source": "st-1", "epoch": "00" * 16, "ranges": [[0, 1]]}]},
        {"of": [{"source": "st-1", "epoch": "00", "ranges": [[1, 1]]}]},
        {"of": [{"source": "st-1", "epoch": "00" * 16, "ranges": [[1, 1]], "more": 1}]},
        {"id": "-"},
        {"id": "x" * 65},
        {"issued": "yesterday"},
        {"expires": None},
        {"audience": []},
        {"audience": [5]},
        {"response_topic": "x" * 257},
        {"more": "of it"},
    ],
)
def test_a_command_that_a_station_would_not_take_does_not_fit(changes: dict[str, Any]) -> None:
    assert not contract.problem("command", command())
    assert not contract.problem("command", command(name="restart", of=None))
    told = command(**changes)
    assert contract.problem("command", told)
    with pytest.raises(ContractError):
        wire.parse_command(canonical(told))


def test_the_names_and_bounds_of_commands_are_those_of_the_code() -> None:
    schema = contract.schema("command")
    assert schema["properties"]["name"]["examples"] == list(wire.COMMANDS)
    assert ASYNC["channels"]["command"]["parameters"]["name"]["enum"] == list(wire.COMMANDS)
    ranges = schema["properties"]["of"]["items"]["properties"]["ranges"]
    assert ranges["maxItems"] == commands.MOST_RANGES == asking.MOST_RANGES == receipts.MOST_RANGES
    assert schema["properties"]["type"]["const"] == wire.COMMAND


def test_messages_hold_every_message_of_the_examples() -> None:
    told = [json.loads(line) for line in EXAMPLES["messages.jsonl"].splitlines()]
    names = ["state.json", *EVENTS, "checkpoint.jws", "health.json"]
    assert [each["payload"].encode() for each in told] == [EXAMPLES[name] for name in names]


# --- what the schemas refuse


def changed(name: str, **changes: Any) -> Any:
    event = json.loads(EXAMPLES[name])
    event["data"] |= changes
    return event


SCAN = "event-3-scan-sealed.json"


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 0},
        {"sequence": 2**53},
        {"direction": "auto"},
        {"verdict": "perhaps"},
        {"plain": "both"},
        {"sealed": "no-jwe"},
        {"site": "Upper"},
        {"extra": 1.5},
        {"extra": {"nested": 1}},
        {"kh\u00f3a": "not ASCII"},
        {"type": "fault"},
    ],
)
def test_a_broken_event_is_refused(changes: dict[str, Any]) -> None:
    assert contract.problem("event", changed(SCAN, **changes))


def test_additions_are_borne() -> None:
    assert not contract.problem("event", changed(SCAN, later="word", count=5, kind="new-kind"))
    event = changed("event-5-fault.json", type="weather", more="yes")
    event["type"] = "gatepost.weather.v1"
    assert not contract.problem("event", event)


def test_a_problem_tells_where_and_nothing_of_a_visitor() -> None:
    told = contract.problem("event", changed(SCAN, sealed="what a visitor showed"))
    assert "visitor" not in told


# --- AsyncAPI


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for value in node.values() for each in references(value)]
    if isinstance(node, list):
        return [each for value in node for each in references(value)]
    return []


def resolve(document: Any, pointer: str) -> Any:
    for part in filter(None, pointer.removeprefix("#").split("/")):
        document = document[part]
    return document


def test_every_reference_leads_somewhere() -> None:
    found = references(ASYNC)
    assert len(found) > 30
    for each in found:
        file, _, pointer = each.partition("#")
        assert resolve(json.loads((HOME / file).read_bytes()) if file else ASYNC, pointer)


@pytest.mark.parametrize("name", contract.SCHEMAS)
def test_every_reference_in_a_schema_leads_somewhere(name: str) -> None:
    for each in references(contract.schema(name)):
        assert resolve(contract.schema(name), each)


def test_every_topic_of_the_code_is_described() -> None:
    topics = wire.Topics("a-site", "a-station")
    channels = {address: key for key in ASYNC["channels"] for address in addresses(key)}
    several = {topics.desired, topics.commands}
    own = {getattr(topics, name) for name in dir(topics) if _is_topic(name)} - several
    named = {topics.event("scan"), topics.command(""), topics.response("")}
    assert channels.keys() == {*own, *topics.desired, *named}
    for channel in ASYNC["channels"].values():
        assert channel["x-gatepost-status"] == "stable"


def addresses(channel: str) -> set[str]:
    """The topics of a channel, each desired state its own."""
    places = {"site": "a-site", "station": "a-station", "type": "scan", "name": ""}
    address = ASYNC["channels"][channel]["address"]
    return {address.format(what=what, **places) for what in WANTED}


WANTED = ASYNC["components"]["parameters"]["what"]["enum"]


def test_what_can_be_desired_is_that_of_the_code() -> None:
    assert tuple(WANTED) == wire.DESIRED == tuple(Desire)
    for what in Desire:
        message = ASYNC["components"]["messages"][what]
        assert what.typ in message["title"]
        schema = json.loads((HOME / message["payload"]["schema"]["$ref"]).read_bytes())
        assert schema["properties"]["type"]["const"] == what.typ


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "gatepost-trust"},
        {"version": 0},
        {"version": "3"},
        {"issued": "yesterday"},
        {"audience": []},
        {"audience": ["A Site"]},
        {"rules": 5},
        {"more": "of it"},
    ],
)
def test_rules_that_a_station_would_not_take_do_not_fit(changes: dict[str, Any]) -> None:
    told = json.loads(EXAMPLES["desired-rules.json"])
    assert not contract.problem("desired-rules", told)
    assert contract.problem("desired-rules", told | changes)


def _is_topic(name: str) -> bool:
    return isinstance(getattr(wire.Topics, name), property) and name != "root"


def test_event_types_are_those_of_the_code() -> None:
    assert ASYNC["channels"]["event"]["parameters"]["type"]["enum"] == list(wire.RECORDS)
    branches = contract.schema("event")["oneOf"][:-1]
    assert [each["properties"]["type"]["const"] for each in branches] == [
        f"gatepost.{name}.v1" for name in wire.RECORDS
    ]
    other = contract.schema("event")["oneOf"][-1]["properties"]["data"]["properties"]["type"]
    assert other["not"]["enum"] == list(wire.RECORDS)


def test_quality_and_retention_are_those_of_the_code() -> None:
    for operation in ASYNC["operations"].values():
        assert operation["bindings"]["mqtt"]["qos"] == 1
    retained = {
        operation["channel"]["$ref"].rpartition("/")[2]: operation["bindings"]["mqtt"]["retain"]
        for operation in ASYNC["operations"].values()
    }
    body = wire.encode_body(next(golden.events(SEALED))[1])
    assert retained["event"] is wire.event_message(body).retain
    assert retained["state"] is golden.state().retain
    assert retained["desired"] is retained["desiredOfSite"] is True
    assert set(retained) == set(ASYNC["channels"])


def test_the_content_type_is_that_of_the_code() -> None:
    assert ASYNC["components"]["messages"]["event"]["contentType"] == wire.CONTENT_TYPE


# --- the document for those who write a central server


def test_the_worked_example_works() -> None:
    code = re.search(r"```python\n(.*?)```", contract.read("README.md").decode(), re.DOTALL)
    assert code
    done = subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=HOME / "examples",
        capture_output=True,
        check=True,
        timeout=30,
        text=True,
    )
    assert done.stdout == "complete up to 6\npc-covid GP-EXAMPLE|nobody|0001\n"


def test_the_page_names_every_schema_and_stable_topic() -> None:
    page = contract.read("README.md").decode()
    for name in (*contract.SCHEMAS, *wire.RECORDS, *wire.DESIRED, *wire.COMMANDS, "replay"):
        assert name in page
    assert len(page.split()) < 2500  # four pages
