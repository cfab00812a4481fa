from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt import publish

from brokers import HOST, Running, free_port, mosquitto, needs_mosquitto
from contract.sending import NOW_US, Station, altered, visit
from gatepost import contract
from gatepost.central import show
from gatepost.central.cli import main
from gatepost.central.findings import Finding, FindingKind
from gatepost.central.follow import Follower
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.model import AuditRecord, ClockRecord, EpochRecord, FaultRecord, Message, Stamp
from gatepost.signing import load_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatepost.model import Record

RUN = "from gatepost.central.cli import main; raise SystemExit(main())"
EXAMPLES = contract.examples()
PRIVATE = "central-private.EXAMPLE-ONLY.jwk"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _log_restored() -> Iterator[None]:
    """The command sets up the log of the process, which is ours where it runs in here."""
    root, own = logging.getLogger(), logging.getLogger("gatepost")
    before = (root.handlers[:], root.level, own.level)
    yield
    root.handlers[:], root.level, own.level = before


def send(broker: Running, messages: Iterable[Message]) -> None:
    told: Any = [(each.topic, each.payload, 1, each.retain) for each in messages]
    publish.multiple(told, hostname=broker.host, port=broker.port)


@contextmanager
def watching(broker: Running, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A watch in a process of its own that has subscribed: it has shown a retained message."""
    state = Message("gatepost/v1/a-site/st-0/state", EXAMPLES["state.json"], retain=True)
    send(broker, [state])
    command = [sys.executable, "-c", RUN, "watch", "--port", str(broker.port), *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout
            assert "online" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out.splitlines(), err


@needs_mosquitto
def test_until_all_is_complete(broker: Running, authority: AuthorityFiles) -> None:
    station = Station()
    messages = [*station.visitors(3), station.checkpoint(authority)]
    options = ("--authority", str(authority.ca), "--until-complete", "--for", "30")
    with watching(broker, *options) as watch:
        send(broker, messages)
        status, lines, _ = end(watch)
    assert status == 0
    assert "a-site/st-1  event  #2  in    cccd  accepted  recorded" in lines[1]
    assert lines[-1].endswith("chain ok, proved complete: 1 of 1 epochs")
    assert "events 4, duplicates 0, lacking 0" in lines[-1]


@needs_mosquitto
def test_gaps_are_told_and_give_1(broker: Running, authority: AuthorityFiles) -> None:
    station = Station()
    messages = [*station.visitors(3), station.checkpoint(authority)]
    with watching(broker, "--authority", str(authority.ca), "--json", "--count", "3") as watch:
        send(broker, [messages[0], messages[0], messages[3], messages[4], messages[1]])
        status, lines, _ = end(watch)
    told = [json.loads(each) for each in lines]
    assert status == 1
    assert [each["kind"] for each in told[:5]] == [
        "event", "duplicate", "event", "checkpoint", "gap",
    ]  # fmt: skip
    assert (told[4]["sequence"], told[4]["last"]) == (2, 3)
    assert told[-1]["lacking"] == 1
    assert told[-1]["duplicates"] == 1


@needs_mosquitto
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_its_summary(broker: Running, number: signal.Signals) -> None:
    with watching(broker) as watch:
        watch.send_signal(number)
        status, lines, err = end(watch)
    assert status == 0
    assert "stations 0, events 0" in lines[-1]
    assert "checkpoints are not verified" in err


@needs_mosquitto
def test_what_was_before_is_no_gap_where_asked_so(
    broker: Running, authority: AuthorityFiles
) -> None:
    station = Station()
    station.visitors(5)
    messages = [*station.visitors(2), station.checkpoint(authority), *station.visitors(1)]
    options = ("--authority", str(authority.ca), "--from-now", "--count", "3")
    with watching(broker, *options) as watch:
        send(broker, messages)
        status, lines, _ = end(watch)
    assert (status, "lacking 0" in lines[-1]) == (0, True)


@needs_mosquitto
def test_complete_from_now(broker: Running, authority: AuthorityFiles) -> None:
    station = Station()
    station.visitors(5)
    early = station.checkpoint(authority)
    messages = [early, *station.visitors(2), station.checkpoint(authority)]
    options = ("--authority", str(authority.ca), "--from-now", "--until-complete", "--for", "30")
    with watching(broker, *options) as watch:
        send(broker, messages)
        status, lines, _ = end(watch)
    assert (status, "events 2" in lines[-1]) == (0, True)
    assert lines[-1].endswith("complete: 1 of 1 epochs, from the first event that came on")


@needs_mosquitto
def test_a_session_that_is_lost_says_why(broker: Running) -> None:
    with watching(broker) as watch:
        broker.stop()
        assert watch.stderr
        assert "looking on" in watch.stderr.readline() + watch.stderr.readline()
        assert ' warning session lost why="' in watch.stderr.readline()
        watch.send_signal(signal.SIGINT)
        status, _, _ = end(watch)
    assert status == 0


@needs_mosquitto
def test_visitors_are_shown_only_where_the_key_is_given(broker: Running, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(EXAMPLES[PRIVATE])
    told = [json.loads(each) for each in EXAMPLES["messages.jsonl"].splitlines()]
    messages = [Message(each["topic"], each["payload"].encode()) for each in told]
    shown = {}
    for options in ((), ("--unseal", str(key)), ("--json",), ("--json", "--unseal", str(key))):
        with watching(broker, "--count", "6", *options) as watch:
            send(broker, messages)
            shown[options] = "\n".join(end(watch)[1])
    for options, text in shown.items():
        given = "--unseal" in options
        assert ("GP-EXAMPLE" in text) is given
        assert ("poster" in text.replace("poster-shown", "")) is given
        assert "eyJ" not in text


@needs_mosquitto
def test_a_visitor_of_another_event_is_not_shown(broker: Running, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(EXAMPLES[PRIVATE])
    told = [json.loads(each) for each in EXAMPLES["messages.jsonl"].splitlines()]
    scan = next(each for each in told if "event-scan" in each["topic"].replace("/", "-"))
    message = Message(scan["topic"], scan["payload"].encode())
    with watching(broker, "--count", "1", "--unseal", str(key)) as watch:
        send(broker, [altered(message, boot_us=7)])
        _, lines, err = end(watch)
    assert "GP-EXAMPLE" not in "".join(lines)
    assert "another event" in err


@needs_mosquitto
def test_another_key_is_said_once_a_visitor_and_ends_nothing(
    broker: Running, authority: AuthorityFiles
) -> None:
    told = [json.loads(each) for each in EXAMPLES["messages.jsonl"].splitlines()]
    messages = [Message(each["topic"], each["payload"].encode()) for each in told]
    options = ("--count", "6", "--unseal", str(authority.sealing_private))
    with watching(broker, *options) as watch:
        send(broker, messages)
        status, _, err = end(watch)
    assert status == 0
    assert "central-example-only" in err


# --- without a broker


def test_nobody_there_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--port", str(free_port())]) == 2
    assert HOST in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--certificate", "x", "--key", "y"],
        ["--ca", "x", "--key", "y"],
        ["--until-complete"],
        ["--authority", "missing"],
        ["--unseal", "missing"],
    ],
)
def test_what_does_not_go_together_is_2(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", *options]) == 2
    assert capsys.readouterr().err.startswith(("gatepost-central: ", "no --authority"))


@pytest.mark.parametrize("options", [[], ["dance"], ["watch", "--port", "x"], ["unseal"]])
def test_wrong_usage_is_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["watch", "ask", "unseal"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"gatepost-central {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_unseal_opens_and_says_what_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_bytes(EXAMPLES[PRIVATE])
    assert main(["unseal", "--key", str(key), EXAMPLES["sealed.jwe"].decode()]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["identity"] == "GP-EXAMPLE-0001"
    assert "Nguyễn Văn Mẫu" in shown
    for garbage in ("nonsense", "a", "đ", "e30.", "AAAA.x"):
        assert main(["unseal", "--key", str(key), garbage]) == 1
        told = capsys.readouterr().err
        assert told.startswith("gatepost-central: not a JWE")
        assert "codec" not in told
    assert main(["unseal", "--key", str(tmp_path / "missing"), "nonsense"]) == 2


def test_unseal_reads_a_list(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(EXAMPLES[PRIVATE])
    given = EXAMPLES["sealed.jwe"].decode() + "\nnonsense\n" + EXAMPLES["sealed.jwe"].decode()
    done = subprocess.run(
        [sys.executable, "-c", RUN, "unseal", "--key", str(key), "-"],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)


# --- lines


def found(*messages: Message) -> list[Finding]:
    follower = Follower([])
    return [each for told in messages for each in follower.take(told.topic, told.payload, NOW_US)]


def test_every_record_has_a_line_and_json() -> None:
    station = Station()
    records: list[Record] = [
        EpochRecord("first-start"),
        ClockRecord(-7, 3),
        visit(),
        FaultRecord("oled", "failed", "gone"),
        AuditRecord("restart", "somebody", "done", "why"),
    ]
    findings = found(*[station.record(each) for each in records])
    lines = "\n".join(show.line(each) for each in findings)
    for word in ("first-start", "-7 us", "accepted", "oled failed: gone", "restart by somebody"):
        assert word in lines
    assert [json.loads(show.as_json(each))["kind"] for each in findings] == ["event"] * 5


def test_nothing_that_is_sent_moves_the_cursor() -> None:
    sent = Station().record(FaultRecord("oled", "failed", "\x1b[2J\r\n\u202e\u2028 \x9b31m đ"))
    bad = Message("gatepost/v1/a/\x1b[31m/state", b"{}")
    for finding in found(sent, bad, altered(sent, type="\x07")):
        assert show.line(finding).isprintable()
        assert show.as_json(finding).isascii()
    assert "đ" in show.line(found(sent)[0])


def test_a_time_that_is_not_sure_is_said_so_until_it_is() -> None:
    class Unsure(Station):
        def stamp(self) -> Stamp:
            return replace(super().stamp(), synchronised=False, wall_us=5)

    station, follower = Unsure(), Follower([])
    sent = [*station.visitors(1), station.record(ClockRecord(NOW_US, 40)), *station.visitors(1)]
    told = [each for one in sent for each in follower.take(one.topic, one.payload, NOW_US)]
    lines = [show.line(each) for each in told]
    assert "time not sure" in lines[1]
    assert "  time  #3  boot_id=" in lines[3]
    assert "true time within 140 us" in lines[4]
    shown = json.loads(show.as_json(told[4]))
    assert (shown["time"], shown["time_bound_us"]) == ("2023-11-14T22:13:23.000000Z", 140)
    assert "time" not in json.loads(show.as_json(told[1]))


def test_who_brought_it_is_shown() -> None:
    message = Station().visitors(0)[0]
    (finding,) = found(Message("gatepost/v1/a-site/st-2/replay", message.payload))
    assert "brought by 'st-2'" in show.line(finding)
    told = json.loads(show.as_json(finding))
    assert (told["kind"], told["via"], told["source"]) == ("brought", "st-2", "st-1")


def test_conditions_are_an_object_in_json() -> None:
    (finding,) = found(Message("gatepost/v1/a-site/st-0/health", EXAMPLES["health.json"]))
    told = json.loads(show.as_json(finding))["facts"]
    assert told["conditions"] == json.loads(EXAMPLES["health.json"])["conditions"]


def test_readable_json_stays_one_line_and_utf_8() -> None:
    told = {"text": "Đỗ \ud800 \x9b31m\u2028\u202e\x1b\n \U000e0001"}
    line = show.json_line(told)
    assert "Đỗ" in line
    assert line.isprintable()
    assert json.loads(line.encode()) == told


def followed(authority: AuthorityFiles, *messages: Message) -> tuple[Follower, show.Summary]:
    follower, summary = Follower(load_certificates(authority.ca)), show.Summary(from_now=True)
    for each in messages:
        summary.add(follower.take(each.topic, each.payload, NOW_US))
    return follower, summary


def test_complete_from_the_first_event_on(authority: AuthorityFiles) -> None:
    station = Station()
    station.visitors(5)
    early = station.checkpoint(authority)
    one, two, three = station.visitors(3)
    late = station.checkpoint(authority)
    for messages, complete in (
        ((), False),
        ((early,), False),
        ((early, one), False),  # nothing that came is proved yet
        ((early, one, two, three), False),
        ((early, one, two, late), False),
        ((early, one, three, late), False),
        ((early, one, three, two, late), True),
        ((early, two, three, late), True),
        ((late, three), True),
        ((late, altered(three, boot_us=1)), False),
        ((altered(three, boot_us=1), late), False),
        ((one, altered(two, boot_us=1), three, late), False),
    ):
        follower, summary = followed(authority, *messages)
        assert summary.all_complete(follower.statuses()) is complete, messages


def test_the_summary_counts() -> None:
    station, clone = Station(), Station(boot="cd" * 16)
    follower, summary = Follower([]), show.Summary(from_now=False)
    for each in (*station.visitors(2), *clone.visitors(1), Message("gatepost/v1/a/b/state", b"")):
        summary.add(follower.take(each.topic, each.payload, NOW_US))
    told = summary.told(follower.statuses())
    assert (told["events"], told["conflicts"], told["invalid"], told["stations"]) == (3, 2, 1, 1)
    assert summary.wrong(follower.statuses())
    assert "conflicts 2" in summary.text(follower.statuses())
    assert summary.counts[FindingKind.CONFLICT] == 2
