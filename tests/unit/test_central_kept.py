"""What is kept at a real broker that is killed, by a watch that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import pytest
from paho.mqtt import publish

from brokers import Running, free_port, mosquitto, needs_mosquitto
from contract.sending import EPOCH, Station, altered
from contract.stand_in import StandIn, body_of
from gatepost import contract, wire
from gatepost.canonical import canonical
from gatepost.central import Session
from gatepost.central.cli import main
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatepost.central.session import Version

RUN = "from gatepost.central.cli import main; raise SystemExit(main())"
# What a broker acknowledged and did not write down yet is lost with it, as by default for 30 min.
FORGETFUL = ("persistence true", "autosave_interval 3600")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), "st-1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    with mosquitto(tmp_path) as running:
        yield running


@contextmanager
def watching(
    broker: Running,
    authority: AuthorityFiles,
    folder: Path,
    *more: str,
    out: IO[str] | int = subprocess.PIPE,
    json_: bool = True,
) -> Iterator[subprocess.Popen[str]]:
    """A watch that keeps: with a state, a lasting name and receipts."""
    options = ["--state", str(folder / "watch.db"), "--client-id", "watch-1"]
    options += ["--authority", str(authority.ca), "--port", str(broker.port)]
    options += ["--json"] if json_ else []
    options += ["--sign-certificate", str(authority.central_certificate)]
    options += ["--sign-key", str(authority.central_key)]
    command = [sys.executable, "-c", RUN, "watch", *options, *more]
    with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], kind: str, sequence: int = 0) -> list[dict[str, object]]:
    """Read what it prints, up to the first of a kind."""
    assert process.stdout
    told = []
    for line in process.stdout:
        told.append(json.loads(line))
        if told[-1]["kind"] == kind and told[-1].get("sequence", 0) >= sequence:
            return told
    raise AssertionError(told)


def end(process: subprocess.Popen[str]) -> tuple[int, dict[str, object]]:
    out, err = process.communicate(timeout=30)
    assert out, err
    return process.returncode, json.loads(out.splitlines()[-1])


@needs_mosquitto
def test_what_a_killed_broker_had_acknowledged_is_asked_for_and_complete(
    tmp_path: Path, authority: AuthorityFiles
) -> None:
    station = Station()
    messages = station.visitors(40)
    with StandIn(station, authority) as stand_in:
        with mosquitto(tmp_path, extra=(*FORGETFUL, f"persistence_location {tmp_path}/")) as broker:
            stand_in.connect(broker.port)
            with watching(broker, authority, tmp_path) as watch:
                until(watch, "state")  # it has subscribed
                stand_in.send(messages[:10])
                until(watch, "event", 10)
                watch.kill()
            stand_in.send(messages[10:30])  # acknowledged: the station need not send it again
            broker.process.kill()
            broker.process.wait(10)
        stand_in.leave()
        with mosquitto(
            tmp_path, port=broker.port, extra=(*FORGETFUL, f"persistence_location {tmp_path}/")
        ) as again:
            with watching(again, authority, tmp_path, "--until-complete", "--for", "50") as watch:
                stand_in.connect(again.port)
                stand_in.send([*messages[30:], station.checkpoint(authority)])
                status, told = end(watch)
            stand_in.until(lambda it: any(each.name == "resend" for each in it.commands))
    assert (status, told["complete"], told["lacking"]) == (0, 1, 0)


@needs_mosquitto
def test_a_watch_that_is_killed_goes_on_and_knows_its_duplicates(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    messages = station.visitors(9)
    with StandIn(station, authority).connect(broker.port) as stand_in:
        with watching(broker, authority, tmp_path) as watch:
            until(watch, "state")
            stand_in.send(messages[:5])
            stand_in.send([station.checkpoint(authority)])
            until(watch, "checkpoint")
            watch.kill()
        stand_in.send([*messages[5:], *messages[:3]])
        with watching(broker, authority, tmp_path, "--until-complete", "--for", "40") as watch:
            status, told = end(watch)
    assert status == 0
    assert told["duplicates"] in range(3, 9)  # and what it had not settled when it was killed
    assert told["complete"] == told["epochs"] == 1


@needs_mosquitto
def test_a_receipt_comes_once_all_is_settled(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    stand_in = StandIn(station, authority).connect(broker.port)
    with stand_in, watching(broker, authority, tmp_path) as watch:
        until(watch, "state")
        stand_in.send([*station.visitors(9), station.checkpoint(authority)])
        stand_in.until(lambda it: list(it.receipted) == [(1, 10)])


@needs_mosquitto
def test_what_is_lost_for_good_ends_with_1(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    messages = station.visitors(9)
    stand_in = StandIn(station, authority, held={7, 8, 9, 10}).connect(broker.port)
    with stand_in, watching(broker, authority, tmp_path) as watch:
        until(watch, "state")
        stand_in.send([*messages[:4], *messages[7:], station.checkpoint(authority)])
        (*_, lost) = until(watch, "lost")
        watch.terminate()
        status, told = end(watch)
    assert (lost["sequence"], lost["last"]) == (5, 6)
    assert (status, told["lost"]) == (1, 2)


@needs_mosquitto
def test_what_the_broker_still_holds_is_heard_before_anything_is_called_complete(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    with StandIn(station, authority).connect(broker.port) as stand_in:
        stand_in.send([*station.visitors(9), station.checkpoint(authority)])
        with watching(broker, authority, tmp_path, "--until-complete", "--for", "20") as watch:
            until(watch, "state")
            stand_in.send([*station.visitors(0), *station.sent, station.checkpoint(authority)])
            assert end(watch)[0] == 0
        more = station.visitors(9)
        stand_in.send([*more[:4], *more[5:], station.checkpoint(authority)])
        with watching(
            broker, authority, tmp_path, "--until-complete", "--for", "2", "--no-receipts"
        ) as watch:
            status, told = end(watch)
    assert (status, told["lacking"]) == (1, 1)


@needs_mosquitto
def test_a_clone_that_was_found_before_a_restart_still_gives_1(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    messages = station.visitors(3)
    with StandIn(station, authority).connect(broker.port) as stand_in:
        with watching(broker, authority, tmp_path) as watch:
            until(watch, "state")
            stand_in.send([*messages, altered(messages[-1], reader="b4ck")])
            until(watch, "conflict")
            watch.terminate()
            assert end(watch)[0] == 1
        with watching(broker, authority, tmp_path, "--for", "1") as watch:
            status, told = end(watch)
    assert (status, told["conflicts"]) == (1, 1)


@needs_mosquitto
@pytest.mark.parametrize("signal", ["kill", "terminate"])
def test_a_file_that_is_appended_to_holds_every_event_whole_after_a_stop(
    broker: Running, authority: AuthorityFiles, tmp_path: Path, signal: str
) -> None:
    station = Station()
    file = tmp_path / "events.jsonl"
    pending = range(2, 602)
    with StandIn(station, authority).connect(broker.port) as stand_in:
        with watching(broker, authority, tmp_path) as watch:
            until(watch, "state")  # from here on the broker keeps what comes
        stand_in.send(station.visitors(0))
        for first in (0, 200, 400):
            with file.open("a") as out, watching(broker, authority, tmp_path, out=out) as watch:
                stand_in.send(station.visitors(200), wait=False)
                stand_in.until(lambda it, least=first + 40: it.receipted.count() > least)
                getattr(watch, signal)()
                watch.wait(20)
            with file.open("a") as out:  # as where it was killed in the middle of a line
                out.write('{"kind": "event", "rec')
        stand_in.send([station.checkpoint(authority)])
        with file.open("a") as out:
            options = ("--until-complete", "--for", "30")
            with watching(broker, authority, tmp_path, *options, out=out) as watch:
                assert watch.wait(40) == 0
    bodies = {}
    for line in file.read_text().splitlines():
        with suppress(ValueError):
            told = json.loads(line)
            if told["kind"] == "event":
                bodies[told["sequence"]] = canonical(told["event"])
    assert bodies.keys() == {1, *pending}
    assert all(bodies[number] == body_of(station.sent[number - 1]) for number in bodies)


@needs_mosquitto
def test_what_watch_wrote_can_be_unsealed(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    examples = contract.examples()
    sealed = json.loads(examples["messages.jsonl"].splitlines()[3])
    topic, payload = sealed["topic"], sealed["payload"].encode()
    with watching(broker, authority, tmp_path, "--count", "1") as watch:
        publish.single(topic, payload, 1, port=broker.port, retain=True)
        out, _ = watch.communicate(timeout=20)
    key = tmp_path / "central.jwk"
    key.write_bytes(examples["central-private.EXAMPLE-ONLY.jwk"])
    command = [sys.executable, "-c", RUN, "unseal", "--key", str(key), "-"]
    told = subprocess.run(command, input=out, stdout=subprocess.PIPE, text=True, check=True)
    (line,) = told.stdout.splitlines()
    assert json.loads(line)["id"].endswith(f"-{json.loads(payload)['data']['sequence']}")


@needs_mosquitto
def test_lines_of_text_are_no_ground_for_a_receipt(
    broker: Running, authority: AuthorityFiles, tmp_path: Path
) -> None:
    station = Station()
    with StandIn(station, authority).connect(broker.port) as stand_in:
        stand_in.send([*station.visitors(3), station.checkpoint(authority)])
        with watching(broker, authority, tmp_path, "--for", "4", json_=False) as watch:
            stand_in.send([*station.sent, station.checkpoint(authority)])
            _, err = watch.communicate(timeout=20)
        assert not stand_in.receipted
    assert "no receipts" in err


# --- asking by hand


def ask(broker: Running, authority: AuthorityFiles, *words: str) -> int:
    signs = ["--sign-certificate", str(authority.central_certificate)]
    signs += ["--sign-key", str(authority.central_key)]
    return main(["ask", *words, "--site", "a-site", "--port", str(broker.port), *signs])


@needs_mosquitto
@pytest.mark.parametrize("name", ["identify", "selftest", "restart"])
def test_a_station_is_asked_by_hand(
    broker: Running, authority: AuthorityFiles, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with StandIn(Station(), authority).connect(broker.port) as stand_in:
        assert ask(broker, authority, name, "st-1") == 0
        (command,) = stand_in.commands
    assert (command.name, command.audience, command.of) == (name, ("st-1",), ())
    assert capsys.readouterr().out == "st-1: done: as asked\n"


@needs_mosquitto
def test_events_are_asked_for_by_hand(
    broker: Running, authority: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    station = Station()
    station.visitors(9)
    options = ("--epoch", EPOCH, "--ranges", "2-4,7", "--json")
    with StandIn(station, authority).connect(broker.port) as stand_in:
        assert ask(broker, authority, "resend", "st-1", *options) == 0
        (command,) = stand_in.commands
    assert command.of == (wire.Ranges("st-1", EPOCH, ((2, 4), (7, 7))),)
    assert json.loads(capsys.readouterr().out)["outcome"] == "done"


@needs_mosquitto
def test_who_refuses_and_who_is_not_there_give_1(
    broker: Running, authority: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unwilling(StandIn):
        def _answer(self, command: wire.Command, outcome: str, detail: str) -> None:
            super()._answer(command, "refused", f"not \x1b[2J {outcome} {detail}")

    with Unwilling(Station(), authority).connect(broker.port):
        assert ask(broker, authority, "restart", "st-1") == 1
    assert capsys.readouterr().out == "st-1: refused: not \\x1b[2J done as asked\n"
    assert ask(broker, authority, "restart", "st-1", "--wait", "0.1") == 1
    assert "is it online?" in capsys.readouterr().out


@needs_mosquitto
def test_who_may_not_command_is_told_so(
    tmp_path: Path, authority: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read #\n")
    with mosquitto(tmp_path, extra=[f"acl_file {rights}"]) as broker:
        assert ask(broker, authority, "restart", "st-1") == 2
    assert "does not take" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["identify", "St-1"],
        ["identify", "st-1", "--epoch", EPOCH],
        ["resend", "st-1"],
        ["resend", "st-1", "--epoch", EPOCH],
        ["resend", "st-1", "--epoch", EPOCH, "--ranges", "4-2"],
        ["resend", "st-1", "--epoch", EPOCH, "--ranges", "1-x"],
        ["resend", "st-1", "--epoch", "1", "--ranges", "1-2"],
        ["resend", "st-1", "--epoch", EPOCH, "--ranges", "1", "--of", "St"],
        ["identify", "st-1", "--key", "x"],
        ["identify", "st-1"],
    ],
)
def test_what_cannot_be_asked_is_2(
    words: list[str], authority: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    signs = ["--sign-certificate", str(authority.central_certificate)]
    signs += ["--sign-key", str(authority.central_key), "--port", str(free_port())]
    assert main(["ask", *words, "--site", "a-site", *signs]) == 2
    assert capsys.readouterr().err.startswith("gatepost-central: ")


@pytest.mark.parametrize(
    "options",
    [
        ["--state", "watch.db"],
        ["--topic", "$share/group/gatepost/v1/#"],
        ["--sign-certificate", "x"],
        ["--sign-certificate", "x", "--sign-key", "y"],
        ["--source", "St-1"],
        ["--source", "st-1", "--topic", "gatepost/v1/#"],
        ["--state", "/nonexistent/watch.db", "--client-id", "watch-1"],
    ],
)
def test_what_cannot_be_watched_is_2(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--port", str(free_port()), *options]) == 2
    assert "gatepost-central: " in capsys.readouterr().err


def test_a_shared_subscription_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="shared subscription"):
        Session("localhost", 1, topics=["$share/group/gatepost/v1/#"])


# --- the session underneath


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_was_not_acknowledged_comes_again(broker: Running, protocol: Version) -> None:
    def session() -> Session:
        who: Any = {"client_id": "c", "persistent": True, "manual": True}
        return Session(broker.host, broker.port, protocol=protocol, **who)

    with session() as first:
        for number in range(3):
            publish.single("gatepost/v1/a/b/health", str(number), 1, port=broker.port)
        got = first.next_message(5)
        assert got is not None
        assert got.payload == b"0"
        first.acknowledge()
        assert first.next_message(5) is not None
    with session() as second:
        payloads = []
        while (got := second.next_message(1)) is not None:
            payloads.append(got.payload)
        second.acknowledge()
    assert payloads == [b"1", b"2"]
    with session() as third:
        assert third.next_message(0.3) is None


@needs_mosquitto
def test_what_is_published_is_confirmed_or_known_to_be_lost(tmp_path: Path) -> None:
    told: list[str] = []
    with mosquitto(tmp_path) as broker, Session(broker.host, broker.port) as session:
        session.publish("gatepost/v1/a/b/command/identify", b"x", told.append)
        got = session.next_message(5)
        assert got is not None
        assert got.payload == b"x"
        session.next_message(0.2)
        assert told == [""]
        broker.stop()
        session.next_message(0.3)
        session.publish("gatepost/v1/a/b/command/identify", b"x", told.append)
    assert told == ["", "the session was lost"]
